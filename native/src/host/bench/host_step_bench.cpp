// Median training step of the cnn3 host: conv3x3-BN-ReLU-maxpool three times, global average pool, linear; SGD with
// Nesterov momentum 0.9 and weight decay 5e-4, synthetic 3 x 32 x 32 images. Prints one JSON line a host.
//
//   host_step_bench [--steps 30] [--batch 128] [--threads 2] [--lattice]
//
// --lattice wraps every ReLU output in a dormant lattice of four seeds.
#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <random>
#include <string>
#include <vector>

#include "graph_builder.h"

namespace {

using esper::host::test::attr;
using esper::host::test::GraphBuilder;

struct Settings {
  int steps = 30;
  int batch = 128;
  int threads = 2;
  bool lattice = false;
};

void check(esper_status status) {
  if (status == ESPER_OK) return;
  std::fprintf(stderr, "host_step_bench: %s\n", esper_host_last_error());
  std::exit(1);
}

std::vector<float> normal(size_t count, double deviation, std::mt19937& generator) {
  std::normal_distribution<float> distribution(0.0F, static_cast<float>(deviation));
  std::vector<float> values(count);
  for (float& value : values) value = distribution(generator);
  return values;
}

void build(GraphBuilder& g, const std::vector<int>& widths, bool lattice) {
  std::mt19937 generator(1);
  int32_t x = g.input("x", {-1, 3, 32, 32});
  const int32_t labels = g.input("labels", {-1}, ESPER_HOST_INT64);
  int64_t in = 3;
  for (int width : widths) {
    const std::string n = std::to_string(width);
    const auto count = static_cast<size_t>(width);
    const int32_t weight = g.parameter("conv" + n, {width, in, 3, 3},
                                       normal(count * static_cast<size_t>(in) * 9, std::sqrt(2.0 / (9.0 * static_cast<double>(in))), generator));
    const int32_t gamma = g.parameter("gamma" + n, {width}, std::vector<float>(count, 1.0F));
    const int32_t beta = g.parameter("beta" + n, {width}, std::vector<float>(count, 0.0F));
    const int32_t mean = g.buffer("mean" + n, {width}, std::vector<float>(count, 0.0F));
    const int32_t variance = g.buffer("variance" + n, {width}, std::vector<float>(count, 1.0F));
    x = g.node("Conv", {x, weight}, {attr("pads", std::vector<int64_t>{1, 1, 1, 1})});
    x = g.node("BatchNormalization", {x, gamma, beta, mean, variance});
    x = g.node("Relu", {x});
    if (lattice) x = g.lattice(x, width, 4);
    x = g.node("MaxPool", {x}, {attr("kernel_shape", std::vector<int64_t>{2, 2}), attr("strides", std::vector<int64_t>{2, 2})});
    in = width;
  }
  x = g.node("Flatten", {g.node("GlobalAveragePool", {x})});
  const int32_t weight = g.parameter("fc.weight", {10, in}, normal(static_cast<size_t>(10 * in), 0.05, generator));
  const int32_t bias = g.parameter("fc.bias", {10}, std::vector<float>(10, 0.0F));
  const int32_t logits = g.node("Gemm", {x, weight, bias}, {attr("transB", 1)});
  g.loss(g.node("SoftmaxCrossEntropyLoss", {logits, labels}), logits, labels);
}

void run(const std::vector<int>& widths, const char* name, const Settings& settings) {
  GraphBuilder builder;
  build(builder, widths, settings.lattice);
  const esper_host_graph graph = builder.graph();
  esper_host_options options{};
  options.struct_size = sizeof(options);
  options.threads = settings.threads;
  options.isa = ESPER_ISA_AUTO;
  esper_host_session* session = nullptr;
  check(esper_host_session_create(&graph, &options, &session));
  const esper_host_group group{sizeof(group), 1.0F, 5e-4F, 0.9F, 1, 0.9F, 0.999F, 1e-8F};
  const std::vector<int32_t> groups(static_cast<size_t>(builder.parameter_count()), 0);
  check(esper_host_optimizer_configure(session, ESPER_HOST_SGD, &group, 1, groups.data(), builder.parameter_count(), 0));

  std::mt19937 generator(2);
  std::vector<float> images = normal(static_cast<size_t>(settings.batch) * 3 * 32 * 32, 1.0, generator);
  std::vector<int64_t> labels(static_cast<size_t>(settings.batch));
  for (int64_t& label : labels) label = static_cast<int64_t>(generator() % 10);
  const int64_t image_dims[] = {settings.batch, 3, 32, 32};
  const int64_t label_dims[] = {settings.batch};
  const esper_host_tensor inputs[] = {
      {sizeof(esper_host_tensor), ESPER_HOST_FLOAT32, 4, 0, image_dims, images.data()},
      {sizeof(esper_host_tensor), ESPER_HOST_INT64, 1, 0, label_dims, labels.data()}};
  const esper_host_step_options step{sizeof(step), 0.01F, 0.0F, 0};
  esper_host_step_result result{};
  result.struct_size = sizeof(result);
  std::vector<double> total, forward, backward, optimizer;
  for (int i = -5; i < settings.steps; ++i) {
    const auto start = std::chrono::steady_clock::now();
    check(esper_host_train_step(session, inputs, 2, &step, &result));
    const std::chrono::duration<double, std::milli> elapsed = std::chrono::steady_clock::now() - start;
    if (i < 0) continue;
    total.push_back(elapsed.count());
    forward.push_back(static_cast<double>(result.forward_ns) * 1e-6);
    backward.push_back(static_cast<double>(result.backward_ns) * 1e-6);
    optimizer.push_back(static_cast<double>(result.optimizer_ns) * 1e-6);
  }
  const auto median = [](std::vector<double>& values) {
    std::sort(values.begin(), values.end());
    return values[values.size() / 2];
  };
  std::printf("{\"host\":\"%s\",\"batch\":%d,\"threads\":%d,\"lattice\":%s,\"step_ms\":%.3f,\"forward_ms\":%.3f,"
              "\"backward_ms\":%.3f,\"optimizer_ms\":%.3f,\"loss\":%.6f}\n",
              name, settings.batch, settings.threads, settings.lattice ? "true" : "false", median(total),
              median(forward), median(backward), median(optimizer), result.loss);
  std::fflush(stdout);
  esper_host_session_destroy(session);
}

}  // namespace

int main(int argc, char** argv) {
  Settings settings;
  for (int i = 1; i < argc; ++i) {
    const bool has_value = i + 1 < argc;
    if (std::strcmp(argv[i], "--lattice") == 0) {
      settings.lattice = true;
    } else if (has_value && std::strcmp(argv[i], "--steps") == 0) {
      settings.steps = std::max(1, std::atoi(argv[++i]));
    } else if (has_value && std::strcmp(argv[i], "--batch") == 0) {
      settings.batch = std::max(1, std::atoi(argv[++i]));
    } else if (has_value && std::strcmp(argv[i], "--threads") == 0) {
      settings.threads = std::max(1, std::atoi(argv[++i]));
    } else {
      std::fprintf(stderr, "usage: host_step_bench [--steps N] [--batch N] [--threads N] [--lattice]\n");
      return 2;
    }
  }
  run({32, 64, 128}, "cnn3", settings);
  run({16, 32, 64}, "cnn3:16-32-64", settings);
  return 0;
}
