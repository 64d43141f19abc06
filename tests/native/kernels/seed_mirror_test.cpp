// The device's copy of the seeds' views, and the version: what a reader elsewhere learns of changes.
#include <cstring>
#include <functional>
#include <string>
#include <vector>

#include "support.hpp"

namespace esper_test {
namespace {

constexpr int32_t kSeeds = 100;

// A target that records the copies into it.
struct Device {
  std::vector<esper_seed_view> views = std::vector<esper_seed_view>(kSeeds, {-1.0F, -1, 77, 77});
  struct Copy {
    int64_t first;
    int64_t count;
    const void* source;
  };
  std::vector<Copy> copies;
  int32_t answer = 0;

  static int32_t copy(void* self, void* target, const void* source, uint64_t bytes) {
    auto* device = static_cast<Device*>(self);
    device->copies.push_back({static_cast<esper_seed_view*>(target) - device->views.data(),
                              static_cast<int64_t>(bytes / sizeof(esper_seed_view)), source});
    if (device->answer == 0) {
      std::memcpy(target, source, bytes);
    }
    return device->answer;
  }
};

class SeedMirrorTest : public testing::Test {
 protected:
  SeedMirrorTest() {
    esper_seed_store* created = nullptr;
    EXPECT_EQ(esper_seed_store_create(kSeeds, &created), ESPER_OK);
    store_.reset(created);
  }
  esper_seed_store* store() { return store_.get(); }

  // Mirrors, and expects one copy of these seeds; none if count is 0.
  void expect_copy(int64_t first, int64_t count) {
    device_.copies.clear();
    int64_t copied = -1;
    ASSERT_EQ(esper_seed_store_mirror(store(), Device::copy, &device_, device_.views.data(), &copied), ESPER_OK)
        << esper_last_error();
    EXPECT_EQ(copied, count * 16);
    ASSERT_EQ(device_.copies.size(), count == 0 ? 0U : 1U);
    if (count != 0) {
      EXPECT_EQ(device_.copies[0].first, first);
      EXPECT_EQ(device_.copies[0].count, count);
    }
    expect_current();
  }

  void expect_current() {
    for (int32_t seed = 0; seed < kSeeds; ++seed) {
      esper_seed_state state{};
      state.struct_size = sizeof state;
      ASSERT_EQ(esper_seed_store_read(store(), seed, &state), ESPER_OK);
      const esper_seed_view& view = device_.views[static_cast<std::size_t>(seed)];
      EXPECT_EQ(view.alpha, state.alpha) << seed;
      EXPECT_EQ(view.stage, state.stage) << seed;
      EXPECT_EQ(view.blueprint, state.blueprint) << seed;
      EXPECT_EQ(view.flags, state.flags) << seed;
    }
  }

  uint64_t version() {
    uint64_t version = 0;
    EXPECT_EQ(esper_seed_store_version(store(), &version), ESPER_OK);
    return version;
  }

