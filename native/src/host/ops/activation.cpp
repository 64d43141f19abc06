// Activations, Softmax and Dropout.
#include <cstring>

#include "error.h"
#include "op.h"
#include "unary.h"

namespace esper::host {
namespace {

Run make_relu(NodeReader& reader, const Fusion& fusion) {
  reader.expect(1, 1);
  reader.expect_float(0);
  if (fusion.in_place) {
    return [](Io& io) {
      at::Tensor x = io.in(0);
      io.out(0, at::relu_(x));
    };
  }
  return [](Io& io) { io.out(0, at::relu(io.in(0))); };
}

Run make_gelu(NodeReader& reader, const Fusion&) {
  reader.expect(1, 1);
  reader.expect_float(0);
  const std::string approximate = reader.string("approximate", "none");
  if (approximate != "none" && approximate != "tanh") {
    invalid(reader.place(), ": attribute 'approximate' is '", approximate, "', expected none or tanh");
  }
  return [approximate](Io& io) {
    const at::MemoryFormat format = io.in(0).suggest_memory_format();
    at::Tensor y = at::gelu(io.in(0).contiguous(format), approximate);
    // libtorch 1.13 returns garbage where the gradient's strides differ from the input's.
    if (y.requires_grad()) y.register_hook([format](const at::Tensor& dy) { return dy.contiguous(format); });
    io.out(0, std::move(y));
  };
}

Run make_leaky_relu(NodeReader& reader, const Fusion&) {
  reader.expect(1, 1);
  reader.expect_float(0);
  const double alpha = reader.real("alpha", 0.01);
  return [alpha](Io& io) { io.out(0, at::leaky_relu(io.in(0), alpha)); };
}

Run make_elu(NodeReader& reader, const Fusion&) {
  reader.expect(1, 1);
  reader.expect_float(0);
  const double alpha = reader.real("alpha", 1.0);
  return [alpha](Io& io) { io.out(0, at::elu(io.in(0), alpha)); };
}

at::Tensor hard_swish(const at::Tensor& x) {
  return at::hardswish(x);
}

template <bool logarithm>
Run make_softmax(NodeReader& reader, const Fusion&) {
  reader.expect(1, 1);
  reader.expect_float(0);
  const int64_t axis = reader.integer("axis", -1);
  return [axis](Io& io) {
    const int64_t dim = normalize_axis(axis, io.in(0).dim());
    io.out(0, logarithm ? at::log_softmax(io.in(0), dim) : at::softmax(io.in(0), dim));
  };
}

// SplitMix64's finaliser: a bijection that spreads every input bit over the output.
uint64_t mix(uint64_t z) {
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ULL;
  z = (z ^ (z >> 27)) * 0x94d049bb133111ebULL;
  return z ^ (z >> 31);
}

// 1 / (1 - ratio) where an element is kept, 0 elsewhere; element i (in memory order) takes draw counter + i.
at::Tensor dropout_mask(const at::Tensor& x, double ratio, DropoutState& state) {
  at::Tensor mask = at::empty_like(x);
  float* data = mask.data_ptr<float>();
  const auto kept = static_cast<float>(1.0 / (1.0 - ratio));
  const auto threshold = static_cast<uint64_t>(ratio * 4294967296.0);  // 2^32: the upper half of a draw decides.
  const uint64_t key = mix(state.key + 0x9e3779b97f4a7c15ULL);
  const auto first = static_cast<uint64_t>(state.counter);
  at::parallel_for(0, mask.numel(), 32768, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) {
      const uint64_t draw = mix(key ^ ((first + static_cast<uint64_t>(i)) * 0x9e3779b97f4a7c15ULL));
      data[i] = (draw >> 32) < threshold ? 0.0F : kept;
    }
  });
  state.counter += mask.numel();
  return mask;
}

int64_t wrapped(uint64_t bits) {
  int64_t value = 0;
  std::memcpy(&value, &bits, sizeof(value));
  return value;
}

// mix over int64 tensors, whose arithmetic wraps around as that of uint64 does; z is overwritten.
at::Tensor mix(at::Tensor z) {
  const auto shift = [](const at::Tensor& value, int64_t bits) {  // Of zeros, where int64 shifts the sign in.
    return at::bitwise_right_shift(value, bits).bitwise_and_(wrapped(~uint64_t{0} >> bits));
  };
  z.bitwise_xor_(shift(z, 30)).mul_(wrapped(0xbf58476d1ce4e5b9ULL));
  z.bitwise_xor_(shift(z, 27)).mul_(wrapped(0x94d049bb133111ebULL));
  return z.bitwise_xor_(shift(z, 31));
}

// dropout_mask by libtorch's operators, to the same bits.
at::Tensor dropout_mask_on_device(const at::Tensor& x, double ratio, DropoutState& state) {
  const at::Tensor like = at::empty_like(x);
  const auto kept = static_cast<float>(1.0 / (1.0 - ratio));
  const auto threshold = static_cast<int64_t>(ratio * 4294967296.0);
  const uint64_t key = mix(state.key + 0x9e3779b97f4a7c15ULL);
  at::Tensor draw = at::arange(state.counter, state.counter + like.numel(), x.options().dtype(at::kLong));
  draw = mix(draw.mul_(wrapped(0x9e3779b97f4a7c15ULL)).bitwise_xor_(wrapped(key)));
  state.counter += like.numel();
  const at::Tensor upper = at::bitwise_right_shift(draw, 32).bitwise_and_(int64_t{0xffffffff});
  const at::Tensor mask = upper.ge(threshold).to(at::kFloat).mul_(kept);
  return mask.as_strided(like.sizes(), like.strides());  // like is dense: memory order becomes its own.
}

Run make_dropout(NodeReader& reader, const Fusion&) {
  reader.expect(1, 3);
  reader.integer("seed", 0);  // The session's key takes its place, so that state can be saved and restored.
  double ratio = reader.real("ratio", 0.5);
  if (reader.has_input(1)) {
    const at::Tensor* constant = reader.constant(1);
    if (constant == nullptr || constant->numel() != 1)
      invalid(reader.place(), ": input 1 (ratio) must be a constant scalar");
    ratio = constant->item().toDouble();
  }
  if (!(ratio >= 0.0 && ratio < 1.0)) invalid(reader.place(), ": ratio is ", ratio, ", expected [0, 1)");
  return [ratio](Io& io) {
    const at::Tensor& x = io.in(0);
    if (!io.frame().training || ratio == 0.0) {
      io.out(0, x);
      return;
    }
    if (x.scalar_type() != at::kFloat) invalid("Dropout runs on float32 only");
    DropoutState& state = *io.frame().dropout;
    io.out(0, at::mul(x, io.frame().own_kernels() ? dropout_mask(x, ratio, state)
                                                  : dropout_mask_on_device(x, ratio, state)));
  };
}

}  // namespace

const Operator kActivationOperators[] = {{"Relu", make_relu},
                                         {"Gelu", make_gelu},
                                         {"Sigmoid", make_float_unary<at::sigmoid>},
                                         {"Tanh", make_float_unary<at::tanh>},
                                         {"LeakyRelu", make_leaky_relu},
                                         {"Elu", make_elu},
                                         {"HardSwish", make_float_unary<hard_swish>},
                                         {"Softmax", make_softmax<false>},
                                         {"LogSoftmax", make_softmax<true>},
                                         {"Dropout", make_dropout},
                                         {nullptr, nullptr}};

}  // namespace esper::host
