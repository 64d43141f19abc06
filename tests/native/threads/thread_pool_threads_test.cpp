// Many small parallel regions: every piece runs once, and what it wrote is there when the region ends.
#include <gtest/gtest.h>

#include <atomic>
#include <memory>
#include <thread>
#include <vector>

#include "cpu/context.hpp"
#include "cpu/thread_pool.hpp"

namespace {

using esper::cpu::Context;
using esper::cpu::ThreadPool;

constexpr int32_t kThreads = 4;
constexpr int kRegions = 3000;

esper_context_options options_of(int32_t threads) {
  esper_context_options options{};
  options.struct_size = sizeof options;
  options.isa = ESPER_ISA_SCALAR;
  options.threads = threads;
  options.small_work = 1;
  return options;
}

// Counts that are no atomics: the region itself must order them.
struct Counts {
  std::vector<int> of = std::vector<int>(kThreads);
  static void add(void* self, int32_t index) { ++static_cast<Counts*>(self)->of[static_cast<std::size_t>(index)]; }
};

TEST(ThreadPoolThreadsTest, RegionsOrderTheirWork) {
  ThreadPool pool(kThreads);
  Counts counts;
  for (int region = 1; region <= kRegions; ++region) {
    pool.run(Counts::add, &counts);
    for (const int count : counts.of) {
      ASSERT_EQ(count, region);
    }
    if (region % 100 == 0) {
      // Long enough for the workers to park.
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
  }
}

TEST(ThreadPoolThreadsTest, PoolsComeAndGo) {
  for (int i = 0; i < 50; ++i) {
    Counts counts;
    ThreadPool pool(kThreads);
    for (int region = 0; region < i % 3; ++region) {
      pool.run(Counts::add, &counts);
    }
    for (const int count : counts.of) {
      ASSERT_EQ(count, i % 3);
    }
  }
}

// Runs regions on a context: each piece adds to its own sum, the caller adds them up.
void exercise(Context* context, int64_t* total) {
  std::vector<int64_t> sums(static_cast<std::size_t>(context->threads()));
  for (int region = 0; region < kRegions; ++region) {
    context->run(1000, [&](int32_t index) { sums[static_cast<std::size_t>(index)] += index + region; });
    for (const int64_t sum : sums) {
      *total += sum;
    }
  }
}

int64_t expected_total(int32_t threads) {
  int64_t total = 0;
  for (int64_t piece = 0; piece < threads; ++piece) {
    int64_t sum = 0;
    for (int region = 0; region < kRegions; ++region) {
      sum += piece + region;
      total += sum;
    }
  }
  return total;
}

TEST(ContextThreadsTest, ContextsOfSeveralThreadsAreIndependent) {
  constexpr int kContexts = 3;
  int64_t totals[kContexts] = {};
  std::vector<std::thread> threads;
  for (int i = 0; i < kContexts; ++i) {
    threads.emplace_back([&totals, i] {
      Context context(options_of(2));
      exercise(&context, &totals[i]);
    });
  }
  for (std::thread& thread : threads) {
    thread.join();
  }
  for (const int64_t total : totals) {
    EXPECT_EQ(total, expected_total(2));
  }
}

// Another library's pool: pieces are handed out as its threads come.
struct ForeignPool {
  struct Region {
    esper_task_fn task;
    void* state;
    int32_t count;
    std::atomic<int32_t> next{0};
    static void drain(void* self, int32_t) {
      auto* region = static_cast<Region*>(self);
      for (int32_t i = region->next.fetch_add(1); i < region->count; i = region->next.fetch_add(1)) {
        region->task(region->state, i);
      }
    }
  };
  ThreadPool threads{3};

  static void run(void* user, int32_t count, esper_task_fn task, void* state) {
    Region region{task, state, count};
    static_cast<ForeignPool*>(user)->threads.run(Region::drain, &region);
  }
};

TEST(ContextThreadsTest, AnInjectedPoolOrdersTheWorkToo) {
  ForeignPool pool;
  esper_context_options options = options_of(kThreads);
  options.parallel = ForeignPool::run;
  options.parallel_user = &pool;
  Context context(options);
  int64_t total = 0;
  exercise(&context, &total);
  EXPECT_EQ(total, expected_total(kThreads));
}

}  // namespace
