// The optimizer step over an arena of segments against eager libtorch: torch::optim with one tensor a segment, which is
// what a framework without arenas steps, and with one flat tensor. Everything is taken in turn in one process, on the
// same threads. The copy that the roofline is measured by moves as many bytes through as much memory.
#include <ATen/Parallel.h>
#include <torch/optim.h>
#include <torch/types.h>
#include <torch/version.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <functional>
#include <memory>

#include "cnn3_case.h"

using esper::host::bench::Arguments;
using esper::host::bench::median;

namespace {

constexpr double kRate = 1e-4;
constexpr double kDecay = 1e-2;

struct Rule {
  const char* name;
  int32_t optimizer;
  double momentum;
  bool nesterov;
  int arrays;                                              // That a step reads; it writes all but the gradient.
  double bytes() const { return 4.0 * (2 * arrays - 1); }  // Moved an element.
};
constexpr Rule kRules[] = {
    {"sgd", ESPER_OPTIMIZER_SGD, 0.0, false, 2},
    {"sgd_nesterov", ESPER_OPTIMIZER_SGD, 0.9, true, 3},
    {"adamw", ESPER_OPTIMIZER_ADAMW, 0.0, false, 4},
};

struct Size {
  int64_t elements;
  int32_t segments;
};
constexpr Size kSizes[] = {{4096, 1},      {1 << 20, 1},  {1 << 24, 1},    {8192, 8},
                           {100000, 1000}, {1 << 20, 64}, {4096000, 1000}, {1 << 24, 64}};

void require(esper_status status) {
  if (status == ESPER_OK) return;
  std::fprintf(stderr, "optimizer_bench: %s: %s\n", esper_status_name(status), esper_last_error());
  std::exit(1);
}

void run_on_torch_threads(void*, int32_t count, esper_task_fn task, void* state) {
  at::parallel_for(0, count, 1, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) task(state, static_cast<int32_t>(i));
  });
}

std::unique_ptr<torch::optim::Optimizer> make_torch(const Rule& rule, const std::vector<at::Tensor>& leaves) {
  if (rule.optimizer == ESPER_OPTIMIZER_ADAMW) {
    return std::make_unique<torch::optim::AdamW>(leaves, torch::optim::AdamWOptions(kRate).weight_decay(kDecay));
  }
  const torch::optim::SGDOptions options =
      torch::optim::SGDOptions(kRate).momentum(rule.momentum).nesterov(rule.nesterov).weight_decay(kDecay);
  return std::make_unique<torch::optim::SGD>(leaves, options);
}

// torch::optim over `segments` tensors.
class Eager {
 public:
  Eager(const Rule& rule, const Size& size, int32_t segments) {
    for (int32_t i = 0; i < segments; ++i) {
      const at::Tensor leaf = torch::randn({size.elements / segments}).requires_grad_(true);
      leaf.mutable_grad() = torch::randn_like(leaf);
      leaves_.push_back(leaf);
    }
    optimizer_ = make_torch(rule, leaves_);
  }
  void step() { optimizer_->step(); }

 private:
  std::vector<at::Tensor> leaves_;
  std::unique_ptr<torch::optim::Optimizer> optimizer_;
};

// esper_optimizer_step over one arena.
class Arena {
 public:
  Arena(const Rule& rule, const Size& size, esper_context* context) : context_(context), size_(size) {
    options_.struct_size = sizeof(options_);
    options_.optimizer = rule.optimizer;
    options_.weight_decay = static_cast<float>(kDecay);
    options_.momentum = static_cast<float>(rule.momentum);
    options_.nesterov = rule.nesterov ? 1 : 0;
    options_.beta1 = 0.9F;
    options_.beta2 = 0.999F;
    options_.epsilon = 1e-8F;
    options_.gradient_scale = 1.0F;
    const int64_t count = size.elements / size.segments;
    for (int32_t i = 0; i < size.segments; ++i) {
      segments_.push_back({sizeof(esper_arena_segment), 0, i * count, count, kRate, 0});
    }
    for (int i = 0; i < rule.arrays; ++i) {
      arrays_[i] = i < 2 ? torch::randn({size.elements}) : torch::zeros({size.elements});
    }
  }

  void step() {
    for (esper_arena_segment& segment : segments_) ++segment.step;
    require(esper_optimizer_step(context_, &options_, segments_.data(), size_.segments, size_.elements, data(0),
                                 data(1), data(2), data(3)));
  }

 private:
  float* data(int i) const { return arrays_[i].defined() ? arrays_[i].data_ptr<float>() : nullptr; }

  esper_context* context_;
  Size size_;
  esper_optimizer_options options_{};
  std::vector<esper_arena_segment> segments_;
  at::Tensor arrays_[4];  // parameters, gradient, first, second
};

// An out-of-place pass of a lattice without seeds: a copy by the context's threads, through as many floats as the
// arrays of a step have.
class Copy {
 public:
  Copy(int64_t floats, esper_context* context) : context_(context), floats_(std::max<int64_t>(1, floats / 2)) {
    require(esper_lattice_create(1, nullptr, 0, &lattice_));
    source_ = torch::randn({floats_});
    target_ = torch::zeros({floats_});
  }
  Copy(const Copy&) = delete;
  Copy& operator=(const Copy&) = delete;
  ~Copy() { esper_lattice_destroy(lattice_); }

