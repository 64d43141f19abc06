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

Run make_reshape(NodeReader& reader, const Fusion&) {
  reader.expect(2, 2);
  const bool allow_zero = reader.integer("allowzero", 0) != 0;
  return [allow_zero](Io& io) {
    const at::Tensor& x = io.in(0);
    std::vector<int64_t> shape = io.host_ints(1);
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

// Which axes go is settled by the declared shape: a batch of 1 stays an axis.
std::vector<int64_t> unit_axes(const NodeReader& reader) {
  const Value& x = reader.input(0);
  if (!x.dims) {
    invalid(reader.place(), ": without axes it needs an input of declared shape, '", x.name,
            "' has none; name the axes");
  }
  std::vector<int64_t> axes;
  for (size_t i = 0; i < x.dims->size(); ++i) {
    if ((*x.dims)[i] == 1) axes.push_back(static_cast<int64_t>(i));
  }
  return axes;
}

Run make_squeeze(NodeReader& reader, const Fusion&) {
  const bool named = reader.has("axes") || reader.has_input(1);
  std::vector<int64_t> axes = read_axes(reader);
  if (!named) axes = unit_axes(reader);
  return [axes](Io& io) {
    const at::Tensor& x = io.in(0);
    std::vector<bool> drop(static_cast<size_t>(x.dim()), false);
    for (int64_t axis : axes) {
      const int64_t dim = normalize_axis(axis, x.dim());
      if (x.size(dim) != 1) invalid("axis ", axis, " of shape ", shape_text(x.sizes()), " is not 1");
      drop[static_cast<size_t>(dim)] = true;
    }
    std::vector<int64_t> shape;
    for (int64_t i = 0; i < x.dim(); ++i) {
      if (!drop[static_cast<size_t>(i)]) shape.push_back(x.size(i));
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
    const std::vector<int64_t> starts = io.host_ints(1), ends = io.host_ints(2);
    std::vector<int64_t> axes(starts.size()), steps(starts.size(), 1);
    std::iota(axes.begin(), axes.end(), 0);
    if (io.has(3)) axes = io.host_ints(3);
    if (io.has(4)) steps = io.host_ints(4);
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

// Broadcasts in both directions: the shape may ask for less than x has.
Run make_expand(NodeReader& reader, const Fusion&) {
  reader.expect(2, 2);
  return [](Io& io) {
    const at::Tensor& x = io.in(0);
    const std::vector<int64_t> wanted = io.host_ints(1);
    const size_t rank = std::max(wanted.size(), static_cast<size_t>(x.dim()));
    std::vector<int64_t> shape(rank, 1);
    for (size_t i = 1; i <= rank; ++i) {
      const int64_t have = i <= static_cast<size_t>(x.dim()) ? x.size(-static_cast<int64_t>(i)) : 1;
      const int64_t want = i <= wanted.size() ? wanted[wanted.size() - i] : 1;
      if (want < 0 || (have != want && have != 1 && want != 1)) {
        invalid("shape ", shape_text(x.sizes()), " does not broadcast with ", shape_text(wanted));
      }
      shape[rank - i] = have == 1 ? want : have;
    }
    io.out(0, x.expand(shape));
  };
}

Run make_tile(NodeReader& reader, const Fusion&) {
  reader.expect(2, 2);
  return [](Io& io) {
    const std::vector<int64_t> repeats = io.host_ints(1);
    const bool fits = static_cast<int64_t>(repeats.size()) == io.in(0).dim();
    if (!fits || std::any_of(repeats.begin(), repeats.end(), [](int64_t r) { return r < 0; })) {
      invalid("repeats are ", shape_text(repeats), ", expected a number of 0 or more for each axis of ",
              shape_text(io.in(0).sizes()));
    }
    io.out(0, io.in(0).repeat(repeats));
  };
}

int64_t read_block(NodeReader& reader) {
  reader.expect(1, 1);
  const int64_t block = reader.integer("blocksize", 0);
  if (block < 1) invalid(reader.place(), ": attribute 'blocksize' is ", block, ", expected 1 or more");
  return block;
}

void expect_blocks(const at::Tensor& x, bool fits, int64_t block) {
  if (!fits)
    invalid("an image [N, C, H, W] is expected that blocks of ", block, " divide, not ", shape_text(x.sizes()));
}

Run make_depth_to_space(NodeReader& reader, const Fusion&) {
  const int64_t b = read_block(reader);
  const std::string mode = reader.string("mode", "DCR");
  if (mode != "DCR" && mode != "CRD") {
    invalid(reader.place(), ": attribute 'mode' is '", mode, "', supported are DCR and CRD");
  }
  const bool blocks_first = mode == "DCR";
  return [b, blocks_first](Io& io) {
    const at::Tensor& x = io.in(0);
    expect_blocks(x, x.dim() == 4 && x.size(1) % (b * b) == 0, b);
    const int64_t n = x.size(0), c = x.size(1) / (b * b), h = x.size(2), w = x.size(3);
    const at::Tensor parts = blocks_first ? x.reshape({n, b, b, c, h, w}).permute({0, 3, 4, 1, 5, 2})
                                          : x.reshape({n, c, b, b, h, w}).permute({0, 1, 4, 2, 5, 3});
    io.out(0, parts.reshape({n, c, h * b, w * b}));
  };
}

Run make_space_to_depth(NodeReader& reader, const Fusion&) {
  const int64_t b = read_block(reader);
  return [b](Io& io) {
    const at::Tensor& x = io.in(0);
    expect_blocks(x, x.dim() == 4 && x.size(2) % b == 0 && x.size(3) % b == 0, b);
    const int64_t n = x.size(0), c = x.size(1), h = x.size(2) / b, w = x.size(3) / b;
    io.out(0, x.reshape({n, c, h, b, w, b}).permute({0, 3, 5, 1, 2, 4}).reshape({n, c * b * b, h, w}));
  };
}

}  // namespace

const Operator kShapeOperators[] = {{"Flatten", make_flatten},
                                    {"Reshape", make_reshape},
                                    {"Transpose", make_transpose},
                                    {"Squeeze", make_squeeze},
                                    {"Unsqueeze", make_unsqueeze},
                                    {"Concat", make_concat},
                                    {"Slice", make_slice},
                                    {"Split", make_split},
                                    {"Expand", make_expand},
                                    {"Tile", make_tile},
                                    {"DepthToSpace", make_depth_to_space},
                                    {"SpaceToDepth", make_space_to_depth},
                                    {nullptr, nullptr}};

}  // namespace esper::host
