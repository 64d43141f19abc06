#include "reference/reference_module.hpp"

#include <cmath>

namespace esper::reference {
namespace {

constexpr double kPi = 3.14159265358979323846;

double clamp(double value, double low, double high) {
  if (value < low) {
    return low;
  }
  return value > high ? high : value;
}

void evaluate_module(const esper_lattice_seed& seed, const double* p, const std::vector<double>& x, Position* out) {
  const int c_count = seed.channel_count;
  const int r_count = seed.rank;
  out->g.assign(static_cast<std::size_t>(c_count), 0.0);
  if (seed.family == ESPER_FAMILY_AFFINE) {
    for (int c = 0; c < c_count; ++c) {
      out->g[c] = p[c] * x[c] + p[c_count + c];
    }
    return;
  }
  const bool bottleneck = seed.family == ESPER_FAMILY_BOTTLENECK;
  const double* w1 = p;
  const double* b1 = w1 + r_count * c_count;
  const double* w2 = bottleneck ? b1 + r_count : b1;
  const double* b2 = w2 + c_count * r_count;
  out->pre.assign(static_cast<std::size_t>(r_count), 0.0);
  out->hidden.assign(static_cast<std::size_t>(r_count), 0.0);
  for (int r = 0; r < r_count; ++r) {
    double sum = bottleneck ? b1[r] : 0.0;
    for (int c = 0; c < c_count; ++c) {
      sum += w1[r * c_count + c] * x[c];
    }
    out->pre[r] = sum;
    out->hidden[r] = bottleneck ? activate(seed.activation, sum) : sum;
  }
  for (int c = 0; c < c_count; ++c) {
    double sum = bottleneck ? b2[c] : 0.0;
    for (int r = 0; r < r_count; ++r) {
      sum += w2[c * r_count + r] * out->hidden[r];
    }
    out->g[c] = sum;
  }
}

// Adds the gradients of the module's parameters and of x for upstream gradient e of g(x).
void differentiate_module(const esper_lattice_seed& seed, const double* p, const std::vector<double>& x,
                          const Position& at, const std::vector<double>& e, std::vector<double>* dtheta,
                          std::vector<double>* dx) {
  const int c_count = seed.channel_count;
  const int r_count = seed.rank;
  std::vector<double>& d = *dtheta;
  if (seed.family == ESPER_FAMILY_AFFINE) {
    for (int c = 0; c < c_count; ++c) {
      d[c] += e[c] * x[c];
      d[c_count + c] += e[c];
      (*dx)[c] += e[c] * p[c];
    }
    return;
  }
  const bool bottleneck = seed.family == ESPER_FAMILY_BOTTLENECK;
  const int w1 = 0;
  const int b1 = r_count * c_count;
  const int w2 = bottleneck ? b1 + r_count : b1;
  const int b2 = w2 + c_count * r_count;
  for (int c = 0; c < c_count; ++c) {
    for (int r = 0; r < r_count; ++r) {
      d[w2 + c * r_count + r] += e[c] * at.hidden[r];
    }
    if (bottleneck) {
      d[b2 + c] += e[c];
    }
  }
  for (int r = 0; r < r_count; ++r) {
    double dhidden = 0.0;
    for (int c = 0; c < c_count; ++c) {
      dhidden += p[w2 + c * r_count + r] * e[c];
    }
    const double dpre = bottleneck ? dhidden * activate_slope(seed.activation, at.pre[r]) : dhidden;
    for (int c = 0; c < c_count; ++c) {
      d[w1 + r * c_count + c] += dpre * x[c];
      (*dx)[c] += dpre * p[w1 + r * c_count + c];
    }
    if (bottleneck) {
      d[b1 + r] += dpre;
    }
  }
}

}  // namespace

std::int64_t module_parameters(const esper_lattice_seed& seed) {
  const std::int64_t c = seed.channel_count;
  const std::int64_t r = seed.rank;
  const std::int64_t k = seed.kernel;
  switch (seed.family) {
    case ESPER_FAMILY_AFFINE:
      return c + c;
    case ESPER_FAMILY_LOWRANK:
      return r * c + c * r;
    case ESPER_FAMILY_DEPTHWISE:
      return c * k * k + c + c * c + c;
    default:
      return r * c + r + c * r + c;
  }
}

std::int64_t seed_parameters(const esper_lattice_seed& seed) {
  const std::int64_t module = module_parameters(seed);
  if (seed.blend == ESPER_BLEND_CHANNEL) {
    return module + seed.channel_count;
  }
  return seed.blend == ESPER_BLEND_GATED ? module + seed.channel_count + 1 : module;
}

double sigmoid(double x) {
  return 1.0 / (1.0 + std::exp(-x));
}

double activate(std::int32_t activation, double x) {
  switch (activation) {
    case ESPER_ACTIVATION_RELU:
      return x < 0.0 ? 0.0 : x;
    case ESPER_ACTIVATION_GELU:
      return 0.5 * x * std::erfc(-x / std::sqrt(2.0));
    case ESPER_ACTIVATION_SILU:
      return x * sigmoid(x);
    case ESPER_ACTIVATION_TANH:
      return std::tanh(x);
    default:
      return sigmoid(x);
  }
}

double activate_slope(std::int32_t activation, double x) {
  switch (activation) {
    case ESPER_ACTIVATION_RELU:
      return x > 0.0 ? 1.0 : 0.0;
    case ESPER_ACTIVATION_GELU:
      return 0.5 * std::erfc(-x / std::sqrt(2.0)) + x * std::exp(-0.5 * x * x) / std::sqrt(2.0 * kPi);
    case ESPER_ACTIVATION_SILU:
      return sigmoid(x) * (1.0 + x * (1.0 - sigmoid(x)));
    case ESPER_ACTIVATION_TANH:
      return 1.0 - std::tanh(x) * std::tanh(x);
    default:
      return sigmoid(x) * (1.0 - sigmoid(x));
  }
}

double confidence(const esper_lattice_seed& seed) {
  return static_cast<double>(seed.alpha) *
         sigmoid(static_cast<double>(seed.confidence_k) *
                 (static_cast<double>(seed.margin) - static_cast<double>(seed.confidence_tau)));
}

void evaluate_blend(const esper_lattice_seed& seed, const double* p, const std::vector<double>& x, Position* out) {
  const int c_count = seed.channel_count;
  const auto alpha = static_cast<double>(seed.alpha);
  const double* b = p + module_parameters(seed);
  out->weight.assign(static_cast<std::size_t>(c_count), alpha);
  if (seed.blend == ESPER_BLEND_CHANNEL) {
    for (int c = 0; c < c_count; ++c) {
      out->weight[c] = clamp(alpha * b[c], 0.0, 1.0);
    }
  } else if (seed.blend == ESPER_BLEND_GATED) {
    double u = b[c_count];
    for (int c = 0; c < c_count; ++c) {
      u += b[c] * x[c];
    }
    out->gate = sigmoid(u);
    out->weight.assign(static_cast<std::size_t>(c_count), alpha * out->gate);
  } else if (seed.blend == ESPER_BLEND_CONFIDENCE && alpha != 0.0) {
    const double w =
        clamp(confidence(seed), static_cast<double>(seed.confidence_lo), static_cast<double>(seed.confidence_hi));
    out->weight.assign(static_cast<std::size_t>(c_count), w);
  }
}

void differentiate_blend(const esper_lattice_seed& seed, const double* p, const std::vector<double>& x,
                         const Position& at, const std::vector<double>& dy, PositionGradient* out) {
  const int c_count = seed.channel_count;
  const auto alpha = static_cast<double>(seed.alpha);
  const std::int64_t first = module_parameters(seed);
  double product = 0.0;  // dy . g
  for (int c = 0; c < c_count; ++c) {
    product += dy[c] * at.g[c];
  }
  switch (seed.blend) {
    case ESPER_BLEND_CHANNEL:
      for (int c = 0; c < c_count; ++c) {
        const double v = p[first + c];
        if (alpha == 0.0) {
          // The right derivative: alpha only ever grows from 0.
          out->dalpha += v > 0.0 ? v * dy[c] * at.g[c] : 0.0;
        } else if (alpha * v > 0.0 && alpha * v < 1.0) {
          out->dalpha += v * dy[c] * at.g[c];
          out->dtheta[first + c] += alpha * dy[c] * at.g[c];
        }
      }
      break;
    case ESPER_BLEND_GATED: {
      const double du = alpha * at.gate * (1.0 - at.gate) * product;
      out->dalpha += at.gate * product;
      for (int c = 0; c < c_count; ++c) {
        out->dtheta[first + c] += du * x[c];
        out->dx[c] += du * p[first + c];
      }
      out->dtheta[first + c_count] += du;
      break;
    }
    case ESPER_BLEND_CONFIDENCE: {
      const double w = confidence(seed);
      if (alpha != 0.0 && w > static_cast<double>(seed.confidence_lo) && w < static_cast<double>(seed.confidence_hi)) {
        out->dalpha += w / alpha * product;
      }
      break;
    }
    default:
      out->dalpha += product;
      break;
  }
}

Position evaluate(const esper_lattice_seed& seed, const double* p, const std::vector<double>& x) {
  Position out;
  evaluate_module(seed, p, x, &out);
  evaluate_blend(seed, p, x, &out);
  return out;
}

PositionGradient differentiate(const esper_lattice_seed& seed, const double* p, const std::vector<double>& x,
                               const std::vector<double>& dy) {
  const Position at = evaluate(seed, p, x);
  PositionGradient out;
  out.dx = dy;
  out.dtheta.assign(static_cast<std::size_t>(seed_parameters(seed)), 0.0);
  std::vector<double> e(dy.size());
  for (std::size_t c = 0; c < dy.size(); ++c) {
    e[c] = at.weight[c] * dy[c];
  }
  differentiate_module(seed, p, x, at, e, &out.dtheta, &out.dx);
  differentiate_blend(seed, p, x, at, dy, &out);
  return out;
}

std::vector<double> training_gradient(const esper_lattice_seed& seed, const double* p, const std::vector<double>& x,
                                      const std::vector<double>& dy) {
  Position at;
  evaluate_module(seed, p, x, &at);
  std::vector<double> dtheta(static_cast<std::size_t>(seed_parameters(seed)), 0.0);
  std::vector<double> unused(dy.size());
  std::vector<double> e(dy.size());
  for (std::size_t c = 0; c < dy.size(); ++c) {
    e[c] = dy[c] + static_cast<double>(seed.kappa) * at.g[c];
  }
  differentiate_module(seed, p, x, at, e, &dtheta, &unused);
  return dtheta;
}

}  // namespace esper::reference
