// Ends the program with the library's message when a call failed: benchmarks have nobody to hand an error to.
#pragma once

#include <cstdio>
#include <cstdlib>

#include "esper/esper.h"

namespace esper::bench {

inline void require(esper_status status) {
  if (status != ESPER_OK) {
    std::fprintf(stderr, "Error: %s: %s\n", esper_status_name(status), esper_last_error());
    std::exit(1);
  }
}

}  // namespace esper::bench
