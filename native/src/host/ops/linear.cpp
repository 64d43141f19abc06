// Matrix products.
#include "error.h"
#include "op.h"

namespace esper::host {
namespace {

Run make_gemm(NodeReader& reader, const Fusion&) {
  reader.expect(2, 3);
  reader.expect_float(0);
  const double alpha = reader.real("alpha", 1.0);
  const double beta = reader.real("beta", 1.0);
  const bool trans_a = reader.integer("transA", 0) != 0;
  const bool trans_b = reader.integer("transB", 0) != 0;
  return [=](Io& io) {
    if (io.in(0).dim() != 2 || io.in(1).dim() != 2) {
      invalid("inputs have shapes ", shape_text(io.in(0).sizes()), " and ", shape_text(io.in(1).sizes()),
              ", expected matrices");
    }
    const at::Tensor a = trans_a ? io.in(0).t() : io.in(0);
    const at::Tensor b = trans_b ? io.in(1).t() : io.in(1);
    if (io.has(2)) {
      io.out(0, at::addmm(io.in(2), a, b, beta, alpha));
    } else {
      at::Tensor y = at::mm(a, b);
      io.out(0, alpha == 1.0 ? y : at::mul(y, alpha));
    }
  };
}

Run make_matmul(NodeReader& reader, const Fusion&) {
  reader.expect(2, 2);
  return [](Io& io) { io.out(0, at::matmul(io.in(0), io.in(1))); };
}

}  // namespace

const Operator kLinearOperators[] = {
    {"Gemm", make_gemm}, {"MatMul", make_matmul}, {nullptr, nullptr}};

}  // namespace esper::host
