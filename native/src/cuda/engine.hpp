// One device with its compiled kernels: what the handle esper_cuda is.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <string>

#include "cuda/driver.hpp"
#include "cuda/image_cache.hpp"
#include "cuda/nvrtc.hpp"
#include "esper/esper.h"

namespace esper::cuda {

// A kernel with its launch configuration.
struct Kernel {
  CuFunction function = nullptr;
  std::int32_t blocks = 0;  // Of the fixed grid.
  std::uint32_t shared_bytes = 0;
  const char* name = "";
};

// The kernels of one storage.
struct KernelSet {
  Kernel forward;
  Kernel backward;
  Kernel optimizer;
};

class Engine {
 public:
  // options: checked here. Retains the device's primary context.
  explicit Engine(const esper_cuda_options& options);
  ~Engine();
  Engine(const Engine&) = delete;
  Engine& operator=(const Engine&) = delete;

  const Driver& driver() const noexcept { return *driver_; }
  const std::shared_ptr<const Driver>& shared_driver() const noexcept { return driver_; }
  CuContext context() const noexcept { return context_; }
  // A stream of its own for what creation copies, so that it waits for nothing else.
  CuStream setup_stream() const noexcept { return setup_stream_; }

  // Kernels for the storage; compiled and loaded at the first call for it.
  const KernelSet& kernels(std::int32_t dtype);
  // Any kernels with the optimizer among them; those of float32 if none are loaded.
  const KernelSet& any_kernels();

  // Queues one launch of the kernel's fixed grid with one argument by value. The context is current.
  void launch(const Kernel& kernel, CuStream stream, void* argument) const;

  // Fills description, see esper_cuda_describe.
  void describe(esper_cuda_description* description) const;

 private:
  struct Loaded {
    CuModule module = nullptr;
    KernelSet set;
  };

  void open_compiler(std::int32_t source);
  std::string nvrtc_image(std::int32_t dtype);
  CuModule load_module(const void* image, const char* what) const;
  CuModule load_compiled(std::int32_t dtype);
  CuModule load(std::int32_t dtype);
  Kernel resolve(CuModule module, const char* name, std::uint32_t shared_bytes) const;
  void release() noexcept;

  std::shared_ptr<const Driver> driver_;
  std::shared_ptr<const Nvrtc> nvrtc_;  // Empty: the built-in PTX serves.
  ImageCache cache_;
  CuDevice device_ = 0;
  CuContext context_ = nullptr;
  CuStream setup_stream_ = nullptr;
  std::int32_t blocks_;
  std::int32_t source_;
  std::int32_t capability_ = 0;
  std::int32_t multiprocessors_ = 0;
  std::int32_t compiled_ = 0;
  std::int32_t cached_ = 0;
  std::int32_t builtin_ = 0;
  std::string note_;
  std::array<Loaded, 3> loaded_;
};

}  // namespace esper::cuda
