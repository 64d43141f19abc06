// Sums over a part of the batch: which part, that they are its sums, and that nothing else depends on it.
#include <cmath>

#include "support.hpp"

namespace esper_test {
namespace {

class SumsTest : public IsaTest {};

constexpr int64_t kBatch = 9;
constexpr int32_t kItems = 2;  // One in four of them.

struct Case {
  int32_t layout;
  int64_t positions;
  std::vector<int64_t> summed;  // Batch items.
};

const std::vector<Case>& cases() {
  static const std::vector<Case> list = {
      {ESPER_LAYOUT_NCHW, 1024, {0, 4, 8}},
      {ESPER_LAYOUT_NCHW, 1100, {0, 4, 8}},
      {ESPER_LAYOUT_TOKENS, 1024, {0, 4, 8}},
      // Two items would be fewer than 2048 positions.
      {ESPER_LAYOUT_NCHW, 512, {0, 2, 4, 6, 8}},
      {ESPER_LAYOUT_TOKENS, 512, {0, 2, 4, 6, 8}},
  };
  return list;
}

Context context_with(int32_t isa, int32_t threads, int32_t sums_items) {
  esper_context_options options = context_options(isa, threads);
  options.sums_items = sums_items;
  return make_context(options);
}

// The backward pass of training: without dalpha.
Results backward(const Problem& problem, esper_context* context) {
  Results results;
  results.dx.resize(problem.dy.size());
  results.dtheta.resize(problem.theta.size());
  results.sums.resize(problem.seeds.size());
  for (esper_seed_sums& entry : results.sums) {
    entry.struct_size = sizeof entry;
  }
  CpuBackend(context).backward(problem, problem.x.data(), problem.dy.data(), results.dx.data(), results.dtheta.data(),
                               nullptr, results.sums.data());
  return results;
}

// The problem with the listed batch items alone.
Problem part_of(const Problem& problem, const std::vector<int64_t>& items) {
  Problem part = problem;
  part.shape.batch = static_cast<int64_t>(items.size());
  part.x.clear();
  part.dy.clear();
  const int64_t size = problem.shape.positions * problem.channels;
  for (const int64_t item : items) {
    part.x.insert(part.x.end(), problem.x.begin() + item * size, problem.x.begin() + (item + 1) * size);
    part.dy.insert(part.dy.end(), problem.dy.begin() + item * size, problem.dy.begin() + (item + 1) * size);
  }
  return part;
}

void expect_near(double value, double expected, double size, const std::string& what) {
  EXPECT_NEAR(value, expected, 1e-5 * size) << what;
}

void expect_sums(const esper_seed_sums& sums, const ExactSums& exact, const std::string& what) {
  const auto n = static_cast<double>(sums.elements);
  expect_near(sums.input_square, exact.xx, exact.xx, what);
  expect_near(sums.module_square, exact.gg, exact.gg, what);
  expect_near(sums.gradient_square, exact.dd, exact.dd, what);
  expect_near(sums.gradient_module, exact.dg, exact.gg + exact.dd, what);
  expect_near(sums.input_sum, exact.x, std::sqrt(n * exact.xx), what);
  expect_near(sums.module_sum, exact.g, std::sqrt(n * exact.gg), what);
}

TEST_P(SumsTest, OneItemInSoManyIsSummedAndWhole) {
  for (const Case& c : cases()) {
    const Problem problem = mixed_problem(c.layout, kBatch, c.positions, 3);
    const Results results = backward(problem, context_with(GetParam(), 1, kItems).get());
    const std::vector<ExactSums> exact = exact_sums(part_of(problem, c.summed));
    int evaluated = 0;
    for (std::size_t s = 0; s < problem.seeds.size(); ++s) {
      const esper_seed_sums& sums = results.sums[s];
      if (sums.evaluated == 0) continue;
      ++evaluated;
      const std::string what = describe(problem.seeds[s]) + ", " + std::to_string(c.positions) + " positions";
      EXPECT_EQ(sums.elements, static_cast<int64_t>(c.summed.size()) * c.positions * problem.seeds[s].channel_count)
          << what;
      expect_sums(sums, exact[s], what);
    }
    EXPECT_GT(evaluated, 10);
  }
}

TEST_P(SumsTest, SmallImagesAreSummedAsTheyAreTakenTogether) {
  Problem problem(16, ESPER_LAYOUT_NCHW, 400, 32, 8);
  problem.seeds = {make_seed(0, 16, ESPER_FAMILY_BOTTLENECK, 4)};
  problem.finish(4);
  const Results results = backward(problem, context_with(GetParam(), 1, 10).get());
  const esper_seed_sums& sums = results.sums[0];
  const int64_t items = sums.elements / (32 * 16);
  EXPECT_EQ(sums.elements, items * 32 * 16);
  EXPECT_GE(items, 64);
  EXPECT_LT(items, 100);
  const double mean = exact_sums(problem)[0].xx / static_cast<double>(problem.elements());
  EXPECT_NEAR(sums.input_square / static_cast<double>(sums.elements), mean, 0.1 * mean);
}

TEST_P(SumsTest, GradientsDoNotDependOnIt) {
  for (const Case& c : cases()) {
    for (const int32_t threads : {1, 3}) {
      const Problem problem = mixed_problem(c.layout, kBatch, c.positions, 3);
      const Results all = backward(problem, context_with(GetParam(), threads, 0).get());
      const Results part = backward(problem, context_with(GetParam(), threads, kItems).get());
      EXPECT_TRUE(same_bits(all.dx, part.dx));
      EXPECT_TRUE(same_bits(all.dtheta, part.dtheta));
      for (std::size_t s = 0; s < problem.seeds.size(); ++s) {
        EXPECT_EQ(all.sums[s].parameter_gradient_square, part.sums[s].parameter_gradient_square);
        EXPECT_EQ(all.sums[s].evaluated, part.sums[s].evaluated);
        EXPECT_EQ(all.sums[s].hidden_units, part.sums[s].hidden_units);
      }
    }
  }
}

TEST_P(SumsTest, EveryPartitionSumsSomething) {
  // Three partitions of three items each: the first of each.
  const Problem problem = mixed_problem(ESPER_LAYOUT_NCHW, kBatch, 2048, 3);
  const Results results = backward(problem, context_with(GetParam(), 3, 1).get());
  const std::vector<ExactSums> exact = exact_sums(part_of(problem, {0, 3, 6}));
  EXPECT_EQ(results.sums[0].elements, 3 * 2048 * problem.seeds[0].channel_count);
  expect_sums(results.sums[0], exact[0], "seeds[0]");
}

TEST_P(SumsTest, ASmallBatchIsSummedWhole) {
  const Problem problem = mixed_problem(ESPER_LAYOUT_TOKENS, 20, 100, 5);
  for (const int32_t items : {1, 2, 100}) {
    EXPECT_TRUE(same_bits(run(problem, context_with(GetParam(), 2, 0).get()),
                          run(problem, context_with(GetParam(), 2, items).get())));
  }
}

TEST_P(SumsTest, AlphaGradientsAreOfTheWholeBatch) {
  for (const Case& c : cases()) {
    const Problem problem = mixed_problem(c.layout, kBatch, c.positions, 3);
    const Results all = run(problem, context_with(GetParam(), 2, 0).get());
    const Results part = run(problem, context_with(GetParam(), 2, kItems).get());
    EXPECT_TRUE(same_bits(all.dalpha, part.dalpha));
    EXPECT_TRUE(same_bits(all.dx, part.dx));
    EXPECT_TRUE(same_bits(all.dtheta, part.dtheta));
    // Seed 0 blends by one weight, whose gradient is made from the sums; seed 1 by a gate.
    EXPECT_EQ(part.sums[0].elements, all.sums[0].elements);
    EXPECT_LT(part.sums[1].elements, all.sums[1].elements);
  }
}

TEST_P(SumsTest, AUnitThatWakesElsewhereIsDeadInThePart) {
  Problem problem(16, ESPER_LAYOUT_TOKENS, 4, 2048);
  problem.seeds = {make_seed(0, 16, ESPER_FAMILY_BOTTLENECK, 4)};
  problem.seeds[0].activation = ESPER_ACTIVATION_RELU;
  problem.finish(6);
  // The input bias of unit 0 silences it for inputs of size 1; the last item is loud enough to wake it.
  const esper_lattice_seed& seed = problem.seeds[0];
  problem.theta[static_cast<std::size_t>(seed.parameter_offset + 4 * 16)] = -100.0F;
  for (std::size_t i = problem.at(3, 0, 0); i < problem.x.size(); ++i) {
    problem.x[i] *= 1000.0F;
  }
  EXPECT_EQ(backward(problem, context_with(GetParam(), 1, 0).get()).sums[0].hidden_dead, 0);
  EXPECT_EQ(backward(problem, context_with(GetParam(), 1, 1).get()).sums[0].hidden_dead, 1);
}

ESPER_FOR_EVERY_ISA(SumsTest);

}  // namespace
}  // namespace esper_test
