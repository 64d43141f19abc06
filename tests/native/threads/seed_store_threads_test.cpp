// One thread changes a seed store while others read, select and verify: nobody sees half a change.
#include <gtest/gtest.h>

#include <atomic>
#include <condition_variable>
#include <cstring>
#include <functional>
#include <memory>
#include <mutex>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include "esper/esper.h"

namespace {

struct Deleter {
  void operator()(esper_seed_store* store) const { esper_seed_store_destroy(store); }
};
using Store = std::unique_ptr<esper_seed_store, Deleter>;

constexpr int32_t kSeeds = 200;  // Four groups of the stage index, the last one not full.
constexpr int kChanges = 20000;
#if defined(__SANITIZE_THREAD__)
constexpr int kRounds = 2000;
#else
constexpr int kRounds = 500000;  // Here only what really happens at one time counts.
#endif
constexpr int32_t kLife[] = {ESPER_STAGE_DORMANT, ESPER_STAGE_GERMINATED, ESPER_STAGE_TRAINING,  ESPER_STAGE_BLENDING,
                             ESPER_STAGE_HOLDING, ESPER_STAGE_CULLED,     ESPER_STAGE_EMBARGOED, ESPER_STAGE_RESETTING};

// What a seed is used for. All its fields follow from one number at every moment, so that a mixed row shows.
enum class Kind {
  kRestored,  // Written whole by restore; always in Training or Blending.
  kLiving,    // Goes through its life, one transition at a time.
};
Kind kind_of(int32_t seed) {
  return seed % 2 == 0 ? Kind::kRestored : Kind::kLiving;
}

esper_seed_state restored_state(uint32_t number) {
  const int32_t stage = number % 2 == 0 ? ESPER_STAGE_TRAINING : ESPER_STAGE_BLENDING;
  const float alpha = static_cast<float>(number % 1024) / 1024.0F;
  return {sizeof(esper_seed_state), stage, alpha, 0, number * 3, number * 5, number, ~number};
}

std::string describe(const esper_seed_state& s) {
  return "stage " + std::to_string(s.stage) + " alpha " + std::to_string(s.alpha) + " embargo " +
         std::to_string(s.embargo) + " blueprint " + std::to_string(s.blueprint) + " transitions " +
         std::to_string(s.transitions) + " flags " + std::to_string(s.flags);
}

// Whether the row is one that was written, "" or what is wrong.
std::string fault_of(int32_t seed, const esper_seed_state& s) {
  if (kind_of(seed) == Kind::kLiving) {
    return s.stage == kLife[s.transitions % 8] ? "" : describe(s);
  }
  const esper_seed_state whole = restored_state(s.transitions);
  const bool same = s.stage == whole.stage && s.alpha == whole.alpha && s.embargo == whole.embargo &&
                    s.blueprint == whole.blueprint && s.flags == whole.flags;
  return same ? "" : describe(s);
}

// Runs the work on several threads until the writer is done; each reports its first fault.
class Readers {
 public:
  using Work = std::function<std::string(std::mt19937*)>;

  void start(const Work& work) {
    faults_.push_back(std::make_unique<std::string>());
    std::string* fault = faults_.back().get();
    const auto seed = static_cast<uint32_t>(faults_.size());
    threads_.emplace_back([this, work, fault, seed] {
      std::mt19937 random(seed);
      do {
        *fault = work(&random);
        rounds_.fetch_add(1);
        if (!fault->empty()) {
          failed_.store(true);
        }
      } while (fault->empty() && !done_.load());
    });
  }
  int rounds() const { return rounds_.load(); }
  bool failed() const { return failed_.load(); }
  void finish() {
    done_.store(true);
    for (std::thread& thread : threads_) {
      thread.join();
    }
    for (const auto& fault : faults_) {
      EXPECT_EQ(*fault, "");
    }
  }

