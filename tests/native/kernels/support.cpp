#include "support.hpp"

namespace esper_test {
namespace {

int64_t columns_of(int64_t positions) {
  int64_t width = 0;
  for (int64_t candidate = 1; candidate <= 16 && candidate <= positions; ++candidate) {
    width = positions % candidate == 0 ? candidate : width;
  }
  return width;
}

// The seeds of gate and depthwise in the mixed lattice.
std::vector<esper_lattice_seed> image_seeds() {
  std::vector<esper_lattice_seed> seeds = {
      make_seed(62, 6, ESPER_FAMILY_GATE, 3, ESPER_BLEND_CONVEX),
      make_seed(68, 3, ESPER_FAMILY_GATE, 2, ESPER_BLEND_GATED),
      make_seed(71, 5, ESPER_FAMILY_DEPTHWISE, 0, ESPER_BLEND_CONVEX),
      make_seed(76, 4, ESPER_FAMILY_DEPTHWISE, 0, ESPER_BLEND_CHANNEL),
      make_seed(80, 2, ESPER_FAMILY_GATE, 1, ESPER_BLEND_CONVEX),
      make_seed(82, 3, ESPER_FAMILY_DEPTHWISE, 0, ESPER_BLEND_RESIDUAL),
      make_seed(85, 9, ESPER_FAMILY_DEPTHWISE, 0, ESPER_BLEND_GATED),
      make_seed(94, 4, ESPER_FAMILY_GATE, 2, ESPER_BLEND_CHANNEL),
      make_seed(98, 1, ESPER_FAMILY_DEPTHWISE, 0, ESPER_BLEND_CONFIDENCE),
  };
  seeds[1].stage = ESPER_STAGE_HOLDING;
  seeds[1].activation = ESPER_ACTIVATION_RELU;
  seeds[2].activation = ESPER_ACTIVATION_SILU;
  seeds[3].kernel = 5;
  seeds[3].flags = ESPER_SEED_FROZEN;
  seeds[4].stage = ESPER_STAGE_TRAINING;
  seeds[4].kappa = 0.6F;
  seeds[5].stage = ESPER_STAGE_TRAINING;
  seeds[5].kappa = 0.4F;
  seeds[5].activation = ESPER_ACTIVATION_TANH;
  seeds[6].stage = ESPER_STAGE_FOSSILIZED;
  seeds[6].alpha = 1.0F;
  seeds[6].kernel = 7;
  seeds[7].activation = ESPER_ACTIVATION_SIGMOID;
  return seeds;
}

}  // namespace

void expect_matches(const Problem& problem, const Results& results, const std::string& what) {
  for (const Mismatch& mismatch : mismatches(problem, results, run_reference(problem))) {
    ADD_FAILURE() << mismatch.text << ", " << what;
  }
}

Problem mixed_problem(int32_t layout, int64_t batch, int64_t positions, uint32_t random_seed) {
  Problem problem(100, layout, batch, positions, columns_of(positions));
  problem.seeds = {
      make_seed(40, 16, ESPER_FAMILY_BOTTLENECK, 4, ESPER_BLEND_CONVEX),
      make_seed(0, 5, ESPER_FAMILY_BOTTLENECK, 3, ESPER_BLEND_GATED),
      make_seed(7, 8, ESPER_FAMILY_LOWRANK, 2, ESPER_BLEND_CHANNEL),
      make_seed(15, 1, ESPER_FAMILY_AFFINE, 0, ESPER_BLEND_CONFIDENCE),
      make_seed(16, 6, ESPER_FAMILY_AFFINE, 0, ESPER_BLEND_RESIDUAL),
      make_seed(22, 9, ESPER_FAMILY_BOTTLENECK, 8, ESPER_BLEND_CHANNEL),
      make_seed(31, 7, ESPER_FAMILY_BOTTLENECK, 5, ESPER_BLEND_CONVEX),
      make_seed(56, 3, ESPER_FAMILY_LOWRANK, 1, ESPER_BLEND_GATED),
      make_seed(59, 2, ESPER_FAMILY_BOTTLENECK, 2, ESPER_BLEND_CONVEX),
  };
  problem.seeds[1].activation = ESPER_ACTIVATION_SILU;
  problem.seeds[2].stage = ESPER_STAGE_HOLDING;
  problem.seeds[3].stage = ESPER_STAGE_FOSSILIZED;
  problem.seeds[4].alpha = 1.0F;
  problem.seeds[5].activation = ESPER_ACTIVATION_TANH;
  problem.seeds[5].flags = ESPER_SEED_FROZEN;
  problem.seeds[6].stage = ESPER_STAGE_TRAINING;
  problem.seeds[6].kappa = 0.7F;
  problem.seeds[8].stage = ESPER_STAGE_DORMANT;
  for (const esper_lattice_seed& seed : image_seeds()) {
    problem.seeds.push_back(seed);
  }
  problem.finish(random_seed);
  return problem;
}

std::string isa_test_name(const testing::TestParamInfo<int32_t>& info) {
  return esper_isa_name(info.param);
}

}  // namespace esper_test
