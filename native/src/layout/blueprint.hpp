// What a seed's module is: parameter layout, cost, initial values and the checks on its description.
#pragma once

#include <cstdint>

#include "esper/esper.h"

namespace esper::layout {

// Largest rank of lowrank, bottleneck and gate.
constexpr std::int32_t kMaxRank = 4096;

// Offsets, in floats from the seed's first parameter, of the arrays in its part of theta; -1 where there is none.
struct ParameterMap {
  std::int64_t input_weight;   // A or W1 [R][C]; u [C] for affine; K [C][k][k] for depthwise.
  std::int64_t input_bias;     // b1 [R], [C] for depthwise.
  std::int64_t output_weight;  // B or W2 [C][R], [C][C] for depthwise; none for affine.
  std::int64_t output_bias;    // b2 or t [C].
  std::int64_t blend;          // v [C], or q [C] followed by p.
  std::int64_t count;          // Floats in all.
};

// Whether modules of the family have an activation: bottleneck, gate and depthwise.
bool has_activation(std::int32_t family) noexcept;

// Whether modules of the family read other positions of the same batch item: gate and depthwise.
bool is_image_family(std::int32_t family) noexcept;

// Hidden units behind an activation: R of bottleneck and gate, C of depthwise, 0 for the others.
std::int64_t hidden_units(const esper_lattice_seed& seed) noexcept;

// Throws esper::Error naming seeds[index].<field> unless the description is valid by itself.
void check_seed(const esper_lattice_seed& seed, std::int32_t index);

// Parameter layout of a valid seed.
ParameterMap parameter_map(const esper_lattice_seed& seed) noexcept;

// Multiplications and additions of the forward pass at one position; activations, sigmoids and what gate does
// once a batch item are not counted.
std::int64_t forward_flops(const esper_lattice_seed& seed) noexcept;

// Writes parameter_map(seed).count initial parameters for which g(x) = 0.
void initialise(const esper_lattice_seed& seed, std::uint64_t key, float* parameters) noexcept;

}  // namespace esper::layout
