// What the tests share beyond problem.hpp: the mixed lattice, expectations, and tests that run on every instruction
// set.
#pragma once

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "problem.hpp"

namespace esper_test {

// Every output within the stated bound of the oracle.
void expect_matches(const Problem& problem, const Results& results, const std::string& what);

// A lattice over 100 channels, chunks uneven, with every family, blend and stage that matters. Images have the largest
// number of columns up to 16 that divides positions. Seeds 0 to 8 work on every position by itself, the rest are gate
// and depthwise.
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
