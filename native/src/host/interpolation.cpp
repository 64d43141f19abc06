#include "interpolation.h"

#include <algorithm>
#include <cmath>

namespace esper::host {
namespace {

// The input's coordinate of output position i. Nearest neighbours are sought in float32, as the runtimes of exported
// models do: whether 3 / 0.6 is 5 decides about a whole element.
template <class Real>
Real coordinate(Coordinates mode, const ResizedAxis& axis, int64_t i) {
  const Real place = static_cast<Real>(i);
  const Real scale = static_cast<Real>(axis.scale);
  const Real half = static_cast<Real>(0.5);
  switch (mode) {
    case Coordinates::kAsymmetric:
      return place / scale;
    case Coordinates::kAlignCorners:
      return axis.to == 1 ? Real{0} : place * static_cast<Real>(axis.from - 1) / static_cast<Real>(axis.to - 1);
    case Coordinates::kPytorchHalfPixel:
      return axis.to == 1 ? Real{0} : (place + half) / scale - half;
    case Coordinates::kHalfPixelSymmetric: {
      const Real center = static_cast<Real>(axis.from) * half;
      const Real share = static_cast<Real>(axis.to) / (scale * static_cast<Real>(axis.from));
      return center * (Real{1} - share) + (place + half) / scale - half;
    }
    default:
      return (place + half) / scale - half;
  }
}

float nearest(NearestMode mode, float x) {
  switch (mode) {
    case NearestMode::kFloor:
      return std::floor(x);
    case NearestMode::kCeil:
      return std::ceil(x);
    case NearestMode::kRoundPreferCeil:
      return std::floor(x + 0.5F);
    default:
      return std::ceil(x - 0.5F);
  }
}

int64_t inside(int64_t index, int64_t extent) {
  return std::clamp<int64_t>(index, 0, extent - 1);
}

// Keys' cubic convolution kernel at a distance from the coordinate.
double cubic_weight(double a, double distance) {
  const double d = std::abs(distance);
  return d <= 1.0 ? ((a + 2.0) * d - (a + 3.0)) * d * d + 1.0 : ((a * d - 5.0 * a) * d + 8.0 * a) * d - 4.0 * a;
}

Tap nearest_tap(const Interpolation& interpolation, const ResizedAxis& axis) {
  Tap tap;
  for (int64_t i = 0; i < axis.to; ++i) {
    const auto x = coordinate<float>(interpolation.coordinates, axis, i);
    tap.index.push_back(inside(static_cast<int64_t>(nearest(interpolation.nearest, x)), axis.from));
  }
  return tap;
}

// Linear takes the elements at 0 and 1 from the one before the coordinate, cubic those at -1 to 2.
std::vector<Tap> weighted_taps(const Interpolation& interpolation, const ResizedAxis& axis) {
  const bool cubic = interpolation.mode == ResizeMode::kCubic;
  const int64_t first = cubic ? -1 : 0;
  const int64_t count = cubic ? 4 : 2;
  std::vector<Tap> taps(static_cast<size_t>(count));
  for (int64_t i = 0; i < axis.to; ++i) {
    const auto x = coordinate<double>(interpolation.coordinates, axis, i);
    const auto before = static_cast<int64_t>(std::floor(x));
    double total = 0.0;
    std::vector<double> weights;
    for (int64_t k = first; k < first + count; ++k) {
      const double distance = x - static_cast<double>(before + k);
      const bool out = before + k < 0 || before + k >= axis.from;
      const double weight = cubic ? cubic_weight(interpolation.cubic_coefficient, distance) : 1.0 - std::abs(distance);
      weights.push_back(cubic && interpolation.exclude_outside && out ? 0.0 : weight);
      total += weights.back();
    }
    for (int64_t k = 0; k < count; ++k) {
      Tap& tap = taps[static_cast<size_t>(k)];
      tap.index.push_back(inside(before + first + k, axis.from));
      tap.weight.push_back(weights[static_cast<size_t>(k)] / (interpolation.exclude_outside ? total : 1.0));
    }
  }
  return taps;
}

}  // namespace

std::vector<Tap> interpolation_taps(const Interpolation& interpolation, const ResizedAxis& axis) {
  if (interpolation.mode == ResizeMode::kNearest) return {nearest_tap(interpolation, axis)};
  return weighted_taps(interpolation, axis);
}

}  // namespace esper::host
