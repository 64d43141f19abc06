#include "nhwc_kernels.h"

#include <algorithm>
#include <cstring>

// Each function is compiled for several instruction sets and chosen when the library is loaded.
#if defined(__x86_64__) && defined(__GNUC__) && !defined(__clang__)
#define ESPER_CLONES __attribute__((target_clones("arch=skylake-avx512", "arch=haswell", "default")))
#else
#define ESPER_CLONES
#endif
#define ESPER_INLINE inline __attribute__((always_inline))

namespace esper::host::nhwc {
namespace {

constexpr int64_t kBlock = 64;  // Rows summed in float before the sums move to double.

ESPER_INLINE float rectify(float value) {
  return value <= 0.0F ? 0.0F : value;
}

ESPER_INLINE float rectify_gradient(float x, float dy, float mean, float scale, float offset) {
  return (x - mean) * scale + offset <= 0.0F ? 0.0F : dy;
}

template <int W>
ESPER_INLINE void statistics_tile(const float* x, int64_t rows, int64_t channels, const float* shift, double* sum,
                                  double* square) {
  float s[W] = {};
  float q[W] = {};
  for (int64_t r = 0; r < rows; ++r, x += channels) {
    for (int c = 0; c < W; ++c) {
      const float d = x[c] - shift[c];
      s[c] += d;
      q[c] += d * d;
    }
  }
  for (int c = 0; c < W; ++c) {
    sum[c] += static_cast<double>(s[c]);
    square[c] += static_cast<double>(q[c]);
  }
}

template <int W>
ESPER_INLINE void gradient_tile(const float* x, const float* dy, int64_t rows, int64_t channels, const Affine& affine,
                                bool relu, double* sum, double* product) {
  float s[W] = {};
  float p[W] = {};
  for (int64_t r = 0; r < rows; ++r, x += channels, dy += channels) {
    for (int c = 0; c < W; ++c) {
      const float g = relu ? rectify_gradient(x[c], dy[c], affine.mean[c], affine.scale[c], affine.offset[c]) : dy[c];
      s[c] += g;
      p[c] += g * (x[c] - affine.mean[c]);
    }
  }
  for (int c = 0; c < W; ++c) {
    sum[c] += static_cast<double>(s[c]);
    product[c] += static_cast<double>(p[c]);
  }
}

// Calls tile(width tag, first channel) over all channels, widest tiles first.
template <class Tile>
ESPER_INLINE void for_tiles(int64_t channels, const Tile& tile) {
  int64_t c = 0;
  for (; c + 64 <= channels; c += 64) tile.template run<64>(c);
  for (; c + 16 <= channels; c += 16) tile.template run<16>(c);
  for (; c + 4 <= channels; c += 4) tile.template run<4>(c);
  for (; c < channels; ++c) tile.template run<1>(c);
}

struct StatisticsTile {
  const float* x;
  int64_t rows, channels;
  const float* shift;
  double* sum;
  double* square;
  template <int W>
  ESPER_INLINE void run(int64_t c) const {
    statistics_tile<W>(x + c, rows, channels, shift + c, sum + c, square + c);
  }
};

struct GradientTile {
  const float* x;
  const float* dy;
  int64_t rows, channels;
  Affine affine;
  bool relu;
  double* sum;
  double* product;
  template <int W>
  ESPER_INLINE void run(int64_t c) const {
    const Affine part{affine.mean + c, affine.scale + c, affine.offset + c};
    if (relu) {
      gradient_tile<W>(x + c, dy + c, rows, channels, part, true, sum + c, product + c);
    } else {
      gradient_tile<W>(x + c, dy + c, rows, channels, part, false, sum + c, product + c);
    }
  }
};

// Range of window positions [first, last) that lie inside the image.
struct Span {
  int64_t first, last;
};

ESPER_INLINE Span clip(int64_t start, int64_t kernel, int64_t extent) {
  return {std::max<int64_t>(0, -start), std::min(kernel, extent - start)};
}

ESPER_INLINE void window_maximum(const float* x, float* y, uint8_t* index, const PoolShape& s, int64_t top,
                                 int64_t left) {
  const Span rows = clip(top, s.kernel_height, s.height);
  const Span columns = clip(left, s.kernel_width, s.width);
  bool first = true;
  for (int64_t i = rows.first; i < rows.last; ++i) {
    for (int64_t j = columns.first; j < columns.last; ++j) {
      const float* source = x + ((top + i) * s.width + left + j) * s.channels;
      const auto position = static_cast<uint8_t>(i * s.kernel_width + j);
      if (first) {
        std::memcpy(y, source, static_cast<size_t>(s.channels) * sizeof(float));
        std::memset(index, position, static_cast<size_t>(s.channels));
        first = false;
        continue;
      }
      for (int64_t c = 0; c < s.channels; ++c) {
        const float value = source[c];
        const bool take = value > y[c] || value != value;
        y[c] = take ? value : y[c];
        index[c] = take ? position : index[c];
      }
    }
  }
}

ESPER_INLINE void scatter_window(const float* dy, const uint8_t* index, float* dx, const PoolShape& s, int64_t top,
                                 int64_t left, bool disjoint) {
  const Span rows = clip(top, s.kernel_height, s.height);
  const Span columns = clip(left, s.kernel_width, s.width);
  for (int64_t i = rows.first; i < rows.last; ++i) {
    for (int64_t j = columns.first; j < columns.last; ++j) {
      float* target = dx + ((top + i) * s.width + left + j) * s.channels;
      const auto position = static_cast<uint8_t>(i * s.kernel_width + j);
      if (disjoint) {
        for (int64_t c = 0; c < s.channels; ++c) target[c] = index[c] == position ? dy[c] : 0.0F;
      } else {
        for (int64_t c = 0; c < s.channels; ++c) target[c] += index[c] == position ? dy[c] : 0.0F;
      }
    }
  }
}

}  // namespace

ESPER_CLONES void statistics(const float* x, int64_t rows, int64_t channels, const float* shift, double* sum,
                             double* square) {
  for (int64_t r = 0; r < rows; r += kBlock) {
    const StatisticsTile tile{x + r * channels, std::min(kBlock, rows - r), channels, shift, sum, square};
    for_tiles(channels, tile);
  }
}

ESPER_CLONES void normalize(const float* x, float* y, int64_t rows, int64_t channels, const Affine& affine, bool relu) {
  const float* mean = affine.mean;
  const float* scale = affine.scale;
  const float* offset = affine.offset;
  for (int64_t r = 0; r < rows; ++r, x += channels, y += channels) {
    if (relu) {
      for (int64_t c = 0; c < channels; ++c) y[c] = rectify((x[c] - mean[c]) * scale[c] + offset[c]);
    } else {
      for (int64_t c = 0; c < channels; ++c) y[c] = (x[c] - mean[c]) * scale[c] + offset[c];
    }
  }
}

ESPER_CLONES void gradient_sums(const float* x, const float* dy, int64_t rows, int64_t channels, const Affine& affine,
                                bool relu, double* sum, double* product) {
  for (int64_t r = 0; r < rows; r += kBlock) {
    const GradientTile tile{
        x + r * channels, dy + r * channels, std::min(kBlock, rows - r), channels, affine, relu, sum, product};
    for_tiles(channels, tile);
  }
}

ESPER_CLONES void gradient_input(const float* x, const float* dy, float* dx, int64_t rows, int64_t channels,
                                 const Affine& affine, const float* mean_dy, const float* slope, bool relu) {
  const float* mean = affine.mean;
  const float* scale = affine.scale;
  const float* offset = affine.offset;
  for (int64_t r = 0; r < rows; ++r, x += channels, dy += channels, dx += channels) {
    if (relu) {
      for (int64_t c = 0; c < channels; ++c) {
        const float g = rectify_gradient(x[c], dy[c], mean[c], scale[c], offset[c]);
        dx[c] = scale[c] * (g - mean_dy[c] - (x[c] - mean[c]) * slope[c]);
      }
    } else {
      for (int64_t c = 0; c < channels; ++c) dx[c] = scale[c] * (dy[c] - mean_dy[c] - (x[c] - mean[c]) * slope[c]);
    }
  }
}

ESPER_CLONES void max_pool(const float* x, float* y, uint8_t* index, const PoolShape& s) {
  for (int64_t i = 0; i < s.output_height; ++i) {
    for (int64_t j = 0; j < s.output_width; ++j, y += s.channels, index += s.channels) {
      window_maximum(x, y, index, s, i * s.stride_height - s.pad_height, j * s.stride_width - s.pad_width);
    }
  }
}

ESPER_CLONES void max_pool_gradient(const float* dy, const uint8_t* index, float* dx, const PoolShape& s) {
  const bool disjoint = s.stride_height >= s.kernel_height && s.stride_width >= s.kernel_width;
  const bool covering = disjoint && s.stride_height == s.kernel_height && s.stride_width == s.kernel_width &&
                        s.output_height * s.stride_height >= s.height + s.pad_height &&
                        s.output_width * s.stride_width >= s.width + s.pad_width;
  if (!covering) std::memset(dx, 0, static_cast<size_t>(s.height * s.width * s.channels) * sizeof(float));
  for (int64_t i = 0; i < s.output_height; ++i) {
    for (int64_t j = 0; j < s.output_width; ++j, dy += s.channels, index += s.channels) {
      scatter_window(dy, index, dx, s, i * s.stride_height - s.pad_height, j * s.stride_width - s.pad_width, disjoint);
    }
  }
}

}  // namespace esper::host::nhwc
