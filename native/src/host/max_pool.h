// Maximum pooling of channels-last images as an autograd function.
#pragma once

#include "torch.h"

namespace esper::host {

struct PoolWindow {
  int64_t kernel_height, kernel_width;
  int64_t stride_height, stride_width;
  int64_t pad_height, pad_width;

  int64_t output_height(int64_t height) const { return extent(height, kernel_height, stride_height, pad_height); }
  int64_t output_width(int64_t width) const { return extent(width, kernel_width, stride_width, pad_width); }

 private:
  static int64_t extent(int64_t size, int64_t kernel, int64_t stride, int64_t pad) {
    return size + 2 * pad < kernel ? 0 : (size + 2 * pad - kernel) / stride + 1;
  }
};

// x: [N, C, H, W] float, channels-last; the result likewise. Same values and gradients as torch::max_pool2d.
at::Tensor max_pool(const at::Tensor& x, const PoolWindow& window);

}  // namespace esper::host
