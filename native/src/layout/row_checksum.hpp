// CRC-32C of a seed's row: by the processor's instruction where it has one, by tables elsewhere, with the same result.
//
// The message is the row as it is packed below, 25 bytes: view, marks, life (least significant byte first), stage. Its
// register starts at ~seed, so that a row in another seed's place is damage too. A CRC of 32 bits finds every change
// that is confined to 32 neighbouring bits, hence every change of one field, with certainty; this polynomial also finds
// every change of up to five bits anywhere in a message of this length.
#pragma once

#include <cstdint>

namespace esper::layout {

// Rows of a block; see seed_block.hpp.
inline constexpr int kBlockRows = 8;

// Plain copy of a block's rows.
struct BlockRows {
  std::uint64_t view[kBlockRows];      // alpha's bits, blueprint << 32
  std::uint64_t marks[kBlockRows];     // flags, embargo << 32
  std::uint64_t life[kBlockRows];      // age, transitions << 32
  std::uint32_t checksum[kBlockRows];  // As stored.
  std::uint8_t stage[kBlockRows];
};

// One implementation.
struct RowChecksum {
  const char* name;
  std::uint32_t (*row)(std::uint32_t seed, std::uint64_t view, std::uint64_t marks, std::uint64_t life,
                       std::uint8_t stage) noexcept;
  // Checksums of the rows of seeds first_seed to first_seed + 7.
  void (*block)(std::uint32_t first_seed, const BlockRows& rows, std::uint32_t* checksums) noexcept;
};

// Defined in row_checksum_sse42.cpp, which alone is compiled for SSE4.2; absent on other architectures.
extern const RowChecksum kSse42RowChecksum;

// Tables; runs everywhere.
const RowChecksum& software_row_checksum() noexcept;

// The instruction of SSE4.2, nullptr where the processor or the build has none.
const RowChecksum* hardware_row_checksum() noexcept;

// The fastest that this machine runs.
const RowChecksum& best_row_checksum() noexcept;

// A CRC is linear: where a row changes by exclusive or, its checksum changes by the checksum, from register 0, of the
// difference alone. A step of a counter by one flips its lowest k bits, so 33 differences are all there are. A checksum
// moved on this way is what it would be computed anew, except that damage stays damage.
struct CounterSteps {
  std::uint32_t by_bits[33];  // [k]: what flipping the lowest k bits of the field does to the checksum.

  std::uint32_t operator()(std::uint32_t before, std::uint32_t after) const noexcept {
    const std::uint32_t flipped = before ^ after;
    return by_bits[flipped == 0 ? 0 : 32 - __builtin_clz(flipped)];
  }
};
extern const CounterSteps kAgeSteps;
extern const CounterSteps kEmbargoSteps;

}  // namespace esper::layout
