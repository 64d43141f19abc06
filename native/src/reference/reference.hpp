// The oracle: a lattice's passes in double precision, one batch item after the other.
#pragma once

#include "esper/esper.h"
#include "layout/lattice.hpp"

namespace esper::reference {

// Contract: esper_reference_forward, arguments checked.
void forward(const layout::Lattice& lattice, const esper_shape& shape, const double* theta, const double* x, double* y);

// Contract: esper_reference_backward, arguments checked.
void backward(const layout::Lattice& lattice, const esper_shape& shape, const double* theta, const double* x,
              const double* dy, double* dx, double* dtheta, double* dalpha);

}  // namespace esper::reference
