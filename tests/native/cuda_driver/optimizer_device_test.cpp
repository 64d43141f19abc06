// The optimizer step on a device gives the bits of the CPU's, and of the formula written out.
#include <algorithm>
#include <cmath>
#include <cstring>
#include <random>

#include "fixture.hpp"
#include "optimizer_host.hpp"

namespace esper_cuda_test {
namespace {

#define EXPECT_TEXT(part) EXPECT_NE(std::string(esper_last_error()).find(part), std::string::npos) << esper_last_error()

void run_launch(const esper_fake_launch_record* launch, const void* argument) {
  EsperOptimizerArguments arguments{};
  std::memcpy(&arguments, argument, sizeof arguments);
  run_optimizer_kernel(arguments, static_cast<int>(launch->grid));
}

struct Arena {
  std::vector<float> p, g, m, v;
};

Arena random_arena(std::size_t count, uint32_t seed) {
  std::mt19937 generator(seed);
  std::normal_distribution<float> normal(0.0F, 1.0F);
  Arena arena;
  for (std::size_t i = 0; i < count; ++i) {
    arena.p.push_back(normal(generator));
    arena.g.push_back(normal(generator));
    arena.m.push_back(normal(generator));
    arena.v.push_back(std::fabs(normal(generator)));
  }
  return arena;
}

bool same(const std::vector<float>& a, const std::vector<float>& b) {
  return std::memcmp(a.data(), b.data(), a.size() * sizeof(float)) == 0;
}

esper_optimizer_options rule(int32_t optimizer, float momentum, int32_t nesterov) {
  esper_optimizer_options options{};
  options.struct_size = sizeof options;
  options.optimizer = optimizer;
  options.weight_decay = 0.013F;
  options.momentum = momentum;
  options.nesterov = nesterov;
  options.beta1 = 0.9F;
  options.beta2 = 0.999F;
  options.epsilon = 1e-8F;
  options.gradient_scale = 0.7F;
  return options;
}

esper_arena_segment segment(int64_t offset, int64_t count, double rate = 0.01, int64_t step = 3) {
  esper_arena_segment result{};
  result.struct_size = sizeof result;
  result.offset = offset;
  result.count = count;
  result.learning_rate = rate;
  result.step = step;
  return result;
}

// The header's formula, one operation a line.
void formula(const esper_optimizer_options& o, const esper_arena_segment& s, Arena* arena) {
  const double b1 = static_cast<double>(o.beta1);
  const double b2 = static_cast<double>(o.beta2);
  const auto t = static_cast<double>(s.step);
  for (auto i = static_cast<std::size_t>(s.offset); i < static_cast<std::size_t>(s.offset + s.count); ++i) {
    const volatile float g = o.gradient_scale * arena->g[i];
    if (o.optimizer == ESPER_OPTIMIZER_ADAMW) {
      const volatile float old_m = o.beta1 * arena->m[i];
      const volatile float new_m = static_cast<float>(1.0 - b1) * g;
      const volatile float m = old_m + new_m;
      const volatile float square = g * g;
      const volatile float old_v = o.beta2 * arena->v[i];
      const volatile float new_v = static_cast<float>(1.0 - b2) * square;
      const volatile float v = old_v + new_v;
      const volatile float root = std::sqrt(v) / static_cast<float>(std::sqrt(1.0 - std::pow(b2, t)));
      const volatile float denominator = root + o.epsilon;
      const volatile float ratio = m / denominator;
      const volatile float change = static_cast<float>(s.learning_rate / (1.0 - std::pow(b1, t))) * ratio;
      const volatile float decayed =
          arena->p[i] * static_cast<float>(1.0 - s.learning_rate * static_cast<double>(o.weight_decay));
      arena->m[i] = m;
      arena->v[i] = v;
      arena->p[i] = decayed - change;
    } else {
      const volatile float decay = o.weight_decay * arena->p[i];
      const volatile float d = g + decay;
      volatile float u = d;
      if (o.momentum > 0.0F) {
        const volatile float kept = o.momentum * arena->m[i];
        const volatile float m = kept + d;
        const volatile float ahead = o.momentum * m;
        u = o.nesterov != 0 ? d + ahead : m;
        arena->m[i] = m;
      }
      const volatile float change = static_cast<float>(s.learning_rate) * u;
      arena->p[i] = arena->p[i] - change;
    }
  }
}

class OptimizerDeviceTest : public FakeDriverTest {
 protected:
  void SetUp() override {
    FakeDriverTest::SetUp();
    cuda_ = create();
    fake.set_launcher(run_launch);
  }
  void TearDown() override {
    cuda_.reset();
    FakeDriverTest::TearDown();
  }

