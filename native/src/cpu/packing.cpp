#include "cpu/packing.hpp"

#include <algorithm>

#include "esper/esper.h"

namespace esper::cpu {
namespace {

std::int32_t round_up(std::int32_t value, std::int32_t unit) noexcept {
  return (value + unit - 1) / unit * unit;
}

// Writes source[rows][columns] to target[..][pitch], zeroes behind each row.
void copy_padded(const float* source, std::int32_t rows, std::int32_t columns, std::int32_t pitch, float* target) {
  for (std::int32_t i = 0; i < rows; ++i) {
    float* row = target + static_cast<std::int64_t>(i) * pitch;
    std::copy_n(source + static_cast<std::int64_t>(i) * columns, columns, row);
    std::fill(row + columns, row + pitch, 0.0F);
  }
}

// Writes the transpose of source[rows][columns] to target[columns][pitch], zeroes behind each row.
void copy_transposed(const float* source, std::int32_t rows, std::int32_t columns, std::int32_t pitch, float* target) {
  for (std::int32_t j = 0; j < columns; ++j) {
    float* row = target + static_cast<std::int64_t>(j) * pitch;
    for (std::int32_t i = 0; i < rows; ++i) {
      row[i] = source[static_cast<std::int64_t>(i) * columns + j];
    }
    std::fill(row + rows, row + pitch, 0.0F);
  }
}

// Zeroes the rows of [rank_pitch][channel_pitch] behind the first R.
void clear_rows(const SeedTask& task, float* target) {
  const std::int64_t pitch = task.channel_pitch;
  std::fill(target + task.rank * pitch, target + task.rank_pitch * pitch, 0.0F);
}

void copy_vector(const float* source, std::int32_t count, std::int32_t pitch, float* target) {
  const std::int32_t given = source == nullptr ? 0 : count;
  std::copy_n(source, given, target);
  std::fill(target + given, target + pitch, 0.0F);
}

}  // namespace

void choose_pitches(const Kernels& kernels, const Geometry& geometry, SeedTask* task) noexcept {
  const std::int32_t lanes = kernels.lanes;
  task->channel_pitch = round_up(task->channels, lanes);
  task->rows = geometry.channel_stride == 1;
  if (task->rows) {
    // Narrow ranks would leave lanes empty; where the instruction set has the shuffles for it, rows fill them.
    const std::int32_t narrow = task->rank <= 4 ? 4 : 8;
    task->rows_in_lanes = kernels.packs_rows && task->rank > 0 && task->rank <= 8 && task->channels % lanes == 0;
    task->rank_pitch = task->rows_in_lanes ? narrow : round_up(task->rank, std::max(lanes, 4));
  } else {
    task->rank_pitch = task->rank <= 4 ? 4 : round_up(task->rank, 8);
    if (task->rank_pitch > kernels.fused_rank) {
      task->rank_pitch = round_up(task->rank, 16);
    }
  }
  if (task->rank == 0) {
    task->rank_pitch = 0;
  }
}

std::int64_t packed_size(const SeedTask& task) noexcept {
  const std::int64_t by_channel = static_cast<std::int64_t>(task.channels) * task.rank_pitch;
  const std::int64_t by_rank = static_cast<std::int64_t>(task.rank_pitch) * task.channel_pitch;
  const std::int64_t vectors = 4 * static_cast<std::int64_t>(task.channel_pitch) + task.rank_pitch;
  return (2 * by_channel + 2 * by_rank + vectors + 15) / 16 * 16;
}

void pack(float* packed, PackingNeeds needs, SeedTask* task) noexcept {
  const std::int32_t rank_pitch = task->rank_pitch;
  const std::int32_t channel_pitch = task->channel_pitch;
  const auto take = [&packed](std::int64_t count) {
    float* section = packed;
    packed += count;
    return section;
  };
  PackedWeights& p = task->packed;
  if (task->rank > 0) {
    float* down = take(static_cast<std::int64_t>(task->channels) * rank_pitch);
    copy_transposed(task->input_weight, task->rank, task->channels, rank_pitch, down);
    p.down = down;
    if (!needs.rows || needs.backward) {
      float* up = take(static_cast<std::int64_t>(task->channels) * rank_pitch);
      copy_padded(task->output_weight, task->channels, task->rank, rank_pitch, up);
      p.up = up;
    }
    if (needs.rows && needs.backward) {
      float* down_rows = take(static_cast<std::int64_t>(rank_pitch) * channel_pitch);
      copy_padded(task->input_weight, task->rank, task->channels, channel_pitch, down_rows);
      clear_rows(*task, down_rows);
      p.down_rows = down_rows;
    }
    if (needs.rows && (!needs.backward || task->want_module)) {
      float* up_rows = take(static_cast<std::int64_t>(rank_pitch) * channel_pitch);
      copy_transposed(task->output_weight, task->channels, task->rank, channel_pitch, up_rows);
      clear_rows(*task, up_rows);
      p.up_rows = up_rows;
    }
  } else {
    float* scale = take(channel_pitch);
    copy_vector(task->input_weight, task->channels, channel_pitch, scale);
    p.scale = scale;
  }
  float* input_bias = take(rank_pitch);
  copy_vector(task->input_bias, task->rank, rank_pitch, input_bias);
  float* output_bias = take(channel_pitch);
  copy_vector(task->output_bias, task->channels, channel_pitch, output_bias);
  float* weight = take(channel_pitch);
  if (task->kind == WeightKind::kChannel) {
    copy_vector(task->channel_weight, task->channels, channel_pitch, weight);
  } else {
    std::fill(weight, weight + channel_pitch, task->weight);
  }
  float* gate = take(channel_pitch);
  copy_vector(task->kind == WeightKind::kGated ? task->gate_weight : nullptr, task->channels, channel_pitch, gate);
  p.input_bias = input_bias;
  p.output_bias = output_bias;
  p.weight = weight;
  p.gate = gate;
}

}  // namespace esper::cpu
