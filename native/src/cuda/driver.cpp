#include "cuda/driver.hpp"

#include "abi/error.hpp"
#include "cuda/shared_library.hpp"

namespace esper::cuda {
namespace {

#if defined(_WIN32)
constexpr const char* kDriverName = "nvcuda.dll";
#else
constexpr const char* kDriverName = "libcuda.so.1";
#endif

Error unsupported(const std::string& message) {
  return {ESPER_ERROR_UNSUPPORTED, message};
}

SharedLibrary open_library() {
  const std::string named = environment("ESPER_CUDA_DRIVER");
  SharedLibrary library(named.empty() ? kDriverName : named);
  if (!library) {
    throw unsupported("the CUDA driver could not be opened: " + library.problem() +
                      (named.empty() ? "; install the NVIDIA driver, or name its library in ESPER_CUDA_DRIVER"
                                     : " (named by ESPER_CUDA_DRIVER)"));
  }
  return library;
}

template <typename Function>
void resolve(const SharedLibrary& library, const char* symbol, Function* function) {
  void* address = library.find(symbol);
  if (address == nullptr) {
    throw unsupported(library.name() + " has no function " + symbol + "; a driver of CUDA 11.0 or later is needed");
  }
  *function = reinterpret_cast<Function>(address);
}

}  // namespace

Driver::Driver() {
  const SharedLibrary library = open_library();
#define ESPER_CUDA_RESOLVE(member, symbol, arguments) resolve(library, #symbol, &member);
  ESPER_CUDA_DRIVER_CALLS(ESPER_CUDA_RESOLVE)
#undef ESPER_CUDA_RESOLVE
  const CuResult started = init(0);
  check(driver_version(&version_), "cuDriverGetVersion");
  if (started == kCuSuccess) {
    check(count_devices(&devices_), "cuDeviceGetCount");
  }
  if (started == kCuNoDevice || (started == kCuSuccess && devices_ == 0)) {
    const std::string visible = environment("CUDA_VISIBLE_DEVICES");
    problem_ = "the CUDA driver sees no device";
    if (!visible.empty()) {
      problem_ += "; CUDA_VISIBLE_DEVICES is \"" + visible + "\"";
    }
  } else if (started != kCuSuccess) {
    problem_ = "cuInit failed: " + describe(started);
  }
}

std::shared_ptr<const Driver> Driver::open_any() {
  return std::shared_ptr<const Driver>(new Driver());
}

std::shared_ptr<const Driver> Driver::open() {
  std::shared_ptr<const Driver> driver = open_any();
  if (!driver->problem().empty()) {
    const bool failed = driver->problem().rfind("cuInit", 0) == 0;
    throw Error(failed ? ESPER_ERROR_CUDA : ESPER_ERROR_UNSUPPORTED, driver->problem());
  }
  return driver;
}

void Driver::check(CuResult result, const std::string& what) const {
  if (result == kCuSuccess) {
    return;
  }
  throw Error(result == kCuOutOfMemory ? ESPER_ERROR_OUT_OF_MEMORY : ESPER_ERROR_CUDA,
              what + " failed: " + describe(result));
}

std::string Driver::describe(CuResult result) const {
  const char* name = nullptr;
  const char* text = nullptr;
  if (error_name(result, &name) != kCuSuccess || name == nullptr) {
    return "error " + std::to_string(result);
  }
  if (error_string(result, &text) != kCuSuccess || text == nullptr) {
    return name;
  }
  return std::string(name) + " (" + text + ")";
}

int Driver::attribute(CuDevice device, int attribute) const {
  int value = 0;
  check(device_attribute(&value, attribute, device), "cuDeviceGetAttribute");
  return value;
}

ContextScope::ContextScope(const Driver& driver, CuContext context) : driver_(driver) {
  CuContext current = nullptr;
  driver.check(driver.context_current(&current), "cuCtxGetCurrent");
  if (current != context) {
    driver.check(driver.context_push(context), "cuCtxPushCurrent");
    pushed_ = true;
  }
}

ContextScope::~ContextScope() {
  if (pushed_) {
    CuContext popped = nullptr;
    static_cast<void>(driver_.context_pop(&popped));
  }
}

}  // namespace esper::cuda
