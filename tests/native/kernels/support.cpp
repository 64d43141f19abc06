#include "support.hpp"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>

namespace esper_test {
namespace {

constexpr float kCanary = 1.2345e30F;
constexpr std::size_t kPad = 37;  // Odd, so that the outputs are not aligned either.

// Memory for an output between two runs of canaries.
class Guarded {
 public:
  Guarded(std::size_t count, float initial) : count_(count), data_(count + 2 * kPad, kCanary) {
    std::fill(data_.begin() + kPad, data_.begin() + static_cast<std::ptrdiff_t>(kPad + count), initial);
  }
  explicit Guarded(const std::vector<float>& values) : Guarded(values.size(), 0.0F) {
    std::copy(values.begin(), values.end(), data_.begin() + kPad);
  }
  float* get() { return data_.data() + kPad; }
  std::vector<float> take(const char* name) const {
    for (std::size_t i = 0; i < kPad; ++i) {
      EXPECT_EQ(data_[i], kCanary) << "write before " << name;
      EXPECT_EQ(data_[kPad + count_ + i], kCanary) << "write behind " << name;
    }
    const auto first = data_.begin() + kPad;
    return {first, first + static_cast<std::ptrdiff_t>(count_)};
  }

 private:
  std::size_t count_;
  std::vector<float> data_;
};

std::vector<double> widen(const std::vector<float>& values) {
  return {values.begin(), values.end()};
}

void draw(std::vector<float>* values, std::mt19937* generator) {
  std::normal_distribution<float> normal(0.0F, 1.0F);
  for (float& value : *values) {
    value = normal(*generator);
  }
}

}  // namespace

esper_context_options context_options(int32_t isa, int32_t threads) {
  esper_context_options options{};
  options.struct_size = sizeof options;
  options.isa = isa;
  options.threads = threads;
  return options;
}

Context make_context(const esper_context_options& options) {
  esper_context* context = nullptr;
  const esper_status status = esper_context_create(&options, &context);
  EXPECT_EQ(status, ESPER_OK) << esper_last_error();
  return Context(context);
}

Context make_context(int32_t isa, int32_t threads) {
  return make_context(context_options(isa, threads));
}

int32_t best_isa() {
  esper_cpu_info info{};
  info.struct_size = sizeof info;
  EXPECT_EQ(esper_cpu_query(&info), ESPER_OK) << esper_last_error();
  return info.best_isa;
}

esper_lattice_seed make_seed(int32_t begin, int32_t count, int32_t family, int32_t rank, int32_t blend) {
  esper_lattice_seed seed{};
  seed.struct_size = sizeof seed;
  seed.stage = ESPER_STAGE_BLENDING;
  seed.channel_begin = begin;
  seed.channel_count = count;
  seed.family = family;
  seed.activation = ESPER_ACTIVATION_GELU;
  seed.rank = family == ESPER_FAMILY_AFFINE ? 0 : rank;
  seed.blend = blend;
  seed.alpha = 0.3F;
  seed.confidence_k = 2.0F;
  seed.confidence_tau = 0.1F;
  seed.confidence_lo = 0.05F;
  seed.confidence_hi = 0.9F;
  seed.margin = 0.4F;
  seed.learning_rate_scale = 1.0F;
  return seed;
}

Problem::Problem(int32_t channel_count, int32_t layout, int64_t batch, int64_t positions) : channels(channel_count) {
  shape.struct_size = sizeof shape;
  shape.layout = layout;
  shape.batch = batch;
  shape.positions = positions;
}

void Problem::finish(uint32_t random_seed) {
  std::mt19937 generator(random_seed);
  int64_t offset = 3;
  for (esper_lattice_seed& seed : seeds) {
    int64_t count = 0;
    ASSERT_EQ(esper_parameter_count(&seed, &count), ESPER_OK) << esper_last_error();
    seed.parameter_offset = offset;
    offset += count + 2;
  }
  theta.resize(static_cast<std::size_t>(offset));
  draw(&theta, &generator);
  for (const esper_lattice_seed& seed : seeds) {
    // Projections of variance 1 / fan-in keep every layer's values of order 1.
    const auto c = static_cast<std::size_t>(seed.channel_count);
    const auto r = static_cast<std::size_t>(seed.rank);
    float* p = theta.data() + seed.parameter_offset;
    const std::size_t bias = seed.family == ESPER_FAMILY_BOTTLENECK ? 1 : 0;
    for (std::size_t i = 0; i < r * c; ++i) {
      p[i] /= std::sqrt(static_cast<float>(c));
      p[r * c + bias * r + i] /= std::sqrt(static_cast<float>(r));
    }
    const std::size_t module = seed.family == ESPER_FAMILY_AFFINE ? 2 * c : 2 * r * c + bias * (r + c);
    for (std::size_t i = 0; i < c; ++i) {
      if (seed.blend == ESPER_BLEND_CHANNEL) {
        // From below 0 to above 1 / alpha: both ends of the clamp are met.
        p[module + i] = 1.5F + 1.5F * p[module + i];
      } else if (seed.blend == ESPER_BLEND_GATED) {
        p[module + i] /= std::sqrt(static_cast<float>(c));
      }
    }
  }
  x.resize(static_cast<std::size_t>(elements()));
  dy.resize(x.size());
  draw(&x, &generator);
  draw(&dy, &generator);
}

std::size_t Problem::at(int64_t image, int64_t channel, int64_t position) const {
  return static_cast<std::size_t>(shape.layout == ESPER_LAYOUT_TOKENS
                                      ? (image * shape.positions + position) * channels + channel
                                      : (image * channels + channel) * shape.positions + position);
}

Lattice Problem::lattice() const {
  esper_lattice* lattice = nullptr;
  const esper_status status =
      esper_lattice_create(channels, seeds.data(), static_cast<int32_t>(seeds.size()), &lattice);
  EXPECT_EQ(status, ESPER_OK) << esper_last_error();
  return Lattice(lattice);
}

Results run(const Problem& problem, esper_context* context, bool in_place) {
  const Lattice lattice = problem.lattice();
  Guarded y = in_place ? Guarded(problem.x) : Guarded(problem.x.size(), 7.0F);
  Guarded dx = in_place ? Guarded(problem.dy) : Guarded(problem.dy.size(), 7.0F);
  Guarded dtheta(problem.theta.size(), 0.0F);
  Guarded dalpha(problem.seeds.size(), 7.0F);
  Results results;
  results.sums.resize(problem.seeds.size());
  for (esper_seed_sums& entry : results.sums) {
    entry.struct_size = sizeof entry;
  }
  EXPECT_EQ(esper_lattice_forward(lattice.get(), context, &problem.shape, problem.theta.data(), problem.theta_count(),
                                  in_place ? y.get() : problem.x.data(), y.get()),
            ESPER_OK)
      << esper_last_error();
  EXPECT_EQ(esper_lattice_backward(lattice.get(), context, &problem.shape, problem.theta.data(), problem.theta_count(),
                                   problem.x.data(), in_place ? dx.get() : problem.dy.data(), dx.get(), dtheta.get(),
                                   dalpha.get(), results.sums.data()),
            ESPER_OK)
      << esper_last_error();
  results.y = y.take("y");
  results.dx = dx.take("dx");
  results.dtheta = dtheta.take("dtheta");
  results.dalpha = dalpha.take("dalpha");
  return results;
}

ReferenceResults run_reference(const Problem& problem) {
  const Lattice lattice = problem.lattice();
  const std::vector<double> theta = widen(problem.theta);
  const std::vector<double> x = widen(problem.x);
  const std::vector<double> dy = widen(problem.dy);
  ReferenceResults results;
  results.y.resize(x.size());
  results.dx.resize(x.size());
  results.dtheta.resize(theta.size());
  results.dalpha.resize(problem.seeds.size());
  EXPECT_EQ(esper_reference_forward(lattice.get(), &problem.shape, theta.data(), problem.theta_count(), x.data(),
                                    results.y.data()),
            ESPER_OK)
      << esper_last_error();
  EXPECT_EQ(esper_reference_backward(lattice.get(), &problem.shape, theta.data(), problem.theta_count(), x.data(),
                                     dy.data(), results.dx.data(), results.dtheta.data(), results.dalpha.data()),
            ESPER_OK)
      << esper_last_error();
  return results;
}

double nmse(const std::vector<float>& a, const std::vector<double>& b) {
  EXPECT_EQ(a.size(), b.size());
  double error = 0.0;
  double energy = 0.0;
  for (std::size_t i = 0; i < b.size(); ++i) {
    const double difference = static_cast<double>(a[i]) - b[i];
    error += difference * difference;
    energy += b[i] * b[i];
  }
  if (energy == 0.0) {
    return error == 0.0 ? 0.0 : std::numeric_limits<double>::infinity();
  }
  return error / energy;
}

void expect_matches(const Results& results, const ReferenceResults& reference, const std::string& what) {
  // The bound of docs/numerics.md: about (80 rounding errors)^2 of binary32.
  constexpr double kBound = 1e-10;
  EXPECT_LE(nmse(results.y, reference.y), kBound) << "y, " << what;
  EXPECT_LE(nmse(results.dx, reference.dx), kBound) << "dx, " << what;
  EXPECT_LE(nmse(results.dtheta, reference.dtheta), kBound) << "dtheta, " << what;
  // One number a seed, a sum of dy g that may cancel to nothing: its error is measured against the size that a sum of
  // as many such products with random signs has.
  ASSERT_EQ(results.dalpha.size(), reference.dalpha.size());
  for (std::size_t s = 0; s < results.dalpha.size(); ++s) {
    const esper_seed_sums& sums = results.sums[s];
    const double size = sums.elements > 0
                            ? std::sqrt(sums.gradient_square * sums.module_square / static_cast<double>(sums.elements))
                            : 0.0;
    EXPECT_NEAR(static_cast<double>(results.dalpha[s]), reference.dalpha[s],
                std::sqrt(kBound) * std::max(size, std::fabs(reference.dalpha[s])))
        << "dalpha of seed " << s << ", " << what;
  }
}

bool same_bits(const std::vector<float>& a, const std::vector<float>& b) {
  return a.size() == b.size() && (a.empty() || std::memcmp(a.data(), b.data(), a.size() * sizeof(float)) == 0);
}

bool same_bits(const Results& a, const Results& b) {
  return same_bits(a.y, b.y) && same_bits(a.dx, b.dx) && same_bits(a.dtheta, b.dtheta) &&
         same_bits(a.dalpha, b.dalpha) && a.sums.size() == b.sums.size() &&
         (a.sums.empty() || std::memcmp(a.sums.data(), b.sums.data(), a.sums.size() * sizeof(a.sums[0])) == 0);
}

Problem mixed_problem(int32_t layout, int64_t batch, int64_t positions, uint32_t random_seed) {
  Problem problem(61, layout, batch, positions);
  problem.seeds = {
      make_seed(40, 16, ESPER_FAMILY_BOTTLENECK, 4, ESPER_BLEND_CONVEX),
      make_seed(0, 5, ESPER_FAMILY_BOTTLENECK, 3, ESPER_BLEND_GATED),
      make_seed(7, 8, ESPER_FAMILY_LOWRANK, 2, ESPER_BLEND_CHANNEL),
      make_seed(15, 1, ESPER_FAMILY_AFFINE, 0, ESPER_BLEND_CONFIDENCE),
      make_seed(16, 6, ESPER_FAMILY_AFFINE, 0, ESPER_BLEND_RESIDUAL),
      make_seed(22, 9, ESPER_FAMILY_BOTTLENECK, 8, ESPER_BLEND_CHANNEL),
      make_seed(31, 7, ESPER_FAMILY_BOTTLENECK, 5, ESPER_BLEND_CONVEX),
      make_seed(56, 3, ESPER_FAMILY_LOWRANK, 1, ESPER_BLEND_GATED),
      make_seed(59, 2, ESPER_FAMILY_BOTTLENECK, 2, ESPER_BLEND_CONVEX),
  };
  problem.seeds[1].activation = ESPER_ACTIVATION_SILU;
  problem.seeds[2].stage = ESPER_STAGE_HOLDING;
  problem.seeds[3].stage = ESPER_STAGE_FOSSILIZED;
  problem.seeds[4].alpha = 1.0F;
  problem.seeds[5].activation = ESPER_ACTIVATION_TANH;
  problem.seeds[5].flags = ESPER_SEED_FROZEN;
  problem.seeds[6].stage = ESPER_STAGE_TRAINING;
  problem.seeds[6].kappa = 0.7F;
  problem.seeds[8].stage = ESPER_STAGE_DORMANT;
  problem.finish(random_seed);
  return problem;
}

std::string isa_test_name(const testing::TestParamInfo<int32_t>& info) {
  return esper_isa_name(info.param);
}

}  // namespace esper_test
