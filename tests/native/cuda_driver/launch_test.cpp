// One launch a pass, one copy an update, and nothing else between create and destroy.
#include <cstring>
#include <map>

#include "cuda/tables.h"
#include "fixture.hpp"

namespace esper_cuda_test {
namespace {

#define EXPECT_TEXT(part) EXPECT_NE(std::string(esper_last_error()).find(part), std::string::npos) << esper_last_error()

// The tables that each launch saw: all of this small lattice's, since they precede the workspace in the same buffer.
std::vector<std::string> seen;

void remember_tables(const esper_fake_launch_record* launch, const void* argument) {
  if (std::strncmp(launch->kernel, "esper_lattice", 13) == 0) {
    EsperLatticeArguments arguments{};
    std::memcpy(&arguments, argument, sizeof arguments);
    seen.emplace_back(reinterpret_cast<const char*>(arguments.table),
                      static_cast<std::size_t>(arguments.workspace - arguments.table));
  }
}

class LaunchTest : public FakeDriverTest {
 protected:
  void SetUp() override {
    FakeDriverTest::SetUp();
    seen.clear();
  }

  esper_status forward(const DeviceLattice& device, void* stream = nullptr) {
    return esper_cuda_lattice_forward(device.get(), stream, theta.data(), 4096, x.data(), y.data());
  }
  esper_status backward(const DeviceLattice& device, void* stream = nullptr) {
    return esper_cuda_lattice_backward(device.get(), stream, theta.data(), 4096, x.data(), dy.data(), dx.data(),
                                       dtheta.data(), nullptr, nullptr);
  }
  esper_status update(const DeviceLattice& device, const Lattice& seeds, void* stream = nullptr) {
    return esper_cuda_lattice_update(device.get(), seeds.get(), stream);
  }

