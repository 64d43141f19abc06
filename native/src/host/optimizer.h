// SGD and AdamW over parameters and seed arenas.
#pragma once

#include <memory>
#include <vector>

#include "site.h"
#include "torch.h"

namespace esper::host {

class Optimizer {
 public:
  // The device of the parameters; outlives the optimizer.
  explicit Optimizer(const Device& device) : device_(device) {}
  void configure(int32_t kind, const esper_host_group* groups, int32_t group_count, const int32_t* parameter_groups,
                 int32_t parameter_count, int32_t arena_group);
  bool configured() const { return settings_ != nullptr; }
  bool adamw() const { return configured() && settings_->kind == ESPER_HOST_ADAMW; }

  // What configure chose; never changed, so that a snapshot may keep it.
  struct Settings {
    int32_t kind = ESPER_HOST_SGD;
    std::vector<esper_host_group> groups;
    std::vector<int32_t> parameter_groups;
    int32_t arena_group = 0;
  };
  std::shared_ptr<const Settings> settings() const { return settings_; }
  void restore(std::shared_ptr<const Settings> settings) noexcept { settings_ = std::move(settings); }

  // Creates the state that the steps below need, gives what they write memory of its own, and checks their rates, so
  // that no step fails half-way.
  void prepare_parameter(size_t index, const at::Tensor& parameter, double learning_rate, Moments& moments) const;
  void prepare_arena(Site& site, double learning_rate);
  // One step on a parameter: float32, contiguous, as its gradient. context: for parameters on the CPU.
  void step_parameter(esper_context* context, size_t index, const at::Tensor& parameter, const at::Tensor& gradient,
                      double learning_rate, double gradient_scale, Moments& moments) const;
  // One step on the learning seeds of a site's arena, all in one pass.
  void step_arena(Site& site, const at::Tensor& gradient, double learning_rate, double gradient_scale);

  // Creates zero state beside a tensor of that shape, with `counters` step counts. Throws if the optimizer keeps none
  // (`arena` or parameter `index` decides the group).
  void create(at::IntArrayRef shape, size_t counters, Moments& moments) const;
  bool keeps_momentum(size_t parameter_index) const;
  bool arena_keeps_momentum() const;

 private:
  esper_optimizer_options options(const esper_host_group& group, double gradient_scale) const;
  // One launch over a tensor, on the CPU or on the device.
  esper_status launch(esper_context* context, const esper_optimizer_options& options,
                      const esper_arena_segment* segments, int32_t segment_count, const at::Tensor& values,
                      const at::Tensor& gradient, const Moments& moments) const;

  const Device& device_;

  const esper_host_group& parameter_group(size_t index) const {
    return settings_->groups[static_cast<size_t>(settings_->parameter_groups[index])];
  }
  const esper_host_group& arena_group() const { return settings_->groups[static_cast<size_t>(settings_->arena_group)]; }

  std::shared_ptr<const Settings> settings_;   // None until configured.
  std::vector<esper_arena_segment> segments_;  // Of the arena being stepped.
};

// Sum of squares of a gradient in double; the same bits for the same number of threads and elements.
double gradient_square_sum(const at::Tensor& gradient);

}  // namespace esper::host
