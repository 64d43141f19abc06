// Depthwise convolution, activation and pointwise product over one batch item of a chunk. Included inside the
// instruction set's own anonymous namespace. Positions are those of a PaddedImage: rows follow each other with one
// shared margin, so that a tap is an offset, whatever the place in the image, and all lanes work up to the last group.

// The kernel of one channel without the taps that never meet the image: [rows][columns].
struct Taps {
  std::int64_t rows;
  std::int64_t columns;
  float weight[49];
};

// flipped: for the gradient of the input.
inline Taps taps_of(const SeedTask& task, std::int32_t channel, bool flipped) {
  const PaddedImage& image = task.image;
  const std::int64_t k = task.kernel;
  const float* kernel = task.input_weight + channel * k * k;
  Taps taps;
  taps.rows = 2 * image.row_halo + 1;
  taps.columns = 2 * image.column_halo + 1;
  for (std::int64_t i = 0; i < taps.rows; ++i) {
    for (std::int64_t j = 0; j < taps.columns; ++j) {
      const std::int64_t row = k / 2 - image.row_halo + (flipped ? taps.rows - 1 - i : i);
      const std::int64_t column = k / 2 - image.column_halo + (flipped ? taps.columns - 1 - j : j);
      taps.weight[i * taps.columns + j] = kernel[row * k + column];
    }
  }
  return taps;
}

// out[t] = start(t) + sum over taps of weight * in[t + row * stride + column]; Rows and Columns 0: as taps says.
template <std::int64_t Rows, std::int64_t Columns, typename Start, typename Finish>
inline void correlate(const Taps& taps, const float* in, std::int64_t stride, std::int64_t positions, Start start,
                      Finish finish) {
  const std::int64_t rows = Rows > 0 ? Rows : taps.rows;
  const std::int64_t columns = Columns > 0 ? Columns : taps.columns;
  for (std::int64_t t = 0; t < positions; t += kGroup) {
    Vec acc[kGroupVectors];
    for (int g = 0; g < kGroupVectors; ++g) {
      acc[g] = start(t + g * kLanes);
    }
    for (std::int64_t i = 0; i < rows; ++i) {
      const float* row = in + t + i * stride;
      for (std::int64_t j = 0; j < columns; ++j) {
        const Vec weight = set1(taps.weight[i * columns + j]);
        for (int g = 0; g < kGroupVectors; ++g) {
          acc[g] = fma(weight, load(row + j + g * kLanes), acc[g]);
        }
      }
    }
    for (int g = 0; g < kGroupVectors; ++g) {
      finish(t + g * kLanes, acc[g]);
    }
  }
}

template <typename Start, typename Finish>
inline void correlate(const Taps& taps, const float* in, std::int64_t stride, std::int64_t positions, Start start,
                      Finish finish) {
  if (taps.rows == 3 && taps.columns == 3) {
    correlate<3, 3>(taps, in, stride, positions, start, finish);
  } else if (taps.rows == 5 && taps.columns == 5) {
    correlate<5, 5>(taps, in, stride, positions, start, finish);
  } else if (taps.rows == 7 && taps.columns == 7) {
    correlate<7, 7>(taps, in, stride, positions, start, finish);
  } else {
    correlate<0, 0>(taps, in, stride, positions, start, finish);
  }
}

// hidden[c][t] = b1[c] + (K * x)[c][first + t] for count positions; x: padded panel.
inline void convolve_run(const SeedTask& task, const float* x, std::int64_t first, std::int64_t count, float* hidden) {
  for (std::int32_t c = 0; c < task.channels; ++c) {
    const Vec bias = set1(task.input_bias[c]);
    float* out = hidden + c * count;
    correlate(
        taps_of(task, c, false), x + c * task.image.pitch + first, task.image.row_stride, count,
        [=](std::int64_t) { return bias; }, [=](std::int64_t t, Vec value) { store(out + t, value); });
  }
}

