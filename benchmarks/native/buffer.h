// Memory of tensors: floats that start at a cache line, as those of every deep learning framework do.
#pragma once

#include <cstddef>
#include <cstdint>
#include <new>
#include <vector>

namespace esper::bench {

template <typename T>
struct LineAllocator {
  using value_type = T;
  LineAllocator() = default;
  template <typename U>
  explicit LineAllocator(const LineAllocator<U>&) {}
  T* allocate(std::size_t count) { return static_cast<T*>(::operator new (count * sizeof(T), std::align_val_t{64})); }
  void deallocate(T* memory, std::size_t) { ::operator delete (memory, std::align_val_t{64}); }
  bool operator==(const LineAllocator&) const { return true; }
  bool operator!=(const LineAllocator&) const { return false; }
};

using Buffer = std::vector<float, LineAllocator<float>>;

// count values uniform in [-scale, scale), the same ones for the same key.
inline Buffer random_values(std::size_t count, uint64_t key, float scale) {
  Buffer values(count);
  for (float& value : values) {
    key = key * 6364136223846793005U + 1442695040888963407U;
    value = (static_cast<float>(key >> 40U) * 0x1p-23F - 1.0F) * scale;
  }
  return values;
}

}  // namespace esper::bench
