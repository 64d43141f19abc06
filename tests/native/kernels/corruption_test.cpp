// A damaged seed store is noticed, and no write signs the damage over.
#include <gtest/gtest.h>

#include <cstring>
#include <functional>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include "abi/error.hpp"
#include "layout/seed_store.hpp"

namespace {

using esper::layout::BlockRows;
using esper::layout::RowChecksum;
using esper::layout::SeedBlock;
using esper::layout::SeedRow;
using esper::layout::SeedStore;

constexpr std::int32_t kSeeds = 67;  // Neither the last block nor the last group of the stage index is full.
constexpr std::int32_t kVictim = 9;

std::int32_t drop(void*, void*, const void*, std::uint64_t) {
  return 0;
}

// Flips one bit of a column at a lane.
template <typename T>
void flip(std::atomic<T>* column, std::size_t lane, unsigned bit) {
  column[lane].store(static_cast<T>(column[lane].load() ^ static_cast<T>(T{1} << bit)));
}

// Every way to flip one bit of the victim's row; each undoes itself when it is called again.
std::vector<std::pair<std::string, std::function<void()>>> flips(SeedStore* store) {
  std::vector<std::pair<std::string, std::function<void()>>> result;
  SeedBlock& block = store->block(kVictim);
  const std::size_t lane = kVictim % esper::layout::kBlockRows;
  const auto add = [&](const char* name, auto* column, unsigned bits) {
    for (unsigned bit = 0; bit < bits; ++bit) {
      result.emplace_back(name + (" bit " + std::to_string(bit)), [=] { flip(column, lane, bit); });
    }
  };
  add("stage", block.stage, 8);
  add("alpha, blueprint", block.view, 64);
  add("flags, embargo", block.marks, 64);
  add("age, transitions", block.life, 64);
  add("checksum", block.checksum, 32);
  return result;
}

// Runs body, which must fail with ESPER_ERROR_CORRUPT and name the seed.
template <typename Body>
void expect_corrupt(Body body, const std::string& what, std::int32_t seed = kVictim) {
  try {
    body();
    ADD_FAILURE() << "not noticed: " << what;
  } catch (const esper::Error& error) {
    EXPECT_EQ(error.status(), ESPER_ERROR_CORRUPT) << what;
    EXPECT_EQ(std::string(error.what()).rfind("seed " + std::to_string(seed) + ": ", 0), 0U) << error.what();
  }
}

void read(const SeedStore& store, std::int32_t seed) {
  esper_seed_state state{};
  store.read(seed, &state);
}

std::uint32_t age_of(const SeedStore& store, std::int32_t seed) {
  esper_seed_state state{};
  store.read(seed, &state);
  return state.age;
}

class CorruptionTest : public testing::TestWithParam<const RowChecksum*> {
 protected:
  void SetUp() override {
    if (GetParam() == nullptr) {
      GTEST_SKIP() << "this processor has no instruction for CRC-32C";
    }
    store_ = std::make_unique<SeedStore>(kSeeds, *GetParam());
    for (std::int32_t seed = 0; seed < kSeeds; ++seed) {
      store_->restore(seed, SeedRow{ESPER_STAGE_EMBARGOED, 0.5F, 7, 2, 9, 4, 1});
    }
    store_->verify();
  }

