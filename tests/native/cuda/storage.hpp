// Tensors in a storage dtype, for tests.
#pragma once

#include <cstdint>
#include <cstring>
#include <vector>

#include "../cuda_shim/shim.hpp"
#include "esper/esper.h"

namespace esper_test {

inline std::size_t element_bytes(int32_t dtype) {
  return dtype == ESPER_DTYPE_FLOAT32 ? 4 : 2;
}

// Nearest value of the dtype, ties to even.
inline float rounded(int32_t dtype, float value) {
  if (dtype == ESPER_DTYPE_FLOAT16) {
    return esper_shim::half_to_float(esper_shim::float_to_half(value));
  }
  if (dtype == ESPER_DTYPE_BFLOAT16) {
    uint32_t bits;
    std::memcpy(&bits, &value, sizeof bits);
    bits = (bits + 0x7FFFU + ((bits >> 16) & 1U)) & 0xFFFF0000U;
    std::memcpy(&value, &bits, sizeof bits);
  }
  return value;
}

// The bytes of a tensor.
inline std::vector<unsigned char> encode(int32_t dtype, const std::vector<float>& values) {
  std::vector<unsigned char> bytes(values.size() * element_bytes(dtype));
  for (std::size_t i = 0; i < values.size(); ++i) {
    if (dtype == ESPER_DTYPE_FLOAT32) {
      std::memcpy(&bytes[4 * i], &values[i], 4);
    } else if (dtype == ESPER_DTYPE_FLOAT16) {
      const uint16_t half = esper_shim::float_to_half(values[i]);
      std::memcpy(&bytes[2 * i], &half, 2);
    } else {
      const float value = rounded(dtype, values[i]);
      uint32_t bits;
      std::memcpy(&bits, &value, 4);
      const auto upper = static_cast<uint16_t>(bits >> 16);
      std::memcpy(&bytes[2 * i], &upper, 2);
    }
  }
  return bytes;
}

inline std::vector<float> decode(int32_t dtype, const unsigned char* bytes, std::size_t count) {
  std::vector<float> values(count);
  for (std::size_t i = 0; i < count; ++i) {
    if (dtype == ESPER_DTYPE_FLOAT32) {
      std::memcpy(&values[i], bytes + 4 * i, 4);
      continue;
    }
    uint16_t half;
    std::memcpy(&half, bytes + 2 * i, 2);
    if (dtype == ESPER_DTYPE_FLOAT16) {
      values[i] = esper_shim::half_to_float(half);
    } else {
      const uint32_t bits = static_cast<uint32_t>(half) << 16;
      std::memcpy(&values[i], &bits, 4);
    }
  }
  return values;
}

}  // namespace esper_test
