// Backward pass of one seed over a run of positions. Included inside the instruction set's own anonymous namespace.

// Scratch of one backward tile; every array is [rows][positions].
struct BackwardScratch {
  float* x;       // [C] copy of x where it can not be used in place
  float* dy;      // [C] the same for dy, overwritten by dx
  float* module;  // [C] g(x)
  float* error;   // [C] w dy where w varies, dy + kappa g in Training
  float* hidden;  // [rank_pitch] activated
  float* slope;   // [rank_pitch] act'
  float* dpre;    // [rank_pitch] gradient before the activation
  float* gate;    // [1] sigmoid(u)
  float* du;      // [1] gradient of u
};

inline BackwardScratch carve(const SeedTask& task, float* base) {
  const std::int64_t channel_panel = static_cast<std::int64_t>(task.channels) * task.tile;
  const std::int64_t rank_panel = static_cast<std::int64_t>(task.rank_pitch) * task.tile;
  BackwardScratch s;
  s.x = base;
  s.dy = s.x + channel_panel;
  s.module = s.dy + channel_panel;
  s.error = s.module + channel_panel;
  s.hidden = s.error + channel_panel;
  s.slope = s.hidden + rank_panel;
  s.dpre = s.slope + rank_panel;
  s.gate = s.dpre + rank_panel;
  s.du = s.gate + task.tile;
  return s;
}

// Recomputes the hidden panel with its slopes, and g(x) where it is needed.
inline void recompute(const SeedTask& task, Tile x, std::int64_t valid, const BackwardScratch& s) {
  const std::int64_t positions = task.tile;
  if (task.family != ESPER_FAMILY_AFFINE) {
    project_down(task, x, positions, s.hidden);
    if (task.activation >= 0) {
      activate_panel(task.activation, s.hidden, s.slope, task.rank * positions);
    }
    clear_tail(s.hidden, task.rank, valid, positions);
  }
  if (task.want_module) {
    float* out = s.module;
    module(task, x, s.hidden, positions,
           [=](std::int32_t c, std::int64_t t, Vec g) { store(out + c * positions + t, g); });
    clear_tail(s.module, task.channels, valid, positions);
  }
}

// Gate values, the gradient du of the gate's argument, and their sums.
inline void gate_gradient(const SeedTask& task, Tile x, Tile dy, const BackwardScratch& s, double* statistics) {
  const std::int64_t positions = task.tile;
  gate_values(task, x, positions, s.gate);
  const Vec one = set1(1.0F);
  Vec alpha_sum = set1(0.0F);
  Vec bias_sum = set1(0.0F);
  for (std::int64_t t = 0; t < positions; t += kLanes) {
    Vec dot = set1(0.0F);
    for (std::int32_t c = 0; c < task.channels; ++c) {
      dot = fma(load(dy.data + c * dy.leading + t), load(s.module + c * positions + t), dot);
    }
    const Vec gate = load(s.gate + t);
    const Vec weighted = gate * dot;
    const Vec du = set1(task.alpha) * (one - gate) * weighted;
    store(s.du + t, du);
    alpha_sum = alpha_sum + weighted;
    bias_sum = bias_sum + du;
  }
  statistics[kGateAlpha] += static_cast<double>(sum(alpha_sum));
  statistics[kGateBias] += static_cast<double>(sum(bias_sum));
}

// The panel e of which the module's gradients are made, up to the factor task.weight.
inline Tile error_panel(const SeedTask& task, Tile dy, const BackwardScratch& s) {
  const std::int64_t positions = task.tile;
  if (task.kind == WeightKind::kUniform && task.kappa == 0.0F) {
    return dy;
  }
  for (std::int32_t c = 0; c < task.channels; ++c) {
    const float* row = dy.data + c * dy.leading;
    float* out = s.error + c * positions;
    for (std::int64_t t = 0; t < positions; t += kLanes) {
      const Vec d = load(row + t);
      if (task.kind == WeightKind::kUniform) {
        store(out + t, fma(set1(task.kappa), load(s.module + c * positions + t), d));
      } else if (task.kind == WeightKind::kChannel) {
        store(out + t, set1(task.channel_weight[c]) * d);
      } else {
        store(out + t, set1(task.alpha) * load(s.gate + t) * d);
      }
    }
  }
  return {s.error, positions};
}

// Adds sum_t |a[i][t]| to out[i] for every row; NaN stays. out has room for rows rounded up to kLanes.
inline void add_row_magnitudes(const float* a, std::int64_t leading, std::int32_t rows, std::int64_t positions,
                               float* out) {
  for (std::int32_t i = 0; i < rows; i += kLanes) {
    Vec acc[kLanes];
    for (int k = 0; k < kLanes; ++k) {
      const float* row = a + (i + k < rows ? i + k : rows - 1) * leading;
      Vec total = set1(0.0F);
      for (std::int64_t t = 0; t < positions; t += kLanes) {
        total = total + abs(load(row + t));
      }
      acc[k] = total;
    }
    store(out + i, load(out + i) + reduce(acc));
  }
}

