#include "layout/blueprint.hpp"

#include <cmath>
#include <string>

#include "abi/error.hpp"
#include "layout/lifecycle.hpp"

namespace esper::layout {
namespace {

// Names the field of one entry of the caller's seed array in a failure.
[[noreturn]] void refuse(std::int32_t index, const char* field, const std::string& value, const std::string& expected) {
  throw invalid("seeds[" + std::to_string(index) + "]." + field + " is " + value + ", expected " + expected);
}

void check_enum(std::int32_t index, const char* field, std::int32_t value, std::int32_t last, const char* type) {
  if (value < 0 || value > last) {
    refuse(index, field, std::to_string(value), std::string(type) + " (0 to " + std::to_string(last) + ")");
  }
}

void check_finite(std::int32_t index, const char* field, float value) {
  if (!std::isfinite(value)) {
    refuse(index, field, std::to_string(value), "a finite number");
  }
}

void check_confidence(const esper_lattice_seed& seed, std::int32_t index) {
  check_finite(index, "confidence_k", seed.confidence_k);
  check_finite(index, "confidence_tau", seed.confidence_tau);
  check_finite(index, "margin", seed.margin);
  if (!(seed.confidence_lo >= 0.0F && seed.confidence_lo <= 1.0F)) {
    refuse(index, "confidence_lo", std::to_string(seed.confidence_lo), "a value in [0, 1]");
  }
  if (!(seed.confidence_hi >= seed.confidence_lo && seed.confidence_hi <= 1.0F)) {
    refuse(index, "confidence_hi", std::to_string(seed.confidence_hi), "a value in [confidence_lo, 1]");
  }
}

void check_rank(const esper_lattice_seed& seed, std::int32_t index) {
  if (seed.family == ESPER_FAMILY_AFFINE || seed.family == ESPER_FAMILY_DEPTHWISE) {
    if (seed.rank != 0) {
      const char* family = seed.family == ESPER_FAMILY_AFFINE ? "affine" : "depthwise";
      refuse(index, "rank", std::to_string(seed.rank), std::string("0 for the ") + family + " family");
    }
  } else if (seed.rank < 1 || seed.rank > kMaxRank) {
    refuse(index, "rank", std::to_string(seed.rank), "1 to " + std::to_string(kMaxRank));
  }
}

void check_kernel(const esper_lattice_seed& seed, std::int32_t index) {
  if (seed.family != ESPER_FAMILY_DEPTHWISE) {
    if (seed.kernel != 0) {
      refuse(index, "kernel", std::to_string(seed.kernel), "0 for every family but depthwise");
    }
  } else if (seed.kernel != 3 && seed.kernel != 5 && seed.kernel != 7) {
    refuse(index, "kernel", std::to_string(seed.kernel), "3, 5 or 7 for the depthwise family");
  }
}

// Counter-based generator: the SplitMix64 finaliser over key and counter, so that parameter i depends on nothing else.
std::uint64_t hash(std::uint64_t key, std::uint64_t counter) noexcept {
  std::uint64_t z = key + (counter + 1) * 0x9E3779B97F4A7C15ULL;
  z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9ULL;
  z = (z ^ (z >> 27)) * 0x94D049BB133111EBULL;
  return z ^ (z >> 31);
}

// Uniform in [-bound, bound), from the upper 24 bits of the hash.
float uniform(std::uint64_t key, std::uint64_t counter, float bound) noexcept {
  const auto step = static_cast<float>(hash(key, counter) >> 40);  // 0 to 2^24 - 1, exact.
  return bound * (step * 0x1p-23F - 1.0F);
}

}  // namespace

bool has_activation(std::int32_t family) noexcept {
  return family == ESPER_FAMILY_BOTTLENECK || is_image_family(family);
}

bool is_image_family(std::int32_t family) noexcept {
  return family == ESPER_FAMILY_GATE || family == ESPER_FAMILY_DEPTHWISE;
}

std::int64_t hidden_units(const esper_lattice_seed& seed) noexcept {
  if (!has_activation(seed.family)) {
    return 0;
  }
  return seed.family == ESPER_FAMILY_DEPTHWISE ? seed.channel_count : seed.rank;
}

void check_seed(const esper_lattice_seed& seed, std::int32_t index) {
  check_enum(index, "stage", seed.stage, ESPER_STAGE_COUNT - 1, "an esper_stage");
  check_enum(index, "family", seed.family, ESPER_FAMILY_DEPTHWISE, "an esper_family");
  check_enum(index, "blend", seed.blend, ESPER_BLEND_CONFIDENCE, "an esper_blend");
  if (has_activation(seed.family)) {
    check_enum(index, "activation", seed.activation, ESPER_ACTIVATION_SIGMOID, "an esper_activation");
  }
  if (seed.channel_begin < 0) {
    refuse(index, "channel_begin", std::to_string(seed.channel_begin), "0 or more");
  }
  if (seed.channel_count < 1) {
    refuse(index, "channel_count", std::to_string(seed.channel_count), "1 or more");
  }
  check_rank(seed, index);
  check_kernel(seed, index);
  if ((seed.flags & ~static_cast<std::uint32_t>(ESPER_SEED_FROZEN)) != 0) {
    refuse(index, "flags", std::to_string(seed.flags), "a combination of esper_seed_flags");
  }
  if (!(seed.alpha >= 0.0F && seed.alpha <= 1.0F)) {
    refuse(index, "alpha", std::to_string(seed.alpha), "a value in [0, 1]");
  }
  if (!(seed.kappa >= 0.0F) || std::isinf(seed.kappa)) {
    refuse(index, "kappa", std::to_string(seed.kappa), "a finite number, 0 or more");
  }
  if (seed.blend == ESPER_BLEND_CONFIDENCE) {
    check_confidence(seed, index);
  }
  if (seed.parameter_offset < 0) {
    refuse(index, "parameter_offset", std::to_string(seed.parameter_offset), "0 or more");
  }
}

ParameterMap parameter_map(const esper_lattice_seed& seed) noexcept {
  const std::int64_t c = seed.channel_count;
  const std::int64_t r = seed.rank;
  ParameterMap map{0, -1, -1, -1, -1, 0};
  switch (seed.family) {
    case ESPER_FAMILY_AFFINE:
      map.output_bias = c;
      map.count = 2 * c;
      break;
    case ESPER_FAMILY_LOWRANK:
      map.output_weight = r * c;
      map.count = 2 * r * c;
      break;
    case ESPER_FAMILY_DEPTHWISE:
      map.input_bias = c * seed.kernel * seed.kernel;
      map.output_weight = map.input_bias + c;
      map.output_bias = map.output_weight + c * c;
      map.count = map.output_bias + c;
      break;
    default:
      map.input_bias = r * c;
      map.output_weight = r * c + r;
      map.output_bias = 2 * r * c + r;
      map.count = 2 * r * c + r + c;
      break;
  }
  if (seed.blend == ESPER_BLEND_CHANNEL || seed.blend == ESPER_BLEND_GATED) {
    map.blend = map.count;
    map.count += seed.blend == ESPER_BLEND_GATED ? c + 1 : c;
  }
  return map;
}

std::int64_t forward_flops(const esper_lattice_seed& seed) noexcept {
  const std::int64_t c = seed.channel_count;
  const std::int64_t r = seed.rank;
  std::int64_t flops = 2 * c;  // y = x + w g.
  switch (seed.family) {
    case ESPER_FAMILY_AFFINE:
      flops += 2 * c;
      break;
    case ESPER_FAMILY_LOWRANK:
      flops += 4 * r * c;
      break;
    case ESPER_FAMILY_GATE:
      flops += 2 * c;  // One addition for the mean, one multiplication by the gate.
      break;
    case ESPER_FAMILY_DEPTHWISE:
      flops += 2 * c * seed.kernel * seed.kernel + 2 * c * c + 2 * c;
      break;
    default:
      flops += 4 * r * c + r + c;
      break;
  }
  if (seed.blend == ESPER_BLEND_GATED) {
    flops += 2 * c + 2;  // q . x + p, times alpha.
  }
  return flops;
}

void initialise(const esper_lattice_seed& seed, std::uint64_t key, float* parameters) noexcept {
  const ParameterMap map = parameter_map(seed);
  for (std::int64_t i = 0; i < map.count; ++i) {
    parameters[i] = 0.0F;
  }
  const std::int64_t c = seed.channel_count;
  if (seed.family != ESPER_FAMILY_AFFINE) {
    const bool depthwise = seed.family == ESPER_FAMILY_DEPTHWISE;
    const std::int64_t fan_in = depthwise ? std::int64_t{seed.kernel} * seed.kernel : c;
    const float bound = std::sqrt(3.0F / static_cast<float>(fan_in));
    for (std::int64_t i = 0; i < (depthwise ? c : seed.rank) * fan_in; ++i) {
      parameters[map.input_weight + i] = uniform(key, static_cast<std::uint64_t>(i), bound);
    }
  }
  if (seed.blend == ESPER_BLEND_CHANNEL) {
    for (std::int64_t i = 0; i < c; ++i) {
      parameters[map.blend + i] = 1.0F;
    }
  } else if (seed.blend == ESPER_BLEND_GATED) {
    parameters[map.blend + c] = 2.0F;
  }
}

}  // namespace esper::layout
