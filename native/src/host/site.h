// A site: the lattice of seeds on one value of the graph, its parameter arena and what is known about its seeds.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "device_lattice.h"
#include "op.h"
#include "torch.h"

namespace esper::host {

// Attributes of an esper.Lattice node.
struct SiteSpec {
  int64_t site = 0;
  int32_t layout = ESPER_LAYOUT_NCHW;
  int32_t channels = 0;
  int32_t seeds = 0;
  int32_t producer = -1;  // Value number of the producing parameter, -1 = none named.
  int64_t producer_axis = 0;
};

// Reads and checks a Lattice node.
SiteSpec read_site(NodeReader& reader);

// State that an optimizer keeps beside a tensor; undefined until the tensor's first step.
struct Moments {
  at::Tensor first;            // SGD: momentum. AdamW: mean of gradients.
  at::Tensor second;           // AdamW: mean of squared gradients.
  std::vector<int64_t> steps;  // AdamW: steps taken, one entry a tensor or a seed.
  bool exist() const { return first.defined(); }
};

// One seed number of a site.
struct SeedSlot {
  bool attached = false;
  esper_lattice_seed desc{};
  int64_t count = 0;         // Floats in the arena.
  int64_t module_count = 0;  // The first of them: the module's; blend parameters follow.
};

struct ContextDeleter {
  void operator()(esper_context* context) const { esper_context_destroy(context); }
};
using ContextHandle = std::unique_ptr<esper_context, ContextDeleter>;

struct LatticeDeleter {
  void operator()(esper_lattice* lattice) const { esper_lattice_destroy(lattice); }
};
using LatticeHandle = std::unique_ptr<esper_lattice, LatticeDeleter>;

// A site at one moment; its tensors are shared, see snapshot.h.
struct SiteImage {
  std::vector<SeedSlot> seeds;
  at::Tensor arena;
  Moments moments;
  std::vector<esper_host_seed_telemetry> telemetry;
};

class Site {
 public:
  // place is the node as messages name it. device and context outlive the site.
  Site(const SiteSpec& spec, std::string place, const Device& device, esper_context* context);

  void germinate(int32_t seed, const esper_lattice_seed& desc, const float* parameters, int64_t count);
  void update(int32_t seed, const esper_lattice_seed& desc);
  void release(int32_t seed);

  SiteImage image() const;
  // A lattice of the image's seeds: what can fail of a restore.
  LatticeHandle lattice_of(const SiteImage& image) const;
  // Becomes the image, whose tensors nobody else may hold as these very objects. lattice: as lattice_of made it.
  void restore(SiteImage image, LatticeHandle lattice);

  const SiteSpec& spec() const { return spec_; }
  const std::string& place() const { return place_; }
  const std::vector<SeedSlot>& seeds() const { return seeds_; }
  const at::Tensor& arena() const { return arena_; }
  esper_lattice* lattice() const { return lattice_.get(); }
  // Grows with every change of the lattice.
  uint64_t version() const { return version_; }
  const Device& device() const { return *device_; }
  esper_context* context() const { return context_; }
  bool blended() const { return blended_; }
  bool learning() const { return learning_; }
  // Whether the optimizer moves the seed's parameters.
  static bool learns(const SeedSlot& seed);

  Moments moments;
  // Sums of the last backward pass with telemetry, one entry an attached seed; empty if it did not run.
  std::vector<esper_seed_sums> sums;
  // Where the site runs on a device: the tables of its lattice, and the sums, [seeds, ESPER_CUDA_SUM_COUNT], until they
  // are read.
  DeviceLattices device_lattices;
  at::Tensor device_sums;
  int64_t device_positions = 0;  // Batch times positions of that pass.
  // Telemetry of all seeds after the last step that gathered it.
  std::vector<esper_host_seed_telemetry> telemetry;

 private:
  SeedSlot& attached(int32_t seed);
  void check_seed(int32_t seed) const;
  esper_lattice_seed complete(int32_t seed, const esper_lattice_seed& desc) const;
  // Makes `seeds` current: new offsets, a new arena with the kept seeds' parameters and optimizer state. newcomer gets
  // `parameters`, -1 = none.
  void rebuild(std::vector<SeedSlot> seeds, int32_t newcomer, const float* parameters);
  void refresh();

  SiteSpec spec_;
  std::string place_;
  const Device* device_;
  esper_context* context_;
  LatticeHandle lattice_;
  uint64_t version_ = 0;
  std::vector<SeedSlot> seeds_;
  at::Tensor arena_;  // Leaf, flat, ordered by seed number.
  bool blended_ = false;
  bool learning_ = false;
};

// Throws unless x is float32 with the site's channels where its layout has them.
void check_site_value(const SiteSpec& spec, const at::Tensor& x);

// Whether the site's lattice does anything in this execution: alters the value, or learns beside it.
bool acts(const Site& site, const Frame& frame);

// Runs the site's lattice on x; x itself where it does not act.
at::Tensor run_lattice(Site& site, const at::Tensor& x, const Frame& frame);

}  // namespace esper::host