  Store store_;
  Device device_;
};

TEST_F(SeedMirrorTest, CopiesFromTheFirstToTheLastChange) {
  expect_copy(0, kSeeds);
  expect_copy(0, 0);
  ASSERT_EQ(esper_seed_store_transition(store(), 41, ESPER_STAGE_GERMINATED), ESPER_OK);
  expect_copy(41, 1);
  ASSERT_EQ(esper_seed_store_set_alpha(store(), 70, 0.5F), ESPER_OK);
  ASSERT_EQ(esper_seed_store_assign(store(), 13, 4, 5, 6), ESPER_OK);
  ASSERT_EQ(esper_seed_store_set_alpha(store(), 64, 0.25F), ESPER_OK);
  expect_copy(13, 58);
  const esper_seed_state state{sizeof state, ESPER_STAGE_HOLDING, 1.0F, 2, 3, 4, 5, 6};
  ASSERT_EQ(esper_seed_store_restore(store(), 99, &state), ESPER_OK);
  expect_copy(99, 1);
  ASSERT_EQ(esper_seed_store_restore(store(), 0, &state), ESPER_OK);
  expect_copy(0, 1);
  expect_copy(0, 0);
}

TEST_F(SeedMirrorTest, WhatADeviceDoesNotSeeIsNotCopied) {
  ASSERT_EQ(esper_seed_store_set_alpha(store(), 3, 0.5F), ESPER_OK);
  expect_copy(0, kSeeds);
  ASSERT_EQ(esper_seed_store_end_epoch(store()), ESPER_OK);
  ASSERT_EQ(esper_seed_store_set_alpha(store(), 3, 0.5F), ESPER_OK);
  ASSERT_EQ(esper_seed_store_assign(store(), 4, 0, 9, 0), ESPER_OK);
  EXPECT_EQ(esper_seed_store_transition(store(), 5, ESPER_STAGE_HOLDING), ESPER_ERROR_ILLEGAL_TRANSITION);
  expect_copy(0, 0);
}

TEST_F(SeedMirrorTest, AFailedCopyKeepsEverythingPending) {
  expect_copy(0, kSeeds);
  ASSERT_EQ(esper_seed_store_set_alpha(store(), 3, 0.5F), ESPER_OK);
  device_.answer = 719;
  int64_t copied = -5;
  EXPECT_EQ(esper_seed_store_mirror(store(), Device::copy, &device_, device_.views.data(), &copied),
            ESPER_ERROR_INTERNAL);
  EXPECT_STREQ(esper_last_error(),
               "copy failed with code 719 for 16 bytes from seed 3 on; the next call copies every seed");
  EXPECT_EQ(copied, -5);
  device_.answer = 0;
  expect_copy(0, kSeeds);
  expect_copy(0, 0);
}

TEST_F(SeedMirrorTest, AnotherTargetGetsEverything) {
  expect_copy(0, kSeeds);
  device_.views = std::vector<esper_seed_view>(device_.views.size() + 1);
  expect_copy(0, kSeeds);
}

TEST_F(SeedMirrorTest, SourcesStayUnchangedWhileTheNextCopyIsMade) {
  expect_copy(0, kSeeds);
  ASSERT_EQ(esper_seed_store_set_alpha(store(), 3, 0.125F), ESPER_OK);
  expect_copy(3, 1);
  const auto* first = static_cast<const esper_seed_view*>(device_.copies[0].source);
  ASSERT_EQ(esper_seed_store_set_alpha(store(), 3, 0.25F), ESPER_OK);
  expect_copy(3, 1);
  EXPECT_NE(device_.copies[0].source, first);
  EXPECT_EQ(first->alpha, 0.125F);
}

TEST_F(SeedMirrorTest, StagingMemoryIsCounted) {
  int64_t before = 0;
  int64_t after = 0;
  ASSERT_EQ(esper_seed_store_query(store(), nullptr, &before), ESPER_OK);
  expect_copy(0, kSeeds);
  ASSERT_EQ(esper_seed_store_set_alpha(store(), 3, 0.125F), ESPER_OK);
  expect_copy(3, 1);
  ASSERT_EQ(esper_seed_store_query(store(), nullptr, &after), ESPER_OK);
  EXPECT_EQ(after - before, 16 * kSeeds + 16);
}

TEST_F(SeedMirrorTest, ArgumentsAreChecked) {
  EXPECT_EQ(esper_seed_store_mirror(nullptr, Device::copy, nullptr, device_.views.data(), nullptr),
            ESPER_ERROR_INVALID_ARGUMENT);
  EXPECT_EQ(esper_seed_store_mirror(store(), nullptr, nullptr, device_.views.data(), nullptr),
            ESPER_ERROR_INVALID_ARGUMENT);
  EXPECT_STREQ(esper_last_error(), "copy is NULL");
  EXPECT_EQ(esper_seed_store_mirror(store(), Device::copy, &device_, nullptr, nullptr), ESPER_ERROR_INVALID_ARGUMENT);
  EXPECT_STREQ(esper_last_error(), "target is NULL");
  EXPECT_TRUE(device_.copies.empty());
  uint64_t version = 0;
  EXPECT_EQ(esper_seed_store_version(nullptr, &version), ESPER_ERROR_INVALID_ARGUMENT);
  EXPECT_EQ(esper_seed_store_version(store(), nullptr), ESPER_ERROR_INVALID_ARGUMENT);
}

TEST_F(SeedMirrorTest, TheVersionCountsChanges) {
  EXPECT_EQ(version(), 0U);
  ASSERT_EQ(esper_seed_store_transition(store(), 1, ESPER_STAGE_GERMINATED), ESPER_OK);
  EXPECT_EQ(version(), 1U);
  ASSERT_EQ(esper_seed_store_set_alpha(store(), 1, 0.5F), ESPER_OK);
  ASSERT_EQ(esper_seed_store_assign(store(), 1, 1, 1, 1), ESPER_OK);
  ASSERT_EQ(esper_seed_store_end_epoch(store()), ESPER_OK);
  const esper_seed_state state{sizeof state, ESPER_STAGE_HOLDING, 1.0F, 2, 3, 4, 5, 6};
  ASSERT_EQ(esper_seed_store_restore(store(), 1, &state), ESPER_OK);
  EXPECT_EQ(version(), 5U);
  EXPECT_NE(esper_seed_store_transition(store(), 1, ESPER_STAGE_DORMANT), ESPER_OK);
  EXPECT_NE(esper_seed_store_set_alpha(store(), 1, 2.0F), ESPER_OK);
  EXPECT_NE(esper_seed_store_assign(store(), kSeeds, 1, 1, 1), ESPER_OK);
  expect_copy(0, kSeeds);
  EXPECT_EQ(esper_seed_store_verify(store()), ESPER_OK);
  EXPECT_EQ(version(), 5U) << "only changes count";
}

}  // namespace
}  // namespace esper_test
