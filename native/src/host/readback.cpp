#include "readback.h"

#include <algorithm>

#include "optimizer.h"

namespace esper::host {

size_t Readback::add(double number) {
  values_.push_back(number);
  return values_.size() - 1;
}

size_t Readback::add(const at::Tensor& numbers) {
  const size_t place = values_.size();
  const at::Tensor flat = numbers.detach().reshape({-1}).to(at::kDouble).contiguous();
  values_.resize(place + static_cast<size_t>(flat.numel()));
  if (device_.on_cpu()) {
    std::copy_n(flat.data_ptr<double>(), flat.numel(), values_.begin() + static_cast<std::ptrdiff_t>(place));
  } else if (flat.numel() > 0) {
    pending_.push_back(flat);
    pending_places_.push_back(place);
  }
  return place;
}

size_t Readback::add_square_sum(const at::Tensor& values) {
  if (device_.on_cpu()) return add(gradient_square_sum(values));
  // Accumulated in double: the squares of floats neither overflow nor vanish.
  const at::Tensor norm = at::linalg_vector_norm(values.detach(), 2, at::OptionalIntArrayRef(), false, at::kDouble);
  return add(norm.square());
}

void Readback::read() {
  if (pending_.empty()) return;
  const at::Tensor host = at::cat(pending_).cpu();
  const double* source = host.data_ptr<double>();
  for (size_t i = 0; i < pending_.size(); ++i) {
    const int64_t count = pending_[i].numel();
    std::copy_n(source, count, values_.begin() + static_cast<std::ptrdiff_t>(pending_places_[i]));
    source += count;
  }
  pending_.clear();
  pending_places_.clear();
}

}  // namespace esper::host
