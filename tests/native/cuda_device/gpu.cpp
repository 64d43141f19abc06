#include "gpu.hpp"

#include <dlfcn.h>

#include <cmath>
#include <cstdlib>
#include <cstring>
#include <limits>
#include <stdexcept>

#include "esper/esper.h"

namespace esper_gpu {
namespace {

constexpr unsigned kNonBlocking = 1;

std::uint16_t to_bfloat16(float value) {
  std::uint32_t bits = 0;
  std::memcpy(&bits, &value, sizeof bits);
  if (std::isnan(value)) {
    return static_cast<std::uint16_t>((bits >> 16) | 0x40U);
  }
  return static_cast<std::uint16_t>((bits + 0x7fffU + ((bits >> 16) & 1U)) >> 16);
}

float from_bfloat16(std::uint16_t half) {
  const std::uint32_t bits = std::uint32_t{half} << 16;
  float value = 0.0F;
  std::memcpy(&value, &bits, sizeof value);
  return value;
}

float from_float16(std::uint16_t half) {
  const int exponent = (half >> 10) & 31;
  const int mantissa = half & 1023;
  float value = 0.0F;
  if (exponent == 31) {
    value = mantissa != 0 ? std::numeric_limits<float>::quiet_NaN() : std::numeric_limits<float>::infinity();
  } else if (exponent == 0) {
    value = std::ldexp(static_cast<float>(mantissa), -24);
  } else {
    value = std::ldexp(static_cast<float>(mantissa + 1024), exponent - 25);
  }
  return (half & 0x8000U) != 0 ? -value : value;
}

std::uint16_t to_float16(float value) {
  const std::uint16_t sign = std::signbit(value) ? 0x8000U : 0U;
  const float size = std::fabs(value);
  if (std::isnan(value)) {
    return static_cast<std::uint16_t>(sign | 0x7e00U);
  }
  if (size >= 65520.0F) {
    return static_cast<std::uint16_t>(sign | 0x7c00U);
  }
  int exponent = 0;
  std::frexp(size, &exponent);
  // Unit in the last place: of subnormals below 2^-14.
  const int unit = exponent - 11 < -24 ? -24 : exponent - 11;
  const float scaled = std::nearbyint(std::ldexp(size, -unit));
  const float rounded = std::ldexp(scaled, unit);
  std::frexp(rounded, &exponent);
  if (rounded < 0x1p-14F) {
    return static_cast<std::uint16_t>(sign | static_cast<std::uint16_t>(std::ldexp(rounded, 24)));
  }
  const auto mantissa = static_cast<std::uint16_t>(std::ldexp(rounded, 11 - exponent) - 1024.0F);
  return static_cast<std::uint16_t>(sign | static_cast<std::uint16_t>((exponent + 14) << 10) | mantissa);
}

}  // namespace

void Gpu::check(int result, const char* call) {
  if (result != 0) {
    throw std::runtime_error(std::string(call) + " failed with CUresult " + std::to_string(result));
  }
}

Gpu::Gpu() {
  const char* named = std::getenv("ESPER_CUDA_DRIVER");
  void* library = dlopen(named != nullptr ? named : "libcuda.so.1", RTLD_NOW | RTLD_LOCAL);
  if (library == nullptr) {
    throw std::runtime_error(std::string("no CUDA driver: ") + dlerror());
  }
#define ESPER_GPU_RESOLVE(member, symbol, arguments)                               \
  member = reinterpret_cast<decltype(member)>(dlsym(library, #symbol));            \
  if (member == nullptr) {                                                         \
    throw std::runtime_error("the CUDA driver has no " #symbol "; it is too old"); \
  }
  ESPER_GPU_CALLS(ESPER_GPU_RESOLVE)
#undef ESPER_GPU_RESOLVE
  int device = 0;
  void* context = nullptr;
  check(init(0), "cuInit");
  check(device_get(&device, 0), "cuDeviceGet");
  check(context_retain(&context, device), "cuDevicePrimaryCtxRetain");
  check(context_set(context), "cuCtxSetCurrent");
}

Memory::Memory(const Gpu& gpu, std::size_t bytes) : gpu_(gpu), bytes_(bytes) {
  Gpu::check(gpu.memory_allocate(&address_, bytes == 0 ? 1 : bytes), "cuMemAlloc");
}

Memory::~Memory() {
  static_cast<void>(gpu_.memory_free(address_));
}

Stream::Stream(const Gpu& gpu) : gpu_(gpu) {
  Gpu::check(gpu.stream_create(&stream_, kNonBlocking), "cuStreamCreate");
}

Stream::~Stream() {
  static_cast<void>(gpu_.stream_destroy(stream_));
}

void Stream::wait() const {
  Gpu::check(gpu_.stream_synchronize(stream_), "cuStreamSynchronize");
}

std::size_t element_bytes(std::int32_t dtype) {
  return dtype == ESPER_DTYPE_FLOAT32 ? 4 : 2;
}

std::vector<unsigned char> to_storage(const std::vector<float>& values, std::int32_t dtype) {
  const std::size_t size = element_bytes(dtype);
  std::vector<unsigned char> bytes(values.size() * size);
  for (std::size_t i = 0; i < values.size(); ++i) {
    if (dtype == ESPER_DTYPE_FLOAT32) {
      std::memcpy(bytes.data() + i * size, &values[i], size);
    } else {
      const std::uint16_t half = dtype == ESPER_DTYPE_FLOAT16 ? to_float16(values[i]) : to_bfloat16(values[i]);
      std::memcpy(bytes.data() + i * size, &half, size);
    }
  }
  return bytes;
}

std::vector<float> from_storage(const std::vector<unsigned char>& bytes, std::int32_t dtype) {
  const std::size_t size = element_bytes(dtype);
  std::vector<float> values(bytes.size() / size);
  for (std::size_t i = 0; i < values.size(); ++i) {
    if (dtype == ESPER_DTYPE_FLOAT32) {
      std::memcpy(&values[i], bytes.data() + i * size, size);
    } else {
      std::uint16_t half = 0;
      std::memcpy(&half, bytes.data() + i * size, size);
      values[i] = dtype == ESPER_DTYPE_FLOAT16 ? from_float16(half) : from_bfloat16(half);
    }
  }
  return values;
}

}  // namespace esper_gpu
