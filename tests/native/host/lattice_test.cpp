// Blended lattices inside a training host against split, module, lerp and cat written with libtorch.
#include "host_fixture.h"

namespace esper::host::test {
namespace {

namespace F = torch;

constexpr int64_t kChannels = 11;  // Chunks of 4, 4 and 3.
constexpr int64_t kSeeds = 3;

// How the site's tensor reaches the lattice.
enum class Form { kNchw, kChannelsLast, kTokens, kMatrix };

struct Module {
  esper_lattice_seed desc{};
  bool present = false;
};

// g(x) of gate and depthwise over [N, ..., C]; what has no second spatial axis is an image of one row.
Tensor image_value(const Tensor& x, const esper_lattice_seed& d, const Tensor& theta) {
  const int64_t c = x.size(-1);
  Tensor image = x;
  while (image.dim() < 4) image = image.unsqueeze(1);
  if (d.family == ESPER_FAMILY_GATE) {
    const int64_t r = d.rank;
    const Tensor w1 = theta.narrow(0, 0, r * c).view({r, c});
    const Tensor w2 = theta.narrow(0, r * c + r, c * r).view({c, r});
    const Tensor hidden = F::gelu(image.mean({1, 2}).matmul(w1.t()) + theta.narrow(0, r * c, r));
    const Tensor s = hidden.matmul(w2.t()) + theta.narrow(0, 2 * r * c + r, c);
    return (image * F::tanh(s / 2).unsqueeze(1).unsqueeze(1)).reshape(x.sizes());
  }
  const int64_t k = d.kernel;
  const Tensor kernel = theta.narrow(0, 0, c * k * k).view({c, 1, k, k});
  const Tensor w2 = theta.narrow(0, c * k * k + c, c * c).view({c, c});
  const Tensor pre = F::conv2d(image.movedim(-1, 1), kernel, theta.narrow(0, c * k * k, c), 1, k / 2, 1, c);
  // Written out: the gradient of libtorch 1.13's gelu is wrong where strides differ from those of its input.
  const Tensor hidden = (0.5 * pre * (1 + F::erf(pre / std::sqrt(2.0)))).movedim(1, -1);
  return (hidden.matmul(w2.t()) + theta.narrow(0, c * k * k + c + c * c, c)).reshape(x.sizes());
}

// g(x) over the last axis; theta as esper.h lays it out.
Tensor module_value(const Tensor& x, const esper_lattice_seed& d, const Tensor& theta) {
  const int64_t c = x.size(-1);
  const int64_t r = d.rank;
  if (d.family == ESPER_FAMILY_GATE || d.family == ESPER_FAMILY_DEPTHWISE) return image_value(x, d, theta);
  if (d.family == ESPER_FAMILY_AFFINE) return x * theta.narrow(0, 0, c) + theta.narrow(0, c, c);
  if (d.family == ESPER_FAMILY_LOWRANK) {
    return x.matmul(theta.narrow(0, 0, r * c).view({r, c}).t()).matmul(theta.narrow(0, r * c, c * r).view({c, r}).t());
  }
  const Tensor w1 = theta.narrow(0, 0, r * c).view({r, c});
  const Tensor b1 = theta.narrow(0, r * c, r);
  const Tensor w2 = theta.narrow(0, r * c + r, c * r).view({c, r});
  const Tensor b2 = theta.narrow(0, 2 * r * c + r, c);
  return F::gelu(x.matmul(w1.t()) + b1).matmul(w2.t()) + b2;
}

int64_t module_parameters(const esper_lattice_seed& d, int64_t c) {
  if (d.family == ESPER_FAMILY_AFFINE) return 2 * c;
  if (d.family == ESPER_FAMILY_LOWRANK) return 2 * c * d.rank;
  if (d.family == ESPER_FAMILY_DEPTHWISE) return c * d.kernel * d.kernel + c + c * c + c;
  return 2 * c * d.rank + d.rank + c;
}

Tensor blend(const Tensor& x, const esper_lattice_seed& d, const Tensor& theta) {
  const int64_t c = x.size(-1);
  const Tensor g = module_value(x, d, theta);
  const Tensor extra = theta.narrow(0, module_parameters(d, c), theta.numel() - module_parameters(d, c));
  if (d.blend == ESPER_BLEND_CHANNEL) return x + (extra * d.alpha).clamp(0, 1) * g;
  if (d.blend == ESPER_BLEND_GATED) {
    const Tensor gate = F::sigmoid(x.matmul(extra.narrow(0, 0, c)) + extra[c]);
    return x + d.alpha * gate.unsqueeze(-1) * g;
  }
  return x + d.alpha * g;
}

class BlendTest : public testing::TestWithParam<Form> {
 protected:
  static std::vector<int64_t> shape() {
    switch (GetParam()) {
      case Form::kTokens:
        return {2, 7, kChannels};
      case Form::kMatrix:
        return {9, kChannels};
      default:
        return {3, kChannels, 5, 7};
    }
  }
  static bool channels_behind() { return GetParam() == Form::kTokens || GetParam() == Form::kMatrix; }

