// Exact laws of the lattice: identities that hold bit for bit.
#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>

#include "support.hpp"

namespace esper_test {
namespace {

class LawsTest : public IsaTest {};

constexpr int32_t kLayouts[] = {ESPER_LAYOUT_NCHW, ESPER_LAYOUT_TOKENS};

// Values that any arithmetic would change: negative zero, NaN with a payload, infinities, subnormals.
void plant_special_values(std::vector<float>* values) {
  const uint32_t patterns[] = {0x80000000U, 0x7FC12345U, 0xFFC00001U, 0x7F800000U, 0xFF800000U, 0x00000001U};
  for (std::size_t i = 0; i < values->size(); i += 5) {
    std::memcpy(&(*values)[i], &patterns[(i / 5) % 6], sizeof(float));
  }
}

bool chunk_bits_equal(const Problem& problem, const esper_lattice_seed& seed, const std::vector<float>& a,
                      const std::vector<float>& b) {
  for (int64_t n = 0; n < problem.shape.batch; ++n) {
    for (int64_t c = 0; c < seed.channel_count; ++c) {
      for (int64_t t = 0; t < problem.shape.positions; ++t) {
        const std::size_t i = problem.at(n, seed.channel_begin + c, t);
        if (std::memcmp(&a[i], &b[i], sizeof(float)) != 0) {
          return false;
        }
      }
    }
  }
  return true;
}

TEST_P(LawsTest, AlphaZeroIsTheHostBitForBit) {
  const Context context = make_context(GetParam(), 2);
  for (const int32_t layout : kLayouts) {
    for (const bool in_place : {false, true}) {
      Problem problem = mixed_problem(layout, 2, 67, 31);
      for (esper_lattice_seed& seed : problem.seeds) {
        seed.alpha = 0.0F;
      }
      plant_special_values(&problem.x);
      plant_special_values(&problem.dy);
      const Lattice lattice = problem.lattice();
      int32_t blended = 1;
      ASSERT_EQ(esper_lattice_query(lattice.get(), &blended, nullptr), ESPER_OK);
      EXPECT_EQ(blended, 0);
      const Results results = run(problem, context.get(), in_place);
      EXPECT_TRUE(same_bits(results.y, problem.x));
      EXPECT_TRUE(same_bits(results.dx, problem.dy));
    }
  }
}

TEST_P(LawsTest, AlphaZeroTakesNoParameterGradient) {
  const Context context = make_context(GetParam(), 2);
  Problem problem = mixed_problem(ESPER_LAYOUT_NCHW, 2, 67, 31);
  for (esper_lattice_seed& seed : problem.seeds) {
    seed.alpha = 0.0F;
    seed.stage = seed.stage == ESPER_STAGE_TRAINING ? ESPER_STAGE_HOLDING : seed.stage;
  }
  const Results results = run(problem, context.get());
  EXPECT_TRUE(same_bits(results.dtheta, std::vector<float>(problem.theta.size(), 0.0F)));
  int32_t learning = 1;
  ASSERT_EQ(esper_lattice_query(problem.lattice().get(), nullptr, &learning), ESPER_OK);
  EXPECT_EQ(learning, 0);
}

// The other stages must not even look at the data.
TEST_P(LawsTest, StagesOutsideOfBlendingChangeNoBit) {
  const Context context = make_context(GetParam(), 2);
  for (const int32_t layout : kLayouts) {
    for (const int32_t stage : {ESPER_STAGE_DORMANT, ESPER_STAGE_GERMINATED, ESPER_STAGE_TRAINING, ESPER_STAGE_CULLED,
                                ESPER_STAGE_EMBARGOED, ESPER_STAGE_RESETTING}) {
      Problem problem = mixed_problem(layout, 1, 40, 7);
      for (esper_lattice_seed& seed : problem.seeds) {
        seed.stage = stage;
        seed.alpha = 1.0F;
      }
      plant_special_values(&problem.x);
      plant_special_values(&problem.dy);
      const Results results = run(problem, context.get());
      EXPECT_TRUE(same_bits(results.y, problem.x)) << esper_stage_name(stage);
      EXPECT_TRUE(same_bits(results.dx, problem.dy)) << esper_stage_name(stage);
    }
  }
}

TEST_P(LawsTest, SeedsTouchTheirOwnChunkOnly) {
  const Context context = make_context(GetParam(), 2);
  for (const int32_t layout : kLayouts) {
    Problem problem = mixed_problem(layout, 2, 67, 9);
    const Results before = run(problem, context.get());
    // A NaN in one chunk must not leave it.
    problem.x[problem.at(1, 40, 3)] = std::numeric_limits<float>::quiet_NaN();
    const Results after = run(problem, context.get());
    EXPECT_FALSE(chunk_bits_equal(problem, problem.seeds[0], before.y, after.y));
    for (std::size_t s = 1; s < problem.seeds.size(); ++s) {
      EXPECT_TRUE(chunk_bits_equal(problem, problem.seeds[s], before.y, after.y)) << s;
      EXPECT_TRUE(chunk_bits_equal(problem, problem.seeds[s], before.dx, after.dx)) << s;
    }
    EXPECT_TRUE(std::isnan(after.y[problem.at(1, 40, 3)]));
  }
}

// Small integers keep every intermediate value exact, so that g(x) is known to the bit.
TEST_P(LawsTest, AlphaOneIsExactlyTheModule) {
  const Context context = make_context(GetParam(), 2);
  for (const int32_t layout : kLayouts) {
    for (int32_t family = 0; family < kFamilyCount; ++family) {
      for (const int32_t blend : {ESPER_BLEND_CONVEX, ESPER_BLEND_RESIDUAL, ESPER_BLEND_CHANNEL}) {
        // The mean of 64 integers is exact; for the other families any number of positions will do.
        const bool gate = family == ESPER_FAMILY_GATE;
        Problem problem(9, layout, 2, gate ? 64 : 66, gate ? 0 : 11);
        problem.seeds = {make_seed(1, 7, family, 5, blend)};
        problem.seeds[0].activation = ESPER_ACTIVATION_RELU;
        problem.seeds[0].alpha = 1.0F;
        problem.finish(3);
        std::mt19937 generator(1);
        std::uniform_int_distribution<int> small(-4, 4);
        for (auto* values : {&problem.theta, &problem.x}) {
          for (float& value : *values) {
            value = static_cast<float>(small(generator));
          }
        }
        if (blend == ESPER_BLEND_CHANNEL) {
          std::fill(problem.theta.end() - 9, problem.theta.end(), 1.0F);
        }
        // s becomes a multiple of 64, so that tanh(s / 2) is exactly 0 or 1 or -1.
        float* p = problem.theta.data() + problem.seeds[0].parameter_offset;
        for (int64_t i = 7 * 5 + 5; gate && i < module_parameters(problem.seeds[0]); ++i) {
          p[i] *= 4096.0F;
        }
        const std::vector<double> f = run_reference(problem).y;
        const Results results = run(problem, context.get());
        for (std::size_t i = 0; i < f.size(); ++i) {
          ASSERT_EQ(static_cast<double>(results.y[i]), f[i]) << "family " << family << " blend " << blend;
        }
      }
    }
  }
}

// With random values g needs rounding too; the affine module is simple enough to repeat here.
TEST_P(LawsTest, AffineAlphaOneRoundsLikeTheFormula) {
  const Context context = make_context(GetParam(), 1);
  Problem problem(3, ESPER_LAYOUT_NCHW, 1, 90);
  problem.seeds = {make_seed(0, 3, ESPER_FAMILY_AFFINE, 0)};
  problem.seeds[0].alpha = 1.0F;
  problem.finish(6);
  const Results results = run(problem, context.get());
  for (int64_t c = 0; c < 3; ++c) {
    const float u = problem.theta[static_cast<std::size_t>(problem.seeds[0].parameter_offset + c)];
    const float b = problem.theta[static_cast<std::size_t>(problem.seeds[0].parameter_offset + 3 + c)];
    for (int64_t t = 0; t < 90; ++t) {
      const float x = problem.x[problem.at(0, c, t)];
      const volatile float product = u * x;  // volatile: the compiler must not contract it.
      const float g = GetParam() == ESPER_ISA_SCALAR ? product + b : std::fma(u, x, b);
      ASSERT_EQ(results.y[problem.at(0, c, t)], x + g);
    }
  }
}

TEST_P(LawsTest, BlendsWithEqualWeightsAgreeBitForBit) {
  const Context context = make_context(GetParam(), 2);
  for (const float alpha : {0.3F, 1.0F}) {
    Problem problem(16, ESPER_LAYOUT_TOKENS, 1, 67);
    problem.seeds = {make_seed(0, 16, ESPER_FAMILY_BOTTLENECK, 4, ESPER_BLEND_CHANNEL)};
    problem.seeds[0].alpha = alpha;
    problem.finish(3);
    std::fill(problem.theta.end() - 18, problem.theta.end(), 1.0F);  // v = 1
    const Results channel = run(problem, context.get());
    problem.seeds[0].blend = ESPER_BLEND_CONVEX;
    const Results convex = run(problem, context.get());
    problem.seeds[0].blend = ESPER_BLEND_RESIDUAL;
    const Results residual = run(problem, context.get());
    problem.seeds[0].blend = ESPER_BLEND_CONFIDENCE;
    problem.seeds[0].confidence_lo = alpha;
    problem.seeds[0].confidence_hi = alpha;
    const Results confidence = run(problem, context.get());
    EXPECT_TRUE(same_bits(convex, residual));
    EXPECT_TRUE(same_bits(convex.y, channel.y));
    EXPECT_TRUE(same_bits(convex.y, confidence.y));
    EXPECT_TRUE(same_bits(convex.dx, confidence.dx));
  }
}

TEST_P(LawsTest, ChannelWeightZeroKeepsTheBitsOfItsChannel) {
  const Context context = make_context(GetParam(), 1);
  for (const int32_t layout : kLayouts) {
    Problem problem(4, layout, 1, 67);
    problem.seeds = {make_seed(0, 4, ESPER_FAMILY_AFFINE, 0, ESPER_BLEND_CHANNEL)};
    problem.finish(3);
    float* v = problem.theta.data() + problem.seeds[0].parameter_offset + 8;
    v[0] = 1.0F;
    v[1] = 0.0F;
    v[2] = -2.0F;
    v[3] = 1.0F;
    plant_special_values(&problem.x);
    const Results results = run(problem, context.get());
    esper_lattice_seed middle = problem.seeds[0];
    middle.channel_begin = 1;
    middle.channel_count = 2;
    EXPECT_TRUE(chunk_bits_equal(problem, middle, results.y, problem.x));
    EXPECT_FALSE(same_bits(results.y, problem.x));
  }
}

TEST_P(LawsTest, FreshParametersLeaveTheFunctionAsItWas) {
  const Context context = make_context(GetParam(), 2);
  for (int32_t family = 0; family < kFamilyCount; ++family) {
    for (int32_t activation = 0; activation < kActivationCount; ++activation) {
      for (int32_t blend = 0; blend < kBlendCount; ++blend) {
        Problem problem(10, ESPER_LAYOUT_NCHW, 1, 67);
        problem.seeds = {make_seed(1, 8, family, 3, blend)};
        problem.seeds[0].activation = activation;
        problem.finish(4);
        ASSERT_EQ(esper_parameter_init(&problem.seeds[0], 42, problem.theta.data() + problem.seeds[0].parameter_offset),
                  ESPER_OK);
        const Results results = run(problem, context.get());
        EXPECT_EQ(results.sums[0].module_square, 0.0);
        EXPECT_TRUE(same_bits(results.y, problem.x)) << "family " << family << " blend " << blend;
      }
    }
  }
}

// kappa > 0 pulls g towards -dy / kappa: where g is already there, the gradient vanishes; beyond it changes sign.
TEST_P(LawsTest, TrainingWithKappaHasItsFixedPoint) {
  const Context context = make_context(GetParam(), 1);
  Problem problem(1, ESPER_LAYOUT_NCHW, 1, 64);
  problem.seeds = {make_seed(0, 1, ESPER_FAMILY_AFFINE, 0)};
  problem.seeds[0].stage = ESPER_STAGE_TRAINING;
  problem.seeds[0].kappa = 0.5F;
  problem.finish(5);
  std::fill(problem.dy.begin(), problem.dy.end(), 1.0F);
  float* p = problem.theta.data() + problem.seeds[0].parameter_offset;
  const std::size_t bias = static_cast<std::size_t>(problem.seeds[0].parameter_offset) + 1;
  p[0] = 0.0F;
  p[1] = -2.0F;  // g = -dy / kappa
  EXPECT_EQ(run(problem, context.get()).dtheta[bias], 0.0F);
  p[1] = -1.0F;
  EXPECT_EQ(run(problem, context.get()).dtheta[bias], 32.0F);
  p[1] = -3.0F;
  EXPECT_EQ(run(problem, context.get()).dtheta[bias], -32.0F);
  problem.seeds[0].kappa = 0.0F;
  EXPECT_EQ(run(problem, context.get()).dtheta[bias], 64.0F);
}

TEST_P(LawsTest, TrainingGivesBlendParametersNoGradient) {
  const Context context = make_context(GetParam(), 2);
  for (const int32_t blend : {ESPER_BLEND_CHANNEL, ESPER_BLEND_GATED}) {
    Problem problem(8, ESPER_LAYOUT_NCHW, 1, 67);
    problem.seeds = {make_seed(0, 8, ESPER_FAMILY_AFFINE, 0, blend)};
    problem.seeds[0].stage = ESPER_STAGE_TRAINING;
    problem.finish(5);
    const Results results = run(problem, context.get());
    const auto first = static_cast<std::size_t>(problem.seeds[0].parameter_offset);
    EXPECT_NE(results.dtheta[first], 0.0F);
    for (std::size_t i = first + 16; i < results.dtheta.size(); ++i) {
      EXPECT_EQ(results.dtheta[i], 0.0F);
    }
  }
}

TEST_P(LawsTest, FrozenSeedsTakeNoGradientAndPassDx) {
  const Context context = make_context(GetParam(), 2);
  Problem problem = mixed_problem(ESPER_LAYOUT_NCHW, 1, 67, 4);
  const Results free_running = run(problem, context.get());
  for (esper_lattice_seed& seed : problem.seeds) {
    seed.flags = ESPER_SEED_FROZEN;
  }
  const Results frozen = run(problem, context.get());
  EXPECT_TRUE(same_bits(free_running.dx, frozen.dx));
  EXPECT_TRUE(same_bits(free_running.dalpha, frozen.dalpha));
  EXPECT_TRUE(same_bits(frozen.dtheta, std::vector<float>(problem.theta.size(), 0.0F)));
}

TEST_P(LawsTest, ParameterGradientsAreAdded) {
  const Context context = make_context(GetParam(), 2);
  const Problem problem = mixed_problem(ESPER_LAYOUT_TOKENS, 1, 67, 4);
  const Lattice lattice = problem.lattice();
  const Results once = run(problem, context.get());
  std::vector<float> dtheta(problem.theta.size(), 0.0F);
  for (int i = 0; i < 2; ++i) {
    ASSERT_EQ(esper_lattice_backward(lattice.get(), context.get(), &problem.shape, problem.theta.data(),
                                     problem.theta_count(), problem.x.data(), problem.dy.data(), nullptr, dtheta.data(),
                                     nullptr, nullptr),
              ESPER_OK);
  }
  for (std::size_t i = 0; i < dtheta.size(); ++i) {
    EXPECT_EQ(dtheta[i], 2.0F * once.dtheta[i]);
  }
}

TEST_P(LawsTest, OrderOfSeedsIsIrrelevant) {
  const Context context = make_context(GetParam(), 3);
  for (const int32_t layout : kLayouts) {
    // Batch items and threads without a common factor: shares of the work begin inside of an item.
    Problem problem = mixed_problem(layout, 5, 67, 8);
    const Results forward_order = run(problem, context.get());
    std::reverse(problem.seeds.begin(), problem.seeds.end());
    Results backward_order = run(problem, context.get());
    std::reverse(backward_order.dalpha.begin(), backward_order.dalpha.end());
    std::reverse(backward_order.sums.begin(), backward_order.sums.end());
    EXPECT_TRUE(same_bits(forward_order, backward_order));
  }
}

TEST_P(LawsTest, InPlaceEqualsOutOfPlace) {
  const Context context = make_context(GetParam(), 2);
  for (const int32_t layout : kLayouts) {
    const Problem problem = mixed_problem(layout, 2, 67, 8);
    EXPECT_TRUE(same_bits(run(problem, context.get(), false), run(problem, context.get(), true)));
  }
}

// What a seed gets does not depend on the seeds beside it, sums included.
TEST_P(LawsTest, SeedsAreIndependentOfEachOther) {
  const Context context = make_context(GetParam(), 3);
  for (const int32_t layout : kLayouts) {
    const Problem problem = mixed_problem(layout, 5, 67, 8);
    const Results together = run(problem, context.get());
    for (std::size_t s = 0; s < problem.seeds.size(); ++s) {
      Problem alone = problem;
      alone.seeds = {problem.seeds[s]};
      const Results results = run(alone, context.get());
      EXPECT_TRUE(chunk_bits_equal(problem, problem.seeds[s], results.y, together.y)) << s;
      EXPECT_TRUE(chunk_bits_equal(problem, problem.seeds[s], results.dx, together.dx)) << s;
      EXPECT_EQ(std::memcmp(&results.dalpha[0], &together.dalpha[s], sizeof(float)), 0) << s;
      EXPECT_EQ(std::memcmp(&results.sums[0], &together.sums[s], sizeof(esper_seed_sums)), 0) << s;
      const int64_t first = problem.seeds[s].parameter_offset;
      int64_t count = 0;
      require(esper_parameter_count(&problem.seeds[s], &count));
      EXPECT_EQ(std::memcmp(&results.dtheta[static_cast<std::size_t>(first)],
                            &together.dtheta[static_cast<std::size_t>(first)],
                            static_cast<std::size_t>(count) * sizeof(float)),
                0)
          << s;
    }
  }
}

// Loads and stores at any address give the same bits.
TEST_P(LawsTest, AlignmentIsIrrelevant) {
  const Context context = make_context(GetParam(), 2);
  CpuBackend backend(context.get());
  for (const int32_t layout : kLayouts) {
    const Problem problem = mixed_problem(layout, 2, 60, 8);
    const Results aligned = run(problem, backend, {false, 0});
    for (const std::size_t misalignment : {1, 7, 8, 15}) {
      EXPECT_TRUE(same_bits(aligned, run(problem, backend, {false, misalignment})));
    }
  }
}

// Gate and depthwise read other positions, yet never another batch item.
TEST_P(LawsTest, BatchItemsDoNotFeelEachOther) {
  const Context context = make_context(GetParam(), 2);
  for (const int32_t layout : kLayouts) {
    Problem problem = mixed_problem(layout, 3, 60, 9);
    const Results before = run(problem, context.get());
    for (int64_t c = 0; c < problem.channels; ++c) {
      problem.x[problem.at(1, c, 31)] = std::numeric_limits<float>::quiet_NaN();
    }
    const Results after = run(problem, context.get());
    for (const int64_t item : {0, 2}) {
      for (int64_t c = 0; c < problem.channels; ++c) {
        for (int64_t t = 0; t < 60; ++t) {
          const std::size_t i = problem.at(item, c, t);
          ASSERT_EQ(std::memcmp(&before.y[i], &after.y[i], sizeof(float)), 0);
          ASSERT_EQ(std::memcmp(&before.dx[i], &after.dx[i], sizeof(float)), 0);
        }
      }
    }
  }
}

// A NaN reaches exactly the positions that a k x k kernel reaches from it, also past the ends of rows.
TEST_P(LawsTest, DepthwiseReachesItsNeighboursOnly) {
  const Context context = make_context(GetParam(), 1);
  constexpr int64_t kHeight = 9;
  constexpr int64_t kWidth = 10;
  for (const int32_t layout : kLayouts) {
    for (const int32_t kernel : {3, 5, 7}) {
      for (const int64_t at : {0, 9, 44, 80, 89}) {
        Problem problem(1, layout, 1, kHeight * kWidth, kWidth);
        problem.seeds = {make_seed(0, 1, ESPER_FAMILY_DEPTHWISE, 0)};
        problem.seeds[0].kernel = kernel;
        problem.finish(2);
        problem.x[static_cast<std::size_t>(at)] = std::numeric_limits<float>::quiet_NaN();
        const Results results = run(problem, context.get());
        for (int64_t t = 0; t < kHeight * kWidth; ++t) {
          const int64_t rows = std::abs(t / kWidth - at / kWidth);
          const int64_t columns = std::abs(t % kWidth - at % kWidth);
          const int64_t distance = std::max(rows, columns);
          const auto i = static_cast<std::size_t>(t);
          ASSERT_EQ(std::isnan(results.y[i]), distance <= kernel / 2)
              << "kernel " << kernel << " at " << at << " " << t;
          ASSERT_EQ(std::isnan(results.dx[i]), distance <= kernel / 2 * 2) << "kernel " << kernel << " at " << at;
        }
      }
    }
  }
}

ESPER_FOR_EVERY_ISA(LawsTest);

}  // namespace
}  // namespace esper_test
