// float16 and bfloat16 storage: at most twice the error of a naive implementation in the same precision.
#include <gtest/gtest.h>

#include <cmath>

#include "device.hpp"
#include "storage.hpp"

namespace esper_test {
namespace {

// Euclidean distance.
double distance(const std::vector<float>& a, const std::vector<double>& b) {
  double sum = 0.0;
  for (std::size_t i = 0; i < b.size(); ++i) {
    const double difference = static_cast<double>(a[i]) - b[i];
    sum += difference * difference;
  }
  return std::sqrt(sum);
}

std::vector<float> rounded_all(int32_t dtype, const std::vector<double>& values) {
  std::vector<float> result;
  for (const double value : values) {
    result.push_back(rounded(dtype, static_cast<float>(value)));
  }
  return result;
}

// A naive implementation keeps parameters, hidden values and results in the storage precision. Two of these roundings,
// of parameters and of results, with everything between exact, bound its error from below.
ReferenceResults naive(int32_t dtype, Problem problem) {
  for (float& value : problem.theta) {
    value = rounded(dtype, value);
  }
  return run_reference(problem);
}

struct Outputs {
  std::vector<float> y, dx, dtheta, dalpha;
};

Outputs run_device(const Problem& problem, const DeviceOptions& options, bool in_place, std::size_t shift) {
  const int32_t dtype = options.dtype;
  const std::vector<unsigned char> x = encode(dtype, problem.x);
  const std::vector<unsigned char> dy = encode(dtype, problem.dy);
  const std::size_t skip = shift * element_bytes(dtype);
  Memory in(x.size() + skip, 64);
  Memory up(x.size() + skip, 64);
  Memory out(x.size() + skip, 64, 0x33);
  Memory dtheta(problem.theta.size() * 4, 64);
  Memory dalpha(problem.seeds.size() * 4, 64, 0x33);
  Memory sums(problem.seeds.size() * 48, 64, 0x33);
  std::copy(x.begin(), x.end(), in.get() + skip);
  std::copy(dy.begin(), dy.end(), up.get() + skip);
  Device device(problem, options);
  Outputs outputs;
  device.backward(problem.theta.data(), in.get() + skip, up.get() + skip, (in_place ? up : out).get() + skip,
                  reinterpret_cast<float*>(dtheta.get()), reinterpret_cast<float*>(dalpha.get()),
                  reinterpret_cast<double*>(sums.get()));
  outputs.dx = decode(dtype, (in_place ? up : out).get() + skip, problem.x.size());
  device.forward(problem.theta.data(), in.get() + skip, (in_place ? in : out).get() + skip);
  outputs.y = decode(dtype, (in_place ? in : out).get() + skip, problem.x.size());
  outputs.dtheta = decode(ESPER_DTYPE_FLOAT32, dtheta.get(), problem.theta.size());
  outputs.dalpha = decode(ESPER_DTYPE_FLOAT32, dalpha.get(), problem.seeds.size());
  for (Memory* memory : {&in, &up, &out, &dtheta, &dalpha, &sums}) {
    memory->check("tensor");
  }
  return outputs;
}

void expect_twice(const char* name, int32_t dtype, const std::vector<float>& value, const std::vector<double>& exact,
                  const std::vector<double>& naive_value, const std::string& what) {
  const double allowed = 2.0 * distance(rounded_all(dtype, naive_value), exact);
  EXPECT_LE(distance(value, exact), allowed) << name << ", " << what;
}

class Half : public testing::TestWithParam<int32_t> {};

TEST_P(Half, ErrorIsAtMostTwiceTheNaiveOne) {
  uint32_t turn = 0;
  for (const int32_t layout : {ESPER_LAYOUT_NCHW, ESPER_LAYOUT_TOKENS}) {
    for (int32_t kind = 0; kind < kFamilyCount; ++kind) {
      for (int32_t blend = 0; blend < kBlendCount; ++blend) {
        for (const int32_t positions : {48, 77}) {
          Problem problem(32, layout, 3, positions, positions == 48 ? 8 : 11);
          problem.seeds = {make_seed(8, positions == 48 ? 16 : 13, kind, 5, blend)};
          problem.seeds[0].stage = turn % 4 == 3 ? ESPER_STAGE_TRAINING : ESPER_STAGE_HOLDING;
          problem.seeds[0].kappa = 0.4F;
          problem.seeds[0].activation = static_cast<int32_t>(turn % 5);
          problem.finish(turn + 1);
          for (std::vector<float>* tensor : {&problem.x, &problem.dy}) {
            for (float& value : *tensor) {
              value = rounded(GetParam(), value);
            }
          }
          DeviceOptions options;
          options.dtype = GetParam();
          options.order = turn;
          const Outputs outputs = run_device(problem, options, turn % 2 == 0, turn % 3 == 0 ? 1 : 0);
          const ReferenceResults exact = run_reference(problem);
          const ReferenceResults rough = naive(GetParam(), problem);
          const std::string what = describe(problem) + " turn " + std::to_string(turn);
          expect_twice("y", GetParam(), outputs.y, exact.y, rough.y, what);
          expect_twice("dx", GetParam(), outputs.dx, exact.dx, rough.dx, what);
          expect_twice("dtheta", GetParam(), outputs.dtheta, exact.dtheta, rough.dtheta, what);
          ++turn;
        }
      }
    }
  }
}

std::string dtype_name(const testing::TestParamInfo<int32_t>& dtype) {
  return dtype.param == ESPER_DTYPE_FLOAT16 ? "Float16" : "BFloat16";
}
INSTANTIATE_TEST_SUITE_P(Storage, Half, testing::Values(ESPER_DTYPE_FLOAT16, ESPER_DTYPE_BFLOAT16), dtype_name);

}  // namespace
}  // namespace esper_test
