// Reductions over axes, and CumSum.
#include <algorithm>
#include <limits>

#include "error.h"
#include "op.h"

namespace esper::host {
namespace {

using torch::autograd::AutogradContext;
using torch::autograd::variable_list;
using Axes = std::vector<int64_t>;

constexpr std::initializer_list<int32_t> kFloats = {ESPER_HOST_FLOAT32, ESPER_HOST_FLOAT64};
constexpr std::initializer_list<int32_t> kSummable = {ESPER_HOST_FLOAT32, ESPER_HOST_FLOAT64, ESPER_HOST_INT64};
constexpr std::initializer_list<int32_t> kAll = {ESPER_HOST_FLOAT32, ESPER_HOST_FLOAT64, ESPER_HOST_INT64,
                                                 ESPER_HOST_UINT8, ESPER_HOST_BOOL};

at::Tensor product(at::Tensor x, const Axes& axes) {
  for (int64_t axis : axes) x = at::prod(x, axis, /*keepdim=*/true, x.scalar_type());
  return x;
}

// The product over axes, which are kept. libtorch's own gradient counts zeros on the host, which waits for a device.
struct ProductFunction : torch::autograd::Function<ProductFunction> {
  static at::Tensor forward(AutogradContext* context, const at::Tensor& x, const Axes& axes) {
    context->save_for_backward({x});
    context->saved_data["axes"] = axes;
    return product(x, axes);
  }

