#include "cpu/partition.hpp"

#include <algorithm>

#include "cpu/kernel_types.hpp"

namespace esper::cpu {
namespace {

constexpr std::int64_t kBlock = 16;           // Positions.
constexpr std::int64_t kLongestPlane = 8192;  // Positions; sums over more are put together from several runs.

}  // namespace

Geometry make_geometry(const esper_shape& shape, std::int32_t channels) noexcept {
  if (shape.layout == ESPER_LAYOUT_TOKENS) {
    return {1, shape.batch * shape.positions, 1, channels, 0, channels, kRowsOfRun};
  }
  return {shape.batch, shape.positions, shape.positions, 1, shape.positions * channels, channels, kLongestPlane};
}

std::int64_t grouped_images(const Geometry& geometry, std::int64_t longest_tile) noexcept {
  // Rows of the images are put side by side, so they must be whole vectors.
  if (geometry.channel_stride == 1 || geometry.positions == 0 || geometry.positions % kBlock != 0) {
    return 1;
  }
  return std::max<std::int64_t>(1, longest_tile / geometry.positions);
}

Runs::Runs(const Geometry& geometry, std::int32_t index, std::int32_t count, std::int64_t together) noexcept
    : geometry_(geometry), together_(together), blocks_per_image_((geometry.positions + kBlock - 1) / kBlock) {
  const std::int64_t blocks = geometry.images * blocks_per_image_;
  // blocks * index could overflow; quotient and remainder can not.
  const std::int64_t share = blocks / count;
  const std::int64_t rest = blocks % count;
  block_ = share * index + std::min<std::int64_t>(rest, index);
  end_ = block_ + share + (index < rest ? 1 : 0);
}

bool Runs::next(Run* run) noexcept {
  if (block_ >= end_) {
    return false;
  }
  const std::int64_t image = block_ / blocks_per_image_;
  const std::int64_t first = (block_ % blocks_per_image_) * kBlock;
  const std::int64_t image_end = std::min(end_, (image + 1) * blocks_per_image_);
  std::int64_t blocks = image_end - block_;
  blocks = std::min(blocks, std::max<std::int64_t>(1, geometry_.longest_run / kBlock));
  *run = {image, first, std::min(geometry_.positions - first, blocks * kBlock), 1};
  if (first == 0 && blocks == blocks_per_image_) {
    run->images = std::min(together_, (end_ - block_) / blocks_per_image_);
    blocks *= run->images;
  }
  block_ += blocks;
  return true;
}

}  // namespace esper::cpu
