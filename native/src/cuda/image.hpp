// Compilation of the kernels to images that the driver loads.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "cuda/digest.hpp"
#include "cuda/nvrtc.hpp"

namespace esper::cuda {

// Lowest compute capability (10 * major + minor) that the kernels are written for.
constexpr int kLowestCapability = 80;

// What NVRTC is asked for.
struct ImageRequest {
  std::string architecture;  // "sm_80": machine code, "compute_80": PTX.
  std::int32_t dtype;        // esper_dtype
};

// Throws unless the architecture is well formed and at least the lowest one, and dtype is an esper_dtype.
void check_request(const ImageRequest& request);

// Best request that this NVRTC can serve for a device of the capability. Throws if there is none.
ImageRequest request_for(const Nvrtc& nvrtc, int capability, std::int32_t dtype);

// Compiles the embedded sources.
std::string compile_image(const Nvrtc& nvrtc, const ImageRequest& request);

// Digest of everything that determines the image: sources, options and compiler.
Sha256::Digest image_key(const Nvrtc& nvrtc, const ImageRequest& request);

// PTX built into the library for the storage, nullptr if it carries none.
const char* builtin_ptx(std::int32_t dtype) noexcept;

}  // namespace esper::cuda