  // shift: floats by which the arrays are off their alignment.
  esper_status step(const esper_optimizer_options& o, const std::vector<esper_arena_segment>& segments, Arena* arena,
                    std::size_t shift = 0) {
    std::vector<float>* const arrays[] = {&arena->p, &arena->g, &arena->m, &arena->v};
    std::vector<float> moved[4];
    float* data[4];
    for (int i = 0; i < 4; ++i) {
      moved[i].assign(arrays[i]->size() + 8, 0.0F);
      const std::size_t misfit = reinterpret_cast<std::uintptr_t>(moved[i].data()) / 4 % 4;
      data[i] = moved[i].data() + (4 - misfit) % 4 + shift;
      std::copy(arrays[i]->begin(), arrays[i]->end(), data[i]);
    }
    const esper_status status =
        esper_cuda_optimizer_step(cuda_.get(), nullptr, &o, segments.data(), static_cast<int32_t>(segments.size()),
                                  static_cast<int64_t>(arena->p.size()), data[0], data[1], data[2], data[3]);
    for (int i = 0; i < 4; ++i) {
      std::copy(data[i], data[i] + arrays[i]->size(), arrays[i]->begin());
    }
    return status;
  }

  Cuda cuda_;
};

const std::vector<esper_optimizer_options>& rules() {
  static const std::vector<esper_optimizer_options> all = {
      rule(ESPER_OPTIMIZER_SGD, 0.0F, 0), rule(ESPER_OPTIMIZER_SGD, 0.9F, 0), rule(ESPER_OPTIMIZER_SGD, 0.9F, 1),
      rule(ESPER_OPTIMIZER_ADAMW, 0.0F, 0)};
  return all;
}

// What is queued runs code of the modules that destruction unloads.
TEST_F(OptimizerDeviceTest, DestructionWaitsForWhatIsQueued) {
  Arena arena = random_arena(64, 1);
  const std::vector<float> before = arena.p;
  const esper_optimizer_options o = rule(ESPER_OPTIMIZER_SGD, 0.0F, 0);
  const esper_arena_segment all = segment(0, 64);
  fake.set("hold", 1);
  ASSERT_EQ(esper_cuda_optimizer_step(cuda_.get(), nullptr, &o, &all, 1, 64, arena.p.data(), arena.g.data(), nullptr,
                                      nullptr),
            ESPER_OK);
  EXPECT_TRUE(same(arena.p, before));
  cuda_.reset();
  EXPECT_FALSE(same(arena.p, before));
}

TEST_F(OptimizerDeviceTest, GivesTheBitsOfTheFormulaAndOfTheCpu) {
  esper_context_options context_options{};
  context_options.struct_size = sizeof context_options;
  context_options.isa = ESPER_ISA_AUTO;
  context_options.threads = 1;
  esper_context* context = nullptr;
  ASSERT_EQ(esper_context_create(&context_options, &context), ESPER_OK) << esper_last_error();
  const std::vector<esper_arena_segment> segments = {segment(1, 6, 0.01, 1),     segment(7, 1, 0.1, 2),
                                                     segment(8, 9001, 0.001, 5), segment(9010, 4095, 0.02, 1000),
                                                     segment(13110, 0, 0.1, 1),  segment(13112, 88, 0.0, 7)};
  for (const esper_optimizer_options& o : rules()) {
    for (const std::size_t shift : {0U, 1U}) {
      const Arena before = random_arena(13205, 11);
      Arena written = before;
      for (const esper_arena_segment& s : segments) {
        formula(o, s, &written);
      }
      Arena device = before;
      ASSERT_EQ(step(o, segments, &device, shift), ESPER_OK) << esper_last_error();
      Arena cpu = before;
      ASSERT_EQ(esper_optimizer_step(context, &o, segments.data(), static_cast<int32_t>(segments.size()), 13205,
                                     cpu.p.data(), cpu.g.data(), cpu.m.data(), cpu.v.data()),
                ESPER_OK)
          << esper_last_error();
      EXPECT_TRUE(same(device.p, written.p) && same(device.m, written.m) && same(device.v, written.v))
          << "formula, rule " << o.optimizer << " momentum " << static_cast<double>(o.momentum) << " shift " << shift;
      EXPECT_TRUE(same(device.p, cpu.p) && same(device.m, cpu.m) && same(device.v, cpu.v)) << "CPU";
      EXPECT_FALSE(same(device.p, before.p));
      EXPECT_EQ(device.p[0], before.p[0]);
      EXPECT_EQ(device.p[13204], before.p[13204]);
    }
  }
  esper_context_destroy(context);
}

TEST_F(OptimizerDeviceTest, ManySegmentsTakeFewLaunches) {
  std::vector<esper_arena_segment> segments;
  for (int64_t i = 0; i < 200; ++i) {
    segments.push_back(segment(3 * i, 2 + i % 2, 0.001 * static_cast<double>(i + 1), i + 1));
  }
  Arena arena = random_arena(600, 5);
  Arena written = arena;
  for (const esper_arena_segment& s : segments) {
    formula(rules()[3], s, &written);
  }
  ASSERT_EQ(step(rules()[3], segments, &arena), ESPER_OK) << esper_last_error();
  EXPECT_EQ(fake.launches(), 3);
  EXPECT_TRUE(same(arena.p, written.p) && same(arena.m, written.m) && same(arena.v, written.v));
}

TEST_F(OptimizerDeviceTest, NeighboursOfOneRateAreOneSegmentAndFrozenOnesStay) {
  std::vector<esper_arena_segment> segments;
  for (int64_t i = 0; i < 200; ++i) {
    segments.push_back(segment(10 * i, 10));
  }
  segments[150].flags = ESPER_SEED_FROZEN;
  Arena arena = random_arena(2000, 6);
  const Arena before = arena;
  ASSERT_EQ(step(rules()[1], segments, &arena), ESPER_OK) << esper_last_error();
  EXPECT_EQ(fake.launches(), 1);
  for (std::size_t i = 0; i < 2000; ++i) {
    EXPECT_EQ(arena.p[i] == before.p[i], i / 10 == 150) << i;
    EXPECT_EQ(arena.m[i] == before.m[i], i / 10 == 150) << i;
  }
  esper_fake_launch_record record{};
  fake.launch(0, &record);
  EXPECT_STREQ(record.kernel, "esper_optimizer_kernel");
  EXPECT_EQ(record.grid, 2U);  // One tile each side of the frozen segment.
  EXPECT_EQ(record.shared_bytes, 0U);
}

TEST_F(OptimizerDeviceTest, NothingToDoIsNoLaunchAndBadArgumentsAreNamed) {
  Arena arena = random_arena(16, 7);
  EXPECT_EQ(step(rules()[0], {}, &arena), ESPER_OK) << esper_last_error();
  EXPECT_EQ(step(rules()[3], {segment(0, 17)}, &arena), ESPER_ERROR_INVALID_ARGUMENT);
  EXPECT_TEXT("segments[0]");
  EXPECT_EQ(esper_cuda_optimizer_step(cuda_.get(), nullptr, nullptr, nullptr, 0, 0, nullptr, nullptr, nullptr, nullptr),
            ESPER_ERROR_INVALID_ARGUMENT);
  EXPECT_EQ(fake.launches(), 0);
  fake.fail("cuLaunchKernel", 719, 0);
  EXPECT_EQ(step(rules()[0], {segment(0, 16)}, &arena), ESPER_ERROR_CUDA);
  EXPECT_TEXT("launch of esper_optimizer_kernel with 1 blocks");
}

TEST_F(OptimizerDeviceTest, ItRunsWithoutWaitingOrAllocatingOnceKernelsAreLoaded) {
  Arena arena = random_arena(16, 8);
  ASSERT_EQ(step(rules()[3], {segment(0, 16)}, &arena), ESPER_OK);
  const int before = fake.count("") - fake.count("cuLaunchKernel");
  const int context_calls = fake.count("cuCtxGetCurrent");
  ASSERT_EQ(step(rules()[3], {segment(0, 16)}, &arena), ESPER_OK);
  // One launch, one look at the current context, nothing else.
  EXPECT_EQ(fake.count("") - fake.count("cuLaunchKernel") - before, fake.count("cuCtxGetCurrent") - context_calls);
}

}  // namespace
}  // namespace esper_cuda_test
