#include "device.h"

#include <c10/core/impl/DeviceGuardImplInterface.h>

#include <cstdlib>
#include <cstring>

#include "error.h"

namespace esper::host {
namespace {

constexpr const char* kAdvice = "; the device CPU works";

// Why libesper finds no usable GPU, "" if it finds one.
std::string problem_of_libesper() {
  esper_cuda_info info{};
  info.struct_size = sizeof(info);
  check_esper(esper_cuda_query(&info), "esper_cuda_query");
  return info.problem;
}

void check_libtorch(const std::string& place) {
  if (!at::Context::hasCUDART()) {
    unsupported(place, ": libtorch ", TORCH_VERSION, " is built without CUDA; build libesper_host with one that has it",
                kAdvice);
  }
  if (!at::hasCUDA()) {
    const std::string problem = problem_of_libesper();
    unsupported(place, ": libtorch ", TORCH_VERSION, " is built with CUDA but finds no usable GPU",
                problem.empty() ? "" : " (", problem, problem.empty() ? "" : ")", kAdvice);
  }
}

void choose_exact_kernels() {
  at::Context& context = at::globalContext();
  context.setDeterministicCuDNN(true);
  context.setBenchmarkCuDNN(false);
  context.setAllowTF32CuDNN(false);
  context.setAllowTF32CuBLAS(false);
}

// The handle behind a libtorch stream, under the names that versions of libtorch have for it.
template <class Stream>
auto native_handle(const Stream& stream, int, int) -> decltype(stream.native_handle()) {
  return stream.native_handle();
}
template <class Stream>
auto native_handle(const Stream& stream, int, long) -> decltype(stream.stream_handle()) {
  return stream.stream_handle();
}
template <class Stream>
void* native_handle(const Stream& stream, long, long) {
  unsupported("libtorch ", TORCH_VERSION, " does not tell the CUDA stream behind its stream ", stream.id(),
              "; run on its default stream, or build with a libtorch whose streams have a native handle");
}

}  // namespace

bool Device::emulated() {
  const char* tensors = std::getenv("ESPER_HOST_CUDA_TENSORS");
  return tensors != nullptr && std::strcmp(tensors, "cpu") == 0;
}

Device Device::open_cuda(const std::string& place) {
  if (!emulated()) check_libtorch(place);
  Device device = open_cuda(emulated() ? at::Device(at::kCPU) : at::Device(at::kCUDA, 0), place);
  choose_exact_kernels();
  return device;
}

Device Device::open_cuda(const at::Device& tensors, const std::string& place) {
  esper_cuda_options options{};
  options.struct_size = sizeof(options);
  // libtorch and the driver number devices alike: CUDA_VISIBLE_DEVICES rules both.
  options.device = tensors.has_index() ? tensors.index() : 0;
  esper_cuda* cuda = nullptr;
  const esper_status status = esper_cuda_create(&options, &cuda);
  // The device itself is asked: esper_cuda_query would describe the first one.
  if (status == ESPER_ERROR_UNSUPPORTED || status == ESPER_ERROR_CUDA) {
    unsupported(place, ": libesper has no usable GPU: ", esper_last_error(), kAdvice);
  }
  check_esper(status, place);
  Device device;
  device.cuda_.reset(cuda);
  device.tensors_ = tensors;
  return device;
}

void* Device::stream() const {
  if (tensors_.is_cpu()) return nullptr;
  const c10::Stream stream = c10::impl::getDeviceGuardImpl(tensors_.type())->getStream(tensors_);
  // libtorch's stream 0 is CUDA's legacy default stream, whose handle is NULL.
  return stream.id() == 0 ? nullptr : native_handle(stream, 0, 0);
}

at::Tensor Device::upload(const at::Tensor& host) const {
  if (on_cpu()) return host;
  if (tensors_.is_cpu()) return host.clone();
  if (host.numel() == 0) return at::empty(host.sizes(), options(host.scalar_type()));
  // Pinned, so that the copy overlaps with the device's work; libtorch keeps the memory until the copy is done.
  const at::Tensor staging = at::empty(host.sizes(), host.options().pinned_memory(true));
  std::memcpy(staging.data_ptr(), host.data_ptr(), host.nbytes());
  return staging.to(options(host.scalar_type()), /*non_blocking=*/true);
}

at::Tensor Device::place(const at::Tensor& host) const {
  if (on_cpu()) return host;
  return tensors_.is_cpu() ? host.clone() : host.to(options(host.scalar_type()));
}

void write_tensor(const at::Tensor& target, const void* data) {
  if (target.nbytes() == 0) return;
  if (target.is_cpu()) {
    std::memcpy(target.data_ptr(), data, target.nbytes());
    return;
  }
  const auto options = at::TensorOptions().dtype(target.scalar_type());
  target.detach().copy_(at::from_blob(const_cast<void*>(data), target.sizes(), options));
}

void read_tensor(const at::Tensor& source, void* data) {
  if (source.nbytes() == 0) return;
  const at::Tensor host = source.detach().cpu();
  std::memcpy(data, host.data_ptr(), host.nbytes());
}

}  // namespace esper::host
