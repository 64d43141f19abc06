// ReduceMean and ReduceSum.
#include "error.h"
#include "op.h"

namespace esper::host {
namespace {

template <bool mean>
Run make_reduce(NodeReader& reader, const Fusion&) {
  reader.expect(1, 2);
  if (mean) reader.expect_float(0);
  const bool keep = reader.integer("keepdims", 1) != 0;
  const bool noop = reader.integer("noop_with_empty_axes", 0) != 0;
  std::vector<int64_t> axes = reader.integers("axes", {});
  if (reader.has_input(1)) axes = reader.constant_ints(1, "axes");
  return [=](Io& io) {
    const at::Tensor& x = io.in(0);
    if (axes.empty() && noop) {
      io.out(0, x);
      return;
    }
    std::vector<int64_t> dims;
    for (int64_t axis : axes) dims.push_back(normalize_axis(axis, x.dim()));
    if (axes.empty()) {
      for (int64_t i = 0; i < x.dim(); ++i) dims.push_back(i);
    }
    io.out(0, mean ? at::mean(x, dims, keep) : at::sum(x, dims, keep, x.scalar_type()));
  };
}

}  // namespace

const Operator kReductionOperators[] = {
    {"ReduceMean", make_reduce<true>}, {"ReduceSum", make_reduce<false>}, {nullptr, nullptr}};

}  // namespace esper::host
