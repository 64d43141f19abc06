// The kernels on a real device: parity with the oracle, the laws of the lattice, graphs across updates. Skipped where
// there is no GPU; the same file runs on the fake driver of cuda_driver/ where ESPER_CUDA_DRIVER names it.
#include <algorithm>
#include <cmath>
#include <cstring>

#include "device_run.hpp"

namespace esper_device_test {
namespace {

using esper_gpu::Gpu;
using esper_test::mixed_problem;
using esper_test::nmse;
using esper_test::Problem;
using esper_test::same_bits;

constexpr int32_t kNvrtc = 1;
constexpr int32_t kBuiltin = 2;

const char* dtype_name(int32_t dtype) {
  const char* const names[] = {"float32", "float16", "bfloat16"};
  return names[dtype];
}

// Relative to float32's bound of docs/numerics.md; for the halves (2 u)^2 with u the unit roundoff: the inputs of the
// products, the hidden activation and the result are each rounded once.
double bound_of(int32_t dtype) {
  const double unit = dtype == ESPER_DTYPE_FLOAT16 ? 0x1p-11 : 0x1p-8;
  return dtype == ESPER_DTYPE_FLOAT32 ? 1e-10 : 4.0 * unit * unit;
}

struct Case {
  int32_t source;
  int32_t dtype;
};

std::ostream& operator<<(std::ostream& out, const Case& value) {
  return out << (value.source == kNvrtc ? "NVRTC, " : "PTX, ") << dtype_name(value.dtype);
}

std::string case_name(const testing::TestParamInfo<Case>& info) {
  return std::string(info.param.source == kNvrtc ? "Nvrtc_" : "Ptx_") + dtype_name(info.param.dtype);
}

// One device for all tests; empty with the reason where there is none.
const Gpu* shared_gpu(std::string* reason) {
  static std::string why;
  static const std::unique_ptr<Gpu> gpu = [] {
    std::unique_ptr<Gpu> made;
    esper_cuda_info info{};
    info.struct_size = sizeof info;
    if (esper_cuda_query(&info) != ESPER_OK) {
      why = esper_last_error();
    } else if (info.problem[0] != '\0') {
      why = info.problem;
    } else {
      made = std::make_unique<Gpu>();
    }
    return made;
  }();
  *reason = why;
  return gpu.get();
}

class DeviceTest : public testing::TestWithParam<Case> {
 protected:
  void SetUp() override {
    std::string reason;
    gpu_ = shared_gpu(&reason);
    if (gpu_ == nullptr) {
      GTEST_SKIP() << "no GPU: " << reason;
    }
    esper_cuda* cuda = nullptr;
    esper_cuda_options options{};
    options.struct_size = sizeof options;
    options.source = GetParam().source;
    const esper_status status = esper_cuda_create(&options, &cuda);
    if (status == ESPER_ERROR_UNSUPPORTED) {
      GTEST_SKIP() << esper_last_error();
    }
    ASSERT_EQ(status, ESPER_OK) << esper_last_error();
    cuda_.reset(cuda);
  }

  Cuda with_blocks(int32_t blocks) const {
    esper_cuda* cuda = nullptr;
    esper_cuda_options options{};
    options.struct_size = sizeof options;
    options.source = GetParam().source;
    options.blocks = blocks;
    EXPECT_EQ(esper_cuda_create(&options, &cuda), ESPER_OK) << esper_last_error();
    return Cuda(cuda);
  }

  DeviceResults run(const Problem& problem, bool in_place = false) const {
    return run_device(*gpu_, cuda_, problem, dtype(), in_place);
  }
  int32_t dtype() const { return GetParam().dtype; }

