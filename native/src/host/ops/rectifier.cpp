// Activations with thresholds and parameters: Clip, PRelu, Softplus, Selu, HardSigmoid and their like.
#include <optional>

#include "error.h"
#include "op.h"
#include "unary.h"

namespace esper::host {
namespace {

// ln(1 + exp(x)); from 40 on it is x in float64 too.
at::Tensor softplus(const at::Tensor& x) {
  return at::softplus(x, 1.0, 40.0);
}

at::Tensor softsign(const at::Tensor& x) {
  return at::div(x, at::add(at::abs(x), 1.0));
}

// y = function(x, number) with one number as attribute.
using Parametric = at::Tensor (*)(const at::Tensor&, double);

Run with_number(NodeReader& reader, const char* name, double fallback, Parametric function) {
  reader.expect(1, 1);
  reader.expect_float(0);
  const double number = reader.real(name, fallback);
  return [=](Io& io) { io.out(0, function(io.in(0), number)); };
}

Run make_thresholded_relu(NodeReader& reader, const Fusion&) {
  return with_number(reader, "alpha", 1.0,
                     [](const at::Tensor& x, double alpha) { return at::threshold(x, alpha, 0.0); });
}

Run make_swish(NodeReader& reader, const Fusion&) {
  return with_number(reader, "alpha", 1.0, [](const at::Tensor& x, double alpha) {
    return alpha == 1.0 ? at::silu(x) : at::mul(x, at::sigmoid(at::mul(x, alpha)));
  });
}

Run make_celu(NodeReader& reader, const Fusion&) {
  Run run = with_number(reader, "alpha", 1.0,
                        [](const at::Tensor& x, double alpha) { return at::elu(x, alpha, 1.0, 1.0 / alpha); });
  if (reader.real("alpha", 1.0) == 0.0) invalid(reader.place(), ": attribute 'alpha' is 0, which x is divided by");
  return run;
}

// y = function(x, first, second) with two numbers as attributes.
struct Numbers {
  double first;
  double second;
};

Run with_numbers(NodeReader& reader, const Numbers& numbers,
                 at::Tensor (*function)(const at::Tensor&, const Numbers&)) {
  reader.expect(1, 1);
  reader.expect_float(0);
  return [=](Io& io) { io.out(0, function(io.in(0), numbers)); };
}

Run make_selu(NodeReader& reader, const Fusion&) {
  const Numbers numbers{reader.real("alpha", 1.67326319217681884765625),
                        reader.real("gamma", 1.05070102214813232421875)};
  return with_numbers(reader, numbers,
                      [](const at::Tensor& x, const Numbers& n) { return at::elu(x, n.first, n.second); });
}

Run make_hard_sigmoid(NodeReader& reader, const Fusion&) {
  const Numbers numbers{reader.real("alpha", 0.2), reader.real("beta", 0.5)};
  return with_numbers(reader, numbers, [](const at::Tensor& x, const Numbers& n) {
    return at::clamp(at::add(at::mul(x, n.first), n.second), 0.0, 1.0);
  });
}

// x + bias below -lambd, x - bias above lambd, 0 between them.
Run make_shrink(NodeReader& reader, const Fusion&) {
  const Numbers numbers{reader.real("bias", 0.0), reader.real("lambd", 0.5)};
  return with_numbers(reader, numbers, [](const at::Tensor& x, const Numbers& n) {
    const at::Tensor low = x.lt(-n.second), high = x.gt(n.second);
    const at::Tensor moved = at::where(low, at::add(x, n.first), at::sub(x, n.first));
    return moved.masked_fill(low.logical_or(high).logical_not(), 0.0);
  });
}

// max(x, 0) + slope min(x, 0), the slope broadcast to x.
Run make_prelu(NodeReader& reader, const Fusion&) {
  reader.expect(2, 2);
  reader.expect_float(0);
  reader.expect_one_type();
  return [](Io& io) {
    const at::Tensor& x = io.in(0);
    const at::Tensor y = at::add(at::relu(x), at::mul(at::clamp_max(x, 0.0), io.in(1)));
    if (y.sizes() != x.sizes()) {
      invalid("the slope has shape ", shape_text(io.in(1).sizes()), ", which does not broadcast to ",
              shape_text(x.sizes()));
    }
    io.out(0, y);
  };
}

// A bound of Clip, as a number where it is a constant, so that a device need not be asked.
struct Bound {
  bool given = false;
  std::optional<at::Scalar> number;
};

Bound read_bound(NodeReader& reader, size_t index) {
  Bound bound;
  bound.given = reader.has_input(index);
  const at::Tensor* constant = reader.constant(index);
  if (constant == nullptr) return bound;
  if (constant->numel() != 1) {
    invalid(reader.place(), ": input ", index, " has shape ", shape_text(constant->sizes()), ", expected a scalar");
  }
  bound.number = constant->item();
  return bound;
}

const at::Tensor& bound_tensor(const Io& io, size_t index) {
  const at::Tensor& value = io.in(index);
  if (value.numel() != 1) invalid("input ", index, " has shape ", shape_text(value.sizes()), ", expected a scalar");
  return value;
}

Run make_clip(NodeReader& reader, const Fusion&) {
  reader.expect(1, 3);
  reader.expect_type(0, {ESPER_HOST_FLOAT32, ESPER_HOST_FLOAT64, ESPER_HOST_INT64, ESPER_HOST_UINT8});
  reader.expect_one_type();
  const Bound low = read_bound(reader, 1), high = read_bound(reader, 2);
  return [low, high](Io& io) {
    at::Tensor y = io.in(0);
    if (low.number && high.number) {
      io.out(0, at::clamp(y, *low.number, *high.number));
      return;
    }
    if (low.number) {
      y = at::clamp_min(y, *low.number);
    } else if (low.given) {
      y = at::clamp_min(y, bound_tensor(io, 1).reshape({}));
    }
    if (high.number) {
      y = at::clamp_max(y, *high.number);
    } else if (high.given) {
      y = at::clamp_max(y, bound_tensor(io, 2).reshape({}));
    }
    io.out(0, std::move(y));
  };
}

}  // namespace

const Operator kRectifierOperators[] = {{"Softplus", make_float_unary<softplus>},
                                        {"Softsign", make_float_unary<softsign>},
                                        {"Mish", make_float_unary<at::mish>},
                                        {"Swish", make_swish},
                                        {"Selu", make_selu},
                                        {"Celu", make_celu},
                                        {"ThresholdedRelu", make_thresholded_relu},
                                        {"HardSigmoid", make_hard_sigmoid},
                                        {"Shrink", make_shrink},
                                        {"PRelu", make_prelu},
                                        {"Clip", make_clip},
                                        {nullptr, nullptr}};

}  // namespace esper::host
