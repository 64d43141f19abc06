// Pooling over windows and over whole images.
#include <algorithm>
#include <limits>

#include "channels_last.h"
#include "error.h"
#include "max_pool.h"
#include "op.h"
#include "window.h"

namespace esper::host {
namespace {

Windows read_pool(NodeReader& reader) {
  reader.expect(1, 1);
  reader.expect_float(0);
  if (!reader.has("kernel_shape")) invalid(reader.place(), ": attribute 'kernel_shape' is missing");
  const size_t axes = reader.integers("kernel_shape", {}).size();
  if (axes < 1 || axes > 3) invalid(reader.place(), ": 'kernel_shape' has ", axes, " entries, expected 1 to 3");
  const Windows windows = read_windows(reader, read_window(reader, "kernel_shape", axes), true);
  for (size_t i = 0; i < axes; ++i) {
    if (std::max(windows.pads[i], windows.pads[i + axes]) >= windows.extent(i)) {
      invalid(reader.place(), ": attribute 'pads' is ", shape_text(windows.pads), ", a window of ", windows.extent(i),
              " would lie in the padding alone");
    }
  }
  return windows;
}

// Whether libtorch's pooling takes this padding: the same on both sides and at most half of the kernel.
bool fits_torch(const Windows& windows, const Placement& placement) {
  bool fits = is_symmetric(placement) && !windows.ceil;
  for (size_t i = 0; i < windows.axes(); ++i) fits = fits && 2 * placement.begin[i] <= windows.kernel[i];
  return fits;
}

bool is_dilated(const Windows& windows) {
  return std::any_of(windows.dilations.begin(), windows.dilations.end(), [](int64_t d) { return d != 1; });
}

// The operator's own kernel, where it applies: plain windows over channels-last images on the CPU.
bool has_own_kernel(const Windows& windows, const at::Tensor& x, const Frame& frame) {
  return windows.axes() == 2 && !is_dilated(windows) && windows.kernel[0] * windows.kernel[1] <= 256 &&
         frame.own_kernels() && is_channels_last_float(x);
}

at::Tensor torch_max_pool(const at::Tensor& x, const Windows& w, at::IntArrayRef pads) {
  switch (w.axes()) {
    case 1:
      return at::max_pool1d(x, w.kernel, w.strides, pads, w.dilations);
    case 2:
      return at::max_pool2d(x, w.kernel, w.strides, pads, w.dilations);
    default:
      return at::max_pool3d(x, w.kernel, w.strides, pads, w.dilations);
  }
}

Run make_max_pool(NodeReader& reader, const Fusion&) {
  const Windows windows = read_pool(reader);
  // Tells the order of the positions in the second output, which is refused.
  reader.integer("storage_order", 0);
  // libtorch's CUDA kernel for channels-last images adds up the gradients of windows that overlap in any order; the one
  // for planes does not.
  bool overlaps = false;
  for (size_t i = 0; i < windows.axes(); ++i) overlaps = overlaps || windows.strides[i] < windows.extent(i);
  return [windows, overlaps](Io& io) {
    at::Tensor x = io.in(0);
    const Placement placement = place_windows(windows, x.sizes());
    std::vector<int64_t> pads = placement.begin;
    if (!fits_torch(windows, placement)) {
      x = pad_tightly(x, placement, -std::numeric_limits<double>::infinity());
      pads.assign(windows.axes(), 0);
    }
    if (has_own_kernel(windows, x, io.frame())) {
      io.out(0, max_pool(x, {windows.kernel[0], windows.kernel[1], windows.strides[0], windows.strides[1], pads[0],
                             pads[1]}));
      return;
    }
    if (!io.frame().own_kernels() && overlaps) x = x.contiguous();
    io.out(0, torch_max_pool(x, windows, pads));
  };
}

at::Tensor torch_average_pool(const at::Tensor& x, const Windows& w, at::IntArrayRef pads, bool include) {
  switch (w.axes()) {
    case 1:
      return at::avg_pool1d(x, w.kernel, w.strides, pads, false, include);
    case 2:
      return at::avg_pool2d(x, w.kernel, w.strides, pads, false, include);
    default:
      return at::avg_pool3d(x, w.kernel, w.strides, pads, false, include);
  }
}

// All windows of a padded x as a view [N, C, positions..., kernel...].
at::Tensor windows_of(at::Tensor x, const Windows& w) {
  for (size_t i = 0; i < w.axes(); ++i) {
    x = x.unfold(static_cast<int64_t>(i) + 2, w.extent(i), w.strides[i]).slice(-1, 0, w.extent(i), w.dilations[i]);
  }
  return x;
}

// The axes of the kernel in windows_of.
std::vector<int64_t> kernel_axes(const Windows& w) {
  std::vector<int64_t> axes;
  for (size_t i = 0; i < w.axes(); ++i) axes.push_back(static_cast<int64_t>(2 + w.axes() + i));
  return axes;
}

// By window along one axis: the share of the kernel's elements that count for the average. Padding counts where it is
// included; what only rounding up added never does.
std::vector<double> counted_share(const Windows& w, const Placement& placement, size_t axis, int64_t size,
                                  bool include) {
  const int64_t low = include ? -placement.begin[axis] : 0;
  const int64_t high = size + (include ? placement.end[axis] : 0);
  std::vector<double> shares;
  for (int64_t window = 0; window < placement.count[axis]; ++window) {
    int64_t counted = 0;
    for (int64_t k = 0; k < w.kernel[axis]; ++k) {
      const int64_t position = window * w.strides[axis] - placement.begin[axis] + k * w.dilations[axis];
      counted += position >= low && position < high ? 1 : 0;
    }
    // Dilated windows may step over all elements and only meet padding: their sum is 0.
    shares.push_back(static_cast<double>(std::max<int64_t>(counted, 1)) / static_cast<double>(w.kernel[axis]));
  }
  return shares;
}

// [1, 1, positions...]: what the mean over all of a window is divided by.
at::Tensor counted_shares(const Windows& w, const Placement& placement, const at::Tensor& x, bool include) {
  at::Tensor shares = at::ones(std::vector<int64_t>(w.axes() + 2, 1), at::kDouble);
  for (size_t i = 0; i < w.axes(); ++i) {
    std::vector<double> axis = counted_share(w, placement, i, x.size(static_cast<int64_t>(i) + 2), include);
    std::vector<int64_t> shape(w.axes() + 2, 1);
    shape[i + 2] = static_cast<int64_t>(axis.size());
    shares = shares.mul(at::from_blob(axis.data(), shape, at::kDouble));
  }
  return shares.to(x.scalar_type());
}

Run make_average_pool(NodeReader& reader, const Fusion&) {
  const Windows windows = read_pool(reader);
  const bool include = reader.integer("count_include_pad", 0) != 0;
  return [windows, include](Io& io) {
    const at::Tensor& x = io.in(0);
    const Placement placement = place_windows(windows, x.sizes());
    const bool dilated = is_dilated(windows);
    if (fits_torch(windows, placement) && !dilated) {
      io.out(0, torch_average_pool(x, windows, placement.begin, include));
      return;
    }
    const at::Tensor padded = pad_tightly(x, placement, 0.0);
    const std::vector<int64_t> none(windows.axes(), 0);
    const at::Tensor mean = dilated ? windows_of(padded, windows).mean(kernel_axes(windows))
                                    : torch_average_pool(padded, windows, none, false);
    io.out(0, mean.div(io.frame().device.upload(counted_shares(windows, placement, x, include))));
  };
}

int64_t read_norm(NodeReader& reader) {
  const int64_t p = reader.integer("p", 2);
  if (p < 1) invalid(reader.place(), ": attribute 'p' is ", p, ", expected 1 or more");
  return p;
}

// libtorch's norm has the gradient 0 where a window is all zeros.
Run make_lp_pool(NodeReader& reader, const Fusion&) {
  const Windows windows = read_pool(reader);
  const int64_t p = read_norm(reader);
  return [windows, p](Io& io) {
    const Placement placement = place_windows(windows, io.in(0).sizes());
    const at::Tensor padded = pad_tightly(io.in(0), placement, 0.0);
    io.out(0, at::linalg_vector_norm(windows_of(padded, windows), p, kernel_axes(windows)));
  };
}

// The spatial axes of [N, C, spatial...].
std::vector<int64_t> spatial_axes(const at::Tensor& x) {
  if (x.dim() < 3) invalid("the input has shape ", shape_text(x.sizes()), ", expected [N, C, spatial...]");
  std::vector<int64_t> axes;
  for (int64_t i = 2; i < x.dim(); ++i) axes.push_back(i);
  return axes;
}

Run make_global_average_pool(NodeReader& reader, const Fusion&) {
  reader.expect(1, 1);
  reader.expect_float(0);
  return [](Io& io) { io.out(0, at::mean(io.in(0), spatial_axes(io.in(0)), true)); };
}

Run make_global_max_pool(NodeReader& reader, const Fusion&) {
  reader.expect(1, 1);
  reader.expect_float(0);
  return [](Io& io) { io.out(0, at::amax(io.in(0), spatial_axes(io.in(0)), true)); };
}

Run make_global_lp_pool(NodeReader& reader, const Fusion&) {
  reader.expect(1, 1);
  reader.expect_float(0);
  const int64_t p = read_norm(reader);
  return [p](Io& io) { io.out(0, at::linalg_vector_norm(io.in(0), p, spatial_axes(io.in(0)), true)); };
}

}  // namespace

const Operator kPoolingOperators[] = {{"MaxPool", make_max_pool},
                                      {"AveragePool", make_average_pool},
                                      {"LpPool", make_lp_pool},
                                      {"GlobalAveragePool", make_global_average_pool},
                                      {"GlobalMaxPool", make_global_max_pool},
                                      {"GlobalLpPool", make_global_lp_pool},
                                      {nullptr, nullptr}};

}  // namespace esper::host
