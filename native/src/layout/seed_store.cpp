#include "layout/seed_store.hpp"

#include <cmath>
#include <cstring>
#include <limits>
#include <string>

#include "abi/error.hpp"
#include "layout/lifecycle.hpp"

namespace esper::layout {
namespace {

// 32-bit FNV-1a over the row's words, folded with a final mix. Each step is a bijection of the running value, so any
// change confined to one field changes the result.
std::uint32_t checksum(const SeedRow& row) noexcept {
  std::uint32_t alpha_bits = 0;
  std::memcpy(&alpha_bits, &row.alpha, sizeof alpha_bits);
  const std::uint32_t words[] = {row.stage,     alpha_bits,      row.age,  row.embargo,
                                 row.blueprint, row.transitions, row.flags};
  std::uint32_t hash = 2166136261U;
  for (const std::uint32_t word : words) {
    hash = (hash ^ word) * 16777619U;
    hash ^= hash >> 15;
  }
  return hash;
}

bool valid_alpha(float alpha) noexcept {
  return alpha >= 0.0F && alpha <= 1.0F;
}  // False for NaN.

std::uint32_t saturating_increment(std::uint32_t value) noexcept {
  return value == std::numeric_limits<std::uint32_t>::max() ? value : value + 1;
}

Error corrupt(std::size_t seed, const char* what) {
  return {ESPER_ERROR_CORRUPT, "seed " + std::to_string(seed) + ": " + what + "; restore the row from a checkpoint"};
}

std::int32_t checked_count(std::int32_t count) {
  if (count < 1 || count > SeedStore::kMaxSeeds) {
    throw invalid("count is " + std::to_string(count) + ", expected 1 to " + std::to_string(SeedStore::kMaxSeeds));
  }
  return count;
}

void require_alpha(float alpha) {
  if (!valid_alpha(alpha)) {
    throw invalid("alpha is " + std::to_string(alpha) + ", expected a value in [0, 1]");
  }
}

}  // namespace

SeedStore::SeedStore(std::int32_t count)
    : stage_(static_cast<std::size_t>(checked_count(count)), static_cast<std::uint8_t>(ESPER_STAGE_DORMANT)),
      alpha_(stage_.size()),
      age_(stage_.size()),
      embargo_(stage_.size()),
      blueprint_(stage_.size()),
      transitions_(stage_.size()),
      flags_(stage_.size()),
      checksum_(stage_.size(), checksum(SeedRow{})) {}

std::int64_t SeedStore::bytes() const noexcept {
  constexpr std::size_t kRow = sizeof(std::uint8_t) + sizeof(float) + 6 * sizeof(std::uint32_t);
  static_assert(kRow <= 32, "a seed's state must fit in 32 bytes");
  return static_cast<std::int64_t>(stage_.size() * kRow);
}

void SeedStore::require_seed(std::int32_t seed) const {
  if (seed < 0 || seed >= count()) {
    throw invalid("seed is " + std::to_string(seed) + ", the store has seeds 0 to " + std::to_string(count() - 1));
  }
}

SeedRow SeedStore::row(std::size_t seed) const noexcept {
  return {stage_[seed], alpha_[seed], age_[seed], embargo_[seed], blueprint_[seed], transitions_[seed], flags_[seed]};
}

SeedRow SeedStore::checked_row(std::int32_t seed) const {
  require_seed(seed);
  const auto index = static_cast<std::size_t>(seed);
  const SeedRow result = row(index);
  if (checksum(result) != checksum_[index]) {
    throw corrupt(index, "checksum does not match");
  }
  return result;
}

void SeedStore::write(std::size_t seed, const SeedRow& row) noexcept {
  stage_[seed] = row.stage;
  alpha_[seed] = row.alpha;
  age_[seed] = row.age;
  embargo_[seed] = row.embargo;
  blueprint_[seed] = row.blueprint;
  transitions_[seed] = row.transitions;
  flags_[seed] = row.flags;
  checksum_[seed] = checksum(row);
}

SeedRow SeedStore::read(std::int32_t seed) const {
  require_seed(seed);
  return row(static_cast<std::size_t>(seed));
}

void SeedStore::transition(std::int32_t seed, std::int32_t to) {
  SeedRow next = checked_row(seed);
  if (!is_stage(to)) {
    throw invalid("to is " + std::to_string(to) + ", expected an esper_stage (0 to " +
                  std::to_string(ESPER_STAGE_COUNT - 1) + ")");
  }
  if (!transition_allowed(next.stage, to)) {
    throw Error(ESPER_ERROR_ILLEGAL_TRANSITION, "seed " + std::to_string(seed) + ": no transition from " +
                                                    stage_name(next.stage) + " to " + stage_name(to));
  }
  next.stage = static_cast<std::uint8_t>(to);
  next.age = 0;
  next.transitions = saturating_increment(next.transitions);
  if (to == ESPER_STAGE_DORMANT) {
    next.alpha = 0.0F;
    next.embargo = 0;
    next.blueprint = 0;
    next.flags = 0;
  }
  write(static_cast<std::size_t>(seed), next);
}

void SeedStore::set_alpha(std::int32_t seed, float alpha) {
  SeedRow next = checked_row(seed);
  require_alpha(alpha);
  next.alpha = alpha;
  write(static_cast<std::size_t>(seed), next);
}

void SeedStore::assign(std::int32_t seed, std::uint32_t blueprint, std::uint32_t embargo, std::uint32_t flags) {
  SeedRow next = checked_row(seed);
  next.blueprint = blueprint;
  next.embargo = embargo;
  next.flags = flags;
  write(static_cast<std::size_t>(seed), next);
}

void SeedStore::end_epoch() {
  // All rows are checked before the first is written: a failed call changes nothing.
  verify();
  for (std::size_t seed = 0; seed < stage_.size(); ++seed) {
    SeedRow next = row(seed);
    next.age = saturating_increment(next.age);
    if (next.stage == ESPER_STAGE_EMBARGOED && next.embargo > 0) {
      --next.embargo;
    }
    write(seed, next);
  }
}

void SeedStore::restore(std::int32_t seed, const SeedRow& row) {
  require_seed(seed);
  if (!is_stage(row.stage)) {
    throw invalid("state.stage is " + std::to_string(row.stage) + ", expected an esper_stage");
  }
  require_alpha(row.alpha);
  write(static_cast<std::size_t>(seed), row);
}

std::int32_t SeedStore::select(std::uint32_t stage_mask, std::int32_t* seeds, std::int32_t capacity) const noexcept {
  std::int32_t found = 0;
  for (std::int32_t seed = 0; seed < count(); ++seed) {
    const std::int32_t stage = stage_[static_cast<std::size_t>(seed)];
    if (is_stage(stage) && (stage_mask & stage_bit(stage)) != 0) {
      if (found < capacity) {
        seeds[found] = seed;
      }
      ++found;
    }
  }
  return found;
}

void SeedStore::verify() const {
  for (std::size_t seed = 0; seed < stage_.size(); ++seed) {
    if (!is_stage(stage_[seed])) {
      throw corrupt(seed, "stage is out of range");
    }
    if (!valid_alpha(alpha_[seed])) {
      throw corrupt(seed, "alpha is not a number in [0, 1]");
    }
    if (checksum(row(seed)) != checksum_[seed]) {
      throw corrupt(seed, "checksum does not match");
    }
  }
}

void* SeedStore::column(std::size_t index, std::size_t* element_size) noexcept {
  *element_size = index == 0 ? sizeof(std::uint8_t) : sizeof(std::uint32_t);
  void* const columns[] = {stage_.data(),     alpha_.data(),       age_.data(),   embargo_.data(),
                           blueprint_.data(), transitions_.data(), flags_.data(), checksum_.data()};
  return index < sizeof columns / sizeof columns[0] ? columns[index] : nullptr;
}

}  // namespace esper::layout
