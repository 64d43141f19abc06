// Entry points of the fake driver: errors, devices, contexts and modules, as the driver API documents them.
#include <cstdio>
#include <cstring>
#include <memory>

#include "fake_entry.hpp"

using namespace fake;

namespace {

struct Named {
  int code;
  const char* name;
  const char* text;
};
constexpr Named kErrors[] = {
    {0, "CUDA_SUCCESS", "no error"},
    {kInvalidValue, "CUDA_ERROR_INVALID_VALUE", "invalid argument"},
    {2, "CUDA_ERROR_OUT_OF_MEMORY", "out of memory"},
    {kNotInitialized, "CUDA_ERROR_NOT_INITIALIZED", "initialization error"},
    {kNoDevice, "CUDA_ERROR_NO_DEVICE", "no CUDA-capable device is detected"},
    {kInvalidDevice, "CUDA_ERROR_INVALID_DEVICE", "invalid device ordinal"},
    {kInvalidImage, "CUDA_ERROR_INVALID_IMAGE", "device kernel image is invalid"},
    {kInvalidContext, "CUDA_ERROR_INVALID_CONTEXT", "invalid device context"},
    {kNotFound, "CUDA_ERROR_NOT_FOUND", "named symbol not found"},
    {kNotReady, "CUDA_ERROR_NOT_READY", "device not ready"},
    {701, "CUDA_ERROR_LAUNCH_OUT_OF_RESOURCES", "too many resources requested for launch"},
    {719, "CUDA_ERROR_LAUNCH_FAILED", "unspecified launch failure"},
    {803, "CUDA_ERROR_SYSTEM_DRIVER_MISMATCH", "system has unsupported display driver / cuda driver combination"},
    {kCaptureUnsupported, "CUDA_ERROR_STREAM_CAPTURE_UNSUPPORTED", "operation not permitted when stream is capturing"},
};

struct Module {
  int storage;
  std::string text;  // What names of kernels are looked up in.
};

int context_tag = 0;

// Bytes of an ELF image, from its own header: where the section table ends.
std::size_t elf_bytes(const unsigned char* image) {
  std::uint64_t table = 0;
  std::uint16_t entry = 0;
  std::uint16_t count = 0;
  std::memcpy(&table, image + 40, sizeof table);
  std::memcpy(&entry, image + 58, sizeof entry);
  std::memcpy(&count, image + 60, sizeof count);
  return table + std::size_t{entry} * count;
}

}  // namespace

std::vector<void*>& fake::contexts() {
  thread_local std::vector<void*> stack;
  return stack;
}

EXPORT cuInit(unsigned) {
  ENTER(cuInit)
  return property("devices") == 0 ? kNoDevice : 0;
}
EXPORT cuDriverGetVersion(int* version) {
  ENTER(cuDriverGetVersion)
  *version = property("driver");
  return 0;
}
EXPORT cuGetErrorName(int error, const char** text) {
  for (const Named& entry : kErrors) {
    if (entry.code == error) {
      *text = entry.name;
      return 0;
    }
  }
  return kInvalidValue;
}
EXPORT cuGetErrorString(int error, const char** text) {
  for (const Named& entry : kErrors) {
    if (entry.code == error) {
      *text = entry.text;
      return 0;
    }
  }
  return kInvalidValue;
}
EXPORT cuDeviceGetCount(int* count) {
  ENTER(cuDeviceGetCount)
  *count = property("devices");
  return 0;
}
EXPORT cuDeviceGet(int* device, int ordinal) {
  ENTER(cuDeviceGet)
  *device = ordinal;
  return ordinal < property("devices") ? 0 : kInvalidDevice;
}
EXPORT cuDeviceGetName(char* name, int length, int) {
  ENTER(cuDeviceGetName)
  std::snprintf(name, static_cast<std::size_t>(length), "Fake device");
  return 0;
}
EXPORT cuDeviceGetAttribute(int* value, int attribute, int) {
  ENTER(cuDeviceGetAttribute)
  switch (attribute) {
    case 16:
      *value = property("multiprocessors");
      return 0;
    case 75:
      *value = property("capability") / 10;
      return 0;
    case 76:
      *value = property("capability") % 10;
      return 0;
    case 97:
      *value = property("shared");
      return 0;
    default:
      return kInvalidValue;
  }
}
EXPORT cuDeviceTotalMem_v2(std::size_t* bytes, int) {
  ENTER(cuDeviceTotalMem_v2)
  *bytes = std::size_t{80} << 30;
  return 0;
}
EXPORT cuDevicePrimaryCtxRetain(void** context, int) {
  ENTER(cuDevicePrimaryCtxRetain)
  ++state().live["context"];
  *context = &context_tag;
  return 0;
}
EXPORT cuDevicePrimaryCtxRelease_v2(int) {
  ENTER(cuDevicePrimaryCtxRelease_v2)
  --state().live["context"];
  return 0;
}
EXPORT cuCtxGetCurrent(void** context) {
  ENTER(cuCtxGetCurrent)
  *context = contexts().empty() ? nullptr : contexts().back();
  return 0;
}
EXPORT cuCtxSetCurrent(void* context) {
  ENTER(cuCtxSetCurrent)
  if (contexts().empty()) {
    contexts().push_back(context);
  } else {
    contexts().back() = context;
  }
  return 0;
}
EXPORT cuCtxPushCurrent_v2(void* context) {
  ENTER(cuCtxPushCurrent_v2)
  contexts().push_back(context);
  return 0;
}
EXPORT cuCtxPopCurrent_v2(void** context) {
  ENTER(cuCtxPopCurrent_v2)
  if (contexts().empty()) {
    return kInvalidContext;
  }
  *context = contexts().back();
  contexts().pop_back();
  return 0;
}
EXPORT cuCtxSynchronize() {
  ENTER_CONTEXT(cuCtxSynchronize)
  if (state().capture != nullptr) {
    return kCaptureUnsupported;
  }
  fake::drain();
  return 0;
}

