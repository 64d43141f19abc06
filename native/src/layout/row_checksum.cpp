#include "layout/row_checksum.hpp"

#include "cpu/cpu_features.hpp"

namespace esper::layout {
namespace {

constexpr int kSlices = 8;

struct Tables {
  std::uint32_t slice[kSlices][256];
};

// slice[k][b] advances the register over byte b followed by k zero bytes.
constexpr Tables make_tables() {
  constexpr std::uint32_t kPolynomial = 0x82F63B78U;  // Castagnoli, bit-reversed.
  Tables tables{};
  for (std::uint32_t byte = 0; byte < 256; ++byte) {
    std::uint32_t crc = byte;
    for (int bit = 0; bit < 8; ++bit) {
      crc = (crc >> 1) ^ ((crc & 1U) != 0 ? kPolynomial : 0U);
    }
    tables.slice[0][byte] = crc;
  }
  for (int k = 1; k < kSlices; ++k) {
    for (std::uint32_t byte = 0; byte < 256; ++byte) {
      const std::uint32_t crc = tables.slice[k - 1][byte];
      tables.slice[k][byte] = (crc >> 8) ^ tables.slice[0][crc & 0xFFU];
    }
  }
  return tables;
}

constexpr Tables kTables = make_tables();

constexpr std::uint32_t advance(std::uint32_t crc, std::uint64_t word) noexcept {
  word ^= crc;
  std::uint32_t result = 0;
  for (int k = 0; k < kSlices; ++k) {
    result ^= kTables.slice[kSlices - 1 - k][(word >> (8 * k)) & 0xFFU];
  }
  return result;
}

constexpr std::uint32_t crc_of(std::uint32_t crc, std::uint64_t view, std::uint64_t marks, std::uint64_t life,
                               std::uint8_t stage) noexcept {
  crc = advance(advance(advance(crc, view), marks), life);
  return (crc >> 8) ^ kTables.slice[0][(crc ^ stage) & 0xFFU];
}

constexpr CounterSteps make_steps(bool age) {
  CounterSteps steps{};
  for (int bits = 0; bits <= 32; ++bits) {
    const std::uint64_t flipped = (std::uint64_t{1} << bits) - 1;
    steps.by_bits[bits] = age ? crc_of(0, 0, 0, flipped, 0) : crc_of(0, 0, flipped << 32, 0, 0);
  }
  return steps;
}

std::uint32_t software_row(std::uint32_t seed, std::uint64_t view, std::uint64_t marks, std::uint64_t life,
                           std::uint8_t stage) noexcept {
  return crc_of(~seed, view, marks, life, stage);
}

void software_block(std::uint32_t first_seed, const BlockRows& rows, std::uint32_t* checksums) noexcept {
  for (std::uint32_t i = 0; i < kBlockRows; ++i) {
    checksums[i] = software_row(first_seed + i, rows.view[i], rows.marks[i], rows.life[i], rows.stage[i]);
  }
}

constexpr RowChecksum kSoftware = {"software", software_row, software_block};

}  // namespace

constexpr CounterSteps kAgeSteps = make_steps(true);
constexpr CounterSteps kEmbargoSteps = make_steps(false);

const RowChecksum& software_row_checksum() noexcept {
  return kSoftware;
}

const RowChecksum* hardware_row_checksum() noexcept {
#if ESPER_ISA_X86
  return cpu::has_sse42() ? &kSse42RowChecksum : nullptr;
#else
  return nullptr;
#endif
}

const RowChecksum& best_row_checksum() noexcept {
  const RowChecksum* hardware = hardware_row_checksum();
  return hardware != nullptr ? *hardware : kSoftware;
}

}  // namespace esper::layout
