// The bounds of docs/numerics.md.
#include <algorithm>
#include <cmath>
#include <sstream>

#include "problem.hpp"

namespace esper_test {
namespace {

// About (80 rounding errors)^2 of binary32.
constexpr double kBound = 1e-10;
// Sums of a tile in float, the rest in double.
constexpr double kSumBound = 1e-5;

class Report {
 public:
  // NaN fails.
  void at_most(double value, double bound, const std::string& what) {
    if (!(value <= bound)) {
      std::ostringstream text;
      text << what << ": " << value << " > " << bound;
      lines_.push_back(text.str());
    }
  }
  void near(double value, double expected, double tolerance, const std::string& what) {
    if (!(std::fabs(value - expected) <= tolerance)) {
      std::ostringstream text;
      text.precision(9);
      text << what << ": " << value << ", expected " << expected << " +- " << tolerance;
      lines_.push_back(text.str());
    }
  }
  void equal(int64_t value, int64_t expected, const std::string& what) {
    if (value != expected) {
      lines_.push_back(what + ": " + std::to_string(value) + ", expected " + std::to_string(expected));
    }
  }
  std::vector<std::string> take() { return std::move(lines_); }

 private:
  std::vector<std::string> lines_;
};

bool runs_forward(const esper_lattice_seed& seed) {
  return seed.stage == ESPER_STAGE_BLENDING || seed.stage == ESPER_STAGE_HOLDING ||
         seed.stage == ESPER_STAGE_FOSSILIZED;
}

// f(x) of every seed whose module may run: the oracle with alpha = 1 and the convex blend everywhere.
std::vector<double> module_values(const Problem& problem) {
  Problem full = problem;
  for (esper_lattice_seed& seed : full.seeds) {
    if (seed.stage == ESPER_STAGE_TRAINING || runs_forward(seed)) {
      seed.stage = ESPER_STAGE_FOSSILIZED;
    }
    seed.alpha = 1.0F;
    seed.blend = ESPER_BLEND_CONVEX;
  }
  const std::vector<double> theta(full.theta.begin(), full.theta.end());
  const std::vector<double> x(full.x.begin(), full.x.end());
  std::vector<double> f(x.size());
  require(
      esper_reference_forward(full.lattice().get(), &full.shape, theta.data(), full.theta_count(), x.data(), f.data()));
  return f;
}

struct ExactSums {
  double x = 0.0;
  double g = 0.0;
  double xx = 0.0;
  double gg = 0.0;
  double dd = 0.0;
  double dg = 0.0;
};

ExactSums exact_sums(const Problem& problem, const esper_lattice_seed& seed, const std::vector<double>& f) {
  ExactSums s;
  for (int64_t b = 0; b < problem.shape.batch; ++b) {
    for (int64_t c = 0; c < seed.channel_count; ++c) {
      for (int64_t t = 0; t < problem.shape.positions; ++t) {
        const std::size_t i = problem.at(b, seed.channel_begin + c, t);
        const auto x = static_cast<double>(problem.x[i]);
        const auto d = static_cast<double>(problem.dy[i]);
        const double g = f[i] - x;
        s.x += x;
        s.g += g;
        s.xx += x * x;
        s.gg += g * g;
        s.dd += d * d;
        s.dg += d * g;
      }
    }
  }
  return s;
}

int64_t hidden_units(const esper_lattice_seed& seed) {
  switch (seed.family) {
    case ESPER_FAMILY_BOTTLENECK:
    case ESPER_FAMILY_GATE:
      return seed.rank;
    case ESPER_FAMILY_DEPTHWISE:
      return seed.channel_count;
    default:
      return 0;
  }
}

void compare_sums(const Problem& problem, const Results& results, std::size_t s, const std::vector<double>& f,
                  Report* report) {
  const esper_lattice_seed& seed = problem.seeds[s];
  const esper_seed_sums& sums = results.sums[s];
  const std::string name = "sums[" + std::to_string(s) + "].";
  report->equal(sums.elements, problem.shape.batch * problem.shape.positions * seed.channel_count, name + "elements");
  report->equal(sums.hidden_units, hidden_units(seed), name + "hidden_units");
  report->at_most(static_cast<double>(sums.hidden_dead), static_cast<double>(sums.hidden_units), name + "hidden_dead");
  const ExactSums exact = sums.evaluated != 0 ? exact_sums(problem, seed, f) : ExactSums{};
  const auto n = static_cast<double>(sums.elements);
  report->near(sums.input_square, exact.xx, kSumBound * exact.xx, name + "input_square");
  report->near(sums.module_square, exact.gg, kSumBound * exact.gg, name + "module_square");
  report->near(sums.gradient_square, exact.dd, kSumBound * exact.dd, name + "gradient_square");
  // Sums that may cancel are measured against the size that they have with random signs.
  report->near(sums.gradient_module, exact.dg, kSumBound * (exact.gg + exact.dd), name + "gradient_module");
  report->near(sums.input_sum, exact.x, kSumBound * std::sqrt(n * exact.xx), name + "input_sum");
  report->near(sums.module_sum, exact.g, kSumBound * std::sqrt(n * exact.gg), name + "module_sum");
  // dtheta was 0 before the pass, so what is there now is what was added.
  int64_t count = 0;
  require(esper_parameter_count(&seed, &count));
  double square = 0.0;
  for (int64_t i = 0; i < count; ++i) {
    const auto value = static_cast<double>(results.dtheta[static_cast<std::size_t>(seed.parameter_offset + i)]);
    square += value * value;
  }
  report->near(sums.parameter_gradient_square, square, 1e-12 * square, name + "parameter_gradient_square");
}

// Nothing but the parameters of learning seeds may be added to.
void compare_pads(const Problem& problem, const Results& results, Report* report) {
  std::vector<bool> owned(problem.theta.size(), false);
  for (const esper_lattice_seed& seed : problem.seeds) {
    int64_t count = 0;
    require(esper_parameter_count(&seed, &count));
    std::fill_n(owned.begin() + seed.parameter_offset, seed.flags == ESPER_SEED_FROZEN ? 0 : count, true);
  }
  for (std::size_t i = 0; i < owned.size(); ++i) {
    if (!owned[i] && results.dtheta[i] != 0.0F) {
      report->equal(1, 0, "writes to dtheta[" + std::to_string(i) + "], which no learning seed owns");
    }
  }
}

}  // namespace

std::vector<std::string> mismatches(const Problem& problem, const Results& results, const ReferenceResults& reference) {
  Report report;
  report.at_most(nmse(results.y, reference.y), kBound, "NMSE of y");
  report.at_most(nmse(results.dx, reference.dx), kBound, "NMSE of dx");
  report.at_most(nmse(results.dtheta, reference.dtheta), kBound, "NMSE of dtheta");
  compare_pads(problem, results, &report);
  const std::vector<double> f = module_values(problem);
  for (std::size_t s = 0; s < problem.seeds.size(); ++s) {
    compare_sums(problem, results, s, f, &report);
    // One number a seed, a sum of dy g that may cancel to nothing.
    const esper_seed_sums& sums = results.sums[s];
    const double size = sums.elements > 0
                            ? std::sqrt(sums.gradient_square * sums.module_square / static_cast<double>(sums.elements))
                            : 0.0;
    report.near(static_cast<double>(results.dalpha[s]), reference.dalpha[s],
                std::sqrt(kBound) * std::max(size, std::fabs(reference.dalpha[s])),
                "dalpha[" + std::to_string(s) + "]");
  }
  return report.take();
}

}  // namespace esper_test
