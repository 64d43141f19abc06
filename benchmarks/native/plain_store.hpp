// The seed store as one would write it down first: an array of structs behind a mutex. No checksum, no index, no record
// of what changed. The baseline of layout_bench.
#pragma once

#include <cstddef>
#include <cstdint>
#include <mutex>
#include <vector>

#include "esper/esper.h"

namespace esper_bench {

// Not inlined, as no call through a C interface is.
#define ESPER_OUT_OF_LINE __attribute__((noinline))

class PlainStore {
 public:
  struct Row {
    std::int32_t stage = ESPER_STAGE_DORMANT;
    float alpha = 0.0F;
    std::uint32_t age = 0, embargo = 0, blueprint = 0, transitions = 0, flags = 0;
  };

  explicit PlainStore(std::int32_t count) : rows_(static_cast<std::size_t>(count)) {}

  ESPER_OUT_OF_LINE esper_status transition(std::int32_t seed, std::int32_t to) {
    constexpr std::uint32_t kSuccessors[ESPER_STAGE_COUNT] = {0x02, 0x44, 0x48, 0x50, 0x60, 0x00, 0x80, 0x100, 0x01};
    const std::lock_guard<std::mutex> lock(mutex_);
    if (!known(seed) || to < 0 || to >= ESPER_STAGE_COUNT) {
      return ESPER_ERROR_INVALID_ARGUMENT;
    }
    Row& row = rows_[static_cast<std::size_t>(seed)];
    if ((kSuccessors[row.stage] >> to & 1U) == 0) {
      return ESPER_ERROR_ILLEGAL_TRANSITION;
    }
    row.stage = to;
    row.age = 0;
    row.transitions += row.transitions != 0xFFFFFFFFU;
    if (to == ESPER_STAGE_DORMANT) {
      row.alpha = 0.0F;
      row.embargo = row.blueprint = row.flags = 0;
    }
    return ESPER_OK;
  }

  ESPER_OUT_OF_LINE esper_status set_alpha(std::int32_t seed, float alpha) {
    const std::lock_guard<std::mutex> lock(mutex_);
    if (!known(seed) || !(alpha >= 0.0F && alpha <= 1.0F)) {
      return ESPER_ERROR_INVALID_ARGUMENT;
    }
    rows_[static_cast<std::size_t>(seed)].alpha = alpha;
    return ESPER_OK;
  }

  ESPER_OUT_OF_LINE esper_status read(std::int32_t seed, Row* row) const {
    const std::lock_guard<std::mutex> lock(mutex_);
    if (!known(seed)) {
      return ESPER_ERROR_INVALID_ARGUMENT;
    }
    *row = rows_[static_cast<std::size_t>(seed)];
    return ESPER_OK;
  }

  ESPER_OUT_OF_LINE std::int32_t select(std::uint32_t mask, std::int32_t* seeds, std::int32_t capacity) const {
    const std::lock_guard<std::mutex> lock(mutex_);
    std::int32_t found = 0;
    for (std::size_t i = 0; i < rows_.size(); ++i) {
      if ((mask >> rows_[i].stage & 1U) != 0) {
        if (found < capacity) {
          seeds[found] = static_cast<std::int32_t>(i);
        }
        ++found;
      }
    }
    return found;
  }

  ESPER_OUT_OF_LINE void end_epoch() {
    const std::lock_guard<std::mutex> lock(mutex_);
    for (Row& row : rows_) {
      row.age += row.age != 0xFFFFFFFFU;
      row.embargo -= row.stage == ESPER_STAGE_EMBARGOED && row.embargo > 0;
    }
  }

  ESPER_OUT_OF_LINE bool verify() const {
    const std::lock_guard<std::mutex> lock(mutex_);
    bool good = true;
    for (const Row& row : rows_) {
      good = good && row.stage >= 0 && row.stage < ESPER_STAGE_COUNT && row.alpha >= 0.0F && row.alpha <= 1.0F;
    }
    return good;
  }

  // Copies every seed's view, not knowing what changed.
  ESPER_OUT_OF_LINE void mirror(esper_seed_view* target) const {
    const std::lock_guard<std::mutex> lock(mutex_);
    for (std::size_t i = 0; i < rows_.size(); ++i) {
      target[i] = {rows_[i].alpha, rows_[i].stage, rows_[i].blueprint, rows_[i].flags};
    }
  }

 private:
  bool known(std::int32_t seed) const { return static_cast<std::size_t>(seed) < rows_.size(); }

  mutable std::mutex mutex_;
  std::vector<Row> rows_;
};

}  // namespace esper_bench
