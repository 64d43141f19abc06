// The row's checksum by the CRC-32C instruction. Compiled for SSE4.2: nothing here may be called where it is missing,
// and nothing of the standard library may be instantiated here, because the linker could keep that copy for everyone.
#include <nmmintrin.h>

#include "layout/row_checksum.hpp"

namespace esper::layout {
namespace {

inline std::uint32_t row_crc(std::uint32_t seed, std::uint64_t view, std::uint64_t marks, std::uint64_t life,
                             std::uint8_t stage) noexcept {
  std::uint64_t crc = ~seed;
  crc = _mm_crc32_u64(crc, view);
  crc = _mm_crc32_u64(crc, marks);
  crc = _mm_crc32_u64(crc, life);
  return _mm_crc32_u8(static_cast<std::uint32_t>(crc), stage);
}

std::uint32_t sse42_row(std::uint32_t seed, std::uint64_t view, std::uint64_t marks, std::uint64_t life,
                        std::uint8_t stage) noexcept {
  return row_crc(seed, view, marks, life, stage);
}

// The instruction takes three cycles but one starts in each: independent rows hide that.
void sse42_block(std::uint32_t first_seed, const BlockRows& rows, std::uint32_t* checksums) noexcept {
  for (std::uint32_t i = 0; i < kBlockRows; ++i) {
    checksums[i] = row_crc(first_seed + i, rows.view[i], rows.marks[i], rows.life[i], rows.stage[i]);
  }
}

}  // namespace

constexpr RowChecksum kSse42RowChecksum = {"sse4.2", sse42_row, sse42_block};

}  // namespace esper::layout
