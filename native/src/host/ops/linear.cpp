// Matrix products, Gather (embedding) and Attention.
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

// Throws unless all indices lie in [-extent, extent); whether one is negative.
bool check_indices(const at::Tensor& indices, int64_t extent) {
  const at::Tensor dense = indices.contiguous();
  const int64_t* index = dense.data_ptr<int64_t>();
  bool negative = false;
  for (int64_t i = 0; i < dense.numel(); ++i) {
    if (index[i] < -extent || index[i] >= extent) {
      invalid("index ", index[i], " at position ", i, " is outside [", -extent, ", ", extent, ")");
    }
    negative = negative || index[i] < 0;
  }
  return negative;
}

Run make_gather(NodeReader& reader, const Fusion&) {
  reader.expect(2, 2);
  if (reader.input(1).dtype != ESPER_HOST_INT64) {
    invalid(reader.place(), ": input 1 '", reader.input(1).name, "' is ", dtype_name(reader.input(1).dtype),
            ", expected int64 indices");
  }
  const int64_t axis = reader.integer("axis", 0);
  return [axis](Io& io) {
    const at::Tensor& data = io.in(0);
    const int64_t dim = normalize_axis(axis, data.dim());
    const int64_t extent = data.size(dim);
    const bool negative = check_indices(io.host(1), extent);
    at::Tensor indices = io.in(1).contiguous();
    if (negative) indices = at::where(indices.lt(0), indices.add(extent), indices);
    if (dim == 0 && data.dim() == 2) {
      io.out(0, at::embedding(data, indices));
      return;
    }
    if (!io.frame().own_kernels()) {
      // The gradient of index_select is added up in any order on CUDA, that of index is not.
      std::vector<at::indexing::TensorIndex> place(static_cast<size_t>(dim), at::indexing::Slice());
      place.emplace_back(indices);
      io.out(0, data.index(place));
      return;
    }
    std::vector<int64_t> shape = data.sizes().vec();
    shape.erase(shape.begin() + dim);
    shape.insert(shape.begin() + dim, indices.sizes().begin(), indices.sizes().end());
    io.out(0, at::index_select(data, dim, indices.reshape(-1)).reshape(shape));
  };
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

const Operator kLinearOperators[] = {{"Gemm", make_gemm},
                                     {"MatMul", make_matmul},
                                     {"Gather", make_gather},
                                     {"Attention", make_attention},
                                     {nullptr, nullptr}};

}  // namespace esper::host
