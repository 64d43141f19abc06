// What the opaque lattice handle is.
#pragma once

#include "esper/esper.h"
#include "layout/lattice.hpp"

struct esper_lattice {
  esper::layout::Lattice core;
};
