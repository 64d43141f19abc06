#include "lattice_function.h"

#include <sstream>

namespace esper::host {

bool fits_lattice(int32_t layout, int32_t channels, const at::Tensor& x) {
  const bool tokens = layout == ESPER_LAYOUT_TOKENS;
  return x.dim() >= (tokens ? 1 : 2) && x.size(tokens ? -1 : 1) == channels;
}

std::string expected_shape(int32_t layout, int32_t channels) {
  std::ostringstream shape;
  if (layout == ESPER_LAYOUT_TOKENS) {
    shape << "[..., " << channels << "]";
  } else {
    shape << "[N, " << channels << ", ...]";
  }
  return shape.str();
}

Placement place(int32_t layout, int32_t channels, const at::Tensor& x) {
  Placement placement;
  esper_shape& shape = placement.shape;
  shape.struct_size = sizeof(shape);
  shape.layout = ESPER_LAYOUT_TOKENS;
  shape.batch = x.dim() > 1 ? x.size(0) : 1;
  const int64_t others = shape.batch * channels;
  shape.positions = others == 0 ? 0 : x.numel() / others;
  if (x.dim() == 4) shape.width = x.size(layout == ESPER_LAYOUT_TOKENS ? 2 : 3);
  if (layout == ESPER_LAYOUT_TOKENS || x.dim() == 2) return placement;
  if (x.dim() == 4 && x.is_contiguous(at::MemoryFormat::ChannelsLast) && x.stride(1) == 1) {
    placement.format = at::MemoryFormat::ChannelsLast;
  } else {
    shape.layout = ESPER_LAYOUT_NCHW;
  }
  return placement;
}

at::Tensor differentiated_once(const at::Tensor& gradient) {
  // Gradients are recorded only under create_graph; ordinary training passes through.
  if (!gradient.defined() || !at::GradMode::is_enabled()) return gradient;
  const auto barrier = std::make_shared<torch::autograd::DelayedError>(
      "the lattice has first derivatives only; compute this loss without create_graph=True through it", 1);
  return (*barrier)({gradient.detach().requires_grad_(true)})[0];
}

}  // namespace esper::host
