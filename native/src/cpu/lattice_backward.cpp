#include <algorithm>
#include <cstring>

#include "cpu/image_task.hpp"
#include "cpu/lattice_run.hpp"
#include "cpu/seed_task.hpp"
#include "layout/blueprint.hpp"

namespace esper::cpu {
namespace {

// The partial sums of one seed over all partitions, read in the order of the partitions.
struct Partials {
  const double* first;
  std::int64_t stride;  // From one partition to the next.
  std::int32_t partitions;

  double total(std::int64_t index) const noexcept {
    double sum = 0.0;
    for (std::int32_t i = 0; i < partitions; ++i) {
      sum += first[i * stride + index];
    }
    return sum;
  }

  // The totals of count indices from index on.
  void total(std::int64_t index, std::int64_t count, double* out) const noexcept {
    std::fill_n(out, count, 0.0);
    for (std::int32_t i = 0; i < partitions; ++i) {
      const double* part = first + i * stride + index;
      for (std::int64_t k = 0; k < count; ++k) {
        out[k] += part[k];
      }
    }
  }
};

// Adds gradients to a seed's part of dtheta and remembers the sum of squares of what it added.
struct ParameterSink {
  float* out;
  double square;

  void add(std::int64_t index, double gradient) noexcept {
    const auto value = static_cast<float>(gradient);
    out[index] += value;
    square += static_cast<double>(value) * static_cast<double>(value);
  }
};

void add_vector(const Partials& partials, std::int64_t section, std::int64_t count, double factor, std::int64_t first,
                ParameterSink* sink) {
  for (std::int64_t i = 0; i < count; ++i) {
    sink->add(first + i, factor * partials.total(section + i));
  }
}

// Adds a matrix whose sums are kept in blocks.
void add_matrix(const Partials& partials, std::int64_t section, std::int64_t rows, std::int64_t columns, double factor,
                const Kernels& kernels, std::int64_t first, ParameterSink* sink) {
  const std::int64_t block_rows = kernels.block_rows;
  const std::int64_t block_columns = kernels.block_columns;
  const std::int64_t blocks_across = (columns + block_columns - 1) / block_columns;
  for (std::int64_t i = 0; i < rows; ++i) {
    for (std::int64_t j = 0; j < columns; ++j) {
      const std::int64_t block = i / block_rows * blocks_across + j / block_columns;
      const std::int64_t cell = i % block_rows * block_columns + j % block_columns;
      sink->add(first + i * columns + j, factor * partials.total(section + block * block_rows * block_columns + cell));
    }
  }
}

// Adds a matrix that kernels for rows keep as [rank][channel_pitch]; theta holds it so, or as [channel][rank].
void add_rows_matrix(const SeedTask& task, const Partials& partials, std::int64_t section, double factor,
                     bool by_channel, std::int64_t first, ParameterSink* sink) {
  constexpr std::int64_t kChunk = 64;
  double total[kChunk];
  const std::int64_t row_step = by_channel ? 1 : task.channels;
  const std::int64_t column_step = by_channel ? task.rank : 1;
  for (std::int64_t r = 0; r < task.rank; ++r) {
    for (std::int64_t start = 0; start < task.channels; start += kChunk) {
      const std::int64_t count = std::min<std::int64_t>(kChunk, task.channels - start);
      partials.total(section + r * task.channel_pitch + start, count, total);
      const std::int64_t target = first + r * row_step + start * column_step;
      for (std::int64_t c = 0; c < count; ++c) {
        sink->add(target + c * column_step, factor * total[c]);
      }
    }
  }
}

// Sum number r of a section of R floats, or of R vectors where rows are the lanes.
double rank_total(const SeedTask& task, const Kernels& kernels, const Partials& partials, std::int64_t section,
                  std::int64_t r) {
  if (!task.rows_in_lanes) {
    return partials.total(section + r);
  }
  double total = 0.0;
  for (std::int64_t lane = 0; lane < kernels.lanes; ++lane) {
    total += partials.total(section + r * kernels.lanes + lane);
  }
  return total;
}

// The weights of the module, in the order that the family's kernels keep their sums in (see PartialLayout).
void add_module_weights(const SeedTask& task, const layout::ParameterMap& map, const Partials& partials,
                        const Kernels& kernels, ParameterSink* sink) {
  const auto weight = static_cast<double>(task.weight);
  const std::int64_t channels = task.channels;
  const std::int64_t rank = task.rank;
  // The hidden gradient already has the weight in it.
  switch (task.family) {
    case ESPER_FAMILY_AFFINE:
      add_vector(partials, task.partial.error_product, channels, weight, map.input_weight, sink);
      return;
    case ESPER_FAMILY_GATE:
      add_vector(partials, task.partial.input_product, rank * channels, 1.0, map.input_weight, sink);
      add_vector(partials, task.partial.output_product, channels * rank, weight, map.output_weight, sink);
      return;
    case ESPER_FAMILY_DEPTHWISE:
      add_vector(partials, task.partial.input_product, channels * task.kernel * task.kernel, 1.0, map.input_weight,
                 sink);
      break;
    default:
      if (task.rows) {
        add_rows_matrix(task, partials, task.partial.input_product, 1.0, false, map.input_weight, sink);
        add_rows_matrix(task, partials, task.partial.output_product, weight, true, map.output_weight, sink);
        return;
      }
      add_matrix(partials, task.partial.input_product, rank, channels, 1.0, kernels, map.input_weight, sink);
      break;
  }
  add_matrix(partials, task.partial.output_product, channels, rank, weight, kernels, map.output_weight, sink);
}

// dtheta of one seed; returns the sum of squares of what was added. The gradient through the module carries the factor
// weight where the sums were made without it.
double finish_parameters(const esper_lattice_seed& seed, const SeedTask& task, const Partials& partials,
                         const double* statistics, const Kernels& kernels, const float* theta, float* dtheta) {
  const layout::ParameterMap map = layout::parameter_map(seed);
  const auto weight = static_cast<double>(task.weight);
  ParameterSink sink{dtheta + seed.parameter_offset, 0.0};
  add_module_weights(task, map, partials, kernels, &sink);
  if (map.input_bias >= 0) {
    for (std::int64_t r = 0; r < task.rank; ++r) {
      sink.add(map.input_bias + r, rank_total(task, kernels, partials, task.partial.input_sum, r));
    }
  }
  if (map.output_bias >= 0) {
    add_vector(partials, task.partial.error_sum, task.channels, weight, map.output_bias, &sink);
  }
  if (task.kind == WeightKind::kGated) {
    add_vector(partials, task.partial.gate_product, task.channels, 1.0, map.blend, &sink);
    sink.add(map.blend + task.channels, statistics[kGateBias]);
  } else if (task.kind == WeightKind::kChannel) {
    const float* v = theta + seed.parameter_offset + map.blend;
    for (std::int32_t c = 0; c < task.channels; ++c) {
      if (channel_slope(seed.alpha, v[c]) != 0.0) {
        sink.add(map.blend + c, static_cast<double>(seed.alpha) * partials.total(task.partial.module_product + c));
      }
    }
  }
  return sink.square;
}

// Hidden units whose activation had slope 0 at every position.
std::int64_t dead_units(const SeedTask& task, const Kernels& kernels, const Partials& partials) {
  std::int64_t dead = 0;
  for (std::int32_t r = 0; r < task.rank; ++r) {
    dead += rank_total(task, kernels, partials, task.partial.hidden_slope, r) == 0.0 ? 1 : 0;
  }
  return dead;
}

double alpha_gradient(const esper_lattice_seed& seed, const SeedTask& task, const Partials& partials,
                      const double* statistics, const float* theta) {
  if (task.kind == WeightKind::kGated) {
    return statistics[kGateAlpha];
  }
  if (task.kind == WeightKind::kUniform) {
    const double slope = uniform_slope(seed);
    return slope == 0.0 ? 0.0 : slope * statistics[kGradientModule];
  }
  const float* v = theta + seed.parameter_offset + layout::parameter_map(seed).blend;
  double total = 0.0;
  for (std::int32_t c = 0; c < task.channels; ++c) {
    const double slope = channel_slope(seed.alpha, v[c]);
    if (slope != 0.0) {
      total += slope * partials.total(task.partial.module_product + c);
    }
  }
  return total;
}

esper_seed_sums* sums_entry(esper_seed_sums* sums, std::int64_t index) {
  // Entries are as far apart as the caller's struct is large.
  return reinterpret_cast<esper_seed_sums*>(reinterpret_cast<char*>(sums) + index * sums->struct_size);
}

void clear_outputs(const layout::Lattice& lattice, const Geometry& geometry, const Gradients& tensors) {
  std::int64_t index = 0;
  for (const esper_lattice_seed& seed : lattice.seeds()) {
    if (tensors.dalpha != nullptr) {
      tensors.dalpha[index] = 0.0F;
    }
    if (tensors.sums != nullptr) {
      esper_seed_sums* entry = sums_entry(tensors.sums, index);
      entry->evaluated = 0;
      entry->elements = geometry.images * geometry.positions * seed.channel_count;
      entry->input_square = 0.0;
      entry->module_square = 0.0;
      entry->gradient_square = 0.0;
      entry->gradient_module = 0.0;
      entry->input_sum = 0.0;
      entry->module_sum = 0.0;
      entry->parameter_gradient_square = 0.0;
      entry->hidden_units = layout::hidden_units(seed);
      entry->hidden_dead = 0;
    }
    ++index;
  }
}

void clear_floats(float* data, std::int64_t count) noexcept {
  if (count > 0) {
    std::memset(data, 0, static_cast<std::size_t>(count) * sizeof(float));
  }
}

// Memory of one backward call.
struct Plan {
  Geometry geometry;
  ImageSite site;
  std::int64_t scratch_size;     // Floats a partition.
  std::int64_t pointwise_size;   // Floats a partition, for the families that work on every position by itself.
  std::int64_t partial_size;     // The same with gate and depthwise behind them.
  std::int64_t statistics_size;  // Doubles a partition, rounded up so that partitions share no cache line.
  float* scratch;
  float* partials;
  double* totals;  // Laid out as partials.
  double* statistics;
};

Plan make_plan(const Geometry& geometry, const ImageSite& site, Context& context) {
  Workspace& workspace = context.workspace();
  Plan plan{geometry, site, 0, 0, 0, 0, nullptr, nullptr, nullptr, nullptr};
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
  clear_floats(sums, count);
  std::fill_n(totals, count, 0.0);
}

// One partition's share of the families that work on whole batch items. There are as many slots as partitions: sums go
// to the memory of the partition with the slot's number, which whoever computes the unit zeroes first.
void run_images(std::int32_t partition, Context& context, const Plan& plan, const Gradients& tensors) noexcept {
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
void run_partition(std::int32_t partition, Context& context, const Plan& plan, const Gradients& tensors) noexcept {
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

// Adds up the partitions of one task in their order and writes the seed's dtheta, dalpha and sums. first_total
// and first_statistics: those of the task in the first partition.
void finish_task(const esper_lattice_seed& seed, const SeedTask& task, Context& context, const Plan& plan,
                 const double* first_total, const double* first_statistics, const float* theta,
                 const Gradients& tensors) {
  const Partials partials{first_total, plan.partial_size, context.threads()};
  double statistics[kStatisticCount] = {};
  for (std::int32_t i = 0; i < context.threads(); ++i) {
    for (std::int32_t k = 0; k < kStatisticCount; ++k) {
      statistics[k] += first_statistics[i * plan.statistics_size + k];
    }
  }
  double parameter_square = 0.0;
  if (task.want_theta) {
    parameter_square = finish_parameters(seed, task, partials, statistics, context.kernels(), theta, tensors.dtheta);
  }
  if (tensors.dalpha != nullptr && seed.stage != ESPER_STAGE_TRAINING) {
    tensors.dalpha[task.seed] = static_cast<float>(alpha_gradient(seed, task, partials, statistics, theta));
  }
  if (tensors.sums != nullptr) {
    esper_seed_sums* entry = sums_entry(tensors.sums, task.seed);
    entry->evaluated = 1;
    entry->input_square = statistics[kInputSquare];
    entry->module_square = statistics[kModuleSquare];
    entry->gradient_square = statistics[kGradientSquare];
    entry->gradient_module = statistics[kGradientModule];
    entry->input_sum = statistics[kInputSum];
    entry->module_sum = statistics[kModuleSum];
    entry->parameter_gradient_square = parameter_square;
    // Where nothing was evaluated, nothing was found dead.
    entry->hidden_dead =
        task.want_hidden_slope && entry->elements > 0 ? dead_units(task, context.kernels(), partials) : 0;
  }
}

void finish(const layout::Lattice& lattice, Context& context, const Plan& plan, const float* theta,
            const Gradients& tensors) {
  const Workspace& workspace = context.workspace();
  const double* total = plan.totals;
  const double* statistics = plan.statistics;
  for (const std::vector<SeedTask>* tasks : {&workspace.tasks, &workspace.image_tasks}) {
    for (const SeedTask& task : *tasks) {
      finish_task(lattice.seeds()[static_cast<std::size_t>(task.seed)], task, context, plan, total, statistics, theta,
                  tensors);
      total += task.partial.count;
      statistics += kStatisticCount;
    }
  }
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
  const Plan plan = make_plan(geometry, site, context);
  clear_outputs(lattice, geometry, tensors);

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
  finish(lattice, context, plan, theta, tensors);
}

}  // namespace esper::cpu
