// Nets that can carry a lattice at every kind of place, for tests of what idle lattices cost.
#pragma once

#include <string>
#include <vector>

#include "host_fixture.h"

namespace esper::host::test {

constexpr int kNowhere = -1;
constexpr int kEverywhere = -2;

// Puts lattices at the place asked for while a net is built. Places are counted in order of calls.
class Places {
 public:
  // surplus: channels that the lattices claim beyond those that are there.
  Places(GraphBuilder& graph, int where, int surplus = 0) : graph_(graph), where_(where), surplus_(surplus) {}
  int32_t operator()(int32_t x, int channels, int layout = ESPER_LAYOUT_NCHW) {
    const bool here = where_ == kEverywhere || where_ == count_;
    ++count_;
    sites_ += here ? 1 : 0;
    return here ? graph_.lattice(x, channels + surplus_, 2, layout) : x;
  }
  int count() const { return count_; }
  int sites() const { return sites_; }

 private:
  GraphBuilder& graph_;
  int where_;
  int surplus_;
  int count_ = 0;
  int sites_ = 0;
};

inline int32_t add_norm(GraphBuilder& g, int32_t x, const std::string& name, int64_t channels) {
  return g.node("BatchNormalization", {x, add_parameter(g, name + ".gamma", torch::rand({channels}) + 0.5),
                                       add_parameter(g, name + ".beta", torch::randn({channels}) * 0.1),
                                       add_buffer(g, name + ".mean", torch::zeros({channels})),
                                       add_buffer(g, name + ".variance", torch::ones({channels}))});
}

// Place of the first BatchNormalization's value in the net below.
constexpr int kNormPlace = 2;

// Two convolutions with normalisation, the second in a residual branch, pooling, a hidden layer; 3 x 8 x 8 images.
inline void build_image_net(GraphBuilder& g, Places& place) {
  torch::manual_seed(51);
  const std::vector<int64_t> pads{1, 1, 1, 1}, two{2, 2};
  int32_t x = place(g.input("x", {-1, 3, 8, 8}), 3);
  const int32_t labels = g.input("labels", {-1}, ESPER_HOST_INT64);
  x = place(g.node("Conv", {x, add_parameter(g, "conv1", torch::randn({6, 3, 3, 3}) * 0.3)}, {attr("pads", pads)}), 6);
  x = place(g.node("Relu", {place(add_norm(g, x, "norm1", 6), 6)}), 6);
  x = place(g.node("MaxPool", {x}, {attr("kernel_shape", two), attr("strides", two)}), 6);
  int32_t y = g.node("Conv", {x, add_parameter(g, "conv2", torch::randn({6, 6, 3, 3}) * 0.2)}, {attr("pads", pads)});
  y = place(add_norm(g, place(y, 6), "norm2", 6), 6);
  x = place(g.node("Add", {place(x, 6), y}), 6);
  x = place(g.node("Relu", {x}), 6);
  x = place(g.node("Flatten", {place(g.node("GlobalAveragePool", {x}), 6)}), 6);
  x = place(g.node("Gemm", {x, add_parameter(g, "hidden", torch::randn({6, 9}))}), 9);
  x = place(g.node("Relu", {x}), 9);
  const int32_t logits = place(g.node("Gemm", {x, add_parameter(g, "out", torch::randn({9, 4}))}), 4);
  g.loss(g.node("SoftmaxCrossEntropyLoss", {logits, labels}), logits, labels);
  g.output(logits);
}

// An embedding and one pre-norm attention block; class scores at every position.
inline void build_token_net(GraphBuilder& g, Places& place) {
  torch::manual_seed(52);
  const auto tokens = [&](int32_t x, int channels) { return place(x, channels, ESPER_LAYOUT_TOKENS); };
  const auto weight = [&](const char* name, int64_t rows, int64_t columns) {
    return add_parameter(g, name, torch::randn({rows, columns}) * 0.3);
  };
  const int32_t input = g.input("tokens", {-1, -1}, ESPER_HOST_INT64);
  const int32_t labels = g.input("labels", {-1, -1}, ESPER_HOST_INT64);
  const int32_t e = tokens(g.node("Gather", {weight("embedding", 19, 12), input}), 12);
  const int32_t gamma = add_parameter(g, "gamma", torch::rand({12}) + 0.5);
  const int32_t n = tokens(g.node("LayerNormalization", {e, gamma, add_parameter(g, "beta", torch::randn({12}))}), 12);
  const int32_t q = tokens(g.node("MatMul", {n, weight("wq", 12, 12)}), 12);
  const int32_t k = g.node("MatMul", {n, weight("wk", 12, 12)});
  const int32_t v = g.node("MatMul", {n, weight("wv", 12, 12)});
  const std::vector<Attr> heads{attr("q_num_heads", 4), attr("kv_num_heads", 4), attr("is_causal", 1)};
  const int32_t mixed = tokens(g.node("Attention", {q, k, v}, heads), 12);
  int32_t x = tokens(g.node("Add", {e, mixed}), 12);
  x = tokens(g.node("Relu", {x}), 12);
  x = tokens(g.node("MatMul", {x, weight("out", 12, 5)}), 5);
  const int32_t logits = place(g.node("Transpose", {x}, {attr("perm", std::vector<int64_t>{0, 2, 1})}), 5);
  g.loss(g.node("SoftmaxCrossEntropyLoss", {logits, labels}), logits, labels);
  g.output(logits);
}

inline std::vector<Tensor> image_batch(int64_t key) {
  torch::manual_seed(2000 + key);
  return {torch::randn({5, 3, 8, 8}), torch::randint(4, {5}, torch::kLong)};
}

inline std::vector<Tensor> token_batch(int64_t key) {
  torch::manual_seed(3000 + key);
  return {torch::randint(19, {3, 7}, torch::kLong), torch::randint(5, {3, 7}, torch::kLong)};
}

}  // namespace esper::host::test
