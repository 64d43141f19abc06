// Lattices that neither alter their value nor learn: the host runs the very operations that it runs without them.
#include <ATen/record_function.h>

#include <algorithm>
#include <memory>
#include <mutex>

#include "wrapped_nets.h"

namespace esper::host::test {
namespace {

// The names of the operations that libtorch runs during work, those of the backward pass included, in order.
template <class Work>
std::vector<std::string> trace(const Work& work) {
  static std::mutex lock;
  static std::vector<std::string> names;
  names.clear();
  const auto record = [](const at::RecordFunction& function) -> std::unique_ptr<at::ObserverContext> {
    const std::lock_guard<std::mutex> guard(lock);
    names.emplace_back(function.name());
    return nullptr;
  };
  const auto handle = at::addGlobalCallback(
      at::RecordFunctionCallback(record).scopes({at::RecordScope::FUNCTION, at::RecordScope::BACKWARD_FUNCTION}));
  work();
  at::removeCallback(handle);
  return names;
}

int64_t occurrences(const std::vector<std::string>& names, const std::string& name) {
  return std::count(names.begin(), names.end(), name);
}

struct Net {
  const char* name;
  void (*build)(GraphBuilder&, Places&);
  std::vector<Tensor> (*batch)(int64_t);
};

const Net kImages{"Images", build_image_net, image_batch};
const Net kTokens{"Tokens", build_token_net, token_batch};

// A session over one of the nets with its lattices at `place`.
class Wrapped {
 public:
  Wrapped(const Net& net, int place, int surplus = 0) : places_(graph_, place, surplus) {
    net.build(graph_, places_);
    host_ = std::make_unique<Host>(graph_);
    host_->optimizer(ESPER_HOST_SGD, sgd_group(0.9F, true, 1e-3F));
  }
  Host* operator->() const { return host_.get(); }
  const Host& host() const { return *host_; }
  int places() const { return places_.count(); }
  int sites() const { return places_.sites(); }
  // Two seeds a site, in that stage.
  void germinate(int site, int32_t stage, float alpha = 0.0F) {
    host_->germinate(site, 0, seed_desc(stage, ESPER_FAMILY_AFFINE, 0, ESPER_BLEND_CONVEX, alpha), 5);
    host_->germinate(site, 1, seed_desc(stage, ESPER_FAMILY_LOWRANK, 1, ESPER_BLEND_CONVEX, alpha), 6);
  }
  void germinate(int32_t stage, float alpha = 0.0F) {
    for (int site = 0; site < sites(); ++site) germinate(site, stage, alpha);
  }
  void release() {
    for (int site = 0; site < sites(); ++site) {
      for (const int seed : {0, 1}) host_->release(site, seed);
    }
  }

 private:
  GraphBuilder graph_;
  Places places_;
  std::unique_ptr<Host> host_;
};

std::map<std::string, Tensor> without_arenas(const Host& host) {
  std::map<std::string, Tensor> kept;
  for (const auto& [name, value] : host.all_state()) {
    if (name.find("arena/") == std::string::npos) kept[name] = value;
  }
  return kept;
}

class Idle : public testing::TestWithParam<Net> {
 protected:
  // Every single place, and all of them together.
  static std::vector<int> wrappings() {
    std::vector<int> list{kEverywhere};
    for (int place = 0; place < Wrapped(GetParam(), kNowhere).places(); ++place) list.push_back(place);
    return list;
  }
  static std::vector<Tensor> batch(int64_t key) { return GetParam().batch(key); }

  // Loss, counts, gradients, parameters, buffers and outputs, bit for bit. The norm counts seeds that learn.
  static void expect_same_host(const Wrapped& bare, const Wrapped& wrapped, bool same_norm) {
    for (int64_t key = 0; key < 3; ++key) {
      const esper_host_step_result a = bare->train(batch(key), {0.05F, 0.0F, 0});
      const esper_host_step_result b = wrapped->train(batch(key), {0.05F, 0.0F, key == 1 ? 1 : 0});
      EXPECT_EQ(a.loss, b.loss);
      EXPECT_EQ(a.correct, b.correct);
      if (same_norm) {
        EXPECT_EQ(a.grad_norm, b.grad_norm);
      }
      EXPECT_EQ(bare->evaluate(batch(key + 10)).loss, wrapped->evaluate(batch(key + 10)).loss);
    }
    bare->gradients(batch(3));
    wrapped->gradients(batch(3));
    EXPECT_TRUE(same_bits(without_arenas(bare.host()), without_arenas(wrapped.host())));
    for (const bool training : {false, true}) {
      EXPECT_TRUE(same_bits(bare->forward(batch(4), training)[0], wrapped->forward(batch(4), training)[0]));
    }
  }

