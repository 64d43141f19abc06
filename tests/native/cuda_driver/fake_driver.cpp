// The entry points of the fake driver, with the behaviour that the driver API documents for them.
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <memory>
#include <string>

#include "cuda/optimizer_tables.h"
#include "cuda/tables.h"
#include "fake_state.hpp"

namespace {

using fake::state;

constexpr int kInvalidValue = 1;
constexpr int kNotInitialized = 3;
constexpr int kNoDevice = 100;
constexpr int kInvalidDevice = 101;
constexpr int kInvalidImage = 200;
constexpr int kInvalidContext = 201;
constexpr int kNotFound = 500;
constexpr int kNotReady = 600;
constexpr int kCaptureUnsupported = 900;

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
struct Function {
  std::string name;
  int storage;
};
struct Event {
  double seconds = 0.0;
};

thread_local std::vector<void*> contexts;
int context_tag = 0;

double now() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

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

int property(const char* name) {
  return state().properties[name];
}

// The calls that need a current context.
#define ENTER(symbol)                          \
  if (const int code = fake::enter(#symbol)) { \
    return code;                               \
  }
#define ENTER_CONTEXT(symbol)                           \
  ENTER(symbol)                                         \
  if (contexts.empty() || contexts.back() == nullptr) { \
    return kInvalidContext;                             \
  }

bool known_memory(std::uint64_t address, std::size_t bytes) {
  for (const auto& entry : state().memory) {
    const auto begin = reinterpret_cast<std::uint64_t>(entry.first);
    if (address >= begin && address + bytes <= begin + entry.second) {
      return true;
    }
  }
  return false;
}

void run_kernel(const esper_fake_launch_record& record, const std::string& argument) {
  if (state().launcher != nullptr) {
    state().launcher(&record, argument.data());
  }
}

}  // namespace

#define EXPORT extern "C" __attribute__((visibility("default"))) int

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
  *context = contexts.empty() ? nullptr : contexts.back();
  return 0;
}
EXPORT cuCtxSetCurrent(void* context) {
  ENTER(cuCtxSetCurrent)
  if (contexts.empty()) {
    contexts.push_back(context);
  } else {
    contexts.back() = context;
  }
  return 0;
}
EXPORT cuCtxPushCurrent_v2(void* context) {
  ENTER(cuCtxPushCurrent_v2)
  contexts.push_back(context);
  return 0;
}
EXPORT cuCtxPopCurrent_v2(void** context) {
  ENTER(cuCtxPopCurrent_v2)
  if (contexts.empty()) {
    return kInvalidContext;
  }
  *context = contexts.back();
  contexts.pop_back();
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

EXPORT cuMemAlloc_v2(std::uint64_t* address, std::size_t bytes) {
  ENTER_CONTEXT(cuMemAlloc_v2)
  if (state().capture != nullptr) {
    return kCaptureUnsupported;
  }
  void* memory = std::aligned_alloc(256, (bytes + 255) / 256 * 256);
  if (memory == nullptr) {
    return 2;
  }
  std::memset(memory, 0xa5, bytes);  // Nothing may rely on zeros.
  state().memory[memory] = bytes;
  ++state().live["device"];
  *address = reinterpret_cast<std::uint64_t>(memory);
  return 0;
}
EXPORT cuMemFree_v2(std::uint64_t address) {
  ENTER_CONTEXT(cuMemFree_v2)
  fake::drain();
  auto* memory = reinterpret_cast<void*>(address);
  if (state().memory.erase(memory) == 0) {
    return kInvalidValue;
  }
  std::free(memory);
  --state().live["device"];
  return 0;
}
EXPORT cuMemsetD8Async(std::uint64_t address, unsigned char value, std::size_t bytes, void* stream) {
  ENTER_CONTEXT(cuMemsetD8Async)
  if (!known_memory(address, bytes)) {
    return kInvalidValue;
  }
  fake::submit(stream, [=] { std::memset(reinterpret_cast<void*>(address), value, bytes); });
  return 0;
}
EXPORT cuMemHostAlloc(void** address, std::size_t bytes, unsigned) {
  ENTER_CONTEXT(cuMemHostAlloc)
  *address = std::malloc(bytes);
  ++state().live["host"];
  return *address == nullptr ? 2 : 0;
}
EXPORT cuMemFreeHost(void* address) {
  ENTER_CONTEXT(cuMemFreeHost)
  std::free(address);
  --state().live["host"];
  return 0;
}
EXPORT cuMemcpyHtoDAsync_v2(std::uint64_t target, const void* source, std::size_t bytes, void* stream) {
  ENTER_CONTEXT(cuMemcpyHtoDAsync_v2)
  if (!known_memory(target, bytes)) {
    return kInvalidValue;
  }
  fake::submit(stream, [=] { std::memcpy(reinterpret_cast<void*>(target), source, bytes); });
  return 0;
}
EXPORT cuMemcpyDtoHAsync_v2(void* target, std::uint64_t source, std::size_t bytes, void* stream) {
  ENTER_CONTEXT(cuMemcpyDtoHAsync_v2)
  if (!known_memory(source, bytes)) {
    return kInvalidValue;
  }
  fake::submit(stream, [=] { std::memcpy(target, reinterpret_cast<void*>(source), bytes); });
  return 0;
}
EXPORT cuMemcpyDtoDAsync_v2(std::uint64_t target, std::uint64_t source, std::size_t bytes, void* stream) {
  ENTER_CONTEXT(cuMemcpyDtoDAsync_v2)
  if (!known_memory(target, bytes) || !known_memory(source, bytes)) {
    return kInvalidValue;
  }
  fake::submit(stream, [=] { std::memmove(reinterpret_cast<void*>(target), reinterpret_cast<void*>(source), bytes); });
  return 0;
}

EXPORT cuEventCreate(void** event, unsigned) {
  ENTER_CONTEXT(cuEventCreate)
  *event = new Event();
  ++state().live["event"];
  return 0;
}
EXPORT cuEventDestroy_v2(void* event) {
  ENTER_CONTEXT(cuEventDestroy_v2)
  fake::drain(event);
  delete static_cast<Event*>(event);
  --state().live["event"];
  return 0;
}
EXPORT cuEventRecord(void* event, void* stream) {
  ENTER_CONTEXT(cuEventRecord)
  fake::submit(
      stream, [=] { static_cast<Event*>(event)->seconds = now(); }, event);
  return 0;
}
EXPORT cuEventQuery(void* event) {
  ENTER_CONTEXT(cuEventQuery)
  return fake::pending(event) ? kNotReady : 0;
}
EXPORT cuEventSynchronize(void* event) {
  ENTER_CONTEXT(cuEventSynchronize)
  fake::drain(event);
  return 0;
}
EXPORT cuEventElapsedTime(float* milliseconds, void* start, void* end) {
  ENTER_CONTEXT(cuEventElapsedTime)
  *milliseconds = static_cast<float>(1e3 * (static_cast<Event*>(end)->seconds - static_cast<Event*>(start)->seconds));
  return 0;
}
EXPORT cuStreamCreate(void** stream, unsigned) {
  ENTER_CONTEXT(cuStreamCreate)
  *stream = new char();
  ++state().live["stream"];
  return 0;
}
EXPORT cuStreamDestroy_v2(void* stream) {
  ENTER_CONTEXT(cuStreamDestroy_v2)
  delete static_cast<char*>(stream);
  --state().live["stream"];
  return 0;
}
EXPORT cuStreamSynchronize(void*) {
  ENTER_CONTEXT(cuStreamSynchronize)
  fake::drain();
  return 0;
}
EXPORT cuStreamIsCapturing(void* stream, int* status) {
  ENTER_CONTEXT(cuStreamIsCapturing)
  *status = state().capture != nullptr && state().capture_stream == stream ? 1 : 0;
  return 0;
}
EXPORT cuStreamBeginCapture_v2(void* stream, int) {
  ENTER_CONTEXT(cuStreamBeginCapture_v2)
  state().capture = new fake::Graph();
  state().capture_stream = stream;
  return 0;
}
EXPORT cuStreamEndCapture(void*, void** graph) {
  ENTER_CONTEXT(cuStreamEndCapture)
  *graph = state().capture;
  state().capture = nullptr;
  state().capture_stream = nullptr;
  return 0;
}
EXPORT cuGraphInstantiateWithFlags(void** executable, void* graph, unsigned long long) {
  ENTER_CONTEXT(cuGraphInstantiateWithFlags)
  *executable = new fake::Graph(*static_cast<fake::Graph*>(graph));
  return 0;
}
EXPORT cuGraphLaunch(void* executable, void* stream) {
  ENTER_CONTEXT(cuGraphLaunch)
  for (const fake::Work& work : static_cast<fake::Graph*>(executable)->work) {
    fake::submit(stream, work.run, work.event);
  }
  return 0;
}
EXPORT cuGraphDestroy(void* graph) {
  ENTER_CONTEXT(cuGraphDestroy)
  delete static_cast<fake::Graph*>(graph);
  return 0;
}
EXPORT cuGraphExecDestroy(void* executable) {
  ENTER_CONTEXT(cuGraphExecDestroy)
  delete static_cast<fake::Graph*>(executable);
  return 0;
}

EXPORT cuLaunchKernel(void* function, unsigned grid_x, unsigned, unsigned, unsigned block_x, unsigned, unsigned,
                      unsigned shared_bytes, void* stream, void** parameters, void**) {
  ENTER_CONTEXT(cuLaunchKernel)
  const auto* kernel = static_cast<Function*>(function);
  const bool captured = state().capture != nullptr && state().capture_stream == stream;
  esper_fake_launch_record record{};
  std::snprintf(record.kernel, sizeof record.kernel, "%s", kernel->name.c_str());
  record.storage = kernel->storage;
  record.grid = grid_x;
  record.threads = block_x;
  record.shared_bytes = shared_bytes;
  record.stream = stream;
  record.captured = captured ? 1 : 0;
  state().launches.push_back(record);
  const std::size_t bytes =
      kernel->name == "esper_optimizer_kernel" ? sizeof(EsperOptimizerArguments) : sizeof(EsperLatticeArguments);
  // Arguments are read when the launch is made, not when it runs.
  const std::string argument(static_cast<const char*>(parameters[0]), bytes);
  fake::submit(stream, [=] { run_kernel(record, argument); });
  return 0;
}