  const Gpu* gpu_ = nullptr;
  Cuda cuda_;
};

bool same(const DeviceResults& a, const DeviceResults& b) {
  return same_bits(a.y, b.y) && same_bits(a.dx, b.dx) && same_bits(a.dtheta, b.dtheta) &&
         same_bits(a.dalpha, b.dalpha) && a.sums == b.sums;
}

void expect_parity(const DeviceResults& device, const Problem& problem, int32_t dtype, const std::string& what) {
  const esper_test::ReferenceResults reference = esper_test::run_reference(problem);
  const double bound = bound_of(dtype);
  EXPECT_LE(nmse(device.y, reference.y), bound) << "y, " << what;
  EXPECT_LE(nmse(device.dx, reference.dx), bound) << "dx, " << what;
  EXPECT_LE(nmse(device.dtheta, reference.dtheta), bound) << "dtheta, " << what;
  for (std::size_t s = 0; s < problem.seeds.size(); ++s) {
    // A sum of dy g that may cancel: measured against the size that random signs would give it.
    const double* sums = device.sums.data() + s * ESPER_CUDA_SUM_COUNT;
    const auto elements =
        static_cast<double>(problem.shape.batch * problem.shape.positions * problem.seeds[s].channel_count);
    const double size = std::sqrt(sums[2] * sums[1] / elements);
    EXPECT_NEAR(static_cast<double>(device.dalpha[s]), reference.dalpha[s],
                2.0 * std::sqrt(bound) * std::max(size, std::fabs(reference.dalpha[s])) + 1e-30)
        << "dalpha of seed " << s << ", " << what;
  }
}

// Chunks that fill tiles, as real sites have them.
Problem even_problem(int32_t layout, int64_t batch, int64_t positions) {
  Problem problem(128, layout, batch, positions);
  for (int32_t i = 0; i < 8; ++i) {
    problem.seeds.push_back(esper_test::make_seed(16 * i, 16, ESPER_FAMILY_BOTTLENECK, i % 2 == 0 ? 16 : 4));
    problem.seeds.back().activation = i % (ESPER_ACTIVATION_SIGMOID + 1);
  }
  problem.finish(21);
  return problem;
}

TEST_P(DeviceTest, MatchesTheOracle) {
  for (const int32_t layout : {ESPER_LAYOUT_NCHW, ESPER_LAYOUT_TOKENS}) {
    const std::string name = layout == ESPER_LAYOUT_NCHW ? "NCHW" : "tokens";
    for (const auto& size : {std::pair<int64_t, int64_t>{3, 49}, {1, 1}, {5, 257}, {2, 1024}}) {
      const Problem mixed = rounded(mixed_problem(layout, size.first, size.second, 7), dtype());
      expect_parity(run(mixed), mixed, dtype(), "mixed, " + name + ", " + std::to_string(size.second));
    }
    const Problem even = rounded(even_problem(layout, 4, 256), dtype());
    expect_parity(run(even), even, dtype(), "even, " + name);
  }
}

TEST_P(DeviceTest, AnyGridMatchesTheOracle) {
  const Problem problem = rounded(mixed_problem(ESPER_LAYOUT_TOKENS, 2, 500, 9), dtype());
  for (const int32_t blocks : {1, 3, 1000}) {
    const Cuda cuda = with_blocks(blocks);
    expect_parity(run_device(*gpu_, cuda, problem, dtype()), problem, dtype(), std::to_string(blocks) + " blocks");
  }
}

TEST_P(DeviceTest, EveryRunGivesTheSameBits) {
  const Problem problem = rounded(mixed_problem(ESPER_LAYOUT_NCHW, 4, 300, 3), dtype());
  const DeviceResults first = run(problem);
  for (int i = 0; i < 10; ++i) {
    EXPECT_TRUE(same(run(problem), first)) << "run " << i;
  }
}

// Values bit for bit; sums over positions are cut into other pieces where fewer channels are walked.
TEST_P(DeviceTest, InPlaceGivesTheSameValues) {
  for (const int32_t layout : {ESPER_LAYOUT_NCHW, ESPER_LAYOUT_TOKENS}) {
    const Problem problem = rounded(mixed_problem(layout, 3, 77, 4), dtype());
    const DeviceResults inside = run(problem, true);
    const DeviceResults apart = run(problem, false);
    EXPECT_TRUE(same_bits(inside.y, apart.y));
    EXPECT_TRUE(same_bits(inside.dx, apart.dx));
    expect_parity(inside, problem, dtype(), "in place");
  }
}

TEST_P(DeviceTest, SeedsThatAreNotBlendedAreTheHostBitForBit) {
  for (const int32_t stage : {ESPER_STAGE_DORMANT, ESPER_STAGE_GERMINATED, ESPER_STAGE_TRAINING, ESPER_STAGE_CULLED}) {
    Problem problem = rounded(mixed_problem(ESPER_LAYOUT_TOKENS, 2, 65, 5), dtype());
    for (esper_lattice_seed& seed : problem.seeds) {
      seed.stage = stage;
    }
    const DeviceResults results = run(problem);
    EXPECT_TRUE(same_bits(results.y, problem.x)) << "stage " << stage;
    EXPECT_TRUE(same_bits(results.dx, problem.dy)) << "stage " << stage;
  }
}

TEST_P(DeviceTest, AlphaZeroIsTheHostBitForBit) {
  Problem problem = rounded(mixed_problem(ESPER_LAYOUT_NCHW, 2, 65, 6), dtype());
  for (esper_lattice_seed& seed : problem.seeds) {
    seed.alpha = 0.0F;
    seed.stage = ESPER_STAGE_BLENDING;
  }
  const DeviceResults results = run(problem);
  EXPECT_TRUE(same_bits(results.y, problem.x));
  EXPECT_TRUE(same_bits(results.dx, problem.dy));
  EXPECT_TRUE(std::all_of(results.dtheta.begin(), results.dtheta.end(), [](float v) { return v == 0.0F; }));
}

TEST_P(DeviceTest, TheOrderOfSeedsIsIrrelevant) {
  const Problem problem = rounded(mixed_problem(ESPER_LAYOUT_TOKENS, 2, 130, 8), dtype());
  Problem reversed = problem;
  std::reverse(reversed.seeds.begin(), reversed.seeds.end());
  const DeviceResults a = run(problem);
  const DeviceResults b = run(reversed);
  EXPECT_TRUE(same_bits(a.y, b.y));
  EXPECT_TRUE(same_bits(a.dx, b.dx));
}

TEST_P(DeviceTest, AnEmptyBatchIsFine) {
  const Problem problem = rounded(mixed_problem(ESPER_LAYOUT_TOKENS, 0, 130, 8), dtype());
  const DeviceResults results = run(problem);
  EXPECT_TRUE(results.y.empty());
}

// A graph of both passes, captured once, follows the seeds of later updates.
TEST_P(DeviceTest, ACapturedGraphFollowsUpdates) {
  const Problem before = rounded(mixed_problem(ESPER_LAYOUT_TOKENS, 2, 200, 10), dtype());
  Problem after = before;
  for (esper_lattice_seed& seed : after.seeds) {
    seed.alpha = 0.8F;
    seed.flags = 0;
  }
  after.seeds[0].stage = ESPER_STAGE_DORMANT;
  after.seeds[6].stage = ESPER_STAGE_BLENDING;
  const esper_gpu::Stream stream(*gpu_);
  DeviceProblem device(*gpu_, cuda_, before, dtype());
  void* graph = nullptr;
  void* executable = nullptr;
  Gpu::check(gpu_->capture_begin(stream.get(), 1), "cuStreamBeginCapture");
  device.forward(stream.get());
  device.backward(stream.get());
  Gpu::check(gpu_->capture_end(stream.get(), &graph), "cuStreamEndCapture");
  Gpu::check(gpu_->graph_instantiate(&executable, graph, 0), "cuGraphInstantiateWithFlags");
  device.clear(stream.get());
  Gpu::check(gpu_->graph_launch(executable, stream.get()), "cuGraphLaunch");
  EXPECT_TRUE(same(device.take(stream), run(before)));
  device.update(after, stream.get());
  device.clear(stream.get());
  Gpu::check(gpu_->graph_launch(executable, stream.get()), "cuGraphLaunch");
  const DeviceResults replayed = device.take(stream);
  EXPECT_TRUE(same(replayed, run(after)));
  expect_parity(replayed, after, dtype(), "replay");
  Gpu::check(gpu_->executable_destroy(executable), "cuGraphExecDestroy");
  Gpu::check(gpu_->graph_destroy(graph), "cuGraphDestroy");
}

TEST_P(DeviceTest, ManyUpdatesInFlightArriveInOrder) {
  Problem problem = rounded(mixed_problem(ESPER_LAYOUT_NCHW, 1, 36, 12), dtype());
  const esper_gpu::Stream stream(*gpu_);
  DeviceProblem device(*gpu_, cuda_, problem, dtype());
  constexpr int kUpdates = 25;
  for (int i = 0; i < kUpdates; ++i) {
    for (esper_lattice_seed& seed : problem.seeds) {
      seed.alpha = static_cast<float>(i + 1) / kUpdates;
    }
    device.update(problem, stream.get());
    device.clear(stream.get());
    device.forward(stream.get());
    device.backward(stream.get());
  }
  EXPECT_TRUE(same(device.take(stream), run(problem)));
}

INSTANTIATE_TEST_SUITE_P(Source, DeviceTest,
                         testing::Values(Case{kNvrtc, ESPER_DTYPE_FLOAT32}, Case{kNvrtc, ESPER_DTYPE_FLOAT16},
                                         Case{kNvrtc, ESPER_DTYPE_BFLOAT16}, Case{kBuiltin, ESPER_DTYPE_FLOAT32},
                                         Case{kBuiltin, ESPER_DTYPE_FLOAT16}, Case{kBuiltin, ESPER_DTYPE_BFLOAT16}),
                         case_name);

// The optimizer is the same in every image, and gives the bits of the CPU.
TEST_P(DeviceTest, TheOptimizerGivesTheBitsOfTheCpu) {
  if (dtype() != ESPER_DTYPE_FLOAT32) {
    GTEST_SKIP() << "parameters are float32 whatever the storage";
  }
  constexpr int64_t kCount = 100003;
  Problem data(1, ESPER_LAYOUT_TOKENS, 1, 2 * kCount);
  data.finish(31);
  std::vector<esper_arena_segment> segments(3);
  for (std::size_t i = 0; i < segments.size(); ++i) {
    segments[i] = {sizeof(esper_arena_segment),         0,
                   static_cast<int64_t>(i) * 33000 + 1, 32997,
                   0.01 * static_cast<double>(i + 1),   static_cast<int64_t>(i) * 100 + 1};
  }
  const esper_test::Context context = esper_test::make_context(ESPER_ISA_AUTO, 2);
  for (int rule = 0; rule < 4; ++rule) {
    const esper_optimizer_options options = {sizeof(esper_optimizer_options),
                                             rule == 3 ? 1 : 0,
                                             0.01F,
                                             rule == 0 || rule == 3 ? 0.0F : 0.9F,
                                             rule == 2 ? 1 : 0,
                                             0.9F,
                                             0.999F,
                                             1e-8F,
                                             0.5F};
    std::vector<float> host[4];
    std::vector<std::unique_ptr<esper_gpu::Memory>> device;
    for (int i = 0; i < 4; ++i) {
      const auto begin = (i % 2 == 0 ? data.x : data.dy).begin() + i / 2 * kCount;
      host[i].assign(begin, begin + kCount);
      device.push_back(std::make_unique<esper_gpu::Memory>(*gpu_, kCount * sizeof(float)));
    }
    std::transform(host[3].begin(), host[3].end(), host[3].begin(), [](float v) { return v * v; });
    for (std::size_t i = 0; i < 4; ++i) {
      Gpu::check(gpu_->copy_in(device[i]->address(), host[i].data(), kCount * sizeof(float)), "cuMemcpyHtoD");
    }
    ASSERT_EQ(
        esper_cuda_optimizer_step(cuda_.get(), nullptr, &options, segments.data(), 3, kCount, device[0]->as<float>(),
                                  device[1]->as<float>(), device[2]->as<float>(), device[3]->as<float>()),
        ESPER_OK)
        << esper_last_error();
    ASSERT_EQ(esper_optimizer_step(context.get(), &options, segments.data(), 3, kCount, host[0].data(), host[1].data(),
                                   host[2].data(), host[3].data()),
              ESPER_OK)
        << esper_last_error();
    Gpu::check(gpu_->context_synchronize(), "cuCtxSynchronize");
    for (std::size_t i = 0; i < 4; ++i) {
      std::vector<float> out(kCount);
      Gpu::check(gpu_->copy_out(out.data(), device[i]->address(), kCount * sizeof(float)), "cuMemcpyDtoH");
      EXPECT_TRUE(same_bits(out, host[i])) << "array " << i << ", rule " << rule;
    }
  }
}

}  // namespace
}  // namespace esper_device_test
