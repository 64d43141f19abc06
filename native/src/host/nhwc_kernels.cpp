#include "nhwc_kernels.h"

#include <algorithm>
#include <cstring>
#include <limits>

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
  for (; c + 8 <= channels; c += 8) tile.template run<8>(c);
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

// Few channels leave most of a vector register empty. Their rows are therefore read as fewer, longer ones, over which
// each per-channel array is repeated.
constexpr int64_t kLongRow = 128;

struct LongRows {
  int64_t factor;  // Rows in one long row.
  int64_t rows;    // Long rows; up to factor - 1 rows remain behind them.
};

ESPER_INLINE LongRows long_rows(int64_t rows, int64_t channels) {
  int64_t step = 1;  // Rows that fill whole registers of 16 floats.
  while (step * channels % 16 != 0) step *= 2;
  int64_t factor = channels >= kLongRow / 2 ? 1 : kLongRow / channels;
  if (factor > step) factor -= factor % step;
  return {factor, rows / factor};
}

struct RepeatedRow {
  float value[kLongRow];
  ESPER_INLINE RepeatedRow(const float* source, int64_t channels, int64_t factor) {
    for (int64_t i = 0; i < factor; ++i) {
      for (int64_t c = 0; c < channels; ++c) value[i * channels + c] = source[c];
    }
  }
};

