// Conv and ConvTranspose. Images travel channels-last in memory: convolutions are faster there and pooling,
// normalisation and the lattice touch contiguous channels.
#include <algorithm>

#include "channels_last.h"
#include "error.h"
#include "op.h"
#include "window.h"

namespace esper::host {
namespace {

// The kernel's extents from the weight [., ., kernel...]; the attribute, where it is given, must agree.
std::vector<int64_t> read_kernel(NodeReader& reader, const char* layout) {
  const auto& weight = reader.input(1).dims;
  if (!weight || weight->size() < 3 || weight->size() > 5) {
    invalid(reader.place(), ": the weight needs a known rank of 3 to 5 (", layout, ")");
  }
  const std::vector<int64_t> kernel(weight->begin() + 2, weight->end());
  if (reader.has("kernel_shape") && reader.integers("kernel_shape", {}) != kernel) {
    invalid(reader.place(), ": attribute 'kernel_shape' contradicts the weight's shape ", shape_text(*weight));
  }
  return kernel;
}

int64_t read_group(NodeReader& reader) {
  const int64_t group = reader.integer("group", 1);
  if (group < 1) invalid(reader.place(), ": attribute 'group' is ", group);
  return group;
}

Run make_conv(NodeReader& reader, const Fusion&) {
  reader.expect(2, 3);
  reader.expect_float(0);
  const Windows windows = read_windows(reader, read_kernel(reader, "[out, in / group, kernel...]"), false);
  const int64_t group = read_group(reader);
  return [windows, group](Io& io) {
    at::Tensor x = to_channels_last(io.in(0));
    const Placement placement = place_windows(windows, x.sizes());
    const std::vector<int64_t> zeros(windows.axes(), 0);
    const bool symmetric = is_symmetric(placement);
    if (!symmetric) x = to_channels_last(pad_tightly(x, placement, 0.0));
    const at::Tensor bias = io.has(2) ? io.in(2) : at::Tensor();
    io.out(0, at::convolution(x, io.in(1), bias, windows.strides, symmetric ? placement.begin : zeros,
                              windows.dilations, false, zeros, group));
  };
}

// ConvTranspose's windows lie on its output; pads are cut off from there.
struct Transposed {
  Windows windows;
  std::vector<int64_t> output_padding;
  std::vector<int64_t> output_shape;  // Spatial extents; empty where pads decide.
  int64_t group = 1;
};

// What is cut off in front and behind along each axis.
struct Crop {
  std::vector<int64_t> begin;
  std::vector<int64_t> end;
};

Crop place_crop(const Transposed& t, at::IntArrayRef sizes) {
  const size_t axes = t.windows.axes();
  if (sizes.size() != axes + 2) {
    invalid("the input has shape ", shape_text(sizes), ", expected rank ", axes + 2, " ([N, C, spatial...])");
  }
  const bool same = t.windows.auto_pad == AutoPad::kSameUpper || t.windows.auto_pad == AutoPad::kSameLower;
  Crop crop;
  for (size_t i = 0; i < axes; ++i) {
    const int64_t stride = t.windows.strides[i];
    const int64_t full = (sizes[i + 2] - 1) * stride + t.output_padding[i] + t.windows.extent(i);
    if (t.output_shape.empty() && !same) {
      const bool padded = t.windows.auto_pad == AutoPad::kNotSet;
      crop.begin.push_back(padded ? t.windows.pads[i] : 0);
      crop.end.push_back(padded ? t.windows.pads[i + axes] : 0);
    } else {
      const int64_t wanted = t.output_shape.empty() ? sizes[i + 2] * stride : t.output_shape[i];
      const int64_t total = full - wanted;
      if (total < 0) {
        invalid("spatial axis ", i, " of the output is to have extent ", wanted, ", the windows reach ", full,
                " at most; give output_padding");
      }
      const int64_t less = total / 2;
      const bool upper = t.windows.auto_pad == AutoPad::kSameUpper;
      crop.begin.push_back(upper ? less : total - less);
      crop.end.push_back(upper ? total - less : less);
    }
    if (full - crop.begin[i] - crop.end[i] < 1) {
      invalid("pads of ", crop.begin[i], " and ", crop.end[i], " leave nothing of spatial axis ", i, " of extent ",
              full);
    }
  }
  return crop;
}

std::vector<int64_t> read_output_padding(NodeReader& reader, size_t axes) {
  std::vector<int64_t> padding = reader.integers("output_padding", std::vector<int64_t>(axes, 0));
  if (padding.size() != axes || std::any_of(padding.begin(), padding.end(), [](int64_t p) { return p < 0; })) {
    invalid(reader.place(), ": attribute 'output_padding' is ", shape_text(padding), ", expected ", axes,
            " numbers, 0 or larger");
  }
  return padding;
}

Run make_conv_transpose(NodeReader& reader, const Fusion&) {
  reader.expect(2, 3);
  reader.expect_float(0);
  Transposed t;
  t.windows = read_windows(reader, read_kernel(reader, "[in, out / group, kernel...]"), false);
  t.group = read_group(reader);
  t.output_padding = read_output_padding(reader, t.windows.axes());
  t.output_shape = reader.integers("output_shape", {});
  if (!t.output_shape.empty() && t.output_shape.size() != t.windows.axes()) {
    invalid(reader.place(), ": attribute 'output_shape' has ", t.output_shape.size(), " entries, expected the ",
            t.windows.axes(), " spatial extents");
  }
  return [t](Io& io) {
    const at::Tensor x = to_channels_last(io.in(0));
    const Crop crop = place_crop(t, x.sizes());
    // libtorch cuts as much in front as behind; what one side has more comes off afterwards.
    std::vector<int64_t> common(crop.begin.size());
    for (size_t i = 0; i < common.size(); ++i) common[i] = std::min(crop.begin[i], crop.end[i]);
    const at::Tensor bias = io.has(2) ? io.in(2) : at::Tensor();
    at::Tensor y = at::convolution(x, io.in(1), bias, t.windows.strides, common, t.windows.dilations, true,
                                   t.output_padding, t.group);
    for (size_t i = 0; i < common.size(); ++i) {
      const auto axis = static_cast<int64_t>(i) + 2;
      const int64_t front = crop.begin[i] - common[i];
      const int64_t behind = crop.end[i] - common[i];
      if (front + behind > 0) y = y.narrow(axis, front, y.size(axis) - front - behind);
    }
    io.out(0, y);
  };
}

}  // namespace

const Operator kConvolutionOperators[] = {
    {"Conv", make_conv}, {"ConvTranspose", make_conv_transpose}, {nullptr, nullptr}};

}  // namespace esper::host
