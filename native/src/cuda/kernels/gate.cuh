// The gate family (squeeze-excite): g(x) = x k with k = tanh(s / 2) and s a small network of the item's mean m.
//
// A block works on a whole batch item. Where the item fits one tile, x is read once; otherwise forward reads it twice
// and backward three times (twice without the gated blend) and dy twice, every time but the first from the second-level
// cache as long as the items in flight (C * positions elements a block) fit it. The network itself is read from theta
// and takes a few microseconds an item; it is small beside the item for 1,000 positions and more.
#pragma once

#include "backward.cuh"

namespace esper_device {

// Vectors of the item at work, in the staged-weights memory.
struct ItemVectors {
  float* mean;     // [C]
  float* scale;    // [C] k
  float* product;  // [C] sum of w dy x; afterwards the gradient of the mean over the number of positions
  float* error;    // [C] gradient of s
  float* hidden;   // [H]
  float* slope;    // [H]
  float* dhidden;  // [H]
};

ESPER_DEVICE ItemVectors item_vectors(const EsperSeed& seed, const Memory& memory) {
  const int c = pad4(seed.channels);
  const int h = pad4(seed.hidden);
  float* base = memory.weights + seed.w_vector;
  return {base, base + c, base + 2 * c, base + 3 * c, base + 4 * c, base + 4 * c + h, base + 4 * c + 2 * h};
}

// Row of a row-major matrix times a vector, by one warp; every lane gets the sum.
ESPER_DEVICE float warp_dot(const float* row, const float* vector, int count) {
  float sum = 0.0F;
  for (int i = thread_index() & 31; i < count; i += 32) {
    sum = multiply_add(row[i], vector[i], sum);
  }
  return lane_sum<32>(sum);
}

// totals[c] += sum over columns of panel row c.
ESPER_CALL void add_row_sums(const float* panel, int rows, int tile, float* totals) {
  const int lane = thread_index() & 31;
  for (int piece = thread_index() >> 5; piece < (rows + 3) >> 2; piece += kWarps) {
    const int row = 4 * piece + (lane >> 3);
    float sum = 0.0F;
    for (int quad = lane & 7; row < rows && quad < tile >> 2; quad += 8) {
      const Float4 x = panel_quad(panel, row, quad, tile);
      sum += (x.v[0] + x.v[1]) + (x.v[2] + x.v[3]);
    }
    sum = lane_sum<8>(sum);
    if (row < rows && (lane & 7) == 0) {
      totals[row] += sum;
    }
  }
}

// Rows of tile number index of a batch item.
ESPER_DEVICE Rows item_rows(const Geometry& geometry, long long item, long long position, int tile) {
  Rows rows;
  rows.first = item * geometry.positions + position;
  rows.item = item;
  rows.position = position;
  rows.count = geometry.positions - position < tile ? static_cast<int>(geometry.positions - position) : tile;
  return rows;
}

// m, the hidden values and k of an item. The x panel holds the item's last tile afterwards. Ends with a barrier.
ESPER_CALL void squeeze(const Launch& launch, const EsperGroup& group, const EsperSeed& seed, const Memory& memory,
                        long long item) {
  const ItemVectors v = item_vectors(seed, memory);
  const Geometry& geometry = launch.geometry;
  for (int c = thread_index(); c < seed.channels; c += ESPER_CUDA_THREADS) {
    v.mean[c] = 0.0F;
  }
  for (long long position = 0; position < geometry.positions; position += group.tile) {
    const Rows rows = item_rows(geometry, item, position, group.tile);
    load_group<false>(launch, group, rows, launch.arguments->x, group.p_x);
    block_sync();
    add_row_sums(memory.panels + group.p_x, seed.channels, group.tile, v.mean);
    block_sync();
  }
  const float count = static_cast<float>(geometry.positions);
  for (int c = thread_index(); c < seed.channels; c += ESPER_CUDA_THREADS) {
    v.mean[c] = divide(v.mean[c], count);
  }
  block_sync();
  const float* base = launch.arguments->theta + seed.theta;
  for (int r = thread_index() >> 5; r < seed.hidden; r += kWarps) {
    const float* row = base + seed.input_weight + static_cast<long long>(r) * seed.channels;
    const float pre = warp_dot(row, v.mean, seed.channels) + base[seed.input_bias + r];
    float slope;
    const float value = activate(seed.activation, pre, &slope);
    if ((thread_index() & 31) == 0) {
      v.hidden[r] = value;
      v.slope[r] = slope;
    }
  }
  block_sync();
  for (int c = thread_index() >> 5; c < seed.channels; c += kWarps) {
    const float* row = base + seed.output_weight + static_cast<long long>(c) * seed.hidden;
    const float s = warp_dot(row, v.hidden, seed.hidden) + base[seed.output_bias + c];
    if ((thread_index() & 31) == 0) {
      v.scale[c] = hyperbolic_tangent(0.5F * s);
    }
  }
  block_sync();
}

// x panel = x + w k x.
ESPER_DEVICE void excite(const EsperGroup& group, const EsperSeed& seed, const Memory& memory) {
  const ItemVectors v = item_vectors(seed, memory);
  const float* weights = memory.weights + seed.w_channel;
  const int quads = group.tile >> 2;
  for (int index = thread_index(); index < seed.channels * quads; index += ESPER_CUDA_THREADS) {
    const int c = index / quads;
    const int quad = index - c * quads;
    Float4& x = panel_quad(memory.panels + group.p_x, c, quad, group.tile);
    Float4 gate;
    if (seed.blend == ESPER_CUDA_GATED) {
      gate = panel_quad(memory.panels + group.p_weight, seed.weight_row, quad, group.tile);
    }
    Float4 y;
    ESPER_UNROLL
    for (int j = 0; j < 4; ++j) {
      const float w = seed.blend == ESPER_CUDA_GATED ? gate.v[j] : weights[c];
      y.v[j] = multiply_add(w, multiply(v.scale[c], x.v[j]), x.v[j]);
    }
    x = y;
  }
}

ESPER_CALL void forward_gate(const Launch& launch, const EsperGroup& group, const EsperSpan& span) {
  const Memory memory = make_memory<false>(launch, group);
  const EsperSeed& seed = launch.seeds[group.first_seed];
  stage_group(launch, group, false);
  const bool full = all_full(group);
  const bool resident = launch.geometry.positions <= group.tile;
  for (long long item = span.begin; item < span.end; ++item) {
    squeeze(launch, group, seed, memory, item);
    for (long long position = 0; position < launch.geometry.positions; position += group.tile) {
      const Rows rows = item_rows(launch.geometry, item, position, group.tile);
      if (!resident) {
        load_group<false>(launch, group, rows, launch.arguments->x, group.p_x);
        block_sync();
      }
      gate_positions(seed, memory, memory.panels + group.p_x, memory.panels + group.p_weight, group.tile, false);
      block_sync();
      excite(group, seed, memory);
      block_sync();
      if (full) {
        store_group<false>(launch, group, rows, group.p_x);
      } else {
        store_seeds(launch, group, rows);
      }
      block_sync();
    }
  }
}

// Telemetry, and dy += kappa g where the parameter gradient asks for it. All lanes of every warp.
ESPER_DEVICE void excite_statistics(const EsperGroup& group, const EsperSeed& seed, const Memory& memory, int needs) {
  const ItemVectors v = item_vectors(seed, memory);
  const bool shift = (needs & kNeedTheta) != 0 && seed.kappa > 0.0F;
  const int quads = group.tile >> 2;
  float totals[6] = {0.0F, 0.0F, 0.0F, 0.0F, 0.0F, 0.0F};
  for (int index = thread_index(); index < seed.channels * quads; index += ESPER_CUDA_THREADS) {
    const int c = index / quads;
    const int quad = index - c * quads;
    const Float4 x = panel_quad(memory.panels + group.p_x, c, quad, group.tile);
    Float4& dy = panel_quad(memory.panels + group.p_dy, c, quad, group.tile);
    Float4 shifted = dy;
    ESPER_UNROLL
    for (int j = 0; j < 4; ++j) {
      const float g = multiply(v.scale[c], x.v[j]);
      totals[0] = multiply_add(x.v[j], x.v[j], totals[0]);
      totals[1] = multiply_add(g, g, totals[1]);
      totals[2] = multiply_add(shifted.v[j], shifted.v[j], totals[2]);
      totals[3] = multiply_add(shifted.v[j], g, totals[3]);
      totals[4] += x.v[j];
      totals[5] += g;
      shifted.v[j] = multiply_add(seed.kappa, g, shifted.v[j]);
    }
    if (shift) {
      dy = shifted;
    }
  }
  add_statistics(seed, memory, totals);
}

// du of the gated blend, one thread a position; its part of dL/dalpha where count says so.
ESPER_DEVICE void excite_gate_gradient(const EsperGroup& group, const EsperSeed& seed, const Memory& memory,
                                       bool count) {
  const ItemVectors v = item_vectors(seed, memory);
  float* rows = memory.panels + group.p_weight;
  const int tile = group.tile;
  for (int t = thread_index(); t < tile; t += ESPER_CUDA_THREADS) {
    float dot = 0.0F;
    for (int c = 0; c < seed.channels; ++c) {
      const int at = panel_at(c, t, tile);
      dot = multiply_add(multiply(v.scale[c], memory.panels[group.p_x + at]), memory.panels[group.p_dy + at], dot);
    }
    const float gate = rows[panel_at(seed.weight_row + 1, t, tile)];
    const float weighted = multiply(gate, dot);
    rows[panel_at(seed.weight_row + 2, t, tile)] = multiply(multiply(seed.alpha, 1.0F - gate), weighted);
    const float total = lane_sum<32>(weighted);
    if (count && (thread_index() & 31) == 0) {
      memory.stats[seed.stats + (thread_index() >> 5) * ESPER_CUDA_STATS + 6] += static_cast<double>(total);
    }
  }
}

// First pass over x and dy of an item: v.product, the gate's parameters, telemetry.
ESPER_CALL void excite_products(const Launch& launch, const EsperGroup& group, const EsperSeed& seed,
                                const Memory& memory, long long item, int needs) {
  const ItemVectors v = item_vectors(seed, memory);
  const Geometry& geometry = launch.geometry;
  const bool resident = geometry.positions <= group.tile;
  const bool gated = seed.blend == ESPER_CUDA_GATED;
  const float* x = memory.panels + group.p_x;
  const float* rows_by_position = memory.panels + group.p_weight;
  for (int c = thread_index(); c < seed.channels; c += ESPER_CUDA_THREADS) {
    v.product[c] = 0.0F;
  }
  for (long long position = 0; position < geometry.positions; position += group.tile) {
    const Rows rows = item_rows(geometry, item, position, group.tile);
    if (!resident) {
      load_group<false>(launch, group, rows, launch.arguments->x, group.p_x);
    }
    load_group<false>(launch, group, rows, launch.arguments->dy, group.p_dy);
    block_sync();
    gate_positions(seed, memory, x, memory.panels + group.p_weight, group.tile, true);
    if (needs_module(seed, needs)) {
      excite_statistics(group, seed, memory, needs);
    }
    block_sync();
    if (gated) {
      excite_gate_gradient(group, seed, memory, true);
      block_sync();
    }
    Turn turn = first_turn();
    const int pieces = (seed.channels + 3) >> 2;
    for (; turn.next < pieces; turn.next += kWarps) {
      row_piece(turn.next, memory.panels + group.p_dy, 0, x, 0, seed.channels, rows_by_position, seed.weight_row,
                group.tile, v.product, nullptr);
    }
    turn.next -= pieces;
    if (gated && (needs & kNeedTheta) != 0) {
      float* sums = memory.sums + seed.sums + seed.s_gate;
      for (; turn.next < outer_pieces(1, seed.channels); turn.next += kWarps) {
        outer_piece(turn.next, rows_by_position, seed.weight_row + 2, 1, x, 0, seed.channels, nullptr, 0, group.tile,
                    sums, sums + seed.channels);
      }
    }
    block_sync();
  }
}

// Backward through the item's network: gradient sums, and the mean's gradient in v.product. Ends with a barrier.
ESPER_CALL void squeeze_gradient(const Launch& launch, const EsperSeed& seed, const Memory& memory, int needs) {
  const ItemVectors v = item_vectors(seed, memory);
  const float* base = launch.arguments->theta + seed.theta;
  float* sums = memory.sums + seed.sums;
  const int c_count = seed.channels;
  const int h_count = seed.hidden;
  for (int c = thread_index(); c < c_count; c += ESPER_CUDA_THREADS) {
    const float k = v.scale[c];
    const float weight = memory.weights[seed.w_channel + c];
    sums[seed.s_module + c] = multiply_add(k, v.product[c], sums[seed.s_module + c]);
    v.error[c] = multiply(multiply(weight, v.product[c]), 0.5F * (1.0F - k * k));
  }
  block_sync();
  for (int r = thread_index(); r < h_count; r += ESPER_CUDA_THREADS) {
    float sum = 0.0F;
    for (int c = 0; c < c_count; ++c) {
      sum = multiply_add(base[seed.output_weight + c * h_count + r], v.error[c], sum);
    }
    v.dhidden[r] = multiply(sum, v.slope[r]);
  }
  block_sync();
  if ((needs & kNeedTheta) != 0) {
    for (int i = thread_index(); i < c_count * h_count; i += ESPER_CUDA_THREADS) {
      const int c = i / h_count;
      sums[seed.s_output + i] = multiply_add(v.error[c], v.hidden[i - c * h_count], sums[seed.s_output + i]);
      const int r = i / c_count;
      sums[seed.s_input + i] = multiply_add(v.dhidden[r], v.mean[i - r * c_count], sums[seed.s_input + i]);
    }
    for (int c = thread_index(); c < c_count; c += ESPER_CUDA_THREADS) {
      sums[seed.s_output_bias + c] += v.error[c];
    }
    for (int r = thread_index(); r < h_count; r += ESPER_CUDA_THREADS) {
      sums[seed.s_input_bias + r] += v.dhidden[r];
    }
  }
  const float count = static_cast<float>(launch.geometry.positions);
  for (int c = thread_index(); c < c_count; c += ESPER_CUDA_THREADS) {
    float sum = 0.0F;
    for (int r = 0; r < h_count; ++r) {
      sum = multiply_add(base[seed.input_weight + r * c_count + c], v.dhidden[r], sum);
    }
    v.product[c] = divide(sum, count);
  }
  block_sync();
}

// Second pass: dx = dy (1 + w k) + dm / positions + q du.
ESPER_CALL void excite_input_gradient(const Launch& launch, const EsperGroup& group, const EsperSeed& seed,
                                      const Memory& memory, long long item) {
  const ItemVectors v = item_vectors(seed, memory);
  const Geometry& geometry = launch.geometry;
  const bool resident = geometry.positions <= group.tile;
  const bool gated = seed.blend == ESPER_CUDA_GATED;
  const int quads = group.tile >> 2;
  for (long long position = 0; position < geometry.positions; position += group.tile) {
    const Rows rows = item_rows(geometry, item, position, group.tile);
    if (!resident) {
      load_group<false>(launch, group, rows, launch.arguments->dy, group.p_dy);
      if (gated) {
        load_group<false>(launch, group, rows, launch.arguments->x, group.p_x);
      }
      block_sync();
      if (gated) {
        gate_positions(seed, memory, memory.panels + group.p_x, memory.panels + group.p_weight, group.tile, true);
        block_sync();
        excite_gate_gradient(group, seed, memory, false);
        block_sync();
      }
    }
    for (int index = thread_index(); index < seed.channels * quads; index += ESPER_CUDA_THREADS) {
      const int c = index / quads;
      const int quad = index - c * quads;
      Float4& dy = panel_quad(memory.panels + group.p_dy, c, quad, group.tile);
      const Float4 weight = panel_quad(memory.panels + group.p_weight, seed.weight_row, quad, group.tile);
      const Float4 du = panel_quad(memory.panels + group.p_weight, seed.weight_row + 2, quad, group.tile);
      Float4 dx;
      ESPER_UNROLL
      for (int j = 0; j < 4; ++j) {
        const float w = gated ? weight.v[j] : memory.weights[seed.w_channel + c];
        dx.v[j] = multiply_add(multiply(w, v.scale[c]), dy.v[j], dy.v[j]) + v.product[c];
        if (gated) {
          dx.v[j] = multiply_add(memory.weights[seed.w_gate + c], du.v[j], dx.v[j]);
        }
      }
      dy = dx;
    }
    block_sync();
    store_group<false>(launch, group, rows, group.p_dy);
    block_sync();
  }
}

// dx = dy on a whole item, where it is not in place already.
ESPER_CALL void copy_item(const Launch& launch, const EsperGroup& group, const EsperSeed& seed, long long item) {
  for (long long position = 0; launch.apart && position < launch.geometry.positions; position += group.tile) {
    copy_chunk(launch.geometry, item_rows(launch.geometry, item, position, group.tile), launch.arguments->dy,
               launch.arguments->out, seed.channel_begin, seed.channels);
  }
}

ESPER_CALL void backward_gate(const Launch& launch, const EsperGroup& group, const EsperSpan& span) {
  const Memory memory = make_memory<false>(launch, group);
  const EsperSeed& seed = launch.seeds[group.first_seed];
  clear_sums(launch, group);
  stage_group(launch, group, true);
  const int needs = control().needs[0];
  for (long long item = span.begin; item < span.end; ++item) {
    if (needs != 0) {
      squeeze(launch, group, seed, memory, item);
      excite_products(launch, group, seed, memory, item, needs);
      squeeze_gradient(launch, seed, memory, needs);
    }
    if ((needs & kNeedDx) != 0) {
      excite_input_gradient(launch, group, seed, memory, item);
    } else {
      copy_item(launch, group, seed, item);
    }
  }
  block_sync();
}

}  // namespace esper_device
