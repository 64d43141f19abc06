#include "cuda/device_memory.hpp"

#include <cstdio>
#include <cstring>
#include <utility>

#include "abi/error.hpp"

namespace esper::cuda {

std::string size_text(std::size_t bytes) {
  constexpr const char* kUnits[] = {"bytes", "KiB", "MiB", "GiB", "TiB"};
  auto value = static_cast<double>(bytes);
  std::size_t unit = 0;
  while (value >= 1024.0 && unit + 1 < sizeof kUnits / sizeof kUnits[0]) {
    value /= 1024.0;
    ++unit;
  }
  char text[32];
  std::snprintf(text, sizeof text, unit == 0 ? "%.0f %s" : "%.1f %s", value, kUnits[unit]);
  return text;
}

DeviceBuffer::DeviceBuffer(std::shared_ptr<const Driver> driver, CuContext context, std::size_t bytes, const char* what)
    : driver_(std::move(driver)), context_(context), bytes_(bytes) {
  const ContextScope scope(*driver_, context_);
  const CuResult result = driver_->memory_allocate(&address_, bytes);
  if (result != kCuSuccess) {
    driver_->check(result, "allocating " + size_text(bytes) + " of device memory, " + what + ",");
  }
}

DeviceBuffer::~DeviceBuffer() {
  CuContext popped = nullptr;
  if (driver_->context_push(context_) == kCuSuccess) {
    static_cast<void>(driver_->memory_free(address_));
    static_cast<void>(driver_->context_pop(&popped));
  }
}

StagingPair::StagingPair(std::shared_ptr<const Driver> driver, CuContext context, std::size_t bytes)
    : driver_(std::move(driver)), context_(context), bytes_(bytes) {
  const ContextScope scope(*driver_, context_);
  try {
    for (Slot& slot : slots_) {
      driver_->check(driver_->host_allocate(&slot.memory, bytes, kCuHostPortable), "cuMemHostAlloc");
      driver_->check(driver_->event_create(&slot.event, kCuEventDisableTiming), "cuEventCreate");
    }
  } catch (...) {
    release();
    throw;
  }
}

StagingPair::~StagingPair() {
  CuContext popped = nullptr;
  if (driver_->context_push(context_) == kCuSuccess) {
    release();
    static_cast<void>(driver_->context_pop(&popped));
  }
}

void StagingPair::release() noexcept {
  for (Slot& slot : slots_) {
    if (slot.event != nullptr) {
      if (slot.used) {
        static_cast<void>(driver_->event_synchronize(slot.event));
      }
      static_cast<void>(driver_->event_destroy(slot.event));
    }
    if (slot.memory != nullptr) {
      static_cast<void>(driver_->host_free(slot.memory));
    }
    slot = Slot();
  }
}

void StagingPair::copy(CuDevicePointer target, const void* source, std::size_t bytes, CuStream stream) {
  if (bytes > bytes_) {
    throw Error(ESPER_ERROR_INTERNAL, "the staging memory is too small");
  }
  Slot& slot = slots_[next_];
  if (slot.used) {
    const CuResult state = driver_->event_query(slot.event);
    if (state == kCuNotReady) {
      driver_->check(driver_->event_synchronize(slot.event), "cuEventSynchronize");
    } else {
      driver_->check(state, "cuEventQuery");
    }
  }
  std::memcpy(slot.memory, source, bytes);
  driver_->check(driver_->copy_to_device(target, slot.memory, bytes, stream), "cuMemcpyHtoDAsync");
  slot.used = true;
  const CuResult recorded = driver_->event_record(slot.event, stream);
  if (recorded != kCuSuccess) {
    // The guard failed, not the copy: only a wait makes the memory safe to fill again.
    static_cast<void>(driver_->stream_synchronize(stream));
    slot.used = false;
    driver_->check(recorded, "cuEventRecord");
  }
  next_ = 1 - next_;
}

}  // namespace esper::cuda
