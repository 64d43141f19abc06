// BatchNormalization and LayerNormalization.
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

Run make_layer_normalization(NodeReader& reader, const Fusion&) {
  reader.expect(2, 3);
  reader.expect_float(0);
  const int64_t axis = reader.integer("axis", -1);
  const double epsilon = reader.real("epsilon", 1e-5);
  if (reader.integer("stash_type", 1) != 1)
    invalid(reader.place(), ": attribute 'stash_type' other than 1 is not supported");
  return [axis, epsilon](Io& io) {
    const at::Tensor& x = io.in(0);
    const int64_t first = normalize_axis(axis, x.dim());
    io.out(0, at::layer_norm(x, x.sizes().slice(static_cast<size_t>(first)), io.in(1),
                             io.has(2) ? io.in(2) : at::Tensor(), epsilon, false));
  };
}

}  // namespace

const Operator kNormalizationOperators[] = {{"BatchNormalization", make_batch_normalization},
                                            {"LayerNormalization", make_layer_normalization},
                                            {nullptr, nullptr}};

}  // namespace esper::host
