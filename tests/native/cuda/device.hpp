// A lattice on the pretended device: plan, table and workspace between canaries, launches through the shim.
#pragma once

#include <cstdint>
#include <vector>

#include "cuda/plan.hpp"
#include "problem.hpp"

namespace esper_test {

// Bytes between two runs of canaries.
class Memory {
 public:
  Memory(std::size_t bytes, std::size_t alignment, unsigned char fill = 0);
  unsigned char* get() { return data_.data() + start_; }
  std::size_t size() const { return bytes_; }
  // Throws naming what if a canary has changed.
  void check(const char* what) const;

 private:
  std::size_t bytes_;
  std::size_t start_;
  std::vector<unsigned char> data_;
};

// How the passes of a Device run.
struct DeviceOptions {
  int32_t dtype = ESPER_DTYPE_FLOAT32;
  esper::cuda::Grid grid{3, 4};
  uint32_t order = 0;  // Of blocks and threads, see esper_shim::Launch.
};

class Device {
 public:
  Device(const Problem& problem, const DeviceOptions& options);

  // Takes over the problem's seeds: the table is rewritten where it is.
  void update(const Problem& problem);

  // Tensors in storage dtype; y may be x, dx may be dy. Throw std::runtime_error on any fault.
  void forward(const float* theta, const void* x, void* y);
  void backward(const float* theta, const void* x, const void* dy, void* dx, float* dtheta, float* dalpha,
                double* sums);

  const esper::cuda::Plan& plan() const { return plan_; }
  uint32_t order = 0;

 private:
  void launch(const EsperLatticeArguments& arguments, bool backward);

  int32_t dtype_;
  esper::cuda::Plan plan_;
  Memory table_;
  Memory workspace_;
};

// The float32 kernels as a backend of the case table.
class ShimBackend final : public Backend {
 public:
  explicit ShimBackend(const DeviceOptions& options) : options_(options) {}
  void forward(const Problem& problem, const float* x, float* y) override;
  void backward(const Problem& problem, const float* x, const float* dy, float* dx, float* dtheta, float* dalpha,
                esper_seed_sums* sums) override;

 private:
  DeviceOptions options_;
};

// The problem's seeds, checked.
esper::layout::Lattice checked_lattice(const Problem& problem);

}  // namespace esper_test
