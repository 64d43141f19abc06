#include "update_kernels.h"

#include <cmath>

#if defined(__x86_64__) && defined(__GNUC__) && !defined(__clang__)
#define ESPER_CLONES __attribute__((target_clones("arch=skylake-avx512", "arch=haswell", "default")))
#else
#define ESPER_CLONES
#endif

namespace esper::host {

ESPER_CLONES void sgd_update(float* parameter, const float* gradient, float* buffer, int64_t count,
                             const SgdUpdate& update) {
  const SgdUpdate u = update;
  if (buffer == nullptr) {
    for (int64_t i = 0; i < count; ++i) {
      const float d = u.gradient_scale * gradient[i] + u.weight_decay * parameter[i];
      parameter[i] -= u.learning_rate * d;
    }
    return;
  }
  for (int64_t i = 0; i < count; ++i) {
    const float d = u.gradient_scale * gradient[i] + u.weight_decay * parameter[i];
    const float m = u.momentum * buffer[i] + d;
    buffer[i] = m;
    parameter[i] -= u.learning_rate * (u.nesterov ? d + u.momentum * m : m);
  }
}

ESPER_CLONES void adamw_update(float* parameter, const float* gradient, float* mean, float* square, int64_t count,
                               const AdamwUpdate& update) {
  const AdamwUpdate u = update;
  for (int64_t i = 0; i < count; ++i) {
    const float g = u.gradient_scale * gradient[i];
    const float m = u.beta1 * mean[i] + u.one_minus_beta1 * g;
    const float v = u.beta2 * square[i] + u.one_minus_beta2 * (g * g);
    mean[i] = m;
    square[i] = v;
    const float denominator = std::sqrt(v) / u.root_correction + u.epsilon;
    parameter[i] = parameter[i] * u.decay - u.step_size * (m / denominator);
  }
}

ESPER_CLONES double square_sum(const float* data, int64_t count) {
  constexpr int kLanes = 16;
  double lanes[kLanes] = {};
  int64_t i = 0;
  for (; i + kLanes <= count; i += kLanes) {
    for (int lane = 0; lane < kLanes; ++lane) {
      const auto value = static_cast<double>(data[i + lane]);
      lanes[lane] += value * value;
    }
  }
  for (; i < count; ++i) lanes[i % kLanes] += static_cast<double>(data[i]) * static_cast<double>(data[i]);
  double sum = 0.0;
  for (double lane : lanes) sum += lane;
  return sum;
}

}  // namespace esper::host
