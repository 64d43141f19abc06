// Comparisons and logic: bool results, or the bits of whole numbers.
#include "op.h"

namespace esper::host {
namespace {

using UnaryFn = at::Tensor (*)(const at::Tensor&);
using BinaryFn = at::Tensor (*)(const at::Tensor&, const at::Tensor&);

enum class Operands { Any, Numbers, Bools, Integers };

void expect_operands(const NodeReader& reader, Operands operands) {
  switch (operands) {
    case Operands::Any:
      break;
    case Operands::Numbers:
      reader.expect_type(0, {ESPER_HOST_FLOAT32, ESPER_HOST_FLOAT64, ESPER_HOST_INT64, ESPER_HOST_UINT8});
      break;
    case Operands::Bools:
      reader.expect_type(0, {ESPER_HOST_BOOL});
      break;
    case Operands::Integers:
      reader.expect_type(0, {ESPER_HOST_INT64, ESPER_HOST_UINT8});
      break;
  }
  reader.expect_one_type();
}

template <Operands operands, UnaryFn function>
Run make_unary(NodeReader& reader, const Fusion&) {
  reader.expect(1, 1);
  expect_operands(reader, operands);
  return [](Io& io) { io.out(0, function(io.in(0))); };
}

template <Operands operands, BinaryFn function>
Run make_binary(NodeReader& reader, const Fusion&) {
  reader.expect(2, 2);
  expect_operands(reader, operands);
  return [](Io& io) { io.out(0, function(io.in(0), io.in(1))); };
}

}  // namespace

const Operator kCompareOperators[] = {{"Equal", make_binary<Operands::Any, at::eq>},
                                      {"Less", make_binary<Operands::Numbers, at::lt>},
                                      {"LessOrEqual", make_binary<Operands::Numbers, at::le>},
                                      {"Greater", make_binary<Operands::Numbers, at::gt>},
                                      {"GreaterOrEqual", make_binary<Operands::Numbers, at::ge>},
                                      {"Not", make_unary<Operands::Bools, at::logical_not>},
                                      {"And", make_binary<Operands::Bools, at::logical_and>},
                                      {"Or", make_binary<Operands::Bools, at::logical_or>},
                                      {"Xor", make_binary<Operands::Bools, at::logical_xor>},
                                      {"BitwiseNot", make_unary<Operands::Integers, at::bitwise_not>},
                                      {"BitwiseAnd", make_binary<Operands::Integers, at::bitwise_and>},
                                      {"BitwiseOr", make_binary<Operands::Integers, at::bitwise_or>},
                                      {"BitwiseXor", make_binary<Operands::Integers, at::bitwise_xor>},
                                      {nullptr, nullptr}};

}  // namespace esper::host
