#include <algorithm>
#include <iterator>

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

// Chooses the batch items whose sums one partition gathers: the first, and again one as soon as those it has are no
// more than their share of what it saw. Items are taken whole, since positions of an item differ systematically.
class SummedItems {
 public:
  explicit SummedItems(std::int64_t every) noexcept : every_(every) {}

  // Whether to sum over so many positions that begin in the item; items come in order.
  bool take(std::int64_t item, std::int64_t positions) noexcept {
    if (item != item_) {
      item_ = item;
      taking_ = taken_ * every_ <= seen_;
    }
    seen_ += positions;
    taken_ += taking_ ? positions : 0;
    return taking_;
  }

 private:
  std::int64_t every_;
  std::int64_t item_ = -1;
  std::int64_t seen_ = 0;  // Positions.
  std::int64_t taken_ = 0;
  bool taking_ = true;
};

// Positions that sums are of at least, where the tensor has them: a unit that is silent at fewer is not dead.
constexpr std::int64_t kFewestPositions = 2048;

// The sums of a call are of one batch item in so many.
std::int64_t sums_every(const Context& context, const esper_shape& shape, bool wanted) noexcept {
  if (!wanted || context.sums_items() == 0 || shape.positions == 0) {
    return 1;
  }
  const std::int64_t filling = (kFewestPositions + shape.positions - 1) / shape.positions;
  return std::max<std::int64_t>(1, shape.batch / std::max<std::int64_t>(context.sums_items(), filling));
}

// The tasks where sums are not gathered.
void list_unsummed(const std::vector<SeedTask>& tasks, std::vector<SeedTask>* unsummed) {
  unsummed->clear();
  std::transform(tasks.begin(), tasks.end(), std::back_inserter(*unsummed), without_sums);
}

void count_elements(const SeedTask& task, std::int64_t positions, double* statistics) noexcept {
  if (task.want_statistics) {
    statistics[kElements] += static_cast<double>(positions * task.channels);
  }
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
      const bool summed = (item - block.item_begin) % plan.sums_every == 0;
      const std::vector<SeedTask>& tasks = summed ? workspace.image_tasks : workspace.unsummed_image_tasks;
      for (std::int32_t i = block.task_begin; i < block.task_end; ++i) {
        const SeedTask& task = tasks[static_cast<std::size_t>(i)];
        const std::int64_t offset = item * site.item_stride + task.channel_begin * site.channel_stride;
        context.kernels().image_backward({&task, site.chunk(), tensors.x + offset, tensors.dy + offset,
                                          task.want_dx ? tensors.dx + offset : nullptr,
                                          plan.scratch + partition * plan.scratch_size, partials + task.partial_start,
                                          statistics + std::int64_t{i} * kStatisticCount});
        count_elements(task, item_positions, statistics + std::int64_t{i} * kStatisticCount);
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
  const std::int64_t item_positions = std::max<std::int64_t>(1, plan.site.height * plan.site.width);
  SummedItems items(plan.sums_every);
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
    const std::int64_t seen = run.count * run.images;
    const std::int64_t item = (run.image * geometry.positions + run.first) / item_positions;
    const std::vector<SeedTask>& tasks = items.take(item, seen) ? workspace.tasks : workspace.unsummed_tasks;
    float* partial = partials;
    double* statistics = plan.statistics + partition * plan.statistics_size;
    for (std::size_t i = 0; i < tasks.size();) {
      const SeedTask& task = tasks[i];
      const std::int32_t together = neighbours(tasks, i);
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
        count_elements(tasks[i], seen, statistics);
        partial += tasks[i].partial.count;
        statistics += kStatisticCount;
      }
    }
    positions += seen;
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
  BackwardPlan plan = plan_backward_memory(geometry, site, context);
  plan.sums_every = sums_every(context, shape, wanted.sums);
  if (plan.sums_every > 1) {
    list_unsummed(workspace.tasks, &workspace.unsummed_tasks);
    list_unsummed(workspace.image_tasks, &workspace.unsummed_image_tasks);
  }
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
