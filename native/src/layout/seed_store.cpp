#include "layout/seed_store.hpp"

#include <algorithm>
#include <limits>
#include <string>

#include "abi/error.hpp"
#include "layout/lifecycle.hpp"

// Failures leave the paths that succeed alone: no string is built, and no stack is used, before one is certain.
#define ESPER_COLD [[noreturn, gnu::cold, gnu::noinline]]

namespace esper::layout {
namespace {

bool valid_alpha(float alpha) noexcept {
  return alpha >= 0.0F && alpha <= 1.0F;
}  // False for NaN.

std::uint32_t saturating_increment(std::uint32_t value) noexcept {
  return value == std::numeric_limits<std::uint32_t>::max() ? value : value + 1;
}

ESPER_COLD void fail_corrupt(std::size_t seed, const char* what) {
  throw Error(ESPER_ERROR_CORRUPT,
              "seed " + std::to_string(seed) + ": " + what + "; restore the row from a checkpoint");
}

ESPER_COLD void fail_seed(std::int32_t seed, std::size_t count) {
  throw invalid("seed is " + std::to_string(seed) + ", the store has seeds 0 to " + std::to_string(count - 1));
}

ESPER_COLD void fail_alpha(float alpha) {
  throw invalid("alpha is " + std::to_string(alpha) + ", expected a value in [0, 1]");
}

ESPER_COLD void fail_transition(std::size_t seed, std::int32_t from, std::int32_t to) {
  if (!is_stage(to)) {
    throw invalid("to is " + std::to_string(to) + ", expected an esper_stage (0 to " +
                  std::to_string(ESPER_STAGE_COUNT - 1) + ")");
  }
  throw Error(ESPER_ERROR_ILLEGAL_TRANSITION,
              "seed " + std::to_string(seed) + ": no transition from " + stage_name(from) + " to " + stage_name(to));
}

std::size_t checked_count(std::int32_t count) {
  if (count < 1 || count > SeedStore::kMaxSeeds) {
    throw invalid("count is " + std::to_string(count) + ", expected 1 to " + std::to_string(SeedStore::kMaxSeeds));
  }
  return static_cast<std::size_t>(count);
}

constexpr std::size_t blocks_of(std::size_t seeds) noexcept {
  return (seeds + kBlockRows - 1) / kBlockRows;
}

}  // namespace

SeedStore::SeedStore(std::int32_t count, const RowChecksum& checksum)
    : seeds_(checked_count(count)),
      checksum_(checksum),
      blocks_(new SeedBlock[blocks_of(seeds_)]),
      index_(seeds_),
      mirror_(seeds_) {
  for (std::size_t seed = 0; seed < blocks_of(seeds_) * kBlockRows; ++seed) {
    PackedRow row{0, 0, 0, 0, ESPER_STAGE_DORMANT};
    row.checksum = checksum_of(seed, row);
    block(seed).write_row(lane(seed), row);
  }
}

std::int64_t SeedStore::bytes() const noexcept {
  return static_cast<std::int64_t>(sizeof *this + blocks_of(seeds_) * sizeof(SeedBlock) + index_.bytes() +
                                   mirror_.bytes());
}

inline std::size_t SeedStore::checked_seed(std::int32_t seed) const {
  const auto index = static_cast<std::size_t>(seed);
  if (index >= seeds_) {
    fail_seed(seed, seeds_);
  }
  return index;
}

inline std::uint32_t SeedStore::checksum_of(std::size_t seed, const PackedRow& row) const noexcept {
  return checksum_.row(static_cast<std::uint32_t>(seed), row.view, row.marks, row.life, row.stage);
}

inline PackedRow SeedStore::checked_row(std::size_t seed) const {
  const PackedRow row = block(seed).own_row(lane(seed));
  if (checksum_of(seed, row) != row.checksum) {
    fail_corrupt(seed, "checksum does not match");
  }
  return row;
}

inline void SeedStore::write(std::size_t seed, PackedRow row) noexcept {
  row.checksum = checksum_of(seed, row);
  block(seed).write_row(lane(seed), row);
  count_change();
}

template <typename ChangeIndex>
inline void SeedStore::write_stage(std::size_t seed, PackedRow row, const ChangeIndex& change_index) noexcept {
  row.checksum = checksum_of(seed, row);
  Sequence& sequence = index_.sequence(seed);
  sequence.open();
  block(seed).write_row(lane(seed), row);
  change_index();
  sequence.close();
  mirror_.mark(seed);
  count_change();
}

void SeedStore::read(std::int32_t seed, esper_seed_state* state) const {
  const std::size_t index = checked_seed(seed);
  const PackedRow row = block(index).read_row(lane(index));
  if (checksum_of(index, row) != row.checksum) {
    fail_corrupt(index, "checksum does not match");
  }
  state->stage = row.stage;
  state->alpha = alpha_of(row.view);
  state->age = low(row.life);
  state->embargo = high(row.marks);
  state->blueprint = high(row.view);
  state->transitions = high(row.life);
  state->flags = low(row.marks);
}

void SeedStore::transition(std::int32_t seed, std::int32_t to) {
  const std::size_t index = checked_seed(seed);
  PackedRow next = checked_row(index);
  const std::uint8_t from = next.stage;
  if (!transition_allowed(from, to)) {
    fail_transition(index, from, to);
  }
  if (!index_.has(index, from)) {
    fail_corrupt(index, "the stage index does not have its stage");
  }
  next.stage = static_cast<std::uint8_t>(to);
  next.life = pack(0, saturating_increment(high(next.life)));
  if (to == ESPER_STAGE_DORMANT) {
    next.view = 0;
    next.marks = 0;
  }
  write_stage(index, next, [&] { index_.move(index, from, next.stage); });
}

void SeedStore::set_alpha(std::int32_t seed, float alpha) {
  const std::size_t index = checked_seed(seed);
  PackedRow next = checked_row(index);
  if (!valid_alpha(alpha)) {
    fail_alpha(alpha);
  }
  const std::uint64_t view = pack_view(alpha, high(next.view));
  if (view != next.view) {
    next.view = view;
    mirror_.mark(index);
  }
  write(index, next);
}

void SeedStore::assign(std::int32_t seed, std::uint32_t blueprint, std::uint32_t embargo, std::uint32_t flags) {
  const std::size_t index = checked_seed(seed);
  PackedRow next = checked_row(index);
  if (blueprint != high(next.view) || flags != low(next.marks)) {
    mirror_.mark(index);
  }
  next.view = pack(low(next.view), blueprint);
  next.marks = pack(flags, embargo);
  write(index, next);
}

void SeedStore::restore(std::int32_t seed, const SeedRow& row) {
  const std::size_t index = checked_seed(seed);
  if (!is_stage(row.stage)) {
    throw invalid("state.stage is " + std::to_string(row.stage) + ", expected an esper_stage");
  }
  if (!valid_alpha(row.alpha)) {
    fail_alpha(row.alpha);
  }
  const PackedRow next{pack_view(row.alpha, row.blueprint), pack(row.flags, row.embargo),
                       pack(row.age, row.transitions), 0, row.stage};
  write_stage(index, next, [&] { index_.place(index, row.stage); });
}

void SeedStore::end_epoch() {
  // All rows are checked before the first is written: a failed call changes nothing.
  verify();
  for (std::size_t first = 0; first < seeds_; first += kBlockRows) {
    block(first).end_epoch();
  }
  count_change();
}

void SeedStore::verify_rows(std::size_t first, const BlockRows& rows) const {
  std::uint32_t checksums[kBlockRows];
  checksum_.block(static_cast<std::uint32_t>(first), rows, checksums);
  // The rows beyond the last seed are nobody's.
  const std::size_t lanes = std::min<std::size_t>(kBlockRows, seeds_ - first);
  bool good = true;
  for (std::size_t i = 0; i < lanes; ++i) {
    good &= is_stage(rows.stage[i]) & valid_alpha(alpha_of(rows.view[i])) & (checksums[i] == rows.checksum[i]);
  }
  if (good) {
    return;
  }
  for (std::size_t i = 0; i < lanes; ++i) {
    if (!is_stage(rows.stage[i])) {
      fail_corrupt(first + i, "stage is out of range");
    }
    if (!valid_alpha(alpha_of(rows.view[i]))) {
      fail_corrupt(first + i, "alpha is not a number in [0, 1]");
    }
    if (checksums[i] != rows.checksum[i]) {
      fail_corrupt(first + i, "checksum does not match");
    }
  }
}

void SeedStore::verify_index() const {
  for (std::size_t group = 0; group < index_.groups(); ++group) {
    const std::int64_t seed =
        index_.first_mismatch(group, [this](std::size_t i) { return observe(block(i).stage[lane(i)]); });
    if (seed >= 0) {
      fail_corrupt(static_cast<std::size_t>(seed), "the stage index does not match its stage");
    }
  }
}

void SeedStore::verify() const {
  BlockRows rows;
  for (std::size_t first = 0; first < seeds_; first += kBlockRows) {
    block(first).read_rows(&rows);
    verify_rows(first, rows);
  }
  verify_index();
}

std::int64_t SeedStore::mirror(esper_copy_fn copy, void* user, void* target) {
  return mirror_.update(copy, user, target, [this](std::size_t first, std::size_t end, esper_seed_view* views) {
    BlockRows rows;
    for (std::size_t start = first - first % kBlockRows; start < end; start += kBlockRows) {
      block(start).copy_rows(&rows);
      verify_rows(start, rows);
      const std::size_t stop = std::min(start + kBlockRows, end);
      for (std::size_t seed = std::max(start, first); seed < stop; ++seed) {
        const std::size_t i = seed - start;
        views[seed - first] = {alpha_of(rows.view[i]), rows.stage[i], high(rows.view[i]), low(rows.marks[i])};
      }
    }
  });
}

}  // namespace esper::layout
