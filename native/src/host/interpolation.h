// Interpolation along one axis as ONNX's Resize defines it: which elements an output element is made of, and how much
// of each.
#pragma once

#include <cstdint>
#include <vector>

namespace esper::host {

enum class ResizeMode { kNearest, kLinear, kCubic };
enum class Coordinates {
  kHalfPixel,
  kHalfPixelSymmetric,
  kPytorchHalfPixel,
  kAlignCorners,
  kAsymmetric,
};
enum class NearestMode { kRoundPreferFloor, kRoundPreferCeil, kFloor, kCeil };

struct Interpolation {
  ResizeMode mode = ResizeMode::kNearest;
  Coordinates coordinates = Coordinates::kHalfPixel;
  NearestMode nearest = NearestMode::kRoundPreferFloor;
  double cubic_coefficient = -0.75;
  bool exclude_outside = false;  // Cubic: what lies outside has no weight, rather than that of the edge.
};

struct ResizedAxis {
  int64_t from = 0;    // Extent of the input.
  int64_t to = 0;      // Extent of the output.
  float scale = 1.0F;  // Output over input, as given or as the extents have it.
};

// One of the elements that make an output element: by output position, its index in [0, from) and its weight.
struct Tap {
  std::vector<int64_t> index;
  std::vector<double> weight;  // Empty where it is 1 throughout.
};

// One tap for nearest, two for linear, four for cubic.
std::vector<Tap> interpolation_taps(const Interpolation& interpolation, const ResizedAxis& axis);

}  // namespace esper::host
