// SHA-256 (FIPS 180-4), to name and check compiled images.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>

namespace esper::cuda {

class Sha256 {
 public:
  using Digest = std::array<std::uint8_t, 32>;

  void add(const void* data, std::size_t bytes) noexcept;
  // Length first, so that neighbouring fields can not trade bytes.
  void add_field(const std::string& text) noexcept;
  // The digest of everything added; the object is spent afterwards.
  Digest finish() noexcept;

 private:
  void block(const std::uint8_t* data) noexcept;

  std::array<std::uint32_t, 8> state_{0x6a09e667U, 0xbb67ae85U, 0x3c6ef372U, 0xa54ff53aU,
                                      0x510e527fU, 0x9b05688cU, 0x1f83d9abU, 0x5be0cd19U};
  std::array<std::uint8_t, 64> buffer_{};
  std::size_t used_ = 0;
  std::uint64_t bytes_ = 0;
};

// Digest of one piece of memory.
Sha256::Digest sha256(const void* data, std::size_t bytes) noexcept;

// Lower-case hexadecimal.
std::string hex(const Sha256::Digest& digest);

}  // namespace esper::cuda
