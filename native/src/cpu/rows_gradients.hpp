// Steps of the backward pass over one block of rows; see rows_body.hpp. Included inside the instruction set's own
// anonymous namespace.

// Scratch of one block of rows. x and dy lie in panels whose rows are pitch floats apart; the other channel arrays are
// [row][channel_pitch], rank arrays in the task's order.
struct RowsScratch {
  float* x;
  float* dy;
  std::int64_t pitch;
  float* module;  // g(x)
  float* error;   // w dy where w varies, dy + kappa g in Training
  float* hidden;  // activated
  float* slope;   // act'
  float* dpre;    // gradient before the activation
  float* gate;    // [row] sigmoid(u)
  float* du;      // [row] gradient of u
};

// x and dy of the task in their panels, and what else it needs from *base on, which advances.
inline RowsScratch carve_rows(const SeedTask& task, float* x, float* dy, std::int64_t pitch, float** base) {
  const std::int64_t channels = kBlockRows * task.channel_pitch;
  const std::int64_t ranks = kBlockRows * task.rank_pitch;
  RowsScratch s;
  s.x = x;
  s.dy = dy;
  s.pitch = pitch;
  s.module = *base;
  s.error = s.module + channels;
  s.hidden = s.error + channels;
  s.slope = s.hidden + ranks;
  s.dpre = s.slope + ranks;
  s.gate = s.dpre + ranks;
  s.du = s.gate + kBlockRows;
  *base = s.du + kBlockRows;
  return s;
}

// Rows of channels somewhere.
struct RowsView {
  const float* data;
  std::int64_t pitch;
};

// Adds sum_row a[row][i] b[row][c] to out[i][c] for Ranks rows of out and Columns vectors of channels.
template <int Ranks, int Columns, typename Order>
inline void outer_rows_block(const float* a, Order order, RowsView b, std::int64_t rows, float* out,
                             std::int64_t pitch) {
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
      right[k] = load(b.data + row * b.pitch + k * kLanes);
    }
