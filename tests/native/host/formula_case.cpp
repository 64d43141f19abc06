#include "formula_case.h"

#include <stdexcept>

namespace esper::host::test {
namespace {

namespace F = torch;

bool is_floating(const Argument& operand) {
  return operand.kind != Argument::Kind::Absent && at::isFloatingType(operand.value.scalar_type());
}

Tensor converted(const Argument& operand, F::ScalarType type) {
  return is_floating(operand) ? operand.value.to(type) : operand.value;
}

// A graph of the operator over operands in one floating point type.
struct Built {
  GraphBuilder graph;
  std::vector<int32_t> inputs;
  std::vector<Tensor> given;  // Values of the graph's inputs, in order.
  int32_t first = -1;         // First output.
};

// Adds operand i; variables become parameters, cast to float64, or inputs of the given type.
void add_argument(Built& built, const Argument& operand, size_t i, F::ScalarType type, bool parameters) {
  const std::string name = "x" + std::to_string(i);
  const Tensor value = converted(operand, type);
  if (operand.kind == Argument::Kind::Absent) {
    built.inputs.push_back(-1);
  } else if (operand.kind == Argument::Kind::Fixed) {
    built.inputs.push_back(add_typed_constant(built.graph, name, value));
  } else if (operand.kind == Argument::Kind::Variable && parameters) {
    const int32_t parameter = add_parameter(built.graph, name, value);
    built.inputs.push_back(built.graph.node("Cast", {parameter}, {attr("to", ESPER_HOST_FLOAT64)}));
    built.graph.type(built.inputs.back(), ESPER_HOST_FLOAT64);
  } else {
    built.inputs.push_back(built.graph.input(name, value.sizes().vec(), dtype_of(value)));
    built.given.push_back(value);
  }
}

void build(Built& built, const FormulaCase& c, F::ScalarType type, bool parameters) {
  for (size_t i = 0; i < c.operands.size(); ++i) add_argument(built, c.operands[i], i, type, parameters);
  built.first = built.graph.node(c.op, built.inputs, c.attributes, c.output + 1);
  for (int i = 0; i < c.output; ++i) built.graph.output(built.first + i);
  built.graph.output(built.first + c.output);
}

Tensor expected_value(const FormulaCase& c) {
  std::vector<Tensor> values;
  for (const Argument& operand : c.operands) values.push_back(operand.value);
  return c.formula(values);
}

void expect_value(const FormulaCase& c, F::ScalarType type, double tolerance) {
  Built built;
  build(built, c, type, false);
  Host host(built.graph);
  const Tensor value = host.forward(built.given)[static_cast<size_t>(c.output)];
  const Tensor expected = expected_value(c);
  EXPECT_EQ(value.scalar_type(), at::isFloatingType(expected.scalar_type()) ? type : expected.scalar_type());
  EXPECT_EQ(value.sizes(), expected.sizes());
  EXPECT_LT(relative_error(value, expected), tolerance) << value << "\nexpected\n" << expected;
}

// Central differences of sum(cotangent * y) after variable number `wanted`.
Tensor differences(const FormulaCase& c, size_t wanted, const Tensor& cotangent) {
  constexpr double kStep = 1e-5;  // Errors of h^2 and of rounding, 1e-16 / h, are both near 1e-10.
  Built built;
  build(built, c, F::kDouble, false);
  Host host(built.graph);
  size_t place = 0;  // Of the operand among the graph's inputs.
  for (size_t i = 0; i < wanted; ++i) {
    const bool input = c.operands[i].kind == Argument::Kind::Variable || c.operands[i].kind == Argument::Kind::Given;
    place += input ? 1 : 0;
  }
  const Tensor start = built.given[place].contiguous();
  const Tensor slopes = F::zeros_like(start);
  const auto at = [&](int64_t element, double step) {
    Tensor moved = start.clone();
    moved.data_ptr<double>()[element] += step;
    built.given[place] = moved;
    const Tensor y = host.forward(built.given)[static_cast<size_t>(c.output)];
    return (y * cotangent).sum().item<double>();
  };
  for (int64_t i = 0; i < start.numel(); ++i) {
    slopes.data_ptr<double>()[i] = (at(i, kStep) - at(i, -kStep)) / (2.0 * kStep);
  }
  return slopes;
}

}  // namespace

Argument variable(const Tensor& value) {
  return {Argument::Kind::Variable, value};
}
Argument given(const Tensor& value) {
  return {Argument::Kind::Given, value};
}
Argument fixed(const Tensor& value) {
  return {Argument::Kind::Fixed, value};
}
Argument absent() {
  return {};
}
Argument fixed_ints(std::vector<int64_t> values) {
  return fixed(F::tensor(values, F::kLong));
}

std::ostream& operator<<(std::ostream& stream, const FormulaCase& c) {
  return stream << c.name;
}

std::string name_of(const testing::TestParamInfo<FormulaCase>& info) {
  return info.param.name;
}

TEST_P(FormulaTest, Value) {
  expect_value(GetParam(), F::kDouble, 1e-11);
  expect_value(GetParam(), F::kFloat, 2e-5);
}

TEST_P(FormulaTest, GradientsAreThoseOfFiniteDifferences) {
  const FormulaCase& c = GetParam();
  if (!c.differentiable) return;
  F::manual_seed(3);
  const Tensor cotangent = F::randn(expected_value(c).sizes(), F::kDouble);
  Built built;
  build(built, c, F::kDouble, true);
  const int32_t y = built.first + c.output;
  built.graph.type(y, ESPER_HOST_FLOAT64);
  const int32_t weighted = built.graph.node("Mul", {y, add_typed_constant(built.graph, "cotangent", cotangent)});
  built.graph.type(weighted, ESPER_HOST_FLOAT64);
  const int32_t sum = built.graph.node("ReduceSum", {weighted}, {attr("keepdims", 0)});
  built.graph.type(sum, ESPER_HOST_FLOAT64);
  built.graph.loss(built.graph.node("Cast", {sum}, {attr("to", ESPER_HOST_FLOAT32)}));
  Host host(built.graph);
  host.gradients(built.given);
  for (size_t i = 0; i < c.operands.size(); ++i) {
    if (c.operands[i].kind != Argument::Kind::Variable) continue;
    const Tensor gradient = host.state("grad/x" + std::to_string(i));
    const Tensor slopes = differences(c, i, cotangent);
    // The gradient is worked out in float64 and rounded to float32.
    EXPECT_LT(relative_error(gradient, slopes, 1e-3), 1e-6) << "operand " << i << "\n" << gradient << "\n" << slopes;
  }
}

std::vector<Tensor> outputs_of(const std::string& op, const std::vector<Argument>& operands,
                               const std::vector<Attr>& attributes, int outputs) {
  Built built;
  for (size_t i = 0; i < operands.size(); ++i) {
    const F::ScalarType type = is_floating(operands[i]) ? operands[i].value.scalar_type() : F::kFloat;
    add_argument(built, operands[i], i, type, false);
  }
  const int32_t first = built.graph.node(op, built.inputs, attributes, outputs);
  for (int i = 0; i < outputs; ++i) built.graph.output(first + i);
  Host host(built.graph);
  return host.forward(built.given);
}

std::string refusal(const std::string& op, const std::vector<Argument>& operands, const std::vector<Attr>& attributes,
                    int outputs) {
  try {
    outputs_of(op, operands, attributes, outputs);
  } catch (const std::runtime_error& error) {
    return error.what();
  }
  ADD_FAILURE() << op << " is not refused";
  return "";
}

Tensor draw(const std::vector<int64_t>& shape, double low, double high) {
  const Tensor uniform = F::rand(shape, F::kDouble) * (high - low) + low;
  return (uniform * 32.0).floor() / 32.0 + 1.0 / 64.0;
}

Tensor distinct(const std::vector<int64_t>& shape) {
  int64_t count = 1;
  for (int64_t extent : shape) count *= extent;
  const Tensor order = F::randperm(count).to(F::kDouble);
  return ((order - static_cast<double>(count) / 2.0 + 0.3) * 0.125).to(F::kFloat).to(F::kDouble).reshape(shape);
}

}  // namespace esper::host::test
