// What a backward call writes once for each seed: dtheta, dalpha and the sums.
#pragma once

#include "cpu/backward_plan.hpp"
#include "cpu/context.hpp"
#include "cpu/lattice_run.hpp"
#include "layout/lattice.hpp"

namespace esper::cpu {

// dalpha and the sums of seeds that no task evaluates.
void clear_gradients(const layout::Lattice& lattice, const Geometry& geometry, const Gradients& tensors);

// Adds up the partitions' totals in their order, so that the same number of threads gives the same bits, and writes
// dtheta, dalpha and the sums of every task's seed.
void finish_gradients(const layout::Lattice& lattice, Context& context, const BackwardPlan& plan, const float* theta,
                      const Gradients& tensors);

}  // namespace esper::cpu
