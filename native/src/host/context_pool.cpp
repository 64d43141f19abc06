#include "context_pool.h"

#include <mutex>
#include <utility>
#include <vector>

namespace esper::host {
namespace {

struct Pool {
  std::mutex mutex;
  std::vector<std::pair<int, ContextHandle>> idle;  // Number of threads, context.
};

// Never destroyed: a thread may still be in a pass while the process exits.
Pool& pool() {
  static Pool* const instance = new Pool;
  return *instance;
}

}  // namespace

ContextLease::ContextLease() : threads_(at::get_num_threads()) {
  Pool& shared = pool();
  {
    const std::lock_guard<std::mutex> lock(shared.mutex);
    for (size_t i = shared.idle.size(); i-- > 0;) {
      if (shared.idle[i].first != threads_) continue;
      context_ = std::move(shared.idle[i].second);
      shared.idle.erase(shared.idle.begin() + static_cast<std::ptrdiff_t>(i));
      return;
    }
    // The number of threads was changed: the others will not be asked for again.
    shared.idle.clear();
  }
  context_ = make_context(ESPER_ISA_AUTO);
}

ContextLease::~ContextLease() {
  Pool& shared = pool();
  try {
    const std::lock_guard<std::mutex> lock(shared.mutex);
    shared.idle.emplace_back(threads_, std::move(context_));
  } catch (...) {
    // Without memory for the entry the context is freed instead.
  }
}

}  // namespace esper::host
