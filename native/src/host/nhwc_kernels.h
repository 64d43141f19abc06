// Kernels over rows of contiguous channels: [rows][channels] floats, which is what channels-last images and token
// matrices are in memory. No libtorch here. Multiplications and additions are never contracted, so that every
// instruction set and every fused variant gives the same bits.
#pragma once

#include <cstdint>

namespace esper::host::nhwc {

// Window of a two-dimensional pooling over images [height][width][channels].
struct PoolShape {
  int64_t height, width, channels;
  int64_t output_height, output_width;
  int64_t kernel_height, kernel_width;
  int64_t stride_height, stride_width;
  int64_t pad_height, pad_width;
};

// Per channel, what normalisation needs: y = (x - mean) * scale + offset.
struct Affine {
  const float* mean;
  const float* scale;
  const float* offset;
};

// Adds sum and sum of squares of (x - shift) per channel to sum and square.
void statistics(const float* x, int64_t rows, int64_t channels, const float* shift, double* sum, double* square);

// y = (x - mean) * scale + offset, followed by max(., 0) (NaN stays NaN) if relu. y may be x.
void normalize(const float* x, float* y, int64_t rows, int64_t channels, const Affine& affine, bool relu);

// Adds sum dy and sum dy (x - mean) per channel, dy counting as 0 where relu cut the output off.
void gradient_sums(const float* x, const float* dy, int64_t rows, int64_t channels, const Affine& affine, bool relu,
                   double* sum, double* product);

// dx = scale * (dy - mean_dy - (x - mean) * slope), dy counting as 0 where relu cut the output off. dx may be dy.
void gradient_input(const float* x, const float* dy, float* dx, int64_t rows, int64_t channels, const Affine& affine,
                    const float* mean_dy, const float* slope, bool relu);

// Maximum over each window of one image; index receives its position inside the window (first one on ties, NaN wins).
// The window has at most 256 positions.
void max_pool(const float* x, float* y, uint8_t* index, const PoolShape& shape);

// Gradient of max_pool for one image; dx is overwritten.
void max_pool_gradient(const float* dy, const uint8_t* index, float* dx, const PoolShape& shape);

}  // namespace esper::host::nhwc
