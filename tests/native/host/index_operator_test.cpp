// Gather and Scatter against loops over indices; indices count from the end where they are negative.
#include "operator_check.h"

namespace esper::host::test {
namespace {

int64_t from_front(int64_t index, int64_t extent) {
  return index < 0 ? index + extent : index;
}

TEST(GatherOperator, TakesIndicesOfAnyRankAlongAnyAxis) {
  torch::manual_seed(51);
  const Tensor data = numbers({3, 1, 5, 2});
  const Ints indices{4, -5, 0, -1, 2, 2};
  for (const int64_t axis : {2, -2}) {
    expect_operator({"Gather", {data, ints({2, 3}, indices)}, {attr("axis", axis)}},
                    made({3, 1, 2, 3, 2}, [&](const Ints& o) {
                      const int64_t index = indices[static_cast<size_t>(o[2] * 3 + o[3])];
                      return at(data, {o[0], o[1], from_front(index, 5), o[4]});
                    }));
  }
  expect_operator({"Gather", {data, ints(Ints{}, {-2})}, {attr("axis", 2)}}, made({3, 1, 2}, [&](const Ints& o) {
                    return at(data, {o[0], o[1], 3, o[2]});
                  }));
  const Tensor table = numbers({4, 2});
  expect_operator({"Gather", {table, ints(Ints{}, {-1})}}, made({2}, [&](const Ints& o) {
                    return at(table, {3, o[0]});
                  }));
  expect_operator({"Gather", {table, ints({1, 2, 1}, {-4, 3})}}, made({1, 2, 1, 2}, [&](const Ints& o) {
                    return at(table, {o[1] == 0 ? 0 : 3, o[3]});
                  }));
  const Tensor line = numbers({4});
  expect_operator({"Gather", {line, ints({2, 1, 2})}},
                  made({3}, [&](const Ints& o) { return at(line, {o[0] == 1 ? 1 : 2}); }));
}

TEST(GatherOperator, IntegersStayIntegers) {
  EXPECT_TRUE(
      same_bits(run_operator({"Gather", {ints({7, 8, 9}), ints({-1, 0})}}), torch::tensor({9, 7}, torch::kLong)));
  EXPECT_TRUE(same_bits(run_operator({"GatherElements", {ints({7, 8, 9}), ints({-1, 0})}}),
                        torch::tensor({9, 7}, torch::kLong)));
  EXPECT_TRUE(same_bits(run_operator({"GatherND", {ints({7, 8, 9}), ints({2, 1}, {-1, 0})}}),
                        torch::tensor({9, 7}, torch::kLong)));
}

TEST(GatherElementsOperator, LooksUpAlongOneAxis) {
  torch::manual_seed(52);
  const Tensor data = numbers({3, 4, 2});
  const Ints indices{3, -4, 0, 0, -1, 2};
  expect_operator({"GatherElements", {data, ints({3, 1, 2}, indices)}, {attr("axis", -2)}},
                  made({3, 1, 2}, [&](const Ints& o) {
                    return at(data, {o[0], from_front(indices[static_cast<size_t>(o[0] * 2 + o[2])], 4), o[2]});
                  }));
  // Fewer indices than data in another axis; more along their own.
  expect_operator({"GatherElements", {data, ints({2, 5, 1}, {0, 1, 2, 3, -1, 3, 3, 3, 3, 0})}, {attr("axis", 1)}},
                  made({2, 5, 1}, [&](const Ints& o) {
                    const Ints rows{0, 1, 2, 3, 3, 3, 3, 3, 3, 0};
                    return at(data, {o[0], rows[static_cast<size_t>(o[0] * 5 + o[1])], o[2]});
                  }));
}

TEST(GatherNdOperator, TakesBatchesOfPartialIndices) {
  torch::manual_seed(53);
  const Tensor data = numbers({2, 3, 4, 2});
  expect_operator({"GatherND", {data, ints({3, 2}, {0, 0, -1, 2, 1, -3})}}, made({3, 4, 2}, [&](const Ints& o) {
                    const int64_t first[] = {0, 1, 1}, second[] = {0, 2, 0};
                    return at(data, {first[o[0]], second[o[0]], o[1], o[2]});
                  }));
  const Ints picks{2, -1, 0, 0, -3, 3, 1, 1};
  expect_operator({"GatherND", {data, ints({2, 2, 2}, picks)}, {attr("batch_dims", 1)}},
                  made({2, 2, 2}, [&](const Ints& o) {
                    const auto pick = static_cast<size_t>((o[0] * 2 + o[1]) * 2);
                    return at(data, {o[0], from_front(picks[pick], 3), from_front(picks[pick + 1], 4), o[2]});
                  }));
  expect_operator({"GatherND", {data, ints({4}, {1, 2, 3, -1})}}, made({}, [&](const Ints&) {
                    return at(data, {1, 2, 3, 1});
                  }));
  const Tensor rows = numbers({2, 3, 2});
  expect_operator({"GatherND", {rows, ints({2, 3, 1}, {0, 1, 0, -1, 1, 0})}, {attr("batch_dims", 2)}},
                  made({2, 3}, [&](const Ints& o) {
                    const int64_t columns[] = {0, 1, 0, 1, 1, 0};
                    return at(rows, {o[0], o[1], columns[o[0] * 3 + o[1]]});
                  }));
}

TEST(ScatterElementsOperator, PutsAndAdds) {
  torch::manual_seed(54);
  const Tensor data = numbers({3, 4}), updates = numbers({2, 3});
  const auto scattered = [&](const Ints& indices, bool adds) {
    Tensor result = data.to(torch::kDouble).clone();
    for_each({2, 3}, [&](const Ints& o) {
      Tensor element = result[o[0]][from_front(indices[static_cast<size_t>(o[0] * 3 + o[1])], 4)];
      element.copy_((adds ? element.clone() : torch::zeros({}, torch::kDouble)) + at(updates, o));
    });
    return result;
  };
  const Ints distinct{1, -1, 0, 2, 3, -4};
  expect_operator({"ScatterElements", {data, ints({2, 3}, distinct), updates}, {attr("axis", 1)}},
                  scattered(distinct, false));
  const Ints repeated{1, -3, 1, 0, 0, -1};
  expect_operator(
      {"ScatterElements", {data, ints({2, 3}, repeated), updates}, {attr("axis", -1), attr("reduction", "add")}},
      scattered(repeated, true));
}

TEST(ScatterNdOperator, PutsAndAddsRows) {
  torch::manual_seed(55);
  const Tensor data = numbers({3, 2, 2}), updates = numbers({2, 2, 2});
  const auto scattered = [&](const Ints& indices, bool adds) {
    Tensor result = data.to(torch::kDouble).clone();
    for (int64_t i = 0; i < 2; ++i) {
      Tensor row = result[from_front(indices[static_cast<size_t>(i)], 3)];
      row.copy_((adds ? row.clone() : torch::zeros({2, 2}, torch::kDouble)) + updates[i]);
    }
    return result;
  };
  expect_operator({"ScatterND", {data, ints({2, 1}, {-1, 0}), updates}}, scattered({-1, 0}, false));
  expect_operator({"ScatterND", {data, ints({2, 1}, {1, -2}), updates}, {attr("reduction", "add")}},
                  scattered({1, -2}, true));
  const Tensor single = numbers({1});
  Tensor expected = data.to(torch::kDouble).clone();
  expected[2][0][1] = at(single, {0});
  expect_operator({"ScatterND", {data, ints({1, 3}, {-1, 0, 1}), single}}, expected);
}

TEST(IndexOperators, RefuseIndicesOutOfRange) {
  const Tensor x = numbers({3, 4});
  expect_parts(operator_error({"Gather", {x, ints({0, 3})}}), {"Gather", "index 3 at position 1", "[-3, 3)"});
  expect_parts(operator_error({"Gather", {x, ints({-5})}, {attr("axis", 1)}}), {"index -5", "[-4, 4)"});
  expect_parts(operator_error({"GatherElements", {x, ints({1, 1}, {3})}}), {"GatherElements", "index 3", "[-3, 3)"});
  expect_parts(operator_error({"GatherND", {x, ints({1, 2}, {0, 4})}}), {"GatherND", "index 4", "[-4, 4)"});
  expect_parts(operator_error({"ScatterElements", {x, ints({1, 1}, {-4}), numbers({1, 1})}}), {"index -4"});
  expect_parts(operator_error({"ScatterND", {x, ints({1, 1}, {3}), numbers({1, 4})}}), {"ScatterND", "index 3"});
}

TEST(IndexOperators, RefuseShapesThatDoNotFit) {
  const Tensor x = numbers({3, 4});
  expect_parts(operator_error({"Gather", {x, numbers({2})}}), {"Gather", "int64"});
  expect_parts(operator_error({"GatherElements", {x, ints({4, 1}, {0, 0, 0, 0})}, {attr("axis", 1)}}),
               {"GatherElements", "[4, 1]", "[3, 4]"});
  expect_parts(operator_error({"GatherElements", {x, ints({0})}}), {"GatherElements", "[1]"});
  expect_parts(operator_error({"GatherND", {x, ints({1, 3}, {0, 0, 0})}}), {"GatherND", "[1, 3]", "[3, 4]"});
  expect_parts(operator_error({"GatherND", {x, ints({2, 1}, {0, 0})}, {attr("batch_dims", 1)}}), {"batch axis 0"});
  expect_parts(operator_error({"ScatterElements", {x, ints({1, 1}, {0}), numbers({1, 2})}}), {"updates", "[1, 2]"});
  expect_parts(operator_error({"ScatterND", {x, ints({1, 1}, {0}), numbers({1, 3})}}), {"[1, 3]", "expected [1, 4]"});
  expect_parts(operator_error({"ScatterND", {x, ints({1, 1}, {0}), numbers({1, 4})}, {attr("reduction", "max")}}),
               {"ScatterND", "'max'", "none and add"});
}

}  // namespace
}  // namespace esper::host::test
