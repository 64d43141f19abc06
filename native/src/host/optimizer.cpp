#include "optimizer.h"

#include <cmath>
#include <limits>

#include "error.h"
#include "snapshot.h"
#include "square_sum.h"

namespace esper::host {
namespace {

constexpr int64_t kGrain = 32768;  // Elements of a piece of the gradient norm; below, threads do not pay.

float* data_of(const at::Tensor& tensor) {
  return tensor.defined() ? tensor.data_ptr<float>() : nullptr;
}

double rate_of(const esper_host_group& group, double learning_rate) {
  return learning_rate * static_cast<double>(group.learning_rate_scale);
}

constexpr double kLargestRate = std::numeric_limits<float>::max();

[[noreturn]] void refuse_rate(double rate, const std::string& place) {
  invalid(place, ": the learning rate times its learning_rate_scale is ", rate, ", more than a float holds");
}

bool in_unit(float value) {
  return value >= 0.0F && value < 1.0F;
}

void check_group(const esper_host_group& group, int32_t index) {
  const std::string place = text("optimizer group ", index);
  if (group.struct_size < sizeof(group)) {
    invalid(place, ": struct_size is ", group.struct_size, ", expected ", sizeof(group));
  }
  if (!(group.learning_rate_scale >= 0.0F) || !std::isfinite(group.learning_rate_scale)) {
    invalid(place, ": learning_rate_scale is ", group.learning_rate_scale, ", expected a finite value >= 0");
  }
  if (!(group.weight_decay >= 0.0F) || !std::isfinite(group.weight_decay)) {
    invalid(place, ": weight_decay is ", group.weight_decay, ", expected a finite value >= 0");
  }
  if (!in_unit(group.momentum)) invalid(place, ": momentum is ", group.momentum, ", expected [0, 1)");
  if (!in_unit(group.beta1) || !in_unit(group.beta2)) {
    invalid(place, ": betas are ", group.beta1, " and ", group.beta2, ", expected [0, 1)");
  }
  if (!(group.epsilon >= 0.0F) || !std::isfinite(group.epsilon)) {
    invalid(place, ": epsilon is ", group.epsilon, ", expected a finite value >= 0");
  }
  if (group.nesterov != 0 && group.momentum <= 0.0F) invalid(place, ": nesterov needs a momentum above 0");
}

}  // namespace

void Optimizer::configure(int32_t kind, const esper_host_group* groups, int32_t group_count,
                          const int32_t* parameter_groups, int32_t parameter_count, int32_t arena_group) {
  if (kind != ESPER_HOST_SGD && kind != ESPER_HOST_ADAMW) {
    invalid("optimizer ", kind, " is not an esper_host_optimizer; use 0 (SGD) or 1 (AdamW)");
  }
  if (group_count < 1 || groups == nullptr) invalid("optimizer: needs at least one group");
  if (parameter_count > 0 && parameter_groups == nullptr) invalid("optimizer: parameter_groups is NULL");
  for (int32_t i = 0; i < group_count; ++i) check_group(groups[i], i);
  for (int32_t i = 0; i < parameter_count; ++i) {
    if (parameter_groups[i] < 0 || parameter_groups[i] >= group_count) {
      invalid("optimizer: parameter ", i, " names group ", parameter_groups[i], " of ", group_count);
    }
  }
  if (arena_group < 0 || arena_group >= group_count) {
    invalid("optimizer: arena_group is ", arena_group, ", there are ", group_count, " groups");
  }
  auto settings = std::make_shared<Settings>();
  settings->kind = kind;
  settings->groups.assign(groups, groups + group_count);
  settings->parameter_groups.assign(parameter_groups, parameter_groups + parameter_count);
  settings->arena_group = arena_group;
  settings_ = std::move(settings);
}

bool Optimizer::keeps_momentum(size_t parameter_index) const {
  return parameter_group(parameter_index).momentum > 0.0F;
}

bool Optimizer::arena_keeps_momentum() const {
  return arena_group().momentum > 0.0F;
}

void Optimizer::create(at::IntArrayRef shape, size_t counters, Moments& moments) const {
  if (!moments.first.defined()) moments.first = at::zeros(shape, device_.options(at::kFloat));
  if (!adamw()) return;
  if (!moments.second.defined()) moments.second = at::zeros(shape, device_.options(at::kFloat));
  if (moments.steps.size() != counters) moments.steps.assign(counters, 0);
}

esper_optimizer_options Optimizer::options(const esper_host_group& group, double gradient_scale) const {
  esper_optimizer_options options{};
  options.struct_size = sizeof(options);
  options.optimizer = adamw() ? ESPER_OPTIMIZER_ADAMW : ESPER_OPTIMIZER_SGD;
  options.weight_decay = group.weight_decay;
  options.momentum = group.momentum;
  options.nesterov = group.nesterov != 0 ? 1 : 0;
  options.beta1 = group.beta1;
  options.beta2 = group.beta2;
  options.epsilon = group.epsilon;
  options.gradient_scale = static_cast<float>(gradient_scale);
  return options;
}

esper_status Optimizer::launch(esper_context* context, const esper_optimizer_options& options,
                               const esper_arena_segment* segments, int32_t segment_count, const at::Tensor& values,
                               const at::Tensor& gradient, const Moments& moments) const {
  if (device_.on_cpu()) {
    return esper_optimizer_step(context, &options, segments, segment_count, values.numel(), values.data_ptr<float>(),
                                gradient.data_ptr<float>(), data_of(moments.first), data_of(moments.second));
  }
  return esper_cuda_optimizer_step(device_.cuda(), device_.stream(), &options, segments, segment_count, values.numel(),
                                   values.data_ptr<float>(), gradient.data_ptr<float>(), data_of(moments.first),
                                   data_of(moments.second));
}

void Optimizer::prepare_parameter(size_t index, const at::Tensor& parameter, double learning_rate,
                                  Moments& moments) const {
  const double rate = rate_of(parameter_group(index), learning_rate);
  if (!(rate <= kLargestRate)) refuse_rate(rate, text("optimizer, parameter ", index));
  if (adamw() || keeps_momentum(index)) create(parameter.sizes(), 1, moments);
  make_writable(parameter);
  make_writable(moments);
}

void Optimizer::prepare_arena(Site& site, double learning_rate) {
  for (size_t i = 0; i < site.seeds().size(); ++i) {
    const double rate =
        rate_of(arena_group(), learning_rate) * static_cast<double>(site.seeds()[i].desc.learning_rate_scale);
    if (!(rate <= kLargestRate)) refuse_rate(rate, text("optimizer, site ", site.spec().site, ", seed ", i));
  }
  segments_.reserve(site.seeds().size());
  if (adamw() || arena_keeps_momentum()) create({site.arena().numel()}, site.seeds().size(), site.moments);
  make_writable(site.arena());
  make_writable(site.moments);
}

void Optimizer::step_parameter(esper_context* context, size_t index, const at::Tensor& parameter,
                               const at::Tensor& gradient, double learning_rate, double gradient_scale,
                               Moments& moments) const {
  const esper_host_group& group = parameter_group(index);
  const esper_optimizer_options options = this->options(group, gradient_scale);
  const int64_t count = parameter.numel();
  const int64_t step = adamw() ? moments.steps[0] + 1 : 0;
  const esper_arena_segment whole{sizeof(whole), 0, 0, count, rate_of(group, learning_rate), step};
  const esper_status status = launch(context, options, &whole, 1, parameter, gradient, moments);
  if (status != ESPER_OK) check_esper(status, text("optimizer, parameter ", index));
  if (adamw()) moments.steps[0] = step;  // A step that failed does not count.
}

void Optimizer::step_arena(Site& site, const at::Tensor& gradient, double learning_rate, double gradient_scale) {
  const esper_host_group& group = arena_group();
  const esper_optimizer_options options = this->options(group, gradient_scale);
  Moments& moments = site.moments;
  segments_.clear();
  // The arena is ordered by seed number, as segments have to be.
  for (size_t i = 0; i < site.seeds().size(); ++i) {
    const SeedSlot& seed = site.seeds()[i];
    if (!Site::learns(seed)) continue;
    const double rate = rate_of(group, learning_rate) * static_cast<double>(seed.desc.learning_rate_scale);
    const int64_t step = adamw() ? moments.steps[i] + 1 : 0;
    segments_.push_back({sizeof(esper_arena_segment), 0, seed.desc.parameter_offset, seed.count, rate, step});
  }
  const esper_status status = launch(site.context(), options, segments_.data(), static_cast<int32_t>(segments_.size()),
                                     site.arena(), gradient, moments);
  if (status != ESPER_OK) check_esper(status, text("optimizer, site ", site.spec().site));
  for (size_t i = 0; adamw() && i < site.seeds().size(); ++i) moments.steps[i] += Site::learns(site.seeds()[i]) ? 1 : 0;
}

double gradient_square_sum(const at::Tensor& gradient) {
  const float* data = gradient.data_ptr<float>();
  const int64_t count = gradient.numel();
  const int64_t chunks = (count + kGrain - 1) / kGrain;
  if (chunks <= 1) return square_sum(data, count);
  std::vector<double> partial(static_cast<size_t>(chunks));
  at::parallel_for(0, chunks, 1, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) {
      partial[static_cast<size_t>(i)] = square_sum(data + i * kGrain, std::min(kGrain, count - i * kGrain));
    }
  });
  double sum = 0.0;
  for (double part : partial) sum += part;
  return sum;
}

}  // namespace esper::host
