// Comparisons and logic.
#include <cmath>

#include "formula_case.h"

namespace esper::host::test {
namespace {

namespace F = torch;

Tensor bools(std::vector<int64_t> values) {
  return F::tensor(values).to(F::kBool);
}

TEST(CompareOperators, AnswerInBoolsOverTheBroadcast) {
  for (const F::ScalarType type : {F::kFloat, F::kDouble, F::kLong, F::kByte}) {
    const Argument a = given(F::tensor({1, 2, 3}).to(type)), b = given(F::tensor({2}).to(type).reshape({1, 1}));
    const auto answers = [&](const char* op) { return outputs_of(op, {a, b})[0]; };
    EXPECT_TRUE(same_bits(answers("Equal"), bools({0, 1, 0}).reshape({1, 3})));
    EXPECT_TRUE(same_bits(answers("Less"), bools({1, 0, 0}).reshape({1, 3})));
    EXPECT_TRUE(same_bits(answers("LessOrEqual"), bools({1, 1, 0}).reshape({1, 3})));
    EXPECT_TRUE(same_bits(answers("Greater"), bools({0, 0, 1}).reshape({1, 3})));
    EXPECT_TRUE(same_bits(answers("GreaterOrEqual"), bools({0, 1, 1}).reshape({1, 3})));
  }
  EXPECT_EQ(outputs_of("Less", {given(F::ones({0, 3})), given(F::ones({3}))})[0].sizes(), (std::vector<int64_t>{0, 3}));
}

TEST(CompareOperators, NotANumberIsUnequalToItself) {
  const Argument nan = given(F::tensor({std::nan("")}, F::kFloat));
  for (const char* op : {"Equal", "Less", "LessOrEqual", "Greater", "GreaterOrEqual"}) {
    EXPECT_FALSE(outputs_of(op, {nan, nan})[0].item<bool>()) << op;
  }
}

TEST(CompareOperators, LogicFollowsItsTruthTables) {
  const Argument a = given(bools({0, 0, 1, 1})), b = given(bools({0, 1, 0, 1}));
  EXPECT_TRUE(same_bits(outputs_of("And", {a, b})[0], bools({0, 0, 0, 1})));
  EXPECT_TRUE(same_bits(outputs_of("Or", {a, b})[0], bools({0, 1, 1, 1})));
  EXPECT_TRUE(same_bits(outputs_of("Xor", {a, b})[0], bools({0, 1, 1, 0})));
  EXPECT_TRUE(same_bits(outputs_of("Not", {a})[0], bools({1, 1, 0, 0})));
  EXPECT_TRUE(same_bits(outputs_of("Equal", {a, b})[0], bools({1, 0, 0, 1})));
}

TEST(CompareOperators, BitsOfWholeNumbers) {
  const Argument a = given(F::tensor({12, -1}, F::kLong)), b = given(F::tensor({10, 7}, F::kLong));
  EXPECT_TRUE(same_bits(outputs_of("BitwiseAnd", {a, b})[0], F::tensor({8, 7}, F::kLong)));
  EXPECT_TRUE(same_bits(outputs_of("BitwiseOr", {a, b})[0], F::tensor({14, -1}, F::kLong)));
  EXPECT_TRUE(same_bits(outputs_of("BitwiseXor", {a, b})[0], F::tensor({6, -8}, F::kLong)));
  EXPECT_TRUE(same_bits(outputs_of("BitwiseNot", {a})[0], F::tensor({-13, 0}, F::kLong)));
  EXPECT_TRUE(
      same_bits(outputs_of("BitwiseNot", {given(F::tensor({12}).to(F::kByte))})[0], F::tensor({243}).to(F::kByte)));
}

TEST(CompareOperators, TypesAreChecked) {
  const Argument real = given(F::ones({2})), whole = given(F::ones({2}, F::kLong)), truth = given(bools({1, 0}));
  expect_parts(refusal("Less", {truth, truth}), {"node 'Less_0' (Less)", "'x0' is bool", "float32"});
  expect_parts(refusal("Equal", {real, whole}), {"node 'Equal_0' (Equal)", "float32", "int64", "insert a Cast"});
  expect_parts(refusal("And", {whole, whole}), {"node 'And_0' (And)", "'x0' is int64", "expected bool"});
  expect_parts(refusal("Not", {real}), {"node 'Not_0' (Not)", "'x0' is float32", "expected bool"});
  expect_parts(refusal("BitwiseAnd", {truth, truth}),
               {"node 'BitwiseAnd_0' (BitwiseAnd)", "is bool", "int64 or uint8"});
  expect_parts(refusal("Where", {real, real, real}), {"node 'Where_0' (Where)", "is float32", "expected bool"});
}

// A mask made by comparisons chooses where gradients go.
TEST(CompareOperators, GradientsFlowThroughAMaskedChoice) {
  GraphBuilder graph;
  const Tensor x = F::tensor({-2.0F, -0.5F, 0.5F, 2.0F});
  const int32_t p = add_parameter(graph, "x", x);
  const int32_t inside = graph.node("Less", {graph.node("Abs", {p}), add_constant(graph, "one", F::ones({}))});
  graph.type(inside, ESPER_HOST_BOOL);
  const int32_t outside = graph.node("Not", {inside});
  graph.type(outside, ESPER_HOST_BOOL);
  const int32_t y = graph.node("Where", {outside, graph.node("Mul", {p, p}), p});
  graph.loss(graph.node("ReduceSum", {y}, {attr("keepdims", 0)}));
  Host host(graph);
  EXPECT_FLOAT_EQ(static_cast<float>(host.gradients({}).loss), 8.0F);
  EXPECT_TRUE(same_bits(host.state("grad/x"), F::tensor({-4.0F, 1.0F, 1.0F, 4.0F})));
}

}  // namespace
}  // namespace esper::host::test
