// How libesper finds the driver and a device, and what it says when it does not.
#include <algorithm>
#include <fstream>
#include <thread>

#include "cuda/nvrtc_search.hpp"
#include "fixture.hpp"

namespace esper_cuda_test {
namespace {

#define EXPECT_TEXT(part) EXPECT_NE(std::string(esper_last_error()).find(part), std::string::npos) << esper_last_error()

esper_cuda_info query() {
  esper_cuda_info info{};
  info.struct_size = sizeof info;
  EXPECT_EQ(esper_cuda_query(&info), ESPER_OK) << esper_last_error();
  return info;
}

class LoadingTest : public FakeDriverTest {
 protected:
  // Status of a creation that must fail.
  esper_status refused(int32_t source = kAnySource) {
    esper_cuda* cuda = nullptr;
    const esper_status status = try_create(source, &cuda);
    EXPECT_EQ(cuda, nullptr);
    return status;
  }
};

TEST_F(LoadingTest, AMissingLibraryNamesItselfAndTheVariable) {
  const ScopedVariable driver("ESPER_CUDA_DRIVER", "/nowhere/libcuda.so.1");
  EXPECT_EQ(refused(), ESPER_ERROR_UNSUPPORTED);
  EXPECT_TEXT("/nowhere/libcuda.so.1");
  EXPECT_TEXT("ESPER_CUDA_DRIVER");
  const esper_cuda_info info = query();
  EXPECT_EQ(info.driver, 0);
  EXPECT_EQ(info.devices, 0);
  EXPECT_NE(std::string(info.problem).find("/nowhere/libcuda.so.1"), std::string::npos) << info.problem;
}

TEST_F(LoadingTest, ALibraryThatIsNoDriverIsNamedWithWhatItLacks) {
  const ScopedVariable driver("ESPER_CUDA_DRIVER", "libm.so.6");
  EXPECT_EQ(refused(), ESPER_ERROR_UNSUPPORTED);
  EXPECT_TEXT("libm.so.6 has no function cuInit");
}

TEST_F(LoadingTest, NoDeviceIsUnsupportedAndShowsWhatHidesThem) {
  fake.set("devices", 0);
  const ScopedVariable visible("CUDA_VISIBLE_DEVICES", "-1");
  EXPECT_EQ(refused(), ESPER_ERROR_UNSUPPORTED);
  EXPECT_TEXT("no device");
  EXPECT_TEXT("CUDA_VISIBLE_DEVICES is \"-1\"");
  const esper_cuda_info info = query();
  EXPECT_EQ(info.driver, 12040);
  EXPECT_EQ(info.devices, 0);
  EXPECT_STRNE(info.problem, "");
}

TEST_F(LoadingTest, AFailingDriverIsReportedByNameAndText) {
  fake.fail("cuInit", 803, 0);
  EXPECT_EQ(refused(), ESPER_ERROR_CUDA);
  EXPECT_TEXT("CUDA_ERROR_SYSTEM_DRIVER_MISMATCH (system has unsupported display driver");
  fake.fail("cuDeviceTotalMem_v2", 101, 0);
  EXPECT_NE(std::string(query().problem).find("cuDeviceTotalMem failed: CUDA_ERROR_INVALID_DEVICE"), std::string::npos);
}

TEST_F(LoadingTest, AnUnknownErrorIsReportedByNumber) {
  fake.fail("cuDeviceGet", 4711, 0);
  EXPECT_EQ(refused(), ESPER_ERROR_CUDA);
  EXPECT_TEXT("error 4711");
}

TEST_F(LoadingTest, QueryDescribesTheFirstDevice) {
  fake.set("devices", 3);
  const esper_cuda_info info = query();
  EXPECT_EQ(info.driver, 12040);
  EXPECT_EQ(info.devices, 3);
  EXPECT_EQ(info.capability, 90);
  EXPECT_EQ(info.multiprocessors, 4);
  EXPECT_EQ(info.memory, int64_t{80} << 30);
  EXPECT_STREQ(info.name, "Fake device");
  EXPECT_EQ(info.nvrtc, 12030);
  EXPECT_STREQ(info.problem, "");
}

TEST_F(LoadingTest, OldDevicesAreRefusedWithTheirCapability) {
  fake.set("capability", 75);
  EXPECT_EQ(refused(), ESPER_ERROR_UNSUPPORTED);
  EXPECT_TEXT("7.5");
  EXPECT_NE(std::string(query().problem).find("7.5"), std::string::npos);
}

TEST_F(LoadingTest, DevicesWithTooLittleSharedMemoryAreRefused) {
  fake.set("shared", 65536);
  EXPECT_EQ(refused(), ESPER_ERROR_UNSUPPORTED);
  EXPECT_TEXT("65536 bytes of shared memory");
}

TEST_F(LoadingTest, OptionsAreChecked) {
  options.device = 1;
  EXPECT_EQ(refused(), ESPER_ERROR_INVALID_ARGUMENT);
  EXPECT_TEXT("options.device is 1");
  options.device = 0;
  options.blocks = -1;
  EXPECT_EQ(refused(), ESPER_ERROR_INVALID_ARGUMENT);
  EXPECT_TEXT("options.blocks is -1");
  options.blocks = 0;
  EXPECT_EQ(refused(3), ESPER_ERROR_INVALID_ARGUMENT);
  EXPECT_TEXT("options.source is 3");
  options.struct_size = 4;
  EXPECT_EQ(refused(), ESPER_ERROR_INVALID_ARGUMENT);
  EXPECT_TEXT("struct_size");
}

TEST_F(LoadingTest, NvrtcIsFoundInFoldersOfAnyName) {
  const std::filesystem::path root = folder / "cuda [12] *?";
  const std::string file = (root / "lib64" / "libnvrtc.so.12").string();
  std::filesystem::create_directories(root / "lib64");
  std::ofstream(file) << "a library";
  const ScopedVariable named("ESPER_NVRTC", "");
  const ScopedVariable home("CUDA_HOME", root.string().c_str());
  const std::vector<std::string> found = esper::cuda::nvrtc_candidates();
  EXPECT_EQ(std::count(found.begin(), found.end(), file), 1);
}

TEST_F(LoadingTest, AThreadWithoutContextGetsThePrimaryOneAndOthersKeepTheirs) {
  const auto current = fake.entry<int (*)(void**)>("cuCtxGetCurrent");
  const auto set = fake.entry<int (*)(void*)>("cuCtxSetCurrent");
  void* first = nullptr;
  void* second = nullptr;
  int other = 0;
  std::thread([&] {
    const Cuda cuda = create();
    EXPECT_EQ(current(&first), 0);
  }).join();
  EXPECT_NE(first, nullptr);
  std::thread([&] {
    EXPECT_EQ(set(&other), 0);
    const Cuda cuda = create();
    const DeviceLattice device = device_lattice(cuda, lattice(0.5F));
    EXPECT_EQ(esper_cuda_lattice_forward(device.get(), nullptr, theta.data(), 4096, x.data(), y.data()), ESPER_OK);
    EXPECT_EQ(current(&second), 0);
  }).join();
  EXPECT_EQ(second, static_cast<void*>(&other));
}

TEST_F(LoadingTest, APassWorksOnAThreadThatHasNoContext) {
  const Cuda cuda = create();
  const DeviceLattice device = device_lattice(cuda, lattice(0.5F));
  std::thread([&] {
    EXPECT_EQ(esper_cuda_lattice_forward(device.get(), nullptr, theta.data(), 4096, x.data(), y.data()), ESPER_OK)
        << esper_last_error();
  }).join();
}

// Whatever call of the driver fails, creation reports it and leaves nothing behind.
TEST_F(LoadingTest, EveryFailureOnTheWayIsReportedAndLeaksNothing) {
  const esper_shape s = shape();
  const Lattice seeds = lattice(0.5F);
  int failed = 0;
  for (int skip = 0; skip < 200; ++skip) {
    fake.reset();
    fake.fail("", 719, skip);
    esper_cuda* cuda = nullptr;
    esper_cuda_lattice* device = nullptr;
    esper_status status = try_create(kNvrtc, &cuda);
    if (status == ESPER_OK) {
      status = esper_cuda_lattice_create(cuda, seeds.get(), &s, ESPER_DTYPE_FLOAT32, &device);
    }
    const int calls = fake.count("");
    if (status != ESPER_OK) {
      EXPECT_EQ(status, ESPER_ERROR_CUDA) << esper_last_error();
      EXPECT_TEXT("CUDA_ERROR_LAUNCH_FAILED");
      ++failed;
    }
    fake.reset();
    esper_cuda_lattice_destroy(device);
    esper_cuda_destroy(cuda);
    EXPECT_EQ(fake.live(""), 0) << "after the failure of call " << skip;
    if (calls <= skip) {
      break;
    }
  }
  EXPECT_GT(failed, 15);
}

}  // namespace
}  // namespace esper_cuda_test
