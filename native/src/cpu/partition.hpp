// Division of a site's tensor among partitions.
#pragma once

#include <cstdint>

#include "esper/esper.h"

namespace esper::cpu {

// A tensor as images of positions; token sequences are one image of batch * positions positions.
struct Geometry {
  std::int64_t images;
  std::int64_t positions;
  std::int64_t channel_stride;
  std::int64_t position_stride;
  std::int64_t image_stride;
  std::int64_t channels;
  // Longest run of positions that is worked on at once: channels-last tensors go through all seeds for a few rows
  // before the next rows, while the rows are in cache.
  std::int64_t longest_run;
};

// True for tensors of 4 MiB and more: they have left the caches of a core before anybody reads them, and writing past
// the caches saves reading their lines first.
inline bool is_large(const Geometry& g) noexcept {
  return g.images * g.positions * g.channels >= (std::int64_t{1} << 20);
}

Geometry make_geometry(const esper_shape& shape, std::int32_t channels) noexcept;

// Images that the backward kernels take together: as many small ones as make a tile worth its reductions.
std::int64_t grouped_images(const Geometry& geometry, std::int64_t longest_tile) noexcept;

// Positions first to first + count - 1 of one image, or of several images if they are whole.
struct Run {
  std::int64_t image;
  std::int64_t first;
  std::int64_t count;
  std::int64_t images;  // Whole images from image on, if more than 1.

  // Index of the run's first element in channel 0.
  std::int64_t base(const Geometry& g) const noexcept { return image * g.image_stride + first * g.position_stride; }
};

// The runs of partition index out of count, in order. Boundaries between partitions lie at multiples of a block of
// positions and depend on the geometry and count alone.
class Runs {
 public:
  Runs(const Geometry& geometry, std::int32_t index, std::int32_t count, std::int64_t together = 1) noexcept;

  // Next run; false at the end.
  bool next(Run* run) noexcept;

 private:
  const Geometry& geometry_;
  std::int64_t together_;  // Whole images in a run at most.
  std::int64_t blocks_per_image_;
  std::int64_t block_;
  std::int64_t end_;
};

}  // namespace esper::cpu
