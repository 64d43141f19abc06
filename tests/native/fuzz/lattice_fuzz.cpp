// Differential fuzzer of the lattice kernels: random problems over all families, blends, stages, layouts, sizes,
// alignments and numbers of threads, every instruction set against the oracle by the bounds of docs/numerics.md.
//
//   lattice_fuzz [--cases N] [--seed S]     cases S to S + N - 1 (N = 300, S = 1)
//
// Exit status 0 if all agree, 1 at the first failure (whose number and shrunk description are printed), 2 for bad
// usage.
#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <exception>
#include <string>

#include "fuzz_case.hpp"

namespace {

using esper_fuzz::FuzzCase;
using esper_test::Mismatch;
using esper_test::Problem;
using esper_test::ReferenceResults;
using esper_test::Results;

double distance(const std::vector<double>& a, const std::vector<double>& b) {
  double sum = 0.0;
  for (std::size_t i = 0; i < a.size(); ++i) {
    sum += (a[i] - b[i]) * (a[i] - b[i]);
  }
  return std::sqrt(sum);
}

// Random tests do meet gradients that cancel to nothing and arguments a rounding error away from a kink, where the
// bounds do not hold for any float32 implementation. An error no larger than what changes of theta, x and dy by up to
// 16 roundings do to the oracle (largest of four draws) is therefore no failure.
class Conditioning {
 public:
  Conditioning(const Problem& problem, const ReferenceResults& reference)
      : seeds_(problem.seeds.size(), esper_test::ExactSums{}), dalpha_(problem.seeds.size(), 0.0) {
    const std::vector<esper_test::ExactSums> sums = esper_test::exact_sums(problem);
    for (uint32_t draw = 1; draw <= 4; ++draw) {
      Problem moved = problem;
      std::mt19937 generator(draw);
      std::uniform_real_distribution<float> unit(-1.0F, 1.0F);
      for (auto* values : {&moved.theta, &moved.x, &moved.dy}) {
        for (float& value : *values) {
          value *= 1.0F + 16.0F * 0x1p-24F * unit(generator);
        }
      }
      const ReferenceResults other = esper_test::run_reference(moved);
      y_ = std::max(y_, distance(other.y, reference.y));
      dx_ = std::max(dx_, distance(other.dx, reference.dx));
      dtheta_ = std::max(dtheta_, distance(other.dtheta, reference.dtheta));
      const std::vector<esper_test::ExactSums> moved_sums = esper_test::exact_sums(moved);
      for (std::size_t s = 0; s < seeds_.size(); ++s) {
        dalpha_[s] = std::max(dalpha_[s], std::fabs(other.dalpha[s] - reference.dalpha[s]));
        seeds_[s].g = std::max(seeds_[s].g, std::fabs(moved_sums[s].g - sums[s].g));
        seeds_[s].gg = std::max(seeds_[s].gg, std::fabs(moved_sums[s].gg - sums[s].gg));
        seeds_[s].dg = std::max(seeds_[s].dg, std::fabs(moved_sums[s].dg - sums[s].dg));
      }
    }
  }

  bool explains(const Mismatch& mismatch) const { return mismatch.error <= reach(mismatch.output, mismatch.seed); }

 private:
  double reach(const std::string& output, std::size_t seed) const {
    if (output == "y") {
      return y_;
    }
    if (output == "dx") {
      return dx_;
    }
    if (output == "dtheta") {
      return dtheta_;
    }
    if (output == "dalpha") {
      return dalpha_[seed];
    }
    if (output == "module_sum") {
      return seeds_[seed].g;
    }
    if (output == "module_square") {
      return seeds_[seed].gg;
    }
    return output == "gradient_module" ? seeds_[seed].dg : 0.0;
  }

