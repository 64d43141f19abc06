// Steps, evaluations and probes of a session.
#include <chrono>
#include <cmath>
#include <cstring>

#include "error.h"
#include "session.h"

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
    if (armed_) undo_();
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

double rms(double squares, int64_t count) { return count > 0 ? std::sqrt(squares / static_cast<double>(count)) : 0.0; }

// Root mean square of the chunk's slice along axis.
double slice_rms(const at::Tensor& tensor, int64_t axis, const esper_lattice_seed& desc) {
  const at::Tensor slice = tensor.detach().narrow(axis, desc.channel_begin, desc.channel_count).to(at::kDouble);
  return rms(slice.square().sum().item<double>(), slice.numel());
}

// Mean, variance and dead units of the module from the sums of a backward pass.
void fill_module_moments(const esper_seed_sums& sums, esper_host_seed_telemetry& row) {
  const auto elements = static_cast<double>(sums.elements);
  if (sums.elements > 0) {
    row.module_mean = sums.module_sum / elements;
    // Rounding may take the difference of two equal numbers below zero; NaN passes.
    const double variance = sums.module_square / elements - row.module_mean * row.module_mean;
    row.module_variance = variance < 0.0 ? 0.0 : variance;
  }
  row.dead_fraction = sums.hidden_units > 0
                          ? static_cast<double>(sums.hidden_dead) / static_cast<double>(sums.hidden_units)
                          : -1.0;
}

double span_rms(const at::Tensor& arena, const SeedSlot& seed) {
  if (!arena.defined()) return 0.0;
  const at::Tensor span = arena.detach().narrow(0, seed.desc.parameter_offset, seed.module_count);
  return rms(gradient_square_sum(span), seed.module_count);
}

}  // namespace

void Session::run(Frame& frame) {
  std::vector<bool> acting(sites_.size());
  // The probe reads every site's value, and its gradient.
  for (size_t i = 0; i < sites_.size(); ++i) acting[i] = frame.site_values != nullptr || acts(sites_[i], frame);
  execute(plans_.find(acting), frame);
}

void Session::forward_backward(const esper_host_tensor* inputs, int32_t count, bool telemetry,
                               esper_host_step_result& result) {
  Frame frame = make_frame(inputs, count);
  frame.training = true;
  frame.telemetry = telemetry;
  for (Site& site : sites_) site.sums.clear();
  clear_gradients();
  const at::AutoGradMode gradient(true);
  const int64_t start = now_ns();
  run(frame);
  const at::Tensor loss = loss_of(frame);
  count_predictions(frame, result);
  result.margin = 0.0;
  result.loss = loss.item().toDouble();
  const int64_t middle = now_ns();
  result.forward_ns = middle - start;
  if (!loss.requires_grad()) invalid("the loss depends on no parameter");
  frame.slots.clear();
  torch::autograd::backward({loss}, {});
  result.backward_ns = now_ns() - middle;
}

double Session::gradient_norm() {
  double sum = 0.0;
  // Optimizer and norm walk raw memory: a gradient has to lie as its parameter does.
  const auto add = [&sum](const at::Tensor& leaf) {
    if (!leaf.grad().defined()) return;
    if (!leaf.grad().is_contiguous()) leaf.mutable_grad() = leaf.grad().contiguous();
    sum += gradient_square_sum(leaf.grad());
  };
  for (size_t i = 0; i < graph_.parameters.size(); ++i) add(parameter(i));
  for (const Site& site : sites_) add(site.arena());
  return std::sqrt(sum);
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
  for (size_t i = 0; i < graph_.parameters.size(); ++i) {
    const at::Tensor& value = parameter(i);
    if (!value.grad().defined()) continue;
    optimizer_.step_parameter(context_.get(), i, value, value.grad(), rate, scale, moments_[i]);
  }
  for (Site& site : sites_) {
    if (site.arena().grad().defined()) optimizer_.step_arena(site, site.arena().grad(), rate, scale);
  }
}

