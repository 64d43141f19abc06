// What lattices refuse, and that the message names the place.
#include <cmath>
#include <functional>
#include <limits>
#include <string>

#include "support.hpp"

namespace esper_test {
namespace {

constexpr float kNan = std::numeric_limits<float>::quiet_NaN();
constexpr float kInfinity = std::numeric_limits<float>::infinity();

struct BadSeed {
  const char* message;
  std::function<void(esper_lattice_seed&)> damage;
};

const std::vector<BadSeed>& bad_seeds() {
  static const std::vector<BadSeed> table = {
      {"seeds[1].stage is 9", [](auto& s) { s.stage = 9; }},
      {"seeds[1].stage is -1", [](auto& s) { s.stage = -1; }},
      {"seeds[1].family is 5", [](auto& s) { s.family = 5; }},
      {"seeds[1].activation is 5", [](auto& s) { s.activation = 5; }},
      {"seeds[1].blend is 5", [](auto& s) { s.blend = 5; }},
      {"seeds[1].rank is 4097", [](auto& s) { s.rank = 4097; }},
      {"seeds[1].rank is 2, expected 0", [](auto& s) { s.family = ESPER_FAMILY_AFFINE; }},
      {"seeds[1].rank is 2, expected 0 for the depthwise family",
       [](auto& s) {
         s.family = ESPER_FAMILY_DEPTHWISE;
         s.kernel = 3;
       }},
      {"seeds[1].rank is 0, expected 1 to 4096",
       [](auto& s) {
         s.family = ESPER_FAMILY_GATE;
         s.rank = 0;
       }},
      {"seeds[1].kernel is 3, expected 0 for every family but depthwise", [](auto& s) { s.kernel = 3; }},
      {"seeds[1].kernel is 4, expected 3, 5 or 7 for the depthwise family",
       [](auto& s) {
         s.family = ESPER_FAMILY_DEPTHWISE;
         s.rank = 0;
         s.kernel = 4;
       }},
      {"seeds[1].activation is 5",
       [](auto& s) {
         s.family = ESPER_FAMILY_GATE;
         s.activation = 5;
       }},
      {"seeds[1].activation is -1",
       [](auto& s) {
         s.family = ESPER_FAMILY_DEPTHWISE;
         s.rank = 0;
         s.kernel = 3;
         s.activation = -1;
       }},
      {"seeds[1].flags is 2", [](auto& s) { s.flags = 2; }},
      {"seeds[1].channel_count is 0", [](auto& s) { s.channel_count = 0; }},
      {"seeds[1].channel_begin is -1", [](auto& s) { s.channel_begin = -1; }},
      {"seeds[1] covers channels 4 to 8, the site has 8 channels", [](auto& s) { s.channel_count = 5; }},
      {"seeds[1] covers channels 2147483647 to 2147483650", [](auto& s) { s.channel_begin = INT32_MAX; }},
      {"seeds[0] (channels 0 to 3) and seeds[1] (channels 3 to 6) overlap", [](auto& s) { s.channel_begin = 3; }},
      {"seeds[1].alpha is nan", [](auto& s) { s.alpha = kNan; }},
      {"seeds[1].alpha is 1.5", [](auto& s) { s.alpha = 1.5F; }},
      {"seeds[1].alpha is -0.5", [](auto& s) { s.alpha = -0.5F; }},
      {"seeds[1].kappa is -1", [](auto& s) { s.kappa = -1.0F; }},
      {"seeds[1].kappa is inf", [](auto& s) { s.kappa = kInfinity; }},
      {"seeds[1].parameter_offset is -1", [](auto& s) { s.parameter_offset = -1; }},
      {"seeds[1].margin is nan",
       [](auto& s) {
         s.blend = ESPER_BLEND_CONFIDENCE;
         s.margin = kNan;
       }},
      {"seeds[1].confidence_lo is -0.1",
       [](auto& s) {
         s.blend = ESPER_BLEND_CONFIDENCE;
         s.confidence_lo = -0.1F;
       }},
      {"seeds[1].confidence_hi is 0.01",
       [](auto& s) {
         s.blend = ESPER_BLEND_CONFIDENCE;
         s.confidence_hi = 0.01F;
       }},
      {"seeds[1].struct_size is 76, expected 80 as in seeds[0]", [](auto& s) { s.struct_size = 76; }},
  };
  return table;
}

std::vector<esper_lattice_seed> two_seeds() {
  std::vector<esper_lattice_seed> seeds = {make_seed(0, 4, ESPER_FAMILY_BOTTLENECK, 2),
                                           make_seed(4, 4, ESPER_FAMILY_BOTTLENECK, 2)};
  seeds[1].parameter_offset = 22;
  return seeds;
}

void expect_message(const char* part) {
  EXPECT_NE(std::string(esper_last_error()).find(part), std::string::npos)
      << "\"" << esper_last_error() << "\" lacks \"" << part << "\"";
}

TEST(LatticeErrorTest, InvalidSeedsAreRefusedByName) {
  for (const BadSeed& bad : bad_seeds()) {
    std::vector<esper_lattice_seed> seeds = two_seeds();
    bad.damage(seeds[1]);
    esper_lattice* lattice = nullptr;
    EXPECT_EQ(esper_lattice_create(8, seeds.data(), 2, &lattice), ESPER_ERROR_INVALID_ARGUMENT) << bad.message;
    expect_message(bad.message);
    EXPECT_EQ(lattice, nullptr);
  }
}

TEST(LatticeErrorTest, FailedUpdateLeavesTheLatticeAsItWas) {
  Problem problem(8, ESPER_LAYOUT_NCHW, 1, 5);
  problem.seeds = two_seeds();
  problem.finish(1);
  const Lattice lattice = problem.lattice();
  const Context context = make_context(ESPER_ISA_AUTO, 1);
  const auto forward = [&] {
    std::vector<float> y(problem.x.size());
    EXPECT_EQ(esper_lattice_forward(lattice.get(), context.get(), &problem.shape, problem.theta.data(),
                                    problem.theta_count(), problem.x.data(), y.data()),
              ESPER_OK);
    return y;
  };
  const std::vector<float> before = forward();
  std::vector<esper_lattice_seed> bad = problem.seeds;
  bad[0].alpha = 0.9F;
  bad[1].alpha = 2.0F;
  EXPECT_EQ(esper_lattice_update(lattice.get(), bad.data(), 2), ESPER_ERROR_INVALID_ARGUMENT);
  EXPECT_TRUE(same_bits(before, forward()));
  bad[1].alpha = 0.3F;
  EXPECT_EQ(esper_lattice_update(lattice.get(), bad.data(), 2), ESPER_OK);
  EXPECT_FALSE(same_bits(before, forward()));
  EXPECT_EQ(esper_lattice_update(lattice.get(), nullptr, 0), ESPER_OK);
  EXPECT_TRUE(same_bits(problem.x, forward()));
}

TEST(LatticeErrorTest, LargerStructsOfLaterHeadersAreRead) {
  struct LaterSeed {
    esper_lattice_seed seed;
    int64_t field_of_a_later_version;
  };
  std::vector<LaterSeed> later;
  for (const esper_lattice_seed& seed : two_seeds()) {
    later.push_back({seed, -1});
    later.back().seed.struct_size = sizeof(LaterSeed);
  }
  esper_lattice* lattice = nullptr;
  ASSERT_EQ(esper_lattice_create(8, &later[0].seed, 2, &lattice), ESPER_OK) << esper_last_error();
  const Lattice owned(lattice);
  int32_t learning = 0;
  EXPECT_EQ(esper_lattice_query(lattice, nullptr, &learning), ESPER_OK);
  EXPECT_EQ(learning, 1);
}

TEST(LatticeErrorTest, CreateChecksItsArguments) {
  const std::vector<esper_lattice_seed> seeds = two_seeds();
  esper_lattice* lattice = nullptr;
  EXPECT_EQ(esper_lattice_create(0, nullptr, 0, &lattice), ESPER_ERROR_INVALID_ARGUMENT);
  expect_message("channels is 0");
  EXPECT_EQ(esper_lattice_create(8, nullptr, 2, &lattice), ESPER_ERROR_INVALID_ARGUMENT);
  expect_message("seeds is NULL");
  EXPECT_EQ(esper_lattice_create(8, seeds.data(), -1, &lattice), ESPER_ERROR_INVALID_ARGUMENT);
  expect_message("seed_count is -1");
  EXPECT_EQ(esper_lattice_create(8, seeds.data(), 2, nullptr), ESPER_ERROR_INVALID_ARGUMENT);
  expect_message("lattice is NULL");
  esper_lattice_seed small = seeds[0];
  small.struct_size = 72;
  EXPECT_EQ(esper_lattice_create(8, &small, 1, &lattice), ESPER_ERROR_INVALID_ARGUMENT);
  expect_message("seeds[0].struct_size is 72, expected at least 80");
  EXPECT_EQ(esper_lattice_query(nullptr, nullptr, nullptr), ESPER_ERROR_INVALID_ARGUMENT);
  expect_message("lattice is NULL");
  esper_lattice_destroy(nullptr);
}

// One valid call of each pass, of which a test damages one argument.
class CallTest : public testing::Test {
 protected:
  CallTest() : problem(8, ESPER_LAYOUT_NCHW, 2, 5) {
    problem.seeds = two_seeds();
    problem.finish(1);
    lattice = problem.lattice();
    context = make_context(ESPER_ISA_AUTO, 1);
    y.assign(problem.x.size(), 3.0F);
  }

