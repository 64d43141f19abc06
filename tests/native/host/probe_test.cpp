// The growth probe against a direct computation.
#include "small_net.h"

namespace esper::host::test {
namespace {

namespace F = torch;

// dL/dy x^T of a chunk, from autograd on the net written with libtorch in evaluation mode.
struct Direct {
  Tensor gradient;
  double squares = 0.0;
  Tensor x;  // [rows, C]
};

Direct direct(const Host& host, const std::vector<Tensor>& batch, bool second_site, int64_t begin, int64_t count) {
  Tensor h = F::conv2d(batch[0], host.state("param/conv"), {}, 1, 1);
  h = F::relu(F::batch_norm(h, host.state("param/gamma"), host.state("param/beta"), host.state("buffer/mean"),
                            host.state("buffer/variance"), false, 0.1, 1e-5, false));
  Tensor site = (second_site ? h.mean({2, 3}) : h).detach().requires_grad_(true);
  const Tensor pooled = second_site ? site : site.mean({2, 3});
  const Tensor loss =
      F::cross_entropy_loss(F::linear(pooled, host.state("param/fc"), host.state("param/bias")), batch[1]);
  loss.backward();
  const Tensor x = site.detach().narrow(1, begin, count).movedim(1, -1).reshape({-1, count}).to(F::kDouble);
  const Tensor dy = site.grad().narrow(1, begin, count).movedim(1, -1).reshape({-1, count}).to(F::kDouble);
  return {dy.t().mm(x), x.square().sum().item<double>(), x};
}

TEST(Probe, CrossTermMatchesADirectComputationAndChangesNothing) {
  GraphBuilder graph;
  build_small_net(graph);
  Host host(graph);
  host.optimizer(ESPER_HOST_SGD, sgd_group(0.9F, true, 1e-3F));
  for (int i = 0; i < 2; ++i) host.train(small_batch(i));
  const std::map<std::string, Tensor> before = host.all_state();
  // Batches of different sizes: examples count, not batches.
  const std::vector<std::vector<Tensor>> a{small_batch(10, 4), small_batch(11, 9)}, b{small_batch(12, 5)};
  ASSERT_EQ(esper_host_probe_begin(host.get()), ESPER_OK);
  for (const auto& batch : a) ASSERT_EQ(esper_host_probe_batch(host.get(), Inputs(batch).data(), 2, 0), ESPER_OK);
  esper_host_seed_probe rows[4];
  int32_t count = 0;
  EXPECT_EQ(esper_host_probe_read(host.get(), 0, rows, 4, &count), ESPER_ERROR_INVALID_ARGUMENT);
  EXPECT_NE(std::string(esper_host_last_error()).find("half 1 has no batch"), std::string::npos);
  for (const auto& batch : b) ASSERT_EQ(esper_host_probe_batch(host.get(), Inputs(batch).data(), 2, 1), ESPER_OK);
  EXPECT_TRUE(same_bits(before, host.all_state()));
  for (int site = 0; site < 2; ++site) {
    ASSERT_EQ(esper_host_probe_read(host.get(), site, rows, 4, &count), ESPER_OK);
    ASSERT_EQ(count, site == 0 ? 4 : 2);
    const int64_t width = 8 / count;
    for (int64_t s = 0; s < count; ++s) {
      const Direct a0 = direct(host, a[0], site == 1, s * width, width);
      const Direct a1 = direct(host, a[1], site == 1, s * width, width);
      const Direct b0 = direct(host, b[0], site == 1, s * width, width);
      const Tensor ga = (a0.gradient * 4 + a1.gradient * 9) / 13;
      const double cross = (ga * b0.gradient).sum().item<double>();
      const double scale = std::sqrt(ga.square().sum().item<double>() * b0.gradient.square().sum().item<double>());
      EXPECT_NEAR(rows[s].cross, cross, 1e-4 * scale);
      EXPECT_NEAR(rows[s].square_a, ga.square().sum().item<double>(), 1e-4 * ga.square().sum().item<double>());
      EXPECT_NEAR(rows[s].square_b, b0.gradient.square().sum().item<double>(), 1e-4 * scale);
      const double elements = static_cast<double>(18 * width * (site == 0 ? 36 : 1));
      EXPECT_NEAR(rows[s].input_square, (a0.squares + a1.squares + b0.squares) / elements, 1e-5);
      const Tensor x = F::cat({a0.x, a1.x, b0.x});
      EXPECT_NEAR(rows[s].variance, x.var(0, false).mean().item<double>(), 1e-5);
      EXPECT_EQ(rows[s].dead, 0.0);
      const Tensor z = (x - x.mean(0)) / x.std(0, false);
      const Tensor correlation = z.t().mm(z).abs() / x.size(0);
      const double pairs = static_cast<double>(width * (width - 1));
      EXPECT_NEAR(rows[s].redundancy,
                  width > 1 ? (correlation.sum().item<double>() - static_cast<double>(width)) / pairs : 0.0, 1e-4);
    }
  }
}

// The site's input is read beside the lattice too; only the lattice's own consumers count.
TEST(Probe, GradientIsThatOfTheSitesConsumersAlone) {
  GraphBuilder graph;
  const int32_t x = graph.input("x", {-1, 4});
  const int32_t h = graph.node("Gemm", {x, add_parameter(graph, "w", F::eye(4))});
  const int32_t y = graph.lattice(h, 4, 1);
  const int32_t three = graph.node("Mul", {h, add_constant(graph, "three", F::full({1}, 3.0))});
  graph.loss(graph.node("ReduceSum", {graph.node("Add", {y, three})}, {attr("keepdims", 0)}));
  Host host(graph);
  const std::vector<Tensor> batch{F::ones({1, 4})};
  ASSERT_EQ(esper_host_probe_begin(host.get()), ESPER_OK);
  for (int half = 0; half < 2; ++half) {
    ASSERT_EQ(esper_host_probe_batch(host.get(), Inputs(batch).data(), 1, half), ESPER_OK);
  }
  esper_host_seed_probe row{};
  int32_t count = 0;
  ASSERT_EQ(esper_host_probe_read(host.get(), 0, &row, 1, &count), ESPER_OK);
  EXPECT_EQ(row.cross, 16.0);  // G is all ones: 4 x 4 entries.
}

// Four channels: one, its negative, one that has nothing to do with them, and a constant.
TEST(Probe, RedundancyCountsChannelsThatSayTheSame) {
  GraphBuilder graph;
  const int32_t x = graph.input("x", {-1, 4});
  const int32_t h = graph.node("Gemm", {x, add_parameter(graph, "w", F::eye(4))});
  graph.loss(graph.node("ReduceSum", {graph.lattice(h, 4, 1)}, {attr("keepdims", 0)}));
  Host host(graph);
  const std::vector<Tensor> batch{F::tensor({1.F, -1.F, 1.F, 7.F, 1.F, -1.F, -1.F, 7.F,  //
                                             -1.F, 1.F, 1.F, 7.F, -1.F, 1.F, -1.F, 7.F})
                                      .reshape({4, 4})};
  ASSERT_EQ(esper_host_probe_begin(host.get()), ESPER_OK);
  for (int half = 0; half < 2; ++half) {
    ASSERT_EQ(esper_host_probe_batch(host.get(), Inputs(batch).data(), 1, half), ESPER_OK);
  }
  esper_host_seed_probe row{};
  int32_t count = 0;
  ASSERT_EQ(esper_host_probe_read(host.get(), 0, &row, 1, &count), ESPER_OK);
  EXPECT_EQ(row.dead, 0.25);
  EXPECT_EQ(row.variance, 0.75);
  EXPECT_NEAR(row.redundancy, 2.0 / 6.0, 1e-12);
}

TEST(Probe, SaysWhenThereIsNothingToCountExamplesBy) {
  GraphBuilder graph;
  const int32_t y = graph.lattice(add_parameter(graph, "x", F::ones({2, 4})), 4, 2);
  graph.loss(graph.node("ReduceSum", {y}, {attr("keepdims", 0)}));
  Host host(graph);
  ASSERT_EQ(esper_host_probe_begin(host.get()), ESPER_OK);
  EXPECT_EQ(esper_host_probe_batch(host.get(), nullptr, 0, 0), ESPER_ERROR_INVALID_ARGUMENT);
  EXPECT_NE(std::string(esper_host_last_error()).find("batch dimension"), std::string::npos) << esper_host_last_error();
}

TEST(Probe, WorksWithActiveSeedsAndKeepsThem) {
  GraphBuilder graph;
  build_small_net(graph);
  Host host(graph);
  host.optimizer(ESPER_HOST_ADAMW, adamw_group(1e-3F));
  germinate_small_net(host);
  host.train(small_batch(0));
  const std::map<std::string, Tensor> before = host.all_state();
  ASSERT_EQ(esper_host_probe_begin(host.get()), ESPER_OK);
  for (int half = 0; half < 2; ++half) {
    ASSERT_EQ(esper_host_probe_batch(host.get(), Inputs(small_batch(half)).data(), 2, half), ESPER_OK);
  }
  EXPECT_TRUE(same_bits(before, host.all_state()));
}

}  // namespace
}  // namespace esper::host::test
