// Gate (squeeze-excite) over one batch item of a chunk. Included inside the instruction set's own anonymous namespace.
// x, dy: [C][T]; T positions in tiles. g(x) = tau x with one tau a channel, so that every sum over g follows from four
// sums over x and dy a channel, which the pass takes in its first read.

// What one batch item needs; C and R rounded up to whole vectors.
struct GateScratch {
  double* x_sum;         // [C] sum x
  double* x_square;      // [C] sum x^2
  double* dy_square;     // [C] sum dy^2
  double* dy_x;          // [C] sum dy x
  double* error_x;       // [C] sum e x, e the upstream gradient of g without the factor task.weight
  float* mean;           // [C]
  float* tau;            // [C] tanh(s / 2)
  float* ds;             // [C] gradient of s without the factor task.weight
  float* dmean;          // [C] gradient of the mean, divided by T: what every position adds to dx
  float* hidden;         // [R] activated
  float* slope;          // [R] act'
  float* dpre;           // [R]
  float* x;              // panel for x
  float* dy;             // panel for dy, overwritten by dx
  std::int64_t leading;  // of the panels
};

inline GateScratch carve_gate(const SeedTask& task, const Chunk& chunk, float* base) {
  const std::int64_t c = (task.channels + std::int64_t{15}) / 16 * 16;
  const std::int64_t r = (task.rank + std::int64_t{15}) / 16 * 16;
  GateScratch s;
  s.x_sum = reinterpret_cast<double*>(base);
  s.x_square = s.x_sum + c;
  s.dy_square = s.x_square + c;
  s.dy_x = s.dy_square + c;
  s.error_x = s.dy_x + c;
  s.mean = base + 10 * c;
  s.tau = s.mean + c;
  s.ds = s.tau + c;
  s.dmean = s.ds + c;
  s.hidden = s.dmean + c;
  s.slope = s.hidden + r;
  s.dpre = s.slope + r;
  s.x = s.dpre + r;
  s.leading = chunk.position_stride == 1 ? kGroup : task.tile;
  s.dy = s.x + task.channels * s.leading;
  std::memset(base, 0, static_cast<std::size_t>(10 * c) * sizeof(float));
  return s;
}

// A run of positions that is worked on at once.
struct GateTile {
  std::int64_t start;
  std::int64_t valid;    // Positions; 0 behind the last tile.
  std::int64_t rounded;  // The same in whole groups.
  bool panel;            // Copied to a panel, padded with zeros; otherwise used where it lies.
};

inline GateTile gate_tile(const Chunk& chunk, std::int64_t start, std::int64_t longest) {
  const std::int64_t left = chunk.positions - start;
  std::int64_t valid = left < longest ? left : longest;
  const bool contiguous = chunk.position_stride == 1;
  if (contiguous && valid > kGroup) {
    valid = valid / kGroup * kGroup;
  }
  return {start, valid, (valid + kGroup - 1) / kGroup * kGroup, !contiguous || valid % kGroup != 0};
}

// The tile's values; load = false if the panel holds them already.
inline Tile gate_values_at(const SeedTask& task, const Chunk& chunk, const GateTile& tile, const float* data,
                           std::int64_t leading, bool load, float* panel) {
  const float* source = data + tile.start * chunk.position_stride;
  if (!tile.panel) {
    return {source, chunk.channel_stride};
  }
  if (load) {
    if (chunk.position_stride == 1) {
      load_panel(chunk, source, task.channels, tile.valid, leading, panel);
    } else {
      load_channels_last(source, chunk.position_stride, task.channels, tile.valid, leading, panel);
      for (std::int32_t c = 0; c < task.channels; ++c) {
        clear(panel + c * leading + tile.valid, tile.rounded - tile.valid);
      }
    }
  }
  return {panel, leading};
}

inline void add_gate_mean_sums(Tile x, std::int32_t channels, std::int64_t positions, const GateScratch& s) {
  for (std::int32_t c = 0; c < channels; ++c) {
    const float* row = x.data + c * x.leading;
    Vec even = set1(0.0F);
    Vec odd = set1(0.0F);
    for (std::int64_t t = 0; t < positions; t += 2 * kLanes) {
      even = even + load(row + t);
      odd = odd + load(row + t + kLanes);
    }
    s.x_sum[c] += static_cast<double>(sum(even + odd));
  }
}

