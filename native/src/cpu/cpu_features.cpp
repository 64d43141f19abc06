#include "cpu/cpu_features.hpp"

#include <cstring>

#include "esper/esper.h"

#if ESPER_ISA_X86
#include <cpuid.h>
#endif

namespace esper::cpu {

#if ESPER_ISA_X86
namespace {

struct Registers {
  unsigned eax, ebx, ecx, edx;
};

Registers cpuid(unsigned leaf, unsigned subleaf) noexcept {
  Registers r{};
  if (__get_cpuid_count(leaf, subleaf, &r.eax, &r.ebx, &r.ecx, &r.edx) == 0) {
    return {};
  }
  return r;
}

// State components that the operating system saves; only valid where CPUID reports OSXSAVE.
std::uint64_t xgetbv() noexcept {
  std::uint32_t low = 0;
  std::uint32_t high = 0;
  __asm__ volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
  return (static_cast<std::uint64_t>(high) << 32) | low;
}

bool has(unsigned value, unsigned bits) noexcept {
  return (value & bits) == bits;
}

}  // namespace

std::int32_t best_isa() noexcept {
  constexpr unsigned kFma = 1U << 12;
  constexpr unsigned kOsxsave = 1U << 27;
  constexpr unsigned kAvx = 1U << 28;
  constexpr unsigned kF16c = 1U << 29;
  const Registers basic = cpuid(1, 0);
  if (!has(basic.ecx, kFma | kOsxsave | kAvx | kF16c)) {
    return ESPER_ISA_SCALAR;
  }
  const std::uint64_t state = xgetbv();
  constexpr std::uint64_t kYmm = 0x6;
  constexpr std::uint64_t kZmm = 0xE6;
  constexpr unsigned kAvx2 = 1U << 5;
  const Registers extended = cpuid(7, 0);
  if ((state & kYmm) != kYmm || !has(extended.ebx, kAvx2)) {
    return ESPER_ISA_SCALAR;
  }
  constexpr unsigned kAvx512 = (1U << 16) | (1U << 17) | (1U << 30) | (1U << 31);  // F, DQ, BW, VL
  return (state & kZmm) == kZmm && has(extended.ebx, kAvx512) ? ESPER_ISA_AVX512 : ESPER_ISA_AVX2;
}

bool has_sse42() noexcept {
  constexpr unsigned kSse42 = 1U << 20;
  return has(cpuid(1, 0).ecx, kSse42);
}

void processor_name(char* text, std::size_t size) noexcept {
  char brand[49] = "";
  unsigned words[12] = {};
  if (__get_cpuid_max(0x80000000U, nullptr) >= 0x80000004U) {
    for (unsigned i = 0; i < 3; ++i) {
      const Registers r = cpuid(0x80000002U + i, 0);
      const unsigned part[4] = {r.eax, r.ebx, r.ecx, r.edx};
      std::memcpy(words + 4 * i, part, sizeof part);
    }
    std::memcpy(brand, words, sizeof words);
  }
  const char* start = brand;
  while (*start == ' ') {
    ++start;
  }
  const char* name = *start != '\0' ? start : "unknown";
  std::strncpy(text, name, size - 1);
  text[size - 1] = '\0';
}

#else

std::int32_t best_isa() noexcept {
  return ESPER_ISA_SCALAR;
}

bool has_sse42() noexcept {
  return false;
}

void processor_name(char* text, std::size_t size) noexcept {
  std::strncpy(text, "unknown", size - 1);
  text[size - 1] = '\0';
}

#endif

}  // namespace esper::cpu
