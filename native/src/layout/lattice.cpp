#include "layout/lattice.hpp"

#include <algorithm>
#include <cstring>
#include <limits>
#include <string>

#include "abi/error.hpp"
#include "layout/blueprint.hpp"
#include "layout/lifecycle.hpp"

namespace esper::layout {
namespace {

std::string seed_name(std::size_t index) {
  return "seeds[" + std::to_string(index) + "]";
}

std::string range_text(const esper_lattice_seed& seed) {
  return "channels " + std::to_string(seed.channel_begin) + " to " +
         std::to_string(static_cast<std::int64_t>(seed.channel_begin) + seed.channel_count - 1);
}

void check_disjoint(const std::vector<esper_lattice_seed>& seeds) {
  std::vector<std::size_t> order(seeds.size());
  for (std::size_t i = 0; i < order.size(); ++i) {
    order[i] = i;
  }
  std::sort(order.begin(), order.end(),
            [&](std::size_t a, std::size_t b) { return seeds[a].channel_begin < seeds[b].channel_begin; });
  for (std::size_t i = 1; i < order.size(); ++i) {
    const esper_lattice_seed& left = seeds[order[i - 1]];
    const esper_lattice_seed& right = seeds[order[i]];
    if (left.channel_begin + left.channel_count > right.channel_begin) {
      throw invalid(seed_name(order[i - 1]) + " (" + range_text(left) + ") and " + seed_name(order[i]) + " (" +
                    range_text(right) + ") overlap; chunks must be disjoint");
    }
  }
}

std::vector<esper_lattice_seed> checked_seeds(std::int32_t channels, const esper_lattice_seed* seeds,
                                              std::int32_t seed_count) {
  if (seed_count < 0) {
    throw invalid("seed_count is " + std::to_string(seed_count) + ", expected 0 or more");
  }
  std::vector<esper_lattice_seed> result;
  if (seed_count == 0) {
    return result;
  }
  require_pointer(seeds, "seeds");
  require_struct(seeds->struct_size, sizeof *seeds, "seeds[0]");
  result.resize(static_cast<std::size_t>(seed_count));
  // A caller built against a later header has larger entries; the first one tells how far they are apart.
  const std::size_t stride = seeds->struct_size;
  const char* entry = reinterpret_cast<const char*>(seeds);
  for (std::int32_t i = 0; i < seed_count; ++i, entry += stride) {
    esper_lattice_seed& seed = result[static_cast<std::size_t>(i)];
    std::memcpy(&seed, entry, sizeof seed);
    if (seed.struct_size != stride) {
      throw invalid(seed_name(static_cast<std::size_t>(i)) + ".struct_size is " + std::to_string(seed.struct_size) +
                    ", expected " + std::to_string(stride) + " as in seeds[0]");
    }
    check_seed(seed, i);
    if (seed.channel_begin > channels - seed.channel_count) {
      throw invalid(seed_name(static_cast<std::size_t>(i)) + " covers " + range_text(seed) + ", the site has " +
                    std::to_string(channels) + " channels");
    }
  }
  check_disjoint(result);
  return result;
}

std::int32_t checked_channels(std::int32_t channels) {
  if (channels < 1) {
    throw invalid("channels is " + std::to_string(channels) + ", expected 1 or more");
  }
  return channels;
}

void check_extent(const char* name, std::int64_t value) {
  if (value < 0) {
    throw invalid(std::string("shape.") + name + " is " + std::to_string(value) + ", expected 0 or more");
  }
}

}  // namespace

Lattice::Lattice(std::int32_t channels, const esper_lattice_seed* seeds, std::int32_t seed_count)
    : channels_(checked_channels(channels)), seeds_(checked_seeds(channels, seeds, seed_count)) {}

void Lattice::update(const esper_lattice_seed* seeds, std::int32_t seed_count) {
  seeds_ = checked_seeds(channels_, seeds, seed_count);
}

bool Lattice::blended() const noexcept {
  return std::any_of(seeds_.begin(), seeds_.end(),
                     [](const esper_lattice_seed& seed) { return is_blended_stage(seed.stage) && seed.alpha > 0.0F; });
}

bool Lattice::learning() const noexcept {
  return std::any_of(seeds_.begin(), seeds_.end(), is_learning);
}

std::int64_t Lattice::check_shape(const esper_shape* shape) const {
  require_pointer(shape, "shape");
  require_struct(shape->struct_size, sizeof *shape, "shape");
  if (shape->layout != ESPER_LAYOUT_NCHW && shape->layout != ESPER_LAYOUT_TOKENS) {
    throw invalid("shape.layout is " + std::to_string(shape->layout) + ", expected an esper_layout (0 or 1)");
  }
  check_extent("batch", shape->batch);
  check_extent("positions", shape->positions);
  check_extent("width", shape->width);
  if (shape->width > 0 && shape->positions % shape->width != 0) {
    throw invalid("shape.width is " + std::to_string(shape->width) + " and does not divide shape.positions (" +
                  std::to_string(shape->positions) +
                  "); pass the columns of an image with positions = height * width, or 0 for one row");
  }
  // In bytes of double, the oracle's element, so that every byte offset fits as well.
  constexpr std::int64_t kLimit = std::numeric_limits<std::int64_t>::max() / 8;
  if (shape->batch == 0 || shape->positions == 0) {
    return 0;
  }
  if (shape->positions > kLimit / channels_ || shape->batch > kLimit / (shape->positions * channels_)) {
    throw invalid("shape.batch * channels * shape.positions exceeds the address range");
  }
  return shape->batch * shape->positions * channels_;
}

void Lattice::check_theta(const void* theta, std::int64_t theta_count) const {
  if (theta_count < 0) {
    throw invalid("theta_count is " + std::to_string(theta_count) + ", expected 0 or more");
  }
  for (std::size_t i = 0; i < seeds_.size(); ++i) {
    const esper_lattice_seed& seed = seeds_[i];
    if (seed.stage != ESPER_STAGE_TRAINING && !is_blended_stage(seed.stage)) {
      continue;
    }
    if (theta == nullptr) {
      throw invalid("theta is NULL, " + seed_name(i) + " is in stage " + stage_name(seed.stage) +
                    " and needs its parameters");
    }
    const std::int64_t count = parameter_map(seed).count;
    if (seed.parameter_offset > theta_count - count) {
      throw invalid("theta_count is " + std::to_string(theta_count) + ", " + seed_name(i) + " needs " +
                    std::to_string(count) + " floats from parameter_offset " + std::to_string(seed.parameter_offset));
    }
  }
}

bool is_learning(const esper_lattice_seed& seed) noexcept {
  if ((seed.flags & static_cast<std::uint32_t>(ESPER_SEED_FROZEN)) != 0) {
    return false;
  }
  return seed.stage == ESPER_STAGE_TRAINING || (is_blended_stage(seed.stage) && seed.alpha > 0.0F);
}

}  // namespace esper::layout