// The pointwise product W2 hidden + b2 over one run.
inline Product pointwise(const SeedTask& task, const float* hidden, std::int64_t count) {
  return {task.output_weight, task.rank, 1, task.output_bias, hidden, count, task.channels, task.rank};
}

inline void depthwise_forward(const ImageForwardCall& call) {
  const SeedTask& task = *call.task;
  const PaddedImage& image = task.image;
  const std::int64_t out_pitch = (image.flat + 15) / 16 * 16;
  float* x = call.scratch;                     // [C][pitch]
  float* y = x + task.channels * image.pitch;  // [C][out_pitch]
  float* hidden = y + task.channels * out_pitch;
  float* gate = hidden + std::int64_t{task.channels} * task.tile;
  load_image(call.chunk, image, call.x, task.channels, image.lead, image.pitch, x);
  for (std::int64_t first = 0; first < image.flat; first += task.tile) {
    const std::int64_t count = at_most(task.tile, image.flat - first);
    convolve_run(task, x, first, count, hidden);
    activate_panel(task.activation, hidden, nullptr, task.channels * count);
    const float* h = x + image.lead + first;
    const std::int64_t pitch = image.pitch;
    float* out = y + first;
    const Product p = pointwise(task, hidden, count);
    if (task.kind == WeightKind::kGated) {
      gate_values(task, {h, pitch}, count, gate);
      const Vec alpha = set1(task.alpha);
      product(p, count, [=](std::int32_t c, std::int64_t t, Vec g) {
        store(out + c * out_pitch + t, fma(alpha * load(gate + t), g, load(h + c * pitch + t)));
      });
    } else if (task.kind == WeightKind::kChannel) {
      const float* weight = task.channel_weight;
      product(p, count, [=](std::int32_t c, std::int64_t t, Vec g) {
        const Vec value = load(h + c * pitch + t);
        // w = 0 keeps the bits of h, the sign of zero and NaN payloads included.
        store(out + c * out_pitch + t, weight[c] == 0.0F ? value : fma(set1(weight[c]), g, value));
      });
    } else {
      const Vec weight = set1(task.weight);
      product(p, count, [=](std::int32_t c, std::int64_t t, Vec g) {
        store(out + c * out_pitch + t, fma(weight, g, load(h + c * pitch + t)));
      });
    }
  }
  store_image(call.chunk, image, y, task.channels, out_pitch, call.y);
}

// Panels of a backward pass; those of a run are [rows][count].
struct DepthwiseScratch {
  float* x;     // [C][pitch] padded
  float* dpre;  // [C][pitch] padded: gradient before the activation
  float* dy;    // [C][out_pitch], margins 0; overwritten by dx
  float* du;    // [out_pitch] gradient of the gate's argument
  std::int64_t out_pitch;
  BackwardScratch run;  // module, error, hidden, slope, gate
};

inline DepthwiseScratch carve_depthwise(const SeedTask& task, float* base) {
  const std::int64_t run = std::int64_t{task.channels} * task.tile;
  DepthwiseScratch s;
  s.out_pitch = (task.image.flat + 15) / 16 * 16;
  s.x = base;
  s.dpre = s.x + task.channels * task.image.pitch;
  s.dy = s.dpre + task.channels * task.image.pitch;
  s.du = s.dy + task.channels * s.out_pitch;
  s.run = BackwardScratch{};
  s.run.module = s.du + s.out_pitch;
  s.run.error = s.run.module + run;
  s.run.hidden = s.run.error + run;
  s.run.slope = s.run.hidden + run;
  s.run.gate = s.run.slope + run;
  return s;
}

