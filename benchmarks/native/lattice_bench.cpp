// Seed lattice passes on the cases of the eager peer: forward out of place and in place, forward + backward.
// Prints one JSON line a case with medians in seconds, ratios to the copy bandwidth measured in the same run, and the
// bytes that each pass must move at least.
//
// Run: lattice_bench [--threads N] [--isa auto|scalar|avx2|avx512] [--repeats N]
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <new>
#include <random>
#include <string>
#include <vector>

#include "esper/esper.h"

namespace {

struct Case {
  const char* name;
  int32_t layout;
  int64_t batch, positions;
  int32_t channels, seeds, rank;
};

constexpr Case kCases[] = {
    {"conv_64x32x32_s8", ESPER_LAYOUT_NCHW, 64, 1024, 64, 8, 4},
    {"conv_128x16x16_s16", ESPER_LAYOUT_NCHW, 64, 256, 128, 16, 4},
    {"conv_256x8x8_s16", ESPER_LAYOUT_NCHW, 64, 64, 256, 16, 8},
    {"tok_4096x384_s6", ESPER_LAYOUT_TOKENS, 1, 4096, 384, 6, 16},
    {"tok_4096x1024_s16", ESPER_LAYOUT_TOKENS, 1, 4096, 1024, 16, 16},
    {"tok_4096x1024_s64", ESPER_LAYOUT_TOKENS, 1, 4096, 1024, 64, 4},
};
constexpr double kActive[] = {0.125, 0.5, 1.0};

// Tensors start at cache lines, as those of every deep learning framework do.
template <typename T>
struct LineAllocator {
  using value_type = T;
  LineAllocator() = default;
  template <typename U>
  explicit LineAllocator(const LineAllocator<U>&) {}
  T* allocate(std::size_t count) { return static_cast<T*>(::operator new (count * sizeof(T), std::align_val_t{64})); }
  void deallocate(T* memory, std::size_t) { ::operator delete (memory, std::align_val_t{64}); }
  bool operator==(const LineAllocator&) const { return true; }
  bool operator!=(const LineAllocator&) const { return false; }
};
using Tensor = std::vector<float, LineAllocator<float>>;

struct Options {
  int32_t threads = 0;
  int32_t isa = ESPER_ISA_AUTO;
  int repeats = 15;
};

void require(esper_status status) {
  if (status != ESPER_OK) {
    std::fprintf(stderr, "lattice_bench: %s: %s\n", esper_status_name(status), esper_last_error());
    std::exit(1);
  }
}

template <typename Body>
double median_seconds(int repeats, Body body) {
  for (int i = 0; i < 3; ++i) {
    body();
  }
  std::vector<double> times;
  for (int i = 0; i < repeats; ++i) {
    const auto start = std::chrono::steady_clock::now();
    body();
    times.push_back(std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count());
  }
  std::sort(times.begin(), times.end());
  return times[times.size() / 2];
}

Tensor random_values(std::size_t count, uint32_t seed) {
  std::mt19937 generator(seed);
  std::uniform_real_distribution<float> uniform(-1.5F, 1.5F);
  Tensor values(count);
  for (float& value : values) {
    value = uniform(generator);
  }
  return values;
}

esper_lattice* make_lattice(int32_t channels, int32_t seed_count, int32_t rank, int32_t active, int64_t* theta_count) {
  std::vector<esper_lattice_seed> seeds;
  *theta_count = 0;
  for (int32_t i = 0; i < active; ++i) {
    esper_lattice_seed seed{};
    seed.struct_size = sizeof seed;
    seed.stage = ESPER_STAGE_BLENDING;
    require(esper_chunk(channels, seed_count, i, &seed.channel_begin, &seed.channel_count));
    seed.family = ESPER_FAMILY_BOTTLENECK;
    seed.activation = ESPER_ACTIVATION_GELU;
    seed.rank = rank;
    seed.blend = ESPER_BLEND_CONVEX;
    seed.alpha = 0.3F;
    seed.parameter_offset = *theta_count;
    int64_t count = 0;
    require(esper_parameter_count(&seed, &count));
    *theta_count += count;
    seeds.push_back(seed);
  }
  esper_lattice* lattice = nullptr;
  require(esper_lattice_create(channels, seeds.data(), active, &lattice));
  return lattice;
}

// Bytes a second, read plus written, of an out-of-place pass of a lattice without seeds: a copy by the same threads.
double copy_bandwidth(esper_context* context, int repeats) {
  const int64_t count = int64_t{1} << 25;
  const Tensor source(static_cast<std::size_t>(count), 1.0F);
  Tensor target(source.size());
  esper_lattice* lattice = nullptr;
  require(esper_lattice_create(1, nullptr, 0, &lattice));
  esper_shape shape{sizeof(esper_shape), ESPER_LAYOUT_NCHW, 1, count, 0};
  const double seconds = median_seconds(repeats, [&] {
    require(esper_lattice_forward(lattice, context, &shape, nullptr, 0, source.data(), target.data()));
  });
  esper_lattice_destroy(lattice);
  return 8.0 * static_cast<double>(count) / seconds;
}

void run_case(const Case& c, double share, esper_context* context, const Options& options, double copy) {
  const auto active = static_cast<int32_t>(std::max(1.0, c.seeds * share + 0.5));
  int64_t theta_count = 0;
  esper_lattice* lattice = make_lattice(c.channels, c.seeds, c.rank, active, &theta_count);
  const esper_shape shape{sizeof(esper_shape), c.layout, c.batch, c.positions, 0};
  const auto elements = static_cast<std::size_t>(c.batch * c.channels * c.positions);
  const Tensor x = random_values(elements, 1);
  const Tensor dy = random_values(elements, 2);
  Tensor theta = random_values(static_cast<std::size_t>(theta_count), 3);
  for (float& value : theta) {
    value *= 0.1F;
  }
  Tensor y(elements);
  Tensor dx(elements);
  Tensor in_place = x;
  Tensor dtheta(theta.size());
  const auto forward = [&](const float* from, float* to) {
    require(esper_lattice_forward(lattice, context, &shape, theta.data(), theta_count, from, to));
  };
  const double forward_s = median_seconds(options.repeats, [&] { forward(x.data(), y.data()); });
  const double in_place_s = median_seconds(options.repeats, [&] { forward(in_place.data(), in_place.data()); });
  const double both_s = median_seconds(options.repeats, [&] {
    forward(x.data(), y.data());
    std::fill(dtheta.begin(), dtheta.end(), 0.0F);
    require(esper_lattice_backward(lattice, context, &shape, theta.data(), theta_count, x.data(), dy.data(), dx.data(),
                                   dtheta.data(), nullptr, nullptr));
  });
  esper_lattice_destroy(lattice);
  const double bytes = 4.0 * static_cast<double>(elements);
  const double active_bytes = bytes * active / c.seeds;
  // Forward reads x and writes y; backward reads x on active chunks and dy, and writes dx.
  const double copy_s = 2.0 * bytes / copy;
  const double both_floor_s = (4.0 * bytes + active_bytes) / copy;
  std::printf(
      "{\"case\":\"%s\",\"seeds\":%d,\"rank\":%d,\"active\":%.3f,\"forward_s\":%.3e,\"forward_in_place_s\":%.3e,"
      "\"forward_backward_s\":%.3e,\"copy_gbs\":%.2f,\"forward_vs_copy\":%.3f,\"in_place_vs_copy\":%.3f,"
      "\"forward_backward_vs_copy\":%.3f}\n",
      c.name, c.seeds, c.rank, static_cast<double>(active) / c.seeds, forward_s, in_place_s, both_s, copy / 1e9,
      copy_s / forward_s, 2.0 * active_bytes / copy / in_place_s, both_floor_s / both_s);
  std::fflush(stdout);
}

Options parse(int argc, char** argv) {
  Options options;
  for (int i = 1; i + 1 < argc; i += 2) {
    if (std::strcmp(argv[i], "--threads") == 0) {
      options.threads = std::atoi(argv[i + 1]);
    } else if (std::strcmp(argv[i], "--repeats") == 0) {
      options.repeats = std::max(1, std::atoi(argv[i + 1]));
    } else if (std::strcmp(argv[i], "--isa") == 0) {
      for (int32_t isa = ESPER_ISA_SCALAR; isa <= ESPER_ISA_AVX512; ++isa) {
        options.isa = std::strcmp(argv[i + 1], esper_isa_name(isa)) == 0 ? isa : options.isa;
      }
    } else {
      std::fprintf(stderr, "lattice_bench: unknown option %s; use --threads, --isa, --repeats\n", argv[i]);
      std::exit(2);
    }
  }
  return options;
}

}  // namespace

int main(int argc, char** argv) {
  const Options options = parse(argc, argv);
  esper_context_options context_options{};
  context_options.struct_size = sizeof context_options;
  context_options.threads = options.threads;
  context_options.isa = options.isa;
  esper_context* context = nullptr;
  require(esper_context_create(&context_options, &context));
  int32_t isa = 0;
  int32_t threads = 0;
  require(esper_context_query(context, &isa, &threads));
  std::printf("{\"build\":%s,\"isa\":\"%s\",\"threads\":%d}\n", esper_build_info(), esper_isa_name(isa), threads);
  const double copy = copy_bandwidth(context, options.repeats);
  for (const Case& c : kCases) {
    for (const double share : kActive) {
      run_case(c, share, context, options, copy);
    }
  }
  esper_context_destroy(context);
  return 0;
}