inline void add_gate_sums(Tile x, Tile dy, std::int32_t channels, std::int64_t positions, const GateScratch& s) {
  for (std::int32_t c = 0; c < channels; ++c) {
    Vec total[2][4] = {{set1(0.0F), set1(0.0F), set1(0.0F), set1(0.0F)},
                       {set1(0.0F), set1(0.0F), set1(0.0F), set1(0.0F)}};
    const float* x_row = x.data + c * x.leading;
    const float* dy_row = dy.data + c * dy.leading;
    for (std::int64_t t = 0; t < positions; t += 2 * kLanes) {
      for (int half = 0; half < 2; ++half) {
        const Vec a = load(x_row + t + half * kLanes);
        const Vec d = load(dy_row + t + half * kLanes);
        total[half][0] = total[half][0] + a;
        total[half][1] = fma(a, a, total[half][1]);
        total[half][2] = fma(d, d, total[half][2]);
        total[half][3] = fma(d, a, total[half][3]);
      }
    }
    s.x_sum[c] += static_cast<double>(sum(total[0][0] + total[1][0]));
    s.x_square[c] += static_cast<double>(sum(total[0][1] + total[1][1]));
    s.dy_square[c] += static_cast<double>(sum(total[0][2] + total[1][2]));
    s.dy_x[c] += static_cast<double>(sum(total[0][3] + total[1][3]));
  }
}

// From the sums of x to tau. slope is nullptr where it is not wanted.
inline void evaluate_tau(const SeedTask& task, std::int64_t positions, const GateScratch& s, float* slope) {
  const std::int32_t channels = task.channels;
  const std::int32_t rank = task.rank;
  for (std::int32_t c = 0; c < channels; ++c) {
    s.mean[c] = static_cast<float>(s.x_sum[c] / static_cast<double>(positions));
  }
  const std::int32_t rounded = (rank + 15) / 16 * 16;
  for (std::int32_t r = 0; r < rounded; ++r) {
    float pre = 0.0F;
    if (r < rank) {
      pre = task.input_bias[r];
      for (std::int32_t c = 0; c < channels; ++c) {
        pre += task.input_weight[std::int64_t{r} * channels + c] * s.mean[c];
      }
    }
    s.hidden[r] = pre;
  }
  activate_panel(task.activation, s.hidden, slope, rounded);
  for (std::int32_t c = 0; c < channels; ++c) {
    float sum = task.output_bias[c];
    for (std::int32_t r = 0; r < rank; ++r) {
      sum += task.output_weight[std::int64_t{c} * rank + r] * s.hidden[r];
    }
    s.tau[c] = 0.5F * sum;
  }
  // The lanes behind the last channel hold what they will, and nobody reads their results.
  for (std::int32_t c = channels; c < (channels + 15) / 16 * 16; ++c) {
    s.tau[c] = 0.0F;
  }
  for (std::int32_t c = 0; c < channels; c += kLanes) {
    store(s.tau + c, tanh(load(s.tau + c)));
  }
}

// y = x + w tau x over one tile; weights: room for one weight a position. y.data may be x.data.
inline void apply_gate(const SeedTask& task, Tile x, const GateScratch& s, std::int64_t positions, float* weights,
                       float* y, std::int64_t y_leading) {
  const bool gated = task.kind == WeightKind::kGated;
  if (gated) {
    gate_values(task, x, positions, weights);
  }
  for (std::int32_t c = 0; c < task.channels; ++c) {
    const float* from = x.data + c * x.leading;
    float* to = y + c * y_leading;
    const Vec tau = set1(s.tau[c]);
    if (gated) {
      const Vec alpha = set1(task.alpha);
      for (std::int64_t t = 0; t < positions; t += kLanes) {
        const Vec h = load(from + t);
        store(to + t, fma(alpha * load(weights + t), tau * h, h));
      }
      continue;
    }
    const bool channel = task.kind == WeightKind::kChannel;
    const Vec weight = set1(channel ? task.channel_weight[c] : task.weight);
    if (channel && task.channel_weight[c] == 0.0F) {
      // w = 0 keeps the bits of h, the sign of zero and NaN payloads included.
      if (to != from) {
        std::memcpy(to, from, static_cast<std::size_t>(positions) * sizeof(float));
      }
      continue;
    }
    for (std::int64_t t = 0; t < positions; t += kLanes) {
      const Vec h = load(from + t);
      store(to + t, fma(weight, tau * h, h));
    }
  }
}

inline void store_gate_tile(const SeedTask& task, const Chunk& chunk, const GateTile& tile, const float* panel,
                            std::int64_t leading, float* target) {
  if (tile.panel) {
    store_panel<false>(chunk, panel, task.channels, tile.valid, leading, target + tile.start * chunk.position_stride);
  }
}