inline void add_statistics(const SeedTask& task, Tile x, Tile dy, const BackwardScratch& s, double* statistics) {
  const std::int64_t positions = task.tile;
  // No lane adds more than about 512 numbers in float: tiles of wide chunks have many times as many.
  const std::int64_t fitting = 512 * kLanes / positions;
  const std::int32_t rows = fitting < 1 ? 1 : static_cast<std::int32_t>(fitting);
  for (std::int32_t first = 0; first < task.channels; first += rows) {
    const std::int32_t end = task.channels - first < rows ? task.channels : first + rows;
    Vec xs = set1(0.0F);
    Vec gs = set1(0.0F);
    Vec xx = set1(0.0F);
    Vec gg = set1(0.0F);
    Vec dd = set1(0.0F);
    Vec dg = set1(0.0F);
    for (std::int32_t c = first; c < end; ++c) {
      for (std::int64_t t = 0; t < positions; t += kLanes) {
        const Vec a = load(x.data + c * x.leading + t);
        const Vec g = load(s.module + c * positions + t);
        const Vec d = load(dy.data + c * dy.leading + t);
        xs = xs + a;
        gs = gs + g;
        xx = fma(a, a, xx);
        gg = fma(g, g, gg);
        dd = fma(d, d, dd);
        dg = fma(d, g, dg);
      }
    }
    statistics[kInputSum] += static_cast<double>(sum(xs));
    statistics[kModuleSum] += static_cast<double>(sum(gs));
    statistics[kInputSquare] += static_cast<double>(sum(xx));
    statistics[kModuleSquare] += static_cast<double>(sum(gg));
    statistics[kGradientSquare] += static_cast<double>(sum(dd));
    statistics[kGradientModule] += static_cast<double>(sum(dg));
  }
}

// dpre[r][t] = weight * act'(pre) * sum_c output_weight[c][r] e[c][t]
inline void hidden_gradient(const SeedTask& task, Tile error, const BackwardScratch& s) {
  const std::int64_t positions = task.tile;
  const Product p{task.output_weight, 1, task.rank, nullptr, error.data, error.leading, task.rank, task.channels};
  const Vec weight = set1(task.weight);
  float* out = s.dpre;
  if (task.activation >= 0) {
    const float* slope = s.slope;
    product(p, positions, [=](std::int32_t r, std::int64_t t, Vec value) {
      store(out + r * positions + t, weight * value * load(slope + r * positions + t));
    });
  } else {
    product(p, positions,
            [=](std::int32_t r, std::int64_t t, Vec value) { store(out + r * positions + t, weight * value); });
  }
}

inline void add_parameter_sums(const SeedTask& task, Tile x, Tile error, const BackwardScratch& s, float* partial) {
  const std::int64_t positions = task.tile;
  const PartialLayout& at = task.partial;
  if (task.family == ESPER_FAMILY_AFFINE) {
    add_row_products(error.data, error.leading, x.data, x.leading, task.channels, positions,
                     partial + at.error_product);
  } else {
    add_outer(s.dpre, positions, task.rank, x.data, x.leading, task.channels, positions, partial + at.input_product);
    add_outer(error.data, error.leading, task.channels, s.hidden, positions, task.rank, positions,
              partial + at.output_product);
    if (task.input_bias != nullptr) {
      add_row_sums(s.dpre, positions, task.rank, positions, partial + at.input_sum);
    }
  }
  if (task.output_bias != nullptr) {
    add_row_sums(error.data, error.leading, task.channels, positions, partial + at.error_sum);
  }
  if (task.kind == WeightKind::kGated) {
    add_row_products(x.data, x.leading, s.du, 0, task.channels, positions, partial + at.gate_product);
  }
}

// dx = dy + (gradient through the module) + (gradient through the gate). dx may be dy.
template <bool Streaming>
inline void input_gradient(const SeedTask& task, Tile dy, Tile error, const BackwardScratch& s, float* dx,
                           std::int64_t dx_leading) {
  const std::int64_t positions = task.tile;
  const bool gated = task.kind == WeightKind::kGated;
  const auto finish = [=, &task](std::int32_t c, std::int64_t t, Vec through_module) {
    Vec value = load(dy.data + c * dy.leading + t) + through_module;
    if (gated) {
      value = fma(set1(task.gate_weight[c]), load(s.du + t), value);
    }
    put<Streaming>(dx + c * dx_leading + t, value);
  };
  if (task.family == ESPER_FAMILY_AFFINE) {
    for (std::int32_t c = 0; c < task.channels; ++c) {
      const Vec slope = set1(task.input_weight[c] * task.weight);
      for (std::int64_t t = 0; t < positions; t += kLanes) {
        finish(c, t, slope * load(error.data + c * error.leading + t));
      }
    }
    return;
  }
  const Product p{task.input_weight, 1, task.channels, nullptr, s.dpre, positions, task.channels, task.rank};
  product(p, positions, finish);
}

// One tile: sums into partial and statistics, dx where wanted.
template <bool Streaming>
inline void backward_tile(const BackwardCall& call, Tile x, Tile dy, float* dx, std::int64_t dx_leading,
                          std::int64_t valid, const BackwardScratch& s) {
  const SeedTask& task = *call.task;
  recompute(task, x, valid, s);
  if (task.kind == WeightKind::kGated) {
    gate_gradient(task, x, dy, s, call.statistics);
  }
  if (task.want_statistics) {
    add_statistics(task, x, dy, s, call.statistics);
  }
  if (task.want_hidden_slope) {
    clear_tail(s.slope, task.rank, valid, task.tile);
    add_row_magnitudes(s.slope, task.tile, task.rank, task.tile, call.partial + task.partial.hidden_slope);
  }
  if (task.want_module_product) {
    add_row_products(dy.data, dy.leading, s.module, task.tile, task.channels, task.tile,
                     call.partial + task.partial.module_product);
  }
  if (!task.want_theta && !task.want_dx) {
    return;
  }
  const Tile error = error_panel(task, dy, s);
  if (task.family != ESPER_FAMILY_AFFINE) {
    hidden_gradient(task, error, s);
  }
  if (task.want_theta) {
    add_parameter_sums(task, x, error, s, call.partial);
  }
  if (task.want_dx) {
    input_gradient<Streaming>(task, dy, error, s, dx, dx_leading);
  }
}
