// Runs problems of the kernel tests on the device.
#pragma once

#include "../kernels/support.hpp"
#include "gpu.hpp"

namespace esper_device_test {

struct CudaDeleter {
  void operator()(esper_cuda* cuda) const { esper_cuda_destroy(cuda); }
};
struct DeviceLatticeDeleter {
  void operator()(esper_cuda_lattice* lattice) const { esper_cuda_lattice_destroy(lattice); }
};
using Cuda = std::unique_ptr<esper_cuda, CudaDeleter>;
using DeviceLattice = std::unique_ptr<esper_cuda_lattice, DeviceLatticeDeleter>;

// What the device gave, widened to float. sums: ESPER_CUDA_SUM_COUNT doubles a seed.
struct DeviceResults {
  std::vector<float> y, dx, dtheta, dalpha;
  std::vector<double> sums;
};

// A problem's tensors on the device, between canaries that are checked when results are taken.
class DeviceProblem {
 public:
  DeviceProblem(const esper_gpu::Gpu& gpu, const Cuda& cuda, const esper_test::Problem& problem, std::int32_t dtype);

  // Queue the passes on the stream; in place on copies of x and dy.
  void forward(void* stream, bool in_place = false);
  void backward(void* stream, bool in_place = false);
  // Takes over the seeds of a changed problem of the same shape.
  void update(const esper_test::Problem& problem, void* stream);
  // Sets every output to a value that no pass writes, dtheta to 0 and the copies for in-place passes to their inputs.
  void clear(void* stream);
  // Waits for the stream and reads the outputs.
  DeviceResults take(const esper_gpu::Stream& stream) const;

 private:
  esper_gpu::Address inside(const esper_gpu::Memory& memory) const;
  template <typename T>
  T* pointer(const esper_gpu::Memory& memory) const {
    return reinterpret_cast<T*>(static_cast<std::uintptr_t>(inside(memory)));
  }
  std::vector<unsigned char> read(const esper_gpu::Memory& memory, const char* name) const;
  void write(const esper_gpu::Memory& memory, const void* data, std::size_t bytes) const;

  const esper_gpu::Gpu& gpu_;
  std::int32_t dtype_;
  std::int64_t theta_count_;
  std::size_t tensor_bytes_;
  std::vector<unsigned char> x_host_, dy_host_;
  esper_gpu::Memory theta_, x_, dy_, y_, dx_, dtheta_, dalpha_, sums_;
  DeviceLattice lattice_;
};

// The problem with x and dy rounded to the storage, so that the oracle computes on what the device is given.
esper_test::Problem rounded(esper_test::Problem problem, std::int32_t dtype);

// Both passes, each cleared before.
DeviceResults run_device(const esper_gpu::Gpu& gpu, const Cuda& cuda, const esper_test::Problem& problem,
                         std::int32_t dtype, bool in_place = false);

}  // namespace esper_device_test
