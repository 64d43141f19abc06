// Numbers that a step measures, read from the device together: one wait a step.
#pragma once

#include <vector>

#include "device.h"

namespace esper::host {

class Readback {
 public:
  explicit Readback(const Device& device) : device_(device) {}
  // Each returns the position of its first number; numbers are known after read().
  size_t add(double number);
  // All elements of a tensor of any type, in row-major order.
  size_t add(const at::Tensor& numbers);
  // Sum of the squares of a contiguous float32 tensor, in double; the same bits for the same number of threads.
  size_t add_square_sum(const at::Tensor& values);
  // Copies what is still on the device; the one wait.
  void read();
  double operator[](size_t position) const { return values_[position]; }

 private:
  const Device& device_;
  std::vector<double> values_;
  std::vector<at::Tensor> pending_;     // On the device, flat, double.
  std::vector<size_t> pending_places_;  // Where in values_ each goes.
};

}  // namespace esper::host
