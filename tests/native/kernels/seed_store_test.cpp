// The seed store through its interface.
#include <algorithm>
#include <limits>
#include <random>
#include <string>
#include <vector>

#include "support.hpp"

namespace esper_test {
namespace {

// The lifecycle, written down a second time: 1 where the row's stage may be followed by the column's.
//                              Do Ge Tr Bl Ho Fo Cu Em Re
constexpr int kLifecycle[9][9] = {{0, 1, 0, 0, 0, 0, 0, 0, 0},   // Dormant
                                  {0, 0, 1, 0, 0, 0, 1, 0, 0},   // Germinated
                                  {0, 0, 0, 1, 0, 0, 1, 0, 0},   // Training
                                  {0, 0, 0, 0, 1, 0, 1, 0, 0},   // Blending
                                  {0, 0, 0, 0, 0, 1, 1, 0, 0},   // Holding
                                  {0, 0, 0, 0, 0, 0, 0, 0, 0},   // Fossilized
                                  {0, 0, 0, 0, 0, 0, 0, 1, 0},   // Culled
                                  {0, 0, 0, 0, 0, 0, 0, 0, 1},   // Embargoed
                                  {1, 0, 0, 0, 0, 0, 0, 0, 0}};  // Resetting

Store make_store(int32_t count) {
  esper_seed_store* store = nullptr;
  EXPECT_EQ(esper_seed_store_create(count, &store), ESPER_OK) << esper_last_error();
  return Store(store);
}

esper_seed_state state_of(const Store& store, int32_t seed) {
  esper_seed_state state{};
  state.struct_size = sizeof state;
  EXPECT_EQ(esper_seed_store_read(store.get(), seed, &state), ESPER_OK) << esper_last_error();
  return state;
}

esper_seed_state make_state(int32_t stage) {
  return {sizeof(esper_seed_state), stage, 0.625F, 11, 3, 42, 17, 0xABCD0001U};
}

void expect_equal(const esper_seed_state& a, const esper_seed_state& b) {
  EXPECT_EQ(a.stage, b.stage);
  EXPECT_EQ(a.alpha, b.alpha);
  EXPECT_EQ(a.age, b.age);
  EXPECT_EQ(a.embargo, b.embargo);
  EXPECT_EQ(a.blueprint, b.blueprint);
  EXPECT_EQ(a.transitions, b.transitions);
  EXPECT_EQ(a.flags, b.flags);
}

TEST(SeedStoreTest, EveryTransitionFollowsTheTable) {
  for (int32_t from = -1; from <= 9; ++from) {
    for (int32_t to = -1; to <= 9; ++to) {
      const bool stages = from >= 0 && from < 9 && to >= 0 && to < 9;
      EXPECT_EQ(esper_transition_allowed(from, to), stages ? kLifecycle[from][to] : 0) << from << " to " << to;
    }
  }
  const Store store = make_store(1);
  for (int32_t from = 0; from < 9; ++from) {
    for (int32_t to = 0; to < 9; ++to) {
      const esper_seed_state before = make_state(from);
      ASSERT_EQ(esper_seed_store_restore(store.get(), 0, &before), ESPER_OK);
      const esper_status status = esper_seed_store_transition(store.get(), 0, to);
      if (kLifecycle[from][to] == 1) {
        EXPECT_EQ(status, ESPER_OK);
        esper_seed_state expected = before;
        expected.stage = to;
        expected.age = 0;
        expected.transitions = 18;
        if (to == ESPER_STAGE_DORMANT) {
          expected.alpha = 0.0F;
          expected.embargo = 0;
          expected.blueprint = 0;
          expected.flags = 0;
        }
        expect_equal(state_of(store, 0), expected);
      } else {
        EXPECT_EQ(status, ESPER_ERROR_ILLEGAL_TRANSITION);
        EXPECT_EQ(std::string(esper_last_error()),
                  std::string("seed 0: no transition from ") + esper_stage_name(from) + " to " + esper_stage_name(to));
        expect_equal(state_of(store, 0), before);
      }
      EXPECT_EQ(esper_seed_store_verify(store.get()), ESPER_OK);
    }
  }
  EXPECT_EQ(esper_seed_store_transition(store.get(), 0, 9), ESPER_ERROR_INVALID_ARGUMENT);
}

TEST(SeedStoreTest, SeedsStartDormant) {
  const Store store = make_store(3);
  expect_equal(state_of(store, 2), {sizeof(esper_seed_state), ESPER_STAGE_DORMANT, 0.0F, 0, 0, 0, 0, 0});
  EXPECT_EQ(esper_seed_store_verify(store.get()), ESPER_OK);
}

TEST(SeedStoreTest, RowsTakeAtMost32Bytes) {
  for (const int32_t seeds : {1, 7, 8, 63, 64, 65, 1000, 100000}) {
    const Store store = make_store(seeds);
    int32_t count = 0;
    int64_t bytes = 0;
    ASSERT_EQ(esper_seed_store_query(store.get(), &count, &bytes), ESPER_OK);
    EXPECT_EQ(count, seeds);
    EXPECT_GT(bytes, 29 * seeds) << "seven fields and a checksum";
    // A store of a few seeds has the fixed part alone to show.
    EXPECT_LE(bytes, 32 * seeds + (seeds < 1000 ? 1024 : 0));
  }
}

TEST(SeedStoreTest, EpochsAgeSeedsAndEndEmbargoes) {
  const Store store = make_store(3);
  for (const int32_t stage : {ESPER_STAGE_GERMINATED, ESPER_STAGE_CULLED}) {
    ASSERT_EQ(esper_seed_store_transition(store.get(), 1, stage), ESPER_OK);
  }
  ASSERT_EQ(esper_seed_store_assign(store.get(), 1, 5, 2, 1), ESPER_OK);
  ASSERT_EQ(esper_seed_store_end_epoch(store.get()), ESPER_OK);
  EXPECT_EQ(state_of(store, 1).embargo, 2U) << "Culled seeds wait at full length";
  ASSERT_EQ(esper_seed_store_transition(store.get(), 1, ESPER_STAGE_EMBARGOED), ESPER_OK);
  for (const uint32_t expected : {1U, 0U, 0U}) {
    ASSERT_EQ(esper_seed_store_end_epoch(store.get()), ESPER_OK);
    EXPECT_EQ(state_of(store, 1).embargo, expected);
  }
  EXPECT_EQ(state_of(store, 1).age, 3U);
  EXPECT_EQ(state_of(store, 0).age, 4U);
  esper_seed_state old = make_state(ESPER_STAGE_HOLDING);
  old.age = std::numeric_limits<uint32_t>::max();
  old.transitions = std::numeric_limits<uint32_t>::max();
  ASSERT_EQ(esper_seed_store_restore(store.get(), 2, &old), ESPER_OK);
  ASSERT_EQ(esper_seed_store_end_epoch(store.get()), ESPER_OK);
  EXPECT_EQ(state_of(store, 2).age, std::numeric_limits<uint32_t>::max());
  ASSERT_EQ(esper_seed_store_transition(store.get(), 2, ESPER_STAGE_FOSSILIZED), ESPER_OK);
  EXPECT_EQ(state_of(store, 2).transitions, std::numeric_limits<uint32_t>::max());
  EXPECT_EQ(esper_seed_store_verify(store.get()), ESPER_OK);
}

TEST(SeedStoreTest, AlphaIsChecked) {
  const Store store = make_store(1);
  ASSERT_EQ(esper_seed_store_set_alpha(store.get(), 0, 0.25F), ESPER_OK);
  for (const float bad : {-0.1F, 1.1F, std::numeric_limits<float>::quiet_NaN()}) {
    EXPECT_EQ(esper_seed_store_set_alpha(store.get(), 0, bad), ESPER_ERROR_INVALID_ARGUMENT);
    EXPECT_NE(std::string(esper_last_error()).find("expected a value in [0, 1]"), std::string::npos);
  }
  EXPECT_EQ(state_of(store, 0).alpha, 0.25F);
}

TEST(SeedStoreTest, RestoreRoundTripsAndIsChecked) {
  const Store store = make_store(2);
  const esper_seed_state saved = make_state(ESPER_STAGE_EMBARGOED);
  ASSERT_EQ(esper_seed_store_restore(store.get(), 1, &saved), ESPER_OK);
  expect_equal(state_of(store, 1), saved);
  EXPECT_EQ(esper_seed_store_verify(store.get()), ESPER_OK);
  esper_seed_state bad = saved;
  bad.stage = 256;  // Would be a stage if it were cut to eight bits.
  EXPECT_EQ(esper_seed_store_restore(store.get(), 1, &bad), ESPER_ERROR_INVALID_ARGUMENT);
  EXPECT_NE(std::string(esper_last_error()).find("state.stage is 256"), std::string::npos);
  bad = saved;
  bad.alpha = std::numeric_limits<float>::quiet_NaN();
  EXPECT_EQ(esper_seed_store_restore(store.get(), 1, &bad), ESPER_ERROR_INVALID_ARGUMENT);
  bad = saved;
  bad.struct_size = 28;
  EXPECT_EQ(esper_seed_store_restore(store.get(), 1, &bad), ESPER_ERROR_INVALID_ARGUMENT);
  EXPECT_NE(std::string(esper_last_error()).find("state.struct_size is 28"), std::string::npos);
  expect_equal(state_of(store, 1), saved);
}

TEST(SeedStoreTest, SelectFindsStages) {
  const Store store = make_store(6);
  for (const int32_t seed : {1, 4, 5}) {
    ASSERT_EQ(esper_seed_store_transition(store.get(), seed, ESPER_STAGE_GERMINATED), ESPER_OK);
  }
  ASSERT_EQ(esper_seed_store_transition(store.get(), 4, ESPER_STAGE_TRAINING), ESPER_OK);
  int32_t count = -1;
  int32_t seeds[4] = {-1, -1, -1, -1};
  ASSERT_EQ(esper_seed_store_select(store.get(), 1U << 1 | 1U << 2, seeds, 2, &count), ESPER_OK);
  EXPECT_EQ(count, 3);
  EXPECT_EQ(seeds[0], 1);
  EXPECT_EQ(seeds[1], 4);
  EXPECT_EQ(seeds[2], -1);
  ASSERT_EQ(esper_seed_store_select(store.get(), 1U << 0, nullptr, 0, &count), ESPER_OK);
  EXPECT_EQ(count, 3);
  ASSERT_EQ(esper_seed_store_select(store.get(), 0, seeds, 4, &count), ESPER_OK);
  EXPECT_EQ(count, 0);
  EXPECT_EQ(esper_seed_store_select(store.get(), 1, nullptr, 1, &count), ESPER_ERROR_INVALID_ARGUMENT);
  EXPECT_STREQ(esper_last_error(), "seeds is NULL");
  EXPECT_EQ(esper_seed_store_select(store.get(), 1, seeds, -1, &count), ESPER_ERROR_INVALID_ARGUMENT);
  EXPECT_EQ(esper_seed_store_select(store.get(), 1, seeds, 4, nullptr), ESPER_ERROR_INVALID_ARGUMENT);
}

// Every mask and several capacities against the rows themselves.
void expect_selections(const Store& store, int32_t seeds, const std::vector<int32_t>& stages) {
  for (uint32_t mask = 0; mask < 1U << 9; ++mask) {
    std::vector<int32_t> expected;
    for (int32_t seed = 0; seed < seeds; ++seed) {
      if ((mask >> stages[static_cast<std::size_t>(seed)] & 1U) != 0) {
        expected.push_back(seed);
      }
    }
    const auto all = static_cast<int32_t>(expected.size());
    for (const int32_t capacity : {0, 1, all / 2, all - 1, all, seeds + 64}) {
      if (capacity < 0) {
        continue;
      }
      std::vector<int32_t> found(static_cast<std::size_t>(capacity) + 1, -7);
      int32_t count = -1;
      // Bits that are no stages select nothing.
      ASSERT_EQ(esper_seed_store_select(store.get(), mask | 0xFFFFFE00U, found.data(), capacity, &count), ESPER_OK);
      ASSERT_EQ(count, all);
      std::vector<int32_t> wanted(found.size(), -7);
      std::copy_n(expected.begin(), std::min(capacity, all), wanted.begin());
      ASSERT_EQ(found, wanted) << "mask " << mask << " capacity " << capacity;
    }
  }
}

TEST(SeedStoreTest, SelectAgreesWithTheRows) {
  for (const int32_t seeds : {1, 63, 64, 65, 300}) {
    for (const int density : {0, 1, 50, 99, 100}) {
      const Store store = make_store(seeds);
      std::mt19937 random(static_cast<uint32_t>(seeds + density));
      std::vector<int32_t> stages;
      for (int32_t seed = 0; seed < seeds; ++seed) {
        const bool dormant = static_cast<int>(random() % 100) >= density;
        const esper_seed_state state = make_state(dormant ? 0 : static_cast<int32_t>(random() % 9));
        stages.push_back(state.stage);
        ASSERT_EQ(esper_seed_store_restore(store.get(), seed, &state), ESPER_OK);
      }
      expect_selections(store, seeds, stages);
    }
  }
}

TEST(SeedStoreTest, ActiveSeedsAreTheBlendedOnes) {
  const Store store = make_store(9);
  for (int32_t stage = 0; stage < 9; ++stage) {
    const esper_seed_state state = make_state(stage);
    ASSERT_EQ(esper_seed_store_restore(store.get(), stage, &state), ESPER_OK);
  }
  int32_t seeds[9] = {};
  int32_t count = 0;
  ASSERT_EQ(esper_seed_store_select(store.get(), ESPER_STAGE_MASK_ACTIVE, seeds, 9, &count), ESPER_OK);
  ASSERT_EQ(count, 3);
  EXPECT_EQ(seeds[0], ESPER_STAGE_BLENDING);
  EXPECT_EQ(seeds[2], ESPER_STAGE_FOSSILIZED);
  ASSERT_EQ(esper_seed_store_select(store.get(), ESPER_STAGE_MASK_ALL, seeds, 9, &count), ESPER_OK);
  EXPECT_EQ(count, 9);
}

TEST(SeedStoreTest, SeedNumbersAndHandlesAreChecked) {
  const Store store = make_store(2);
  for (const int32_t seed : {-1, 2}) {
    EXPECT_EQ(esper_seed_store_set_alpha(store.get(), seed, 0.5F), ESPER_ERROR_INVALID_ARGUMENT);
    EXPECT_EQ(std::string(esper_last_error()), "seed is " + std::to_string(seed) + ", the store has seeds 0 to 1");
    EXPECT_EQ(esper_seed_store_transition(store.get(), seed, 1), ESPER_ERROR_INVALID_ARGUMENT);
    EXPECT_EQ(esper_seed_store_assign(store.get(), seed, 0, 0, 0), ESPER_ERROR_INVALID_ARGUMENT);
  }
  esper_seed_store* none = nullptr;
  EXPECT_EQ(esper_seed_store_create(0, &none), ESPER_ERROR_INVALID_ARGUMENT);
  EXPECT_EQ(esper_seed_store_create(1, nullptr), ESPER_ERROR_INVALID_ARGUMENT);
  EXPECT_STREQ(esper_last_error(), "store is NULL");
  EXPECT_EQ(esper_seed_store_verify(nullptr), ESPER_ERROR_INVALID_ARGUMENT);
  EXPECT_EQ(esper_seed_store_end_epoch(nullptr), ESPER_ERROR_INVALID_ARGUMENT);
  esper_seed_store_destroy(nullptr);
}

}  // namespace
}  // namespace esper_test
