// The tables of one lattice on a device, and the launches that walk them.
#pragma once

#include <cstdint>
#include <memory>

#include "cuda/device_memory.hpp"
#include "cuda/engine.hpp"
#include "cuda/plan.hpp"
#include "cuda/tables.h"
#include "layout/lattice.hpp"

namespace esper::cuda {

class DeviceLattice {
 public:
  // Allocates everything that the later calls need. Keeps the engine alive.
  DeviceLattice(std::shared_ptr<Engine> engine, const layout::Lattice& lattice, const esper_shape& shape,
                std::int32_t dtype);
  ~DeviceLattice();
  DeviceLattice(const DeviceLattice&) = delete;
  DeviceLattice& operator=(const DeviceLattice&) = delete;

  // Takes over the lattice's seeds: one asynchronous copy. On failure the tables are as before.
  void update(const layout::Lattice& lattice, CuStream stream);

  void forward(CuStream stream, const float* theta, std::int64_t theta_count, const void* x, void* y);

  struct BackwardTensors {
    const void* x;
    const void* dy;
    void* dx;       // May be NULL.
    float* dtheta;  // May be NULL.
    float* dalpha;  // May be NULL.
    double* sums;   // May be NULL.
  };
  void backward(CuStream stream, const float* theta, std::int64_t theta_count, const BackwardTensors& tensors);

 private:
  bool capturing(CuStream stream) const;
  EsperLatticeArguments arguments(const float* theta) const;
  // Throws unless target is source itself, where that is allowed, or memory apart from it.
  void check_apart(const void* source, const char* source_name, const void* target, const char* target_name,
                   bool in_place) const;
  void check_given(const void* pointer, const char* name) const;

  std::shared_ptr<Engine> engine_;
  KernelSet kernels_;
  layout::Lattice lattice_;
  std::int64_t element_bytes_;
  Plan plan_;
  std::size_t table_bytes_;  // Of the table in the buffer; the workspace lies behind.
  DeviceBuffer buffer_;
  StagingPair staging_;
};

}  // namespace esper::cuda
