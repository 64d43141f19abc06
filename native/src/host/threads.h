// libtorch's thread pool, which the lattice kernels run on as well.
#pragma once

#include <cstdint>
#include <string>

#include "site.h"

namespace esper::host {

// Sets the number of threads of libtorch and of its BLAS for the whole process; 0 = all cores of this process.
void set_threads(int32_t threads);
// A context whose kernels run on libtorch's threads.
ContextHandle make_context(int32_t isa);
// What the loaded BLAS says of itself, "reference" if it says nothing.
std::string blas_description();
// One line of JSON for esper_host_info.
std::string info_json();
// Median GFLOP/s of 1024 x 1024 float products.
double measure_matmul();

}  // namespace esper::host
