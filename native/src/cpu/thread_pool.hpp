// Worker threads with static work: piece i of a region always runs on the same thread.
#pragma once

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <mutex>
#include <thread>
#include <vector>

#include "esper/esper.h"

namespace esper::cpu {

class ThreadPool {
 public:
  // Starts threads - 1 workers; the thread that calls run is the remaining one.
  explicit ThreadPool(std::int32_t threads);
  ~ThreadPool();
  ThreadPool(const ThreadPool&) = delete;
  ThreadPool& operator=(const ThreadPool&) = delete;

  // Runs task(state, i) for i in [0, threads), piece 0 on the caller; returns when all are done. task must not throw.
  void run(esper_task_fn task, void* state) noexcept;

 private:
  void work(std::int32_t index) noexcept;
  std::uint32_t await_region(std::uint32_t seen) noexcept;
  void stop() noexcept;

  // A worker looks this often before it parks: a few microseconds, the distance between two layers of a network.
  static constexpr int kSpins = 200;

  std::mutex mutex_;
  std::condition_variable started_;
  std::condition_variable finished_;
  std::atomic<std::uint32_t> region_{0};  // Number of the current region; a change starts it.
  std::atomic<std::int32_t> pending_{0};  // Workers that have not finished it.
  bool stopping_ = false;
  esper_task_fn task_ = nullptr;
  void* state_ = nullptr;
  std::vector<std::thread> workers_;
};

}  // namespace esper::cpu
