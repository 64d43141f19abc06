// Batch normalisation over rows of contiguous channels, with an optional ReLU behind it, as an autograd function.
#pragma once

#include "torch.h"

namespace esper::host {

struct BatchNormOptions {
  double epsilon = 1e-5;
  double momentum = 0.9;          // running = momentum * running + (1 - momentum) * batch
  bool batch_statistics = false;  // Normalise with the batch's statistics and update the running ones.
  bool relu = false;
};

// Whether x lies in memory as [rows][channels]: a matrix [N, C] or a channels-last image, float32.
bool batch_norm_applies(const at::Tensor& x);

// x as batch_norm_applies asks; gamma, beta, mean, variance: [C]. mean and variance (the running statistics, variance
// unbiased) are updated in place when options.batch_statistics.
at::Tensor batch_norm(const at::Tensor& x, const at::Tensor& gamma, const at::Tensor& beta, const at::Tensor& mean,
                      const at::Tensor& variance, const BatchNormOptions& options);

}  // namespace esper::host
