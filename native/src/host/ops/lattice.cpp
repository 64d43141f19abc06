// The Lattice node: a site's seeds over libesper's kernels.
#include "error.h"
#include "lattice_function.h"
#include "site.h"

namespace esper::host {
namespace {

using torch::autograd::AutogradContext;

const float* floats(const at::Tensor& tensor) {
  return tensor.numel() == 0 ? nullptr : tensor.data_ptr<float>();
}

float* output(const at::Tensor& tensor) {
  return tensor.defined() ? tensor.data_ptr<float>() : nullptr;
}

// One pass over a site; the site and its lattice outlive the step that the call belongs to.
struct SiteCall {
  Site* site;
  bool telemetry;

  void save(AutogradContext* context) const {
    context->saved_data["site"] = static_cast<int64_t>(reinterpret_cast<intptr_t>(site));
    context->saved_data["telemetry"] = telemetry;
  }

  static SiteCall load(AutogradContext* context) {
    const auto address = static_cast<intptr_t>(context->saved_data["site"].toInt());
    return {reinterpret_cast<Site*>(address), context->saved_data["telemetry"].toBool()};
  }

  Placement place(const at::Tensor& x) const {
    return esper::host::place(site->spec().layout, site->spec().channels, x);
  }
  bool learning() const { return site->learning(); }

  at::Tensor forward(const Placement& placement, const at::Tensor& x, const at::Tensor& theta) const {
    if (!site->device().on_cpu()) {
      return site->device_lattices.forward(site->device(), site->lattice(), site->version(), placement, x, theta,
                                           site->place());
    }
    at::Tensor y = at::empty_like(x);
    check_esper(esper_lattice_forward(site->lattice(), site->context(), &placement.shape, floats(theta), theta.numel(),
                                      x.data_ptr<float>(), y.data_ptr<float>()),
                site->place());
    return y;
  }

  void backward(const Placement& placement, const at::Tensor& x, const at::Tensor& theta, const at::Tensor& dy,
                Gradients& gradients) const {
    if (!site->device().on_cpu()) {
      device_backward(placement, x, theta, dy, gradients);
      return;
    }
    std::vector<esper_seed_sums> sums = empty_sums();
    check_esper(esper_lattice_backward(site->lattice(), site->context(), &placement.shape, floats(theta), theta.numel(),
                                       x.data_ptr<float>(), dy.data_ptr<float>(), output(gradients.x),
                                       output(gradients.theta), nullptr, sums.empty() ? nullptr : sums.data()),
                site->place());
    if (telemetry) site->sums = std::move(sums);
  }

  void device_backward(const Placement& placement, const at::Tensor& x, const at::Tensor& theta, const at::Tensor& dy,
                       const Gradients& gradients) const {
    at::Tensor sums;
    if (telemetry) {
      const auto seeds = static_cast<int64_t>(empty_sums().size());
      sums = at::zeros({seeds, ESPER_CUDA_SUM_COUNT}, site->device().options(at::kDouble));
    }
    site->device_lattices.backward(site->device(), site->lattice(), site->version(), placement, x, theta, dy, gradients,
                                   at::Tensor(), sums, site->place());
    site->device_sums = sums;  // Read with everything else that the step measures.
    site->device_positions = placement.shape.batch * placement.shape.positions;
  }

  // One entry an attached seed if the call gathers telemetry, otherwise none.
  std::vector<esper_seed_sums> empty_sums() const {
    std::vector<esper_seed_sums> sums;
    if (!telemetry) return sums;
    for (const SeedSlot& seed : site->seeds()) {
      if (!seed.attached) continue;
      sums.emplace_back();
      sums.back().struct_size = sizeof(esper_seed_sums);
    }
    return sums;
  }
};

// A tensor of its own in the autograd graph, so that the gradient taken at it is that of the site's consumers alone,
// also where others read the site's input.
at::Tensor probe_point(const at::Tensor& y) {
  return y.requires_grad() ? y.view_as(y) : y.detach().requires_grad_(true);
}

Run make_lattice(NodeReader& reader, const Fusion&) {
  const SiteSpec spec = read_site(reader);
  return [spec](Io& io) {
    const Frame& frame = io.frame();
    const auto index = static_cast<size_t>(spec.site);
    at::Tensor y = run_lattice((*frame.sites)[index], io.in(0), frame);
    if (frame.site_values != nullptr) {
      y = probe_point(y);
      (*frame.site_values)[index] = y;
    }
    io.out(0, std::move(y));
  };
}

}  // namespace

void check_site_value(const SiteSpec& spec, const at::Tensor& x) {
  if (!fits_lattice(spec.layout, spec.channels, x)) {
    invalid("the site's value has shape ", shape_text(x.sizes()), ", expected ",
            expected_shape(spec.layout, spec.channels));
  }
  if (x.scalar_type() != at::kFloat) invalid("the site's value is not float32");
}

bool acts(const Site& site, const Frame& frame) {
  return site.blended() || (site.learning() && frame.training && at::GradMode::is_enabled());
}

at::Tensor run_lattice(Site& site, const at::Tensor& x, const Frame& frame) {
  check_site_value(site.spec(), x);
  if (!acts(site, frame)) return x;
  const SiteCall call{&site, frame.telemetry};
  if (x.numel() == 0) return x;
  const bool recording = at::GradMode::is_enabled();
  const at::Tensor theta = frame.site_values != nullptr ? site.arena().detach() : site.arena();
  if (recording && !site.blended()) return StraightThroughFunction<SiteCall>::apply(x, theta, call);
  const Placement placement = call.place(x);
  const at::Tensor dense = placement.dense(x);
  return recording ? BlendFunction<SiteCall>::apply(dense, theta, at::TensorList(), call)
                   : call.forward(placement, dense, site.arena());
}

const Operator kLatticeOperators[] = {{"esper.Lattice", make_lattice}, {nullptr, nullptr}};

}  // namespace esper::host
