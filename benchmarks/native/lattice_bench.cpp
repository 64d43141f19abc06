// The fused lattice kernels against eager libtorch and against the machine, in one process and in turn.
//
// A round measures, one after the other: copy bandwidth, multiply-add peak, Esper's passes, the eager passes. Every
// figure is a median over rounds; ratios and roofline fractions are taken within a round first. Before every sample
// the caches are swept (--cold, the default).
//   forward rows    the forward pass.
//   backward rows   median_s, eager_s and ratio time forward and backward together; backward_only_s is Esper's backward
//                   pass alone, and the roofline fraction is that pass's.
//   in place        y == x, dx == dy. Backward takes the x of before the forward pass, which the caller keeps; keeping
//                   it is not timed. Eager autograd has no such form: the same eager samples count.
// roofline_fraction = max(bytes / copy rate, operations / multiply-add rate) / time; lattice_cases.h counts both.
#include <unistd.h>

#include <cstdlib>
#include <cstring>
#include <memory>
#include <thread>

#include "check.h"
#include "lattice_cases.h"
#include "lattice_eager.h"
#include "lattice_options.h"
#include "lattice_report.h"
#include "probes.h"
#include "stopwatch.h"

namespace {

using namespace esper::bench;

// Threads of OpenBLAS look for work for some 2^26 cycles after a product before they sleep; what follows the eager side
// must not share its cores with them.
constexpr std::chrono::milliseconds kSettle{30};

// What is timed in a round.
enum Series {
  kForwardOut,
  kForwardIn,
  kBothOut,
  kBothIn,
  kBackwardOut,
  kBackwardIn,
  kEagerForward,
  kEagerBoth,
  kSeriesCount
};

struct ContextDeleter {
  void operator()(esper_context* context) const { esper_context_destroy(context); }
};
struct LatticeDeleter {
  void operator()(esper_lattice* lattice) const { esper_lattice_destroy(lattice); }
};

// Tensors of a case, shared by its workloads and by both sides.
struct Tensors {
  explicit Tensors(const Case& site)
      : x(random_values(static_cast<std::size_t>(site.elements()), 1, 1.5F)),
        dy(random_values(x.size(), 2, 1.5F)),
        y(x.size()),
        dx(x.size()),
        in_y(x),
        in_dx(dy) {}
  Buffer x, dy, y, dx, in_y, in_dx;
};

class Measurement {
 public:
  Measurement(const Workload& work, Tensors& tensors, esper_context* context, Probes& probes, bool eager)
      : work_(work), tensors_(tensors), context_(context), probes_(probes), shape_(work.site.shape()) {
    const std::vector<esper_lattice_seed> seeds = work.seeds();
    if (seeds.empty()) {
      problem_ = esper_last_error();
      return;
    }
    int64_t count = 0;
    require(esper_parameter_count(&seeds.back(), &count));
    theta_ = random_values(static_cast<std::size_t>(seeds.back().parameter_offset + count), 3, 0.15F);
    dtheta_ = Buffer(theta_.size());
    esper_lattice* lattice = nullptr;
    if (esper_lattice_create(work.site.channels, seeds.data(), work.active, &lattice) != ESPER_OK) {
      problem_ = esper_last_error();
      return;
    }
    lattice_.reset(lattice);
    if (eager) {
      eager_ = std::make_unique<EagerLattice>(work, tensors.x, tensors.dy, theta_);
    }
  }

  // Why the library does not run this workload, "" if it does.
  const std::string& problem() const { return problem_; }

  // "" or how the results of the two sides differ.
  std::string compare() {
    forward(tensors_.x, tensors_.y);
    backward(tensors_.dy, tensors_.dx);
    return eager_ ? eager_->compare(tensors_.y, tensors_.dx, dtheta_) : "";
  }

  void round(bool record) {
    double copies[kCopyCount];
    probes_.copy_rates(work_.site.elements(), copies);
    const double fma = probes_.fma_rate();
    double times[kSeriesCount] = {};
    times[kForwardOut] = time([&] { forward(tensors_.x, tensors_.y); });
    times[kBothOut] = time([&] {
      forward(tensors_.x, tensors_.y);
      backward(tensors_.dy, tensors_.dx);
    });
    times[kBackwardOut] = time([&] { backward(tensors_.dy, tensors_.dx); });
    restore();
    times[kForwardIn] = time([&] { forward(tensors_.in_y, tensors_.in_y); });
    restore();
    times[kBothIn] = time([&] {
      forward(tensors_.in_y, tensors_.in_y);
      backward(tensors_.in_dx, tensors_.in_dx);
    });
    restore();
    times[kBackwardIn] = time([&] { backward(tensors_.in_dx, tensors_.in_dx); });
    if (eager_) {
      times[kEagerForward] = time([&] { eager_->forward(); });
      times[kEagerBoth] = time([&] { eager_->forward_backward(); });
      std::this_thread::sleep_for(kSettle);
    }
    if (!record) {
      return;
    }
    for (int i = 0; i < kCopyCount; ++i) copies_[i].push_back(copies[i]);
    for (int i = 0; i < kSeriesCount; ++i) times_[i].push_back(times[i]);
    fma_.push_back(fma);
  }

