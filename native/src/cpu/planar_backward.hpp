// Backward pass of one seed over a run of positions of planes (NCHW). Included inside the instruction set's own
// anonymous namespace.

// Copies valid positions of every channel to rows that are positions apart, and asks for the tile after them into the
// second-level cache. Rows of images are often a power of two apart and would push each other out of the first level.
inline void gather_rows_of_image(const float* source, std::int64_t leading, std::int64_t ahead, std::int32_t channels,
                                 std::int64_t valid, std::int64_t positions, float* panel) {
  constexpr std::int64_t kLine = 16;
  for (std::int32_t c = 0; c < channels; ++c) {
    const float* from = source + c * leading;
    float* to = panel + c * positions;
    std::int64_t t = 0;
    for (; t + kLine <= valid; t += kLine) {
      __builtin_prefetch(from + ahead + t, 0, 2);
      for (std::int64_t k = 0; k < kLine; k += kLanes) {
        store(to + t + k, load(from + t + k));
      }
    }
    for (; t < valid; ++t) {
      to[t] = from[t];
    }
  }
}

// The same for a whole tile, zeroes behind it.
inline void gather_plane(const float* source, std::int64_t leading, std::int64_t ahead, std::int32_t channels,
                         std::int64_t valid, std::int64_t positions, float* panel) {
  gather_rows_of_image(source, leading, ahead, channels, valid, positions, panel);
  clear_tail(panel, channels, valid, positions);
}

// Whether fused_tile serves the task: nothing but the gradients is wanted, and a block's hidden values and their
// gradients fit into registers.
inline bool is_fused_backward(const SeedTask& task) {
  return task.family != ESPER_FAMILY_AFFINE && task.kind == WeightKind::kUniform && !task.want_module &&
         !task.want_hidden_slope && task.rank_pitch <= kFusedBackwardRank;
}

// Where a block of positions is read and written.
struct PlanarBlock {
  const float* x;
  const float* dy;
  std::int64_t leading;
  float* dx;  // nullptr: not wanted.
  std::int64_t dx_leading;
};

// One block: copies x and dy to the panels at position t, leaves the hidden values and the gradients before the
// activation there too, and writes dx.
template <int Ranks, int Vectors, bool Streaming>
inline void fused_block(const SeedTask& task, PlanarBlock b, const BackwardScratch& s, std::int64_t t) {
  // Vector stores may alias anything, so what the loops need lies in locals.
  const float* down_weights = task.packed.down;
  const float* up_weights = task.packed.up;
  const float* input_bias = task.packed.input_bias;
  const std::int32_t channels = task.channels;
  const float weight = task.weight;
  const std::int64_t positions = task.tile;
  const std::int64_t leading = b.leading;
  const float* x_rows = b.x;
  const float* dy_rows = b.dy;
  float* x_panel = s.x + t;
  float* dy_panel = s.dy + t;
  Vec hidden[Ranks][Vectors];
  Vec gradient[Ranks][Vectors];
#pragma GCC unroll 16
  for (int r = 0; r < Ranks; ++r) {
#pragma GCC unroll 16
    for (int v = 0; v < Vectors; ++v) {
      hidden[r][v] = set1(input_bias[r]);
      gradient[r][v] = set1(0.0F);
    }
  }
  for (std::int32_t c = 0; c < channels; ++c) {
    Vec x[Vectors];
    Vec dy[Vectors];
#pragma GCC unroll 16
    for (int v = 0; v < Vectors; ++v) {
      x[v] = load(x_rows + c * leading + v * kLanes);
      dy[v] = load(dy_rows + c * leading + v * kLanes);
      store(x_panel + c * positions + v * kLanes, x[v]);
      store(dy_panel + c * positions + v * kLanes, dy[v]);
    }
#pragma GCC unroll 16
    for (int r = 0; r < Ranks; ++r) {
      const Vec down = set1(down_weights[c * Ranks + r]);
      const Vec up = set1(up_weights[c * Ranks + r]);
#pragma GCC unroll 16
      for (int v = 0; v < Vectors; ++v) {
        hidden[r][v] = fma(down, x[v], hidden[r][v]);
        gradient[r][v] = fma(up, dy[v], gradient[r][v]);
      }
    }
  }
#pragma GCC unroll 16
  for (int r = 0; r < Ranks; ++r) {
#pragma GCC unroll 16
    for (int v = 0; v < Vectors; ++v) {
      gradient[r][v] = set1(weight) * gradient[r][v];
    }
  }
  activate_block<Ranks * Vectors>(task.activation, &hidden[0][0], &gradient[0][0]);
#pragma GCC unroll 16
  for (int r = 0; r < Ranks; ++r) {
#pragma GCC unroll 16
    for (int v = 0; v < Vectors; ++v) {
      store(s.hidden + r * positions + t + v * kLanes, hidden[r][v]);
      store(s.dpre + r * positions + t + v * kLanes, gradient[r][v]);
    }
  }
  float* dx = b.dx;
  if (dx == nullptr) {
    return;
  }
  const std::int64_t dx_leading = b.dx_leading;
  for (std::int32_t c = 0; c < channels; ++c) {
    Vec value[Vectors];
#pragma GCC unroll 16
    for (int v = 0; v < Vectors; ++v) {
      value[v] = set1(0.0F);
    }
#pragma GCC unroll 16
    for (int r = 0; r < Ranks; ++r) {
      const Vec down = set1(down_weights[c * Ranks + r]);
#pragma GCC unroll 16
      for (int v = 0; v < Vectors; ++v) {
        value[v] = fma(down, gradient[r][v], value[v]);
      }
    }
#pragma GCC unroll 16
    for (int v = 0; v < Vectors; ++v) {
      put<Streaming>(dx + c * dx_leading + v * kLanes, load(dy_panel + c * positions + v * kLanes) + value[v]);
    }
  }
}

