// Host-side planning of the device tables of one lattice.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "cuda/tables.h"
#include "cuda/work_list.hpp"
#include "esper/esper.h"
#include "layout/lattice.hpp"

namespace esper::cuda {

// Tables and memory of a lattice on tensors of one shape and storage. Launches take
//   grid     grid().forward or grid().backward blocks of ESPER_CUDA_THREADS threads,
//   shared   ESPER_CUDA_FORWARD_SHARED or ESPER_CUDA_BACKWARD_SHARED bytes of dynamic shared memory,
// and one argument, an EsperLatticeArguments by value. Entry points: esper_lattice_forward, esper_lattice_backward.
class Plan {
 public:
  // Plans for the seeds that lattice has now. Memory is sized for every later stage, alpha, kappa and flag of the same
  // seeds. Throws esper::Error on an invalid shape, dtype or grid, and ESPER_ERROR_UNSUPPORTED for a seed beyond what
  // the kernels index with 32 bits (rank * channels or an item's chunk of 2^28 elements and more).
  Plan(const layout::Lattice& lattice, const esper_shape& shape, std::int32_t dtype, Grid grid);

  // Takes over the seeds that lattice has now. Throws ESPER_ERROR_UNSUPPORTED, nothing changed, if they need more
  // memory than was planned for.
  void update(const layout::Lattice& lattice);

  // The table, to be copied to the device as it is. Neither its size nor its address ever changes.
  const std::vector<unsigned char>& image() const noexcept { return image_; }
  // Device memory that the kernels need beside the table; zeroed once, before the first launch.
  std::int64_t workspace_bytes() const noexcept { return workspace_bytes_; }
  Grid grid() const noexcept { return grid_; }
  // Elements of x.
  std::int64_t elements() const noexcept { return elements_; }
  // Whether forward has nothing to do, so that its launch can be left out (not while a graph is captured).
  bool forward_idle(bool in_place) const noexcept { return in_place ? idle_in_place_ : elements_ == 0; }

 private:
  esper_shape shape_;
  std::int32_t dtype_;
  Grid grid_;
  std::int64_t elements_ = 0;
  std::int64_t seed_capacity_ = 0;
  std::int64_t counters_bytes_ = 0;
  std::int64_t partials_bytes_ = 0;
  std::int64_t scratch_stride_ = 0;
  std::int64_t workspace_bytes_ = 0;
  bool idle_in_place_ = true;
  std::vector<unsigned char> image_;
};

}  // namespace esper::cuda
