// Where kernels come from: the built-in PTX, NVRTC, the cache of compiled images.
#include <sys/wait.h>
#include <unistd.h>

#include <fstream>

#include "fixture.hpp"

namespace esper_cuda_test {
namespace {

namespace fs = std::filesystem;

#define EXPECT_TEXT(part) EXPECT_NE(std::string(esper_last_error()).find(part), std::string::npos) << esper_last_error()

class KernelSourceTest : public FakeDriverTest {
 protected:
  // Loads the kernels of one storage.
  void load(const Cuda& cuda, int32_t dtype = ESPER_DTYPE_FLOAT32) {
    EXPECT_NE(device_lattice(cuda, lattice(0.5F), dtype), nullptr);
  }

  std::vector<fs::path> files() const {
    std::vector<fs::path> result;
    if (fs::exists(cache)) {
      for (const fs::directory_entry& entry : fs::directory_iterator(cache)) {
        result.push_back(entry.path());
      }
    }
    return result;
  }

  // Creates with NVRTC, loads float32, and returns the description.
  esper_cuda_description compile_once() {
    const Cuda cuda = create(kNvrtc);
    load(cuda);
    return describe(cuda);
  }

  static std::string content(const fs::path& file) {
    std::ifstream stream(file, std::ios::binary);
    return {std::istreambuf_iterator<char>(stream), {}};
  }
  static void overwrite(const fs::path& file, const std::string& text) {
    std::ofstream(file, std::ios::binary | std::ios::trunc) << text;
  }
};

#define NEEDS_BUILTIN() \
  if (!has_builtin()) GTEST_SKIP() << "this build carries no PTX; clang with the NVPTX back end makes it"

TEST_F(KernelSourceTest, BuiltInPtxHasEveryStorage) {
  NEEDS_BUILTIN();
  const Cuda cuda = create(kBuiltin);
  EXPECT_EQ(describe(cuda).builtin, 0);
  for (const int32_t dtype : {ESPER_DTYPE_FLOAT32, ESPER_DTYPE_FLOAT16, ESPER_DTYPE_BFLOAT16}) {
    const DeviceLattice device = device_lattice(cuda, lattice(0.5F), dtype);
    EXPECT_EQ(esper_cuda_lattice_forward(device.get(), nullptr, theta.data(), 4096, x.data(), y.data()), ESPER_OK)
        << esper_last_error();
    esper_fake_launch_record record{};
    ASSERT_EQ(fake.launch(dtype, &record), 1);
    EXPECT_EQ(record.storage, dtype);
  }
  const esper_cuda_description description = describe(cuda);
  EXPECT_EQ(description.builtin, 3);
  EXPECT_EQ(description.compiled, 0);
  EXPECT_EQ(description.nvrtc, 0);
  EXPECT_STREQ(description.note, "");
  EXPECT_TRUE(files().empty());
}

TEST_F(KernelSourceTest, KernelsAreLoadedOncePerStorage) {
  const Cuda cuda = create();
  load(cuda);
  load(cuda);
  EXPECT_EQ(fake.count("cuModuleLoadDataEx"), 1);
}

TEST_F(KernelSourceTest, TheGridFillsTheDeviceOrIsWhatWasAskedFor) {
  fake.set("occupancy", 2);
  fake.set("multiprocessors", 7);
  const Cuda filled = create();
  load(filled);
  EXPECT_EQ(describe(filled).forward_blocks, 14);
  EXPECT_EQ(describe(filled).backward_blocks, 14);
  options.blocks = 3;
  const Cuda small = create();
  EXPECT_EQ(describe(small).forward_blocks, 0);
  load(small);
  EXPECT_EQ(describe(small).forward_blocks, 3);
}

TEST_F(KernelSourceTest, AKernelThatDoesNotFitIsAnError) {
  fake.set("occupancy", 0);
  const Cuda cuda = create();
  const esper_shape s = shape();
  esper_cuda_lattice* device = nullptr;
  EXPECT_EQ(esper_cuda_lattice_create(cuda.get(), lattice(0.5F).get(), &s, 0, &device), ESPER_ERROR_CUDA);
  EXPECT_TEXT("esper_lattice_forward does not fit a multiprocessor");
}

TEST_F(KernelSourceTest, AFailedLoadSaysWhatWasLoaded) {
  NEEDS_BUILTIN();
  const Cuda cuda = create(kBuiltin);
  const esper_shape s = shape();
  esper_cuda_lattice* device = nullptr;
  fake.fail("cuModuleLoadDataEx", 200, 0);
  EXPECT_EQ(esper_cuda_lattice_create(cuda.get(), lattice(0.5F).get(), &s, 0, &device), ESPER_ERROR_CUDA);
  EXPECT_TEXT("loading the PTX built into libesper for capability 9.0");
  EXPECT_TEXT("CUDA_ERROR_INVALID_IMAGE");
  fake.fail("cuModuleGetFunction", 500, 1);
  EXPECT_EQ(esper_cuda_lattice_create(cuda.get(), lattice(0.5F).get(), &s, 0, &device), ESPER_ERROR_CUDA);
  EXPECT_TEXT("esper_lattice_backward failed: CUDA_ERROR_NOT_FOUND");
  EXPECT_EQ(fake.live("module"), 0);
  load(cuda);  // Nothing is remembered of the failures.
}

TEST_F(KernelSourceTest, AnNvrtcThatIsNotThereFailsOnlyWhereItWasAskedFor) {
  const ScopedVariable nvrtc("ESPER_NVRTC", "/nowhere/libnvrtc.so");
  esper_cuda* cuda = nullptr;
  EXPECT_EQ(try_create(kNvrtc, &cuda), ESPER_ERROR_UNSUPPORTED);
  EXPECT_TEXT("/nowhere/libnvrtc.so");
  EXPECT_TEXT("ESPER_NVRTC");
  NEEDS_BUILTIN();
  const Cuda any = create(kAnySource);
  load(any);
  EXPECT_EQ(describe(any).builtin, 1);
  EXPECT_EQ(describe(any).nvrtc, 0);
}

TEST_F(KernelSourceTest, ALibraryThatIsNoNvrtcIsNamed) {
  const ScopedVariable nvrtc("ESPER_NVRTC", "libm.so.6");
  esper_cuda* cuda = nullptr;
  EXPECT_EQ(try_create(kNvrtc, &cuda), ESPER_ERROR_UNSUPPORTED);
  EXPECT_TEXT("libm.so.6 has no nvrtcVersion");
}

// What the real compiler makes has every symbol that loading asks for.
TEST_F(KernelSourceTest, ImagesOfTheRealNvrtcLoad) {
  unsetenv("ESPER_NVRTC");
  esper_cuda* made = nullptr;
  if (try_create(kNvrtc, &made) == ESPER_ERROR_UNSUPPORTED) {
    GTEST_SKIP() << esper_last_error();
  }
  const Cuda cuda(made);
  load(cuda);
  EXPECT_EQ(describe(cuda).compiled, 1);
  const Cuda again = create(kNvrtc);
  load(again);
  EXPECT_EQ(describe(again).cached, 1);
}

TEST_F(KernelSourceTest, ACompilationThatFailsShowsTheCompilersFirstError) {
  const ScopedVariable fails("ESPER_FAKE_NVRTC_FAILS", "1");
  const Cuda cuda = create(kNvrtc);
  const esper_shape s = shape();
  esper_cuda_lattice* device = nullptr;
  EXPECT_EQ(esper_cuda_lattice_create(cuda.get(), lattice(0.5F).get(), &s, 0, &device), ESPER_ERROR_CUDA);
  EXPECT_TEXT("NVRTC 12.3 does not compile image.cuh (NVRTC_ERROR_COMPILATION): image.cuh(3): error: expected a semi");
  EXPECT_TRUE(files().empty());
}

TEST_F(KernelSourceTest, AnNvrtcNewerThanTheDriverServesWhereThereIsNoOther) {
  fake.set("driver", 11080);
  EXPECT_EQ(compile_once().nvrtc, 12030);
}

TEST_F(KernelSourceTest, CompiledImagesAreKeptAndFound) {
  const esper_cuda_description first = compile_once();
  EXPECT_EQ(first.compiled, 1);
  EXPECT_EQ(first.cached, 0);
  EXPECT_EQ(first.nvrtc, 12030);
  ASSERT_EQ(files().size(), 1U);
  const esper_cuda_description second = compile_once();
  EXPECT_EQ(second.compiled, 0);
  EXPECT_EQ(second.cached, 1);
  EXPECT_STREQ(second.note, "");
}

TEST_F(KernelSourceTest, DevicesAndStoragesDoNotShareImages) {
  compile_once();
  fake.set("capability", 80);
  EXPECT_EQ(compile_once().compiled, 1);
  const Cuda cuda = create(kNvrtc);
  load(cuda, ESPER_DTYPE_BFLOAT16);
  EXPECT_EQ(describe(cuda).compiled, 1);
  EXPECT_EQ(files().size(), 3U);
}

TEST_F(KernelSourceTest, DamagedImagesAreCompiledAnewAndReplaced) {
  compile_once();
  ASSERT_EQ(files().size(), 1U);
  const fs::path file = files()[0];
  const std::string good = content(file);
  std::string flipped = good;
  flipped[flipped.size() / 2] = static_cast<char>(flipped[flipped.size() / 2] ^ 1);
  std::string other = good;
  other[0] = 'X';
  for (const std::string& bad : {flipped, good.substr(0, good.size() - 1), good + "x", std::string(), other}) {
    overwrite(file, bad);
    const esper_cuda_description description = compile_once();
    EXPECT_EQ(description.compiled, 1);
    EXPECT_EQ(description.cached, 0);
    EXPECT_NE(std::string(description.note).find("damaged"), std::string::npos) << description.note;
    EXPECT_EQ(content(file), good);
    EXPECT_EQ(compile_once().cached, 1);
  }
}

TEST_F(KernelSourceTest, AFolderThatCanNotBeWrittenIsNoError) {
  overwrite(folder / "file", "");
  cache = (folder / "file" / "cache").string();
  options.cache_dir = cache.c_str();
  const esper_cuda_description description = compile_once();
  EXPECT_EQ(description.compiled, 1);
  EXPECT_NE(std::string(description.note).find(cache + " can not be written"), std::string::npos) << description.note;
}

TEST_F(KernelSourceTest, AnEmptyFolderNameKeepsNothing) {
  options.cache_dir = "";
  EXPECT_EQ(compile_once().compiled, 1);
  EXPECT_EQ(compile_once().compiled, 1);
  EXPECT_TRUE(files().empty());
}

TEST_F(KernelSourceTest, TheEnvironmentChoosesTheFolder) {
  options.cache_dir = nullptr;
  const ScopedVariable home("ESPER_CACHE_DIR", cache.c_str());
  compile_once();
  EXPECT_EQ(files().size(), 1U);
  const ScopedVariable none("ESPER_CACHE_DIR", "");
  const ScopedVariable standard("XDG_CACHE_HOME", folder.c_str());
  compile_once();
  EXPECT_TRUE(fs::exists(folder / "esper"));
}

TEST_F(KernelSourceTest, ADeviceNewerThanNvrtcGetsPtx) {
  fake.set("capability", 190);
  EXPECT_EQ(compile_once().compiled, 1);
  ASSERT_EQ(files().size(), 1U);
  EXPECT_NE(content(files()[0]).find("--gpu-architecture=compute_90"), std::string::npos);
}

TEST_F(KernelSourceTest, ADeviceBetweenThoseThatNvrtcKnowsGetsPtxOfTheEarlier) {
  fake.set("capability", 89);
  EXPECT_EQ(compile_once().compiled, 1);
  ASSERT_EQ(files().size(), 1U);
  EXPECT_NE(content(files()[0]).find("--gpu-architecture=compute_86"), std::string::npos);
}

TEST_F(KernelSourceTest, WhereAnySourceServesPtxReplacesABrokenNvrtcAndTheNoteSaysSo) {
  NEEDS_BUILTIN();
  fake.fail("cuModuleLoadDataEx", 200, 0);
  const Cuda cuda = create(kAnySource);
  load(cuda);
  EXPECT_EQ(describe(cuda).builtin, 1);
  EXPECT_NE(std::string(describe(cuda).note).find("CUDA_ERROR_INVALID_IMAGE"), std::string::npos);
  fake.fail("cuModuleLoadDataEx", 200, 0);
  const Cuda strict = create(kNvrtc);
  const esper_shape s = shape();
  esper_cuda_lattice* device = nullptr;
  EXPECT_EQ(esper_cuda_lattice_create(strict.get(), lattice(0.5F).get(), &s, 0, &device), ESPER_ERROR_CUDA);
}

// Several processes start at once on an empty cache, as the ranks of one job do.
TEST_F(KernelSourceTest, ProcessesShareTheFolder) {
  std::vector<pid_t> children;
  for (int i = 0; i < 4; ++i) {
    const pid_t child = fork();
    ASSERT_GE(child, 0);
    if (child == 0) {
      bool good = true;
      for (int round = 0; round < 3; ++round) {
        const esper_cuda_description description = compile_once();
        good = good && description.compiled + description.cached == 1 && description.note[0] == '\0';
      }
      _exit(good && !HasFailure() ? 0 : 1);
    }
    children.push_back(child);
  }
  for (const pid_t child : children) {
    int status = 0;
    ASSERT_EQ(waitpid(child, &status, 0), child);
    EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 0);
  }
  EXPECT_EQ(files().size(), 1U);
  EXPECT_EQ(compile_once().cached, 1);
}

}  // namespace
}  // namespace esper_cuda_test
