#include <algorithm>
#include <cstring>

#include "cpu/lattice_run.hpp"
#include "cpu/seed_task.hpp"
#include "layout/blueprint.hpp"

namespace esper::cpu {
namespace {

// The partial sums of one seed over all partitions, read in the order of the partitions.
struct Partials {
  const float* first;
  std::int64_t stride;  // From one partition to the next.
  std::int32_t partitions;

  double total(std::int64_t index) const noexcept {
    double sum = 0.0;
    for (std::int32_t i = 0; i < partitions; ++i) {
      sum += static_cast<double>(first[i * stride + index]);
    }
    return sum;
  }
};

void add_vector(const Partials& partials, std::int64_t section, std::int64_t count, double factor, float* out) {
  for (std::int64_t i = 0; i < count; ++i) {
    out[i] += static_cast<float>(factor * partials.total(section + i));
  }
}

// Adds a matrix whose sums are kept in blocks.
void add_matrix(const Partials& partials, std::int64_t section, std::int64_t rows, std::int64_t columns, double factor,
                const Kernels& kernels, float* out) {
  const std::int64_t block_rows = kernels.block_rows;
  const std::int64_t block_columns = kernels.block_columns;
  const std::int64_t blocks_across = (columns + block_columns - 1) / block_columns;
  for (std::int64_t i = 0; i < rows; ++i) {
    for (std::int64_t j = 0; j < columns; ++j) {
      const std::int64_t block = i / block_rows * blocks_across + j / block_columns;
      const std::int64_t cell = i % block_rows * block_columns + j % block_columns;
      out[i * columns + j] +=
          static_cast<float>(factor * partials.total(section + block * block_rows * block_columns + cell));
    }
  }
}

// dtheta of one seed. The gradient through the module carries the factor weight where the sums were made without it.
void finish_parameters(const esper_lattice_seed& seed, const SeedTask& task, const Partials& partials,
                       const double* statistics, const Kernels& kernels, const float* theta, float* dtheta) {
  const layout::ParameterMap map = layout::parameter_map(seed);
  const auto weight = static_cast<double>(task.weight);
  float* out = dtheta + seed.parameter_offset;
  if (task.family == ESPER_FAMILY_AFFINE) {
    add_vector(partials, task.partial.error_product, task.channels, weight, out + map.input_weight);
  } else {
    // The hidden gradient already has the weight in it.
    add_matrix(partials, task.partial.input_product, task.rank, task.channels, 1.0, kernels, out + map.input_weight);
    add_matrix(partials, task.partial.output_product, task.channels, task.rank, weight, kernels,
               out + map.output_weight);
    if (map.input_bias >= 0) {
      add_vector(partials, task.partial.input_sum, task.rank, 1.0, out + map.input_bias);
    }
  }
  if (map.output_bias >= 0) {
    add_vector(partials, task.partial.error_sum, task.channels, weight, out + map.output_bias);
  }
  if (task.kind == WeightKind::kGated) {
    add_vector(partials, task.partial.gate_product, task.channels, 1.0, out + map.blend);
    out[map.blend + task.channels] += static_cast<float>(statistics[kGateBias]);
  } else if (task.kind == WeightKind::kChannel) {
    const float* v = theta + seed.parameter_offset + map.blend;
    for (std::int32_t c = 0; c < task.channels; ++c) {
      if (channel_slope(seed.alpha, v[c]) != 0.0) {
        out[map.blend + c] +=
            static_cast<float>(static_cast<double>(seed.alpha) * partials.total(task.partial.module_product + c));
      }
    }
  }
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
    }
    ++index;
  }
}

// Memory of one backward call.
struct Plan {
  Geometry geometry;
  std::int64_t scratch_size;     // Floats a partition.
  std::int64_t partial_size;     // Floats a partition.
  std::int64_t statistics_size;  // Doubles a partition, rounded up so that partitions share no cache line.
  float* scratch;
  float* partials;
  double* statistics;
};