  // Identity convolution in front makes the memory channels-last; Identity leaves it as it came.
  int32_t site_input(int32_t p) {
    if (GetParam() != Form::kChannelsLast) return p;
    return graph_.node("Conv",
                       {p, add_constant(graph_, "eye", F::eye(kChannels).reshape({kChannels, kChannels, 1, 1}))});
  }

  void SetUp() override {
    torch::manual_seed(31);
    x_ = F::randn(shape());
    cotangent_ = F::randn(shape());
    const int32_t site = site_input(add_parameter(graph_, "x", x_));
    const int layout = GetParam() == Form::kTokens ? ESPER_LAYOUT_TOKENS : ESPER_LAYOUT_NCHW;
    const int32_t y = graph_.lattice(site, kChannels, kSeeds, layout);
    graph_.output(y);
    graph_.loss(graph_.node("ReduceSum", {graph_.node("Mul", {y, add_constant(graph_, "cotangent", cotangent_)})},
                            {attr("keepdims", 0)}));
  }

  // Loss of the reference with the arena of the host as its parameters.
  Tensor reference(const Tensor& x, const Tensor& arena, const std::vector<Module>& modules) const {
    const Tensor last = channels_behind() ? x : x.movedim(1, -1);
    std::vector<Tensor> parts;
    int64_t begin = 0;
    int64_t offset = 0;
    for (int64_t s = 0; s < kSeeds; ++s) {
      const int64_t c = kChannels / kSeeds + (s < kChannels % kSeeds ? 1 : 0);
      Tensor part = last.narrow(-1, begin, c);
      const Module& module = modules[static_cast<size_t>(s)];
      if (module.present) {
        const int64_t blend_count = module.desc.blend == ESPER_BLEND_CHANNEL ? c
                                    : module.desc.blend == ESPER_BLEND_GATED ? c + 1
                                                                             : 0;
        const int64_t count = module_parameters(module.desc, c) + blend_count;
        part = blend(part, module.desc, arena.narrow(0, offset, count));
        offset += count;
      }
      parts.push_back(part);
      begin += c;
    }
    const Tensor y = F::cat(parts, -1);
    return channels_behind() ? y : y.movedim(-1, 1);
  }

  void expect_reference(const std::vector<Module>& modules) {
    Host host(graph_);
    for (size_t s = 0; s < modules.size(); ++s) {
      if (modules[s].present) host.germinate(0, static_cast<int>(s), modules[s].desc, s + 3, 0.3F);
    }
    const Tensor leaf = x_.clone().requires_grad_(true);
    const Tensor arena = host.state("arena/0").requires_grad_(true);
    const Tensor y = reference(leaf, arena, modules);
    EXPECT_LT(relative_error(host.forward({})[0], y), 1e-5);
    host.gradients({});
    (y * cotangent_).sum().backward();
    EXPECT_LT(relative_error(host.state("grad/x"), leaf.grad()), 1e-5);
    EXPECT_LT(relative_error(host.state("grad/arena/0"), arena.grad()), 1e-5);
  }

