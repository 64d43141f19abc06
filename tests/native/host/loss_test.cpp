// Losses over scores and labels: weights, ignored labels, reductions and log-probabilities.
#include "formula_case.h"

namespace esper::host::test {
namespace {

namespace F = torch;
using Values = std::vector<Tensor>;

struct LossShape {
  const char* name;
  std::vector<int64_t> scores;
  std::vector<int64_t> labels;
};

// Sums over positions one by one, as ONNX defines the losses. weight may be undefined.
Tensor negative_log_likelihood(const Tensor& scores, const Tensor& labels, const Tensor& weight,
                               const std::string& reduction, int64_t ignored) {
  const Tensor rows = scores.movedim(1, -1).reshape({-1, scores.size(1)}), flat = labels.reshape({-1});
  Tensor losses = F::zeros({flat.numel()}, F::kDouble);
  double total = 0.0;
  for (int64_t i = 0; i < flat.numel(); ++i) {
    const auto label = flat[i].item<int64_t>();
    if (label == ignored) continue;
    const double each = weight.defined() ? weight[label].item<double>() : 1.0;
    total += each;
    losses[i] = -each * rows[i][label];
  }
  if (reduction == "none") return losses.reshape(labels.sizes());
  return reduction == "sum" ? losses.sum() : losses.sum() / total;
}

std::vector<FormulaCase> cases() {
  F::manual_seed(51);
  const std::vector<LossShape> shapes = {{"Rows", {4, 5}, {4}},
                                         {"Positions", {2, 3, 4}, {2, 4}},
                                         {"Image", {2, 3, 2, 2}, {2, 2, 2}},
                                         {"One", {1, 2}, {1}}};
  std::vector<FormulaCase> all;
  for (const LossShape& shape : shapes) {
    const int64_t classes = shape.scores[1];
    Tensor labels = F::randint(0, classes, shape.labels, F::kLong);
    if (labels.numel() > 1) labels.view({-1})[1] = 1;  // Ignored below, the others not all.
    labels.view({-1})[0] = 0;
    for (const std::string reduction : {"mean", "sum", "none"}) {
      for (const bool weighted : {false, true}) {
        const Tensor weight = F::rand({classes}).to(F::kDouble) + 0.5;
        std::vector<Argument> operands = {variable(draw(shape.scores)), given(labels)};
        if (weighted) operands.push_back(given(weight));
        const std::vector<Attr> attributes = {attr("reduction", reduction.c_str()), attr("ignore_index", 1)};
        const std::string name = std::string(shape.name) + reduction + (weighted ? "Weighted" : "");
        const auto formula = [=](const Tensor& scores, const Values& v) {
          return negative_log_likelihood(scores, v[1], weighted ? v[2] : Tensor(), reduction, 1);
        };
        all.push_back({"Likelihood" + name, "NegativeLogLikelihoodLoss", operands, attributes,
                       [=](const Values& v) { return formula(v[0], v); }});
        all.push_back({"CrossEntropy" + name, "SoftmaxCrossEntropyLoss", operands, attributes,
                       [=](const Values& v) { return formula(v[0] - v[0].exp().sum(1, true).log(), v); }});
      }
    }
    all.push_back({std::string("LogProbabilities") + shape.name,
                   "SoftmaxCrossEntropyLoss",
                   {variable(draw(shape.scores)), given(labels)},
                   {},
                   [](const Values& v) { return v[0] - v[0].exp().sum(1, true).log(); },
                   1});
  }
  return all;
}

INSTANTIATE_TEST_SUITE_P(Losses, FormulaTest, testing::ValuesIn(cases()), name_of);

// Loss and log-probabilities of one node add their gradients up.
TEST(Losses, BothOutputsOfCrossEntropyAreDifferentiated) {
  const Tensor x = F::tensor({0.5F, -1.0F, 2.0F}).reshape({1, 3});
  GraphBuilder graph;
  const int32_t labels = graph.input("labels", {1}, ESPER_HOST_INT64);
  const int32_t loss = graph.node("SoftmaxCrossEntropyLoss", {add_parameter(graph, "x", x), labels}, {}, 2);
  const int32_t entropy = graph.node("ReduceSum", {loss + 1}, {attr("keepdims", 0)});
  graph.loss(graph.node("Add", {loss, entropy}));
  Host host(graph);
  host.gradients({F::tensor({2}, F::kLong)});
  const Tensor leaf = x.to(F::kDouble).requires_grad_(true);
  const Tensor logs = F::log_softmax(leaf, 1);
  (logs.sum() - logs[0][2]).backward();
  EXPECT_LT(relative_error(host.state("grad/x"), leaf.grad()), 1e-6);
}

// The session counts examples by the loss's own ignored label.
TEST(Losses, AnIgnoredLabelOfALikelihoodIsNoExample) {
  GraphBuilder graph;
  const int32_t labels = graph.input("labels", {3}, ESPER_HOST_INT64);
  const int32_t scores = add_parameter(graph, "x", F::tensor({1.0F, 0.0F, 0.0F, 1.0F, 1.0F, 0.0F}).reshape({3, 2}));
  const int32_t logs = graph.node("LogSoftmax", {scores});
  graph.loss(graph.node("NegativeLogLikelihoodLoss", {logs, labels}, {attr("ignore_index", 7)}), scores, labels);
  Host host(graph);
  const esper_host_step_result result = host.evaluate({F::tensor({0, 7, 1}, F::kLong)});
  EXPECT_EQ(result.examples, 2);
  EXPECT_EQ(result.correct, 1);
}

TEST(Losses, TypesAndLabelsAreChecked) {
  const Argument scores = given(F::ones({2, 3})), labels = given(F::zeros({2}, F::kLong));
  for (const char* op : {"NegativeLogLikelihoodLoss", "SoftmaxCrossEntropyLoss"}) {
    const std::string place = std::string("node '") + op + "_0' (" + op + ")";
    expect_parts(refusal(op, {scores, given(F::zeros({2}))}),
                 {place.c_str(), "labels 'x1' are float32", "expected int64"});
    expect_parts(refusal(op, {scores, labels, given(F::ones({3}, F::kDouble))}),
                 {place.c_str(), "is float64", "float32"});
    expect_parts(refusal(op, {scores, given(F::full({2}, 3, F::kLong))}), {place.c_str(), "label 3", "[0, 3)"});
    expect_parts(refusal(op, {scores, given(F::zeros({3}, F::kLong))}), {place.c_str(), "[3]", "expected [2]"});
    expect_parts(refusal(op, {scores, labels}, {attr("reduction", "max")}),
                 {place.c_str(), "'max'", "mean, sum or none"});
  }
  GraphBuilder graph;
  const int32_t x = graph.input("x", {2, 3}), y = graph.input("y", {2}, ESPER_HOST_INT64);
  graph.loss(graph.node("NegativeLogLikelihoodLoss", {x, y, add_parameter(graph, "w", F::ones({3}))}));
  EXPECT_THROW(Host host(graph), std::runtime_error);
  expect_parts(esper_host_last_error(), {"class weights 'w' are a parameter"});
}

}  // namespace
}  // namespace esper::host::test
