// Compiled once for each storage type; ESPER_TEST_NAME is its name.
#include "kernels.hpp"

#define ESPER_CUDA_SHIM
#include "../cuda_shim/shim.hpp"
#include "cuda/kernels/esper_kernels.cuh"

#define ESPER_TEST_JOIN_(a, b) a##b
#define ESPER_TEST_JOIN(a, b) ESPER_TEST_JOIN_(a, b)

namespace esper_test {

void ESPER_TEST_JOIN(run_forward_, ESPER_TEST_NAME)(const EsperLatticeArguments& arguments, int blocks,
                                                    std::uint32_t order) {
  esper_shim::launch({blocks, ESPER_CUDA_THREADS, ESPER_CUDA_FORWARD_SHARED, order},
                     [&] { esper_lattice_forward(arguments); });
}

void ESPER_TEST_JOIN(run_backward_, ESPER_TEST_NAME)(const EsperLatticeArguments& arguments, int blocks,
                                                     std::uint32_t order) {
  esper_shim::launch({blocks, ESPER_CUDA_THREADS, ESPER_CUDA_BACKWARD_SHARED, order},
                     [&] { esper_lattice_backward(arguments); });
}

}  // namespace esper_test
