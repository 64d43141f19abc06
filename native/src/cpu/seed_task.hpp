// From the seeds of a lattice to the tasks of one call.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "cpu/image_task.hpp"
#include "cpu/partition.hpp"
#include "cpu/workspace.hpp"
#include "esper/esper.h"
#include "layout/lattice.hpp"

namespace esper::cpu {

constexpr std::int64_t kLongestTile = 256;  // Positions that the kernels for planes work on at once.

// What a backward call was asked for.
struct Wanted {
  bool dx;
  bool dtheta;
  bool dalpha;
  bool sums;
};

// Fills workspace.tasks and image_tasks with the seeds that alter the forward value and workspace.untouched with all
// other channels.
void plan_forward(const layout::Lattice& lattice, const Kernels& kernels, const Geometry& geometry,
                  const ImageSite& site, const float* theta, Workspace& workspace);

// Fills workspace.tasks and image_tasks with the seeds whose module must run and workspace.untouched with the channels
// where dx = dy.
void plan_backward(const layout::Lattice& lattice, const Kernels& kernels, const Geometry& geometry,
                   const ImageSite& site, const float* theta, Wanted wanted, Workspace& workspace);

// The same task where its seed's sums are not gathered: what the other gradients need, with the same memory.
SeedTask without_sums(const SeedTask& task) noexcept;

// Floats of scratch that one partition needs for any of the tasks.
std::int64_t forward_scratch(const SeedTask& task) noexcept;
std::int64_t backward_scratch(const SeedTask& task) noexcept;

// How many tasks from number first on the kernels take together: narrow chunks that lie side by side in the rows of a
// channels-last tensor, until they are as wide as a wide one.
std::int32_t neighbours(const std::vector<SeedTask>& tasks, std::size_t first) noexcept;

// d w / d alpha of a seed with a uniform weight.
double uniform_slope(const esper_lattice_seed& seed) noexcept;

// Factor of the channel's sum dy g in d L / d alpha: d clamp(alpha v, 0, 1) / d alpha, from the right at alpha = 0.
double channel_slope(float alpha, float v) noexcept;

}  // namespace esper::cpu
