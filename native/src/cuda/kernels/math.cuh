// Elementary functions and activations in float32; the fits are those of the CPU kernels (docs/numerics.md).
#pragma once

#include "intrinsics.cuh"

namespace esper_device {

// e^x with about 2e-7 relative error: the rounding error of x log2(e) is carried along. NaN stays NaN.
ESPER_DEVICE float exponential(float x) {
  float bounded = x < -104.0F ? -104.0F : x;
  bounded = bounded > 89.0F ? 89.0F : bounded;
  const float high = multiply(bounded, 1.44269504F);
  const float low = multiply_add(bounded, 1.92596298e-8F, multiply_add(bounded, 1.44269504F, -high));
  const float power = exp2_approximate(high);
  return multiply(power, multiply_add(low, 0.693147181F, 1.0F));
}

ESPER_DEVICE float sigmoid(float x) {
  return divide(1.0F, 1.0F + exponential(-x));
}

ESPER_DEVICE float absolute(float x) {
  return bits_float(float_bits(x) & 0x7fffffffU);
}

ESPER_DEVICE float hyperbolic_tangent(float x) {
  const float a = absolute(x);
  if (a < 0.625F) {
    const float z = x * x;
    float q = multiply_add(z, -5.704825328e-3F, 2.063895087e-2F);
    q = multiply_add(q, z, -5.373967597e-2F);
    q = multiply_add(q, z, 1.333144176e-1F);
    q = multiply_add(q, z, -3.333328193e-1F);
    return multiply_add(x * z, q, x);
  }
  const float far = 1.0F - divide(2.0F, exponential(a + a) + 1.0F);
  return x < 0.0F ? -far : far;
}

// Distribution and density of the standard normal.
ESPER_DEVICE void normal(float x, float* cdf, float* pdf) {
  const float a = absolute(x);
  const float e = exponential(-0.5F * x * x);
  const float t = divide(1.0F, multiply_add(a, 0.25F, 1.0F));
  float s = multiply_add(t, 2.038250116e-2F, -8.353913449e-2F);
  s = multiply_add(s, t, 1.005405724e-1F);
  s = multiply_add(s, t, -3.671369739e-2F);
  s = multiply_add(s, t, 6.668661161e-2F);
  s = multiply_add(s, t, 5.789871896e-2F);
  s = multiply_add(s, t, 8.183104794e-2F);
  s = multiply_add(s, t, 9.343997154e-2F);
  s = multiply_add(s, t, 9.973786524e-2F);
  s = multiply_add(s, t, 9.973554124e-2F);
  const float tail = e * (s * t);
  *cdf = x < 0.0F ? tail : 1.0F - tail;
  *pdf = e * 3.989422804e-1F;
}

// Value and slope of an esper_activation; -1 is the identity.
ESPER_DEVICE float activate(int activation, float x, float* slope) {
  switch (activation) {
    case 0:  // ReLU; NaN stays NaN.
      *slope = x > 0.0F ? 1.0F : 0.0F;
      return x < 0.0F ? 0.0F : x;
    case 1: {  // GELU
      float cdf;
      float pdf;
      normal(x, &cdf, &pdf);
      *slope = multiply_add(x, pdf, cdf);
      return x * cdf;
    }
    case 2: {  // SiLU
      const float s = sigmoid(x);
      *slope = s * multiply_add(x, 1.0F - s, 1.0F);
      return x * s;
    }
    case 3: {  // tanh
      const float t = hyperbolic_tangent(x);
      *slope = 1.0F - t * t;
      return t;
    }
    case 4: {  // sigmoid
      const float s = sigmoid(x);
      *slope = s * (1.0F - s);
      return s;
    }
    default:
      *slope = 1.0F;
      return x;
  }
}

}  // namespace esper_device
