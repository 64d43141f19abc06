// Names, versions and struct sizes of the interface.
#include <string>
#include <thread>

#include "support.hpp"

extern "C" uint32_t esper_test_c_abi_version(void);

namespace esper_test {
namespace {

TEST(AbiTest, HeaderIsC11AndMatchesTheLibrary) {
  EXPECT_EQ(esper_abi_version(), static_cast<uint32_t>(ESPER_ABI_VERSION));
  EXPECT_EQ(esper_test_c_abi_version(), esper_abi_version());
}

// The sizes are part of the interface: a change needs a new ESPER_ABI_VERSION.
TEST(AbiTest, StructSizesAreThoseOfVersionTwo) {
  EXPECT_EQ(esper_struct_size("esper_cpu_info"), 80);
  EXPECT_EQ(esper_struct_size("esper_context_options"), 40);
  EXPECT_EQ(esper_struct_size("esper_seed_state"), 32);
  EXPECT_EQ(esper_struct_size("esper_lattice_seed"), 80);
  EXPECT_EQ(esper_struct_size("esper_shape"), 32);
  EXPECT_EQ(esper_struct_size("esper_seed_sums"), 88);
  EXPECT_EQ(esper_struct_size("esper_context"), -1);
  EXPECT_EQ(esper_struct_size(nullptr), -1);
}

TEST(AbiTest, BuildInfoIsOneLineOfJson) {
  const std::string info = esper_build_info();
  EXPECT_EQ(info.front(), '{');
  EXPECT_EQ(info.back(), '}');
  EXPECT_EQ(info.find('\n'), std::string::npos);
  for (const char* key : {"\"version\":\"", "\"compiler\":\"", "\"build\":\"", "\"isa\":[\"scalar\""}) {
    EXPECT_NE(info.find(key), std::string::npos) << key;
  }
  EXPECT_EQ(esper_build_info(), esper_build_info());
}

TEST(AbiTest, NamesCoverEveryValueAndNothingElse) {
  EXPECT_STREQ(esper_status_name(ESPER_OK), "ok");
  EXPECT_STREQ(esper_status_name(ESPER_ERROR_INTERNAL), "internal error");
  EXPECT_STREQ(esper_status_name(-1), "unknown");
  EXPECT_STREQ(esper_status_name(ESPER_ERROR_CUDA), "CUDA failure");
  EXPECT_STREQ(esper_status_name(8), "unknown");
  EXPECT_STREQ(esper_isa_name(ESPER_ISA_SCALAR), "scalar");
  EXPECT_STREQ(esper_isa_name(ESPER_ISA_AVX2), "avx2");
  EXPECT_STREQ(esper_isa_name(ESPER_ISA_AVX512), "avx512");
  EXPECT_STREQ(esper_isa_name(ESPER_ISA_AUTO), "unknown");
  EXPECT_STREQ(esper_isa_name(3), "unknown");
  const char* stages[] = {"Dormant",    "Germinated", "Training",  "Blending", "Holding",
                          "Fossilized", "Culled",     "Embargoed", "Resetting"};
  for (int32_t stage = 0; stage < ESPER_STAGE_COUNT; ++stage) {
    EXPECT_STREQ(esper_stage_name(stage), stages[stage]);
  }
  EXPECT_STREQ(esper_stage_name(-1), "unknown");
  EXPECT_STREQ(esper_stage_name(9), "unknown");
}

TEST(AbiTest, LastErrorBelongsToItsThread) {
  EXPECT_EQ(esper_cpu_query(nullptr), ESPER_ERROR_INVALID_ARGUMENT);
  std::string other = "not run";
  std::thread([&other] { other = esper_last_error(); }).join();
  EXPECT_EQ(other, "");
  EXPECT_STREQ(esper_last_error(), "info is NULL");
}

}  // namespace
}  // namespace esper_test
