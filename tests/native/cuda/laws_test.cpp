// Laws that hold to the bit, whatever the numbers.
#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "device.hpp"
#include "storage.hpp"
#include "support.hpp"

namespace esper_test {
namespace {

// Tensor bytes with values that arithmetic would not leave alone: -0, infinities, NaN with a payload.
std::vector<unsigned char> hostile(int32_t dtype, std::size_t count, uint32_t seed) {
  std::mt19937 generator(seed);
  std::vector<unsigned char> bytes(count * element_bytes(dtype));
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    bytes[i] = static_cast<unsigned char>(generator() & 0xFFU);
  }
  return bytes;
}

struct Bits {
  std::vector<unsigned char> y;
  std::vector<unsigned char> dx;
};

Bits run_bits(const Problem& problem, const DeviceOptions& options, const std::vector<unsigned char>& x,
              const std::vector<unsigned char>& dy, bool in_place) {
  Device device(problem, options);
  Bits result{in_place ? x : std::vector<unsigned char>(x.size(), 0x11),
              in_place ? dy : std::vector<unsigned char>(x.size(), 0x11)};
  std::vector<float> dtheta(problem.theta.size());
  std::vector<float> dalpha(problem.seeds.size());
  std::vector<double> sums(problem.seeds.size() * 6);
  device.backward(problem.theta.data(), x.data(), in_place ? result.dx.data() : dy.data(), result.dx.data(),
                  dtheta.data(), dalpha.data(), sums.data());
  device.forward(problem.theta.data(), in_place ? result.y.data() : x.data(), result.y.data());
  return result;
}

class Laws : public testing::TestWithParam<int32_t> {
 protected:
  DeviceOptions options() const {
    DeviceOptions result;
    result.dtype = GetParam();
    return result;
  }
};

TEST_P(Laws, AlphaZeroAndTrainingChangeNoBit) {
  for (const int32_t layout : {ESPER_LAYOUT_NCHW, ESPER_LAYOUT_TOKENS}) {
    for (const bool training : {false, true}) {
      Problem problem = mixed_problem(layout, 2, 24, 7);
      for (esper_lattice_seed& seed : problem.seeds) {
        seed.stage = training ? ESPER_STAGE_TRAINING : ESPER_STAGE_BLENDING;
        seed.alpha = training ? 0.5F : 0.0F;
        seed.kappa = 0.5F;
      }
      const std::vector<unsigned char> x = hostile(GetParam(), problem.x.size(), 1);
      const std::vector<unsigned char> dy = hostile(GetParam(), problem.x.size(), 2);
      for (const bool in_place : {false, true}) {
        const Bits result = run_bits(problem, options(), x, dy, in_place);
        EXPECT_EQ(result.y, x) << "layout " << layout << " training " << training << " in place " << in_place;
        EXPECT_EQ(result.dx, dy) << "layout " << layout << " training " << training << " in place " << in_place;
      }
      const Device device(problem, options());
      EXPECT_TRUE(device.plan().forward_idle(true));
      EXPECT_FALSE(device.plan().forward_idle(false));
    }
  }
}

// Channels of the channel blend whose weight is 0 pass as they are; a vector that is nowhere positive silences the
// seed.
TEST_P(Laws, ChannelsWithoutWeightChangeNoBit) {
  for (const int32_t layout : {ESPER_LAYOUT_NCHW, ESPER_LAYOUT_TOKENS}) {
    for (int32_t kind = 0; kind < kFamilyCount; ++kind) {
      for (const bool silent : {false, true}) {
        Problem problem(24, layout, 2, 24, 6);
        problem.seeds = {make_seed(8, 8, kind, 3, ESPER_BLEND_CHANNEL)};
        problem.finish(3);
        float* v = problem.theta.data() + problem.seeds[0].parameter_offset + module_parameters(problem.seeds[0]);
        for (int c = 0; c < 8; ++c) {
          v[c] = silent || c % 3 == 0 ? -0.5F : 1.0F;
        }
        const std::vector<unsigned char> x = hostile(GetParam(), problem.x.size(), 1);
        const std::vector<unsigned char> dy = hostile(GetParam(), problem.x.size(), 2);
        const std::size_t size = element_bytes(GetParam());
        for (const bool in_place : {false, true}) {
          const Bits result = run_bits(problem, options(), x, dy, in_place);
          bool changed = false;
          for (int64_t b = 0; b < 2; ++b) {
            for (int64_t c = 0; c < 24; ++c) {
              for (int64_t t = 0; t < 24; ++t) {
                const std::size_t at = problem.at(b, c, t) * size;
                const bool same = std::equal(&x[at], &x[at] + size, &result.y[at]);
                const bool passes = c < 8 || c >= 16 || silent || (c - 8) % 3 == 0;
                ASSERT_TRUE(same || !passes) << "family " << kind << " channel " << c << " position " << t;
                changed = changed || !same;
              }
            }
          }
          EXPECT_EQ(changed, !silent) << "family " << kind;
          if (silent) {
            EXPECT_EQ(result.dx, dy) << "family " << kind;
          }
        }
      }
    }
  }
}

std::string dtype_name(const testing::TestParamInfo<int32_t>& dtype) {
  constexpr const char* kNames[] = {"Float32", "Float16", "BFloat16"};
  return kNames[dtype.param];
}
INSTANTIATE_TEST_SUITE_P(Storage, Laws, testing::Values(0, 1, 2), dtype_name);

// Whatever order blocks and threads run in, every bit is the same; y and dx do not even depend on the grid.
TEST(Determinism, OrderOfThreadsAndBlocks) {
  for (const int32_t layout : {ESPER_LAYOUT_NCHW, ESPER_LAYOUT_TOKENS}) {
    const Problem problem = mixed_problem(layout, 3, 77, 5);
    DeviceOptions options;
    ShimBackend first(options);
    const Results expected = run(problem, first);
    for (const uint32_t order : {1U, 2U, 77U}) {
      options.order = order;
      ShimBackend backend(options);
      EXPECT_TRUE(same_bits(run(problem, backend), expected)) << order;
    }
    options.grid = {9, 2};
    ShimBackend other(options);
    const Results results = run(problem, other);
    EXPECT_TRUE(same_bits(results.y, expected.y));
    EXPECT_TRUE(same_bits(results.dx, expected.dx));
  }
}

struct Everything {
  std::vector<float> y, dx, dtheta, dalpha;
  std::vector<double> sums;
};

Everything run_all(Device* device, const Problem& problem) {
  const std::size_t seeds = problem.seeds.size();
  Everything e{std::vector<float>(problem.x.size()), std::vector<float>(problem.x.size()),
               std::vector<float>(problem.theta.size()), std::vector<float>(seeds, 7.0F),
               std::vector<double>(6 * seeds, 7.0)};
  device->forward(problem.theta.data(), problem.x.data(), e.y.data());
  device->backward(problem.theta.data(), problem.x.data(), problem.dy.data(), e.dx.data(), e.dtheta.data(),
                   e.dalpha.data(), e.sums.data());
  return e;
}

void expect_same(const Everything& a, const Everything& b, const std::string& what) {
  EXPECT_TRUE(same_bits(a.y, b.y)) << what;
  EXPECT_TRUE(same_bits(a.dx, b.dx)) << what;
  EXPECT_TRUE(same_bits(a.dtheta, b.dtheta)) << what;
  EXPECT_TRUE(same_bits(a.dalpha, b.dalpha)) << what;
  EXPECT_EQ(a.sums, b.sums) << what;
}

// One device, its table rewritten between launches: as a fresh device every time, as a captured graph needs it.
TEST(Graph, RewrittenTableServesTheSameLaunch) {
  Problem problem = mixed_problem(ESPER_LAYOUT_TOKENS, 2, 60, 11);
  Device device(problem, {});
  const unsigned char* address = device.plan().image().data();
  const std::size_t size = device.plan().image().size();
  std::mt19937 generator(3);
  for (int round = 0; round < 6; ++round) {
    for (esper_lattice_seed& seed : problem.seeds) {
      seed.stage = static_cast<int32_t>(generator() % ESPER_STAGE_COUNT);
      seed.alpha = static_cast<float>(generator() % 3) * 0.5F;
      seed.kappa = static_cast<float>(generator() % 2) * 0.5F;
      seed.flags = generator() % 4 == 0 ? ESPER_SEED_FROZEN : 0;
    }
    device.update(problem);
    EXPECT_EQ(device.plan().image().data(), address);
    EXPECT_EQ(device.plan().image().size(), size);
    Device fresh(problem, {});
    const Everything expected = run_all(&fresh, problem);
    expect_same(run_all(&device, problem), expected, "round " + std::to_string(round));
    expect_same(run_all(&device, problem), expected, "again, round " + std::to_string(round));
  }
}

// Leaving out an output changes nothing about the others; dtheta is added to.
TEST(Outputs, AreIndependent) {
  const Problem problem = mixed_problem(ESPER_LAYOUT_NCHW, 2, 45, 4);
  Device device(problem, {});
  const Everything all = run_all(&device, problem);
  for (int mask = 0; mask < 16; ++mask) {
    std::vector<float> dx(all.dx.size());
    std::vector<float> dtheta(all.dtheta.size(), 1.0F);
    std::vector<float> dalpha(all.dalpha.size());
    std::vector<double> sums(all.sums.size());
    device.backward(problem.theta.data(), problem.x.data(), problem.dy.data(), (mask & 1) != 0 ? dx.data() : nullptr,
                    (mask & 2) != 0 ? dtheta.data() : nullptr, (mask & 4) != 0 ? dalpha.data() : nullptr,
                    (mask & 8) != 0 ? sums.data() : nullptr);
    if ((mask & 1) != 0) {
      EXPECT_TRUE(same_bits(dx, all.dx)) << mask;
    }
    for (std::size_t i = 0; (mask & 2) != 0 && i < dtheta.size(); ++i) {
      ASSERT_EQ(dtheta[i], 1.0F + all.dtheta[i]) << mask << " at " << i;
    }
    if ((mask & 4) != 0) {
      EXPECT_TRUE(same_bits(dalpha, all.dalpha)) << mask;
    }
    if ((mask & 8) != 0) {
      EXPECT_EQ(sums, all.sums) << mask;
    }
  }
}

}  // namespace
}  // namespace esper_test
