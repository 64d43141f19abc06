#include "cnn3_case.h"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <random>

#include "graph_builder.h"

namespace esper::host::bench {
namespace {

using esper::host::test::attr;
using esper::host::test::GraphBuilder;

constexpr int kClasses = 10;

std::vector<float> normal(size_t count, double deviation, std::mt19937& generator) {
  std::normal_distribution<float> distribution(0.0F, static_cast<float>(deviation));
  std::vector<float> values(count);
  for (float& value : values) value = distribution(generator);
  return values;
}

// One block: convolution, normalisation, ReLU, pooling; returns the pooled value.
int32_t block(GraphBuilder& g, int32_t x, int64_t in, int width, bool lattice, std::mt19937& generator) {
  const std::string n = std::to_string(width);
  const auto count = static_cast<size_t>(width);
  const double deviation = std::sqrt(2.0 / (9.0 * static_cast<double>(in)));
  const int32_t weight =
      g.parameter("conv" + n, {width, in, 3, 3}, normal(count * static_cast<size_t>(in) * 9, deviation, generator));
  const int32_t gamma = g.parameter("gamma" + n, {width}, std::vector<float>(count, 1.0F));
  const int32_t beta = g.parameter("beta" + n, {width}, std::vector<float>(count, 0.0F));
  const int32_t mean = g.buffer("mean" + n, {width}, std::vector<float>(count, 0.0F));
  const int32_t variance = g.buffer("variance" + n, {width}, std::vector<float>(count, 1.0F));
  x = g.node("Conv", {x, weight}, {attr("pads", std::vector<int64_t>{1, 1, 1, 1})});
  x = g.node("BatchNormalization", {x, gamma, beta, mean, variance});
  x = g.node("Relu", {x});
  if (lattice) x = g.lattice(x, width, 4);
  return g.node("MaxPool", {x},
                {attr("kernel_shape", std::vector<int64_t>{2, 2}), attr("strides", std::vector<int64_t>{2, 2})});
}

void build(GraphBuilder& g, const Cnn3Settings& settings) {
  std::mt19937 generator(1);
  int32_t x = g.input("x", {-1, 3, 32, 32});
  const int32_t labels = g.input("labels", {-1}, ESPER_HOST_INT64);
  int64_t in = 3;
  for (int width : settings.widths) {
    x = block(g, x, in, width, settings.lattice, generator);
    in = width;
  }
  x = g.node("Flatten", {g.node("GlobalAveragePool", {x})});
  const int32_t weight =
      g.parameter("fc.weight", {kClasses, in}, normal(static_cast<size_t>(kClasses * in), 0.05, generator));
  const int32_t bias = g.parameter("fc.bias", {kClasses}, std::vector<float>(kClasses, 0.0F));
  const int32_t logits = g.node("Gemm", {x, weight, bias}, {attr("transB", 1)});
  g.loss(g.node("SoftmaxCrossEntropyLoss", {logits, labels}), logits, labels);
}

}  // namespace

void require(esper_status status) {
  if (status == ESPER_OK) return;
  std::fprintf(stderr, "%s\n", esper_host_last_error());
  std::exit(1);
}

Arguments::Arguments(int argc, char** argv, const char* usage) : words_(argv + 1, argv + argc), usage_(usage) {}

size_t Arguments::find(const char* name) const {
  return static_cast<size_t>(std::find(words_.begin(), words_.end(), name) - words_.begin());
}

std::string Arguments::text(const char* name) {
  const size_t at = find(name);
  if (at + 1 >= words_.size()) return {};
  std::string value = words_[at + 1];
  words_.erase(words_.begin() + static_cast<std::ptrdiff_t>(at), words_.begin() + static_cast<std::ptrdiff_t>(at) + 2);
  return value;
}

int Arguments::number(const char* name, int fallback) {
  const std::string value = text(name);
  return value.empty() ? fallback : std::max(1, std::atoi(value.c_str()));
}

bool Arguments::flag(const char* name) {
  const size_t at = find(name);
  if (at == words_.size()) return false;
  words_.erase(words_.begin() + static_cast<std::ptrdiff_t>(at));
  return true;
}

void Arguments::finish() const {
  if (words_.empty()) return;
  std::fprintf(stderr, "unknown argument '%s'\nusage: %s\n", words_[0].c_str(), usage_);
  std::exit(2);
}

Cnn3Case::Cnn3Case(const Cnn3Settings& settings) {
  GraphBuilder builder;
  build(builder, settings);
  const esper_host_graph graph = builder.graph();
  esper_host_options options{};
  options.struct_size = sizeof(options);
  options.threads = settings.threads;
  options.isa = ESPER_ISA_AUTO;
  require(esper_host_session_create(&graph, &options, &session_));
  const esper_host_group group{sizeof(group), 1.0F, 5e-4F, 0.9F, 1, 0.9F, 0.999F, 1e-8F};
  const std::vector<int32_t> groups(static_cast<size_t>(builder.parameter_count()), 0);
  require(
      esper_host_optimizer_configure(session_, ESPER_HOST_SGD, &group, 1, groups.data(), builder.parameter_count(), 0));

  std::mt19937 generator(2);
  images_ = normal(static_cast<size_t>(settings.batch) * 3 * 32 * 32, 1.0, generator);
  labels_.resize(static_cast<size_t>(settings.batch));
  for (int64_t& label : labels_) label = static_cast<int64_t>(generator() % kClasses);
  const int64_t image_dims[] = {settings.batch, 3, 32, 32};
  std::copy(std::begin(image_dims), std::end(image_dims), image_dims_);
  label_dims_[0] = settings.batch;
  result_.struct_size = sizeof(result_);
}

Cnn3Case::~Cnn3Case() {
  esper_host_session_destroy(session_);
}

double Cnn3Case::step() {
  const esper_host_tensor inputs[] = {
      {sizeof(esper_host_tensor), ESPER_HOST_FLOAT32, 4, 0, image_dims_, images_.data()},
      {sizeof(esper_host_tensor), ESPER_HOST_INT64, 1, 0, label_dims_, labels_.data()}};
  const esper_host_step_options options{sizeof(options), 0.01F, 0.0F, 0};
  const auto start = std::chrono::steady_clock::now();
  require(esper_host_train_step(session_, inputs, 2, &options, &result_));
  const std::chrono::duration<double, std::milli> elapsed = std::chrono::steady_clock::now() - start;
  return elapsed.count();
}

double median(std::vector<double>& samples) {
  std::sort(samples.begin(), samples.end());
  const size_t middle = samples.size() / 2;
  return samples.size() % 2 == 1 ? samples[middle] : (samples[middle - 1] + samples[middle]) / 2;
}

}  // namespace esper::host::bench
