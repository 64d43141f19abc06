#include "optimizer_host.hpp"

// Stand-ins for what intrinsics.cuh gives on a device. This file is compiled without contraction, so that each
// operation rounds by itself.
#define ESPER_CUDA_SHIM
#define ESPER_DEVICE static inline
#define ESPER_UNROLL
#define ESPER_KERNEL static void

namespace esper_device {
namespace {
int current_block = 0;
int current_blocks = 1;
int current_thread = 0;
}  // namespace

ESPER_DEVICE int block_index() {
  return current_block;
}
ESPER_DEVICE int block_count() {
  return current_blocks;
}
ESPER_DEVICE int thread_index() {
  return current_thread;
}
ESPER_DEVICE float multiply(float a, float b) {
  return a * b;
}
ESPER_DEVICE float add(float a, float b) {
  return a + b;
}
ESPER_DEVICE float divide(float a, float b) {
  return a / b;
}
ESPER_DEVICE float square_root(float x) {
  return __builtin_sqrtf(x);
}
}  // namespace esper_device

#include "cuda/kernels/optimizer.cuh"

namespace esper_cuda_test {

void run_optimizer_kernel(const EsperOptimizerArguments& arguments, int blocks) {
  esper_device::current_blocks = blocks;
  for (esper_device::current_block = 0; esper_device::current_block < blocks; ++esper_device::current_block) {
    for (esper_device::current_thread = 0; esper_device::current_thread < ESPER_CUDA_THREADS;
         ++esper_device::current_thread) {
      esper_optimizer_kernel(arguments);
    }
  }
}

}  // namespace esper_cuda_test