  // Begin and end of a capture on a stream of the fake driver.
  void begin_capture(void* stream) {
    ASSERT_EQ(fake.entry<int (*)(void*, int)>("cuStreamBeginCapture_v2")(stream, 1), 0);
  }
  void* end_capture(void* stream) {
    void* graph = nullptr;
    EXPECT_EQ(fake.entry<int (*)(void*, void**)>("cuStreamEndCapture")(stream, &graph), 0);
    return graph;
  }
};

TEST_F(LaunchTest, EveryPassIsOneLaunchOfTheFixedGrid) {
  options.blocks = 5;
  const Cuda cuda = create();
  const DeviceLattice device = device_lattice(cuda, lattice(0.5F));
  int stream = 0;
  ASSERT_EQ(forward(device, &stream), ESPER_OK) << esper_last_error();
  ASSERT_EQ(backward(device), ESPER_OK) << esper_last_error();
  ASSERT_EQ(fake.launches(), 2);
  esper_fake_launch_record record{};
  fake.launch(0, &record);
  EXPECT_STREQ(record.kernel, "esper_lattice_forward");
  EXPECT_EQ(record.grid, 5U);
  EXPECT_EQ(record.threads, static_cast<unsigned>(ESPER_CUDA_THREADS));
  EXPECT_EQ(record.shared_bytes, static_cast<unsigned>(ESPER_CUDA_FORWARD_SHARED));
  EXPECT_EQ(record.stream, static_cast<void*>(&stream));
  fake.launch(1, &record);
  EXPECT_STREQ(record.kernel, "esper_lattice_backward");
  EXPECT_EQ(record.shared_bytes, static_cast<unsigned>(ESPER_CUDA_BACKWARD_SHARED));
  EXPECT_EQ(record.stream, nullptr);
}

TEST_F(LaunchTest, AnUpdateIsOneCopy) {
  const Cuda cuda = create();
  const DeviceLattice device = device_lattice(cuda, lattice(0.5F));
  const int before = fake.count("cuMemcpyHtoDAsync_v2");
  ASSERT_EQ(update(device, lattice(0.25F)), ESPER_OK) << esper_last_error();
  EXPECT_EQ(fake.count("cuMemcpyHtoDAsync_v2"), before + 1);
}

TEST_F(LaunchTest, NothingAllocatesOrWaitsBetweenCreateAndDestroy) {
  const Cuda cuda = create();
  const Lattice half = lattice(0.5F);
  const Lattice none = lattice(0.0F);
  const DeviceLattice device = device_lattice(cuda, half);
  const char* const forbidden[] = {"cuMemAlloc_v2",      "cuMemFree_v2",     "cuMemHostAlloc",
                                   "cuMemFreeHost",      "cuEventCreate",    "cuStreamCreate",
                                   "cuModuleLoadDataEx", "cuCtxSynchronize", "cuStreamSynchronize",
                                   "cuEventSynchronize", "cuMemsetD8Async"};
  std::map<std::string, int> before;
  for (const char* call : forbidden) {
    before[call] = fake.count(call);
  }
  for (int i = 0; i < 10; ++i) {
    ASSERT_EQ(update(device, i % 2 == 0 ? none : half), ESPER_OK) << esper_last_error();
    ASSERT_EQ(forward(device), ESPER_OK) << esper_last_error();
    ASSERT_EQ(backward(device), ESPER_OK) << esper_last_error();
  }
  for (const char* call : forbidden) {
    EXPECT_EQ(fake.count(call), before[call]) << call;
  }
  EXPECT_EQ(fake.launches(), 20);
}

// The two pieces of pinned memory are guarded: an update waits for the one before the last, and no copy in flight is
// overwritten.
TEST_F(LaunchTest, UpdatesInFlightKeepTheirContents) {
  const Cuda cuda = create();
  const DeviceLattice device = device_lattice(cuda, lattice(0.5F));
  fake.set_launcher(remember_tables);
  const float alphas[] = {0.1F, 0.2F, 0.3F, 0.4F, 0.5F};
  for (const float alpha : alphas) {
    ASSERT_EQ(update(device, lattice(alpha)), ESPER_OK);
    ASSERT_EQ(forward(device), ESPER_OK);
  }
  const std::vector<std::string> expected = seen;
  ASSERT_EQ(expected.size(), 5U);
  ASSERT_NE(expected[0], expected[1]);
  seen.clear();
  const int waits = fake.count("cuEventSynchronize");
  fake.set("hold", 1);
  for (const float alpha : alphas) {
    ASSERT_EQ(update(device, lattice(alpha)), ESPER_OK);
    ASSERT_EQ(forward(device), ESPER_OK);
  }
  EXPECT_GE(fake.count("cuEventSynchronize"), waits + 2);
  EXPECT_LT(seen.size(), 5U);  // The last ones still wait.
  fake.set("hold", 0);
  ASSERT_EQ(fake.entry<int (*)(void*)>("cuStreamSynchronize")(nullptr), 0);
  EXPECT_EQ(seen, expected);
}

TEST_F(LaunchTest, AGraphReplaysWithTheSeedsOfTheLastUpdate) {
  const Cuda cuda = create();
  const DeviceLattice device = device_lattice(cuda, lattice(0.0F));
  fake.set_launcher(remember_tables);
  int stream = 0;
  begin_capture(&stream);
  // Nothing blends yet and the pass would be in place, but an update may change that: the graph holds the launch.
  ASSERT_EQ(esper_cuda_lattice_forward(device.get(), &stream, theta.data(), 4096, x.data(), x.data()), ESPER_OK);
  ASSERT_EQ(backward(device, &stream), ESPER_OK);
  EXPECT_EQ(update(device, lattice(0.7F), &stream), ESPER_ERROR_INVALID_ARGUMENT);
  EXPECT_TEXT("captured");
  void* graph = end_capture(&stream);
  EXPECT_EQ(fake.launches(), 2);
  EXPECT_TRUE(seen.empty());
  void* executable = nullptr;
  ASSERT_EQ(
      fake.entry<int (*)(void**, void*, unsigned long long)>("cuGraphInstantiateWithFlags")(&executable, graph, 0), 0);
  const auto replay = fake.entry<int (*)(void*, void*)>("cuGraphLaunch");
  ASSERT_EQ(replay(executable, &stream), 0);
  ASSERT_EQ(update(device, lattice(0.7F), &stream), ESPER_OK) << esper_last_error();
  ASSERT_EQ(replay(executable, &stream), 0);
  ASSERT_EQ(seen.size(), 4U);
  EXPECT_EQ(seen[0], seen[1]);
  EXPECT_NE(seen[1], seen[2]);
  EXPECT_EQ(seen[2], seen[3]);
  fake.entry<int (*)(void*)>("cuGraphExecDestroy")(executable);
  fake.entry<int (*)(void*)>("cuGraphDestroy")(graph);
}

TEST_F(LaunchTest, APassWithoutWorkInPlaceIsNoLaunch) {
  const Cuda cuda = create();
  const DeviceLattice device = device_lattice(cuda, lattice(0.0F));
  EXPECT_EQ(esper_cuda_lattice_forward(device.get(), nullptr, nullptr, 0, x.data(), x.data()), ESPER_OK)
      << esper_last_error();
  EXPECT_EQ(fake.launches(), 0);
  EXPECT_EQ(esper_cuda_lattice_forward(device.get(), nullptr, nullptr, 0, x.data(), y.data()), ESPER_OK);
  EXPECT_EQ(fake.launches(), 1);
}

TEST_F(LaunchTest, FailuresNameTheKernelOrTheMemory) {
  const Cuda cuda = create();
  const Lattice seeds = lattice(0.5F);
  const esper_shape s = shape();
  esper_cuda_lattice* none = nullptr;
  fake.fail("cuMemAlloc_v2", 2, 0);
  EXPECT_EQ(esper_cuda_lattice_create(cuda.get(), seeds.get(), &s, 0, &none), ESPER_ERROR_OUT_OF_MEMORY);
  EXPECT_TEXT("of device memory, tables and workspace of a lattice, failed: CUDA_ERROR_OUT_OF_MEMORY (out of memory)");
  const DeviceLattice device = device_lattice(cuda, seeds);
  fake.fail("cuLaunchKernel", 719, 0);
  EXPECT_EQ(forward(device), ESPER_ERROR_CUDA);
  EXPECT_TEXT("launch of esper_lattice_forward with 12 blocks of 256 threads failed: CUDA_ERROR_LAUNCH_FAILED");
  EXPECT_EQ(forward(device), ESPER_OK);
}

TEST_F(LaunchTest, AFailedUpdateChangesNothing) {
  const Cuda cuda = create();
  const DeviceLattice device = device_lattice(cuda, lattice(0.5F));
  fake.set_launcher(remember_tables);
  ASSERT_EQ(forward(device), ESPER_OK);
  fake.fail("cuMemcpyHtoDAsync_v2", 719, 0);
  EXPECT_EQ(update(device, lattice(0.25F)), ESPER_ERROR_CUDA);
  fake.fail("cuEventRecord", 719, 0);
  EXPECT_EQ(update(device, lattice(0.5F)), ESPER_ERROR_CUDA);
  ASSERT_EQ(forward(device), ESPER_OK);
  ASSERT_EQ(update(device, lattice(0.25F)), ESPER_OK) << esper_last_error();
  ASSERT_EQ(forward(device), ESPER_OK);
  ASSERT_EQ(seen.size(), 3U);
  EXPECT_EQ(seen[0], seen[1]);
  EXPECT_NE(seen[1], seen[2]);
}

TEST_F(LaunchTest, ArgumentsAreChecked) {
  const Cuda cuda = create();
  const DeviceLattice device = device_lattice(cuda, lattice(0.5F));
  const auto run = [&](const float* parameters, int64_t count, const void* from, void* to) {
    return esper_cuda_lattice_forward(device.get(), nullptr, parameters, count, from, to);
  };
  EXPECT_EQ(run(nullptr, 0, x.data(), y.data()), ESPER_ERROR_INVALID_ARGUMENT);
  EXPECT_TEXT("theta is NULL");
  EXPECT_EQ(run(theta.data(), 3, x.data(), y.data()), ESPER_ERROR_INVALID_ARGUMENT);
  EXPECT_TEXT("theta_count is 3");
  EXPECT_EQ(run(theta.data(), 4096, nullptr, y.data()), ESPER_ERROR_INVALID_ARGUMENT);
  EXPECT_TEXT("x is NULL");
  EXPECT_EQ(run(theta.data(), 4096, x.data(), x.data() + 1), ESPER_ERROR_INVALID_ARGUMENT);
  EXPECT_TEXT("y overlaps x");
  EXPECT_EQ(run(theta.data(), 4096, reinterpret_cast<const char*>(x.data()) + 2, y.data()),
            ESPER_ERROR_INVALID_ARGUMENT);
  EXPECT_TEXT("x is not aligned to its elements of 4 bytes");
  EXPECT_EQ(esper_cuda_lattice_backward(device.get(), nullptr, theta.data(), 4096, x.data(), dy.data(), x.data(),
                                        nullptr, nullptr, nullptr),
            ESPER_ERROR_INVALID_ARGUMENT);
  EXPECT_TEXT("dx overlaps x");
  const auto odd = [](const void* pointer) { return reinterpret_cast<std::uintptr_t>(pointer) + 2; };
  EXPECT_EQ(run(reinterpret_cast<const float*>(odd(theta.data())), 4096, x.data(), y.data()),
            ESPER_ERROR_INVALID_ARGUMENT);
  EXPECT_TEXT("theta is not aligned to its elements of 4 bytes");
  const auto back = [&](float* gradient, float* alphas, double* sums) {
    return esper_cuda_lattice_backward(device.get(), nullptr, theta.data(), 4096, x.data(), dy.data(), dx.data(),
                                       gradient, alphas, sums);
  };
  std::vector<double> sums(24);
  EXPECT_EQ(back(reinterpret_cast<float*>(odd(dtheta.data())), nullptr, nullptr), ESPER_ERROR_INVALID_ARGUMENT);
  EXPECT_TEXT("dtheta is not aligned");
  EXPECT_EQ(back(nullptr, reinterpret_cast<float*>(odd(theta.data())), nullptr), ESPER_ERROR_INVALID_ARGUMENT);
  EXPECT_TEXT("dalpha is not aligned");
  EXPECT_EQ(back(nullptr, nullptr, reinterpret_cast<double*>(odd(sums.data()) + 2)), ESPER_ERROR_INVALID_ARGUMENT);
  EXPECT_TEXT("sums is not aligned to its elements of 8 bytes");
  EXPECT_EQ(update(device, nullptr), ESPER_ERROR_INVALID_ARGUMENT);
  const esper_shape s = shape();
  esper_cuda_lattice* none = nullptr;
  EXPECT_EQ(esper_cuda_lattice_create(cuda.get(), lattice(0.5F).get(), &s, 3, &none), ESPER_ERROR_INVALID_ARGUMENT);
  EXPECT_TEXT("dtype is 3");
  EXPECT_EQ(fake.launches(), 0);
}

TEST_F(LaunchTest, ALatticeOfOtherChannelsIsRefused) {
  const Cuda cuda = create();
  const DeviceLattice device = device_lattice(cuda, lattice(0.5F));
  esper_lattice* other = nullptr;
  ASSERT_EQ(esper_lattice_create(31, nullptr, 0, &other), ESPER_OK);
  EXPECT_EQ(update(device, Lattice(other)), ESPER_ERROR_INVALID_ARGUMENT);
  EXPECT_TEXT("31 channels");
}

TEST_F(LaunchTest, HandlesMayBeDestroyedInAnyOrder) {
  Cuda cuda = create();
  DeviceLattice device = device_lattice(cuda, lattice(0.5F));
  cuda.reset();
  EXPECT_EQ(forward(device), ESPER_OK) << esper_last_error();
  device.reset();
  EXPECT_EQ(fake.live(""), 0);
  esper_cuda_destroy(nullptr);
  esper_cuda_lattice_destroy(nullptr);
}

}  // namespace
}  // namespace esper_cuda_test
