#include <algorithm>

#include "cpu/image_task.hpp"
#include "cpu/lattice_run.hpp"
#include "cpu/seed_task.hpp"

namespace esper::cpu {

void copy_channels(const Kernels& kernels, const Geometry& geometry, const Run& run,
                   const std::vector<ChannelRange>& ranges, const float* source, float* target, bool stream) noexcept {
  const std::int64_t base = run.base(geometry);
  for (const ChannelRange& range : ranges) {
    const std::int64_t start = base + range.first * geometry.channel_stride;
    const bool channels_last = geometry.channel_stride == 1;
    // Rows of the copy are contiguous; together they are one row where nothing lies between them.
    std::int64_t rows = channels_last ? run.count : range.count;
    std::int64_t length = channels_last ? range.count : run.count;
    const std::int64_t stride = channels_last ? geometry.position_stride : geometry.channel_stride;
    if (length == stride) {
      length *= rows;
      rows = 1;
    }
    kernels.copy_rows({source + start, target + start, rows, length, rows == 1 ? length : stride, stream});
  }
}

namespace {

// One partition's share of the families that work on whole batch items.
void run_image_forward(std::int32_t partition, Context& context, const ImageSite& site, const float* x, float* y,
                       float* scratch) noexcept {
  const std::vector<SeedTask>& tasks = context.workspace().image_tasks;
  ImageBlocks blocks(tasks, site.items, site.items, partition, context.threads());
  ImageBlock block;
  while (blocks.next(&block)) {
    for (std::int64_t item = block.item_begin; item < block.item_end; ++item) {
      for (std::int32_t i = block.task_begin; i < block.task_end; ++i) {
        const SeedTask& task = tasks[static_cast<std::size_t>(i)];
        const std::int64_t offset = item * site.item_stride + task.channel_begin * site.channel_stride;
        context.kernels().image_forward({&task, site.chunk(), x + offset, y + offset, scratch});
      }
    }
  }
}

}  // namespace

void lattice_forward(const layout::Lattice& lattice, Context& context, const esper_shape& shape, const float* theta,
                     const float* x, float* y) {
  const Geometry geometry = make_geometry(shape, lattice.channels());
  Workspace& workspace = context.workspace();
  const Kernels& kernels = context.kernels();
  const ImageSite site = make_image_site(shape, lattice.channels());
  plan_forward(lattice, kernels, geometry, site, theta, workspace);

  std::int64_t scratch_size = 0;
  std::int64_t active_channels = 0;
  for (std::size_t i = 0; i < workspace.tasks.size();) {
    std::int64_t together = 0;
    for (std::int32_t left = neighbours(workspace.tasks, i); left > 0; --left, ++i) {
      together += forward_scratch(workspace.tasks[i]);
      active_channels += workspace.tasks[i].channels;
    }
    scratch_size = std::max(scratch_size, together);
  }
  for (const SeedTask& task : workspace.image_tasks) {
    scratch_size = std::max(scratch_size, image_forward_scratch(site, kernels, task));
    active_channels += task.channels;
  }
  scratch_size = (scratch_size + 15) / 16 * 16;  // Whole cache lines, so that every partition's part is aligned.
  const bool in_place = x == y;
  if (in_place && active_channels == 0) {
    return;
  }
  const bool stream = !in_place && is_large(geometry);
  float* scratch = workspace.scratch.reserve(scratch_size * context.threads());

  const auto body = [&](std::int32_t partition) noexcept {
    Runs runs(geometry, partition, context.threads());
    Run run;
    while (runs.next(&run)) {
      const std::int64_t base = run.base(geometry);
      if (!in_place) {
        copy_channels(kernels, geometry, run, workspace.untouched, x, y, stream);
      }
      for (std::size_t i = 0; i < workspace.tasks.size();) {
        const SeedTask& task = workspace.tasks[i];
        const std::int32_t together = neighbours(workspace.tasks, i);
        const std::int64_t offset = base + task.channel_begin * geometry.channel_stride;
        i += static_cast<std::size_t>(together);
        kernels.forward({&task,
                         together,
                         {geometry.channel_stride, geometry.position_stride, run.count},
                         x + offset,
                         y + offset,
                         scratch + partition * scratch_size,
                         stream});
      }
    }
    if (stream) {
      kernels.fence();
    }
    run_image_forward(partition, context, site, x, y, scratch + partition * scratch_size);
  };
  const std::int64_t touched = in_place ? active_channels : geometry.channels;
  context.run(touched * geometry.images * geometry.positions, body);
}

}  // namespace esper::cpu
