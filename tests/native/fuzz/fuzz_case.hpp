// Random problems and their shrinking.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "problem.hpp"

namespace esper_fuzz {

// Everything that a case is made of; the data follow from data_seed.
struct FuzzCase {
  int32_t layout = 0;
  int64_t batch = 1;
  int64_t height = 1;
  int64_t width = 1;
  bool one_row = false;  // shape.width = 0: the positions are one row.
  int32_t channels = 1;  // Raised where the seeds need more.
  std::vector<esper_lattice_seed> seeds;
  float input_scale = 1.0F;
  uint32_t data_seed = 1;
  int32_t threads = 1;
  esper_test::Placement placement;

  esper_test::Problem problem() const;
  std::string describe() const;
};

// The case of a number: the same everywhere and always.
FuzzCase draw_case(uint64_t number);

// The smallest case found for which fails still returns true, by removing and halving one thing after the other.
FuzzCase shrink(FuzzCase failing, const std::function<bool(const FuzzCase&)>& fails);

}  // namespace esper_fuzz
