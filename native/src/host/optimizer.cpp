#include "optimizer.h"

#include <cmath>

#include "error.h"
#include "update_kernels.h"

namespace esper::host {
namespace {

constexpr int64_t kGrain = 32768;  // Elements below which threads do not pay.

bool in_unit(float value) { return value >= 0.0F && value < 1.0F; }

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
  if (!(group.epsilon >= 0.0F)) invalid(place, ": epsilon is ", group.epsilon, ", expected >= 0");
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
  std::vector<esper_host_group> new_groups(groups, groups + group_count);
  std::vector<int32_t> new_map(parameter_groups, parameter_groups + parameter_count);
  groups_.swap(new_groups);
  parameter_groups_.swap(new_map);
  kind_ = kind;
  arena_group_ = arena_group;
  configured_ = true;
}

bool Optimizer::keeps_momentum(size_t parameter_index) const {
  return groups_[static_cast<size_t>(parameter_groups_[parameter_index])].momentum > 0.0F;
}

bool Optimizer::arena_keeps_momentum() const { return groups_[static_cast<size_t>(arena_group_)].momentum > 0.0F; }

void Optimizer::create(at::IntArrayRef shape, size_t counters, Moments& moments) const {
  if (!moments.first.defined()) moments.first = at::zeros(shape, at::TensorOptions().dtype(at::kFloat));
  if (!adamw()) return;
  if (!moments.second.defined()) moments.second = at::zeros(shape, at::TensorOptions().dtype(at::kFloat));
  if (moments.steps.size() != counters) moments.steps.assign(counters, 0);
}

void Optimizer::step(const esper_host_group& group, float* parameter, const float* gradient, float* first,
                     float* second, int64_t count, double learning_rate, double gradient_scale, int64_t steps) const {
  const auto f = [](double value) { return static_cast<float>(value); };
  if (!adamw()) {
    const SgdUpdate update{f(learning_rate), group.weight_decay, group.momentum, f(gradient_scale),
                           group.nesterov != 0};
    at::parallel_for(0, count, kGrain, [&](int64_t begin, int64_t end) {
      sgd_update(parameter + begin, gradient + begin, first == nullptr ? nullptr : first + begin, end - begin, update);
    });
    return;
  }
  const auto beta1 = static_cast<double>(group.beta1), beta2 = static_cast<double>(group.beta2);
  const auto t = static_cast<double>(steps);
  const AdamwUpdate update{f(1.0 - learning_rate * static_cast<double>(group.weight_decay)),
                           group.beta1,
                           group.beta2,
                           f(1.0 - beta1),
                           f(1.0 - beta2),
                           f(learning_rate / (1.0 - std::pow(beta1, t))),
                           f(std::sqrt(1.0 - std::pow(beta2, t))),
                           group.epsilon,
                           f(gradient_scale)};
  at::parallel_for(0, count, kGrain, [&](int64_t begin, int64_t end) {
    adamw_update(parameter + begin, gradient + begin, first + begin, second + begin, end - begin, update);
  });
}

void Optimizer::prepare_parameter(size_t index, const at::Tensor& parameter, Moments& moments) const {
  if (adamw() || keeps_momentum(index)) create(parameter.sizes(), 1, moments);
}

void Optimizer::prepare_arena(Site& site) const {
  if (adamw() || arena_keeps_momentum()) create({site.arena().numel()}, site.seeds().size(), site.moments);
}

void Optimizer::step_parameter(size_t index, const at::Tensor& parameter, const at::Tensor& gradient,
                               double learning_rate, double gradient_scale, Moments& moments) const {
  const esper_host_group& group = groups_[static_cast<size_t>(parameter_groups_[index])];
  if (adamw()) ++moments.steps[0];
  step(group, parameter.data_ptr<float>(), gradient.data_ptr<float>(),
       moments.first.defined() ? moments.first.data_ptr<float>() : nullptr,
       moments.second.defined() ? moments.second.data_ptr<float>() : nullptr, parameter.numel(),
       learning_rate * static_cast<double>(group.learning_rate_scale), gradient_scale,
       adamw() ? moments.steps[0] : 0);
}

void Optimizer::step_arena(Site& site, const at::Tensor& gradient, double learning_rate,
                           double gradient_scale) const {
  const esper_host_group& group = groups_[static_cast<size_t>(arena_group_)];
  Moments& moments = site.moments;
  for (size_t i = 0; i < site.seeds().size(); ++i) {
    const SeedSlot& seed = site.seeds()[i];
    if (!Site::learns(seed)) continue;
    const int64_t offset = seed.desc.parameter_offset;
    const double rate = learning_rate * static_cast<double>(group.learning_rate_scale) *
                        static_cast<double>(seed.desc.learning_rate_scale);
    if (adamw()) ++moments.steps[i];
    step(group, site.arena().data_ptr<float>() + offset, gradient.data_ptr<float>() + offset,
         moments.first.defined() ? moments.first.data_ptr<float>() + offset : nullptr,
         moments.second.defined() ? moments.second.data_ptr<float>() + offset : nullptr, seed.count, rate,
         gradient_scale, adamw() ? moments.steps[i] : 0);
  }
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
