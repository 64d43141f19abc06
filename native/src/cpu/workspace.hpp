// Memory that calls work in. It grows to the largest call and is then reused: the steady state allocates nothing.
#pragma once

#include <cstddef>
#include <cstdint>
#include <new>
#include <vector>

#include "cpu/kernel_types.hpp"

namespace esper::cpu {

// Uninitialised numbers at a 64-byte boundary.
template <typename T>
class Buffer {
 public:
  Buffer() = default;
  ~Buffer() { release(); }
  Buffer(const Buffer&) = delete;
  Buffer& operator=(const Buffer&) = delete;

  // Makes room for count numbers; the contents are lost when it grows.
  T* reserve(std::int64_t count) {
    const auto wanted = static_cast<std::size_t>(count);
    if (wanted > capacity_) {
      release();
      data_ = static_cast<T*>(::operator new(wanted * sizeof(T), kAlignment));
      capacity_ = wanted;
    }
    return data_;
  }

 private:
  static constexpr std::align_val_t kAlignment{64};

  void release() noexcept {
    ::operator delete(data_, kAlignment);
    data_ = nullptr;
    capacity_ = 0;
  }

  T* data_ = nullptr;
  std::size_t capacity_ = 0;
};

using FloatBuffer = Buffer<float>;

// Channels first to first + count - 1.
struct ChannelRange {
  std::int32_t first;
  std::int32_t count;
};

struct Workspace {
  std::vector<SeedTask> tasks;                 // Of the families that work on every position by itself.
  std::vector<SeedTask> image_tasks;           // Of gate and depthwise.
  std::vector<SeedTask> unsummed_tasks;        // tasks where sums are not gathered; read if there are such places.
  std::vector<SeedTask> unsummed_image_tasks;  // Of image_tasks likewise.
  std::vector<ChannelRange> untouched;         // Channels that out-of-place calls copy.
  std::vector<float> channel_weights;
  std::vector<double> statistics;  // [partition][task][kStatisticCount]
  FloatBuffer packed;              // [task]
  FloatBuffer scratch;             // [partition]
  FloatBuffer partials;            // [partition][task]
  Buffer<double> totals;           // As partials.
};

}  // namespace esper::cpu
