// The seed store beside a plain one (array of structs behind a mutex), both through calls that are not inlined, timed
// in turn. Times are nanoseconds an operation; end_epoch, verify, select and mirror are one operation over all seeds.
//
// Run: layout_bench [--json FILE] [--pairs N] [--seeds N[,N...]]
#include <atomic>
#include <cstring>
#include <memory>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include "plain_store.hpp"
#include "support.hpp"

namespace {

using esper_bench::Comparison;
using esper_bench::keep;
using esper_bench::PlainStore;
using esper_bench::Report;
using esper_bench::require;

struct Options {
  std::string json;
  int pairs = 31;
  std::vector<std::int32_t> seeds = {1000, 100000, 1000000};
};

struct Deleter {
  void operator()(esper_seed_store* store) const { esper_seed_store_destroy(store); }
};
using Store = std::unique_ptr<esper_seed_store, Deleter>;

// The life of a seed that is culled at the end.
constexpr std::int32_t kCycle[] = {ESPER_STAGE_GERMINATED, ESPER_STAGE_TRAINING, ESPER_STAGE_BLENDING,
                                   ESPER_STAGE_HOLDING,    ESPER_STAGE_CULLED,   ESPER_STAGE_EMBARGOED,
                                   ESPER_STAGE_RESETTING,  ESPER_STAGE_DORMANT};
constexpr int kCycleLength = 8;
constexpr std::uint32_t kActive = ESPER_STAGE_MASK_ACTIVE;
constexpr std::uint32_t kTraining = 1U << ESPER_STAGE_TRAINING;

// Both stores, in the same state.
struct Pair {
  std::int32_t count;
  Store store;
  PlainStore plain;
  std::vector<std::int32_t> order;  // All seeds, shuffled.
  std::vector<std::int32_t> found;

  explicit Pair(std::int32_t seeds) : count(seeds), plain(seeds), found(static_cast<std::size_t>(seeds)) {
    esper_seed_store* created = nullptr;
    require(esper_seed_store_create(seeds, &created));
    store.reset(created);
    for (std::int32_t i = 0; i < seeds; ++i) {
      order.push_back(i);
    }
    std::mt19937 generator(7);
    std::shuffle(order.begin(), order.end(), generator);
  }

  void step(std::int32_t seed, std::int32_t to) {
    require(esper_seed_store_transition(store.get(), seed, to));
    require(plain.transition(seed, to));
  }

