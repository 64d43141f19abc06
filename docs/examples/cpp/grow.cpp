// A training loop over libtorch that lets a network grow: a small regressor learns a function of 16 inputs; the seeds
// in its hidden layers germinate in mid-training, learn unfelt, are blended in and become part of it. The same network
// without growth, and one that was as large from the start, train beside it on the same batches.
#include <torch/nn/module.h>
#include <torch/nn/modules/linear.h>
#include <torch/optim/adamw.h>
#include <torch/utils.h>

#include <algorithm>
#include <cstdio>
#include <esper/torch.hpp>
#include <exception>
#include <optional>
#include <vector>

namespace {

constexpr int64_t kInputs = 16;
constexpr int64_t kWidth = 24;
constexpr int64_t kSeeds = 3;
constexpr int kSteps = 1600;
constexpr int kGermination = 400;  // Then Training,
constexpr int kBlending = 600;     // alpha rises to 1,
constexpr int kHolding = 900;      // stays there,
constexpr int kFossilized = 1000;  // and the seeds are permanent.
constexpr double kRate = 2e-3;

// README: a network with a lattice behind its hidden layer
struct GrowingNet : torch::nn::Module {
  GrowingNet(int64_t inputs, int64_t width, int64_t seeds)
      : lattice(width, seeds, "tokens"), hidden(inputs, width), output(width, 1) {
    register_module("hidden", hidden);
    register_module("output", output);
    theta = register_parameter("theta", torch::empty({0}));
  }
  torch::Tensor forward(const torch::Tensor& x) { return output(torch::relu(lattice(hidden(x), theta))); }
  void germinate(int64_t seed) {
    const torch::Tensor grown = lattice.germinate(theta, seed, {"bottleneck", /*rank=*/8, "gelu"});
    theta.set_data(grown);  // the same parameter, longer; its optimizer state must follow
    lattice.set_stage(seed, "Training");
  }
  esper::Lattice lattice;
  torch::Tensor theta;  // the parameters of all seeds
  torch::nn::Linear hidden, output;
};
// README end

// What is to be learned: a fixed random network with one hidden layer of 64.
struct Teacher {
  torch::Tensor first = torch::randn({kInputs, 64}) / 4.0;
  torch::Tensor second = torch::randn({64, 1}) / 4.0;
  torch::Tensor operator()(const torch::Tensor& x) const { return torch::sin(x.mm(first)).mm(second); }
};

// Optimizers of the host's parameters and, once it is there, of the arena.
struct Training {
  std::shared_ptr<GrowingNet> net;
  torch::optim::AdamW host;
  std::optional<torch::optim::AdamW> arena;

  explicit Training(int64_t width)
      : net(std::make_shared<GrowingNet>(kInputs, width, kSeeds)),
        host({net->hidden->weight, net->hidden->bias, net->output->weight, net->output->bias},
             torch::optim::AdamWOptions(kRate).weight_decay(0.0)) {}

  double step(const torch::Tensor& x, const torch::Tensor& target) {
    host.zero_grad();
    if (arena) arena->zero_grad();
    torch::Tensor loss = torch::mse_loss(net->forward(x), target);
    loss.backward();
    host.step();
    if (arena) arena->step();
    return loss.item<double>();
  }

  double evaluate(const torch::Tensor& x, const torch::Tensor& target) const {
    const torch::NoGradGuard no_grad;
    return torch::mse_loss(net->forward(x), target).item<double>();
  }

  int64_t parameters() const {
    int64_t count = 0;
    for (const torch::Tensor& parameter : net->parameters()) count += parameter.numel();
    return count;
  }
};

// What the schedule asks of the growing network before step number `step`.
void grow(Training& training, int step) {
  const esper::Lattice& lattice = training.net->lattice;
  const auto all_to = [&](const char* stage) {
    for (int64_t seed = 0; seed < kSeeds; ++seed) lattice.set_stage(seed, stage);
  };
  if (step == kGermination) {
    for (int64_t seed = 0; seed < kSeeds; ++seed) training.net->germinate(seed);
    training.arena.emplace(std::vector<torch::Tensor>{training.net->theta},
                           torch::optim::AdamWOptions(kRate).weight_decay(0.0));
  }
  if (step == kBlending) all_to("Blending");
  if (step >= kBlending && step < kHolding) {
    const double alpha = std::min(1.0, (step - kBlending + 1) / 200.0);
    for (int64_t seed = 0; seed < kSeeds; ++seed) lattice.set_alpha(seed, alpha);
  }
  if (step == kHolding) all_to("Holding");
  if (step == kFossilized) all_to("Fossilized");
}

// The width whose network has about as many parameters as the grown one: width * (inputs + 2) + 1.
int64_t equal_width(int64_t parameters) {
  return (parameters - 1) / (kInputs + 2);
}

int run() {
  torch::manual_seed(7);
  const Teacher teacher;
  const torch::Tensor held_out = torch::randn({4096, kInputs});
  const torch::Tensor held_out_target = teacher(held_out);

  // The modules' size decides how wide the control may be.
  Training probe(kWidth);
  for (int64_t seed = 0; seed < kSeeds; ++seed) probe.net->germinate(seed);
  const int64_t wide = equal_width(probe.parameters());

  torch::manual_seed(11);
  Training grown(kWidth);
  torch::manual_seed(11);
  Training still(kWidth);
  Training large(wide);

  std::printf("Mean squared error on 4096 held-out points (predicting the mean: %.4f)\n\n",
              held_out_target.var().item<double>());
  std::printf("%5s  %-11s %5s  %10s  %10s  %10s\n", "step", "seeds", "alpha", "growing", "static", "larger");
  for (int step = 0; step <= kSteps; ++step) {
    grow(grown, step);
    if (step % 200 == 0) {
      const double alpha = step < kBlending ? 0.0 : std::min(1.0, (step - kBlending + 1) / 200.0);
      std::printf("%5d  %-11s %5.2f  %10.4f  %10.4f  %10.4f\n", step, grown.net->lattice.stage(0).c_str(), alpha,
                  grown.evaluate(held_out, held_out_target), still.evaluate(held_out, held_out_target),
                  large.evaluate(held_out, held_out_target));
    }
    const torch::Tensor x = torch::randn({256, kInputs});
    const torch::Tensor target = teacher(x);
    for (Training* training : {&grown, &still, &large}) training->step(x, target);
  }
  const double with = grown.evaluate(held_out, held_out_target);
  const double without = still.evaluate(held_out, held_out_target);
  std::printf("\nparameters: growing %lld -> %lld, static %lld, larger from the start %lld\n",
              static_cast<long long>(still.parameters()), static_cast<long long>(grown.parameters()),
              static_cast<long long>(still.parameters()), static_cast<long long>(large.parameters()));
  std::printf("One run of one seed: it shows the mechanism and proves nothing about growth in general.\n\n%s",
              grown.net->lattice.describe().c_str());
  if (with < without) return 0;
  std::fprintf(stderr, "growing did not lower the loss: %.4f with, %.4f without\n", with, without);
  return 1;
}

}  // namespace

int main() {
  try {
    return run();
  } catch (const std::exception& error) {
    std::fprintf(stderr, "%s\n", error.what());
    return 1;
  }
}
