// Backward pass over rows of channels; see rows_body.hpp. Included inside the instruction set's own anonymous
// namespace.

// Scratch of one block of rows; channel arrays are [row][channel_pitch], rank arrays [row][rank_pitch].
struct RowsScratch {
  float* x;
  float* dy;
  float* module;  // g(x)
  float* error;   // w dy where w varies, dy + kappa g in Training
  float* hidden;  // activated
  float* slope;   // act'
  float* dpre;    // gradient before the activation
  float* gate;    // [row] sigmoid(u)
  float* du;      // [row] gradient of u
};

inline RowsScratch carve_rows(const SeedTask& task, float* base) {
  const std::int64_t channels = kRowsAhead * task.channel_pitch;
  const std::int64_t ranks = kRowsAhead * task.rank_pitch;
  RowsScratch s;
  s.x = base;
  s.dy = s.x + channels;
  s.module = s.dy + channels;
  s.error = s.module + channels;
  s.hidden = s.error + channels;
  s.slope = s.hidden + ranks;
  s.dpre = s.slope + ranks;
  s.gate = s.dpre + ranks;
  s.du = s.gate + kRowsAhead;
  return s;
}

// Adds sum_row a[row][i] b[row][c] to out[i][c] for Ranks rows of out and Columns vectors of channels.
template <int Ranks, int Columns>
inline void outer_rows_block(const float* a, std::int64_t a_pitch, const float* b, std::int64_t pitch,
                             std::int64_t rows, float* out) {
  Vec acc[Ranks][Columns];
#pragma GCC unroll 16
  for (int i = 0; i < Ranks; ++i) {
#pragma GCC unroll 16
    for (int k = 0; k < Columns; ++k) {
      acc[i][k] = load(out + i * pitch + k * kLanes);
    }
  }
  for (std::int64_t row = 0; row < rows; ++row) {
    Vec right[Columns];
#pragma GCC unroll 16
    for (int k = 0; k < Columns; ++k) {
      right[k] = load(b + row * pitch + k * kLanes);
    }
#pragma GCC unroll 16
    for (int i = 0; i < Ranks; ++i) {
      const Vec left = set1(a[row * a_pitch + i]);
#pragma GCC unroll 16
      for (int k = 0; k < Columns; ++k) {
        acc[i][k] = fma(left, right[k], acc[i][k]);
      }
    }
  }
#pragma GCC unroll 16
  for (int i = 0; i < Ranks; ++i) {
#pragma GCC unroll 16
    for (int k = 0; k < Columns; ++k) {
      store(out + i * pitch + k * kLanes, acc[i][k]);
    }
  }
}

// The same over all ranks and channels; pitches are those of the task.
inline void outer_rows(const SeedTask& task, const float* a, const float* b, std::int64_t rows, float* out) {
  constexpr int kWide = kOuterColumns;
  const std::int64_t pitch = task.channel_pitch;
  std::int64_t c = 0;
  for (; c + kWide * kLanes <= pitch; c += kWide * kLanes) {
    for (std::int32_t r = 0; r < task.rank_pitch; r += 4) {
      outer_rows_block<4, kWide>(a + r, task.rank_pitch, b + c, pitch, rows, out + r * pitch + c);
    }
  }
  for (; c < pitch; c += kLanes) {
    std::int32_t r = 0;
    for (; r + 8 <= task.rank_pitch; r += 8) {
      outer_rows_block<8, 1>(a + r, task.rank_pitch, b + c, pitch, rows, out + r * pitch + c);
    }
    for (; r < task.rank_pitch; r += 4) {
      outer_rows_block<4, 1>(a + r, task.rank_pitch, b + c, pitch, rows, out + r * pitch + c);
    }
  }
}

// Adds sum_row f(row, c) to out[c] for every vector of channels.
template <typename Term>
inline void add_columns(const SeedTask& task, std::int64_t rows, float* out, const Term& term) {
  for (std::int32_t c = 0; c < task.channel_pitch; c += kLanes) {
    Vec total = load(out + c);
    for (std::int64_t row = 0; row < rows; ++row) {
      total = term(row, c, total);
    }
    store(out + c, total);
  }
}

// Adds the rank arrays of all rows to out, as far apart as a vector or a row is long, whichever is more.
template <typename Term>
inline void add_ranks(const SeedTask& task, std::int64_t rows, float* out, const Term& term) {
  const std::int64_t width = task.rank_pitch < kLanes ? kLanes : task.rank_pitch;
  for (std::int64_t at = 0; at < rows * task.rank_pitch; at += width) {
    for (std::int64_t j = 0; j < width; j += kLanes) {
      store(out + j, load(out + j) + term(at + j));
    }
  }
}

