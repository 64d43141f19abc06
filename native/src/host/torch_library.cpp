// Registers with libtorch, when this library is loaded:
//   class esper.Lattice                                                the seeds of one site
//   esper::lattice(x, theta, lattice) -> y                             differentiable in x and theta
//   esper::lattice.alpha(x, theta, alpha, lattice) -> y                and in the seeds' weights
#include <torch/custom_class.h>
#include <torch/library.h>

#include "error.h"
#include "torch_lattice.h"

namespace esper::host {
namespace {

using LatticePointer = c10::intrusive_ptr<TorchLattice>;
using SnapshotPointer = c10::intrusive_ptr<LatticeSnapshot>;

constexpr const char* kPlace = "esper.lattice: ";

// One pass of the operator over the seeds as they were when it was called.
struct OperatorCall {
  SnapshotPointer seeds;

  void save(torch::autograd::AutogradContext* context) const {
    context->saved_data["seeds"] = c10::IValue::make_capsule(seeds);
  }
  static OperatorCall load(torch::autograd::AutogradContext* context) {
    return {c10::static_intrusive_pointer_cast<LatticeSnapshot>(context->saved_data["seeds"].toCapsule())};
  }

  Placement place(const at::Tensor& x) const { return esper::host::place(seeds->layout(), seeds->channels(), x); }
  bool learning() const { return seeds->learning(); }
  at::Tensor forward(const Placement& placement, const at::Tensor& x, const at::Tensor& theta) const {
    return seeds->forward(placement, x, theta);
  }
  void backward(const Placement& placement, const at::Tensor& x, const at::Tensor& theta, const at::Tensor& dy,
                Gradients& gradients) const {
    seeds->backward(placement, x, theta, dy, gradients);
  }
};

void check_device_types(const at::Tensor& x, const at::Tensor& theta) {
  if (!device_type_supported(x.scalar_type())) {
    invalid(kPlace, "x is ", c10::toString(x.scalar_type()), " on ", x.device().str(),
            ", expected float32, float16 or bfloat16; float64 runs on the CPU only");
  }
  if (theta.scalar_type() != at::kFloat) {
    invalid(kPlace, "theta is ", c10::toString(theta.scalar_type()), ", expected float32 for x on ", x.device().str());
  }
}

// The one place that knows which devices and types there are kernels for. LatticeSnapshot::forward and backward choose
// between them.
void check_backend(const at::Tensor& x, const at::Tensor& theta) {
  if (x.device() != theta.device() || !(x.is_cpu() || x.is_cuda())) {
    invalid(kPlace, "x is on ", x.device().str(), " and theta on ", theta.device().str(),
            "; both must be on the CPU or on one CUDA device");
  }
  if (runs_on_device(x)) {
    check_device_types(x, theta);
    return;
  }
  if (x.scalar_type() != at::kFloat && x.scalar_type() != at::kDouble) {
    invalid(kPlace, "x is ", c10::toString(x.scalar_type()),
            ", expected float32 (or float64, by the slow reference); convert it with x.float()");
  }
  if (theta.scalar_type() != x.scalar_type()) {
    invalid(kPlace, "theta is ", c10::toString(theta.scalar_type()), " and x ", c10::toString(x.scalar_type()),
            "; they must be of one type");
  }
}

std::string shape_text(const at::Tensor& tensor) {
  std::ostringstream shape;
  shape << tensor.sizes();
  return shape.str();
}

void check_shapes(const LatticeSnapshot& seeds, const at::Tensor& x, const at::Tensor& theta) {
  if (!fits_lattice(seeds.layout(), seeds.channels(), x)) {
    invalid(kPlace, "x has shape ", shape_text(x), ", expected ", expected_shape(seeds.layout(), seeds.channels()));
  }
  if (theta.dim() != 1 || theta.numel() != seeds.parameters()) {
    invalid(kPlace, "theta has shape ", shape_text(theta), ", expected [", seeds.parameters(),
            "]; pass what germinate or release returned last");
  }
}

void check_alpha(const TorchLattice& lattice, const at::Tensor& alpha) {
  if (alpha.dim() != 1 || alpha.numel() != lattice.seeds() || alpha.scalar_type() != at::kFloat ||
      !alpha.device().is_cpu()) {
    invalid(kPlace, "alpha is ", alpha.toString(), " of shape ", shape_text(alpha), ", expected [", lattice.seeds(),
            "], float32, on the CPU: one weight a seed");
  }
}

at::Tensor run(const SnapshotPointer& seeds, const at::Tensor& x, const at::Tensor& theta, at::TensorList alpha) {
  check_backend(x, theta);
  check_shapes(*seeds, x, theta);
  const bool learns = seeds->learning() && at::GradMode::is_enabled() && theta.requires_grad();
  if ((!seeds->blended() && !learns) || x.numel() == 0) return x;
  const OperatorCall call{seeds};
  const at::Tensor arena = theta.contiguous();
  if (!seeds->blended()) return StraightThroughFunction<OperatorCall>::apply(x, arena, call);
  const Placement placement = call.place(x);
  const at::Tensor dense = placement.dense(x);
  return at::GradMode::is_enabled() ? BlendFunction<OperatorCall>::apply(dense, arena, alpha, call)
                                    : call.forward(placement, dense, arena);
}

at::Tensor lattice(const at::Tensor& x, const at::Tensor& theta, const LatticePointer& seeds) {
  return run(seeds->snapshot(), x, theta, {});
}

at::Tensor lattice_alpha(const at::Tensor& x, const at::Tensor& theta, const at::Tensor& alpha,
                         const LatticePointer& seeds) {
  check_alpha(*seeds, alpha);
  return run(seeds->snapshot()->with_alpha(alpha), x, theta, alpha);
}

// Below autograd nothing is recorded: inference mode, and callers that left it out.
at::Tensor lattice_below(const at::Tensor& x, const at::Tensor& theta, const LatticePointer& seeds) {
  const at::NoGradGuard nothing_recorded;
  return lattice(x, theta, seeds);
}

at::Tensor lattice_alpha_below(const at::Tensor& x, const at::Tensor& theta, const at::Tensor& alpha,
                               const LatticePointer& seeds) {
  const at::NoGradGuard nothing_recorded;
  return lattice_alpha(x, theta, alpha, seeds);
}

void define_methods(torch::class_<TorchLattice>& lattice) {
  using torch::arg;
  lattice
      .def("germinate", &TorchLattice::germinate, "Attaches a module; returns theta with its parameters behind.",
           {arg("theta"), arg("seed"), arg("family"), arg("rank") = 0, arg("activation") = "relu",
            arg("blend") = "residual", arg("key") = 0, arg("kernel") = 0})
      .def("release", &TorchLattice::release, "Detaches a culled seed's module; returns theta without its parameters.",
           {arg("theta"), arg("seed")})
      .def("set_stage", &TorchLattice::set_stage, "Moves a seed along the lifecycle.", {arg("seed"), arg("stage")})
      .def("set_alpha", &TorchLattice::set_alpha, "Sets the blend weight, 0 to 1.", {arg("seed"), arg("alpha")})
      .def("set_kappa", &TorchLattice::set_kappa, "Sets kappa of the Training stage.", {arg("seed"), arg("kappa")})
      .def("set_confidence", &TorchLattice::set_confidence, "Sets the confidence blend's slope, centre and bounds.",
           {arg("seed"), arg("k"), arg("tau"), arg("lo") = 0.0, arg("hi") = 1.0})
      .def("set_margin", &TorchLattice::set_margin, "Sets the confidence blend's margin.", {arg("seed"), arg("margin")})
      .def("freeze", &TorchLattice::freeze, "Whether the seed's parameters take no gradient.",
           {arg("seed"), arg("frozen") = true})
      .def("parameter_range", &TorchLattice::parameter_range, "(begin, end) of the seed's elements of theta.",
           {arg("seed")})
      .def("channel_range", &TorchLattice::channel_range, "(begin, end) of the seed's channels.", {arg("seed")})
      .def("parameter_count", &TorchLattice::parameter_count)
      .def("channels", &TorchLattice::channels)
      .def("seeds", &TorchLattice::seeds)
      .def("layout", &TorchLattice::layout)
      .def("stages", &TorchLattice::stages)
      .def("alphas", &TorchLattice::alphas)
      .def("describe", &TorchLattice::describe)
      .def("__str__", &TorchLattice::describe)
      .def("__repr__", &TorchLattice::describe)
      .def_pickle([](const LatticePointer& self) -> TorchLattice::State { return self->state(); },
                  [](const TorchLattice::State& state) -> LatticePointer { return TorchLattice::restore(state); });
}

// The result may be x itself, which the schema says as (a).
TORCH_LIBRARY(esper, library) {
  torch::class_<TorchLattice> lattice = library.class_<TorchLattice>("Lattice");
  lattice.def(torch::init<int64_t, int64_t, std::string>(), "The seeds of a value with this many channels.",
              {torch::arg("channels"), torch::arg("seeds"), torch::arg("layout") = "nchw"});
  define_methods(lattice);
  library.def("lattice(Tensor(a) x, Tensor theta, __torch__.torch.classes.esper.Lattice lattice) -> Tensor(a)");
  library.def(
      "lattice.alpha(Tensor(a) x, Tensor theta, Tensor alpha, __torch__.torch.classes.esper.Lattice lattice)"
      " -> Tensor(a)");
}

TORCH_LIBRARY_IMPL(esper, Autograd, library) {
  library.impl("lattice", lattice);
  library.impl("lattice.alpha", lattice_alpha);
}

TORCH_LIBRARY_IMPL(esper, CompositeExplicitAutograd, library) {
  library.impl("lattice", lattice_below);
  library.impl("lattice.alpha", lattice_alpha_below);
}

}  // namespace
}  // namespace esper::host
