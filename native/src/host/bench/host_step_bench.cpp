// Median training step of the cnn3 hosts. Prints one JSON line a host, with the parts of the step.
#include <cstdio>

#include "cnn3_case.h"

using esper::host::bench::Arguments;
using esper::host::bench::Cnn3Case;
using esper::host::bench::Cnn3Settings;
using esper::host::bench::median;

namespace {

constexpr int kWarmup = 5;

void run(const char* name, const Cnn3Settings& settings, int steps) {
  Cnn3Case host(settings);
  std::vector<double> total, forward, backward, optimizer;
  for (int i = -kWarmup; i < steps; ++i) {
    const double elapsed = host.step();
    if (i < 0) continue;
    total.push_back(elapsed);
    forward.push_back(static_cast<double>(host.result().forward_ns) * 1e-6);
    backward.push_back(static_cast<double>(host.result().backward_ns) * 1e-6);
    optimizer.push_back(static_cast<double>(host.result().optimizer_ns) * 1e-6);
  }
  std::printf(
      "{\"host\":\"%s\",\"batch\":%d,\"threads\":%d,\"lattice\":%s,\"step_ms\":%.3f,\"forward_ms\":%.3f,"
      "\"backward_ms\":%.3f,\"optimizer_ms\":%.3f}\n",
      name, settings.batch, settings.threads, settings.lattice ? "true" : "false", median(total), median(forward),
      median(backward), median(optimizer));
  std::fflush(stdout);
}

}  // namespace

int main(int argc, char** argv) {
  Arguments arguments(argc, argv, "host_step_bench [--steps N] [--batch N] [--threads N] [--lattice]");
  const int steps = arguments.number("--steps", 30);
  Cnn3Settings settings;
  settings.batch = arguments.number("--batch", settings.batch);
  settings.threads = arguments.number("--threads", settings.threads);
  settings.lattice = arguments.flag("--lattice");
  arguments.finish();
  run("cnn3", settings, steps);
  settings.widths = {16, 32, 64};
  run("cnn3:16-32-64", settings, steps);
  return 0;
}