// Vectors of positions of a block.
template <int Ranks>
constexpr int kFusedVectors = kFusedBackwardVectors / Ranks > 0 ? kFusedBackwardVectors / Ranks : 1;

// Whole blocks of Vectors vectors from position *done of the span on, as many as it has; b goes with it.
template <int Ranks, int Vectors, bool Streaming>
inline void fused_blocks(const SeedTask& task, std::int64_t count, const BackwardScratch& s, std::int64_t t,
                         AheadPair& ahead, PlanarBlock* b, std::int64_t* done) {
  constexpr std::int64_t kStep = static_cast<std::int64_t>(Vectors) * kLanes;
  for (; *done + kStep <= count; *done += kStep) {
    ahead.step();
    fused_block<Ranks, Vectors, Streaming>(task, *b, s, t + *done);
    b->x += kStep;
    b->dy += kStep;
    b->dx = b->dx == nullptr ? nullptr : b->dx + kStep;
  }
}

// Positions t to t + count - 1 of the tile, which lie at b. Behind the last of them the panels get zeroes up to a whole
// vector, where dy = 0 adds nothing to any sum.
template <int Ranks, bool Streaming>
inline void fused_span(const SeedTask& task, PlanarBlock b, std::int64_t count, const BackwardScratch& s,
                       std::int64_t t, AheadPair& ahead) {
  std::int64_t done = 0;
  fused_blocks<Ranks, kFusedVectors<Ranks>, Streaming>(task, count, s, t, ahead, &b, &done);
  fused_blocks<Ranks, 1, Streaming>(task, count, s, t, ahead, &b, &done);
  const std::int64_t left = count - done;
  if (left == 0) {
    return;
  }
  const std::int64_t positions = task.tile;
  float* x = s.x + t + done;
  float* dy = s.dy + t + done;
  for (std::int32_t c = 0; c < task.channels; ++c) {
    store(x + c * positions, load_part(b.x + c * b.leading, static_cast<int>(left)));
    store(dy + c * positions, load_part(b.dy + c * b.leading, static_cast<int>(left)));
  }
  // The panel of e is free, since e is dy.
  fused_block<Ranks, 1, false>(task, {x, dy, positions, b.dx == nullptr ? nullptr : s.error, kLanes}, s, t + done);
  if (b.dx != nullptr) {
    for (std::int32_t c = 0; c < task.channels; ++c) {
      store_part(b.dx + c * b.dx_leading, static_cast<int>(left), load(s.error + c * kLanes));
    }
  }
}

