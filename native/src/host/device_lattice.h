// A lattice's passes on a device, by libesper's CUDA kernels.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "device.h"
#include "lattice_function.h"

namespace esper::host {

struct DeviceLatticeDeleter {
  void operator()(esper_cuda_lattice* lattice) const { esper_cuda_lattice_destroy(lattice); }
};

// The device tables of one lattice. libesper makes them for one shape and type, and passes over the same tables share
// their workspace, so that each stream has its own. They are created at the first pass that needs them; those not met
// for longest are given up.
class DeviceLattices {
 public:
  // y = lattice(x): float32, float16 or bfloat16, dense in the placement. version changes when the lattice's seeds do:
  // tables are then brought up to date on libtorch's current stream, ahead of the pass. place names the lattice in
  // messages.
  at::Tensor forward(const Device& device, const esper_lattice* lattice, uint64_t version, const Placement& placement,
                     const at::Tensor& x, const at::Tensor& theta, const std::string& place);
  // Fills gradients.x and adds to gradients.theta where they are defined; both on the device. dalpha: one float a seed;
  // sums: [seeds, ESPER_CUDA_SUM_COUNT] double; both on the device, and undefined where they are not wanted.
  void backward(const Device& device, const esper_lattice* lattice, uint64_t version, const Placement& placement,
                const at::Tensor& x, const at::Tensor& theta, const at::Tensor& dy, const Gradients& gradients,
                const at::Tensor& dalpha, const at::Tensor& sums, const std::string& place);

 private:
  struct Entry {
    esper_shape shape{};
    int32_t dtype = ESPER_DTYPE_FLOAT32;
    void* stream = nullptr;
    uint64_t version = 0;
    uint64_t used = 0;  // Number of the pass that used it last.
    std::unique_ptr<esper_cuda_lattice, DeviceLatticeDeleter> tables;
  };

  esper_cuda_lattice* find(const Device& device, const esper_lattice* lattice, uint64_t version,
                           const esper_shape& shape, at::ScalarType type, void* stream, const std::string& place);
  static void create(const Device& device, const esper_lattice* lattice, uint64_t version, Entry& entry,
                     const std::string& place);

  std::vector<Entry> entries_;
  uint64_t passes_ = 0;
};

// Whether the kernels have a storage of that type.
bool device_type_supported(at::ScalarType type);

}  // namespace esper::host
