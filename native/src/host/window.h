// Windows that slide over the spatial axes of [N, C, spatial...]: what Conv and the poolings ask for, and the padding
// that this comes to for an input of given extents.
#pragma once

#include <cstdint>
#include <vector>

#include "op.h"

namespace esper::host {

enum class AutoPad { kNotSet, kSameUpper, kSameLower, kValid };

// One entry a spatial axis, but for pads.
struct Windows {
  std::vector<int64_t> kernel;
  std::vector<int64_t> strides;
  std::vector<int64_t> dilations;
  std::vector<int64_t> pads;  // ONNX's order: all begins, then all ends.
  AutoPad auto_pad = AutoPad::kNotSet;
  bool ceil = false;

  size_t axes() const { return kernel.size(); }
  // Elements from a window's first to its last one.
  int64_t extent(size_t axis) const { return (kernel[axis] - 1) * dilations[axis] + 1; }
};

// Where the windows lie for one input; one entry a spatial axis.
struct Placement {
  std::vector<int64_t> begin;  // Padding in front and behind, as asked for.
  std::vector<int64_t> end;
  std::vector<int64_t> count;  // Number of windows.
  std::vector<int64_t> tight;  // Padding behind that the last window ends with; negative where elements are left over.
};

// A list attribute with one entry of at least 1 a spatial axis, all 1 where it is absent.
std::vector<int64_t> read_window(NodeReader& reader, const char* name, size_t axes);
AutoPad read_auto_pad(NodeReader& reader);
// The attribute 'pads', 0 where it is absent; negative entries are refused.
std::vector<int64_t> read_pads(NodeReader& reader, size_t axes);
// strides, dilations, pads and auto_pad; Conv has no ceil_mode.
Windows read_windows(NodeReader& reader, std::vector<int64_t> kernel, bool with_ceil);

// sizes: of the input [N, C, spatial...]. Throws where its rank is another one or no window fits.
Placement place_windows(const Windows& windows, at::IntArrayRef sizes);
// Whether the same padding is asked for in front and behind.
bool is_symmetric(const Placement& placement);
// x padded with value so that the windows fill it exactly.
at::Tensor pad_tightly(const at::Tensor& x, const Placement& placement, double value);

}  // namespace esper::host
