// Backward pass of the pointwise families. The hidden values are recomputed; gradient sums stay in the block's memory
// over all tiles of a span.
#pragma once

#include "forward.cuh"
#include "sums.cuh"

namespace esper_device {

ESPER_DEVICE bool needs_module(const EsperSeed& seed, int needs) {
  return (needs & kNeedSums) != 0 || ((needs & kNeedTheta) != 0 && seed.kappa > 0.0F);
}

// Adds a lane's six sums (order of esper_seed_sums) to the warp's statistics of the seed. All lanes of the warp.
ESPER_DEVICE void add_statistics(const EsperSeed& seed, const Memory& memory, const float (&sums)[6]) {
  const int lane = thread_index() & 31;
  double* stats = memory.stats + seed.stats + (thread_index() >> 5) * ESPER_CUDA_STATS;
  ESPER_UNROLL
  for (int k = 0; k < 6; ++k) {
    const float total = lane_sum<32>(sums[k]);
    if (lane == 0) {
      stats[k] += static_cast<double>(total);
    }
  }
}

// g(x) at one block: telemetry, and dy += kappa g where the parameter gradient asks for it.
ESPER_DEVICE void module_pass_block(const EsperSeed& seed, const Memory& memory, const EsperGroup& group, int piece,
                                    int count, int needs, float (&totals)[6]) {
  const int tile = group.tile;
  const Block block = block_of(piece, seed.channels, tile);
  if (!block.valid) {
    return;
  }
  float sums[8][4];
  module_block(seed, memory, group, block, sums);
  const bool shift = (needs & kNeedTheta) != 0 && seed.kappa > 0.0F;
  ESPER_UNROLL
  for (int i = 0; i < 8; ++i) {
    const int c = seed.panel_row + block.row + i;
    if (block.row + i < seed.channels) {
      const Float4 x = panel_quad(memory.panels + group.p_x, c, block.quad, tile);
      Float4& dy = panel_quad(memory.panels + group.p_dy, c, block.quad, tile);
      Float4 shifted = dy;
      ESPER_UNROLL
      for (int j = 0; j < 4; ++j) {
        if (4 * block.quad + j < count) {
          const float g = sums[i][j];
          totals[0] = multiply_add(x.v[j], x.v[j], totals[0]);
          totals[1] = multiply_add(g, g, totals[1]);
          totals[2] = multiply_add(shifted.v[j], shifted.v[j], totals[2]);
          totals[3] = multiply_add(shifted.v[j], g, totals[3]);
          totals[4] += x.v[j];
          totals[5] += g;
          shifted.v[j] = multiply_add(seed.kappa, g, shifted.v[j]);
        }
      }
      if (shift) {
        dy = shifted;
      }
    }
  }
}

// dhidden[r][t] = w act'(pre) sum_c W2[c][r] dy[c][t]; of the gated blend the sum alone, which gate_gradient completes.
ESPER_DEVICE void hidden_gradient_block(const EsperSeed& seed, const Memory& memory, const EsperGroup& group,
                                        int piece) {
  const int tile = group.tile;
  const Block block = block_of(piece, seed.hidden, tile);
  if (!block.valid) {
    return;
  }
  const float* scale = seed.blend == ESPER_CUDA_CHANNEL ? memory.weights + seed.w_channel : nullptr;
  float sums[8][4];
  multiply_rows(memory.weights + seed.w_output, pad4(seed.hidden), block.row, memory.panels + group.p_dy,
                seed.panel_row, scale, seed.channels, tile, block.quad, sums);
  ESPER_UNROLL
  for (int i = 0; i < 8; ++i) {
    const int r = block.row + i;
    if (r < seed.hidden) {
      Float4 value;
      const Float4 slope = panel_quad(memory.panels + group.p_slope, seed.hidden_row + r, block.quad, tile);
      ESPER_UNROLL
      for (int j = 0; j < 4; ++j) {
        value.v[j] = sums[i][j];
        if (seed.blend == ESPER_CUDA_UNIFORM) {
          value.v[j] = multiply(multiply(seed.weight, value.v[j]), slope.v[j]);
        } else if (seed.blend == ESPER_CUDA_CHANNEL) {
          value.v[j] = multiply(value.v[j], slope.v[j]);
        }
      }
      panel_quad(memory.panels + group.p_dhidden, seed.hidden_row + r, block.quad, tile) = value;
    }
  }
}

// Gated blend, one thread a position: dy . g from the hidden values, du, and the position's weight worked into hidden
// values and their gradients. Whole warps take part.
ESPER_DEVICE void gate_gradient(const EsperSeed& seed, const Memory& memory, const EsperGroup& group) {
  const int tile = group.tile;
  const float* x = memory.panels + group.p_x;
  const float* dy = memory.panels + group.p_dy;
  float* hidden = memory.panels + group.p_hidden;
  float* dhidden = memory.panels + group.p_dhidden;
  const float* slope = memory.panels + group.p_slope;
  float* rows = memory.panels + group.p_weight;
  const float* bias = memory.weights + seed.w_output_bias;
  for (int t = thread_index(); t < tile; t += ESPER_CUDA_THREADS) {
    const float weight = rows[panel_at(seed.weight_row, t, tile)];
    const float gate = rows[panel_at(seed.weight_row + 1, t, tile)];
    float dot = 0.0F;
    for (int c = 0; c < seed.channels; ++c) {
      const int at = panel_at(seed.panel_row + c, t, tile);
      float factor = bias[c];
      if (seed.hidden == 0) {
        factor = multiply_add(memory.weights[seed.w_vector + c], x[at], factor);
      }
      dot = multiply_add(factor, dy[at], dot);
    }
    for (int r = 0; r < seed.hidden; ++r) {
      const int at = panel_at(seed.hidden_row + r, t, tile);
      dot = multiply_add(hidden[at], dhidden[at], dot);
      hidden[at] = multiply(hidden[at], weight);
      dhidden[at] = multiply(multiply(dhidden[at], weight), slope[at]);
    }
    const float weighted = multiply(gate, dot);
    rows[panel_at(seed.weight_row + 2, t, tile)] = multiply(multiply(seed.alpha, 1.0F - gate), weighted);
    const float total = lane_sum<32>(weighted);
    if ((thread_index() & 31) == 0) {
      memory.stats[seed.stats + (thread_index() >> 5) * ESPER_CUDA_STATS + 6] += static_cast<double>(total);
    }
  }
}

// dy panel = dx = dy + W1^T dhidden + q du (affine: dy + w u dy + q du), each element by the thread that owns its
// block.
ESPER_DEVICE void input_gradient_block(const EsperSeed& seed, const Memory& memory, const EsperGroup& group,
                                       int piece) {
  const int tile = group.tile;
  const Block block = block_of(piece, seed.channels, tile);
  if (!block.valid) {
    return;
  }
  const bool gated = seed.blend == ESPER_CUDA_GATED;
  float sums[8][4];
  Float4 weight;
  Float4 du;
  if (gated) {
    weight = panel_quad(memory.panels + group.p_weight, seed.weight_row, block.quad, tile);
    du = panel_quad(memory.panels + group.p_weight, seed.weight_row + 2, block.quad, tile);
  }
  if (seed.hidden > 0) {
    multiply_rows(memory.weights + seed.w_input, pad4(seed.channels), block.row, memory.panels + group.p_dhidden,
                  seed.hidden_row, nullptr, seed.hidden, tile, block.quad, sums);
  }
  ESPER_UNROLL
  for (int i = 0; i < 8; ++i) {
    const int c = block.row + i;
    if (c < seed.channels) {
      Float4& dy = panel_quad(memory.panels + group.p_dy, seed.panel_row + c, block.quad, tile);
      Float4 dx = dy;
      ESPER_UNROLL
      for (int j = 0; j < 4; ++j) {
        if (seed.hidden > 0) {
          dx.v[j] += sums[i][j];
        } else {
          const float w = gated ? weight.v[j] : memory.weights[seed.w_channel + c];
          dx.v[j] = multiply_add(multiply(memory.weights[seed.w_vector + c], w), dx.v[j], dx.v[j]);
        }
        if (gated) {
          dx.v[j] = multiply_add(memory.weights[seed.w_gate + c], du.v[j], dx.v[j]);
        }
      }
      dy = dx;
    }
  }
}

// dx of a tile seed by seed: computed chunks from the dy panel; dx = dy bit for bit on the others, unless that is in
// place already.
ESPER_CALL void store_gradients(const Launch& launch, const EsperGroup& group, const Rows& rows) {
  const float* panel = make_memory<false>(launch, group).panels + group.p_dy;
  void* dx = launch.arguments->out;
  for (int s = 0; s < group.seeds; ++s) {
    const EsperSeed& seed = launch.seeds[group.first_seed + s];
    if ((control().needs[s] & kNeedDx) != 0) {
      store_panel(launch.geometry, rows, dx, seed.channel_begin, seed.channels, group.tile, panel, seed.panel_row);
    } else if (launch.apart) {
      copy_chunk(launch.geometry, rows, launch.arguments->dy, dx, seed.channel_begin, seed.channels);
    }
  }
}

// Needs of the group's seeds: of any, or of all.
ESPER_DEVICE int any_needs(const EsperGroup& group) {
  int needs = 0;
  for (int s = 0; s < group.seeds; ++s) {
    needs |= control().needs[s];
  }
  return needs;
}
ESPER_DEVICE int all_needs(const EsperGroup& group) {
  int needs = ~0;
  for (int s = 0; s < group.seeds; ++s) {
    needs &= control().needs[s];
  }
  return needs;
}

template <bool kShared>
ESPER_CALL void module_phase(const Launch& launch, const EsperGroup& group, int count) {
  const Memory memory = make_memory<kShared>(launch, group);
  Turn turn = first_turn();
  for (int s = 0; s < group.seeds; ++s) {
    const EsperSeed& seed = launch.seeds[group.first_seed + s];
    const int needs = control().needs[s];
    if (needs_module(seed, needs)) {
      const int pieces = block_pieces(seed.channels, group.tile);
      float totals[6] = {0.0F, 0.0F, 0.0F, 0.0F, 0.0F, 0.0F};
      for (; turn.next < pieces; turn.next += kWarps) {
        module_pass_block(seed, memory, group, turn.next, count, needs, totals);
      }
      turn.next -= pieces;
      add_statistics(seed, memory, totals);
    }
  }
}

template <bool kShared>
ESPER_CALL void hidden_gradient_phase(const Launch& launch, const EsperGroup& group) {
  const Memory memory = make_memory<kShared>(launch, group);
  Turn turn = first_turn();
  for (int s = 0; s < group.seeds; ++s) {
    const EsperSeed& seed = launch.seeds[group.first_seed + s];
    const int pieces = control().needs[s] != 0 && seed.hidden > 0 ? block_pieces(seed.hidden, group.tile) : 0;
    for (; turn.next < pieces; turn.next += kWarps) {
      hidden_gradient_block(seed, memory, group, turn.next);
    }
    turn.next -= pieces;
  }
}

template <bool kShared>
ESPER_CALL void gate_gradient_phase(const Launch& launch, const EsperGroup& group) {
  const Memory memory = make_memory<kShared>(launch, group);
  for (int s = 0; s < group.seeds; ++s) {
    const EsperSeed& seed = launch.seeds[group.first_seed + s];
    if (control().needs[s] != 0 && seed.blend == ESPER_CUDA_GATED) {
      gate_gradient(seed, memory, group);
    }
  }
}

template <bool kShared>
ESPER_CALL void input_gradient_phase(const Launch& launch, const EsperGroup& group) {
  const Memory memory = make_memory<kShared>(launch, group);
  Turn turn = first_turn();
  for (int s = 0; s < group.seeds; ++s) {
    const EsperSeed& seed = launch.seeds[group.first_seed + s];
    const int pieces = (control().needs[s] & kNeedDx) != 0 ? block_pieces(seed.channels, group.tile) : 0;
    for (; turn.next < pieces; turn.next += kWarps) {
      input_gradient_block(seed, memory, group, turn.next);
    }
    turn.next -= pieces;
  }
}

// Which phases a group needs in a launch.
struct Phases {
  bool module;
  bool gated;
};
ESPER_DEVICE Phases phases_of(const Launch& launch, const EsperGroup& group) {
  Phases phases = {false, false};
  for (int s = 0; s < group.seeds; ++s) {
    const EsperSeed& seed = launch.seeds[group.first_seed + s];
    const int needs = control().needs[s];
    phases.module = phases.module || needs_module(seed, needs);
    phases.gated = phases.gated || (needs != 0 && seed.blend == ESPER_CUDA_GATED);
  }
  return phases;
}

// Gradients of the hidden values of one tile, x and dy already in their panels (of depthwise also the hidden values).
// Between any two phases that read what another wrote, or write what another read, there is a barrier; the last one
// ends the function.
template <bool kShared>
ESPER_DEVICE void backward_hidden(const Launch& launch, const EsperGroup& group, int count, const Phases& phases) {
  hidden_phase<kShared>(launch, group, true);
  block_sync();
  if (phases.module) {
    module_phase<kShared>(launch, group, count);
    block_sync();
  }
  hidden_gradient_phase<kShared>(launch, group);
  block_sync();
  if (phases.gated) {
    gate_gradient_phase<kShared>(launch, group);
    block_sync();
  }
}

template <bool kShared>
ESPER_DEVICE void backward_pointwise(const Launch& launch, const EsperGroup& group, const EsperSpan& span) {
  clear_sums(launch, group);
  stage_group(launch, group, true);
  const bool runs = any_needs(group) != 0;
  const bool full = (all_needs(group) & kNeedDx) != 0;
  const Phases phases = phases_of(launch, group);
  const EsperLatticeArguments& arguments = *launch.arguments;
  for (long long unit = span.begin; unit < span.end; ++unit) {
    const Rows rows = make_rows(launch.geometry, unit * group.tile, launch.header->rows, group.tile);
    if (runs) {
      load_group<kShared>(launch, group, rows, arguments.x, group.p_x);
      load_group<kShared>(launch, group, rows, arguments.dy, group.p_dy);
      block_sync();
      backward_hidden<kShared>(launch, group, rows.count, phases);
      sums_phase<kShared>(launch, group);
      block_sync();
      input_gradient_phase<kShared>(launch, group);
      block_sync();
    }
    if (full) {
      store_group<kShared>(launch, group, rows, group.p_dy);
    } else if (arguments.out != nullptr) {
      store_gradients(launch, group, rows);
    }
    block_sync();
  }
}

}  // namespace esper_device
