// Resize and GridSample.
#include <algorithm>
#include <cmath>
#include <numeric>
#include <utility>

#include "error.h"
#include "interpolation.h"
#include "op.h"

namespace esper::host {
namespace {

// The number that an attribute's text stands for; other texts are refused with the list of those that are known.
template <class Choice>
Choice read_choice(NodeReader& reader, const char* name, const std::vector<std::pair<const char*, Choice>>& choices) {
  const std::string given = reader.string(name, choices[0].first);
  std::string known;
  for (const auto& [word, choice] : choices) {
    if (given == word) return choice;
    known += (known.empty() ? "" : ", ") + std::string(word);
  }
  invalid(reader.place(), ": attribute '", name, "' is '", given, "', supported are ", known);
}

Interpolation read_interpolation(NodeReader& reader) {
  Interpolation interpolation;
  interpolation.mode = read_choice<ResizeMode>(
      reader, "mode",
      {{"nearest", ResizeMode::kNearest}, {"linear", ResizeMode::kLinear}, {"cubic", ResizeMode::kCubic}});
  interpolation.coordinates = read_choice<Coordinates>(reader, "coordinate_transformation_mode",
                                                       {{"half_pixel", Coordinates::kHalfPixel},
                                                        {"half_pixel_symmetric", Coordinates::kHalfPixelSymmetric},
                                                        {"pytorch_half_pixel", Coordinates::kPytorchHalfPixel},
                                                        {"align_corners", Coordinates::kAlignCorners},
                                                        {"asymmetric", Coordinates::kAsymmetric}});
  interpolation.nearest = read_choice<NearestMode>(reader, "nearest_mode",
                                                   {{"round_prefer_floor", NearestMode::kRoundPreferFloor},
                                                    {"round_prefer_ceil", NearestMode::kRoundPreferCeil},
                                                    {"floor", NearestMode::kFloor},
                                                    {"ceil", NearestMode::kCeil}});
  interpolation.cubic_coefficient = reader.real("cubic_coeff_a", -0.75);
  interpolation.exclude_outside = reader.integer("exclude_outside", 0) != 0;
  read_choice<int>(reader, "keep_aspect_ratio_policy", {{"stretch", 0}});
  if (reader.integer("antialias", 0) != 0)
    invalid(reader.place(), ": attribute 'antialias' other than 0 is not supported");
  reader.real("extrapolation_value", 0.0);  // Of a coordinate mode that is refused.
  return interpolation;
}

// Scales as a constant of float32, empty where sizes are given instead.
std::vector<float> read_scales(NodeReader& reader) {
  if (!reader.has_input(2)) return {};
  const at::Tensor* scales = reader.constant(2);
  if (scales == nullptr || scales->scalar_type() != at::kFloat) {
    invalid(reader.place(), ": input 2 (scales) must be a float32 constant");
  }
  const auto* data = scales->data_ptr<float>();
  std::vector<float> given(data, data + scales->numel());
  if (std::any_of(given.begin(), given.end(), [](float scale) { return !(scale > 0.0F) || !std::isfinite(scale); })) {
    invalid(reader.place(), ": input 2 (scales) has an entry that is not a positive number");
  }
  return given;
}

// What happens to each axis of x; numbers are for axes, or for all axes where none are named.
std::vector<ResizedAxis> resized_axes(const at::Tensor& x, const std::vector<int64_t>& axes,
                                      const std::vector<float>& scales, const std::vector<int64_t>& sizes) {
  std::vector<ResizedAxis> result;
  for (int64_t extent : x.sizes()) result.push_back({extent, extent, 1.0F});
  const size_t count = std::max(scales.size(), sizes.size());
  if (count != (axes.empty() ? result.size() : axes.size())) {
    invalid("has ", count, " scales or sizes for ", axes.empty() ? result.size() : axes.size(), " axes of shape ",
            shape_text(x.sizes()));
  }
  for (size_t i = 0; i < count; ++i) {
    ResizedAxis& axis = result[axes.empty() ? i : static_cast<size_t>(normalize_axis(axes[i], x.dim()))];
    if (sizes.empty()) {
      axis.scale = scales[i];
      axis.to = static_cast<int64_t>(std::floor(static_cast<float>(axis.from) * axis.scale));
    } else {
      axis.to = sizes[i];
      axis.scale = static_cast<float>(axis.to) / static_cast<float>(axis.from);
    }
    if (axis.from < 1 || axis.to < 1) {
      invalid("an axis of extent ", axis.from, " cannot be resized to ", axis.to, "; the input has shape ",
              shape_text(x.sizes()));
    }
  }
  return result;
}

bool is_resized(const ResizedAxis& axis) {
  return axis.scale != 1.0F || axis.from != axis.to;
}

// Elements of x along an axis. On CUDA the gradient of index_select is added up in any order, that of index is not.
at::Tensor select(const at::Tensor& x, int64_t axis, const std::vector<int64_t>& index, const Frame& frame) {
  const at::Tensor places = frame.device.upload(at::tensor(index, at::kLong));
  if (frame.own_kernels()) return at::index_select(x, axis, places);
  std::vector<at::indexing::TensorIndex> where(static_cast<size_t>(axis), at::indexing::Slice());
  where.emplace_back(places);
  return x.index(where);
}

at::Tensor resize_axis(const at::Tensor& x, int64_t axis, const std::vector<Tap>& taps, const Frame& frame) {
  at::Tensor sum;
  for (const Tap& tap : taps) {
    at::Tensor part = select(x, axis, tap.index, frame);
    if (!tap.weight.empty()) {
      std::vector<int64_t> shape(static_cast<size_t>(x.dim()), 1);
      shape[static_cast<size_t>(axis)] = static_cast<int64_t>(tap.weight.size());
      const at::Tensor weight = at::tensor(tap.weight, at::kDouble).reshape(shape).to(x.scalar_type());
      part = part.mul(frame.device.upload(weight));
    }
    sum = sum.defined() ? sum.add(part) : part;
  }
  return sum;
}

// Whether the taps of all resized axes repeat each element a whole number of times, and those are the spatial ones.
bool repeats_elements(const std::vector<ResizedAxis>& axes, const Interpolation& interpolation) {
  if (interpolation.mode != ResizeMode::kNearest || axes.size() < 3 || axes.size() > 5) return false;
  for (size_t i = 0; i < axes.size(); ++i) {
    if (i < 2 && is_resized(axes[i])) return false;
    if (axes[i].to % axes[i].from != 0) return false;
    const int64_t times = axes[i].to / axes[i].from;
    const Tap tap = interpolation_taps(interpolation, axes[i])[0];
    for (int64_t j = 0; j < axes[i].to; ++j) {
      if (tap.index[static_cast<size_t>(j)] != j / times) return false;
    }
  }
  return true;
}

at::Tensor repeat_elements(const at::Tensor& x, const std::vector<int64_t>& size) {
  switch (x.dim()) {
    case 3:
      return at::upsample_nearest1d(x, size);
    case 4:
      return at::upsample_nearest2d(x, size);
    default:
      return at::upsample_nearest3d(x, size);
  }
}

// Whether libtorch's bilinear or bicubic kernel for images computes the same thing. Its gradients are added up in any
// order on CUDA.
bool is_torch_image(const std::vector<ResizedAxis>& axes, const Interpolation& interpolation, const Frame& frame) {
  if (interpolation.mode == ResizeMode::kNearest || axes.size() != 4 || !frame.own_kernels()) return false;
  if (is_resized(axes[0]) || is_resized(axes[1])) return false;
  if (interpolation.mode == ResizeMode::kCubic &&
      (interpolation.exclude_outside || interpolation.cubic_coefficient != -0.75)) {
    return false;
  }
  const bool pytorch = interpolation.coordinates == Coordinates::kPytorchHalfPixel && axes[2].to > 1 && axes[3].to > 1;
  return pytorch || interpolation.coordinates == Coordinates::kHalfPixel ||
         interpolation.coordinates == Coordinates::kAlignCorners;
}

at::Tensor resize_image(const at::Tensor& x, const std::vector<ResizedAxis>& axes, const Interpolation& interpolation) {
  const bool corners = interpolation.coordinates == Coordinates::kAlignCorners;
  const std::vector<int64_t> size{axes[2].to, axes[3].to};
  const double height = axes[2].scale;
  const double width = axes[3].scale;
  return interpolation.mode == ResizeMode::kLinear ? at::upsample_bilinear2d(x, size, corners, height, width)
                                                   : at::upsample_bicubic2d(x, size, corners, height, width);
}

Run make_resize(NodeReader& reader, const Fusion&) {
  reader.expect(1, 4);
  const Interpolation interpolation = read_interpolation(reader);
  if (interpolation.mode != ResizeMode::kNearest) reader.expect_float(0);
  const std::vector<int64_t> axes = reader.integers("axes", {});
  const std::vector<float> scales = read_scales(reader);
  const bool sized = reader.has_input(3);
  if (scales.empty() != sized) invalid(reader.place(), ": needs either scales (input 2) or sizes (input 3)");
  return [=](Io& io) {
    at::Tensor x = io.in(0);
    const std::vector<int64_t> sizes = sized ? io.host_ints(3) : std::vector<int64_t>();
    const std::vector<ResizedAxis> resized = resized_axes(x, axes, scales, sizes);
    if (x.numel() == 0) {
      std::vector<int64_t> shape;
      for (const ResizedAxis& axis : resized) shape.push_back(axis.to);
      io.out(0, x.expand(shape));
    } else if (x.is_floating_point() && repeats_elements(resized, interpolation)) {
      std::vector<int64_t> size;
      for (size_t i = 2; i < resized.size(); ++i) size.push_back(resized[i].to);
      io.out(0, repeat_elements(x, size));
    } else if (is_torch_image(resized, interpolation, io.frame())) {
      io.out(0, resize_image(x, resized, interpolation));
    } else {
      for (size_t i = 0; i < resized.size(); ++i) {
        if (!is_resized(resized[i])) continue;
        x = resize_axis(x, static_cast<int64_t>(i), interpolation_taps(interpolation, resized[i]), io.frame());
      }
      io.out(0, x);
    }
  };
}

// libtorch's numbers for the modes.
Run make_grid_sample(NodeReader& reader, const Fusion&) {
  reader.expect(2, 2);
  reader.expect_float(0);
  reader.expect_float(1);
  const auto mode = read_choice<int64_t>(
      reader, "mode", {{"linear", 0}, {"bilinear", 0}, {"nearest", 1}, {"cubic", 2}, {"bicubic", 2}});
  const auto padding = read_choice<int64_t>(reader, "padding_mode", {{"zeros", 0}, {"border", 1}, {"reflection", 2}});
  const bool corners = reader.integer("align_corners", 0) != 0;
  return [=](Io& io) {
    const at::Tensor& x = io.in(0);
    const at::Tensor& grid = io.in(1);
    const bool fits = (x.dim() == 4 || x.dim() == 5) && grid.dim() == x.dim() && grid.size(0) == x.size(0) &&
                      grid.size(-1) == x.dim() - 2;
    if (!fits) {
      invalid("a grid of shape ", shape_text(grid.sizes()), " does not fit the input ", shape_text(x.sizes()),
              ": [N, C, H, W] needs [N, H', W', 2], and [N, C, D, H, W] needs [N, D', H', W', 3]");
    }
    io.out(0, at::grid_sampler(x, grid, mode, padding, corners));
  };
}

}  // namespace

const Operator kResampleOperators[] = {{"Resize", make_resize}, {"GridSample", make_grid_sample}, {nullptr, nullptr}};

}  // namespace esper::host