// The parameter gradients of a tile whose panels fused_span has filled for count positions.
inline void fused_sums(const SeedTask& task, std::int64_t count, const BackwardScratch& s, float* partial,
                       AheadPair& ahead) {
  if (!task.want_theta) {
    return;
  }
  const std::int64_t leading = task.tile;
  const std::int64_t filled = (count + kLanes - 1) / kLanes * kLanes;
  const std::int64_t positions = (count + kGroup - 1) / kGroup * kGroup;
  const auto clear = [&](float* panel, std::int32_t rows) {
    for (std::int32_t i = 0; filled < positions && i < rows; ++i) {
      std::memset(panel + i * leading + filled, 0, static_cast<std::size_t>(positions - filled) * sizeof(float));
    }
  };
  clear(s.x, task.channels);
  clear(s.dy, task.channels);
  clear(s.hidden, task.rank);
  clear(s.dpre, task.rank);
  const PartialLayout& at = task.partial;
  const auto step = [&ahead] { ahead.step(); };
  add_outer(s.dpre, leading, task.rank, s.x, leading, task.channels, positions, partial + at.input_product, step);
  add_outer(s.dy, leading, task.channels, s.hidden, leading, task.rank, positions, partial + at.output_product, step);
  if (task.input_bias != nullptr) {
    add_row_sums(s.dpre, leading, task.rank, positions, partial + at.input_sum);
  }
  if (task.output_bias != nullptr) {
    add_row_sums(s.dy, leading, task.channels, positions, partial + at.error_sum);
  }
}

// The tile behind one of count positions: rows of x and dy that are ahead floats further on.
inline AheadPair planar_ahead(const SeedTask& task, const float* x, const float* dy, std::int64_t leading,
                              std::int64_t ahead, std::int64_t count) {
  constexpr std::int64_t kLine = 16;
  const std::int64_t blocks = static_cast<std::int64_t>((task.rank + kOuterRows - 1) / kOuterRows) *
                              ((task.channels + kOuterColumns - 1) / kOuterColumns);
  const std::int64_t steps = count / (kFusedVectors<4> * kLanes) + 2 * blocks + 1;
  AheadPair pair;
  pair.x = {x + ahead, leading, count, task.channels, 0};
  pair.dy = {dy + ahead, leading, count, task.channels, 0};
  pair.lines = ((count + kLine - 1) / kLine * task.channels + steps - 1) / steps;
  return pair;
}

template <bool Streaming>
inline void fused_span(const SeedTask& task, PlanarBlock b, std::int64_t count, const BackwardScratch& s,
                       std::int64_t t, AheadPair& ahead) {
  if (task.rank_pitch == 4) {
    fused_span<4, Streaming>(task, b, count, s, t, ahead);
  } else if constexpr (kFusedBackwardRank >= 8) {
    fused_span<8, Streaming>(task, b, count, s, t, ahead);
  }
}

