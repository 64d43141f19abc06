// Optimizer updates and norms over raw floats. No libtorch here; no contraction, so that all instruction sets agree.
#pragma once

#include <cstdint>

namespace esper::host {

struct SgdUpdate {
  float learning_rate, weight_decay, momentum;
  float gradient_scale;  // Clipping factor; 1 = none.
  bool nesterov;
};

// d = scale g + wd p; m = momentum m + d; p -= lr (nesterov ? d + momentum m : m). buffer NULL = no momentum.
void sgd_update(float* parameter, const float* gradient, float* buffer, int64_t count, const SgdUpdate& update);

struct AdamwUpdate {
  float decay;            // 1 - lr wd
  float beta1, beta2;
  float one_minus_beta1, one_minus_beta2;
  float step_size;        // lr / (1 - beta1^t)
  float root_correction;  // sqrt(1 - beta2^t)
  float epsilon;
  float gradient_scale;
};

// p *= decay; m = b1 m + (1 - b1) g; v = b2 v + (1 - b2) g^2; p -= step_size m / (sqrt(v) / root_correction + epsilon).
void adamw_update(float* parameter, const float* gradient, float* mean, float* square, int64_t count,
                  const AdamwUpdate& update);

// Sum of squares in double: 16 interleaved partial sums, added in order.
double square_sum(const float* data, int64_t count);

}  // namespace esper::host
