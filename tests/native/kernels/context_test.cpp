// CPU queries, contexts and the environment.
#include <cstdlib>
#include <string>

#include "support.hpp"

namespace esper_test {
namespace {

// Sets a variable for the length of a test.
class Variable {
 public:
  Variable(const char* name, const char* value) : name_(name) {
    const char* old = std::getenv(name);
    had_ = old != nullptr;
    old_ = had_ ? old : "";
    set(value);
  }
  ~Variable() { set(had_ ? old_.c_str() : nullptr); }
  Variable(const Variable&) = delete;
  Variable& operator=(const Variable&) = delete;

 private:
  void set(const char* value) {
    if (value != nullptr) {
      setenv(name_, value, 1);
    } else {
      unsetenv(name_);
    }
  }
  const char* name_;
  bool had_;
  std::string old_;
};

int32_t isa_of(const esper_context* context) {
  int32_t isa = -7;
  EXPECT_EQ(esper_context_query(context, &isa, nullptr), ESPER_OK);
  return isa;
}

TEST(ContextTest, CpuQueryDescribesTheMachine) {
  esper_cpu_info info{};
  info.struct_size = sizeof info;
  ASSERT_EQ(esper_cpu_query(&info), ESPER_OK);
  EXPECT_GE(info.best_isa, ESPER_ISA_SCALAR);
  EXPECT_LE(info.best_isa, ESPER_ISA_AVX512);
  EXPECT_GE(info.logical_cores, 1);
  EXPECT_NE(std::string(info.model), "");
#if defined(__x86_64__)
  if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512dq") &&
      __builtin_cpu_supports("avx512vl")) {
    EXPECT_EQ(info.best_isa, ESPER_ISA_AVX512);
  } else if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")) {
    EXPECT_EQ(info.best_isa, ESPER_ISA_AVX2);
  } else {
    EXPECT_EQ(info.best_isa, ESPER_ISA_SCALAR);
  }
#endif
}

TEST(ContextTest, CpuQueryChecksItsArgument) {
  EXPECT_EQ(esper_cpu_query(nullptr), ESPER_ERROR_INVALID_ARGUMENT);
  EXPECT_STREQ(esper_last_error(), "info is NULL");
  esper_cpu_info info{};
  info.struct_size = sizeof info - 1;
  EXPECT_EQ(esper_cpu_query(&info), ESPER_ERROR_INVALID_ARGUMENT);
  EXPECT_NE(std::string(esper_last_error()).find("info.struct_size is 79, expected at least 80"), std::string::npos);
}

TEST(ContextTest, AutoFollowsTheEnvironment) {
  for (int32_t isa = ESPER_ISA_SCALAR; isa <= ESPER_ISA_AVX512; ++isa) {
    const Variable variable("ESPER_CPU_ISA", esper_isa_name(isa));
    const esper_context_options options = context_options(ESPER_ISA_AUTO, 1);
    if (isa <= best_isa()) {
      EXPECT_EQ(isa_of(make_context(options).get()), isa);
    } else {
      esper_context* context = nullptr;
      EXPECT_EQ(esper_context_create(&options, &context), ESPER_ERROR_UNSUPPORTED);
      EXPECT_NE(std::string(esper_last_error()).find("ESPER_CPU_ISA asks for"), std::string::npos);
    }
  }
  const Variable variable("ESPER_CPU_ISA", nullptr);
  EXPECT_EQ(isa_of(make_context(ESPER_ISA_AUTO, 1).get()), best_isa());
}

TEST(ContextTest, ExplicitSetIgnoresTheEnvironment) {
  const Variable variable("ESPER_CPU_ISA", "nonsense");
  EXPECT_EQ(isa_of(make_context(ESPER_ISA_SCALAR, 1).get()), ESPER_ISA_SCALAR);
  const esper_context_options options = context_options(ESPER_ISA_AUTO, 1);
  esper_context* context = nullptr;
  EXPECT_EQ(esper_context_create(&options, &context), ESPER_ERROR_INVALID_ARGUMENT);
  EXPECT_STREQ(esper_last_error(), "ESPER_CPU_ISA is \"nonsense\", expected scalar, avx2 or avx512");
  EXPECT_EQ(context, nullptr);
}

