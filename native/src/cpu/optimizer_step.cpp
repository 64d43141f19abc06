#include "cpu/optimizer_step.hpp"

#include <algorithm>

namespace esper::cpu {
namespace {

using optimizer::Arrays;
using optimizer::Coefficients;
using optimizer::Segments;
using optimizer::Span;

// Boundaries between partitions are multiples of a cache line's floats, counted over the active elements.
constexpr std::int64_t kLine = 16;

// First active element of partition index out of count. Depends on the segments' sizes alone, so that a thread meets
// the same memory every step.
std::int64_t boundary(std::int64_t active, std::int64_t index, std::int64_t count) noexcept {
  if (index == count) {
    return active;
  }
  const std::int64_t lines = (active + kLine - 1) / kLine;
  return std::min(active, (lines / count * index + lines % count * index / count) * kLine);
}

// Updates the active elements begin to end - 1, numbered through all segments that are not frozen. Spans reach the
// kernel in batches, so that a thousand tiny segments cost few calls.
void update_range(const Kernels& kernels, const Coefficients& coefficients, const Segments& segments,
                  const Arrays& arrays, std::int64_t begin, std::int64_t end) noexcept {
  constexpr std::int32_t kBatch = 64;
  Span batch[kBatch];
  std::int32_t pending = 0;
  optimizer::RateTable rates(coefficients);
  std::int64_t number = 0;  // Of the segment's first element.
  for (std::int32_t i = 0; i < segments.size() && number < end; ++i) {
    const esper_arena_segment& segment = segments[i];
    if (Segments::frozen(segment)) {
      continue;
    }
    const std::int64_t from = std::max(begin - number, std::int64_t{0});
    const std::int64_t to = std::min(end - number, segment.count);
    number += segment.count;
    if (from >= to) {
      continue;
    }
    batch[pending++] = {segment.offset + from, to - from, rates(segment)};
    if (pending == kBatch) {
      kernels.update({&coefficients, arrays, batch, pending});
      pending = 0;
    }
  }
  if (pending > 0) {
    kernels.update({&coefficients, arrays, batch, pending});
  }
}

}  // namespace

void optimizer_step(Context& context, const Coefficients& coefficients, const Segments& segments,
                    const Arrays& arrays) {
  const std::int64_t active = segments.active();
  // Every element is one of the parameters and one of the gradient at least: threads pay from half as many as in a
  // pass over one tensor.
  const std::int64_t floats = 2 * active;
  // The partition of an element has no influence on its bits, so small steps go through the segments once.
  const std::int64_t partitions = context.inline_run(floats) ? 1 : context.threads();
  if (partitions == 1) {
    update_range(context.kernels(), coefficients, segments, arrays, 0, active);
    return;
  }
  context.run(floats, [&](std::int32_t index) noexcept {
    update_range(context.kernels(), coefficients, segments, arrays, boundary(active, index, partitions),
                 boundary(active, index + 1, partitions));
  });
}

}  // namespace esper::cpu
