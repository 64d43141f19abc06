// Repairs of the process environment that must happen before other libraries read it.
#pragma once

namespace esper::cpu {

// Contract: esper_environment_prepare.
const char* prepare_environment() noexcept;

}  // namespace esper::cpu
