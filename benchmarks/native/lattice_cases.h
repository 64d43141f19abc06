// The cases of the lattice benchmark: what is measured, and the least work that it takes.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "esper/esper.h"

namespace esper::bench {

// A site's tensor and its seeds. Images are [batch][channels][height][width], tokens [height * width][channels] of one
// batch item (depthwise sees them as an image of that height and width).
struct Case {
  const char* name;
  int32_t layout;  // esper_layout
  int64_t batch, height, width;
  int32_t channels, seeds, rank;

  int64_t positions() const { return height * width; }
  int64_t elements() const { return batch * positions() * channels; }
  int32_t chunk() const { return channels / seeds; }
  esper_shape shape() const;
  std::string shape_text() const;  // "[64,64,32,32]", "[4096,384]"
};

// Those of the eager peer, in its order; channels are multiples of seeds.
const std::vector<Case>& cases();
// Shares of active seeds that each case is measured with.
const std::vector<double>& activities();

// Where the result goes.
enum class Mode { kOut, kInPlace };
const char* mode_name(Mode mode);

// The least that one pass must move and compute.
struct Work {
  double bytes;
  double flops;
};

constexpr float kAlpha = 0.3F;
constexpr int32_t kKernel = 3;  // Of depthwise.

// A case with the family and the number of seeds that are active in it: the first ones, all in Blending.
struct Workload {
  Case site;
  int32_t family;  // esper_family
  int32_t active;

  double share() const { return static_cast<double>(active) / site.seeds; }
  int32_t rank() const;  // 0 where the family has none.
  // The active seeds; none if the library refuses the family (esper_last_error says why).
  std::vector<esper_lattice_seed> seeds() const;
  // Bytes: every element of what the pass reads and of what it writes, once, parameters left out. Forward reads x and
  // writes y; backward reads dy, and x of active chunks, and writes dx. In place only active chunks count.
  // Operations: of the products alone. For lowrank and bottleneck 4 C R a position and chunk forward (two products) and
  // 10 C R backward (the hidden activation again, its gradient, dW1, dW2, dx).
  Work forward_work(Mode mode) const;
  Work backward_work(Mode mode) const;
};

// The number of active seeds for a share of them, at least one.
int32_t active_seeds(const Case& site, double share);

constexpr int32_t kFamilyCount = 5;
const char* family_name(int32_t family);

}  // namespace esper::bench
