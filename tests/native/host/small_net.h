// A small convolutional net with two sites and dropout that several tests train.
#pragma once

#include "host_fixture.h"

namespace esper::host::test {

// 2 x 6 x 6 images, 4 classes; sites behind the convolution (8 channels, 4 seeds, producer "conv") and before the
// classifier (8 channels as a matrix, 2 seeds).
inline void build_small_net(GraphBuilder& g, double dropout = 0.2) {
  torch::manual_seed(41);
  int32_t x = g.input("x", {-1, 2, 6, 6});
  const int32_t labels = g.input("labels", {-1}, ESPER_HOST_INT64);
  x = g.node("Conv", {x, add_parameter(g, "conv", torch::randn({8, 2, 3, 3}) * 0.3)},
             {attr("pads", std::vector<int64_t>{1, 1, 1, 1})});
  x = g.node("BatchNormalization",
             {x, add_parameter(g, "gamma", torch::ones({8})), add_parameter(g, "beta", torch::zeros({8})),
              add_buffer(g, "mean", torch::zeros({8})), add_buffer(g, "variance", torch::ones({8}))});
  x = g.lattice(g.node("Relu", {x}), 8, 4, ESPER_LAYOUT_NCHW, "conv");
  x = g.node("Flatten", {g.node("GlobalAveragePool", {x})});
  x = g.lattice(g.node("Dropout", {x}, {attr("ratio", dropout)}), 8, 2);
  const int32_t logits =
      g.node("Gemm", {x, add_parameter(g, "fc", torch::randn({4, 8})), add_parameter(g, "bias", torch::zeros({4}))},
             {attr("transB", 1)});
  g.loss(g.node("SoftmaxCrossEntropyLoss", {logits, labels}), logits, labels);
  g.output(logits);
}

inline std::vector<Tensor> small_batch(int64_t key, int64_t size = 6) {
  torch::manual_seed(1000 + key);
  return {torch::randn({size, 2, 6, 6}), torch::randint(4, {size}, torch::kLong)};
}

// Seeds in several stages on both sites.
inline void germinate_small_net(Host& host) {
  host.germinate(0, 0, seed_desc(ESPER_STAGE_BLENDING, ESPER_FAMILY_BOTTLENECK, 2, ESPER_BLEND_CONVEX, 0.5F), 1);
  host.germinate(0, 2, seed_desc(ESPER_STAGE_TRAINING, ESPER_FAMILY_AFFINE, 0), 2);
  host.germinate(1, 1, seed_desc(ESPER_STAGE_HOLDING, ESPER_FAMILY_LOWRANK, 1, ESPER_BLEND_GATED, 1.0F), 3);
}

}  // namespace esper::host::test
