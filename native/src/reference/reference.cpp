#include "reference/reference.hpp"

#include <vector>

#include "layout/lifecycle.hpp"
#include "reference/reference_module.hpp"

namespace esper::reference {
namespace {

// Index of one element of a site's tensor.
std::int64_t element(const esper_shape& shape, std::int64_t channels, std::int64_t b, std::int64_t c, std::int64_t t) {
  return shape.layout == ESPER_LAYOUT_TOKENS ? (b * shape.positions + t) * channels + c
                                             : (b * channels + c) * shape.positions + t;
}

// Calls body(image, position) for every position.
template <typename Body>
void for_each_position(const esper_shape& shape, Body body) {
  for (std::int64_t b = 0; b < shape.batch; ++b) {
    for (std::int64_t t = 0; t < shape.positions; ++t) {
      body(b, t);
    }
  }
}

std::vector<double> gather(const esper_shape& shape, std::int64_t channels, const esper_lattice_seed& seed,
                           std::int64_t b, std::int64_t t, const double* tensor) {
  std::vector<double> values(static_cast<std::size_t>(seed.channel_count));
  for (int c = 0; c < seed.channel_count; ++c) {
    values[c] = tensor[element(shape, channels, b, seed.channel_begin + c, t)];
  }
  return values;
}

}  // namespace

void forward(const layout::Lattice& lattice, const esper_shape& shape, const double* theta, const double* x,
             double* y) {
  const std::int64_t channels = lattice.channels();
  for (std::int64_t i = 0; i < shape.batch * channels * shape.positions; ++i) {
    y[i] = x[i];
  }
  for (const esper_lattice_seed& seed : lattice.seeds()) {
    if (!layout::is_blended_stage(seed.stage) || seed.alpha == 0.0F) {
      continue;
    }
    for_each_position(shape, [&](std::int64_t b, std::int64_t t) {
      const std::vector<double> values = gather(shape, channels, seed, b, t, x);
      const Position at = evaluate(seed, theta + seed.parameter_offset, values);
      for (int c = 0; c < seed.channel_count; ++c) {
        if (at.weight[c] != 0.0) {
          y[element(shape, channels, b, seed.channel_begin + c, t)] = values[c] + at.weight[c] * at.g[c];
        }
      }
    });
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
    if (!training && !layout::is_blended_stage(seed.stage)) {
      continue;
    }
    const bool learning = dtheta != nullptr && layout::is_learning(seed);
    for_each_position(shape, [&](std::int64_t b, std::int64_t t) {
      const std::vector<double> values = gather(shape, channels, seed, b, t, x);
      const std::vector<double> upstream = gather(shape, channels, seed, b, t, dy);
      PositionGradient gradient;
      if (training) {
        gradient.dtheta = training_gradient(seed, theta + seed.parameter_offset, values, upstream);
      } else {
        gradient = differentiate(seed, theta + seed.parameter_offset, values, upstream);
        if (dalpha != nullptr) {
          dalpha[s] += gradient.dalpha;
        }
        for (int c = 0; dx != nullptr && seed.alpha > 0.0F && c < seed.channel_count; ++c) {
          dx[element(shape, channels, b, seed.channel_begin + c, t)] = gradient.dx[c];
        }
      }
      for (std::size_t i = 0; learning && i < gradient.dtheta.size(); ++i) {
        dtheta[seed.parameter_offset + static_cast<std::int64_t>(i)] += gradient.dtheta[i];
      }
    });
  }
}

}  // namespace esper::reference
