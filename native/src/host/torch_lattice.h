// The class behind torch.classes.esper.Lattice: the seeds of one site for training loops written in Python or C++.
// docs/linking.md is its manual.
#pragma once

#include <torch/custom_class.h>

#include <memory>
#include <mutex>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "device_lattice.h"
#include "lattice_function.h"
#include "site.h"

namespace esper::host {

// The seeds at one moment. It never changes, so that a backward pass sees what its forward pass saw, and may be used
// from any thread: passes over one snapshot wait for each other.
class LatticeSnapshot : public torch::CustomClassHolder {
 public:
  // seeds: the attached ones in the order of the arena; numbers: their seed numbers; place: who asks, for messages.
  LatticeSnapshot(int32_t layout, int32_t channels, std::vector<esper_lattice_seed> seeds, std::vector<int32_t> numbers,
                  int64_t parameters, const std::string& place);

  int32_t layout() const { return layout_; }
  int32_t channels() const { return channels_; }
  int64_t parameters() const { return parameters_; }
  bool blended() const { return blended_; }
  bool learning() const { return learning_; }
  // The same seeds with other weights; alpha: one float32 a seed number.
  c10::intrusive_ptr<LatticeSnapshot> with_alpha(const at::Tensor& alpha) const;

  // float32 runs the kernels, float64 the oracle, tensors on a GPU the CUDA kernels. theta: parameters() elements.
  at::Tensor forward(const Placement& placement, const at::Tensor& x, const at::Tensor& theta) const;
  void backward(const Placement& placement, const at::Tensor& x, const at::Tensor& theta, const at::Tensor& dy,
                Gradients& gradients) const;

 private:
  at::Tensor device_forward(const Placement& placement, const at::Tensor& x, const at::Tensor& theta) const;
  void device_backward(const Placement& placement, const at::Tensor& x, const at::Tensor& theta, const at::Tensor& dy,
                       Gradients& gradients) const;
  void scatter_alpha(const std::vector<double>& gradient, const at::Tensor& alpha) const;

  int32_t layout_;
  int32_t channels_;
  std::vector<esper_lattice_seed> seeds_;
  std::vector<int32_t> numbers_;
  int64_t parameters_;
  LatticeHandle lattice_;
  bool blended_ = false;
  bool learning_ = false;
  mutable DeviceLattices device_lattices_;
  mutable std::mutex running_;  // libesper's handle is for one thread at a time.
};

// Whether the operator runs x by the CUDA kernels: on a GPU, or as Device::emulated says.
bool runs_on_device(const at::Tensor& x);

// A mutable lattice: each change makes a new snapshot. All methods may be called from any thread.
class TorchLattice : public torch::CustomClassHolder {
 public:
  // What pickle keeps: layout; {format, channels, seeds}, then each attached seed's integers; their real numbers.
  using State = std::tuple<std::string, std::vector<std::vector<int64_t>>, std::vector<std::vector<double>>>;

  TorchLattice(int64_t channels, int64_t seeds, const std::string& layout);
  static c10::intrusive_ptr<TorchLattice> restore(const State& state);
  State state() const;

  // Attach a module or detach it. They take the arena (1-D) and return the new one: parameters of a new seed come
  // behind all others, those of a released seed are cut out. The result takes no part in autograd.
  at::Tensor germinate(const at::Tensor& theta, int64_t seed, const std::string& family, int64_t rank,
                       const std::string& activation, const std::string& blend, int64_t key, int64_t kernel);
  at::Tensor release(const at::Tensor& theta, int64_t seed);

  void set_stage(int64_t seed, const std::string& stage);
  void set_alpha(int64_t seed, double alpha);
  void set_kappa(int64_t seed, double kappa);
  void set_confidence(int64_t seed, double k, double tau, double lo, double hi);
  void set_margin(int64_t seed, double margin);
  void freeze(int64_t seed, bool frozen);

  int64_t channels() const { return channels_; }
  int64_t seeds() const { return seeds_; }
  std::string layout() const;
  std::vector<std::string> stages() const;
  std::vector<double> alphas() const;
  int64_t parameter_count() const;
  // First and one past the last of the seed's elements of theta; (0, 0) without a module.
  std::tuple<int64_t, int64_t> parameter_range(int64_t seed) const;
  // First and one past the last of the seed's channels.
  std::tuple<int64_t, int64_t> channel_range(int64_t seed) const;
  std::string describe() const;

  c10::intrusive_ptr<LatticeSnapshot> snapshot() const;

 private:
  struct Slot {
    esper_lattice_seed desc{};
    int64_t count = 0;  // Elements of theta; a seed has a module exactly if its stage is not Dormant.
    bool attached() const { return desc.stage != ESPER_STAGE_DORMANT; }
  };
  // Everything that changes, replaced as a whole.
  struct Content {
    std::vector<Slot> slots;     // By seed number.
    std::vector<int32_t> order;  // Attached seeds in the order of the arena.
  };

  size_t checked(int64_t seed) const;
  Slot& attached(Content& content, int64_t seed) const;
  void check_arena(const at::Tensor& theta) const;
  Content content() const { return {slots_, order_}; }
  // Lays the arena out, checks everything and makes the content current; throws with nothing changed. place: what
  // changes, for messages.
  void commit(Content content, const std::string& place);
  // Changes one seed's description under the lock.
  template <class Change>
  void change(int64_t seed, const Change& apply);

  int32_t layout_;
  int32_t channels_;
  int64_t seeds_;
  mutable std::mutex mutex_;  // Guards what follows.
  std::vector<Slot> slots_;
  std::vector<int32_t> order_;
  c10::intrusive_ptr<LatticeSnapshot> snapshot_;
};

}  // namespace esper::host
