// Snapshots: what comes after a restore is, bit for bit, what came after the snapshot was taken.
#include <limits>

#include "small_net.h"

namespace esper::host::test {
namespace {

struct SnapshotDeleter {
  void operator()(esper_host_snapshot* snapshot) const { esper_host_snapshot_destroy(snapshot); }
};
using SnapshotPointer = std::unique_ptr<esper_host_snapshot, SnapshotDeleter>;
using States = std::map<std::string, Tensor>;

SnapshotPointer take(const Host& host) {
  esper_host_snapshot* snapshot = nullptr;
  EXPECT_EQ(esper_host_snapshot_create(host.get(), &snapshot), ESPER_OK) << esper_host_last_error();
  return SnapshotPointer(snapshot);
}

void restore(const Host& host, const SnapshotPointer& snapshot) {
  ASSERT_EQ(esper_host_snapshot_restore(host.get(), snapshot.get()), ESPER_OK) << esper_host_last_error();
}

// Bytes in all and bytes that somebody else holds too.
std::pair<int64_t, int64_t> size_of(const SnapshotPointer& snapshot) {
  int64_t bytes = -1;
  int64_t shared = -1;
  EXPECT_EQ(esper_host_snapshot_query(snapshot.get(), &bytes, &shared), ESPER_OK);
  return {bytes, shared};
}

// Steps with dropout, clipping and telemetry: everything that a step may touch.
std::vector<double> steps(Host& host, int64_t first, int count) {
  std::vector<double> seen;
  for (int i = 0; i < count; ++i) {
    const esper_host_step_result result = host.train(small_batch(first + i), {0.05F, 1.0F, 1});
    seen.push_back(result.loss);
    seen.push_back(result.grad_norm);
  }
  return seen;
}

// Modules come and go on both sites, so that arenas are built anew.
void change_lattice(Host& host) {
  host.release(0, 2);
  host.germinate(0, 3, seed_desc(ESPER_STAGE_HOLDING, ESPER_FAMILY_LOWRANK, 2, ESPER_BLEND_CONVEX, 1.0F), 9);
  host.update(0, 0, seed_desc(ESPER_STAGE_HOLDING, ESPER_FAMILY_BOTTLENECK, 2, ESPER_BLEND_CONVEX, 0.75F));
  host.germinate(1, 0, seed_desc(ESPER_STAGE_BLENDING, ESPER_FAMILY_AFFINE, 0, ESPER_BLEND_CHANNEL, 0.3F), 8);
}

class SnapshotTest : public testing::TestWithParam<int32_t> {
 protected:
  void SetUp() override { build_small_net(graph_); }
  void prepare(Host& host) const {
    host.optimizer(GetParam(), GetParam() == ESPER_HOST_SGD ? sgd_group(0.9F, true, 1e-3F) : adamw_group(1e-2F));
    germinate_small_net(host);
  }
  GraphBuilder graph_;
};

TEST_P(SnapshotTest, StepsAfterARestoreHaveTheSameBits) {
  Host host(graph_);
  prepare(host);
  steps(host, 0, 3);
  const SnapshotPointer snapshot = take(host);
  const States at_snapshot = host.all_state();
  const std::vector<double> first = steps(host, 3, 4);
  const States after = host.all_state();
  for (int round = 0; round < 2; ++round) {
    restore(host, snapshot);
    EXPECT_TRUE(same_bits(at_snapshot, host.all_state()));
    EXPECT_EQ(first, steps(host, 3, 4));
    EXPECT_TRUE(same_bits(after, host.all_state()));
  }
}

TEST_P(SnapshotTest, TakingOneDisturbsNothing) {
  Host bare(graph_);
  Host observed(graph_);
  prepare(bare);
  prepare(observed);
  std::vector<SnapshotPointer> ring(3);
  for (int i = 0; i < 6; ++i) {
    ring[static_cast<size_t>(i) % ring.size()] = take(observed);
    EXPECT_EQ(steps(bare, i, 1), steps(observed, i, 1));
  }
  EXPECT_TRUE(same_bits(bare.all_state(), observed.all_state()));
}

TEST_P(SnapshotTest, ModulesThatCameAndWentAreBack) {
  Host host(graph_);
  prepare(host);
  steps(host, 0, 2);
  const SnapshotPointer snapshot = take(host);
  const std::vector<double> first = steps(host, 2, 3);
  const States after = host.all_state();
  restore(host, snapshot);
  change_lattice(host);
  EXPECT_NE(first, steps(host, 2, 3));
  restore(host, snapshot);
  EXPECT_EQ(first, steps(host, 2, 3));
  EXPECT_TRUE(same_bits(after, host.all_state()));
  // What comes after is a lattice like any other.
  restore(host, snapshot);
  change_lattice(host);
  const std::vector<double> changed = steps(host, 2, 3);
  restore(host, snapshot);
  change_lattice(host);
  EXPECT_EQ(changed, steps(host, 2, 3));
}

TEST_P(SnapshotTest, SeveralLiveAtOnce) {
  Host host(graph_);
  prepare(host);
  std::vector<SnapshotPointer> snapshots;
  std::vector<States> states;
  for (int i = 0; i < 4; ++i) {
    if (i == 2) change_lattice(host);
    snapshots.push_back(take(host));
    states.push_back(host.all_state());
    steps(host, i, 1);
  }
  for (const size_t i : {1U, 3U, 0U, 2U, 2U}) {
    restore(host, snapshots[i]);
    EXPECT_TRUE(same_bits(states[i], host.all_state())) << i;
    steps(host, 40, 2);
  }
  snapshots[1].reset();
  restore(host, snapshots[0]);
  EXPECT_TRUE(same_bits(states[0], host.all_state()));
}

TEST_P(SnapshotTest, OnlyWhatIsWrittenIsCopied) {
  Host host(graph_);
  prepare(host);
  steps(host, 0, 1);
  const SnapshotPointer snapshot = take(host);
  const auto [bytes, shared] = size_of(snapshot);
  EXPECT_GT(bytes, 0);
  EXPECT_EQ(shared, bytes);
  host.evaluate(small_batch(1));
  EXPECT_EQ(size_of(snapshot).second, bytes);
  host.forward(small_batch(1), true);  // BatchNorm's two buffers of 8 floats.
  EXPECT_EQ(size_of(snapshot).second, bytes - 64);
  std::vector<Tensor> bad = small_batch(1);
  bad[0][0][0][0][0] = std::numeric_limits<float>::quiet_NaN();
  EXPECT_EQ(host.train(bad).finite, 0);
  EXPECT_EQ(size_of(snapshot).second, bytes - 64);
  steps(host, 1, 1);
  EXPECT_EQ(size_of(snapshot).second, 0);
  restore(host, snapshot);
  EXPECT_EQ(size_of(snapshot).second, bytes);
}

TEST_P(SnapshotTest, OtherWritesStayOutside) {
  Host host(graph_);
  prepare(host);
  steps(host, 0, 2);
  const SnapshotPointer snapshot = take(host);
  const States before = host.all_state();
  host.forward(small_batch(7), true);
  host.gradients(small_batch(8));
  for (const auto& [name, value] : before) host.write(name, value.is_floating_point() ? value + 1 : value + 3);
  EXPECT_FALSE(same_bits(before, host.all_state()));
  restore(host, snapshot);
  EXPECT_TRUE(same_bits(before, host.all_state()));
  EXPECT_THROW(host.state("grad/conv"), std::runtime_error);
}

TEST_P(SnapshotTest, TheOptimizerIsBack) {
  Host host(graph_);
  prepare(host);
  steps(host, 0, 2);
  const SnapshotPointer snapshot = take(host);
  const std::vector<double> first = steps(host, 2, 3);
  restore(host, snapshot);
  host.optimizer(GetParam() == ESPER_HOST_SGD ? ESPER_HOST_ADAMW : ESPER_HOST_SGD, adamw_group(0.5F));
  steps(host, 2, 2);
  restore(host, snapshot);
  EXPECT_EQ(first, steps(host, 2, 3));
}

INSTANTIATE_TEST_SUITE_P(Optimizers, SnapshotTest, testing::Values(ESPER_HOST_SGD, ESPER_HOST_ADAMW));

esper_host_seed_telemetry telemetry_of(const Host& host) {
  esper_host_seed_telemetry rows[4];
  int32_t count = 0;
  EXPECT_EQ(esper_host_seed_telemetry_read(host.get(), 0, rows, 4, &count), ESPER_OK) << esper_host_last_error();
  return rows[0];
}

TEST(Snapshot, HoldsTelemetry) {
  GraphBuilder graph;
  build_small_net(graph);
  Host host(graph);
  host.optimizer(ESPER_HOST_SGD, sgd_group(0.9F, false, 0.0F));
  germinate_small_net(host);
  steps(host, 0, 1);
  const esper_host_seed_telemetry before = telemetry_of(host);
  const SnapshotPointer snapshot = take(host);
  steps(host, 1, 1);
  EXPECT_NE(before.input_rms, telemetry_of(host).input_rms);
  restore(host, snapshot);
  EXPECT_EQ(before.input_rms, telemetry_of(host).input_rms);
  EXPECT_EQ(before.module_rms, telemetry_of(host).module_rms);
}

TEST(Snapshot, IsTiedToItsSession) {
  GraphBuilder graph;
  build_small_net(graph);
  Host first(graph);
  Host second(graph);
  const States before = second.all_state();
  const SnapshotPointer snapshot = take(first);
  EXPECT_EQ(esper_host_snapshot_restore(second.get(), snapshot.get()), ESPER_ERROR_INVALID_ARGUMENT);
  EXPECT_NE(std::string(esper_host_last_error()).find("another session"), std::string::npos);
  EXPECT_TRUE(same_bits(before, second.all_state()));
  EXPECT_EQ(esper_host_snapshot_restore(first.get(), nullptr), ESPER_ERROR_INVALID_ARGUMENT);
  EXPECT_EQ(esper_host_snapshot_create(nullptr, nullptr), ESPER_ERROR_INVALID_ARGUMENT);
  esper_host_snapshot_destroy(nullptr);
}

TEST(Snapshot, OutlivesItsSession) {
  GraphBuilder graph;
  build_small_net(graph);
  SnapshotPointer snapshot;
  {
    Host host(graph);
    snapshot = take(host);
  }
  const auto [bytes, shared] = size_of(snapshot);
  EXPECT_GT(bytes, 0);
  EXPECT_EQ(shared, 0);
}

}  // namespace
}  // namespace esper::host::test