  // A step makes the optimizer state that is missing; the one behind it is traced.
  static std::vector<std::string> training(const Wrapped& wrapped) {
    const std::vector<Tensor> inputs = batch(5);
    wrapped->train(inputs);
    return trace([&] { wrapped->train(inputs); });
  }
  static std::vector<std::string> evaluation(const Wrapped& wrapped) {
    const std::vector<Tensor> inputs = batch(6);
    return trace([&] { wrapped->evaluate(inputs); });
  }
};

TEST_P(Idle, DormantRunsTheOperationsOfTheBareHost) {
  const Wrapped bare(GetParam(), kNowhere);
  const std::vector<std::string> train = training(bare), evaluate = evaluation(bare);
  ASSERT_GT(train.size(), 20U);
  for (const int place : wrappings()) {
    SCOPED_TRACE(place);
    const Wrapped wrapped(GetParam(), place);
    EXPECT_EQ(training(wrapped), train);
    EXPECT_EQ(evaluation(wrapped), evaluate);
  }
}

TEST_P(Idle, DormantChangesNoBit) {
  for (const int place : wrappings()) {
    SCOPED_TRACE(place);
    expect_same_host(Wrapped(GetParam(), kNowhere), Wrapped(GetParam(), place), true);
  }
}

// The host computes in its unfused form here: no bit depends on which one it is.
TEST_P(Idle, LearningBesideTheHostChangesNoBitAndIsIdleInEvaluation) {
  const std::vector<std::string> train = training(Wrapped(GetParam(), kNowhere));
  const std::vector<std::string> evaluate = evaluation(Wrapped(GetParam(), kNowhere));
  for (const int place : wrappings()) {
    SCOPED_TRACE(place);
    Wrapped wrapped(GetParam(), place);
    wrapped.germinate(ESPER_STAGE_TRAINING);
    const Tensor arena = wrapped->state("arena/0");
    expect_same_host(Wrapped(GetParam(), kNowhere), wrapped, false);
    EXPECT_FALSE(same_bits(wrapped->state("arena/0"), arena));
    EXPECT_NE(training(wrapped), train);
    EXPECT_EQ(evaluation(wrapped), evaluate);
  }
}

// Trains both from the same state and compares all of it.
void expect_same_session(const Wrapped& fresh, const Wrapped& old, const Net& net) {
  for (const auto& [name, value] : old->all_state()) fresh->write(name, value);
  for (int64_t key = 20; key < 23; ++key) {
    EXPECT_EQ(fresh->train(net.batch(key)).loss, old->train(net.batch(key)).loss);
    EXPECT_EQ(fresh->evaluate(net.batch(key + 10)).loss, old->evaluate(net.batch(key + 10)).loss);
  }
  EXPECT_TRUE(same_bits(fresh->all_state(), old->all_state()));
}

TEST_P(Idle, EveryChangeOfStageEndsWhereAFreshSessionIs) {
  const std::vector<std::string> bare = training(Wrapped(GetParam(), kNowhere));
  for (const int place : wrappings()) {
    SCOPED_TRACE(place);
    Wrapped old(GetParam(), place);
    for (const int32_t stage : {ESPER_STAGE_GERMINATED, ESPER_STAGE_TRAINING, ESPER_STAGE_BLENDING}) {
      SCOPED_TRACE(stage);
      old->train(batch(0));
      old.germinate(stage, 0.5F);
      old->train(batch(1));
      Wrapped fresh(GetParam(), place);
      fresh.germinate(stage, 0.5F);
      expect_same_session(fresh, old, GetParam());
      EXPECT_EQ(training(old) == bare, stage == ESPER_STAGE_GERMINATED);
      old.release();
    }
    expect_same_session(Wrapped(GetParam(), place), old, GetParam());
    EXPECT_EQ(training(old), bare);
  }
}

// More sets of acting sites than plans are kept.
TEST_P(Idle, SitesThatWakeOneAfterAnotherAndSleepAgain) {
  const std::vector<std::string> bare = training(Wrapped(GetParam(), kNowhere));
  Wrapped old(GetParam(), kEverywhere);
  ASSERT_GT(old.sites(), 6);
  for (int site = 0; site < old.sites(); ++site) {
    old.germinate(site, ESPER_STAGE_BLENDING, 0.25F);
    old->train(batch(site));
    Wrapped fresh(GetParam(), kEverywhere);
    for (int other = 0; other <= site; ++other) fresh.germinate(other, ESPER_STAGE_BLENDING, 0.25F);
    expect_same_session(fresh, old, GetParam());
  }
  old.release();
  EXPECT_EQ(training(old), bare);
}

TEST_P(Idle, AMisplacedSiteIsRefusedThoughItsLatticeIsIdle) {
  for (const int place : wrappings()) {
    SCOPED_TRACE(place);
    const Wrapped wrapped(GetParam(), place, 1);
    try {
      wrapped->evaluate(batch(0));
      ADD_FAILURE() << "a site of a wrong width was accepted";
    } catch (const std::runtime_error& error) {
      EXPECT_NE(std::string(error.what()).find("node 'Lattice_"), std::string::npos) << error.what();
      EXPECT_NE(std::string(error.what()).find("the site's value has shape"), std::string::npos) << error.what();
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Nets, Idle, testing::Values(kImages, kTokens),
                         [](const auto& net) { return std::string(net.param.name); });

TEST(IdleFusion, NormalisationTakesItsReluOverUntilTheSiteBetweenThemActs) {
  Wrapped wrapped(kImages, kNormPlace);
  const std::vector<Tensor> batch = image_batch(0);
  const auto train = [&] {
    wrapped->train(batch);  // Makes optimizer state that is missing.
    return trace([&] { wrapped->train(batch); });
  };
  const std::vector<std::string> idle = train();
  EXPECT_EQ(occurrences(idle, "aten::relu"), 0);
  EXPECT_EQ(occurrences(idle, "aten::relu_"), 2);  // Behind Add and Gemm.
  wrapped.germinate(ESPER_STAGE_TRAINING);
  const std::vector<std::string> acting = train();
  EXPECT_EQ(occurrences(acting, "aten::relu"), 1);
  EXPECT_EQ(occurrences(acting, "aten::relu_"), 2);
  wrapped.release();
  EXPECT_EQ(train(), idle);
}

// The value between normalisation and Relu does not exist while they are fused; the probe needs it all the same.
TEST(IdleFusion, ProbeSeesTheValueThatFusionSwallows) {
  const Wrapped wrapped(kImages, kNormPlace);
  wrapped->train(image_batch(0));
  ASSERT_EQ(esper_host_probe_begin(wrapped.host().get()), ESPER_OK);
  const std::vector<Tensor> batch = image_batch(1);
  for (int half = 0; half < 2; ++half) {
    ASSERT_EQ(esper_host_probe_batch(wrapped.host().get(), Inputs(batch).data(), 2, half), ESPER_OK);
    wrapped->evaluate(batch);
  }
  esper_host_seed_probe rows[2];
  int32_t count = 0;
  ASSERT_EQ(esper_host_probe_read(wrapped.host().get(), 0, rows, 2, &count), ESPER_OK);
  const Tensor value = torch::batch_norm(torch::conv2d(batch[0], wrapped->state("param/conv1"), {}, 1, 1),
                                         wrapped->state("param/norm1.gamma"), wrapped->state("param/norm1.beta"),
                                         wrapped->state("buffer/norm1.mean"), wrapped->state("buffer/norm1.variance"),
                                         false, 0.1, 1e-5, false);
  ASSERT_LT(value.min().item<double>(), -0.5);  // A Relu would show.
  for (int64_t seed = 0; seed < 2; ++seed) {
    const double expected = value.narrow(1, 3 * seed, 3).square().mean().item<double>();
    EXPECT_NEAR(rows[seed].input_square, expected, 1e-4 * expected);
    EXPECT_GT(rows[seed].square_a, 0.0);
  }
}

}  // namespace
}  // namespace esper::host::test
