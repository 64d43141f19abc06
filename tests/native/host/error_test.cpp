// Failures name the place and the fix, and leave the session usable.
#include "small_net.h"

namespace esper::host::test {
namespace {

std::string create_error(const GraphBuilder& builder, esper_status expected = ESPER_ERROR_INVALID_ARGUMENT,
                         const esper_host_options* options = nullptr) {
  const esper_host_graph graph = builder.graph();
  esper_host_session* session = nullptr;
  EXPECT_EQ(esper_host_session_create(&graph, options, &session), expected);
  EXPECT_EQ(session, nullptr);
  return esper_host_last_error();
}

void expect_text(const std::string& message, std::initializer_list<const char*> parts) {
  for (const char* part : parts) EXPECT_NE(message.find(part), std::string::npos) << message << "\nlacks: " << part;
}

TEST(GraphErrors, UnknownOperatorListsTheSupportedOnes) {
  GraphBuilder g;
  g.node("Frobnicate", {g.input("x", {2})});
  expect_text(create_error(g), {"'Frobnicate_0'", "Frobnicate", "not supported", "Conv", "esper.Lattice"});
}

TEST(GraphErrors, UnknownAttributeListsTheSupportedOnes) {
  GraphBuilder g;
  g.node("Softmax", {g.input("x", {2, 3})}, {attr("axs", 1)});
  expect_text(create_error(g), {"'Softmax_0'", "'axs'", "supported are: axis"});
}

TEST(GraphErrors, AttributesAreChecked) {
  const auto pool = [](std::vector<Attr> attributes) {
    GraphBuilder g;
    g.node("MaxPool", {g.input("x", {1, 1, 4, 4})}, std::move(attributes));
    return create_error(g);
  };
  expect_text(pool({}), {"'kernel_shape' is missing"});
  expect_text(pool({attr("kernel_shape", 2)}), {"'kernel_shape'", "an int", "expected ints"});
  expect_text(pool({attr("kernel_shape", std::vector<int64_t>{2, 2}), attr("strides", std::vector<int64_t>{2})}),
              {"'strides'", "1 entries, expected 2"});
  expect_text(pool({attr("kernel_shape", std::vector<int64_t>{2, 2}), attr("auto_pad", "SAME")}),
              {"auto_pad", "'SAME'", "NOTSET", "SAME_UPPER"});
}

TEST(GraphErrors, InputsAreChecked) {
  {
    GraphBuilder g;
    g.node("Gemm", {g.input("x", {2, 3})});
    expect_text(create_error(g), {"'Gemm_0'", "input 1 is missing"});
  }
  {
    GraphBuilder g;
    g.node("Conv", {g.input("x", {1, 1, 4, 4}, ESPER_HOST_UINT8), add_parameter(g, "w", torch::ones({1, 1, 3, 3}))});
    expect_text(create_error(g), {"'x' is uint8", "float32"});
  }
  {
    GraphBuilder g;
    const int32_t x = g.input("x", {2});
    g.node("Add", {x, 2});  // Value 2 comes from a later node.
    g.node("Neg", {x});
    expect_text(create_error(g), {"execution order"});
  }
  {
    GraphBuilder g;
    g.input("x", {2});
    g.input("x", {2});
    expect_text(create_error(g), {"'x' is taken"});
  }
  {
    GraphBuilder g;
    g.lattice(g.input("x", {2, 4}), 4, 5);
    expect_text(create_error(g), {"'seeds' is 5", "1 to channels (4)"});
  }
  {
    GraphBuilder g;
    g.lattice(g.input("x", {2, 4}), 4, 2, ESPER_LAYOUT_NCHW, "nobody");
    expect_text(create_error(g), {"producer 'nobody' is no parameter"});
  }
}

TEST(GraphErrors, NormalisationNeedsChannels) {
  GraphBuilder g;
  std::vector<int32_t> inputs{g.input("x", {4, 0})};
  for (const char* name : {"gamma", "beta"}) inputs.push_back(add_parameter(g, name, torch::ones({0})));
  for (const char* name : {"mean", "variance"}) inputs.push_back(add_buffer(g, name, torch::ones({0})));
  g.output(g.node("BatchNormalization", inputs));
  expect_text(create_error(g), {"'gamma' must be a float32 vector with one entry a channel"});
}

TEST(GraphErrors, StructSizesAreChecked) {
  GraphBuilder g;
  g.node("Neg", {g.input("x", {2})});
  g.nodes()[0].struct_size = 8;
  expect_text(create_error(g), {"node 0", "struct_size is 8"});
  EXPECT_EQ(esper_host_session_create(nullptr, nullptr, nullptr), ESPER_ERROR_INVALID_ARGUMENT);
  EXPECT_EQ(esper_host_struct_size("esper_host_node"), static_cast<int32_t>(sizeof(esper_host_node)));
  EXPECT_EQ(esper_host_struct_size("esper_host_nothing"), -1);
  EXPECT_EQ(esper_host_struct_size(nullptr), -1);
  EXPECT_EQ(esper_host_abi_version(), static_cast<uint32_t>(ESPER_HOST_ABI_VERSION));
  esper_host_session_destroy(nullptr);
}

TEST(GraphErrors, CudaIsNeverReplaced) {
  GraphBuilder g;
  build_small_net(g);
  esper_host_options options{};
  options.struct_size = sizeof(options);
  options.device = ESPER_HOST_CUDA;
  expect_text(create_error(g, ESPER_ERROR_UNSUPPORTED, &options), {"CUDA", "CPU works"});
}

class CallErrors : public testing::Test {
 protected:
  void SetUp() override {
    build_small_net(graph_);
    host_ = std::make_unique<Host>(graph_);
  }
  std::string train_error(const std::vector<Tensor>& inputs) {
    const std::map<std::string, Tensor> before = host_->all_state();
    std::string message = "no error";
    try {
      host_->train(inputs);
    } catch (const std::runtime_error& error) {
      message = error.what();
    }
    EXPECT_TRUE(same_bits(before, host_->all_state()));
    return message;
  }
  GraphBuilder graph_;
  std::unique_ptr<Host> host_;
};

TEST_F(CallErrors, TrainingNeedsAnOptimizer) {
  expect_text(train_error(small_batch(0)), {"no optimizer is configured", "esper_host_optimizer_configure"});
}

TEST_F(CallErrors, InputsAreCheckedAgainstTheGraph) {
  host_->optimizer(ESPER_HOST_SGD, sgd_group(0.9F, false, 0.0F));
  const std::vector<Tensor> good = small_batch(0);
  expect_text(train_error({good[0]}), {"got 1 inputs", "2"});
  expect_text(train_error({good[0].to(torch::kDouble), good[1]}), {"input 'x'", "float64, expected float32"});
  expect_text(train_error({good[0][0], good[1]}), {"input 'x'", "rank 3, expected 4"});
  expect_text(train_error({good[0].narrow(3, 0, 5), good[1]}), {"[6, 2, 6, 5], expected [-1, 2, 6, 6]"});
  expect_text(train_error({good[0], good[1].narrow(0, 0, 5)}),
              {"SoftmaxCrossEntropyLoss", "labels have shape [5], expected [6]"});
  EXPECT_EQ(host_->train(good).finite, 1);
}

TEST_F(CallErrors, LabelsOutOfRangeNameTheRange) {
  host_->optimizer(ESPER_HOST_SGD, sgd_group(0.9F, false, 0.0F));
  for (const int64_t label : {4, -1}) {
    std::vector<Tensor> bad = small_batch(0);
    bad[1][3] = label;
    expect_text(train_error(bad), {"SoftmaxCrossEntropyLoss", "position 3", "outside [0, 4)", "ignore_index"});
  }
}

TEST_F(CallErrors, OptimizerSettingsAreChecked) {
  const std::vector<int32_t> groups(5, 0);
  const auto configure = [&](int32_t kind, esper_host_group group, int32_t parameters, int32_t arena) {
    EXPECT_EQ(esper_host_optimizer_configure(host_->get(), kind, &group, 1, groups.data(), parameters, arena),
              ESPER_ERROR_INVALID_ARGUMENT);
    return std::string(esper_host_last_error());
  };
  const esper_host_group good = sgd_group(0.9F, true, 0.0F);
  expect_text(configure(7, good, 5, 0), {"optimizer 7", "0 (SGD) or 1 (AdamW)"});
  expect_text(configure(0, good, 4, 0), {"parameter_count is 4", "5"});
  expect_text(configure(0, good, 5, 1), {"arena_group is 1"});
  expect_text(configure(0, sgd_group(1.5F, false, 0.0F), 5, 0), {"momentum is 1.5"});
  expect_text(configure(0, sgd_group(0.0F, true, 0.0F), 5, 0), {"nesterov needs a momentum"});
}

TEST_F(CallErrors, OutputsAndStateAreChecked) {
  int32_t dtype = 0, rank = 0;
  int64_t dims[8];
  EXPECT_EQ(esper_host_output_info(host_->get(), 0, &dtype, &rank, dims), ESPER_ERROR_INVALID_ARGUMENT);
  expect_text(esper_host_last_error(), {"esper_host_forward first"});
  host_->forward(small_batch(0));
  float data[24];
  EXPECT_EQ(esper_host_output_read(host_->get(), 0, data, 4), ESPER_ERROR_INVALID_ARGUMENT);
  expect_text(esper_host_last_error(), {"96 bytes, got 4"});
  EXPECT_EQ(esper_host_output_read(host_->get(), 0, data, 96), ESPER_OK);
  EXPECT_STREQ(esper_host_last_error(), "");
  EXPECT_EQ(esper_host_state_write(host_->get(), "momentum/conv", data, 4), ESPER_ERROR_INVALID_ARGUMENT);
  expect_text(esper_host_last_error(), {"'momentum/conv'", "esper_host_optimizer_configure"});
  EXPECT_EQ(esper_host_state_read(host_->get(), "param/bias", data, 12), ESPER_ERROR_INVALID_ARGUMENT);
  expect_text(esper_host_last_error(), {"'param/bias' has 16 bytes, got 12"});
}

TEST_F(CallErrors, AFailingNodeIsNamed) {
  GraphBuilder g;
  const int32_t a = g.input("a", {-1, 3}), b = g.input("b", {-1, 4});
  g.output(g.node("MatMul", {a, b}));
  const Host host(g);
  const Inputs views({torch::ones({2, 3}), torch::ones({2, 4})});
  EXPECT_EQ(esper_host_forward(host.get(), views.data(), 2, 0), ESPER_ERROR_INVALID_ARGUMENT);
  expect_text(esper_host_last_error(), {"node 'MatMul_0' (MatMul)"});
}

TEST(Library, DescribesItself) {
  const std::string info = esper_host_info();
  expect_text(info, {"{\"libtorch\":\"", "\"threads\":", "\"blas\":\"", "\"parallel\":\"openmp\"",
                     "\"cuda_available\":", "\"cpu_capability\":\""});
  double gflops = 0.0;
  ASSERT_EQ(esper_host_measure_matmul(&gflops), ESPER_OK);
  EXPECT_GT(gflops, 0.0);
}

}  // namespace
}  // namespace esper::host::test
