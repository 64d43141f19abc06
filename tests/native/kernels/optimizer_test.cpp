// esper_optimizer_step against a plain loop bit for bit, against double precision, and at the edges of its memory.
#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>

#include "optimizer_support.hpp"

#if defined(__unix__)
#include <sys/mman.h>
#include <unistd.h>
#endif

namespace esper_test {
namespace {

class OptimizerTest : public IsaTest {};

TEST_P(OptimizerTest, EqualsThePlainLoopBitForBit) {
  for (const Setting& setting : optimizer_settings()) {
    for (const Layout& layout : arena_layouts()) {
      Arena expected(layout.count, 7);
      std::vector<Arena> results;
      const int32_t threads[] = {1, 2, 3, 7, 64};
      for (std::size_t i = 0; i < std::size(threads); ++i) {
        results.push_back(expected);
      }
      for (int64_t step = 1; step <= 3; ++step) {
        const std::vector<esper_arena_segment> segments = layout.at_step(step);
        plain_step(setting.options, segments, &expected);
        for (std::size_t i = 0; i < std::size(threads); ++i) {
          esper_context_options options = context_options(GetParam(), threads[i]);
          options.small_work = 1;
          results[i].step(make_context(options).get(), setting.options, segments);
        }
      }
      for (const Arena& result : results) {
        EXPECT_TRUE(same_bits(result, expected)) << setting.name << ", " << layout.name;
      }
      EXPECT_FALSE(same_bits(expected.parameters(), Arena(layout.count, 7).parameters())) << "nothing was tested";
    }
  }
}

// The same formulas in double precision. Parameters are of size 1 and take 20 roundings of 2^-25 from the subtraction
// alone; the other roundings are scaled by the rate.
TEST_P(OptimizerTest, StaysNearDoublePrecision) {
  constexpr int64_t kCount = 4099;
  constexpr int kSteps = 20;
  const Context context = make_context(GetParam(), 2);
  for (const Setting& setting : optimizer_settings()) {
    Arena arena(kCount, 3);
    std::vector<double> p = widened(arena.parameters());
    std::vector<double> m(p.size(), 0.0);
    std::vector<double> v(p.size(), 0.0);
    arena.clear_state();
    for (int step = 1; step <= kSteps; ++step) {
      arena.draw_gradient(static_cast<uint32_t>(step));
      const esper_arena_segment all = segment(0, kCount, 0.01, step);
      arena.step(context.get(), setting.options, {all});
      double_step(setting.options, all, arena.gradient(), &p, &m, &v);
    }
    const std::vector<float> result = arena.parameters();
    double worst = 0.0;
    for (std::size_t i = 0; i < p.size(); ++i) {
      worst = std::max(worst, std::fabs(static_cast<double>(result[i]) - p[i]) / std::max(1.0, std::fabs(p[i])));
    }
    EXPECT_LT(worst, kSteps * 0x1p-24) << setting.name;
    EXPECT_GT(worst, 0.0) << setting.name << ": float can not be this exact";
  }
}

TEST_P(OptimizerTest, NothingOutsideOfLearningSegmentsIsTouched) {
  const Context context = make_context(GetParam(), 2);
  for (const Setting& setting : optimizer_settings()) {
    Arena arena(100, 5);
    const Arena before = arena;
    std::vector<esper_arena_segment> segments = {segment(10, 20, 0.1, 0), segment(30, 0, 0.1, 4),
                                                 segment(40, 17, 0.1, 1)};
    segments[0].flags = ESPER_SEED_FROZEN;
    arena.step(context.get(), setting.options, segments);
    for (std::size_t i = 0; i < 100; ++i) {
      const bool learns = i >= 40 && i < 57;
      EXPECT_EQ(arena.parameters()[i] != before.parameters()[i], learns) << setting.name << " " << i;
      EXPECT_EQ(arena.first()[i] != before.first()[i], learns && arena.uses_first(setting.options)) << i;
      EXPECT_EQ(arena.second()[i] != before.second()[i], learns && arena.uses_second(setting.options)) << i;
    }
    EXPECT_TRUE(same_bits(arena.gradient(), before.gradient()));
  }
}

TEST_P(OptimizerTest, NanAndInfinityPropagateLikeInThePlainLoop) {
  constexpr float kNan = std::numeric_limits<float>::quiet_NaN();
  constexpr float kInfinity = std::numeric_limits<float>::infinity();
  const float special[] = {kNan, kInfinity, -kInfinity, 0.0F, -0.0F, 1e-40F, -3e-45F, 3e38F};
  const Context context = make_context(GetParam(), 1);
  for (const Setting& setting : optimizer_settings()) {
    Arena expected(4096, 9);
    expected.scatter(special, std::size(special));
    Arena result = expected;
    const std::vector<esper_arena_segment> all = {segment(0, 4096, 0.1, 1)};
    plain_step(setting.options, all, &expected);
    result.step(context.get(), setting.options, all);
    // The sign and payload of a NaN are the processor's affair.
    EXPECT_TRUE(same_values(result, expected)) << setting.name;
    const std::vector<float> p = expected.parameters();
    EXPECT_TRUE(std::any_of(p.begin(), p.end(), [](float value) { return std::isnan(value); })) << "nothing was tested";
  }
}

#if defined(__unix__)
// Arrays that end where readable memory ends.
TEST_P(OptimizerTest, NothingBehindTheArenaIsRead) {
  const auto page = static_cast<std::size_t>(sysconf(_SC_PAGESIZE));
  const auto floats = static_cast<int64_t>(page / sizeof(float));
  const Context context = make_context(GetParam(), 1);
  float* array[4];
  for (float*& each : array) {
    void* memory = mmap(nullptr, 2 * page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    ASSERT_NE(memory, MAP_FAILED);
    ASSERT_EQ(mprotect(static_cast<char*>(memory) + page, page, PROT_NONE), 0);
    each = static_cast<float*>(memory) + floats;
  }
  for (const Setting& setting : optimizer_settings()) {
    for (int64_t count = 1; count <= 70; ++count) {
      const esper_arena_segment all = segment(0, count, 0.1, 1);
      EXPECT_EQ(esper_optimizer_step(context.get(), &setting.options, &all, 1, count, array[0] - count,
                                     array[1] - count, array[2] - count, array[3] - count),
                ESPER_OK)
          << esper_last_error();
    }
  }
  for (float* each : array) {
    munmap(each - floats, 2 * page);
  }
}
#endif

ESPER_FOR_EVERY_ISA(OptimizerTest);

void count_calls(void* user, int32_t count, esper_task_fn task, void* state) {
  ++*static_cast<int*>(user);
  for (int32_t i = 0; i < count; ++i) {
    task(state, i);
  }
}

TEST(OptimizerThreadTest, LargeStepsRunOnThePoolAndSmallOnesOnTheCaller) {
  int calls = 0;
  esper_context_options options = context_options(ESPER_ISA_AUTO, 4);
  options.parallel = count_calls;
  options.parallel_user = &calls;
  const Context context = make_context(options);
  const Setting plain = optimizer_settings()[0];
  Arena arena(40000, 1);
  arena.step(context.get(), plain.options, {segment(0, 32767, 0.1, 1)});
  EXPECT_EQ(calls, 0);
  arena.step(context.get(), plain.options, {segment(0, 32768, 0.1, 1)});
  EXPECT_EQ(calls, 1);
  esper_arena_segment frozen = segment(0, 32768, 0.1, 1);
  frozen.flags = ESPER_SEED_FROZEN;
  arena.step(context.get(), plain.options, {frozen, segment(32768, 5, 0.1, 1)});
  EXPECT_EQ(calls, 1) << "frozen elements are no work";
}

TEST(OptimizerMemoryTest, StateThatTheRuleDoesNotKeepMayBeNull) {
  const Context context = make_context(ESPER_ISA_AUTO, 1);
  for (const Setting& setting : optimizer_settings()) {
    Arena with(50, 2);
    std::vector<float> p = with.parameters();
    std::vector<float> m = with.first();
    std::vector<float> v = with.second();
    const std::vector<float> g = with.gradient();
    const esper_arena_segment all = segment(0, 50, 0.1, 1);
    with.step(context.get(), setting.options, {all});
    ASSERT_EQ(esper_optimizer_step(context.get(), &setting.options, &all, 1, 50, p.data(), g.data(),
                                   with.uses_first(setting.options) ? m.data() : nullptr,
                                   with.uses_second(setting.options) ? v.data() : nullptr),
              ESPER_OK)
        << esper_last_error();
    EXPECT_TRUE(same_bits(p, with.parameters())) << setting.name;
  }
}

TEST(OptimizerMemoryTest, EmptyStepsNeedNoMemory) {
  const Context context = make_context(ESPER_ISA_AUTO, 1);
  const esper_optimizer_options options = optimizer_settings().back().options;
  EXPECT_EQ(esper_optimizer_step(context.get(), &options, nullptr, 0, 0, nullptr, nullptr, nullptr, nullptr), ESPER_OK);
  EXPECT_EQ(esper_optimizer_step(context.get(), &options, nullptr, 0, 9, nullptr, nullptr, nullptr, nullptr), ESPER_OK);
  esper_arena_segment segments[] = {segment(0, 0, 0.1, 1), segment(2, 7, 0.1, 1)};
  segments[1].flags = ESPER_SEED_FROZEN;
  EXPECT_EQ(esper_optimizer_step(context.get(), &options, segments, 2, 9, nullptr, nullptr, nullptr, nullptr), ESPER_OK)
      << esper_last_error();
}

TEST(OptimizerMemoryTest, LargerSegmentsOfLaterHeadersAreRead) {
  struct LaterSegment {
    esper_arena_segment segment;
    double field_of_a_later_version;
  };
  const Setting& setting = optimizer_settings().back();
  const Context context = make_context(ESPER_ISA_AUTO, 1);
  const std::vector<esper_arena_segment> known = {segment(1, 20, 0.1, 1), segment(30, 9, 0.3, 5)};
  LaterSegment later[] = {{known[0], -1.0}, {known[1], -1.0}};
  for (LaterSegment& each : later) {
    each.segment.struct_size = sizeof each;
  }
  Arena expected(40, 8);
  std::vector<float> p = expected.parameters();
  std::vector<float> m = expected.first();
  std::vector<float> v = expected.second();
  const std::vector<float> g = expected.gradient();
  plain_step(setting.options, known, &expected);
  ASSERT_EQ(esper_optimizer_step(context.get(), &setting.options, &later[0].segment, 2, 40, p.data(), g.data(),
                                 m.data(), v.data()),
            ESPER_OK)
      << esper_last_error();
  EXPECT_TRUE(same_bits(p, expected.parameters()));
}

}  // namespace
}  // namespace esper_test
