// What a step measures: positions in a readback that is read once.
#pragma once

#include "session.h"

namespace esper::host {

struct Session::Measures {
  explicit Measures(const Device& device) : numbers(device) {}

  // Numbers of one attached seed's telemetry.
  struct Seed {
    size_t site;
    size_t seed;
    size_t parameter_gradient;  // Sums of squares, as the rest.
    size_t parameter;
    size_t host_gradient;
    size_t host_parameter;
  };

  Readback numbers;
  size_t loss = 0;
  int64_t examples = 0;
  bool predicted = false;
  size_t totals = 0;     // Number of correct ones, sum of the margins.
  size_t gradients = 0;  // Squares of gradient_count gradients.
  size_t gradient_count = 0;
  std::vector<Seed> seeds;
  std::vector<size_t> device_sums;  // By site; only those whose device_sums are defined count.
};

}  // namespace esper::host
