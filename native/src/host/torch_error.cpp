#include "torch_error.h"

#include <cstring>

namespace esper::host {

esper_status torch_status(const c10::Error& error, esper_status otherwise) {
  const char* message = error.what_without_backtrace();
  const auto says = [message](const char* part) { return std::strstr(message, part) != nullptr; };
  // libtorch's allocators say it in these words; the driver's own failure comes as "CUDA error: out of memory".
  if (dynamic_cast<const c10::OutOfMemoryError*>(&error) != nullptr || says("allocate memory") ||
      says("out of memory")) {
    return ESPER_ERROR_OUT_OF_MEMORY;
  }
  return says("CUDA error") || says("cuDNN error") ? ESPER_ERROR_CUDA : otherwise;
}

}  // namespace esper::host
