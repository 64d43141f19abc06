// State of many seeds: blocks of rows, each with its checksum, for one writer and any number of readers without locks.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>

#include "esper/esper.h"
#include "layout/row_checksum.hpp"
#include "layout/seed_block.hpp"
#include "layout/seed_mirror.hpp"
#include "layout/stage_index.hpp"

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

// Every write checks the row's checksum first, so that damage is reported and never signed over. The functions that are
// const may run on any thread while one other thread runs one that is not.
class SeedStore {
 public:
  static constexpr std::int32_t kMaxSeeds = 16777216;

  explicit SeedStore(std::int32_t count, const RowChecksum& checksum = best_row_checksum());

  std::int32_t count() const noexcept { return static_cast<std::int32_t>(seeds_); }
  // Bytes of everything: rows, checksums, sequence numbers, stage index, this object, staging memory of the mirror.
  std::int64_t bytes() const noexcept;
  // Number of changes made.
  std::uint64_t version() const noexcept { return observe(version_); }

  // Fills all fields of state but its size.
  void read(std::int32_t seed, esper_seed_state* state) const;
  // Writes at most capacity numbers; returns how many seeds match.
  std::int32_t select(std::uint32_t stage_mask, std::int32_t* seeds, std::int32_t capacity) const {
    return index_.select(stage_mask, seeds, capacity);
  }
  void verify() const;

  void transition(std::int32_t seed, std::int32_t to);
  void set_alpha(std::int32_t seed, float alpha);
  void assign(std::int32_t seed, std::uint32_t blueprint, std::uint32_t embargo, std::uint32_t flags);
  void end_epoch();
  void restore(std::int32_t seed, const SeedRow& row);
  // Returns the bytes copied.
  std::int64_t mirror(esper_copy_fn copy, void* user, void* target);

  // Where the rows and the index lie. For the tests that damage them.
  SeedBlock& block(std::size_t seed) noexcept { return blocks_[seed / kBlockRows]; }
  StageIndex& index() noexcept { return index_; }

 private:
  const SeedBlock& block(std::size_t seed) const noexcept { return blocks_[seed / kBlockRows]; }
  static std::size_t lane(std::size_t seed) noexcept { return seed % kBlockRows; }
  std::size_t checked_seed(std::int32_t seed) const;
  std::uint32_t checksum_of(std::size_t seed, const PackedRow& row) const noexcept;
  // The writer's row, its checksum checked.
  PackedRow checked_row(std::size_t seed) const;
  // Writes a row whose stage stays, and counts the change.
  void write(std::size_t seed, PackedRow row) noexcept;
  // Opens the index's lock of a row, writes the row, lets change_index change the index, and counts the change.
  template <typename ChangeIndex>
  void write_stage(std::size_t seed, PackedRow row, const ChangeIndex& change_index) noexcept;
  // Throws for the first damaged row of the block that starts at seed first.
  void verify_rows(std::size_t first, const BlockRows& rows) const;
  void verify_index() const;
  void count_change() noexcept { publish(version_, own(version_) + 1); }

  // What readers use never changes after construction; what each write changes lies on a cache line of its own.
  std::size_t seeds_;
  const RowChecksum& checksum_;
  std::unique_ptr<SeedBlock[]> blocks_;
  StageIndex index_;
  alignas(64) std::atomic<std::uint64_t> version_{0};
  SeedMirror mirror_;
};

}  // namespace esper::layout
