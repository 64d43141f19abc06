// Attention: scaled dot-product attention of ONNX without past keys and values.
#include <cmath>
#include <limits>
#include <optional>

#include "error.h"
#include "op.h"

namespace esper::host {
namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();

struct AttentionOptions {
  int64_t q_heads = 0;   // 0 = as the inputs say, which then have an axis of heads.
  int64_t kv_heads = 0;  // Likewise.
  bool causal = false;
  std::optional<double> scale;
  double softcap = 0.0;                     // 0 = none.
  std::optional<at::ScalarType> precision;  // Of the softmax.
};

// [B, S, H * D] -> [B, H, S, D]; four axes stay what they are.
at::Tensor split_heads(const at::Tensor& x, int64_t heads, const char* what) {
  if (x.dim() == 4) {
    if (heads != 0 && x.size(1) != heads) {
      invalid(what, " has shape ", shape_text(x.sizes()), ", whose ", x.size(1), " heads contradict the attribute ",
              heads);
    }
    return x;
  }
  if (x.dim() != 3) {
    invalid(what, " has shape ", shape_text(x.sizes()),
            ", expected [batch, sequence, heads * size] or [batch, heads, sequence, size]");
  }
  if (heads == 0) invalid(what, " has 3 axes, for which q_num_heads and kv_num_heads are needed");
  if (x.size(2) % heads != 0) invalid(what, " has ", x.size(2), " channels, which ", heads, " heads do not divide");
  return x.contiguous().view({x.size(0), x.size(1), heads, x.size(2) / heads}).transpose(1, 2);
}

// [B, H, S, D] -> [B, H * times, S, D], each head times times.
at::Tensor repeat_heads(const at::Tensor& x, int64_t times, bool own_kernels) {
  if (own_kernels) return at::repeat_interleave(x, times, 1);
  // On CUDA the gradient of repeat_interleave is added up in any order, that of expand is not.
  const int64_t b = x.size(0), h = x.size(1), s = x.size(2), d = x.size(3);
  return x.unsqueeze(2).expand({b, h, times, s, d}).reshape({b, h * times, s, d});
}

// Scores [B, H, S, T] with a mask [..., S, T'], T' <= T: bool lets through where true, numbers are added. Keys behind
// T' are hidden.
at::Tensor apply_mask(const at::Tensor& scores, at::Tensor mask) {
  const int64_t keys = scores.size(3);
  const bool truth = mask.scalar_type() == at::kBool;
  if (mask.dim() > 0 && mask.size(-1) < keys) {
    mask = truth ? at::constant_pad_nd(mask, {0, keys - mask.size(-1)}, false)
                 : at::constant_pad_nd(mask, {0, keys - mask.size(-1)}, -kInfinity);
  }
  at::Tensor masked = truth ? scores.masked_fill(mask.logical_not(), -kInfinity) : at::add(scores, mask);
  if (masked.sizes() != scores.sizes()) {
    invalid("attn_mask has shape ", shape_text(mask.sizes()), ", which does not broadcast to the scores ",
            shape_text(scores.sizes()));
  }
  return masked;
}

at::Tensor attend(const Io& io, const AttentionOptions& options) {
  const at::Tensor q = split_heads(io.in(0), options.q_heads, "Q");
  at::Tensor k = split_heads(io.in(1), options.kv_heads, "K");
  at::Tensor v = split_heads(io.in(2), options.kv_heads, "V");
  const int64_t shared = k.size(1);
  if (shared == 0 || q.size(1) % shared != 0 || v.size(1) != shared) {
    invalid("Q, K and V have ", q.size(1), ", ", shared, " and ", v.size(1),
            " heads; K and V need as many, and Q a multiple of them");
  }
  if (q.size(1) != shared) {
    k = repeat_heads(k, q.size(1) / shared, io.frame().own_kernels());
    v = repeat_heads(v, q.size(1) / shared, io.frame().own_kernels());
  }
  const double scale = options.scale.value_or(1.0 / std::sqrt(static_cast<double>(q.size(3))));
  at::Tensor scores = at::matmul(at::mul(q, scale), k.transpose(2, 3));
  // Before the mask: tanh would make its infinities finite.
  if (options.softcap != 0.0) scores = at::mul(at::tanh(at::div(scores, options.softcap)), options.softcap);
  if (io.has(3)) scores = apply_mask(scores, io.in(3));
  if (options.causal) {
    const at::Tensor later = at::ones({scores.size(2), scores.size(3)}, q.options().dtype(at::kBool)).triu(1);
    scores = scores.masked_fill(later, -kInfinity);
  }
  const at::Tensor weights = at::softmax(scores, -1, options.precision.value_or(scores.scalar_type()));
  return at::matmul(weights.to(q.scalar_type()), v);
}

Run make_attention(NodeReader& reader, const Fusion&) {
  reader.expect(3, 4);
  for (size_t i = 0; i < 3; ++i) reader.expect_float(i);
  AttentionOptions options;
  options.q_heads = reader.integer("q_num_heads", 0);
  options.kv_heads = reader.integer("kv_num_heads", 0);
  options.causal = reader.integer("is_causal", 0) != 0;
  options.softcap = reader.real("softcap", 0.0);
  if (reader.has("scale")) options.scale = reader.real("scale", 1.0);
  if (reader.has("softmax_precision")) {
    const std::string place = reader.place() + ": attribute 'softmax_precision'";
    options.precision = scalar_type(static_cast<int32_t>(reader.integer("softmax_precision", 0)), place);
    if (!at::isFloatingType(*options.precision)) invalid(place, " is no floating point type");
  }
  reader.integer("qk_matmul_output_mode", 0);  // Of an output that is refused.
  const bool given = options.q_heads != 0 || options.kv_heads != 0;
  if (given && (options.q_heads < 1 || options.kv_heads < 1 || options.q_heads % options.kv_heads != 0)) {
    invalid(reader.place(), ": q_num_heads is ", options.q_heads, " and kv_num_heads ", options.kv_heads,
            "; both are needed and the second must divide the first");
  }
  if (options.softcap < 0.0) invalid(reader.place(), ": softcap is ", options.softcap, ", expected 0 (none) or more");
  if (reader.has_input(3) && reader.input(3).dtype != ESPER_HOST_BOOL &&
      reader.input(3).dtype != reader.input(0).dtype) {
    invalid(reader.place(), ": input 3 (attn_mask) '", reader.input(3).name, "' is ", dtype_name(reader.input(3).dtype),
            ", expected bool or ", dtype_name(reader.input(0).dtype), " as Q");
  }
  return [options](Io& io) {
    at::Tensor y = attend(io, options);
    if (io.in(0).dim() == 3) {
      y = y.transpose(1, 2);
      y = y.reshape({y.size(0), y.size(1), y.size(2) * y.size(3)});
    }
    io.out(0, std::move(y));
  };
}

}  // namespace

const Operator kAttentionOperators[] = {{"Attention", make_attention}, {nullptr, nullptr}};

}  // namespace esper::host
