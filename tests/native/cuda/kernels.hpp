// The lattice kernels of one storage type, compiled for the host.
#pragma once

#include <cstdint>

#include "cuda/tables.h"

namespace esper_test {

// One launch; order as esper_shim::Launch::order.
void run_forward_float32(const EsperLatticeArguments& arguments, int blocks, std::uint32_t order);
void run_backward_float32(const EsperLatticeArguments& arguments, int blocks, std::uint32_t order);
void run_forward_float16(const EsperLatticeArguments& arguments, int blocks, std::uint32_t order);
void run_backward_float16(const EsperLatticeArguments& arguments, int blocks, std::uint32_t order);
void run_forward_bfloat16(const EsperLatticeArguments& arguments, int blocks, std::uint32_t order);
void run_backward_bfloat16(const EsperLatticeArguments& arguments, int blocks, std::uint32_t order);

}  // namespace esper_test
