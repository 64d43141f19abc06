// The lattice as autograd functions of libtorch, whoever holds the seeds: a site of the training host, or the operator
// esper::lattice. Only what a pass runs differs between them; it comes in as the template parameter Call.
#pragma once

#include <torch/csrc/autograd/functions/basic_ops.h>

#include "esper/esper.h"
#include "torch.h"

namespace esper::host {

// How a lattice's tensor lies in memory.
struct Placement {
  esper_shape shape{};
  at::MemoryFormat format = at::MemoryFormat::Contiguous;
  at::Tensor dense(const at::Tensor& tensor) const { return tensor.contiguous(format); }
};

// Whether x has the channels where the layout has them: [N, channels, ...] for NCHW, [..., channels] for tokens.
bool fits_lattice(int32_t layout, int32_t channels, const at::Tensor& x);
// The shapes that fits_lattice accepts, for messages: "[N, 8, ...]".
std::string expected_shape(int32_t layout, int32_t channels);
// Channels-last images and matrices are tokens in memory whatever the layout says; nothing is copied for them.
Placement place(int32_t layout, int32_t channels, const at::Tensor& x);

// Marks first derivatives as such: to derive them again is an error that says so, instead of a silent zero.
at::Tensor differentiated_once(const at::Tensor& gradient);

// What a backward pass fills; undefined tensors are not wanted. theta and alpha come in as zeros and are added to.
struct Gradients {
  at::Tensor x;
  at::Tensor theta;
  at::Tensor alpha;
};

// A Call has
//   void save(AutogradContext*) const          keeps itself for backward
//   static Call load(AutogradContext*)         the same one
//   Placement place(x) const
//   bool learning() const                      whether backward computes gradients of theta
//   at::Tensor forward(placement, x, theta)    x dense in the placement
//   void backward(placement, x, theta, dy, Gradients&)

// Runs a Call's backward pass for what is wanted.
template <class Call>
Gradients differentiate(const Call& call, const torch::autograd::variable_list& saved, const at::Tensor& upstream,
                        bool want_x, bool want_theta, bool want_alpha) {
  const at::Tensor& x = saved[0];
  const Placement placement = call.place(x);
  Gradients gradients;
  {
    const at::NoGradGuard kernels_record_nothing;
    if (want_x) gradients.x = at::empty_like(x);
    if (want_theta) gradients.theta = at::zeros_like(saved[1]);
    if (want_alpha) gradients.alpha = at::zeros_like(saved[2]);
    call.backward(placement, x, saved[1], placement.dense(upstream), gradients);
  }
  return {differentiated_once(gradients.x), differentiated_once(gradients.theta), differentiated_once(gradients.alpha)};
}

// y = lattice(x, theta). alpha: the seeds' weights where the caller wants their gradient, otherwise empty.
template <class Call>
struct BlendFunction : torch::autograd::Function<BlendFunction<Call>> {
  static at::Tensor forward(torch::autograd::AutogradContext* context, const at::Tensor& x, const at::Tensor& theta,
                            at::TensorList alpha, const Call& call) {
    call.save(context);
    torch::autograd::variable_list kept{x, theta};
    kept.insert(kept.end(), alpha.begin(), alpha.end());
    context->save_for_backward(std::move(kept));
    return call.forward(call.place(x), x, theta);
  }

  // One gradient for each argument of forward, those in the list counted one by one.
  static torch::autograd::variable_list backward(torch::autograd::AutogradContext* context,
                                                 torch::autograd::variable_list upstream) {
    const torch::autograd::variable_list saved = context->get_saved_variables();
    const Call call = Call::load(context);
    const bool want_alpha = saved.size() > 2 && context->needs_input_grad(2);
    Gradients gradients = differentiate(call, saved, upstream[0], context->needs_input_grad(0),
                                        context->needs_input_grad(1) && call.learning(), want_alpha);
    torch::autograd::variable_list result{gradients.x, gradients.theta};
    if (saved.size() > 2) result.push_back(gradients.alpha);
    result.emplace_back();
    return result;
  }
};

// y = x, in the very same order in memory, whatever that is: what reads y computes what it would of x, bit for bit. The upstream
// gradient goes on as it is, the very same tensor; seeds in Training learn beside it.
template <class Call>
struct StraightThroughFunction : torch::autograd::Function<StraightThroughFunction<Call>> {
  static at::Tensor forward(torch::autograd::AutogradContext* context, const at::Tensor& x, const at::Tensor& theta,
                            const Call& call) {
    call.save(context);
    context->save_for_backward({x, theta});
    // Not x itself: autograd would hand out a view in its place, whose stride along a batch of one may differ, and libtorch
    // takes a channels-last image with such a stride for another order.
    return x.detach();
  }

  static torch::autograd::variable_list backward(torch::autograd::AutogradContext* context,
                                                 torch::autograd::variable_list upstream) {
    const Call call = Call::load(context);
    torch::autograd::variable_list saved = context->get_saved_variables();
    saved[0] = call.place(saved[0]).dense(saved[0]);
    Gradients gradients = differentiate(call, saved, upstream[0], false, true, false);
    return {upstream[0], gradients.theta, at::Tensor()};
  }
};

}  // namespace esper::host
