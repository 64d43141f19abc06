#include "cpu/thread_pool.hpp"

namespace esper::cpu {
namespace {

inline void pause() noexcept {
#if ESPER_ISA_X86
  __builtin_ia32_pause();
#endif
}

}  // namespace

ThreadPool::ThreadPool(std::int32_t threads) {
  workers_.reserve(static_cast<std::size_t>(threads - 1));
  try {
    for (std::int32_t i = 1; i < threads; ++i) {
      workers_.emplace_back([this, i] { work(i); });
    }
  } catch (...) {
    stop();
    throw;
  }
}

ThreadPool::~ThreadPool() {
  stop();
}

void ThreadPool::stop() noexcept {
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    stopping_ = true;
    region_.fetch_add(1, std::memory_order_release);
  }
  started_.notify_all();
  for (std::thread& worker : workers_) {
    worker.join();
  }
  workers_.clear();
}

std::uint32_t ThreadPool::await_region(std::uint32_t seen) noexcept {
  for (int i = 0; i < kSpins; ++i) {
    const std::uint32_t current = region_.load(std::memory_order_acquire);
    if (current != seen) {
      return current;
    }
    pause();
  }
  std::unique_lock<std::mutex> lock(mutex_);
  started_.wait(lock, [&] { return region_.load(std::memory_order_acquire) != seen; });
  return region_.load(std::memory_order_acquire);
}

void ThreadPool::work(std::int32_t index) noexcept {
  std::uint32_t seen = 0;
  for (;;) {
    seen = await_region(seen);
    // Written before region_ changed.
    if (stopping_) {
      return;
    }
    task_(state_, index);
    if (pending_.fetch_sub(1, std::memory_order_acq_rel) == 1) {
      // The lock orders this with a caller that is about to wait.
      const std::lock_guard<std::mutex> lock(mutex_);
      finished_.notify_one();
    }
  }
}

void ThreadPool::run(esper_task_fn task, void* state) noexcept {
  if (workers_.empty()) {
    task(state, 0);
    return;
  }
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    task_ = task;
    state_ = state;
    pending_.store(static_cast<std::int32_t>(workers_.size()), std::memory_order_relaxed);
    region_.fetch_add(1, std::memory_order_release);
  }
  started_.notify_all();
  task(state, 0);
  for (int i = 0; i < kSpins; ++i) {
    if (pending_.load(std::memory_order_acquire) == 0) {
      return;
    }
    pause();
  }
  std::unique_lock<std::mutex> lock(mutex_);
  finished_.wait(lock, [&] { return pending_.load(std::memory_order_acquire) == 0; });
}

}  // namespace esper::cpu
