// Device memory and pinned host memory that free themselves.
#pragma once

#include <cstddef>
#include <memory>
#include <string>

#include "cuda/driver.hpp"

namespace esper::cuda {

// Bytes as people read them, "12.3 MiB".
std::string size_text(std::size_t bytes);

// A piece of device memory. Made and destroyed while its context is current, or freed with it.
class DeviceBuffer {
 public:
  // what names the use in failures ("workspace of the lattice").
  DeviceBuffer(std::shared_ptr<const Driver> driver, CuContext context, std::size_t bytes, const char* what);
  ~DeviceBuffer();
  DeviceBuffer(const DeviceBuffer&) = delete;
  DeviceBuffer& operator=(const DeviceBuffer&) = delete;

  CuDevicePointer address() const noexcept { return address_; }
  std::size_t bytes() const noexcept { return bytes_; }

 private:
  std::shared_ptr<const Driver> driver_;
  CuContext context_;
  CuDevicePointer address_ = 0;
  std::size_t bytes_;
};

// Two pieces of pinned memory in turn: what one holds is on its way to the device while the other is filled. An event
// behind each copy guards it from being overwritten too soon.
class StagingPair {
 public:
  StagingPair(std::shared_ptr<const Driver> driver, CuContext context, std::size_t bytes);
  ~StagingPair();
  StagingPair(const StagingPair&) = delete;
  StagingPair& operator=(const StagingPair&) = delete;

  // Queues one copy of bytes from source to target. Waits only while both pieces are still being copied.
  void copy(CuDevicePointer target, const void* source, std::size_t bytes, CuStream stream);

 private:
  struct Slot {
    void* memory = nullptr;
    CuEvent event = nullptr;
    bool used = false;
  };

  void release() noexcept;

  std::shared_ptr<const Driver> driver_;
  CuContext context_;
  std::size_t bytes_;
  Slot slots_[2];
  std::size_t next_ = 0;
};

}  // namespace esper::cuda
