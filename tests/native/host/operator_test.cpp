// Every operator against libtorch's own functions: value and gradients, with awkward attributes.
#include <functional>

#include "host_fixture.h"

namespace esper::host::test {
namespace {

namespace F = torch;
using Ints = std::vector<int64_t>;
using Reference = std::function<Tensor(const std::vector<Tensor>&)>;

// An operator over float inputs (as parameters), with int64 constants behind them.
struct Case {
  const char* name;
  const char* op;
  std::vector<Ints> shapes;
  std::vector<Attr> attributes;
  Reference reference;
  std::vector<Ints> constants = {};
  bool positive = false;  // Draw inputs from [0.5, 1.5) where the function needs it.
};

std::ostream& operator<<(std::ostream& stream, const Case& c) {
  return stream << c.name;
}

class OperatorTest : public testing::TestWithParam<Case> {};

TEST_P(OperatorTest, ValueAndGradientsAreThoseOfTorch) {
  const Case& c = GetParam();
  torch::manual_seed(11);
  GraphBuilder graph;
  std::vector<Tensor> leaves;
  std::vector<int32_t> inputs;
  for (const Ints& shape : c.shapes) {
    const Tensor value = c.positive ? F::rand(shape) + 0.5 : F::randn(shape);
    inputs.push_back(add_parameter(graph, "p" + std::to_string(leaves.size()), value));
    leaves.push_back(value.clone().requires_grad_(true));
  }
  for (const Ints& constant : c.constants) {
    inputs.push_back(graph.constant_ints("c" + std::to_string(inputs.size()), constant));
  }
  const Tensor expected = c.reference(leaves);
  const Tensor cotangent = F::randn(expected.sizes());
  const int32_t y = graph.node(c.op, inputs, c.attributes);
  graph.output(y);
  graph.loss(graph.node("ReduceSum", {graph.node("Mul", {y, add_constant(graph, "cotangent", cotangent)})},
                        {attr("keepdims", 0)}));
  Host host(graph);
  EXPECT_LT(relative_error(host.forward({})[0], expected), 1e-5);
  host.gradients({});
  (expected * cotangent).sum().backward();
  for (size_t i = 0; i < leaves.size(); ++i) {
    const Tensor gradient = host.state("grad/p" + std::to_string(i));
    EXPECT_LT(relative_error(gradient, leaves[i].grad(), 1e-3), 1e-4) << "input " << i;
  }
}

// Pooling windows as attributes.
std::vector<Attr> window(Ints kernel, Ints strides, Ints pads, std::vector<Attr> more = {}) {
  more.push_back(attr("kernel_shape", std::move(kernel)));
  more.push_back(attr("strides", std::move(strides)));
  more.push_back(attr("pads", std::move(pads)));
  return more;
}

const Case kConvolutions[] = {
    {"ConvPlain", "Conv", {{2, 3, 7, 9}, {4, 3, 3, 3}}, {}, [](const auto& x) { return F::conv2d(x[0], x[1]); }},
    {"ConvBiasStridesPads",
     "Conv",
     {{2, 3, 7, 9}, {4, 3, 3, 2}, {4}},
     {attr("strides", Ints{2, 1}), attr("pads", Ints{1, 2, 1, 2})},
     [](const auto& x) {
       return F::conv2d(x[0], x[1], x[2], Ints{2, 1}, Ints{1, 2});
     }},
    {"ConvGroupDilation",
     "Conv",
     {{2, 6, 8, 8}, {4, 3, 3, 3}},
     {attr("group", 2), attr("dilations", Ints{2, 1})},
     [](const auto& x) {
       return F::conv2d(x[0], x[1], {}, Ints{1, 1}, Ints{0, 0}, Ints{2, 1}, 2);
     }},
    {"ConvDepthwise",
     "Conv",
     {{2, 6, 8, 8}, {6, 1, 3, 3}},
     {attr("group", 6), attr("pads", Ints{1, 1, 1, 1})},
     [](const auto& x) {
       return F::conv2d(x[0], x[1], {}, Ints{1, 1}, Ints{1, 1}, Ints{1, 1}, 6);
     }},
    {"ConvAsymmetricPads",
     "Conv",
     {{2, 3, 6, 6}, {2, 3, 3, 3}},
     {attr("pads", Ints{0, 1, 2, 0})},
     [](const auto& x) {
       return F::conv2d(F::constant_pad_nd(x[0], Ints{1, 0, 0, 2}), x[1]);
     }},
    {"ConvOneChannel",
     "Conv",
     {{3, 1, 6, 5}, {4, 1, 3, 3}},
     {attr("auto_pad", "VALID")},
     [](const auto& x) { return F::conv2d(x[0], x[1]); }},
    {"ConvOneDimension",
     "Conv",
     {{2, 3, 9}, {4, 3, 3}},
     {attr("strides", Ints{2})},
     [](const auto& x) { return F::conv1d(x[0], x[1], {}, 2); }},
    {"MaxPool",
     "MaxPool",
     {{2, 3, 7, 9}},
     window({2, 2}, {2, 2}, {0, 0, 0, 0}),
     [](const auto& x) { return F::max_pool2d(x[0], 2); }},
    {"MaxPoolOverlapPads",
     "MaxPool",
     {{2, 5, 8, 7}},
     window({3, 3}, {2, 1}, {1, 1, 1, 1}),
     [](const auto& x) {
       return F::max_pool2d(x[0], 3, {2, 1}, 1);
     }},
    {"MaxPoolCeil",
     "MaxPool",
     {{2, 3, 7, 9}},
     window({2, 2}, {2, 2}, {0, 0, 0, 0}, {attr("ceil_mode", 1)}),
     [](const auto& x) { return F::max_pool2d(x[0], 2, 2, 0, 1, true); }},
    {"MaxPoolOneDimension",
     "MaxPool",
     {{2, 3, 9}},
     window({3}, {2}, {1, 1}),
     [](const auto& x) { return F::max_pool1d(x[0], 3, 2, 1); }},
    {"AveragePoolPads",
     "AveragePool",
     {{2, 3, 7, 9}},
     window({3, 2}, {2, 2}, {1, 1, 1, 1}),
     [](const auto& x) {
       return F::avg_pool2d(x[0], {3, 2}, {2, 2}, {1, 1}, false, false);
     }},
    {"AveragePoolIncludePads",
     "AveragePool",
     {{2, 3, 7, 9}},
     window({3, 2}, {2, 2}, {1, 0, 0, 1}, {attr("count_include_pad", 1)}),
     [](const auto& x) {
       return F::avg_pool2d(F::constant_pad_nd(x[0], {0, 1, 1, 0}), {3, 2}, {2, 2});
     }},
    {"GlobalAveragePool",
     "GlobalAveragePool",
     {{2, 3, 7, 9}},
     {},
     [](const auto& x) {
       return x[0].mean(Ints{2, 3}, true);
     }},
};

// MaxPool behind a Conv runs on channels-last memory and so on the library's own kernel.
Tensor identity_kernel(int64_t channels) {
  return F::eye(channels).reshape({channels, channels, 1, 1});
}

void expect_pool(const std::vector<Attr>& attributes, const Reference& reference, int64_t channels = 5) {
  torch::manual_seed(12);
  GraphBuilder graph;
  const Tensor x = F::randint(-3, 3, {3, channels, 9, 8}).to(F::kFloat);  // Many ties.
  const int32_t p = add_parameter(graph, "x", x);
  const int32_t conv = graph.node("Conv", {p, add_constant(graph, "eye", identity_kernel(channels))});
  const int32_t y = graph.node("MaxPool", {conv}, attributes);
  const Tensor leaf = x.clone().requires_grad_(true);
  const Tensor expected = reference({leaf});
  const Tensor cotangent = F::randn(expected.sizes());
  graph.output(y);
  graph.loss(graph.node("ReduceSum", {graph.node("Mul", {y, add_constant(graph, "cotangent", cotangent)})},
                        {attr("keepdims", 0)}));
  Host host(graph);
  EXPECT_TRUE(same_bits(host.forward({})[0], expected.detach()));
  host.gradients({});
  (expected * cotangent).sum().backward();
  EXPECT_LT(relative_error(host.state("grad/x"), leaf.grad()), 1e-6);
}

TEST(ChannelsLastMaxPool, MatchesTorch) {
  expect_pool(window({2, 2}, {2, 2}, {0, 0, 0, 0}), [](const auto& x) { return F::max_pool2d(x[0], 2); });
  // Every width of a tile, and what remains behind it.
  for (const int64_t channels : {1, 3, 4, 8, 12, 16, 23, 64, 71}) {
    expect_pool(
        window({2, 2}, {2, 2}, {0, 0, 0, 0}), [](const auto& x) { return F::max_pool2d(x[0], 2); }, channels);
    expect_pool(
        window({3, 3}, {2, 2}, {1, 1, 1, 1}), [](const auto& x) { return F::max_pool2d(x[0], 3, 2, 1); }, channels);
  }
  expect_pool(window({3, 2}, {3, 2}, {0, 0, 0, 0}), [](const auto& x) { return F::max_pool2d(x[0], {3, 2}); });
  expect_pool(window({3, 3}, {1, 2}, {1, 1, 1, 1}), [](const auto& x) { return F::max_pool2d(x[0], 3, {1, 2}, 1); });
  expect_pool(window({2, 2}, {3, 3}, {1, 0, 1, 0}), [](const auto& x) { return F::max_pool2d(x[0], 2, 3, {1, 0}); });
}

const Case kActivations[] = {
    {"Relu", "Relu", {{3, 5}}, {}, [](const auto& x) { return F::relu(x[0]); }},
    {"GeluExact", "Gelu", {{3, 5}}, {}, [](const auto& x) { return F::gelu(x[0]); }},
    {"GeluTanh", "Gelu", {{3, 5}}, {attr("approximate", "tanh")}, [](const auto& x) { return F::gelu(x[0], "tanh"); }},
    {"Sigmoid", "Sigmoid", {{3, 5}}, {}, [](const auto& x) { return F::sigmoid(x[0]); }},
    {"Tanh", "Tanh", {{3, 5}}, {}, [](const auto& x) { return F::tanh(x[0]); }},
    {"LeakyRelu", "LeakyRelu", {{3, 5}}, {attr("alpha", 0.3)}, [](const auto& x) { return F::leaky_relu(x[0], 0.3); }},
    {"Elu", "Elu", {{3, 5}}, {attr("alpha", 0.7)}, [](const auto& x) { return F::elu(x[0], 0.7); }},
    {"HardSwish", "HardSwish", {{3, 5}}, {}, [](const auto& x) { return F::hardswish(x[0] * 1.0); }},
    {"SoftmaxAxis", "Softmax", {{3, 5, 2}}, {attr("axis", 1)}, [](const auto& x) { return F::softmax(x[0], 1); }},
    {"LogSoftmax", "LogSoftmax", {{3, 5}}, {}, [](const auto& x) { return F::log_softmax(x[0], -1); }},
    {"DropoutOff", "Dropout", {{3, 5}}, {attr("ratio", 0.0)}, [](const auto& x) { return x[0] * 1.0; }},
    {"LayerNorm",
     "LayerNormalization",
     {{3, 5, 7}, {7}, {7}},
     {attr("epsilon", 1e-3)},
     [](const auto& x) { return F::layer_norm(x[0], {7}, x[1], x[2], 1e-3); }},
    {"LayerNormTwoAxes",
     "LayerNormalization",
     {{3, 5, 7}, {5, 7}},
     {attr("axis", 1)},
     [](const auto& x) {
       return F::layer_norm(x[0], {5, 7}, x[1]);
     }},
};

const Case kArithmetic[] = {
    {"AddBroadcast", "Add", {{3, 1, 5}, {4, 1}}, {}, [](const auto& x) { return x[0] + x[1]; }},
    {"Sub", "Sub", {{3, 5}, {5}}, {}, [](const auto& x) { return x[0] - x[1]; }},
    {"MulBroadcast", "Mul", {{3, 5}, {3, 1}}, {}, [](const auto& x) { return x[0] * x[1]; }},
    {"Div", "Div", {{3, 5}, {5}}, {}, [](const auto& x) { return x[0] / x[1]; }, {}, true},
    {"Pow", "Pow", {{3, 5}, {5}}, {}, [](const auto& x) { return x[0].pow(x[1]); }, {}, true},
    {"PowIntegers", "Pow", {{3, 5}}, {}, [](const auto& x) { return x[0].pow(3); }, {{3}}},
    {"Sqrt", "Sqrt", {{3, 5}}, {}, [](const auto& x) { return x[0].sqrt(); }, {}, true},
    {"Exp", "Exp", {{3, 5}}, {}, [](const auto& x) { return x[0].exp(); }},
    {"Neg", "Neg", {{3, 5}}, {}, [](const auto& x) { return -x[0]; }},
    {"Identity", "Identity", {{3, 5}}, {}, [](const auto& x) { return x[0] * 1.0; }},
    {"GemmFull",
     "Gemm",
     {{4, 3}, {5, 4}, {5}},
     {attr("transA", 1), attr("transB", 1), attr("alpha", 0.5), attr("beta", 2.0)},
     [](const auto& x) { return 0.5 * x[0].t().mm(x[1].t()) + 2.0 * x[2]; }},
    {"MatMulBatch", "MatMul", {{2, 1, 3, 4}, {5, 4, 6}}, {}, [](const auto& x) { return x[0].matmul(x[1]); }},
    {"ReduceMeanAxes",
     "ReduceMean",
     {{3, 4, 5}},
     {attr("keepdims", 0)},
     [](const auto& x) {
       return x[0].mean(Ints{0, 2});
     },
     {{0, -1}}},
    {"ReduceMeanAll",
     "ReduceMean",
     {{3, 4}},
     {},
     [](const auto& x) {
       return x[0].mean().reshape({1, 1});
     }},
    {"ReduceMeanAttribute",
     "ReduceMean",
     {{3, 4}},
     {attr("axes", Ints{1})},
     [](const auto& x) { return x[0].mean(1, true); }},
    {"ReduceSum", "ReduceSum", {{3, 4, 5}}, {}, [](const auto& x) { return x[0].sum(1, true); }, {{1}}},
};

const Case kShapes[] = {
    {"FlattenAxis",
     "Flatten",
     {{2, 3, 4}},
     {attr("axis", 2)},
     [](const auto& x) {
       return x[0].reshape({6, 4});
     }},
    {"FlattenZero",
     "Flatten",
     {{2, 3, 4}},
     {attr("axis", 0)},
     [](const auto& x) {
       return x[0].reshape({1, 24});
     }},
    {"ReshapeZeroMinusOne",
     "Reshape",
     {{2, 3, 4}},
     {},
     [](const auto& x) {
       return x[0].reshape({2, 2, 6});
     },
     {{0, 2, -1}}},
    {"TransposeDefault",
     "Transpose",
     {{2, 3, 4}},
     {},
     [](const auto& x) {
       return x[0].permute({2, 1, 0});
     }},
    {"TransposePerm",
     "Transpose",
     {{2, 3, 4}},
     {attr("perm", Ints{1, 2, 0})},
     [](const auto& x) {
       return x[0].permute({1, 2, 0});
     }},
    {"SqueezeAll",
     "Squeeze",
     {{2, 1, 4, 1}},
     {},
     [](const auto& x) {
       return x[0].reshape({2, 4});
     }},
    {"SqueezeAxis",
     "Squeeze",
     {{2, 1, 4, 1}},
     {},
     [](const auto& x) {
       return x[0].reshape({2, 1, 4});
     },
     {{-1}}},
    {"Unsqueeze",
     "Unsqueeze",
     {{2, 4}},
     {},
     [](const auto& x) {
       return x[0].reshape({1, 2, 4, 1});
     },
     {{-1, 0}}},
    {"Concat",
     "Concat",
     {{2, 3}, {2, 1}, {2, 2}},
     {attr("axis", -1)},
     [](const auto& x) {
       return F::cat({x[0], x[1], x[2]}, 1);
     }},
    {"SliceSteps", "Slice", {{5, 6}}, {}, [](const auto& x) { return x[0].slice(1, 1, 6, 2); }, {{1}, {100}, {1}, {2}}},
    {"SliceNegative",
     "Slice",
     {{5, 6}},
     {},
     [](const auto& x) { return x[0].slice(0, 1, 5).flip({0}); },
     {{-1}, {0}, {0}, {-1}}},
    {"SliceReverse", "Slice", {{5, 6}}, {}, [](const auto& x) { return x[0].flip({1}); }, {{5}, {-1000}, {1}, {-1}}},
    {"SliceBackSteps",
     "Slice",
     {{5, 7}},
     {},
     [](const auto& x) { return x[0].flip({1}).slice(1, 1, 6, 2); },
     {{-2}, {0}, {1}, {-2}}},
    {"SliceBackFar",
     "Slice",
     {{3, 5}},
     {},
     [](const auto& x) { return x[0].slice(1, 4, 5); },
     {{100}, {-100}, {1}, {INT64_MIN}}},
    {"GatherAxis",
     "Gather",
     {{3, 5, 2}},
     {attr("axis", 1)},
     [](const auto& x) {
       return x[0].index_select(1, F::tensor({4, 0, 4}));
     },
     {{4, 0, -1}}},
    {"GatherRows",
     "Gather",
     {{5, 2}},
     {},
     [](const auto& x) {
       return x[0].index_select(0, F::tensor({4, 0, 4}));
     },
     {{4, 0, -1}}},
};

Tensor attention(const std::vector<Tensor>& x, double scale) {
  const auto heads = [](const Tensor& t) { return t.reshape({t.size(0), t.size(1), 2, -1}).transpose(1, 2); };
  const Tensor s = F::softmax(heads(x[0]).matmul(heads(x[1]).transpose(2, 3)) * scale, -1);
  return s.matmul(heads(x[2])).transpose(1, 2).reshape({x[0].size(0), x[0].size(1), -1});
}

const Case kAttention[] = {
    {"AttentionDefaultScale",
     "Attention",
     {{2, 3, 8}, {2, 5, 8}, {2, 5, 6}},
     {attr("q_num_heads", 2), attr("kv_num_heads", 2)},
     [](const auto& x) { return attention(x, 0.5); }},
    {"AttentionScale",
     "Attention",
     {{2, 3, 8}, {2, 5, 8}, {2, 5, 6}},
     {attr("q_num_heads", 2), attr("kv_num_heads", 2), attr("scale", 0.3)},
     [](const auto& x) { return attention(x, 0.3); }},
};

std::string case_name(const testing::TestParamInfo<Case>& info) {
  return info.param.name;
}

INSTANTIATE_TEST_SUITE_P(Convolutions, OperatorTest, testing::ValuesIn(kConvolutions), case_name);
INSTANTIATE_TEST_SUITE_P(Activations, OperatorTest, testing::ValuesIn(kActivations), case_name);
INSTANTIATE_TEST_SUITE_P(Arithmetic, OperatorTest, testing::ValuesIn(kArithmetic), case_name);
INSTANTIATE_TEST_SUITE_P(Shapes, OperatorTest, testing::ValuesIn(kShapes), case_name);
INSTANTIATE_TEST_SUITE_P(AttentionCases, OperatorTest, testing::ValuesIn(kAttention), case_name);

TEST(Operators, SplitGivesAllItsParts) {
  GraphBuilder graph;
  const Tensor x = F::randn({3, 7});
  const int32_t p = add_parameter(graph, "x", x);
  const int32_t first = graph.node("Split", {p}, {attr("axis", 1), attr("num_outputs", 3)}, 3);
  for (int32_t i = 0; i < 3; ++i) graph.output(first + i);
  Host host(graph);
  const std::vector<Tensor> parts = host.forward({});
  EXPECT_TRUE(same_bits(parts[0], x.narrow(1, 0, 3)));
  EXPECT_TRUE(same_bits(parts[2], x.narrow(1, 6, 1)));
}

TEST(Operators, CastWhereAndIntegersFollowOnnx) {
  GraphBuilder graph;
  const int32_t bytes = graph.input("bytes", {4}, ESPER_HOST_UINT8);
  const int32_t as_float = graph.node("Cast", {bytes}, {attr("to", ESPER_HOST_FLOAT32)});
  const int32_t a = graph.constant_ints("a", {-7, 7, 9});
  const int32_t b = graph.constant_ints("b", {2, 2, 4});
  graph.output(as_float);
  graph.output(graph.node("Div", {a, b}));
  const int32_t mask = graph.input("mask", {4}, ESPER_HOST_BOOL);
  graph.output(graph.node("Where", {mask, as_float, add_constant(graph, "zero", F::zeros({1}))}));
  Host host(graph);
  const std::vector<Tensor> y =
      host.forward({F::tensor({0, 1, 128, 255}).to(F::kByte), F::tensor({1, 0, 0, 1}).to(F::kBool)});
  EXPECT_TRUE(same_bits(y[0], F::tensor({0.0F, 1.0F, 128.0F, 255.0F})));
  EXPECT_TRUE(same_bits(y[1], F::tensor({-3, 3, 2}).to(F::kLong)));
  EXPECT_TRUE(same_bits(y[2], F::tensor({0.0F, 0.0F, 0.0F, 255.0F})));
}

TEST(Operators, DropoutKeepsTheExpectedShareAndItsBackwardUsesTheSameMask) {
  GraphBuilder graph;
  const int32_t p = add_parameter(graph, "x", F::ones({100, 100}));
  const int32_t y = graph.node("Dropout", {p}, {attr("ratio", 0.3)});
  graph.output(y);
  graph.loss(graph.node("ReduceSum", {graph.node("Mul", {y, y})}, {attr("keepdims", 0)}));
  Host host(graph);
  EXPECT_TRUE(same_bits(host.forward({}, false)[0], F::ones({100, 100})));
  const Tensor first = host.forward({}, true)[0];
  const Tensor second = host.forward({}, true)[0];
  EXPECT_FALSE(same_bits(first, second));
  EXPECT_EQ(host.state("rng/dropout").item<int64_t>(), 20000);
  const double kept = first.gt(0).to(F::kDouble).mean().item<double>();
  EXPECT_NEAR(kept, 0.7, 5.0 * std::sqrt(0.21 / 10000.0));  // Five standard deviations.
  EXPECT_FLOAT_EQ(first.max().item<float>(), 1.0F / 0.7F);
  const esper_host_step_result result = host.gradients({});
  // d sum y^2 / dx = 2 m^2 x, and sum y^2 = sum m^2.
  EXPECT_NEAR(host.state("grad/x").sum().item<double>(), 2.0 * result.loss, 1e-2);
}

TEST(Operators, BatchNormalizationInEvaluationUsesRunningStatistics) {
  torch::manual_seed(13);
  for (const Ints& shape : {Ints{4, 3, 5, 5}, Ints{6, 3}, Ints{4, 3, 7}}) {
    GraphBuilder graph;
    const Tensor x = F::randn(shape);
    const Tensor gamma = F::rand({3}), beta = F::randn({3}), mean = F::randn({3}), variance = F::rand({3}) + 0.5;
    const int32_t y = graph.node("BatchNormalization", {graph.input("x", shape), add_parameter(graph, "g", gamma),
                                                        add_parameter(graph, "b", beta), add_buffer(graph, "m", mean),
                                                        add_buffer(graph, "v", variance)});
    graph.output(graph.node("Relu", {y}));
    Host host(graph);
    const Tensor expected = F::relu(F::batch_norm(x, gamma, beta, mean, variance, false, 0.1, 1e-5, false));
    EXPECT_LT(relative_error(host.forward({x})[0], expected), 1e-5);
    EXPECT_TRUE(same_bits(host.state("buffer/m"), mean));
    const Tensor trained = F::relu(F::batch_norm(x, gamma, beta, mean, variance, true, 0.1, 1e-5, false));
    EXPECT_LT(relative_error(host.forward({x}, true)[0], trained), 1e-5);
    EXPECT_LT(relative_error(host.state("buffer/m"), mean), 1e-5);
    EXPECT_LT(relative_error(host.state("buffer/v"), variance), 1e-5);
  }
}

// Channels-last and in training, forward and backward, at widths whose rows are repeated and at ones that are not.
TEST(ChannelsLastBatchNorm, MatchesTorchAtAllWidths) {
  for (const int64_t channels : {1, 3, 8, 12, 16, 24, 63, 64, 65, 130}) {
    torch::manual_seed(16);
    GraphBuilder graph;
    const Tensor x = F::randn({3, channels, 5, 7}), cotangent = F::randn({3, channels, 5, 7});
    const Tensor gamma = F::rand({channels}) + 0.5, beta = F::randn({channels});
    const Tensor mean = F::zeros({channels}), variance = F::ones({channels});
    const int32_t conv =
        graph.node("Conv", {add_parameter(graph, "x", x), add_constant(graph, "eye", identity_kernel(channels))});
    const int32_t norm =
        graph.node("BatchNormalization", {conv, add_parameter(graph, "g", gamma), add_parameter(graph, "b", beta),
                                          add_buffer(graph, "m", mean), add_buffer(graph, "v", variance)});
    const int32_t y = graph.node("Relu", {norm});
    graph.output(y);
    graph.loss(
        graph.node("ReduceSum", {graph.node("Mul", {y, add_constant(graph, "c", cotangent)})}, {attr("keepdims", 0)}));
    Host host(graph);
    const Tensor leaf = x.to(F::kDouble).requires_grad_(true);
    const Tensor expected = F::relu(F::batch_norm(leaf, gamma.to(F::kDouble), beta.to(F::kDouble), mean.to(F::kDouble),
                                                  variance.to(F::kDouble), true, 0.1, 1e-5, false));
    EXPECT_LT(relative_error(host.forward({}, true)[0], expected.detach()), 1e-5) << channels;
    host.gradients({});
    (expected * cotangent).sum().backward();
    EXPECT_LT(relative_error(host.state("grad/x"), leaf.grad()), 1e-4) << channels;
  }
}

// A mean a thousand deviations from zero: plain sums of squares would lose the variance.
TEST(Operators, BatchNormalizationSurvivesALargeMean) {
  torch::manual_seed(14);
  GraphBuilder graph;
  const Tensor x = (F::randn({500, 3}, F::kDouble) + 1000.0).to(F::kFloat);
  const Tensor one = F::ones({3}), zero = F::zeros({3});
  graph.output(graph.node("BatchNormalization",
                          {graph.input("x", {500, 3}), add_parameter(graph, "g", one), add_parameter(graph, "b", zero),
                           add_buffer(graph, "m", zero), add_buffer(graph, "v", one)}));
  Host host(graph);
  const Tensor d = x.to(F::kDouble);
  const Tensor expected = (d - d.mean(0)) / (d.var(0, false) + 1e-5).sqrt();
  // The mean is rounded to float32 at 1000, half an ulp of which is 3e-5 deviations.
  EXPECT_LT((host.forward({x}, true)[0].to(F::kDouble) - expected).abs().max().item<double>(), 5e-5);
}

// The gradient that reaches Gelu is laid out as the transposed cotangent is, not as Gelu's input.
TEST(Operators, GeluTakesAGradientOfOtherStrides) {
  torch::manual_seed(15);
  for (const char* approximate : {"none", "tanh"}) {
    GraphBuilder graph;
    const Tensor x = F::randn({3, 4, 5, 7}), cotangent = F::randn({3, 5, 7, 4});
    const int32_t y = graph.node("Gelu", {add_parameter(graph, "x", x)}, {attr("approximate", approximate)});
    const int32_t last = graph.node("Transpose", {y}, {attr("perm", Ints{0, 2, 3, 1})});
    graph.output(y);
    graph.loss(graph.node("ReduceSum", {graph.node("Mul", {last, add_constant(graph, "c", cotangent)})},
                          {attr("keepdims", 0)}));
    Host host(graph);
    host.gradients({});
    const Tensor leaf = x.to(F::kDouble).requires_grad_(true);
    (F::gelu(leaf, approximate).permute({0, 2, 3, 1}).contiguous() * cotangent.to(F::kDouble)).sum().backward();
    EXPECT_LT(relative_error(host.state("grad/x"), leaf.grad()), 1e-5) << approximate;
  }
}

TEST(Operators, TheListNamesEveryOperator) {
  const std::string names = std::string(" ") + esper_host_operators() + " ";
  for (const char* name :
       {"Conv", "BatchNormalization", "Relu", "Attention", "Gather", "SoftmaxCrossEntropyLoss", "esper.Lattice"}) {
    EXPECT_NE(names.find(std::string(" ") + name + " "), std::string::npos) << name;
  }
}

}  // namespace
}  // namespace esper::host::test
