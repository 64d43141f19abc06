// What a seed's module is: parameter layout, cost, initial values and the checks on its description.
#pragma once

#include <cstdint>

#include "esper/esper.h"

namespace esper::layout {

// Largest rank of lowrank and bottleneck.
constexpr std::int32_t kMaxRank = 4096;

// Offsets, in floats from the seed's first parameter, of the arrays in its part of theta; -1 where there is none.
struct ParameterMap {
  std::int64_t input_weight;   // A or W1 [R][C]; u [C] for affine.
  std::int64_t input_bias;     // b1 [R].
  std::int64_t output_weight;  // B or W2 [C][R]; none for affine.
  std::int64_t output_bias;    // b2 or t [C].
  std::int64_t blend;          // v [C], or q [C] followed by p.
  std::int64_t count;          // Floats in all.
};

// Throws esper::Error naming seeds[index].<field> unless the description is valid by itself.
void check_seed(const esper_lattice_seed& seed, std::int32_t index);

// Parameter layout of a valid seed.
ParameterMap parameter_map(const esper_lattice_seed& seed) noexcept;

// Multiplications and additions of the forward pass at one position; activations and sigmoids are not counted.
std::int64_t forward_flops(const esper_lattice_seed& seed) noexcept;

// Writes parameter_map(seed).count initial parameters for which g(x) = 0.
void initialise(const esper_lattice_seed& seed, std::uint64_t key, float* parameters) noexcept;

}  // namespace esper::layout
