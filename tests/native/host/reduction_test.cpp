// Reductions, running sums and rankings.
#include <cmath>
#include <limits>

#include "formula_case.h"

namespace esper::host::test {
namespace {

namespace F = torch;
using Ints = std::vector<int64_t>;
using Values = std::vector<Tensor>;

// A reduction of the last axis only.
struct Reduction {
  const char* op;
  std::function<Tensor(const Tensor&)> last;  // [..., n] -> [...].
  std::function<Tensor(const Tensor&)> none;  // Over no axes.
  bool positive = false;
  bool of_none = true;  // Whether a reduction of no elements has a number.
};

Tensor itself(const Tensor& x) {
  return x * 1.0;
}

Tensor product(const Tensor& x) {
  Tensor result = F::ones(x.sizes().slice(0, static_cast<size_t>(x.dim() - 1)), F::kDouble);
  for (int64_t i = 0; i < x.size(-1); ++i) result = result * x.select(-1, i);
  return result;
}

const std::vector<Reduction>& reductions() {
  static const std::vector<Reduction> all = {
      {"ReduceSum", [](const Tensor& x) { return x.cumsum(-1).select(-1, -1); }, itself, false, false},
      {"ReduceMean", [](const Tensor& x) { return x.cumsum(-1).select(-1, -1) / static_cast<double>(x.size(-1)); },
       itself, false, false},
      {"ReduceMax", [](const Tensor& x) { return std::get<0>(x.sort(-1)).select(-1, -1); }, itself, false, false},
      {"ReduceMin", [](const Tensor& x) { return std::get<0>(x.sort(-1)).select(-1, 0); }, itself, false, false},
      {"ReduceProd", product, itself},
      {"ReduceL1", [](const Tensor& x) { return x.abs().sum(-1); }, [](const Tensor& x) { return x.abs(); }},
      {"ReduceL2", [](const Tensor& x) { return x.pow(2).sum(-1).sqrt(); }, [](const Tensor& x) { return x.abs(); }},
      {"ReduceSumSquare", [](const Tensor& x) { return x.pow(2).sum(-1); }, [](const Tensor& x) { return x.pow(2); }},
      {"ReduceLogSum", [](const Tensor& x) { return x.sum(-1).log(); }, [](const Tensor& x) { return x.log(); }, true,
       false},
      {"ReduceLogSumExp", [](const Tensor& x) { return x.exp().sum(-1).log(); }, itself, false, false},
  };
  return all;
}

std::vector<FormulaCase> reduction_cases() {
  F::manual_seed(31);
  std::vector<FormulaCase> cases;
  for (const Reduction& r : reductions()) {
    const auto x = [&](const Ints& shape) {
      const Tensor value = distinct(shape) / 4.0;
      return variable(r.positive ? value.abs() + 0.5 : value);
    };
    const std::string op = r.op;
    const auto add = [&](const char* name, const Argument& operand, std::vector<Argument> axes,
                         std::vector<Attr> attributes, std::function<Tensor(const Values&)> formula) {
      std::vector<Argument> operands = {operand};
      operands.insert(operands.end(), axes.begin(), axes.end());
      cases.push_back({op + name, op, operands, std::move(attributes), std::move(formula)});
    };
    const auto last = r.last;
    const auto none = r.none;
    add("Last", x({3, 4}), {fixed_ints({-1})}, {attr("keepdims", 0)}, [=](const Values& v) { return last(v[0]); });
    add("Keep", x({3, 4, 2}), {fixed_ints({1})}, {},
        [=](const Values& v) { return last(v[0].transpose(1, 2)).unsqueeze(1); });
    add("Two", x({2, 3, 4}), {fixed_ints({-1, 0})}, {attr("keepdims", 0)}, [=](const Values& v) {
      return last(v[0].permute({1, 0, 2}).reshape({3, 8}));
    });
    add("TwoKeep", x({2, 3, 4}), {fixed_ints({2, 0})}, {}, [=](const Values& v) {
      return last(v[0].permute({1, 0, 2}).reshape({3, 8})).reshape({1, 3, 1});
    });
    add("All", x({2, 3}), {}, {}, [=](const Values& v) { return last(v[0].reshape({6})).reshape({1, 1}); });
    add("AllDropped", x({2, 3}), {fixed_ints({})}, {attr("keepdims", 0)},
        [=](const Values& v) { return last(v[0].reshape({6})); });
    add("Noop", x({2, 3}), {}, {attr("noop_with_empty_axes", 1)}, [=](const Values& v) { return none(v[0]); });
    add("Scalar", x({}), {}, {}, [=](const Values& v) { return none(v[0]); });
    add("OneElement", x({1, 1}), {fixed_ints({1})}, {}, [=](const Values& v) { return last(v[0]).reshape({1, 1}); });
    add("NoRows", x({0, 3}), {fixed_ints({1})}, {attr("keepdims", 0)},
        [=](const Values&) { return F::zeros({0}, F::kDouble); });
    if (r.of_none) {
      add("OfNone", x({2, 0}), {fixed_ints({1})}, {attr("keepdims", 0)}, [=](const Values& v) { return last(v[0]); });
    }
  }
  return cases;
}

Tensor running(const Tensor& x, int64_t axis, bool exclusive, bool reverse) {
  Tensor y = F::zeros_like(x);
  const int64_t n = x.size(axis);
  for (int64_t i = 0; i < n; ++i) {
    for (int64_t j = 0; j < n; ++j) {
      const bool before = reverse ? j > i : j < i;
      if (before || (j == i && !exclusive))
        y = y + F::zeros_like(x).index_add(axis, F::tensor({i}), x.narrow(axis, j, 1));
    }
  }
  return y;
}

std::vector<FormulaCase> other_cases() {
  F::manual_seed(32);
  const auto x = [](const Ints& shape) { return variable(distinct(shape)); };
  const auto axis = [](int64_t value) { return fixed(F::tensor(value, F::kLong)); };
  std::vector<FormulaCase> cases = {
      {"CumSum", "CumSum", {x({3, 4}), axis(0)}, {}, [](const auto& v) { return running(v[0], 0, false, false); }},
      {"CumSumNegative",
       "CumSum",
       {x({2, 3, 4}), axis(-2)},
       {},
       [](const auto& v) { return running(v[0], 1, false, false); }},
      {"CumSumExclusive",
       "CumSum",
       {x({3, 4}), axis(1)},
       {attr("exclusive", 1)},
       [](const auto& v) { return running(v[0], 1, true, false); }},
      {"CumSumReverse",
       "CumSum",
       {x({3, 4}), axis(1)},
       {attr("reverse", 1)},
       [](const auto& v) { return running(v[0], 1, false, true); }},
      {"CumSumReverseExclusive",
       "CumSum",
       {x({3, 4}), axis(1)},
       {attr("reverse", 1), attr("exclusive", 1)},
       [](const auto& v) { return running(v[0], 1, true, true); }},
      {"CumSumRow",
       "CumSum",
       {x({5}), fixed_ints({0})},
       {},
       [](const auto& v) { return running(v[0], 0, false, false); }},
      {"CumSumOne", "CumSum", {x({1}), axis(0)}, {attr("exclusive", 1)}, [](const auto& v) { return v[0] * 0.0; }},
      {"CumSumEmpty", "CumSum", {x({0, 2}), axis(0)}, {attr("exclusive", 1)}, [](const auto& v) { return v[0] * 1.0; }},
      {"TopKValues",
       "TopK",
       {x({3, 5}), fixed_ints({2})},
       {},
       [](const auto& v) { return std::get<0>(v[0].sort(-1, true)).narrow(1, 0, 2); }},
      {"TopKSmallest",
       "TopK",
       {x({5, 3}), fixed_ints({2})},
       {attr("largest", 0), attr("axis", 0)},
       [](const auto& v) { return std::get<0>(v[0].sort(0)).narrow(0, 0, 2); }},
      {"TopKNone", "TopK", {x({2, 3}), fixed_ints({0})}, {}, [](const auto& v) { return v[0].narrow(1, 0, 0); }},
      {"TopKIndices",
       "TopK",
       {x({3, 5}), fixed_ints({5})},
       {},
       [](const auto& v) { return std::get<1>(v[0].sort(-1, true)); },
       1,
       false},
      {"Hardmax",
       "Hardmax",
       {x({3, 5})},
       {},
       [](const auto& v) { return v[0].eq(std::get<0>(v[0].max(1, true))).to(F::kDouble); },
       0,
       false},
      {"HardmaxAxis",
       "Hardmax",
       {x({3, 5})},
       {attr("axis", 0)},
       [](const auto& v) { return v[0].eq(std::get<0>(v[0].max(0, true))).to(F::kDouble); },
       0,
       false},
  };
  return cases;
}

INSTANTIATE_TEST_SUITE_P(Reductions, FormulaTest, testing::ValuesIn(reduction_cases()), name_of);
INSTANTIATE_TEST_SUITE_P(Rankings, FormulaTest, testing::ValuesIn(other_cases()), name_of);

// The product's gradient where none, one and two factors are zero; finite differences agree with plain products.
TEST(Reductions, ProductsWithZerosHaveTheirGradients) {
  GraphBuilder graph;
  const Tensor x = F::tensor({1.0F, 2.0F, 3.0F, 4.0F, 0.0F, 5.0F, 0.0F, 0.0F, 6.0F}).reshape({3, 3});
  const int32_t y = graph.node("ReduceProd", {add_parameter(graph, "x", x), graph.constant_ints("axes", {1})});
  graph.output(y);
  graph.loss(graph.node("ReduceSum", {y}, {attr("keepdims", 0)}));
  Host host(graph);
  EXPECT_TRUE(same_bits(host.forward({})[0], F::tensor({6.0F, 0.0F, 0.0F}).reshape({3, 1})));
  host.gradients({});
  const Tensor expected = F::tensor({6.0F, 3.0F, 2.0F, 0.0F, 20.0F, 0.0F, 0.0F, 0.0F, 0.0F}).reshape({3, 3});
  EXPECT_TRUE(F::equal(host.state("grad/x"), expected));
}

TEST(Reductions, ANormHasAGradientAtZero) {
  GraphBuilder graph;
  const int32_t y = graph.node("ReduceL2", {add_parameter(graph, "x", F::zeros({3}))}, {attr("keepdims", 0)});
  graph.loss(y);
  Host host(graph);
  host.gradients({});
  EXPECT_TRUE(F::equal(host.state("grad/x"), F::zeros({3})));
}

TEST(Reductions, OfNoElementsAreTheirNeutralOnes) {
  constexpr double kInfinity = std::numeric_limits<double>::infinity();
  const auto reduce = [](const char* op, F::ScalarType type) {
    return outputs_of(op, {given(F::ones({2, 0}, type)), fixed_ints({1})})[0];
  };
  for (const F::ScalarType type : {F::kFloat, F::kDouble}) {
    EXPECT_TRUE(same_bits(reduce("ReduceMax", type), F::full({2, 1}, -kInfinity, type)));
    EXPECT_TRUE(same_bits(reduce("ReduceMin", type), F::full({2, 1}, kInfinity, type)));
    EXPECT_TRUE(same_bits(reduce("ReduceLogSum", type), F::full({2, 1}, -kInfinity, type)));
    EXPECT_TRUE(same_bits(reduce("ReduceLogSumExp", type), F::full({2, 1}, -kInfinity, type)));
    EXPECT_TRUE(same_bits(reduce("ReduceSum", type), F::zeros({2, 1}, type)));
  }
  EXPECT_EQ(reduce("ReduceMax", F::kLong)[0].item<int64_t>(), INT64_MIN);
  EXPECT_EQ(reduce("ReduceMin", F::kLong)[0].item<int64_t>(), INT64_MAX);
  EXPECT_EQ(reduce("ReduceMax", F::kByte)[0].item<int64_t>(), 0);
  EXPECT_EQ(reduce("ReduceMin", F::kByte)[0].item<int64_t>(), 255);
  EXPECT_FALSE(reduce("ReduceMax", F::kBool)[0].item<bool>());
  EXPECT_TRUE(reduce("ReduceMin", F::kBool)[0].item<bool>());
}

TEST(Reductions, KeepWholeNumbersWhole) {
  const Argument x = given(F::tensor({-3, 2, 4}, F::kLong));
  const std::vector<Attr> drop = {attr("keepdims", 0)};
  EXPECT_TRUE(same_bits(outputs_of("ReduceSum", {x}, drop)[0], F::tensor(3, F::kLong)));
  EXPECT_TRUE(same_bits(outputs_of("ReduceProd", {x}, drop)[0], F::tensor(-24, F::kLong)));
  EXPECT_TRUE(same_bits(outputs_of("ReduceMax", {x}, drop)[0], F::tensor(4, F::kLong)));
  EXPECT_TRUE(same_bits(outputs_of("ReduceMin", {x}, drop)[0], F::tensor(-3, F::kLong)));
  EXPECT_TRUE(same_bits(outputs_of("ReduceL1", {x}, drop)[0], F::tensor(9, F::kLong)));
  EXPECT_TRUE(same_bits(outputs_of("ReduceSumSquare", {x}, drop)[0], F::tensor(29, F::kLong)));
  EXPECT_TRUE(same_bits(outputs_of("CumSum", {x, fixed_ints({0})})[0], F::tensor({-3, -1, 3}, F::kLong)));
  const Argument truth = given(F::tensor({0, 1}).to(F::kBool));
  EXPECT_TRUE(outputs_of("ReduceMax", {truth}, drop)[0].item<bool>());
  EXPECT_FALSE(outputs_of("ReduceMin", {truth}, drop)[0].item<bool>());
}

TEST(Reductions, LogSumExpSurvivesLargeNumbers) {
  const Tensor x = F::tensor({1000.0, 1000.0}, F::kDouble);
  EXPECT_DOUBLE_EQ(outputs_of("ReduceLogSumExp", {given(x)})[0].item<double>(), 1000.0 + std::log(2.0));
}

TEST(Rankings, ArgTakesTheFirstOrTheLastOfEqualElements) {
  for (const F::ScalarType type : {F::kFloat, F::kDouble, F::kLong, F::kByte}) {
    const Argument x = given(F::tensor({1, 3, 3, 1, 2, 2}).to(type).reshape({2, 3}));
    const std::vector<Attr> rows = {attr("axis", 1)};
    EXPECT_TRUE(same_bits(outputs_of("ArgMax", {x}, rows)[0], F::tensor({1, 1}, F::kLong).reshape({2, 1})));
    EXPECT_TRUE(same_bits(outputs_of("ArgMin", {x}, rows)[0], F::tensor({0, 0}, F::kLong).reshape({2, 1})));
    const std::vector<Attr> last = {attr("axis", -1), attr("select_last_index", 1), attr("keepdims", 0)};
    EXPECT_TRUE(same_bits(outputs_of("ArgMax", {x}, last)[0], F::tensor({2, 2}, F::kLong)));
    EXPECT_TRUE(same_bits(outputs_of("ArgMin", {x}, last)[0], F::tensor({0, 0}, F::kLong)));
    EXPECT_TRUE(same_bits(outputs_of("ArgMax", {x})[0], F::tensor({0, 0, 0}, F::kLong).reshape({1, 3})));
  }
}

TEST(Rankings, EqualElementsStandInOrderOfTheirPlaces) {
  Tensor x = F::ones({2, 300});  // Long enough for another algorithm than that of short rows.
  x.select(1, 7).fill_(2.0);
  const std::vector<Tensor> top = outputs_of("TopK", {given(x), fixed_ints({4})}, {}, 2);
  EXPECT_TRUE(same_bits(top[0], F::tensor({2.0F, 1.0F, 1.0F, 1.0F}).expand({2, 4}).contiguous()));
  EXPECT_TRUE(same_bits(top[1], F::tensor({7, 0, 1, 2}, F::kLong).expand({2, 4}).contiguous()));
  const std::vector<Tensor> bottom = outputs_of("TopK", {given(x), fixed_ints({8})}, {attr("largest", 0)}, 2);
  EXPECT_TRUE(same_bits(bottom[1], F::tensor({0, 1, 2, 3, 4, 5, 6, 8}, F::kLong).expand({2, 8}).contiguous()));
  EXPECT_TRUE(
      same_bits(outputs_of("Hardmax", {given(F::ones({1, 3}))})[0], F::tensor({1.0F, 0.0F, 0.0F}).reshape({1, 3})));
}

TEST(Reductions, TypesAndAxesAreChecked) {
  const Argument real = given(F::ones({2, 3})), whole = given(F::ones({2, 3}, F::kLong));
  const Argument truth = given(F::ones({2, 3}, F::kBool));
  expect_parts(refusal("ReduceL2", {whole}), {"node 'ReduceL2_0' (ReduceL2)", "is int64", "float32 or float64"});
  expect_parts(refusal("ReduceSum", {truth}), {"node 'ReduceSum_0' (ReduceSum)", "is bool"});
  expect_parts(refusal("ReduceMax", {real, fixed_ints({2})}), {"node 'ReduceMax_0' (ReduceMax)", "axis 2", "rank 2"});
  expect_parts(refusal("ReduceMax", {real, given(F::ones({1}, F::kLong))}), {"node 'ReduceMax_0'", "int64 constant"});
  expect_parts(refusal("CumSum", {truth, fixed_ints({0})}), {"node 'CumSum_0' (CumSum)", "is bool"});
  expect_parts(refusal("CumSum", {real, fixed_ints({0, 1})}), {"node 'CumSum_0' (CumSum)", "2 elements, expected 1"});
  expect_parts(refusal("ArgMax", {truth}), {"node 'ArgMax_0' (ArgMax)", "is bool"});
  expect_parts(refusal("ArgMax", {given(F::ones({0, 3}))}), {"node 'ArgMax_0' (ArgMax)", "[0, 3]", "no elements"});
  expect_parts(refusal("TopK", {real, fixed_ints({4})}), {"node 'TopK_0' (TopK)", "K is 4", "[2, 3] has 3"});
  expect_parts(refusal("TopK", {real, fixed_ints({-1})}), {"node 'TopK_0' (TopK)", "[-1]", "0 or larger"});
  expect_parts(refusal("Hardmax", {whole}), {"node 'Hardmax_0' (Hardmax)", "is int64"});
}

}  // namespace
}  // namespace esper::host::test
