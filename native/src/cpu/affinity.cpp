#include "cpu/affinity.hpp"

#if defined(__linux__)
#include <sched.h>
#endif

#include <thread>

namespace esper::cpu {

std::int32_t available_cores() noexcept {
#if defined(__linux__)
  cpu_set_t set;
  if (sched_getaffinity(0, sizeof set, &set) == 0 && CPU_COUNT(&set) > 0) {
    return CPU_COUNT(&set);
  }
#endif
  const unsigned count = std::thread::hardware_concurrency();
  return count > 0 ? static_cast<std::int32_t>(count) : 1;
}

}  // namespace esper::cpu
