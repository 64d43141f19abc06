// Kernel contexts for callers that come from any thread.
#pragma once

#include "threads.h"

namespace esper::host {

// A context of its own for one pass. A context serves one thread at a time, and each keeps working memory, so that
// passes borrow from a pool: it grows to as many as ever ran at once. They run on libtorch's threads.
class ContextLease {
 public:
  ContextLease();
  ~ContextLease();
  ContextLease(const ContextLease&) = delete;
  ContextLease& operator=(const ContextLease&) = delete;

  esper_context* get() const { return context_.get(); }

 private:
  int threads_;  // at::get_num_threads() when the context was made: results depend on it.
  ContextHandle context_;
};

}  // namespace esper::host
