// Where NVRTC may lie.
#pragma once

#include <string>
#include <vector>

namespace esper::cuda {

// Files and sonames of NVRTC in the order of preference: ESPER_NVRTC alone where it is set; otherwise newest version
// first, and of one version the loader's own choice before CUDA toolkits, before wheels of Python environments.
std::vector<std::string> nvrtc_candidates();

}  // namespace esper::cuda
