// Operators that compare the elements along an axis: ArgMax, ArgMin, Hardmax, TopK.
#include "error.h"
#include "op.h"

namespace esper::host {
namespace {

constexpr std::initializer_list<int32_t> kNumbers = {ESPER_HOST_FLOAT32, ESPER_HOST_FLOAT64, ESPER_HOST_INT64,
                                                     ESPER_HOST_UINT8};

int64_t axis_of(const at::Tensor& x, int64_t axis) {
  if (x.dim() == 0) invalid("the input is a scalar, which has no axis");
  return normalize_axis(axis, x.dim());
}

template <bool maximum>
Run make_arg(NodeReader& reader, const Fusion&) {
  reader.expect(1, 1);
  reader.expect_type(0, kNumbers);
  const int64_t axis = reader.integer("axis", 0);
  const bool keep = reader.integer("keepdims", 1) != 0;
  const bool last = reader.integer("select_last_index", 0) != 0;
  return [=](Io& io) {
    const int64_t dim = axis_of(io.in(0), axis);
    const at::Tensor x = last ? io.in(0).flip({dim}) : io.in(0);
    if (x.size(dim) == 0) invalid("axis ", dim, " of shape ", shape_text(x.sizes()), " has no elements");
    // libtorch takes the first of equal elements.
    const at::Tensor index = maximum ? at::argmax(x, dim, keep) : at::argmin(x, dim, keep);
    io.out(0, last ? at::rsub(index, x.size(dim) - 1) : index);
  };
}

Run make_hardmax(NodeReader& reader, const Fusion&) {
  reader.expect(1, 1);
  reader.expect_float(0);
  const int64_t axis = reader.integer("axis", -1);
  return [axis](Io& io) {
    const at::Tensor x = io.in(0).detach();
    const int64_t dim = axis_of(x, axis);
    if (x.numel() == 0) {
      io.out(0, at::zeros_like(x));
      return;
    }
    io.out(0, at::scatter(at::zeros_like(x), dim, at::argmax(x, dim, true), 1.0));
  };
}

Run make_top_k(NodeReader& reader, const Fusion&) {
  reader.expect(2, 2, 2);
  reader.expect_type(0, kNumbers);
  const std::vector<int64_t> counts = reader.constant_ints(1, "K");
  if (counts.size() != 1 || counts[0] < 0) {
    invalid(reader.place(), ": input 1 (K) is ", shape_text(counts), ", expected one number, 0 or larger");
  }
  const int64_t count = counts[0];
  const int64_t axis = reader.integer("axis", -1);
  const bool largest = reader.integer("largest", 1) != 0;
  reader.integer("sorted", 1);  // Sorted is an order, too, where any will do.
  return [=](Io& io) {
    const at::Tensor& x = io.in(0);
    const int64_t dim = axis_of(x, axis);
    if (count > x.size(dim)) {
      invalid("K is ", count, ", but axis ", dim, " of shape ", shape_text(x.sizes()), " has ", x.size(dim));
    }
    // Of equal elements the first comes first, which topk does not promise.
    const auto [values, indices] = at::sort(x, /*stable=*/true, dim, largest);
    io.out(0, values.narrow(dim, 0, count));
    io.out(1, indices.narrow(dim, 0, count));
  };
}

}  // namespace

const Operator kRankingOperators[] = {{"ArgMax", make_arg<true>},
                                      {"ArgMin", make_arg<false>},
                                      {"Hardmax", make_hardmax},
                                      {"TopK", make_top_k},
                                      {nullptr, nullptr}};

}  // namespace esper::host
