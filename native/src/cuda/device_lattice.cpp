#include "cuda/device_lattice.hpp"

#include <string>
#include <utility>

#include "abi/error.hpp"

namespace esper::cuda {
namespace {

// Boundary of the workspace behind the table.
constexpr std::size_t kAlignment = 256;

std::size_t aligned(std::size_t bytes) {
  return (bytes + kAlignment - 1) / kAlignment * kAlignment;
}

std::size_t buffer_bytes(const Plan& plan) {
  return aligned(plan.image().size()) + aligned(static_cast<std::size_t>(plan.workspace_bytes())) + kAlignment;
}

// A device that meets an address that is not aligned is lost to the whole process. NULL passes.
template <typename Element>
void check_aligned(const Element* pointer, const char* name) {
  if (reinterpret_cast<std::uintptr_t>(pointer) % sizeof(Element) != 0) {
    throw invalid(std::string(name) + " is not aligned to its elements of " + std::to_string(sizeof(Element)) +
                  " bytes");
  }
}

template <typename Pointer>
Pointer device_pointer(CuDevicePointer address) {
  return reinterpret_cast<Pointer>(static_cast<std::uintptr_t>(address));
}

}  // namespace

DeviceLattice::DeviceLattice(std::shared_ptr<Engine> engine, const layout::Lattice& lattice, const esper_shape& shape,
                             std::int32_t dtype)
    : engine_(std::move(engine)),
      kernels_(engine_->kernels(dtype)),
      lattice_(lattice),
      element_bytes_(dtype == ESPER_DTYPE_FLOAT32 ? 4 : 2),
      plan_(lattice_, shape, dtype, Grid{kernels_.forward.blocks, kernels_.backward.blocks}),
      table_bytes_(aligned(plan_.image().size())),
      buffer_(engine_->shared_driver(), engine_->context(), buffer_bytes(plan_), "tables and workspace of a lattice"),
      staging_(engine_->shared_driver(), engine_->context(), plan_.image().size()) {
  const Driver& driver = engine_->driver();
  const ContextScope scope(driver, engine_->context());
  const CuStream stream = engine_->setup_stream();
  driver.check(driver.memory_set(buffer_.address(), 0, buffer_.bytes(), stream), "cuMemsetD8Async");
  staging_.copy(buffer_.address(), plan_.image().data(), plan_.image().size(), stream);
  driver.check(driver.stream_synchronize(stream), "cuStreamSynchronize");
}

DeviceLattice::~DeviceLattice() {
  // Replays of captured graphs may read the tables from any stream, so nothing less than the context will do.
  const Driver& driver = engine_->driver();
  CuContext popped = nullptr;
  if (driver.context_push(engine_->context()) == kCuSuccess) {
    static_cast<void>(driver.context_synchronize());
    static_cast<void>(driver.context_pop(&popped));
  }
}

bool DeviceLattice::capturing(CuStream stream) const {
  const Driver& driver = engine_->driver();
  int status = kCuCaptureNone;
  driver.check(driver.stream_capturing(stream, &status), "cuStreamIsCapturing");
  return status != kCuCaptureNone;
}

void DeviceLattice::update(const layout::Lattice& lattice, CuStream stream) {
  const ContextScope scope(engine_->driver(), engine_->context());
  if (capturing(stream)) {
    throw invalid(
        "stream is being captured; a replay would bring the old seeds back, so update the lattice before the capture "
        "or between replays");
  }
  if (lattice.channels() != lattice_.channels()) {
    throw invalid("lattice has " + std::to_string(lattice.channels()) + " channels, the device lattice was made for " +
                  std::to_string(lattice_.channels()));
  }
  Plan plan = plan_;
  plan.update(lattice);
  layout::Lattice seeds = lattice;
  staging_.copy(buffer_.address(), plan.image().data(), plan.image().size(), stream);
  plan_ = std::move(plan);
  lattice_ = std::move(seeds);
}

void DeviceLattice::check_given(const void* pointer, const char* name) const {
  if (plan_.elements() > 0) {
    require_pointer(pointer, name);
    if (reinterpret_cast<std::uintptr_t>(pointer) % static_cast<std::uintptr_t>(element_bytes_) != 0) {
      throw invalid(std::string(name) + " is not aligned to its elements of " + std::to_string(element_bytes_) +
                    " bytes");
    }
  }
}

void DeviceLattice::check_apart(const void* source, const char* source_name, const void* target,
                                const char* target_name, bool in_place) const {
  const auto first = reinterpret_cast<std::uintptr_t>(source);
  const auto second = reinterpret_cast<std::uintptr_t>(target);
  const auto bytes = static_cast<std::uintptr_t>(plan_.elements() * element_bytes_);
  const bool same = first == second;
  if (bytes > 0 && (same ? !in_place : first < second + bytes && second < first + bytes)) {
    throw invalid(std::string(target_name) + " overlaps " + source_name + "; it must be separate memory" +
                  (in_place ? ", or the same pointer to work in place" : ""));
  }
}

EsperLatticeArguments DeviceLattice::arguments(const float* theta) const {
  EsperLatticeArguments arguments{};
  arguments.table = device_pointer<const unsigned char*>(buffer_.address());
  arguments.workspace = device_pointer<unsigned char*>(buffer_.address() + table_bytes_);
  arguments.theta = theta;
  return arguments;
}

void DeviceLattice::forward(CuStream stream, const float* theta, std::int64_t theta_count, const void* x, void* y) {
  lattice_.check_theta(theta, theta_count);
  check_aligned(theta, "theta");
  check_given(x, "x");
  check_given(y, "y");
  check_apart(x, "x", y, "y", true);
  const ContextScope scope(engine_->driver(), engine_->context());
  // A graph must hold the launch, since a later update may give it work.
  if (plan_.forward_idle(x == y) && !capturing(stream)) {
    return;
  }
  EsperLatticeArguments arguments = this->arguments(theta);
  arguments.x = x;
  arguments.out = y;
  engine_->launch(kernels_.forward, stream, &arguments);
}

void DeviceLattice::backward(CuStream stream, const float* theta, std::int64_t theta_count,
                             const BackwardTensors& tensors) {
  lattice_.check_theta(theta, theta_count);
  check_aligned(theta, "theta");
  check_aligned(tensors.dtheta, "dtheta");
  check_aligned(tensors.dalpha, "dalpha");
  check_aligned(tensors.sums, "sums");
  check_given(tensors.x, "x");
  check_given(tensors.dy, "dy");
  if (tensors.dx != nullptr) {
    check_given(tensors.dx, "dx");
    check_apart(tensors.dy, "dy", tensors.dx, "dx", true);
    check_apart(tensors.x, "x", tensors.dx, "dx", false);
  }
  const ContextScope scope(engine_->driver(), engine_->context());
  EsperLatticeArguments arguments = this->arguments(theta);
  arguments.x = tensors.x;
  arguments.dy = tensors.dy;
  arguments.out = tensors.dx;
  arguments.dtheta = tensors.dtheta;
  arguments.dalpha = tensors.dalpha;
  arguments.sums = tensors.sums;
  engine_->launch(kernels_.backward, stream, &arguments);
}

}  // namespace esper::cuda