  void step() {
    const esper_shape shape{sizeof(shape), ESPER_LAYOUT_NCHW, 1, floats_, 0};
    require(esper_lattice_forward(lattice_, context_, &shape, nullptr, 0, source_.data_ptr<float>(),
                                  target_.data_ptr<float>()));
  }
  double bytes() const { return 8.0 * static_cast<double>(floats_); }

 private:
  esper_context* context_;
  int64_t floats_;
  esper_lattice* lattice_ = nullptr;
  at::Tensor source_, target_;
};

double seconds(int inner, const std::function<void()>& body) {
  const auto start = std::chrono::steady_clock::now();
  for (int i = 0; i < inner; ++i) body();
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count() / inner;
}

void run(const Rule& rule, const Size& size, esper_context* context, int repeats, std::FILE* file) {
  Arena arena(rule, size, context);
  Eager eager(rule, size, size.segments);
  Eager flat(rule, size, 1);
  Copy copy(size.elements * rule.arrays, context);
  // A sample lasts long enough for the clock, whatever the size.
  const int inner = static_cast<int>(std::max<int64_t>(1, 400000 / (size.elements + 100 * size.segments)));
  std::vector<double> own_s, eager_s, flat_s, copy_s, ratio, flat_ratio;
  for (int i = -3; i < repeats; ++i) {
    const double own = seconds(inner, [&] { arena.step(); });
    const double one = seconds(inner, [&] { eager.step(); });
    const double whole = seconds(inner, [&] { flat.step(); });
    const double moved = seconds(inner, [&] { copy.step(); });
    if (i < 0) continue;
    own_s.push_back(own);
    eager_s.push_back(one);
    flat_s.push_back(whole);
    copy_s.push_back(moved);
    ratio.push_back(one / own);
    flat_ratio.push_back(whole / own);
  }
  const double rate = copy.bytes() / median(copy_s);
  const double time = median(own_s);
  const double fraction = rule.bytes() * static_cast<double>(size.elements) / rate / time;
  std::printf("%-13s %9lld %9d %11.2f %11.2f %7.2f %11.2f %7.2f %9.2f %8.1f\n", rule.name,
              static_cast<long long>(size.elements), size.segments, time * 1e6, median(eager_s) * 1e6, median(ratio),
              median(flat_s) * 1e6, median(flat_ratio), fraction, rate * 1e-9);
  std::fflush(stdout);
  if (file == nullptr) return;
  std::fprintf(file,
               "{\"optimizer\":\"%s\",\"elements\":%lld,\"segments\":%d,\"median_s\":%.4e,\"eager_s\":%.4e,"
               "\"ratio\":%.3f,\"eager_flat_s\":%.4e,\"ratio_flat\":%.3f,\"roofline_fraction\":%.3f,"
               "\"copy_gbs\":%.2f}\n",
               rule.name, static_cast<long long>(size.elements), size.segments, time, median(eager_s), median(ratio),
               median(flat_s), median(flat_ratio), fraction, rate * 1e-9);
  std::fflush(file);
}

esper_context* make_context(int threads) {
  esper_context_options options{};
  options.struct_size = sizeof(options);
  options.threads = threads;
  options.isa = ESPER_ISA_AUTO;
  options.parallel = run_on_torch_threads;
  esper_context* context = nullptr;
  require(esper_context_create(&options, &context));
  return context;
}

}  // namespace

int main(int argc, char** argv) {
  Arguments arguments(argc, argv, "optimizer_bench [--repeats N] [--threads N] [--json FILE]");
  esper_cpu_info cpu{};
  cpu.struct_size = sizeof(cpu);
  require(esper_cpu_query(&cpu));
  const int repeats = arguments.number("--repeats", 25);
  const int threads = arguments.number("--threads", std::max(1, cpu.logical_cores));
  const std::string path = arguments.text("--json");
  arguments.finish();
  std::FILE* file = path.empty() ? nullptr : std::fopen(path.c_str(), "w");
  if (!path.empty() && file == nullptr) {
    std::fprintf(stderr, "%s cannot be written\n", path.c_str());
    return 1;
  }
  at::set_num_threads(threads);
  esper_context* context = make_context(threads);
  int32_t isa = 0;
  require(esper_context_query(context, &isa, nullptr));
  std::printf("%s, %d threads, %s, libtorch %s\n\n", cpu.model, threads, esper_isa_name(isa), TORCH_VERSION);
  std::printf("%-13s %9s %9s %11s %11s %7s %11s %7s %9s %8s\n", "optimizer", "elements", "segments", "step us",
              "eager us", "ratio", "flat us", "ratio", "roofline", "copy GB/s");
  if (file != nullptr) {
    std::fprintf(file,
                 "{\"benchmark\":\"optimizer\",\"cpu\":\"%s\",\"cores\":%d,\"threads\":%d,\"isa\":\"%s\",\"build\":%s,"
                 "\"libtorch\":\"%s\",\"repeats\":%d}\n",
                 cpu.model, cpu.logical_cores, threads, esper_isa_name(isa), esper_build_info(), TORCH_VERSION,
                 repeats);
  }
  for (const Rule& rule : kRules) {
    for (const Size& size : kSizes) run(rule, size, context, repeats, file);
  }
  if (file != nullptr) std::fclose(file);
  esper_context_destroy(context);
  return 0;
}
