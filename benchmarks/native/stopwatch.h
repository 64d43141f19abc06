// Wall-clock time, and medians of samples of it.
#pragma once

#include <algorithm>
#include <chrono>
#include <cmath>
#include <vector>

namespace esper::bench {

class Stopwatch {
 public:
  double seconds() const { return std::chrono::duration<double>(std::chrono::steady_clock::now() - start_).count(); }

 private:
  std::chrono::steady_clock::time_point start_ = std::chrono::steady_clock::now();
};

// Quartiles of samples, interpolated between neighbours, and the extremes.
struct Quartiles {
  double least, low, median, high, most;
};

inline Quartiles quartiles(std::vector<double> samples) {
  std::sort(samples.begin(), samples.end());
  const auto at = [&](double share) {
    const double place = share * static_cast<double>(samples.size() - 1);
    const auto below = static_cast<std::size_t>(place);
    const std::size_t above = std::min(below + 1, samples.size() - 1);
    return samples[below] + (place - std::floor(place)) * (samples[above] - samples[below]);
  };
  return {samples.front(), at(0.25), at(0.5), at(0.75), samples.back()};
}

inline double median(std::vector<double> samples) {
  return quartiles(std::move(samples)).median;
}

}  // namespace esper::bench
