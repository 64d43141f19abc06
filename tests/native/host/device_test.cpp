// What a session of the device CUDA runs instead of this library's CPU kernels, against those kernels.
#include <cmath>
#include <limits>

#include "device_fixture.h"

namespace esper::host::test {
namespace {

// Sums of a few hundred float32 products in another order.
constexpr double kTolerance = 2e-5;

struct Pair {
  explicit Pair(const GraphBuilder& graph) : cpu(graph, 2, 7, ESPER_HOST_CPU), device(graph, 2, 7, ESPER_HOST_CUDA) {}
  template <class Action>
  void both(const Action& action) {
    action(cpu);
    action(device);
  }
  Host cpu;
  Host device;
};

void expect_near(double actual, double expected, const char* what) {
  EXPECT_NEAR(actual, expected, kTolerance * std::max(1.0, std::abs(expected))) << what;
}

void expect_same_step(const esper_host_step_result& device, const esper_host_step_result& cpu) {
  expect_near(device.loss, cpu.loss, "loss");
  expect_near(device.grad_norm, cpu.grad_norm, "grad_norm");
  expect_near(device.margin, cpu.margin, "margin");
  EXPECT_EQ(device.examples, cpu.examples);
  EXPECT_EQ(device.correct, cpu.correct);
  EXPECT_EQ(device.finite, cpu.finite);
}

void expect_same_state(const Host& device, const Host& cpu) {
  const std::map<std::string, Tensor> expected = cpu.all_state();
  const std::map<std::string, Tensor> actual = device.all_state();
  ASSERT_EQ(actual.size(), expected.size());
  for (const auto& [name, value] : expected) {
    ASSERT_EQ(actual.count(name), 1U) << name;
    if (value.scalar_type() == torch::kLong) {
      EXPECT_TRUE(same_bits(actual.at(name), value)) << name;
    } else {
      EXPECT_LT(relative_error(actual.at(name), value, 1e-3), 1e-3) << name;
    }
  }
}

void expect_same_telemetry(const Host& device, const Host& cpu, int site) {
  esper_host_seed_telemetry expected[8], actual[8];
  int32_t count = 0;
  ASSERT_EQ(esper_host_seed_telemetry_read(cpu.get(), site, expected, 8, &count), ESPER_OK);
  ASSERT_EQ(esper_host_seed_telemetry_read(device.get(), site, actual, 8, &count), ESPER_OK);
  for (int32_t i = 0; i < count; ++i) {
    EXPECT_EQ(actual[i].evaluated, expected[i].evaluated) << site << "/" << i;
    expect_near(actual[i].input_rms, expected[i].input_rms, "input_rms");
    expect_near(actual[i].module_rms, expected[i].module_rms, "module_rms");
    expect_near(actual[i].upstream_rms, expected[i].upstream_rms, "upstream_rms");
    expect_near(actual[i].alignment, expected[i].alignment, "alignment");
    expect_near(actual[i].module_mean, expected[i].module_mean, "module_mean");
    expect_near(actual[i].module_variance, expected[i].module_variance, "module_variance");
    expect_near(actual[i].parameter_gradient_rms, expected[i].parameter_gradient_rms, "parameter_gradient_rms");
    expect_near(actual[i].parameter_rms, expected[i].parameter_rms, "parameter_rms");
    expect_near(actual[i].host_gradient_rms, expected[i].host_gradient_rms, "host_gradient_rms");
    expect_near(actual[i].host_parameter_rms, expected[i].host_parameter_rms, "host_parameter_rms");
  }
}

class DeviceSession : public OnFakeDevice {};

TEST_F(DeviceSession, TrainsAsOnTheCpu) {
  for (const bool adamw : {false, true}) {
    GraphBuilder graph;
    build_small_net(graph);
    Pair pair(graph);
    pair.both([&](Host& host) {
      germinate_small_net(host);
      host.optimizer(adamw ? ESPER_HOST_ADAMW : ESPER_HOST_SGD,
                     adamw ? adamw_group(0.01F) : sgd_group(0.9F, true, 1e-4F));
    });
    const Step step{adamw ? 0.01F : 0.05F, 1.0F, 1};
    for (int64_t i = 0; i < 4; ++i) {
      const std::vector<Tensor> batch = small_batch(i, i == 3 ? 3 : 6);
      expect_same_step(pair.device.train(batch, step), pair.cpu.train(batch, step));
      for (int site : {0, 1}) expect_same_telemetry(pair.device, pair.cpu, site);
    }
    expect_same_state(pair.device, pair.cpu);
    expect_same_step(pair.device.evaluate(small_batch(9)), pair.cpu.evaluate(small_batch(9)));
  }
}

// A chunk of zeros that the loss does not look at: the module was evaluated all the same.
TEST_F(DeviceSession, SumsOfZeroAreNoReasonToCallASeedIdle) {
  GraphBuilder graph;
  const int32_t y = graph.lattice(graph.input("x", {-1, 8}), 8, 2);
  const Tensor behind = torch::cat({torch::zeros({4}), torch::ones({4})});
  graph.loss(
      graph.node("ReduceSum", {graph.node("Mul", {y, add_constant(graph, "w", behind)})}, {attr("keepdims", 0)}));
  Pair pair(graph);
  pair.both([&](Host& host) {
    host.germinate(0, 0, seed_desc(ESPER_STAGE_TRAINING, ESPER_FAMILY_LOWRANK, 2), 1);
    host.germinate(0, 1, seed_desc(ESPER_STAGE_TRAINING, ESPER_FAMILY_LOWRANK, 2), 2);
    host.optimizer(ESPER_HOST_SGD, sgd_group(0.0F, false, 0.0F));
    host.train({behind.expand({5, 8})}, {0.1F, 0.0F, 1});
  });
  expect_same_telemetry(pair.device, pair.cpu, 0);
}

TEST_F(DeviceSession, FollowsTheLifecycle) {
  GraphBuilder graph;
  build_small_net(graph, 0.0);
  Pair pair(graph);
  pair.both([](Host& host) {
    germinate_small_net(host);
    host.optimizer(ESPER_HOST_ADAMW, adamw_group(0.0F));
  });
  const auto step = [&](int64_t key) {
    expect_same_step(pair.device.train(small_batch(key)), pair.cpu.train(small_batch(key)));
  };
  step(0);
  // The same shape meets tables that are older than the lattice, and then ones that are too small for it.
  pair.both([](Host& host) {
    host.update(0, 0, seed_desc(ESPER_STAGE_BLENDING, ESPER_FAMILY_BOTTLENECK, 2, ESPER_BLEND_CONVEX, 0.9F));
  });
  step(1);
  pair.both([](Host& host) {
    host.germinate(0, 1, seed_desc(ESPER_STAGE_HOLDING, ESPER_FAMILY_BOTTLENECK, 48, ESPER_BLEND_CHANNEL, 1.0F), 5);
  });
  step(2);
  pair.both([](Host& host) { host.release(0, 0); });
  step(3);
  expect_same_state(pair.device, pair.cpu);
}

TEST_F(DeviceSession, ManyShapesStayCorrect) {
  GraphBuilder graph;
  build_small_net(graph, 0.0);
  Pair pair(graph);
  pair.both(germinate_small_net);
  for (int64_t round = 0; round < 2; ++round) {
    for (int64_t size = 2; size < 14; ++size) {
      const std::vector<Tensor> batch = small_batch(size, size);
      EXPECT_LT(relative_error(pair.device.forward(batch)[0], pair.cpu.forward(batch)[0]), kTolerance);
    }
  }
}

TEST_F(DeviceSession, StateMovesBetweenDevices) {
  GraphBuilder graph;
  build_small_net(graph);
  Pair pair(graph);
  pair.both([](Host& host) {
    germinate_small_net(host);
    host.optimizer(ESPER_HOST_ADAMW, adamw_group(0.0F));
  });
  pair.cpu.train(small_batch(0));
  const std::map<std::string, Tensor> saved = pair.cpu.all_state();
  for (const auto& [name, value] : saved) pair.device.write(name, value);
  EXPECT_TRUE(same_bits(pair.device.all_state(), saved));
  expect_same_step(pair.device.train(small_batch(1)), pair.cpu.train(small_batch(1)));
}

TEST_F(DeviceSession, StepThatIsNotFiniteChangesNothing) {
  GraphBuilder graph;
  build_small_net(graph);
  Host host(graph, 2, 7, ESPER_HOST_CUDA);
  germinate_small_net(host);
  host.optimizer(ESPER_HOST_SGD, sgd_group(0.0F, false, 0.0F));
  const std::map<std::string, Tensor> before = host.all_state();
  std::vector<Tensor> batch = small_batch(0);
  batch[0][0][0][0][0] = std::numeric_limits<float>::infinity();
  EXPECT_EQ(host.train(batch).finite, 0);
  EXPECT_TRUE(same_bits(host.all_state(), before));
}

TEST_F(DeviceSession, OptimizerGivesTheCpusBits) {
  // Without a lattice and normalisation both run the same operators of libtorch up to the optimizer.
  for (const bool adamw : {false, true}) {
    GraphBuilder graph;
    torch::manual_seed(3);
    const int32_t x = graph.input("x", {-1, 19});
    const int32_t labels = graph.input("labels", {-1}, ESPER_HOST_INT64);
    const int32_t logits = graph.node(
        "Gemm", {x, add_parameter(graph, "w", torch::randn({19, 5})), add_parameter(graph, "b", torch::randn({5}))});
    graph.loss(graph.node("SoftmaxCrossEntropyLoss", {logits, labels}), logits, labels);
    Pair pair(graph);
    pair.both([&](Host& host) {
      host.optimizer(adamw ? ESPER_HOST_ADAMW : ESPER_HOST_SGD,
                     adamw ? adamw_group(0.1F) : sgd_group(0.9F, true, 0.1F));
      for (int64_t i = 0; i < 3; ++i) {
        torch::manual_seed(50 + i);
        const Tensor batch = torch::randn({8, 19});
        host.train({batch, torch::randint(5, {8}).to(torch::kLong)});
      }
    });
    EXPECT_TRUE(same_bits(pair.device.all_state(), pair.cpu.all_state()));
  }
}

TEST_F(DeviceSession, DropoutDrawsTheCpusBits) {
  GraphBuilder graph;
  // Images come channels-last out of the convolution: draws are numbered in the order of memory.
  const int32_t x =
      graph.node("Conv", {graph.input("x", {2, 1, 5, 4}), add_constant(graph, "w", torch::ones({3, 1, 1, 1}))});
  graph.output(graph.node("Dropout", {x}, {attr("ratio", 0.3)}));
  Pair pair(graph);
  for (int64_t i = 0; i < 3; ++i) {
    const Tensor ones = torch::ones({2, 1, 5, 4});
    const Tensor expected = pair.cpu.forward({ones}, true)[0];
    EXPECT_TRUE(same_bits(pair.device.forward({ones}, true)[0], expected));
    EXPECT_GT(expected.eq(0).sum().item<int64_t>(), 10);
  }
}

// Values and gradients of one operator over images or matrices.
void expect_same_operator(const std::string& op, const Tensor& x, const std::vector<Attr>& attributes,
                          const std::vector<Tensor>& more = {}) {
  GraphBuilder graph;
  torch::manual_seed(5);
  std::vector<int32_t> inputs;
  if (x.dim() == 4) {  // Through a convolution, to be channels-last.
    const Tensor identity = torch::eye(x.size(1)).reshape({x.size(1), x.size(1), 1, 1});
    inputs.push_back(graph.node("Conv", {add_parameter(graph, "x", x), add_constant(graph, "identity", identity)}));
  } else {
    inputs.push_back(add_parameter(graph, "x", x));
  }
  for (size_t i = 0; i < more.size(); ++i) {
    const std::string name = "p" + std::to_string(i);
    inputs.push_back(i < 2 ? add_parameter(graph, name, more[i]) : add_buffer(graph, name, more[i]));
  }
  const int32_t y = graph.node(op, inputs, attributes);
  const int32_t weighted = graph.node("Mul", {y, graph.node("Sigmoid", {y})});
  graph.output(y);
  graph.loss(graph.node("ReduceSum", {weighted}, {attr("keepdims", 0)}));
  Pair pair(graph);
  EXPECT_LT(relative_error(pair.device.forward({}, true)[0], pair.cpu.forward({}, true)[0]), kTolerance) << op;
  pair.both([](Host& host) { host.gradients({}); });
  for (const std::string& name : pair.cpu.state_names()) {
    EXPECT_LT(relative_error(pair.device.state(name), pair.cpu.state(name), 1e-3), 1e-4) << op << " " << name;
  }
}

TEST_F(DeviceSession, BatchNormalizationIsThatOfTheKernels) {
  for (const Tensor& x : {torch::randn({3, 7, 5, 4}) * 2.0 + 1.5, torch::randn({9, 7}) - 0.5}) {
    expect_same_operator("BatchNormalization", x, {attr("momentum", 0.7), attr("epsilon", 1e-3)},
                         {torch::randn({7}), torch::randn({7}), torch::randn({7}), torch::rand({7}) + 0.5});
  }
}

TEST_F(DeviceSession, MaxPoolIsThatOfTheKernels) {
  const auto window = [](int64_t kernel, int64_t stride, int64_t pad) {
    return std::vector<Attr>{attr("kernel_shape", std::vector<int64_t>{kernel, kernel}),
                             attr("strides", std::vector<int64_t>{stride, stride}),
                             attr("pads", std::vector<int64_t>(4, pad))};
  };
  const Tensor x = torch::randn({2, 5, 9, 8});
  expect_same_operator("MaxPool", x, window(2, 2, 0));
  expect_same_operator("MaxPool", x, window(3, 2, 1));
  expect_same_operator("MaxPool", x.round(), window(3, 1, 1));  // Ties go to the first.
}

TEST_F(DeviceSession, GatherAddsGradientsOfRepeatedIndices) {
  for (const int64_t axis : {0, 1, 2}) {
    GraphBuilder graph;
    const int32_t x = add_parameter(graph, "x", torch::randn({4, 5, 6}));
    const int32_t y = graph.node("Gather", {x, graph.input("i", {2, 3}, ESPER_HOST_INT64)}, {attr("axis", axis)});
    graph.output(y);
    graph.loss(graph.node("ReduceSum", {graph.node("Mul", {y, y})}, {attr("keepdims", 0)}));
    Pair pair(graph);
    const Tensor indices = torch::tensor({0, 3, 3, -1, 3, 1}, torch::kLong).reshape({2, 3});
    EXPECT_TRUE(same_bits(pair.device.forward({indices})[0], pair.cpu.forward({indices})[0]));
    pair.both([&](Host& host) { host.gradients({indices}); });
    EXPECT_LT(relative_error(pair.device.state("grad/x"), pair.cpu.state("grad/x")), kTolerance);
    EXPECT_ANY_THROW(pair.device.forward({indices + 9}));
  }
}

// Scores at several positions, with ties, NaN and ignored labels.
TEST_F(DeviceSession, PredictionsAreCountedAsByTheKernels) {
  for (const int64_t classes : {1, 4}) {
    GraphBuilder graph;
    const int32_t scores = graph.input("x", {-1, classes, 3});
    const int32_t labels = graph.input("labels", {-1, 3}, ESPER_HOST_INT64);
    const int32_t logits = graph.node("Identity", {scores});
    graph.loss(graph.node("SoftmaxCrossEntropyLoss", {logits, labels},
                          {attr("ignore_index", -1), attr("label_smoothing", 0.1)}),
               logits, labels);
    Pair pair(graph);
    torch::manual_seed(8);
    for (const bool undefined : {false, true}) {
      Tensor x = torch::randn({6, classes, 3}).round();
      Tensor y = torch::randint(classes, {6, 3}).to(torch::kLong);
      y[1][2] = -1;
      if (undefined) x[4][0][1] = std::nan("");
      const Inputs views({x, y});
      esper_host_step_result results[2]{};
      for (esper_host_step_result& result : results) result.struct_size = sizeof(esper_host_step_result);
      std::vector<float> losses[2] = {std::vector<float>(18), std::vector<float>(18)};
      std::vector<uint8_t> hits[2] = {std::vector<uint8_t>(18), std::vector<uint8_t>(18)};
      int side = 0;
      pair.both([&](Host& host) {
        ASSERT_EQ(esper_host_evaluate(host.get(), views.data(), 2, &results[side], losses[side].data(),
                                      hits[side].data(), 18),
                  ESPER_OK)
            << esper_host_last_error();
        ++side;
      });
      EXPECT_EQ(results[1].correct, results[0].correct);
      EXPECT_EQ(results[1].examples, 17);
      EXPECT_EQ(hits[1], hits[0]);
      EXPECT_EQ(std::isnan(results[1].margin), std::isnan(results[0].margin));
      EXPECT_EQ(std::isnan(results[1].loss), undefined);
      if (!undefined) {
        expect_same_step(results[1], results[0]);
        EXPECT_LT(relative_error(torch::tensor(losses[1]), torch::tensor(losses[0])), kTolerance);
      }
    }
  }
}

TEST_F(DeviceSession, ProbeIsThatOfTheCpu) {
  GraphBuilder graph;
  build_small_net(graph, 0.0);
  Pair pair(graph);
  pair.both([](Host& host) {
    germinate_small_net(host);
    ASSERT_EQ(esper_host_probe_begin(host.get()), ESPER_OK);
    for (int32_t half : {0, 1}) {
      const Inputs batch(small_batch(half));
      ASSERT_EQ(esper_host_probe_batch(host.get(), batch.data(), batch.count(), half), ESPER_OK);
    }
  });
  esper_host_seed_probe expected[4], actual[4];
  int32_t count = 0;
  ASSERT_EQ(esper_host_probe_read(pair.cpu.get(), 0, expected, 4, &count), ESPER_OK);
  ASSERT_EQ(esper_host_probe_read(pair.device.get(), 0, actual, 4, &count), ESPER_OK);
  for (int i = 0; i < 4; ++i) {
    expect_near(actual[i].cross, expected[i].cross, "cross");
    expect_near(actual[i].square_a, expected[i].square_a, "square_a");
    expect_near(actual[i].input_square, expected[i].input_square, "input_square");
    EXPECT_GT(expected[i].square_a, 0.0);
  }
}

// ------------------------------------------------------------------ refusals

std::string refusal() {
  GraphBuilder graph;
  build_small_net(graph);
  const esper_host_graph native = graph.graph();
  esper_host_options options{};
  options.struct_size = sizeof(options);
  options.device = ESPER_HOST_CUDA;
  esper_host_session* session = nullptr;
  EXPECT_EQ(esper_host_session_create(&native, &options, &session), ESPER_ERROR_UNSUPPORTED);
  EXPECT_EQ(session, nullptr);
  return esper_host_last_error();
}

void expect_parts(const std::string& message, std::initializer_list<const char*> parts) {
  for (const char* part : parts) EXPECT_NE(message.find(part), std::string::npos) << message << "\nlacks: " << part;
}

TEST(DeviceRefusal, NamesALibtorchWithoutCuda) {
  if (at::Context::hasCUDART()) GTEST_SKIP() << "this libtorch has CUDA";
  Environment environment;
  environment.clear("ESPER_HOST_CUDA_TENSORS");
  expect_parts(refusal(), {"options: device CUDA: libtorch ", "is built without CUDA", "the device CPU works"});
  expect_parts(esper_host_info(), {"\"cuda_built\":false", "\"cuda_available\":false"});
}

TEST_F(DeviceSession, RefusalNamesTheMissingDriver) {
  environment_.set("ESPER_CUDA_DRIVER", "/nonexistent/libcuda.so.1");
  expect_parts(refusal(), {"options: device CUDA: libesper has no usable GPU: ", "/nonexistent/libcuda.so.1",
                           "the device CPU works"});
}

}  // namespace
}  // namespace esper::host::test
