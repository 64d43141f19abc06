#include "square_sum.h"

#if defined(__x86_64__) && defined(__GNUC__) && !defined(__clang__)
#define ESPER_CLONES __attribute__((target_clones("arch=skylake-avx512", "arch=haswell", "default")))
#else
#define ESPER_CLONES
#endif

namespace esper::host {

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
