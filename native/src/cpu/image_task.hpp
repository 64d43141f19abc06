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

// Neighbouring units of work of one partition. A unit is one seed's chunk of the batch items of one slot; exactly one
// partition computes it from start to end, in the order of the items.
struct ImageBlock {
  std::int32_t slot;
  std::int64_t item_begin;  // The slot's batch items, none at times.
  std::int64_t item_end;
  std::int32_t task_begin;  // Indices in workspace.image_tasks.
  std::int32_t task_end;
};

// The blocks of partition index out of count, in order. The batch items are cut into slots of neighbours; units follow
// each other slot by slot, and inside of one seed by seed. Partitions take contiguous shares of about equal estimated
// cost. Sums are kept by slot, so that their bits depend on the number of batch items and slots alone: not on the other
// seeds, nor on what else is computed. y and dx do not depend on slots either.
//
// A unit is never divided. Where units are fewer or coarser than partitions, the pass lasts as long as the partition
// with the most work: with u equal units on p partitions it takes ceil(u / p) units' time, u / (p ceil(u / p)) of the
// machine. One batch item with one seed runs on one core; p or more units lose less than half, 4 p less than a fifth.
// forward cuts a slot for every batch item, backward one for every partition, because each has memory for sums.
class ImageBlocks {
 public:
  ImageBlocks(const std::vector<SeedTask>& tasks, std::int64_t items, std::int64_t slots, std::int32_t index,
              std::int32_t count) noexcept;

  // Next block; false at the end.
  bool next(ImageBlock* block) noexcept;

 private:
  std::int64_t first_unit(std::int32_t index, std::int32_t count) const noexcept;
  std::int64_t slot_begin(std::int64_t slot) const noexcept;

  const std::vector<SeedTask>& tasks_;
  std::int64_t items_;
  std::int64_t slots_;
  std::int64_t unit_;
  std::int64_t end_;
};

}  // namespace esper::cpu
