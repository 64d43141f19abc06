// Operators that rearrange elements.
#include <algorithm>
#include <numeric>

#include "error.h"
#include "op.h"

namespace esper::host {
namespace {

Run make_flatten(NodeReader& reader, const Fusion&) {
  reader.expect(1, 1);
  const int64_t axis = reader.integer("axis", 1);
  return [axis](Io& io) {
    const at::Tensor& x = io.in(0);
    const int64_t split = axis == x.dim() ? axis : normalize_axis(axis, x.dim());
    int64_t rows = 1;
    for (int64_t i = 0; i < split; ++i) rows *= x.size(i);
    int64_t columns = 1;
    for (int64_t i = split; i < x.dim(); ++i) columns *= x.size(i);
    io.out(0, x.reshape({rows, columns}));
  };
}

std::vector<int64_t> read_ints(const at::Tensor& tensor) {
  if (tensor.scalar_type() != at::kLong) invalid("an int64 input is expected where a list of integers is read");
  const at::Tensor dense = tensor.contiguous();
  const int64_t* data = dense.data_ptr<int64_t>();
  return {data, data + dense.numel()};
}

Run make_reshape(NodeReader& reader, const Fusion&) {
  reader.expect(2, 2);
  const bool allow_zero = reader.integer("allowzero", 0) != 0;
  return [allow_zero](Io& io) {
    const at::Tensor& x = io.in(0);
    std::vector<int64_t> shape = read_ints(io.host(1));
    for (size_t i = 0; i < shape.size() && !allow_zero; ++i) {
      if (shape[i] != 0) continue;
      if (static_cast<int64_t>(i) >= x.dim()) invalid("shape entry ", i, " is 0 but the input has rank ", x.dim());
      shape[i] = x.size(static_cast<int64_t>(i));
    }
    io.out(0, x.reshape(shape));
  };
}

Run make_transpose(NodeReader& reader, const Fusion&) {
  reader.expect(1, 1);
  const std::vector<int64_t> given = reader.integers("perm", {});
  const bool reversed = !reader.has("perm");
  return [given, reversed](Io& io) {
    std::vector<int64_t> order = given;
    if (reversed) {
      order.resize(static_cast<size_t>(io.in(0).dim()));
      std::iota(order.rbegin(), order.rend(), 0);
    }
    io.out(0, io.in(0).permute(order));
  };
}

// Axes from the attribute of old opsets or the constant input of newer ones.
std::vector<int64_t> read_axes(NodeReader& reader) {
  reader.expect(1, 2);
  std::vector<int64_t> axes = reader.integers("axes", {});
  if (reader.has_input(1)) axes = reader.constant_ints(1, "axes");
  return axes;
}

Run make_squeeze(NodeReader& reader, const Fusion&) {
  const std::vector<int64_t> axes = read_axes(reader);
  return [axes](Io& io) {
    const at::Tensor& x = io.in(0);
    std::vector<bool> drop(static_cast<size_t>(x.dim()), axes.empty());
    for (int64_t axis : axes) {
      const int64_t dim = normalize_axis(axis, x.dim());
      if (x.size(dim) != 1) invalid("axis ", axis, " of shape ", shape_text(x.sizes()), " is not 1");
      drop[static_cast<size_t>(dim)] = true;
    }
    std::vector<int64_t> shape;
    for (int64_t i = 0; i < x.dim(); ++i) {
      if (!drop[static_cast<size_t>(i)] || x.size(i) != 1) shape.push_back(x.size(i));
    }
    io.out(0, x.reshape(shape));
  };
}

Run make_unsqueeze(NodeReader& reader, const Fusion&) {
  const std::vector<int64_t> axes = read_axes(reader);
  if (axes.empty()) invalid(reader.place(), ": needs axes");
  return [axes](Io& io) {
    at::Tensor x = io.in(0);
    const int64_t rank = x.dim() + static_cast<int64_t>(axes.size());
    std::vector<int64_t> sorted;
    for (int64_t axis : axes) sorted.push_back(normalize_axis(axis, rank));
    std::sort(sorted.begin(), sorted.end());
    for (int64_t axis : sorted) x = x.unsqueeze(axis);
    io.out(0, x);
  };
}

Run make_concat(NodeReader& reader, const Fusion&) {
  reader.expect(reader.node().inputs.size(), reader.node().inputs.size());
  if (reader.node().inputs.empty()) invalid(reader.place(), ": has no inputs");
  if (!reader.has("axis")) invalid(reader.place(), ": attribute 'axis' is missing");
  const int64_t axis = reader.integer("axis", 0);
  return [axis](Io& io) {
    std::vector<at::Tensor> parts;
    for (size_t i = 0; i < io.node().inputs.size(); ++i) parts.push_back(io.in(i));
    io.out(0, at::cat(parts, normalize_axis(axis, parts[0].dim())));
  };
}

// One axis of ONNX's Slice.
at::Tensor slice_axis(const at::Tensor& x, int64_t axis, int64_t start, int64_t end, int64_t step) {
  const int64_t extent = x.size(axis);
  if (step == 0) invalid("a slice step is 0");
  // A longer step takes one element as well, and overflows libtorch's count of them.
  const int64_t longest = std::max<int64_t>(extent, 1);
  if (step > 0) return x.slice(axis, start, end, std::min(step, longest));
  start = std::min(start < 0 ? start + extent : start, extent - 1);
  end = end < -extent ? -1 : (end < 0 ? end + extent : end);
  if (start <= end) return x.slice(axis, 0, 0);
  // libtorch steps forwards only. A list of indices would have to be copied to the device, which waits.
  return x.flip({axis}).slice(axis, extent - 1 - start, extent - 1 - end, -std::max(step, -longest));
}

Run make_slice(NodeReader& reader, const Fusion&) {
  reader.expect(3, 5);
  return [](Io& io) {
    at::Tensor x = io.in(0);
    const std::vector<int64_t> starts = read_ints(io.host(1)), ends = read_ints(io.host(2));
    std::vector<int64_t> axes(starts.size()), steps(starts.size(), 1);
    std::iota(axes.begin(), axes.end(), 0);
    if (io.has(3)) axes = read_ints(io.host(3));
    if (io.has(4)) steps = read_ints(io.host(4));
    if (ends.size() != starts.size() || axes.size() != starts.size() || steps.size() != starts.size()) {
      invalid("starts, ends, axes and steps differ in length");
    }
    for (size_t i = 0; i < starts.size(); ++i) {
      x = slice_axis(x, normalize_axis(axes[i], x.dim()), starts[i], ends[i], steps[i]);
    }
    io.out(0, x);
  };
}

Run make_split(NodeReader& reader, const Fusion&) {
  const size_t outputs = reader.node().outputs.size();
  reader.expect(1, 2, outputs);
  const int64_t axis = reader.integer("axis", 0);
  const int64_t parts = reader.integer("num_outputs", static_cast<int64_t>(outputs));
  std::vector<int64_t> sizes = reader.integers("split", {});
  if (reader.has_input(1)) sizes = reader.constant_ints(1, "split");
  if (parts != static_cast<int64_t>(outputs) || (!sizes.empty() && sizes.size() != outputs)) {
    invalid(reader.place(), ": has ", outputs, " outputs, but 'num_outputs' or 'split' ask for another number");
  }
  return [axis, sizes, parts](Io& io) {
    const at::Tensor& x = io.in(0);
    const int64_t dim = normalize_axis(axis, x.dim());
    std::vector<int64_t> lengths = sizes;
    if (lengths.empty()) {  // Equal parts, the last one smaller where they do not divide.
      const int64_t each = (x.size(dim) + parts - 1) / parts;
      for (int64_t i = 0; i < parts; ++i)
        lengths.push_back(std::max<int64_t>(0, std::min(each, x.size(dim) - i * each)));
    }
    const std::vector<at::Tensor> pieces = at::split_with_sizes(x, lengths, dim);
    for (size_t i = 0; i < pieces.size(); ++i) io.out(i, pieces[i]);
  };
}

}  // namespace

const Operator kShapeOperators[] = {
    {"Flatten", make_flatten}, {"Reshape", make_reshape},     {"Transpose", make_transpose},
    {"Squeeze", make_squeeze}, {"Unsqueeze", make_unsqueeze}, {"Concat", make_concat},
    {"Slice", make_slice},     {"Split", make_split},         {nullptr, nullptr}};

}  // namespace esper::host
