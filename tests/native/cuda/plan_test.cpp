// What the plan promises about memory and errors.
#include <gtest/gtest.h>

#include <cstring>
#include <map>

#include "abi/error.hpp"
#include "device.hpp"

namespace esper_test {
namespace {

using esper::cuda::Plan;

Problem thousand() {
  Problem problem(3000, ESPER_LAYOUT_TOKENS, 4, 300, 20);
  for (int32_t i = 0; i < 1000; ++i) {
    problem.seeds.push_back(make_seed(3 * i, 3, i % kFamilyCount, 2, (i / 5) % kBlendCount));
  }
  problem.finish(1);
  return problem;
}

EsperHeader header_of(const Plan& plan) {
  EsperHeader header;
  std::memcpy(&header, plan.image().data(), sizeof header);
  return header;
}

std::vector<EsperSpan> spans_of(const Plan& plan, int list, int blocks, std::vector<int32_t>* first) {
  const EsperHeader header = header_of(plan);
  first->resize(static_cast<std::size_t>(blocks + 1));
  std::memcpy(first->data(), plan.image().data() + header.first[list], first->size() * 4);
  std::vector<EsperSpan> spans(static_cast<std::size_t>(first->back()));
  if (!spans.empty()) {
    std::memcpy(spans.data(), plan.image().data() + header.spans[list], spans.size() * sizeof(EsperSpan));
  }
  return spans;
}

EsperGroup group_of(const Plan& plan, int list, int32_t number) {
  EsperGroup group;
  std::memcpy(&group,
              plan.image().data() + header_of(plan).groups[list] + static_cast<std::size_t>(number) * sizeof group,
              sizeof group);
  return group;
}

// Any stages of the same seeds fit what was reserved for them; every unit of every group is done exactly once.
TEST(Plan, HasRoomForEveryStage) {
  Problem problem = thousand();
  Plan plan(checked_lattice(problem), problem.shape, ESPER_DTYPE_FLOAT32, {132, 99});
  std::mt19937 generator(5);
  for (int round = 0; round < 12; ++round) {
    for (esper_lattice_seed& seed : problem.seeds) {
      const bool all = round % 3 == 0;
      seed.stage = all ? ESPER_STAGE_HOLDING : static_cast<int32_t>(generator() % ESPER_STAGE_COUNT);
    }
    ASSERT_NO_THROW(plan.update(checked_lattice(problem)));
    for (int list = 0; list < ESPER_CUDA_LISTS; ++list) {
      const int blocks = list < ESPER_CUDA_BACKWARD_IN_PLACE ? 132 : 99;
      std::vector<int32_t> first;
      const std::vector<EsperSpan> spans = spans_of(plan, list, blocks, &first);
      std::map<int32_t, int64_t> done;
      std::map<int32_t, int64_t> units;
      for (const EsperSpan& span : spans) {
        const EsperGroup group = group_of(plan, list, span.group);
        ASSERT_LT(span.begin, span.end);
        ASSERT_LT(span.slot, group.slots);
        const bool item = group.kind == ESPER_CUDA_GATE || group.kind == ESPER_CUDA_DEPTHWISE;
        units[span.group] = item ? 4 : (1200 + group.tile - 1) / group.tile;
        done[span.group] += span.end - span.begin;
      }
      EXPECT_EQ(done, units) << "list " << list << " round " << round;
    }
  }
}

TEST(Plan, InPlaceListsHoldNoCopies) {
  Problem problem = thousand();
  for (std::size_t i = 0; i < problem.seeds.size(); ++i) {
    problem.seeds[i].stage = i % 2 == 0 ? ESPER_STAGE_DORMANT : ESPER_STAGE_BLENDING;
  }
  const Plan plan(checked_lattice(problem), problem.shape, ESPER_DTYPE_FLOAT16, {7, 7});
  for (int list = 0; list < ESPER_CUDA_LISTS; ++list) {
    std::vector<int32_t> first;
    int copies = 0;
    for (const EsperSpan& span : spans_of(plan, list, 7, &first)) {
      copies += group_of(plan, list, span.group).kind == ESPER_CUDA_COPY ? 1 : 0;
    }
    EXPECT_EQ(copies > 0, list == ESPER_CUDA_FORWARD_APART || list == ESPER_CUDA_BACKWARD_APART) << list;
  }
}

// Weights and sums of more than 2 GiB: what lies behind them in scratch memory is found with 64 bits.
TEST(Plan, OffsetsOfTheLargestSeedsDoNotOverflow) {
  Problem problem(16000, ESPER_LAYOUT_NCHW, 1, 4, 2);
  problem.seeds = {make_seed(0, 16000, ESPER_FAMILY_DEPTHWISE, 0)};
  const Plan plan(checked_lattice(problem), problem.shape, ESPER_DTYPE_FLOAT32, {2, 2});
  const EsperGroup group = group_of(plan, ESPER_CUDA_BACKWARD_IN_PLACE, 0);
  EXPECT_GT(group.weights_at, int64_t{16000} * 16000 * 4);
  EXPECT_GT(group.item_at, group.weights_at + int64_t{2} * 16000 * 16000 * 4);
  EXPECT_GT(header_of(plan).scratch_stride, group.item_at);
}

TEST(Plan, RefusesWhatItCanNotHold) {
  Problem problem(64, ESPER_LAYOUT_NCHW, 1, 64, 8);
  problem.seeds = {make_seed(0, 4, ESPER_FAMILY_LOWRANK, 1)};
  problem.finish(1);
  Plan plan(checked_lattice(problem), problem.shape, ESPER_DTYPE_FLOAT32, {2, 2});
  const std::vector<unsigned char> before = plan.image();
  problem.seeds = {make_seed(0, 64, ESPER_FAMILY_DEPTHWISE, 0)};
  try {
    plan.update(checked_lattice(problem));
    FAIL() << "a larger seed was accepted";
  } catch (const esper::Error& error) {
    EXPECT_EQ(error.status(), ESPER_ERROR_UNSUPPORTED);
  }
  EXPECT_EQ(plan.image(), before);
  problem.shape.positions = int64_t{1} << 28;
  problem.shape.width = 0;
  EXPECT_THROW(Plan(checked_lattice(problem), problem.shape, ESPER_DTYPE_FLOAT32, {2, 2}), esper::Error);
  problem.shape.positions = 64;
  EXPECT_THROW(Plan(checked_lattice(problem), problem.shape, 3, {2, 2}), esper::Error);
  EXPECT_THROW(Plan(checked_lattice(problem), problem.shape, 0, {0, 2}), esper::Error);
}

}  // namespace
}  // namespace esper_test