  double y_ = 0.0;
  double dx_ = 0.0;
  double dtheta_ = 0.0;
  std::vector<esper_test::ExactSums> seeds_;
  std::vector<double> dalpha_;
};

// A subset of the outputs must have the bits that it has beside all others.
void check_subset(const Problem& problem, esper_context* context, uint32_t mask, const Results& all,
                  std::vector<std::string>* failures) {
  std::vector<float> dx(problem.x.size());
  std::vector<float> dtheta(problem.theta.size());
  std::vector<float> dalpha(problem.seeds.size());
  esper_test::CpuBackend backend(context);
  backend.backward(problem, problem.x.data(), problem.dy.data(), (mask & 1U) != 0 ? dx.data() : nullptr,
                   (mask & 2U) != 0 ? dtheta.data() : nullptr, (mask & 4U) != 0 ? dalpha.data() : nullptr, nullptr);
  if (((mask & 1U) != 0 && !esper_test::same_bits(dx, all.dx)) ||
      ((mask & 2U) != 0 && !esper_test::same_bits(dtheta, all.dtheta)) ||
      ((mask & 4U) != 0 && !esper_test::same_bits(dalpha, all.dalpha))) {
    failures->push_back("outputs " + std::to_string(mask) + " alone differ from those beside all others");
  }
}

void check_isa(const FuzzCase& c, const Problem& problem, const ReferenceResults& reference, int32_t isa,
               std::vector<std::string>* failures) {
  esper_context_options options = esper_test::context_options(isa, c.threads);
  options.small_work = c.data_seed % 2 == 0 ? 1 : 1 << 30;
  const esper_test::Context context = esper_test::make_context(options);
  esper_test::CpuBackend backend(context.get());
  const Results results = esper_test::run(problem, backend, c.placement);
  for (const Mismatch& mismatch : esper_test::mismatches(problem, results, reference)) {
    if (!Conditioning(problem, reference).explains(mismatch)) {
      failures->push_back(mismatch.text);
    }
  }
  const Results other = esper_test::run(problem, backend, {!c.placement.in_place, c.placement.misalignment + 9});
  if (!esper_test::same_bits(results, other)) {
    failures->push_back("in place and out of place differ");
  }
  const esper_test::Context one = esper_test::make_context(isa, 1);
  const Results serial = esper_test::run(problem, one.get());
  if (!esper_test::same_bits(results.y, serial.y) || !esper_test::same_bits(results.dx, serial.dx)) {
    failures->push_back("y or dx depends on the number of threads");
  }
  check_subset(problem, context.get(), 1 + c.data_seed % 7, results, failures);
}

std::vector<std::string> failures_of(const FuzzCase& c) {
  std::vector<std::string> failures;
  try {
    const Problem problem = c.problem();
    const ReferenceResults reference = esper_test::run_reference(problem);
    for (int32_t isa = ESPER_ISA_SCALAR; isa <= esper_test::best_isa(); ++isa) {
      std::vector<std::string> lines;
      try {
        check_isa(c, problem, reference, isa, &lines);
      } catch (const std::exception& error) {
        lines.push_back(error.what());
      }
      for (const std::string& line : lines) {
        failures.push_back(std::string(esper_isa_name(isa)) + ": " + line);
      }
    }
  } catch (const std::exception& error) {
    failures.push_back(std::string("oracle: ") + error.what());
  }
  return failures;
}

void report(uint64_t number, const FuzzCase& failing) {
  std::printf("case %llu fails; repeat with --seed %llu --cases 1\n  %s\n", static_cast<unsigned long long>(number),
              static_cast<unsigned long long>(number), failing.describe().c_str());
  std::fflush(stdout);
  const FuzzCase small = esper_fuzz::shrink(failing, [](const FuzzCase& c) { return !failures_of(c).empty(); });
  std::printf("shrunk to\n  %s\n", small.describe().c_str());
  for (const std::string& line : failures_of(small)) {
    std::printf("  %s\n", line.c_str());
  }
}

bool parse(const char* text, uint64_t* value) {
  char* end = nullptr;
  *value = std::strtoull(text, &end, 10);
  return *text >= '0' && *text <= '9' && *end == '\0';
}

}  // namespace

int main(int argc, char** argv) {
  uint64_t cases = 300;
  uint64_t first = 1;
  for (int i = 1; i < argc; i += 2) {
    uint64_t* target = std::strcmp(argv[i], "--cases") == 0  ? &cases
                       : std::strcmp(argv[i], "--seed") == 0 ? &first
                                                             : nullptr;
    if (target == nullptr || i + 1 >= argc || !parse(argv[i + 1], target)) {
      std::fprintf(stderr, "usage: lattice_fuzz [--cases N] [--seed S]\n");
      return 2;
    }
  }
  for (uint64_t number = first; number < first + cases; ++number) {
    const FuzzCase c = esper_fuzz::draw_case(number);
    if (!failures_of(c).empty()) {
      report(number, c);
      return 1;
    }
  }
  std::printf("%llu cases from %llu on, instruction sets up to %s: all agree with the oracle\n",
              static_cast<unsigned long long>(cases), static_cast<unsigned long long>(first),
              esper_isa_name(esper_test::best_isa()));
  return 0;
}
