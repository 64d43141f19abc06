// Einsum.
#include "error.h"
#include "op.h"

namespace esper::host {
namespace {

// libtorch reads the same notation: letters of both cases, an ellipsis, repeated letters, an output in alphabetical
// order where none is given. Operands are contracted from left to right.
Run make_einsum(NodeReader& reader, const Fusion&) {
  const size_t operands = reader.node().inputs.size();
  reader.expect(operands, operands);
  if (operands == 0) invalid(reader.place(), ": has no inputs");
  for (size_t i = 0; i < operands; ++i) reader.expect_float(i);
  if (!reader.has("equation")) invalid(reader.place(), ": attribute 'equation' is missing");
  const std::string equation = reader.string("equation", "");
  return [equation, operands](Io& io) {
    std::vector<at::Tensor> values;
    for (size_t i = 0; i < operands; ++i) values.push_back(io.in(i));
    io.out(0, at::einsum(equation, values));
  };
}

}  // namespace

const Operator kEinsumOperators[] = {{"Einsum", make_einsum}, {nullptr, nullptr}};

}  // namespace esper::host
