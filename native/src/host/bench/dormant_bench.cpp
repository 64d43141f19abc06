// Cost of a dormant lattice: training steps of the bare host and of the same host with an all-dormant lattice, taken in
// turn in one process. Prints one JSON line a host: the median of the paired ratios wrapped/bare with its 95 % interval
// (order statistics of the median), and fails if the two ever differ in a bit of the loss.
#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstdlib>

#include "cnn3_case.h"

using esper::host::bench::Arguments;
using esper::host::bench::Cnn3Case;
using esper::host::bench::Cnn3Settings;
using esper::host::bench::median;

namespace {

constexpr int kWarmup = 5;
constexpr double kQuantile = 1.959964;

void run(const char* name, Cnn3Settings settings, int steps, std::FILE* file) {
  settings.lattice = false;
  Cnn3Case bare(settings);
  settings.lattice = true;
  Cnn3Case wrapped(settings);
  std::vector<double> bare_ms, wrapped_ms, ratios;
  for (int i = -kWarmup; i < steps; ++i) {
    // Alternating order: what runs second finds other things in the caches.
    const bool bare_first = i % 2 == 0;
    double b = bare_first ? bare.step() : 0;
    const double w = wrapped.step();
    if (!bare_first) b = bare.step();
    if (bare.result().loss != wrapped.result().loss) {
      std::fprintf(stderr, "%s: losses differ: %.17g bare, %.17g wrapped\n", name, bare.result().loss,
                   wrapped.result().loss);
      std::exit(1);
    }
    if (i < 0) continue;
    bare_ms.push_back(b);
    wrapped_ms.push_back(w);
    ratios.push_back(w / b);
  }
  const double middle = median(ratios);
  const auto count = static_cast<double>(ratios.size());
  const double reach = kQuantile * std::sqrt(count) / 2;
  const auto low = static_cast<size_t>(std::max(0.0, std::floor(count / 2 - reach)));
  const auto high = static_cast<size_t>(std::min(count - 1, std::ceil(count / 2 + reach)));
  char line[512];
  std::snprintf(line, sizeof(line),
                "{\"host\":\"%s\",\"batch\":%d,\"threads\":%d,\"pairs\":%d,\"bare_ms\":%.3f,\"wrapped_ms\":%.3f,"
                "\"ratio\":%.5f,\"ratio_low\":%.5f,\"ratio_high\":%.5f,\"losses_equal\":true}\n",
                name, settings.batch, settings.threads, steps, median(bare_ms), median(wrapped_ms), middle,
                ratios[low], ratios[high]);
  std::fputs(line, stdout);
  std::fflush(stdout);
  if (file != nullptr) std::fputs(line, file);
}

}  // namespace

int main(int argc, char** argv) {
  Arguments arguments(argc, argv, "dormant_bench [--pairs N] [--batch N] [--threads N] [--json FILE]");
  const int pairs = arguments.number("--pairs", 200);
  Cnn3Settings settings;
  settings.batch = arguments.number("--batch", settings.batch);
  settings.threads = arguments.number("--threads", settings.threads);
  const std::string path = arguments.text("--json");
  arguments.finish();
  std::FILE* file = path.empty() ? nullptr : std::fopen(path.c_str(), "w");
  if (!path.empty() && file == nullptr) {
    std::fprintf(stderr, "%s cannot be written\n", path.c_str());
    return 1;
  }
  run("cnn3", settings, pairs, file);
  settings.widths = {16, 32, 64};
  run("cnn3:16-32-64", settings, pairs, file);
  if (file != nullptr) std::fclose(file);
  return 0;
}
