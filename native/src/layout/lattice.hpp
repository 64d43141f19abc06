// The seeds of one site after all checks.
#pragma once

#include <cstdint>
#include <vector>

#include "esper/esper.h"

namespace esper::layout {

class Lattice {
 public:
  // seeds: seed_count entries, each struct_size bytes apart as the first one says.
  Lattice(std::int32_t channels, const esper_lattice_seed* seeds, std::int32_t seed_count);

  // Replaces all seeds; on failure nothing changes.
  void update(const esper_lattice_seed* seeds, std::int32_t seed_count);

  std::int32_t channels() const noexcept { return channels_; }
  const std::vector<esper_lattice_seed>& seeds() const noexcept { return seeds_; }
  bool blended() const noexcept;
  bool learning() const noexcept;

  // Throws unless shape is valid and batch * channels * positions fits; returns that product.
  std::int64_t check_shape(const esper_shape* shape) const;

  // Throws unless theta holds the parameters of every seed in Training, Blending, Holding or Fossilized.
  void check_theta(const void* theta, std::int64_t theta_count) const;

 private:
  std::int32_t channels_;
  std::vector<esper_lattice_seed> seeds_;
};

// Whether the seed's parameters take a gradient: not frozen, and in Training or in the forward value with alpha > 0.
bool is_learning(const esper_lattice_seed& seed) noexcept;

}  // namespace esper::layout
