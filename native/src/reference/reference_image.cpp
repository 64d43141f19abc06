#include "reference/reference_image.hpp"

#include <cmath>

#include "reference/reference_module.hpp"

namespace esper::reference {
namespace {

Image blank(std::int64_t rows, std::int64_t positions, std::int64_t width) {
  return {positions, width, std::vector<double>(static_cast<std::size_t>(rows * positions), 0.0)};
}

ImageModule evaluate_gate(const esper_lattice_seed& seed, const double* p, const Image& x) {
  const int c_count = seed.channel_count;
  const int r_count = seed.rank;
  const double* w1 = p;
  const double* b1 = w1 + r_count * c_count;
  const double* w2 = b1 + r_count;
  const double* b2 = w2 + c_count * r_count;
  ImageModule out{{}, {}, blank(r_count, 1, 1), blank(r_count, 1, 1), blank(c_count, x.positions, x.width)};
  for (int c = 0; c < c_count; ++c) {
    double sum = 0.0;
    for (std::int64_t t = 0; t < x.positions; ++t) {
      sum += x.at(c, t);
    }
    out.mean.push_back(sum / static_cast<double>(x.positions));
  }
  for (int r = 0; r < r_count; ++r) {
    double sum = b1[r];
    for (int c = 0; c < c_count; ++c) {
      sum += w1[r * c_count + c] * out.mean[c];
    }
    out.pre.at(r, 0) = sum;
    out.hidden.at(r, 0) = activate(seed.activation, sum);
  }
  for (int c = 0; c < c_count; ++c) {
    double s = b2[c];
    for (int r = 0; r < r_count; ++r) {
      s += w2[c * r_count + r] * out.hidden.at(r, 0);
    }
    out.gate.push_back(std::tanh(s / 2.0));
    for (std::int64_t t = 0; t < x.positions; ++t) {
      out.g.at(c, t) = x.at(c, t) * out.gate[c];
    }
  }
  return out;
}

void differentiate_gate(const esper_lattice_seed& seed, const double* p, const Image& x, const ImageModule& at,
                        const Image& e, std::vector<double>* dtheta, Image* dx) {
  const int c_count = seed.channel_count;
  const int r_count = seed.rank;
  const int w1 = 0;
  const int b1 = r_count * c_count;
  const int w2 = b1 + r_count;
  const int b2 = w2 + c_count * r_count;
  std::vector<double>& d = *dtheta;
  std::vector<double> ds;
  for (int c = 0; c < c_count; ++c) {
    double dgate = 0.0;
    for (std::int64_t t = 0; t < x.positions; ++t) {
      dgate += e.at(c, t) * x.at(c, t);
      dx->at(c, t) += e.at(c, t) * at.gate[c];
    }
    ds.push_back(dgate * (1.0 - at.gate[c] * at.gate[c]) / 2.0);
  }
  for (int c = 0; c < c_count; ++c) {
    for (int r = 0; r < r_count; ++r) {
      d[w2 + c * r_count + r] += ds[c] * at.hidden.at(r, 0);
    }
    d[b2 + c] += ds[c];
  }
  for (int r = 0; r < r_count; ++r) {
    double dhidden = 0.0;
    for (int c = 0; c < c_count; ++c) {
      dhidden += p[w2 + c * r_count + r] * ds[c];
    }
    const double dpre = dhidden * activate_slope(seed.activation, at.pre.at(r, 0));
    d[b1 + r] += dpre;
    for (int c = 0; c < c_count; ++c) {
      d[w1 + r * c_count + c] += dpre * at.mean[c];
      for (std::int64_t t = 0; t < x.positions; ++t) {
        dx->at(c, t) += dpre * p[w1 + r * c_count + c] / static_cast<double>(x.positions);
      }
    }
  }
}

// Calls body(tap, from) for every tap of the k x k kernel around position t whose source position lies in the image.
template <typename Body>
void for_each_tap(const Image& image, int k, std::int64_t t, Body body) {
  const std::int64_t height = image.positions / image.width;
  for (int i = 0; i < k; ++i) {
    for (int j = 0; j < k; ++j) {
      const std::int64_t row = t / image.width + i - k / 2;
      const std::int64_t column = t % image.width + j - k / 2;
      if (row >= 0 && row < height && column >= 0 && column < image.width) {
        body(i * k + j, row * image.width + column);
      }
    }
  }
}

ImageModule evaluate_depthwise(const esper_lattice_seed& seed, const double* p, const Image& x) {
  const int c_count = seed.channel_count;
  const int k = seed.kernel;
  const double* kernel = p;
  const double* b1 = kernel + c_count * k * k;
  const double* w2 = b1 + c_count;
  const double* b2 = w2 + c_count * c_count;
  ImageModule out{{},
                  {},
                  blank(c_count, x.positions, x.width),
                  blank(c_count, x.positions, x.width),
                  blank(c_count, x.positions, x.width)};
  for (int c = 0; c < c_count; ++c) {
    for (std::int64_t t = 0; t < x.positions; ++t) {
      double sum = b1[c];
      for_each_tap(x, k, t, [&](int tap, std::int64_t from) { sum += kernel[c * k * k + tap] * x.at(c, from); });
      out.pre.at(c, t) = sum;
      out.hidden.at(c, t) = activate(seed.activation, sum);
    }
  }
  for (int c = 0; c < c_count; ++c) {
    for (std::int64_t t = 0; t < x.positions; ++t) {
      double sum = b2[c];
      for (int r = 0; r < c_count; ++r) {
        sum += w2[c * c_count + r] * out.hidden.at(r, t);
      }
      out.g.at(c, t) = sum;
    }
  }
  return out;
}

void differentiate_depthwise(const esper_lattice_seed& seed, const double* p, const Image& x, const ImageModule& at,
                             const Image& e, std::vector<double>* dtheta, Image* dx) {
  const int c_count = seed.channel_count;
  const int k = seed.kernel;
  const int b1 = c_count * k * k;
  const int w2 = b1 + c_count;
  const int b2 = w2 + c_count * c_count;
  std::vector<double>& d = *dtheta;
  for (std::int64_t t = 0; t < x.positions; ++t) {
    for (int c = 0; c < c_count; ++c) {
      for (int r = 0; r < c_count; ++r) {
        d[w2 + c * c_count + r] += e.at(c, t) * at.hidden.at(r, t);
      }
      d[b2 + c] += e.at(c, t);
    }
    for (int r = 0; r < c_count; ++r) {
      double dhidden = 0.0;
      for (int c = 0; c < c_count; ++c) {
        dhidden += p[w2 + c * c_count + r] * e.at(c, t);
      }
      const double dpre = dhidden * activate_slope(seed.activation, at.pre.at(r, t));
      d[b1 + r] += dpre;
      for_each_tap(x, k, t, [&](int tap, std::int64_t from) {
        d[r * k * k + tap] += dpre * x.at(r, from);
        dx->at(r, from) += dpre * p[r * k * k + tap];
      });
    }
  }
}

}  // namespace

ImageModule evaluate_image(const esper_lattice_seed& seed, const double* p, const Image& x) {
  return seed.family == ESPER_FAMILY_GATE ? evaluate_gate(seed, p, x) : evaluate_depthwise(seed, p, x);
}

void differentiate_image(const esper_lattice_seed& seed, const double* p, const Image& x, const ImageModule& at,
                         const Image& e, std::vector<double>* dtheta, Image* dx) {
  if (seed.family == ESPER_FAMILY_GATE) {
    differentiate_gate(seed, p, x, at, e, dtheta, dx);
  } else {
    differentiate_depthwise(seed, p, x, at, e, dtheta, dx);
  }
}

}  // namespace esper::reference
