#include "window.h"

#include <algorithm>

#include "error.h"

namespace esper::host {

std::vector<int64_t> read_window(NodeReader& reader, const char* name, size_t axes) {
  std::vector<int64_t> window = reader.integers(name, std::vector<int64_t>(axes, 1));
  if (window.size() != axes) {
    invalid(reader.place(), ": attribute '", name, "' has ", window.size(), " entries, expected ", axes);
  }
  for (int64_t extent : window) {
    if (extent < 1) invalid(reader.place(), ": attribute '", name, "' has an entry below 1");
  }
  return window;
}

AutoPad read_auto_pad(NodeReader& reader) {
  const std::string mode = reader.string("auto_pad", "NOTSET");
  if (mode == "NOTSET") return AutoPad::kNotSet;
  if (mode == "SAME_UPPER") return AutoPad::kSameUpper;
  if (mode == "SAME_LOWER") return AutoPad::kSameLower;
  if (mode == "VALID") return AutoPad::kValid;
  invalid(reader.place(), ": attribute 'auto_pad' is '", mode,
          "', supported are NOTSET, SAME_UPPER, SAME_LOWER and VALID");
}

std::vector<int64_t> read_pads(NodeReader& reader, size_t axes) {
  std::vector<int64_t> pads = reader.integers("pads", std::vector<int64_t>(2 * axes, 0));
  if (pads.size() != 2 * axes) {
    invalid(reader.place(), ": attribute 'pads' has ", pads.size(), " entries, expected ", 2 * axes);
  }
  if (std::any_of(pads.begin(), pads.end(), [](int64_t pad) { return pad < 0; })) {
    invalid(reader.place(), ": attribute 'pads' has a negative entry");
  }
  return pads;
}

Windows read_windows(NodeReader& reader, std::vector<int64_t> kernel, bool with_ceil) {
  Windows windows;
  windows.strides = read_window(reader, "strides", kernel.size());
  windows.dilations = read_window(reader, "dilations", kernel.size());
  windows.pads = read_pads(reader, kernel.size());
  windows.auto_pad = read_auto_pad(reader);
  windows.ceil = with_ceil && reader.integer("ceil_mode", 0) != 0;
  windows.kernel = std::move(kernel);
  return windows;
}

namespace {

// Padding of one axis with auto_pad; SAME makes one window a stride.
std::pair<int64_t, int64_t> automatic(const Windows& windows, size_t axis, int64_t size) {
  if (windows.auto_pad == AutoPad::kValid) return {0, 0};
  const int64_t stride = windows.strides[axis];
  const int64_t count = (size + stride - 1) / stride;
  const int64_t total = std::max<int64_t>((count - 1) * stride + windows.extent(axis) - size, 0);
  const int64_t less = total / 2;
  return windows.auto_pad == AutoPad::kSameUpper ? std::make_pair(less, total - less)
                                                 : std::make_pair(total - less, less);
}

}  // namespace

Placement place_windows(const Windows& windows, at::IntArrayRef sizes) {
  const size_t axes = windows.axes();
  if (sizes.size() != axes + 2) {
    invalid("the input has shape ", shape_text(sizes), ", expected rank ", axes + 2, " ([N, C, spatial...])");
  }
  Placement placement;
  for (size_t i = 0; i < axes; ++i) {
    const int64_t size = sizes[i + 2];
    int64_t begin = windows.pads[i];
    int64_t end = windows.pads[i + axes];
    if (windows.auto_pad != AutoPad::kNotSet) std::tie(begin, end) = automatic(windows, i, size);
    const int64_t stride = windows.strides[i];
    const int64_t room = size + begin + end - windows.extent(i);
    if (room < 0) {
      invalid("a window of ", windows.extent(i), " does not fit the padded extent ", size + begin + end,
              " of the input ", shape_text(sizes));
    }
    const bool ceil = windows.ceil && windows.auto_pad == AutoPad::kNotSet;
    int64_t count = (ceil ? room + stride - 1 : room) / stride + 1;
    // A window that would start in the padding behind is left out.
    if (ceil && (count - 1) * stride >= size + begin) --count;
    placement.begin.push_back(begin);
    placement.end.push_back(end);
    placement.count.push_back(count);
    placement.tight.push_back((count - 1) * stride + windows.extent(i) - size - begin);
  }
  return placement;
}

bool is_symmetric(const Placement& placement) {
  return placement.begin == placement.end;
}

at::Tensor pad_tightly(const at::Tensor& x, const Placement& placement, double value) {
  std::vector<int64_t> pads;  // libtorch's order: the last axis first, begin and end.
  bool any = false;
  for (size_t i = placement.begin.size(); i-- > 0;) {
    pads.push_back(placement.begin[i]);
    pads.push_back(placement.tight[i]);
    any = any || placement.begin[i] != 0 || placement.tight[i] > 0;
  }
  return any ? at::constant_pad_nd(x, pads, value) : x;
}

}  // namespace esper::host
