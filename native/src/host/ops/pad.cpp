// Pad.
#include <algorithm>
#include <numeric>

#include "error.h"
#include "op.h"

namespace esper::host {
namespace {

enum class PadMode { kConstant, kReflect, kEdge, kWrap };

PadMode read_mode(NodeReader& reader) {
  const std::string mode = reader.string("mode", "constant");
  if (mode == "constant") return PadMode::kConstant;
  if (mode == "reflect") return PadMode::kReflect;
  if (mode == "edge") return PadMode::kEdge;
  if (mode == "wrap") return PadMode::kWrap;
  invalid(reader.place(), ": attribute 'mode' is '", mode, "', supported are constant, reflect, edge and wrap");
}

// count elements in front of x along an axis, in the order in which they stand there.
at::Tensor before(const at::Tensor& x, int64_t axis, int64_t count, PadMode mode) {
  const int64_t extent = x.size(axis);
  if (mode == PadMode::kReflect) return x.narrow(axis, 1, count).flip({axis});
  if (mode == PadMode::kWrap) return x.narrow(axis, extent - count, count);
  std::vector<int64_t> shape = x.sizes().vec();
  shape[static_cast<size_t>(axis)] = count;
  return x.narrow(axis, 0, 1).expand(shape);
}

at::Tensor behind(const at::Tensor& x, int64_t axis, int64_t count, PadMode mode) {
  const int64_t extent = x.size(axis);
  if (mode == PadMode::kReflect) return x.narrow(axis, extent - 1 - count, count).flip({axis});
  if (mode == PadMode::kWrap) return x.narrow(axis, 0, count);
  std::vector<int64_t> shape = x.sizes().vec();
  shape[static_cast<size_t>(axis)] = count;
  return x.narrow(axis, extent - 1, 1).expand(shape);
}

// Pads one axis with its own elements; negative numbers crop. Slices and joins have gradients that are added up in a
// fixed order on every device.
at::Tensor pad_axis(at::Tensor x, int64_t axis, int64_t begin, int64_t end, PadMode mode) {
  const int64_t front = std::max<int64_t>(-begin, 0);
  const int64_t back = std::max<int64_t>(-end, 0);
  if (front + back > x.size(axis)) invalid("pads of ", begin, " and ", end, " crop more than axis ", axis, " has");
  if (front + back > 0) x = x.narrow(axis, front, x.size(axis) - front - back);
  const int64_t most = mode == PadMode::kEdge ? std::max(begin, end) : x.size(axis) - (mode == PadMode::kReflect);
  if (x.size(axis) == 0 || std::max(begin, end) > most) {
    invalid("pads of ", begin, " and ", end, " ask for more than axis ", axis, " of extent ", x.size(axis),
            " can give");
  }
  std::vector<at::Tensor> parts;
  if (begin > 0) parts.push_back(before(x, axis, begin, mode));
  parts.push_back(x);
  if (end > 0) parts.push_back(behind(x, axis, end, mode));
  return parts.size() == 1 ? x : at::cat(parts, axis);
}

at::Tensor pad_constant(const at::Tensor& x, const std::vector<int64_t>& begin, const std::vector<int64_t>& end,
                        const at::Scalar& value) {
  std::vector<int64_t> pads;  // libtorch's order: the last axis first.
  for (size_t i = begin.size(); i-- > 0;) {
    pads.push_back(begin[i]);
    pads.push_back(end[i]);
  }
  return at::constant_pad_nd(x, pads, value);
}

Run make_pad(NodeReader& reader, const Fusion&) {
  reader.expect(2, 4);
  const PadMode mode = read_mode(reader);
  const std::vector<int64_t> pads = reader.constant_ints(1, "pads");
  at::Scalar value(0);
  if (reader.has_input(2)) {
    const at::Tensor* content = reader.constant(2);
    if (content == nullptr || content->numel() != 1) {
      invalid(reader.place(), ": input 2 (the value) must be a constant of one element");
    }
    value = content->item();
  }
  const bool some = reader.has_input(3);
  const std::vector<int64_t> axes = some ? reader.constant_ints(3, "axes") : std::vector<int64_t>();
  if (some && pads.size() != 2 * axes.size()) {
    invalid(reader.place(), ": has ", pads.size(), " pads for ", axes.size(), " axes, expected two an axis");
  }
  return [=](Io& io) {
    at::Tensor x = io.in(0);
    const auto rank = static_cast<size_t>(x.dim());
    if (!some && pads.size() != 2 * rank) {
      invalid("has ", pads.size(), " pads for shape ", shape_text(x.sizes()), ", expected two an axis");
    }
    std::vector<int64_t> begin(rank, 0), end(rank, 0);
    const size_t count = pads.size() / 2;
    for (size_t i = 0; i < count; ++i) {
      const auto axis = some ? static_cast<size_t>(normalize_axis(axes[i], x.dim())) : i;
      begin[axis] = pads[i];
      end[axis] = pads[i + count];
    }
    if (mode == PadMode::kConstant) {
      io.out(0, pad_constant(x, begin, end, value));
      return;
    }
    for (size_t i = 0; i < rank; ++i) {
      if (begin[i] != 0 || end[i] != 0) x = pad_axis(x, static_cast<int64_t>(i), begin[i], end[i], mode);
    }
    io.out(0, x);
  };
}

}  // namespace

const Operator kPadOperators[] = {{"Pad", make_pad}, {nullptr, nullptr}};

}  // namespace esper::host
