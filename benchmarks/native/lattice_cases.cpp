#include "lattice_cases.h"

#include <algorithm>
#include <cmath>

#include "check.h"

namespace esper::bench {
namespace {

constexpr double kFloat = 4.0;  // Bytes of an element.

// Operations of a chunk at one position.
struct Operations {
  double forward, backward;
};

Operations operations(const Workload& work) {
  const double c = work.site.chunk();
  const double r = work.site.rank;
  const double taps = kKernel * kKernel;
  switch (work.family) {
    case ESPER_FAMILY_AFFINE:
      return {4 * c, 6 * c};
    case ESPER_FAMILY_GATE:
      // The mean and the scaling; its products run once a batch item.
      return {4 * c, 8 * c};
    case ESPER_FAMILY_DEPTHWISE:
      return {2 * taps * c + 2 * c * c, 6 * taps * c + 4 * c * c};
    default:
      return {4 * c * r, 10 * c * r};
  }
}

}  // namespace

esper_shape Case::shape() const {
  return {sizeof(esper_shape), layout, batch, positions(), width};
}

std::string Case::shape_text() const {
  if (layout == ESPER_LAYOUT_TOKENS) {
    return "[" + std::to_string(positions()) + "," + std::to_string(channels) + "]";
  }
  return "[" + std::to_string(batch) + "," + std::to_string(channels) + "," + std::to_string(height) + "," +
         std::to_string(width) + "]";
}

const std::vector<Case>& cases() {
  static const std::vector<Case> list = {
      {"conv_64x32x32_s8", ESPER_LAYOUT_NCHW, 64, 32, 32, 64, 8, 4},
      {"conv_128x16x16_s16", ESPER_LAYOUT_NCHW, 64, 16, 16, 128, 16, 4},
      {"conv_256x8x8_s16", ESPER_LAYOUT_NCHW, 64, 8, 8, 256, 16, 8},
      {"tok_4096x384_s6", ESPER_LAYOUT_TOKENS, 1, 64, 64, 384, 6, 16},
      {"tok_4096x1024_s16", ESPER_LAYOUT_TOKENS, 1, 64, 64, 1024, 16, 16},
      {"tok_4096x1024_s64", ESPER_LAYOUT_TOKENS, 1, 64, 64, 1024, 64, 4},
  };
  return list;
}

const std::vector<double>& activities() {
  static const std::vector<double> list = {0.125, 0.5, 1.0};
  return list;
}

const char* mode_name(Mode mode) {
  return mode == Mode::kOut ? "out" : "in_place";
}

int32_t active_seeds(const Case& site, double share) {
  return std::max(1, static_cast<int32_t>(std::lround(site.seeds * share)));
}

const char* family_name(int32_t family) {
  static constexpr const char* kNames[kFamilyCount] = {"affine", "lowrank", "bottleneck", "gate", "depthwise"};
  return family >= 0 && family < kFamilyCount ? kNames[family] : "unknown";
}

int32_t Workload::rank() const {
  return family == ESPER_FAMILY_AFFINE || family == ESPER_FAMILY_DEPTHWISE ? 0 : site.rank;
}

std::vector<esper_lattice_seed> Workload::seeds() const {
  std::vector<esper_lattice_seed> list;
  int64_t offset = 0;
  for (int32_t i = 0; i < active; ++i) {
    esper_lattice_seed seed{};
    seed.struct_size = sizeof seed;
    seed.stage = ESPER_STAGE_BLENDING;
    require(esper_chunk(site.channels, site.seeds, i, &seed.channel_begin, &seed.channel_count));
    seed.family = family;
    seed.activation = ESPER_ACTIVATION_GELU;
    seed.rank = rank();
    seed.kernel = family == ESPER_FAMILY_DEPTHWISE ? kKernel : 0;
    seed.blend = ESPER_BLEND_CONVEX;
    seed.alpha = kAlpha;
    seed.parameter_offset = offset;
    int64_t count = 0;
    if (esper_parameter_count(&seed, &count) != ESPER_OK) {
      return {};
    }
    offset += count;
    list.push_back(seed);
  }
  return list;
}

Work Workload::forward_work(Mode mode) const {
  const double elements = static_cast<double>(site.elements()) * (mode == Mode::kOut ? 1.0 : share());
  const double positions = static_cast<double>(site.batch * site.positions());
  return {2 * kFloat * elements, operations(*this).forward * positions * active};
}

Work Workload::backward_work(Mode mode) const {
  const double all = static_cast<double>(site.elements());
  const double touched = all * (mode == Mode::kOut ? 1.0 : share());
  const double positions = static_cast<double>(site.batch * site.positions());
  return {kFloat * (all * share() + 2 * touched), operations(*this).backward * positions * active};
}

}  // namespace esper::bench