  GraphBuilder graph_;
  Tensor x_, cotangent_;
};

TEST_P(BlendTest, EveryFamilyMatchesItsTorchForm) {
  for (const int32_t family : {ESPER_FAMILY_AFFINE, ESPER_FAMILY_LOWRANK, ESPER_FAMILY_BOTTLENECK}) {
    const int32_t rank = family == ESPER_FAMILY_AFFINE ? 0 : 2;
    std::vector<Module> modules(kSeeds);
    modules[0] = {seed_desc(ESPER_STAGE_BLENDING, family, rank, ESPER_BLEND_CONVEX, 0.3F), true};
    modules[2] = {seed_desc(ESPER_STAGE_FOSSILIZED, family, rank, ESPER_BLEND_RESIDUAL, 1.0F), true};
    expect_reference(modules);
  }
}

// The image of the tests has 5 rows of 7 columns, so that a wrong width shows.
TEST_P(BlendTest, FamiliesThatReadNeighboursMatchTheirTorchForm) {
  for (const int32_t blend : {ESPER_BLEND_CONVEX, ESPER_BLEND_CHANNEL, ESPER_BLEND_GATED}) {
    std::vector<Module> modules(kSeeds);
    modules[0] = {seed_desc(ESPER_STAGE_BLENDING, ESPER_FAMILY_GATE, 3, blend, 0.4F), true};
    modules[1] = {seed_desc(ESPER_STAGE_HOLDING, ESPER_FAMILY_DEPTHWISE, 0, blend, 0.7F), true};
    modules[1].desc.kernel = 3;
    modules[2] = {seed_desc(ESPER_STAGE_FOSSILIZED, ESPER_FAMILY_DEPTHWISE, 0, blend, 1.0F), true};
    modules[2].desc.kernel = 5;
    expect_reference(modules);
  }
}

TEST_P(BlendTest, LearnedBlendsMatchTheirTorchForm) {
  std::vector<Module> modules(kSeeds);
  modules[0] = {seed_desc(ESPER_STAGE_HOLDING, ESPER_FAMILY_BOTTLENECK, 3, ESPER_BLEND_CHANNEL, 0.6F), true};
  modules[1] = {seed_desc(ESPER_STAGE_BLENDING, ESPER_FAMILY_LOWRANK, 1, ESPER_BLEND_GATED, 0.8F), true};
  expect_reference(modules);
}

TEST_P(BlendTest, ATrainingSeedBesideABlendedOneLearnsFromStraightThrough) {
  Host host(graph_);
  host.germinate(0, 0, seed_desc(ESPER_STAGE_BLENDING, ESPER_FAMILY_AFFINE, 0, ESPER_BLEND_CONVEX, 0.5F), 3);
  esper_lattice_seed training = seed_desc(ESPER_STAGE_TRAINING, ESPER_FAMILY_AFFINE, 0);
  training.kappa = 0.7F;
  host.germinate(0, 1, training, 4);
  const Tensor arena = host.state("arena/0");
  host.gradients({});
  const Tensor to_last_x = channels_behind() ? x_ : x_.movedim(1, -1);
  const Tensor to_last_c = channels_behind() ? cotangent_ : cotangent_.movedim(1, -1);
  const Tensor x = to_last_x.narrow(-1, 4, 4).reshape({-1, 4});
  const Tensor dy = to_last_c.narrow(-1, 4, 4).reshape({-1, 4});
  const Tensor u = arena.narrow(0, 8, 4), t = arena.narrow(0, 12, 4);
  const Tensor signal = dy + 0.7 * (x * u + t);
  const Tensor gradient = host.state("grad/arena/0");
  EXPECT_LT(relative_error(gradient.narrow(0, 8, 4), (signal * x).sum(0)), 1e-5);
  EXPECT_LT(relative_error(gradient.narrow(0, 12, 4), signal.sum(0)), 1e-5);
  // The host's gradient on that chunk is the upstream one, bit for bit.
  const Tensor dx = channels_behind() ? host.state("grad/x") : host.state("grad/x").movedim(1, -1);
  EXPECT_TRUE(same_bits(dx.narrow(-1, 4, 4), to_last_c.narrow(-1, 4, 4)) || GetParam() == Form::kChannelsLast);
}

TEST_P(BlendTest, FrozenSeedsTakeNoGradientAndAreNotTrained) {
  Host host(graph_);
  esper_lattice_seed desc = seed_desc(ESPER_STAGE_HOLDING, ESPER_FAMILY_AFFINE, 0, ESPER_BLEND_CONVEX, 1.0F);
  desc.flags = ESPER_SEED_FROZEN;
  host.germinate(0, 1, desc);
  host.optimizer(ESPER_HOST_SGD, sgd_group(0.9F, false, 0.1F));
  const Tensor arena = host.state("arena/0");
  host.train({});
  EXPECT_TRUE(same_bits(host.state("arena/0"), arena));
}

INSTANTIATE_TEST_SUITE_P(Forms, BlendTest,
                         testing::Values(Form::kNchw, Form::kChannelsLast, Form::kTokens, Form::kMatrix));

}  // namespace
}  // namespace esper::host::test
