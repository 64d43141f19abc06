// Entry points of the fake driver: memory, events, streams, graphs and launches, as the driver API documents them.
#include <chrono>
#include <cstdio>
#include <cstring>

#include "cuda/optimizer_tables.h"
#include "cuda/tables.h"
#include "fake_entry.hpp"

using namespace fake;

namespace {

struct Event {
  double seconds = 0.0;
};

double now() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
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
EXPORT cuMemcpyHtoD_v2(std::uint64_t target, const void* source, std::size_t bytes) {
  ENTER_CONTEXT(cuMemcpyHtoD_v2)
  if (!known_memory(target, bytes)) {
    return kInvalidValue;
  }
  fake::drain();
  std::memcpy(reinterpret_cast<void*>(target), source, bytes);
  return 0;
}
EXPORT cuMemcpyDtoH_v2(void* target, std::uint64_t source, std::size_t bytes) {
  ENTER_CONTEXT(cuMemcpyDtoH_v2)
  if (!known_memory(source, bytes)) {
    return kInvalidValue;
  }
  fake::drain();
  std::memcpy(target, reinterpret_cast<void*>(source), bytes);
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
