// Steps, evaluations and probes of a session.
#include <chrono>
#include <cmath>
#include <cstring>

#include "error.h"
#include "session_measure.h"

namespace esper::host {
namespace {

int64_t now_ns() {
  return std::chrono::duration_cast<std::chrono::nanoseconds>(std::chrono::steady_clock::now().time_since_epoch())
      .count();
}

// Calls undo at the end of the scope unless it was dismissed.
template <class Undo>
class Rollback {
 public:
  explicit Rollback(Undo undo) : undo_(std::move(undo)) {}
  Rollback(const Rollback&) = delete;
  Rollback& operator=(const Rollback&) = delete;
  ~Rollback() {
    if (!armed_) return;
    try {
      undo_();
    } catch (...) {
      // A device that failed cannot be written to either; the failure itself is on its way to the caller.
    }
  }
  void dismiss() { armed_ = false; }

 private:
  Undo undo_;
  bool armed_ = true;
};

esper_host_step_result empty_result() {
  esper_host_step_result result{};
  result.struct_size = sizeof(result);
  result.grad_norm = -1.0;
  result.correct = -1;
  return result;
}

}  // namespace

void Session::run(Frame& frame) {
  std::vector<bool> acting(sites_.size());
  // The probe reads every site's value, and its gradient.
  for (size_t i = 0; i < sites_.size(); ++i) acting[i] = frame.site_values != nullptr || acts(sites_[i], frame);
  execute(plans_.find(acting), frame);
}

void Session::forward_backward(const esper_host_tensor* inputs, int32_t count, bool telemetry, Measures& measures,
                               esper_host_step_result& result) {
  Frame frame = make_frame(inputs, count);
  frame.training = true;
  frame.telemetry = telemetry;
  for (Site& site : sites_) {
    site.sums.clear();
    site.device_sums.reset();
  }
  clear_gradients();
  const at::AutoGradMode gradient(true);
  const int64_t start = now_ns();
  run(frame);
  const at::Tensor loss = loss_of(frame);
  measure_predictions(frame, loss, measures);
  const int64_t middle = now_ns();
  result.forward_ns = middle - start;
  if (!loss.requires_grad()) invalid("the loss depends on no parameter");
  frame.slots.clear();
  torch::autograd::backward({loss}, {});
  result.backward_ns = now_ns() - middle;
}

void Session::clear_gradients() {
  for (size_t i = 0; i < graph_.parameters.size(); ++i) parameter(i).mutable_grad().reset();
  for (const Site& site : sites_) site.arena().mutable_grad().reset();
  gradients_kept_ = false;
}

void Session::optimizer_step(const esper_host_step_options& options, double norm) {
  const auto rate = static_cast<double>(options.learning_rate);
  // As torch.nn.utils.clip_grad_norm_, its small constant included.
  const auto limit = static_cast<double>(options.max_grad_norm);
  const double scale = limit > 0.0 ? std::min(1.0, limit / (norm + 1e-6)) : 1.0;
  // All memory and checks first: a step that fails must not have moved half of the parameters.
  for (size_t i = 0; i < graph_.parameters.size(); ++i) {
    if (parameter(i).grad().defined()) optimizer_.prepare_parameter(i, parameter(i), rate, moments_[i]);
  }
  for (Site& site : sites_) {
    if (site.arena().grad().defined()) optimizer_.prepare_arena(site, rate);
  }
  bool moved = false;
  try {
    for (size_t i = 0; i < graph_.parameters.size(); ++i) {
      const at::Tensor& value = parameter(i);
      if (!value.grad().defined()) continue;
      optimizer_.step_parameter(context_.get(), i, value, value.grad(), rate, scale, moments_[i]);
      moved = true;
    }
    for (Site& site : sites_) {
      if (!site.arena().grad().defined()) continue;
      optimizer_.step_arena(site, site.arena().grad(), rate, scale);
      moved = true;
    }
  } catch (const Error& error) {
    if (!moved) throw;
    // A device that fails between two launches; nothing on it could be put back.
    throw Error(error.status(), text(error.what(), "; parameters before it have moved: write the last snapshot back"));
  }
}

void Session::train_step(const esper_host_tensor* inputs, int32_t count, const esper_host_step_options& options,
                         esper_host_step_result& result) {
  if (!optimizer_.configured()) {
    invalid("no optimizer is configured; call esper_host_optimizer_configure before esper_host_train_step");
  }
  if (!std::isfinite(options.learning_rate) || options.learning_rate < 0.0F) {
    invalid("step options: learning_rate is ", options.learning_rate, ", expected a finite value >= 0");
  }
  if (!(options.max_grad_norm >= 0.0F)) {
    invalid("step options: max_grad_norm is ", options.max_grad_norm, ", expected 0 (off) or more");
  }
  own_buffers();
  const std::vector<at::Tensor> backup = backup_buffers();
  const int64_t counter = dropout_.counter;
  Rollback rollback([&] {
    restore_buffers(backup);
    dropout_.counter = counter;
    clear_gradients();
  });
  esper_host_step_result measured = empty_result();
  Measures measures(device_);
  forward_backward(inputs, count, options.telemetry != 0, measures, measured);
  const int64_t start = now_ns();
  measure_gradients(measures);
  if (options.telemetry != 0) measure_seeds(measures);
  measures.numbers.read();
  finish_predictions(measures, measured);
  finish_gradients(measures, measured);
  if (options.telemetry != 0) finish_seeds(measures);
  measured.margin = 0.0;
  if (measured.finite != 0) {
    optimizer_step(options, measured.grad_norm);
    rollback.dismiss();
    clear_gradients();
  }
  measured.optimizer_ns = now_ns() - start;
  result = measured;
}

void Session::gradients(const esper_host_tensor* inputs, int32_t count, esper_host_step_result& result) {
  own_buffers();
  const std::vector<at::Tensor> backup = backup_buffers();
  const int64_t counter = dropout_.counter;
  Rollback rollback([&] {
    restore_buffers(backup);
    dropout_.counter = counter;
    clear_gradients();
  });
  esper_host_step_result measured = empty_result();
  Measures measures(device_);
  forward_backward(inputs, count, false, measures, measured);
  measure_gradients(measures);
  measures.numbers.read();
  finish_predictions(measures, measured);
  finish_gradients(measures, measured);
  measured.margin = 0.0;
  rollback.dismiss();
  gradients_kept_ = true;
  result = measured;
}

void Session::forward(const esper_host_tensor* inputs, int32_t count, bool training) {
  if (training) own_buffers();
  const c10::InferenceMode inference;
  Frame frame = make_frame(inputs, count);
  frame.training = training;
  const std::vector<at::Tensor> backup = training ? backup_buffers() : std::vector<at::Tensor>();
  const int64_t counter = dropout_.counter;
  Rollback rollback([&] {
    restore_buffers(backup);
    dropout_.counter = counter;
  });
  run(frame);
  keep_outputs(frame);
  rollback.dismiss();
}

void Session::evaluate(const esper_host_tensor* inputs, int32_t count, esper_host_step_result& result,
                       float* example_loss, uint8_t* example_correct, int64_t capacity) {
  const c10::InferenceMode inference;
  Frame frame = make_frame(inputs, count);
  esper_host_step_result measured = empty_result();
  Measures measures(device_);
  const int64_t start = now_ns();
  run(frame);
  measure_predictions(frame, loss_of(frame), measures);
  const bool examples = example_loss != nullptr || example_correct != nullptr;
  size_t losses = 0;
  size_t hits = 0;
  int64_t labels = 0;
  if (examples) {
    labels = check_examples(frame, capacity);
    if (example_loss != nullptr) losses = measures.numbers.add(example_losses(frame));
    if (example_correct != nullptr) hits = add_hits(frame, measures);
  }
  measures.numbers.read();
  finish_predictions(measures, measured);
  measured.forward_ns = now_ns() - start;
  measured.finite = std::isfinite(measured.loss) ? 1 : 0;
  for (int64_t i = 0; i < labels; ++i) {
    const auto at = static_cast<size_t>(i);
    if (example_loss != nullptr) example_loss[i] = static_cast<float>(measures.numbers[losses + at]);
    if (example_correct != nullptr) example_correct[i] = measures.numbers[hits + at] != 0.0 ? 1 : 0;
  }
  result = measured;
}

int64_t Session::check_examples(const Frame& frame, int64_t capacity) const {
  if (graph_.logits < 0 || graph_.labels < 0) {
    invalid("example_loss and example_correct need a graph that names logits and labels");
  }
  const int64_t labels = host_labels(frame).numel();
  if (capacity < labels) invalid("capacity is ", capacity, ", the batch has ", labels, " labels");
  return labels;
}

at::Tensor Session::example_losses(const Frame& frame) const {
  const at::Tensor& logits = frame.slots[static_cast<size_t>(graph_.logits)];
  const at::Tensor& labels = frame.slots[static_cast<size_t>(graph_.labels)];
  return cross_entropy(logits, labels, {}, at::Reduction::None, loss_options_, frame.own_kernels()).to(at::kFloat);
}

size_t Session::add_hits(const Frame& frame, Measures& measures) const {
  const at::Tensor& logits = frame.slots[static_cast<size_t>(graph_.logits)];
  const at::Tensor& labels = frame.slots[static_cast<size_t>(graph_.labels)];
  if (!frame.own_kernels()) return measures.numbers.add(count_on_device(logits, labels, loss_options_).correct);
  const at::Tensor hits = at::empty(labels.sizes(), at::TensorOptions().dtype(at::kByte));
  count_correct(logits, labels, loss_options_, hits.data_ptr<uint8_t>());
  return measures.numbers.add(hits);
}

void Session::probe_batch(const esper_host_tensor* inputs, int32_t count, int32_t half) {
  if (half != 0 && half != 1) invalid("probe: half is ", half, ", expected 0 or 1");
  if (!probe_.started()) invalid("probe: call esper_host_probe_begin first");
  Frame frame = make_frame(inputs, count);
  for (int32_t number : graph_.parameters) {
    at::Tensor& slot = frame.slots[static_cast<size_t>(number)];
    slot = slot.detach();  // Gradients flow to the sites' values only.
  }
  std::vector<at::Tensor> values(sites_.size());
  frame.site_values = &values;
  const at::AutoGradMode gradient(true);
  run(frame);
  const at::Tensor loss = loss_of(frame);
  int64_t examples = 0;
  if (graph_.labels >= 0) {
    examples = count_examples(host_labels(frame), loss_options_);
  } else {
    if (graph_.inputs.empty() || frame.slots[static_cast<size_t>(graph_.inputs[0])].dim() == 0) {
      invalid("probe: the graph names no labels and has no first input with a batch dimension to count examples by");
    }
    examples = frame.slots[static_cast<size_t>(graph_.inputs[0])].size(0);
  }
  if (sites_.empty() || examples == 0) return;
  if (!loss.requires_grad()) invalid("probe: the loss depends on no site");
  const torch::autograd::variable_list gradients = torch::autograd::grad({loss}, values, {}, {}, false, true);
  probe_.add(sites_, values, gradients, examples, half);
}

}  // namespace esper::host
