// What the opaque context handle is.
#pragma once

#include "cpu/context.hpp"
#include "esper/esper.h"

struct esper_context {
  explicit esper_context(const esper_context_options& options) : core(options) {}

  esper::cpu::Context core;
};
