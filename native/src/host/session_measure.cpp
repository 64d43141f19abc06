// Loss, predictions, gradient norm and telemetry of a step. On a device everything is queued first and read together.
#include "session_measure.h"

#include <cmath>

#include "error.h"

namespace esper::host {
namespace {

double rms(double squares, int64_t count) {
  return count > 0 ? std::sqrt(squares / static_cast<double>(count)) : 0.0;
}

// The chunk's slice along axis.
at::Tensor chunk_of(const at::Tensor& tensor, int64_t axis, const esper_lattice_seed& desc) {
  return tensor.detach().narrow(axis, desc.channel_begin, desc.channel_count);
}

// Sum of squares of the chunk's slice along axis; 0 of an undefined tensor.
size_t add_slice(Readback& numbers, const at::Tensor& tensor, int64_t axis, const esper_lattice_seed& desc) {
  if (!tensor.defined()) return numbers.add(0.0);
  const at::Tensor slice = chunk_of(tensor, axis, desc);
  return slice.is_contiguous() ? numbers.add_square_sum(slice) : numbers.add(slice.to(at::kDouble).square().sum());
}

// Sum of squares of a seed's module parameters in an arena or its gradient.
size_t add_span(Readback& numbers, const at::Tensor& arena, const SeedSlot& seed) {
  if (!arena.defined()) return numbers.add(0.0);
  return numbers.add_square_sum(arena.detach().narrow(0, seed.desc.parameter_offset, seed.module_count));
}

// The device's sums as the CPU reports them. A pass evaluates every seed in Training, and of the others those of which
// a sum is not zero.
esper_seed_sums seed_sums(const Readback& numbers, size_t place, const SeedSlot& seed, int64_t positions) {
  esper_seed_sums sums{};
  sums.struct_size = sizeof(sums);
  sums.evaluated = seed.desc.stage == ESPER_STAGE_TRAINING ? 1 : 0;
  sums.elements = positions * seed.desc.channel_count;
  sums.input_square = numbers[place];
  sums.module_square = numbers[place + 1];
  sums.gradient_square = numbers[place + 2];
  sums.gradient_module = numbers[place + 3];
  sums.input_sum = numbers[place + 4];
  sums.module_sum = numbers[place + 5];
  for (size_t i = 0; i < ESPER_CUDA_SUM_COUNT; ++i) sums.evaluated |= numbers[place + i] != 0.0 ? 1 : 0;
  return sums;
}

// Mean, variance and dead units of the module from the sums of a backward pass. The device does not count units.
void fill_module_moments(const esper_seed_sums& sums, esper_host_seed_telemetry& row) {
  const auto elements = static_cast<double>(sums.elements);
  if (sums.elements > 0) {
    row.module_mean = sums.module_sum / elements;
    // Rounding may take the difference of two equal numbers below zero; NaN passes.
    const double variance = sums.module_square / elements - row.module_mean * row.module_mean;
    row.module_variance = variance < 0.0 ? 0.0 : variance;
  }
  row.dead_fraction =
      sums.hidden_units > 0 ? static_cast<double>(sums.hidden_dead) / static_cast<double>(sums.hidden_units) : -1.0;
}

esper_host_seed_telemetry seed_telemetry(const esper_seed_sums& sums) {
  esper_host_seed_telemetry row{};
  row.struct_size = sizeof(row);
  row.evaluated = 1;
  row.input_rms = rms(sums.input_square, sums.elements);
  row.module_rms = rms(sums.module_square, sums.elements);
  row.upstream_rms = rms(sums.gradient_square, sums.elements);
  const double lengths = std::sqrt(sums.gradient_square) * std::sqrt(sums.module_square);
  row.alignment = lengths > 0.0 ? sums.gradient_module / lengths : 0.0;
  fill_module_moments(sums, row);
  row.host_gradient_rms = -1.0;
  row.host_parameter_rms = -1.0;
  return row;
}

}  // namespace

at::Tensor Session::host_labels(const Frame& frame) const {
  if (graph_.labels < 0) return {};
  const auto slot = static_cast<size_t>(graph_.labels);
  return frame.host.empty() ? frame.slots[slot] : frame.host[slot];
}

void Session::measure_predictions(const Frame& frame, const at::Tensor& loss, Measures& measures) const {
  measures.loss = measures.numbers.add(loss);
  const at::Tensor labels = host_labels(frame);
  if (!labels.defined()) return;
  if (graph_.logits < 0) {
    measures.examples = count_examples(labels, loss_options_);
    return;
  }
  const at::Tensor& logits = frame.slots[static_cast<size_t>(graph_.logits)];
  check_labels(logits, labels, loss_options_);
  measures.predicted = true;
  if (device_.on_cpu()) {
    const Counts counts = count_correct(logits, labels, loss_options_, nullptr);
    measures.examples = counts.examples;
    measures.totals = measures.numbers.add(static_cast<double>(counts.correct));
    measures.numbers.add(counts.margins);
    return;
  }
  measures.examples = count_examples(labels, loss_options_);
  const at::Tensor& labels_there = frame.slots[static_cast<size_t>(graph_.labels)];
  measures.totals = measures.numbers.add(count_on_device(logits, labels_there, loss_options_).totals);
}

void Session::finish_predictions(const Measures& measures, esper_host_step_result& result) const {
  result.loss = measures.numbers[measures.loss];
  result.examples = measures.examples;
  result.correct = -1;
  if (!measures.predicted) return;
  result.correct = static_cast<int64_t>(measures.numbers[measures.totals]);
  const double margins = measures.numbers[measures.totals + 1];
  result.margin = measures.examples > 0 ? margins / static_cast<double>(measures.examples) : 0.0;
}

void Session::measure_gradients(Measures& measures) const {
  // Optimizer and norm walk raw memory: a gradient has to lie as its parameter does.
  const auto add = [&measures](const at::Tensor& leaf) {
    if (!leaf.grad().defined()) return;
    if (!leaf.grad().is_contiguous()) leaf.mutable_grad() = leaf.grad().contiguous();
    const size_t place = measures.numbers.add_square_sum(leaf.grad());
    if (measures.gradient_count++ == 0) measures.gradients = place;
  };
  for (size_t i = 0; i < graph_.parameters.size(); ++i) add(parameter(i));
  for (const Site& site : sites_) add(site.arena());
}

void Session::finish_gradients(const Measures& measures, esper_host_step_result& result) const {
  double sum = 0.0;
  for (size_t i = 0; i < measures.gradient_count; ++i) sum += measures.numbers[measures.gradients + i];
  result.grad_norm = std::sqrt(sum);
  result.finite = std::isfinite(result.loss) && std::isfinite(result.grad_norm) ? 1 : 0;
}

void Session::measure_seeds(Measures& measures) const {
  Readback& numbers = measures.numbers;
  measures.device_sums.assign(sites_.size(), 0);
  for (size_t s = 0; s < sites_.size(); ++s) {
    const Site& site = sites_[s];
    if (site.device_sums.defined()) measures.device_sums[s] = numbers.add(site.device_sums);
    if (!site.device_sums.defined() && site.sums.empty()) continue;
    const int64_t axis = site.spec().producer_axis;
    const at::Tensor producer =
        site.spec().producer >= 0 ? fixed_[static_cast<size_t>(site.spec().producer)] : at::Tensor();
    const at::Tensor gradient = producer.defined() ? producer.grad() : at::Tensor();
    for (size_t i = 0; i < site.seeds().size(); ++i) {
      const SeedSlot& seed = site.seeds()[i];
      if (!seed.attached) continue;
      Measures::Seed row{s, i, 0, 0, 0, 0};
      row.parameter_gradient = add_span(numbers, site.arena().grad(), seed);
      row.parameter = add_span(numbers, site.arena(), seed);
      row.host_gradient = add_slice(numbers, gradient, axis, seed.desc);
      row.host_parameter = add_slice(numbers, producer, axis, seed.desc);
      measures.seeds.push_back(row);
    }
  }
}

void Session::finish_seeds(const Measures& measures) {
  for (size_t s = 0; s < sites_.size(); ++s) {
    Site& site = sites_[s];
    if (site.device_sums.defined()) {
      size_t place = measures.device_sums[s];
      for (const SeedSlot& seed : site.seeds()) {
        if (!seed.attached) continue;
        site.sums.push_back(seed_sums(measures.numbers, place, seed, site.device_positions));
        place += ESPER_CUDA_SUM_COUNT;
      }
      site.device_sums.reset();
    }
    site.telemetry.assign(site.seeds().size(), esper_host_seed_telemetry{});
    for (esper_host_seed_telemetry& row : site.telemetry) row.struct_size = sizeof(row);
  }
  size_t site_before = sites_.size();
  size_t index = 0;  // Among the attached seeds of a site.
  for (const Measures::Seed& places : measures.seeds) {
    Site& site = sites_[places.site];
    index = places.site == site_before ? index + 1 : 0;
    site_before = places.site;
    if (index >= site.sums.size() || site.sums[index].evaluated == 0) continue;
    const SeedSlot& seed = site.seeds()[places.seed];
    esper_host_seed_telemetry& row = site.telemetry[places.seed];
    row = seed_telemetry(site.sums[index]);
    row.parameter_gradient_rms = rms(measures.numbers[places.parameter_gradient], seed.module_count);
    row.parameter_rms = rms(measures.numbers[places.parameter], seed.module_count);
    if (site.spec().producer < 0) continue;
    const at::Tensor& producer = fixed_[static_cast<size_t>(site.spec().producer)];
    const int64_t elements = chunk_of(producer, site.spec().producer_axis, seed.desc).numel();
    row.host_parameter_rms = rms(measures.numbers[places.host_parameter], elements);
    row.host_gradient_rms = rms(measures.numbers[places.host_gradient], elements);
  }
}

}  // namespace esper::host
