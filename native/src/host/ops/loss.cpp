// SoftmaxCrossEntropyLoss, NegativeLogLikelihoodLoss and the counting of correct predictions.
#include "loss.h"

#include <limits>

#include "error.h"
#include "op.h"

namespace esper::host {
namespace {

// Checks the inputs of a loss of scores, labels and, if wanted, weights of the classes.
void expect_scores_and_labels(NodeReader& reader) {
  reader.expect_float(0);
  if (reader.input(1).dtype != ESPER_HOST_INT64) {
    invalid(reader.place(), ": labels '", reader.input(1).name, "' are ", dtype_name(reader.input(1).dtype),
            ", expected int64");
  }
  if (!reader.has_input(2)) return;
  reader.expect_type(2, {reader.input(0).dtype});
  if (reader.input(2).role == ESPER_HOST_PARAMETER) {
    invalid(reader.place(), ": class weights '", reader.input(2).name, "' are a parameter; they have no gradient");
  }
}

// The attribute 'reduction' as at::Reduction.
int64_t read_reduction(NodeReader& reader) {
  const std::string reduction = reader.string("reduction", "mean");
  if (reduction == "mean") return at::Reduction::Mean;
  if (reduction == "sum") return at::Reduction::Sum;
  if (reduction == "none") return at::Reduction::None;
  invalid(reader.place(), ": attribute 'reduction' is '", reduction, "', expected mean, sum or none");
}

Run make_cross_entropy(NodeReader& reader, const Fusion&) {
  reader.expect(2, 3, 2);
  expect_scores_and_labels(reader);
  LossOptions options;
  options.ignore_index = reader.integer("ignore_index", -100);
  options.label_smoothing = reader.real("label_smoothing", 0.0);
  const int64_t reduction = read_reduction(reader);
  if (!(options.label_smoothing >= 0.0 && options.label_smoothing <= 1.0)) {
    invalid(reader.place(), ": attribute 'label_smoothing' is ", options.label_smoothing, ", expected [0, 1]");
  }
  return [options, reduction](Io& io) {
    const at::Tensor& logits = io.in(0);
    check_labels(logits, io.host(1), options);
    const at::Tensor weight = io.has(2) ? io.in(2) : at::Tensor();
    io.out(0, cross_entropy(logits, io.in(1), weight, reduction, options, io.frame().own_kernels()));
    if (io.node().outputs.size() > 1 && io.node().outputs[1] >= 0) io.out(1, at::log_softmax(logits, 1));
  };
}

Run make_negative_log_likelihood(NodeReader& reader, const Fusion&) {
  reader.expect(2, 3);
  expect_scores_and_labels(reader);
  LossOptions options;
  options.ignore_index = reader.integer("ignore_index", -100);
  const int64_t reduction = read_reduction(reader);
  return [options, reduction](Io& io) {
    const at::Tensor& scores = io.in(0);
    check_labels(scores, io.host(1), options);
    // Over rows everywhere: over positions, libtorch's CUDA kernel adds up in any order.
    const at::Tensor rows = scores.movedim(1, -1).reshape({-1, scores.size(1)});
    const at::Tensor weight = io.has(2) ? io.in(2) : at::Tensor();
    const at::Tensor loss = at::nll_loss(rows, io.in(1).reshape({-1}), weight, reduction, options.ignore_index);
    io.out(0, reduction == at::Reduction::None ? loss.reshape(io.in(1).sizes()) : loss);
  };
}

struct TopTwo {
  int64_t index = -1;  // Of the first maximum; -1 if any score is NaN.
  double margin = 0.0;
};

TopTwo top_two(const float* scores, int64_t classes) {
  TopTwo top;
  float best = -std::numeric_limits<float>::infinity();
  float second = best;
  for (int64_t k = 0; k < classes; ++k) {
    const float score = scores[k];
    if (score != score) return {-1, std::numeric_limits<double>::quiet_NaN()};
    if (score > best || top.index < 0) {
      second = best;
      best = score;
      top.index = k;
    } else if (score > second) {
      second = score;
    }
  }
  top.margin = classes > 1 ? static_cast<double>(best) - static_cast<double>(second) : 0.0;
  return top;
}

}  // namespace

at::Tensor cross_entropy(const at::Tensor& logits, const at::Tensor& labels, const at::Tensor& weight,
                         int64_t reduction, const LossOptions& options, bool own_kernels) {
  if (own_kernels || logits.dim() == 2) {
    return at::cross_entropy_loss(logits, labels, weight, reduction, options.ignore_index, options.label_smoothing);
  }
  // Over positions, libtorch's CUDA kernel adds up in any order; over rows it does not.
  const at::Tensor rows = logits.movedim(1, -1).reshape({-1, logits.size(1)});
  const at::Tensor loss = at::cross_entropy_loss(rows, labels.reshape({-1}), weight, reduction, options.ignore_index,
                                                 options.label_smoothing);
  return reduction == at::Reduction::None ? loss.reshape(labels.sizes()) : loss;
}

void check_labels(const at::Tensor& logits, const at::Tensor& labels, const LossOptions& options) {
  std::vector<int64_t> expected = logits.sizes().vec();
  if (logits.dim() < 2) invalid("logits have shape ", shape_text(logits.sizes()), ", expected [N, K, ...]");
  const int64_t classes = expected[1];
  expected.erase(expected.begin() + 1);
  if (labels.sizes() != at::IntArrayRef(expected)) {
    invalid("labels have shape ", shape_text(labels.sizes()), ", expected ", shape_text(expected), " for logits ",
            shape_text(logits.sizes()));
  }
  const at::Tensor dense = labels.contiguous();
  const int64_t* label = dense.data_ptr<int64_t>();
  for (int64_t i = 0; i < dense.numel(); ++i) {
    if (label[i] != options.ignore_index && (label[i] < 0 || label[i] >= classes)) {
      invalid("label ", label[i], " at position ", i, " is outside [0, ", classes, ") and is not ignore_index (",
              options.ignore_index, ")");
    }
  }
}

Counts count_correct(const at::Tensor& logits, const at::Tensor& labels, const LossOptions& options,
                     uint8_t* correct_out) {
  const int64_t classes = logits.size(1);
  const at::Tensor rows = logits.detach().movedim(1, -1).to(at::kFloat).contiguous();
  const at::Tensor dense = labels.contiguous();
  const float* score = rows.data_ptr<float>();
  const int64_t* label = dense.data_ptr<int64_t>();
  Counts counts;
  for (int64_t i = 0; i < dense.numel(); ++i) {
    const bool counted = label[i] != options.ignore_index;
    const TopTwo top = counted ? top_two(score + i * classes, classes) : TopTwo{};
    const bool hit = counted && top.index == label[i];
    if (correct_out != nullptr) correct_out[i] = hit ? 1 : 0;
    counts.examples += counted ? 1 : 0;
    counts.correct += hit ? 1 : 0;
    counts.margins += top.margin;
  }
  return counts;
}

int64_t count_examples(const at::Tensor& labels, const LossOptions& options) {
  return labels.ne(options.ignore_index).sum().item<int64_t>();
}

DeviceCounts count_on_device(const at::Tensor& logits, const at::Tensor& labels, const LossOptions& options) {
  const int64_t classes = logits.size(1);
  const at::Tensor rows = logits.detach().movedim(1, -1).to(at::kFloat).reshape({-1, classes});
  const at::Tensor flat = labels.reshape({-1});
  const at::Tensor counted = flat.ne(options.ignore_index);
  const at::Tensor undefined = rows.isnan().any(1);
  DeviceCounts counts;
  // argmax takes the first of equal maxima, as top_two does.
  counts.correct = rows.argmax(1).eq(flat).logical_and_(counted).logical_and_(undefined.logical_not());
  at::Tensor margins = at::zeros({rows.size(0)}, rows.options().dtype(at::kDouble));
  if (classes > 1) {
    const at::Tensor top = std::get<0>(rows.topk(2, 1)).to(at::kDouble);
    margins = top.select(1, 0).sub(top.select(1, 1));
  }
  margins = margins.masked_fill(undefined, std::numeric_limits<double>::quiet_NaN());
  margins = margins.masked_fill(counted.logical_not(), 0.0);
  counts.totals = at::stack({counts.correct.sum().to(at::kDouble), margins.sum()});
  counts.correct = counts.correct.reshape(labels.sizes());
  return counts;
}

const Operator kLossOperators[] = {{"SoftmaxCrossEntropyLoss", make_cross_entropy},
                                   {"NegativeLogLikelihoodLoss", make_negative_log_likelihood},
                                   {nullptr, nullptr}};

}  // namespace esper::host
