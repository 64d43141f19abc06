// The part of the CUDA driver API that libesper calls, declared from its public documentation: values and signatures
// are the binary interface of libcuda and never change; where the API has versions of a function, the newest that
// every driver since CUDA 11 exports.
#pragma once

#include <cstddef>
#include <cstdint>

#if defined(_WIN32)
#define ESPER_CUDA_CALL __stdcall
#else
#define ESPER_CUDA_CALL
#endif

namespace esper::cuda {

using CuResult = int;
using CuDevice = int;
using CuDevicePointer = std::uint64_t;
using CuContext = struct CuContextTag*;
using CuModule = struct CuModuleTag*;
using CuFunction = struct CuFunctionTag*;
using CuStream = struct CuStreamTag*;
using CuEvent = struct CuEventTag*;

// CUresult.
constexpr CuResult kCuSuccess = 0;
constexpr CuResult kCuInvalidValue = 1;
constexpr CuResult kCuOutOfMemory = 2;
constexpr CuResult kCuNoDevice = 100;
constexpr CuResult kCuInvalidDevice = 101;
constexpr CuResult kCuInvalidImage = 200;
constexpr CuResult kCuNotReady = 600;

// CUdevice_attribute.
constexpr int kCuMultiprocessorCount = 16;
constexpr int kCuCapabilityMajor = 75;
constexpr int kCuCapabilityMinor = 76;
constexpr int kCuSharedMemoryPerBlockOptin = 97;

// CUfunction_attribute.
constexpr int kCuMaxDynamicSharedSize = 8;

// CUjit_option: where the driver's compiler writes why it failed, and how much room there is.
constexpr int kCuJitErrorLog = 5;
constexpr int kCuJitErrorLogSize = 6;

// CUevent_flags, CUstream_flags, CUmemhostalloc flags, CUstreamCaptureStatus.
constexpr unsigned kCuEventDisableTiming = 2;
constexpr unsigned kCuStreamNonBlocking = 1;
constexpr unsigned kCuHostPortable = 1;
constexpr int kCuCaptureNone = 0;

// X(member, exported symbol, arguments); all return CUresult.
#define ESPER_CUDA_DRIVER_CALLS(X)                                                                                   \
  X(init, cuInit, (unsigned flags))                                                                                  \
  X(driver_version, cuDriverGetVersion, (int* version))                                                              \
  X(error_name, cuGetErrorName, (CuResult error, const char** text))                                                 \
  X(error_string, cuGetErrorString, (CuResult error, const char** text))                                             \
  X(count_devices, cuDeviceGetCount, (int* count))                                                                   \
  X(device_get, cuDeviceGet, (CuDevice * device, int ordinal))                                                       \
  X(device_name, cuDeviceGetName, (char* name, int length, CuDevice device))                                         \
  X(device_attribute, cuDeviceGetAttribute, (int* value, int attribute, CuDevice device))                            \
  X(device_memory, cuDeviceTotalMem_v2, (std::size_t * bytes, CuDevice device))                                      \
  X(context_retain, cuDevicePrimaryCtxRetain, (CuContext * context, CuDevice device))                                \
  X(context_release, cuDevicePrimaryCtxRelease_v2, (CuDevice device))                                                \
  X(context_current, cuCtxGetCurrent, (CuContext * context))                                                         \
  X(context_set, cuCtxSetCurrent, (CuContext context))                                                               \
  X(context_push, cuCtxPushCurrent_v2, (CuContext context))                                                          \
  X(context_pop, cuCtxPopCurrent_v2, (CuContext * context))                                                          \
  X(module_load, cuModuleLoadDataEx,                                                                                 \
    (CuModule * module, const void* image, unsigned option_count, int* options, void** values))                      \
  X(module_unload, cuModuleUnload, (CuModule module))                                                                \
  X(module_function, cuModuleGetFunction, (CuFunction * function, CuModule module, const char* name))                \
  X(module_global, cuModuleGetGlobal_v2,                                                                             \
    (CuDevicePointer * address, std::size_t * bytes, CuModule module, const char* name))                             \
  X(function_set, cuFuncSetAttribute, (CuFunction function, int attribute, int value))                               \
  X(occupancy, cuOccupancyMaxActiveBlocksPerMultiprocessor,                                                          \
    (int* blocks, CuFunction function, int threads, std::size_t shared_bytes))                                       \
  X(memory_allocate, cuMemAlloc_v2, (CuDevicePointer * address, std::size_t bytes))                                  \
  X(memory_free, cuMemFree_v2, (CuDevicePointer address))                                                            \
  X(memory_set, cuMemsetD8Async, (CuDevicePointer address, unsigned char value, std::size_t bytes, CuStream stream)) \
  X(host_allocate, cuMemHostAlloc, (void** address, std::size_t bytes, unsigned flags))                              \
  X(host_free, cuMemFreeHost, (void* address))                                                                       \
  X(copy_to_device, cuMemcpyHtoDAsync_v2,                                                                            \
    (CuDevicePointer target, const void* source, std::size_t bytes, CuStream stream))                                \
  X(event_create, cuEventCreate, (CuEvent * event, unsigned flags))                                                  \
  X(event_destroy, cuEventDestroy_v2, (CuEvent event))                                                               \
  X(event_record, cuEventRecord, (CuEvent event, CuStream stream))                                                   \
  X(event_query, cuEventQuery, (CuEvent event))                                                                      \
  X(event_synchronize, cuEventSynchronize, (CuEvent event))                                                          \
  X(context_synchronize, cuCtxSynchronize, ())                                                                       \
  X(stream_create, cuStreamCreate, (CuStream * stream, unsigned flags))                                              \
  X(stream_destroy, cuStreamDestroy_v2, (CuStream stream))                                                           \
  X(stream_synchronize, cuStreamSynchronize, (CuStream stream))                                                      \
  X(stream_capturing, cuStreamIsCapturing, (CuStream stream, int* status))                                           \
  X(launch, cuLaunchKernel,                                                                                          \
    (CuFunction function, unsigned grid_x, unsigned grid_y, unsigned grid_z, unsigned block_x, unsigned block_y,     \
     unsigned block_z, unsigned shared_bytes, CuStream stream, void** parameters, void** extra))

}  // namespace esper::cuda