 private:
  std::atomic<bool> done_{false};
  std::atomic<bool> failed_{false};
  std::atomic<int> rounds_{0};
  std::vector<std::unique_ptr<std::string>> faults_;
  std::vector<std::thread> threads_;
};

std::string read_random_row(const esper_seed_store* store, std::mt19937* random) {
  const auto seed = static_cast<int32_t>((*random)() % kSeeds);
  esper_seed_state state{};
  state.struct_size = sizeof state;
  if (esper_seed_store_read(store, seed, &state) != ESPER_OK) {
    return esper_last_error();
  }
  const std::string fault = fault_of(seed, state);
  return fault.empty() ? "" : "seed " + std::to_string(seed) + ": " + fault;
}

// The restored seeds change between two stages; a selection of both has each of them once, whatever happens.
std::string select_restored(const esper_seed_store* store) {
  std::vector<int32_t> seeds(kSeeds);
  int32_t count = 0;
  const uint32_t mask = 1U << ESPER_STAGE_TRAINING | 1U << ESPER_STAGE_BLENDING;
  if (esper_seed_store_select(store, mask, seeds.data(), kSeeds, &count) != ESPER_OK) {
    return esper_last_error();
  }
  int32_t previous = -1;
  int restored = 0;
  for (int32_t i = 0; i < count; ++i) {
    if (seeds[static_cast<std::size_t>(i)] <= previous) {
      return "the selection is not ascending";
    }
    previous = seeds[static_cast<std::size_t>(i)];
    restored += kind_of(previous) == Kind::kRestored ? 1 : 0;
  }
  return restored == kSeeds / 2 ? "" : "the selection has " + std::to_string(restored) + " restored seeds";
}

std::string read_version(const esper_seed_store* store, std::atomic<uint64_t>* seen) {
  const uint64_t before = seen->load();
  uint64_t version = 0;
  if (esper_seed_store_version(store, &version) != ESPER_OK) {
    return esper_last_error();
  }
  seen->store(version);
  return version >= before ? "" : "the version fell";
}

class SeedStoreThreadsTest : public testing::Test {
 protected:
  void SetUp() override {
    esper_seed_store* created = nullptr;
    ASSERT_EQ(esper_seed_store_create(kSeeds, &created), ESPER_OK);
    store_.reset(created);
    for (int32_t seed = 0; seed < kSeeds; seed += 2) {
      const esper_seed_state state = restored_state(static_cast<uint32_t>(seed));
      ASSERT_EQ(esper_seed_store_restore(created, seed, &state), ESPER_OK);
    }
  }

  // One change by the writer.
  void change(std::mt19937* random) {
    const auto number = static_cast<uint32_t>((*random)());
    if (number % 64 == 0) {
      ASSERT_EQ(esper_seed_store_end_epoch(store_.get()), ESPER_OK) << esper_last_error();
      return;
    }
    const auto seed = static_cast<int32_t>((*random)() % kSeeds);
    if (kind_of(seed) == Kind::kRestored) {
      // embargo counts down in Embargoed alone, so restored rows keep what they were given.
      const esper_seed_state state = restored_state(number);
      ASSERT_EQ(esper_seed_store_restore(store_.get(), seed, &state), ESPER_OK) << esper_last_error();
      return;
    }
    esper_seed_state state{};
    state.struct_size = sizeof state;
    ASSERT_EQ(esper_seed_store_read(store_.get(), seed, &state), ESPER_OK) << esper_last_error();
    const int32_t next = kLife[(state.transitions + 1) % 8];
    ASSERT_EQ(esper_seed_store_transition(store_.get(), seed, next), ESPER_OK) << esper_last_error();
  }

