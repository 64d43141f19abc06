// Where a session's tensors live, and whose kernels run on them: on the CPU this library's own, elsewhere libtorch's
// operators and libesper's CUDA kernels.
#pragma once

#include <memory>
#include <string>

#include "esper/esper.h"
#include "torch.h"

namespace esper::host {

struct CudaDeleter {
  void operator()(esper_cuda* cuda) const { esper_cuda_destroy(cuda); }
};
using CudaHandle = std::unique_ptr<esper_cuda, CudaDeleter>;

class Device {
 public:
  // The CPU.
  Device() = default;
  // Device 0 of CUDA, as the session's option CUDA asks for, and settings of libtorch, for the whole process, by which
  // float32 means float32 and the same calls give the same bits. Throws ESPER_ERROR_UNSUPPORTED with what is missing;
  // place begins the message. With ESPER_HOST_CUDA_TENSORS=cpu in the environment tensors stay in host memory and
  // everything else is as on a GPU; ESPER_CUDA_DRIVER then has to name a driver whose device memory is host memory.
  // That is for tests of this library on machines without a GPU.
  static Device open_cuda(const std::string& place);
  // A CUDA device that libtorch has tensors on, of any index; leaves libtorch's settings to whoever runs it.
  static Device open_cuda(const at::Device& tensors, const std::string& place);
  // Whether ESPER_HOST_CUDA_TENSORS=cpu.
  static bool emulated();

  bool on_cpu() const { return cuda_ == nullptr; }
  at::TensorOptions options(at::ScalarType type) const { return at::TensorOptions().dtype(type).device(tensors_); }
  esper_cuda* cuda() const { return cuda_.get(); }
  // The CUstream that libtorch queues on from the calling thread.
  void* stream() const;
  // A copy of a tensor in host memory, queued without waiting; the source may change as soon as this returns. On the
  // CPU the tensor itself.
  at::Tensor upload(const at::Tensor& host) const;
  // The same for what is copied once: waits, and leaves no pinned memory behind.
  at::Tensor place(const at::Tensor& host) const;

 private:
  at::Device tensors_{at::kCPU};
  CudaHandle cuda_;
};

// Overwrites target's elements with bytes from host memory, also where autograd watches target.
void write_tensor(const at::Tensor& target, const void* data);
// Copies a dense tensor's bytes to host memory; waits for them.
void read_tensor(const at::Tensor& source, void* data);

}  // namespace esper::host
