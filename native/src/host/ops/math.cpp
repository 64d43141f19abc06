// Elementary functions of one tensor, Mod, and sums and extrema of any number of tensors.
#include <limits>

#include "error.h"
#include "op.h"
#include "unary.h"

namespace esper::host {
namespace {

using BinaryFn = at::Tensor (*)(const at::Tensor&, const at::Tensor&);

constexpr std::initializer_list<int32_t> kNumbers = {ESPER_HOST_FLOAT32, ESPER_HOST_FLOAT64, ESPER_HOST_INT64,
                                                     ESPER_HOST_UINT8};

// y = function(x) for x of any numeric type.
template <UnaryFn function>
Run make_numeric_unary(NodeReader& reader, const Fusion&) {
  reader.expect(1, 1);
  reader.expect_type(0, kNumbers);
  return [](Io& io) { io.out(0, function(io.in(0))); };
}

Run make_is_inf(NodeReader& reader, const Fusion&) {
  reader.expect(1, 1);
  reader.expect_float(0);
  const bool negative = reader.integer("detect_negative", 1) != 0;
  const bool positive = reader.integer("detect_positive", 1) != 0;
  return [negative, positive](Io& io) {
    constexpr double kInfinity = std::numeric_limits<double>::infinity();
    const at::Tensor& x = io.in(0);
    if (negative && positive) {
      io.out(0, at::isinf(x));
    } else if (negative || positive) {
      io.out(0, at::eq(x, positive ? kInfinity : -kInfinity));
    } else {
      io.out(0, at::zeros_like(x, x.options().dtype(at::kBool)));
    }
  };
}

// Without fmod, integers whose remainder has the divisor's sign; with it, the remainder has the dividend's.
Run make_mod(NodeReader& reader, const Fusion&) {
  reader.expect(2, 2);
  reader.expect_one_type();
  const bool fmod = reader.integer("fmod", 0) != 0;
  if (fmod) {
    reader.expect_type(0, kNumbers);
  } else {
    reader.expect_type(0, {ESPER_HOST_INT64, ESPER_HOST_UINT8});
  }
  return [fmod](Io& io) { io.out(0, fmod ? at::fmod(io.in(0), io.in(1)) : at::remainder(io.in(0), io.in(1))); };
}

at::Tensor sum(const at::Tensor& a, const at::Tensor& b) {
  return at::add(a, b);
}

// function over one or more inputs, from the first to the last.
template <BinaryFn function>
at::Tensor fold(const Io& io) {
  at::Tensor result = io.in(0);
  for (size_t i = 1; i < io.node().inputs.size(); ++i) result = function(result, io.in(i));
  return result;
}

void expect_operands(NodeReader& reader, std::initializer_list<int32_t> types) {
  const size_t count = reader.node().inputs.size();
  if (count == 0) invalid(reader.place(), ": has no inputs");
  reader.expect(count, count);
  reader.expect_type(0, types);
  reader.expect_one_type();
}

template <BinaryFn function>
Run make_extremum(NodeReader& reader, const Fusion&) {
  expect_operands(reader, kNumbers);
  return [](Io& io) { io.out(0, fold<function>(io)); };
}

template <bool mean>
Run make_sum(NodeReader& reader, const Fusion&) {
  expect_operands(reader, {ESPER_HOST_FLOAT32, ESPER_HOST_FLOAT64});
  return [](Io& io) {
    const at::Tensor total = fold<sum>(io);
    io.out(0, mean ? at::div(total, static_cast<double>(io.node().inputs.size())) : total);
  };
}

}  // namespace

const Operator kMathOperators[] = {{"Abs", make_numeric_unary<at::abs>},
                                   {"Sign", make_numeric_unary<at::sign>},
                                   {"Log", make_float_unary<at::log>},
                                   {"Erf", make_float_unary<at::erf>},
                                   {"Sin", make_float_unary<at::sin>},
                                   {"Cos", make_float_unary<at::cos>},
                                   {"Tan", make_float_unary<at::tan>},
                                   {"Asin", make_float_unary<at::asin>},
                                   {"Acos", make_float_unary<at::acos>},
                                   {"Atan", make_float_unary<at::atan>},
                                   {"Sinh", make_float_unary<at::sinh>},
                                   {"Cosh", make_float_unary<at::cosh>},
                                   {"Asinh", make_float_unary<at::asinh>},
                                   {"Acosh", make_float_unary<at::acosh>},
                                   {"Atanh", make_float_unary<at::atanh>},
                                   {"Floor", make_float_unary<at::floor>},
                                   {"Ceil", make_float_unary<at::ceil>},
                                   {"Round", make_float_unary<at::round>},
                                   {"Reciprocal", make_float_unary<at::reciprocal>},
                                   {"IsNaN", make_float_unary<at::isnan>},
                                   {"IsInf", make_is_inf},
                                   {"Mod", make_mod},
                                   {"Min", make_extremum<at::minimum>},
                                   {"Max", make_extremum<at::maximum>},
                                   {"Sum", make_sum<false>},
                                   {"Mean", make_sum<true>},
                                   {nullptr, nullptr}};

}  // namespace esper::host
