// NVIDIA's run-time compiler, opened at run time.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "cuda/embedded.hpp"

namespace esper::cuda {

// An opaque program of NVRTC.
using NvrtcProgram = struct NvrtcProgramTag*;

// X(member, exported symbol, arguments); all return nvrtcResult, 0 on success.
#define ESPER_NVRTC_CALLS(X)                                                                                     \
  X(version_of, nvrtcVersion, (int* major, int* minor))                                                          \
  X(program_create, nvrtcCreateProgram,                                                                          \
    (NvrtcProgram * program, const char* source, const char* name, int header_count, const char* const* headers, \
     const char* const* header_names))                                                                           \
  X(program_destroy, nvrtcDestroyProgram, (NvrtcProgram * program))                                              \
  X(program_compile, nvrtcCompileProgram, (NvrtcProgram program, int option_count, const char* const* options))  \
  X(log_size, nvrtcGetProgramLogSize, (NvrtcProgram program, std::size_t * bytes))                               \
  X(log_text, nvrtcGetProgramLog, (NvrtcProgram program, char* text))                                            \
  X(ptx_size, nvrtcGetPTXSize, (NvrtcProgram program, std::size_t * bytes))                                      \
  X(ptx_text, nvrtcGetPTX, (NvrtcProgram program, char* text))                                                   \
  X(cubin_size, nvrtcGetCUBINSize, (NvrtcProgram program, std::size_t * bytes))                                  \
  X(cubin_data, nvrtcGetCUBIN, (NvrtcProgram program, char* data))                                               \
  X(arch_count, nvrtcGetNumSupportedArchs, (int* count))                                                         \
  X(arch_list, nvrtcGetSupportedArchs, (int* capabilities))

// One loaded NVRTC. Versions from 11.2 on serve.
class Nvrtc {
 public:
  // Opens the library that ESPER_NVRTC names. Without it: the newest one found, of the driver's major version or older
  // if driver_version (1000 * major + 10 * minor) is not 0 and there is such a one, since older drivers do not load
  // what newer compilers make. Throws Error with ESPER_ERROR_UNSUPPORTED, naming where it looked.
  static std::shared_ptr<const Nvrtc> open(int driver_version);

  // 1000 * major + 10 * minor.
  int version() const noexcept { return version_; }
  // The library's file or soname.
  const std::string& name() const noexcept { return name_; }
  // Largest capability (10 * major + minor) up to most that it makes code for, 0 if there is none.
  int newest_capability(int most) const noexcept;
  bool supports(int capability) const noexcept;

  // Compiles source with headers found by their names. Machine code if the architecture option names a real device
  // ("sm_80"), PTX if a virtual one. Throws Error with ESPER_ERROR_CUDA and the first lines of the compiler's log.
  std::string compile(const EmbeddedText& source, const std::vector<EmbeddedText>& headers,
                      const std::vector<std::string>& options, bool machine_code) const;

 private:
  struct Candidate;
  explicit Nvrtc(const std::string& file);
  void load_builtins() const;
  void check(int result, const char* call) const;
  std::string log(NvrtcProgram program) const;

  std::string name_;
  std::string problem_;
  int version_ = 0;
  std::vector<int> capabilities_;
  const char* (*error_string_)(int) = nullptr;

#define ESPER_NVRTC_MEMBER(member, symbol, arguments) int(*member) arguments = nullptr;
  ESPER_NVRTC_CALLS(ESPER_NVRTC_MEMBER)
#undef ESPER_NVRTC_MEMBER
};

}  // namespace esper::cuda
