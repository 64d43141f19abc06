// Every instruction set against the oracle, at sizes around every blocking factor.
#include "support.hpp"

namespace esper_test {
namespace {

class KernelTest : public IsaTest {};

constexpr int32_t kLayouts[] = {ESPER_LAYOUT_NCHW, ESPER_LAYOUT_TOKENS};

std::string describe(const Problem& problem) {
  const esper_lattice_seed& seed = problem.seeds[0];
  return "C " + std::to_string(seed.channel_count) + " R " + std::to_string(seed.rank) + " positions " +
         std::to_string(problem.shape.positions) + " batch " + std::to_string(problem.shape.batch) + " layout " +
         std::to_string(problem.shape.layout) + " family " + std::to_string(seed.family) + " activation " +
         std::to_string(seed.activation) + " blend " + std::to_string(seed.blend) + " stage " +
         std::to_string(seed.stage) + " alpha " + std::to_string(seed.alpha);
}

void check(const Problem& problem, esper_context* context, bool in_place) {
  expect_matches(run(problem, context, in_place), run_reference(problem), describe(problem));
}

// Sizes are crossed in full; family, activation, blend and batch rotate at periods without a common factor.
TEST_P(KernelTest, MatchesOracleAtAwkwardSizes) {
  const Context context = make_context(GetParam(), 2);
  uint32_t turn = 0;
  for (const int32_t layout : kLayouts) {
    for (const int32_t channels : {1, 2, 3, 5, 16, 17, 64}) {
      for (const int32_t rank : {1, 3, 4, 8, 16, 33}) {
        for (const int64_t positions : {1, 7, 16, 63, 64, 100}) {
          Problem problem(channels + 3, layout, turn % 2 == 0 ? 1 : 3, positions);
          problem.seeds = {make_seed(2, channels,
                                     turn % 7 < 5    ? ESPER_FAMILY_BOTTLENECK
                                     : turn % 7 == 5 ? ESPER_FAMILY_LOWRANK
                                                     : ESPER_FAMILY_AFFINE,
                                     rank, static_cast<int32_t>(turn % 5))};
          problem.seeds[0].activation = static_cast<int32_t>((turn / 5) % 5);
          problem.finish(turn + 1);
          check(problem, context.get(), turn % 3 == 0);
          ++turn;
        }
      }
    }
  }
}

TEST_P(KernelTest, MatchesOracleForEveryFamilyActivationBlendAndStage) {
  const Context context = make_context(GetParam(), 2);
  uint32_t turn = 0;
  for (int32_t family = 0; family <= ESPER_FAMILY_BOTTLENECK; ++family) {
    for (int32_t activation = 0; activation <= ESPER_ACTIVATION_SIGMOID; ++activation) {
      for (int32_t blend = 0; blend <= ESPER_BLEND_CONFIDENCE; ++blend) {
        for (const int32_t stage : {ESPER_STAGE_TRAINING, ESPER_STAGE_BLENDING, ESPER_STAGE_FOSSILIZED}) {
          for (const float alpha : {0.0F, 0.4F, 1.0F}) {
            Problem problem(13, kLayouts[turn % 2], 2, 35);
            problem.seeds = {make_seed(1, 11, family, 6, blend)};
            problem.seeds[0].activation = activation;
            problem.seeds[0].stage = stage;
            problem.seeds[0].alpha = alpha;
            problem.seeds[0].kappa = turn % 2 == 0 ? 0.0F : 0.5F;
            problem.finish(turn + 1);
            check(problem, context.get(), false);
            ++turn;
          }
        }
      }
    }
  }
}

TEST_P(KernelTest, MatchesOracleForMixedLattices) {
  const Context context = make_context(GetParam(), 3);
  for (const int32_t layout : kLayouts) {
    for (const bool in_place : {false, true}) {
      const Problem problem = mixed_problem(layout, 3, 77, 5);
      expect_matches(run(problem, context.get(), in_place), run_reference(problem), "mixed lattice");
    }
  }
}

// Wide chunks force the smallest tiles; many positions force many of them.
TEST_P(KernelTest, MatchesOracleForWideChunksAndLongSequences) {
  const Context context = make_context(GetParam(), 2);
  for (const int32_t layout : kLayouts) {
    Problem wide(700, layout, 1, 40);
    wide.seeds = {make_seed(0, 700, ESPER_FAMILY_BOTTLENECK, 130)};
    wide.finish(3);
    check(wide, context.get(), false);
    Problem longer(8, layout, 1, 5000);
    longer.seeds = {make_seed(0, 8, ESPER_FAMILY_BOTTLENECK, 4)};
    longer.finish(4);
    check(longer, context.get(), true);
  }
}

TEST_P(KernelTest, ActivationsSurviveLargeArguments) {
  const Context context = make_context(GetParam(), 1);
  for (int32_t activation = 0; activation <= ESPER_ACTIVATION_SIGMOID; ++activation) {
    for (const float scale : {1e-3F, 4.0F, 30.0F, 200.0F}) {
      Problem problem(4, ESPER_LAYOUT_NCHW, 1, 64);
      problem.seeds = {make_seed(0, 4, ESPER_FAMILY_BOTTLENECK, 4)};
      problem.seeds[0].activation = activation;
      problem.finish(11);
      for (float& value : problem.x) {
        value *= scale;
      }
      // Without biases the small scale reaches the activation as it is.
      for (std::size_t i = 0; i < 4; ++i) {
        problem.theta[static_cast<std::size_t>(problem.seeds[0].parameter_offset) + 16 + i] = 0.0F;
        problem.theta[static_cast<std::size_t>(problem.seeds[0].parameter_offset) + 36 + i] = 0.0F;
      }
      check(problem, context.get(), false);
    }
  }
}

TEST_P(KernelTest, GeluKeepsItsLowerTail) {
  // One channel, unit weights, y - x = alpha gelu(x): far below 0 only relative accuracy tells the tail from 0.
  const Context context = make_context(GetParam(), 1);
  Problem problem(2, ESPER_LAYOUT_TOKENS, 1, 64);
  problem.seeds = {make_seed(0, 2, ESPER_FAMILY_BOTTLENECK, 1)};
  problem.seeds[0].stage = ESPER_STAGE_TRAINING;
  problem.seeds[0].kappa = 1.0F;
  problem.finish(2);
  float* p = problem.theta.data() + problem.seeds[0].parameter_offset;
  for (int i = 0; i < 7; ++i) {
    p[i] = 0.0F;
  }
  p[0] = 1.0F;  // W1 = (1, 0), b1 = 0, W2 = (1, 0), b2 = 0
  p[3] = 1.0F;
  for (int i = 0; i < 64; ++i) {
    problem.x[static_cast<std::size_t>(2 * i)] = -3.0F - 0.08F * static_cast<float>(i);
    problem.dy[static_cast<std::size_t>(2 * i)] = 0.0F;
    problem.dy[static_cast<std::size_t>(2 * i + 1)] = 0.0F;
  }
  check(problem, context.get(), false);
}

TEST_P(KernelTest, EmptyTensorsAndEmptyLatticesAreFine) {
  const Context context = make_context(GetParam(), 2);
  for (const int32_t layout : kLayouts) {
    for (const int64_t batch : {0, 2}) {
      for (const int64_t positions : {0, 9}) {
        const Problem problem = mixed_problem(layout, batch, positions, 8);
        const Results results = run(problem, context.get());
        expect_matches(results, run_reference(problem), "empty tensor");
        EXPECT_EQ(results.sums[0].elements, batch * positions * 16);
        EXPECT_EQ(results.dalpha[8], 0.0F);
      }
    }
    Problem none(5, layout, 2, 9);
    none.finish(1);
    const Results results = run(none, context.get());
    EXPECT_TRUE(same_bits(results.y, none.x));
    EXPECT_TRUE(same_bits(results.dx, none.dy));
  }
}

TEST_P(KernelTest, AThousandSeeds) {
  const Context context = make_context(GetParam(), 2);
  for (const int32_t layout : kLayouts) {
    Problem problem(2500, layout, 1, 5);
    for (int32_t i = 0; i < 1000; ++i) {
      int32_t begin = 0;
      int32_t count = 0;
      ASSERT_EQ(esper_chunk(2500, 1000, i, &begin, &count), ESPER_OK) << esper_last_error();
      problem.seeds.push_back(make_seed(begin, count, i % 3, 2, i % 5));
    }
    problem.finish(17);
    check(problem, context.get(), false);
  }
}

TEST_P(KernelTest, SumsMatchTheirDefinition) {
  const Context context = make_context(GetParam(), 2);
  const Problem problem = mixed_problem(ESPER_LAYOUT_NCHW, 2, 70, 12);
  const Results results = run(problem, context.get());
  for (std::size_t s = 0; s < problem.seeds.size(); ++s) {
    const esper_lattice_seed& seed = problem.seeds[s];
    const esper_seed_sums& sums = results.sums[s];
    EXPECT_EQ(sums.elements, 2 * 70 * seed.channel_count);
    EXPECT_EQ(sums.evaluated, seed.stage == ESPER_STAGE_DORMANT ? 0 : 1);
    if (sums.evaluated == 0) {
      EXPECT_EQ(sums.input_square + sums.module_square + sums.gradient_square + sums.gradient_module, 0.0);
      continue;
    }
    // g(x) = f(x) - x comes from the oracle with alpha = 1 and the convex blend.
    Problem full = problem;
    for (esper_lattice_seed& other : full.seeds) {
      other.stage = ESPER_STAGE_DORMANT;
    }
    full.seeds[s].stage = ESPER_STAGE_FOSSILIZED;
    full.seeds[s].alpha = 1.0F;
    full.seeds[s].blend = ESPER_BLEND_CONVEX;
    const std::vector<double> f = run_reference(full).y;
    double expected[4] = {};
    for (int64_t b = 0; b < 2; ++b) {
      for (int64_t c = 0; c < seed.channel_count; ++c) {
        for (int64_t t = 0; t < 70; ++t) {
          const std::size_t i = problem.at(b, seed.channel_begin + c, t);
          const auto x = static_cast<double>(problem.x[i]);
          const auto d = static_cast<double>(problem.dy[i]);
          const double g = f[i] - x;
          expected[0] += x * x;
          expected[1] += g * g;
          expected[2] += d * d;
          expected[3] += d * g;
        }
      }
    }
    EXPECT_NEAR(sums.input_square, expected[0], 1e-5 * expected[0]);
    EXPECT_NEAR(sums.module_square, expected[1], 1e-5 * expected[1]);
    EXPECT_NEAR(sums.gradient_square, expected[2], 1e-5 * expected[2]);
    EXPECT_NEAR(sums.gradient_module, expected[3], 1e-5 * (expected[1] + expected[2]));
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
