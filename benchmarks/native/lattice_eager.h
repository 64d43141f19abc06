// A seed lattice as a libtorch user writes it: split, module, lerp, cat and autograd, for every family.
#pragma once

#include <memory>
#include <string>

#include "buffer.h"
#include "lattice_cases.h"

namespace esper::bench {

// Sets the threads of libtorch and of its BLAS.
void set_torch_threads(int32_t threads);
// libtorch's thread pool as esper_parallel_fn, as the training host hands it to the kernels.
void run_on_torch_threads(void* user, int32_t count, esper_task_fn task, void* state);
const char* torch_version();

// One chunk x of an active seed becomes lerp(x, f(x), alpha) with
//   affine      f(x) = u x + t               lowrank    f(x) = B (A x)
//   bottleneck  f(x) = W2 gelu(W1 x + b1) + b2
//   depthwise   f(x) = W2 gelu(K * x + b1) + b2
//   gate        f(x) = 2 x sigmoid(W2 gelu(W1 mean(x) + b1) + b2)
// over channels: 1 x 1 convolutions for images, linear layers for tokens. The skip connection that Esper's modules have
// is left out, which only makes this side cheaper.
class EagerLattice {
 public:
  // x, dy and theta as esper_lattice_backward takes them. x and dy are used where they are and must outlive this;
  // parameters are copies.
  EagerLattice(const Workload& work, const Buffer& x, const Buffer& dy, const Buffer& theta);
  ~EagerLattice();
  EagerLattice(const EagerLattice&) = delete;
  EagerLattice& operator=(const EagerLattice&) = delete;

  void forward();           // Without autograd.
  void forward_backward();  // Gradients of x and of all parameters, none left from before.

  // Whether Esper computes the same: relative differences in y, dx and dtheta, with the skip connection accounted for.
  // Returns "" or what differs.
  std::string compare(const Buffer& y, const Buffer& dx, const Buffer& dtheta);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace esper::bench
