// Command line of the lattice benchmark.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "esper/esper.h"

namespace esper::bench {

struct LatticeOptions {
  int32_t threads = 0;  // 0 = all cores.
  int32_t isa = ESPER_ISA_AUTO;
  int repeats = 0;  // Rounds; 0 = 15, or 5 without the eager side.
  bool cold = true;
  bool eager = true;
  bool own_pool = false;
  std::string filter;  // Part of a case's name.
  std::vector<int32_t> families = {ESPER_FAMILY_BOTTLENECK};
  std::string json;
};

// Ends the program for --help and for what it does not understand, saying what there is.
LatticeOptions parse_lattice_options(int argc, char** argv);

}  // namespace esper::bench
