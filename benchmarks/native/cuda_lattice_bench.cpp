// Lattice passes on a GPU, as a share of the device's own copy rate measured in the same rounds.
//
// Every round times one device copy and then each pass, so that a change of clocks hits all of them. Prints one JSON
// line a pass: median and minimum of the seconds, the bytes that the pass must move (host values in and out; weights
// are small), the rate, and its
// percentage of the copy rate.
//
// Run: cuda_lattice_bench [--json FILE] [--repeats N] [--scale N] [--source any|nvrtc|ptx]
// --scale divides the number of rows, to try the program where memory is small.
#include <algorithm>
#include <cinttypes>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <exception>
#include <functional>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

#include "esper/esper.h"
#include "gpu.hpp"

namespace {

using esper_gpu::Gpu;
using esper_gpu::Memory;

struct Options {
  std::string json;
  int repeats = 30;
  int64_t scale = 1;
  int32_t source = 0;
};

struct Case {
  const char* name;
  int32_t layout;
  int64_t batch;
  int64_t positions;
  int32_t channels;
  int32_t seeds;
  int32_t rank;
};
constexpr Case kCases[] = {
    {"tok_65536x4096_s64", ESPER_LAYOUT_TOKENS, 1, 65536, 4096, 64, 16},
    {"tok_65536x1024_s16", ESPER_LAYOUT_TOKENS, 1, 65536, 1024, 16, 16},
    {"conv_256x256x32_s16", ESPER_LAYOUT_NCHW, 256, 1024, 256, 16, 8},
};
constexpr double kActive[] = {0.125, 0.5, 1.0};
constexpr const char* kDtypes[] = {"float32", "float16", "bfloat16"};

void require(esper_status status) {
  if (status != ESPER_OK) {
    throw std::runtime_error(esper_last_error());
  }
}

// Seconds that the device spends on what work queues.
class Timer {
 public:
  explicit Timer(const Gpu& gpu) : gpu_(gpu) {
    Gpu::check(gpu_.event_create(&start_, 0), "cuEventCreate");
    Gpu::check(gpu_.event_create(&end_, 0), "cuEventCreate");
  }
  ~Timer() {
    static_cast<void>(gpu_.event_destroy(start_));
    static_cast<void>(gpu_.event_destroy(end_));
  }
  Timer(const Timer&) = delete;
  Timer& operator=(const Timer&) = delete;

  double seconds(const std::function<void()>& work, void* stream) const {
    float milliseconds = 0.0F;
    Gpu::check(gpu_.event_record(start_, stream), "cuEventRecord");
    work();
    Gpu::check(gpu_.event_record(end_, stream), "cuEventRecord");
    Gpu::check(gpu_.event_synchronize(end_), "cuEventSynchronize");
    Gpu::check(gpu_.event_elapsed(&milliseconds, start_, end_), "cuEventElapsedTime");
    // Below the timer's resolution of half a microsecond there is nothing to divide by.
    return std::max(static_cast<double>(milliseconds) * 1e-3, 5e-7);
  }

 private:
  const Gpu& gpu_;
  void* start_ = nullptr;
  void* end_ = nullptr;
};

double median(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  return values[values.size() / 2];
}

struct LatticeDeleter {
  void operator()(esper_lattice* lattice) const { esper_lattice_destroy(lattice); }
  void operator()(esper_cuda_lattice* lattice) const { esper_cuda_lattice_destroy(lattice); }
  void operator()(esper_cuda* cuda) const { esper_cuda_destroy(cuda); }
};
template <typename T>
using Handle = std::unique_ptr<T, LatticeDeleter>;

// Seeds of a case, the first of them blending; theta receives their parameters.
Handle<esper_lattice> make_lattice(const Case& c, int active, std::vector<float>* theta) {
  std::vector<esper_lattice_seed> seeds;
  theta->clear();
  for (int32_t i = 0; i < c.seeds; ++i) {
    esper_lattice_seed seed{};
    seed.struct_size = sizeof seed;
    seed.stage = i < active ? ESPER_STAGE_BLENDING : ESPER_STAGE_DORMANT;
    seed.family = ESPER_FAMILY_BOTTLENECK;
    seed.activation = ESPER_ACTIVATION_GELU;
    seed.rank = c.rank;
    seed.alpha = 0.3F;
    seed.learning_rate_scale = 1.0F;
    require(esper_chunk(c.channels, c.seeds, i, &seed.channel_begin, &seed.channel_count));
    seed.parameter_offset = static_cast<int64_t>(theta->size());
    int64_t count = 0;
    require(esper_parameter_count(&seed, &count));
    theta->resize(theta->size() + static_cast<std::size_t>(count));
    require(esper_parameter_init(&seed, static_cast<uint64_t>(i) + 1, theta->data() + seed.parameter_offset));
    seeds.push_back(seed);
  }
  esper_lattice* lattice = nullptr;
  require(esper_lattice_create(c.channels, seeds.data(), c.seeds, &lattice));
  return Handle<esper_lattice>(lattice);
}

struct Pass {
  const char* name;
  double bytes;  // That must cross the memory's pins.
  std::function<void()> run;
  std::vector<double> seconds;
};

class Bench {
 public:
  Bench(const Gpu& gpu, const Options& options) : gpu_(gpu), options_(options), stream_(gpu), timer_(gpu) {
    esper_cuda_options cuda_options{};
    cuda_options.struct_size = sizeof cuda_options;
    cuda_options.source = options.source;
    esper_cuda* cuda = nullptr;
    require(esper_cuda_create(&cuda_options, &cuda));
    cuda_.reset(cuda);
    info_.struct_size = sizeof info_;
    require(esper_cuda_query(&info_));
    if (!options.json.empty()) {
      file_ = std::fopen(options.json.c_str(), "w");
      if (file_ == nullptr) {
        throw std::runtime_error("cannot write " + options.json);
      }
    }
  }
  ~Bench() {
    if (file_ != nullptr) {
      std::fclose(file_);
    }
  }
  Bench(const Bench&) = delete;
  Bench& operator=(const Bench&) = delete;

