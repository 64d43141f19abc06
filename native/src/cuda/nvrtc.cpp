#include "cuda/nvrtc.hpp"

#include <algorithm>

#include "abi/error.hpp"
#include "cuda/nvrtc_search.hpp"
#include "cuda/shared_library.hpp"

namespace esper::cuda {
namespace {

constexpr std::size_t kLogLines = 8;

// The lines of a compiler's log that say most: from the first error on.
std::string first_lines(const std::string& log) {
  const std::size_t error = log.find("error");
  std::size_t begin = 0;
  if (error != std::string::npos) {
    const std::size_t line = log.rfind('\n', error);
    begin = line == std::string::npos ? 0 : line + 1;
  }
  std::size_t end = begin;
  for (std::size_t line = 0; line < kLogLines && end < log.size(); ++line) {
    end = std::min(log.find('\n', end), log.size() - 1) + 1;
  }
  std::string text = log.substr(begin, end - begin);
  while (!text.empty() && (text.back() == '\n' || text.back() == '\0')) {
    text.pop_back();
  }
  return text;
}

}  // namespace

Nvrtc::Nvrtc(const std::string& file) : name_(file) {
  const SharedLibrary library(file);
  if (!library) {
    problem_ = library.problem();
    return;
  }
#define ESPER_NVRTC_RESOLVE(member, symbol, arguments)                   \
  member = reinterpret_cast<decltype(member)>(library.find(#symbol));    \
  if (member == nullptr) {                                               \
    problem_ = file + " has no " #symbol "; NVRTC 11.2 or later serves"; \
    return;                                                              \
  }
  ESPER_NVRTC_CALLS(ESPER_NVRTC_RESOLVE)
#undef ESPER_NVRTC_RESOLVE
  error_string_ = reinterpret_cast<const char* (*)(int)>(library.find("nvrtcGetErrorString"));
  int major = 0;
  int minor = 0;
  int count = 0;
  if (version_of(&major, &minor) != 0 || arch_count(&count) != 0 || count < 1) {
    problem_ = file + " does not tell its version";
    return;
  }
  version_ = 1000 * major + 10 * minor;
  capabilities_.resize(static_cast<std::size_t>(count));
  if (arch_list(capabilities_.data()) != 0) {
    problem_ = file + " does not tell its architectures";
    return;
  }
  std::sort(capabilities_.begin(), capabilities_.end());
  load_builtins();
}

// NVRTC opens its second library by name alone when it compiles; found beside the first and loaded before, it needs no
// search path. Where it is not there, NVRTC says so itself.
void Nvrtc::load_builtins() const {
  const std::string folder = SharedLibrary::folder_of(reinterpret_cast<const void*>(version_of));
  if (!folder.empty()) {
    const std::string version = std::to_string(version_ / 1000) + "." + std::to_string(version_ % 1000 / 10);
    static_cast<void>(SharedLibrary(folder + "/libnvrtc-builtins.so." + version));
  }
}

std::shared_ptr<const Nvrtc> Nvrtc::open(int driver_version) {
  std::shared_ptr<const Nvrtc> newer;
  std::string first_problem;
  for (const std::string& file : nvrtc_candidates()) {
    std::shared_ptr<const Nvrtc> candidate(new Nvrtc(file));
    if (!candidate->problem_.empty()) {
      if (first_problem.empty()) {
        first_problem = candidate->problem_;
      }
    } else if (driver_version == 0 || candidate->version() / 1000 <= driver_version / 1000) {
      return candidate;
    } else if (newer == nullptr) {
      newer = candidate;
    }
  }
  if (newer == nullptr) {
    throw Error(ESPER_ERROR_UNSUPPORTED,
                "NVRTC could not be opened: " + first_problem +
                    "; install the CUDA toolkit, the Python wheel nvidia-cuda-nvrtc or Debian's libnvrtc11.2, or name "
                    "its file in ESPER_NVRTC");
  }
  return newer;
}

bool Nvrtc::supports(int capability) const noexcept {
  return std::binary_search(capabilities_.begin(), capabilities_.end(), capability);
}

int Nvrtc::newest_capability(int most) const noexcept {
  const auto behind = std::upper_bound(capabilities_.begin(), capabilities_.end(), most);
  return behind == capabilities_.begin() ? 0 : *(behind - 1);
}

void Nvrtc::check(int result, const char* call) const {
  if (result != 0) {
    const char* text = error_string_ == nullptr ? nullptr : error_string_(result);
    throw Error(ESPER_ERROR_CUDA, std::string(call) + " failed: " + (text == nullptr ? "" : text) + " (" +
                                      std::to_string(result) + ", " + name_ + ")");
  }
}

std::string Nvrtc::log(NvrtcProgram program) const {
  std::size_t bytes = 0;
  if (log_size(program, &bytes) != 0 || bytes == 0) {
    return "";
  }
  std::string text(bytes, '\0');
  return log_text(program, text.data()) == 0 ? text : "";
}

std::string Nvrtc::compile(const EmbeddedText& source, const std::vector<EmbeddedText>& headers,
                           const std::vector<std::string>& options, bool machine_code) const {
  std::vector<const char*> texts;
  std::vector<const char*> names;
  for (const EmbeddedText& header : headers) {
    texts.push_back(header.text);
    names.push_back(header.name);
  }
  std::vector<const char*> arguments;
  for (const std::string& option : options) {
    arguments.push_back(option.c_str());
  }
  NvrtcProgram program = nullptr;
  check(program_create(&program, source.text, source.name, static_cast<int>(texts.size()), texts.data(), names.data()),
        "nvrtcCreateProgram");
  struct Guard {
    const Nvrtc* nvrtc;
    NvrtcProgram program;
    ~Guard() { static_cast<void>(nvrtc->program_destroy(&program)); }
  } const guard{this, program};
  const int result = program_compile(program, static_cast<int>(arguments.size()), arguments.data());
  if (result != 0) {
    const char* text = error_string_ == nullptr ? "" : error_string_(result);
    throw Error(ESPER_ERROR_CUDA, "NVRTC " + std::to_string(version_ / 1000) + "." +
                                      std::to_string(version_ % 1000 / 10) + " does not compile " + source.name + " (" +
                                      text + "): " + first_lines(log(program)));
  }
  std::size_t bytes = 0;
  check(machine_code ? cubin_size(program, &bytes) : ptx_size(program, &bytes),
        machine_code ? "nvrtcGetCUBINSize" : "nvrtcGetPTXSize");
  std::string image(bytes, '\0');
  check(machine_code ? cubin_data(program, image.data()) : ptx_text(program, image.data()),
        machine_code ? "nvrtcGetCUBIN" : "nvrtcGetPTX");
  return image;
}

}  // namespace esper::cuda