#pragma GCC unroll 16
    for (int i = 0; i < Ranks; ++i) {
      const Vec left = set1(a[row * order.row_step() + i * order.rank_step()]);
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
inline void outer_rows(const SeedTask& task, const float* a, RowsView b, std::int64_t rows, float* out,
                       AheadPair& ahead) {
  with_order(task, [&](auto order) {
    constexpr int kWide = kOuterColumns;
    const std::int64_t pitch = task.channel_pitch;
    std::int64_t c = 0;
    for (; c + kWide * kLanes <= pitch; c += kWide * kLanes) {
      for (std::int32_t r = 0; r < task.rank_pitch; r += 4) {
        ahead.step();
        outer_rows_block<4, kWide>(a + r * order.rank_step(), order, {b.data + c, b.pitch}, rows, out + r * pitch + c,
                                   pitch);
      }
    }
    for (; c < pitch; c += kLanes) {
      std::int32_t r = 0;
      for (; r + 8 <= task.rank_pitch; r += 8) {
        outer_rows_block<8, 1>(a + r * order.rank_step(), order, {b.data + c, b.pitch}, rows, out + r * pitch + c,
                               pitch);
      }
      for (; r < task.rank_pitch; r += 4) {
        outer_rows_block<4, 1>(a + r * order.rank_step(), order, {b.data + c, b.pitch}, rows, out + r * pitch + c,
                               pitch);
      }
    }
  });
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

// Adds the rank arrays of all rows to out: each rank in a vector of its own where rows are the lanes, else as far apart
// as a vector or a row is long, whichever is more.
template <typename Term>
inline void add_ranks(const SeedTask& task, std::int64_t rows, float* out, const Term& term) {
  if (task.rows_in_lanes) {
    for (std::int64_t at = 0; at < kBlockRows * task.rank_pitch; at += kLanes) {
      store(out + at, load(out + at) + term(at));
    }
    return;
  }
  const std::int64_t width = task.rank_pitch < kLanes ? kLanes : task.rank_pitch;
  for (std::int64_t at = 0; at < rows * task.rank_pitch; at += width) {
    for (std::int64_t j = 0; j < width; j += kLanes) {
      store(out + j, load(out + j) + term(at + j));
    }
  }
}

// Zeroes the hidden values behind the last row of a block.
inline void clear_rows(const SeedTask& task, std::int64_t rows, float* values) {
  if (rows == kBlockRows) {
    return;
  }
  if (!task.rows_in_lanes) {
    const std::int64_t used = rows * task.rank_pitch;
    std::memset(values + used, 0, static_cast<std::size_t>(kBlockRows * task.rank_pitch - used) * sizeof(float));
    return;
  }
  for (std::int32_t r = 0; r < task.rank_pitch; ++r) {
    std::memset(values + r * kBlockRows + rows, 0, static_cast<std::size_t>(kBlockRows - rows) * sizeof(float));
  }
}

// Hidden values with their slopes, and g(x) where it is needed.
inline void recompute_rows(const SeedTask& task, std::int64_t rows, const RowsScratch& s) {
  const std::int64_t pitch = task.channel_pitch;
  if (task.family != ESPER_FAMILY_AFFINE) {
    contract(task, task.packed.down, task.packed.input_bias, s.x, s.pitch, rows, s.hidden);
    if (task.activation >= 0) {
      activate_panel(task.activation, s.hidden, s.slope, hidden_count(task, rows));
      clear_rows(task, rows, s.slope);
    }
  }
  if (task.want_module) {
    float* out = s.module;
    module_rows(task, s.x, s.pitch, s.hidden, rows,
                [=](std::int64_t row, std::int32_t c, Lanes, Vec g) { store(out + row * pitch + c, g); });
  }
}

// Gate values, the gradient du of the gate's argument, and their sums.
inline void gate_gradient_rows(const SeedTask& task, std::int64_t rows, const RowsScratch& s, double* statistics) {
  const std::int64_t pitch = task.channel_pitch;
  gate_rows(task, s.x, s.pitch, rows, s.gate);
  for (std::int64_t row = 0; row < rows; ++row) {
    Vec dot = set1(0.0F);
    for (std::int32_t c = 0; c < pitch; c += kLanes) {
      dot = fma(load(s.dy + row * s.pitch + c), load(s.module + row * pitch + c), dot);
    }
    const float weighted = s.gate[row] * sum(dot);
    s.du[row] = task.alpha * (1.0F - s.gate[row]) * weighted;
    statistics[kGateAlpha] += static_cast<double>(weighted);
    statistics[kGateBias] += static_cast<double>(s.du[row]);
  }
}

// The rows e of which the module's gradients are made, up to the factor task.weight.
inline RowsView error_view(const SeedTask& task, const RowsScratch& s) {
  return task.kind == WeightKind::kUniform && task.kappa == 0.0F ? RowsView{s.dy, s.pitch}
                                                                 : RowsView{s.error, task.channel_pitch};
}

inline void compute_errors(const SeedTask& task, std::int64_t rows, const RowsScratch& s) {
  if (task.kind == WeightKind::kUniform && task.kappa == 0.0F) {
    return;
  }
  const std::int64_t pitch = task.channel_pitch;
  for (std::int64_t row = 0; row < rows; ++row) {
    const Vec gate = set1(task.kind == WeightKind::kGated ? task.alpha * s.gate[row] : 0.0F);
    for (std::int64_t c = 0; c < pitch; c += kLanes) {
      const std::int64_t at = row * pitch + c;
      const Vec d = load(s.dy + row * s.pitch + c);
      if (task.kind == WeightKind::kUniform) {
        store(s.error + at, fma(set1(task.kappa), load(s.module + at), d));
      } else if (task.kind == WeightKind::kChannel) {
        store(s.error + at, load(task.packed.weight + c) * d);
      } else {
        store(s.error + at, gate * d);
      }
    }
  }
}

inline void add_statistics_rows(const SeedTask& task, std::int64_t rows, const RowsScratch& s, double* statistics) {
  Vec total[6];
  for (Vec& value : total) {
    value = set1(0.0F);
  }
  for (std::int64_t row = 0; row < rows; ++row) {
    for (std::int64_t c = 0; c < task.channel_pitch; c += kLanes) {
      const Vec a = load(s.x + row * s.pitch + c);
      const Vec g = load(s.module + row * task.channel_pitch + c);
      const Vec d = load(s.dy + row * s.pitch + c);
      total[0] = total[0] + a;
      total[1] = total[1] + g;
      total[2] = fma(a, a, total[2]);
      total[3] = fma(g, g, total[3]);
      total[4] = fma(d, d, total[4]);
      total[5] = fma(d, g, total[5]);
    }
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
inline void hidden_gradient_rows(const SeedTask& task, RowsView error, std::int64_t rows, const RowsScratch& s) {
  contract(task, task.packed.up, nullptr, error.data, error.pitch, rows, s.dpre);
  const std::int64_t used = hidden_count(task, rows);
  const Vec weight = set1(task.weight);
  for (std::int64_t i = 0; i < used; i += kLanes) {
    const Vec scaled = weight * load(s.dpre + i);
    store(s.dpre + i, task.activation >= 0 ? scaled * load(s.slope + i) : scaled);
  }
  if (task.activation < 0 && task.rows_in_lanes) {
    clear_rows(task, rows, s.dpre);
  }
}

inline void add_parameter_sums_rows(const SeedTask& task, RowsView error, std::int64_t rows, const RowsScratch& s,
                                    float* partial, AheadPair& ahead) {
  const PartialLayout& at = task.partial;
  const RowsView x{s.x, s.pitch};
  if (task.family == ESPER_FAMILY_AFFINE) {
    add_columns(task, rows, partial + at.error_product, [=](std::int64_t row, std::int32_t c, Vec total) {
      return fma(load(error.data + row * error.pitch + c), load(x.data + row * x.pitch + c), total);
    });
  } else {
    outer_rows(task, s.dpre, x, rows, partial + at.input_product, ahead);
    outer_rows(task, s.hidden, error, rows, partial + at.output_product, ahead);
    if (task.input_bias != nullptr) {
      const float* dpre = s.dpre;
      add_ranks(task, rows, partial + at.input_sum, [=](std::int64_t i) { return load(dpre + i); });
    }
  }
  if (task.output_bias != nullptr) {
    add_columns(task, rows, partial + at.error_sum, [=](std::int64_t row, std::int32_t c, Vec total) {
      return total + load(error.data + row * error.pitch + c);
    });
  }
  if (task.kind == WeightKind::kGated) {
    const float* du = s.du;
    add_columns(task, rows, partial + at.gate_product, [=](std::int64_t row, std::int32_t c, Vec total) {
      return fma(set1(du[row]), load(x.data + row * x.pitch + c), total);
    });
  }
}

// dx = dy + (gradient through the module) + (gradient through the gate).
template <bool Streaming>
inline void input_gradient_rows(const SeedTask& task, RowsView error, std::int64_t rows, const RowsScratch& s,
                                float* dx, std::int64_t stride) {
  const bool gated = task.kind == WeightKind::kGated;
  const auto finish = [=, &task, &s](std::int64_t row, std::int32_t c, Lanes lanes, Vec through_module) {
    Vec value = load(s.dy + row * s.pitch + c) + through_module;
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
      finish(row, c, lanes, slope * load(error.data + row * error.pitch + c));
    }
  }
}

// dx, and with Theta dW1, dW2 and the sum of e, of one vector of channels in one go over the rows, for narrow ranks.
template <int Ranks, bool Theta, bool Streaming>
inline void narrow_column(const SeedTask& task, RowsView error, std::int64_t rows, const RowsScratch& s, std::int32_t c,
                          float* partial, float* dx, std::int64_t stride) {
  const std::int64_t pitch = task.channel_pitch;
  float* input_product = partial + task.partial.input_product + c;
  float* output_product = partial + task.partial.output_product + c;
  Vec input[Ranks];
  Vec output[Ranks];
  Vec weights[Ranks];
#pragma GCC unroll 16
  for (int r = 0; r < Ranks; ++r) {
    input[r] = Theta ? load(input_product + r * pitch) : set1(0.0F);
    output[r] = Theta ? load(output_product + r * pitch) : set1(0.0F);
    weights[r] = load(task.packed.down_rows + r * pitch + c);
  }
  float* error_sum = partial + task.partial.error_sum + c;
  Vec errors = Theta && task.output_bias != nullptr ? load(error_sum) : set1(0.0F);
  for (std::int64_t row = 0; row < rows; ++row) {
    const Vec x = load(s.x + row * s.pitch + c);
    const Vec e = load(error.data + row * error.pitch + c);
    Vec value = set1(0.0F);
    errors = errors + e;
#pragma GCC unroll 16
    for (int r = 0; r < Ranks; ++r) {
      const Vec d = set1(s.dpre[r * kBlockRows + row]);
      value = fma(d, weights[r], value);
      if constexpr (Theta) {
        input[r] = fma(d, x, input[r]);
        output[r] = fma(set1(s.hidden[r * kBlockRows + row]), e, output[r]);
      }
    }
    if (dx != nullptr) {
      put<Streaming>(dx + row * stride + c, load(s.dy + row * s.pitch + c) + value);
    }
  }
  if constexpr (Theta) {
#pragma GCC unroll 16
    for (int r = 0; r < Ranks; ++r) {
      store(input_product + r * pitch, input[r]);
      store(output_product + r * pitch, output[r]);
    }
    if (task.output_bias != nullptr) {
      store(error_sum, errors);
    }
  }
}

// As add_parameter_sums_rows and input_gradient_rows together.
template <int Ranks, bool Streaming>
inline void narrow_gradients(const SeedTask& task, RowsView error, std::int64_t rows, const RowsScratch& s,
                             float* partial, float* dx, std::int64_t stride) {
  for (std::int32_t c = 0; c < task.channels; c += kLanes) {
    if (task.want_theta) {
      narrow_column<Ranks, true, Streaming>(task, error, rows, s, c, partial, dx, stride);
    } else {
      narrow_column<Ranks, false, Streaming>(task, error, rows, s, c, partial, dx, stride);
    }
  }
  if (task.want_theta && task.input_bias != nullptr) {
    const float* dpre = s.dpre;
    add_ranks(task, rows, partial + task.partial.input_sum, [=](std::int64_t i) { return load(dpre + i); });
  }
}
