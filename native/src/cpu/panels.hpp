// Tiles between memory and scratch panels. Included inside the instruction set's own anonymous namespace.

// Asks for rows that will be needed soon, into the second-level cache, which has room for them. A core has buffers for
// a few lines under way only, so the requests are spread over the work in between.
struct Ahead {
  const float* row = nullptr;
  std::int64_t stride = 0;
  std::int64_t floats = 0;  // Of a row.
  std::int64_t rows = 0;    // Still to be asked for.
  std::int64_t at = 0;      // In the row.

  void issue(std::int64_t lines) {
    constexpr std::int64_t kLine = 16;
    for (; lines > 0 && rows > 0; --lines) {
      __builtin_prefetch(row + at, 0, 2);
      at += kLine;
      if (at >= floats) {
        at = 0;
        row += stride;
        --rows;
      }
    }
  }
};

// Rows of one tensor, or of two.
struct AheadPair {
  Ahead x;
  Ahead dy;
  std::int64_t lines;  // For each step.

  void step() {
    x.issue(lines);
    dy.issue(lines);
  }
};

// Zeroes the columns from valid on, so that padding adds nothing to sums.
inline void clear_tail(float* panel, std::int32_t rows, std::int64_t valid, std::int64_t positions) {
  if (valid == positions) {
    return;
  }
  for (std::int32_t i = 0; i < rows; ++i) {
    std::memset(panel + i * positions + valid, 0, static_cast<std::size_t>(positions - valid) * sizeof(float));
  }
}

// Copies valid positions of a chunk that is channels-last, source[t * stride + c], to panel[c][t].
inline void load_channels_last(const float* source, std::int64_t stride, std::int32_t channels, std::int64_t valid,
                               std::int64_t positions, float* panel) {
  std::int64_t t = 0;
  for (; t + kLanes <= valid; t += kLanes) {
    std::int32_t c = 0;
    for (; c + kLanes <= channels; c += kLanes) {
      const float* block = source + t * stride + c;
      for (int k = 0; k < kLanes; ++k) {
        // The next seed's chunk lies behind this one in every row; hardware prefetchers lose track of so many rows.
        __builtin_prefetch(block + k * stride + channels);
      }
      transpose<false>(block, stride, panel + c * positions + t, positions);
    }
    for (; c < channels; ++c) {
      for (int k = 0; k < kLanes; ++k) {
        panel[c * positions + t + k] = source[(t + k) * stride + c];
      }
    }
  }
  for (; t < valid; ++t) {
    for (std::int32_t c = 0; c < channels; ++c) {
      panel[c * positions + t] = source[t * stride + c];
    }
  }
}

// The reverse of load_channels_last.
template <bool Streaming>
inline void store_channels_last(const float* panel, std::int64_t positions, std::int32_t channels, std::int64_t valid,
                                float* target, std::int64_t stride) {
  std::int64_t t = 0;
  for (; t + kLanes <= valid; t += kLanes) {
    std::int32_t c = 0;
    for (; c + kLanes <= channels; c += kLanes) {
      transpose<Streaming>(panel + c * positions + t, positions, target + t * stride + c, stride);
    }
    for (; c < channels; ++c) {
      for (int k = 0; k < kLanes; ++k) {
        target[(t + k) * stride + c] = panel[c * positions + t + k];
      }
    }
  }
  for (; t < valid; ++t) {
    for (std::int32_t c = 0; c < channels; ++c) {
      target[t * stride + c] = panel[c * positions + t];
    }
  }
}

// True if a tile of the chunk can be worked on where it lies.
inline bool in_place(const Chunk& chunk, std::int64_t valid, std::int64_t positions) {
  return chunk.position_stride == 1 && valid == positions;
}

// True if every vector that store_panel writes to target is aligned. Only channels-last chunks are written that way:
// rows of images are long enough for the caches to do well.
inline bool can_stream(const Chunk& chunk, const float* target) {
  constexpr std::uintptr_t kMask = kLanes * sizeof(float) - 1;
  const auto row = static_cast<std::uintptr_t>(chunk.position_stride) * sizeof(float);
  return chunk.channel_stride == 1 && ((reinterpret_cast<std::uintptr_t>(target) | row) & kMask) == 0;
}

// Copies valid positions from source to panel and zeroes the rest of the panel.
inline void load_panel(const Chunk& chunk, const float* source, std::int32_t channels, std::int64_t valid,
                       std::int64_t positions, float* panel) {
  if (chunk.position_stride == 1) {
    for (std::int32_t c = 0; c < channels; ++c) {
      std::memcpy(panel + c * positions, source + c * chunk.channel_stride,
                  static_cast<std::size_t>(valid) * sizeof(float));
    }
  } else {
    load_channels_last(source, chunk.position_stride, channels, valid, positions, panel);
  }
  clear_tail(panel, channels, valid, positions);
}

// Copies valid positions from panel to target.
template <bool Streaming>
inline void store_panel(const Chunk& chunk, const float* panel, std::int32_t channels, std::int64_t valid,
                        std::int64_t positions, float* target) {
  if (chunk.position_stride == 1) {
    for (std::int32_t c = 0; c < channels; ++c) {
      std::memcpy(target + c * chunk.channel_stride, panel + c * positions,
                  static_cast<std::size_t>(valid) * sizeof(float));
    }
  } else {
    store_channels_last<Streaming>(panel, positions, channels, valid, target, chunk.position_stride);
  }
}
