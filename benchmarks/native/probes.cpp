#include "probes.h"

#include <algorithm>
#include <atomic>
#include <cstdio>
#include <cstring>
#include <string>

#if defined(__linux__)
#include <sched.h>
#include <unistd.h>
#endif
#if defined(__x86_64__)
#include <immintrin.h>
#endif

#include "stopwatch.h"

namespace esper::bench {
namespace {

constexpr int64_t kFloats64MiB = int64_t{1} << 24;
constexpr int64_t kLine = 16;  // Floats of a cache line.
constexpr int64_t kPiece = 16384;
constexpr int kChains = 16;  // More independent sums than latency times units on any processor.
constexpr int kFmaSteps = 150000;

// The cores that this process may run on; none if there are fewer than threads, or where that is not known.
std::vector<int32_t> cores_for(int32_t threads) {
  std::vector<int32_t> cores;
#if defined(__linux__)
  cpu_set_t set;
  if (sched_getaffinity(0, sizeof set, &set) == 0) {
    for (int32_t core = 0; core < CPU_SETSIZE; ++core) {
      if (CPU_ISSET(core, &set)) cores.push_back(core);
    }
  }
#endif
  if (static_cast<int32_t>(cores.size()) < threads) cores.clear();
  return cores;
}

// Keeps the calling thread on a core. A refusal costs steadiness, nothing else.
void stay_on(int32_t core) {
#if defined(__linux__)
  cpu_set_t set;
  CPU_ZERO(&set);
  CPU_SET(core, &set);
  static_cast<void>(sched_setaffinity(0, sizeof set, &set));
#else
  static_cast<void>(core);
#endif
}

// Bytes of the largest cache that the first core sees, 0 if that is not known. (What sysconf says on some virtual
// machines is the sum over all sockets of the machine underneath.)
int64_t cache_bytes() {
  int64_t most = 0;
#if defined(__linux__)
  for (int index = 0; index < 8; ++index) {
    const std::string path = "/sys/devices/system/cpu/cpu0/cache/index" + std::to_string(index) + "/size";
    if (std::FILE* file = std::fopen(path.c_str(), "r")) {
      long long kibibytes = 0;
      if (std::fscanf(file, "%lldK", &kibibytes) == 1) most = std::max<int64_t>(most, kibibytes * 1024);
      std::fclose(file);
    }
  }
#endif
  return most;
}

int64_t floats_to_evict() {
  const int64_t floats = std::max(kFloats64MiB, 2 * cache_bytes() / static_cast<int64_t>(sizeof(float)));
  return std::min(floats, 16 * kFloats64MiB);
}

void copy_cached(const float* from, float* to, int64_t count) {
  for (int64_t i = 0; i < count; i += kPiece) {
    std::memcpy(to + i, from + i, static_cast<std::size_t>(std::min(kPiece, count - i)) * sizeof(float));
  }
}

// Pointers at cache lines, count a multiple of a line's floats.
void copy_streamed(const float* from, float* to, int64_t count) {
#if defined(__x86_64__)
  for (int64_t i = 0; i < count; i += kLine) {
    const __m128 a = _mm_load_ps(from + i);
    const __m128 b = _mm_load_ps(from + i + 4);
    const __m128 c = _mm_load_ps(from + i + 8);
    const __m128 d = _mm_load_ps(from + i + 12);
    _mm_stream_ps(to + i, a);
    _mm_stream_ps(to + i + 4, b);
    _mm_stream_ps(to + i + 8, c);
    _mm_stream_ps(to + i + 12, d);
  }
  _mm_sfence();
#else
  copy_cached(from, to, count);
#endif
}

// Each returns the sum of its chains, whatever it is, so that they are computed. x stays near 1.
float multiply_add_generic(float x) {
  constexpr int kLanes = 4;
  float sums[kChains][kLanes] = {};
  for (int i = 0; i < kFmaSteps; ++i) {
#if defined(__GNUC__)
#pragma GCC unroll 16
#endif
    for (auto& chain : sums) {
      for (float& lane : chain) {
        lane = lane * x + x;
      }
    }
  }
  float total = 0;
  for (const auto& chain : sums) {
    total += chain[0] + chain[kLanes - 1];
  }
  return total;
}

#if defined(__x86_64__)
__attribute__((target("avx2,fma"))) float multiply_add_avx2(float x) {
  const __m256 factor = _mm256_set1_ps(x);
  __m256 sums[kChains];
#pragma GCC unroll 16
  for (int c = 0; c < kChains; ++c) sums[c] = _mm256_set1_ps(static_cast<float>(c));
  for (int i = 0; i < kFmaSteps; ++i) {
#pragma GCC unroll 16
    for (int c = 0; c < kChains; ++c) sums[c] = _mm256_fmadd_ps(sums[c], factor, factor);
  }
  __m256 total = sums[0];
#pragma GCC unroll 16
  for (int c = 1; c < kChains; ++c) total = _mm256_add_ps(total, sums[c]);
  return _mm256_cvtss_f32(total);
}

__attribute__((target("avx512f"))) float multiply_add_avx512(float x) {
  const __m512 factor = _mm512_set1_ps(x);
  __m512 sums[kChains];
#pragma GCC unroll 16
  for (int c = 0; c < kChains; ++c) sums[c] = _mm512_set1_ps(static_cast<float>(c));
  for (int i = 0; i < kFmaSteps; ++i) {
#pragma GCC unroll 16
    for (int c = 0; c < kChains; ++c) sums[c] = _mm512_fmadd_ps(sums[c], factor, factor);
  }
  __m512 total = sums[0];
#pragma GCC unroll 16
  for (int c = 1; c < kChains; ++c) total = _mm512_add_ps(total, sums[c]);
  return _mm512_cvtss_f32(total);
}
#endif

struct MultiplyAdd {
  float (*run)(float x);
  double lanes;
};

MultiplyAdd multiply_add(int32_t isa) {
#if defined(__x86_64__)
  if (isa == ESPER_ISA_AVX512) return {multiply_add_avx512, 16};
  if (isa == ESPER_ISA_AVX2) return {multiply_add_avx2, 8};
#endif
  static_cast<void>(isa);
  return {multiply_add_generic, 4};
}

}  // namespace

const char* copy_name(int copy) {
  static constexpr const char* kNames[kCopyCount] = {"cached, 64 MiB", "streamed, 64 MiB", "cached, own size",
                                                     "streamed, own size"};
  return copy >= 0 && copy < kCopyCount ? kNames[copy] : "unknown";
}

Probes::Probes(Workers workers, int32_t isa, bool cold)
    : workers_(workers),
      cores_(cores_for(workers.threads)),
      isa_(isa),
      cold_(cold),
      source_(static_cast<std::size_t>(kFloats64MiB), 1.0F),
      target_(static_cast<std::size_t>(kFloats64MiB), 0.0F),
      other_(static_cast<std::size_t>(cold ? floats_to_evict() : 0), 1.0F) {}

int64_t Probes::evicted_bytes() const {
  return static_cast<int64_t>(other_.size() * sizeof(float));
}

void Probes::evict() {
  std::atomic<uint64_t> total{0};
  const auto lines = static_cast<int64_t>(other_.size()) / kLine;
  workers_.run([&](int32_t i) {
    if (!cores_.empty()) stay_on(cores_[static_cast<std::size_t>(i)]);
    uint64_t sum = 0;
    for (int64_t line = lines * i / workers_.threads; line < lines * (i + 1) / workers_.threads; ++line) {
      uint32_t word = 0;
      std::memcpy(&word, other_.data() + line * kLine, sizeof word);
      sum += word;
    }
    total += sum;
  });
  sink_ = total;
}

double Probes::copy_rate(int64_t count, bool stream) {
  count = std::min(count, kFloats64MiB);
  const int64_t lines = count / kLine;
  const Stopwatch watch;
  workers_.run([&](int32_t i) {
    const int64_t begin = lines * i / workers_.threads * kLine;
    const int64_t end = lines * (i + 1) / workers_.threads * kLine;
    (stream ? copy_streamed : copy_cached)(source_.data() + begin, target_.data() + begin, end - begin);
  });
  return 8.0 * static_cast<double>(lines * kLine) / watch.seconds();
}

void Probes::copy_rates(int64_t own, double rates[kCopyCount]) {
  for (int copy = 0; copy < kCopyCount; ++copy) {
    const bool large = copy == kCopyLarge || copy == kStreamLarge;
    evict();
    rates[copy] = copy_rate(large ? kFloats64MiB : own, copy == kStreamLarge || copy == kStreamOwn);
  }
}

double Probes::fma_rate() const {
  const MultiplyAdd kernel = multiply_add(isa_);
  std::atomic<int32_t> done{0};
  const Stopwatch watch;
  workers_.run([&](int32_t) {
    volatile float x = 0.5F;
    volatile float result = kernel.run(x);
    static_cast<void>(result);
    ++done;
  });
  return 2.0 * kernel.lanes * kChains * kFmaSteps * done / watch.seconds();
}

}  // namespace esper::bench
