// Forward pass over planes of positions (NCHW) with the hidden values in registers. Included inside the instruction
// set's own anonymous namespace.

// Positions of a block for a rank pitch: as many vectors as leave the hidden values in registers.
template <int Ranks>
constexpr int kPlanarVectors = 2 * kGroupVectors * 4 / Ranks > 0
                                   ? (2 * kGroupVectors * 4 / Ranks < 4 ? 2 * kGroupVectors * 4 / Ranks : 4)
                                   : 1;

// One block of Vectors * kLanes positions: y = x + w g(x). ahead is where the input that will be needed soon lies.
template <int Ranks, int Vectors, bool Streaming>
inline void planar_block(const SeedTask& task, const float* x, std::int64_t x_leading, const float* ahead, float* y,
                         std::int64_t y_leading) {
  const PackedWeights& p = task.packed;
  Vec hidden[Ranks][Vectors];
#pragma GCC unroll 16
  for (int r = 0; r < Ranks; ++r) {
#pragma GCC unroll 16
    for (int v = 0; v < Vectors; ++v) {
      hidden[r][v] = set1(p.input_bias[r]);
    }
  }
  const float* weights = p.down;
  for (std::int32_t c = 0; c < task.channels; ++c) {
    Vec in[Vectors];
#pragma GCC unroll 16
    for (int v = 0; v < Vectors; ++v) {
      in[v] = load(x + c * x_leading + v * kLanes);
    }
#pragma GCC unroll 16
    for (int r = 0; r < Ranks; ++r) {
      const Vec w = set1(weights[r]);
#pragma GCC unroll 16
      for (int v = 0; v < Vectors; ++v) {
        hidden[r][v] = fma(w, in[v], hidden[r][v]);
      }
    }
    weights += Ranks;
  }
  activate_block<Ranks * Vectors>(task.activation, &hidden[0][0]);
  weights = p.up;
  for (std::int32_t c = 0; c < task.channels; ++c) {
    Vec g[Vectors];
#pragma GCC unroll 16
    for (int v = 0; v < Vectors; ++v) {
      __builtin_prefetch(ahead + c * x_leading + v * kLanes);
      g[v] = set1(p.output_bias[c]);
    }
#pragma GCC unroll 16
    for (int r = 0; r < Ranks; ++r) {
      const Vec w = set1(weights[r]);
#pragma GCC unroll 16
      for (int v = 0; v < Vectors; ++v) {
        g[v] = fma(w, hidden[r][v], g[v]);
      }
    }
    weights += Ranks;
    const float weight = p.weight[c];
#pragma GCC unroll 16
    for (int v = 0; v < Vectors; ++v) {
      const Vec h = load(x + c * x_leading + v * kLanes);
      // w = 0 keeps the bits of h, the sign of zero and NaN payloads included.
      put<Streaming>(y + c * y_leading + v * kLanes, weight == 0.0F ? h : fma(set1(weight), g[v], h));
    }
  }
}

// A seed's chunk over a run of positions of one image.
template <int Ranks, bool Streaming>
inline void planar_run(const ForwardCall& call) {
  constexpr int kVectors = kPlanarVectors<Ranks>;
  constexpr std::int64_t kStep = kVectors * kLanes;
  constexpr std::int64_t kDistance = 2 * kStep;
  const SeedTask& task = *call.task;
  const std::int64_t leading = call.chunk.channel_stride;
  const std::int64_t positions = call.chunk.positions;
  // Behind a row's end the next chunk of the image, or the next image, follows in memory.
  const std::int64_t behind = task.channels * leading - positions;
  std::int64_t start = 0;
  for (; start + kStep <= positions; start += kStep) {
    const std::int64_t ahead = start + kDistance;
    planar_block<Ranks, kVectors, Streaming>(
        task, call.x + start, leading, call.x + (ahead < positions ? ahead : ahead + behind), call.y + start, leading);
  }
  const std::int64_t left = positions - start;
  if (left == 0) {
    return;
  }
  float* panel = call.scratch;
  const Chunk rest{leading, 1, left};
  load_panel(rest, call.x + start, task.channels, left, kStep, panel);
  planar_block<Ranks, kVectors, false>(task, panel, kStep, panel, panel, kStep);
  store_panel<false>(rest, panel, task.channels, left, kStep, call.y + start);
}

// Whether the kernels above serve the task.
inline bool is_fused(const SeedTask& task) {
  return task.family != ESPER_FAMILY_AFFINE && task.kind != WeightKind::kGated && task.rank_pitch <= kFusedRank;
}

// Rows of an image that vectors can be written to past the caches.
inline bool can_stream_planes(const Chunk& chunk, const float* target) {
  constexpr std::uintptr_t kMask = kLanes * sizeof(float) - 1;
  const auto row = static_cast<std::uintptr_t>(chunk.channel_stride) * sizeof(float);
  return ((reinterpret_cast<std::uintptr_t>(target) | row) & kMask) == 0;
}

template <bool Streaming>
inline void planar_forward(const ForwardCall& call) {
  if (call.task->rank_pitch == 4) {
    planar_run<4, Streaming>(call);
  } else if (call.task->rank_pitch == 8) {
    planar_run<8, Streaming>(call);
  } else if constexpr (kFusedRank >= 16) {
    planar_run<16, Streaming>(call);
  }
}
