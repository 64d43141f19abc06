#include <algorithm>

#include "cpu/backward_plan.hpp"
#include "cpu/backward_sums.hpp"
#include "cpu/image_task.hpp"
#include "cpu/lattice_run.hpp"
#include "cpu/seed_task.hpp"

namespace esper::cpu {
namespace {

// Kernels add to binary32 sums, which are moved into the totals before they grow long: rounding errors stay small
// however large the tensor is. Kernels for rows add position after position, the others add sums of tiles.
constexpr std::int64_t kRowsBetweenFolds = 512;
constexpr std::int64_t kPositionsBetweenFolds = 8192;

void fold(float* sums, double* totals, std::int64_t count) noexcept {
  for (std::int64_t i = 0; i < count; ++i) {
    totals[i] += static_cast<double>(sums[i]);
    sums[i] = 0.0F;
  }
}

void clear(float* sums, double* totals, std::int64_t count) noexcept {
  std::fill_n(sums, count, 0.0F);
  std::fill_n(totals, count, 0.0);
}

// One partition's share of the families that work on whole batch items. There are as many slots as partitions: sums go
// to the memory of the partition with the slot's number, which whoever computes the unit zeroes first.
void run_images(std::int32_t partition, Context& context, const BackwardPlan& plan, const Gradients& tensors) noexcept {
  const Workspace& workspace = context.workspace();
  const ImageSite& site = plan.site;
  const auto pointwise_tasks = static_cast<std::int64_t>(workspace.tasks.size());
  const std::int64_t item_positions = std::max<std::int64_t>(1, site.height * site.width);
  const std::int64_t items_between = std::max<std::int64_t>(1, kPositionsBetweenFolds / item_positions);
  ImageBlocks blocks(workspace.image_tasks, site.items, context.threads(), partition, context.threads());
  ImageBlock block;
  while (blocks.next(&block)) {
    float* partials = plan.partials + block.slot * plan.partial_size;
    double* totals = plan.totals + block.slot * plan.partial_size;
    double* statistics = plan.statistics + block.slot * plan.statistics_size + pointwise_tasks * kStatisticCount;
    for (std::int32_t i = block.task_begin; i < block.task_end; ++i) {
      const SeedTask& task = workspace.image_tasks[static_cast<std::size_t>(i)];
      clear(partials + task.partial_start, totals + task.partial_start, task.partial.count);
    }
    for (std::int64_t item = block.item_begin; item < block.item_end; ++item) {
      const bool folds = item + 1 == block.item_end || (item - block.item_begin) % items_between == items_between - 1;
      for (std::int32_t i = block.task_begin; i < block.task_end; ++i) {
        const SeedTask& task = workspace.image_tasks[static_cast<std::size_t>(i)];
        const std::int64_t offset = item * site.item_stride + task.channel_begin * site.channel_stride;
        context.kernels().image_backward({&task, site.chunk(), tensors.x + offset, tensors.dy + offset,
                                          task.want_dx ? tensors.dx + offset : nullptr,
                                          plan.scratch + partition * plan.scratch_size, partials + task.partial_start,
                                          statistics + std::int64_t{i} * kStatisticCount});
        if (folds) {
          fold(partials + task.partial_start, totals + task.partial_start, task.partial.count);
        }
      }
    }
  }
}

// One partition's share: sums into its own memory, dx into its own positions.
void run_partition(std::int32_t partition, Context& context, const BackwardPlan& plan,
                   const Gradients& tensors) noexcept {
  const Workspace& workspace = context.workspace();
  const Geometry& geometry = plan.geometry;
  float* partials = plan.partials + partition * plan.partial_size;
  double* totals = plan.totals + partition * plan.partial_size;
  clear(partials, totals, plan.pointwise_size);
  const std::int64_t between = geometry.channel_stride == 1 ? kRowsBetweenFolds : kPositionsBetweenFolds;
  std::int64_t positions = 0;
  const bool copies = tensors.dx != nullptr && tensors.dx != tensors.dy;
  Runs runs(geometry, partition, context.threads(), grouped_images(geometry, kLongestTile));
  Run run;
  while (runs.next(&run)) {
    if (copies) {
      for (std::int64_t i = 0; i < run.images; ++i) {
        copy_channels(context.kernels(), geometry, {run.image + i, run.first, run.count, 1}, workspace.untouched,
                      tensors.dy, tensors.dx, is_large(geometry));
      }
    }
    float* partial = partials;
    double* statistics = plan.statistics + partition * plan.statistics_size;
    for (std::size_t i = 0; i < workspace.tasks.size();) {
      const SeedTask& task = workspace.tasks[i];
      const std::int32_t together = neighbours(workspace.tasks, i);
      const std::int64_t offset = run.base(geometry) + task.channel_begin * geometry.channel_stride;
      context.kernels().backward({&task,
                                  together,
                                  {geometry.channel_stride, geometry.position_stride, run.count},
                                  run.images,
                                  geometry.image_stride,
                                  tensors.x + offset,
                                  tensors.dy + offset,
                                  task.want_dx ? tensors.dx + offset : nullptr,
                                  plan.scratch + partition * plan.scratch_size,
                                  partial,
                                  statistics,
                                  copies && is_large(geometry)});
      for (std::int32_t k = 0; k < together; ++k, ++i) {
        partial += workspace.tasks[i].partial.count;
        statistics += kStatisticCount;
      }
    }
    positions += run.count * run.images;
    if (positions >= between) {
      fold(partials, totals, plan.pointwise_size);
      positions = 0;
    }
  }
  fold(partials, totals, plan.pointwise_size);
  context.kernels().fence();
  run_images(partition, context, plan, tensors);
}

}  // namespace

void lattice_backward(const layout::Lattice& lattice, Context& context, const esper_shape& shape, const float* theta,
                      const Gradients& tensors) {
  const Geometry geometry = make_geometry(shape, lattice.channels());
  Workspace& workspace = context.workspace();
  const Wanted wanted{tensors.dx != nullptr, tensors.dtheta != nullptr, tensors.dalpha != nullptr,
                      tensors.sums != nullptr};
  const ImageSite site = make_image_site(shape, lattice.channels());
  plan_backward(lattice, context.kernels(), geometry, site, theta, wanted, workspace);
  const BackwardPlan plan = plan_backward_memory(geometry, site, context);
  clear_gradients(lattice, geometry, tensors);

  std::int64_t touched = tensors.dx != nullptr && tensors.dx != tensors.dy ? geometry.channels : 0;
  for (const std::vector<SeedTask>* tasks : {&workspace.tasks, &workspace.image_tasks}) {
    for (const SeedTask& task : *tasks) {
      touched += task.channels;
    }
  }
  if (touched == 0) {
    return;
  }
  const auto body = [&](std::int32_t partition) noexcept { run_partition(partition, context, plan, tensors); };
  context.run(touched * geometry.images * geometry.positions, body);
  finish_gradients(lattice, context, plan, theta, tensors);
}

}  // namespace esper::cpu