// Sums and the gradient before the activation over one run. The run is a tile of the pointwise kernels with its own
// number of positions, whose margins are 0 where they would add to a sum.
inline void depthwise_run(const ImageBackwardCall& call, std::int64_t first, std::int64_t count,
                          const DepthwiseScratch& s) {
  SeedTask task = *call.task;
  task.tile = static_cast<std::int32_t>(count);
  const PaddedImage& image = call.task->image;
  const Tile x{s.x + image.lead + first, image.pitch};
  const Tile dy{s.dy + first, s.out_pitch};
  BackwardScratch run = s.run;
  run.du = s.du + first;
  convolve_run(task, s.x, first, count, run.hidden);
  activate_panel(task.activation, run.hidden, run.slope, task.channels * count);
  if (task.want_module) {
    float* out = run.module;
    product(pointwise(task, run.hidden, count), count,
            [=](std::int32_t c, std::int64_t t, Vec g) { store(out + c * count + t, g); });
    clear_run_margins(image, first, count, task.channels, out);
  }
  if (task.kind == WeightKind::kGated) {
    gate_gradient(task, x, dy, run, call.statistics);
  }
  if (task.want_statistics) {
    add_statistics(task, x, dy, run, call.statistics);
  }
  if (task.want_hidden_slope) {
    clear_run_margins(image, first, count, task.channels, run.slope);
    add_row_magnitudes(run.slope, count, task.channels, count, call.partial + task.partial.hidden_slope);
  }
  if (task.want_module_product) {
    add_row_products(dy.data, dy.leading, run.module, count, task.channels, count,
                     call.partial + task.partial.module_product);
  }
  if (!task.want_theta && !task.want_dx) {
    return;
  }
  const Tile error = error_panel(task, dy, run);
  const Product back{task.output_weight, 1, task.rank, nullptr, error.data, error.leading, task.rank, task.channels};
  const Vec weight = set1(task.weight);
  const float* slope = run.slope;
  float* dpre = s.dpre + image.lead + first;
  const std::int64_t pitch = image.pitch;
  product(back, count, [=](std::int32_t r, std::int64_t t, Vec value) {
    store(dpre + r * pitch + t, weight * value * load(slope + r * count + t));
  });
  if (task.want_theta) {
    add_outer(error.data, error.leading, task.channels, run.hidden, count, task.rank, count,
              call.partial + task.partial.output_product);
    add_row_sums(error.data, error.leading, task.channels, count, call.partial + task.partial.error_sum);
    if (task.kind == WeightKind::kGated) {
      add_row_products(x.data, x.leading, run.du, 0, task.channels, count, call.partial + task.partial.gate_product);
    }
  }
}

// Adds to out[i * k + j] the sums over t of dpre[t] x[t + i * stride + j] for Rows rows of the kernel and its Columns
// taps; Columns 0: as columns says. Enough sums at once to hide the latency of the additions.
template <int Rows, int Columns>
inline void add_taps(const float* dpre, const float* x, std::int64_t stride, std::int64_t positions, int columns,
                     std::int64_t k, float* out) {
  constexpr int kMost = Columns > 0 ? Columns : 7;
  const int taps = Columns > 0 ? Columns : columns;
  Vec acc[Rows][kMost];
  for (int i = 0; i < Rows; ++i) {
    for (int j = 0; j < kMost; ++j) {
      acc[i][j] = set1(0.0F);
    }
  }
  for (std::int64_t t = 0; t < positions; t += kLanes) {
    const Vec d = load(dpre + t);
    for (int i = 0; i < Rows; ++i) {
      for (int j = 0; j < taps; ++j) {
        acc[i][j] = fma(d, load(x + t + i * stride + j), acc[i][j]);
      }
    }
  }
  for (int i = 0; i < Rows; ++i) {
    for (int j = 0; j < taps; ++j) {
      out[i * k + j] += sum(acc[i][j]);
    }
  }
}

