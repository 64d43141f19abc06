// Passes over rows of channels (token sequences, channels-last images) as they lie in memory: the lanes of a vector are
// ranks or channels, never positions. Included inside the instruction set's own anonymous namespace.

constexpr std::int64_t kBlockRows = 16;  // Rows of a block.

inline AheadPair ahead_of(const float* x, const float* dy, std::int64_t stride, std::int32_t channels,
                          std::int64_t rows, std::int32_t steps) {
  AheadPair pair;
  pair.x = {x + kRowsOfRun * stride, stride, channels, rows, 0};
  if (dy != nullptr) {
    pair.dy = {dy + kRowsOfRun * stride, stride, channels, rows, 0};
  }
  pair.lines = ((channels + 15) / 16 * rows + steps - 1) / steps;
  return pair;
}

// Where the value of rank r for row i of a block lies: [row][pitch], lanes are ranks.
struct RowMajor {
  std::int64_t pitch;
  std::int64_t row_step() const { return pitch; }
  static constexpr std::int64_t rank_step() { return 1; }
};

// The same for narrow ranks: [rank][kBlockRows], lanes are rows.
struct RankMajor {
  static constexpr std::int64_t row_step() { return 1; }
  static constexpr std::int64_t rank_step() { return kBlockRows; }
};

// Calls body with the order of the task's hidden values.
template <bool Packs = kPacksRows, typename Body>
inline void with_order(const SeedTask& task, const Body& body) {
  if constexpr (Packs) {
    if (task.rows_in_lanes) {
      return body(RankMajor{});
    }
  }
  body(RowMajor{task.rank_pitch});
}

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

// out[j][row] = bias[j] + sum_c weights[c][j] x[row][c] for one block of up to kBlockRows rows, on instruction sets
// with kPacksRows; weights [channels][Ranks], channels a multiple of kLanes. Rows behind the last one repeat it.
template <int Ranks>
void contract_lanes(const float* weights, const float* bias, const float* x, std::int64_t stride, std::int32_t channels,
                    std::int64_t rows, float* out);

// bias + sum_c weights[c][j] x[row][c] for one block of rows in the task's order; weights [channels][rank_pitch], out
// with room for kBlockRows rows.
template <bool Packs = kPacksRows>
inline void contract(const SeedTask& task, const float* weights, const float* bias, const float* x, std::int64_t stride,
                     std::int64_t rows, float* out) {
  const std::int32_t pitch = task.rank_pitch;
  const std::int32_t channels = task.channels;
  if constexpr (Packs) {
    if (task.rows_in_lanes) {
      return pitch == 4 ? contract_lanes<4>(weights, bias, x, stride, channels, rows, out)
                        : contract_lanes<8>(weights, bias, x, stride, channels, rows, out);
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
template <int Rows, int Columns, typename Order, typename Epilogue>
inline void expand_block(const float* weights, std::int64_t pitch, const float* bias, const float* hidden, Order order,
                         std::int32_t depth, std::int64_t row, std::int32_t c, Lanes lanes, const Epilogue& epilogue) {
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
  const float* h = hidden + row * order.row_step();
  for (std::int32_t r = 0; r < depth; ++r) {
    Vec column[Columns];
#pragma GCC unroll 16
    for (int k = 0; k < Columns; ++k) {
      column[k] = load(w + k * kLanes);
    }
#pragma GCC unroll 16
    for (int i = 0; i < Rows; ++i) {
      const Vec value = set1(h[i * order.row_step() + r * order.rank_step()]);
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
template <int Rows, int Columns, typename Order, typename Epilogue>
inline void expand_columns(const SeedTask& task, const float* weights, const float* bias, const float* hidden,
                           Order order, std::int64_t rows, std::int32_t c, Lanes lanes, const Epilogue& epilogue) {
  std::int64_t row = 0;
  for (; row + Rows <= rows; row += Rows) {
    expand_block<Rows, Columns>(weights, task.channel_pitch, bias, hidden, order, task.rank, row, c, lanes, epilogue);
  }
  for (; row < rows; ++row) {
    expand_block<1, Columns>(weights, task.channel_pitch, bias, hidden, order, task.rank, row, c, lanes, epilogue);
  }
}

// bias + hidden . weights over all channels of the chunk.
template <typename Epilogue>
inline void expand(const SeedTask& task, const float* weights, const float* bias, const float* hidden,
                   std::int64_t rows, const Epilogue& epilogue) {
  with_order(task, [&](auto order) {
    constexpr int kWide = kOuterColumns;
    std::int32_t c = 0;
    for (; c + kWide * kLanes <= task.channels; c += kWide * kLanes) {
      expand_columns<4, kWide>(task, weights, bias, hidden, order, rows, c, {0}, epilogue);
    }
    for (; c + kLanes <= task.channels; c += kLanes) {
      expand_columns<8, 1>(task, weights, bias, hidden, order, rows, c, {0}, epilogue);
    }
    if (c < task.channels) {
      expand_columns<8, 1>(task, weights, bias, hidden, order, rows, c, {task.channels - c}, epilogue);
    }
  });
}

// Floats of a block's hidden values, whole vectors.
inline std::int64_t hidden_count(const SeedTask& task, std::int64_t rows) {
  const std::int64_t used = (task.rows_in_lanes ? kBlockRows : rows) * task.rank_pitch;
  return (used + kLanes - 1) / kLanes * kLanes;
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

// Copies rows to out [rows][pitch], zeroes behind each row: rows of tensors are often a power of two apart and would
// push each other out of the first-level cache.
inline void gather_rows(const float* source, std::int64_t stride, std::int32_t channels, std::int64_t pitch,
                        std::int64_t rows, float* out) {
  const std::int32_t whole = channels / kLanes * kLanes;
  for (std::int64_t row = 0; row < rows; ++row) {
    const float* from = source + row * stride;
    float* to = out + row * pitch;
    for (std::int32_t c = 0; c < whole; c += kLanes) {
      store(to + c, load(from + c));
    }
    if (whole < channels) {
      store(to + whole, load_part(from + whole, channels - whole));
    }
  }
}

// The way back.
template <bool Streaming>
inline void scatter_rows(const float* panel, std::int64_t pitch, std::int32_t channels, std::int64_t rows,
                         float* target, std::int64_t stride) {
  for (std::int64_t row = 0; row < rows; ++row) {
    const float* from = panel + row * pitch;
    float* to = target + row * stride;
    std::int32_t c = 0;
    for (; c + kLanes <= channels; c += kLanes) {
      put<Streaming>(to + c, load(from + c));
    }
    if (c < channels) {
      store_part(to + c, channels - c, load(from + c));
    }
  }
}

// Tasks whose chunks lie side by side, as one panel in scratch: a row of all chunks is read before the next, since
// single lines of rows that are a power of two apart meet in one place of the cache. Step by step for all tasks, so
// that the steps of one need not wait for each other.
struct RowsGroup {
  const SeedTask* tasks;
  std::int32_t count;
  std::int32_t channels;
  std::int64_t pitch;
};

inline RowsGroup make_group(const SeedTask* tasks, std::int32_t count) {
  const SeedTask& last = tasks[count - 1];
  const std::int32_t before = last.channel_begin - tasks->channel_begin;
  return {tasks, count, before + last.channels, before + last.channel_pitch};
}
