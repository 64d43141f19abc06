// The optimizer's arithmetic as plain data, for the kernels of every backend. Included by files compiled for one
// instruction set and by device launchers: nothing but PODs.
//
// Order of operations, each a float32 operation rounded to nearest by itself, none fused with another. The result is
// the same to the bit on every backend. g is the element of gradient, p of parameters, m of first, v of second.
//
//   SGD     d = (gradient_scale * g) + (weight_decay * p)
//           plain     u = d
//           momentum  m = (momentum * m) + d;  u = m
//           nesterov  m = (momentum * m) + d;  u = d + (momentum * m)
//           p = p - (rate * u)
//   AdamW   h = gradient_scale * g
//           m = (beta1 * m) + (one_minus_beta1 * h)
//           v = (beta2 * v) + (one_minus_beta2 * (h * h))
//           p = (p * decay) - (rate * (m / ((sqrt(v) / root_correction) + epsilon)))
//
// No term is left out where its factor is 0 or 1: a NaN or an infinity passes through as written here.
#pragma once

#include <cstdint>

namespace esper::optimizer {

enum class Rule : std::int32_t { kPlain, kMomentum, kNesterov, kAdamw };

// What all segments of a step share.
struct Coefficients {
  Rule rule;
  float gradient_scale;
  float weight_decay;  // The kernels of SGD read it; AdamW has it in Rates::decay.
  float momentum;
  float beta1;
  float beta2;
  float one_minus_beta1;  // 1 - beta1, subtracted in double, then rounded.
  float one_minus_beta2;
  float epsilon;
};

// What a segment has of its own. Computed in double, then rounded.
struct Rates {
  float rate;             // SGD: lr. AdamW: lr / (1 - beta1^t).
  float decay;            // AdamW: 1 - lr * weight_decay.
  float root_correction;  // AdamW: sqrt(1 - beta2^t).
};

// A run of elements with the same rates.
struct Span {
  std::int64_t offset;
  std::int64_t count;
  Rates rates;
};

// The arrays of a step. first is nullptr for kPlain, second for every rule but kAdamw.
struct Arrays {
  float* parameters;
  const float* gradient;
  float* first;
  float* second;
};

// Arguments of an update kernel.
struct UpdateCall {
  const Coefficients* coefficients;
  Arrays arrays;
  const Span* spans;
  std::int32_t span_count;
};

}  // namespace esper::optimizer
