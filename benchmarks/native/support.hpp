// Timing of two things in turn, and rows of JSON. What a benchmark program needs beside its cases.
#pragma once

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <vector>

#include "esper/esper.h"

namespace esper_bench {

inline void require(esper_status status) {
  if (status != ESPER_OK) {
    std::fprintf(stderr, "%s: %s\n", esper_status_name(status), esper_last_error());
    std::exit(1);
  }
}

// Keeps the compiler from dropping a result.
template <typename T>
inline void keep(const T& value) {
  __asm__ volatile("" : : "r,m"(value) : "memory");
}

inline double median(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  const std::size_t half = values.size() / 2;
  return values.size() % 2 == 1 ? values[half] : 0.5 * (values[half - 1] + values[half]);
}

// Nanoseconds an operation of a subject and of the baseline beside it.
struct Comparison {
  double median_ns;
  double min_ns;
  double baseline_median_ns;
  double baseline_min_ns;
  double ratio;      // Median over the pairs of subject / baseline.
  double min_ratio;  // Of the minima.
};

template <typename Body>
double nanoseconds(const Body& body) {
  const auto start = std::chrono::steady_clock::now();
  body();
  return std::chrono::duration<double, std::nano>(std::chrono::steady_clock::now() - start).count();
}

inline Comparison summarize(const std::vector<double>& subject, const std::vector<double>& baseline) {
  std::vector<double> ratios;
  for (std::size_t i = 0; i < subject.size(); ++i) {
    ratios.push_back(subject[i] / baseline[i]);
  }
  const double min = *std::min_element(subject.begin(), subject.end());
  const double baseline_min = *std::min_element(baseline.begin(), baseline.end());
  return {median(subject), min, median(baseline), baseline_min, median(ratios), min / baseline_min};
}

// Times both in turn, so that what disturbs the machine disturbs them alike. A call of either does operations
// operations; it is called often enough for a sample to last about 200 microseconds.
template <typename Subject, typename Baseline>
Comparison compare(int pairs, double operations, const Subject& subject, const Baseline& baseline) {
  const auto calls_of = [](const auto& body) {
    body();
    const double once = std::max(1.0, nanoseconds(body));
    return static_cast<int>(std::clamp(2e5 / once, 1.0, 1e5));
  };
  const auto sample = [operations](const auto& body, int calls) {
    const double time = nanoseconds([&] {
      for (int i = 0; i < calls; ++i) {
        body();
      }
    });
    return time / (calls * operations);
  };
  const int subject_calls = calls_of(subject);
  const int baseline_calls = calls_of(baseline);
  std::vector<double> subject_times;
  std::vector<double> baseline_times;
  for (int i = 0; i < pairs; ++i) {
    subject_times.push_back(sample(subject, subject_calls));
    baseline_times.push_back(sample(baseline, baseline_calls));
  }
  return summarize(subject_times, baseline_times);
}

// A table on standard output and, if a path is given, a JSON line a row in a file.
class Report {
 public:
  Report(const char* benchmark, const std::string& json_path) {
    if (!json_path.empty()) {
      json_ = std::fopen(json_path.c_str(), "w");
      if (json_ == nullptr) {
        std::fprintf(stderr, "%s: %s can not be written; name a file in an existing folder\n", benchmark,
                     json_path.c_str());
        std::exit(1);
      }
    }
    esper_cpu_info cpu{};
    cpu.struct_size = sizeof cpu;
    require(esper_cpu_query(&cpu));
    const char* commit = std::getenv("ESPER_COMMIT");
    commit = commit == nullptr || *commit == '\0' ? "unknown" : commit;
    std::printf("%s on %s, %d cores, commit %s\n\n", benchmark, cpu.model, cpu.logical_cores, commit);
    line("{\"benchmark\":\"%s\",\"machine\":\"%s\",\"cores\":%d,\"commit\":\"%s\",\"build\":%s}\n", benchmark,
         cpu.model, cpu.logical_cores, commit, esper_build_info());
    std::printf("%-24s %9s %14s %14s %14s %8s\n", "what", "seeds", "median ns", "min ns", "plain median", "ratio");
  }
  ~Report() {
    if (json_ != nullptr) {
      std::fclose(json_);
    }
  }
  Report(const Report&) = delete;
  Report& operator=(const Report&) = delete;

  void row(const char* name, std::int64_t seeds, const Comparison& c) {
    std::printf("%-24s %9lld %14.1f %14.1f %14.1f %8.3f\n", name, static_cast<long long>(seeds), c.median_ns, c.min_ns,
                c.baseline_median_ns, c.ratio);
    std::fflush(stdout);
    line(
        "{\"name\":\"%s\",\"seeds\":%lld,\"median_ns\":%.2f,\"min_ns\":%.2f,\"baseline_median_ns\":%.2f,"
        "\"baseline_min_ns\":%.2f,\"ratio\":%.4f,\"min_ratio\":%.4f}\n",
        name, static_cast<long long>(seeds), c.median_ns, c.min_ns, c.baseline_median_ns, c.baseline_min_ns, c.ratio,
        c.min_ratio);
  }
  void bytes(const char* name, std::int64_t seeds, std::int64_t value) {
    std::printf("%-24s %9lld %14lld bytes\n", name, static_cast<long long>(seeds), static_cast<long long>(value));
    line("{\"name\":\"%s\",\"seeds\":%lld,\"bytes\":%lld}\n", name, static_cast<long long>(seeds),
         static_cast<long long>(value));
  }

 private:
  template <typename... Values>
  void line(const char* format, Values... values) {
    if (json_ != nullptr) {
      std::fprintf(json_, format, values...);
      std::fflush(json_);
    }
  }

  std::FILE* json_ = nullptr;
};

}  // namespace esper_bench
