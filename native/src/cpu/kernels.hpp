// Choice of the kernels' instruction set.
#pragma once

#include <cstdint>

#include "cpu/kernel_types.hpp"

namespace esper::cpu {

// The instruction set for a requested esper_isa; AUTO consults ESPER_CPU_ISA. Throws esper::Error with
// ESPER_ERROR_UNSUPPORTED if the machine or this build lacks a set that was asked for by name.
std::int32_t resolve_isa(std::int32_t requested);

// Kernels of an instruction set that resolve_isa returned.
const Kernels& kernels_of(std::int32_t isa) noexcept;

}  // namespace esper::cpu
