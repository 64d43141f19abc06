// Work division of the families that read other positions of the same batch item: gate and depthwise.
#pragma once

#include <cstdint>
#include <vector>

#include "cpu/kernel_types.hpp"
#include "esper/esper.h"

namespace esper::cpu {

// A tensor as batch items of height * width positions.
struct ImageSite {
  std::int64_t items;  // 0 if the tensor is empty.
  std::int64_t height;
  std::int64_t width;
  std::int64_t item_stride;
  std::int64_t channel_stride;
  std::int64_t position_stride;

  Chunk chunk() const noexcept { return {channel_stride, position_stride, height * width}; }
};

ImageSite make_image_site(const esper_shape& shape, std::int32_t channels) noexcept;

// Sets the task's tile and image for the pass.
void size_image_task(const ImageSite& site, const Kernels& kernels, bool backward, SeedTask* task) noexcept;

// Floats of scratch that one partition needs for the task.
std::int64_t image_forward_scratch(const ImageSite& site, const Kernels& kernels, const SeedTask& task) noexcept;
std::int64_t image_backward_scratch(const ImageSite& site, const Kernels& kernels, const SeedTask& task) noexcept;

// One unit of work: one seed's chunk of one batch item, which exactly one partition computes from start to end. The
// bits of y and dx therefore do not depend on the number of partitions.
struct ImageUnit {
  std::int64_t item;
  std::int32_t task;  // Index in workspace.image_tasks.
};

// The units of partition index out of count, in order: batch item by batch item, and inside of one seed by seed, so
// that a partition's units are neighbours in memory. Shares are contiguous, about equal in estimated cost, and depend
// on tasks, site and count alone.
//
// A unit is never divided. Where units are fewer or coarser than partitions, the pass lasts as long as the partition
// with the most work: with u equal units on p partitions it takes ceil(u / p) units' time, u / (p ceil(u / p)) of the
// machine. One batch item with one seed runs on one core; p or more units lose less than half, 4 p less than a fifth.
class ImageUnits {
 public:
  ImageUnits(const std::vector<SeedTask>& tasks, const ImageSite& site, std::int32_t index,
             std::int32_t count) noexcept;

  // Next unit; false at the end.
  bool next(ImageUnit* unit) noexcept;

 private:
  std::int64_t first_unit(std::int32_t index, std::int32_t count) const noexcept;

  const std::vector<SeedTask>& tasks_;
  std::int64_t items_;
  std::int64_t unit_;
  std::int64_t end_;
};

}  // namespace esper::cpu
