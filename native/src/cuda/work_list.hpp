// What the blocks of a launch do: groups of channels, and every block's runs of their units.
#pragma once

#include <cstdint>
#include <vector>

#include "cuda/placement.hpp"
#include "cuda/tables.h"
#include "layout/lattice.hpp"

namespace esper::cuda {

// Blocks of the fixed grids.
struct Grid {
  std::int32_t forward;   // >= 1
  std::int32_t backward;  // >= 1
};

// A list of work: groups, and the spans of block b at [first[b], first[b + 1]).
struct List {
  std::vector<EsperGroup> groups;
  std::vector<EsperSpan> spans;
  std::vector<std::int32_t> first;
};

// All of a table before it becomes one image.
struct Tables {
  EsperHeader header{};
  std::vector<EsperSeed> seeds[2];
  List lists[ESPER_CUDA_LISTS];
  std::vector<std::int32_t> idle;
  std::vector<std::int32_t> ordered;
  std::int64_t scratch = 0;   // Bytes of scratch memory that a block needs.
  std::int64_t partials = 0;  // Bytes of partial results.
  bool active = false;        // Whether any seed alters the forward value.
};

// scratch_stride: bytes of scratch memory that were reserved for a block, 0 = none.
Tables make_tables(const layout::Lattice& lattice, const Setting& setting, Grid grid, std::int64_t scratch_stride);

}  // namespace esper::cuda
