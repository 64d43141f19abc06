// What an optimizer step refuses, that the message names the place, and that nothing moves.
#include <functional>
#include <limits>

#include "optimizer_support.hpp"

namespace esper_test {
namespace {

constexpr float kNan = std::numeric_limits<float>::quiet_NaN();
constexpr float kInfinity = std::numeric_limits<float>::infinity();
constexpr int64_t kCount = 10;

// A valid call of AdamW, of which a test damages one argument.
struct Call {
  explicit Call(const Setting& setting) : options(setting.options) {}

  void sgd() { options = optimizer_settings()[1].options; }
  void plain() { options = optimizer_settings()[0].options; }

  Context owner = make_context(ESPER_ISA_AUTO, 2);
  esper_context* context = owner.get();
  esper_optimizer_options options;
  const esper_optimizer_options* passed_options = &options;
  esper_arena_segment segments[2] = {segment(0, 3, 0.1, 1), segment(3, 7, 0.1, 1)};
  const esper_arena_segment* passed_segments = segments;
  int32_t segment_count = 2;
  int64_t count = kCount;
  Arena arena{kCount, 1};
  float* array[4] = {arena.data(0), arena.data(1), arena.data(2), arena.data(3)};

  esper_status run() {
    return esper_optimizer_step(context, passed_options, passed_segments, segment_count, count, array[0], array[1],
                                array[2], array[3]);
  }
};

struct Bad {
  const char* message;
  std::function<void(Call&)> damage;
};

const std::vector<Bad>& bad_options() {
  static const std::vector<Bad> table = {
      {"context is NULL", [](Call& c) { c.context = nullptr; }},
      {"options is NULL", [](Call& c) { c.passed_options = nullptr; }},
      {"options.struct_size is 8, expected at least", [](Call& c) { c.options.struct_size = 8; }},
      {"options.optimizer is 2, expected an esper_optimizer", [](Call& c) { c.options.optimizer = 2; }},
      {"options.optimizer is -1", [](Call& c) { c.options.optimizer = -1; }},
      {"options.weight_decay is -0.5", [](Call& c) { c.options.weight_decay = -0.5F; }},
      {"options.weight_decay is nan", [](Call& c) { c.options.weight_decay = kNan; }},
      {"options.weight_decay is inf", [](Call& c) { c.options.weight_decay = kInfinity; }},
      {"options.gradient_scale is nan", [](Call& c) { c.options.gradient_scale = kNan; }},
      {"options.gradient_scale is -1", [](Call& c) { c.options.gradient_scale = -1.0F; }},
      {"options.beta1 is 1, expected a value in [0, 1)", [](Call& c) { c.options.beta1 = 1.0F; }},
      {"options.beta1 is nan", [](Call& c) { c.options.beta1 = kNan; }},
      {"options.beta2 is -0.5", [](Call& c) { c.options.beta2 = -0.5F; }},
      {"options.beta2 is 1", [](Call& c) { c.options.beta2 = 1.0F; }},
      {"options.epsilon is -1", [](Call& c) { c.options.epsilon = -1.0F; }},
      {"options.epsilon is inf", [](Call& c) { c.options.epsilon = kInfinity; }},
      {"options.momentum is 1, expected a value in [0, 1)",
       [](Call& c) {
         c.sgd();
         c.options.momentum = 1.0F;
       }},
      {"options.momentum is nan",
       [](Call& c) {
         c.sgd();
         c.options.momentum = kNan;
       }},
      {"options.nesterov is 2, expected 0 or 1",
       [](Call& c) {
         c.sgd();
         c.options.nesterov = 2;
       }},
      {"options.nesterov is 1, which needs options.momentum above 0",
       [](Call& c) {
         c.plain();
         c.options.nesterov = 1;
       }},
  };
  return table;
}

const std::vector<Bad>& bad_segments() {
  static const std::vector<Bad> table = {
      {"segments is NULL", [](Call& c) { c.passed_segments = nullptr; }},
      {"segment_count is -1", [](Call& c) { c.segment_count = -1; }},
      {"segments[0].struct_size is 0, expected at least", [](Call& c) { c.segments[0].struct_size = 0; }},
      {"segments[0].struct_size is 44, expected a multiple of 8", [](Call& c) { c.segments[0].struct_size = 44; }},
      {"segments[1].struct_size is 32, expected 40 as in segments[0]", [](Call& c) { c.segments[1].struct_size = 32; }},
      {"segments[1].flags is 2", [](Call& c) { c.segments[1].flags = 2; }},
      {"segments[1].offset is -1", [](Call& c) { c.segments[1].offset = -1; }},
      {"segments[1].count is -7", [](Call& c) { c.segments[1].count = -7; }},
      {"segments[1] covers 8 floats from offset 3, the arena's count is 10", [](Call& c) { c.segments[1].count = 8; }},
      {"segments[1] covers 9223372036854775807 floats", [](Call& c) { c.segments[1].count = INT64_MAX; }},
      {"segments[1] covers 7 floats from offset 9223372036854775807",
       [](Call& c) { c.segments[1].offset = INT64_MAX; }},
      {"segments[1] (floats 2 to 9) begins before the end of segments[0] (floats 0 to 3)",
       [](Call& c) { c.segments[1].offset = 2; }},
      {"segments[1] (floats 0 to 2) begins before the end of segments[0] (floats 4 to 7)",
       [](Call& c) {
         c.segments[0].offset = 4;
         c.segments[1] = segment(0, 2, 0.1, 1);
       }},
      {"segments[1].learning_rate is nan, expected a finite float >= 0",
       [](Call& c) { c.segments[1].learning_rate = static_cast<double>(kNan); }},
      {"segments[1].learning_rate is -0.1", [](Call& c) { c.segments[1].learning_rate = -0.1; }},
      {"segments[1].learning_rate is 1e+39", [](Call& c) { c.segments[1].learning_rate = 1e39; }},
      {"segments[1].step is 0, expected 1", [](Call& c) { c.segments[1].step = 0; }},
      {"segments[0].step is -4", [](Call& c) { c.segments[0].step = -4; }},
  };
  return table;
}

const std::vector<Bad>& bad_arrays() {
  static const std::vector<Bad> table = {
      {"count is -1", [](Call& c) { c.count = -1; }},
      {"count is 4611686018427387904, which exceeds the address range", [](Call& c) { c.count = INT64_MAX / 2 + 1; }},
      {"parameters is NULL", [](Call& c) { c.array[0] = nullptr; }},
      {"gradient is NULL", [](Call& c) { c.array[1] = nullptr; }},
      {"first is NULL, AdamW keeps m in it", [](Call& c) { c.array[2] = nullptr; }},
      {"second is NULL, AdamW keeps v in it", [](Call& c) { c.array[3] = nullptr; }},
      {"first is NULL, options.momentum above 0 needs it",
       [](Call& c) {
         c.sgd();
         c.array[2] = nullptr;
       }},
      {"gradient overlaps parameters", [](Call& c) { c.array[1] = c.array[0]; }},
      {"first overlaps gradient", [](Call& c) { c.array[2] = c.array[1] - 9; }},
      {"second overlaps first", [](Call& c) { c.array[3] = c.array[2] + 9; }},
  };
  return table;
}

void expect_refused(const std::vector<Bad>& table) {
  for (const Bad& bad : table) {
    Call call(optimizer_settings().back());
    bad.damage(call);
    EXPECT_EQ(call.run(), ESPER_ERROR_INVALID_ARGUMENT) << bad.message;
    EXPECT_NE(std::string(esper_last_error()).find(bad.message), std::string::npos)
        << "\"" << esper_last_error() << "\" lacks \"" << bad.message << "\"";
    EXPECT_TRUE(same_bits(call.arena, Arena(kCount, 1))) << bad.message << ": a refused step moved something";
  }
}

TEST(OptimizerErrorTest, TheUndamagedCallSucceeds) {
  Call call(optimizer_settings().back());
  EXPECT_EQ(call.run(), ESPER_OK) << esper_last_error();
  EXPECT_FALSE(same_bits(call.arena, Arena(kCount, 1)));
}

TEST(OptimizerErrorTest, OptionsAreCheckedByName) {
  expect_refused(bad_options());
}

TEST(OptimizerErrorTest, SegmentsAreCheckedByName) {
  expect_refused(bad_segments());
}

TEST(OptimizerErrorTest, ArraysAreChecked) {
  expect_refused(bad_arrays());
}

TEST(OptimizerErrorTest, FieldsOfTheOtherRuleAreNotRead) {
  Call adamw(optimizer_settings().back());
  adamw.options.momentum = kNan;
  adamw.options.nesterov = 7;
  EXPECT_EQ(adamw.run(), ESPER_OK) << esper_last_error();
  Call sgd(optimizer_settings()[2]);
  sgd.options.beta1 = kNan;
  sgd.options.beta2 = 4.0F;
  sgd.options.epsilon = -1.0F;
  sgd.segments[0].step = 0;
  EXPECT_EQ(sgd.run(), ESPER_OK) << esper_last_error();
}

TEST(OptimizerErrorTest, AFailingPoolIsReported) {
  Call call(optimizer_settings()[0]);
  esper_context_options options = context_options(ESPER_ISA_AUTO, 3);
  options.small_work = 1;
  options.parallel = [](void*, int32_t, esper_task_fn task, void* state) { task(state, 0); };
  const Context context = make_context(options);
  call.context = context.get();
  EXPECT_EQ(call.run(), ESPER_ERROR_INTERNAL);
  EXPECT_NE(std::string(esper_last_error()).find("options.parallel ran 1 of 3 pieces"), std::string::npos);
}

}  // namespace
}  // namespace esper_test
