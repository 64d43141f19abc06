// Sessions of the device CUDA without a GPU: tensors in host memory, libesper's kernels on the fake driver.
#pragma once

#include <cstdlib>
#include <map>
#include <optional>
#include <string>

#include "small_net.h"

namespace esper::host::test {

// Environment variables that are put back at the end.
class Environment {
 public:
  ~Environment() {
    for (const auto& [name, value] : before_) {
      if (value) {
        setenv(name.c_str(), value->c_str(), 1);
      } else {
        unsetenv(name.c_str());
      }
    }
  }
  void set(const std::string& name, const std::string& value) {
    const char* old = std::getenv(name.c_str());
    before_.emplace(name, old == nullptr ? std::optional<std::string>() : std::string(old));
    setenv(name.c_str(), value.c_str(), 1);
  }
  void clear(const std::string& name) {
    set(name, "");
    unsetenv(name.c_str());
  }

 private:
  std::map<std::string, std::optional<std::string>> before_;
};

class OnFakeDevice : public testing::Test {
 protected:
  void SetUp() override {
    environment_.set("ESPER_HOST_CUDA_TENSORS", "cpu");
    environment_.set("ESPER_CUDA_DRIVER", ESPER_FAKE_DRIVER);
    environment_.set("ESPER_NVRTC", ESPER_FAKE_NVRTC);
    environment_.set("ESPER_CACHE_DIR", testing::TempDir() + "/esper-host-device-test");
  }

  Environment environment_;
};

}  // namespace esper::host::test
