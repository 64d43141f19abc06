// Forward pass of one seed over a run of positions. Included inside the instruction set's own anonymous namespace.

// A tensor's tile: row c starts at data + c * leading.
struct Tile {
  const float* data;
  std::int64_t leading;
};

// hidden[r][t] = input_bias[r] + sum_c input_weight[r][c] x[c][t]
inline void project_down(const SeedTask& task, Tile x, std::int64_t positions, float* hidden) {
  const Product p{task.input_weight, task.channels, 1, task.input_bias, x.data, x.leading, task.rank, task.channels};
  product(p, positions,
          [=](std::int32_t row, std::int64_t t, Vec value) { store(hidden + row * positions + t, value); });
}

// Calls epilogue(c, t, g) for every vector of g(x). hidden is the activated hidden panel, unused by affine.
template <typename Epilogue>
inline void module(const SeedTask& task, Tile x, const float* hidden, std::int64_t positions, Epilogue epilogue) {
  if (task.family == ESPER_FAMILY_AFFINE) {
    for (std::int32_t c = 0; c < task.channels; ++c) {
      const Vec u = set1(task.input_weight[c]);
      const Vec bias = set1(task.output_bias[c]);
      for (std::int64_t t = 0; t < positions; t += kLanes) {
        epilogue(c, t, fma(u, load(x.data + c * x.leading + t), bias));
      }
    }
    return;
  }
  const Product p{task.output_weight, task.rank, 1, task.output_bias, hidden, positions, task.channels, task.rank};
  product(p, positions, epilogue);
}

// gate[t] = sigmoid(gate_weight . x[.][t] + gate_bias)
inline void gate_values(const SeedTask& task, Tile x, std::int64_t positions, float* gate) {
  const Product p{task.gate_weight, 0, 1, &task.gate_bias, x.data, x.leading, 1, task.channels};
  product(p, positions, [=](std::int32_t, std::int64_t t, Vec value) { store(gate + t, sigmoid(value)); });
}

// y = x + w g(x) over one tile; scratch: hidden [R][positions], gate [positions]. y.data may be x.data.
inline void forward_tile(const SeedTask& task, Tile x, float* y, std::int64_t y_leading, std::int64_t positions,
                         float* scratch) {
  float* hidden = scratch;
  float* gate = scratch + task.rank * positions;
  if (task.family != ESPER_FAMILY_AFFINE) {
    project_down(task, x, positions, hidden);
    if (task.activation >= 0) {
      activate_panel(task.activation, hidden, nullptr, task.rank * positions);
    }
  }
  if (task.kind == WeightKind::kGated) {
    gate_values(task, x, positions, gate);
    const Vec alpha = set1(task.alpha);
    module(task, x, hidden, positions, [=](std::int32_t c, std::int64_t t, Vec g) {
      store(y + c * y_leading + t, fma(alpha * load(gate + t), g, load(x.data + c * x.leading + t)));
    });
  } else if (task.kind == WeightKind::kChannel) {
    const float* weight = task.channel_weight;
    module(task, x, hidden, positions, [=](std::int32_t c, std::int64_t t, Vec g) {
      const Vec h = load(x.data + c * x.leading + t);
      // w = 0 keeps the bits of h, the sign of zero and NaN payloads included.
      store(y + c * y_leading + t, weight[c] == 0.0F ? h : fma(set1(weight[c]), g, h));
    });
  } else {
    const Vec weight = set1(task.weight);
    module(task, x, hidden, positions, [=](std::int32_t c, std::int64_t t, Vec g) {
      store(y + c * y_leading + t, fma(weight, g, load(x.data + c * x.leading + t)));
    });
  }
}

template <bool Streaming>
inline void forward_run(const ForwardCall& call) {
  const SeedTask& task = *call.task;
  const Chunk& chunk = call.chunk;
  const std::int64_t positions = task.tile;
  float* panel = call.scratch;
  float* rest = panel + task.channels * positions;
  for (std::int64_t start = 0; start < chunk.positions; start += positions) {
    const std::int64_t left = chunk.positions - start;
    const std::int64_t valid = left < positions ? left : positions;
    const float* x = call.x + start * chunk.position_stride;
    float* y = call.y + start * chunk.position_stride;
    if (in_place(chunk, valid, positions)) {
      forward_tile(task, {x, chunk.channel_stride}, y, chunk.channel_stride, positions, rest);
    } else {
      load_panel(chunk, x, task.channels, valid, positions, panel);
      forward_tile(task, {panel, positions}, panel, positions, positions, rest);
      store_panel<Streaming>(chunk, panel, task.channels, valid, positions, y);
    }
  }
}
