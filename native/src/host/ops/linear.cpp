// Matrix products and Attention.
#include <cmath>

#include "error.h"
#include "op.h"

namespace esper::host {
namespace {

Run make_gemm(NodeReader& reader, const Fusion&) {
  reader.expect(2, 3);
  reader.expect_float(0);
  const double alpha = reader.real("alpha", 1.0);
  const double beta = reader.real("beta", 1.0);
  const bool trans_a = reader.integer("transA", 0) != 0;
  const bool trans_b = reader.integer("transB", 0) != 0;
  return [=](Io& io) {
    if (io.in(0).dim() != 2 || io.in(1).dim() != 2) {
      invalid("inputs have shapes ", shape_text(io.in(0).sizes()), " and ", shape_text(io.in(1).sizes()),
              ", expected matrices");
    }
    const at::Tensor a = trans_a ? io.in(0).t() : io.in(0);
    const at::Tensor b = trans_b ? io.in(1).t() : io.in(1);
    if (io.has(2)) {
      io.out(0, at::addmm(io.in(2), a, b, beta, alpha));
    } else {
      at::Tensor y = at::mm(a, b);
      io.out(0, alpha == 1.0 ? y : at::mul(y, alpha));
    }
  };
}

Run make_matmul(NodeReader& reader, const Fusion&) {
  reader.expect(2, 2);
  return [](Io& io) { io.out(0, at::matmul(io.in(0), io.in(1))); };
}

// [B, S, H * D] -> [B, H, S, D].
at::Tensor split_heads(const at::Tensor& x, int64_t heads, const char* what) {
  if (x.dim() != 3) invalid(what, " has shape ", shape_text(x.sizes()), ", expected [batch, sequence, heads * size]");
  if (x.size(2) % heads != 0) invalid(what, " has ", x.size(2), " channels, which ", heads, " heads do not divide");
  return x.view({x.size(0), x.size(1), heads, x.size(2) / heads}).transpose(1, 2);
}

// [B, H, S, D] -> [B, H * times, S, D], each head times times.
at::Tensor repeat_heads(const at::Tensor& x, int64_t times, bool own_kernels) {
  if (own_kernels) return at::repeat_interleave(x, times, 1);
  // On CUDA the gradient of repeat_interleave is added up in any order, that of expand is not.
  const int64_t b = x.size(0), h = x.size(1), s = x.size(2), d = x.size(3);
  return x.unsqueeze(2).expand({b, h, times, s, d}).reshape({b, h * times, s, d});
}

Run make_attention(NodeReader& reader, const Fusion&) {
  reader.expect(3, 3);
  for (size_t i = 0; i < 3; ++i) reader.expect_float(i);
  const int64_t q_heads = reader.integer("q_num_heads", 0);
  const int64_t kv_heads = reader.integer("kv_num_heads", 0);
  const bool causal = reader.integer("is_causal", 0) != 0;
  const bool scaled = reader.has("scale");
  const double given = reader.real("scale", 1.0);
  if (q_heads < 1 || kv_heads < 1 || q_heads % kv_heads != 0) {
    invalid(reader.place(), ": q_num_heads is ", q_heads, " and kv_num_heads ", kv_heads,
            "; both are needed and the second must divide the first");
  }
  return [=](Io& io) {
    const at::Tensor q = split_heads(io.in(0).contiguous(), q_heads, "Q");
    at::Tensor k = split_heads(io.in(1).contiguous(), kv_heads, "K");
    at::Tensor v = split_heads(io.in(2).contiguous(), kv_heads, "V");
    if (q_heads != kv_heads) {
      k = repeat_heads(k, q_heads / kv_heads, io.frame().own_kernels());
      v = repeat_heads(v, q_heads / kv_heads, io.frame().own_kernels());
    }
    const double scale = scaled ? given : 1.0 / std::sqrt(static_cast<double>(q.size(3)));
    at::Tensor scores = at::matmul(at::mul(q, scale), k.transpose(2, 3));
    if (causal) {
      const at::Tensor later = at::ones({scores.size(2), scores.size(3)}, q.options().dtype(at::kBool)).triu(1);
      scores = scores.masked_fill(later, -std::numeric_limits<double>::infinity());
    }
    const at::Tensor mixed = at::matmul(at::softmax(scores, -1), v).transpose(1, 2);
    io.out(0, mixed.reshape({mixed.size(0), mixed.size(1), mixed.size(2) * mixed.size(3)}));
  };
}

}  // namespace

const Operator kLinearOperators[] = {
    {"Gemm", make_gemm}, {"MatMul", make_matmul}, {"Attention", make_attention}, {nullptr, nullptr}};

}  // namespace esper::host
