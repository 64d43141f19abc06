// Both implementations of the rows' checksum against CRC-32C written down bit by bit.
#include "layout/row_checksum.hpp"

#include <gtest/gtest.h>

#include <random>
#include <string>
#include <vector>

#include "layout/seed_block.hpp"

namespace {

using esper::layout::BlockRows;
using esper::layout::hardware_row_checksum;
using esper::layout::RowChecksum;
using esper::layout::software_row_checksum;

// The register after the message, starting from a register.
std::uint32_t reference_crc(std::uint32_t crc, const std::vector<unsigned char>& message) {
  for (const unsigned char byte : message) {
    crc ^= byte;
    for (int bit = 0; bit < 8; ++bit) {
      crc = crc >> 1 ^ (crc % 2 == 1 ? 0x82F63B78U : 0U);
    }
  }
  return crc;
}

struct Row {
  std::uint64_t words[3];
  std::uint8_t stage;

  std::vector<unsigned char> message() const {
    std::vector<unsigned char> bytes;
    for (const std::uint64_t word : words) {
      for (unsigned shift = 0; shift < 64; shift += 8) {
        bytes.push_back(static_cast<unsigned char>(word >> shift));
      }
    }
    bytes.push_back(stage);
    return bytes;
  }
};

TEST(RowChecksumTest, TheReferenceIsCrc32c) {
  // The check value of the CRC catalogues.
  const std::string digits = "123456789";
  EXPECT_EQ(~reference_crc(~0U, {digits.begin(), digits.end()}), 0xE3069283U);
}

void expect_reference(const RowChecksum& checksum) {
  std::mt19937_64 random(5);
  for (int round = 0; round < 200; ++round) {
    const auto first = static_cast<std::uint32_t>(random()) % 16777216U;
    BlockRows rows{};
    std::uint32_t expected[esper::layout::kBlockRows];
    for (std::uint32_t i = 0; i < esper::layout::kBlockRows; ++i) {
      const Row row{{random(), random(), random()}, static_cast<std::uint8_t>(random() % 9)};
      rows.view[i] = row.words[0];
      rows.marks[i] = row.words[1];
      rows.life[i] = row.words[2];
      rows.stage[i] = row.stage;
      expected[i] = reference_crc(~(first + i), row.message());
      EXPECT_EQ(checksum.row(first + i, row.words[0], row.words[1], row.words[2], row.stage), expected[i]);
    }
    std::uint32_t checksums[esper::layout::kBlockRows] = {};
    checksum.block(first, rows, checksums);
    for (int i = 0; i < esper::layout::kBlockRows; ++i) {
      EXPECT_EQ(checksums[i], expected[i]);
    }
  }
}

TEST(RowChecksumTest, SoftwareMatchesTheReference) {
  expect_reference(software_row_checksum());
}

TEST(RowChecksumTest, HardwareMatchesTheReference) {
  const RowChecksum* hardware = hardware_row_checksum();
#if defined(__x86_64__)
  ASSERT_EQ(hardware != nullptr, __builtin_cpu_supports("sse4.2") != 0);
#endif
  if (hardware == nullptr) {
    GTEST_SKIP() << "this processor has no instruction for CRC-32C";
  }
  EXPECT_STREQ(hardware->name, "sse4.2");
  expect_reference(*hardware);
  EXPECT_EQ(&esper::layout::best_row_checksum(), hardware);
}

}  // namespace
