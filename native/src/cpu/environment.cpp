#include "cpu/environment.hpp"

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <initializer_list>

#if defined(__GLIBC__)
#include <malloc.h>
#endif

namespace esper::cpu {
namespace {

thread_local char report[256] = "";

void append(const char* verb, const char* name, const char* value) noexcept {
  const std::size_t used = std::strlen(report);
  std::snprintf(report + used, sizeof report - used, "%s%s %s=%.64s", used > 0 ? "; " : "", verb, name, value);
}

// GNU OpenMP's idle threads spin for milliseconds, in which OpenBLAS's own threads do not get their cores: a step of a
// small transformer took 2.2 times as long on two cores. So many turns are about 0.1 ms, longer than the pauses within
// a step.
constexpr const char* kSpinCount = "10000";

void bound_spinning() noexcept {
#if !defined(_WIN32)
  if (std::getenv("OMP_WAIT_POLICY") == nullptr) {
    setenv("GOMP_SPINCOUNT", kSpinCount, 0);
  }
#endif
}

// A training step allocates and frees the same few megabytes again and again. Left to itself, glibc hands large blocks
// back to the kernel at once and has every page of the next step cleared anew, an eighth of a small network's step.
void keep_memory() noexcept {
#if defined(__GLIBC__)
  constexpr int kLargestFromHeap = 32 * 1024 * 1024;  // glibc's upper limit for this option.
  constexpr int kKept = 512 * 1024 * 1024;
  if (std::getenv("MALLOC_MMAP_THRESHOLD_") == nullptr && std::getenv("MALLOC_TRIM_THRESHOLD_") == nullptr &&
      std::getenv("GLIBC_TUNABLES") == nullptr) {
    mallopt(M_MMAP_THRESHOLD, kLargestFromHeap);
    mallopt(M_TRIM_THRESHOLD, kKept);
  }
#endif
}

}  // namespace

const char* prepare_environment() noexcept {
  report[0] = '\0';
  const char* keep = std::getenv("ESPER_KEEP_OPENBLAS");
  const bool kept = keep != nullptr && std::strcmp(keep, "1") == 0;
  for (const char* name : {"OPENBLAS_CORETYPE", "OPENBLAS_L2_SIZE"}) {
    const char* value = std::getenv(name);
    if (value == nullptr) {
      continue;
    }
    append(kept ? "kept" : "removed", name, value);
    if (!kept) {
#if defined(_WIN32)
      _putenv_s(name, "");
#else
      unsetenv(name);
#endif
    }
  }
  bound_spinning();
  keep_memory();
  return report;
}

}  // namespace esper::cpu
