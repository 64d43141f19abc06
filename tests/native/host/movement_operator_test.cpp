// Operators that pad, repeat, cut and join, and products over named axes, against loops over indices.
#include "operator_check.h"

namespace esper::host::test {
namespace {

TEST(PadOperator, AddsAConstantAndCrops) {
  torch::manual_seed(31);
  const Tensor x = numbers({2, 3, 4});
  const auto padded = [&](const Ints& begin, const Ints& shape, double value) {
    return made(shape, [&](const Ints& o) {
      Ints index = o;
      bool inside = true;
      for (size_t i = 0; i < o.size(); ++i) {
        index[i] -= begin[i];
        inside = inside && index[i] >= 0 && index[i] < x.size(static_cast<int64_t>(i));
      }
      return inside ? at(x, index) : value;
    });
  };
  expect_operator({"Pad", {x, ints({0, 1, 2, 0, 0, 3})}}, padded({0, 1, 2}, {2, 4, 9}, 0.0));
  const Operand value(torch::tensor(-1.5F), true);
  expect_operator({"Pad", {x, ints({1, -1, -2, 1, 2, 0}), value}, {attr("mode", "constant")}},
                  padded({1, -1, -2}, {4, 4, 2}, -1.5));
  expect_operator({"Pad", {x, ints({2, 0, -1, 1}), Operand::none(), ints({-1, 0})}}, padded({0, 0, 2}, {3, 3, 5}, 0.0));
}

// The index that one of Pad's other modes reads for one outside of [0, extent).
int64_t reflected(int64_t i, int64_t extent) {
  return i < 0 ? -i : (i >= extent ? 2 * (extent - 1) - i : i);
}
int64_t nearest(int64_t i, int64_t extent) {
  return std::min(std::max<int64_t>(i, 0), extent - 1);
}
int64_t wrapped(int64_t i, int64_t extent) {
  return (i + extent) % extent;
}

TEST(PadOperator, ContinuesItsInput) {
  torch::manual_seed(32);
  const Tensor x = numbers({1, 2, 4, 5});
  using Mode = int64_t (*)(int64_t, int64_t);
  const std::pair<const char*, Mode> modes[] = {{"reflect", reflected}, {"edge", nearest}, {"wrap", wrapped}};
  for (const auto& [name, place] : modes) {
    const auto expected = made({1, 2, 9, 8}, [&, rule = place](const Ints& o) {
      return at(x, {o[0], o[1], rule(o[2] - 3, 4), rule(o[3] - 1, 5)});
    });
    expect_operator({"Pad", {x, ints({0, 0, 3, 1, 0, 0, 2, 2})}, {attr("mode", name)}}, expected);
    // Cropping comes first: the last column goes, then the rest is continued in front.
    const auto cropped = made({1, 2, 4, 6}, [&, rule = place](const Ints& o) {
      return at(x, {o[0], o[1], o[2], rule(o[3] - 2, 4)});
    });
    expect_operator({"Pad", {x, ints({2, -1}), Operand::none(), ints({-1})}, {attr("mode", name)}}, cropped);
  }
  const Tensor one = numbers({2, 1});
  expect_operator({"Pad", {one, ints({0, 2, 0, 3})}, {attr("mode", "edge")}}, made({2, 6}, [&](const Ints& o) {
                    return at(one, {o[0], 0});
                  }));
}

TEST(PadOperator, RefusesWhatItCannotContinue) {
  const Tensor x = numbers({2, 3});
  const auto error = [&](const Ints& pads, const char* mode) {
    return operator_error({"Pad", {x, ints(pads)}, {attr("mode", mode)}});
  };
  expect_parts(error({0, 3, 0, 0}, "reflect"), {"Pad", "pads of 3 and 0", "extent 3"});
  expect_parts(error({0, 4, 0, 0}, "wrap"), {"Pad", "extent 3"});
  expect_parts(error({-1, 0, -1, 1}, "edge"), {"Pad", "extent 0"});
  expect_parts(error({0, -2, 0, -2}, "edge"), {"Pad", "crop more"});
  expect_parts(error({0, 1, 0}, "constant"), {"Pad", "3 pads", "[2, 3]"});
  expect_parts(error({0, 0, 0, 0}, "mirror"), {"Pad", "'mirror'", "reflect"});
}

TEST(ExpandOperator, BroadcastsBothWays) {
  torch::manual_seed(33);
  const Tensor x = numbers({3, 1, 2});
  const auto expected = made({4, 3, 5, 2}, [&](const Ints& o) { return at(x, {o[1], 0, o[3]}); });
  expect_operator({"Expand", {x, ints({4, 1, 5, 1})}}, expected);
  expect_operator({"Expand", {x, ints({1})}}, x.to(torch::kDouble));
  const Tensor scalar = numbers({});
  expect_operator({"Expand", {scalar, ints({2, 1})}}, made({2, 1}, [&](const Ints&) { return at(scalar, {}); }));
  expect_parts(operator_error({"Expand", {x, ints({2, 3})}}), {"Expand", "[3, 1, 2]", "[2, 3]"});
  expect_parts(operator_error({"Expand", {x, ints({2, 1, 1})}}), {"Expand", "does not broadcast"});
}

TEST(TileOperator, Repeats) {
  torch::manual_seed(34);
  const Tensor x = numbers({2, 1, 3});
  expect_operator({"Tile", {x, ints({1, 3, 2})}}, made({2, 3, 6}, [&](const Ints& o) {
                    return at(x, {o[0], 0, o[2] % 3});
                  }));
  expect_parts(operator_error({"Tile", {x, ints({1, 3})}}), {"Tile", "[1, 3]", "[2, 1, 3]"});
}

// A batch of 1 is a batch: which axes go is settled by what was declared.
TEST(SqueezeOperator, KeepsABatchOfOne) {
  GraphBuilder graph;
  const int32_t x = graph.input("x", {-1, 1, 3, 1});
  graph.output(graph.node("Squeeze", {x}));
  Host host(graph);
  for (const int64_t batch : {1, 2}) {
    EXPECT_EQ(host.forward({torch::zeros({batch, 1, 3, 1})})[0].sizes(), torch::IntArrayRef({batch, 3}));
  }
  GraphBuilder unknown;
  const int32_t y = unknown.node("Identity", {unknown.input("y", {1, 2})});
  unknown.output(unknown.node("Squeeze", {y}));
  try {
    const Host refused(unknown);
    FAIL() << "Squeeze guessed";
  } catch (const std::runtime_error& error) {
    expect_parts(error.what(), {"Squeeze", "declared shape", "name the axes"});
  }
}

TEST(SliceOperator, TakesAllOfABatchOfAnySize) {
  GraphBuilder graph;
  const int32_t x = graph.input("x", {-1, 2});
  const int32_t axes = graph.constant_ints("axes", {0});
  const int32_t zero = graph.constant_ints("zero", {0}), last = graph.constant_ints("last", {-1});
  const int32_t most = graph.constant_ints("most", {INT64_MAX}), least = graph.constant_ints("least", {INT64_MIN});
  graph.output(graph.node("Slice", {x, zero, most, axes}));
  graph.output(graph.node("Slice", {x, last, least, axes, last}));
  graph.output(graph.node("Slice", {x, most, least, axes, last}));
  Host host(graph);
  for (const int64_t batch : {1, 5}) {
    const Tensor value = torch::randn({batch, 2});
    const std::vector<Tensor> y = host.forward({value});
    EXPECT_TRUE(same_bits(y[0], value));
    EXPECT_TRUE(same_bits(y[1], value.flip({0})));
    EXPECT_TRUE(same_bits(y[2], value.flip({0})));
  }
}

TEST(SplitAndConcatOperators, AreEachOthersInverse) {
  torch::manual_seed(35);
  const Tensor x = numbers({2, 7, 1});
  GraphBuilder graph;
  const int32_t p = add_parameter(graph, "x", x);
  const int32_t first = graph.node("Split", {p, graph.constant_ints("sizes", {3, 0, 4})}, {attr("axis", -2)}, 3);
  graph.output(graph.node("Concat", {first + 2, first + 1, first}, {attr("axis", 1)}));
  Host host(graph);
  const Tensor expected = torch::cat({x.narrow(1, 3, 4), x.narrow(1, 0, 3)}, 1);
  EXPECT_TRUE(same_bits(host.forward({})[0], expected));
  expect_operator({"Concat", {numbers({2, 3}) * 0.0, numbers({2, 1}) * 0.0}, {attr("axis", -1)}},
                  torch::zeros({2, 4}, torch::kDouble));
}

TEST(MatMulOperator, BroadcastsAndTakesVectors) {
  torch::manual_seed(36);
  const Tensor v = numbers({3}), m = numbers({2, 3}), stack = numbers({4, 1, 3, 5}), other = numbers({2, 5, 1});
  const auto dot = [&](const auto& f) {
    double sum = 0.0;
    for (int64_t k = 0; k < 3; ++k) sum += f(k);
    return sum;
  };
  expect_operator({"MatMul", {v, v}},
                  made({}, [&](const Ints&) { return dot([&](int64_t k) { return at(v, {k}) * at(v, {k}); }); }));
  expect_operator({"MatMul", {m, v}}, made({2}, [&](const Ints& o) {
                    return dot([&](int64_t k) { return at(m, {o[0], k}) * at(v, {k}); });
                  }));
  expect_operator({"MatMul", {v, stack}}, made({4, 1, 5}, [&](const Ints& o) {
                    return dot([&](int64_t k) { return at(v, {k}) * at(stack, {o[0], 0, k, o[2]}); });
                  }));
  expect_operator({"MatMul", {stack, other}}, made({4, 2, 3, 1}, [&](const Ints& o) {
                    double sum = 0.0;
                    for (int64_t k = 0; k < 5; ++k) sum += at(stack, {o[0], 0, o[2], k}) * at(other, {o[1], k, 0});
                    return sum;
                  }));
}

TEST(GemmOperator, BroadcastsItsBias) {
  torch::manual_seed(37);
  const Tensor a = numbers({2, 3}), b = numbers({3, 4});
  for (const Ints& shape : {Ints{}, Ints{1}, Ints{4}, Ints{2, 1}, Ints{1, 4}, Ints{2, 4}}) {
    const Tensor c = numbers(shape);
    const Tensor full = c.expand({2, 4});
    expect_operator({"Gemm", {a, b, c}, {attr("alpha", 0.5), attr("beta", -2.0)}}, made({2, 4}, [&](const Ints& o) {
                      double sum = 0.0;
                      for (int64_t k = 0; k < 3; ++k) sum += at(a, {o[0], k}) * at(b, {k, o[1]});
                      return 0.5 * sum - 2.0 * at(full, o);
                    }));
  }
}

TEST(EinsumOperator, SumsOverWhatTheOutputLeavesOut) {
  torch::manual_seed(38);
  const Tensor a = numbers({2, 3, 4}), b = numbers({2, 4, 5}), square = numbers({3, 3}), v = numbers({3});
  const auto einsum = [](const char* equation, std::vector<Operand> operands) {
    return OperatorCase{"Einsum", std::move(operands), {attr("equation", equation)}};
  };
  const auto product = made({2, 3, 5}, [&](const Ints& o) {
    double sum = 0.0;
    for (int64_t k = 0; k < 4; ++k) sum += at(a, {o[0], o[1], k}) * at(b, {o[0], k, o[2]});
    return sum;
  });
  expect_operator(einsum("bij,bjk->bik", {a, b}), product);
  expect_operator(einsum("...ij, ...jK -> ...iK", {a, b}), product);
  expect_operator(einsum("bij,bjk", {a, b}), product.sum(0));
  expect_operator(einsum("ii->i", {square}), made({3}, [&](const Ints& o) { return at(square, {o[0], o[0]}); }));
  expect_operator(einsum("ii", {square}), made({}, [&](const Ints&) {
                    return at(square, {0, 0}) + at(square, {1, 1}) + at(square, {2, 2});
                  }));
  expect_operator(einsum("i,j->ji", {v, v}),
                  made({3, 3}, [&](const Ints& o) { return at(v, {o[1]}) * at(v, {o[0]}); }));
  expect_operator(einsum("bij,jk,i->k", {a, numbers({4, 2}) * 0.0 + 1.0, v}), made({2}, [&](const Ints&) {
                    double sum = 0.0;
                    for_each({2, 3, 4}, [&](const Ints& o) { sum += at(a, o) * at(v, {o[1]}); });
                    return sum;
                  }));
  expect_parts(operator_error(einsum("ij,jk->ik", {square})), {"Einsum"});
  expect_parts(operator_error(einsum("ij,jk->ik", {square, numbers({4, 2})})), {"Einsum"});
}

}  // namespace
}  // namespace esper::host::test
