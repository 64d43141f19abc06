// A damaged seed store is noticed, and no write signs the damage over.
#include <gtest/gtest.h>

#include <string>

#include "abi/error.hpp"
#include "layout/seed_store.hpp"

namespace {

using esper::layout::SeedRow;
using esper::layout::SeedStore;

SeedStore make_store() {
  SeedStore store(3);
  for (int seed = 0; seed < 3; ++seed) {
    store.restore(seed, SeedRow{ESPER_STAGE_EMBARGOED, 0.5F, 7, 2, 9, 4, 1});
  }
  return store;
}

// Runs body, which must fail with ESPER_ERROR_CORRUPT and name seed 1.
template <typename Body>
void expect_corrupt(Body body, const std::string& what) {
  try {
    body();
    ADD_FAILURE() << "not noticed: " << what;
  } catch (const esper::Error& error) {
    EXPECT_EQ(error.status(), ESPER_ERROR_CORRUPT) << what;
    EXPECT_EQ(std::string(error.what()).rfind("seed 1: ", 0), 0U) << error.what();
  }
}

TEST(CorruptionTest, EveryFlippedBitIsNoticed) {
  SeedStore store = make_store();
  store.verify();
  int columns = 0;
  std::size_t size = 0;
  for (std::size_t column = 0; store.column(column, &size) != nullptr; ++column) {
    ++columns;
    auto* row = static_cast<unsigned char*>(store.column(column, &size)) + size;
    for (std::size_t bit = 0; bit < 8 * size; ++bit) {
      const std::string what = "column " + std::to_string(column) + " bit " + std::to_string(bit);
      row[bit / 8] = static_cast<unsigned char>(row[bit / 8] ^ (1U << (bit % 8)));
      expect_corrupt([&] { store.verify(); }, what);
      expect_corrupt([&] { store.set_alpha(1, 0.25F); }, what);
      expect_corrupt([&] { store.assign(1, 1, 1, 1); }, what);
      expect_corrupt([&] { store.transition(1, ESPER_STAGE_RESETTING); }, what);
      expect_corrupt([&] { store.end_epoch(); }, what);
      row[bit / 8] = static_cast<unsigned char>(row[bit / 8] ^ (1U << (bit % 8)));
    }
  }
  EXPECT_EQ(columns, 8);
  store.verify();
  EXPECT_EQ(store.read(0).age, 7U) << "a refused end of epoch aged a healthy seed";
}

TEST(CorruptionTest, RestoreRepairsTheRow) {
  SeedStore store = make_store();
  std::size_t size = 0;
  static_cast<unsigned char*>(store.column(1, &size))[size] ^= 1U;
  expect_corrupt([&] { store.verify(); }, "alpha");
  store.restore(1, SeedRow{ESPER_STAGE_TRAINING, 0.0F, 0, 0, 0, 0, 0});
  store.verify();
}

}  // namespace