// Hidden values with their slopes, and g(x) where it is needed.
inline void recompute_rows(const SeedTask& task, std::int64_t rows, const RowsScratch& s) {
  const std::int64_t pitch = task.channel_pitch;
  const std::int64_t used = rows * task.rank_pitch;
  if (task.family != ESPER_FAMILY_AFFINE) {
    contract(task.packed.down, task.rank_pitch, task.packed.input_bias, s.x, pitch, task.channels, rows, s.hidden);
    if (task.activation >= 0) {
      activate_panel(task.activation, s.hidden, s.slope, (used + kLanes - 1) / kLanes * kLanes);
      if (rows < kRowsAhead) {
        std::memset(s.slope + used, 0, static_cast<std::size_t>(kRowsAhead * task.rank_pitch - used) * sizeof(float));
      }
    }
  }
  if (task.want_module) {
    float* out = s.module;
    module_rows(task, s.x, pitch, s.hidden, rows,
                [=](std::int64_t row, std::int32_t c, Lanes, Vec g) { store(out + row * pitch + c, g); });
  }
}

// Gate values, the gradient du of the gate's argument, and their sums.
inline void gate_gradient_rows(const SeedTask& task, std::int64_t rows, const RowsScratch& s, double* statistics) {
  const std::int64_t pitch = task.channel_pitch;
  gate_rows(task, s.x, pitch, rows, s.gate);
  for (std::int64_t row = 0; row < rows; ++row) {
    Vec dot = set1(0.0F);
    for (std::int32_t c = 0; c < pitch; c += kLanes) {
      dot = fma(load(s.dy + row * pitch + c), load(s.module + row * pitch + c), dot);
    }
    const float weighted = s.gate[row] * sum(dot);
    s.du[row] = task.alpha * (1.0F - s.gate[row]) * weighted;
    statistics[kGateAlpha] += static_cast<double>(weighted);
    statistics[kGateBias] += static_cast<double>(s.du[row]);
  }
}

// The rows e of which the module's gradients are made, up to the factor task.weight.
inline const float* error_rows(const SeedTask& task, std::int64_t rows, const RowsScratch& s) {
  if (task.kind == WeightKind::kUniform && task.kappa == 0.0F) {
    return s.dy;
  }
  const std::int64_t pitch = task.channel_pitch;
  for (std::int64_t row = 0; row < rows; ++row) {
    const Vec gate = set1(task.kind == WeightKind::kGated ? task.alpha * s.gate[row] : 0.0F);
    for (std::int64_t c = 0; c < pitch; c += kLanes) {
      const std::int64_t at = row * pitch + c;
      const Vec d = load(s.dy + at);
      if (task.kind == WeightKind::kUniform) {
        store(s.error + at, fma(set1(task.kappa), load(s.module + at), d));
      } else if (task.kind == WeightKind::kChannel) {
        store(s.error + at, load(task.packed.weight + c) * d);
      } else {
        store(s.error + at, gate * d);
      }
    }
  }
  return s.error;
}

inline void add_statistics_rows(const SeedTask& task, std::int64_t rows, const RowsScratch& s, double* statistics) {
  Vec total[6];
  for (Vec& value : total) {
    value = set1(0.0F);
  }
  for (std::int64_t at = 0; at < rows * task.channel_pitch; at += kLanes) {
    const Vec a = load(s.x + at);
    const Vec g = load(s.module + at);
    const Vec d = load(s.dy + at);
    total[0] = total[0] + a;
    total[1] = total[1] + g;
    total[2] = fma(a, a, total[2]);
    total[3] = fma(g, g, total[3]);
    total[4] = fma(d, d, total[4]);
    total[5] = fma(d, g, total[5]);
  }
  statistics[kInputSum] += static_cast<double>(sum(total[0]));
  statistics[kModuleSum] += static_cast<double>(sum(total[1]));
  statistics[kInputSquare] += static_cast<double>(sum(total[2]));
  statistics[kModuleSquare] += static_cast<double>(sum(total[3]));
  statistics[kGradientSquare] += static_cast<double>(sum(total[4]));
  statistics[kGradientModule] += static_cast<double>(sum(total[5]));
}

// dpre[row][r] = weight * act'(pre) * sum_c output_weight[c][r] e[row][c]; behind the last row the
// slopes are 0, and with them dpre where anything adds it up.
inline void hidden_gradient_rows(const SeedTask& task, const float* error, std::int64_t rows, const RowsScratch& s) {
  contract(task.packed.up, task.rank_pitch, nullptr, error, task.channel_pitch, task.channels, rows, s.dpre);
  const std::int64_t used = rows * task.rank_pitch;
  const Vec weight = set1(task.weight);
  for (std::int64_t i = 0; i < used; i += kLanes) {
    const Vec scaled = weight * load(s.dpre + i);
    store(s.dpre + i, task.activation >= 0 ? scaled * load(s.slope + i) : scaled);
  }
}

