// Instruction set, threads and working memory of a sequence of calls.
#pragma once

#include <cstdint>
#include <memory>

#include "cpu/kernel_types.hpp"
#include "cpu/thread_pool.hpp"
#include "cpu/workspace.hpp"
#include "esper/esper.h"

namespace esper::cpu {

class Context {
 public:
  explicit Context(const esper_context_options& options);

  const Kernels& kernels() const noexcept { return kernels_; }
  std::int32_t isa() const noexcept { return kernels_.isa; }
  std::int32_t threads() const noexcept { return threads_; }
  Workspace& workspace() noexcept { return workspace_; }

  // Number of batch items that the sums of a backward call are of, about; 0 = all.
  std::int32_t sums_items() const noexcept { return sums_items_; }

  // Whether run goes through the partitions of a call touching this many elements on the caller.
  bool inline_run(std::int64_t elements) const noexcept { return threads_ == 1 || elements < small_work_; }

  // Calls body(i) once for every partition i in [0, threads()). Partitions are the same whether they run in parallel
  // or, for a call touching few elements, one after the other on the caller. body must not throw.
  template <typename Body>
  void run(std::int64_t elements, const Body& body) {
    run_task(
        elements, [](void* state, std::int32_t index) { (*static_cast<const Body*>(state))(index); },
        const_cast<Body*>(&body));
  }

 private:
  void run_task(std::int64_t elements, esper_task_fn task, void* state);

  const Kernels& kernels_;
  std::int32_t threads_;
  std::int32_t sums_items_;
  std::int64_t small_work_;
  esper_parallel_fn parallel_;
  void* parallel_user_;
  std::unique_ptr<ThreadPool> pool_;
  Workspace workspace_;
};

}  // namespace esper::cpu
