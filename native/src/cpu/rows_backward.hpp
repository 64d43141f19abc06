// Backward pass over rows of channels; see rows_body.hpp. Included inside the instruction set's own anonymous
// namespace.

// Everything of a block up to the gradient before the activation. partial and statistics are the task's.
inline void rows_block_errors(const SeedTask& task, std::int64_t rows, const RowsScratch& s, float* partial,
                              double* statistics) {
  const std::int64_t pitch = task.channel_pitch;
  if (task.kind == WeightKind::kGated) {
    gate_gradient_rows(task, rows, s, statistics);
  }
  if (task.want_statistics) {
    add_statistics_rows(task, rows, s, statistics);
  }
  if (task.want_hidden_slope) {
    const float* slope = s.slope;
    add_ranks(task, rows, partial + task.partial.hidden_slope, [=](std::int64_t i) { return abs(load(slope + i)); });
  }
  if (task.want_module_product) {
    add_columns(task, rows, partial + task.partial.module_product, [=](std::int64_t row, std::int32_t c, Vec total) {
      return fma(load(s.dy + row * s.pitch + c), load(s.module + row * pitch + c), total);
    });
  }
  if (!task.want_theta && !task.want_dx) {
    return;
  }
  compute_errors(task, rows, s);
  if (task.family != ESPER_FAMILY_AFFINE) {
    hidden_gradient_rows(task, error_view(task, s), rows, s);
  }
}

// The rest of a block: parameter gradients, and dx where it is not nullptr.
template <bool Streaming>
inline void rows_block_gradients(const SeedTask& task, std::int64_t rows, const RowsScratch& s, float* partial,
                                 float* dx, std::int64_t stride, AheadPair& ahead) {
  const RowsView error = error_view(task, s);
  if (task.rows_in_lanes && task.kind != WeightKind::kGated) {
    if (task.rank_pitch == 4) {
      narrow_gradients<4, Streaming>(task, error, rows, s, partial, dx, stride);
    } else {
      narrow_gradients<8, Streaming>(task, error, rows, s, partial, dx, stride);
    }
    return;
  }
  if (task.want_theta) {
    add_parameter_sums_rows(task, error, rows, s, partial, ahead);
  }
  ahead.step();
  if (dx != nullptr) {
    input_gradient_rows<Streaming>(task, error, rows, s, dx, stride);
  }
}

constexpr std::int32_t kWideSteps = 8;  // Points where rows_backward_wide asks for rows ahead, at least.

// One wide task: dx goes straight to the tensor.
template <bool Streaming>
inline void rows_backward_wide(const BackwardCall& call) {
  const SeedTask& task = *call.task;
  const std::int64_t stride = call.chunk.position_stride;
  const std::int64_t pitch = task.channel_pitch;
  float* x = call.scratch;
  float* dy = x + kBlockRows * pitch;
  float* end = dy + kBlockRows * pitch;
  const RowsScratch s = carve_rows(task, x, dy, pitch, &end);
  for (std::int64_t start = 0; start < call.chunk.positions; start += kBlockRows) {
    const std::int64_t left = call.chunk.positions - start;
    const std::int64_t rows = left < kBlockRows ? left : kBlockRows;
    gather_rows(call.x + start * stride, stride, task.channels, pitch, rows, x);
    gather_rows(call.dy + start * stride, stride, task.channels, pitch, rows, dy);
    AheadPair ahead =
        ahead_of(call.x + start * stride, call.dy + start * stride, stride, task.channels, rows, kWideSteps);
    ahead.step();
    recompute_rows(task, rows, s);
    ahead.step();
    rows_block_errors(task, rows, s, call.partial, call.statistics);
    rows_block_gradients<Streaming>(task, rows, s, call.partial, task.want_dx ? call.dx + start * stride : nullptr,
                                    stride, ahead);
  }
}

// Tasks side by side as in rows_forward_group. dx is made in the place of dy; all tasks of a group want it, or none.
template <bool Streaming>
inline void rows_backward_group(const BackwardCall& call) {
  const RowsGroup group = make_group(call.task, call.tasks);
  const std::int64_t stride = call.chunk.position_stride;
  RowsScratch s[kMostNeighbours];
  float* x = call.scratch;
  float* dy = x + kBlockRows * group.pitch;
  float* end = dy + kBlockRows * group.pitch;
  for (std::int32_t k = 0; k < group.count; ++k) {
    const std::int32_t offset = group.tasks[k].channel_begin - group.tasks->channel_begin;
    s[k] = carve_rows(group.tasks[k], x + offset, dy + offset, group.pitch, &end);
  }
  for (std::int64_t start = 0; start < call.chunk.positions; start += kBlockRows) {
    const std::int64_t left = call.chunk.positions - start;
    const std::int64_t rows = left < kBlockRows ? left : kBlockRows;
    gather_rows(call.x + start * stride, stride, group.channels, group.pitch, rows, x);
    gather_rows(call.dy + start * stride, stride, group.channels, group.pitch, rows, dy);
    AheadPair ahead =
        ahead_of(call.x + start * stride, call.dy + start * stride, stride, group.channels, rows, 3 * group.count);
    for (std::int32_t k = 0; k < group.count; ++k) {
      ahead.step();
      recompute_rows(group.tasks[k], rows, s[k]);
    }
    float* partial = call.partial;
    for (std::int32_t k = 0; k < group.count; ++k) {
      ahead.step();
      rows_block_errors(group.tasks[k], rows, s[k], partial, call.statistics + k * kStatisticCount);
      partial += group.tasks[k].partial.count;
    }
    partial = call.partial;
    for (std::int32_t k = 0; k < group.count; ++k) {
      const SeedTask& task = group.tasks[k];
      ahead.step();
      rows_block_gradients<false>(task, rows, s[k], partial, task.want_dx ? s[k].dy : nullptr, group.pitch, ahead);
      partial += task.partial.count;
    }
    if (call.dx != nullptr) {
      scatter_rows<Streaming>(dy, group.pitch, group.channels, rows, call.dx + start * stride, stride);
    }
  }
}

template <bool Streaming>
inline void rows_backward(const BackwardCall& call) {
  if (call.tasks == 1 && call.task->channels >= kWideChunk) {
    rows_backward_wide<Streaming>(call);
  } else {
    rows_backward_group<Streaming>(call);
  }
}
