// Elementary functions, activations with thresholds, Mod, and what joins any number of tensors.
#include <cmath>
#include <limits>

#include "formula_case.h"

namespace esper::host::test {
namespace {

namespace F = torch;
using Ints = std::vector<int64_t>;

struct Unary {
  const char* op;
  std::function<Tensor(const Tensor&)> formula;
  double low = -3.0;
  double high = 3.0;
  std::vector<Attr> attributes = {};
  const char* variant = "";
};

// Formulas are ONNX's, in functions that the operators themselves do not use where there is a choice.
std::vector<Unary> unaries() {
  const auto where = [](const Tensor& condition, const Tensor& a, const Tensor& b) {
    return F::where(condition, a, b);
  };
  const auto log1p_exp = [](const Tensor& x) { return F::log(F::exp(x) + 1.0); };
  return {
      {"Abs", [=](const Tensor& x) { return where(x < 0, -x, x); }},
      {"Sign", [](const Tensor& x) { return (x > 0).to(F::kDouble) - (x < 0).to(F::kDouble); }},
      {"Log", [](const Tensor& x) { return F::log2(x) * std::log(2.0); }, 0.1, 4.0},
      {"Erf", [](const Tensor& x) { return 1.0 - F::erfc(x); }},
      {"Sin", [](const Tensor& x) { return F::cos(x - std::acos(0.0)); }},
      {"Cos", [](const Tensor& x) { return F::sin(x + std::acos(0.0)); }},
      {"Tan", [](const Tensor& x) { return F::sin(x) / F::cos(x); }, -1.2, 1.2},
      {"Asin", [](const Tensor& x) { return F::atan2(x, F::sqrt(1.0 - x * x)); }, -0.9, 0.9},
      {"Acos", [](const Tensor& x) { return F::atan2(F::sqrt(1.0 - x * x), x); }, -0.9, 0.9},
      {"Atan", [](const Tensor& x) { return F::atan2(x, F::ones_like(x)); }},
      {"Sinh", [](const Tensor& x) { return (F::exp(x) - F::exp(-x)) / 2.0; }},
      {"Cosh", [](const Tensor& x) { return (F::exp(x) + F::exp(-x)) / 2.0; }},
      {"Asinh", [](const Tensor& x) { return F::log(x + F::sqrt(x * x + 1.0)); }},
      {"Acosh", [](const Tensor& x) { return F::log(x + F::sqrt(x * x - 1.0)); }, 1.1, 4.0},
      {"Atanh", [](const Tensor& x) { return 0.5 * F::log((1.0 + x) / (1.0 - x)); }, -0.9, 0.9},
      {"Floor", [](const Tensor& x) { return x - F::remainder(x, 1.0); }},
      {"Ceil", [](const Tensor& x) { return x + F::remainder(-x, 1.0); }},
      {"Round", [](const Tensor& x) { return F::floor(x + 0.5); }},
      {"Reciprocal", [](const Tensor& x) { return 1.0 / x; }, 0.3, 3.0},
      {"Softplus", log1p_exp},
      {"Softsign", [](const Tensor& x) { return x / (1.0 + x.abs()); }},
      {"Mish", [=](const Tensor& x) { return x * F::tanh(log1p_exp(x)); }},
      {"Swish", [](const Tensor& x) { return x / (1.0 + F::exp(-x)); }},
      {"Swish", [](const Tensor& x) { return x / (1.0 + F::exp(-1.5 * x)); }, -3.0, 3.0, {attr("alpha", 1.5)}, "Alpha"},
      {"Selu",
       [=](const Tensor& x) {
         return 1.05070102214813232421875 *
                where(x > 0, x, 1.67326319217681884765625 * F::exp(x) - 1.67326319217681884765625);
       }},
      {"Selu",
       [=](const Tensor& x) { return 0.5 * where(x > 0, x, 2.0 * F::exp(x) - 2.0); },
       -3.0,
       3.0,
       {attr("alpha", 2.0), attr("gamma", 0.5)},
       "Numbers"},
      {"Celu", [](const Tensor& x) { return F::clamp_min(x, 0) + F::clamp_max(F::exp(x) - 1.0, 0); }},
      {"Celu",
       [](const Tensor& x) { return F::clamp_min(x, 0) + F::clamp_max(0.5 * (F::exp(x / 0.5) - 1.0), 0); },
       -3.0,
       3.0,
       {attr("alpha", 0.5)},
       "Alpha"},
      {"Celu",
       [](const Tensor& x) { return F::clamp_min(x, 0) + F::clamp_max(-0.5 * (F::exp(x / -0.5) - 1.0), 0); },
       -3.0,
       3.0,
       {attr("alpha", -0.5)},
       "NegativeAlpha"},
      {"ThresholdedRelu", [](const Tensor& x) { return x * (x > 1.0).to(F::kDouble); }},
      {"ThresholdedRelu",
       [](const Tensor& x) { return x * (x > -0.5).to(F::kDouble); },
       -3.0,
       3.0,
       {attr("alpha", -0.5)},
       "Alpha"},
      {"HardSigmoid", [](const Tensor& x) { return F::clamp(x * 0.2 + 0.5, 0, 1); }},
      {"HardSigmoid",
       [](const Tensor& x) { return F::clamp(x * 0.5 + 0.25, 0, 1); },
       -3.0,
       3.0,
       {attr("alpha", 0.5), attr("beta", 0.25)},
       "Numbers"},
      {"Shrink", [](const Tensor& x) { return x * (x.abs() > 0.5).to(F::kDouble); }},
      {"Shrink",
       [=](const Tensor& x) { return where(x < -1.0, x + 0.75, where(x > 1.0, x - 0.75, F::zeros_like(x))); },
       -3.0,
       3.0,
       {attr("bias", 0.75), attr("lambd", 1.0)},
       "Numbers"},
      {"Sqrt", [](const Tensor& x) { return x.pow(0.5); }, 0.1, 4.0},
      {"Exp", [](const Tensor& x) { return F::pow(F::full_like(x, std::exp(1.0)), x); }},
      {"Neg", [](const Tensor& x) { return 0.0 - x; }},
      {"Relu", [](const Tensor& x) { return (x + x.abs()) / 2.0; }},
      {"Sigmoid", [](const Tensor& x) { return 1.0 / (1.0 + F::exp(-x)); }},
      {"Tanh", [](const Tensor& x) { return 1.0 - 2.0 / (F::exp(2.0 * x) + 1.0); }},
      {"Gelu", [](const Tensor& x) { return x * F::erfc(-x * std::sqrt(0.5)) / 2.0; }},
      {"HardSwish", [](const Tensor& x) { return x * F::clamp(x / 6.0 + 0.5, 0, 1); }, -4.0, 4.0},
      {"Elu", [=](const Tensor& x) { return where(x > 0, x, F::exp(x) - 1.0); }},
      {"LeakyRelu", [=](const Tensor& x) { return where(x > 0, x, 0.01 * x); }},
      {"Clip", [](const Tensor& x) { return x * 1.0; }},
  };
}

std::vector<FormulaCase> unary_cases() {
  F::manual_seed(21);
  const std::vector<std::pair<const char*, Ints>> shapes = {
      {"Matrix", {3, 5}}, {"Scalar", {}}, {"One", {1}}, {"Empty", {2, 0}}, {"Volume", {2, 1, 3, 2}}};
  std::vector<FormulaCase> cases;
  for (const Unary& unary : unaries()) {
    for (const auto& [name, shape] : shapes) {
      cases.push_back({std::string(unary.op) + unary.variant + name,
                       unary.op,
                       {variable(draw(shape, unary.low, unary.high))},
                       unary.attributes,
                       [formula = unary.formula](const auto& x) { return formula(x[0]); }});
    }
  }
  return cases;
}

std::vector<FormulaCase> joined_cases() {
  F::manual_seed(22);
  const auto x = [](const Ints& shape) { return variable(draw(shape)); };
  const auto scalar = [](double value) { return F::tensor(value, F::kDouble); };
  return {
      {"PReluChannels",
       "PRelu",
       {x({2, 3, 4}), x({3, 1})},
       {},
       [](const auto& v) { return F::where(v[0] < 0, v[1] * v[0], v[0]); }},
      {"PReluScalar",
       "PRelu",
       {x({2, 3}), x({})},
       {},
       [](const auto& v) { return F::where(v[0] < 0, v[1] * v[0], v[0]); }},
      {"PReluFull",
       "PRelu",
       {x({2, 3}), x({2, 3})},
       {},
       [](const auto& v) { return F::where(v[0] < 0, v[1] * v[0], v[0]); }},
      {"ClipConstants",
       "Clip",
       {x({3, 5}), fixed(scalar(-1.0)), fixed(scalar(1.5))},
       {},
       [](const auto& v) { return F::minimum(F::maximum(v[0], v[1]), v[2]); }},
      {"ClipComputed",
       "Clip",
       {x({3, 5}), variable(scalar(-0.5)), variable(scalar(0.75))},
       {},
       [](const auto& v) { return F::minimum(F::maximum(v[0], v[1]), v[2]); }},
      {"ClipMixed",
       "Clip",
       {x({3, 5}), fixed(scalar(-0.5)), variable(F::full({1}, 0.75, F::kDouble))},
       {},
       [](const auto& v) { return F::minimum(F::maximum(v[0], v[1]), v[2]); }},
      {"ClipBelow", "Clip", {x({3, 5}), fixed(scalar(-0.5))}, {}, [](const auto& v) { return F::maximum(v[0], v[1]); }},
      {"ClipAbove",
       "Clip",
       {x({3, 5}), absent(), given(scalar(0.5))},
       {},
       [](const auto& v) { return F::minimum(v[0], v[2]); }},
      {"ClipCrossed",
       "Clip",
       {x({3, 5}), fixed(scalar(1.0)), fixed(scalar(-1.0))},
       {},
       [](const auto& v) { return F::full_like(v[0], -1.0); }},
      {"ModFmod",
       "Mod",
       {x({3, 5}), variable((draw({5}, 0.5, 2.0) * 1.01).to(F::kFloat).to(F::kDouble))},
       {attr("fmod", 1)},
       [](const auto& v) { return v[0] - F::trunc(v[0] / v[1]) * v[1]; }},
      {"MinBroadcast",
       "Min",
       {x({3, 1}), x({4}), x({2, 1, 4})},
       {},
       [](const auto& v) {
         return F::where(v[0] < F::where(v[1] < v[2], v[1], v[2]), v[0], F::where(v[1] < v[2], v[1], v[2]));
       }},
      {"MaxBroadcast", "Max", {x({3, 1}), x({4})}, {}, [](const auto& v) { return F::where(v[0] > v[1], v[0], v[1]); }},
      {"MaxOne", "Max", {x({3})}, {}, [](const auto& v) { return v[0] * 1.0; }},
      {"SumThree", "Sum", {x({3, 1}), x({4}), x({})}, {}, [](const auto& v) { return v[0] + v[1] + v[2]; }},
      {"SumOne", "Sum", {x({3, 1})}, {}, [](const auto& v) { return v[0] * 1.0; }},
      {"SumEmpty", "Sum", {x({3, 0}), x({1})}, {}, [](const auto& v) { return v[0] + v[1]; }},
      {"MeanThree",
       "Mean",
       {x({3, 1}), x({4}), x({2, 3, 4})},
       {},
       [](const auto& v) { return (v[0] + v[1] + v[2]) / 3.0; }},
  };
}

INSTANTIATE_TEST_SUITE_P(Unary, FormulaTest, testing::ValuesIn(unary_cases()), name_of);
INSTANTIATE_TEST_SUITE_P(Joined, FormulaTest, testing::ValuesIn(joined_cases()), name_of);

TEST(MathOperators, RoundTakesHalvesToTheEvenNumber) {
  const Tensor x = F::tensor({-2.5, -1.5, -0.5, 0.5, 1.5, 2.5}, F::kFloat);
  EXPECT_TRUE(F::equal(outputs_of("Round", {given(x)})[0], F::tensor({-2.0, -2.0, 0.0, 0.0, 2.0, 2.0}, F::kFloat)));
}

TEST(MathOperators, SoftplusKeepsItsDigitsAtBothEnds) {
  const Tensor x = F::tensor({-700.0, -40.0, 21.0, 39.0, 41.0, 700.0}, F::kDouble);
  const Tensor expected = F::tensor({std::exp(-700.0), std::log1p(std::exp(-40.0)), 21.0 + std::log1p(std::exp(-21.0)),
                                     39.0 + std::log1p(std::exp(-39.0)), 41.0, 700.0},
                                    F::kDouble);
  EXPECT_LT((outputs_of("Softplus", {given(x)})[0] / expected - 1.0).abs().max().item<double>(), 1e-15);
}

TEST(MathOperators, NotANumberAndInfinityAreFound) {
  constexpr double kInfinity = std::numeric_limits<double>::infinity();
  const Tensor x = F::tensor({std::nan(""), kInfinity, -kInfinity, 0.0}, F::kFloat);
  const auto bools = [](std::vector<int64_t> values) { return F::tensor(values).to(F::kBool); };
  EXPECT_TRUE(same_bits(outputs_of("IsNaN", {given(x)})[0], bools({1, 0, 0, 0})));
  EXPECT_TRUE(same_bits(outputs_of("IsInf", {given(x)})[0], bools({0, 1, 1, 0})));
  EXPECT_TRUE(same_bits(outputs_of("IsInf", {given(x)}, {attr("detect_negative", 0)})[0], bools({0, 1, 0, 0})));
  EXPECT_TRUE(same_bits(outputs_of("IsInf", {given(x)}, {attr("detect_positive", 0)})[0], bools({0, 0, 1, 0})));
  const std::vector<Attr> neither = {attr("detect_positive", 0), attr("detect_negative", 0)};
  EXPECT_TRUE(same_bits(outputs_of("IsInf", {given(x)}, neither)[0], bools({0, 0, 0, 0})));
}

TEST(MathOperators, WholeNumbersKeepTheirType) {
  const Tensor a = F::tensor({-7, 7, -7, 7}, F::kLong), b = F::tensor({3, 3, -3, -3}, F::kLong);
  EXPECT_TRUE(same_bits(outputs_of("Mod", {given(a), given(b)})[0], F::tensor({2, 1, -1, -2}, F::kLong)));
  const std::vector<Attr> fmod = {attr("fmod", 1)};
  EXPECT_TRUE(same_bits(outputs_of("Mod", {given(a), given(b)}, fmod)[0], F::tensor({-1, 1, -1, 1}, F::kLong)));
  EXPECT_TRUE(same_bits(outputs_of("Abs", {given(a)})[0], F::tensor({7, 7, 7, 7}, F::kLong)));
  EXPECT_TRUE(same_bits(outputs_of("Sign", {given(a)})[0], F::tensor({-1, 1, -1, 1}, F::kLong)));
  EXPECT_TRUE(same_bits(outputs_of("Max", {given(a), given(b)})[0], F::tensor({3, 7, -3, 7}, F::kLong)));
  const Tensor clipped =
      outputs_of("Clip", {given(a), fixed(F::tensor(-2, F::kLong)), fixed(F::tensor(3, F::kLong))})[0];
  EXPECT_TRUE(same_bits(clipped, F::tensor({-2, 3, -2, 3}, F::kLong)));
  const Tensor bytes = F::tensor({250, 3}).to(F::kByte);
  EXPECT_TRUE(same_bits(outputs_of("Min", {given(bytes), given(bytes.flip({0}))})[0], F::tensor({3, 3}).to(F::kByte)));
}

TEST(MathOperators, ExtremaPassNotANumberOn) {
  const Tensor x = F::tensor({std::nan(""), 1.0}, F::kFloat), y = F::tensor({0.0, std::nan("")}, F::kFloat);
  EXPECT_TRUE(outputs_of("Max", {given(x), given(y)})[0].isnan().all().item<bool>());
  EXPECT_TRUE(outputs_of("Min", {given(x), given(y)})[0].isnan().all().item<bool>());
}

TEST(MathOperators, TypesAndShapesAreChecked) {
  const Argument real = given(F::ones({2, 3})), whole = given(F::ones({2, 3}, F::kLong));
  const Argument truth = given(F::ones({2, 3}, F::kBool)), wide = given(F::ones({2, 3}, F::kDouble));
  expect_parts(refusal("Log", {whole}), {"node 'Log_0' (Log)", "input 0 'x0' is int64", "float32 or float64"});
  expect_parts(refusal("Abs", {truth}), {"node 'Abs_0' (Abs)", "is bool", "float32, float64, int64 or uint8"});
  expect_parts(refusal("Mod", {real, real}), {"node 'Mod_0' (Mod)", "is float32", "int64 or uint8"});
  expect_parts(refusal("Max", {real, real, wide}), {"node 'Max_0' (Max)", "'x2' (float64)", "insert a Cast"});
  expect_parts(refusal("Sum", {whole}), {"node 'Sum_0' (Sum)", "is int64"});
  expect_parts(refusal("Mean", {real, absent()}), {"node 'Mean_0' (Mean)", "input 1 is missing"});
  expect_parts(refusal("Clip", {real, fixed(F::ones({2}))}), {"node 'Clip_0' (Clip)", "[2]", "scalar"});
  expect_parts(refusal("Clip", {real, given(F::ones({2}))}), {"node 'Clip_0' (Clip)", "[2]", "scalar"});
  expect_parts(refusal("Clip", {real, fixed(F::tensor(1, F::kLong))}), {"node 'Clip_0' (Clip)", "int64"});
  expect_parts(refusal("PRelu", {real, given(F::ones({2, 2, 3}))}),
               {"node 'PRelu_0' (PRelu)", "[2, 2, 3]", "broadcast"});
  expect_parts(refusal("Celu", {real}, {attr("alpha", 0.0)}), {"node 'Celu_0' (Celu)", "'alpha' is 0"});
}

}  // namespace
}  // namespace esper::host::test
