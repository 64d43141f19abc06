#include "layout/sequence.hpp"

#include <chrono>
#include <thread>

#include "abi/error.hpp"

namespace esper::layout {

std::uint64_t Sequence::await() const {
  // A write takes nanoseconds, unless its thread lost the processor in the middle.
  constexpr int kSpins = 64;
  constexpr std::chrono::seconds kLimit{10};
  std::chrono::steady_clock::time_point start;
  std::uint64_t seen = 0;
  for (int looks = 0;; ++looks) {
    const std::uint64_t value = observe(value_);
    if ((value & 1U) == 0) {
      return value;
    }
    if (value != seen) {
      seen = value;
      looks = 0;
    }
    if (looks < kSpins) {
      continue;
    }
    if (looks == kSpins) {
      start = std::chrono::steady_clock::now();
    } else if (std::chrono::steady_clock::now() - start > kLimit) {
      throw Error(ESPER_ERROR_CORRUPT,
                  "a change has been under way for 10 seconds: the writing thread stopped in its middle, or a sequence "
                  "number is damaged; the next write to the row mends it");
    }
    std::this_thread::yield();
  }
}

}  // namespace esper::layout