  std::vector<Row> rows() const {
    return {row(Mode::kOut, Pass::kForward, kForwardOut, kForwardOut),
            row(Mode::kOut, Pass::kBackward, kBothOut, kBackwardOut),
            row(Mode::kInPlace, Pass::kForward, kForwardIn, kForwardIn),
            row(Mode::kInPlace, Pass::kBackward, kBothIn, kBackwardIn)};
  }

 private:
  void forward(const Buffer& from, Buffer& to) {
    require(esper_lattice_forward(lattice_.get(), context_, &shape_, theta_.data(), static_cast<int64_t>(theta_.size()),
                                  from.data(), to.data()));
  }

  void backward(const Buffer& dy, Buffer& dx) {
    std::fill(dtheta_.begin(), dtheta_.end(), 0.0F);
    require(esper_lattice_backward(lattice_.get(), context_, &shape_, theta_.data(),
                                   static_cast<int64_t>(theta_.size()), tensors_.x.data(), dy.data(), dx.data(),
                                   dtheta_.data(), nullptr, nullptr));
  }

  // Undoes what passes in place did.
  void restore() {
    std::memcpy(tensors_.in_y.data(), tensors_.x.data(), tensors_.x.size() * sizeof(float));
    std::memcpy(tensors_.in_dx.data(), tensors_.dy.data(), tensors_.dy.size() * sizeof(float));
  }

  template <typename Body>
  double time(const Body& body) {
    probes_.evict();
    const Stopwatch watch;
    body();
    return watch.seconds();
  }

  // Of the first count ways to copy the one with the highest median bandwidth.
  int best_copy(int count) const {
    int best = 0;
    for (int i = 1; i < count; ++i) {
      best = median(copies_[i]) > median(copies_[best]) ? i : best;
    }
    return best;
  }

  // timed: the series of the row's times; bounded: that of the pass which the roofline bounds.
  Row row(Mode mode, Pass pass, Series timed, Series bounded) const {
    const Work work = pass == Pass::kForward ? work_.forward_work(mode) : work_.backward_work(mode);
    const std::vector<double>& eager = times_[pass == Pass::kForward ? kEagerForward : kEagerBoth];
    const int way = best_copy(kLargeCopyCount);
    const int fastest = best_copy(kCopyCount);
    const std::vector<double>& copies = copies_[way];
    std::vector<double> ratios, fractions, strict;
    for (std::size_t i = 0; i < fma_.size(); ++i) {
      ratios.push_back(eager[i] / times_[timed][i]);
      fractions.push_back(std::max(work.bytes / copies[i], work.flops / fma_[i]) / times_[bounded][i]);
      strict.push_back(std::max(work.bytes / copies_[fastest][i], work.flops / fma_[i]) / times_[bounded][i]);
    }
    const Quartiles copy = quartiles(copies);
    const Quartiles fma = quartiles(fma_);
    const Quartiles alone = quartiles(times_[bounded]);
    Row row{};
    row.work = work_;
    row.mode = mode;
    row.pass = pass;
    row.time = quartiles(times_[timed]);
    row.compared = eager_ != nullptr;
    row.eager = quartiles(eager);
    row.ratio = quartiles(ratios);
    row.bounded_time = alone;
    row.fraction = quartiles(fractions);
    row.best_fraction = std::max(work.bytes / copy.most, work.flops / fma.most) / alone.least;
    row.copy_rate = copy.median;
    row.copy = copy_name(way);
    row.fastest_copy = copy_name(fastest);
    row.fastest_copy_rate = median(copies_[fastest]);
    row.strict_fraction = median(strict);
    row.fma_rate = fma.median;
    row.rounds = static_cast<int>(fma_.size());
    return row;
  }

