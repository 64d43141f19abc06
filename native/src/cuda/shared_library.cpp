#include "cuda/shared_library.hpp"

#include <cstdlib>

#if defined(_WIN32)
#define WIN32_LEAN_AND_MEAN
#define NOMINMAX
#include <windows.h>
#else
#include <dlfcn.h>
#endif

namespace esper::cuda {

std::string environment(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? std::string() : std::string(value);
}

#if defined(_WIN32)

SharedLibrary::SharedLibrary(const std::string& name) : name_(name) {
  handle_ = reinterpret_cast<void*>(LoadLibraryA(name.c_str()));
  if (handle_ == nullptr) {
    problem_ = name + ": error " + std::to_string(GetLastError());
  }
}

void* SharedLibrary::find(const char* symbol) const noexcept {
  return reinterpret_cast<void*>(GetProcAddress(reinterpret_cast<HMODULE>(handle_), symbol));
}

std::string SharedLibrary::folder_of(const void* address) {
  HMODULE module = nullptr;
  char path[MAX_PATH] = "";
  if (GetModuleHandleExA(GET_MODULE_HANDLE_EX_FLAG_FROM_ADDRESS | GET_MODULE_HANDLE_EX_FLAG_UNCHANGED_REFCOUNT,
                         static_cast<const char*>(address), &module) == 0 ||
      GetModuleFileNameA(module, path, MAX_PATH) == 0) {
    return "";
  }
  const std::string file(path);
  const std::size_t slash = file.find_last_of("\\/");
  return slash == std::string::npos ? "" : file.substr(0, slash);
}

#else

SharedLibrary::SharedLibrary(const std::string& name) : name_(name) {
  handle_ = dlopen(name.c_str(), RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE);
  if (handle_ == nullptr) {
    const char* text = dlerror();
    problem_ = text == nullptr ? name + ": unknown reason" : text;
  }
}

void* SharedLibrary::find(const char* symbol) const noexcept {
  return handle_ == nullptr ? nullptr : dlsym(handle_, symbol);
}

std::string SharedLibrary::folder_of(const void* address) {
  Dl_info info{};
  if (dladdr(address, &info) == 0 || info.dli_fname == nullptr) {
    return "";
  }
  const std::string file(info.dli_fname);
  const std::size_t slash = file.rfind('/');
  return slash == std::string::npos ? "" : file.substr(0, slash);
}

#endif

}  // namespace esper::cuda
