// Operators whose result has little or nothing of their input's content: shapes, sequences, masks.
#include <algorithm>

#include "error.h"
#include "op.h"

namespace esper::host {
namespace {

Run make_shape(NodeReader& reader, const Fusion&) {
  reader.expect(1, 1);
  const int64_t start = reader.integer("start", 0);
  const int64_t end = reader.integer("end", INT64_MAX);
  return [start, end](Io& io) {
    const at::IntArrayRef sizes = io.in(0).sizes();
    const auto rank = static_cast<int64_t>(sizes.size());
    const auto clamp = [rank](int64_t axis) { return std::clamp<int64_t>(axis < 0 ? axis + rank : axis, 0, rank); };
    const int64_t first = clamp(start);
    const int64_t count = std::max<int64_t>(clamp(end) - first, 0);
    io.out_host(0, at::tensor(sizes.slice(static_cast<size_t>(first), static_cast<size_t>(count)), at::kLong));
  };
}

Run make_size(NodeReader& reader, const Fusion&) {
  reader.expect(1, 1);
  return [](Io& io) { io.out_host(0, at::scalar_tensor(io.in(0).numel(), at::kLong)); };
}

// The attribute's element type; fallback where it is absent.
int32_t read_type(NodeReader& reader, int32_t fallback) {
  const auto type = static_cast<int32_t>(reader.integer("dtype", fallback));
  scalar_type(type, reader.place() + ": attribute 'dtype'");
  return type;
}

// Attributes hold no tensors, so that the value comes as a real number and its element type apart.
Run make_constant_of_shape(NodeReader& reader, const Fusion&) {
  reader.expect(1, 1);
  const double value = reader.real("value", 0.0);
  const at::ScalarType type = scalar_type(read_type(reader, ESPER_HOST_FLOAT32), "");
  return [value, type](Io& io) {
    const std::vector<int64_t> shape = io.host_ints(0);
    if (std::any_of(shape.begin(), shape.end(), [](int64_t extent) { return extent < 0; })) {
      invalid("the shape ", shape_text(shape), " has a negative extent");
    }
    io.out(0, at::full(shape, value, io.frame().device.options(type)));
  };
}

Run make_range(NodeReader& reader, const Fusion&) {
  reader.expect(3, 3);
  return [](Io& io) {
    at::Tensor bounds[3];
    for (size_t i = 0; i < 3; ++i) {
      bounds[i] = io.host(i);
      if (bounds[i].numel() != 1 || bounds[i].scalar_type() != bounds[0].scalar_type()) {
        invalid("start, limit and delta must be single numbers of one type");
      }
    }
    const at::Scalar start = bounds[0].item(), limit = bounds[1].item(), delta = bounds[2].item();
    if (delta.toDouble() == 0.0) invalid("a delta of 0 never ends");
    const auto options = at::TensorOptions().dtype(bounds[0].scalar_type());
    // libtorch refuses bounds that the delta leads away from; ONNX makes nothing of them.
    const bool none = (limit.toDouble() - start.toDouble()) / delta.toDouble() <= 0.0;
    io.out_host(0, none ? at::empty({0}, options) : at::arange(start, limit, delta, options));
  };
}

// The part of x on and above (below) a diagonal; the rest is 0.
at::Tensor triangle(const at::Tensor& x, int64_t diagonal, bool upper) {
  return upper ? at::triu(x, diagonal) : at::tril(x, diagonal);
}

Run make_trilu(NodeReader& reader, const Fusion&) {
  reader.expect(1, 2);
  const bool upper = reader.integer("upper", 1) != 0;
  int64_t k = 0;
  if (reader.has_input(1)) {
    const std::vector<int64_t> given = reader.constant_ints(1, "k");
    if (given.size() != 1) invalid(reader.place(), ": input 1 (k) has ", given.size(), " elements, expected 1");
    k = given[0];
  }
  return [k, upper](Io& io) {
    const at::Tensor& x = io.in(0);
    if (x.dim() < 2) invalid("the input has shape ", shape_text(x.sizes()), ", expected matrices");
    // Diagonals beyond the corners are all alike, and far ones would overflow libtorch's arithmetic.
    io.out(0, triangle(x, std::clamp(k, -x.size(-2) - 1, x.size(-1) + 1), upper));
  };
}

Run make_eye_like(NodeReader& reader, const Fusion&) {
  reader.expect(1, 1);
  const int64_t k = reader.integer("k", 0);
  const bool typed = reader.has("dtype");
  const at::ScalarType given = scalar_type(read_type(reader, ESPER_HOST_FLOAT32), "");
  return [k, typed, given](Io& io) {
    const at::Tensor& x = io.in(0);
    if (x.dim() != 2) invalid("the input has shape ", shape_text(x.sizes()), ", expected a matrix");
    const int64_t diagonal = std::clamp(k, -x.size(0) - 1, x.size(1) + 1);
    const at::Tensor ones = at::ones(x.sizes(), io.frame().device.options(typed ? given : x.scalar_type()));
    io.out(0, triangle(triangle(ones, diagonal, true), diagonal, false));
  };
}

Run make_one_hot(NodeReader& reader, const Fusion&) {
  reader.expect(3, 3);
  if (reader.input(0).dtype != ESPER_HOST_INT64) {
    invalid(reader.place(), ": input 0 '", reader.input(0).name, "' is ", dtype_name(reader.input(0).dtype),
            ", expected int64 indices");
  }
  const std::vector<int64_t> sizes = reader.constant_ints(1, "depth");
  if (sizes.size() != 1 || sizes[0] < 1) invalid(reader.place(), ": input 1 (depth) must be one number of 1 or more");
  const int64_t depth = sizes[0];
  const int64_t axis = reader.integer("axis", -1);
  return [depth, axis](Io& io) {
    const at::Tensor& indices = io.in(0);
    const at::Tensor& values = io.in(2);
    if (values.dim() != 1 || values.numel() != 2) {
      invalid("the values have shape ", shape_text(values.sizes()), ", expected [2]: off and on");
    }
    const int64_t place = normalize_axis(axis, indices.dim() + 1);
    std::vector<int64_t> shape(static_cast<size_t>(indices.dim()) + 1, 1);
    shape[static_cast<size_t>(place)] = depth;
    const at::Tensor classes = at::arange(depth, indices.options()).reshape(shape);
    // Indices outside of [-depth, depth) meet no class and leave their place off.
    const at::Tensor wrapped = at::where(indices.lt(0), indices.add(depth), indices).unsqueeze(place);
    io.out(0, at::where(wrapped.eq(classes), values.select(0, 1), values.select(0, 0)));
  };
}

Run make_cast_like(NodeReader& reader, const Fusion&) {
  reader.expect(2, 2);
  return [](Io& io) { io.out(0, io.in(0).to(io.in(1).scalar_type())); };
}

}  // namespace

const Operator kGenerationOperators[] = {
    {"Shape", make_shape}, {"Size", make_size},          {"ConstantOfShape", make_constant_of_shape},
    {"Range", make_range}, {"EyeLike", make_eye_like},   {"OneHot", make_one_hot},
    {"Trilu", make_trilu}, {"CastLike", make_cast_like}, {nullptr, nullptr}};

}  // namespace esper::host
