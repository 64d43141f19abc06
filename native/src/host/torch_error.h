// The status of failures inside libtorch.
#pragma once

#include "esper/esper_host.h"
#include "torch.h"

namespace esper::host {

// Lack of memory, on whatever device, and failures of CUDA have statuses of their own; all others are `otherwise`.
esper_status torch_status(const c10::Error& error, esper_status otherwise);

}  // namespace esper::host
