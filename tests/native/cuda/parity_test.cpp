// The whole case table of the CPU kernels on the float32 CUDA kernels, and cases that only their plan can meet.
#include <gtest/gtest.h>

#include "case_table.hpp"
#include "device.hpp"
#include "support.hpp"

namespace esper_test {
namespace {

void expect_parity(const Problem& problem, const DeviceOptions& options, const Placement& placement,
                   const std::string& name) {
  ShimBackend backend(options);
  try {
    const Results results = run(problem, backend, placement);
    for (const Mismatch& mismatch : mismatches(problem, results, run_reference(problem))) {
      ADD_FAILURE() << name << ": " << mismatch.text;
    }
  } catch (const std::exception& error) {
    ADD_FAILURE() << name << ": " << error.what();
  }
}

class CaseTable : public testing::TestWithParam<std::size_t> {};

TEST_P(CaseTable, AgreesWithOracle) {
  uint32_t turn = 0;
  for (const Case& entry : case_table()[GetParam()].cases) {
    DeviceOptions options;
    options.grid = {1 + static_cast<int32_t>(turn % 5), 1 + static_cast<int32_t>(turn % 4)};
    options.order = turn % 2 == 0 ? 0 : turn;
    expect_parity(entry.problem(), options, entry.placement, entry.name);
    ++turn;
  }
}

std::string group_name(const testing::TestParamInfo<std::size_t>& group) {
  return case_table()[group.param].name;
}

INSTANTIATE_TEST_SUITE_P(Group, CaseTable, testing::Range<std::size_t>(0, case_table().size()), group_name);

// Every family, blend and stage in both layouts, in place and apart, aligned so that 16-byte accesses are taken.
TEST(Parity, AlignedChunks) {
  uint32_t turn = 0;
  for (const int32_t layout : {ESPER_LAYOUT_NCHW, ESPER_LAYOUT_TOKENS}) {
    for (int32_t kind = 0; kind < kFamilyCount; ++kind) {
      for (int32_t blend = 0; blend < kBlendCount; ++blend) {
        for (const int32_t stage : {ESPER_STAGE_TRAINING, ESPER_STAGE_HOLDING}) {
          Problem problem(32, layout, 3, 48, 8);
          problem.seeds = {make_seed(8, 16, kind, 4, blend)};
          problem.seeds[0].stage = stage;
          problem.seeds[0].activation = static_cast<int32_t>(turn % 5);
          problem.seeds[0].kappa = turn % 2 == 0 ? 0.3F : 0.0F;
          problem.finish(turn + 1);
          DeviceOptions options;
          options.order = turn;
          expect_parity(problem, options, {turn % 2 == 0, 0},
                        describe(problem) + (turn % 2 == 0 ? " in place" : " apart"));
          ++turn;
        }
      }
    }
  }
}

// Adjacent narrow seeds share tiles; a gap, a wide seed or an image family ends a group.
TEST(Parity, GroupsOfNarrowSeeds) {
  for (const int32_t layout : {ESPER_LAYOUT_NCHW, ESPER_LAYOUT_TOKENS}) {
    for (const bool in_place : {false, true}) {
      Problem problem(128, layout, 2, 200, 20);
      for (int32_t i = 0; i < 24; ++i) {
        esper_lattice_seed seed = make_seed(4 * i, 4, i % 3, 1 + i % 9, i % kBlendCount);
        seed.stage = i % 5 == 4 ? ESPER_STAGE_TRAINING : i % 7 == 6 ? ESPER_STAGE_DORMANT : ESPER_STAGE_BLENDING;
        seed.kappa = 0.2F;
        problem.seeds.push_back(seed);
      }
      problem.seeds.push_back(make_seed(97, 30, ESPER_FAMILY_LOWRANK, 16));
      problem.finish(9);
      DeviceOptions options;
      options.grid = {5, 7};
      options.order = 3;
      expect_parity(problem, options, {in_place, 0}, in_place ? "groups in place" : "groups");
    }
  }
}

// Seeds that own the same parameters: every one adds its gradient.
TEST(Parity, SharedParameters) {
  Problem problem(24, ESPER_LAYOUT_TOKENS, 2, 70);
  for (int32_t i = 0; i < 3; ++i) {
    problem.seeds.push_back(make_seed(8 * i, 8, ESPER_FAMILY_BOTTLENECK, 4, ESPER_BLEND_GATED));
  }
  problem.finish(4);
  problem.seeds[2].parameter_offset = problem.seeds[0].parameter_offset;
  problem.seeds[1].parameter_offset = problem.seeds[0].parameter_offset + 5;
  const ReferenceResults reference = run_reference(problem);
  Results first;
  for (const uint32_t order : {0U, 5U, 6U}) {
    DeviceOptions options;
    options.order = order;
    ShimBackend backend(options);
    const Results results = run(problem, backend);
    EXPECT_LE(nmse(results.dtheta, reference.dtheta), 1e-10);
    EXPECT_LE(nmse(results.dx, reference.dx), 1e-10);
    if (order == 0) {
      first = results;
    }
    EXPECT_TRUE(same_bits(first, results)) << order;
  }
}

}  // namespace
}  // namespace esper_test
