// Libraries opened at run time, so that libesper links none of them.
#pragma once

#include <string>

namespace esper::cuda {

// A library that stays loaded until the process ends: its threads and exit handlers may outlive any user of it.
class SharedLibrary {
 public:
  // Opens the file or soname; on failure the object is empty and problem() says why.
  explicit SharedLibrary(const std::string& name);

  explicit operator bool() const noexcept { return handle_ != nullptr; }
  const std::string& name() const noexcept { return name_; }
  const std::string& problem() const noexcept { return problem_; }

  // Address of an exported function, nullptr if there is none.
  void* find(const char* symbol) const noexcept;

  // Folder of the file that contains the address, "" if it is unknown.
  static std::string folder_of(const void* address);

 private:
  std::string name_;
  std::string problem_;
  void* handle_ = nullptr;
};

// Value of an environment variable, "" if it is not set.
std::string environment(const char* name);

}  // namespace esper::cuda
