// Every kernel for every storage compiles with NVRTC, without device and driver.
#include <cstdlib>
#include <cstring>

#include "cuda/digest.hpp"
#include "fixture.hpp"

namespace esper_cuda_test {
namespace {

constexpr const char* kKernels[] = {"esper_lattice_forward", "esper_lattice_backward", "esper_optimizer_kernel"};

#define EXPECT_TEXT(part) EXPECT_NE(std::string(esper_last_error()).find(part), std::string::npos) << esper_last_error()

struct Target {
  const char* architecture;
  int32_t dtype;
};

std::ostream& operator<<(std::ostream& out, const Target& target) {
  return out << target.architecture << ", dtype " << target.dtype;
}

class CompileTest : public testing::TestWithParam<Target> {};

std::string compile(const char* architecture, int32_t dtype) {
  std::string image(std::size_t{16} << 20, '\0');
  int64_t size = 0;
  EXPECT_EQ(esper_cuda_compile(architecture, dtype, image.data(), static_cast<int64_t>(image.size()), &size), ESPER_OK)
      << esper_last_error();
  EXPECT_LE(static_cast<std::size_t>(size), image.size());
  image.resize(static_cast<std::size_t>(size));
  return image;
}

// Without an earlier test's choice of the fake one.
bool nvrtc_missing() {
  unsetenv("ESPER_NVRTC");
  esper_cuda_info info{};
  info.struct_size = sizeof info;
  EXPECT_EQ(esper_cuda_query(&info), ESPER_OK) << esper_last_error();
  return info.nvrtc == 0;
}

#define NEEDS_NVRTC() \
  if (nvrtc_missing()) GTEST_SKIP() << "NVRTC is not installed; './build.sh setup --nvrtc' installs it on Debian"

TEST_P(CompileTest, GivesAnImageWithEveryKernel) {
  NEEDS_NVRTC();
  const Target target = GetParam();
  const std::string image = compile(target.architecture, target.dtype);
  ASSERT_GT(image.size(), 1000U);
  const bool machine_code = std::strncmp(target.architecture, "sm_", 3) == 0;
  if (machine_code) {
    EXPECT_EQ(image.substr(1, 3), "ELF");
  } else {
    EXPECT_NE(image.find(".target sm_80"), std::string::npos);
  }
  for (const char* kernel : kKernels) {
    EXPECT_NE(image.find(kernel), std::string::npos) << kernel;
  }
  const char* names[] = {"float32", "float16", "bfloat16"};
  EXPECT_NE(image.find(std::string("esper_storage_") + names[target.dtype]), std::string::npos);
}

std::string target_name(const testing::TestParamInfo<Target>& info) {
  const char* names[] = {"float32", "float16", "bfloat16"};
  return std::string(info.param.architecture) + "_" + names[info.param.dtype];
}

INSTANTIATE_TEST_SUITE_P(Targets, CompileTest,
                         testing::Values(Target{"sm_80", 0}, Target{"sm_80", 1}, Target{"sm_80", 2}, Target{"sm_90", 0},
                                         Target{"sm_90", 1}, Target{"sm_90", 2}, Target{"compute_80", 0},
                                         Target{"compute_80", 1}, Target{"compute_80", 2}),
                         target_name);

TEST(CompileArguments, AreChecked) {
  int64_t size = -1;
  for (const char* bad : {"", "sm_", "sm_8", "sm_90a", "sm_8000", "compute_x", "80", "SM_80"}) {
    EXPECT_EQ(esper_cuda_compile(bad, 0, nullptr, 0, &size), ESPER_ERROR_INVALID_ARGUMENT) << bad;
    EXPECT_TEXT("architecture is \"");
  }
  EXPECT_EQ(esper_cuda_compile("sm_75", 0, nullptr, 0, &size), ESPER_ERROR_UNSUPPORTED);
  EXPECT_TEXT("8.0 or later");
  EXPECT_EQ(esper_cuda_compile("sm_80", 3, nullptr, 0, &size), ESPER_ERROR_INVALID_ARGUMENT);
  EXPECT_TEXT("dtype is 3");
  EXPECT_EQ(esper_cuda_compile(nullptr, 0, nullptr, 0, &size), ESPER_ERROR_INVALID_ARGUMENT);
  EXPECT_EQ(esper_cuda_compile("sm_80", 0, nullptr, 8, &size), ESPER_ERROR_INVALID_ARGUMENT);
  EXPECT_EQ(size, -1);
}

TEST(CompileArguments, ARoomTooSmallIsLeftAlone) {
  const ScopedVariable nvrtc("ESPER_NVRTC", ESPER_FAKE_NVRTC);
  std::string room(100, '?');
  int64_t size = 0;
  EXPECT_EQ(esper_cuda_compile("compute_80", 0, room.data(), 100, &size), ESPER_OK) << esper_last_error();
  EXPECT_GT(size, 100);
  EXPECT_EQ(room, std::string(100, '?'));
}

TEST(CompileArguments, AnArchitectureThatNvrtcLacksIsReportedWithItsLog) {
  NEEDS_NVRTC();
  int64_t size = 0;
  EXPECT_EQ(esper_cuda_compile("sm_190", 0, nullptr, 0, &size), ESPER_ERROR_CUDA);
  EXPECT_TEXT("does not compile image.cuh");
}

TEST(DigestTest, IsThatOfTheStandard) {
  using esper::cuda::hex;
  using esper::cuda::sha256;
  EXPECT_EQ(hex(sha256("", 0)), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  EXPECT_EQ(hex(sha256("abc", 3)), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  EXPECT_EQ(hex(sha256("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq", 56)),
            "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1");
  esper::cuda::Sha256 pieces;
  const std::string part(999, 'a');
  std::size_t left = 1000000;
  while (left > 0) {
    const std::size_t bytes = std::min(left, part.size());
    pieces.add(part.data(), bytes);
    left -= bytes;
  }
  EXPECT_EQ(hex(pieces.finish()), "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
}

TEST(DigestTest, FieldsDoNotTradeBytes) {
  esper::cuda::Sha256 first;
  first.add_field("ab");
  first.add_field("c");
  esper::cuda::Sha256 second;
  second.add_field("a");
  second.add_field("bc");
  EXPECT_NE(first.finish(), second.finish());
}

}  // namespace
}  // namespace esper_cuda_test