  // A tenth of the seeds lives, evenly spread over the stages from Germinated to Fossilized.
  void populate() {
    for (std::size_t i = 0; i < order.size() / 10; ++i) {
      for (std::size_t k = 0; k <= i % 5; ++k) {
        step(order[i], k == 4 ? static_cast<std::int32_t>(ESPER_STAGE_FOSSILIZED) : kCycle[k]);
      }
    }
  }
};

void single_rows(Pair& pair, const Options& options, Report& report) {
  esper_seed_store* store = pair.store.get();
  const std::int32_t hot = pair.count / 2;
  const auto cycle = [](const auto& step) {
    for (const std::int32_t to : kCycle) {
      require(step(to));
    }
  };
  report.row("transition", pair.count,
             esper_bench::compare(
                 options.pairs, kCycleLength,
                 [&] { cycle([&](std::int32_t to) { return esper_seed_store_transition(store, hot, to); }); },
                 [&] { cycle([&](std::int32_t to) { return pair.plain.transition(hot, to); }); }));
  // Each call takes the next seed of the order through one whole cycle.
  const auto rotate = [&pair](std::size_t* next) {
    *next = *next + 1 < pair.order.size() ? *next + 1 : 0;
    return pair.order[*next];
  };
  std::size_t a = 0;
  std::size_t b = 0;
  report.row("transition cycle", pair.count,
             esper_bench::compare(
                 options.pairs, 1,
                 [&] {
                   const std::int32_t seed = rotate(&a);
                   cycle([&](std::int32_t to) { return esper_seed_store_transition(store, seed, to); });
                 },
                 [&] {
                   const std::int32_t seed = rotate(&b);
                   cycle([&](std::int32_t to) { return pair.plain.transition(seed, to); });
                 }));
  report.row("set_alpha", pair.count,
             esper_bench::compare(
                 options.pairs, 1, [&] { require(esper_seed_store_set_alpha(store, rotate(&a), 0.5F)); },
                 [&] { require(pair.plain.set_alpha(rotate(&b), 0.5F)); }));
  esper_seed_state state{};
  state.struct_size = sizeof state;
  PlainStore::Row row;
  report.row("read", pair.count,
             esper_bench::compare(
                 options.pairs, 1,
                 [&] {
                   require(esper_seed_store_read(store, rotate(&a), &state));
                   keep(state);
                 },
                 [&] {
                   require(pair.plain.read(rotate(&b), &row));
                   keep(row);
                 }));
}

void whole_store(Pair& pair, const Options& options, Report& report) {
  esper_seed_store* store = pair.store.get();
  std::int32_t* found = pair.found.data();
  const auto select = [&](const char* name, std::uint32_t mask, std::int32_t capacity) {
    std::int32_t count = 0;
    report.row(name, pair.count,
               esper_bench::compare(
                   options.pairs, 1, [&] { require(esper_seed_store_select(store, mask, found, capacity, &count)); },
                   [&] { keep(pair.plain.select(mask, found, capacity)); }));
  };
  select("select active", kActive, pair.count);
  select("select one stage", kTraining, pair.count);
  select("count one stage", kTraining, 0);
  select("select dormant", 1U << ESPER_STAGE_DORMANT, pair.count);
  report.row(
      "end_epoch", pair.count,
      esper_bench::compare(
          options.pairs, 1, [&] { require(esper_seed_store_end_epoch(store)); }, [&] { pair.plain.end_epoch(); }));
  report.row(
      "verify", pair.count,
      esper_bench::compare(
          options.pairs, 1, [&] { require(esper_seed_store_verify(store)); }, [&] { keep(pair.plain.verify()); }));
}

std::int32_t copy_to(void* user, void* target, const void* source, std::uint64_t bytes) {
  static_cast<void>(user);
  std::memcpy(target, source, bytes);
  return 0;
}

// changes neighbouring seeds get a new alpha, then the device's copy is brought up to date.
void mirror(Pair& pair, const char* name, std::int32_t changes, const Options& options, Report& report) {
  esper_seed_store* store = pair.store.get();
  std::vector<esper_seed_view> target(static_cast<std::size_t>(pair.count));
  const std::int32_t first = (pair.count - changes) / 2;
  float alpha = 0.0F;
  const auto next_alpha = [&alpha] { return alpha = alpha < 0.5F ? alpha + 0.001F : 0.0F; };
  report.row(name, pair.count,
             esper_bench::compare(
                 options.pairs, 1,
                 [&] {
                   const float value = next_alpha();
                   for (std::int32_t i = 0; i < changes; ++i) {
                     require(esper_seed_store_set_alpha(store, first + i, value));
                   }
                   require(esper_seed_store_mirror(store, copy_to, nullptr, target.data(), nullptr));
                 },
                 [&] {
                   const float value = next_alpha();
                   for (std::int32_t i = 0; i < changes; ++i) {
                     require(pair.plain.set_alpha(first + i, value));
                   }
                   pair.plain.mirror(target.data());
                 }));
}

// Reads a second thread makes while this one writes as fast as it can: nanoseconds a read and a write.
struct Contended {
  double read_ns;
  double write_ns;
};

template <typename Read, typename Write>
Contended contend(const Pair& pair, const Read& read, const Write& write) {
  constexpr auto kSpan = std::chrono::milliseconds(10);
  std::atomic<bool> ready{false};
  std::atomic<bool> stop{false};
  std::int64_t reads = 0;
  std::thread reader([&] {
    std::size_t next = 0;
    ready.store(true);
    while (!stop.load(std::memory_order_relaxed)) {
      read(pair.order[next]);
      next = next + 1 < pair.order.size() ? next + 1 : 0;
      ++reads;
    }
  });
  while (!ready.load()) {
    std::this_thread::yield();
  }
  std::int64_t writes = 0;
  std::size_t next = pair.order.size() / 2;
  const auto start = std::chrono::steady_clock::now();
  auto end = start;
  while (end - start < kSpan) {
    for (int i = 0; i < 100; ++i) {
      write(pair.order[next], static_cast<float>(i) * 0.01F);
      next = next + 1 < pair.order.size() ? next + 1 : 0;
    }
    writes += 100;
    end = std::chrono::steady_clock::now();
  }
  stop.store(true);
  reader.join();
  const double span = std::chrono::duration<double, std::nano>(end - start).count();
  return {span / static_cast<double>(std::max<std::int64_t>(reads, 1)), span / static_cast<double>(writes)};
}

void contended(Pair& pair, const Options& options, Report& report) {
  esper_seed_store* store = pair.store.get();
  std::vector<double> reads, writes, plain_reads, plain_writes;
  for (int i = 0; i < options.pairs; ++i) {
    const Contended ours = contend(
        pair,
        [&](std::int32_t seed) {
          esper_seed_state state{};
          state.struct_size = sizeof state;
          require(esper_seed_store_read(store, seed, &state));
          keep(state);
        },
        [&](std::int32_t seed, float alpha) { require(esper_seed_store_set_alpha(store, seed, alpha)); });
    const Contended plain = contend(
        pair,
        [&](std::int32_t seed) {
          PlainStore::Row row;
          require(pair.plain.read(seed, &row));
          keep(row);
        },
        [&](std::int32_t seed, float alpha) { require(pair.plain.set_alpha(seed, alpha)); });
    reads.push_back(ours.read_ns);
    writes.push_back(ours.write_ns);
    plain_reads.push_back(plain.read_ns);
    plain_writes.push_back(plain.write_ns);
  }
  report.row("read beside writer", pair.count, esper_bench::summarize(reads, plain_reads));
  report.row("write beside reader", pair.count, esper_bench::summarize(writes, plain_writes));
}

Options parse(int argc, char** argv) {
  Options options;
  for (int i = 1; i < argc; i += 2) {
    const std::string name = argv[i];
    const char* value = i + 1 < argc ? argv[i + 1] : "";
    if (name == "--json" && *value != '\0') {
      options.json = value;
    } else if (name == "--pairs" && std::atoi(value) > 0) {
      options.pairs = std::atoi(value);
    } else if (name == "--seeds" && std::atoi(value) > 0) {
      options.seeds.clear();
      for (const char* next = value; next != nullptr; next = std::strchr(next, ',')) {
        next += *next == ',' ? 1 : 0;
        options.seeds.push_back(std::max(16, std::atoi(next)));
      }
    } else {
      std::fprintf(stderr, "layout_bench: '%s %s' is not known; use --json FILE, --pairs N, --seeds N[,N...]\n",
                   name.c_str(), value);
      std::exit(2);
    }
  }
  return options;
}

}  // namespace

int main(int argc, char** argv) {
  const Options options = parse(argc, argv);
  Report report("layout", options.json);
  for (const std::int32_t seeds : options.seeds) {
    Pair pair(seeds);
    std::int64_t bytes = 0;
    require(esper_seed_store_query(pair.store.get(), nullptr, &bytes));
    report.bytes("bytes per 1,000 seeds", seeds, (bytes * 1000 + seeds - 1) / seeds);
    single_rows(pair, options, report);
    pair.populate();
    whole_store(pair, options, report);
    mirror(pair, "mirror, 1 change", 1, options, report);
    mirror(pair, "mirror, 16 changes", 16, options, report);
    mirror(pair, "mirror, all changed", seeds, options, report);
    require(esper_seed_store_query(pair.store.get(), nullptr, &bytes));
    report.bytes("the same, mirrored", seeds, (bytes * 1000 + seeds - 1) / seeds);
    contended(pair, options, report);
  }
  return 0;
}
