// The case table on every backend, forward and backward, and on the oracle itself.
#include <cmath>
#include <random>
#include <tuple>

#include "case_table.hpp"
#include "support.hpp"

namespace esper_test {
namespace {

class CaseTest : public testing::TestWithParam<std::tuple<std::size_t, std::size_t>> {};

std::string case_test_name(const testing::TestParamInfo<CaseTest::ParamType>& parameters) {
  return backend_table()[std::get<0>(parameters.param)].name + "_" + case_table()[std::get<1>(parameters.param)].name;
}

TEST_P(CaseTest, MatchesTheOracle) {
  const BackendEntry& entry = backend_table()[std::get<0>(GetParam())];
  if (!entry.missing.empty()) {
    GTEST_SKIP() << entry.missing;
  }
  const std::unique_ptr<Backend> backend = entry.make();
  for (const Case& c : case_table()[std::get<1>(GetParam())].cases) {
    const Problem problem = c.problem();
    try {
      expect_matches(problem, run(problem, *backend, c.placement), c.name);
    } catch (const std::exception& error) {
      ADD_FAILURE() << error.what() << ", " << c.name;
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Backend, CaseTest,
                         testing::Combine(testing::Range(std::size_t{0}, backend_table().size()),
                                          testing::Range(std::size_t{0}, case_table().size())),
                         case_test_name);

// The oracle on the same cases: its gradients against the difference of its own values along one random direction.
class OracleCaseTest : public testing::TestWithParam<std::size_t> {};

using Doubles = std::vector<double>;

Doubles widen(const std::vector<float>& values) {
  return {values.begin(), values.end()};
}

Doubles forward(const Problem& problem, const Doubles& theta, const Doubles& x) {
  Doubles y(x.size());
  require(esper_reference_forward(problem.lattice().get(), &problem.shape, theta.data(), problem.theta_count(),
                                  x.data(), y.data()));
  return y;
}

// What dtheta descends: dy . y of the blended seeds, and dy . g + kappa / 2 |g|^2 of those in Training, g = f - x taken
// from Fossilized twins. dx belongs to the first part alone.
double loss(const Problem& problem, const Doubles& theta, const Doubles& x, bool training) {
  double sum = 0.0;
  const Doubles y = forward(problem, theta, x);
  for (std::size_t i = 0; i < y.size(); ++i) {
    sum += static_cast<double>(problem.dy[i]) * y[i];
  }
  if (!training) {
    return sum;
  }
  for (const esper_lattice_seed& seed : problem.seeds) {
    if (seed.stage != ESPER_STAGE_TRAINING) {
      continue;
    }
    Problem twin = problem;
    twin.seeds = {seed};
    twin.seeds[0].stage = ESPER_STAGE_FOSSILIZED;
    twin.seeds[0].alpha = 1.0F;
    twin.seeds[0].blend = ESPER_BLEND_CONVEX;
    const Doubles f = forward(twin, theta, x);
    for (std::size_t i = 0; i < f.size(); ++i) {
      const double g = f[i] - x[i];
      sum += static_cast<double>(problem.dy[i]) * g + 0.5 * static_cast<double>(seed.kappa) * g * g;
    }
  }
  return sum;
}

Doubles random_direction(std::size_t size, uint32_t random_seed) {
  std::mt19937 generator(random_seed);
  std::normal_distribution<double> normal(0.0, 1.0);
  Doubles direction(size);
  for (double& value : direction) {
    value = normal(generator);
  }
  return direction;
}

Doubles moved(const Doubles& start, const Doubles& direction, double step) {
  Doubles result = start;
  for (std::size_t i = 0; i < start.size(); ++i) {
    result[i] += step * direction[i];
  }
  return result;
}

// Parameters that take no gradient although the value depends on them do not move.
void hold_still(const Problem& problem, Doubles* direction) {
  for (const esper_lattice_seed& seed : problem.seeds) {
    int64_t count = 0;
    require(esper_parameter_count(&seed, &count));
    if (seed.flags == ESPER_SEED_FROZEN) {
      std::fill_n(direction->begin() + seed.parameter_offset, count, 0.0);
    }
  }
}

void expect_slope(const Doubles& gradient, const Doubles& direction, double above, double below, double step,
                  const std::string& what) {
  double expected = 0.0;
  double size = 0.0;
  for (std::size_t i = 0; i < gradient.size(); ++i) {
    expected += gradient[i] * direction[i];
    size += gradient[i] * gradient[i];
  }
  // Truncation of order step^2, cancellation of order 1e-16 * loss / step, a kink of ReLU or a clamp now and then.
  EXPECT_NEAR((above - below) / (2.0 * step), expected, 1e-6 * (std::fabs(above) + std::sqrt(size) + 1.0)) << what;
}

TEST_P(OracleCaseTest, GradientsAreSlopes) {
  constexpr double kStep = 1e-6;
  constexpr int64_t kMostElements = 20000;  // The oracle is slow.
  uint32_t number = 0;
  for (const Case& c : case_table()[GetParam()].cases) {
    const Problem problem = c.problem();
    ++number;
    if (problem.elements() > kMostElements || problem.elements() == 0) {
      continue;
    }
    const ReferenceResults results = run_reference(problem);
    const Doubles theta = widen(problem.theta);
    const Doubles x = widen(problem.x);
    const Doubles dx = random_direction(x.size(), number);
    expect_slope(results.dx, dx, loss(problem, theta, moved(x, dx, kStep), false),
                 loss(problem, theta, moved(x, dx, -kStep), false), kStep, "dx, " + c.name);
    Doubles dtheta = random_direction(theta.size(), number + 1);
    hold_still(problem, &dtheta);
    expect_slope(results.dtheta, dtheta, loss(problem, moved(theta, dtheta, kStep), x, true),
                 loss(problem, moved(theta, dtheta, -kStep), x, true), kStep, "dtheta, " + c.name);
  }
}

TEST_P(OracleCaseTest, ForwardLeavesWhatNoSeedBlends) {
  for (const Case& c : case_table()[GetParam()].cases) {
    const Problem problem = c.problem();
    std::vector<bool> blended(static_cast<std::size_t>(problem.channels), false);
    for (const esper_lattice_seed& seed : problem.seeds) {
      const bool alters =
          seed.alpha > 0.0F && seed.stage >= ESPER_STAGE_BLENDING && seed.stage <= ESPER_STAGE_FOSSILIZED;
      for (int32_t i = 0; alters && i < seed.channel_count; ++i) {
        blended[static_cast<std::size_t>(seed.channel_begin + i)] = true;
      }
    }
    const ReferenceResults results = run_reference(problem);
    for (int64_t b = 0; b < problem.shape.batch; ++b) {
      for (int64_t channel = 0; channel < problem.channels; ++channel) {
        for (int64_t t = 0; t < problem.shape.positions; ++t) {
          const std::size_t i = problem.at(b, channel, t);
          if (!blended[static_cast<std::size_t>(channel)]) {
            ASSERT_EQ(results.y[i], static_cast<double>(problem.x[i])) << c.name;
            ASSERT_EQ(results.dx[i], static_cast<double>(problem.dy[i])) << c.name;
          }
        }
      }
    }
  }
}

std::string group_name(const testing::TestParamInfo<std::size_t>& group) {
  return case_table()[group.param].name;
}

INSTANTIATE_TEST_SUITE_P(Oracle, OracleCaseTest, testing::Range(std::size_t{0}, case_table().size()), group_name);

}  // namespace
}  // namespace esper_test
