#include "device.hpp"

#include <algorithm>
#include <cstring>
#include <stdexcept>
#include <string>

#include "kernels.hpp"

namespace esper_test {
namespace {

constexpr std::size_t kGuard = 512;
constexpr unsigned char kCanary = 0x5A;

int64_t hidden_units(const esper_lattice_seed& seed) {
  switch (seed.family) {
    case ESPER_FAMILY_BOTTLENECK:
    case ESPER_FAMILY_GATE:
      return seed.rank;
    case ESPER_FAMILY_DEPTHWISE:
      return seed.channel_count;
    default:
      return 0;
  }
}

// Whether the device evaluates the seed in backward when everything is wanted.
bool is_evaluated(const Problem& problem, const esper_lattice_seed& seed) {
  if (problem.elements() == 0) {
    return false;
  }
  if (seed.stage == ESPER_STAGE_TRAINING) {
    return true;
  }
  const bool blended =
      seed.stage == ESPER_STAGE_BLENDING || seed.stage == ESPER_STAGE_HOLDING || seed.stage == ESPER_STAGE_FOSSILIZED;
  return blended && (seed.alpha > 0.0F || seed.blend != ESPER_BLEND_CONFIDENCE);
}

}  // namespace

Memory::Memory(std::size_t bytes, std::size_t alignment, unsigned char fill)
    : bytes_(bytes), start_(kGuard), data_(bytes + 2 * kGuard + alignment, kCanary) {
  while ((reinterpret_cast<std::uintptr_t>(data_.data()) + start_) % alignment != 0) {
    ++start_;
  }
  std::fill_n(get(), bytes, fill);
}

void Memory::check(const char* what) const {
  for (std::size_t i = 0; i < data_.size(); ++i) {
    if ((i < start_ || i >= start_ + bytes_) && data_[i] != kCanary) {
      throw std::runtime_error(std::string("write outside of the ") + what + ", " +
                               (i < start_ ? std::to_string(start_ - i) + " bytes before its start"
                                           : std::to_string(i - start_ - bytes_) + " bytes behind its end"));
    }
  }
}

esper::layout::Lattice checked_lattice(const Problem& problem) {
  return {problem.channels, problem.seeds.data(), static_cast<int32_t>(problem.seeds.size())};
}

Device::Device(const Problem& problem, const DeviceOptions& options)
    : order(options.order),
      dtype_(options.dtype),
      plan_(checked_lattice(problem), problem.shape, options.dtype, options.grid),
      table_(plan_.image().size(), 256),
      workspace_(static_cast<std::size_t>(plan_.workspace_bytes()), 256) {
  std::memcpy(table_.get(), plan_.image().data(), table_.size());
}

void Device::update(const Problem& problem) {
  plan_.update(checked_lattice(problem));
  std::memcpy(table_.get(), plan_.image().data(), table_.size());
}

void Device::launch(const EsperLatticeArguments& arguments, bool backward) {
  const int blocks = backward ? plan_.grid().backward : plan_.grid().forward;
  switch (dtype_) {
    case ESPER_DTYPE_FLOAT32:
      (backward ? run_backward_float32 : run_forward_float32)(arguments, blocks, order);
      break;
    case ESPER_DTYPE_FLOAT16:
      (backward ? run_backward_float16 : run_forward_float16)(arguments, blocks, order);
      break;
    default:
      (backward ? run_backward_bfloat16 : run_forward_bfloat16)(arguments, blocks, order);
      break;
  }
  table_.check("table");
  workspace_.check("workspace");
  if (std::memcmp(table_.get(), plan_.image().data(), table_.size()) != 0) {
    throw std::runtime_error("a kernel wrote to the table");
  }
}

void Device::forward(const float* theta, const void* x, void* y) {
  EsperLatticeArguments arguments{};
  arguments.table = table_.get();
  arguments.workspace = workspace_.get();
  arguments.theta = theta;
  arguments.x = x;
  arguments.out = y;
  launch(arguments, false);
}

void Device::backward(const float* theta, const void* x, const void* dy, void* dx, float* dtheta, float* dalpha,
                      double* sums) {
  launch({table_.get(), workspace_.get(), theta, x, dy, dx, dtheta, dalpha, sums}, true);
}

void ShimBackend::forward(const Problem& problem, const float* x, float* y) {
  Device(problem, options_).forward(problem.theta.data(), x, y);
}

void ShimBackend::backward(const Problem& problem, const float* x, const float* dy, float* dx, float* dtheta,
                           float* dalpha, esper_seed_sums* sums) {
  Device device(problem, options_);
  Memory totals(problem.seeds.size() * ESPER_CUDA_SUM_COUNT * sizeof(double), 16, 0x77);
  auto* values = reinterpret_cast<double*>(totals.get());
  const std::vector<float> before(dtheta, dtheta + problem.theta.size());
  device.backward(problem.theta.data(), x, dy, dx, dtheta, dalpha, values);
  totals.check("sums");
  for (std::size_t s = 0; s < problem.seeds.size(); ++s, values += ESPER_CUDA_SUM_COUNT) {
    const esper_lattice_seed& seed = problem.seeds[s];
    sums[s].evaluated = is_evaluated(problem, seed) ? 1 : 0;
    sums[s].elements = problem.shape.batch * problem.shape.positions * seed.channel_count;
    sums[s].input_square = values[0];
    sums[s].module_square = values[1];
    sums[s].gradient_square = values[2];
    sums[s].gradient_module = values[3];
    sums[s].input_sum = values[4];
    sums[s].module_sum = values[5];
    sums[s].hidden_units = hidden_units(seed);
    sums[s].hidden_dead = 0;
    sums[s].parameter_gradient_square = 0.0;
    int64_t count = 0;
    require(esper_parameter_count(&seed, &count));
    for (int64_t i = 0; i < count; ++i) {
      const auto at = static_cast<std::size_t>(seed.parameter_offset + i);
      const double added = static_cast<double>(dtheta[at]) - static_cast<double>(before[at]);
      sums[s].parameter_gradient_square += added * added;
    }
  }
}

}  // namespace esper_test