  void expect_refused(const char* message) {
    EXPECT_EQ(esper_lattice_forward(lattice.get(), context.get(), &problem.shape, theta, theta_count, x, y.data()),
              ESPER_ERROR_INVALID_ARGUMENT);
    expect_message(message);
    EXPECT_EQ(esper_lattice_backward(lattice.get(), context.get(), &problem.shape, theta, theta_count, x,
                                     problem.dy.data(), y.data(), nullptr, nullptr, nullptr),
              ESPER_ERROR_INVALID_ARGUMENT);
    expect_message(message);
    for (const float value : y) {
      ASSERT_EQ(value, 3.0F) << "a failed call wrote its output";
    }
  }

  void SetUp() override {
    theta = problem.theta.data();
    theta_count = problem.theta_count();
    x = problem.x.data();
  }

  Problem problem;
  Lattice lattice;
  Context context;
  std::vector<float> y;
  const float* theta = nullptr;
  int64_t theta_count = 0;
  const float* x = nullptr;
};

TEST_F(CallTest, ShapesAreChecked) {
  problem.shape.layout = 2;
  expect_refused("shape.layout is 2");
  problem.shape.layout = ESPER_LAYOUT_NCHW;
  problem.shape.batch = -1;
  expect_refused("shape.batch is -1");
  problem.shape.batch = INT64_MAX / 16;
  expect_refused("exceeds the address range");
  problem.shape.batch = 2;
  problem.shape.positions = -3;
  expect_refused("shape.positions is -3");
  problem.shape.positions = INT64_MAX;
  expect_refused("exceeds the address range");
  problem.shape.positions = 5;
  problem.shape.width = -1;
  expect_refused("shape.width is -1, expected 0 or more");
  problem.shape.width = 2;
  expect_refused("shape.width is 2 and does not divide shape.positions (5); pass the columns of an image");
  problem.shape.width = 10;
  expect_refused("shape.width is 10 and does not divide shape.positions (5)");
  problem.shape.width = 0;
  problem.shape.struct_size = 8;
  expect_refused("shape.struct_size is 8");
}

TEST_F(CallTest, ThetaIsChecked) {
  theta = nullptr;
  expect_refused("theta is NULL, seeds[0] is in stage Blending and needs its parameters");
  theta = problem.theta.data();
  // The last seed ends two floats before the end of theta.
  theta_count -= 3;
  expect_refused("seeds[1] needs 22 floats from parameter_offset 27");
  theta_count = -1;
  expect_refused("theta_count is -1");
}

TEST_F(CallTest, TensorsAreChecked) {
  x = nullptr;
  expect_refused("x is NULL");
  // Behind the start of the output, inside of it.
  x = y.data() + 1;
  expect_refused("overlaps x");
}

TEST_F(CallTest, BackwardChecksItsOwnArguments) {
  const auto backward = [&](const float* dy, float* dx, esper_seed_sums* sums) {
    return esper_lattice_backward(lattice.get(), context.get(), &problem.shape, theta, theta_count, x, dy, dx, nullptr,
                                  nullptr, sums);
  };
  EXPECT_EQ(backward(nullptr, y.data(), nullptr), ESPER_ERROR_INVALID_ARGUMENT);
  expect_message("dy is NULL");
  EXPECT_EQ(backward(problem.dy.data(), problem.dy.data() + 4, nullptr), ESPER_ERROR_INVALID_ARGUMENT);
  expect_message("dx overlaps dy");
  EXPECT_EQ(backward(problem.dy.data(), problem.x.data(), nullptr), ESPER_ERROR_INVALID_ARGUMENT);
  expect_message("dx overlaps x");
  esper_seed_sums sums[2] = {};
  EXPECT_EQ(backward(problem.dy.data(), nullptr, sums), ESPER_ERROR_INVALID_ARGUMENT);
  expect_message("sums[0].struct_size is 0");
  sums[0].struct_size = sizeof sums[0];
  EXPECT_EQ(backward(problem.dy.data(), nullptr, sums), ESPER_ERROR_INVALID_ARGUMENT);
  expect_message("sums[1].struct_size is 0");
}

TEST_F(CallTest, DormantLatticesNeedNoTheta) {
  for (esper_lattice_seed& seed : problem.seeds) {
    seed.stage = ESPER_STAGE_DORMANT;
  }
  ASSERT_EQ(esper_lattice_update(lattice.get(), problem.seeds.data(), 2), ESPER_OK);
  EXPECT_EQ(esper_lattice_forward(lattice.get(), context.get(), &problem.shape, nullptr, 0, x, y.data()), ESPER_OK);
  EXPECT_TRUE(same_bits(y, problem.x));
}

TEST(SeedStoreLimitTest, TooManySeedsAreRefused) {
  esper_seed_store* store = nullptr;
  EXPECT_EQ(esper_seed_store_create(16777217, &store), ESPER_ERROR_INVALID_ARGUMENT);
  expect_message("count is 16777217, expected 1 to 16777216");
  EXPECT_EQ(store, nullptr);
}

}  // namespace
}  // namespace esper_test
