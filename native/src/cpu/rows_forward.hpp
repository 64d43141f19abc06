// Forward pass over rows of channels; see rows_body.hpp. Included inside the instruction set's own anonymous namespace.

// Where the rows of a block are read: in the tensor, or gathered in scratch.
struct RowsSource {
  const float* data;
  std::int64_t stride;
  bool gathered;
};

// y = x + w g(x) for one block of rows; y may be x.
template <WeightKind Kind, bool Streaming>
inline void rows_blend(const SeedTask& task, RowsSource x, float* y, std::int64_t stride, std::int64_t rows,
                       const float* hidden, const float* gate) {
  const float* weight = task.packed.weight;
  module_rows(task, x.data, x.stride, hidden, rows, [=, &task](std::int64_t row, std::int32_t c, Lanes lanes, Vec g) {
    const float* source = x.data + row * x.stride + c;
    if (!x.gathered) {
      __builtin_prefetch(source + kRowsOfRun * x.stride, 0, 2);
    }
    const Vec h = load_lanes(source, lanes);
    float* target = y + row * stride + c;
    if constexpr (Kind == WeightKind::kGated) {
      store_lanes<Streaming>(target, lanes, fma(set1(task.alpha * gate[row]), g, h));
    } else {
      const Vec w = load(weight + c);
      const Vec blended = fma(w, g, h);
      if constexpr (Kind == WeightKind::kChannel) {
        // w = 0 keeps the bits of h, the sign of zero and NaN payloads included; a weight that is NaN spreads.
        store_lanes<Streaming>(target, lanes, select(equal(w, set1(0.0F)), h, blended));
      } else {
        store_lanes<Streaming>(target, lanes, blended);
      }
    }
  });
}

// The same for narrow ranks of a gathered chunk, one vector of channels after the other with its weights in registers.
template <int Ranks, WeightKind Kind>
inline void narrow_blend(const SeedTask& task, float* x, std::int64_t pitch, std::int64_t rows, const float* hidden) {
  for (std::int32_t c = 0; c < task.channels; c += kLanes) {
    Vec weights[Ranks];
#pragma GCC unroll 16
    for (int r = 0; r < Ranks; ++r) {
      weights[r] = load(task.packed.up_rows + r * task.channel_pitch + c);
    }
    const Vec bias = load(task.packed.output_bias + c);
    const Vec w = load(task.packed.weight + c);
    float* values = x + c;
#pragma GCC unroll 4
    for (std::int64_t row = 0; row < rows; ++row) {
      Vec g = bias;
#pragma GCC unroll 16
      for (int r = 0; r < Ranks; ++r) {
        g = fma(set1(hidden[r * kBlockRows + row]), weights[r], g);
      }
      const Vec h = load(values);
      const Vec blended = fma(w, g, h);
      // w = 0 keeps the bits of h.
      store(values, Kind == WeightKind::kChannel ? select(equal(w, set1(0.0F)), h, blended) : blended);
      values += pitch;
    }
  }
}

template <WeightKind Kind>
inline bool blend_narrow(const SeedTask& task, float* x, std::int64_t pitch, std::int64_t rows, const float* hidden) {
  if (!task.rows_in_lanes) {
    return false;
  }
  if (task.rank_pitch == 4) {
    narrow_blend<4, Kind>(task, x, pitch, rows, hidden);
  } else {
    narrow_blend<8, Kind>(task, x, pitch, rows, hidden);
  }
  return true;
}

template <bool Streaming>
inline void rows_output(const SeedTask& task, RowsSource x, float* y, std::int64_t stride, std::int64_t rows,
                        const float* hidden, float* gate) {
  if (task.kind == WeightKind::kGated) {
    gate_rows(task, x.data, x.stride, rows, gate);
    rows_blend<WeightKind::kGated, Streaming>(task, x, y, stride, rows, hidden, gate);
  } else if (task.kind == WeightKind::kChannel) {
    rows_blend<WeightKind::kChannel, Streaming>(task, x, y, stride, rows, hidden, gate);
  } else {
    rows_blend<WeightKind::kUniform, Streaming>(task, x, y, stride, rows, hidden, gate);
  }
}

