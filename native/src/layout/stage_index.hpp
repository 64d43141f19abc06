// Which seeds are in which stage: one bit a seed and stage, kept current by the writer, so that a selection reads
// bits of the stages it asks for instead of rows.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>

#include "esper/esper.h"
#include "layout/sequence.hpp"

namespace esper::layout {

class StageIndex {
 public:
  static constexpr std::size_t kGroupSeeds = 64;

  // All seeds Dormant.
  explicit StageIndex(std::size_t seeds);

  std::size_t bytes() const noexcept { return groups_ * (sizeof(Sequence) + ESPER_STAGE_COUNT * sizeof(Word)); }

  // Lock over the bits and the stages of the seeds of a group. The writer opens it around every change of a stage.
  Sequence& sequence(std::size_t seed) noexcept { return sequences_[seed / kGroupSeeds]; }

  // Writer: whether the bits of seed name this stage.
  bool has(std::size_t seed, std::uint8_t stage) const noexcept { return (own(word(stage, seed)) & bit(seed)) != 0; }
  // Writer: changes the bits, under the open sequence.
  void move(std::size_t seed, std::uint8_t from, std::uint8_t to) noexcept {
    set(word(from, seed), own(word(from, seed)) & ~bit(seed));
    set(word(to, seed), own(word(to, seed)) | bit(seed));
  }
  // Writer: as move, from whatever the bits say.
  void place(std::size_t seed, std::uint8_t to) noexcept;

  // Reader: numbers of the seeds in any of the stages, ascending, at most capacity of them; returns how many there are.
  std::int32_t select(std::uint32_t stage_mask, std::int32_t* seeds, std::int32_t capacity) const;

  // Reader: first seed of the group for which stage_of(seed), observed here, and the bits disagree; -1 if they agree.
  template <typename StageOf>
  std::int64_t first_mismatch(std::size_t group, const StageOf& stage_of) const;

  std::size_t groups() const noexcept { return groups_; }

  // Flips the bit of a seed and stage. For the tests.
  void damage(std::size_t seed, std::uint8_t stage) noexcept {
    set(word(stage, seed), own(word(stage, seed)) ^ bit(seed));
  }

 private:
  using Word = std::atomic<std::uint64_t>;

  static constexpr std::uint64_t bit(std::size_t seed) noexcept { return std::uint64_t{1} << (seed % kGroupSeeds); }
  static void set(Word& target, std::uint64_t value) noexcept { publish(target, value); }
  Word& word(std::uint8_t stage, std::size_t seed) noexcept { return words_[stage * groups_ + seed / kGroupSeeds]; }
  const Word& word(std::uint8_t stage, std::size_t seed) const noexcept {
    return words_[stage * groups_ + seed / kGroupSeeds];
  }

  std::size_t seeds_;
  std::size_t groups_;
  std::unique_ptr<Word[]> words_;  // [stage][group]
  std::unique_ptr<Sequence[]> sequences_;
};

template <typename StageOf>
std::int64_t StageIndex::first_mismatch(std::size_t group, const StageOf& stage_of) const {
  const std::size_t first = group * kGroupSeeds;
  const std::size_t count = seeds_ - first < kGroupSeeds ? seeds_ - first : kGroupSeeds;
  std::int64_t mismatch = -1;
  read_whole(sequences_[group], [&] {
    mismatch = -1;
    std::uint64_t words[ESPER_STAGE_COUNT];
    std::uint64_t any = 0;
    std::uint64_t twice = 0;
    for (std::size_t stage = 0; stage < ESPER_STAGE_COUNT; ++stage) {
      words[stage] = observe(words_[stage * groups_ + group]);
      twice |= any & words[stage];
      any |= words[stage];
    }
    std::uint64_t right = 0;
    for (std::size_t i = 0; i < count; ++i) {
      const std::uint8_t stage = stage_of(first + i);
      right |= stage < ESPER_STAGE_COUNT ? words[stage] & std::uint64_t{1} << i : 0;
    }
    const std::uint64_t all = count == kGroupSeeds ? ~std::uint64_t{0} : (std::uint64_t{1} << count) - 1;
    const std::uint64_t wrong = (all & ~right) | twice | (any & ~all);
    if (wrong != 0) {
      // A bit beyond the last seed is laid to the last one.
      const auto position = static_cast<std::size_t>(__builtin_ctzll(wrong));
      mismatch = static_cast<std::int64_t>(first + (position < count ? position : count - 1));
    }
  });
  return mismatch;
}

}  // namespace esper::layout
