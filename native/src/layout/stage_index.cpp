#include "layout/stage_index.hpp"

#include <algorithm>

namespace esper::layout {
namespace {

// The build's baseline has no instruction for it.
std::int32_t population(std::uint64_t word) noexcept {
  word -= (word >> 1) & 0x5555555555555555U;
  word = (word & 0x3333333333333333U) + ((word >> 2) & 0x3333333333333333U);
  word = (word + (word >> 4)) & 0x0F0F0F0F0F0F0F0FU;
  return static_cast<std::int32_t>((word * 0x0101010101010101U) >> 56);
}

// Writes base + i for every set bit i; returns the end. There is room for 64.
std::int32_t* expand(std::uint64_t word, std::int32_t base, std::int32_t* out) noexcept {
  if (word == ~std::uint64_t{0}) {
    for (std::int32_t i = 0; i < 64; ++i) {
      out[i] = base + i;
    }
    return out + 64;
  }
  for (; word != 0; word &= word - 1) {
    *out++ = base + static_cast<std::int32_t>(__builtin_ctzll(word));
  }
  return out;
}

}  // namespace

StageIndex::StageIndex(std::size_t seeds)
    : seeds_(seeds),
      groups_((seeds + kGroupSeeds - 1) / kGroupSeeds),
      words_(new Word[ESPER_STAGE_COUNT * groups_]),
      sequences_(new Sequence[groups_]) {
  for (std::size_t i = 0; i < ESPER_STAGE_COUNT * groups_; ++i) {
    words_[i].store(0, std::memory_order_relaxed);
  }
  for (std::size_t group = 0; group < groups_; ++group) {
    const std::size_t count = std::min(kGroupSeeds, seeds - group * kGroupSeeds);
    word(ESPER_STAGE_DORMANT, group * kGroupSeeds)
        .store(~std::uint64_t{0} >> (kGroupSeeds - count), std::memory_order_relaxed);
  }
}

void StageIndex::place(std::size_t seed, std::uint8_t to) noexcept {
  for (std::uint8_t stage = 0; stage < ESPER_STAGE_COUNT; ++stage) {
    if (stage != to) {
      set(word(stage, seed), own(word(stage, seed)) & ~bit(seed));
    }
  }
  set(word(to, seed), own(word(to, seed)) | bit(seed));
}

std::int32_t StageIndex::select(std::uint32_t stage_mask, std::int32_t* seeds, std::int32_t capacity) const {
  const Word* stages[ESPER_STAGE_COUNT];
  int count = 0;
  for (std::uint32_t stage = 0; stage < ESPER_STAGE_COUNT; ++stage) {
    if ((stage_mask >> stage & 1U) != 0) {
      stages[count++] = words_.get() + stage * groups_;
    }
  }
  if (count == 0) {
    return 0;
  }
  std::int32_t found = 0;
  for (std::size_t group = 0; group < groups_; ++group) {
    std::uint64_t word = observe(stages[0][group]);
    if (count > 1) {
      // A seed on its way between two of these stages must be seen in one of them.
      read_whole(sequences_[group], [&] {
        word = 0;
        for (int i = 0; i < count; ++i) {
          word |= observe(stages[i][group]);
        }
      });
    }
    const auto base = static_cast<std::int32_t>(group * kGroupSeeds);
    if (capacity - found >= static_cast<std::int32_t>(kGroupSeeds)) {
      found = static_cast<std::int32_t>(expand(word, base, seeds + found) - seeds);
      continue;
    }
    for (; word != 0 && found < capacity; word &= word - 1) {
      seeds[found++] = base + static_cast<std::int32_t>(__builtin_ctzll(word));
    }
    found += population(word);
  }
  return found;
}

}  // namespace esper::layout