  static variable_list backward(AutogradContext* context, variable_list gradients) {
    const at::Tensor x = context->get_saved_variables()[0];
    const Axes axes = context->saved_data["axes"].toIntVector();
    const at::Tensor zero = x.eq(0.0);
    const at::Tensor rest = x.masked_fill(zero, 1.0);
    // The product of the others is 0 where one of them is.
    const at::Tensor other_zeros = at::sum(zero, axes, true).sub(zero.to(at::kLong));
    const at::Tensor others = product(rest, axes).div(rest).masked_fill_(other_zeros.gt(0), 0.0);
    return {at::mul(gradients[0], others), at::Tensor()};
  }
};

// A result like `reduced`, of no elements' greatest or least.
at::Tensor empty_extremum(const at::Tensor& reduced, bool maximum) {
  if (at::isFloatingType(reduced.scalar_type())) {
    constexpr double kInfinity = std::numeric_limits<double>::infinity();
    return at::full_like(reduced, maximum ? -kInfinity : kInfinity);
  }
  using Integer = std::numeric_limits<int64_t>;
  const bool wide = reduced.scalar_type() == at::kLong;
  const int64_t greatest = wide ? Integer::max() : (reduced.scalar_type() == at::kBool ? 1 : 255);
  return at::full_like(reduced, maximum ? (wide ? Integer::min() : 0) : greatest);
}

struct Sum {
  static constexpr auto types = kSummable;
  static at::Tensor reduce(const at::Tensor& x, const Axes& axes, bool keep) {
    return at::sum(x, axes, keep, x.scalar_type());
  }
  static at::Tensor alone(const at::Tensor& x) { return x; }
};

struct Mean {
  static constexpr auto types = kFloats;
  static at::Tensor reduce(const at::Tensor& x, const Axes& axes, bool keep) { return at::mean(x, axes, keep); }
  static at::Tensor alone(const at::Tensor& x) { return x; }
};

template <bool maximum>
struct Extremum {
  static constexpr auto types = kAll;
  static at::Tensor reduce(const at::Tensor& x, const Axes& axes, bool keep) {
    for (int64_t axis : axes) {
      if (x.size(axis) == 0) return empty_extremum(at::sum(x, axes, keep, x.scalar_type()), maximum);
    }
    return maximum ? at::amax(x, axes, keep) : at::amin(x, axes, keep);
  }
  static at::Tensor alone(const at::Tensor& x) { return x; }
};

struct Prod {
  static constexpr auto types = kSummable;
  static at::Tensor reduce(const at::Tensor& x, const Axes& axes, bool keep) {
    const bool gradient = at::GradMode::is_enabled() && x.requires_grad();
    const at::Tensor y = gradient ? ProductFunction::apply(x, axes) : product(x, axes);
    std::vector<int64_t> kept;
    for (int64_t i = 0; i < x.dim(); ++i) {
      if (std::find(axes.begin(), axes.end(), i) == axes.end()) kept.push_back(x.size(i));
    }
    return keep ? y : y.reshape(kept);
  }
  static at::Tensor alone(const at::Tensor& x) { return x; }
};

struct L1 {
  static constexpr auto types = kSummable;
  static at::Tensor reduce(const at::Tensor& x, const Axes& axes, bool keep) { return at::sum(at::abs(x), axes, keep); }
  static at::Tensor alone(const at::Tensor& x) { return at::abs(x); }
};

struct L2 {
  static constexpr auto types = kFloats;
  static at::Tensor reduce(const at::Tensor& x, const Axes& axes, bool keep) {
    return at::linalg_vector_norm(x, 2.0, axes, keep);
  }
  static at::Tensor alone(const at::Tensor& x) { return at::abs(x); }
};

struct LogSum {
  static constexpr auto types = kFloats;
  static at::Tensor reduce(const at::Tensor& x, const Axes& axes, bool keep) { return at::log(at::sum(x, axes, keep)); }
  static at::Tensor alone(const at::Tensor& x) { return at::log(x); }
};

struct LogSumExp {
  static constexpr auto types = kFloats;
  static at::Tensor reduce(const at::Tensor& x, const Axes& axes, bool keep) { return at::logsumexp(x, axes, keep); }
  static at::Tensor alone(const at::Tensor& x) { return x; }
};

struct SumSquare {
  static constexpr auto types = kSummable;
  static at::Tensor reduce(const at::Tensor& x, const Axes& axes, bool keep) {
    return at::sum(at::mul(x, x), axes, keep);
  }
  static at::Tensor alone(const at::Tensor& x) { return at::mul(x, x); }
};

// Axes in [0, rank), all of them where none are named.
Axes all_or_named(const Axes& named, int64_t rank) {
  Axes axes;
  for (int64_t axis : named) axes.push_back(normalize_axis(axis, rank));
  for (int64_t i = 0; i < rank && named.empty(); ++i) axes.push_back(i);
  return axes;
}

template <class Reduction>
Run make_reduce(NodeReader& reader, const Fusion&) {
  reader.expect(1, 2);
  reader.expect_type(0, Reduction::types);
  const bool keep = reader.integer("keepdims", 1) != 0;
  const bool noop = reader.integer("noop_with_empty_axes", 0) != 0;
  Axes axes = reader.integers("axes", {});
  if (reader.has_input(1)) axes = reader.constant_ints(1, "axes");
  return [=](Io& io) {
    const at::Tensor& x = io.in(0);
    // Over no axes at all, what else an operator does is still done: ReduceSumSquare squares.
    const Axes dims = all_or_named(axes, x.dim());
    const bool alone = dims.empty() || (axes.empty() && noop);
    io.out(0, alone ? Reduction::alone(x) : Reduction::reduce(x, dims, keep));
  };
}

at::Tensor running_sum(const at::Tensor& x, int64_t axis, bool own_kernels) {
  if (own_kernels || x.numel() != x.size(axis)) return at::cumsum(x, axis);
  // On CUDA a single row is added up by many blocks in any order, several rows are not.
  std::vector<int64_t> twice = x.sizes().vec();
  twice.insert(twice.begin(), 2);
  return at::cumsum(x.unsqueeze(0).expand(twice), axis + 1).select(0, 0);
}

Run make_cumulative_sum(NodeReader& reader, const Fusion&) {
  reader.expect(2, 2);
  reader.expect_type(0, kSummable);
  const std::vector<int64_t> axes = reader.constant_ints(1, "axis");
  if (axes.size() != 1) invalid(reader.place(), ": input 1 (axis) has ", axes.size(), " elements, expected 1");
  const int64_t axis = axes[0];
  const bool exclusive = reader.integer("exclusive", 0) != 0;
  const bool reverse = reader.integer("reverse", 0) != 0;
  return [=](Io& io) {
    at::Tensor x = io.in(0);
    const int64_t dim = normalize_axis(axis, x.dim());
    if (x.dim() == 0) invalid("the input is a scalar, which has no axis to add up along");
    if (reverse) x = x.flip({dim});
    if (exclusive && x.size(dim) > 0) {
      const at::Tensor zero = at::zeros_like(x.slice(dim, 0, 1));
      x = at::cat({zero, x.slice(dim, 0, x.size(dim) - 1)}, dim);
    }
    const at::Tensor y = running_sum(x, dim, io.frame().own_kernels());
    io.out(0, reverse ? y.flip({dim}) : y);
  };
}

}  // namespace

const Operator kReductionOperators[] = {{"ReduceMean", make_reduce<Mean>},
                                        {"ReduceSum", make_reduce<Sum>},
                                        {"ReduceMax", make_reduce<Extremum<true>>},
                                        {"ReduceMin", make_reduce<Extremum<false>>},
                                        {"ReduceProd", make_reduce<Prod>},
                                        {"ReduceL1", make_reduce<L1>},
                                        {"ReduceL2", make_reduce<L2>},
                                        {"ReduceLogSum", make_reduce<LogSum>},
                                        {"ReduceLogSumExp", make_reduce<LogSumExp>},
                                        {"ReduceSumSquare", make_reduce<SumSquare>},
                                        {"CumSum", make_cumulative_sum},
                                        {nullptr, nullptr}};

}  // namespace esper::host
