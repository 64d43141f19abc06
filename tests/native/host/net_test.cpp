// Whole nets against the same nets written with libtorch: losses, gradients, several optimizer steps.
#include <functional>

#include "host_fixture.h"

namespace esper::host::test {
namespace {

namespace F = torch;

// A net in both forms. parameters and buffers are the reference's tensors, named as in the graph.
struct Net {
  GraphBuilder graph;
  std::vector<std::pair<std::string, Tensor>> parameters;
  std::vector<std::pair<std::string, Tensor>> buffers;
  std::function<Tensor(const std::vector<Tensor>&)> loss;
  std::vector<Tensor> inputs;

  int32_t parameter(const std::string& name, const Tensor& value) {
    parameters.emplace_back(name, value.clone().requires_grad_(true));
    return add_parameter(graph, name, value);
  }
  int32_t buffer(const std::string& name, const Tensor& value) {
    buffers.emplace_back(name, value.clone());
    return add_buffer(graph, name, value);
  }
  Tensor p(size_t index) const { return parameters[index].second; }
  Tensor b(size_t index) const { return buffers[index].second; }
};

const std::vector<int64_t> kPad1{1, 1, 1, 1};
const std::vector<int64_t> kTwo{2, 2};

int32_t batch_norm(Net& net, int32_t x, const std::string& name, int64_t channels) {
  const int32_t gamma = net.parameter(name + ".gamma", F::rand({channels}) + 0.5);
  const int32_t beta = net.parameter(name + ".beta", F::randn({channels}) * 0.1);
  const int32_t mean = net.buffer(name + ".mean", F::randn({channels}) * 0.1);
  const int32_t variance = net.buffer(name + ".variance", F::rand({channels}) + 0.5);
  return net.graph.node("BatchNormalization", {x, gamma, beta, mean, variance}, {attr("momentum", 0.8)});
}

Tensor norm(const Net& net, const Tensor& x, size_t parameter, size_t buffer) {
  return F::batch_norm(x, net.p(parameter), net.p(parameter + 1), net.b(buffer), net.b(buffer + 1), true, 0.2, 1e-5,
                       false);
}

void make_cnn3(Net& net) {
  torch::manual_seed(3);
  const int64_t widths[] = {5, 8, 13};
  int32_t x = net.graph.input("x", {-1, 3, 17, 16});
  const int32_t labels = net.graph.input("labels", {-1}, ESPER_HOST_INT64);
  int64_t in = 3;
  for (int64_t width : widths) {
    const std::string name = "conv" + std::to_string(width);
    x = net.graph.node("Conv", {x, net.parameter(name, F::randn({width, in, 3, 3}) * 0.3)}, {attr("pads", kPad1)});
    x = net.graph.node("Relu", {batch_norm(net, x, name, width)});
    x = net.graph.node("MaxPool", {x}, {attr("kernel_shape", kTwo), attr("strides", kTwo)});
    in = width;
  }
  x = net.graph.node("Flatten", {net.graph.node("GlobalAveragePool", {x})});
  const int32_t weight = net.parameter("fc.weight", F::randn({10, in}) * 0.3);
  const int32_t bias = net.parameter("fc.bias", F::randn({10}) * 0.1);
  const int32_t logits = net.graph.node("Gemm", {x, weight, bias}, {attr("transB", 1)});
  net.graph.loss(net.graph.node("SoftmaxCrossEntropyLoss", {logits, labels}, {attr("label_smoothing", 0.1)}), logits,
                 labels);
  net.inputs = {F::randn({7, 3, 17, 16}), F::randint(10, {7}, F::kLong)};
  net.loss = [&net](const std::vector<Tensor>& inputs) {
    Tensor h = inputs[0];
    for (size_t i = 0; i < 3; ++i) {
      h = F::relu(norm(net, F::conv2d(h, net.p(3 * i), {}, 1, 1), 3 * i + 1, 2 * i));
      h = F::max_pool2d(h, 2);
    }
    const Tensor logits_value = F::linear(h.mean({2, 3}), net.p(9), net.p(10));
    return F::cross_entropy_loss(logits_value, inputs[1], {}, at::Reduction::Mean, -100, 0.1);
  };
}

void make_residual(Net& net) {
  torch::manual_seed(4);
  const int32_t x = net.graph.input("x", {-1, 6, 9, 9});
  const int32_t labels = net.graph.input("labels", {-1}, ESPER_HOST_INT64);
  const int32_t a = net.graph.node("Relu", {batch_norm(net, x, "bn1", 6)});
  const std::vector<Attr> strided{attr("strides", kTwo), attr("pads", kPad1)};
  const int32_t c1 = net.graph.node("Conv", {a, net.parameter("c1", F::randn({10, 6, 3, 3}) * 0.3)}, strided);
  const int32_t b = net.graph.node("Relu", {batch_norm(net, c1, "bn2", 10)});
  const int32_t c2 =
      net.graph.node("Conv", {b, net.parameter("c2", F::randn({10, 10, 3, 3}) * 0.2)}, {attr("pads", kPad1)});
  const int32_t shortcut =
      net.graph.node("Conv", {a, net.parameter("sc", F::randn({10, 6, 1, 1}) * 0.4)}, {attr("strides", kTwo)});
  const int32_t sum = net.graph.node("Relu", {net.graph.node("Add", {shortcut, c2})});
  const int32_t pooled = net.graph.node("Flatten", {net.graph.node("GlobalAveragePool", {sum})});
  const int32_t logits =
      net.graph.node("Gemm", {pooled, net.parameter("fc", F::randn({4, 10}) * 0.3)}, {attr("transB", 1)});
  net.graph.loss(net.graph.node("SoftmaxCrossEntropyLoss", {logits, labels}), logits, labels);
  net.inputs = {F::randn({5, 6, 9, 9}), F::randint(4, {5}, F::kLong)};
  net.loss = [&net](const std::vector<Tensor>& inputs) {
    const Tensor h = F::relu(norm(net, inputs[0], 0, 0));
    const Tensor inner = F::relu(norm(net, F::conv2d(h, net.p(2), {}, 2, 1), 3, 2));
    const Tensor total = F::relu(F::conv2d(h, net.p(6), {}, 2) + F::conv2d(inner, net.p(5), {}, 1, 1));
    return F::cross_entropy_loss(F::linear(total.mean({2, 3}), net.p(7)), inputs[1]);
  };
}

void make_mlp(Net& net) {
  torch::manual_seed(5);
  const int32_t x = net.graph.input("x", {-1, 11});
  const int32_t labels = net.graph.input("labels", {-1}, ESPER_HOST_INT64);
  int32_t h =
      net.graph.node("Gemm", {x, net.parameter("w1", F::randn({11, 23}) * 0.3), net.parameter("b1", F::randn({23}))});
  h = net.graph.node("Tanh", {h});
  h = net.graph.node("Gemm", {h, net.parameter("w2", F::randn({7, 23}) * 0.3)},
                     {attr("transB", 1), attr("alpha", 0.7)});
  h = net.graph.node("Relu", {h});
  const int32_t logits = net.graph.node("MatMul", {h, net.parameter("w3", F::randn({7, 3}))});
  net.graph.loss(net.graph.node("SoftmaxCrossEntropyLoss", {logits, labels}), logits, labels);
  net.inputs = {F::randn({9, 11}), F::randint(3, {9}, F::kLong)};
  net.loss = [&net](const std::vector<Tensor>& inputs) {
    const Tensor h1 = F::tanh(F::addmm(net.p(1), inputs[0], net.p(0)));
    const Tensor h2 = F::relu(F::mm(h1, net.p(2).t()) * 0.7);
    return F::cross_entropy_loss(F::mm(h2, net.p(3)), inputs[1]);
  };
}

// Embedding, one pre-norm attention block, class scores at every position.
void make_transformer(Net& net) {
  torch::manual_seed(6);
  const int32_t tokens = net.graph.input("tokens", {-1, -1}, ESPER_HOST_INT64);
  const int32_t labels = net.graph.input("labels", {-1, -1}, ESPER_HOST_INT64);
  const int32_t e = net.graph.node("Gather", {net.parameter("embedding", F::randn({19, 12})), tokens});
  const int32_t n = net.graph.node("LayerNormalization",
                                   {e, net.parameter("g", F::rand({12}) + 0.5), net.parameter("b", F::randn({12}))});
  const int32_t q = net.graph.node("MatMul", {n, net.parameter("wq", F::randn({12, 12}) * 0.3)});
  const int32_t k = net.graph.node("MatMul", {n, net.parameter("wk", F::randn({12, 6}) * 0.3)});
  const int32_t v = net.graph.node("MatMul", {n, net.parameter("wv", F::randn({12, 6}) * 0.3)});
  const int32_t mixed =
      net.graph.node("Attention", {q, k, v}, {attr("q_num_heads", 4), attr("kv_num_heads", 2), attr("is_causal", 1)});
  const int32_t sum = net.graph.node("Add", {e, mixed});
  const int32_t scores =
      net.graph.node("MatMul", {net.graph.node("Gelu", {sum}), net.parameter("out", F::randn({12, 5}) * 0.3)});
  const int32_t logits = net.graph.node("Transpose", {scores}, {attr("perm", std::vector<int64_t>{0, 2, 1})});
  net.graph.loss(net.graph.node("SoftmaxCrossEntropyLoss", {logits, labels}, {attr("ignore_index", -1)}), logits,
                 labels);
  Tensor targets = F::randint(5, {3, 7}, F::kLong);
  targets[1][2] = -1;
  net.inputs = {F::randint(19, {3, 7}, F::kLong), targets};
  net.loss = [&net](const std::vector<Tensor>& inputs) {
    const Tensor emb = F::embedding(net.p(0), inputs[0]);
    const Tensor h = F::layer_norm(emb, {12}, net.p(1), net.p(2));
    const auto heads = [&](const Tensor& t, int64_t count) {
      return t.reshape({3, 7, count, 3}).permute({0, 2, 1, 3});
    };
    const Tensor query = heads(h.matmul(net.p(3)), 4);
    const Tensor key = heads(h.matmul(net.p(4)), 2).index_select(1, F::tensor({0, 0, 1, 1}));
    const Tensor value = heads(h.matmul(net.p(5)), 2).index_select(1, F::tensor({0, 0, 1, 1}));
    Tensor s = query.matmul(key.transpose(2, 3)) / std::sqrt(3.0);
    s = s + F::full({7, 7}, -1e30).triu(1);
    const Tensor y = emb + s.softmax(-1).matmul(value).permute({0, 2, 1, 3}).reshape({3, 7, 12});
    const Tensor out = F::gelu(y).matmul(net.p(6)).reshape({21, 5});
    return F::cross_entropy_loss(out, inputs[1].reshape({21}), {}, at::Reduction::Mean, -1);
  };
}

using Maker = void (*)(Net&);

class NetTest : public testing::TestWithParam<Maker> {
 protected:
  void SetUp() override { GetParam()(net_); }
  Net net_;
};

// float32 sums of a few hundred terms in another order: relative 1e-4 covers the deepest net here.
constexpr double kTolerance = 1e-4;

TEST_P(NetTest, LossAndGradientsAreThoseOfTorch) {
  Host host(net_.graph);
  const esper_host_step_result result = host.gradients(net_.inputs);
  const Tensor loss = net_.loss(net_.inputs);
  loss.backward();
  EXPECT_NEAR(result.loss, loss.item<double>(), 1e-5);
  double squares = 0.0;
  for (const auto& [name, value] : net_.parameters) {
    EXPECT_LT(relative_error(host.state("grad/" + name), value.grad(), 1e-3), kTolerance) << name;
    squares += value.grad().to(torch::kDouble).square().sum().item<double>();
  }
  EXPECT_NEAR(result.grad_norm, std::sqrt(squares), 1e-4 * std::sqrt(squares));
  for (const auto& [name, value] : net_.buffers) {
    EXPECT_LT(relative_error(host.state("buffer/" + name), value), 1e-5) << name;
  }
}

template <class Optimizer>
void follow(Net& net, Host& host, Optimizer& optimizer, double clip) {
  std::vector<Tensor> leaves;
  for (const auto& [name, value] : net.parameters) leaves.push_back(value);
  for (int step = 0; step < 5; ++step) {
    optimizer.zero_grad();
    const Tensor loss = net.loss(net.inputs);
    loss.backward();
    if (clip > 0.0) {
      double squares = 0.0;
      for (const Tensor& leaf : leaves) squares += leaf.grad().to(torch::kDouble).square().sum().item<double>();
      const double scale = std::min(1.0, clip / (std::sqrt(squares) + 1e-6));
      for (const Tensor& leaf : leaves) leaf.grad().mul_(scale);
    }
    optimizer.step();
    const esper_host_step_result result = host.train(net.inputs, {0.01F, static_cast<float>(clip), 0});
    EXPECT_EQ(result.finite, 1);
    EXPECT_NEAR(result.loss, loss.template item<double>(), 1e-4) << "step " << step;
  }
  for (const auto& [name, value] : net.parameters) {
    EXPECT_LT(relative_error(host.state("param/" + name), value, 1e-2), 2e-4) << name;
  }
}

std::vector<Tensor> leaves_of(const Net& net) {
  std::vector<Tensor> leaves;
  for (const auto& [name, value] : net.parameters) leaves.push_back(value);
  return leaves;
}

TEST_P(NetTest, FollowsTorchSgd) {
  for (const bool nesterov : {false, true}) {
    Net net;
    GetParam()(net);
    Host host(net.graph);
    host.optimizer(ESPER_HOST_SGD, sgd_group(0.9F, nesterov, 5e-3F));
    torch::optim::SGD sgd(leaves_of(net),
                          torch::optim::SGDOptions(0.01).momentum(0.9).nesterov(nesterov).weight_decay(5e-3));
    follow(net, host, sgd, nesterov ? 0.5 : 0.0);
  }
}

TEST_P(NetTest, FollowsTorchSgdWithoutMomentum) {
  Host host(net_.graph);
  host.optimizer(ESPER_HOST_SGD, sgd_group(0.0F, false, 0.0F));
  torch::optim::SGD sgd(leaves_of(net_), torch::optim::SGDOptions(0.01));
  follow(net_, host, sgd, 0.0);
}

TEST_P(NetTest, FollowsTorchAdamw) {
  Host host(net_.graph);
  host.optimizer(ESPER_HOST_ADAMW, adamw_group(1e-2F));
  torch::optim::AdamW adamw(leaves_of(net_), torch::optim::AdamWOptions(0.01).weight_decay(1e-2).eps(1e-4));
  esper_host_group group = adamw_group(1e-2F);
  group.epsilon = 1e-4F;  // Parameters with gradients at rounding level would otherwise step by its sign.
  host.optimizer(ESPER_HOST_ADAMW, group);
  follow(net_, host, adamw, 0.0);
}

INSTANTIATE_TEST_SUITE_P(Nets, NetTest, testing::Values(make_cnn3, make_residual, make_mlp, make_transformer));

// y = w: the gradient is the input itself, so that only the update formulas are compared.
struct Line {
  GraphBuilder graph;
  Tensor start = torch::randn({257});
  Line() {
    const int32_t x = graph.input("x", {257});
    const int32_t w = add_parameter(graph, "w", start);
    graph.loss(graph.node("ReduceSum", {graph.node("Mul", {x, w})}, {attr("keepdims", 0)}));
  }
};

template <class Optimizer>
void expect_same_updates(Line& line, Host& host, Optimizer& optimizer, const Tensor& leaf) {
  for (int step = 0; step < 10; ++step) {
    const Tensor gradient = torch::randn({257});
    leaf.mutable_grad() = gradient.clone();
    optimizer.step();
    host.train({gradient}, {0.05F, 0.0F, 0});
    // Contraction of one multiply-add to fma differs by half an ulp of the update, which steps accumulate.
    EXPECT_LT((host.state("param/w") - leaf.detach()).abs().max().template item<double>(), 1e-6) << "step " << step;
  }
  (void)line;
}

TEST(OptimizerFormula, SgdIsTorchsToRounding) {
  for (const bool nesterov : {false, true}) {
    Line line;
    Host host(line.graph);
    host.optimizer(ESPER_HOST_SGD, sgd_group(0.9F, nesterov, 1e-2F));
    const Tensor leaf = line.start.clone().requires_grad_(true);
    torch::optim::SGD sgd({leaf}, torch::optim::SGDOptions(0.05).momentum(0.9).nesterov(nesterov).weight_decay(1e-2));
    expect_same_updates(line, host, sgd, leaf);
  }
}

TEST(OptimizerFormula, AdamwIsTorchsToRounding) {
  Line line;
  Host host(line.graph);
  host.optimizer(ESPER_HOST_ADAMW, adamw_group(1e-2F));
  const Tensor leaf = line.start.clone().requires_grad_(true);
  torch::optim::AdamW adamw({leaf}, torch::optim::AdamWOptions(0.05).weight_decay(1e-2));
  expect_same_updates(line, host, adamw, leaf);
}

TEST(OptimizerFormula, GroupsScaleTheLearningRate) {
  Line line;
  Host host(line.graph);
  esper_host_group group = sgd_group(0.0F, false, 0.0F);
  group.learning_rate_scale = 0.25F;
  host.optimizer(ESPER_HOST_SGD, group);
  const Tensor gradient = torch::ones({257});
  host.train({gradient}, {0.5F, 0.0F, 0});
  EXPECT_TRUE(same_bits(host.state("param/w"), line.start - 0.125F));
}

}  // namespace
}  // namespace esper::host::test