Plan make_plan(const Geometry& geometry, Context& context) {
  Workspace& workspace = context.workspace();
  Plan plan{geometry, 0, 0, 0, nullptr, nullptr, nullptr};
  for (const SeedTask& task : workspace.tasks) {
    plan.scratch_size = std::max(plan.scratch_size, backward_scratch(task));
    plan.partial_size += task.partial.count;
  }
  plan.statistics_size = (static_cast<std::int64_t>(workspace.tasks.size()) * kStatisticCount + 15) / 8 * 8;
  plan.scratch = workspace.scratch.reserve(plan.scratch_size * context.threads());
  plan.partials = workspace.partials.reserve(plan.partial_size * context.threads());
  workspace.statistics.assign(static_cast<std::size_t>(plan.statistics_size * context.threads()), 0.0);
  plan.statistics = workspace.statistics.data();
  return plan;
}

// One partition's share: sums into its own memory, dx into its own positions.
void run_partition(std::int32_t partition, Context& context, const Plan& plan, const Gradients& tensors) noexcept {
  const Workspace& workspace = context.workspace();
  const Geometry& geometry = plan.geometry;
  float* partials = plan.partials + partition * plan.partial_size;
  if (plan.partial_size > 0) {
    std::memset(partials, 0, static_cast<std::size_t>(plan.partial_size) * sizeof(float));
  }
  const bool copies = tensors.dx != nullptr && tensors.dx != tensors.dy;
  Runs runs(geometry, partition, context.threads());
  Run run;
  while (runs.next(&run)) {
    if (copies) {
      copy_channels(geometry, run, workspace.untouched, tensors.dy, tensors.dx);
    }
    float* partial = partials;
    double* statistics = plan.statistics + partition * plan.statistics_size;
    for (const SeedTask& task : workspace.tasks) {
      const std::int64_t offset = run.base(geometry) + task.channel_begin * geometry.channel_stride;
      context.kernels().backward({&task,
                                  {geometry.channel_stride, geometry.position_stride, run.count},
                                  tensors.x + offset,
                                  tensors.dy + offset,
                                  task.want_dx ? tensors.dx + offset : nullptr,
                                  plan.scratch + partition * plan.scratch_size,
                                  partial,
                                  statistics,
                                  copies && is_large(geometry)});
      partial += task.partial.count;
      statistics += kStatisticCount;
    }
  }
  context.kernels().fence();
}

// Adds up the partitions in their order and writes dtheta, dalpha and sums.
void finish(const layout::Lattice& lattice, Context& context, const Plan& plan, const float* theta,
            const Gradients& tensors) {
  const float* partial = plan.partials;
  std::int64_t first = 0;
  for (const SeedTask& task : context.workspace().tasks) {
    const esper_lattice_seed& seed = lattice.seeds()[static_cast<std::size_t>(task.seed)];
    const Partials partials{partial, plan.partial_size, context.threads()};
    double statistics[kStatisticCount] = {};
    for (std::int32_t i = 0; i < context.threads(); ++i) {
      for (std::int32_t k = 0; k < kStatisticCount; ++k) {
        statistics[k] += plan.statistics[i * plan.statistics_size + first + k];
      }
    }
    if (task.want_theta) {
      finish_parameters(seed, task, partials, statistics, context.kernels(), theta, tensors.dtheta);
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
    }
    partial += task.partial.count;
    first += kStatisticCount;
  }
}

}  // namespace

void lattice_backward(const layout::Lattice& lattice, Context& context, const esper_shape& shape, const float* theta,
                      const Gradients& tensors) {
  const Geometry geometry = make_geometry(shape, lattice.channels());
  Workspace& workspace = context.workspace();
  const Wanted wanted{tensors.dx != nullptr, tensors.dtheta != nullptr, tensors.dalpha != nullptr,
                      tensors.sums != nullptr};
  plan_backward(lattice, context.kernels(), geometry, theta, wanted, workspace);
  const Plan plan = make_plan(geometry, context);
  clear_outputs(lattice, geometry, tensors);

  std::int64_t touched = tensors.dx != nullptr && tensors.dx != tensors.dy ? geometry.channels : 0;
  for (const SeedTask& task : workspace.tasks) {
    touched += task.channels;
  }
  if (touched == 0) {
    return;
  }
  const auto body = [&](std::int32_t partition) noexcept { run_partition(partition, context, plan, tensors); };
  context.run(touched * geometry.images * geometry.positions, body);
  finish(lattice, context, plan, theta, tensors);
}

}  // namespace esper::cpu