// A seed's chunk over a run of positions of one image.
template <bool Streaming>
inline void planar_backward(const BackwardCall& call) {
  const SeedTask& task = *call.task;
  const Chunk& chunk = call.chunk;
  const std::int64_t positions = task.tile;
  const std::int64_t leading = chunk.channel_stride;
  const BackwardScratch s = carve(task, call.scratch);
  const Tile x{s.x, positions};
  const Tile dy{s.dy, positions};
  for (std::int64_t start = 0; start < chunk.positions; start += positions) {
    const std::int64_t left = chunk.positions - start;
    const std::int64_t valid = left < positions ? left : positions;
    // Behind a row's end the next chunk of the image, or the next image, follows in memory.
    const std::int64_t ahead = left > positions ? positions : task.channels * leading - start;
    if (is_fused_backward(task)) {
      AheadPair next = planar_ahead(task, call.x + start, call.dy + start, leading, ahead, valid);
      float* dx = task.want_dx ? call.dx + start : nullptr;
      fused_span<Streaming>(task, {call.x + start, call.dy + start, leading, dx, leading}, valid, s, 0, next);
      fused_sums(task, valid, s, call.partial, next);
      continue;
    }
    gather_plane(call.x + start, leading, ahead, task.channels, valid, positions, s.x);
    gather_plane(call.dy + start, leading, ahead, task.channels, valid, positions, s.dy);
    if (!task.want_dx || valid == positions) {
      backward_tile<Streaming>(call, x, dy, task.want_dx ? call.dx + start : nullptr, leading, valid, s);
    } else {
      backward_tile<false>(call, x, dy, s.dy, positions, valid, s);
      store_panel<false>(chunk, s.dy, task.channels, valid, positions, call.dx + start);
    }
  }
}

// The chunks of images number first to first + images - 1 of the call, side by side in one tile.
template <bool Streaming>
inline void grouped_tile(const BackwardCall& call, std::int64_t first, std::int64_t images, const BackwardScratch& s) {
  const SeedTask& task = *call.task;
  const std::int64_t count = call.chunk.positions;
  const std::int64_t leading = call.chunk.channel_stride;
  const std::int64_t positions = task.tile;
  const std::int64_t valid = images * count;
  const std::int64_t ahead = task.channels * leading;
  const std::int64_t base = first * call.image_stride;
  if (is_fused_backward(task)) {
    AheadPair next = planar_ahead(task, call.x + base, call.dy + base, leading, ahead, count);
    const std::int64_t lines = next.lines;
    for (std::int64_t i = 0; i < images; ++i) {
      const std::int64_t image = base + i * call.image_stride;
      next = planar_ahead(task, call.x + image, call.dy + image, leading, ahead, count);
      next.lines = lines;
      float* dx = task.want_dx ? call.dx + image : nullptr;
      fused_span<Streaming>(task, {call.x + image, call.dy + image, leading, dx, leading}, count, s, i * count, next);
    }
    fused_sums(task, valid, s, call.partial, next);
    return;
  }
  for (std::int64_t i = 0; i < images; ++i) {
    const std::int64_t image = base + i * call.image_stride;
    gather_rows_of_image(call.x + image, leading, ahead, task.channels, count, positions, s.x + i * count);
    gather_rows_of_image(call.dy + image, leading, ahead, task.channels, count, positions, s.dy + i * count);
  }
  clear_tail(s.x, task.channels, valid, positions);
  clear_tail(s.dy, task.channels, valid, positions);
  backward_tile<false>(call, {s.x, positions}, {s.dy, positions}, s.dy, positions, valid, s);
  if (!task.want_dx) {
    return;
  }
  for (std::int64_t i = 0; i < images; ++i) {
    for (std::int32_t c = 0; c < task.channels; ++c) {
      const float* from = s.dy + c * positions + i * count;
      float* to = call.dx + base + i * call.image_stride + c * leading;
      for (std::int64_t t = 0; t < count; t += kLanes) {
        put<Streaming>(to + t, load(from + t));
      }
    }
  }
}

// Several whole images, as many of them together as the task's tile has room for. What is added up together depends on
// nothing but the task and the geometry.
template <bool Streaming>
inline void grouped_backward(const BackwardCall& call) {
  const std::int64_t together = call.task->tile / call.chunk.positions;
  if (together <= 1) {
    BackwardCall one = call;
    for (std::int64_t i = 0; i < call.images; ++i) {
      planar_backward<Streaming>(one);
      one.x += call.image_stride;
      one.dy += call.image_stride;
      one.dx = one.dx == nullptr ? nullptr : one.dx + call.image_stride;
    }
    return;
  }
  const BackwardScratch s = carve(*call.task, call.scratch);
  for (std::int64_t first = 0; first < call.images; first += together) {
    const std::int64_t left = call.images - first;
    grouped_tile<Streaming>(call, first, left < together ? left : together, s);
  }
}
