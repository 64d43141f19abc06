#include "problem.hpp"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>
#include <sstream>
#include <stdexcept>

namespace esper_test {
namespace {

constexpr float kCanary = 1.2345e30F;
constexpr std::size_t kPad = 48;  // Floats; three cache lines.

// Memory between two runs of canaries that starts misalignment floats behind a 64-byte boundary.
class Guarded {
 public:
  Guarded(std::size_t count, float initial, std::size_t misalignment)
      : count_(count), data_(count + 2 * kPad + 32, kCanary) {
    const auto address = reinterpret_cast<std::uintptr_t>(data_.data()) / sizeof(float);
    first_ = kPad + (16 - address % 16) % 16 + misalignment % 16;
    std::fill_n(get(), count, initial);
  }
  Guarded(const std::vector<float>& values, std::size_t misalignment) : Guarded(values.size(), 0.0F, misalignment) {
    std::copy(values.begin(), values.end(), get());
  }

  float* get() { return data_.data() + first_; }

  // The values, if nothing around them was written.
  std::vector<float> take(const char* name) {
    for (std::size_t i = 0; i < data_.size(); ++i) {
      const bool inside = i >= first_ && i < first_ + count_;
      if (!inside && data_[i] != kCanary) {
        throw std::runtime_error(std::string("write outside of ") + name + ", at index " +
                                 std::to_string(static_cast<std::ptrdiff_t>(i) - static_cast<std::ptrdiff_t>(first_)) +
                                 " of " + std::to_string(count_));
      }
    }
    return {get(), get() + count_};
  }

  // Throws unless the values are those of expected.
  void require_unchanged(const std::vector<float>& expected, const char* name) {
    if (!same_bits(take(name), expected)) {
      throw std::runtime_error(std::string(name) + " was written to");
    }
  }

