#include "cpu/context.hpp"

#include <string>

#include "abi/error.hpp"
#include "cpu/affinity.hpp"
#include "cpu/kernels.hpp"

namespace esper::cpu {
namespace {

constexpr std::int32_t kMaxThreads = 1024;

// Below this many elements waking a thread costs more than it saves.
constexpr std::int64_t kSmallWork = 65536;

std::int32_t checked_threads(std::int32_t threads) {
  if (threads < 0 || threads > kMaxThreads) {
    throw invalid("options.threads is " + std::to_string(threads) + ", expected 0 (all cores) to " +
                  std::to_string(kMaxThreads));
  }
  return threads == 0 ? available_cores() : threads;
}

std::int32_t checked_sums_items(std::int32_t sums_items) {
  if (sums_items < 0) {
    throw invalid("options.sums_items is " + std::to_string(sums_items) + ", expected 0 (all) or more");
  }
  return sums_items;
}

std::int64_t checked_small_work(std::int64_t small_work) {
  if (small_work < 0) {
    throw invalid("options.small_work is " + std::to_string(small_work) + ", expected 0 (default) or more");
  }
  return small_work == 0 ? kSmallWork : small_work;
}

// Counts the pieces that a foreign thread pool really runs.
struct CountedTask {
  esper_task_fn task;
  void* state;
  std::atomic<std::int32_t> done{0};

  static void run(void* self, std::int32_t index) {
    auto* counted = static_cast<CountedTask*>(self);
    counted->task(counted->state, index);
    counted->done.fetch_add(1, std::memory_order_acq_rel);
  }
};

}  // namespace

Context::Context(const esper_context_options& options)
    : kernels_(kernels_of(resolve_isa(options.isa))),
      threads_(checked_threads(options.threads)),
      sums_items_(checked_sums_items(options.sums_items)),
      small_work_(checked_small_work(options.small_work)),
      parallel_(options.parallel),
      parallel_user_(options.parallel_user) {
  if (parallel_ == nullptr) {
    pool_ = std::make_unique<ThreadPool>(threads_);
  }
}

void Context::run_task(std::int64_t elements, esper_task_fn task, void* state) {
  if (inline_run(elements)) {
    for (std::int32_t i = 0; i < threads_; ++i) {
      task(state, i);
    }
    return;
  }
  if (parallel_ == nullptr) {
    pool_->run(task, state);
    return;
  }
  CountedTask counted{task, state};
  parallel_(parallel_user_, threads_, CountedTask::run, &counted);
  const std::int32_t done = counted.done.load(std::memory_order_acquire);
  if (done != threads_) {
    throw Error(ESPER_ERROR_INTERNAL, "options.parallel ran " + std::to_string(done) + " of " +
                                          std::to_string(threads_) + " pieces; it must run each once");
  }
}

}  // namespace esper::cpu