ESPER_INLINE void normalize_rows(const float* x, float* y, int64_t rows, int64_t channels, const Affine& affine,
                                 bool relu) {
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

ESPER_INLINE void gradient_input_rows(const float* x, const float* dy, float* dx, int64_t rows, int64_t channels,
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

// Range of window positions [first, last) that lie inside the image.
struct Span {
  int64_t first, last;
};

ESPER_INLINE Span clip(int64_t start, int64_t kernel, int64_t extent) {
  return {std::max<int64_t>(0, -start), std::min(kernel, extent - start)};
}

// A window of the image and its upper left corner, which may lie outside.
struct Window {
  const PoolShape& shape;
  int64_t top, left;
  Span rows, columns;
  ESPER_INLINE Window(const PoolShape& s, int64_t i, int64_t j)
      : shape(s),
        top(i * s.stride_height - s.pad_height),
        left(j * s.stride_width - s.pad_width),
        rows(clip(top, s.kernel_height, s.height)),
        columns(clip(left, s.kernel_width, s.width)) {}
  // Calls visit(first channel's offset in the image, position in the window) over the window's part inside the image.
  template <class Visit>
  ESPER_INLINE void each(const Visit& visit) const {
    for (int64_t i = rows.first; i < rows.last; ++i) {
      for (int64_t j = columns.first; j < columns.last; ++j) {
        visit(((top + i) * shape.width + left + j) * shape.channels, static_cast<int32_t>(i * shape.kernel_width + j));
      }
    }
  }
};

struct MaximumTile {
  const Window& window;
  const float* x;
  float* y;
  uint8_t* index;
  template <int W>
  ESPER_INLINE void run(int64_t c) const {
    float best[W];
    int32_t at[W];  // As wide as the values, so that both share one mask.
    const int32_t first = static_cast<int32_t>(window.rows.first * window.shape.kernel_width + window.columns.first);
    for (int k = 0; k < W; ++k) {
      best[k] = -std::numeric_limits<float>::infinity();
      at[k] = first;
    }
    window.each([&](int64_t offset, int32_t position) {
      const float* source = x + offset + c;
      for (int k = 0; k < W; ++k) {
        const bool take = source[k] > best[k] || source[k] != source[k];
        best[k] = take ? source[k] : best[k];
        at[k] = take ? position : at[k];
      }
    });
    for (int k = 0; k < W; ++k) y[c + k] = best[k];
    for (int k = 0; k < W; ++k) index[c + k] = static_cast<uint8_t>(at[k]);
  }
};

// The window of 2 x 2 that lies inside the image, by far the most usual one: written out, it stays in registers.
struct QuarterTile {
  const float* upper;
  const float* lower;
  int64_t channels;
  float* y;
  uint8_t* index;
  template <int W>
  ESPER_INLINE void run(int64_t c) const {
    const float* const source[4] = {upper + c, upper + channels + c, lower + c, lower + channels + c};
    for (int k = 0; k < W; ++k) {
      float best = source[0][k];
      int32_t at = 0;
      for (int32_t i = 1; i < 4; ++i) {
        const float value = source[i][k];
        const bool take = value > best || value != value;
        best = take ? value : best;
        at = take ? i : at;
      }
      y[c + k] = best;
      index[c + k] = static_cast<uint8_t>(at);
    }
  }
};

struct QuarterGradientTile {
  const float* dy;
  const uint8_t* index;
  int64_t channels;
  float* upper;
  float* lower;
  template <int W>
  ESPER_INLINE void run(int64_t c) const {
    float* const target[4] = {upper + c, upper + channels + c, lower + c, lower + channels + c};
    float g[W];
    int32_t at[W];  // Read before anything is written: bytes may alias whatever follows.
    for (int k = 0; k < W; ++k) {
      g[k] = dy[c + k];
      at[k] = index[c + k];
    }
    for (int k = 0; k < W; ++k) target[0][k] = at[k] == 0 ? g[k] : 0.0F;
    for (int k = 0; k < W; ++k) target[1][k] = at[k] == 1 ? g[k] : 0.0F;
    for (int k = 0; k < W; ++k) target[2][k] = at[k] == 2 ? g[k] : 0.0F;
    for (int k = 0; k < W; ++k) target[3][k] = at[k] == 3 ? g[k] : 0.0F;
  }
};

struct ScatterTile {
  const Window& window;
  const float* dy;
  const uint8_t* index;
  float* dx;
  bool disjoint;
  template <int W>
  ESPER_INLINE void run(int64_t c) const {
    window.each([&](int64_t offset, int32_t position) {
      float* target = dx + offset + c;
      for (int k = 0; k < W; ++k) {
        const float part = static_cast<int32_t>(index[c + k]) == position ? dy[c + k] : 0.0F;
        target[k] = disjoint ? part : target[k] + part;
      }
    });
  }
};

// Whether all windows are 2 x 2, side by side and inside the image.
ESPER_INLINE bool quarters(const PoolShape& s) {
  return s.kernel_height == 2 && s.kernel_width == 2 && s.stride_height == 2 && s.stride_width == 2 &&
         s.pad_height == 0 && s.pad_width == 0 && 2 * s.output_height <= s.height && 2 * s.output_width <= s.width;
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
  const auto [factor, longer] = long_rows(rows, channels);
  const int64_t done = factor > 1 ? longer * factor : 0;
  if (factor > 1) {
    const RepeatedRow mean(affine.mean, channels, factor);
    const RepeatedRow scale(affine.scale, channels, factor);
    const RepeatedRow offset(affine.offset, channels, factor);
    normalize_rows(x, y, longer, channels * factor, {mean.value, scale.value, offset.value}, relu);
  }
  normalize_rows(x + done * channels, y + done * channels, rows - done, channels, affine, relu);
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
  const auto [factor, longer] = long_rows(rows, channels);
  const int64_t done = factor > 1 ? longer * factor : 0;
  if (factor > 1) {
    const RepeatedRow mean(affine.mean, channels, factor);
    const RepeatedRow scale(affine.scale, channels, factor);
    const RepeatedRow offset(affine.offset, channels, factor);
    const RepeatedRow means(mean_dy, channels, factor);
    const RepeatedRow slopes(slope, channels, factor);
    gradient_input_rows(x, dy, dx, longer, channels * factor, {mean.value, scale.value, offset.value}, means.value,
                        slopes.value, relu);
  }
  const int64_t at = done * channels;
  gradient_input_rows(x + at, dy + at, dx + at, rows - done, channels, affine, mean_dy, slope, relu);
}

ESPER_CLONES void max_pool(const float* x, float* y, uint8_t* index, const PoolShape& s) {
  const bool simple = quarters(s);
  for (int64_t i = 0; i < s.output_height; ++i) {
    for (int64_t j = 0; j < s.output_width; ++j, y += s.channels, index += s.channels) {
      if (simple) {
        const float* upper = x + (2 * i * s.width + 2 * j) * s.channels;
        for_tiles(s.channels, QuarterTile{upper, upper + s.width * s.channels, s.channels, y, index});
        continue;
      }
      const Window window(s, i, j);
      for_tiles(s.channels, MaximumTile{window, x, y, index});
    }
  }
}

ESPER_CLONES void max_pool_gradient(const float* dy, const uint8_t* index, float* dx, const PoolShape& s) {
  const bool simple = quarters(s);
  const bool disjoint = s.stride_height >= s.kernel_height && s.stride_width >= s.kernel_width;
  const bool covering = disjoint && s.stride_height == s.kernel_height && s.stride_width == s.kernel_width &&
                        s.output_height * s.stride_height >= s.height + s.pad_height &&
                        s.output_width * s.stride_width >= s.width + s.pad_width;
  if (!covering) std::memset(dx, 0, static_cast<size_t>(s.height * s.width * s.channels) * sizeof(float));
  for (int64_t i = 0; i < s.output_height; ++i) {
    for (int64_t j = 0; j < s.output_width; ++j, dy += s.channels, index += s.channels) {
      if (simple) {
        float* upper = dx + (2 * i * s.width + 2 * j) * s.channels;
        for_tiles(s.channels, QuarterGradientTile{dy, index, s.channels, upper, upper + s.width * s.channels});
        continue;
      }
      const Window window(s, i, j);
      for_tiles(s.channels, ScatterTile{window, dy, index, dx, disjoint});
    }
  }
}

}  // namespace esper::host::nhwc
