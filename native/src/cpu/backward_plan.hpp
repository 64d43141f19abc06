// The memory that the partitions of one backward call work in.
#pragma once

#include <cstdint>

#include "cpu/context.hpp"
#include "cpu/image_task.hpp"
#include "cpu/partition.hpp"

namespace esper::cpu {

// Memory of one backward call.
struct BackwardPlan {
  Geometry geometry;
  ImageSite site;
  std::int64_t scratch_size;     // Floats a partition.
  std::int64_t pointwise_size;   // Floats a partition, for the families that work on every position by itself.
  std::int64_t partial_size;     // The same with gate and depthwise behind them.
  std::int64_t statistics_size;  // Doubles a partition, rounded up so that partitions share no cache line.
  float* scratch;
  float* partials;
  double* totals;  // Laid out as partials.
  double* statistics;
  std::int64_t sums_every;  // Sums are of one batch item in so many.
};

// Lays out and reserves what the tasks in the context's workspace need, and zeroes the statistics.
BackwardPlan plan_backward_memory(const Geometry& geometry, const ImageSite& site, Context& context);

}  // namespace esper::cpu
