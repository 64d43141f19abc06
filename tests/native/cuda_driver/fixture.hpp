// Base of tests on the fake driver and the fake NVRTC: controls, handles that free themselves, a small lattice, a cache
// folder.
#pragma once

#include <gtest/gtest.h>

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "esper/esper.h"
#include "fake_cuda.h"

namespace esper_cuda_test {

// Controls of the fake driver in the library that ESPER_CUDA_DRIVER names.
struct FakeDriver {
  FakeDriver();
  decltype(&esper_fake_reset) reset;
  decltype(&esper_fake_set) set;
  decltype(&esper_fake_fail) fail;
  decltype(&esper_fake_count) count;
  decltype(&esper_fake_live) live;
  decltype(&esper_fake_launches) launches;
  decltype(&esper_fake_launch) launch;
  decltype(&esper_fake_set_launcher) set_launcher;

  // An entry point that libesper itself does not use, and the tests do.
  template <typename Function>
  Function entry(const char* symbol) const {
    return reinterpret_cast<Function>(find(symbol));
  }

 private:
  void* find(const char* symbol) const;
  void* library_;
};

struct CudaDeleter {
  void operator()(esper_cuda* cuda) const { esper_cuda_destroy(cuda); }
};
struct LatticeDeleter {
  void operator()(esper_lattice* lattice) const { esper_lattice_destroy(lattice); }
};
struct DeviceLatticeDeleter {
  void operator()(esper_cuda_lattice* lattice) const { esper_cuda_lattice_destroy(lattice); }
};
using Cuda = std::unique_ptr<esper_cuda, CudaDeleter>;
using Lattice = std::unique_ptr<esper_lattice, LatticeDeleter>;
using DeviceLattice = std::unique_ptr<esper_cuda_lattice, DeviceLatticeDeleter>;

// Values of esper_cuda_options.source.
constexpr int32_t kAnySource = 0;
constexpr int32_t kNvrtc = 1;
constexpr int32_t kBuiltin = 2;

class FakeDriverTest : public testing::Test {
 protected:
  void SetUp() override;
  void TearDown() override;

  // Whether this build carries PTX.
  static bool has_builtin();

  esper_status try_create(int32_t source, esper_cuda** cuda);
  Cuda create(int32_t source);
  // With images of the fake NVRTC, which load fastest.
  Cuda create() { return create(kNvrtc); }
  esper_cuda_description describe(const Cuda& cuda);

  // A lattice of four seeds over 32 channels; the seeds blend with alpha, or sleep if it is 0.
  static Lattice lattice(float alpha);
  static esper_shape shape();
  static DeviceLattice device_lattice(const Cuda& cuda, const Lattice& lattice, int32_t dtype = ESPER_DTYPE_FLOAT32);

  FakeDriver fake;
  esper_cuda_options options{};
  std::filesystem::path folder;  // Of the cache; removed afterwards.
  std::string cache;             // options.cache_dir points to it.
  std::vector<float> theta, x, y, dy, dx, dtheta;
};

// The part of an environment variable's value that a test changes; restored afterwards.
class ScopedVariable {
 public:
  ScopedVariable(const char* name, const char* value);
  ~ScopedVariable();
  ScopedVariable(const ScopedVariable&) = delete;
  ScopedVariable& operator=(const ScopedVariable&) = delete;

 private:
  std::string name_;
  std::string before_;
  bool was_set_;
};

}  // namespace esper_cuda_test
