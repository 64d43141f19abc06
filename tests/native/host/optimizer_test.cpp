// The optimizer step of libesper against torch::optim, on one arena whose segments are parameter groups there.
#include <memory>

#include "small_net.h"

namespace esper::host::test {
namespace {

constexpr int64_t kCount = 1000;
constexpr int kSteps = 12;
constexpr int kLate = 4;  // The step at which the last segment begins to learn.

struct Group {
  int64_t offset, count;
  double rate;
};
// The gap between the first two and the end belong to nobody.
constexpr Group kGroups[] = {{0, 301, 0.05}, {310, 17, 0.2}, {327, 600, 0.01}};

struct ContextDeleter {
  void operator()(esper_context* context) const { esper_context_destroy(context); }
};

std::unique_ptr<esper_context, ContextDeleter> make_context() {
  esper_context_options options{};
  options.struct_size = sizeof(options);
  options.threads = 2;
  options.isa = ESPER_ISA_AUTO;
  options.small_work = 1;
  esper_context* context = nullptr;
  EXPECT_EQ(esper_context_create(&options, &context), ESPER_OK) << esper_last_error();
  return std::unique_ptr<esper_context, ContextDeleter>(context);
}

std::vector<Tensor> leaves_of(const Tensor& arena) {
  std::vector<Tensor> leaves;
  for (const Group& group : kGroups) {
    leaves.push_back(arena.narrow(0, group.offset, group.count).clone().requires_grad_(true));
  }
  return leaves;
}

// Largest difference between the arena and the leaves, and the bits between the groups.
void expect_close(const Tensor& arena, const Tensor& start, const std::vector<Tensor>& leaves, int step) {
  for (size_t i = 0; i < leaves.size(); ++i) {
    const Tensor part = arena.narrow(0, kGroups[i].offset, kGroups[i].count);
    // torch may fuse a multiply-add: half an ulp of each step's result, which steps accumulate.
    EXPECT_LT((part - leaves[i].detach()).abs().max().item<double>(), 1.2e-7 * (step + 2)) << "segment " << i;
  }
  EXPECT_TRUE(same_bits(arena.narrow(0, 301, 9), start.narrow(0, 301, 9)));
  EXPECT_TRUE(same_bits(arena.narrow(0, 927, 73), start.narrow(0, 927, 73)));
}

// Follows the torch optimizer over several steps; the last segment starts late.
void follow(torch::optim::Optimizer& optimizer, const std::vector<Tensor>& leaves, const Tensor& start,
            const esper_optimizer_options& options) {
  const auto context = make_context();
  const Tensor arena = start.clone();
  const Tensor first = torch::zeros({kCount});
  const Tensor second = torch::zeros({kCount});
  for (int step = 0; step < kSteps; ++step) {
    const Tensor gradient = torch::randn({kCount});
    esper_arena_segment segments[3];
    for (size_t i = 0; i < 3; ++i) {
      const bool late = i == 2;
      segments[i] = {sizeof(esper_arena_segment),       0, kGroups[i].offset, kGroups[i].count, kGroups[i].rate,
                     late ? step + 1 - kLate : step + 1};
      if (late && step < kLate) segments[i].flags = ESPER_SEED_FROZEN;
      leaves[i].mutable_grad() =
          late && step < kLate ? Tensor() : gradient.narrow(0, kGroups[i].offset, kGroups[i].count).clone();
    }
    optimizer.step();
    ASSERT_EQ(esper_optimizer_step(context.get(), &options, segments, 3, kCount, arena.data_ptr<float>(),
                                   gradient.data_ptr<float>(), first.data_ptr<float>(), second.data_ptr<float>()),
              ESPER_OK)
        << esper_last_error();
    expect_close(arena, start, leaves, step);
  }
  EXPECT_GT((arena - start).abs().max().item<double>(), 0.1) << "nothing moved";
}

template <class Options>
std::vector<torch::optim::OptimizerParamGroup> groups_of(const std::vector<Tensor>& leaves, const Options& base) {
  std::vector<torch::optim::OptimizerParamGroup> groups;
  for (size_t i = 0; i < leaves.size(); ++i) {
    auto options = std::make_unique<Options>(base);
    options->lr(kGroups[i].rate);
    groups.emplace_back(std::vector<Tensor>{leaves[i]}, std::move(options));
  }
  return groups;
}

esper_optimizer_options step_options(int32_t optimizer, float weight_decay) {
  esper_optimizer_options options{};
  options.struct_size = sizeof(options);
  options.optimizer = optimizer;
  options.weight_decay = weight_decay;
  options.beta1 = 0.9F;
  options.beta2 = 0.99F;
  options.epsilon = 1e-8F;
  options.gradient_scale = 1.0F;
  return options;
}

struct Momentum {
  double momentum;
  bool nesterov;
};

class SgdStep : public testing::TestWithParam<Momentum> {};

TEST_P(SgdStep, FollowsTorch) {
  torch::manual_seed(5);
  const Tensor start = torch::randn({kCount});
  const std::vector<Tensor> leaves = leaves_of(start);
  const torch::optim::SGDOptions base =
      torch::optim::SGDOptions(0.1).momentum(GetParam().momentum).nesterov(GetParam().nesterov).weight_decay(0.01);
  torch::optim::SGD sgd(groups_of(leaves, base), base);
  esper_optimizer_options options = step_options(ESPER_OPTIMIZER_SGD, 0.01F);
  options.momentum = static_cast<float>(GetParam().momentum);
  options.nesterov = GetParam().nesterov ? 1 : 0;
  follow(sgd, leaves, start, options);
}

INSTANTIATE_TEST_SUITE_P(Rules, SgdStep,
                         testing::Values(Momentum{0.0, false}, Momentum{0.9, false}, Momentum{0.9, true}));

TEST(AdamwStep, FollowsTorch) {
  torch::manual_seed(6);
  const Tensor start = torch::randn({kCount});
  const std::vector<Tensor> leaves = leaves_of(start);
  const torch::optim::AdamWOptions base = torch::optim::AdamWOptions(0.1).betas({0.9, 0.99}).weight_decay(0.01);
  torch::optim::AdamW adamw(groups_of(leaves, base), base);
  follow(adamw, leaves, start, step_options(ESPER_OPTIMIZER_ADAMW, 0.01F));
}

// What torch makes of one seed's parameters.
struct Follower {
  int seed;
  Tensor leaf;
  std::unique_ptr<torch::optim::Optimizer> optimizer;
};

Follower make_follower(const Host& host, int seed, int32_t kind, double rate) {
  Follower follower{seed, seed_span(host, "arena/0", 0, seed).requires_grad_(true), nullptr};
  const std::vector<Tensor> leaves{follower.leaf};
  if (kind == ESPER_HOST_SGD) {
    follower.optimizer = std::make_unique<torch::optim::SGD>(
        leaves, torch::optim::SGDOptions(rate).momentum(0.9).nesterov(true).weight_decay(1e-3));
  } else {
    follower.optimizer =
        std::make_unique<torch::optim::AdamW>(leaves, torch::optim::AdamWOptions(rate).weight_decay(1e-2));
  }
  return follower;
}

class ArenaStep : public testing::TestWithParam<int32_t> {};

// One call moves all seeds of an arena; each follows torch at its own rate and its own age.
TEST_P(ArenaStep, EverySeedFollowsTorchAtItsOwnRateAndAge) {
  GraphBuilder graph;
  build_small_net(graph, 0.0);
  Host host(graph);
  host.optimizer(GetParam(), GetParam() == ESPER_HOST_SGD ? sgd_group(0.9F, true, 1e-3F) : adamw_group(1e-2F));
  esper_lattice_seed desc = seed_desc(ESPER_STAGE_BLENDING, ESPER_FAMILY_BOTTLENECK, 2, ESPER_BLEND_CONVEX, 0.5F);
  desc.learning_rate_scale = 0.5F;
  host.germinate(0, 0, desc, 1);
  host.germinate(0, 3, seed_desc(ESPER_STAGE_HOLDING, ESPER_FAMILY_AFFINE, 0, ESPER_BLEND_CONVEX, 1.0F), 2);
  std::vector<Follower> followers;
  followers.push_back(make_follower(host, 0, GetParam(), 0.025));
  followers.push_back(make_follower(host, 3, GetParam(), 0.05));
  for (int step = 0; step < 8; ++step) {
    if (step == 3) {
      desc.learning_rate_scale = 2.0F;
      host.germinate(0, 1, desc, 3);
      followers.push_back(make_follower(host, 1, GetParam(), 0.1));
    }
    host.gradients(small_batch(step));
    for (Follower& follower : followers) {
      follower.leaf.mutable_grad() = seed_span(host, "grad/arena/0", 0, follower.seed);
    }
    host.train(small_batch(step), {0.05F, 0.0F, 0});
    for (Follower& follower : followers) {
      const Tensor before = follower.leaf.detach().clone();
      follower.optimizer->step();
      EXPECT_FALSE(same_bits(before, follower.leaf.detach()));
      const Tensor result = seed_span(host, "arena/0", 0, follower.seed);
      EXPECT_LT((result - follower.leaf.detach()).abs().max().item<double>(), 1e-6)
          << "seed " << follower.seed << ", step " << step;
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Optimizers, ArenaStep, testing::Values(ESPER_HOST_SGD, ESPER_HOST_ADAMW));

// The largest learning rate that the options take, scaled beyond float.
TEST(ArenaRate, ARateBeyondFloatMovesNothing) {
  GraphBuilder graph;
  build_small_net(graph);
  Host host(graph);
  host.optimizer(ESPER_HOST_SGD, sgd_group(0.9F, true, 1e-3F));
  germinate_small_net(host);
  host.train(small_batch(0));
  esper_lattice_seed desc = seed_desc(ESPER_STAGE_TRAINING, ESPER_FAMILY_AFFINE, 0);
  desc.learning_rate_scale = 1e6F;
  host.update(0, 2, desc);
  const std::map<std::string, Tensor> before = host.all_state();
  const std::vector<Tensor> batch = small_batch(1);
  const Inputs views(batch);
  esper_host_step_options options{};
  options.struct_size = sizeof(options);
  options.learning_rate = 1e35F;
  esper_host_step_result result{};
  result.struct_size = sizeof(result);
  EXPECT_EQ(esper_host_train_step(host.get(), views.data(), views.count(), &options, &result),
            ESPER_ERROR_INVALID_ARGUMENT);
  const std::string message = esper_host_last_error();
  EXPECT_NE(message.find("seed 2: the learning rate times its learning_rate_scale"), std::string::npos) << message;
  EXPECT_TRUE(same_bits(before, host.all_state()));
}

}  // namespace
}  // namespace esper::host::test
