// The lattice as an autograd function over libesper's kernels.
#include "error.h"
#include "site.h"

namespace esper::host {
namespace {

using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

// How a site's tensor lies in memory.
struct Placement {
  esper_shape shape{};
  at::MemoryFormat format = at::MemoryFormat::Contiguous;
  at::Tensor dense(const at::Tensor& tensor) const { return tensor.contiguous(format); }
};

void check_site_tensor(const SiteSpec& spec, const at::Tensor& x) {
  const bool tokens = spec.layout == ESPER_LAYOUT_TOKENS;
  const bool fits = x.dim() >= (tokens ? 1 : 2) && x.size(tokens ? -1 : 1) == spec.channels;
  if (!fits) {
    invalid("the site's value has shape ", shape_text(x.sizes()), ", expected ",
            tokens ? "[..., " : "[N, ", spec.channels, tokens ? "]" : ", ...]");
  }
  if (x.scalar_type() != at::kFloat) invalid("the site's value is not float32");
}

// Channels-last images and matrices are tokens in memory whatever the node says; nothing is copied for them.
Placement place(const SiteSpec& spec, const at::Tensor& x) {
  Placement placement;
  esper_shape& shape = placement.shape;
  shape.struct_size = sizeof(shape);
  shape.layout = ESPER_LAYOUT_TOKENS;
  shape.batch = x.dim() > 1 ? x.size(0) : 1;
  const int64_t others = shape.batch * spec.channels;
  shape.positions = others == 0 ? 0 : x.numel() / others;
  if (spec.layout == ESPER_LAYOUT_TOKENS || x.dim() == 2) return placement;
  if (x.dim() == 4 && x.is_contiguous(at::MemoryFormat::ChannelsLast) && x.stride(1) == 1) {
    placement.format = at::MemoryFormat::ChannelsLast;
  } else {
    shape.layout = ESPER_LAYOUT_NCHW;
  }
  return placement;
}

const float* floats(const at::Tensor& tensor) { return tensor.numel() == 0 ? nullptr : tensor.data_ptr<float>(); }

at::Tensor forward_pass(const Site& site, const Placement& placement, const at::Tensor& x, const at::Tensor& theta) {
  at::Tensor y = at::empty_like(x);
  check_esper(esper_lattice_forward(site.lattice(), site.context(), &placement.shape, floats(theta), theta.numel(),
                                    x.data_ptr<float>(), y.data_ptr<float>()),
              site.place());
  return y;
}

// What backward needs to know of the call; the site and its lattice outlive the step that the call belongs to.
struct Call {
  Site* site;
  bool telemetry;
};

void save_call(AutogradContext* context, const Call& call) {
  context->saved_data["site"] = static_cast<int64_t>(reinterpret_cast<intptr_t>(call.site));
  context->saved_data["telemetry"] = call.telemetry;
}

Call load_call(AutogradContext* context) {
  const auto address = static_cast<intptr_t>(context->saved_data["site"].toInt());
  return {reinterpret_cast<Site*>(address), context->saved_data["telemetry"].toBool()};
}

// Runs the kernels' backward pass. dx undefined = not wanted. Returns the arena's gradient, undefined if not wanted.
at::Tensor backward_pass(const Call& call, const at::Tensor& x, const at::Tensor& theta, const at::Tensor& upstream,
                         const at::Tensor& dx, bool want_theta) {
  Site& site = *call.site;
  const Placement placement = place(site.spec(), x);
  const at::Tensor dy = placement.dense(upstream);
  at::Tensor dtheta;
  if (want_theta) dtheta = at::zeros_like(theta);
  std::vector<esper_seed_sums> sums;
  if (call.telemetry) {
    for (const SeedSlot& seed : site.seeds()) {
      if (!seed.attached) continue;
      sums.emplace_back();
      sums.back().struct_size = sizeof(esper_seed_sums);
    }
  }
  check_esper(esper_lattice_backward(site.lattice(), site.context(), &placement.shape, floats(theta), theta.numel(),
                                     x.data_ptr<float>(), dy.data_ptr<float>(),
                                     dx.defined() ? dx.data_ptr<float>() : nullptr,
                                     want_theta ? dtheta.data_ptr<float>() : nullptr, nullptr,
                                     sums.empty() ? nullptr : sums.data()),
              site.place());
  if (call.telemetry) site.sums = std::move(sums);
  return dtheta;
}

// y = lattice(x, theta).
struct BlendFunction : torch::autograd::Function<BlendFunction> {
  static at::Tensor forward(AutogradContext* context, const at::Tensor& x, const at::Tensor& theta, const Call& call) {
    save_call(context, call);
    context->save_for_backward({x, theta});
    return forward_pass(*call.site, place(call.site->spec(), x), x, theta);
  }

  static variable_list backward(AutogradContext* context, variable_list gradients) {
    const variable_list saved = context->get_saved_variables();
    const Call call = load_call(context);
    const at::Tensor dx = context->needs_input_grad(0) ? at::empty_like(saved[0]) : at::Tensor();
    const bool want_theta = context->needs_input_grad(1) && call.site->learning();
    const at::Tensor dtheta = backward_pass(call, saved[0], saved[1], gradients[0], dx, want_theta);
    return {dx, dtheta, at::Tensor()};
  }
};

// y = x. The upstream gradient goes on as it is, the very same tensor; seeds in Training learn beside it.
struct StraightThroughFunction : torch::autograd::Function<StraightThroughFunction> {
  static at::Tensor forward(AutogradContext* context, const at::Tensor& x, const at::Tensor& theta, const Call& call) {
    save_call(context, call);
    context->save_for_backward({x, theta});
    return x;
  }

  static variable_list backward(AutogradContext* context, variable_list gradients) {
    const variable_list saved = context->get_saved_variables();
    const at::Tensor dtheta =
        backward_pass(load_call(context), saved[0], saved[1], gradients[0], at::Tensor(), true);
    return {gradients[0], dtheta, at::Tensor()};
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

at::Tensor run_lattice(Site& site, const at::Tensor& x, const Frame& frame) {
  check_site_tensor(site.spec(), x);
  const bool learns = site.learning() && frame.training && at::GradMode::is_enabled();
  if (!site.blended() && !learns) return x;
  const Placement placement = place(site.spec(), x);
  const at::Tensor dense = placement.dense(x);
  if (dense.numel() == 0) return x;
  if (!at::GradMode::is_enabled()) return forward_pass(site, placement, dense, site.arena());
  const at::Tensor theta = frame.site_values != nullptr ? site.arena().detach() : site.arena();
  const Call call{&site, frame.telemetry};
  return site.blended() ? BlendFunction::apply(dense, theta, call) : StraightThroughFunction::apply(dense, theta, call);
}

const Operator kLatticeOperators[] = {{"esper.Lattice", make_lattice}, {nullptr, nullptr}};

}  // namespace esper::host
