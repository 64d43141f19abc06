// Shapes, sequences, masks and conversions: integers and booleans as ONNX has them.
#include "operator_check.h"

namespace esper::host::test {
namespace {

namespace F = torch;

Tensor longs(const Ints& values) {
  return F::tensor(values, F::kLong);
}

TEST(ShapeOperator, GivesARangeOfExtents) {
  GraphBuilder graph;
  const int32_t x = graph.input("x", {-1, 5, 2});
  graph.output(graph.node("Shape", {x}));
  graph.output(graph.node("Shape", {x}, {attr("start", -2)}));
  graph.output(graph.node("Shape", {x}, {attr("start", 0), attr("end", -2)}));
  graph.output(graph.node("Shape", {x}, {attr("start", 2), attr("end", 1)}));
  graph.output(graph.node("Shape", {x}, {attr("start", -9), attr("end", 9)}));
  graph.output(graph.node("Size", {x}));
  Host host(graph);
  const std::vector<Tensor> y = host.forward({F::zeros({3, 5, 2})});
  EXPECT_TRUE(same_bits(y[0], longs({3, 5, 2})));
  EXPECT_TRUE(same_bits(y[1], longs({5, 2})));
  EXPECT_TRUE(same_bits(y[2], longs({3})));
  EXPECT_TRUE(same_bits(y[3], F::empty({0}, F::kLong)));
  EXPECT_TRUE(same_bits(y[4], longs({3, 5, 2})));
  EXPECT_TRUE(same_bits(y[5], F::tensor(30, F::kLong)));
}

// [N, 6] to [N, 2, 3] with a target that the graph puts together from its input's shape.
TEST(ShapeOperator, FeedsReshapeAndExpand) {
  GraphBuilder graph;
  const int32_t x = graph.input("x", {-1, 6});
  const int32_t shape = graph.node("Shape", {x});
  const int32_t batch = graph.node("Gather", {shape, graph.constant_ints("zero", Ints{0})}, {attr("axis", 0)});
  const int32_t half = graph.node("Div", {graph.constant_ints("six", {6}), graph.constant_ints("two", {2})});
  for (const int32_t value : {shape, batch, half}) graph.declare(value, ESPER_HOST_INT64, {1});
  const int32_t target = graph.node("Concat", {batch, graph.constant_ints("rows", {2}), half}, {attr("axis", 0)});
  graph.output(graph.node("Reshape", {x, target}));
  graph.output(
      graph.node("Expand", {add_constant(graph, "row", F::ones({1, 2})),
                            graph.node("Concat", {batch, graph.constant_ints("one", {1})}, {attr("axis", 0)})}));
  Host host(graph);
  const Tensor value = F::randn({3, 6});
  const std::vector<Tensor> y = host.forward({value});
  EXPECT_TRUE(same_bits(y[0], value.reshape({3, 2, 3})));
  EXPECT_TRUE(same_bits(y[1], F::ones({3, 2})));
}

TEST(ConstantOfShapeOperator, FillsWithItsValueAndType) {
  const OperatorCase plain{"ConstantOfShape", {ints({2, 3})}};
  EXPECT_TRUE(same_bits(run_operator(plain), F::zeros({2, 3})));
  const OperatorCase typed{"ConstantOfShape", {ints({2})}, {attr("value", -7.0), attr("dtype", ESPER_HOST_INT64)}};
  EXPECT_TRUE(same_bits(run_operator(typed), longs({-7, -7})));
  const OperatorCase mask{"ConstantOfShape", {ints(Ints{})}, {attr("value", 1.0), attr("dtype", ESPER_HOST_BOOL)}};
  EXPECT_TRUE(same_bits(run_operator(mask), F::ones({}, F::kBool)));
  expect_parts(operator_error({"ConstantOfShape", {ints({2, -1})}}), {"ConstantOfShape", "[2, -1]"});
  expect_parts(operator_error({"ConstantOfShape", {ints({2})}, {attr("dtype", 8)}}),
               {"ConstantOfShape", "'dtype'", "8"});
}

TEST(RangeOperator, StopsBeforeItsLimit) {
  const auto range = [](int64_t start, int64_t limit, int64_t delta) {
    return run_operator({"Range", {ints(Ints{}, {start}), ints(Ints{}, {limit}), ints(Ints{}, {delta})}});
  };
  EXPECT_TRUE(same_bits(range(2, 9, 3), longs({2, 5, 8})));
  EXPECT_TRUE(same_bits(range(2, 8, 3), longs({2, 5})));
  EXPECT_TRUE(same_bits(range(5, 0, -2), longs({5, 3, 1})));
  EXPECT_EQ(range(5, 0, 2).sizes(), Ints{0});
  EXPECT_EQ(range(5, 5, 1).sizes(), Ints{0});
  const auto constant = [](float value) { return Operand(F::tensor(value), true); };
  EXPECT_TRUE(same_bits(run_operator({"Range", {constant(0.5F), constant(2.0F), constant(0.5F)}}),
                        F::tensor({0.5F, 1.0F, 1.5F})));
  expect_parts(operator_error({"Range", {ints({0}), ints({1}), ints({0})}}), {"Range", "delta of 0"});
  expect_parts(operator_error({"Range", {ints({0}), constant(1.0F), ints({1})}}), {"Range", "one type"});
}

TEST(EyeLikeOperator, HasOnesOnOneDiagonal) {
  const Operand x(F::zeros({2, 3}), true);
  EXPECT_TRUE(same_bits(run_operator({"EyeLike", {x}}), F::eye(2, 3)));
  EXPECT_TRUE(same_bits(run_operator({"EyeLike", {x}, {attr("k", 1), attr("dtype", ESPER_HOST_INT64)}}),
                        F::tensor({0, 1, 0, 0, 0, 1}, F::kLong).reshape({2, 3})));
  EXPECT_TRUE(same_bits(run_operator({"EyeLike", {x}, {attr("k", -1)}}),
                        F::tensor({0.0F, 0.0F, 0.0F, 1.0F, 0.0F, 0.0F}).reshape({2, 3})));
  EXPECT_TRUE(same_bits(run_operator({"EyeLike", {x}, {attr("k", INT64_MAX)}}), F::zeros({2, 3})));
  expect_parts(operator_error({"EyeLike", {Operand(F::zeros({2}), true)}}), {"EyeLike", "[2]", "matrix"});
}

TEST(TriluOperator, KeepsOneSideOfADiagonal) {
  torch::manual_seed(41);
  const Tensor x = numbers({2, 3, 4});
  for (const int64_t k : {-3, -1, 0, 2, 9}) {
    for (const int upper : {0, 1}) {
      expect_operator({"Trilu", {x, ints(Ints{}, {k})}, {attr("upper", upper)}}, made({2, 3, 4}, [&](const Ints& o) {
                        const int64_t diagonal = o[2] - o[1];
                        return (upper != 0 ? diagonal >= k : diagonal <= k) ? at(x, o) : 0.0;
                      }));
    }
  }
  EXPECT_TRUE(same_bits(run_operator({"Trilu", {ints({2, 2}, {1, 2, 3, 4}), ints({INT64_MIN})}}),
                        longs({1, 2, 3, 4}).reshape({2, 2})));
  expect_parts(operator_error({"Trilu", {numbers({3})}}), {"Trilu", "[3]", "matrices"});
}

TEST(OneHotOperator, IsOnAtItsIndexAndOffElsewhere) {
  torch::manual_seed(42);
  const Tensor values = numbers({2});
  // -1 is the last class; 3 and -4 are none.
  const Ints classes{0, -1, 3, -4};
  const auto expected = made({3, 4}, [&](const Ints& o) {
    const bool on = o[0] == classes[static_cast<size_t>(o[1])] || o[0] - 3 == classes[static_cast<size_t>(o[1])];
    return at(values, {on ? 1 : 0});
  });
  expect_operator({"OneHot", {ints(classes), ints(Ints{}, {3}), values}, {attr("axis", 0)}}, expected);
  expect_operator({"OneHot", {ints(classes), ints({3}), values}}, expected.t());
  expect_parts(operator_error({"OneHot", {ints({1}), ints({0}), values}}), {"OneHot", "depth"});
}

TEST(CastOperators, TruncateAndTellZeros) {
  GraphBuilder graph;
  const int32_t x = add_parameter(graph, "x", F::tensor({-1.75F, -0.0F, 0.5F, 3.0F}));
  const auto cast = [&](int64_t type) { graph.output(graph.node("Cast", {x}, {attr("to", type)})); };
  for (const int64_t type : {ESPER_HOST_INT64, ESPER_HOST_BOOL, ESPER_HOST_FLOAT64}) cast(type);
  graph.output(graph.node("CastLike", {x, graph.constant_ints("like", {5, 6})}));
  Host host(graph);
  const std::vector<Tensor> y = host.forward({});
  EXPECT_TRUE(same_bits(y[0], longs({-1, 0, 0, 3})));
  EXPECT_TRUE(same_bits(y[1], F::tensor({1, 0, 1, 1}).to(F::kBool)));
  EXPECT_TRUE(same_bits(y[2], F::tensor({-1.75, -0.0, 0.5, 3.0}, F::kDouble)));
  EXPECT_TRUE(same_bits(y[3], longs({-1, 0, 0, 3})));
}

TEST(CastOperators, LetGradientsThroughBetweenRealNumbers) {
  torch::manual_seed(43);
  const Tensor x = numbers({2, 3});
  GraphBuilder graph;
  const int32_t wide = graph.node("Cast", {graph.input("like", {1})}, {attr("to", ESPER_HOST_FLOAT64)});
  const int32_t y = graph.node("CastLike", {add_parameter(graph, "x", x), wide});
  graph.loss(graph.node("ReduceSum", {graph.node("Mul", {y, y})}, {attr("keepdims", 0)}));
  Host host(graph);
  host.gradients({F::zeros({1})});
  EXPECT_TRUE(same_bits(host.state("grad/x"), x * 2.0));
}

TEST(WhereOperator, BroadcastsAllThreeInputs) {
  torch::manual_seed(44);
  GraphBuilder graph;
  const Tensor a = numbers({3, 1}), b = numbers({2, 1, 1});
  const int32_t mask = graph.input("mask", {4}, ESPER_HOST_BOOL);
  const int32_t y = graph.node("Where", {mask, add_parameter(graph, "a", a), add_parameter(graph, "b", b)});
  graph.output(y);
  graph.loss(graph.node("ReduceSum", {y}, {attr("keepdims", 0)}));
  Host host(graph);
  const Tensor choice = F::tensor({1, 0, 0, 1}).to(F::kBool);
  EXPECT_TRUE(same_bits(host.forward({choice})[0], F::where(choice, a.expand({2, 3, 4}), b.expand({2, 3, 4}))));
  host.gradients({choice});
  EXPECT_TRUE(same_bits(host.state("grad/a"), F::full({3, 1}, 4.0)));
  EXPECT_TRUE(same_bits(host.state("grad/b"), F::full({2, 1, 1}, 6.0)));
}

TEST(RefusedOperators, SayThatTheShapeDependsOnContent) {
  for (const char* op : {"NonZero", "Compress", "Unique"}) {
    expect_parts(operator_error({op, {numbers({2})}}), {op, "shape of its result depends"});
  }
}

}  // namespace
}  // namespace esper::host::test
