// Class scores against labels: checks, loss settings and counts.
#pragma once

#include "torch.h"

namespace esper::host {

// What a SoftmaxCrossEntropyLoss node does beyond plain cross entropy.
struct LossOptions {
  int64_t ignore_index = -100;
  double label_smoothing = 0.0;
};

// Cross entropy of logits [N, K, d...] and labels [N, d...]; weight: of the classes, or undefined. reduction:
// at::Reduction. own_kernels: as Frame says.
at::Tensor cross_entropy(const at::Tensor& logits, const at::Tensor& labels, const at::Tensor& weight,
                         int64_t reduction, const LossOptions& options, bool own_kernels);

// Throws unless logits [N, K, d...] fit labels [N, d...] and every label is ignored or in [0, K).
void check_labels(const at::Tensor& logits, const at::Tensor& labels, const LossOptions& options);

// How the logits' maxima meet the labels.
struct Counts {
  int64_t examples = 0;  // Labels that count.
  int64_t correct = 0;
  double margins = 0.0;  // Sum of top-1 minus top-2 logit over them.
};

// How many labels count; labels in host memory.
int64_t count_examples(const at::Tensor& labels, const LossOptions& options);

// count_correct by libtorch's operators, for logits and labels on a device.
struct DeviceCounts {
  at::Tensor correct;  // bool, a label.
  at::Tensor totals;   // [2] double: number of correct ones, sum of the margins.
};
DeviceCounts count_on_device(const at::Tensor& logits, const at::Tensor& labels, const LossOptions& options);

// Counts over checked logits and labels; correct_out receives 1 or 0 a label (in the labels' order) unless NULL.
Counts count_correct(const at::Tensor& logits, const at::Tensor& labels, const LossOptions& options,
                     uint8_t* correct_out);

}  // namespace esper::host
