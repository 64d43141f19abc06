// What the machine can do at this moment, measured beside every sample: copy bandwidth and arithmetic peak.
#pragma once

#include <cstdint>

#include "buffer.h"
#include "esper/esper.h"

namespace esper::bench {

// Threads that pieces of work run on.
struct Workers {
  esper_parallel_fn parallel;
  int32_t threads;

  // body(i) for i in [0, threads), in parallel.
  template <typename Body>
  void run(const Body& body) const {
    parallel(
        nullptr, threads, [](void* state, int32_t i) { (*static_cast<const Body*>(state))(i); },
        const_cast<Body*>(&body));
  }
};

// Ways to copy: with ordinary stores in pieces that stay below the size from which libraries stream, with streaming
// stores past the caches; of one size that exceeds the caches, or of a case's own.
enum Copy { kCopyLarge, kStreamLarge, kLargeCopyCount, kCopyOwn = kLargeCopyCount, kStreamOwn, kCopyCount };
const char* copy_name(int copy);

class Probes {
 public:
  // Streams through 64 MiB, or twice the last-level cache if that is more, between samples if cold.
  Probes(Workers workers, int32_t isa, bool cold);

  // Readies threads and caches for a sample: thread i runs on the i-th core of the process from here on (schedulers
  // put both threads of a pair on one core when others want the machine), and what earlier samples left in the caches
  // is dropped if cold.
  void evict();
  // Bytes a second, read plus written, of each way; own is the number of floats of the case's tensor.
  void copy_rates(int64_t own, double rates[kCopyCount]);
  // Operations a second of multiply-adds on registers by all threads, with the instruction set of the kernels.
  double fma_rate() const;
  int64_t evicted_bytes() const;

 private:
  double copy_rate(int64_t count, bool stream);

  Workers workers_;
  std::vector<int32_t> cores_;
  int32_t isa_;
  bool cold_;
  Buffer source_, target_, other_;
  // Keeps reads from being optimised away.
  volatile uint64_t sink_ = 0;
};

}  // namespace esper::bench
