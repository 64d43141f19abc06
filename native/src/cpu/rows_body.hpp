// Passes over rows of channels (token sequences, channels-last images) as they lie in memory: the lanes of a vector are
// ranks or channels, never positions. Included inside the instruction set's own anonymous namespace.

constexpr std::int64_t kRowsAhead = 16;  // Rows of a block; the next block is asked for while this one is worked on.

// out[row][j] = bias[j] + sum_c weights[c][j] x[row][c] for Rows rows and the ranks j to j + kLanes - 1.
template <int Rows>
inline void contract_block(const float* weights, std::int64_t pitch, const float* bias, const float* x,
                           std::int64_t stride, std::int32_t channels, float* out) {
  Vec acc[Rows];
#pragma GCC unroll 16
  for (int i = 0; i < Rows; ++i) {
    acc[i] = bias == nullptr ? set1(0.0F) : load(bias);
  }
  for (std::int32_t c = 0; c < channels; ++c) {
    const Vec w = load(weights + c * pitch);
#pragma GCC unroll 16
    for (int i = 0; i < Rows; ++i) {
      acc[i] = fma(set1(x[i * stride + c]), w, acc[i]);
    }
  }
#pragma GCC unroll 16
  for (int i = 0; i < Rows; ++i) {
    store(out + i * pitch, acc[i]);
  }
}

// As contract for pitches of 4 and 8, on instruction sets with kPacksRows.
template <int Ranks>
void contract_packed(const float* weights, const float* bias, const float* x, std::int64_t stride,
                     std::int32_t channels, std::int64_t rows, float* out);

// out[row][j] = bias[j] + sum_c weights[c][j] x[row][c]; weights [channels][pitch], out [rows][pitch] with room for
// rows rounded up to 16.
template <bool Packs = kPacksRows>
inline void contract(const float* weights, std::int32_t pitch, const float* bias, const float* x, std::int64_t stride,
                     std::int32_t channels, std::int64_t rows, float* out) {
  if constexpr (Packs) {
    if (pitch == 4) {
      return contract_packed<4>(weights, bias, x, stride, channels, rows, out);
    }
    if (pitch == 8) {
      return contract_packed<8>(weights, bias, x, stride, channels, rows, out);
    }
  }
  for (std::int32_t j = 0; j < pitch; j += kLanes) {
    const float* start = bias == nullptr ? nullptr : bias + j;
    std::int64_t i = 0;
    for (; i + 8 <= rows; i += 8) {
      contract_block<8>(weights + j, pitch, start, x + i * stride, stride, channels, out + i * pitch + j);
    }
    for (; i + 2 <= rows; i += 2) {
      contract_block<2>(weights + j, pitch, start, x + i * stride, stride, channels, out + i * pitch + j);
    }
    for (; i < rows; ++i) {
      contract_block<1>(weights + j, pitch, start, x + i * stride, stride, channels, out + i * pitch + j);
    }
  }
}

// Vectors of channels side by side: their number, and how many lanes of a last partial one are in use (0: all).
struct Lanes {
  int used;
};
inline Vec load_lanes(const float* p, Lanes lanes) {
  return lanes.used == 0 ? load(p) : load_part(p, lanes.used);
}
template <bool Streaming>
inline void store_lanes(float* p, Lanes lanes, Vec value) {
  if (lanes.used == 0) {
    put<Streaming>(p, value);
  } else {
    store_part(p, lanes.used, value);
  }
}

// bias[c] + sum_r hidden[row][r] weights[r][c] for a block of rows and channel vectors, handed to
// epilogue(row, c, lanes, value).
template <int Rows, int Columns, typename Epilogue>
inline void expand_block(const float* weights, std::int64_t pitch, const float* bias, const float* hidden,
                         std::int64_t hidden_pitch, std::int32_t depth, std::int64_t row, std::int32_t c, Lanes lanes,
                         const Epilogue& epilogue) {
  Vec acc[Rows][Columns];
#pragma GCC unroll 16
  for (int k = 0; k < Columns; ++k) {
    const Vec start = bias == nullptr ? set1(0.0F) : load(bias + c + k * kLanes);
#pragma GCC unroll 16
    for (int i = 0; i < Rows; ++i) {
      acc[i][k] = start;
    }
  }
  const float* w = weights + c;
  const float* h = hidden + row * hidden_pitch;
  for (std::int32_t r = 0; r < depth; ++r) {
    Vec column[Columns];
#pragma GCC unroll 16
    for (int k = 0; k < Columns; ++k) {
      column[k] = load(w + k * kLanes);
    }
#pragma GCC unroll 16
    for (int i = 0; i < Rows; ++i) {
      const Vec value = set1(h[i * hidden_pitch + r]);
#pragma GCC unroll 16
      for (int k = 0; k < Columns; ++k) {
        acc[i][k] = fma(value, column[k], acc[i][k]);
      }
    }
    w += pitch;
  }
#pragma GCC unroll 16
  for (int i = 0; i < Rows; ++i) {
#pragma GCC unroll 16
    for (int k = 0; k < Columns; ++k) {
      epilogue(row + i, c + k * kLanes, lanes, acc[i][k]);
    }
  }
}

// All rows of one block of channel vectors.
template <int Rows, int Columns, typename Epilogue>
inline void expand_columns(const SeedTask& task, const float* weights, const float* bias, const float* hidden,
                           std::int64_t rows, std::int32_t c, Lanes lanes, const Epilogue& epilogue) {
  std::int64_t row = 0;
  for (; row + Rows <= rows; row += Rows) {
    expand_block<Rows, Columns>(weights, task.channel_pitch, bias, hidden, task.rank_pitch, task.rank, row, c, lanes,
                                epilogue);
  }
  for (; row < rows; ++row) {
    expand_block<1, Columns>(weights, task.channel_pitch, bias, hidden, task.rank_pitch, task.rank, row, c, lanes,
                             epilogue);
  }
}

