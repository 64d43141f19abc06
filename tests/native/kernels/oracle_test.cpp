// The oracle against central finite differences of itself: gradients of every family, activation and blend.
#include <cmath>
#include <functional>

#include "support.hpp"

namespace esper_test {
namespace {

struct Doubles {
  std::vector<double> theta, x, dy;
};

double loss(const Problem& problem, const Doubles& at) {
  const Lattice lattice = problem.lattice();
  std::vector<double> y(at.x.size());
  EXPECT_EQ(esper_reference_forward(lattice.get(), &problem.shape, at.theta.data(), problem.theta_count(), at.x.data(),
                                    y.data()),
            ESPER_OK)
      << esper_last_error();
  double sum = 0.0;
  for (std::size_t i = 0; i < y.size(); ++i) {
    sum += at.dy[i] * y[i];
  }
  return sum;
}

Doubles widen(const Problem& problem) {
  return {{problem.theta.begin(), problem.theta.end()},
          {problem.x.begin(), problem.x.end()},
          {problem.dy.begin(), problem.dy.end()}};
}

// Compares gradient with the central differences of value under changes of each element of variable.
void expect_gradient(const std::vector<double>& gradient, std::vector<double>* variable,
                     const std::function<double()>& value, const std::string& what) {
  constexpr double kStep = 1e-5;
  for (std::size_t i = 0; i < gradient.size(); ++i) {
    const double saved = (*variable)[i];
    (*variable)[i] = saved + kStep;
    const double above = value();
    (*variable)[i] = saved - kStep;
    const double below = value();
    (*variable)[i] = saved;
    // Truncation is of order step^2, cancellation of order 1e-16 * loss / step.
    EXPECT_NEAR(gradient[i], (above - below) / (2.0 * kStep), 1e-7 * (1.0 + std::fabs(gradient[i]))) << what << i;
  }
}

Problem small_problem(int32_t family, int32_t activation, int32_t blend) {
  // Two batch items of two rows: smaller than a kernel, with neighbours in both directions.
  Problem problem(5, ESPER_LAYOUT_TOKENS, 2, 6, 3);
  problem.seeds = {make_seed(1, 3, family, 2, blend)};
  problem.seeds[0].activation = activation;
  problem.seeds[0].alpha = 0.375F;
  problem.finish(static_cast<uint32_t>(100 * family + 10 * activation + blend + 1));
  return problem;
}

TEST(OracleTest, GradientsMatchFiniteDifferences) {
  for (int32_t family = 0; family < kFamilyCount; ++family) {
    for (int32_t activation = 0; activation < kActivationCount; ++activation) {
      for (int32_t blend = 0; blend < kBlendCount; ++blend) {
        const Problem problem = small_problem(family, activation, blend);
        const std::string what = "family " + std::to_string(family) + " activation " + std::to_string(activation) +
                                 " blend " + std::to_string(blend) + " element ";
        const ReferenceResults results = run_reference(problem);
        Doubles at = widen(problem);
        const auto value = [&] { return loss(problem, at); };
        expect_gradient(results.dx, &at.x, value, "dx " + what);
        expect_gradient(results.dtheta, &at.theta, value, "dtheta " + what);
      }
    }
  }
}

TEST(OracleTest, AlphaGradientMatchesFiniteDifferences) {
  for (int32_t family = 0; family < kFamilyCount; ++family) {
    for (int32_t blend = 0; blend < kBlendCount; ++blend) {
      Problem problem = small_problem(family, ESPER_ACTIVATION_TANH, blend);
      const double gradient = run_reference(problem).dalpha[0];
      const Doubles at = widen(problem);
      // Powers of two: alpha is a float, the steps must be exact. The value is affine in alpha between clamps.
      constexpr float kStep = 0x1p-12F;
      problem.seeds[0].alpha = 0.375F + kStep;
      const double above = loss(problem, at);
      problem.seeds[0].alpha = 0.375F - kStep;
      const double below = loss(problem, at);
      EXPECT_NEAR(gradient, (above - below) / (2.0 * static_cast<double>(kStep)), 1e-9 * (1.0 + std::fabs(gradient)))
          << "family " << family << " blend " << blend;
    }
  }
}

// At alpha = 0 nothing is blended, yet the derivative from the right is what a controller needs to start with.
TEST(OracleTest, AlphaGradientAtZeroIsTheRightDerivative) {
  for (int32_t blend = 0; blend < kBlendCount; ++blend) {
    Problem problem = small_problem(ESPER_FAMILY_BOTTLENECK, ESPER_ACTIVATION_GELU, blend);
    problem.seeds[0].alpha = 0.0F;
    const double gradient = run_reference(problem).dalpha[0];
    const Doubles at = widen(problem);
    const double here = loss(problem, at);
    constexpr float kStep = 0x1p-12F;
    problem.seeds[0].alpha = kStep;
    const double above = loss(problem, at);
    if (blend == ESPER_BLEND_CONFIDENCE) {
      // The weight jumps to its lower bound there: no derivative, reported as 0.
      EXPECT_EQ(gradient, 0.0);
    } else {
      EXPECT_NEAR(gradient, (above - here) / static_cast<double>(kStep), 1e-9 * (1.0 + std::fabs(gradient)))
          << "blend " << blend;
    }
  }
}

// In Training the parameters descend dy . g + kappa / 2 |g|^2 with x constant; g = f - x from a Fossilized twin.
TEST(OracleTest, TrainingGradientMatchesFiniteDifferencesOfItsObjective) {
  for (int32_t family = 0; family < kFamilyCount; ++family) {
    for (const float kappa : {0.0F, 0.75F}) {
      Problem problem = small_problem(family, ESPER_ACTIVATION_SILU, ESPER_BLEND_CONVEX);
      problem.seeds[0].stage = ESPER_STAGE_TRAINING;
      problem.seeds[0].kappa = kappa;
      const ReferenceResults results = run_reference(problem);
      EXPECT_EQ(results.dalpha[0], 0.0);
      Problem twin = problem;
      twin.seeds[0].stage = ESPER_STAGE_FOSSILIZED;
      twin.seeds[0].alpha = 1.0F;
      Doubles at = widen(problem);
      const auto objective = [&] {
        const Lattice lattice = twin.lattice();
        std::vector<double> y(at.x.size());
        EXPECT_EQ(esper_reference_forward(lattice.get(), &twin.shape, at.theta.data(), twin.theta_count(), at.x.data(),
                                          y.data()),
                  ESPER_OK);
        double sum = 0.0;
        for (std::size_t i = 0; i < y.size(); ++i) {
          const double g = y[i] - at.x[i];
          sum += at.dy[i] * g + 0.5 * static_cast<double>(kappa) * g * g;
        }
        return sum;
      };
      expect_gradient(results.dtheta, &at.theta, objective, "family " + std::to_string(family) + " element ");
    }
  }
}

TEST(OracleTest, WorksOutOfPlaceOnly) {
  const Problem problem = small_problem(ESPER_FAMILY_AFFINE, 0, ESPER_BLEND_CONVEX);
  const Lattice lattice = problem.lattice();
  Doubles at = widen(problem);
  EXPECT_EQ(esper_reference_forward(lattice.get(), &problem.shape, at.theta.data(), problem.theta_count(), at.x.data(),
                                    at.x.data()),
            ESPER_ERROR_INVALID_ARGUMENT);
  EXPECT_STREQ(esper_last_error(), "y is x; the oracle works out of place only");
}

}  // namespace
}  // namespace esper_test