  Workload work_;
  Tensors& tensors_;
  esper_context* context_;
  Probes& probes_;
  esper_shape shape_;
  Buffer theta_, dtheta_;
  std::unique_ptr<esper_lattice, LatticeDeleter> lattice_;
  std::unique_ptr<EagerLattice> eager_;
  std::string problem_;
  std::vector<double> copies_[kCopyCount];
  std::vector<double> fma_;
  std::vector<double> times_[kSeriesCount];
};

// Variables that libraries read when they are loaded: where one has to change, the program starts itself anew.
// OpenBLAS may be told of another machine; workers of libtorch that spin disturb a second pool of threads, of OpenBLAS
// too: without a bound the eager side is now and then several times slower.
void prepare_environment(const LatticeOptions& options, char** argv) {
  const bool unbounded = std::getenv("GOMP_SPINCOUNT") == nullptr && std::getenv("OMP_WAIT_POLICY") == nullptr;
  bool changed = *esper_environment_prepare() != '\0' && std::getenv("ESPER_KEEP_OPENBLAS") == nullptr;
  changed = changed || (unbounded && std::getenv("GOMP_SPINCOUNT") != nullptr);
  if (options.own_pool && std::getenv("OMP_WAIT_POLICY") == nullptr) {
    setenv("OMP_WAIT_POLICY", "PASSIVE", 1);
    changed = true;
  }
  if (changed) {
    execv("/proc/self/exe", argv);
    std::perror("Error: the program cannot start itself anew");
    std::exit(1);
  }
}

std::unique_ptr<esper_context, ContextDeleter> make_context(const LatticeOptions& options, int32_t threads) {
  esper_context_options context_options{};
  context_options.struct_size = sizeof context_options;
  context_options.threads = threads;
  context_options.isa = options.isa;
  context_options.parallel = options.own_pool ? nullptr : run_on_torch_threads;
  esper_context* context = nullptr;
  require(esper_context_create(&context_options, &context));
  return std::unique_ptr<esper_context, ContextDeleter>(context);
}

void print_machine(std::FILE* file, const LatticeOptions& options, const esper_cpu_info& cpu, int32_t isa,
                   int32_t threads, int64_t evicted) {
  const char* commit = std::getenv("ESPER_COMMIT");
  std::fprintf(file,
               "{\"build\":%s,\"cpu\":\"%s\",\"commit\":\"%s\",\"libtorch\":\"%s\",\"threads\":%d,\"isa\":\"%s\","
               "\"caches\":\"%s\",\"evicted_bytes\":%lld,\"pool\":\"%s\",\"rounds\":%d}\n",
               esper_build_info(), cpu.model, commit == nullptr ? "" : commit, torch_version(), threads,
               esper_isa_name(isa), options.cold ? "cold" : "warm", static_cast<long long>(evicted),
               options.own_pool ? "own" : "torch", options.repeats);
  std::fflush(file);
}

// Measures one workload; its rows join rows and go to the outputs.
void run(const Workload& work, Tensors& tensors, esper_context* context, Probes& probes, const LatticeOptions& options,
         std::FILE* json, std::vector<Row>& rows) {
  Measurement measurement(work, tensors, context, probes, options.eager);
  if (!measurement.problem().empty()) {
    std::printf("%-10s %-18s not measured: %s\n", family_name(work.family), work.site.name,
                measurement.problem().c_str());
    return;
  }
  const std::string difference = measurement.compare();
  if (!difference.empty()) {
    std::fprintf(stderr, "Error: %s, %s, %d active seeds: Esper and libtorch differ in %s\n", family_name(work.family),
                 work.site.name, work.active, difference.c_str());
    std::exit(1);
  }
  for (int round = -1; round < options.repeats; ++round) {
    measurement.round(round >= 0);
  }
  for (const Row& row : measurement.rows()) {
    print_row(row);
    if (json != nullptr) {
      print_json(json, row);
    }
    rows.push_back(row);
  }
}

}  // namespace

int main(int argc, char** argv) {
  const LatticeOptions options = parse_lattice_options(argc, argv);
  prepare_environment(options, argv);
  esper_cpu_info cpu{};
  cpu.struct_size = sizeof cpu;
  require(esper_cpu_query(&cpu));
  const int32_t wanted = options.threads == 0 ? cpu.logical_cores : options.threads;
  set_torch_threads(wanted);
  const auto context = make_context(options, wanted);
  int32_t isa = 0;
  int32_t threads = 0;
  require(esper_context_query(context.get(), &isa, &threads));
  Probes probes({run_on_torch_threads, threads}, isa, options.cold);

  std::FILE* json = nullptr;
  if (!options.json.empty()) {
    json = std::fopen(options.json.c_str(), "w");
    if (json == nullptr) {
      std::fprintf(stderr, "Error: %s cannot be written: %s\n", options.json.c_str(), std::strerror(errno));
      return 1;
    }
    print_machine(json, options, cpu, isa, threads, probes.evicted_bytes());
  }
  std::printf("%s, %d threads, %s, caches %s, libtorch %s, %d rounds\n\n", cpu.model, threads, esper_isa_name(isa),
              options.cold ? "cold" : "warm", torch_version(), options.repeats);
  print_heading(options.eager);
  std::vector<Row> rows;
  for (const Case& site : cases()) {
    if (std::strstr(site.name, options.filter.c_str()) == nullptr) {
      continue;
    }
    Tensors tensors(site);
    for (const int32_t family : options.families) {
      for (const double share : activities()) {
        run({site, family, active_seeds(site, share)}, tensors, context.get(), probes, options, json, rows);
      }
    }
  }
  print_summary(rows);
  if (json != nullptr) {
    std::fclose(json);
  }
  return 0;
}
