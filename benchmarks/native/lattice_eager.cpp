#include "lattice_eager.h"

#include <ATen/Parallel.h>
#include <dlfcn.h>
#include <torch/torch.h>

#include <cmath>
#include <cstring>

namespace esper::bench {
namespace {

using at::Tensor;

// A seed's parameters, in the order that they have in theta.
struct Module {
  int32_t family;
  bool images;
  int64_t height, width;
  std::vector<Tensor> p;

  // 1 x 1 convolution or linear layer.
  Tensor product(const Tensor& x, const Tensor& weight, const Tensor& bias) const {
    return images ? at::conv2d(x, weight, bias) : at::linear(x, weight, bias);
  }

  Tensor depthwise(const Tensor& x) const {
    const int64_t channels = p[0].size(0);
    // Tokens are an image in channels-last order.
    const Tensor image = images ? x : x.view({1, height, width, channels}).permute({0, 3, 1, 2});
    const Tensor mixed = at::gelu(at::conv2d(image, p[0], p[1], 1, kKernel / 2, 1, channels));
    return images ? product(mixed, p[2], p[3])
                  : product(mixed.permute({0, 2, 3, 1}).reshape({-1, channels}), p[2], p[3]);
  }

  Tensor gate(const Tensor& x) const {
    const Tensor mean = images ? at::mean(x, {2, 3}) : at::mean(x, {0}, true);
    const Tensor logits = at::linear(at::gelu(at::linear(mean, p[0], p[1])), p[2], p[3]);
    const Tensor scale = 2 * at::sigmoid(logits);
    return x * (images ? scale.view({scale.size(0), scale.size(1), 1, 1}) : scale);
  }

  Tensor apply(const Tensor& x) const {
    switch (family) {
      case ESPER_FAMILY_AFFINE:
        return x * p[0] + p[1];
      case ESPER_FAMILY_LOWRANK:
        return product(product(x, p[0], {}), p[1], {});
      case ESPER_FAMILY_BOTTLENECK:
        return product(at::gelu(product(x, p[0], p[1])), p[2], p[3]);
      case ESPER_FAMILY_GATE:
        return gate(x);
      default:
        return depthwise(x);
    }
  }
};

std::vector<std::vector<int64_t>> parameter_shapes(const Workload& work) {
  const int64_t c = work.site.chunk();
  const int64_t r = work.site.rank;
  const bool images = work.site.layout == ESPER_LAYOUT_NCHW;
  const auto weight = [&](int64_t out, int64_t in) {
    return images && work.family != ESPER_FAMILY_GATE ? std::vector<int64_t>{out, in, 1, 1}
                                                      : std::vector<int64_t>{out, in};
  };
  const std::vector<int64_t> channel = images ? std::vector<int64_t>{c, 1, 1} : std::vector<int64_t>{c};
  switch (work.family) {
    case ESPER_FAMILY_AFFINE:
      return {channel, channel};
    case ESPER_FAMILY_LOWRANK:
      return {weight(r, c), weight(c, r)};
    case ESPER_FAMILY_DEPTHWISE:
      return {{c, 1, kKernel, kKernel}, {c}, weight(c, c), {c}};
    default:
      return {weight(r, c), {r}, weight(c, r), {c}};
  }
}

// || a - b || / || b ||.
double difference(const Tensor& a, const Tensor& b) {
  return (a - b).norm().item<double>() / std::max(1e-30, b.norm().item<double>());
}

Tensor view_of(const Buffer& memory, at::IntArrayRef shape) {
  return torch::from_blob(const_cast<float*>(memory.data()), shape);
}

}  // namespace

void set_torch_threads(int32_t threads) {
  at::set_num_threads(threads);
  // OpenBLAS has a pool of its own, which libtorch does not set.
  void* address = dlsym(RTLD_DEFAULT, "openblas_set_num_threads");
  if (address != nullptr) {
    void (*set_blas_threads)(int) = nullptr;
    std::memcpy(&set_blas_threads, &address, sizeof address);
    set_blas_threads(threads);
  }
}

void run_on_torch_threads(void* /*user*/, int32_t count, esper_task_fn task, void* state) {
  at::parallel_for(0, count, 1, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) {
      task(state, static_cast<int32_t>(i));
    }
  });
}

