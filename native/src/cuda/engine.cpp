#include "cuda/engine.hpp"

#include <algorithm>
#include <cstdio>

#include "abi/error.hpp"
#include "cuda/image.hpp"
#include "cuda/tables.h"

namespace esper::cuda {
namespace {

// Values of esper_cuda_options.source.
constexpr std::int32_t kSourceAuto = 0;
constexpr std::int32_t kSourceNvrtc = 1;
constexpr std::int32_t kSourceBuiltin = 2;

// Largest grid that anyone may ask for; far beyond what any device runs at once.
constexpr std::int32_t kMostBlocks = 1 << 16;

void check_options(const esper_cuda_options& options) {
  if (options.blocks < 0 || options.blocks > kMostBlocks) {
    throw invalid("options.blocks is " + std::to_string(options.blocks) + ", expected 0 to " +
                  std::to_string(kMostBlocks));
  }
  if (options.source < kSourceAuto || options.source > kSourceBuiltin) {
    throw invalid("options.source is " + std::to_string(options.source) + ", expected 0 (any), 1 (NVRTC) or 2 " +
                  "(built-in PTX)");
  }
}

// Symbols by which images tell their storage, by esper_dtype.
constexpr const char* kStorageMarks[] = {"esper_storage_float32", "esper_storage_float16", "esper_storage_bfloat16"};

}  // namespace

Engine::Engine(const esper_cuda_options& options)
    : driver_((check_options(options), Driver::open())),
      cache_(options.cache_dir == nullptr ? ImageCache::default_folder() : std::string(options.cache_dir)),
      blocks_(options.blocks),
      source_(options.source) {
  if (options.device < 0 || options.device >= driver_->device_count()) {
    throw invalid("options.device is " + std::to_string(options.device) + ", this machine has devices 0 to " +
                  std::to_string(driver_->device_count() - 1));
  }
  driver_->check(driver_->device_get(&device_, options.device), "cuDeviceGet");
  capability_ = 10 * driver_->attribute(device_, kCuCapabilityMajor) + driver_->attribute(device_, kCuCapabilityMinor);
  multiprocessors_ = driver_->attribute(device_, kCuMultiprocessorCount);
  if (capability_ < kLowestCapability) {
    throw Error(ESPER_ERROR_UNSUPPORTED, "device " + std::to_string(options.device) + " has compute capability " +
                                             std::to_string(capability_ / 10) + "." + std::to_string(capability_ % 10) +
                                             "; the kernels need 8.0 or later");
  }
  const int shared = driver_->attribute(device_, kCuSharedMemoryPerBlockOptin);
  const int needed = std::max(ESPER_CUDA_FORWARD_SHARED, ESPER_CUDA_BACKWARD_SHARED);
  if (shared < needed) {
    throw Error(ESPER_ERROR_UNSUPPORTED, "device " + std::to_string(options.device) + " gives a block " +
                                             std::to_string(shared) + " bytes of shared memory; the kernels need " +
                                             std::to_string(needed));
  }
  open_compiler(options.source);
  driver_->check(driver_->context_retain(&context_, device_), "cuDevicePrimaryCtxRetain");
  try {
    CuContext current = nullptr;
    driver_->check(driver_->context_current(&current), "cuCtxGetCurrent");
    if (current == nullptr) {
      driver_->check(driver_->context_set(context_), "cuCtxSetCurrent");
    }
    const ContextScope scope(*driver_, context_);
    driver_->check(driver_->stream_create(&setup_stream_, kCuStreamNonBlocking), "cuStreamCreate");
  } catch (...) {
    release();
    throw;
  }
}

Engine::~Engine() {
  release();
}

void Engine::release() noexcept {
  CuContext popped = nullptr;
  if (driver_->context_push(context_) == kCuSuccess) {
    bool waited = false;
    for (const Loaded& loaded : loaded_) {
      if (loaded.module != nullptr) {
        // Launches that are still queued, the optimizer's among them, run code of the modules.
        if (!waited) {
          static_cast<void>(driver_->context_synchronize());
          waited = true;
        }
        static_cast<void>(driver_->module_unload(loaded.module));
      }
    }
    if (setup_stream_ != nullptr) {
      static_cast<void>(driver_->stream_destroy(setup_stream_));
    }
    static_cast<void>(driver_->context_pop(&popped));
  }
  static_cast<void>(driver_->context_release(device_));
}

void Engine::open_compiler(std::int32_t source) {
  if (source == kSourceBuiltin) {
    if (builtin_ptx(ESPER_DTYPE_FLOAT32) == nullptr) {
      throw Error(ESPER_ERROR_UNSUPPORTED,
                  "this build of libesper carries no PTX; build it where clang 14 or later is, or use NVRTC");
    }
    return;
  }
  try {
    nvrtc_ = Nvrtc::open(driver_->version());
  } catch (const Error& error) {
    if (source == kSourceNvrtc) {
      throw;
    }
    if (builtin_ptx(ESPER_DTYPE_FLOAT32) == nullptr) {
      throw Error(ESPER_ERROR_UNSUPPORTED, std::string("no kernels: this build carries no PTX, and ") + error.what());
    }
  }
}

std::string Engine::nvrtc_image(std::int32_t dtype) {
  const ImageRequest request = request_for(*nvrtc_, capability_, dtype);
  const Sha256::Digest key = image_key(*nvrtc_, request);
  std::string image;
  if (cache_.read(key, &image)) {
    ++cached_;
    return image;
  }
  image = compile_image(*nvrtc_, request);
  ++compiled_;
  cache_.write(key, image);
  return image;
}

CuModule Engine::load_module(const void* image, const char* what) const {
  char log[2048] = "";
  int options[] = {kCuJitErrorLog, kCuJitErrorLogSize};
  void* values[] = {log, reinterpret_cast<void*>(sizeof log - 1)};
  CuModule module = nullptr;
  const CuResult result = driver_->module_load(&module, image, 2, options, values);
  if (result != kCuSuccess) {
    driver_->check(result, std::string("loading ") + what + " for capability " + std::to_string(capability_ / 10) +
                               "." + std::to_string(capability_ % 10) + (log[0] == '\0' ? "" : ": ") + log);
  }
  return module;
}

// By NVRTC; where any source will do and this one fails, by the built-in PTX, and the note says why.
CuModule Engine::load_compiled(std::int32_t dtype) {
  try {
    const std::string image = nvrtc_image(dtype);
    return load_module(image.data(), "the kernels compiled by NVRTC");
  } catch (const Error& error) {
    if (source_ == kSourceNvrtc || builtin_ptx(dtype) == nullptr || error.status() == ESPER_ERROR_OUT_OF_MEMORY) {
      throw;
    }
    note_ = std::string("the built-in PTX replaces NVRTC: ") + error.what();
    return nullptr;
  }
}

CuModule Engine::load(std::int32_t dtype) {
  CuModule module = nvrtc_ == nullptr ? nullptr : load_compiled(dtype);
  if (module == nullptr) {
    module = load_module(builtin_ptx(dtype), "the PTX built into libesper");
    ++builtin_;
  }
  return module;
}

Kernel Engine::resolve(CuModule module, const char* name, std::uint32_t shared_bytes) const {
  Kernel kernel;
  kernel.name = name;
  kernel.shared_bytes = shared_bytes;
  driver_->check(driver_->module_function(&kernel.function, module, name), name);
  if (shared_bytes > 0) {
    driver_->check(driver_->function_set(kernel.function, kCuMaxDynamicSharedSize, static_cast<int>(shared_bytes)),
                   "cuFuncSetAttribute(max dynamic shared size)");
  }
  kernel.blocks = blocks_;
  if (blocks_ == 0) {
    int resident = 0;
    driver_->check(driver_->occupancy(&resident, kernel.function, ESPER_CUDA_THREADS, shared_bytes),
                   "cuOccupancyMaxActiveBlocksPerMultiprocessor");
    if (resident < 1) {
      throw Error(ESPER_ERROR_CUDA, std::string(name) + " does not fit a multiprocessor of this device");
    }
    kernel.blocks = resident * multiprocessors_;
  }
  return kernel;
}

const KernelSet& Engine::kernels(std::int32_t dtype) {
  if (dtype < ESPER_DTYPE_FLOAT32 || dtype > ESPER_DTYPE_BFLOAT16) {
    throw invalid("dtype is " + std::to_string(dtype) + ", expected an esper_dtype (0 to 2)");
  }
  Loaded& loaded = loaded_[static_cast<std::size_t>(dtype)];
  if (loaded.module == nullptr) {
    const ContextScope scope(*driver_, context_);
    const CuModule module = load(dtype);
    try {
      CuDevicePointer mark = 0;
      driver_->check(driver_->module_global(&mark, nullptr, module, kStorageMarks[dtype]), kStorageMarks[dtype]);
      KernelSet set;
      set.forward = resolve(module, "esper_lattice_forward", ESPER_CUDA_FORWARD_SHARED);
      set.backward = resolve(module, "esper_lattice_backward", ESPER_CUDA_BACKWARD_SHARED);
      set.optimizer = resolve(module, "esper_optimizer_kernel", 0);
      loaded = {module, set};
    } catch (...) {
      static_cast<void>(driver_->module_unload(module));
      throw;
    }
  }
  return loaded.set;
}

const KernelSet& Engine::any_kernels() {
  for (const Loaded& loaded : loaded_) {
    if (loaded.module != nullptr) {
      return loaded.set;
    }
  }
  return kernels(ESPER_DTYPE_FLOAT32);
}

void Engine::launch(const Kernel& kernel, CuStream stream, void* argument) const {
  void* parameters[] = {argument};
  const CuResult result = driver_->launch(kernel.function, static_cast<unsigned>(kernel.blocks), 1, 1,
                                          ESPER_CUDA_THREADS, 1, 1, kernel.shared_bytes, stream, parameters, nullptr);
  if (result != kCuSuccess) {
    driver_->check(result, std::string("launch of ") + kernel.name + " with " + std::to_string(kernel.blocks) +
                               " blocks of " + std::to_string(ESPER_CUDA_THREADS) + " threads");
  }
}

void Engine::describe(esper_cuda_description* description) const {
  description->capability = capability_;
  description->multiprocessors = multiprocessors_;
  description->compiled = compiled_;
  description->cached = cached_;
  description->builtin = builtin_;
  description->nvrtc = nvrtc_ == nullptr ? 0 : nvrtc_->version();
  description->forward_blocks = 0;
  description->backward_blocks = 0;
  for (const Loaded& loaded : loaded_) {
    if (loaded.module != nullptr) {
      description->forward_blocks = loaded.set.forward.blocks;
      description->backward_blocks = loaded.set.backward.blocks;
    }
  }
  const std::string& note = note_.empty() ? cache_.note() : note_;
  std::snprintf(description->note, sizeof description->note, "%s", note.c_str());
}

}  // namespace esper::cuda
