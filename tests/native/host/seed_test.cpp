// Lifecycle calls: arenas are rebuilt around the seeds that stay.
#include <limits>

#include "small_net.h"

namespace esper::host::test {
namespace {

class SeedTest : public testing::TestWithParam<int32_t> {
 protected:
  void SetUp() override {
    build_small_net(graph_);
    host_ = std::make_unique<Host>(graph_);
    host_->optimizer(GetParam(), GetParam() == ESPER_HOST_SGD ? sgd_group(0.9F, false, 1e-3F) : adamw_group(1e-3F));
    germinate_small_net(*host_);
    for (int i = 0; i < 2; ++i) host_->train(small_batch(i));
  }
  std::vector<std::string> tensors() const {
    if (GetParam() == ESPER_HOST_SGD) return {"arena/0", "momentum/arena/0"};
    return {"arena/0", "adam_m/arena/0", "adam_v/arena/0"};
  }
  GraphBuilder graph_;
  std::unique_ptr<Host> host_;
};

TEST_P(SeedTest, GerminationAndReleaseKeepTheOthersBits) {
  std::map<std::string, Tensor> first, third;
  for (const std::string& name : tensors()) {
    first[name] = seed_span(*host_, name, 0, 0);
    third[name] = seed_span(*host_, name, 0, 2);
  }
  host_->germinate(0, 1, seed_desc(ESPER_STAGE_TRAINING, ESPER_FAMILY_LOWRANK, 2), 9);
  for (const std::string& name : tensors()) {
    EXPECT_TRUE(same_bits(seed_span(*host_, name, 0, 0), first[name])) << name;
    EXPECT_TRUE(same_bits(seed_span(*host_, name, 0, 2), third[name])) << name;
    if (name != "arena/0") {
      EXPECT_EQ(seed_span(*host_, name, 0, 1).abs().sum().item<double>(), 0.0) << name;
    }
  }
  host_->train(small_batch(5));
  if (GetParam() == ESPER_HOST_ADAMW) {
    EXPECT_TRUE(same_bits(host_->state("adam_step/arena/0"), torch::tensor({3, 1, 3, 0}).to(torch::kLong)));
  }
  for (const std::string& name : tensors()) third[name] = seed_span(*host_, name, 0, 2);
  host_->release(0, 0);
  host_->release(0, 1);
  for (const std::string& name : tensors()) {
    EXPECT_TRUE(same_bits(host_->state(name), third[name])) << name << ": only seed 2 is left";
  }
  host_->release(0, 2);
  EXPECT_EQ(host_->state("arena/0").numel(), 0);
  EXPECT_EQ(host_->train(small_batch(6)).finite, 1);
}

TEST_P(SeedTest, UpdateMovesNoParameter) {
  const Tensor before = host_->state("arena/0");
  host_->update(0, 0, seed_desc(ESPER_STAGE_FOSSILIZED, ESPER_FAMILY_BOTTLENECK, 2, ESPER_BLEND_CONVEX, 1.0F));
  EXPECT_TRUE(same_bits(host_->state("arena/0"), before));
  esper_lattice_seed desc{};
  desc.struct_size = sizeof(desc);
  int32_t has_module = 0;
  ASSERT_EQ(esper_host_seed_read(host_->get(), 0, 0, &desc, &has_module), ESPER_OK);
  EXPECT_EQ(desc.stage, ESPER_STAGE_FOSSILIZED);
  EXPECT_EQ(desc.alpha, 1.0F);
  EXPECT_EQ(desc.channel_count, 2);
}

TEST_P(SeedTest, SeedsLearnAtTheirOwnRate) {
  esper_lattice_seed desc = seed_desc(ESPER_STAGE_TRAINING, ESPER_FAMILY_AFFINE, 0);
  desc.learning_rate_scale = 0.0F;
  host_->update(0, 2, desc);
  const Tensor still = seed_span(*host_, "arena/0", 0, 2);
  const Tensor moving = seed_span(*host_, "arena/0", 0, 0);
  host_->train(small_batch(7));
  EXPECT_TRUE(same_bits(seed_span(*host_, "arena/0", 0, 2), still));
  EXPECT_FALSE(same_bits(seed_span(*host_, "arena/0", 0, 0), moving));
}

INSTANTIATE_TEST_SUITE_P(Optimizers, SeedTest, testing::Values(ESPER_HOST_SGD, ESPER_HOST_ADAMW));

TEST(SeedErrors, NameTheSeedAndTheFix) {
  GraphBuilder graph;
  build_small_net(graph);
  Host host(graph);
  germinate_small_net(host);
  const auto message = [&](auto call) {
    try {
      call();
    } catch (const std::runtime_error& error) {
      return std::string(error.what());
    }
    return std::string("no error");
  };
  const esper_lattice_seed affine = seed_desc(ESPER_STAGE_TRAINING, ESPER_FAMILY_AFFINE, 0);
  EXPECT_NE(message([&] { host.germinate(0, 0, affine); }).find("seed 0 already has a module; release it"),
            std::string::npos);
  EXPECT_NE(message([&] { host.update(0, 0, affine); }).find("fixed at germination"), std::string::npos);
  EXPECT_NE(message([&] { host.update(0, 1, affine); }).find("seed 1 has no module; germinate"), std::string::npos);
  EXPECT_NE(message([&] { host.release(0, 4); }).find("seed 4 is outside [0, 4)"), std::string::npos);
  EXPECT_NE(message([&] { host.release(2, 0); }).find("site 2 does not exist"), std::string::npos);
  esper_lattice_seed bad = seed_desc(ESPER_STAGE_BLENDING, ESPER_FAMILY_BOTTLENECK, 2);
  bad.alpha = 1.5F;
  const std::map<std::string, Tensor> before = host.all_state();
  EXPECT_NE(message([&] { host.update(0, 0, bad); }).find("alpha"), std::string::npos);
  EXPECT_TRUE(same_bits(before, host.all_state()));
  bad = seed_desc(ESPER_STAGE_BLENDING, ESPER_FAMILY_BOTTLENECK, 2);
  for (const float scale : {-1.0F, std::numeric_limits<float>::quiet_NaN(), std::numeric_limits<float>::infinity()}) {
    bad.learning_rate_scale = scale;
    EXPECT_NE(message([&] { host.update(0, 0, bad); }).find("seed 0: learning_rate_scale is"), std::string::npos);
  }
  EXPECT_TRUE(same_bits(before, host.all_state()));
  const float parameters[3] = {};
  EXPECT_EQ(esper_host_seed_germinate(host.get(), 0, 1, &affine, parameters, 3), ESPER_ERROR_INVALID_ARGUMENT);
  EXPECT_NE(std::string(esper_host_last_error()).find("needs 4 parameters, got 3"), std::string::npos);
}

TEST(Telemetry, MatchesTheValuesComputedByHand) {
  GraphBuilder graph;
  build_small_net(graph, 0.0);
  Host host(graph);
  host.optimizer(ESPER_HOST_SGD, sgd_group(0.0F, false, 0.0F));
  host.germinate(0, 1, seed_desc(ESPER_STAGE_TRAINING, ESPER_FAMILY_AFFINE, 0), 2);
  host.germinate(1, 0, seed_desc(ESPER_STAGE_GERMINATED, ESPER_FAMILY_AFFINE, 0), 2);
  esper_host_seed_telemetry rows[4];
  int32_t count = 0;
  EXPECT_EQ(esper_host_seed_telemetry_read(host.get(), 0, rows, 4, &count), ESPER_ERROR_INVALID_ARGUMENT);
  host.gradients(small_batch(0));
  const Tensor conv = host.state("param/conv"), dconv = host.state("grad/conv"), darena = host.state("grad/arena/0");
  const Tensor arena = host.state("arena/0");
  host.write("buffer/mean", torch::zeros({8}));
  host.train(small_batch(0), {0.1F, 0.0F, 1});
  ASSERT_EQ(esper_host_seed_telemetry_read(host.get(), 0, rows, 4, &count), ESPER_OK);
  ASSERT_EQ(count, 4);
  const auto rms = [](const Tensor& t) { return std::sqrt(t.to(torch::kDouble).square().mean().item<double>()); };
  EXPECT_EQ(rows[0].evaluated, 0);
  EXPECT_EQ(rows[0].host_parameter_rms, 0.0);
  EXPECT_EQ(rows[1].evaluated, 1);
  EXPECT_NEAR(rows[1].parameter_rms, rms(arena), 1e-7);
  EXPECT_NEAR(rows[1].parameter_gradient_rms, rms(darena), 1e-7);
  EXPECT_NEAR(rows[1].host_parameter_rms, rms(conv.narrow(0, 2, 2)), 1e-7);
  EXPECT_NEAR(rows[1].host_gradient_rms, rms(dconv.narrow(0, 2, 2)), 1e-7);
  EXPECT_GT(rows[1].input_rms, 0.0);
  EXPECT_GT(rows[1].module_rms, 0.0);
  EXPECT_GT(rows[1].upstream_rms, 0.0);
  EXPECT_LE(std::abs(rows[1].alignment), 1.0);
  EXPECT_NEAR(rows[1].module_variance + rows[1].module_mean * rows[1].module_mean,
              rows[1].module_rms * rows[1].module_rms, 1e-9);
  EXPECT_EQ(rows[1].dead_fraction, -1.0);
  ASSERT_EQ(esper_host_seed_telemetry_read(host.get(), 1, rows, 4, &count), ESPER_OK);
  EXPECT_EQ(count, 2);
  EXPECT_EQ(rows[0].evaluated, 0);
}

// W1 = 0 and W2 = 0, so that the hidden units are relu(b1), two of them dead, and g(x) is b2 = (0.25, 0.75).
TEST(Telemetry, CountsDeadUnitsAndTheModulesMoments) {
  GraphBuilder graph;
  build_small_net(graph, 0.0);
  Host host(graph);
  host.optimizer(ESPER_HOST_SGD, sgd_group(0.0F, false, 0.0F));
  esper_lattice_seed desc = seed_desc(ESPER_STAGE_TRAINING, ESPER_FAMILY_BOTTLENECK, 4);
  desc.activation = ESPER_ACTIVATION_RELU;
  host.germinate(0, 1, desc, 2);
  Tensor arena = torch::zeros({22});
  arena.narrow(0, 8, 4).copy_(torch::tensor({-1.0F, -2.0F, 1.0F, 2.0F}));
  arena.narrow(0, 20, 2).copy_(torch::tensor({0.25F, 0.75F}));
  host.write("arena/0", arena);
  host.train(small_batch(0), {0.1F, 0.0F, 1});
  esper_host_seed_telemetry rows[4];
  int32_t count = 0;
  ASSERT_EQ(esper_host_seed_telemetry_read(host.get(), 0, rows, 4, &count), ESPER_OK);
  EXPECT_EQ(rows[1].dead_fraction, 0.5);
  EXPECT_NEAR(rows[1].module_mean, 0.5, 1e-6);
  EXPECT_NEAR(rows[1].module_variance, 0.0625, 1e-6);
  EXPECT_EQ(rows[0].dead_fraction, 0.0);
}

}  // namespace
}  // namespace esper::host::test
