// SGD and AdamW over parameters and seed arenas.
#pragma once

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
  bool configured() const { return configured_; }
  bool adamw() const { return kind_ == ESPER_HOST_ADAMW; }

  // Creates the state that the steps below need and checks their rates, so that no step fails half-way.
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

  bool configured_ = false;
  int32_t kind_ = ESPER_HOST_SGD;
  std::vector<esper_host_group> groups_;
  std::vector<int32_t> parameter_groups_;
  int32_t arena_group_ = 0;
  std::vector<esper_arena_segment> segments_;  // Of the arena being stepped.
};

// Sum of squares of a gradient in double; the same bits for the same number of threads and elements.
double gradient_square_sum(const at::Tensor& gradient);

}  // namespace esper::host
