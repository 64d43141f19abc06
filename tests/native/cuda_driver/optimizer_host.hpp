// The optimizer kernel compiled for the host.
#pragma once

#include "cuda/optimizer_tables.h"

namespace esper_cuda_test {

// Runs the kernel's blocks and threads one after the other.
void run_optimizer_kernel(const EsperOptimizerArguments& arguments, int blocks);

}  // namespace esper_cuda_test