const char* torch_version() {
  return TORCH_VERSION;
}

struct EagerLattice::State {
  Workload work;
  int64_t axis;
  Tensor x, dy;
  std::vector<Module> modules;

  Tensor run() const {
    std::vector<Tensor> out;
    std::size_t i = 0;
    for (const Tensor& chunk : at::split(x, work.site.chunk(), axis)) {
      out.push_back(i < modules.size() ? at::lerp(chunk, modules[i].apply(chunk), kAlpha) : chunk);
      ++i;
    }
    return at::cat(out, axis);
  }
};

EagerLattice::EagerLattice(const Workload& work, const Buffer& x, const Buffer& dy, const Buffer& theta)
    : state_(new State{work, 1, {}, {}, {}}) {
  const Case& site = work.site;
  const bool images = site.layout == ESPER_LAYOUT_NCHW;
  const std::vector<int64_t> shape = images ? std::vector<int64_t>{site.batch, site.channels, site.height, site.width}
                                            : std::vector<int64_t>{site.positions(), site.channels};
  state_->x = view_of(x, shape).requires_grad_(true);
  state_->dy = view_of(dy, shape);
  const float* next = theta.data();
  for (int32_t i = 0; i < work.active; ++i) {
    Module module{work.family, images, site.height, site.width, {}};
    for (const std::vector<int64_t>& dims : parameter_shapes(work)) {
      const Tensor values = torch::from_blob(const_cast<float*>(next), dims).clone();
      next += values.numel();
      module.p.push_back(values.requires_grad_(true));
    }
    state_->modules.push_back(std::move(module));
  }
}

EagerLattice::~EagerLattice() = default;

void EagerLattice::forward() {
  const torch::NoGradGuard no_grad;
  state_->run();
}

void EagerLattice::forward_backward() {
  state_->x.mutable_grad().reset();
  for (Module& module : state_->modules) {
    for (Tensor& parameter : module.p) {
      parameter.mutable_grad().reset();
    }
  }
  state_->run().backward(state_->dy);
}

std::string EagerLattice::compare(const Buffer& y, const Buffer& dx, const Buffer& dtheta) {
  constexpr double kTolerance = 1e-4;
  forward_backward();
  const torch::NoGradGuard no_grad;
  Tensor expected_y = state_->run();
  Tensor expected_dx = state_->x.grad().clone();
  if (state_->work.family != ESPER_FAMILY_GATE) {
    // lerp(x, x + f(x)) is lerp(x, f(x)) + alpha x.
    const int64_t active = state_->work.active * state_->work.site.chunk();
    expected_y.narrow(state_->axis, 0, active).add_(state_->x.narrow(state_->axis, 0, active), kAlpha);
    expected_dx.narrow(state_->axis, 0, active).add_(state_->dy.narrow(state_->axis, 0, active), kAlpha);
  }
  std::vector<Tensor> gradients;
  for (const Module& module : state_->modules) {
    for (const Tensor& parameter : module.p) {
      gradients.push_back(parameter.grad().flatten());
    }
  }
  const Tensor expected_dtheta = at::cat(gradients);
  const double errors[] = {difference(view_of(y, expected_y.sizes()), expected_y),
                           difference(view_of(dx, expected_dx.sizes()), expected_dx),
                           difference(view_of(dtheta, expected_dtheta.sizes()), expected_dtheta)};
  const char* names[] = {"y", "dx", "dtheta"};
  std::string text;
  for (int i = 0; i < 3; ++i) {
    if (!(errors[i] <= kTolerance)) {
      text += std::string(text.empty() ? "" : ", ") + names[i] + " by " + std::to_string(errors[i]);
    }
  }
  return text;
}

}  // namespace esper::bench
