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

// Collects what is out of bounds; NaN is.
class Report {
 public:
  // One number of a seed.
  void near(const char* output, std::size_t seed, double value, double expected, double tolerance) {
    const double error = std::fabs(value - expected);
    if (!(error <= tolerance)) {
      std::ostringstream text;
      text.precision(9);
      text << output << " of seeds[" << seed << "]: " << value << ", expected " << expected << " +- " << tolerance;
      list_.push_back({output, seed, error, text.str()});
    }
  }
  void equal(const char* output, std::size_t seed, int64_t value, int64_t expected) {
    near(output, seed, static_cast<double>(value), static_cast<double>(expected), 0.0);
  }
  void tensor(const char* output, const std::vector<float>& value, const std::vector<double>& expected) {
    const double ratio = nmse(value, expected);
    if (!(ratio <= kBound)) {
      double square = 0.0;
      for (std::size_t i = 0; i < expected.size(); ++i) {
        const double difference = static_cast<double>(value[i]) - expected[i];
        square += difference * difference;
      }
      std::ostringstream text;
      text << "NMSE of " << output << ": " << ratio << " > " << kBound;
      list_.push_back({output, 0, std::sqrt(square), text.str()});
    }
  }
  std::vector<Mismatch> take() { return std::move(list_); }

 private:
  std::vector<Mismatch> list_;
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

ExactSums chunk_sums(const Problem& problem, const esper_lattice_seed& seed, const std::vector<double>& f) {
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

void compare_sums(const Problem& problem, const Results& results, std::size_t s, const ExactSums& expected,
                  Report* report) {
  const esper_lattice_seed& seed = problem.seeds[s];
  const esper_seed_sums& sums = results.sums[s];
  report->equal("elements", s, sums.elements, problem.shape.batch * problem.shape.positions * seed.channel_count);
  report->equal("hidden_units", s, sums.hidden_units, hidden_units(seed));
  if (sums.hidden_dead < 0 || sums.hidden_dead > sums.hidden_units) {
    report->equal("hidden_dead", s, sums.hidden_dead, 0);
  }
  const ExactSums exact = sums.evaluated != 0 ? expected : ExactSums{};
  const auto n = static_cast<double>(sums.elements);
  report->near("input_square", s, sums.input_square, exact.xx, kSumBound * exact.xx);
  report->near("module_square", s, sums.module_square, exact.gg, kSumBound * exact.gg);
  report->near("gradient_square", s, sums.gradient_square, exact.dd, kSumBound * exact.dd);
  // Sums that may cancel are measured against the size that they have with random signs.
  report->near("gradient_module", s, sums.gradient_module, exact.dg, kSumBound * (exact.gg + exact.dd));
  report->near("input_sum", s, sums.input_sum, exact.x, kSumBound * std::sqrt(n * exact.xx));
  report->near("module_sum", s, sums.module_sum, exact.g, kSumBound * std::sqrt(n * exact.gg));
  // dtheta was 0 before the pass, so what is there now is what was added.
  int64_t count = 0;
  require(esper_parameter_count(&seed, &count));
  double square = 0.0;
  for (int64_t i = 0; i < count; ++i) {
    const auto value = static_cast<double>(results.dtheta[static_cast<std::size_t>(seed.parameter_offset + i)]);
    square += value * value;
  }
  report->near("parameter_gradient_square", s, sums.parameter_gradient_square, square, 1e-12 * square);
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
      report->near("dtheta outside of learning seeds", i, static_cast<double>(results.dtheta[i]), 0.0, 0.0);
    }
  }
}

}  // namespace

std::vector<ExactSums> exact_sums(const Problem& problem) {
  const std::vector<double> f = module_values(problem);
  std::vector<ExactSums> sums;
  for (const esper_lattice_seed& seed : problem.seeds) {
    sums.push_back(chunk_sums(problem, seed, f));
  }
  return sums;
}

std::vector<Mismatch> mismatches(const Problem& problem, const Results& results, const ReferenceResults& reference) {
  Report report;
  report.tensor("y", results.y, reference.y);
  report.tensor("dx", results.dx, reference.dx);
  report.tensor("dtheta", results.dtheta, reference.dtheta);
  compare_pads(problem, results, &report);
  const std::vector<ExactSums> exact = exact_sums(problem);
  for (std::size_t s = 0; s < problem.seeds.size(); ++s) {
    compare_sums(problem, results, s, exact[s], &report);
    // One number a seed, a sum of dy g that may cancel to nothing.
    const esper_seed_sums& sums = results.sums[s];
    const double size = sums.elements > 0
                            ? std::sqrt(sums.gradient_square * sums.module_square / static_cast<double>(sums.elements))
                            : 0.0;
    report.near("dalpha", s, static_cast<double>(results.dalpha[s]), reference.dalpha[s],
                std::sqrt(kBound) * std::max(size, std::fabs(reference.dalpha[s])));
  }
  return report.take();
}

}  // namespace esper_test
