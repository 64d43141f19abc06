// One seed's module over one image, in double precision: the oracle's mathematics for gate and depthwise, whose values
// at a position depend on other positions of the same batch item.
#pragma once

#include <cstdint>
#include <vector>

#include "esper/esper.h"

namespace esper::reference {

// Values of a chunk over one batch item: [C][positions].
struct Image {
  std::int64_t positions;
  std::int64_t width;  // Columns; positions = height * width.
  std::vector<double> values;

  double& at(std::int64_t row, std::int64_t position) {
    return values[static_cast<std::size_t>(row * positions + position)];
  }
  double at(std::int64_t row, std::int64_t position) const {
    return values[static_cast<std::size_t>(row * positions + position)];
  }
};

// What the module computes: pre and hidden are [R][1] for gate and [C][positions] for depthwise.
struct ImageModule {
  std::vector<double> mean;  // [C] gate
  std::vector<double> gate;  // [C] tanh(s / 2) of gate
  Image pre;
  Image hidden;
  Image g;
};

// p: the seed's parameters.
ImageModule evaluate_image(const esper_lattice_seed& seed, const double* p, const Image& x);

// Adds the gradients of the module's parameters to dtheta and that of x to dx, for the upstream gradient e of g(x).
void differentiate_image(const esper_lattice_seed& seed, const double* p, const Image& x, const ImageModule& at,
                         const Image& e, std::vector<double>* dtheta, Image* dx);

}  // namespace esper::reference
