#include "cuda/nvrtc_search.hpp"

#include <algorithm>
#include <filesystem>
#include <system_error>

#include "cuda/shared_library.hpp"

#if !defined(_WIN32)
#include <glob.h>
#endif

namespace esper::cuda {
namespace {

#if defined(_WIN32)

std::vector<std::string> names() {
  return {"nvrtc64_130_0.dll", "nvrtc64_120_0.dll", "nvrtc64_112_0.dll"};
}

#else

// CUDA 11.2 to 11.8 share one soname.
std::vector<std::string> names() {
  return {"libnvrtc.so.13", "libnvrtc.so.12", "libnvrtc.so.11.2", "libnvrtc.so"};
}

void add_matches(const std::string& pattern, std::vector<std::string>* folders) {
  glob_t found{};
  if (glob(pattern.c_str(), 0, nullptr, &found) == 0) {
    // Later versions sort behind earlier ones.
    for (std::size_t i = found.gl_pathc; i > 0; --i) {
      folders->emplace_back(found.gl_pathv[i - 1]);
    }
  }
  globfree(&found);
}

// Roots that may hold a Python environment: active ones, those of the interpreters on PATH, the system's, the user's.
std::vector<std::string> python_roots() {
  std::vector<std::string> roots;
  const auto add = [&](const std::string& root) {
    if (!root.empty() && std::find(roots.begin(), roots.end(), root) == roots.end()) {
      roots.push_back(root);
    }
  };
  add(environment("VIRTUAL_ENV"));
  add(environment("CONDA_PREFIX"));
  const std::string path = environment("PATH");
  for (std::size_t begin = 0; begin < path.size();) {
    const std::size_t end = std::min(path.find(':', begin), path.size());
    const std::string folder = path.substr(begin, end - begin);
    const std::size_t bin = folder.rfind("/bin");
    if (bin != std::string::npos && bin + 4 == folder.size()) {
      add(folder.substr(0, bin));
    }
    begin = end + 1;
  }
  add("/usr/local");
  add("/usr");
  const std::string home = environment("HOME");
  if (!home.empty()) {
    add(home + "/.local");
  }
  return roots;
}

std::vector<std::string> folders() {
  std::vector<std::string> result;
  for (const char* variable : {"CUDA_HOME", "CUDA_PATH"}) {
    const std::string root = environment(variable);
    if (!root.empty()) {
      result.push_back(root + "/lib64");
      result.push_back(root + "/lib");
    }
  }
  result.emplace_back("/usr/local/cuda/lib64");
  add_matches("/usr/local/cuda-*/lib64", &result);
  add_matches("/opt/cuda*/lib64", &result);
  for (const std::string& root : python_roots()) {
    result.push_back(root + "/lib");
    for (const char* packages : {"site-packages", "dist-packages"}) {
      // Wheels of CUDA 13 on keep all libraries together, earlier ones have a folder for each.
      add_matches(root + "/lib/python3*/" + packages + "/nvidia/cu1[3-9]/lib", &result);
      add_matches(root + "/lib/python3*/" + packages + "/nvidia/cuda_nvrtc/lib", &result);
    }
  }
  return result;
}

bool exists(const std::string& file) {
  std::error_code error;
  return std::filesystem::exists(file, error);
}

#endif

}  // namespace

std::vector<std::string> nvrtc_candidates() {
  const std::string named = environment("ESPER_NVRTC");
  if (!named.empty()) {
    return {named};
  }
#if defined(_WIN32)
  return names();
#else
  const std::vector<std::string> places = folders();
  std::vector<std::string> result;
  for (const std::string& name : names()) {
    result.push_back(name);
    for (const std::string& folder : places) {
      const std::string file = folder + "/" + name;
      if (exists(file)) {
        result.push_back(file);
      }
    }
  }
  return result;
#endif
}

}  // namespace esper::cuda
