// The CUDA driver, opened at run time.
#pragma once

#include <memory>
#include <string>

#include "cuda/driver_api.hpp"

namespace esper::cuda {

// Entry points of libcuda. Every call goes through check(), which turns failures into esper::Error.
class Driver {
 public:
  // Opens the library that ESPER_CUDA_DRIVER names, libcuda.so.1 without it, and initialises it. Throws Error with
  // ESPER_ERROR_UNSUPPORTED if the library, a function of it or a device is missing, ESPER_ERROR_CUDA if the driver
  // fails.
  static std::shared_ptr<const Driver> open();

  // As open, but a machine without a device is fine: version() and device_count() tell.
  static std::shared_ptr<const Driver> open_any();

  // CUDA version of the driver, 1000 * major + 10 * minor.
  int version() const noexcept { return version_; }
  int device_count() const noexcept { return devices_; }
  // Why no device can be used, "" if one can.
  const std::string& problem() const noexcept { return problem_; }

  // Throws unless result is a success; what names the call and what it was for. Lack of memory is
  // ESPER_ERROR_OUT_OF_MEMORY, everything else ESPER_ERROR_CUDA.
  void check(CuResult result, const std::string& what) const;
  void check(CuResult result, const char* what) const {
    if (result != kCuSuccess) {
      check(result, std::string(what));
    }
  }

  // Name and text of a CUresult, "CUDA_ERROR_NO_DEVICE (no CUDA-capable device is detected)".
  std::string describe(CuResult result) const;

  int attribute(CuDevice device, int attribute) const;

#define ESPER_CUDA_MEMBER(member, symbol, arguments) CuResult(ESPER_CUDA_CALL* member) arguments = nullptr;
  ESPER_CUDA_DRIVER_CALLS(ESPER_CUDA_MEMBER)
#undef ESPER_CUDA_MEMBER

 private:
  Driver();

  int version_ = 0;
  int devices_ = 0;
  std::string problem_;
};

// Makes a context current for the calling thread while it lives; costs one query when it is current already.
class ContextScope {
 public:
  ContextScope(const Driver& driver, CuContext context);
  ~ContextScope();
  ContextScope(const ContextScope&) = delete;
  ContextScope& operator=(const ContextScope&) = delete;

 private:
  const Driver& driver_;
  bool pushed_ = false;
};

}  // namespace esper::cuda
