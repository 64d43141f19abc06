#include "cpu/backward_sums.hpp"

#include <algorithm>

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

// Adds up the partitions of one task in their order and writes the seed's dtheta, dalpha and sums. first_total
// and first_statistics: those of the task in the first partition.
void finish_task(const esper_lattice_seed& seed, const SeedTask& task, Context& context, const BackwardPlan& plan,
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
    entry->elements = static_cast<std::int64_t>(statistics[kElements]);
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

}  // namespace

void clear_gradients(const layout::Lattice& lattice, const Geometry& geometry, const Gradients& tensors) {
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

void finish_gradients(const layout::Lattice& lattice, Context& context, const BackwardPlan& plan, const float* theta,
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

}  // namespace esper::cpu
