#include "reference/reference.hpp"

#include <vector>

#include "layout/blueprint.hpp"
#include "layout/lifecycle.hpp"
#include "reference/reference_image.hpp"
#include "reference/reference_module.hpp"

namespace esper::reference {
namespace {

// Index of one element of a site's tensor.
std::int64_t element(const esper_shape& shape, std::int64_t channels, std::int64_t b, std::int64_t c, std::int64_t t) {
  return shape.layout == ESPER_LAYOUT_TOKENS ? (b * shape.positions + t) * channels + c
                                             : (b * channels + c) * shape.positions + t;
}

std::vector<double> gather(const esper_shape& shape, std::int64_t channels, const esper_lattice_seed& seed,
                           std::int64_t b, std::int64_t t, const double* tensor) {
  std::vector<double> values(static_cast<std::size_t>(seed.channel_count));
  for (int c = 0; c < seed.channel_count; ++c) {
    values[c] = tensor[element(shape, channels, b, seed.channel_begin + c, t)];
  }
  return values;
}

Image gather_image(const esper_shape& shape, std::int64_t channels, const esper_lattice_seed& seed, std::int64_t b,
                   const double* tensor) {
  Image image{shape.positions, shape.width > 0 ? shape.width : shape.positions,
              std::vector<double>(static_cast<std::size_t>(seed.channel_count * shape.positions))};
  for (std::int64_t t = 0; t < shape.positions; ++t) {
    const std::vector<double> values = gather(shape, channels, seed, b, t, tensor);
    for (int c = 0; c < seed.channel_count; ++c) {
      image.at(c, t) = values[c];
    }
  }
  return image;
}

std::vector<double> column(const Image& image, std::int64_t rows, std::int64_t t) {
  std::vector<double> values;
  for (std::int64_t c = 0; c < rows; ++c) {
    values.push_back(image.at(c, t));
  }
  return values;
}

// y on the seed's chunk of one batch item, for modules that work on every position by itself.
void forward_positions(const esper_lattice_seed& seed, std::int64_t channels, const esper_shape& shape,
                       const double* theta, std::int64_t b, const double* x, double* y) {
  for (std::int64_t t = 0; t < shape.positions; ++t) {
    const std::vector<double> values = gather(shape, channels, seed, b, t, x);
    const Position at = evaluate(seed, theta + seed.parameter_offset, values);
    for (int c = 0; c < seed.channel_count; ++c) {
      if (at.weight[c] != 0.0) {
        y[element(shape, channels, b, seed.channel_begin + c, t)] = values[c] + at.weight[c] * at.g[c];
      }
    }
  }
}

// The same for modules that read the whole batch item.
void forward_image(const esper_lattice_seed& seed, std::int64_t channels, const esper_shape& shape, const double* theta,
                   std::int64_t b, const double* x, double* y) {
  const double* p = theta + seed.parameter_offset;
  const Image image = gather_image(shape, channels, seed, b, x);
  const ImageModule module = evaluate_image(seed, p, image);
  for (std::int64_t t = 0; t < shape.positions; ++t) {
    Position at;
    evaluate_blend(seed, p, column(image, seed.channel_count, t), &at);
    for (int c = 0; c < seed.channel_count; ++c) {
      if (at.weight[c] != 0.0) {
        y[element(shape, channels, b, seed.channel_begin + c, t)] = image.at(c, t) + at.weight[c] * module.g.at(c, t);
      }
    }
  }
}

// Where the gradients of one seed go; what is nullptr is not wanted.
struct Targets {
  double* dx;      // the whole tensor; for seeds in a blended stage with alpha > 0
  double* dtheta;  // the seed's own parameters
  double* dalpha;
};

void add_parameters(const std::vector<double>& gradient, double* dtheta) {
  for (std::size_t i = 0; dtheta != nullptr && i < gradient.size(); ++i) {
    dtheta[i] += gradient[i];
  }
}

void backward_positions(const esper_lattice_seed& seed, std::int64_t channels, const esper_shape& shape,
                        const double* theta, std::int64_t b, const double* x, const double* dy,
                        const Targets& targets) {
  const double* p = theta + seed.parameter_offset;
  for (std::int64_t t = 0; t < shape.positions; ++t) {
    const std::vector<double> values = gather(shape, channels, seed, b, t, x);
    const std::vector<double> upstream = gather(shape, channels, seed, b, t, dy);
    PositionGradient gradient;
    if (seed.stage == ESPER_STAGE_TRAINING) {
      gradient.dtheta = training_gradient(seed, p, values, upstream);
    } else {
      gradient = differentiate(seed, p, values, upstream);
      for (int c = 0; targets.dx != nullptr && c < seed.channel_count; ++c) {
        targets.dx[element(shape, channels, b, seed.channel_begin + c, t)] = gradient.dx[c];
      }
    }
    if (targets.dalpha != nullptr) {
      *targets.dalpha += gradient.dalpha;
    }
    add_parameters(gradient.dtheta, targets.dtheta);
  }
}

void backward_image(const esper_lattice_seed& seed, std::int64_t channels, const esper_shape& shape,
                    const double* theta, std::int64_t b, const double* x, const double* dy, const Targets& targets) {
  const double* p = theta + seed.parameter_offset;
  const bool training = seed.stage == ESPER_STAGE_TRAINING;
  const int c_count = seed.channel_count;
  const Image image = gather_image(shape, channels, seed, b, x);
  const Image upstream = gather_image(shape, channels, seed, b, dy);
  const ImageModule module = evaluate_image(seed, p, image);
  Image e = upstream;
  Image dx = upstream;
  std::vector<double> dtheta(static_cast<std::size_t>(seed_parameters(seed)), 0.0);
  for (std::int64_t t = 0; t < shape.positions; ++t) {
    const std::vector<double> values = column(image, c_count, t);
    const std::vector<double> dy_here = column(upstream, c_count, t);
    Position at;
    at.g = column(module.g, c_count, t);
    evaluate_blend(seed, p, values, &at);
    for (int c = 0; c < c_count; ++c) {
      e.at(c, t) = training ? dy_here[c] + static_cast<double>(seed.kappa) * at.g[c] : at.weight[c] * dy_here[c];
    }
    if (!training) {
      PositionGradient blend;
      blend.dx.assign(static_cast<std::size_t>(c_count), 0.0);
      blend.dtheta.assign(dtheta.size(), 0.0);
      differentiate_blend(seed, p, values, at, dy_here, &blend);
      for (int c = 0; c < c_count; ++c) {
        dx.at(c, t) += blend.dx[c];
      }
      add_parameters(blend.dtheta, dtheta.data());
      if (targets.dalpha != nullptr) {
        *targets.dalpha += blend.dalpha;
      }
    }
  }
  differentiate_image(seed, p, image, module, e, &dtheta, &dx);
  add_parameters(dtheta, targets.dtheta);
  for (std::int64_t t = 0; targets.dx != nullptr && t < shape.positions; ++t) {
    for (int c = 0; c < c_count; ++c) {
      targets.dx[element(shape, channels, b, seed.channel_begin + c, t)] = dx.at(c, t);
    }
  }
}

}  // namespace

void forward(const layout::Lattice& lattice, const esper_shape& shape, const double* theta, const double* x,
             double* y) {
  const std::int64_t channels = lattice.channels();
  for (std::int64_t i = 0; i < shape.batch * channels * shape.positions; ++i) {
    y[i] = x[i];
  }
  for (const esper_lattice_seed& seed : lattice.seeds()) {
    if (!layout::is_blended_stage(seed.stage) || seed.alpha == 0.0F || shape.positions == 0) {
      continue;
    }
    for (std::int64_t b = 0; b < shape.batch; ++b) {
      if (layout::is_image_family(seed.family)) {
        forward_image(seed, channels, shape, theta, b, x, y);
      } else {
        forward_positions(seed, channels, shape, theta, b, x, y);
      }
    }
  }
}

void backward(const layout::Lattice& lattice, const esper_shape& shape, const double* theta, const double* x,
              const double* dy, double* dx, double* dtheta, double* dalpha) {
  const std::int64_t channels = lattice.channels();
  if (dx != nullptr) {
    for (std::int64_t i = 0; i < shape.batch * channels * shape.positions; ++i) {
      dx[i] = dy[i];
    }
  }
  for (std::size_t s = 0; s < lattice.seeds().size(); ++s) {
    const esper_lattice_seed& seed = lattice.seeds()[s];
    const bool training = seed.stage == ESPER_STAGE_TRAINING;
    if (dalpha != nullptr) {
      dalpha[s] = 0.0;
    }
    if ((!training && !layout::is_blended_stage(seed.stage)) || shape.positions == 0) {
      continue;
    }
    const bool learning = dtheta != nullptr && layout::is_learning(seed);
    const Targets targets{training || seed.alpha == 0.0F ? nullptr : dx,
                          learning ? dtheta + seed.parameter_offset : nullptr,
                          training || dalpha == nullptr ? nullptr : dalpha + s};
    for (std::int64_t b = 0; b < shape.batch; ++b) {
      if (layout::is_image_family(seed.family)) {
        backward_image(seed, channels, shape, theta, b, x, dy, targets);
      } else {
        backward_positions(seed, channels, shape, theta, b, x, dy, targets);
      }
    }
  }
}

}  // namespace esper::reference