// One task whose chunk is wide: its arithmetic hides the loads, and rows are long enough for the caches.
template <bool Streaming>
inline void rows_forward_wide(const ForwardCall& call) {
  const SeedTask& task = *call.task;
  const std::int64_t stride = call.chunk.position_stride;
  float* hidden = call.scratch;
  float* gate = hidden + kBlockRows * task.rank_pitch;
  for (std::int64_t start = 0; start < call.chunk.positions; start += kBlockRows) {
    const std::int64_t left = call.chunk.positions - start;
    const std::int64_t rows = left < kBlockRows ? left : kBlockRows;
    const RowsSource x{call.x + start * stride, stride, false};
    if (task.family != ESPER_FAMILY_AFFINE) {
      contract(task, task.packed.down, task.packed.input_bias, x.data, stride, rows, hidden);
      if (task.activation >= 0) {
        activate_panel(task.activation, hidden, nullptr, hidden_count(task, rows));
      }
    }
    rows_output<Streaming>(task, x, call.y + start * stride, stride, rows, hidden, gate);
  }
}

template <bool Streaming>
inline void rows_forward_group(const ForwardCall& call) {
  const RowsGroup group = make_group(call.task, call.tasks);
  const std::int64_t stride = call.chunk.position_stride;
  float* panel = call.scratch;
  float* hidden[kMostNeighbours];
  float* end = panel + kBlockRows * group.pitch;
  for (std::int32_t k = 0; k < group.count; ++k) {
    hidden[k] = end;
    end += kBlockRows * (group.tasks[k].rank_pitch + 1);
  }
  for (std::int64_t start = 0; start < call.chunk.positions; start += kBlockRows) {
    const std::int64_t left = call.chunk.positions - start;
    const std::int64_t rows = left < kBlockRows ? left : kBlockRows;
    gather_rows(call.x + start * stride, stride, group.channels, group.pitch, rows, panel);
    AheadPair ahead = ahead_of(call.x + start * stride, nullptr, stride, group.channels, rows, 3 * group.count);
    for (std::int32_t k = 0; k < group.count; ++k) {
      const SeedTask& task = group.tasks[k];
      ahead.step();
      if (task.family != ESPER_FAMILY_AFFINE) {
        const float* x = panel + (task.channel_begin - group.tasks->channel_begin);
        contract(task, task.packed.down, task.packed.input_bias, x, group.pitch, rows, hidden[k]);
      }
    }
    for (std::int32_t k = 0; k < group.count; ++k) {
      const SeedTask& task = group.tasks[k];
      ahead.step();
      if (task.activation >= 0) {
        activate_panel(task.activation, hidden[k], nullptr, hidden_count(task, rows));
      }
    }
    for (std::int32_t k = 0; k < group.count; ++k) {
      const SeedTask& task = group.tasks[k];
      float* x = panel + (task.channel_begin - group.tasks->channel_begin);
      ahead.step();
      const bool done = task.kind == WeightKind::kUniform
                            ? blend_narrow<WeightKind::kUniform>(task, x, group.pitch, rows, hidden[k])
                        : task.kind == WeightKind::kChannel
                            ? blend_narrow<WeightKind::kChannel>(task, x, group.pitch, rows, hidden[k])
                            : false;
      if (!done) {
        rows_output<false>(task, {x, group.pitch, true}, x, group.pitch, rows, hidden[k],
                           hidden[k] + kBlockRows * task.rank_pitch);
      }
    }
    scatter_rows<Streaming>(panel, group.pitch, group.channels, rows, call.y + start * stride, stride);
  }
}

template <bool Streaming>
inline void rows_forward(const ForwardCall& call) {
  if (call.tasks == 1 && call.task->channels >= kWideChunk) {
    rows_forward_wide<Streaming>(call);
  } else {
    rows_forward_group<Streaming>(call);
  }
}
