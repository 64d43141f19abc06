// Checkpoints, determinism and steps that are not finite.
#include <limits>

#include "small_net.h"

namespace esper::host::test {
namespace {

esper_host_group group_for(int32_t optimizer) {
  return optimizer == ESPER_HOST_SGD ? sgd_group(0.9F, true, 1e-3F) : adamw_group(1e-2F);
}

class StateTest : public testing::TestWithParam<int32_t> {
 protected:
  void SetUp() override { build_small_net(graph_); }
  void prepare(Host& host) const {
    host.optimizer(GetParam(), group_for(GetParam()));
    germinate_small_net(host);
  }
  GraphBuilder graph_;
};

TEST_P(StateTest, AWrittenStateContinuesBitForBit) {
  Host first(graph_);
  prepare(first);
  for (int i = 0; i < 3; ++i) first.train(small_batch(i), {0.05F, 1.0F, 0});
  Host second(graph_);
  prepare(second);
  for (const auto& [name, value] : first.all_state()) second.write(name, value);
  EXPECT_EQ(first.state_names(), second.state_names());
  EXPECT_TRUE(same_bits(first.all_state(), second.all_state()));
  for (int i = 3; i < 6; ++i) {
    const esper_host_step_result a = first.train(small_batch(i), {0.05F, 1.0F, 0});
    const esper_host_step_result b = second.train(small_batch(i), {0.05F, 1.0F, 0});
    EXPECT_EQ(a.loss, b.loss);
    EXPECT_EQ(a.grad_norm, b.grad_norm);
  }
  EXPECT_TRUE(same_bits(first.all_state(), second.all_state()));
}

TEST_P(StateTest, TheSameRunGivesTheSameBits) {
  std::vector<std::map<std::string, Tensor>> ends;
  for (int run = 0; run < 2; ++run) {
    Host host(graph_);
    prepare(host);
    for (int i = 0; i < 4; ++i) host.train(small_batch(i, 37), {0.05F, 1.0F, run});
    ends.push_back(host.all_state());
  }
  EXPECT_TRUE(same_bits(ends[0], ends[1]));
}

TEST_P(StateTest, AStepThatIsNotFiniteChangesNothing) {
  Host host(graph_);
  prepare(host);
  host.train(small_batch(0));
  const std::map<std::string, Tensor> before = host.all_state();
  for (const float poison : {std::numeric_limits<float>::quiet_NaN(), std::numeric_limits<float>::infinity()}) {
    std::vector<Tensor> bad = small_batch(1);
    bad[0][0][0][0][0] = poison;
    const esper_host_step_result result = host.train(bad, {0.1F, 1.0F, 1});
    EXPECT_EQ(result.finite, 0);
    EXPECT_TRUE(same_bits(before, host.all_state()));
  }
  EXPECT_EQ(host.train(small_batch(1)).finite, 1);
}

TEST_P(StateTest, NamesFollowTheHeader) {
  Host host(graph_);
  host.optimizer(GetParam(), group_for(GetParam()));
  const std::vector<std::string> always{"param/conv",  "param/gamma",     "param/beta", "param/fc", "param/bias",
                                        "buffer/mean", "buffer/variance", "arena/0",    "arena/1",  "rng/dropout"};
  EXPECT_EQ(host.state_names(), always);
  EXPECT_EQ(host.state("arena/1").numel(), 0);
  germinate_small_net(host);
  host.train(small_batch(0));
  const std::vector<std::string> names = host.state_names();
  const auto has = [&](const std::string& name) { return std::find(names.begin(), names.end(), name) != names.end(); };
  if (GetParam() == ESPER_HOST_SGD) {
    EXPECT_TRUE(has("momentum/conv") && has("momentum/arena/1") && !has("adam_m/conv"));
    EXPECT_EQ(names.size(), 10U + 5U + 2U);
  } else {
    EXPECT_TRUE(has("adam_m/conv") && has("adam_v/arena/0") && has("adam_step/fc"));
    EXPECT_EQ(names.size(), 10U + 3U * (5U + 2U));
    EXPECT_TRUE(same_bits(host.state("adam_step/arena/0"), torch::tensor({1, 0, 1, 0}).to(torch::kLong)));
  }
}

INSTANTIATE_TEST_SUITE_P(Optimizers, StateTest, testing::Values(ESPER_HOST_SGD, ESPER_HOST_ADAMW));

TEST(Gradients, AreReadableUntilTheNextStep) {
  GraphBuilder graph;
  build_small_net(graph);
  Host host(graph);
  host.optimizer(ESPER_HOST_SGD, sgd_group(0.9F, true, 1e-3F));
  germinate_small_net(host);
  host.gradients(small_batch(0));
  EXPECT_EQ(host.state("grad/conv").sizes(), host.state("param/conv").sizes());
  EXPECT_EQ(host.state("grad/arena/0").numel(), host.state("arena/0").numel());
  host.train(small_batch(0));
  EXPECT_THROW(host.state("grad/conv"), std::runtime_error);
}

TEST(Evaluation, ReportsEachExample) {
  GraphBuilder graph;
  build_small_net(graph);
  Host host(graph);
  std::vector<Tensor> batch = small_batch(9);
  batch[1][2] = -100;  // ignore_index
  const Tensor logits = host.forward(batch)[0];
  const Inputs views(batch);
  esper_host_step_result result{};
  result.struct_size = sizeof(result);
  float losses[6];
  uint8_t correct[6];
  const std::map<std::string, Tensor> before = host.all_state();
  ASSERT_EQ(esper_host_evaluate(host.get(), views.data(), 2, &result, losses, correct, 6), ESPER_OK);
  EXPECT_TRUE(same_bits(before, host.all_state()));
  const Tensor expected = torch::cross_entropy_loss(logits, batch[1], {}, at::Reduction::None);
  const Tensor hits = logits.argmax(1).eq(batch[1]);
  const auto top = logits.topk(2, 1);
  double margin = 0.0;
  int64_t count = 0;
  for (int64_t i = 0; i < 6; ++i) {
    EXPECT_FLOAT_EQ(losses[i], expected[i].item<float>());
    EXPECT_EQ(correct[i] != 0, i != 2 && hits[i].item<bool>());
    count += correct[i];
    if (i != 2) margin += (std::get<0>(top)[i][0] - std::get<0>(top)[i][1]).item<double>() / 5.0;
  }
  EXPECT_EQ(result.examples, 5);
  EXPECT_EQ(result.correct, count);
  EXPECT_NEAR(result.loss, expected.sum().item<double>() / 5.0, 1e-6);
  EXPECT_NEAR(result.margin, margin, 1e-6);
  EXPECT_EQ(result.grad_norm, -1.0);
  EXPECT_EQ(esper_host_evaluate(host.get(), views.data(), 2, &result, losses, correct, 5),
            ESPER_ERROR_INVALID_ARGUMENT);
  EXPECT_NE(std::string(esper_host_last_error()).find("capacity is 5"), std::string::npos);
}

}  // namespace
}  // namespace esper::host::test
