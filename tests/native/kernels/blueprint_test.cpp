// Chunks, parameter counts, costs and initial parameters.
#include <cmath>
#include <string>

#include "support.hpp"

namespace esper_test {
namespace {

int64_t parameters_of(const esper_lattice_seed& seed) {
  int64_t count = -1;
  EXPECT_EQ(esper_parameter_count(&seed, &count), ESPER_OK) << esper_last_error();
  return count;
}

int64_t flops_of(const esper_lattice_seed& seed) {
  int64_t flops = -1;
  EXPECT_EQ(esper_forward_flops(&seed, &flops), ESPER_OK) << esper_last_error();
  return flops;
}

TEST(BlueprintTest, ChunksTileTheChannels) {
  for (const int32_t channels : {1, 2, 7, 64, 1000}) {
    for (const int32_t seeds : {1, 2, 3, 7, 64}) {
      if (seeds > channels) {
        continue;
      }
      int32_t next = 0;
      for (int32_t i = 0; i < seeds; ++i) {
        int32_t begin = -1;
        int32_t count = -1;
        ASSERT_EQ(esper_chunk(channels, seeds, i, &begin, &count), ESPER_OK);
        EXPECT_EQ(begin, next);
        EXPECT_EQ(count, channels / seeds + (i < channels % seeds ? 1 : 0));
        next += count;
      }
      EXPECT_EQ(next, channels);
    }
  }
}

TEST(BlueprintTest, ChunkChecksItsArguments) {
  int32_t begin = 5;
  int32_t count = 5;
  EXPECT_EQ(esper_chunk(4, 5, 0, &begin, &count), ESPER_ERROR_INVALID_ARGUMENT);
  EXPECT_STREQ(esper_last_error(), "seeds is 5, expected 1 to channels (4)");
  EXPECT_EQ(esper_chunk(4, 0, 0, &begin, &count), ESPER_ERROR_INVALID_ARGUMENT);
  EXPECT_EQ(esper_chunk(4, 2, 2, &begin, &count), ESPER_ERROR_INVALID_ARGUMENT);
  EXPECT_STREQ(esper_last_error(), "index is 2, expected 0 to 1");
  EXPECT_EQ(esper_chunk(4, 2, 0, nullptr, &count), ESPER_ERROR_INVALID_ARGUMENT);
  EXPECT_STREQ(esper_last_error(), "begin is NULL");
  EXPECT_EQ(begin, 5);
  EXPECT_EQ(count, 5);
}

TEST(BlueprintTest, ParameterCountsFollowTheHeader) {
  const int32_t c = 6;
  const int32_t r = 4;
  EXPECT_EQ(parameters_of(make_seed(0, c, ESPER_FAMILY_AFFINE, r)), 12);
  EXPECT_EQ(parameters_of(make_seed(0, c, ESPER_FAMILY_LOWRANK, r)), 48);
  EXPECT_EQ(parameters_of(make_seed(0, c, ESPER_FAMILY_BOTTLENECK, r)), 58);
  EXPECT_EQ(parameters_of(make_seed(0, c, ESPER_FAMILY_GATE, r)), 58);
  EXPECT_EQ(parameters_of(make_seed(0, c, ESPER_FAMILY_DEPTHWISE, 0)), 54 + 6 + 36 + 6);
  EXPECT_EQ(parameters_of(make_seed(0, c, ESPER_FAMILY_DEPTHWISE, 0, ESPER_BLEND_GATED)), 102 + 7);
  EXPECT_EQ(parameters_of(make_seed(0, c, ESPER_FAMILY_BOTTLENECK, r, ESPER_BLEND_CHANNEL)), 64);
  EXPECT_EQ(parameters_of(make_seed(0, c, ESPER_FAMILY_BOTTLENECK, r, ESPER_BLEND_GATED)), 65);
  EXPECT_EQ(parameters_of(make_seed(0, c, ESPER_FAMILY_BOTTLENECK, r, ESPER_BLEND_CONFIDENCE)), 58);
}

TEST(BlueprintTest, FlopsCountMultiplicationsAndAdditions) {
  const int32_t c = 6;
  const int32_t r = 4;
  EXPECT_EQ(flops_of(make_seed(0, c, ESPER_FAMILY_AFFINE, r)), 12 + 12);
  EXPECT_EQ(flops_of(make_seed(0, c, ESPER_FAMILY_LOWRANK, r)), 96 + 12);
  EXPECT_EQ(flops_of(make_seed(0, c, ESPER_FAMILY_BOTTLENECK, r)), 96 + 4 + 6 + 12);
  EXPECT_EQ(flops_of(make_seed(0, c, ESPER_FAMILY_GATE, r)), 6 + 6 + 12);
  EXPECT_EQ(flops_of(make_seed(0, c, ESPER_FAMILY_DEPTHWISE, 0)), 108 + 6 + 72 + 6 + 12);
  EXPECT_EQ(flops_of(make_seed(0, c, ESPER_FAMILY_AFFINE, r, ESPER_BLEND_CHANNEL)), 24);
  EXPECT_EQ(flops_of(make_seed(0, c, ESPER_FAMILY_AFFINE, r, ESPER_BLEND_GATED)), 24 + 12 + 2);
}

TEST(BlueprintTest, InitialParametersAreDeterministicAndBounded) {
  const esper_lattice_seed seed = make_seed(0, 12, ESPER_FAMILY_BOTTLENECK, 50, ESPER_BLEND_GATED);
  const auto count = static_cast<std::size_t>(parameters_of(seed));
  std::vector<float> a(count + 2, 9.0F);
  std::vector<float> b(count, 5.0F);
  std::vector<float> other(count);
  ASSERT_EQ(esper_parameter_init(&seed, 7, a.data() + 1), ESPER_OK);
  ASSERT_EQ(esper_parameter_init(&seed, 7, b.data()), ESPER_OK);
  ASSERT_EQ(esper_parameter_init(&seed, 8, other.data()), ESPER_OK);
  EXPECT_EQ(a.front(), 9.0F);
  EXPECT_EQ(a.back(), 9.0F);
  EXPECT_TRUE(same_bits(std::vector<float>(a.begin() + 1, a.end() - 1), b));
  EXPECT_FALSE(same_bits(b, other));
  const double bound = std::sqrt(3.0 / 12.0);
  double sum = 0.0;
  double square = 0.0;
  float largest = 0.0F;
  for (std::size_t i = 0; i < 600; ++i) {
    largest = std::max(largest, std::fabs(b[i]));
    sum += static_cast<double>(b[i]);
    square += static_cast<double>(b[i]) * static_cast<double>(b[i]);
  }
  EXPECT_LE(static_cast<double>(largest), bound);
  EXPECT_GT(static_cast<double>(largest), 0.97 * bound);
  // 600 draws of variance bound^2 / 3: four standard errors.
  EXPECT_LT(std::fabs(sum / 600.0), 4.0 * bound / std::sqrt(3.0 * 600.0));
  EXPECT_NEAR(square / 600.0, bound * bound / 3.0, 0.15 * bound * bound / 3.0);
  for (std::size_t i = 600; i + 1 < count; ++i) {
    EXPECT_EQ(b[i], 0.0F) << i;
  }
  EXPECT_EQ(b[count - 1], 2.0F);  // p
}

TEST(BlueprintTest, InitialKernelsAreBoundedByTheirOwnFanIn) {
  esper_lattice_seed seed = make_seed(0, 40, ESPER_FAMILY_DEPTHWISE, 0);
  seed.kernel = 5;
  std::vector<float> p(static_cast<std::size_t>(parameters_of(seed)), 5.0F);
  ASSERT_EQ(esper_parameter_init(&seed, 7, p.data()), ESPER_OK);
  float largest = 0.0F;
  for (std::size_t i = 0; i < 40 * 25; ++i) {
    largest = std::max(largest, std::fabs(p[i]));
  }
  EXPECT_LE(static_cast<double>(largest), std::sqrt(3.0 / 25.0));
  EXPECT_GT(static_cast<double>(largest), 0.98 * std::sqrt(3.0 / 25.0));
  for (std::size_t i = 40 * 25; i < p.size(); ++i) {
    EXPECT_EQ(p[i], 0.0F) << i;
  }
}

TEST(BlueprintTest, InitialGatesHaveRandomInputsAndNoOutput) {
  const esper_lattice_seed seed = make_seed(0, 12, ESPER_FAMILY_GATE, 50);
  std::vector<float> p(static_cast<std::size_t>(parameters_of(seed)), 5.0F);
  ASSERT_EQ(esper_parameter_init(&seed, 7, p.data()), ESPER_OK);
  EXPECT_NE(p[599], 0.0F);
  for (std::size_t i = 600; i < p.size(); ++i) {
    EXPECT_EQ(p[i], 0.0F) << i;
  }
}

TEST(BlueprintTest, ChannelWeightsStartAtOne) {
  const esper_lattice_seed seed = make_seed(0, 3, ESPER_FAMILY_AFFINE, 0, ESPER_BLEND_CHANNEL);
  std::vector<float> p(9, 5.0F);
  ASSERT_EQ(esper_parameter_init(&seed, 1, p.data()), ESPER_OK);
  EXPECT_EQ(p, (std::vector<float>{0, 0, 0, 0, 0, 0, 1, 1, 1}));
}

TEST(BlueprintTest, InvalidSeedsAreNamed) {
  int64_t count = -5;
  esper_lattice_seed seed = make_seed(0, 4, ESPER_FAMILY_BOTTLENECK, 0);
  EXPECT_EQ(esper_parameter_count(&seed, &count), ESPER_ERROR_INVALID_ARGUMENT);
  EXPECT_STREQ(esper_last_error(), "seeds[0].rank is 0, expected 1 to 4096");
  EXPECT_EQ(esper_forward_flops(&seed, &count), ESPER_ERROR_INVALID_ARGUMENT);
  float unused = 5.0F;
  EXPECT_EQ(esper_parameter_init(&seed, 0, &unused), ESPER_ERROR_INVALID_ARGUMENT);
  EXPECT_EQ(esper_parameter_init(&seed, 0, nullptr), ESPER_ERROR_INVALID_ARGUMENT);
  EXPECT_STREQ(esper_last_error(), "parameters is NULL");
  EXPECT_EQ(esper_parameter_count(nullptr, &count), ESPER_ERROR_INVALID_ARGUMENT);
  EXPECT_STREQ(esper_last_error(), "seed is NULL");
  EXPECT_EQ(count, -5);
  EXPECT_EQ(unused, 5.0F);
}

}  // namespace
}  // namespace esper_test
