#include "device_run.hpp"

#include <algorithm>
#include <cstring>

namespace esper_device_test {
namespace {

using esper_gpu::Gpu;

// Bytes around every tensor; a multiple of what allocations are aligned to.
constexpr std::size_t kPad = 256;
constexpr unsigned char kCanary = 0x5a;

DeviceLattice make_lattice(const Cuda& cuda, const esper_test::Problem& problem, std::int32_t dtype) {
  esper_cuda_lattice* lattice = nullptr;
  const esper_test::Lattice seeds = problem.lattice();
  if (esper_cuda_lattice_create(cuda.get(), seeds.get(), &problem.shape, dtype, &lattice) != ESPER_OK) {
    throw std::runtime_error(esper_last_error());
  }
  return DeviceLattice(lattice);
}

void require(esper_status status) {
  if (status != ESPER_OK) {
    throw std::runtime_error(esper_last_error());
  }
}

}  // namespace

DeviceProblem::DeviceProblem(const Gpu& gpu, const Cuda& cuda, const esper_test::Problem& problem, std::int32_t dtype)
    : gpu_(gpu),
      dtype_(dtype),
      theta_count_(problem.theta_count()),
      tensor_bytes_(problem.x.size() * esper_gpu::element_bytes(dtype)),
      x_host_(esper_gpu::to_storage(problem.x, dtype)),
      dy_host_(esper_gpu::to_storage(problem.dy, dtype)),
      theta_(gpu, problem.theta.size() * sizeof(float) + 2 * kPad),
      x_(gpu, tensor_bytes_ + 2 * kPad),
      dy_(gpu, tensor_bytes_ + 2 * kPad),
      y_(gpu, tensor_bytes_ + 2 * kPad),
      dx_(gpu, tensor_bytes_ + 2 * kPad),
      dtheta_(gpu, problem.theta.size() * sizeof(float) + 2 * kPad),
      dalpha_(gpu, problem.seeds.size() * sizeof(float) + 2 * kPad),
      sums_(gpu, problem.seeds.size() * ESPER_CUDA_SUM_COUNT * sizeof(double) + 2 * kPad),
      lattice_(make_lattice(cuda, problem, dtype)) {
  write(theta_, problem.theta.data(), problem.theta.size() * sizeof(float));
  write(x_, x_host_.data(), tensor_bytes_);
  write(dy_, dy_host_.data(), tensor_bytes_);
  // Copies from pageable memory may still be on their way, and the streams of the tests wait for nobody.
  Gpu::check(gpu_.context_synchronize(), "cuCtxSynchronize");
}

esper_gpu::Address DeviceProblem::inside(const esper_gpu::Memory& memory) const {
  return memory.address() + kPad;
}

void DeviceProblem::write(const esper_gpu::Memory& memory, const void* data, std::size_t bytes) const {
  if (bytes > 0) {
    Gpu::check(gpu_.copy_in(inside(memory), data, bytes), "cuMemcpyHtoD");
  }
}

std::vector<unsigned char> DeviceProblem::read(const esper_gpu::Memory& memory, const char* name) const {
  std::vector<unsigned char> bytes(memory.bytes());
  Gpu::check(gpu_.copy_out(bytes.data(), memory.address(), bytes.size()), "cuMemcpyDtoH");
  for (std::size_t i = 0; i < kPad; ++i) {
    EXPECT_EQ(bytes[i], kCanary) << "write before " << name;
    EXPECT_EQ(bytes[bytes.size() - 1 - i], kCanary) << "write behind " << name;
  }
  return {bytes.begin() + kPad, bytes.end() - kPad};
}

void DeviceProblem::clear(void* stream) {
  for (const esper_gpu::Memory* memory : {&y_, &dx_, &dtheta_, &dalpha_, &sums_}) {
    Gpu::check(gpu_.memory_set(memory->address(), kCanary, memory->bytes(), stream), "cuMemsetD8Async");
  }
  if (theta_count_ > 0) {
    Gpu::check(gpu_.memory_set(inside(dtheta_), 0, static_cast<std::size_t>(theta_count_) * sizeof(float), stream),
               "cuMemsetD8Async");
  }
}

void DeviceProblem::forward(void* stream, bool in_place) {
  if (in_place) {
    Gpu::check(gpu_.copy(inside(y_), inside(x_), tensor_bytes_, stream), "cuMemcpyDtoDAsync");
  }
  require(esper_cuda_lattice_forward(lattice_.get(), stream, pointer<const float>(theta_), theta_count_,
                                     in_place ? pointer<const void>(y_) : pointer<const void>(x_), pointer<void>(y_)));
}

void DeviceProblem::backward(void* stream, bool in_place) {
  if (in_place) {
    Gpu::check(gpu_.copy(inside(dx_), inside(dy_), tensor_bytes_, stream), "cuMemcpyDtoDAsync");
  }
  require(esper_cuda_lattice_backward(
      lattice_.get(), stream, pointer<const float>(theta_), theta_count_, pointer<const void>(x_),
      in_place ? pointer<const void>(dx_) : pointer<const void>(dy_), pointer<void>(dx_), pointer<float>(dtheta_),
      pointer<float>(dalpha_), pointer<double>(sums_)));
}

void DeviceProblem::update(const esper_test::Problem& problem, void* stream) {
  const esper_test::Lattice seeds = problem.lattice();
  require(esper_cuda_lattice_update(lattice_.get(), seeds.get(), stream));
}

DeviceResults DeviceProblem::take(const esper_gpu::Stream& stream) const {
  stream.wait();
  DeviceResults results;
  results.y = esper_gpu::from_storage(read(y_, "y"), dtype_);
  results.dx = esper_gpu::from_storage(read(dx_, "dx"), dtype_);
  results.dtheta = esper_gpu::from_storage(read(dtheta_, "dtheta"), ESPER_DTYPE_FLOAT32);
  results.dalpha = esper_gpu::from_storage(read(dalpha_, "dalpha"), ESPER_DTYPE_FLOAT32);
  const std::vector<unsigned char> sums = read(sums_, "sums");
  results.sums.resize(sums.size() / sizeof(double));
  if (!sums.empty()) {
    std::memcpy(results.sums.data(), sums.data(), sums.size());
  }
  return results;
}

esper_test::Problem rounded(esper_test::Problem problem, std::int32_t dtype) {
  problem.x = esper_gpu::from_storage(esper_gpu::to_storage(problem.x, dtype), dtype);
  problem.dy = esper_gpu::from_storage(esper_gpu::to_storage(problem.dy, dtype), dtype);
  return problem;
}

DeviceResults run_device(const Gpu& gpu, const Cuda& cuda, const esper_test::Problem& problem, std::int32_t dtype,
                         bool in_place) {
  const esper_gpu::Stream stream(gpu);
  DeviceProblem device(gpu, cuda, problem, dtype);
  device.clear(stream.get());
  device.forward(stream.get(), in_place);
  device.backward(stream.get(), in_place);
  return device.take(stream);
}

}  // namespace esper_device_test
