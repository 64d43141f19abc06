// Eight rows as a structure of arrays, with the sequence lock that readers take them under: 240 bytes, so that a row
// lies on at most five neighbouring cache lines and eight rows can be worked on together.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <cstring>

#include "esper/esper.h"
#include "layout/row_checksum.hpp"
#include "layout/sequence.hpp"

namespace esper::layout {

// One row as it is packed.
struct PackedRow {
  std::uint64_t view;   // alpha's bits, blueprint << 32
  std::uint64_t marks;  // flags, embargo << 32
  std::uint64_t life;   // age, transitions << 32
  std::uint32_t checksum;
  std::uint8_t stage;
};

constexpr std::uint32_t low(std::uint64_t word) noexcept {
  return static_cast<std::uint32_t>(word);
}
constexpr std::uint32_t high(std::uint64_t word) noexcept {
  return static_cast<std::uint32_t>(word >> 32);
}
constexpr std::uint64_t pack(std::uint32_t low_half, std::uint32_t high_half) noexcept {
  return low_half | static_cast<std::uint64_t>(high_half) << 32;
}
inline std::uint64_t pack_view(float alpha, std::uint32_t blueprint) noexcept {
  std::uint32_t bits = 0;
  std::memcpy(&bits, &alpha, sizeof bits);
  return pack(bits, blueprint);
}
inline float alpha_of(std::uint64_t view) noexcept {
  const std::uint32_t bits = low(view);
  float alpha = 0.0F;
  std::memcpy(&alpha, &bits, sizeof alpha);
  return alpha;
}

struct SeedBlock {
  Sequence sequence;
  std::atomic<std::uint8_t> stage[kBlockRows];
  std::atomic<std::uint64_t> view[kBlockRows];
  std::atomic<std::uint64_t> marks[kBlockRows];
  std::atomic<std::uint64_t> life[kBlockRows];
  std::atomic<std::uint32_t> checksum[kBlockRows];

  // The writer's look at its own row.
  PackedRow own_row(std::size_t lane) const noexcept {
    return {own(view[lane]), own(marks[lane]), own(life[lane]), own(checksum[lane]), own(stage[lane])};
  }

  // A reader's look at a row, whole.
  PackedRow read_row(std::size_t lane) const {
    PackedRow row;
    read_whole(sequence, [&] {
      row.view = observe(view[lane]);
      row.marks = observe(marks[lane]);
      row.life = observe(life[lane]);
      row.checksum = observe(checksum[lane]);
      row.stage = observe(stage[lane]);
    });
    return row;
  }

  // Writes a row; the writer only.
  void write_row(std::size_t lane, const PackedRow& row) noexcept {
    sequence.open();
    publish(stage[lane], row.stage);
    publish(view[lane], row.view);
    publish(marks[lane], row.marks);
    publish(life[lane], row.life);
    publish(checksum[lane], row.checksum);
    sequence.close();
  }

  // A reader's look at all rows, each whole and all of one moment.
  void read_rows(BlockRows* rows) const {
    read_whole(sequence, [&] { copy_rows(rows); });
  }

  // As read_rows, for the writer, which nobody disturbs.
  void copy_rows(BlockRows* rows) const noexcept {
    for (int i = 0; i < kBlockRows; ++i) {
      rows->view[i] = observe(view[i]);
      rows->marks[i] = observe(marks[i]);
      rows->life[i] = observe(life[i]);
      rows->checksum[i] = observe(checksum[i]);
      rows->stage[i] = observe(stage[i]);
    }
  }

  // Ends an epoch of every row; the writer only. Rows are not looked at as a whole: see CounterSteps.
  void end_epoch() noexcept {
    sequence.open();
    for (int i = 0; i < kBlockRows; ++i) {
      const std::uint64_t before = own(life[i]);
      const std::uint32_t age = low(before);
      const std::uint32_t older = age + (age != 0xFFFFFFFFU ? 1 : 0);
      std::uint32_t changed = own(checksum[i]) ^ kAgeSteps(age, older);
      publish(life[i], pack(older, high(before)));
      const std::uint64_t waiting = own(marks[i]);
      const std::uint32_t embargo = high(waiting);
      if (own(stage[i]) == ESPER_STAGE_EMBARGOED && embargo > 0) {
        changed ^= kEmbargoSteps(embargo, embargo - 1);
        publish(marks[i], pack(low(waiting), embargo - 1));
      }
      publish(checksum[i], changed);
    }
    sequence.close();
  }
};
static_assert(sizeof(SeedBlock) == 240, "a block has no padding");

}  // namespace esper::layout