// The sums of all taps that meet the image; out: the first of them in the gradient of the channel's kernel.
inline void add_all_taps(const PaddedImage& image, const float* dpre, const float* x, std::int64_t positions,
                         std::int64_t k, float* out) {
  const auto columns = static_cast<int>(2 * image.column_halo + 1);
  const std::int64_t stride = image.row_stride;
  if (columns == 3 && image.row_halo == 1) {
    add_taps<3, 3>(dpre, x, stride, positions, columns, k, out);
    return;
  }
  for (std::int64_t i = 0; i <= 2 * image.row_halo; ++i) {
    const float* from = x + i * stride;
    float* row = out + i * k;
    if (columns == 3) {
      add_taps<1, 3>(dpre, from, stride, positions, columns, k, row);
    } else if (columns == 5) {
      add_taps<1, 5>(dpre, from, stride, positions, columns, k, row);
    } else if (columns == 7) {
      add_taps<1, 7>(dpre, from, stride, positions, columns, k, row);
    } else {
      add_taps<1, 0>(dpre, from, stride, positions, columns, k, row);
    }
  }
}

// Gradients of K and b1: the correlation of dpre with x over the whole image.
inline void add_kernel_gradient(const ImageBackwardCall& call, const DepthwiseScratch& s) {
  const SeedTask& task = *call.task;
  const PaddedImage& image = task.image;
  const std::int64_t k = task.kernel;
  const std::int64_t first_tap = (k / 2 - image.row_halo) * k + k / 2 - image.column_halo;
  constexpr std::int64_t kLongest = 1024;  // Positions that are added up in float.
  for (std::int32_t c = 0; c < task.channels; ++c) {
    float* out = call.partial + task.partial.input_product + c * k * k + first_tap;
    for (std::int64_t first = 0; first < image.flat; first += kLongest) {
      const std::int64_t count = at_most(kLongest, image.flat - first);
      const float* dpre = s.dpre + c * image.pitch + image.lead + first;
      add_all_taps(image, dpre, s.x + c * image.pitch + first, count, k, out);
      Vec bias = set1(0.0F);
      for (std::int64_t t = 0; t < count; t += kLanes) {
        bias = bias + load(dpre + t);
      }
      call.partial[task.partial.input_sum + c] += sum(bias);
    }
  }
}

// dx = dy + (dpre convolved with K) + (gradient through the blend's gate), in place of dy.
inline void depthwise_input_gradient(const SeedTask& task, const DepthwiseScratch& s) {
  const PaddedImage& image = task.image;
  const float* du = s.du;
  for (std::int32_t c = 0; c < task.channels; ++c) {
    float* dx = s.dy + c * s.out_pitch;
    const Taps taps = taps_of(task, c, true);
    const float* dpre = s.dpre + c * image.pitch;
    if (task.kind == WeightKind::kGated) {
      const Vec q = set1(task.gate_weight[c]);
      correlate(
          taps, dpre, image.row_stride, image.flat, [=](std::int64_t t) { return fma(q, load(du + t), load(dx + t)); },
          [=](std::int64_t t, Vec value) { store(dx + t, value); });
    } else {
      correlate(
          taps, dpre, image.row_stride, image.flat, [=](std::int64_t t) { return load(dx + t); },
          [=](std::int64_t t, Vec value) { store(dx + t, value); });
    }
  }
}

inline void depthwise_backward(const ImageBackwardCall& call) {
  const SeedTask& task = *call.task;
  const PaddedImage& image = task.image;
  const DepthwiseScratch s = carve_depthwise(task, call.scratch);
  load_image(call.chunk, image, call.x, task.channels, image.lead, image.pitch, s.x);
  load_image(call.chunk, image, call.dy, task.channels, 0, s.out_pitch, s.dy);
  for (std::int64_t first = 0; first < image.flat; first += task.tile) {
    depthwise_run(call, first, at_most(task.tile, image.flat - first), s);
  }
  if (!task.want_theta && !task.want_dx) {
    return;
  }
  for (std::int32_t c = 0; c < task.channels; ++c) {
    clear_margins(image, image.lead, image.pitch, s.dpre + c * image.pitch);
  }
  if (task.want_theta) {
    add_kernel_gradient(call, s);
  }
  if (task.want_dx) {
    depthwise_input_gradient(task, s);
    store_image(call.chunk, image, s.dy, task.channels, s.out_pitch, call.dx);
  }
}
