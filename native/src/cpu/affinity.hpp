// Cores that this process may run on.
#pragma once

#include <cstdint>

namespace esper::cpu {

// At least 1; respects the affinity mask.
std::int32_t available_cores() noexcept;

}  // namespace esper::cpu