void Session::gather_telemetry() {
  for (Site& site : sites_) {
    std::vector<esper_host_seed_telemetry> rows(site.seeds().size());
    const at::Tensor producer = site.spec().producer >= 0 ? fixed_[static_cast<size_t>(site.spec().producer)] : at::Tensor();
    size_t attached = 0;
    for (size_t i = 0; i < rows.size(); ++i) {
      esper_host_seed_telemetry& row = rows[i];
      row.struct_size = sizeof(row);
      const SeedSlot& seed = site.seeds()[i];
      if (!seed.attached) continue;
      const size_t index = attached++;
      if (index >= site.sums.size() || site.sums[index].evaluated == 0) continue;
      const esper_seed_sums& sums = site.sums[index];
      row.evaluated = 1;
      row.input_rms = rms(sums.input_square, sums.elements);
      row.module_rms = rms(sums.module_square, sums.elements);
      row.upstream_rms = rms(sums.gradient_square, sums.elements);
      const double lengths = std::sqrt(sums.gradient_square) * std::sqrt(sums.module_square);
      row.alignment = lengths > 0.0 ? sums.gradient_module / lengths : 0.0;
      row.parameter_gradient_rms = span_rms(site.arena().grad(), seed);
      row.parameter_rms = span_rms(site.arena(), seed);
      fill_module_moments(sums, row);
      row.host_gradient_rms = -1.0;
      row.host_parameter_rms = -1.0;
      if (!producer.defined()) continue;
      row.host_parameter_rms = slice_rms(producer, site.spec().producer_axis, seed.desc);
      const at::Tensor& gradient = producer.grad();
      row.host_gradient_rms = gradient.defined() ? slice_rms(gradient, site.spec().producer_axis, seed.desc) : 0.0;
    }
    site.telemetry.swap(rows);
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
  const std::vector<at::Tensor> backup = backup_buffers();
  const int64_t counter = dropout_.counter;
  Rollback rollback([&] {
    restore_buffers(backup);
    dropout_.counter = counter;
    clear_gradients();
  });
  esper_host_step_result measured = empty_result();
  forward_backward(inputs, count, options.telemetry != 0, measured);
  const int64_t start = now_ns();
  measured.grad_norm = gradient_norm();
  measured.finite = std::isfinite(measured.loss) && std::isfinite(measured.grad_norm) ? 1 : 0;
  if (options.telemetry != 0) gather_telemetry();
  if (measured.finite != 0) {
    optimizer_step(options, measured.grad_norm);
    rollback.dismiss();
    clear_gradients();
  }
  measured.optimizer_ns = now_ns() - start;
  result = measured;
}

void Session::gradients(const esper_host_tensor* inputs, int32_t count, esper_host_step_result& result) {
  const std::vector<at::Tensor> backup = backup_buffers();
  const int64_t counter = dropout_.counter;
  Rollback rollback([&] {
    restore_buffers(backup);
    dropout_.counter = counter;
    clear_gradients();
  });
  esper_host_step_result measured = empty_result();
  forward_backward(inputs, count, false, measured);
  measured.grad_norm = gradient_norm();
  measured.finite = std::isfinite(measured.loss) && std::isfinite(measured.grad_norm) ? 1 : 0;
  rollback.dismiss();
  gradients_kept_ = true;
  result = measured;
}

void Session::forward(const esper_host_tensor* inputs, int32_t count, bool training) {
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
  const int64_t start = now_ns();
  run(frame);
  measured.loss = loss_of(frame).item().toDouble();
  count_predictions(frame, measured);
  measured.forward_ns = now_ns() - start;
  measured.finite = std::isfinite(measured.loss) ? 1 : 0;
  if (example_loss != nullptr || example_correct != nullptr) {
    if (graph_.logits < 0 || graph_.labels < 0) {
      invalid("example_loss and example_correct need a graph that names logits and labels");
    }
    const at::Tensor& logits = frame.slots[static_cast<size_t>(graph_.logits)];
    const at::Tensor& labels = frame.slots[static_cast<size_t>(graph_.labels)];
    if (capacity < labels.numel()) {
      invalid("capacity is ", capacity, ", the batch has ", labels.numel(), " labels");
    }
    const at::Tensor losses =
        at::cross_entropy_loss(logits, labels, {}, at::Reduction::None, loss_options_.ignore_index,
                               loss_options_.label_smoothing)
            .to(at::kFloat)
            .contiguous();
    if (example_correct != nullptr) count_correct(logits, labels, loss_options_, example_correct);
    if (example_loss != nullptr && losses.numel() > 0) std::memcpy(example_loss, losses.data_ptr(), losses.nbytes());
  }
  result = measured;
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
  esper_host_step_result counts = empty_result();
  count_predictions(frame, counts);
  if (graph_.labels < 0) counts.examples = frame.slots[static_cast<size_t>(graph_.inputs.at(0))].size(0);
  if (sites_.empty() || counts.examples == 0) return;
  if (!loss.requires_grad()) invalid("probe: the loss depends on no site");
  const torch::autograd::variable_list gradients =
      torch::autograd::grad({loss}, values, {}, c10::nullopt, false, true);
  probe_.add(sites_, values, gradients, counts.examples, half);
}

}  // namespace esper::host
