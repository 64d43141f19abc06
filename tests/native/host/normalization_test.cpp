// Normalisations by statistics and norms.
#include <cmath>

#include "formula_case.h"

namespace esper::host::test {
namespace {

namespace F = torch;
using Ints = std::vector<int64_t>;

// [N, C, ...] by the statistics of each of `groups` groups of channels, in plain sums.
Tensor by_groups(const Tensor& x, int64_t groups, const Tensor& scale, const Tensor& bias, double epsilon) {
  const Tensor rows = x.reshape({x.size(0) * groups, -1});
  const Tensor centred = rows - rows.mean(1, true);
  const Tensor y = (centred / (centred.pow(2).mean(1, true) + epsilon).sqrt()).reshape(x.sizes());
  Ints channels(static_cast<size_t>(x.dim()), 1);
  channels[1] = x.size(1);
  return y * scale.reshape(channels) + bias.reshape(channels);
}

Tensor by_root_mean_square(const Tensor& x, Ints axes, double epsilon) {
  return x / (x.pow(2).mean(axes, true) + epsilon).sqrt();
}

Tensor local_response(const Tensor& x, int64_t size, double alpha, double beta, double bias) {
  const int64_t channels = x.size(1);
  std::vector<Tensor> result;
  for (int64_t c = 0; c < channels; ++c) {
    Tensor sum = F::zeros_like(x.select(1, 0));
    const int64_t first = std::max<int64_t>(0, c - (size - 1) / 2), last = std::min(channels - 1, c + size / 2);
    for (int64_t i = first; i <= last; ++i) sum = sum + x.select(1, i).pow(2);
    result.push_back(x.select(1, c) / (bias + alpha / static_cast<double>(size) * sum).pow(beta));
  }
  return F::stack(result, 1);
}

Tensor to_zero_mean_and_one_variance(const Tensor& x, Ints axes) {
  const Tensor centred = x - x.mean(axes, true);
  return centred / (centred.pow(2).mean(axes, true).sqrt() + 1e-9);
}

std::vector<FormulaCase> cases() {
  F::manual_seed(41);
  const auto x = [](const Ints& shape) { return variable(draw(shape)); };
  const std::string layer = "LayerNormalization", instance = "InstanceNormalization", group = "GroupNormalization";
  const std::string mvn = "MeanVarianceNormalization";
  const auto layer_norm = [](const auto& v, Ints axes, double epsilon) {
    const Tensor centred = v[0] - v[0].mean(axes, true);
    return centred / (centred.pow(2).mean(axes, true) + epsilon).sqrt() * v[1];
  };
  return {
      {"Layer", layer, {x({3, 5}), x({5}), x({5})}, {}, [=](const auto& v) { return layer_norm(v, {1}, 1e-5) + v[2]; }},
      {"LayerTwoAxes",
       layer,
       {x({2, 3, 4}), x({3, 4})},
       {attr("axis", -2), attr("epsilon", 0.5)},
       [=](const auto& v) {
         return layer_norm(v, {1, 2}, 0.5);
       }},
      {"LayerBroadcastScale",
       layer,
       {x({2, 3, 4}), x({3, 1}), x({1})},
       {attr("axis", 1)},
       [=](const auto& v) {
         return layer_norm(v, {1, 2}, 1e-5) + v[2];
       }},
      {"Instance",
       instance,
       {x({2, 3, 4}), x({3}), x({3})},
       {attr("epsilon", 1e-2)},
       [](const auto& v) { return by_groups(v[0], 3, v[1], v[2], 1e-2); }},
      {"InstanceImage",
       instance,
       {x({2, 3, 2, 3}), x({3}), x({3})},
       {},
       [](const auto& v) { return by_groups(v[0], 3, v[1], v[2], 1e-5); }},
      {"InstanceOneElement",
       instance,
       {x({2, 3, 1}), x({3}), x({3})},
       {attr("epsilon", 0.01)},
       [](const auto& v) { return by_groups(v[0], 3, v[1], v[2], 0.01); }},
      {"Group",
       group,
       {x({2, 6, 3}), x({6}), x({6})},
       {attr("num_groups", 2)},
       [](const auto& v) { return by_groups(v[0], 2, v[1], v[2], 1e-5); }},
      {"GroupOne",
       group,
       {x({2, 4, 2, 2}), x({4}), x({4})},
       {attr("num_groups", 1), attr("epsilon", 0.1)},
       [](const auto& v) { return by_groups(v[0], 1, v[1], v[2], 0.1); }},
      {"GroupNoPositions",
       group,
       {x({3, 4}), x({4}), x({4})},
       {attr("num_groups", 2)},
       [](const auto& v) { return by_groups(v[0], 2, v[1], v[2], 1e-5); }},
      {"GroupEmpty",
       group,
       {x({0, 4, 3}), given(draw({4})), given(draw({4}))},
       {attr("num_groups", 2)},
       [](const auto& v) { return v[0] * 1.0; }},
      {"Rms",
       "RMSNormalization",
       {x({3, 5}), x({5})},
       {},
       [](const auto& v) { return by_root_mean_square(v[0], {1}, 1e-5) * v[1]; }},
      {"RmsAxis",
       "RMSNormalization",
       {x({2, 3, 4}), x({3, 1})},
       {attr("axis", 1), attr("epsilon", 0.5)},
       [](const auto& v) {
         return by_root_mean_square(v[0], {1, 2}, 0.5) * v[1];
       }},
      {"RmsOne",
       "RMSNormalization",
       {x({2, 1}), x({})},
       {attr("axis", -1)},
       [](const auto& v) { return by_root_mean_square(v[0], {1}, 1e-5) * v[1]; }},
      {"Lp2", "LpNormalization", {x({3, 4})}, {}, [](const auto& v) { return v[0] / v[0].pow(2).sum(1, true).sqrt(); }},
      {"Lp1",
       "LpNormalization",
       {x({3, 4})},
       {attr("p", 1), attr("axis", 0)},
       [](const auto& v) { return v[0] / v[0].abs().sum(0, true); }},
      {"LpOne", "LpNormalization", {x({1})}, {attr("p", 1)}, [](const auto& v) { return v[0] / v[0].abs(); }},
      {"LrnOdd",
       "LRN",
       {x({2, 5, 3})},
       {attr("size", 3), attr("alpha", 0.5), attr("beta", 0.6), attr("bias", 2.0)},
       [](const auto& v) { return local_response(v[0], 3, 0.5, 0.6, 2.0); }},
      {"LrnEven",
       "LRN",
       {x({1, 5, 2, 2})},
       {attr("size", 4), attr("alpha", 0.5)},
       [](const auto& v) { return local_response(v[0], 4, 0.5, 0.75, 1.0); }},
      {"LrnWide",
       "LRN",
       {x({2, 2})},
       {attr("size", 7)},
       [](const auto& v) { return local_response(v[0], 7, 1e-4, 0.75, 1.0); }},
      {"LrnOne", "LRN", {x({2, 3, 0})}, {attr("size", 1)}, [](const auto& v) { return v[0] * 1.0; }},
      {"MeanVariance",
       mvn,
       {x({2, 3, 2, 2})},
       {},
       [](const auto& v) {
         return to_zero_mean_and_one_variance(v[0], {0, 2, 3});
       }},
      {"MeanVarianceAxes",
       mvn,
       {x({2, 5})},
       {attr("axes", Ints{-1})},
       [](const auto& v) { return to_zero_mean_and_one_variance(v[0], {1}); }},
  };
}

INSTANTIATE_TEST_SUITE_P(Normalizations, FormulaTest, testing::ValuesIn(cases()), name_of);

// A mean a thousand deviations from zero, channels-last: plain sums of squares would lose the variance.
TEST(Normalizations, OfGroupsSurviveALargeMean) {
  F::manual_seed(42);
  GraphBuilder graph;
  const Tensor x = (F::randn({2, 5, 5, 6}, F::kDouble) + 1000.0).to(F::kFloat);
  const int32_t image = graph.node("Transpose", {graph.input("x", {2, 5, 5, 6})}, {attr("perm", Ints{0, 3, 1, 2})});
  const int32_t one = add_constant(graph, "one", F::ones({6})), zero = add_constant(graph, "zero", F::zeros({6}));
  graph.output(graph.node("GroupNormalization", {image, one, zero}, {attr("num_groups", 2)}));
  graph.output(graph.node("InstanceNormalization", {image, one, zero}));
  Host host(graph);
  const std::vector<Tensor> y = host.forward({x});
  const Tensor wide = x.to(F::kDouble).permute({0, 3, 1, 2}), ones = F::ones({6}, F::kDouble);
  // The input's rounding to float32 is in both; float32 statistics of it are good to half an ulp of 1000, 3e-5.
  EXPECT_LT((y[0] - by_groups(wide, 2, ones, ones * 0.0, 1e-5)).abs().max().item<double>(), 2e-4);
  EXPECT_LT((y[1] - by_groups(wide, 6, ones, ones * 0.0, 1e-5)).abs().max().item<double>(), 2e-4);
}

// Nothing can be normalised: the result is 0, and so is the gradient.
TEST(Normalizations, OfZerosAreZerosWithFiniteGradients) {
  for (const char* op : {"LpNormalization", "MeanVarianceNormalization"}) {
    GraphBuilder graph;
    const int32_t p = add_parameter(graph, "x", F::zeros({2, 3, 1, 1}));
    const int32_t y = graph.node(
        op, {p}, std::string(op) == "LpNormalization" ? std::vector<Attr>{attr("axis", 1)} : std::vector<Attr>{});
    graph.output(y);
    graph.loss(graph.node("ReduceSum", {y}, {attr("keepdims", 0)}));
    Host host(graph);
    EXPECT_TRUE(F::equal(host.forward({})[0], F::zeros({2, 3, 1, 1}))) << op;
    host.gradients({});
    EXPECT_TRUE(host.state("grad/x").isfinite().all().item<bool>()) << op;
  }
}

TEST(Normalizations, TypesShapesAndAttributesAreChecked) {
  const Argument x = given(F::ones({2, 4, 3})), scale = given(F::ones({4})),
                 whole = given(F::ones({2, 4, 3}, F::kLong));
  const Argument wide = given(F::ones({4}, F::kDouble));
  const std::vector<Attr> three = {attr("num_groups", 3)}, two = {attr("num_groups", 2)};
  expect_parts(refusal("GroupNormalization", {x, scale, scale}, three),
               {"'GroupNormalization_0'", "3 groups", "4 channels"});
  expect_parts(refusal("GroupNormalization", {x, scale, scale}), {"'GroupNormalization_0'", "'num_groups' is 0"});
  expect_parts(refusal("GroupNormalization", {x, scale, wide}, two),
               {"'GroupNormalization_0'", "'x2' (float64)", "Cast"});
  expect_parts(refusal("InstanceNormalization", {x, given(F::ones({3})), scale}),
               {"'InstanceNormalization_0'", "[3]", "[4]"});
  expect_parts(refusal("InstanceNormalization", {whole, scale, scale}), {"'InstanceNormalization_0'", "is int64"});
  expect_parts(refusal("RMSNormalization", {x, given(F::ones({2, 2, 4, 3}))}), {"'RMSNormalization_0'", "broadcast"});
  expect_parts(refusal("RMSNormalization", {x, scale}, {attr("stash_type", 11)}),
               {"'RMSNormalization_0'", "stash_type"});
  expect_parts(refusal("LpNormalization", {x}, {attr("p", 3)}), {"'LpNormalization_0'", "'p' is 3", "1 or 2"});
  expect_parts(refusal("LRN", {x}), {"'LRN_0'", "'size' is 0"});
  expect_parts(refusal("LRN", {given(F::ones({3}))}, {attr("size", 3)}), {"'LRN_0'", "[3]", "[N, C, ...]"});
  expect_parts(refusal("LayerNormalization", {x, given(F::ones({3}))}, {}, 2),
               {"'LayerNormalization_0'", "output 1 is not supported; leave it out"});
  expect_parts(refusal("LayerNormalization", {x, given(F::ones({3}, F::kDouble))}), {"'LayerNormalization_0'", "Cast"});
  expect_parts(refusal("MeanVarianceNormalization", {x}), {"'MeanVarianceNormalization_0'", "axis 3", "rank 3"});
}

}  // namespace
}  // namespace esper::host::test
