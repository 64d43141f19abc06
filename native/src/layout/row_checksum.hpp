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

}  // namespace esper::layout
