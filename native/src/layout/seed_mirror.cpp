#include "layout/seed_mirror.hpp"

#include <string>

#include "abi/error.hpp"

namespace esper::layout {

esper_seed_view* SeedMirror::staging(std::size_t count) {
  Staging& staging = staging_[turn_];
  if (staging.capacity < count) {
    staging.views.reset(new esper_seed_view[count]);
    staging.capacity = count;
    bytes_.store((staging_[0].capacity + staging_[1].capacity) * sizeof(esper_seed_view), std::memory_order_relaxed);
  }
  return staging.views.get();
}

std::int64_t SeedMirror::send(esper_copy_fn copy, void* user, void* target, const esper_seed_view* views) {
  const std::size_t first = first_;
  const std::size_t bytes = (end_ - first_) * sizeof(esper_seed_view);
  // Also what holds if copy should leave by an exception.
  forget();
  turn_ ^= 1U;
  const std::int32_t code = copy(user, static_cast<esper_seed_view*>(target) + first, views, bytes);
  if (code != 0) {
    throw Error(ESPER_ERROR_INTERNAL, "copy failed with code " + std::to_string(code) + " for " +
                                          std::to_string(bytes) + " bytes from seed " + std::to_string(first) +
                                          " on; the next call copies every seed");
  }
  target_ = target;
  first_ = std::numeric_limits<std::size_t>::max();
  end_ = 0;
  return static_cast<std::int64_t>(bytes);
}

}  // namespace esper::layout
