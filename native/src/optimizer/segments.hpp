// Checks of an optimizer step and what follows from its options, the same for every backend.
#pragma once

#include <array>
#include <cstdint>

#include "esper/esper.h"
#include "optimizer/update.hpp"

namespace esper::optimizer {

// Checks the options and computes what the segments share. Throws esper::Error naming the field.
Coefficients make_coefficients(const esper_optimizer_options* options);

// The caller's segments, checked; the memory stays the caller's.
class Segments {
 public:
  // count: floats in the arena. Throws esper::Error naming segments[i].field.
  Segments(const Coefficients& coefficients, const esper_arena_segment* segments, std::int32_t segment_count,
           std::int64_t count);

  std::int32_t size() const noexcept { return size_; }
  // Elements of the segments that are not frozen.
  std::int64_t active() const noexcept { return active_; }
  const esper_arena_segment& operator[](std::int32_t index) const noexcept {
    return *reinterpret_cast<const esper_arena_segment*>(first_ + index * stride_);
  }
  static bool frozen(const esper_arena_segment& segment) noexcept { return (segment.flags & ESPER_SEED_FROZEN) != 0; }

 private:
  const char* first_ = nullptr;
  std::int64_t stride_ = 0;  // A caller built against a later header has larger entries.
  std::int32_t size_ = 0;
  std::int64_t active_ = 0;
};

// Throws unless the arrays that the rule needs are there, over an arena of count floats, and lie apart. Arrays that the
// rule does not touch are set to nullptr.
Arrays check_arrays(const Coefficients& coefficients, std::int64_t count, const Arrays& arrays);

// Computes the rates of segments. Powers are remembered, because most seeds of an arena are of few ages.
class RateTable {
 public:
  explicit RateTable(const Coefficients& coefficients) noexcept;
  Rates operator()(const esper_arena_segment& segment) noexcept;

 private:
  struct Correction {
    std::int64_t step;
    double first;   // 1 - beta1^t
    double second;  // sqrt(1 - beta2^t)
  };

  const Correction& correction(std::int64_t step) noexcept;

  bool adamw_;
  double weight_decay_;
  double beta1_;
  double beta2_;
  std::array<Correction, 16> corrections_;
};

}  // namespace esper::optimizer