inline void add_parameter_sums_rows(const SeedTask& task, const float* error, std::int64_t rows, const RowsScratch& s,
                                    float* partial) {
  const std::int64_t pitch = task.channel_pitch;
  const PartialLayout& at = task.partial;
  const float* x = s.x;
  if (task.family == ESPER_FAMILY_AFFINE) {
    add_columns(task, rows, partial + at.error_product, [=](std::int64_t row, std::int32_t c, Vec total) {
      return fma(load(error + row * pitch + c), load(x + row * pitch + c), total);
    });
  } else {
    outer_rows(task, s.dpre, s.x, rows, partial + at.input_product);
    outer_rows(task, s.hidden, error, rows, partial + at.output_product);
    if (task.input_bias != nullptr) {
      const float* dpre = s.dpre;
      add_ranks(task, rows, partial + at.input_sum, [=](std::int64_t i) { return load(dpre + i); });
    }
  }
  if (task.output_bias != nullptr) {
    add_columns(task, rows, partial + at.error_sum,
                [=](std::int64_t row, std::int32_t c, Vec total) { return total + load(error + row * pitch + c); });
  }
  if (task.kind == WeightKind::kGated) {
    const float* du = s.du;
    add_columns(task, rows, partial + at.gate_product, [=](std::int64_t row, std::int32_t c, Vec total) {
      return fma(set1(du[row]), load(x + row * pitch + c), total);
    });
  }
}

// dx = dy + (gradient through the module) + (gradient through the gate).
template <bool Streaming>
inline void input_gradient_rows(const SeedTask& task, const float* error, std::int64_t rows, const RowsScratch& s,
                                float* dx, std::int64_t stride) {
  const std::int64_t pitch = task.channel_pitch;
  const bool gated = task.kind == WeightKind::kGated;
  const auto finish = [=, &task, &s](std::int64_t row, std::int32_t c, Lanes lanes, Vec through_module) {
    Vec value = load(s.dy + row * pitch + c) + through_module;
    if (gated) {
      value = fma(load(task.packed.gate + c), set1(s.du[row]), value);
    }
    store_lanes<Streaming>(dx + row * stride + c, lanes, value);
  };
  if (task.family != ESPER_FAMILY_AFFINE) {
    expand(task, task.packed.down_rows, nullptr, s.dpre, rows, finish);
    return;
  }
  for (std::int64_t row = 0; row < rows; ++row) {
    for (std::int32_t c = 0; c < task.channels; c += kLanes) {
      const Lanes lanes{c + kLanes <= task.channels ? 0 : task.channels - c};
      const Vec slope = load(task.packed.scale + c) * set1(task.weight);
      finish(row, c, lanes, slope * load(error + row * pitch + c));
    }
  }
}

template <bool Streaming>
inline void rows_block_backward(const BackwardCall& call, std::int64_t rows, const RowsScratch& s, float* dx) {
  const SeedTask& task = *call.task;
  const std::int64_t pitch = task.channel_pitch;
  recompute_rows(task, rows, s);
  if (task.kind == WeightKind::kGated) {
    gate_gradient_rows(task, rows, s, call.statistics);
  }
  if (task.want_statistics) {
    add_statistics_rows(task, rows, s, call.statistics);
  }
  if (task.want_hidden_slope) {
    const float* slope = s.slope;
    add_ranks(task, rows, call.partial + task.partial.hidden_slope,
              [=](std::int64_t i) { return abs(load(slope + i)); });
  }
  if (task.want_module_product) {
    add_columns(task, rows, call.partial + task.partial.module_product,
                [=](std::int64_t row, std::int32_t c, Vec total) {
                  return fma(load(s.dy + row * pitch + c), load(s.module + row * pitch + c), total);
                });
  }
  if (!task.want_theta && !task.want_dx) {
    return;
  }
  const float* error = error_rows(task, rows, s);
  if (task.family != ESPER_FAMILY_AFFINE) {
    hidden_gradient_rows(task, error, rows, s);
  }
  if (task.want_theta) {
    add_parameter_sums_rows(task, error, rows, s, call.partial);
  }
  if (task.want_dx) {
    input_gradient_rows<Streaming>(task, error, rows, s, dx, call.chunk.position_stride);
  }
}

template <bool Streaming>
inline void rows_backward(const BackwardCall& call) {
  const SeedTask& task = *call.task;
  const std::int64_t stride = call.chunk.position_stride;
  const RowsScratch s = carve_rows(task, call.scratch);
  for (std::int64_t start = 0; start < call.chunk.positions; start += kRowsAhead) {
    const std::int64_t left = call.chunk.positions - start;
    const std::int64_t rows = left < kRowsAhead ? left : kRowsAhead;
    gather_rows(call.x + start * stride, stride, task.channels, task.channel_pitch, rows, s.x);
    gather_rows(call.dy + start * stride, stride, task.channels, task.channel_pitch, rows, s.dy);
    rows_block_backward<Streaming>(call, rows, s, task.want_dx ? call.dx + start * stride : nullptr);
  }
}
