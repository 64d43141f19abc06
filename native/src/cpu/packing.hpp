// The weights of one seed, padded and transposed once a call so that the kernels load whole vectors.
#pragma once

#include <cstdint>

#include "cpu/kernel_types.hpp"
#include "cpu/partition.hpp"

namespace esper::cpu {

// Sets task->rank_pitch and task->channel_pitch for tensors of this geometry.
void choose_pitches(const Kernels& kernels, const Geometry& geometry, SeedTask* task) noexcept;

// Floats that pack needs for the task.
std::int64_t packed_size(const SeedTask& task) noexcept;

// Which copies a pass reads: those of the kernels for rows (channels-last tensors) or planes, forward or backward.
struct PackingNeeds {
  bool rows;
  bool backward;
};

// Fills packed and points task->packed into it.
void pack(float* packed, PackingNeeds needs, SeedTask* task) noexcept;

}  // namespace esper::cpu
