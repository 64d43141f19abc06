// torch.hpp - the seed lattice as a differentiable operator, for C++ programs that train with libtorch.
//
// libesper_host registers the class torch.classes.esper.Lattice and the operator esper::lattice with libtorch when it
// is loaded; Python reaches them by torch.ops.load_library. This header is the same for C++: inline calls through
// libtorch's dispatcher, so that no C++ type of Esper crosses the library boundary. It wants the program's own
// libtorch, 1.13 to 2.x, which must be the very library that libesper_host uses.
//
//   esper::Lattice lattice(64, 8);                                        // 64 channels in 8 seeds, images
//   torch::Tensor theta = torch::empty(0);                                // the parameters of all seeds
//   theta = lattice.germinate(theta, 3, {"bottleneck", 8}).requires_grad_();
//   lattice.set_stage(3, "Training");
//   y = lattice(x, theta);
//
// Errors are std::exceptions whose text names the argument and the fix. All functions may be called from any thread.
#pragma once

#include <ATen/core/dispatch/Dispatcher.h>
#include <ATen/core/function.h>
#include <ATen/core/ivalue.h>
#include <torch/custom_class.h>
#include <torch/types.h>

#include <cstdint>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "esper/esper_host.h"

namespace esper {

// Architecture of a seed's module; esper.h says what the families compute.
struct Blueprint {
  std::string family;               // affine, lowrank, bottleneck, gate, depthwise
  int64_t rank = 0;                 // Hidden size of lowrank, bottleneck and gate.
  std::string activation = "relu";  // relu, gelu, silu, tanh, sigmoid
  std::string blend = "residual";   // convex, residual, channel, gated, confidence
  int64_t key = 0;                  // Of the initial parameters: the same key gives the same ones.
  int64_t kernel = 0;               // Width of depthwise: 3, 5 or 7.
};

// The seeds of one value with `channels` channels. Copies share their state.
class Lattice {
 public:
  // layout: "nchw" for [N, C, ...], "tokens" for [..., C].
  explicit Lattice(int64_t channels, int64_t seeds, const std::string& layout = "nchw") {
    // The call also keeps linkers that drop unused libraries from dropping this one.
    if (esper_host_abi_version() != ESPER_HOST_ABI_VERSION) {
      throw std::runtime_error("libesper_host and its headers are of different versions; install both anew");
    }
    const c10::ClassTypePtr type = torch::getCustomClass("__torch__.torch.classes.esper.Lattice");
    if (!type) throw std::runtime_error("libesper_host has not registered with this libtorch; it uses another one");
    object_ = c10::ivalue::Object::create(type, 1);
    type->getMethod("__init__")({object_, channels, seeds, layout});
  }

  // y of x's shape and type (float32; float64 by the slow reference): x itself where nothing grows.
  // theta: parameter_count() elements of x's type, on the CPU as x is.
  at::Tensor operator()(const at::Tensor& x, const at::Tensor& theta) const {
    static const c10::OperatorHandle lattice = c10::Dispatcher::singleton().findSchemaOrThrow("esper::lattice", "");
    return call(lattice, {x, theta, object_});
  }
  // The same with the weights of all seeds given: alpha [seeds], float32, which takes a gradient if it asks for one.
  at::Tensor operator()(const at::Tensor& x, const at::Tensor& theta, const at::Tensor& alpha) const {
    static const c10::OperatorHandle lattice =
        c10::Dispatcher::singleton().findSchemaOrThrow("esper::lattice", "alpha");
    return call(lattice, {x, theta, alpha, object_});
  }

  // Attaches a module to a Dormant seed, which becomes Germinated. Returns theta with the seed's parameters behind the
  // others, without autograd history.
  at::Tensor germinate(const at::Tensor& theta, int64_t seed, const Blueprint& module) const {
    return method("germinate",
                  {theta, seed, module.family, module.rank, module.activation, module.blend, module.key, module.kernel})
        .toTensor();
  }
  // Detaches a culled seed's module; the seed is Dormant again. Returns theta without the seed's parameters.
  at::Tensor release(const at::Tensor& theta, int64_t seed) const {
    return method("release", {theta, seed}).toTensor();
  }

  // Germinated -> Training -> Blending -> Holding -> Fossilized, and Culled; other ways are refused.
  void set_stage(int64_t seed, const std::string& stage) const { method("set_stage", {seed, stage}); }
  void set_alpha(int64_t seed, double alpha) const { method("set_alpha", {seed, alpha}); }
  void set_kappa(int64_t seed, double kappa) const { method("set_kappa", {seed, kappa}); }
  void set_confidence(int64_t seed, double k, double tau, double lo = 0.0, double hi = 1.0) const {
    method("set_confidence", {seed, k, tau, lo, hi});
  }
  void set_margin(int64_t seed, double margin) const { method("set_margin", {seed, margin}); }
  void freeze(int64_t seed, bool frozen = true) const { method("freeze", {seed, frozen}); }

  int64_t channels() const { return method("channels", {}).toInt(); }
  int64_t seeds() const { return method("seeds", {}).toInt(); }
  int64_t parameter_count() const { return method("parameter_count", {}).toInt(); }
  // First and one past the last of the seed's elements of theta, and of its channels.
  std::pair<int64_t, int64_t> parameter_range(int64_t seed) const { return range("parameter_range", seed); }
  std::pair<int64_t, int64_t> channel_range(int64_t seed) const { return range("channel_range", seed); }
  // "Dormant", "Training", ...; one entry a seed.
  std::string stage(int64_t seed) const {
    const c10::List<c10::IValue> stages = method("stages", {}).toList();
    return c10::IValue(stages.get(static_cast<size_t>(seed))).toStringRef();
  }
  // A table for people.
  std::string describe() const { return method("describe", {}).toStringRef(); }

  // The object, to be stored in archives (torch::serialize) beside theta.
  const c10::IValue& object() const { return object_; }

 private:
  static at::Tensor call(const c10::OperatorHandle& lattice, std::vector<c10::IValue> stack) {
    lattice.callBoxed(&stack);
    return stack.front().toTensor();
  }
  c10::IValue method(const std::string& name, std::vector<c10::IValue> arguments) const {
    arguments.insert(arguments.begin(), object_);
    return object_.toObjectRef().type()->getMethod(name)(std::move(arguments));
  }
  std::pair<int64_t, int64_t> range(const std::string& name, int64_t seed) const {
    const c10::IValue result = method(name, {seed});
    return {result.toTupleRef().elements()[0].toInt(), result.toTupleRef().elements()[1].toInt()};
  }

  c10::IValue object_;
};

}  // namespace esper