 private:
  std::size_t count_;
  std::size_t first_ = 0;
  std::vector<float> data_;
};

std::vector<double> widen(const std::vector<float>& values) {
  return {values.begin(), values.end()};
}

void draw(std::vector<float>* values, std::mt19937* generator) {
  std::normal_distribution<float> normal(0.0F, 1.0F);
  for (float& value : *values) {
    value = normal(*generator);
  }
}

void divide(float* values, int64_t count, int64_t variance) {
  for (int64_t i = 0; i < count; ++i) {
    values[i] /= std::sqrt(static_cast<float>(variance));
  }
}

// Projections of variance 1 / fan-in keep every layer's values of order 1.
void scale_parameters(const esper_lattice_seed& seed, float* p) {
  const int64_t c = seed.channel_count;
  const int64_t r = seed.rank;
  const int64_t k = seed.kernel;
  switch (seed.family) {
    case ESPER_FAMILY_AFFINE:
      break;
    case ESPER_FAMILY_LOWRANK:
      divide(p, r * c, c);
      divide(p + r * c, r * c, r);
      break;
    case ESPER_FAMILY_DEPTHWISE:
      divide(p, c * k * k, k * k);
      divide(p + c * k * k + c, c * c, c);
      break;
    default:
      divide(p, r * c, c);
      divide(p + r * c + r, r * c, r);
      break;
  }
  float* blend = p + module_parameters(seed);
  for (int64_t i = 0; i < c; ++i) {
    if (seed.blend == ESPER_BLEND_CHANNEL) {
      // From below 0 to above 1 / alpha: both ends of the clamp are met.
      blend[i] = 1.5F + 1.5F * blend[i];
    } else if (seed.blend == ESPER_BLEND_GATED) {
      blend[i] /= std::sqrt(static_cast<float>(c));
    }
  }
}

}  // namespace

void require(esper_status status) {
  if (status != ESPER_OK) {
    throw std::runtime_error(std::string(esper_status_name(status)) + ": " + esper_last_error());
  }
}

esper_context_options context_options(int32_t isa, int32_t threads) {
  esper_context_options options{};
  options.struct_size = sizeof options;
  options.isa = isa;
  options.threads = threads;
  return options;
}

Context make_context(const esper_context_options& options) {
  esper_context* context = nullptr;
  require(esper_context_create(&options, &context));
  return Context(context);
}

Context make_context(int32_t isa, int32_t threads) {
  return make_context(context_options(isa, threads));
}

int32_t best_isa() {
  esper_cpu_info info{};
  info.struct_size = sizeof info;
  require(esper_cpu_query(&info));
  return info.best_isa;
}

esper_lattice_seed make_seed(int32_t begin, int32_t count, int32_t family, int32_t rank, int32_t blend) {
  esper_lattice_seed seed{};
  seed.struct_size = sizeof seed;
  seed.stage = ESPER_STAGE_BLENDING;
  seed.channel_begin = begin;
  seed.channel_count = count;
  seed.family = family;
  seed.activation = ESPER_ACTIVATION_GELU;
  seed.rank = family == ESPER_FAMILY_AFFINE || family == ESPER_FAMILY_DEPTHWISE ? 0 : rank;
  seed.kernel = family == ESPER_FAMILY_DEPTHWISE ? 3 : 0;
  seed.blend = blend;
  seed.alpha = 0.3F;
  seed.confidence_k = 2.0F;
  seed.confidence_tau = 0.1F;
  seed.confidence_lo = 0.05F;
  seed.confidence_hi = 0.9F;
  seed.margin = 0.4F;
  seed.learning_rate_scale = 1.0F;
  return seed;
}

int64_t module_parameters(const esper_lattice_seed& seed) {
  const int64_t c = seed.channel_count;
  const int64_t r = seed.rank;
  switch (seed.family) {
    case ESPER_FAMILY_AFFINE:
      return 2 * c;
    case ESPER_FAMILY_LOWRANK:
      return 2 * r * c;
    case ESPER_FAMILY_DEPTHWISE:
      return c * (int64_t{seed.kernel} * seed.kernel + 1 + c + 1);
    default:
      return 2 * r * c + r + c;
  }
}

Problem::Problem(int32_t channel_count, int32_t layout, int64_t batch, int64_t positions, int64_t width)
    : channels(channel_count) {
  shape.struct_size = sizeof shape;
  shape.layout = layout;
  shape.batch = batch;
  shape.positions = positions;
  shape.width = width;
}

void Problem::finish(uint32_t random_seed) {
  std::mt19937 generator(random_seed);
  int64_t offset = 3;
  for (esper_lattice_seed& seed : seeds) {
    int64_t count = 0;
    require(esper_parameter_count(&seed, &count));
    seed.parameter_offset = offset;
    offset += count + 2;
  }
  theta.resize(static_cast<std::size_t>(offset));
  draw(&theta, &generator);
  for (const esper_lattice_seed& seed : seeds) {
    scale_parameters(seed, theta.data() + seed.parameter_offset);
  }
  x.resize(static_cast<std::size_t>(elements()));
  dy.resize(x.size());
  draw(&x, &generator);
  draw(&dy, &generator);
}

std::size_t Problem::at(int64_t image, int64_t channel, int64_t position) const {
  return static_cast<std::size_t>(shape.layout == ESPER_LAYOUT_TOKENS
                                      ? (image * shape.positions + position) * channels + channel
                                      : (image * channels + channel) * shape.positions + position);
}

Lattice Problem::lattice() const {
  esper_lattice* lattice = nullptr;
  require(esper_lattice_create(channels, seeds.data(), static_cast<int32_t>(seeds.size()), &lattice));
  return Lattice(lattice);
}

void CpuBackend::forward(const Problem& problem, const float* x, float* y) {
  require(esper_lattice_forward(problem.lattice().get(), context_, &problem.shape, problem.theta.data(),
                                problem.theta_count(), x, y));
}

void CpuBackend::backward(const Problem& problem, const float* x, const float* dy, float* dx, float* dtheta,
                          float* dalpha, esper_seed_sums* sums) {
  require(esper_lattice_backward(problem.lattice().get(), context_, &problem.shape, problem.theta.data(),
                                 problem.theta_count(), x, dy, dx, dtheta, dalpha, sums));
}

Results run(const Problem& problem, Backend& backend, const Placement& placement) {
  const std::size_t shift = placement.misalignment;
  Guarded x(problem.x, shift);
  Guarded dy(problem.dy, shift + 3);
  Guarded y = placement.in_place ? Guarded(problem.x, shift) : Guarded(problem.x.size(), 7.0F, shift + 1);
  Guarded dx = placement.in_place ? Guarded(problem.dy, shift) : Guarded(problem.dy.size(), 7.0F, shift + 2);
  Guarded dtheta(problem.theta.size(), 0.0F, shift);
  Guarded dalpha(problem.seeds.size(), 7.0F, shift);
  Results results;
  results.sums.resize(problem.seeds.size());
  for (esper_seed_sums& entry : results.sums) {
    std::memset(&entry, 0xAB, sizeof entry);
    entry.struct_size = sizeof entry;
  }
  backend.forward(problem, placement.in_place ? y.get() : x.get(), y.get());
  backend.backward(problem, x.get(), placement.in_place ? dx.get() : dy.get(), dx.get(), dtheta.get(), dalpha.get(),
                   results.sums.data());
  x.require_unchanged(problem.x, "x");
  dy.require_unchanged(problem.dy, "dy");
  results.y = y.take("y");
  results.dx = dx.take("dx");
  results.dtheta = dtheta.take("dtheta");
  results.dalpha = dalpha.take("dalpha");
  return results;
}

Results run(const Problem& problem, esper_context* context, bool in_place) {
  CpuBackend backend(context);
  return run(problem, backend, {in_place, 5});
}

ReferenceResults run_reference(const Problem& problem) {
  const Lattice lattice = problem.lattice();
  const std::vector<double> theta = widen(problem.theta);
  const std::vector<double> x = widen(problem.x);
  const std::vector<double> dy = widen(problem.dy);
  ReferenceResults results;
  results.y.resize(x.size());
  results.dx.resize(x.size());
  results.dtheta.resize(theta.size());
  results.dalpha.resize(problem.seeds.size());
  require(esper_reference_forward(lattice.get(), &problem.shape, theta.data(), problem.theta_count(), x.data(),
                                  results.y.data()));
  require(esper_reference_backward(lattice.get(), &problem.shape, theta.data(), problem.theta_count(), x.data(),
                                   dy.data(), results.dx.data(), results.dtheta.data(), results.dalpha.data()));
  return results;
}

double nmse(const std::vector<float>& a, const std::vector<double>& b) {
  if (a.size() != b.size()) {
    throw std::runtime_error("nmse of arrays of different length");
  }
  double error = 0.0;
  double energy = 0.0;
  for (std::size_t i = 0; i < b.size(); ++i) {
    const double difference = static_cast<double>(a[i]) - b[i];
    error += difference * difference;
    energy += b[i] * b[i];
  }
  if (energy == 0.0) {
    return error == 0.0 ? 0.0 : std::numeric_limits<double>::infinity();
  }
  return error / energy;
}

bool same_bits(const std::vector<float>& a, const std::vector<float>& b) {
  return a.size() == b.size() && (a.empty() || std::memcmp(a.data(), b.data(), a.size() * sizeof(float)) == 0);
}

bool same_bits(const Results& a, const Results& b) {
  return same_bits(a.y, b.y) && same_bits(a.dx, b.dx) && same_bits(a.dtheta, b.dtheta) &&
         same_bits(a.dalpha, b.dalpha) && a.sums.size() == b.sums.size() &&
         (a.sums.empty() || std::memcmp(a.sums.data(), b.sums.data(), a.sums.size() * sizeof(a.sums[0])) == 0);
}

std::string describe(const esper_lattice_seed& seed) {
  std::ostringstream text;
  text << "channels " << seed.channel_begin << "+" << seed.channel_count << " family " << seed.family << " rank "
       << seed.rank << " kernel " << seed.kernel << " activation " << seed.activation << " blend " << seed.blend
       << " stage " << esper_stage_name(seed.stage) << " alpha " << seed.alpha << " kappa " << seed.kappa << " flags "
       << seed.flags;
  return text.str();
}

std::string describe(const Problem& problem) {
  std::ostringstream text;
  text << "layout " << problem.shape.layout << " batch " << problem.shape.batch << " positions "
       << problem.shape.positions << " width " << problem.shape.width << " channels " << problem.channels << ", "
       << problem.seeds.size() << " seeds";
  if (!problem.seeds.empty()) {
    text << "; seeds[0]: " << describe(problem.seeds[0]);
  }
  return text.str();
}

}  // namespace esper_test
