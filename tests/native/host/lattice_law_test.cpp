// The lattice's laws inside a training host: what does not blend changes no bit.
#include "host_fixture.h"

namespace esper::host::test {
namespace {

namespace F = torch;

// Where lattices sit in the net below.
enum class Wrap { kNone, kReluOutput, kNormOutput, kTokens };

// conv-BN-ReLU-maxpool-conv-BN-ReLU-average-linear on 3 x 10 x 10 images.
void build(GraphBuilder& g, Wrap wrap) {
  torch::manual_seed(21);
  const std::vector<int64_t> pads{1, 1, 1, 1}, two{2, 2};
  int32_t x = g.input("x", {-1, 3, 10, 10});
  const int32_t labels = g.input("labels", {-1}, ESPER_HOST_INT64);
  int64_t in = 3;
  for (const int64_t width : {8, 10}) {
    const std::string n = std::to_string(width);
    x = g.node("Conv", {x, add_parameter(g, "conv" + n, F::randn({width, in, 3, 3}) * 0.3)}, {attr("pads", pads)});
    x = g.node(
        "BatchNormalization",
        {x, add_parameter(g, "g" + n, F::rand({width}) + 0.5), add_parameter(g, "b" + n, F::randn({width}) * 0.1),
         add_buffer(g, "m" + n, F::zeros({width})), add_buffer(g, "v" + n, F::ones({width}))});
    const std::string producer = "conv" + n;
    if (wrap == Wrap::kNormOutput) x = g.lattice(x, static_cast<int>(width), 3, ESPER_LAYOUT_NCHW, producer.c_str());
    x = g.node("Relu", {x});
    if (wrap == Wrap::kReluOutput) x = g.lattice(x, static_cast<int>(width), 3, ESPER_LAYOUT_NCHW, producer.c_str());
    if (width == 8) x = g.node("MaxPool", {x}, {attr("kernel_shape", two), attr("strides", two)});
    in = width;
  }
  x = g.node("Flatten", {g.node("GlobalAveragePool", {x})});
  if (wrap == Wrap::kTokens) {
    x = g.lattice(x, 10, 3, ESPER_LAYOUT_TOKENS);
    x = g.lattice(x, 10, 3, ESPER_LAYOUT_NCHW);
  }
  const int32_t logits = g.node("Gemm", {x, add_parameter(g, "fc", F::randn({4, 10}))}, {attr("transB", 1)});
  g.loss(g.node("SoftmaxCrossEntropyLoss", {logits, labels}), logits, labels);
  g.output(logits);
}

std::vector<std::vector<Tensor>> batches(int count) {
  torch::manual_seed(22);
  std::vector<std::vector<Tensor>> list;
  for (int i = 0; i < count; ++i) list.push_back({F::randn({6, 3, 10, 10}), F::randint(4, {6}, F::kLong)});
  return list;
}

// State of the host alone: arenas left out.
std::map<std::string, Tensor> host_state(const Host& host) {
  std::map<std::string, Tensor> kept;
  for (const auto& [name, value] : host.all_state()) {
    if (name.find("arena/") == std::string::npos) kept[name] = value;
  }
  return kept;
}

class LatticeLaw : public testing::TestWithParam<Wrap> {
 protected:
  // Germinates seeds 0 and 2 of both sites in that stage.
  static void germinate(Host& host, int32_t stage) {
    for (int site = 0; site < 2; ++site) {
      host.germinate(site, 0, seed_desc(stage, ESPER_FAMILY_BOTTLENECK, 2), 5);
      host.germinate(site, 2, seed_desc(stage, ESPER_FAMILY_AFFINE, 0), 6);
    }
  }

  // Trains both and compares every bit of loss, norm (unless seeds add to it), gradients and state.
  static void expect_same_training(Host& bare, Host& wrapped, bool seeds_learn, int telemetry) {
    for (const auto& batch : batches(4)) {
      const esper_host_step_result a = bare.train(batch, {0.05F, 0.0F, 0});
      const esper_host_step_result b = wrapped.train(batch, {0.05F, 0.0F, telemetry});
      EXPECT_EQ(a.loss, b.loss);
      EXPECT_EQ(a.correct, b.correct);
      if (!seeds_learn) {
        EXPECT_EQ(a.grad_norm, b.grad_norm);
      }
      EXPECT_TRUE(same_bits(host_state(bare), host_state(wrapped)));
    }
    const auto batch = batches(1)[0];
    bare.gradients(batch);
    wrapped.gradients(batch);
    EXPECT_TRUE(same_bits(host_state(bare), host_state(wrapped)));
    EXPECT_TRUE(same_bits(bare.forward({batch[0], batch[1]})[0], wrapped.forward({batch[0], batch[1]})[0]));
  }
};

TEST_P(LatticeLaw, DormantChangesNoBit) {
  GraphBuilder plain, lattice;
  build(plain, Wrap::kNone);
  build(lattice, GetParam());
  Host bare(plain), wrapped(lattice);
  bare.optimizer(ESPER_HOST_SGD, sgd_group(0.9F, true, 1e-3F));
  wrapped.optimizer(ESPER_HOST_SGD, sgd_group(0.9F, true, 1e-3F));
  expect_same_training(bare, wrapped, false, 1);
}

TEST_P(LatticeLaw, GerminatedChangesNoBitAndIsNotTrained) {
  GraphBuilder plain, lattice;
  build(plain, Wrap::kNone);
  build(lattice, GetParam());
  Host bare(plain), wrapped(lattice);
  bare.optimizer(ESPER_HOST_SGD, sgd_group(0.9F, true, 1e-3F));
  wrapped.optimizer(ESPER_HOST_SGD, sgd_group(0.9F, true, 1e-3F));
  germinate(wrapped, ESPER_STAGE_GERMINATED);
  const Tensor arena = wrapped.state("arena/0");
  expect_same_training(bare, wrapped, false, 0);
  EXPECT_TRUE(same_bits(wrapped.state("arena/0"), arena));
}

TEST_P(LatticeLaw, TrainingSeedsLearnAndTheHostFeelsNothing) {
  for (const int telemetry : {0, 1}) {
    GraphBuilder plain, lattice;
    build(plain, Wrap::kNone);
    build(lattice, GetParam());
    Host bare(plain), wrapped(lattice);
    bare.optimizer(ESPER_HOST_ADAMW, adamw_group(1e-3F));
    wrapped.optimizer(ESPER_HOST_ADAMW, adamw_group(1e-3F));
    germinate(wrapped, ESPER_STAGE_TRAINING);
    const Tensor arena = wrapped.state("arena/0");
    expect_same_training(bare, wrapped, true, telemetry);
    EXPECT_FALSE(same_bits(wrapped.state("arena/0"), arena));
  }
}

TEST_P(LatticeLaw, AlphaZeroChangesNoBitOfTheHost) {
  GraphBuilder plain, lattice;
  build(plain, Wrap::kNone);
  build(lattice, GetParam());
  Host bare(plain), wrapped(lattice);
  bare.optimizer(ESPER_HOST_SGD, sgd_group(0.0F, false, 0.0F));
  wrapped.optimizer(ESPER_HOST_SGD, sgd_group(0.0F, false, 0.0F));
  germinate(wrapped, ESPER_STAGE_BLENDING);
  expect_same_training(bare, wrapped, true, 0);
}

INSTANTIATE_TEST_SUITE_P(Places, LatticeLaw, testing::Values(Wrap::kReluOutput, Wrap::kNormOutput, Wrap::kTokens));

}  // namespace
}  // namespace esper::host::test
