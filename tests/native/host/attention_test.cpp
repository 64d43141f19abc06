// Attention against a formula: both layouts, shared heads, masks, causality, scale and softcap.
#include <cmath>
#include <limits>

#include "formula_case.h"

namespace esper::host::test {
namespace {

namespace F = torch;
using Ints = std::vector<int64_t>;
using Values = std::vector<Tensor>;

struct Options {
  double scale = 0.5;
  double softcap = 0.0;
  bool causal = false;
};

// One query of one head at a time. q [N, H, S, D], k [N, h, T, D], v [N, h, T, E]; mask like the scores, to be added.
Tensor attend(const Tensor& q, const Tensor& k, const Tensor& v, const Tensor& mask, const Options& options) {
  Tensor y = F::zeros({q.size(0), q.size(1), q.size(2), v.size(3)}, F::kDouble);
  const int64_t share = q.size(1) / k.size(1);
  for (int64_t n = 0; n < q.size(0); ++n) {
    for (int64_t h = 0; h < q.size(1); ++h) {
      for (int64_t s = 0; s < q.size(2); ++s) {
        Tensor scores = k[n][h / share].mv(q[n][h][s]) * options.scale;
        if (options.softcap > 0.0) scores = F::tanh(scores / options.softcap) * options.softcap;
        if (mask.defined()) scores = scores + mask[n][h][s];
        if (options.causal) scores = scores.narrow(0, 0, std::min(s + 1, k.size(2)));
        const Tensor weights = scores.exp() / scores.exp().sum();
        y[n][h][s] = v[n][h / share].narrow(0, 0, weights.size(0)).t().mv(weights);
      }
    }
  }
  return y;
}

Tensor heads_apart(const Tensor& x, int64_t heads) {
  return x.reshape({x.size(0), x.size(1), heads, -1}).permute({0, 2, 1, 3});
}

Tensor folded(const Tensor& x) {
  return x.permute({0, 2, 1, 3}).reshape({x.size(0), x.size(2), -1});
}

// false = hidden.
Tensor to_add(const Tensor& truth) {
  return F::zeros(truth.sizes(), F::kDouble).masked_fill(truth.logical_not(), -std::numeric_limits<double>::infinity());
}

std::vector<FormulaCase> cases() {
  F::manual_seed(61);
  const auto x = [](const Ints& shape) { return variable(draw(shape, -1.5, 1.5)); };
  const std::vector<Argument> four = {x({2, 4, 3, 4}), x({2, 2, 5, 4}), x({2, 2, 5, 3})};
  const std::vector<Argument> three = {x({2, 3, 8}), x({2, 5, 4}), x({2, 5, 6})};
  const std::vector<Attr> heads = {attr("q_num_heads", 4), attr("kv_num_heads", 2)};
  Tensor truth = F::rand({3, 5}) > 0.4;
  truth.select(1, 1).fill_(1);  // No query sees nothing.
  const auto with = [](std::vector<Argument> operands, const Argument& mask) {
    operands.push_back(mask);
    return operands;
  };
  const auto plain = [](const Values& v, const Options& options) { return attend(v[0], v[1], v[2], {}, options); };
  const auto masked = [](const Values& v, const Options& options) {
    Tensor mask = v[3].scalar_type() == F::kBool ? to_add(v[3]) : v[3];
    return attend(v[0], v[1], v[2], mask.expand({v[0].size(0), v[0].size(1), v[0].size(2), v[1].size(2)}), options);
  };
  const std::vector<Attr> causal = {attr("is_causal", 1)};
  return {
      {"FourAxesSharedHeads", "Attention", four, {}, [=](const auto& v) { return plain(v, {}); }},
      {"FourAxesHeadsGiven", "Attention", four, heads, [=](const auto& v) { return plain(v, {}); }},
      {"ThreeAxesSharedHeads", "Attention", three, heads,
       [](const auto& v) {
         Options options;
         options.scale = std::sqrt(0.5);
         return folded(attend(heads_apart(v[0], 4), heads_apart(v[1], 2), heads_apart(v[2], 2), {}, options));
       }},
      {"OneOfEach",
       "Attention",
       {x({1, 1, 1, 1}), x({1, 1, 1, 1}), x({1, 1, 1, 1})},
       {},
       [](const auto& v) { return v[2] * 1.0; }},
      {"Scale", "Attention", four, {attr("scale", 0.3)}, [=](const auto& v) { return plain(v, {0.3}); }},
      {"Softcap",
       "Attention",
       four,
       {attr("softcap", 0.7)},
       [=](const auto& v) {
         return plain(v, {0.5, 0.7});
       }},
      {"Causal", "Attention", four, causal,
       [=](const auto& v) {
         return plain(v, {0.5, 0.0, true});
       }},
      {"CausalMoreQueriesThanKeys",
       "Attention",
       {x({1, 1, 4, 4}), x({1, 1, 2, 4}), x({1, 1, 2, 3})},
       causal,
       [=](const auto& v) {
         return plain(v, {0.5, 0.0, true});
       }},
      {"MaskOfBools", "Attention", with(four, given(truth)), {}, [=](const auto& v) { return masked(v, {}); }},
      {"MaskOfBoolsConstant", "Attention", with(four, fixed(truth)), {}, [=](const auto& v) { return masked(v, {}); }},
      {"MaskOfNumbers", "Attention", with(four, x({4, 3, 5})), {}, [=](const auto& v) { return masked(v, {}); }},
      {"MaskFull", "Attention", with(four, x({2, 1, 3, 5})), {}, [=](const auto& v) { return masked(v, {}); }},
      {"MaskSoftcapScale",
       "Attention",
       with(four, given(truth)),
       {attr("softcap", 0.9), attr("scale", 0.25)},
       [=](const auto& v) {
         return masked(v, {0.25, 0.9});
       }},
      {"MaskShort",
       "Attention",
       with(four, x({3, 2})),
       {},
       [=](const auto& v) {
         Values cut = {v[0], v[1].narrow(2, 0, 2), v[2].narrow(2, 0, 2), v[3]};
         return masked(cut, {});
       }},
      {"MaskShortOfBools",
       "Attention",
       with(four, given(F::ones({1}, F::kBool))),
       {},
       [=](const auto& v) {
         return plain({v[0], v[1].narrow(2, 0, 1), v[2].narrow(2, 0, 1)}, {});
       }},
      {"MaskAndCausal", "Attention", with(four, x({3, 5})), causal,
       [=](const auto& v) {
         return masked(v, {0.5, 0.0, true});
       }},
  };
}

INSTANTIATE_TEST_SUITE_P(Attention, FormulaTest, testing::ValuesIn(cases()), name_of);

// float32 tensors, with the softmax in between in float64.
TEST(AttentionOperator, SoftmaxPrecisionIsHonoured) {
  F::manual_seed(62);
  const Tensor q = F::randn({1, 1, 2, 8}) * 3.0, k = F::randn({1, 1, 4, 8}), v = F::randn({1, 1, 4, 3});
  const std::vector<Argument> operands = {given(q), given(k), given(v)};
  const Tensor wide = outputs_of("Attention", operands, {attr("softmax_precision", ESPER_HOST_FLOAT64)})[0];
  const Tensor narrow = outputs_of("Attention", operands, {attr("softmax_precision", ESPER_HOST_FLOAT32)})[0];
  EXPECT_EQ(wide.scalar_type(), F::kFloat);
  EXPECT_TRUE(same_bits(narrow, outputs_of("Attention", operands)[0]));
  const Tensor scores = (q / std::sqrt(8.0F)).matmul(k.transpose(2, 3));
  EXPECT_FALSE(same_bits(wide, narrow));
  EXPECT_LT(relative_error(wide, F::softmax(scores.to(F::kDouble), -1).matmul(v.to(F::kDouble))), 1e-6);
}

TEST(AttentionOperator, TypesShapesAndAttributesAreChecked) {
  const auto ones = [](const Ints& shape, F::ScalarType type = F::kFloat) { return given(F::ones(shape, type)); };
  const Argument q = ones({1, 4, 3, 8}), k = ones({1, 2, 5, 8}), v = ones({1, 2, 5, 6});
  const auto message = [](const std::vector<Argument>& operands, const std::vector<Attr>& attributes = {}) {
    return refusal("Attention", operands, attributes);
  };
  expect_parts(message({ones({1, 3, 8}), ones({1, 5, 8}), ones({1, 5, 8})}), {"'Attention_0'", "q_num_heads"});
  expect_parts(message({q, k, v}, {attr("q_num_heads", 2), attr("kv_num_heads", 2)}), {"4 heads", "attribute 2"});
  expect_parts(message({q, k, v}, {attr("q_num_heads", 4)}), {"'Attention_0' (Attention)", "kv_num_heads 0"});
  expect_parts(message({q, ones({1, 3, 5, 8}), ones({1, 3, 5, 6})}), {"4, 3 and 3 heads"});
  expect_parts(message({q, k, ones({1, 1, 5, 6})}), {"4, 2 and 1 heads"});
  expect_parts(message({q, k, v, ones({3, 5}, F::kLong)}), {"'Attention_0'", "'x3' is int64", "bool or float32"});
  expect_parts(message({q, k, v, ones({3, 5}, F::kDouble)}), {"'x3' is float64", "bool or float32"});
  expect_parts(message({q, k, v, ones({7, 1, 4, 3, 5})}), {"attn_mask", "[7, 1, 4, 3, 5]"});
  expect_parts(message({q, k, v, ones({2, 1, 3, 5})}), {"attn_mask", "[2, 1, 3, 5]", "[1, 4, 3, 5]"});
  expect_parts(message({ones({1, 4, 3, 8}, F::kLong), k, v}), {"'x0' is int64", "float32 or float64"});
  expect_parts(message({q, k, v, absent(), k, v}), {"'Attention_0'", "6 inputs", "at most 4"});
  expect_parts(message({q, k, v}, {attr("softcap", -1.0)}), {"softcap is -1"});
  expect_parts(message({q, k, v}, {attr("softmax_precision", ESPER_HOST_INT64)}),
               {"softmax_precision", "floating point"});
  expect_parts(refusal("Attention", {q, k, v}, {}, 3), {"output 1 is not supported"});
}

}  // namespace
}  // namespace esper::host::test
