// Class scores against labels: checks, loss settings and counts.
#pragma once

#include "torch.h"

namespace esper::host {

// What a SoftmaxCrossEntropyLoss node does beyond plain cross entropy.
struct LossOptions {
  int64_t ignore_index = -100;
  double label_smoothing = 0.0;
};

// Throws unless logits [N, K, d...] fit labels [N, d...] and every label is ignored or in [0, K).
void check_labels(const at::Tensor& logits, const at::Tensor& labels, const LossOptions& options);

// How the logits' maxima meet the labels.
struct Counts {
  int64_t examples = 0;  // Labels that count.
  int64_t correct = 0;
  double margin = 0.0;  // Mean top-1 minus top-2 logit over them.
};

// Counts over checked logits and labels; correct_out receives 1 or 0 a label (in the labels' order) unless NULL.
Counts count_correct(const at::Tensor& logits, const at::Tensor& labels, const LossOptions& options,
                     uint8_t* correct_out);

}  // namespace esper::host