// bias + hidden . weights over all channels of the chunk.
template <typename Epilogue>
inline void expand(const SeedTask& task, const float* weights, const float* bias, const float* hidden,
                   std::int64_t rows, const Epilogue& epilogue) {
  constexpr int kWide = kOuterColumns;
  std::int32_t c = 0;
  for (; c + kWide * kLanes <= task.channels; c += kWide * kLanes) {
    expand_columns<4, kWide>(task, weights, bias, hidden, rows, c, {0}, epilogue);
  }
  for (; c + kLanes <= task.channels; c += kLanes) {
    expand_columns<8, 1>(task, weights, bias, hidden, rows, c, {0}, epilogue);
  }
  if (c < task.channels) {
    expand_columns<8, 1>(task, weights, bias, hidden, rows, c, {task.channels - c}, epilogue);
  }
}

// Calls epilogue(row, c, lanes, g) for every vector of g(x) of the rows.
template <typename Epilogue>
inline void module_rows(const SeedTask& task, const float* x, std::int64_t stride, const float* hidden,
                        std::int64_t rows, const Epilogue& epilogue) {
  if (task.family != ESPER_FAMILY_AFFINE) {
    expand(task, task.packed.up_rows, task.packed.output_bias, hidden, rows, epilogue);
    return;
  }
  for (std::int64_t row = 0; row < rows; ++row) {
    for (std::int32_t c = 0; c < task.channels; c += kLanes) {
      const Lanes lanes{c + kLanes <= task.channels ? 0 : task.channels - c};
      epilogue(
          row, c, lanes,
          fma(load(task.packed.scale + c), load_lanes(x + row * stride + c, lanes), load(task.packed.output_bias + c)));
    }
  }
}

// gate[row] = sigmoid(q . x[row] + p)
inline void gate_rows(const SeedTask& task, const float* x, std::int64_t stride, std::int64_t rows, float* gate) {
  for (std::int64_t row = 0; row < rows; ++row) {
    Vec dot = set1(0.0F);
    for (std::int32_t c = 0; c < task.channels; c += kLanes) {
      const Lanes lanes{c + kLanes <= task.channels ? 0 : task.channels - c};
      dot = fma(load(task.packed.gate + c), load_lanes(x + row * stride + c, lanes), dot);
    }
    gate[row] = sum(dot) + task.gate_bias;
  }
  for (std::int64_t row = 0; row < (rows + kLanes - 1) / kLanes * kLanes; row += kLanes) {
    store(gate + row, sigmoid(load(gate + row)));
  }
}

// Copies rows of a chunk to out [rows][pitch], zeroes behind each row: rows of tensors are often a power of two apart
// and would push each other out of the first-level cache. Asks for the next block into the second level, which has
// room.
inline void gather_rows(const float* source, std::int64_t stride, std::int32_t channels, std::int64_t pitch,
                        std::int64_t rows, float* out) {
  const std::int32_t whole = channels / kLanes * kLanes;
  for (std::int64_t row = 0; row < rows; ++row) {
    const float* from = source + row * stride;
    float* to = out + row * pitch;
    for (std::int32_t c = 0; c < whole; c += kLanes) {
      __builtin_prefetch(from + c + kRowsAhead * stride, 0, 2);
      store(to + c, load(from + c));
    }
    if (whole < channels) {
      store(to + whole, load_part(from + whole, channels - whole));
    }
  }
}

template <WeightKind Kind, bool Streaming>
inline void rows_blend(const ForwardCall& call, const float* x, float* y, std::int64_t rows, const float* hidden,
                       const float* gate) {
  const SeedTask& task = *call.task;
  const std::int64_t stride = call.chunk.position_stride;
  const std::int64_t pitch = task.channel_pitch;
  const float* weight = task.packed.weight;
  module_rows(task, x, pitch, hidden, rows, [=, &task](std::int64_t row, std::int32_t c, Lanes lanes, Vec g) {
    const Vec h = load(x + row * pitch + c);
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

template <bool Streaming>
inline void rows_forward(const ForwardCall& call) {
  const SeedTask& task = *call.task;
  const std::int64_t stride = call.chunk.position_stride;
  const std::int64_t pitch = task.channel_pitch;
  float* x = call.scratch;
  float* hidden = x + kRowsAhead * pitch;
  float* gate = hidden + kRowsAhead * task.rank_pitch;
  for (std::int64_t start = 0; start < call.chunk.positions; start += kRowsAhead) {
    const std::int64_t left = call.chunk.positions - start;
    const std::int64_t rows = left < kRowsAhead ? left : kRowsAhead;
    gather_rows(call.x + start * stride, stride, task.channels, pitch, rows, x);
    float* y = call.y + start * stride;
    if (task.family != ESPER_FAMILY_AFFINE) {
      contract(task.packed.down, task.rank_pitch, task.packed.input_bias, x, pitch, task.channels, rows, hidden);
      if (task.activation >= 0) {
        // Room for rows rounded up to 16 makes this a whole number of vectors.
        activate_panel(task.activation, hidden, nullptr, (rows * task.rank_pitch + kLanes - 1) / kLanes * kLanes);
      }
    }
    if (task.kind == WeightKind::kGated) {
      gate_rows(task, x, pitch, rows, gate);
      rows_blend<WeightKind::kGated, Streaming>(call, x, y, rows, hidden, gate);
    } else if (task.kind == WeightKind::kChannel) {
      rows_blend<WeightKind::kChannel, Streaming>(call, x, y, rows, hidden, gate);
    } else {
      rows_blend<WeightKind::kUniform, Streaming>(call, x, y, rows, hidden, gate);
    }
  }
}
