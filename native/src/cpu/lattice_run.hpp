// Lattice passes on the CPU.
#pragma once

#include <cstdint>

#include "cpu/context.hpp"
#include "cpu/partition.hpp"
#include "esper/esper.h"
#include "layout/lattice.hpp"

namespace esper::cpu {

// Contract: esper_lattice_forward, arguments checked.
void lattice_forward(const layout::Lattice& lattice, Context& context, const esper_shape& shape, const float* theta,
                     const float* x, float* y);

// Tensors of a backward call; what is nullptr is not wanted.
struct Gradients {
  const float* x;
  const float* dy;
  float* dx;
  float* dtheta;
  float* dalpha;
  esper_seed_sums* sums;
};

// Contract: esper_lattice_backward, arguments checked.
void lattice_backward(const layout::Lattice& lattice, Context& context, const esper_shape& shape, const float* theta,
                      const Gradients& tensors);

// Copies the channels of ranges over the positions of a run; stream: past the caches.
void copy_channels(const Kernels& kernels, const Geometry& geometry, const Run& run,
                   const std::vector<ChannelRange>& ranges, const float* source, float* target, bool stream) noexcept;

}  // namespace esper::cpu