  Store store_;
};

TEST_F(SeedStoreThreadsTest, ReadersSeeWholeRows) {
  const esper_seed_store* store = store_.get();
  std::atomic<uint64_t> version{0};
  Readers readers;
  readers.start([&](std::mt19937* random) { return read_random_row(store, random); });
  readers.start([&](std::mt19937* random) { return read_random_row(store, random); });
  readers.start([&](std::mt19937*) { return select_restored(store); });
  readers.start([&](std::mt19937*) -> std::string {
    int64_t bytes = 0;
    const bool good = esper_seed_store_verify(store) == ESPER_OK &&
                      esper_seed_store_query(store, nullptr, &bytes) == ESPER_OK && bytes > 0;
    return good ? read_version(store, &version) : esper_last_error();
  });
  std::mt19937 random(1);
  // At least so many changes, and until the readers have had their turns.
  for (int i = 0; i < kChanges || (readers.rounds() < kRounds && !readers.failed()); ++i) {
    change(&random);
  }
  readers.finish();
  EXPECT_EQ(esper_seed_store_verify(store), ESPER_OK) << esper_last_error();
}

// A device whose copies run on a thread of their own, one after the other, while the caller goes on.
class CopyThread {
 public:
  CopyThread() : thread_([this] { run(); }) {}
  ~CopyThread() {
    push({});
    thread_.join();
  }
  CopyThread(const CopyThread&) = delete;
  CopyThread& operator=(const CopyThread&) = delete;

  static int32_t copy(void* self, void* target, const void* source, uint64_t bytes) {
    // The contract's condition: the copy before the last one is done.
    auto* device = static_cast<CopyThread*>(self);
    device->wait();
    device->push({target, source, bytes});
    return 0;
  }
  void wait() {
    std::unique_lock<std::mutex> lock(mutex_);
    changed_.wait(lock, [this] { return !busy_; });
  }

 private:
  struct Job {
    void* target = nullptr;
    const void* source = nullptr;
    uint64_t bytes = 0;
  };
  void push(const Job& job) {
    wait();
    {
      const std::lock_guard<std::mutex> lock(mutex_);
      job_ = job;
      busy_ = true;
    }
    changed_.notify_all();
  }
  void run() {
    for (;;) {
      Job job;
      {
        std::unique_lock<std::mutex> lock(mutex_);
        changed_.wait(lock, [this] { return busy_; });
        job = job_;
      }
      if (job.target == nullptr) {
        return;
      }
      std::memcpy(job.target, job.source, job.bytes);
      {
        const std::lock_guard<std::mutex> lock(mutex_);
        busy_ = false;
      }
      changed_.notify_all();
    }
  }

  std::mutex mutex_;
  std::condition_variable changed_;
  bool busy_ = false;
  Job job_;
  std::thread thread_;
};

TEST_F(SeedStoreThreadsTest, MirrorBesideReadersAndAsynchronousCopies) {
  esper_seed_store* store = store_.get();
  std::vector<esper_seed_view> views(kSeeds);
  CopyThread device;
  Readers readers;
  readers.start([&](std::mt19937* random) { return read_random_row(store, random); });
  readers.start([&](std::mt19937*) { return select_restored(store); });
  std::mt19937 random(2);
  for (int round = 0; round < 1000; ++round) {
    const auto changes = static_cast<int>(random() % 16);
    for (int i = 0; i < changes; ++i) {
      change(&random);
    }
    ASSERT_EQ(esper_seed_store_mirror(store, CopyThread::copy, &device, views.data(), nullptr), ESPER_OK)
        << esper_last_error();
  }
  device.wait();
  readers.finish();
  for (int32_t seed = 0; seed < kSeeds; ++seed) {
    esper_seed_state state{};
    state.struct_size = sizeof state;
    ASSERT_EQ(esper_seed_store_read(store, seed, &state), ESPER_OK);
    const esper_seed_view& view = views[static_cast<std::size_t>(seed)];
    EXPECT_EQ(view.stage, state.stage) << seed;
    EXPECT_EQ(view.alpha, state.alpha) << seed;
    EXPECT_EQ(view.blueprint, state.blueprint) << seed;
    EXPECT_EQ(view.flags, state.flags) << seed;
  }
}

}  // namespace
