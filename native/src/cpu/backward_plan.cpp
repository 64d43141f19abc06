#include "cpu/backward_plan.hpp"

#include <algorithm>

#include "cpu/seed_task.hpp"

namespace esper::cpu {

BackwardPlan plan_backward_memory(const Geometry& geometry, const ImageSite& site, Context& context) {
  Workspace& workspace = context.workspace();
  BackwardPlan plan{geometry, site, 0, 0, 0, 0, nullptr, nullptr, nullptr, nullptr, 1};
  for (std::size_t i = 0; i < workspace.tasks.size();) {
    std::int64_t together = 0;
    for (std::int32_t left = neighbours(workspace.tasks, i); left > 0; --left, ++i) {
      together += backward_scratch(workspace.tasks[i]);
      plan.partial_size += workspace.tasks[i].partial.count;
    }
    plan.scratch_size = std::max(plan.scratch_size, together);
  }
  plan.pointwise_size = plan.partial_size;
  for (SeedTask& task : workspace.image_tasks) {
    plan.scratch_size = std::max(plan.scratch_size, image_backward_scratch(site, context.kernels(), task));
    task.partial_start = plan.partial_size;
    plan.partial_size += task.partial.count;
  }
  plan.scratch_size = (plan.scratch_size + 15) / 16 * 16;  // Whole cache lines, so that every part is aligned.
  const std::size_t tasks = workspace.tasks.size() + workspace.image_tasks.size();
  plan.statistics_size = (static_cast<std::int64_t>(tasks) * kStatisticCount + 15) / 8 * 8;
  plan.scratch = workspace.scratch.reserve(plan.scratch_size * context.threads());
  plan.partials = workspace.partials.reserve(plan.partial_size * context.threads());
  plan.totals = workspace.totals.reserve(plan.partial_size * context.threads());
  workspace.statistics.assign(static_cast<std::size_t>(plan.statistics_size * context.threads()), 0.0);
  plan.statistics = workspace.statistics.data();
  return plan;
}

}  // namespace esper::cpu
