// Gradients do not depend on how tensors lie in memory: channels-last and strided inputs, gradients of other strides.
#include "formula_case.h"

namespace esper::host::test {
namespace {

namespace F = torch;
using Ints = std::vector<int64_t>;

struct StrideCase {
  const char* op;
  std::vector<Attr> attributes = {};
  std::vector<Ints> more = {};  // Shapes of further inputs, parameters as the first.
};

std::ostream& operator<<(std::ostream& stream, const StrideCase& c) {
  return stream << c.op;
}

enum class Layout { Plain, ChannelsLast, Strided };

constexpr int64_t kN = 3, kC = 4, kH = 5, kW = 7;

// x [N, C, H, W] as the graph's value number, laid out in memory as wanted; its parameter is called "x".
int32_t lay_out(GraphBuilder& graph, const Tensor& x, Layout layout) {
  switch (layout) {
    case Layout::Plain:
      return add_parameter(graph, "x", x);
    case Layout::ChannelsLast:
      return graph.node("Transpose", {add_parameter(graph, "x", x.permute({0, 2, 3, 1}).contiguous())},
                        {attr("perm", Ints{0, 3, 1, 2})});
    case Layout::Strided: {
      const Tensor wide = F::stack({x, F::full_like(x, 0.25)}, 4).reshape({kN, kC, kH, 2 * kW});
      return graph.node(
          "Slice", {add_parameter(graph, "x", wide), graph.constant_ints("s", {0}), graph.constant_ints("e", {2 * kW}),
                    graph.constant_ints("a", {3}), graph.constant_ints("t", {2})});
    }
  }
  return -1;
}

// The gradient of x, back in [N, C, H, W].
Tensor gradient_of(const Host& host, Layout layout) {
  const Tensor gradient = host.state("grad/x");
  if (layout == Layout::ChannelsLast) return gradient.permute({0, 3, 1, 2});
  return layout == Layout::Strided ? gradient.slice(3, 0, 2 * kW, 2) : gradient;
}

struct Result {
  Tensor value;
  std::vector<Tensor> gradients;
};

// The gradient that reaches the operator is channels-last where `turned`, contiguous otherwise.
Result run(const StrideCase& c, const Tensor& x, const std::vector<Tensor>& more, const Tensor& cotangent,
           Layout layout, bool turned) {
  GraphBuilder graph;
  std::vector<int32_t> inputs = {lay_out(graph, x, layout)};
  for (size_t i = 0; i < more.size(); ++i) inputs.push_back(add_parameter(graph, "p" + std::to_string(i), more[i]));
  int32_t y = graph.node(c.op, inputs, c.attributes);
  graph.output(y);
  if (turned) y = graph.node("Transpose", {y}, {attr("perm", Ints{0, 2, 3, 1})});
  const Tensor weights = turned ? cotangent.permute({0, 2, 3, 1}).contiguous() : cotangent;
  graph.loss(
      graph.node("ReduceSum", {graph.node("Mul", {y, add_constant(graph, "c", weights)})}, {attr("keepdims", 0)}));
  Host host(graph);
  Result result{host.forward({})[0], {}};
  host.gradients({});
  result.gradients.push_back(gradient_of(host, layout));
  for (size_t i = 0; i < more.size(); ++i) result.gradients.push_back(host.state("grad/p" + std::to_string(i)));
  return result;
}

class StrideTest : public testing::TestWithParam<StrideCase> {};

TEST_P(StrideTest, ValueAndGradientsAreThoseOfPlainMemory) {
  const StrideCase& c = GetParam();
  F::manual_seed(71);
  const Tensor x = F::rand({kN, kC, kH, kW}) * 0.8 + (std::string(c.op) == "Acosh" ? 1.1 : 0.1);
  std::vector<Tensor> more;
  for (const Ints& shape : c.more) more.push_back(F::rand(shape) + 0.5);
  const Tensor cotangent = F::randn(x.sizes());
  const Result plain = run(c, x, more, cotangent, Layout::Plain, false);
  for (const Layout layout : {Layout::Plain, Layout::ChannelsLast, Layout::Strided}) {
    for (const bool turned : {false, true}) {
      const Result other = run(c, x, more, cotangent, layout, turned);
      EXPECT_LT(relative_error(other.value, plain.value), 1e-6) << static_cast<int>(layout) << turned;
      for (size_t i = 0; i < plain.gradients.size(); ++i) {
        EXPECT_LT(relative_error(other.gradients[i], plain.gradients[i], 1e-3), 2e-5)
            << "input " << i << " layout " << static_cast<int>(layout) << turned;
      }
    }
  }
}

const StrideCase kCases[] = {
    {"Relu"},
    {"Gelu"},
    {"Gelu", {attr("approximate", "tanh")}},
    {"Sigmoid"},
    {"Tanh"},
    {"LeakyRelu"},
    {"Elu"},
    {"HardSwish"},
    {"Softmax"},
    {"Softmax", {attr("axis", 1)}},
    {"LogSoftmax", {attr("axis", 1)}},
    {"Sqrt"},
    {"Exp"},
    {"Neg"},
    {"Abs"},
    {"Sign"},
    {"Log"},
    {"Erf"},
    {"Sin"},
    {"Cos"},
    {"Tan"},
    {"Asin"},
    {"Acos"},
    {"Atan"},
    {"Sinh"},
    {"Cosh"},
    {"Asinh"},
    {"Acosh"},
    {"Atanh"},
    {"Floor"},
    {"Ceil"},
    {"Round"},
    {"Reciprocal"},
    {"Softplus"},
    {"Softsign"},
    {"Mish"},
    {"Swish"},
    {"Swish", {attr("alpha", 1.5)}},
    {"Selu"},
    {"Celu", {attr("alpha", 0.5)}},
    {"ThresholdedRelu", {attr("alpha", 0.5)}},
    {"HardSigmoid"},
    {"Shrink", {attr("lambd", 0.4)}},
    {"PRelu", {}, {{kC, 1, 1}}},
    {"Mod", {attr("fmod", 1)}, {{kW}}},
    {"Min", {}, {{kC, 1, 1}}},
    {"Max", {}, {{kN, kC, kH, kW}}},
    {"Mean", {}, {{kC, 1, 1}, {kW}}},
    {"InstanceNormalization", {}, {{kC}, {kC}}},
    {"GroupNormalization", {attr("num_groups", 2)}, {{kC}, {kC}}},
    {"LayerNormalization", {}, {{kW}, {kW}}},
    {"LayerNormalization", {attr("axis", 1)}, {{kC, kH, kW}, {kC, kH, kW}}},
    {"RMSNormalization", {}, {{kW}}},
    {"RMSNormalization", {attr("axis", 1)}, {{kC, 1, 1}}},
    {"LpNormalization", {attr("axis", 1)}},
    {"LpNormalization", {attr("p", 1)}},
    {"LRN", {attr("size", 3)}},
    {"MeanVarianceNormalization"},
};

std::string stride_name(const testing::TestParamInfo<StrideCase>& info) {
  return info.param.op + std::to_string(info.index);
}

INSTANTIATE_TEST_SUITE_P(Layouts, StrideTest, testing::ValuesIn(kCases), stride_name);

}  // namespace
}  // namespace esper::host::test
