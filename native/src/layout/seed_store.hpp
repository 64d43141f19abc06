// State of many seeds as a structure of arrays with a checksum per row.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "esper/esper.h"

namespace esper::layout {

// One row without its checksum.
struct SeedRow {
  std::uint8_t stage;
  float alpha;
  std::uint32_t age;
  std::uint32_t embargo;
  std::uint32_t blueprint;
  std::uint32_t transitions;
  std::uint32_t flags;
};

// Every write checks the row's checksum first, so that damage is reported and never signed over.
class SeedStore {
 public:
  static constexpr std::int32_t kMaxSeeds = 16777216;

  explicit SeedStore(std::int32_t count);

  std::int32_t count() const noexcept { return static_cast<std::int32_t>(stage_.size()); }
  // Bytes of all arrays.
  std::int64_t bytes() const noexcept;

  SeedRow read(std::int32_t seed) const;
  void transition(std::int32_t seed, std::int32_t to);
  void set_alpha(std::int32_t seed, float alpha);
  void assign(std::int32_t seed, std::uint32_t blueprint, std::uint32_t embargo, std::uint32_t flags);
  void end_epoch();
  void restore(std::int32_t seed, const SeedRow& row);
  // Writes at most capacity numbers; returns how many seeds match.
  std::int32_t select(std::uint32_t stage_mask, std::int32_t* seeds, std::int32_t capacity) const noexcept;
  void verify() const;

  // Start and element size of the array of column number index, nullptr beyond the last. For the tests that damage it.
  void* column(std::size_t index, std::size_t* element_size) noexcept;

 private:
  void require_seed(std::int32_t seed) const;
  SeedRow row(std::size_t seed) const noexcept;
  SeedRow checked_row(std::int32_t seed) const;
  void write(std::size_t seed, const SeedRow& row) noexcept;

  std::vector<std::uint8_t> stage_;
  std::vector<float> alpha_;
  std::vector<std::uint32_t> age_;
  std::vector<std::uint32_t> embargo_;
  std::vector<std::uint32_t> blueprint_;
  std::vector<std::uint32_t> transitions_;
  std::vector<std::uint32_t> flags_;
  std::vector<std::uint32_t> checksum_;
};

}  // namespace esper::layout
