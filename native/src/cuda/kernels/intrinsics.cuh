// Everything that differs between compilers: NVRTC and nvcc, clang without NVIDIA's headers, and the host shim of the
// tests, which defines ESPER_CUDA_SHIM and includes its own stand-ins first.
#pragma once

#ifndef ESPER_CUDA_SHIM

#if defined(__clang__) && !defined(__CUDACC_RTC__) && !defined(__global__)
#define __global__ __attribute__((global))
#define __device__ __attribute__((device))
#define __shared__ __attribute__((shared))
#define __launch_bounds__(...) __attribute__((launch_bounds(__VA_ARGS__)))
#endif

#define ESPER_DEVICE static __device__ inline __attribute__((always_inline))
#define ESPER_CALL static __device__ __attribute__((noinline))
#define ESPER_KERNEL extern "C" __global__ void __launch_bounds__(ESPER_CUDA_THREADS, 3)
#define ESPER_UNROLL _Pragma("unroll")
#define ESPER_UNROLLED_4 _Pragma("unroll 4")
#define ESPER_ROLLED _Pragma("unroll 1")
#define ESPER_SHARED_MEMORY(name) extern __shared__ __attribute__((aligned(16))) unsigned char name[]

namespace esper_device {

ESPER_DEVICE int thread_index() {
  int value;
  asm("mov.u32 %0, %%tid.x;" : "=r"(value));
  return value;
}
ESPER_DEVICE int block_index() {
  int value;
  asm("mov.u32 %0, %%ctaid.x;" : "=r"(value));
  return value;
}
ESPER_DEVICE int block_count() {
  int value;
  asm("mov.u32 %0, %%nctaid.x;" : "=r"(value));
  return value;
}

ESPER_DEVICE void block_sync() {
  __syncthreads();
}

// The value of the lane whose number differs in the bits of mask. All 32 lanes take part.
ESPER_DEVICE float lane_exchange(float value, int mask) {
#if defined(__clang__) && !defined(__CUDACC_RTC__) && !defined(__NVCC__)
  return __nvvm_shfl_sync_bfly_f32(0xffffffffU, value, mask, 31);
#else
  return __shfl_xor_sync(0xffffffffU, value, mask, 32);
#endif
}

// Orders this thread's writes to global memory before what other blocks see of its later ones.
ESPER_DEVICE void device_fence() {
  asm volatile("membar.gl;" ::: "memory");
}
ESPER_DEVICE int atomic_add(int* address, int value) {
  int old;
  asm volatile("atom.global.add.s32 %0, [%1], %2;" : "=r"(old) : "l"(address), "r"(value) : "memory");
  return old;
}
// Reads past the first-level cache, which does not see what other multiprocessors wrote.
ESPER_DEVICE float load_shared_result(const float* address) {
  float value;
  asm volatile("ld.global.cg.f32 %0, [%1];" : "=f"(value) : "l"(address) : "memory");
  return value;
}
ESPER_DEVICE double load_shared_result(const double* address) {
  double value;
  asm volatile("ld.global.cg.f64 %0, [%1];" : "=d"(value) : "l"(address) : "memory");
  return value;
}

// 2^x, within 2 units in the last place; subnormal results are kept.
ESPER_DEVICE float exp2_approximate(float x) {
  float value;
  asm("ex2.approx.f32 %0, %1;" : "=f"(value) : "f"(x));
  return value;
}
ESPER_DEVICE float multiply_add(float a, float b, float c) {
#if defined(__clang__) && !defined(__CUDACC_RTC__) && !defined(__NVCC__)
  return __builtin_fmaf(a, b, c);
#else
  return __fmaf_rn(a, b, c);
#endif
}
// Products and sums that no compiler may fuse.
ESPER_DEVICE float multiply(float a, float b) {
  float value;
  asm("mul.rn.f32 %0, %1, %2;" : "=f"(value) : "f"(a), "f"(b));
  return value;
}
ESPER_DEVICE float add(float a, float b) {
  float value;
  asm("add.rn.f32 %0, %1, %2;" : "=f"(value) : "f"(a), "f"(b));
  return value;
}
ESPER_DEVICE float divide(float a, float b) {
  float value;
  asm("div.rn.f32 %0, %1, %2;" : "=f"(value) : "f"(a), "f"(b));
  return value;
}
ESPER_DEVICE float square_root(float x) {
  float value;
  asm("sqrt.rn.f32 %0, %1;" : "=f"(value) : "f"(x));
  return value;
}
ESPER_DEVICE unsigned float_bits(float x) {
  unsigned value;
  asm("mov.b32 %0, %1;" : "=r"(value) : "f"(x));
  return value;
}
ESPER_DEVICE float bits_float(unsigned x) {
  float value;
  asm("mov.b32 %0, %1;" : "=f"(value) : "r"(x));
  return value;
}
ESPER_DEVICE float half_to_float(unsigned short x) {
  float value;
  asm("cvt.f32.f16 %0, %1;" : "=f"(value) : "h"(x));
  return value;
}
ESPER_DEVICE unsigned short float_to_half(float x) {
  unsigned short value;
  asm("cvt.rn.f16.f32 %0, %1;" : "=h"(value) : "f"(x));
  return value;
}

}  // namespace esper_device

#endif  // ESPER_CUDA_SHIM
