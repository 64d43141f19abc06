// Operators that normalise by statistics or norms of their input.
#include <algorithm>
#include <cmath>
#include <optional>

#include "batch_norm.h"
#include "error.h"
#include "op.h"

namespace esper::host {
namespace {

Run make_batch_normalization(NodeReader& reader, const Fusion& fusion) {
  reader.expect(5, 5);
  reader.expect_float(0);
  BatchNormOptions options;
  options.epsilon = reader.real("epsilon", 1e-5);
  options.momentum = reader.real("momentum", 0.9);
  options.relu = fusion.relu;
  reader.integer("training_mode", 0);  // The session's mode decides.
  const bool tracked = reader.input(3).role == ESPER_HOST_BUFFER && reader.input(4).role == ESPER_HOST_BUFFER;
  for (size_t i = 1; i < 5; ++i) {
    const Value& value = reader.input(i);
    if (value.dtype != ESPER_HOST_FLOAT32 || !value.dims || value.dims->size() != 1 || value.dims->front() == 0) {
      invalid(reader.place(), ": input ", i, " '", value.name, "' must be a float32 vector with one entry a channel");
    }
    if (*value.dims != *reader.input(1).dims) {
      invalid(reader.place(), ": input '", value.name, "' has shape ", shape_text(*value.dims), ", expected ",
              shape_text(*reader.input(1).dims));
    }
  }
  return [options, tracked](Io& io) {
    const at::Tensor& x = io.in(0);
    if (x.dim() < 2 || x.size(1) != io.in(1).numel()) {
      invalid("the input has shape ", shape_text(x.sizes()), ", expected [N, ", io.in(1).numel(), ", ...]");
    }
    BatchNormOptions run = options;
    run.batch_statistics = tracked && io.frame().training;
    if (run.batch_statistics && x.numel() < 2 * x.size(1)) {
      invalid("training mode needs more than one value a channel; the input has shape ", shape_text(x.sizes()));
    }
    if (io.frame().own_kernels() && batch_norm_applies(x)) {
      io.out(0, batch_norm(x, io.in(1), io.in(2), io.in(3), io.in(4), run));
      return;
    }
    at::Tensor y = at::batch_norm(x, io.in(1), io.in(2), io.in(3), io.in(4), run.batch_statistics, 1.0 - run.momentum,
                                  run.epsilon, false);
    io.out(0, run.relu ? at::relu_(y) : y);
  };
}

// Statistics are taken in the input's own type, float32 at least.
void read_stash_type(NodeReader& reader) {
  if (reader.integer("stash_type", 1) != 1) {
    invalid(reader.place(), ": attribute 'stash_type' other than 1 is not supported");
  }
}

Run make_layer_normalization(NodeReader& reader, const Fusion&) {
  reader.expect(2, 3);
  reader.expect_float(0);
  reader.expect_one_type();
  const int64_t axis = reader.integer("axis", -1);
  const double epsilon = reader.real("epsilon", 1e-5);
  read_stash_type(reader);
  return [axis, epsilon](Io& io) {
    const at::Tensor& x = io.in(0);
    const at::IntArrayRef shape = x.sizes().slice(static_cast<size_t>(normalize_axis(axis, x.dim())));
    const at::Tensor bias = io.has(2) ? io.in(2).expand(shape) : at::Tensor();
    io.out(0, at::layer_norm(x, shape, io.in(1).expand(shape), bias, epsilon, false));
  };
}

// Statistics over each group of channels of each example; no number of groups = one a channel.
Run group_normalization(NodeReader& reader, std::optional<int64_t> groups) {
  reader.expect(3, 3);
  reader.expect_float(0);
  reader.expect_one_type();
  const double epsilon = reader.real("epsilon", 1e-5);
  return [groups, epsilon](Io& io) {
    const at::Tensor& x = io.in(0);
    if (x.dim() < 2) invalid("the input has shape ", shape_text(x.sizes()), ", expected [N, C, ...]");
    const int64_t channels = x.size(1);
    for (size_t i = 1; i < 3; ++i) {
      if (io.in(i).sizes() != at::IntArrayRef{channels}) {
        invalid("input ", i, " has shape ", shape_text(io.in(i).sizes()), ", expected [", channels, "] for the input ",
                shape_text(x.sizes()));
      }
    }
    const int64_t count = groups.value_or(channels);
    if (channels % std::max<int64_t>(count, 1) != 0) {
      invalid(count, " groups do not divide the ", channels, " channels of the input ", shape_text(x.sizes()));
    }
    if (x.numel() == 0) {
      io.out(0, at::mul(x, 1.0));
      return;
    }
    // libtorch 1.13 takes channels-last variances as mean square less squared mean, which a mean far from 0 cancels.
    const at::Tensor y = at::group_norm(x.contiguous(), count, io.in(1), io.in(2), epsilon, false);
    io.out(0, y.contiguous(x.suggest_memory_format()));
  };
}

Run make_instance_normalization(NodeReader& reader, const Fusion&) {
  return group_normalization(reader, std::nullopt);
}

Run make_group_normalization(NodeReader& reader, const Fusion&) {
  const int64_t groups = reader.integer("num_groups", 0);
  if (groups < 1) invalid(reader.place(), ": attribute 'num_groups' is ", groups, ", expected 1 or more");
  read_stash_type(reader);
  return group_normalization(reader, groups);
}

Run make_rms_normalization(NodeReader& reader, const Fusion&) {
  reader.expect(2, 2);
  reader.expect_float(0);
  reader.expect_one_type();
  const int64_t axis = reader.integer("axis", -1);
  const double epsilon = reader.real("epsilon", 1e-5);
  read_stash_type(reader);
  return [axis, epsilon](Io& io) {
    const at::Tensor& x = io.in(0);
    std::vector<int64_t> axes;
    for (int64_t i = normalize_axis(axis, x.dim()); i < x.dim(); ++i) axes.push_back(i);
    const at::Tensor inverse = at::rsqrt(at::add(at::mean(at::mul(x, x), axes, true), epsilon));
    const at::Tensor y = at::mul(at::mul(x, inverse), io.in(1));
    if (y.sizes() != x.sizes()) {
      invalid("the scale has shape ", shape_text(io.in(1).sizes()), ", which does not broadcast to ",
              shape_text(x.sizes()));
    }
    io.out(0, y);
  };
}

Run make_lp_normalization(NodeReader& reader, const Fusion&) {
  reader.expect(1, 1);
  reader.expect_float(0);
  const int64_t axis = reader.integer("axis", -1);
  const int64_t p = reader.integer("p", 2);
  if (p != 1 && p != 2) invalid(reader.place(), ": attribute 'p' is ", p, ", expected 1 or 2");
  return [axis, p](Io& io) {
    const at::Tensor& x = io.in(0);
    const int64_t dim = normalize_axis(axis, x.dim());
    const at::Tensor norm =
        p == 2 ? at::linalg_vector_norm(x, 2.0, at::IntArrayRef{dim}, true) : at::sum(at::abs(x), {dim}, true);
    const at::Tensor zero = norm.eq(0.0);
    io.out(0, at::div(x, norm.masked_fill(zero, 1.0)).masked_fill(zero, 0.0));
  };
}

struct LocalResponse {
  int64_t size;  // Channels in a window: floor((size - 1) / 2) before the centre, the rest behind it.
  double alpha;
  double beta;
  double bias;
};

at::Tensor local_response_normalization(const at::Tensor& x, const LocalResponse& options) {
  if (x.dim() < 2) invalid("the input has shape ", shape_text(x.sizes()), ", expected [N, C, ...]");
  const int64_t before = (options.size - 1) / 2;
  std::vector<int64_t> padding(static_cast<size_t>(2 * (x.dim() - 1)), 0);  // From the last axis to the channels.
  padding[padding.size() - 2] = before;
  padding[padding.size() - 1] = options.size - 1 - before;
  const at::Tensor squares = at::constant_pad_nd(at::mul(x, x), padding, 0.0);
  at::Tensor sum = squares.narrow(1, 0, x.size(1));
  for (int64_t i = 1; i < options.size; ++i) sum = at::add(sum, squares.narrow(1, i, x.size(1)));
  const at::Tensor base = at::add(at::mul(sum, options.alpha / static_cast<double>(options.size)), options.bias);
  return at::mul(x, at::pow(base, -options.beta));
}

Run make_local_response_normalization(NodeReader& reader, const Fusion&) {
  reader.expect(1, 1);
  reader.expect_float(0);
  const LocalResponse options{reader.integer("size", 0), reader.real("alpha", 1e-4), reader.real("beta", 0.75),
                              reader.real("bias", 1.0)};
  if (options.size < 1) invalid(reader.place(), ": attribute 'size' is ", options.size, ", expected 1 or more");
  return [options](Io& io) { io.out(0, local_response_normalization(io.in(0), options)); };
}

Run make_mean_variance_normalization(NodeReader& reader, const Fusion&) {
  reader.expect(1, 1);
  reader.expect_float(0);
  const std::vector<int64_t> given = reader.integers("axes", {0, 2, 3});
  return [given](Io& io) {
    const at::Tensor& x = io.in(0);
    std::vector<int64_t> axes;
    double count = 1.0;
    for (int64_t axis : given) {
      axes.push_back(normalize_axis(axis, x.dim()));
      count *= static_cast<double>(x.size(axes.back()));
    }
    const at::Tensor centred = at::sub(x, at::mean(x, axes, true));
    // As a norm, whose gradient at 0 is 0 and not undefined.
    const at::Tensor deviation = at::div(at::linalg_vector_norm(centred, 2.0, axes, true), std::sqrt(count));
    io.out(0, at::div(centred, at::add(deviation, 1e-9)));
  };
}

}  // namespace

const Operator kNormalizationOperators[] = {{"BatchNormalization", make_batch_normalization},
                                            {"LayerNormalization", make_layer_normalization},
                                            {"InstanceNormalization", make_instance_normalization},
                                            {"GroupNormalization", make_group_normalization},
                                            {"RMSNormalization", make_rms_normalization},
                                            {"LpNormalization", make_lp_normalization},
                                            {"LRN", make_local_response_normalization},
                                            {"MeanVarianceNormalization", make_mean_variance_normalization},
                                            {nullptr, nullptr}};

}  // namespace esper::host