TEST(ContextTest, OptionsAreChecked) {
  esper_context* context = nullptr;
  esper_context_options options = context_options(ESPER_ISA_SCALAR, -1);
  EXPECT_EQ(esper_context_create(&options, &context), ESPER_ERROR_INVALID_ARGUMENT);
  EXPECT_NE(std::string(esper_last_error()).find("options.threads is -1"), std::string::npos);
  options = context_options(3, 1);
  EXPECT_EQ(esper_context_create(&options, &context), ESPER_ERROR_INVALID_ARGUMENT);
  EXPECT_NE(std::string(esper_last_error()).find("options.isa is 3"), std::string::npos);
  options = context_options(ESPER_ISA_SCALAR, 1);
  options.small_work = -1;
  EXPECT_EQ(esper_context_create(&options, &context), ESPER_ERROR_INVALID_ARGUMENT);
  EXPECT_NE(std::string(esper_last_error()).find("options.small_work is -1"), std::string::npos);
  options = context_options(ESPER_ISA_SCALAR, 1);
  options.sums_items = -2;
  EXPECT_EQ(esper_context_create(&options, &context), ESPER_ERROR_INVALID_ARGUMENT);
  EXPECT_NE(std::string(esper_last_error()).find("options.sums_items is -2"), std::string::npos);
  options.struct_size = 4;
  EXPECT_EQ(esper_context_create(&options, &context), ESPER_ERROR_INVALID_ARGUMENT);
  EXPECT_NE(std::string(esper_last_error()).find("options.struct_size is 4"), std::string::npos);
  EXPECT_EQ(esper_context_create(nullptr, &context), ESPER_ERROR_INVALID_ARGUMENT);
  EXPECT_STREQ(esper_last_error(), "options is NULL");
  EXPECT_EQ(context, nullptr);
  EXPECT_EQ(esper_context_query(nullptr, nullptr, nullptr), ESPER_ERROR_INVALID_ARGUMENT);
  EXPECT_STREQ(esper_last_error(), "context is NULL");
  esper_context_destroy(nullptr);
}

TEST(ContextTest, ThreadsDefaultToTheCoresOfTheProcess) {
  esper_cpu_info info{};
  info.struct_size = sizeof info;
  ASSERT_EQ(esper_cpu_query(&info), ESPER_OK);
  int32_t threads = 0;
  ASSERT_EQ(esper_context_query(make_context(ESPER_ISA_SCALAR, 0).get(), nullptr, &threads), ESPER_OK);
  EXPECT_EQ(threads, info.logical_cores);
}

TEST(ContextTest, EnvironmentPrepareRemovesOrKeeps) {
  const Variable core_type("OPENBLAS_CORETYPE", "Haswell");
  const Variable size("OPENBLAS_L2_SIZE", "512");
  {
    const Variable keep("ESPER_KEEP_OPENBLAS", "1");
    EXPECT_STREQ(esper_environment_prepare(), "kept OPENBLAS_CORETYPE=Haswell; kept OPENBLAS_L2_SIZE=512");
    EXPECT_STREQ(std::getenv("OPENBLAS_CORETYPE"), "Haswell");
  }
  const Variable keep("ESPER_KEEP_OPENBLAS", nullptr);
  EXPECT_STREQ(esper_environment_prepare(), "removed OPENBLAS_CORETYPE=Haswell; removed OPENBLAS_L2_SIZE=512");
  EXPECT_EQ(std::getenv("OPENBLAS_CORETYPE"), nullptr);
  EXPECT_EQ(std::getenv("OPENBLAS_L2_SIZE"), nullptr);
  EXPECT_STREQ(esper_environment_prepare(), "");
}

TEST(ContextTest, EnvironmentPrepareBoundsSpinningUnlessToldOtherwise) {
  const Variable count("GOMP_SPINCOUNT", nullptr);
  {
    const Variable policy("OMP_WAIT_POLICY", "PASSIVE");
    (void)esper_environment_prepare();
    EXPECT_EQ(std::getenv("GOMP_SPINCOUNT"), nullptr);
  }
  const Variable policy("OMP_WAIT_POLICY", nullptr);
  (void)esper_environment_prepare();
  EXPECT_STREQ(std::getenv("GOMP_SPINCOUNT"), "10000");
  setenv("GOMP_SPINCOUNT", "7", 1);
  (void)esper_environment_prepare();
  EXPECT_STREQ(std::getenv("GOMP_SPINCOUNT"), "7");
}

}  // namespace
}  // namespace esper_test