inline void gate_forward(const ImageForwardCall& call) {
  const SeedTask& task = *call.task;
  const Chunk& chunk = call.chunk;
  const GateScratch s = carve_gate(task, chunk, call.scratch);
  float* weights = s.dy;
  GateTile tile = gate_tile(chunk, 0, task.tile);
  const bool keep = tile.valid == chunk.positions;
  for (; tile.valid > 0; tile = gate_tile(chunk, tile.start + tile.valid, task.tile)) {
    const Tile x = gate_values_at(task, chunk, tile, call.x, s.leading, true, s.x);
    add_gate_mean_sums(x, task.channels, tile.rounded, s);
  }
  evaluate_tau(task, chunk.positions, s, nullptr);
  tile = gate_tile(chunk, 0, task.tile);
  for (; tile.valid > 0; tile = gate_tile(chunk, tile.start + tile.valid, task.tile)) {
    const Tile x = gate_values_at(task, chunk, tile, call.x, s.leading, !keep, s.x);
    if (tile.panel) {
      apply_gate(task, x, s, tile.rounded, weights, s.x, s.leading);
      store_gate_tile(task, chunk, tile, s.x, s.leading, call.y);
    } else {
      apply_gate(task, x, s, tile.rounded, weights, call.y + tile.start, chunk.channel_stride);
    }
  }
}

// Gates and their gradient du over one tile, and the sums that need them; gate, du: the tile's part of arrays [T].
inline void blend_gate_gradient(const ImageBackwardCall& call, Tile x, Tile dy, const GateScratch& s,
                                std::int64_t positions, float* gate, float* du) {
  const SeedTask& task = *call.task;
  gate_values(task, x, positions, gate);
  const Vec one = set1(1.0F);
  const Vec alpha = set1(task.alpha);
  Vec alpha_sum = set1(0.0F);
  Vec bias_sum = set1(0.0F);
  for (std::int64_t t = 0; t < positions; t += kLanes) {
    Vec dot = set1(0.0F);
    for (std::int32_t c = 0; c < task.channels; ++c) {
      dot = fma(load(dy.data + c * dy.leading + t), set1(s.tau[c]) * load(x.data + c * x.leading + t), dot);
    }
    const Vec g = load(gate + t);
    const Vec weighted = g * dot;
    const Vec slope = alpha * (one - g) * weighted;
    store(du + t, slope);
    alpha_sum = alpha_sum + weighted;
    bias_sum = bias_sum + slope;
  }
  call.statistics[kGateAlpha] += static_cast<double>(sum(alpha_sum));
  call.statistics[kGateBias] += static_cast<double>(sum(bias_sum));
  for (std::int32_t c = 0; c < task.channels; ++c) {
    Vec total = set1(0.0F);
    for (std::int64_t t = 0; t < positions; t += kLanes) {
      total = fma(load(gate + t) * load(dy.data + c * dy.leading + t), load(x.data + c * x.leading + t), total);
    }
    s.error_x[c] += static_cast<double>(task.alpha) * static_cast<double>(sum(total));
  }
  if (task.want_theta) {
    add_row_products(x.data, x.leading, du, 0, task.channels, positions, call.partial + task.partial.gate_product);
  }
}

// Telemetry and module products of the item, all from the sums of its channels.
inline void add_gate_statistics(const ImageBackwardCall& call, const GateScratch& s) {
  const SeedTask& task = *call.task;
  for (std::int32_t c = 0; c < task.channels; ++c) {
    const auto tau = static_cast<double>(s.tau[c]);
    if (task.want_statistics) {
      call.statistics[kInputSum] += s.x_sum[c];
      call.statistics[kInputSquare] += s.x_square[c];
      call.statistics[kGradientSquare] += s.dy_square[c];
      call.statistics[kModuleSum] += tau * s.x_sum[c];
      call.statistics[kModuleSquare] += tau * tau * s.x_square[c];
      call.statistics[kGradientModule] += tau * s.dy_x[c];
    }
    if (task.want_module_product) {
      call.partial[task.partial.module_product + c] += static_cast<float>(tau * s.dy_x[c]);
    }
    if (task.kind == WeightKind::kChannel) {
      s.error_x[c] = static_cast<double>(task.channel_weight[c]) * s.dy_x[c];
    } else if (task.kind == WeightKind::kUniform) {
      s.error_x[c] = s.dy_x[c];
      if (task.kappa > 0.0F) {
        s.error_x[c] += static_cast<double>(task.kappa) * tau * s.x_square[c];
      }
    }
  }
  if (task.want_hidden_slope) {
    for (std::int32_t r = 0; r < task.rank; ++r) {
      call.partial[task.partial.hidden_slope + r] += __builtin_fabsf(s.slope[r]);
    }
  }
}

