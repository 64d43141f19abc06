// A fake NVRTC for tests of what libesper does with images: compiles to a text that names the options and holds the
// symbols that the fake driver looks for. ESPER_NVRTC makes libesper load it. Tests of the kernels use the real one.
#include <cstddef>
#include <cstdlib>
#include <cstring>
#include <string>

namespace {

constexpr int kCompilationFailed = 6;
constexpr int kArchitectures[] = {80, 86, 90};

struct Program {
  std::string name;
  int headers = 0;
  std::string image;
  std::string log;
};

void take(const std::string& text, char* target) {
  std::memcpy(target, text.c_str(), text.size() + 1);
}

}  // namespace

#define EXPORT extern "C" __attribute__((visibility("default"))) int

EXPORT nvrtcVersion(int* major, int* minor) {
  *major = 12;
  *minor = 3;
  return 0;
}
EXPORT nvrtcGetNumSupportedArchs(int* count) {
  *count = 3;
  return 0;
}
EXPORT nvrtcGetSupportedArchs(int* list) {
  std::memcpy(list, kArchitectures, sizeof kArchitectures);
  return 0;
}
extern "C" __attribute__((visibility("default"))) const char* nvrtcGetErrorString(int result) {
  return result == kCompilationFailed ? "NVRTC_ERROR_COMPILATION" : "NVRTC_ERROR";
}
EXPORT nvrtcCreateProgram(Program** program, const char* source, const char* name, int headers, const char* const*,
                          const char* const*) {
  *program = new Program{name, headers, "", ""};
  return std::strstr(source, "#include") == nullptr ? 4 : 0;
}
EXPORT nvrtcDestroyProgram(Program** program) {
  delete *program;
  *program = nullptr;
  return 0;
}
EXPORT nvrtcCompileProgram(Program* program, int count, const char* const* options) {
  const char* const names[] = {"esper_storage_float32", "esper_storage_float16", "esper_storage_bfloat16"};
  std::string text = "// Compiled by the fake NVRTC:";
  for (int i = 0; i < count; ++i) {
    text += std::string(" ") + options[i];
    if (std::strncmp(options[i], "-DESPER_STORAGE=", 16) == 0) {
      text += std::string(" ") + names[std::atoi(options[i] + 16)];
    }
  }
  if (std::getenv("ESPER_FAKE_NVRTC_FAILS") != nullptr) {
    program->log = "image.cuh(1): warning: nothing\nimage.cuh(3): error: expected a semicolon\n";
    return kCompilationFailed;
  }
  program->image = text + " esper_lattice_forward esper_lattice_backward esper_optimizer_kernel " +
                   std::string(300, '.') + std::to_string(program->headers) + "\n";
  return 0;
}
EXPORT nvrtcGetProgramLogSize(Program* program, std::size_t* bytes) {
  *bytes = program->log.size() + 1;
  return 0;
}
EXPORT nvrtcGetProgramLog(Program* program, char* text) {
  take(program->log, text);
  return 0;
}
EXPORT nvrtcGetPTXSize(Program* program, std::size_t* bytes) {
  *bytes = program->image.size() + 1;
  return 0;
}
EXPORT nvrtcGetPTX(Program* program, char* text) {
  take(program->image, text);
  return 0;
}
EXPORT nvrtcGetCUBINSize(Program* program, std::size_t* bytes) {
  *bytes = program->image.size() + 1;
  return 0;
}
EXPORT nvrtcGetCUBIN(Program* program, char* text) {
  take(program->image, text);
  return 0;
}
