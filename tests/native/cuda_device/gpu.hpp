// The GPU as tests and benchmarks see it: device memory, streams, events and graphs through the driver API that
// libesper uses too. Failures are exceptions that name the call.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

namespace esper_gpu {

using Address = std::uint64_t;

// X(member, exported symbol, arguments); all return CUresult.
#define ESPER_GPU_CALLS(X)                                                                                      \
  X(init, cuInit, (unsigned flags))                                                                             \
  X(device_get, cuDeviceGet, (int* device, int ordinal))                                                        \
  X(context_retain, cuDevicePrimaryCtxRetain, (void** context, int device))                                     \
  X(context_set, cuCtxSetCurrent, (void* context))                                                              \
  X(context_synchronize, cuCtxSynchronize, ())                                                                  \
  X(memory_allocate, cuMemAlloc_v2, (Address * address, std::size_t bytes))                                     \
  X(memory_free, cuMemFree_v2, (Address address))                                                               \
  X(memory_set, cuMemsetD8Async, (Address address, unsigned char value, std::size_t bytes, void* stream))       \
  X(copy_in, cuMemcpyHtoD_v2, (Address target, const void* source, std::size_t bytes))                          \
  X(copy_out, cuMemcpyDtoH_v2, (void* target, Address source, std::size_t bytes))                               \
  X(copy, cuMemcpyDtoDAsync_v2, (Address target, Address source, std::size_t bytes, void* stream))              \
  X(stream_create, cuStreamCreate, (void** stream, unsigned flags))                                             \
  X(stream_destroy, cuStreamDestroy_v2, (void* stream))                                                         \
  X(stream_synchronize, cuStreamSynchronize, (void* stream))                                                    \
  X(capture_begin, cuStreamBeginCapture_v2, (void* stream, int mode))                                           \
  X(capture_end, cuStreamEndCapture, (void* stream, void** graph))                                              \
  X(graph_instantiate, cuGraphInstantiateWithFlags, (void** executable, void* graph, unsigned long long flags)) \
  X(graph_launch, cuGraphLaunch, (void* executable, void* stream))                                              \
  X(graph_destroy, cuGraphDestroy, (void* graph))                                                               \
  X(executable_destroy, cuGraphExecDestroy, (void* executable))                                                 \
  X(event_create, cuEventCreate, (void** event, unsigned flags))                                                \
  X(event_destroy, cuEventDestroy_v2, (void* event))                                                            \
  X(event_record, cuEventRecord, (void* event, void* stream))                                                   \
  X(event_synchronize, cuEventSynchronize, (void* event))                                                       \
  X(event_elapsed, cuEventElapsedTime, (float* milliseconds, void* start, void* end))

// Device 0 with its primary context current on the calling thread.
class Gpu {
 public:
  // Throws std::runtime_error with the reason where there is no GPU.
  Gpu();

#define ESPER_GPU_MEMBER(member, symbol, arguments) int(*member) arguments = nullptr;
  ESPER_GPU_CALLS(ESPER_GPU_MEMBER)
#undef ESPER_GPU_MEMBER

  // Throws unless result is a success.
  static void check(int result, const char* call);
};

// Device memory that frees itself.
class Memory {
 public:
  Memory(const Gpu& gpu, std::size_t bytes);
  ~Memory();
  Memory(const Memory&) = delete;
  Memory& operator=(const Memory&) = delete;

  Address address() const noexcept { return address_; }
  template <typename T>
  T* as() const noexcept {
    return reinterpret_cast<T*>(static_cast<std::uintptr_t>(address_));
  }
  std::size_t bytes() const noexcept { return bytes_; }

 private:
  const Gpu& gpu_;
  Address address_ = 0;
  std::size_t bytes_;
};

// A stream that destroys itself.
class Stream {
 public:
  explicit Stream(const Gpu& gpu);
  ~Stream();
  Stream(const Stream&) = delete;
  Stream& operator=(const Stream&) = delete;
  void* get() const noexcept { return stream_; }
  void wait() const;

 private:
  const Gpu& gpu_;
  void* stream_ = nullptr;
};

// Conversion to and from the storages of activations, rounding to nearest, ties to even. dtype: esper_dtype.
std::size_t element_bytes(std::int32_t dtype);
std::vector<unsigned char> to_storage(const std::vector<float>& values, std::int32_t dtype);
std::vector<float> from_storage(const std::vector<unsigned char>& bytes, std::int32_t dtype);

}  // namespace esper_gpu
