// Lattices with random data, handles that free themselves, backends that run the passes, and comparisons. No test
// framework: what fails throws std::runtime_error, what differs is returned as text.
#pragma once

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

// Throws with the library's text unless status is ESPER_OK.
void require(esper_status status);

// Options with every field at its default.
esper_context_options context_options(int32_t isa, int32_t threads);
Context make_context(int32_t isa, int32_t threads);
Context make_context(const esper_context_options& options);

// Best instruction set of this machine.
int32_t best_isa();

constexpr int32_t kFamilyCount = ESPER_FAMILY_DEPTHWISE + 1;
constexpr int32_t kActivationCount = ESPER_ACTIVATION_SIGMOID + 1;
constexpr int32_t kBlendCount = ESPER_BLEND_CONFIDENCE + 1;

// A valid seed in Blending with alpha 0.3; parameter_offset is set by Problem::finish. rank counts where the family has
// one; depthwise gets a kernel of 3.
esper_lattice_seed make_seed(int32_t begin, int32_t count, int32_t family, int32_t rank,
                             int32_t blend = ESPER_BLEND_CONVEX);

// Number of a seed's module parameters, which is where its blend parameters start.
int64_t module_parameters(const esper_lattice_seed& seed);

// A lattice with data. theta, x and dy are random; pads surround each seed's parameters.
struct Problem {
  int32_t channels = 0;
  esper_shape shape{};
  std::vector<esper_lattice_seed> seeds;
  std::vector<float> theta;
  std::vector<float> x;
  std::vector<float> dy;

  Problem(int32_t channel_count, int32_t layout, int64_t batch, int64_t positions, int64_t width = 0);
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

// Something that runs the two passes on arrays in host memory; y may be x, dx may be dy. Throws on failure.
class Backend {
 public:
  Backend() = default;
  virtual ~Backend() = default;
  Backend(const Backend&) = delete;
  Backend& operator=(const Backend&) = delete;

  virtual void forward(const Problem& problem, const float* x, float* y) = 0;
  virtual void backward(const Problem& problem, const float* x, const float* dy, float* dx, float* dtheta,
                        float* dalpha, esper_seed_sums* sums) = 0;
};

// The library's CPU kernels in a context of the caller.
class CpuBackend final : public Backend {
 public:
  explicit CpuBackend(esper_context* context) : context_(context) {}
  void forward(const Problem& problem, const float* x, float* y) override;
  void backward(const Problem& problem, const float* x, const float* dy, float* dx, float* dtheta, float* dalpha,
                esper_seed_sums* sums) override;

 private:
  esper_context* context_;
};

// How run places the outputs: in place or not, and how many floats behind a 64-byte boundary they and the inputs start.
struct Placement {
  bool in_place = false;
  std::size_t misalignment = 5;
};

// Runs both passes; inputs must stay as they are, and every output is surrounded by canaries that must stay.
Results run(const Problem& problem, Backend& backend, const Placement& placement = {});
Results run(const Problem& problem, esper_context* context, bool in_place = false);
ReferenceResults run_reference(const Problem& problem);

// sum (a - b)^2 / sum b^2; infinity if b is all 0 and a is not.
double nmse(const std::vector<float>& a, const std::vector<double>& b);

// Sums over one seed's chunk, g from the oracle.
struct ExactSums {
  double x = 0.0;
  double g = 0.0;
  double xx = 0.0;
  double gg = 0.0;
  double dd = 0.0;
  double dg = 0.0;
};

// Of every seed, whatever its stage; 0 for those whose module does not run.
std::vector<ExactSums> exact_sums(const Problem& problem);

// An output that is further from the oracle than docs/numerics.md allows.
struct Mismatch {
  std::string output;  // "y", "dtheta", "dalpha", "module_square", ...
  std::size_t seed;    // Where the output is one number a seed.
  double error;        // Absolute; the Euclidean distance for tensors.
  std::string text;    // All of it in one line.
};

std::vector<Mismatch> mismatches(const Problem& problem, const Results& results, const ReferenceResults& reference);

// Bitwise equality of float arrays, NaN payloads and the sign of zero included.
bool same_bits(const std::vector<float>& a, const std::vector<float>& b);
bool same_bits(const Results& a, const Results& b);

// The problem's seed and shape in one line.
std::string describe(const Problem& problem);
std::string describe(const esper_lattice_seed& seed);

}  // namespace esper_test
