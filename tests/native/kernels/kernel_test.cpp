// Properties of the kernels beside agreement with the oracle, for which see case_test.cpp.
#include <algorithm>
#include <cmath>
#include <limits>

#include "support.hpp"

namespace esper_test {
namespace {

class KernelTest : public IsaTest {};

constexpr int32_t kLayouts[] = {ESPER_LAYOUT_NCHW, ESPER_LAYOUT_TOKENS};

TEST_P(KernelTest, EmptyTensorsLeaveEmptySums) {
  const Context context = make_context(GetParam(), 2);
  for (const int32_t layout : kLayouts) {
    const Problem problem = mixed_problem(layout, 0, 9, 8);
    for (const esper_seed_sums& sums : run(problem, context.get()).sums) {
      EXPECT_EQ(sums.elements, 0);
      EXPECT_EQ(sums.input_sum + sums.module_sum + sums.parameter_gradient_square, 0.0);
      EXPECT_EQ(sums.hidden_dead, 0);
    }
    Problem none(5, layout, 2, 9);
    none.finish(1);
    const Results results = run(none, context.get());
    EXPECT_TRUE(same_bits(results.y, none.x));
    EXPECT_TRUE(same_bits(results.dx, none.dy));
  }
}

// A plain sum of a million tenths in binary32 is wrong by a thousandth.
TEST_P(KernelTest, LongSumsOverPositionsStayExact) {
  constexpr int64_t kPositions = int64_t{1} << 20;
  const Context context = make_context(GetParam(), 1);
  for (const int32_t layout : kLayouts) {
    for (const int32_t family : {ESPER_FAMILY_AFFINE, ESPER_FAMILY_BOTTLENECK}) {
      Problem problem(2, layout, 1, kPositions);
      problem.seeds = {make_seed(0, 2, family, 1)};
      problem.seeds[0].alpha = 1.0F;
      problem.finish(3);
      std::fill(problem.dy.begin(), problem.dy.end(), 0.1F);
      const Results results = run(problem, context.get());
      // The last parameters are those of the output's bias, whose gradient is the sum of dy.
      const int64_t end = problem.seeds[0].parameter_offset + (family == ESPER_FAMILY_AFFINE ? 4 : 7);
      for (int64_t i = end - 2; i < end; ++i) {
        const auto gradient = static_cast<double>(results.dtheta[static_cast<std::size_t>(i)]);
        EXPECT_NEAR(gradient / (0.1 * static_cast<double>(kPositions)), 1.0, 2e-5)
            << "family " << family << " layout " << layout;
      }
    }
  }
}

TEST_P(KernelTest, GeluIsWithinItsAbsoluteError) {
  // W1 = (1, 0) and W2 = (0, 1) hand channel 1, which is 0, the plain gelu of channel 0.
  constexpr std::size_t kPoints = 4001;
  const Context context = make_context(GetParam(), 1);
  Problem problem(2, ESPER_LAYOUT_TOKENS, 1, kPoints);
  problem.seeds = {make_seed(0, 2, ESPER_FAMILY_BOTTLENECK, 1)};
  problem.seeds[0].alpha = 1.0F;
  problem.finish(2);
  float* p = problem.theta.data() + problem.seeds[0].parameter_offset;
  std::fill(p, p + 7, 0.0F);
  p[0] = 1.0F;
  p[4] = 1.0F;
  for (std::size_t i = 0; i < kPoints; ++i) {
    problem.x[2 * i] = -10.0F + 0.005F * static_cast<float>(i);
    problem.x[2 * i + 1] = 0.0F;
  }
  problem.x[2 * 2000] = 0.0F;
  problem.x[2 * 7] = std::numeric_limits<float>::quiet_NaN();
  const Results results = run(problem, context.get());
  const ReferenceResults reference = run_reference(problem);
  for (std::size_t i = 0; i < kPoints; ++i) {
    if (i != 7) {
      // Table and polynomial 3e-8, and the rounding of values up to 10.
      const double bound = 1e-7 + 1.2e-7 * std::fabs(reference.y[2 * i + 1]);
      EXPECT_NEAR(static_cast<double>(results.y[2 * i + 1]), reference.y[2 * i + 1], bound) << problem.x[2 * i];
    }
  }
  EXPECT_EQ(results.y[2 * 2000 + 1], 0.0F) << "gelu(0)";
  EXPECT_TRUE(std::isnan(results.y[2 * 7 + 1]));
}

TEST_P(KernelTest, SumsSayWhetherTheModuleRan) {
  const Context context = make_context(GetParam(), 2);
  const Problem problem = mixed_problem(ESPER_LAYOUT_NCHW, 2, 70, 12);
  const Results results = run(problem, context.get());
  for (std::size_t s = 0; s < problem.seeds.size(); ++s) {
    EXPECT_EQ(results.sums[s].evaluated, problem.seeds[s].stage == ESPER_STAGE_DORMANT ? 0 : 1);
  }
}

// Biases far from 0 decide which hidden units live, whatever the data.
TEST_P(KernelTest, DeadHiddenUnitsAreCounted) {
  const Context context = make_context(GetParam(), 3);
  for (const int32_t layout : kLayouts) {
    for (const int32_t activation : {ESPER_ACTIVATION_RELU, ESPER_ACTIVATION_GELU}) {
      for (const int32_t family : {ESPER_FAMILY_BOTTLENECK, ESPER_FAMILY_GATE, ESPER_FAMILY_DEPTHWISE}) {
        for (const int64_t positions : {1, 9, 70}) {
          Problem problem(9, layout, 2, positions);
          problem.seeds = {make_seed(1, 7, family, 7)};
          problem.seeds[0].activation = activation;
          problem.finish(12);
          const int64_t weights = family == ESPER_FAMILY_DEPTHWISE ? 7 * 9 : 7 * 7;
          float* bias = problem.theta.data() + problem.seeds[0].parameter_offset + weights;
          for (int i = 0; i < 7; ++i) {
            bias[i] = i == 2 || i == 6 ? -1000.0F : 1000.0F;
          }
          const Results results = run(problem, context.get());
          EXPECT_EQ(results.sums[0].hidden_units, 7);
          EXPECT_EQ(results.sums[0].hidden_dead, 2) << "family " << family << " activation " << activation;
        }
      }
    }
  }
}

// A unit is dead only if it is so everywhere: one position of one batch item keeps it alive.
TEST_P(KernelTest, OneLivePositionKeepsAHiddenUnit) {
  const Context context = make_context(GetParam(), 3);
  for (const int32_t family : {ESPER_FAMILY_BOTTLENECK, ESPER_FAMILY_DEPTHWISE}) {
    for (const float value : {0.0F, 100.0F}) {
      Problem problem(3, ESPER_LAYOUT_NCHW, 4, 63, 9);
      problem.seeds = {make_seed(0, 3, family, 3)};
      problem.seeds[0].activation = ESPER_ACTIVATION_RELU;
      problem.finish(12);
      std::fill(problem.x.begin(), problem.x.end(), 0.0F);
      const std::size_t weights = family == ESPER_FAMILY_DEPTHWISE ? 27 : 9;
      float* p = problem.theta.data() + problem.seeds[0].parameter_offset;
      std::fill(p, p + weights, 1.0F);
      std::fill(p + weights, p + weights + 3, -1.0F);
      problem.x[problem.at(3, 1, 62)] = value;
      const int64_t all = 3;
      const int64_t alive = value == 0.0F ? 0 : family == ESPER_FAMILY_DEPTHWISE ? 1 : 3;
      EXPECT_EQ(run(problem, context.get()).sums[0].hidden_dead, all - alive);
    }
  }
}

// What kernels compute behind the last position and beside the image, where x is 0, must not count as evaluated.
TEST_P(KernelTest, PaddingKeepsNoHiddenUnitAlive) {
  const Context context = make_context(GetParam(), 1);
  for (const int32_t layout : kLayouts) {
    for (const int32_t family : {ESPER_FAMILY_BOTTLENECK, ESPER_FAMILY_DEPTHWISE}) {
      Problem problem(3, layout, 1, 9, 3);
      problem.seeds = {make_seed(0, 3, family, 3)};
      problem.seeds[0].activation = ESPER_ACTIVATION_RELU;
      problem.finish(12);
      std::fill(problem.x.begin(), problem.x.end(), -1000.0F);
      float* p = problem.theta.data() + problem.seeds[0].parameter_offset;
      const std::size_t weights = family == ESPER_FAMILY_DEPTHWISE ? 27 : 9;
      std::fill(p, p + weights, 0.0F);
      for (std::size_t c = 0; c < 3; ++c) {
        p[family == ESPER_FAMILY_DEPTHWISE ? 9 * c + 4 : 4 * c] = 1.0F;  // Unit c sees channel c at its own position.
        p[weights + c] = 1.0F;
      }
      EXPECT_EQ(run(problem, context.get()).sums[0].hidden_dead, 3) << "family " << family;
    }
  }
}

// Outputs of this size are written past the caches where they are aligned; only the way to memory may differ.
TEST_P(KernelTest, LargeAlignedOutputsEqualThoseInPlace) {
  const Context context = make_context(GetParam(), 2);
  Problem problem(512, ESPER_LAYOUT_TOKENS, 1, 4096 + 5);
  problem.seeds = {make_seed(0, 37, ESPER_FAMILY_BOTTLENECK, 2), make_seed(48, 464, ESPER_FAMILY_LOWRANK, 1)};
  problem.finish(3);
  const Lattice lattice = problem.lattice();
  constexpr std::size_t kLine = 16;
  const std::size_t count = problem.x.size();
  std::vector<float> memory(2 * count + 3 * kLine, 7.0F);
  const auto address = reinterpret_cast<std::uintptr_t>(memory.data());
  float* y = memory.data() + (64 - address % 64) % 64 / sizeof(float);
  float* dx = y + count + (kLine - count % kLine) % kLine;
  ASSERT_EQ(esper_lattice_forward(lattice.get(), context.get(), &problem.shape, problem.theta.data(),
                                  problem.theta_count(), problem.x.data(), y),
            ESPER_OK);
  ASSERT_EQ(
      esper_lattice_backward(lattice.get(), context.get(), &problem.shape, problem.theta.data(), problem.theta_count(),
                             problem.x.data(), problem.dy.data(), dx, nullptr, nullptr, nullptr),
      ESPER_OK);
  const Results in_place = run(problem, context.get(), true);
  EXPECT_TRUE(same_bits(std::vector<float>(y, y + count), in_place.y));
  EXPECT_TRUE(same_bits(std::vector<float>(dx, dx + count), in_place.dx));
}

TEST_P(KernelTest, EveryOutputIsOptional) {
  const Context context = make_context(GetParam(), 2);
  const Problem problem = mixed_problem(ESPER_LAYOUT_TOKENS, 1, 65, 21);
  const Lattice lattice = problem.lattice();
  const Results all = run(problem, context.get());
  for (unsigned mask = 0; mask < 8; ++mask) {
    std::vector<float> dx(problem.x.size());
    std::vector<float> dtheta(problem.theta.size());
    std::vector<float> dalpha(problem.seeds.size());
    ASSERT_EQ(esper_lattice_backward(lattice.get(), context.get(), &problem.shape, problem.theta.data(),
                                     problem.theta_count(), problem.x.data(), problem.dy.data(),
                                     (mask & 1U) != 0 ? dx.data() : nullptr, (mask & 2U) != 0 ? dtheta.data() : nullptr,
                                     (mask & 4U) != 0 ? dalpha.data() : nullptr, nullptr),
              ESPER_OK)
        << esper_last_error();
    EXPECT_TRUE((mask & 1U) == 0 || same_bits(dx, all.dx)) << mask;
    EXPECT_TRUE((mask & 2U) == 0 || same_bits(dtheta, all.dtheta)) << mask;
    EXPECT_TRUE((mask & 4U) == 0 || same_bits(dalpha, all.dalpha)) << mask;
  }
}

ESPER_FOR_EVERY_ISA(KernelTest);

}  // namespace
}  // namespace esper_test
