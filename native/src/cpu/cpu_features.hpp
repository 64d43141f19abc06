// What the processor and the operating system offer, from CPUID and XGETBV.
#pragma once

#include <cstddef>
#include <cstdint>

namespace esper::cpu {

// Best esper_isa that CPUID and XGETBV allow.
std::int32_t best_isa() noexcept;

// Whether the processor has SSE4.2, and with it the CRC-32C instruction.
bool has_sse42() noexcept;

// Writes the processor's name, NUL terminated, "unknown" where it has none.
void processor_name(char* text, std::size_t size) noexcept;

}  // namespace esper::cpu
