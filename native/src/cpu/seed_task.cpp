#include "cpu/seed_task.hpp"

#include <algorithm>
#include <cmath>

#include "cpu/image_task.hpp"
#include "cpu/packing.hpp"
#include "layout/blueprint.hpp"
#include "layout/lifecycle.hpp"

namespace esper::cpu {
namespace {

// Sizes of the panels that should stay in the first-level cache while a tile is worked on.
constexpr std::int64_t kForwardTileBytes = 24 * 1024;
constexpr std::int64_t kBackwardTileBytes = 32 * 1024;
constexpr std::int64_t kLongestBlock = 64;    // Positions of a fused block.
constexpr std::int64_t kRowsInBlock = 32;     // Rows that the kernels for rows work on at once.
constexpr std::int32_t kVectorChannels = 16;  // The longest vector of any instruction set.
constexpr std::int64_t kSection = 16;         // Sections of partial sums start at multiples of this many floats.

std::int64_t round_up(std::int64_t value, std::int64_t unit) noexcept {
  return (value + unit - 1) / unit * unit;
}

// alpha sigmoid(k (margin - tau)) of the confidence blend.
double confidence(const esper_lattice_seed& seed) noexcept {
  const double z = static_cast<double>(seed.confidence_k) *
                   (static_cast<double>(seed.margin) - static_cast<double>(seed.confidence_tau));
  return 1.0 / (1.0 + std::exp(-z));
}

float uniform_weight(const esper_lattice_seed& seed) noexcept {
  if (seed.blend != ESPER_BLEND_CONFIDENCE || seed.alpha == 0.0F) {
    return seed.alpha;
  }
  const double weight = static_cast<double>(seed.alpha) * confidence(seed);
  return static_cast<float>(
      std::min(std::max(weight, static_cast<double>(seed.confidence_lo)), static_cast<double>(seed.confidence_hi)));
}

// Writes clamp(alpha v, 0, 1), keeping NaN; true if any weight differs from 0.
bool channel_weights(float alpha, const float* v, std::int32_t count, float* weights) noexcept {
  bool any = false;
  for (std::int32_t c = 0; c < count; ++c) {
    float weight = alpha * v[c];
    weight = weight < 0.0F ? 0.0F : weight;
    weight = weight > 1.0F ? 1.0F : weight;
    weights[c] = weight;
    any = any || weight != 0.0F;
  }
  return any;
}

// shortest: a tile that is too large for the cache costs less than one too short for its reductions.
std::int32_t tile_positions(const Kernels& kernels, const Geometry& geometry, std::int64_t floats_per_position,
                            std::int64_t bytes, std::int64_t shortest) noexcept {
  const std::int64_t group = kernels.group;
  const std::int64_t fitting = bytes / (floats_per_position * static_cast<std::int64_t>(sizeof(float)));
  std::int64_t tile = std::min(std::max(fitting, shortest), kLongestTile) / group * group;
  const std::int64_t run = std::min(geometry.positions * grouped_images(geometry, tile), geometry.longest_run);
  tile = std::min(tile, round_up(run, group));
  return static_cast<std::int32_t>(std::max(tile, group));
}

// The parts of a task that do not depend on the direction. Returns false if the seed's blend weight is 0 everywhere.
bool describe(const esper_lattice_seed& seed, std::int32_t index, const float* theta, float* weights, SeedTask* task) {
  const layout::ParameterMap map = layout::parameter_map(seed);
  const float* base = theta + seed.parameter_offset;
  const auto at = [base](std::int64_t offset) { return offset < 0 ? nullptr : base + offset; };
  SeedTask t{};
  t.seed = index;
  t.channel_begin = seed.channel_begin;
  t.channels = seed.channel_count;
  t.rank = seed.family == ESPER_FAMILY_DEPTHWISE ? seed.channel_count : seed.rank;
  t.family = seed.family;
  t.activation = layout::has_activation(seed.family) ? seed.activation : -1;
  t.kernel = seed.kernel;
  t.kind = WeightKind::kUniform;
  t.weight = 1.0F;
  t.alpha = seed.alpha;
  t.input_weight = at(map.input_weight);
  t.input_bias = at(map.input_bias);
  t.output_weight = at(map.output_weight);
  t.output_bias = at(map.output_bias);
  bool altering = seed.alpha > 0.0F;
  if (seed.stage == ESPER_STAGE_TRAINING) {
    t.kappa = seed.kappa;
    altering = false;
  } else if (seed.blend == ESPER_BLEND_CHANNEL) {
    t.kind = WeightKind::kChannel;
    t.channel_weight = weights;
    altering = channel_weights(seed.alpha, at(map.blend), seed.channel_count, weights) && altering;
  } else if (seed.blend == ESPER_BLEND_GATED) {
    t.kind = WeightKind::kGated;
    t.gate_weight = at(map.blend);
    t.gate_bias = t.gate_weight[seed.channel_count];
  } else {
    t.weight = uniform_weight(seed);
    altering = t.weight != 0.0F;
  }
  *task = t;
  return altering;
}

// Floats of a sum over positions for each rank.
std::int64_t rank_sums(const SeedTask& task, const Kernels& kernels) noexcept {
  if (task.rows_in_lanes) {
    return static_cast<std::int64_t>(task.rank_pitch) * kernels.lanes;
  }
  return task.rows ? std::max(task.rank_pitch, kernels.lanes) : task.rank;
}

PartialLayout partial_layout(const SeedTask& task, const Kernels& kernels) noexcept {
  PartialLayout layout{};
  const auto take = [&layout](std::int64_t count) {
    const std::int64_t start = layout.count;
    layout.count += round_up(count, kSection);
    return start;
  };
  const auto blocks = [&kernels](std::int64_t rows, std::int64_t columns) {
    return round_up(rows, kernels.block_rows) * round_up(columns, kernels.block_columns);
  };
  // Kernels for rows add whole vectors.
  const std::int64_t product = static_cast<std::int64_t>(task.rank_pitch) * task.channel_pitch;
  const std::int64_t ranks = rank_sums(task, kernels);
  if (task.want_theta) {
    if (task.family == ESPER_FAMILY_AFFINE) {
      layout.error_product = take(task.channels);
    } else {
      layout.input_product =
          take(task.family == ESPER_FAMILY_DEPTHWISE ? std::int64_t{task.channels} * task.kernel * task.kernel
               : task.rows                           ? product
                                                     : blocks(task.rank, task.channels));
      layout.input_sum = take(ranks);
      layout.output_product = take(task.rows ? product : blocks(task.channels, task.rank));
    }
    layout.error_sum = take(task.channels);
    layout.gate_product = take(task.kind == WeightKind::kGated ? task.channels : 0);
  }
  if (task.want_module_product) {
    layout.module_product = take(task.channels);
  }
  if (task.want_hidden_slope) {
    layout.hidden_slope = take(ranks);
  }
  return layout;
}

// Whether dL/dalpha of a seed in a blended stage can differ from 0.
bool has_alpha_gradient(const esper_lattice_seed& seed, const SeedTask& task, const float* v) noexcept {
  switch (task.kind) {
    case WeightKind::kUniform:
      return uniform_slope(seed) != 0.0;
    case WeightKind::kChannel:
      return std::any_of(v, v + task.channels, [&](float value) { return channel_slope(seed.alpha, value) != 0.0; });
    default:
      return true;
  }
}

bool needs_module(const SeedTask& task) noexcept {
  return task.want_statistics || task.want_module_product || task.kind == WeightKind::kGated || task.kappa > 0.0F;
}

// Decides what the seed must compute; returns false if that is nothing.
bool decide(const esper_lattice_seed& seed, bool altering, Wanted wanted, const float* theta, SeedTask* task) noexcept {
  const bool training = seed.stage == ESPER_STAGE_TRAINING;
  const float* v =
      seed.blend == ESPER_BLEND_CHANNEL ? theta + seed.parameter_offset + layout::parameter_map(seed).blend : nullptr;
  const bool alpha = wanted.dalpha && !training && has_alpha_gradient(seed, *task, v);
  task->want_dx = wanted.dx && altering;
  task->want_theta = wanted.dtheta && layout::is_learning(seed) && (training || altering);
  task->want_module_product = task->kind == WeightKind::kChannel && (task->want_theta || alpha);
  const bool runs = task->want_dx || task->want_theta || alpha || (wanted.sums && (training || altering));
  task->alpha_from_statistics = alpha && task->kind == WeightKind::kUniform;
  task->want_statistics = runs && (wanted.sums || task->alpha_from_statistics);
  if (!task->want_theta) {
    task->kappa = 0.0F;
  }
  task->want_module = needs_module(*task);
  task->want_hidden_slope = runs && wanted.sums && layout::has_activation(seed.family);
  return runs;
}

// Lists the channels outside of the chunks that covered returns true for.
template <typename Covered>
void list_untouched(const layout::Lattice& lattice, const Workspace& workspace, Covered covered,
                    std::vector<ChannelRange>* untouched) {
  untouched->clear();
  for (const std::vector<SeedTask>* tasks : {&workspace.tasks, &workspace.image_tasks}) {
    for (const SeedTask& task : *tasks) {
      if (covered(task)) {
        untouched->push_back({task.channel_begin, task.channels});
      }
    }
  }
  std::sort(untouched->begin(), untouched->end(),
            [](const ChannelRange& a, const ChannelRange& b) { return a.first < b.first; });
  // Turn the covered ranges into the gaps between them, in place: gap i lies before range i.
  std::int32_t next = 0;
  std::size_t gaps = 0;
  const std::size_t ranges = untouched->size();
  for (std::size_t i = 0; i < ranges; ++i) {
    const ChannelRange range = (*untouched)[i];
    if (range.first > next) {
      (*untouched)[gaps++] = {next, range.first - next};
    }
    next = range.first + range.count;
  }
  untouched->resize(gaps);
  if (next < lattice.channels()) {
    untouched->push_back({next, lattice.channels() - next});
  }
}

// Gives every task its padded weights.
void pack_tasks(const Geometry& geometry, bool backward, Workspace& workspace) {
  std::int64_t size = 0;
  for (const SeedTask& task : workspace.tasks) {
    size += packed_size(task);
  }
  float* packed = workspace.packed.reserve(size);
  for (SeedTask& task : workspace.tasks) {
    pack(packed, {geometry.channel_stride == 1, backward}, &task);
    packed += packed_size(task);
  }
}

}  // namespace

SeedTask without_sums(const SeedTask& task) noexcept {
  SeedTask rest = task;
  rest.want_statistics = task.alpha_from_statistics;
  rest.want_hidden_slope = false;
  rest.want_module = needs_module(rest);
  return rest;
}

std::int32_t neighbours(const std::vector<SeedTask>& tasks, std::size_t first) noexcept {
  const SeedTask& task = tasks[first];
  std::int32_t count = 1;
  std::int32_t channels = task.channels;
  // Chunks begin where a vector does, except the first.
  while (task.rows && channels < kWideChunk && channels == round_up(channels, kVectorChannels) &&
         count < kMostNeighbours && first + static_cast<std::size_t>(count) < tasks.size()) {
    const SeedTask& next = tasks[first + static_cast<std::size_t>(count)];
    if (next.channel_begin != task.channel_begin + channels || next.channels >= kWideChunk ||
        next.want_dx != task.want_dx) {
      break;
    }
    channels += next.channels;
    ++count;
  }
  return count;
}

double uniform_slope(const esper_lattice_seed& seed) noexcept {
  if (seed.blend != ESPER_BLEND_CONFIDENCE) {
    return 1.0;
  }
  if (seed.alpha == 0.0F) {
    return 0.0;
  }
  const double slope = confidence(seed);
  const double weight = static_cast<double>(seed.alpha) * slope;
  return weight > static_cast<double>(seed.confidence_lo) && weight < static_cast<double>(seed.confidence_hi) ? slope
                                                                                                              : 0.0;
}

double channel_slope(float alpha, float v) noexcept {
  if (alpha == 0.0F) {
    return v > 0.0F ? static_cast<double>(v) : 0.0;
  }
  const float weight = alpha * v;
  return weight > 0.0F && weight < 1.0F ? static_cast<double>(v) : 0.0;
}

std::int64_t forward_scratch(const SeedTask& task) noexcept {
  const std::int64_t panels = (static_cast<std::int64_t>(task.channels) + task.rank + 1) * task.tile;
  const std::int64_t rest = static_cast<std::int64_t>(task.channels) * kLongestBlock;
  const std::int64_t rows = (static_cast<std::int64_t>(task.channel_pitch) + task.rank_pitch + 1) * kRowsInBlock;
  return std::max(panels, std::max(rest, rows));
}

std::int64_t backward_scratch(const SeedTask& task) noexcept {
  if (task.rows) {
    return (4 * static_cast<std::int64_t>(task.channel_pitch) + 3 * static_cast<std::int64_t>(task.rank_pitch) + 4) *
           kRowsInBlock;
  }
  return (4 * static_cast<std::int64_t>(task.channels) + 3 * static_cast<std::int64_t>(task.rank_pitch) + 3) *
         task.tile;
}

void plan_forward(const layout::Lattice& lattice, const Kernels& kernels, const Geometry& geometry,
                  const ImageSite& site, const float* theta, Workspace& workspace) {
  workspace.tasks.clear();
  workspace.image_tasks.clear();
  workspace.channel_weights.resize(static_cast<std::size_t>(lattice.channels()));
  std::int32_t index = 0;
  for (const esper_lattice_seed& seed : lattice.seeds()) {
    SeedTask task;
    if (layout::is_blended_stage(seed.stage) &&
        describe(seed, index, theta, workspace.channel_weights.data() + seed.channel_begin, &task)) {
      if (layout::is_image_family(seed.family)) {
        size_image_task(site, kernels, false, &task);
        workspace.image_tasks.push_back(task);
      } else {
        choose_pitches(kernels, geometry, &task);
        task.tile = tile_positions(kernels, geometry, task.channels + task.rank, kForwardTileBytes, 1);
        workspace.tasks.push_back(task);
      }
    }
    ++index;
  }
  pack_tasks(geometry, false, workspace);
  list_untouched(
      lattice, workspace, [](const SeedTask&) { return true; }, &workspace.untouched);
}

void plan_backward(const layout::Lattice& lattice, const Kernels& kernels, const Geometry& geometry,
                   const ImageSite& site, const float* theta, Wanted wanted, Workspace& workspace) {
  workspace.tasks.clear();
  workspace.image_tasks.clear();
  workspace.channel_weights.resize(static_cast<std::size_t>(lattice.channels()));
  std::int32_t index = 0;
  for (const esper_lattice_seed& seed : lattice.seeds()) {
    if (layout::is_blended_stage(seed.stage) || seed.stage == ESPER_STAGE_TRAINING) {
      SeedTask task;
      const bool altering = describe(seed, index, theta, workspace.channel_weights.data() + seed.channel_begin, &task);
      if (decide(seed, altering, wanted, theta, &task)) {
        if (!layout::is_image_family(seed.family)) {
          choose_pitches(kernels, geometry, &task);
        }
        task.partial = partial_layout(task, kernels);
        if (layout::is_image_family(seed.family)) {
          size_image_task(site, kernels, true, &task);
          workspace.image_tasks.push_back(task);
        } else {
          task.tile = tile_positions(kernels, geometry, 2 * static_cast<std::int64_t>(task.channels) + 3 * task.rank,
                                     kBackwardTileBytes, 128);
          workspace.tasks.push_back(task);
        }
      }
    }
    ++index;
  }
  pack_tasks(geometry, true, workspace);
  list_untouched(
      lattice, workspace, [](const SeedTask& task) { return task.want_dx; }, &workspace.untouched);
}

}  // namespace esper::cpu
