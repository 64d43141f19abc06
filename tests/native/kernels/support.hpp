// Problems with random data, handles that free themselves, and comparisons.
#pragma once

#include <gtest/gtest.h>

#include <cstdint>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include "esper/esper.h"

namespace esper_test {

struct ContextDeleter {
  void operator()(esper_context* context) const { esper_context_destroy(context); }
};
struct LatticeDeleter {
  void operator()(esper_lattice* lattice) const { esper_lattice_destroy(lattice); }
};
struct StoreDeleter {
  void operator()(esper_seed_store* store) const { esper_seed_store_destroy(store); }
};
using Context = std::unique_ptr<esper_context, ContextDeleter>;
using Lattice = std::unique_ptr<esper_lattice, LatticeDeleter>;
using Store = std::unique_ptr<esper_seed_store, StoreDeleter>;

// Options with every field at its default.
esper_context_options context_options(int32_t isa, int32_t threads);
Context make_context(int32_t isa, int32_t threads);
Context make_context(const esper_context_options& options);

// Best instruction set of this machine.
int32_t best_isa();

// A valid seed in Blending with alpha 0.3; parameter_offset is set by Problem::finish.
esper_lattice_seed make_seed(int32_t begin, int32_t count, int32_t family, int32_t rank,
                             int32_t blend = ESPER_BLEND_CONVEX);

// A lattice with data. theta, x and dy are random; pads surround each seed's parameters.
struct Problem {
  int32_t channels = 0;
  esper_shape shape{};
  std::vector<esper_lattice_seed> seeds;
  std::vector<float> theta;
  std::vector<float> x;
  std::vector<float> dy;

  Problem(int32_t channel_count, int32_t layout, int64_t batch, int64_t positions);
  // Places the seeds' parameters and draws the data.
  void finish(uint32_t random_seed);

  int64_t elements() const { return shape.batch * shape.positions * channels; }
  int64_t theta_count() const { return static_cast<int64_t>(theta.size()); }
  // Index of an element.
  std::size_t at(int64_t image, int64_t channel, int64_t position) const;
  Lattice lattice() const;
};

// Results of both passes.
struct Results {
  std::vector<float> y, dx, dtheta, dalpha;
  std::vector<esper_seed_sums> sums;
};
struct ReferenceResults {
  std::vector<double> y, dx, dtheta, dalpha;
};

// Runs both passes out of place, or in place; every output is surrounded by canaries that are checked.
Results run(const Problem& problem, esper_context* context, bool in_place = false);
ReferenceResults run_reference(const Problem& problem);

// sum (a - b)^2 / sum b^2; infinity if b is all 0 and a is not.
double nmse(const std::vector<float>& a, const std::vector<double>& b);

// Every output within the stated bound of the oracle.
void expect_matches(const Results& results, const ReferenceResults& reference, const std::string& what);

// Bitwise equality of float arrays, NaN payloads and the sign of zero included.
bool same_bits(const std::vector<float>& a, const std::vector<float>& b);
bool same_bits(const Results& a, const Results& b);

// A lattice over 61 channels, chunks uneven, with every family, blend and stage that matters.
Problem mixed_problem(int32_t layout, int64_t batch, int64_t positions, uint32_t random_seed);

// Base of tests that run once for each instruction set.
class IsaTest : public testing::TestWithParam<int32_t> {
 protected:
  void SetUp() override {
    if (GetParam() > best_isa()) {
      GTEST_SKIP() << "this machine has no " << esper_isa_name(GetParam());
    }
  }
};

std::string isa_test_name(const testing::TestParamInfo<int32_t>& info);

#define ESPER_FOR_EVERY_ISA(suite)                                                                          \
  INSTANTIATE_TEST_SUITE_P(Isa, suite, testing::Values(ESPER_ISA_SCALAR, ESPER_ISA_AVX2, ESPER_ISA_AVX512), \
                           isa_test_name)

}  // namespace esper_test