  void run(const Case& c, int32_t dtype, double active);

 private:
  void fill(const Memory& memory, int32_t dtype) const;
  void report(const Case& c, int32_t dtype, int active, double flops, double copy_rate, const Pass& pass) const;

  const Gpu& gpu_;
  Options options_;
  esper_gpu::Stream stream_;
  Timer timer_;
  Handle<esper_cuda> cuda_;
  esper_cuda_info info_{};
  std::FILE* file_ = nullptr;
};

void Bench::fill(const Memory& memory, int32_t dtype) const {
  std::vector<float> values(std::size_t{1} << 20);
  uint32_t state = 12345;
  for (float& value : values) {
    state = state * 1664525U + 1013904223U;
    value = static_cast<float>(state >> 8) * 0x1p-23F - 1.0F;
  }
  const std::vector<unsigned char> block = esper_gpu::to_storage(values, dtype);
  for (std::size_t at = 0; at < memory.bytes(); at += block.size()) {
    const std::size_t part = std::min(block.size(), memory.bytes() - at);
    Gpu::check(gpu_.copy_in(memory.address() + at, block.data(), part), "cuMemcpyHtoD");
  }
}

void Bench::run(const Case& base, int32_t dtype, double active_share) {
  Case c = base;
  int64_t& rows = c.layout == ESPER_LAYOUT_TOKENS ? c.positions : c.batch;
  rows = std::max<int64_t>(1, rows / options_.scale);
  const int active = std::max(1, static_cast<int>(c.seeds * active_share + 0.5));
  std::vector<float> theta;
  const Handle<esper_lattice> lattice = make_lattice(c, active, &theta);
  const esper_shape shape = {sizeof shape, c.layout, c.batch, c.positions, 0};
  esper_cuda_lattice* made = nullptr;
  require(esper_cuda_lattice_create(cuda_.get(), lattice.get(), &shape, dtype, &made));
  const Handle<esper_cuda_lattice> device(made);

  const auto elements = static_cast<double>(c.batch * c.positions * c.channels);
  const auto size = static_cast<double>(esper_gpu::element_bytes(dtype));
  const auto bytes = static_cast<std::size_t>(elements * size);
  const Memory x(gpu_, bytes);
  const Memory dy(gpu_, bytes);
  const Memory out(gpu_, bytes);
  const Memory weights(gpu_, theta.size() * sizeof(float));
  const Memory gradients(gpu_, theta.size() * sizeof(float));
  const auto count = static_cast<int64_t>(theta.size());
  // Random host values, since a device that moves zeros draws less power and clocks higher. Output projections are
  // zero, so passes in place leave them as they are.
  fill(x, dtype);
  fill(dy, dtype);
  Gpu::check(gpu_.memory_set(gradients.address(), 0, gradients.bytes(), stream_.get()), "cuMemsetD8Async");
  stream_.wait();
  Gpu::check(gpu_.copy_in(weights.address(), theta.data(), weights.bytes()), "cuMemcpyHtoD");
  Gpu::check(gpu_.context_synchronize(), "cuCtxSynchronize");

  const double share = static_cast<double>(active) / c.seeds;
  const auto forward = [&](void* to) {
    require(esper_cuda_lattice_forward(device.get(), stream_.get(), weights.as<float>(), count, x.as<void>(), to));
  };
  const auto backward = [&](void* to) {
    require(esper_cuda_lattice_backward(device.get(), stream_.get(), weights.as<float>(), count, x.as<void>(),
                                        dy.as<void>(), to, gradients.as<float>(), nullptr, nullptr));
  };
  Pass copy = {"copy",
               2.0 * elements * size,
               [&] { Gpu::check(gpu_.copy(out.address(), x.address(), bytes, stream_.get()), "cuMemcpyDtoDAsync"); },
               {}};
  std::vector<Pass> passes = {
      {"forward", 2.0 * elements * size, [&] { forward(out.as<void>()); }, {}},
      {"forward_in_place", 2.0 * share * elements * size, [&] { forward(x.as<void>()); }, {}},
      {"backward", (2.0 + share) * elements * size, [&] { backward(out.as<void>()); }, {}},
      {"backward_in_place", 3.0 * share * elements * size, [&] { backward(dy.as<void>()); }, {}},
  };
  for (int round = -3; round < options_.repeats; ++round) {
    const double copied = timer_.seconds(copy.run, stream_.get());
    if (round >= 0) {
      copy.seconds.push_back(copied);
    }
    for (Pass& pass : passes) {
      const double seconds = timer_.seconds(pass.run, stream_.get());
      if (round >= 0) {
        pass.seconds.push_back(seconds);
      }
    }
  }
  const double copy_rate = copy.bytes / median(copy.seconds);
  for (const Pass& pass : passes) {
    const bool is_backward = std::strncmp(pass.name, "backward", 8) == 0;
    report(c, dtype, active, (is_backward ? 10.0 : 4.0) * share * elements * c.rank, copy_rate, pass);
  }
}

void Bench::report(const Case& c, int32_t dtype, int active, double flops, double copy_rate, const Pass& pass) const {
  const double seconds = median(pass.seconds);
  const double rate = pass.bytes / seconds;
  char line[1024];
  std::snprintf(line, sizeof line,
                "{\"bench\":\"cuda_lattice\",\"case\":\"%s\",\"pass\":\"%s\",\"dtype\":\"%s\",\"batch\":%" PRId64
                ",\"positions\":%" PRId64
                ",\"channels\":%d,\"seeds\":%d,\"rank\":%d,\"active\":%d,\"seconds\":%.9g,\"seconds_min\":%.9g,"
                "\"bytes\":%.0f,\"gbs\":%.4g,\"copy_gbs\":%.4g,\"percent_of_copy\":%.4g,\"tflops\":%.4g,"
                "\"device\":\"%s\",\"driver\":%d,\"nvrtc\":%d,\"source\":%d,\"repeats\":%d}",
                c.name, pass.name, kDtypes[dtype], c.batch, c.positions, c.channels, c.seeds, c.rank, active, seconds,
                *std::min_element(pass.seconds.begin(), pass.seconds.end()), pass.bytes, rate / 1e9, copy_rate / 1e9,
                100.0 * rate / copy_rate, flops / seconds / 1e12, info_.name, info_.driver, info_.nvrtc,
                options_.source, options_.repeats);
  std::puts(line);
  std::fflush(stdout);
  if (file_ != nullptr) {
    std::fprintf(file_, "%s\n", line);
  }
}

Options parse(int argc, char** argv) {
  Options options;
  for (int i = 1; i < argc; i += 2) {
    const std::string name = argv[i];
    if (i + 1 == argc) {
      throw std::runtime_error(name + " needs a value");
    }
    const std::string value = argv[i + 1];
    if (name == "--json") {
      options.json = value;
    } else if (name == "--repeats") {
      options.repeats = std::max(1, std::atoi(value.c_str()));
    } else if (name == "--scale") {
      options.scale = std::max(1, std::atoi(value.c_str()));
    } else if (name == "--source" && (value == "any" || value == "nvrtc" || value == "ptx")) {
      options.source = value == "any" ? 0 : value == "nvrtc" ? 1 : 2;
    } else {
      throw std::runtime_error("unknown option " + name + " " + value +
                               "; there are --json FILE, --repeats N, --scale N, --source any|nvrtc|ptx");
    }
  }
  return options;
}

}  // namespace

int main(int argc, char** argv) {
  try {
    const Options options = parse(argc, argv);
    const Gpu gpu;
    Bench bench(gpu, options);
    for (const Case& c : kCases) {
      for (const int32_t dtype : {ESPER_DTYPE_FLOAT32, ESPER_DTYPE_FLOAT16, ESPER_DTYPE_BFLOAT16}) {
        for (const double active : kActive) {
          bench.run(c, dtype, active);
        }
      }
    }
    return 0;
  } catch (const std::exception& error) {
    std::fprintf(stderr, "cuda_lattice_bench: %s\n", error.what());
    return 1;
  }
}
