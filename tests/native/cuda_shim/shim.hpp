// Runs CUDA kernels of esper on the CPU, for tests: a block's threads are fibers that one OS thread switches between at
// barriers and lane exchanges, blocks run one after the other. Include before the kernels, with ESPER_CUDA_SHIM
// defined.
#pragma once

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <functional>

#define ESPER_DEVICE static inline
#define ESPER_CALL static
#define ESPER_KERNEL static void
#define ESPER_UNROLL
#define ESPER_UNROLLED_4
#define ESPER_ROLLED
#define ESPER_SHARED_MEMORY(name) unsigned char* const name = ::esper_shim::shared()

namespace esper_shim {

// How a launch runs.
struct Launch {
  int blocks = 1;
  int threads = 256;
  std::size_t shared_bytes = 0;
  // 0: blocks and threads run in order. Otherwise blocks run in an order drawn from it, and after every barrier the
  // threads do, so that a missing barrier changes results.
  std::uint32_t order = 0;
};

// Runs body once for each thread of each block. Throws std::runtime_error naming the place where threads of a block
// diverged: some at one barrier and some at another or at the end, or a warp's lanes at different exchanges; and where
// something was written beyond the shared memory.
void launch(const Launch& launch, const std::function<void()>& body);

// Of the running thread.
int thread_index();
int block_index();
int block_count();
unsigned char* shared();
void block_sync(const char* file, int line);
float lane_exchange(float value, int mask, const char* file, int line);

std::uint16_t float_to_half(float value);
float half_to_float(std::uint16_t value);

}  // namespace esper_shim

namespace esper_device {

using esper_shim::block_count;
using esper_shim::block_index;
using esper_shim::half_to_float;
using esper_shim::thread_index;

static inline unsigned short float_to_half(float value) {
  return esper_shim::float_to_half(value);
}
static inline void block_sync(const char* file = __builtin_FILE(), int line = __builtin_LINE()) {
  esper_shim::block_sync(file, line);
}
static inline float lane_exchange(float value, int mask, const char* file = __builtin_FILE(),
                                  int line = __builtin_LINE()) {
  return esper_shim::lane_exchange(value, mask, file, line);
}
static inline void device_fence() {}
static inline int atomic_add(int* address, int value) {
  const int old = *address;
  *address = old + value;
  return old;
}
static inline float load_shared_result(const float* address) {
  return *address;
}
static inline double load_shared_result(const double* address) {
  return *address;
}
static inline float exp2_approximate(float x) {
  return std::exp2(x);
}
static inline float multiply_add(float a, float b, float c) {
  return a * b + c;
}
static inline float multiply(float a, float b) {
  return a * b;
}
static inline float add(float a, float b) {
  return a + b;
}
static inline float divide(float a, float b) {
  return a / b;
}
static inline float square_root(float x) {
  return std::sqrt(x);
}
static inline unsigned float_bits(float x) {
  unsigned bits;
  std::memcpy(&bits, &x, sizeof bits);
  return bits;
}
static inline float bits_float(unsigned bits) {
  float x;
  std::memcpy(&x, &bits, sizeof x);
  return x;
}

}  // namespace esper_device
