// Operators of one floating point tensor that libtorch computes by one call.
#pragma once

#include "op.h"

namespace esper::host {

using UnaryFn = at::Tensor (*)(const at::Tensor&);

// y = function(x) for floating point x.
template <UnaryFn function>
Run make_float_unary(NodeReader& reader, const Fusion&) {
  reader.expect(1, 1);
  reader.expect_float(0);
  return [](Io& io) { io.out(0, function(io.in(0))); };
}

}  // namespace esper::host
