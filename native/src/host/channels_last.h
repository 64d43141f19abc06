// Helpers around the channels-last memory format.
#pragma once

#include "torch.h"

namespace esper::host {

// Whether x is a dense float image [N, C, H, W] whose channels are contiguous in memory.
inline bool is_channels_last_float(const at::Tensor& x) {
  return x.dim() == 4 && x.scalar_type() == at::kFloat && x.is_contiguous(at::MemoryFormat::ChannelsLast);
}

// x with channels-last strides; a copy only where the memory order really differs. Tensors that are not images come
// back as they are.
inline at::Tensor to_channels_last(const at::Tensor& x) {
  if (x.dim() != 4) return x;
  if (!x.is_contiguous(at::MemoryFormat::ChannelsLast)) return x.contiguous(at::MemoryFormat::ChannelsLast);
  // With one channel or one position both orders coincide, and libtorch would carry on in the other one.
  const int64_t c = x.size(1), h = x.size(2), w = x.size(3);
  if (x.stride(1) == 1 || x.requires_grad()) return x;
  return x.as_strided(x.sizes(), {h * w * c, 1, w * c, c});
}

}  // namespace esper::host
