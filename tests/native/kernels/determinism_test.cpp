// Same inputs, threads and instruction set give the same bits, however the pieces are scheduled.
#include <algorithm>
#include <thread>

#include "support.hpp"

namespace esper_test {
namespace {

class DeterminismTest : public IsaTest {};

constexpr int32_t kLayouts[] = {ESPER_LAYOUT_NCHW, ESPER_LAYOUT_TOKENS};

// A foreign pool: a thread for each piece, started in reverse order.
void reversed_threads(void* user, int32_t count, esper_task_fn task, void* state) {
  ++*static_cast<int*>(user);
  std::vector<std::thread> threads;
  for (int32_t i = count - 1; i >= 0; --i) {
    threads.emplace_back([=] { task(state, i); });
  }
  for (std::thread& thread : threads) {
    thread.join();
  }
}

void skip_last_piece(void*, int32_t count, esper_task_fn task, void* state) {
  for (int32_t i = 0; i + 1 < count; ++i) {
    task(state, i);
  }
}

TEST_P(DeterminismTest, RepetitionsGiveTheSameBits) {
  for (const int32_t layout : kLayouts) {
    const Problem problem = mixed_problem(layout, 3, 500, 2);
    const Context context = make_context(GetParam(), 2);
    const Results first = run(problem, context.get());
    for (int i = 0; i < 5; ++i) {
      EXPECT_TRUE(same_bits(first, run(problem, context.get())));
    }
    EXPECT_TRUE(same_bits(first, run(problem, make_context(GetParam(), 2).get())));
  }
}

TEST_P(DeterminismTest, SchedulingDoesNotChangeBits) {
  for (const int32_t layout : kLayouts) {
    for (const int32_t threads : {2, 3, 5}) {
      const Problem problem = mixed_problem(layout, 3, 500, 2);
      esper_context_options options = context_options(GetParam(), threads);
      options.small_work = 1;
      const Results own_pool = run(problem, make_context(options).get());
      options.small_work = INT64_MAX;
      const Results on_caller = run(problem, make_context(options).get());
      options.small_work = 1;
      options.parallel = reversed_threads;
      int calls = 0;
      options.parallel_user = &calls;
      const Results foreign_pool = run(problem, make_context(options).get());
      EXPECT_EQ(calls, 2);
      EXPECT_TRUE(same_bits(own_pool, on_caller));
      EXPECT_TRUE(same_bits(own_pool, foreign_pool));
    }
  }
}

TEST_P(DeterminismTest, ThreadCountsAgreeWithinTheBound) {
  for (const int32_t layout : kLayouts) {
    const Problem problem = mixed_problem(layout, 3, 200, 2);
    const Results one = run(problem, make_context(GetParam(), 1).get());
    for (const int32_t threads : {1, 2, 3, 64}) {
      const Results results = run(problem, make_context(GetParam(), threads).get());
      expect_matches(problem, results, std::to_string(threads) + " threads");
      // Forward has no sums across positions, but for those of gate, which one partition makes.
      EXPECT_TRUE(same_bits(one.y, results.y));
      EXPECT_TRUE(same_bits(one.dx, results.dx));
    }
  }
}

TEST_P(DeterminismTest, ForeignPoolThatDropsAPieceIsReported) {
  const Problem problem = mixed_problem(ESPER_LAYOUT_NCHW, 1, 500, 2);
  esper_context_options options = context_options(GetParam(), 3);
  options.small_work = 1;
  options.parallel = skip_last_piece;
  const Context context = make_context(options);
  const Lattice lattice = problem.lattice();
  std::vector<float> y(problem.x.size());
  EXPECT_EQ(esper_lattice_forward(lattice.get(), context.get(), &problem.shape, problem.theta.data(),
                                  problem.theta_count(), problem.x.data(), y.data()),
            ESPER_ERROR_INTERNAL);
  EXPECT_STREQ(esper_last_error(), "options.parallel ran 2 of 3 pieces; it must run each once");
}

TEST_P(DeterminismTest, OneContextServesManyLatticesOfAnySize) {
  const Context context = make_context(GetParam(), 2);
  for (const int64_t positions : {500, 3, 900, 64}) {
    const Problem problem = mixed_problem(ESPER_LAYOUT_NCHW, 2, positions, 2);
    EXPECT_TRUE(same_bits(run(problem, context.get()), run(problem, make_context(GetParam(), 2).get())));
  }
}

ESPER_FOR_EVERY_ISA(DeterminismTest);

}  // namespace
}  // namespace esper_test
