// Arithmetic with broadcasting, Cast, Where and Identity.
#include "error.h"
#include "op.h"
#include "unary.h"

namespace esper::host {
namespace {

using BinaryFn = at::Tensor (*)(const at::Tensor&, const at::Tensor&);

template <UnaryFn function>
Run make_unary(NodeReader& reader, const Fusion&) {
  reader.expect(1, 1);
  return [](Io& io) { io.out(0, function(io.in(0))); };
}

template <BinaryFn function>
Run make_binary(NodeReader& reader, const Fusion&) {
  reader.expect(2, 2);
  reader.expect_one_type();
  return [](Io& io) { io.out(0, function(io.in(0), io.in(1))); };
}

at::Tensor add(const at::Tensor& a, const at::Tensor& b) {
  return at::add(a, b);
}
at::Tensor subtract(const at::Tensor& a, const at::Tensor& b) {
  return at::sub(a, b);
}
at::Tensor multiply(const at::Tensor& a, const at::Tensor& b) {
  return at::mul(a, b);
}
at::Tensor identity(const at::Tensor& x) {
  return x;
}

// ONNX divides integers with truncation, libtorch's plain division would promote them.
at::Tensor divide(const at::Tensor& a, const at::Tensor& b) {
  return at::isFloatingType(a.scalar_type()) ? at::div(a, b) : at::div(a, b, "trunc");
}

// The exponent may have a type of its own; the result has the base's.
Run make_pow(NodeReader& reader, const Fusion&) {
  reader.expect(2, 2);
  const at::Tensor* exponent = reader.constant(1);
  if (exponent != nullptr && exponent->numel() == 1 && exponent->dim() == 0) {
    const at::Scalar scalar = exponent->item();
    return [scalar](Io& io) { io.out(0, at::pow(io.in(0), scalar)); };
  }
  return [](Io& io) { io.out(0, at::pow(io.in(0), io.in(1).to(io.in(0).scalar_type()))); };
}

Run make_cast(NodeReader& reader, const Fusion&) {
  reader.expect(1, 1);
  if (!reader.has("to")) invalid(reader.place(), ": attribute 'to' is missing");
  const at::ScalarType type =
      scalar_type(static_cast<int32_t>(reader.integer("to", 0)), reader.place() + ": attribute 'to'");
  return [type](Io& io) { io.out(0, io.in(0).to(type)); };
}

Run make_where(NodeReader& reader, const Fusion&) {
  reader.expect(3, 3);
  reader.expect_type(0, {ESPER_HOST_BOOL});
  return [](Io& io) { io.out(0, at::where(io.in(0), io.in(1), io.in(2))); };
}

}  // namespace

const Operator kElementwiseOperators[] = {{"Add", make_binary<add>},
                                          {"Sub", make_binary<subtract>},
                                          {"Mul", make_binary<multiply>},
                                          {"Div", make_binary<divide>},
                                          {"Pow", make_pow},
                                          {"Sqrt", make_float_unary<at::sqrt>},
                                          {"Exp", make_float_unary<at::exp>},
                                          {"Neg", make_unary<at::neg>},
                                          {"Identity", make_unary<identity>},
                                          {"Cast", make_cast},
                                          {"Where", make_where},
                                          {nullptr, nullptr}};

}  // namespace esper::host
