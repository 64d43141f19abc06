// Elements of the tensors: float32, float16 or bfloat16 as ESPER_STORAGE says, always computed on as float32.
#pragma once

#include "intrinsics.cuh"

namespace esper_device {

struct alignas(16) Float4 {
  float v[4];
};
// 16 bytes of a tensor as they are in memory.
struct alignas(16) Raw {
  unsigned word[4];
};

#if ESPER_STORAGE == 0
typedef float Element;
constexpr int kVector = 4;  // Elements in 16 bytes.

ESPER_DEVICE unsigned element_bits(Element x) {
  return float_bits(x);
}
ESPER_DEVICE Element bits_element(unsigned x) {
  return bits_float(x);
}
ESPER_DEVICE float widen(Element x) {
  return x;
}
ESPER_DEVICE Element narrow(float x) {
  return x;
}
ESPER_DEVICE void unpack(const Raw& raw, float (&values)[kVector]) {
  ESPER_UNROLL
  for (int i = 0; i < 4; ++i) {
    values[i] = bits_float(raw.word[i]);
  }
}
ESPER_DEVICE Raw pack(const float (&values)[kVector]) {
  Raw raw;
  ESPER_UNROLL
  for (int i = 0; i < 4; ++i) {
    raw.word[i] = float_bits(values[i]);
  }
  return raw;
}
#else
typedef unsigned short Element;
constexpr int kVector = 8;

ESPER_DEVICE unsigned element_bits(Element x) {
  return x;
}
ESPER_DEVICE Element bits_element(unsigned x) {
  return static_cast<Element>(x);
}

#if ESPER_STORAGE == 1
ESPER_DEVICE float widen(Element x) {
  return half_to_float(x);
}
ESPER_DEVICE Element narrow(float x) {
  return float_to_half(x);
}
#else
ESPER_DEVICE float widen(Element x) {
  return bits_float(static_cast<unsigned>(x) << 16);
}
// Round to nearest, ties to even; NaN stays NaN. In integers, so that it needs no sm_80.
ESPER_DEVICE Element narrow(float x) {
  const unsigned bits = float_bits(x);
  if ((bits & 0x7fffffffU) > 0x7f800000U) {
    return static_cast<Element>((bits >> 16) | 0x40U);
  }
  return static_cast<Element>((bits + 0x7fffU + ((bits >> 16) & 1U)) >> 16);
}
#endif

ESPER_DEVICE void unpack(const Raw& raw, float (&values)[kVector]) {
  ESPER_UNROLL
  for (int i = 0; i < 4; ++i) {
    values[2 * i] = widen(static_cast<Element>(raw.word[i] & 0xffffU));
    values[2 * i + 1] = widen(static_cast<Element>(raw.word[i] >> 16));
  }
}
ESPER_DEVICE Raw pack(const float (&values)[kVector]) {
  Raw raw;
  ESPER_UNROLL
  for (int i = 0; i < 4; ++i) {
    raw.word[i] =
        static_cast<unsigned>(narrow(values[2 * i])) | (static_cast<unsigned>(narrow(values[2 * i + 1])) << 16);
  }
  return raw;
}
#endif

// Whether 16-byte accesses from this address on are aligned.
ESPER_DEVICE bool aligned16(const void* address) {
  return (reinterpret_cast<unsigned long long>(address) & 15ULL) == 0;
}

}  // namespace esper_device