EXPORT cuModuleLoadDataEx(void** module, const void* image, unsigned count, int* options, void** values) {
  ENTER_CONTEXT(cuModuleLoadDataEx)
  const auto* bytes = static_cast<const unsigned char*>(image);
  std::string text;
  if (std::memcmp(bytes,
                  "\x7f"
                  "ELF",
                  4) == 0) {
    text.assign(reinterpret_cast<const char*>(bytes), elf_bytes(bytes));
  } else {
    text = static_cast<const char*>(image);
  }
  int storage = -1;
  const char* marks[] = {"esper_storage_float32", "esper_storage_float16", "esper_storage_bfloat16"};
  for (int i = 0; i < 3; ++i) {
    if (text.find(marks[i]) != std::string::npos) {
      storage = i;
    }
  }
  if (storage < 0) {
    for (unsigned i = 0; i < count; ++i) {
      if (options[i] == 5) {
        std::strcpy(static_cast<char*>(values[i]), "ptxas fatal: not one of ours");
      }
    }
    return kInvalidImage;
  }
  *module = new Module{storage, std::move(text)};
  ++state().live["module"];
  return 0;
}
EXPORT cuModuleUnload(void* module) {
  ENTER_CONTEXT(cuModuleUnload)
  delete static_cast<Module*>(module);
  --state().live["module"];
  return 0;
}
EXPORT cuModuleGetFunction(void** function, void* module, const char* name) {
  ENTER_CONTEXT(cuModuleGetFunction)
  const auto* owner = static_cast<Module*>(module);
  if (owner->text.find(name) == std::string::npos) {
    return kNotFound;
  }
  // Functions live as long as the process; tests make few.
  static std::vector<std::unique_ptr<Function>> functions;
  functions.push_back(std::make_unique<Function>(Function{name, owner->storage}));
  *function = functions.back().get();
  return 0;
}
EXPORT cuModuleGetGlobal_v2(std::uint64_t* address, std::size_t* bytes, void* module, const char* name) {
  ENTER_CONTEXT(cuModuleGetGlobal_v2)
  *address = 1;
  if (bytes != nullptr) {
    *bytes = 4;
  }
  return static_cast<Module*>(module)->text.find(name) == std::string::npos ? kNotFound : 0;
}
EXPORT cuFuncSetAttribute(void*, int, int value) {
  ENTER_CONTEXT(cuFuncSetAttribute)
  return value <= property("shared") ? 0 : kInvalidValue;
}
EXPORT cuOccupancyMaxActiveBlocksPerMultiprocessor(int* blocks, void*, int, std::size_t) {
  ENTER_CONTEXT(cuOccupancyMaxActiveBlocksPerMultiprocessor)
  *blocks = property("occupancy");
  return 0;
}
