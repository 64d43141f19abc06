// Resize, GridSample and the exchange of channels for positions, against ONNX's formulas written out for one element.
#include <cmath>

#include "operator_check.h"

namespace esper::host::test {
namespace {

Operand scales(const std::vector<float>& values) {
  return {torch::tensor(values), true};
}

int64_t inside(double index, int64_t extent) {
  return std::min(std::max(static_cast<int64_t>(index), int64_t{0}), extent - 1);
}

// By output position of one axis: the coordinate in the input.
using Coordinate = std::function<double(int64_t)>;
// What each element of the input contributes to an output position.
using Share = std::function<double(int64_t output, int64_t input)>;

Share linear_share(const Coordinate& coordinate, int64_t extent) {
  return [=](int64_t output, int64_t input) {
    const double x = coordinate(output), before = std::floor(x);
    return (inside(before, extent) == input ? 1.0 - (x - before) : 0.0) +
           (inside(before + 1.0, extent) == input ? x - before : 0.0);
  };
}

double keys(double a, double d) {
  d = std::abs(d);
  if (d < 1.0) return (a + 2.0) * d * d * d - (a + 3.0) * d * d + 1.0;
  return d < 2.0 ? a * d * d * d - 5.0 * a * d * d + 8.0 * a * d - 4.0 * a : 0.0;
}

Share cubic_share(const Coordinate& coordinate, int64_t extent, double a, bool exclude) {
  return [=](int64_t output, int64_t input) {
    const double x = coordinate(output);
    double share = 0.0, total = 0.0;
    for (int64_t i = -3; i < extent + 3; ++i) {
      const double weight = exclude && (i < 0 || i >= extent) ? 0.0 : keys(a, x - static_cast<double>(i));
      total += weight;
      share += inside(static_cast<double>(i), extent) == input ? weight : 0.0;
    }
    return exclude ? share / total : share;
  };
}

Share nearest_share(const std::vector<int64_t>& index) {
  return [=](int64_t output, int64_t input) { return index[static_cast<size_t>(output)] == input ? 1.0 : 0.0; };
}

// Resizes the last two axes of [N, C, H, W].
Tensor resized(const Tensor& x, int64_t height, int64_t width, const Share& rows, const Share& columns) {
  return made({x.size(0), x.size(1), height, width}, [&](const Ints& o) {
    double sum = 0.0;
    for_each({x.size(2), x.size(3)}, [&](const Ints& i) {
      sum += rows(o[2], i[0]) * columns(o[3], i[1]) * at(x, {o[0], o[1], i[0], i[1]});
    });
    return sum;
  });
}

Coordinate half_pixel(double scale) {
  return [=](int64_t i) { return (static_cast<double>(i) + 0.5) / scale - 0.5; };
}
Coordinate asymmetric(double scale) {
  return [=](int64_t i) { return static_cast<double>(i) / scale; };
}
Coordinate corners(int64_t from, int64_t to) {
  return [=](int64_t i) {
    return to == 1 ? 0.0 : static_cast<double>(i) * static_cast<double>(from - 1) / static_cast<double>(to - 1);
  };
}

std::vector<Attr> modes(const char* mode, const char* coordinates, std::vector<Attr> more = {}) {
  more.push_back(attr("mode", mode));
  more.push_back(attr("coordinate_transformation_mode", coordinates));
  return more;
}

TEST(ResizeOperator, NearestTakesTheElementThatItsModeNames) {
  torch::manual_seed(61);
  const Tensor x = numbers({2, 2, 4, 3});
  const auto nearest = [&](const char* coordinates, const char* rounding, const std::vector<float>& by,
                           const Ints& rows, const Ints& columns) {
    const Tensor expected = resized(x, static_cast<int64_t>(rows.size()), static_cast<int64_t>(columns.size()),
                                    nearest_share(rows), nearest_share(columns));
    expect_operator({"Resize",
                     {x, Operand::none(), scales({1.0F, 1.0F, by[0], by[1]})},
                     modes("nearest", coordinates, {attr("nearest_mode", rounding)})},
                    expected);
  };
  nearest("asymmetric", "floor", {2.0F, 3.0F}, {0, 0, 1, 1, 2, 2, 3, 3}, {0, 0, 0, 1, 1, 1, 2, 2, 2});
  nearest("half_pixel", "round_prefer_floor", {2.0F, 1.0F}, {0, 0, 1, 1, 2, 2, 3, 3}, {0, 1, 2});
  // Coordinates 0.5 and 2.5; then 1 / 0.5 - 0.5 and so on for 0.75 of 4: 1/6, 1.5, 17/6.
  nearest("half_pixel", "round_prefer_floor", {0.5F, 1.0F}, {0, 2}, {0, 1, 2});
  nearest("half_pixel", "round_prefer_ceil", {0.5F, 1.0F}, {1, 3}, {0, 1, 2});
  nearest("half_pixel", "floor", {0.75F, 1.0F}, {0, 1, 2}, {0, 1, 2});
  nearest("half_pixel", "ceil", {0.75F, 1.0F}, {1, 2, 3}, {0, 1, 2});
  // Asymmetric by 1.5: 0, 0.67, 1.33, 2, 2.67, 3.33.
  nearest("asymmetric", "round_prefer_floor", {1.5F, 1.0F}, {0, 1, 1, 2, 3, 3}, {0, 1, 2});
  // Corners of 4 to 7: 0, 0.5, 1, ...; of 3 to 4: 0, 0.67, 1.33, 2.
  nearest("align_corners", "round_prefer_floor", {1.75F, 1.34F}, {0, 0, 1, 1, 2, 2, 3}, {0, 1, 1, 2});
}

// 3 / 0.6 is 5 in float32 and less than 5 in float64: an element apart.
TEST(ResizeOperator, NearestRoundsLikeOtherRuntimes) {
  const Tensor x = torch::arange(10, torch::kFloat).reshape({1, 1, 10});
  const Tensor y = run_operator({"Resize",
                                 {x, Operand::none(), scales({1.0F, 1.0F, 0.6F})},
                                 modes("nearest", "asymmetric", {attr("nearest_mode", "floor")})});
  EXPECT_EQ(y.sizes(), Ints({1, 1, 6}));
  EXPECT_EQ(y.reshape(-1)[3].item<double>(), 5.0);
}

TEST(ResizeOperator, LinearWeighsNeighbours) {
  torch::manual_seed(62);
  const Tensor x = numbers({1, 3, 3, 4});
  const auto by = [&](double height, double width) {
    return scales({1.0F, 1.0F, static_cast<float>(height), static_cast<float>(width)});
  };
  const auto linear = [&](const Coordinate& rows, const Coordinate& columns, int64_t height, int64_t width) {
    return resized(x, height, width, linear_share(rows, 3), linear_share(columns, 4));
  };
  expect_operator({"Resize", {x, Operand::none(), by(2.0, 1.75)}, modes("linear", "half_pixel")},
                  linear(half_pixel(2.0), half_pixel(1.75), 6, 7));
  // Not a whole number of elements: the scale stays what was given.
  expect_operator({"Resize", {x, Operand::none(), by(1.5, 0.625)}, modes("linear", "half_pixel")},
                  linear(half_pixel(1.5), half_pixel(0.625), 4, 2));
  expect_operator({"Resize", {x, Operand::none(), by(1.5, 0.625)}, modes("linear", "asymmetric")},
                  linear(asymmetric(1.5), asymmetric(0.625), 4, 2));
  expect_operator(
      {"Resize", {x, Operand::none(), Operand::none(), ints({1, 3, 5, 1})}, modes("linear", "align_corners")},
      linear(corners(3, 5), corners(4, 1), 5, 1));
  expect_operator({"Resize",
                   {x, Operand::none(), Operand::none(), ints({6, 1})},
                   modes("linear", "pytorch_half_pixel", {attr("axes", Ints{-2, 3})})},
                  linear(
                      half_pixel(2.0), [](int64_t) { return 0.0; }, 6, 1));
  // 3 * 1.5 = 4.5 is cut to 4 of 4.5 elements, which are centred: the offset is 1.5 * (1 - 4 / 4.5).
  expect_operator({"Resize", {x, Operand::none(), by(1.5, 1.0)}, modes("linear", "half_pixel_symmetric")},
                  linear([](int64_t i) { return 1.5 * (1.0 - 4.0 / 4.5) + (static_cast<double>(i) + 0.5) / 1.5 - 0.5; },
                         half_pixel(1.0), 4, 4));
}

TEST(ResizeOperator, CubicWeighsFourElements) {
  torch::manual_seed(63);
  const Tensor x = numbers({1, 2, 4, 3});
  const auto cubic = [&](const Coordinate& rows, const Coordinate& columns, int64_t height, int64_t width, double a,
                         bool exclude) {
    return resized(x, height, width, cubic_share(rows, 4, a, exclude), cubic_share(columns, 3, a, exclude));
  };
  const auto by = scales({1.0F, 1.0F, 1.5F, 2.0F});
  expect_operator({"Resize", {x, Operand::none(), by}, modes("cubic", "half_pixel")},
                  cubic(half_pixel(1.5), half_pixel(2.0), 6, 6, -0.75, false));
  expect_operator({"Resize", {x, Operand::none(), by}, modes("cubic", "half_pixel", {attr("cubic_coeff_a", -0.5)})},
                  cubic(half_pixel(1.5), half_pixel(2.0), 6, 6, -0.5, false));
  expect_operator({"Resize", {x, Operand::none(), by}, modes("cubic", "asymmetric", {attr("exclude_outside", 1)})},
                  cubic(asymmetric(1.5), asymmetric(2.0), 6, 6, -0.75, true));
  expect_operator(
      {"Resize", {x, Operand::none(), Operand::none(), ints({1, 2, 7, 5})}, modes("cubic", "align_corners")},
      cubic(corners(4, 7), corners(3, 5), 7, 5, -0.75, false));
}

TEST(ResizeOperator, TakesAnyAxes) {
  torch::manual_seed(64);
  const Tensor line = numbers({2, 3, 5});
  const Share columns = linear_share(half_pixel(static_cast<double>(1.6F)), 5);
  const Share channels = linear_share(half_pixel(2.0), 3);
  expect_operator({"Resize", {line, Operand::none(), scales({1.0F, 2.0F, 1.6F})}, modes("linear", "half_pixel")},
                  made({2, 6, 8}, [&](const Ints& o) {
                    double sum = 0.0;
                    for_each({3, 5}, [&](const Ints& i) {
                      sum += channels(o[1], i[0]) * columns(o[2], i[1]) * at(line, {o[0], i[0], i[1]});
                    });
                    return sum;
                  }));
  const Tensor box = numbers({1, 2, 2, 1, 3});
  const auto doubled = made({1, 2, 4, 1, 6}, [&](const Ints& o) { return at(box, {0, o[1], o[2] / 2, 0, o[4] / 2}); });
  expect_operator({"Resize", {box, Operand::none(), scales({2.0F, 2.0F})}, {attr("axes", Ints{2, 4})}}, doubled);
  EXPECT_TRUE(
      same_bits(run_operator({"Resize", {ints({1, 1, 2}, {3, 4}), Operand::none(), scales({1.0F, 1.0F, 2.0F})}}),
                torch::tensor({3, 3, 4, 4}, torch::kLong).reshape({1, 1, 4})));
}

TEST(ResizeOperator, RefusesWhatItCannotDo) {
  const Tensor x = numbers({1, 1, 2, 2});
  const Operand by = scales({1.0F, 1.0F, 2.0F, 2.0F});
  const auto error = [&](const Attr& attribute) {
    return operator_error({"Resize", {x, Operand::none(), by}, {attribute}});
  };
  expect_parts(error(attr("antialias", 1)), {"Resize", "'antialias'"});
  expect_parts(error(attr("mode", "area")), {"Resize", "'area'", "nearest, linear, cubic"});
  expect_parts(error(attr("coordinate_transformation_mode", "tf_crop_and_resize")),
               {"tf_crop_and_resize", "half_pixel"});
  expect_parts(error(attr("keep_aspect_ratio_policy", "not_larger")), {"'not_larger'", "stretch"});
  expect_parts(operator_error({"Resize", {x}}), {"Resize", "either scales", "sizes"});
  expect_parts(operator_error({"Resize", {x, Operand::none(), scales({2.0F})}}), {"1 scales or sizes for 4 axes"});
  expect_parts(operator_error({"Resize", {x, Operand::none(), scales({1.0F, 1.0F, -1.0F, 1.0F})}}), {"positive"});
  expect_parts(operator_error({"Resize", {x, Operand::none(), scales({1.0F, 1.0F, 0.1F, 1.0F})}}), {"resized to 0"});
}

TEST(BlockOperators, ExchangeChannelsAndPositions) {
  torch::manual_seed(65);
  const Tensor x = numbers({2, 8, 1, 3});
  expect_operator({"DepthToSpace", {x}, {attr("blocksize", 2)}}, made({2, 2, 2, 6}, [&](const Ints& o) {
                    return at(x, {o[0], (o[2] % 2 * 2 + o[3] % 2) * 2 + o[1], o[2] / 2, o[3] / 2});
                  }));
  expect_operator({"DepthToSpace", {x}, {attr("blocksize", 2), attr("mode", "CRD")}},
                  made({2, 2, 2, 6}, [&](const Ints& o) {
                    return at(x, {o[0], o[1] * 4 + o[2] % 2 * 2 + o[3] % 2, o[2] / 2, o[3] / 2});
                  }));
  const Tensor wide = numbers({1, 2, 4, 2});
  expect_operator({"SpaceToDepth", {wide}, {attr("blocksize", 2)}}, made({1, 8, 2, 1}, [&](const Ints& o) {
                    return at(wide, {0, o[1] % 2, o[2] * 2 + o[1] / 4, o[3] * 2 + o[1] / 2 % 2});
                  }));
  expect_parts(operator_error({"DepthToSpace", {x}, {attr("blocksize", 3)}}),
               {"DepthToSpace", "blocks of 3", "[2, 8, 1, 3]"});
  expect_parts(operator_error({"SpaceToDepth", {x}, {attr("blocksize", 2)}}), {"SpaceToDepth", "blocks of 2"});
  expect_parts(operator_error({"SpaceToDepth", {x}}), {"'blocksize' is 0"});
}

// The coordinate of a grid's number in [-1, 1], then what lies there; outside are zeros or the border.
TEST(GridSampleOperator, InterpolatesAtItsGrid) {
  torch::manual_seed(66);
  const Tensor x = numbers({2, 2, 3, 4});
  const Tensor grid = numbers({2, 2, 3, 2}) * 0.75;
  for (const bool border : {false, true}) {
    for (const bool align : {false, true}) {
      const auto place = [&](double g, int64_t extent) {
        const auto size = static_cast<double>(extent);
        const double at_grid = align ? (g + 1.0) / 2.0 * (size - 1.0) : ((g + 1.0) * size - 1.0) / 2.0;
        return border ? std::min(std::max(at_grid, 0.0), size - 1.0) : at_grid;
      };
      const auto expected = made({2, 2, 2, 3}, [&](const Ints& o) {
        const double column = place(at(grid, {o[0], o[2], o[3], 0}), 4),
                     row = place(at(grid, {o[0], o[2], o[3], 1}), 3);
        double sum = 0.0;
        for_each({3, 4}, [&](const Ints& i) {
          const double weight = std::max(0.0, 1.0 - std::abs(row - static_cast<double>(i[0]))) *
                                std::max(0.0, 1.0 - std::abs(column - static_cast<double>(i[1])));
          sum += weight * at(x, {o[0], o[1], i[0], i[1]});
        });
        return sum;
      });

      expect_operator({"GridSample",
                       {x, grid},
                       {attr("padding_mode", border ? "border" : "zeros"), attr("align_corners", align ? 1 : 0)}},
                      expected);
    }
  }
  expect_parts(operator_error({"GridSample", {x, numbers({2, 2, 3, 3})}}),
               {"GridSample", "[2, 2, 3, 3]", "[2, 2, 3, 4]"});
  expect_parts(operator_error({"GridSample", {x, grid}, {attr("padding_mode", "wrap")}}), {"'wrap'", "reflection"});
}

}  // namespace
}  // namespace esper::host::test
