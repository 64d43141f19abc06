#include "cuda/image.hpp"

#include <cstring>

#include "abi/error.hpp"
#include "esper/esper.h"

namespace esper::cuda {
namespace {

// The file that includes all kernels.
constexpr const char* kTopSource = "image.cuh";

constexpr const char* kMachinePrefix = "sm_";
constexpr const char* kVirtualPrefix = "compute_";

bool starts_with(const std::string& text, const char* prefix) {
  return text.compare(0, std::strlen(prefix), prefix) == 0;
}

// Capability in an architecture's name, 0 if it is malformed. Suffixes ("sm_90a") ask for features of one device that
// the kernels do not use.
int capability_of(const std::string& architecture) {
  const std::size_t digits = starts_with(architecture, kMachinePrefix)   ? std::strlen(kMachinePrefix)
                             : starts_with(architecture, kVirtualPrefix) ? std::strlen(kVirtualPrefix)
                                                                         : std::string::npos;
  if (digits == std::string::npos || architecture.size() < digits + 2 || architecture.size() > digits + 3 ||
      architecture.find_first_not_of("0123456789", digits) != std::string::npos) {
    return 0;
  }
  return std::stoi(architecture.substr(digits));
}

std::vector<std::string> options_of(const ImageRequest& request) {
  return {"--gpu-architecture=" + request.architecture, "--std=c++17", "-default-device",
          "-DESPER_STORAGE=" + std::to_string(request.dtype)};
}

const EmbeddedText& top_source() {
  for (std::size_t i = 0; i < kKernelSourceCount; ++i) {
    if (std::strcmp(kKernelSources[i].name, kTopSource) == 0) {
      return kKernelSources[i];
    }
  }
  throw Error(ESPER_ERROR_INTERNAL, std::string("the library carries no ") + kTopSource);
}

}  // namespace

void check_request(const ImageRequest& request) {
  if (request.dtype < ESPER_DTYPE_FLOAT32 || request.dtype > ESPER_DTYPE_BFLOAT16) {
    throw invalid("dtype is " + std::to_string(request.dtype) + ", expected an esper_dtype (0 to 2)");
  }
  const int capability = capability_of(request.architecture);
  if (capability == 0) {
    throw invalid("architecture is \"" + request.architecture + "\", expected \"sm_80\", \"sm_90\", ... or " +
                  "\"compute_80\", ...");
  }
  if (capability < kLowestCapability) {
    throw Error(ESPER_ERROR_UNSUPPORTED,
                "architecture is \"" + request.architecture + "\"; the kernels need compute capability 8.0 or later");
  }
}

ImageRequest request_for(const Nvrtc& nvrtc, int capability, std::int32_t dtype) {
  if (nvrtc.supports(capability)) {
    return {kMachinePrefix + std::to_string(capability), dtype};
  }
  // A device that the compiler does not know: PTX of an earlier architecture runs all the same. The compiler may know
  // later ones: capabilities are not released in their order.
  const int earlier = nvrtc.newest_capability(capability);
  if (earlier < kLowestCapability) {
    throw Error(ESPER_ERROR_UNSUPPORTED, nvrtc.name() + " makes no code for capability " + std::to_string(capability) +
                                             "; a newer NVRTC is needed");
  }
  return {kVirtualPrefix + std::to_string(earlier), dtype};
}

std::string compile_image(const Nvrtc& nvrtc, const ImageRequest& request) {
  const EmbeddedText& top = top_source();
  const std::vector<EmbeddedText> headers(kKernelSources, kKernelSources + kKernelSourceCount);
  return nvrtc.compile(top, headers, options_of(request), starts_with(request.architecture, kMachinePrefix));
}

Sha256::Digest image_key(const Nvrtc& nvrtc, const ImageRequest& request) {
  Sha256 hash;
  hash.add_field("esper kernels 1");
  hash.add_field("nvrtc " + std::to_string(nvrtc.version()));
  for (const std::string& option : options_of(request)) {
    hash.add_field(option);
  }
  for (std::size_t i = 0; i < kKernelSourceCount; ++i) {
    hash.add_field(kKernelSources[i].name);
    hash.add_field(std::string(kKernelSources[i].text, kKernelSources[i].size));
  }
  return hash.finish();
}

const char* builtin_ptx(std::int32_t dtype) noexcept {
  return kKernelPtx[dtype].text;
}

}  // namespace esper::cuda
