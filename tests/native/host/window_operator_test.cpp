// Convolutions and poolings against sums and maxima over windows, in one to three spatial axes.
#include <cmath>

#include "operator_check.h"

namespace esper::host::test {
namespace {

// Padding in front of each spatial axis and the strides and dilations of a window.
struct Grid {
  Ints begin;
  Ints strides;
  Ints dilations;
};

// The input's index that element k of the window at output position o meets; may lie in the padding.
Ints source(const Ints& o, const Ints& k, const Grid& grid, int64_t n, int64_t c) {
  Ints index{n, c};
  for (size_t i = 0; i < k.size(); ++i) {
    index.push_back(o[i + 2] * grid.strides[i] - grid.begin[i] + k[i] * grid.dilations[i]);
  }
  return index;
}

bool inside(const Tensor& x, const Ints& index) {
  for (size_t i = 0; i < index.size(); ++i) {
    if (index[i] < 0 || index[i] >= x.size(static_cast<int64_t>(i))) return false;
  }
  return true;
}

// bias: undefined for none. spatial: extents of the result.
Tensor convolved(const Tensor& x, const Tensor& w, const Tensor& bias, const Grid& grid, int64_t group,
                 const Ints& spatial) {
  Ints shape{x.size(0), w.size(0)};
  shape.insert(shape.end(), spatial.begin(), spatial.end());
  const Ints kernel(w.sizes().begin() + 2, w.sizes().end());
  return made(shape, [&](const Ints& o) {
    double sum = bias.defined() ? at(bias, {o[1]}) : 0.0;
    const int64_t first = o[1] / (w.size(0) / group) * w.size(1);
    for (int64_t c = 0; c < w.size(1); ++c) {
      for_each(kernel, [&](const Ints& k) {
        const Ints index = source(o, k, grid, o[0], first + c);
        Ints weight{o[1], c};
        weight.insert(weight.end(), k.begin(), k.end());
        if (inside(x, index)) sum += at(x, index) * at(w, weight);
      });
    }
    return sum;
  });
}

TEST(ConvOperator, PadsByItselfAndAsymmetrically) {
  torch::manual_seed(21);
  const Tensor x = numbers({2, 4, 5, 6}), w = numbers({4, 2, 3, 2}), bias = numbers({4});
  // SAME makes ceil(5 / 2) = 3 and ceil(6 / 1) = 6 windows: one more row on each side, one column on one.
  const std::vector<Attr> same{attr("strides", Ints{2, 1}), attr("group", 2)};
  const auto with = [&](const char* mode) {
    std::vector<Attr> all = same;
    all.push_back(attr("auto_pad", mode));
    return OperatorCase{"Conv", {x, w, bias}, all};
  };
  expect_operator(with("SAME_UPPER"), convolved(x, w, bias, {{1, 0}, {2, 1}, {1, 1}}, 2, {3, 6}));
  expect_operator(with("SAME_LOWER"), convolved(x, w, bias, {{1, 1}, {2, 1}, {1, 1}}, 2, {3, 6}));
  expect_operator({"Conv", {x, w}, {attr("pads", Ints{0, 2, 3, 1}), attr("group", 2), attr("dilations", Ints{1, 3})}},
                  convolved(x, w, {}, {{0, 2}, {1, 1}, {1, 3}}, 2, {6, 6}));
}

TEST(ConvOperator, TakesOneToThreeSpatialAxes) {
  torch::manual_seed(22);
  const Tensor line = numbers({2, 3, 7}), line_w = numbers({2, 3, 3});
  expect_operator({"Conv", {line, line_w}, {attr("auto_pad", "SAME_LOWER"), attr("strides", Ints{2})}},
                  convolved(line, line_w, {}, {{1}, {2}, {1}}, 1, {4}));
  const Tensor one = numbers({1, 1, 1}), one_w = numbers({1, 1, 1});
  expect_operator({"Conv", {one, one_w}, {attr("auto_pad", "VALID")}},
                  convolved(one, one_w, {}, {{0}, {1}, {1}}, 1, {1}));
  const Tensor box = numbers({1, 2, 3, 4, 2}), box_w = numbers({2, 2, 2, 3, 1});
  expect_operator({"Conv", {box, box_w}, {attr("pads", Ints{0, 1, 0, 1, 1, 0}), attr("strides", Ints{1, 2, 1})}},
                  convolved(box, box_w, {}, {{0, 1, 0}, {1, 2, 1}, {1, 1, 1}}, 1, {3, 2, 2}));
}

// Every input element is spread over its window of the output; begin is cut off in front.
Tensor spread(const Tensor& x, const Tensor& w, const Tensor& bias, const Grid& grid, int64_t group,
              const Ints& spatial) {
  const int64_t outputs = w.size(1) * group;
  Ints shape{x.size(0), outputs};
  shape.insert(shape.end(), spatial.begin(), spatial.end());
  Tensor y = made(shape, [&](const Ints& o) { return bias.defined() ? at(bias, {o[1]}) : 0.0; });
  const Ints kernel(w.sizes().begin() + 2, w.sizes().end());
  for_each(x.sizes().vec(), [&](const Ints& i) {
    for (int64_t m = 0; m < w.size(1); ++m) {
      const int64_t channel = i[1] / (x.size(1) / group) * w.size(1) + m;
      for_each(kernel, [&](const Ints& k) {
        const Ints target = source(i, k, grid, i[0], channel);
        Ints weight{i[1], m};
        weight.insert(weight.end(), k.begin(), k.end());
        if (!inside(y, target)) return;
        Tensor element = y;
        for (int64_t place : target) element = element[place];
        element += at(x, i) * at(w, weight);
      });
    }
  });
  return y;
}

TEST(ConvTransposeOperator, SpreadsItsInput) {
  torch::manual_seed(23);
  const Tensor x = numbers({2, 4, 3, 2}), w = numbers({4, 3, 3, 2}), bias = numbers({6});
  expect_operator({"ConvTranspose", {x, w.narrow(1, 0, 1).contiguous()}, {}},
                  spread(x, w.narrow(1, 0, 1).contiguous(), {}, {{0, 0}, {1, 1}, {1, 1}}, 1, {5, 3}));
  const Grid grid{{1, 0}, {2, 3}, {2, 1}};
  // 2 * 2 + 2 * 2 + 1 + 1 - 1 - 2 = 7 rows and 3 * 1 + 1 + 1 + 2 - 0 - 1 = 6 columns.
  expect_operator({"ConvTranspose",
                   {x, w, bias},
                   {attr("group", 2), attr("strides", Ints{2, 3}), attr("dilations", Ints{2, 1}),
                    attr("output_padding", Ints{1, 2}), attr("pads", Ints{1, 0, 2, 1})}},
                  spread(x, w, bias, grid, 2, {7, 6}));
}

TEST(ConvTransposeOperator, PadsToAnOutputShape) {
  torch::manual_seed(24);
  const Tensor x = numbers({1, 2, 3}), w = numbers({2, 2, 4});
  // 2 * 2 + 4 = 8 elements, of which 3 go: 2 in front, unless SAME_UPPER is asked for; SAME keeps 2 a stride.
  const auto with = [&](std::vector<Attr> more) {
    more.push_back(attr("strides", Ints{2}));
    return OperatorCase{"ConvTranspose", {x, w}, more};
  };
  expect_operator(with({attr("output_shape", Ints{5})}), spread(x, w, {}, {{2}, {2}, {1}}, 1, {5}));
  expect_operator(with({attr("output_shape", Ints{5}), attr("auto_pad", "SAME_UPPER")}),
                  spread(x, w, {}, {{1}, {2}, {1}}, 1, {5}));
  expect_operator(with({attr("auto_pad", "SAME_LOWER")}), spread(x, w, {}, {{1}, {2}, {1}}, 1, {6}));
  expect_parts(operator_error(with({attr("output_shape", Ints{9})})), {"ConvTranspose", "extent 9", "reach 8"});
  expect_parts(operator_error(with({attr("pads", Ints{4, 4})})), {"ConvTranspose", "leave nothing"});
  const Tensor box = numbers({1, 1, 2, 1, 2}), box_w = numbers({1, 2, 2, 2, 1});
  expect_operator({"ConvTranspose", {box, box_w}, {attr("strides", Ints{1, 1, 2})}},
                  spread(box, box_w, {}, {{0, 0, 0}, {1, 1, 2}, {1, 1, 1}}, 1, {3, 2, 3}));
}

// What a pooling makes of a window: the values of its elements and the number of places that count besides.
using Reduce = std::function<double(const std::vector<double>& values, int64_t padding)>;

// end: given padding behind; places beyond it do not count as padding.
Tensor pooled(const Tensor& x, const Ints& kernel, const Grid& grid, const Ints& end, const Ints& spatial,
              const Reduce& reduce) {
  Ints shape{x.size(0), x.size(1)};
  shape.insert(shape.end(), spatial.begin(), spatial.end());
  return made(shape, [&](const Ints& o) {
    std::vector<double> values;
    int64_t padding = 0;
    for_each(kernel, [&](const Ints& k) {
      const Ints index = source(o, k, grid, o[0], o[1]);
      bool counts = true;
      for (size_t i = 0; i < kernel.size(); ++i) {
        counts =
            counts && index[i + 2] >= -grid.begin[i] && index[i + 2] < x.size(static_cast<int64_t>(i) + 2) + end[i];
      }
      if (inside(x, index)) {
        values.push_back(at(x, index));
      } else {
        padding += counts ? 1 : 0;
      }
    });
    return reduce(values, padding);
  });
}

double largest(const std::vector<double>& values, int64_t) {
  return *std::max_element(values.begin(), values.end());
}

double mean(const std::vector<double>& values, int64_t) {
  double sum = 0.0;
  for (double value : values) sum += value;
  return values.empty() ? 0.0 : sum / static_cast<double>(values.size());
}

double mean_with_padding(const std::vector<double>& values, int64_t padding) {
  return values.empty() ? 0.0
                        : mean(values, 0) * static_cast<double>(values.size()) /
                              static_cast<double>(static_cast<int64_t>(values.size()) + padding);
}

double cubic_norm(const std::vector<double>& values, int64_t) {
  double sum = 0.0;
  for (double value : values) sum += std::pow(std::abs(value), 3);
  return std::cbrt(sum);
}

// All four poolings with the same windows.
void expect_poolings(const Tensor& x, const Ints& kernel, const Grid& grid, const Ints& end, const Ints& spatial,
                     std::vector<Attr> attributes) {
  attributes.push_back(attr("kernel_shape", kernel));
  attributes.push_back(attr("strides", grid.strides));
  attributes.push_back(attr("dilations", grid.dilations));
  const auto with = [&](const char* op, const Attr& more) {
    std::vector<Attr> all = attributes;
    all.push_back(more);
    return OperatorCase{op, {x}, all};
  };
  expect_operator(with("MaxPool", attr("storage_order", 0)), pooled(x, kernel, grid, end, spatial, largest));
  expect_operator(with("AveragePool", attr("count_include_pad", 0)), pooled(x, kernel, grid, end, spatial, mean));
  expect_operator(with("AveragePool", attr("count_include_pad", 1)),
                  pooled(x, kernel, grid, end, spatial, mean_with_padding));
  expect_operator(with("LpPool", attr("p", 3)), pooled(x, kernel, grid, end, spatial, cubic_norm));
}

// Different numbers, none near 0, no two of them close: maxima and norms then have gradients.
Tensor distinct(const Ints& shape) {
  int64_t count = 1;
  for (int64_t extent : shape) count *= extent;
  return (torch::randperm(count).to(torch::kFloat) + 1.0).reshape(shape) / 32.0;
}

TEST(PoolOperators, PadAsymmetricallyAndRoundUp) {
  torch::manual_seed(25);
  const Tensor x = distinct({2, 3, 5, 7});
  expect_poolings(x, {3, 2}, {{1, 0}, {2, 2}, {1, 1}}, {2, 1}, {3, 4}, {attr("pads", Ints{1, 0, 2, 1})});
  // Rows: 5 + 1 in windows of 3, two steps of 2 and one that hangs over; columns: a fourth window would start behind.
  expect_poolings(x, {3, 2}, {{0, 1}, {2, 3}, {1, 1}}, {1, 1}, {3, 3},
                  {attr("pads", Ints{0, 1, 1, 1}), attr("ceil_mode", 1)});
  expect_poolings(x, {2, 2}, {{1, 1}, {2, 2}, {1, 1}}, {1, 1}, {3, 4},
                  {attr("pads", Ints{1, 1, 1, 1}), attr("ceil_mode", 1)});
}

TEST(PoolOperators, PadByThemselvesAndDilate) {
  torch::manual_seed(26);
  const Tensor x = distinct({1, 2, 6, 5});
  expect_poolings(x, {3, 2}, {{0, 0}, {2, 1}, {1, 1}}, {1, 1}, {3, 5}, {attr("auto_pad", "SAME_UPPER")});
  expect_poolings(x, {3, 2}, {{1, 1}, {2, 1}, {1, 1}}, {0, 0}, {3, 5}, {attr("auto_pad", "SAME_LOWER")});
  expect_poolings(x, {2, 3}, {{2, 1}, {1, 2}, {3, 2}}, {0, 2}, {5, 2}, {attr("pads", Ints{2, 1, 0, 2})});
  expect_poolings(x, {2, 2}, {{0, 0}, {3, 3}, {1, 1}}, {0, 0}, {2, 2}, {attr("auto_pad", "VALID")});
}

TEST(PoolOperators, TakeOneAndThreeSpatialAxes) {
  torch::manual_seed(27);
  expect_poolings(distinct({2, 2, 7}), {3}, {{1}, {2}, {1}}, {0}, {3}, {attr("pads", Ints{1, 0})});
  expect_poolings(distinct({1, 2, 1}), {1}, {{0}, {1}, {1}}, {0}, {1}, {});
  expect_poolings(distinct({1, 2, 3, 2, 4}), {2, 1, 3}, {{0, 0, 1}, {1, 1, 2}, {1, 1, 1}}, {1, 0, 1}, {3, 2, 2},
                  {attr("pads", Ints{0, 0, 1, 1, 0, 1})});
}

TEST(PoolOperators, DilatedWindowsMayMeetPaddingAlone) {
  torch::manual_seed(28);
  const Tensor x = distinct({1, 1, 1});
  const std::vector<Attr> window{attr("kernel_shape", Ints{2}), attr("dilations", Ints{2}), attr("pads", Ints{1, 1})};
  EXPECT_EQ(run_operator({"AveragePool", {x}, window}).item<double>(), 0.0);
}

TEST(PoolOperators, OverWholeImages) {
  torch::manual_seed(29);
  for (const Ints& shape : {Ints{2, 3, 5}, Ints{2, 1, 3, 5}, Ints{1, 2, 3, 1, 2}}) {
    const Tensor x = distinct(shape);
    const Ints kernel(shape.begin() + 2, shape.end());
    const Ints zeros(kernel.size(), 0), ones(kernel.size(), 1);
    const auto over = [&](const Reduce& reduce) { return pooled(x, kernel, {zeros, ones, ones}, zeros, ones, reduce); };
    expect_operator({"GlobalMaxPool", {x}}, over(largest));
    expect_operator({"GlobalAveragePool", {x}}, over(mean));
    expect_operator({"GlobalLpPool", {x}, {attr("p", 3)}}, over(cubic_norm));
  }
  expect_parts(operator_error({"GlobalMaxPool", {numbers({2, 3})}}), {"GlobalMaxPool", "[2, 3]", "spatial"});
}

// A norm has no derivative at 0; the gradient there is 0 and not a NaN.
TEST(PoolOperators, NormsOfNothingHaveGradientZero) {
  GraphBuilder graph;
  const int32_t x = add_parameter(graph, "x", torch::zeros({1, 1, 4}));
  const int32_t y = graph.node("LpPool", {x}, {attr("kernel_shape", Ints{2}), attr("strides", Ints{2})});
  graph.loss(graph.node("ReduceSum", {graph.node("Add", {y, graph.node("GlobalLpPool", {x})})}, {attr("keepdims", 0)}));
  Host host(graph);
  host.gradients({});
  EXPECT_TRUE(same_bits(host.state("grad/x"), torch::zeros({1, 1, 4})));
}

TEST(PoolOperators, RefuseWhatHasNoMeaning) {
  const Tensor x = numbers({1, 1, 3, 3});
  const auto pool = [&](const char* op, std::vector<Attr> attributes) {
    attributes.push_back(attr("kernel_shape", Ints{2, 2}));
    return operator_error({op, {x}, std::move(attributes)});
  };
  expect_parts(pool("MaxPool", {attr("pads", Ints{2, 0, 0, 0})}), {"MaxPool", "padding alone"});
  expect_parts(pool("MaxPool", {attr("dilations", Ints{3, 1})}), {"MaxPool", "window of 4", "extent 3"});
  expect_parts(pool("AveragePool", {attr("auto_pad", "SOME")}), {"AveragePool", "'SOME'", "SAME_UPPER"});
  expect_parts(pool("LpPool", {attr("p", 0)}), {"LpPool", "'p' is 0"});
  GraphBuilder graph;
  const int32_t image = add_parameter(graph, "x", x);
  graph.output(graph.node("MaxPool", {image}, {attr("kernel_shape", Ints{2, 2})}, 2));
  try {
    const Host host(graph);
    FAIL() << "MaxPool gave indices";
  } catch (const std::runtime_error& error) {
    expect_parts(error.what(), {"MaxPool", "output 1 is not supported"});
  }
}

}  // namespace
}  // namespace esper::host::test