// From sum e x to the gradients of the parameters and of the mean.
inline void differentiate_tau(const ImageBackwardCall& call, const GateScratch& s) {
  const SeedTask& task = *call.task;
  const std::int32_t channels = task.channels;
  const std::int32_t rank = task.rank;
  for (std::int32_t c = 0; c < channels; ++c) {
    const float tau = s.tau[c];
    s.ds[c] = static_cast<float>(s.error_x[c]) * (0.5F * ((1.0F - tau) * (1.0F + tau)));
    s.dmean[c] = 0.0F;
  }
  const float scale = 1.0F / static_cast<float>(call.chunk.positions);
  for (std::int32_t r = 0; r < rank; ++r) {
    float total = 0.0F;
    for (std::int32_t c = 0; c < channels; ++c) {
      total += task.output_weight[std::int64_t{c} * rank + r] * s.ds[c];
    }
    s.dpre[r] = task.weight * total * s.slope[r];
    for (std::int32_t c = 0; c < channels; ++c) {
      s.dmean[c] += task.input_weight[std::int64_t{r} * channels + c] * (scale * s.dpre[r]);
    }
  }
  if (!task.want_theta) {
    return;
  }
  const PartialLayout& at = task.partial;
  for (std::int32_t r = 0; r < rank; ++r) {
    call.partial[at.input_sum + r] += s.dpre[r];
    for (std::int32_t c = 0; c < channels; ++c) {
      call.partial[at.input_product + std::int64_t{r} * channels + c] += s.dpre[r] * s.mean[c];
    }
  }
  for (std::int32_t c = 0; c < channels; ++c) {
    call.partial[at.error_sum + c] += s.ds[c];
    for (std::int32_t r = 0; r < rank; ++r) {
      call.partial[at.output_product + std::int64_t{c} * rank + r] += s.ds[c] * s.hidden[r];
    }
  }
}

// dx = dy + w tau dy + (gradient through the mean) + (gradient through the blend's gate) over one tile. dx may be dy.
inline void gate_input_gradient(const SeedTask& task, Tile dy, const GateScratch& s, std::int64_t positions,
                                const float* gate, const float* du, float* dx, std::int64_t dx_leading) {
  for (std::int32_t c = 0; c < task.channels; ++c) {
    const float* from = dy.data + c * dy.leading;
    float* to = dx + c * dx_leading;
    const Vec mean = set1(s.dmean[c]);
    if (task.kind == WeightKind::kGated) {
      const Vec factor = set1(task.alpha * s.tau[c]);
      const Vec q = set1(task.gate_weight[c]);
      for (std::int64_t t = 0; t < positions; t += kLanes) {
        const Vec d = load(from + t);
        store(to + t, fma(q, load(du + t), fma(factor * load(gate + t), d, d) + mean));
      }
      continue;
    }
    const float weight = task.kind == WeightKind::kChannel ? task.channel_weight[c] : task.weight;
    const Vec factor = set1(weight * s.tau[c]);
    for (std::int64_t t = 0; t < positions; t += kLanes) {
      const Vec d = load(from + t);
      store(to + t, fma(factor, d, d) + mean);
    }
  }
}

inline void gate_backward(const ImageBackwardCall& call) {
  const SeedTask& task = *call.task;
  const Chunk& chunk = call.chunk;
  const GateScratch s = carve_gate(task, chunk, call.scratch);
  float* gate = s.dy + task.channels * s.leading;
  float* du = gate + (chunk.positions + kGroup - 1) / kGroup * kGroup;
  const GateTile first = gate_tile(chunk, 0, task.tile);
  const bool keep = first.valid == chunk.positions;
  const auto next = [&](const GateTile& tile) { return gate_tile(chunk, tile.start + tile.valid, task.tile); };
  for (GateTile tile = first; tile.valid > 0; tile = next(tile)) {
    const Tile x = gate_values_at(task, chunk, tile, call.x, s.leading, true, s.x);
    const Tile dy = gate_values_at(task, chunk, tile, call.dy, s.leading, true, s.dy);
    add_gate_sums(x, dy, task.channels, tile.rounded, s);
  }
  evaluate_tau(task, chunk.positions, s, s.slope);
  if (task.kind == WeightKind::kGated) {
    for (GateTile tile = first; tile.valid > 0; tile = next(tile)) {
      const Tile x = gate_values_at(task, chunk, tile, call.x, s.leading, !keep, s.x);
      const Tile dy = gate_values_at(task, chunk, tile, call.dy, s.leading, !keep, s.dy);
      blend_gate_gradient(call, x, dy, s, tile.rounded, gate + tile.start, du + tile.start);
    }
  }
  add_gate_statistics(call, s);
  if (!task.want_theta && !task.want_dx) {
    return;
  }
  differentiate_tau(call, s);
  for (GateTile tile = first; task.want_dx && tile.valid > 0; tile = next(tile)) {
    const Tile dy = gate_values_at(task, chunk, tile, call.dy, s.leading, !keep, s.dy);
    if (tile.panel) {
      gate_input_gradient(task, dy, s, tile.rounded, gate + tile.start, du + tile.start, s.dy, s.leading);
      store_gate_tile(task, chunk, tile, s.dy, s.leading, call.dx);
    } else {
      gate_input_gradient(task, dy, s, tile.rounded, gate + tile.start, du + tile.start, call.dx + tile.start,
                          chunk.channel_stride);
    }
  }
}
