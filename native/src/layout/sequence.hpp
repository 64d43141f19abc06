// Sequence lock for one writer and any number of readers: the writer never waits, readers repeat what a write
// disturbed.
#pragma once

#include <atomic>
#include <cstdint>

namespace esper::layout {

// Data under a Sequence is written and read through these two. The pairing is what makes the lock sound without fences:
// a reader whose acquire load takes a value that a release store wrote also sees the odd number stored before it, so
// that unchanged() fails.
template <typename T>
inline void publish(std::atomic<T>& target, T value) noexcept {
  target.store(value, std::memory_order_release);
}
template <typename T>
inline T observe(const std::atomic<T>& source) noexcept {
  return source.load(std::memory_order_acquire);
}
// The writer's own look at data that only it writes.
template <typename T>
inline T own(const std::atomic<T>& source) noexcept {
  return source.load(std::memory_order_relaxed);
}

// Even: nothing is being written. Odd: a write is under way. 64 bits do not come round in the life of a machine.
class Sequence {
 public:
  // Writer: the data changes from here on. An odd number, which only damage leaves behind, is mended by the next write.
  void open() noexcept { value_.store(own(value_) | 1U, std::memory_order_relaxed); }
  // Writer: the data is whole again.
  void close() noexcept { value_.store((own(value_) | 1U) + 1U, std::memory_order_release); }

  // Reader: number under which to read. Waits while a write is under way; throws Error(ESPER_ERROR_CORRUPT) if that
  // takes longer than any write can.
  std::uint64_t begin() const {
    const std::uint64_t value = observe(value_);
    return (value & 1U) == 0 ? value : await();
  }
  // Reader: whether everything observed since begin() belongs together.
  bool unchanged(std::uint64_t begun) const noexcept { return own(value_) == begun; }

 private:
  std::uint64_t await() const;

  std::atomic<std::uint64_t> value_{0};
};

// Calls body, which observes data under the sequence, until nothing disturbed it.
template <typename Body>
inline void read_whole(const Sequence& sequence, const Body& body) {
  for (;;) {
    const std::uint64_t begun = sequence.begin();
    body();
    if (sequence.unchanged(begun)) {
      return;
    }
  }
}

}  // namespace esper::layout