  std::unique_ptr<SeedStore> store_;
};

TEST_P(CorruptionTest, EveryFlippedBitIsNoticed) {
  SeedStore& store = *store_;
  int count = 0;
  for (const auto& [what, damage] : flips(&store)) {
    ++count;
    const std::uint64_t version = store.version();
    damage();
    expect_corrupt([&] { store.verify(); }, what);
    expect_corrupt([&] { read(store, kVictim); }, what);
    expect_corrupt([&] { store.set_alpha(kVictim, 0.25F); }, what);
    expect_corrupt([&] { store.assign(kVictim, 1, 1, 1); }, what);
    expect_corrupt([&] { store.transition(kVictim, ESPER_STAGE_RESETTING); }, what);
    expect_corrupt([&] { store.end_epoch(); }, what);
    expect_corrupt([&] { store.mirror(drop, nullptr, &store); }, what);
    EXPECT_EQ(store.version(), version);
    damage();
    store.verify();
  }
  EXPECT_EQ(count, 8 + 3 * 64 + 32);
  EXPECT_EQ(age_of(store, 0), 7U) << "a refused end of epoch aged a healthy seed";
}

TEST_P(CorruptionTest, EveryFieldMayBecomeAnything) {
  std::mt19937 random(3);
  SeedBlock& block = store_->block(kVictim);
  const std::size_t lane = kVictim % esper::layout::kBlockRows;
  for (int round = 0; round < 3000; ++round) {
    auto& word = round % 3 == 0 ? block.view[lane] : round % 3 == 1 ? block.marks[lane] : block.life[lane];
    const std::uint64_t before = word.load();
    const std::uint64_t change = static_cast<std::uint64_t>(random() | 1U) << (random() % 2 == 0 ? 0 : 32);
    word.store(before ^ change);
    expect_corrupt([&] { read(*store_, kVictim); }, std::to_string(change));
    word.store(before);
  }
}

TEST_P(CorruptionTest, ARowInAnothersPlaceIsNoticed) {
  SeedBlock& from = store_->block(0);
  SeedBlock& to = store_->block(kVictim);
  const std::size_t lane = kVictim % esper::layout::kBlockRows;
  to.checksum[lane].store(from.checksum[0].load());
  expect_corrupt([&] { store_->verify(); }, "the rows are the same, their places are not");
}

TEST_P(CorruptionTest, TheStageIndexIsChecked) {
  for (std::uint8_t stage = 0; stage < ESPER_STAGE_COUNT; ++stage) {
    for (const std::int32_t seed : {0, kVictim, 63, 64, kSeeds - 1}) {
      store_->index().damage(static_cast<std::size_t>(seed), stage);
      const std::string what = "bit of stage " + std::to_string(stage) + " of seed " + std::to_string(seed);
      expect_corrupt([&] { store_->verify(); }, what, seed);
      if (stage == ESPER_STAGE_EMBARGOED) {
        expect_corrupt([&] { store_->transition(seed, ESPER_STAGE_RESETTING); }, what, seed);
      }
      store_->index().damage(static_cast<std::size_t>(seed), stage);
      store_->verify();
    }
  }
  // A bit beyond the last seed would be a seed that does not exist.
  store_->index().damage(kSeeds, ESPER_STAGE_TRAINING);
  expect_corrupt([&] { store_->verify(); }, "bit beyond the last seed", kSeeds - 1);
}

TEST_P(CorruptionTest, RestoreRepairsTheRow) {
  SeedBlock& block = store_->block(kVictim);
  flip(block.view, kVictim % esper::layout::kBlockRows, 3);
  for (std::uint8_t stage = 0; stage < ESPER_STAGE_COUNT; ++stage) {
    store_->index().damage(kVictim, stage);
  }
  expect_corrupt([&] { store_->verify(); }, "alpha");
  store_->restore(kVictim, SeedRow{ESPER_STAGE_TRAINING, 0.0F, 0, 0, 0, 0, 0});
  store_->verify();
  std::int32_t found = -1;
  EXPECT_EQ(store_->select(1U << ESPER_STAGE_TRAINING, &found, 1), 1);
  EXPECT_EQ(found, kVictim);
}

TEST_P(CorruptionTest, AnOddSequenceNumberIsMendedByTheNextWrite) {
  store_->block(kVictim).sequence.open();
  store_->set_alpha(kVictim, 0.25F);
  store_->index().sequence(kVictim).open();
  store_->transition(kVictim, ESPER_STAGE_RESETTING);
  esper_seed_state state{};
  store_->read(kVictim, &state);
  EXPECT_EQ(state.alpha, 0.25F);
  store_->verify();
}

// The end of an epoch changes checksums without computing them anew; they must come out the same.
TEST_P(CorruptionTest, ChecksumsFollowEveryEpoch) {
  const std::uint32_t values[] = {0, 1, 2, 3, 7, 8, 255, 65535, 0x7FFFFFFF, 0x80000000U, 0xFFFFFFFEU, 0xFFFFFFFFU};
  std::int32_t seed = 0;
  for (const std::uint32_t age : values) {
    for (const std::uint8_t stage : {ESPER_STAGE_EMBARGOED, ESPER_STAGE_HOLDING}) {
      store_->restore(seed, SeedRow{stage, 0.5F, age, values[static_cast<std::size_t>(seed) % 12], 9, 4, 1});
      ++seed;
    }
  }
  for (int epoch = 0; epoch < 300; ++epoch) {
    store_->end_epoch();
    store_->verify();
  }
  EXPECT_EQ(age_of(*store_, 0), 300U);
  EXPECT_EQ(age_of(*store_, 20), 0xFFFFFFFFU);
}

std::string method_name(const testing::TestParamInfo<const RowChecksum*>& method) {
  return method.index == 0 ? "software" : "hardware";
}

INSTANTIATE_TEST_SUITE_P(Checksum, CorruptionTest,
                         testing::Values(&esper::layout::software_row_checksum(),
                                         esper::layout::hardware_row_checksum()),
                         method_name);

}  // namespace
