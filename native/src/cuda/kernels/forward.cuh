// Forward pass of the pointwise families, and the parts of it that depthwise shares.
#pragma once

#include "stage.cuh"

namespace esper_device {

// hidden[r][t] = act(b1[r] + sum_c W1[r][c] x[c][t]); slope likewise where it is wanted.
ESPER_DEVICE void hidden_block(const EsperSeed& seed, const Memory& memory, const EsperGroup& group, int piece,
                               bool backward) {
  const int tile = group.tile;
  const Block block = block_of(piece, seed.hidden, tile);
  if (!block.valid) {
    return;
  }
  float* hidden = memory.panels + group.p_hidden;
  float sums[8][4];
  multiply_rows(memory.weights + seed.w_input_t, pad4(seed.hidden), block.row, memory.panels + group.p_x,
                seed.panel_row, nullptr, seed.channels, tile, block.quad, sums);
  const float* bias = memory.weights + seed.w_input_bias;
  ESPER_UNROLL
  for (int i = 0; i < 8; ++i) {
    const int r = block.row + i;
    if (r < seed.hidden) {
      Float4 value;
      ESPER_UNROLL
      for (int j = 0; j < 4; ++j) {
        value.v[j] = sums[i][j] + bias[r];
      }
      panel_quad(hidden, seed.hidden_row + r, block.quad, tile) = value;
    }
  }
  if (seed.activation < 0 && !backward) {
    return;
  }
  // By a loop over memory that this thread alone touches: one copy of the activations instead of 32.
  ESPER_ROLLED
  for (int i = 0; i < 32; ++i) {
    const int r = block.row + (i >> 2);
    if (r < seed.hidden) {
      const int at = panel_at(seed.hidden_row + r, 4 * block.quad + (i & 3), tile);
      float slope;
      hidden[at] = activate(seed.activation, hidden[at], &slope);
      if (backward) {
        memory.panels[group.p_slope + at] = slope;
      }
    }
  }
}

// g at eight channels and four positions.
ESPER_DEVICE void module_block(const EsperSeed& seed, const Memory& memory, const EsperGroup& group, const Block& block,
                               float (&sums)[8][4]) {
  const int tile = group.tile;
  const float* bias = memory.weights + seed.w_output_bias;
  if (seed.hidden == 0) {
    const float* u = memory.weights + seed.w_vector;
    ESPER_UNROLL
    for (int i = 0; i < 8; ++i) {
      const int c = block.row + i;
      if (c < seed.channels) {
        const Float4 x = panel_quad(memory.panels + group.p_x, seed.panel_row + c, block.quad, tile);
        ESPER_UNROLL
        for (int j = 0; j < 4; ++j) {
          sums[i][j] = multiply_add(u[c], x.v[j], bias[c]);
        }
      }
    }
    return;
  }
  multiply_rows(memory.weights + seed.w_output_t, pad4(seed.channels), block.row, memory.panels + group.p_hidden,
                seed.hidden_row, nullptr, seed.hidden, tile, block.quad, sums);
  ESPER_UNROLL
  for (int i = 0; i < 8; ++i) {
    if (block.row + i < seed.channels) {
      ESPER_UNROLL
      for (int j = 0; j < 4; ++j) {
        sums[i][j] += bias[block.row + i];
      }
    }
  }
}

// x panel = x + w g(x), each element by the thread that owns its block.
ESPER_DEVICE void blend_block(const EsperSeed& seed, const Memory& memory, const EsperGroup& group, int piece) {
  const int tile = group.tile;
  const Block block = block_of(piece, seed.channels, tile);
  if (!block.valid) {
    return;
  }
  float sums[8][4];
  module_block(seed, memory, group, block, sums);
  const float* weights = memory.weights + seed.w_channel;
  Float4 gate;
  if (seed.blend == ESPER_CUDA_GATED) {
    gate = panel_quad(memory.panels + group.p_weight, seed.weight_row, block.quad, tile);
  }
  ESPER_UNROLL
  for (int i = 0; i < 8; ++i) {
    const int c = block.row + i;
    if (c < seed.channels) {
      Float4& x = panel_quad(memory.panels + group.p_x, seed.panel_row + c, block.quad, tile);
      Float4 y;
      ESPER_UNROLL
      for (int j = 0; j < 4; ++j) {
        const float w = seed.blend == ESPER_CUDA_GATED ? gate.v[j] : weights[c];
        y.v[j] = multiply_add(w, sums[i][j], x.v[j]);
      }
      x = y;
    }
  }
}

// The group's chunks of a tensor into the panel at placement.
template <bool kShared>
ESPER_CALL void load_group(const Launch& launch, const EsperGroup& group, const Rows& rows, const void* tensor,
                           int placement) {
  load_panel(launch.geometry, rows, tensor, group.channel_begin, group.channels, group.tile,
             make_memory<kShared>(launch, group).panels + placement, 0);
}

// The other way, to the output.
template <bool kShared>
ESPER_CALL void store_group(const Launch& launch, const EsperGroup& group, const Rows& rows, int placement) {
  store_panel(launch.geometry, rows, launch.arguments->out, group.channel_begin, group.channels, group.tile,
              make_memory<kShared>(launch, group).panels + placement, 0);
}

// Writes the chunks of a forward tile seed by seed, because some channels keep their bits.
ESPER_CALL void store_seeds(const Launch& launch, const EsperGroup& group, const Rows& rows) {
  const Memory memory = make_memory<false>(launch, group);
  const float* panel = memory.panels + group.p_x;
  const void* x = launch.arguments->x;
  void* y = launch.arguments->out;
  for (int s = 0; s < group.seeds; ++s) {
    const EsperSeed& seed = launch.seeds[group.first_seed + s];
    if (control().state[s] != kSilent) {
      store_weighted(launch.geometry, rows, x, y, seed.channel_begin, seed.channels, group.tile, panel, seed.panel_row,
                     memory.weights + seed.w_channel);
    } else if (launch.apart) {
      copy_chunk(launch.geometry, rows, x, y, seed.channel_begin, seed.channels);
    }
  }
}

ESPER_DEVICE bool all_full(const EsperGroup& group) {
  bool full = true;
  for (int s = 0; s < group.seeds; ++s) {
    full = full && control().state[s] == kFull;
  }
  return full;
}

// Hidden values and position weights of a tile.
template <bool kShared>
ESPER_CALL void hidden_phase(const Launch& launch, const EsperGroup& group, bool backward) {
  const Memory memory = make_memory<kShared>(launch, group);
  Turn turn = first_turn();
  for (int s = 0; s < group.seeds; ++s) {
    const EsperSeed& seed = launch.seeds[group.first_seed + s];
    if (backward && control().needs[s] == 0) {
      continue;
    }
    const int pieces = seed.hidden > 0 && seed.kernel == 0 ? block_pieces(seed.hidden, group.tile) : 0;
    for (; turn.next < pieces; turn.next += kWarps) {
      hidden_block(seed, memory, group, turn.next, backward);
    }
    turn.next -= pieces;
    if (backward || seed.blend == ESPER_CUDA_GATED) {
      gate_positions(seed, memory, memory.panels + group.p_x, memory.panels + group.p_weight, group.tile, backward);
    }
  }
}

// The x panel becomes y.
template <bool kShared>
ESPER_CALL void blend_phase(const Launch& launch, const EsperGroup& group) {
  const Memory memory = make_memory<kShared>(launch, group);
  Turn turn = first_turn();
  for (int s = 0; s < group.seeds; ++s) {
    const EsperSeed& seed = launch.seeds[group.first_seed + s];
    const int pieces = block_pieces(seed.channels, group.tile);
    for (; turn.next < pieces; turn.next += kWarps) {
      blend_block(seed, memory, group, turn.next);
    }
    turn.next -= pieces;
  }
}

// y = x + w g(x) on the tiles of a span. Barriers: after the panel is loaded, after the hidden values, after the blend,
// and after the store, so that no phase reads what another thread still writes.
template <bool kShared>
ESPER_DEVICE void forward_pointwise(const Launch& launch, const EsperGroup& group, const EsperSpan& span) {
  stage_group(launch, group, false);
  const bool full = all_full(group);
  for (long long unit = span.begin; unit < span.end; ++unit) {
    const Rows rows = make_rows(launch.geometry, unit * group.tile, launch.header->rows, group.tile);
    load_group<kShared>(launch, group, rows, launch.arguments->x, group.p_x);
    block_sync();
    hidden_phase<kShared>(launch, group, false);
    block_sync();
    blend_phase<kShared>(launch, group);
    block_sync();
    if (full) {
      store_group<kShared>(launch, group, rows, group.p_x);
    } else {
      store_seeds(launch, group, rows);
    }
    block_sync();
  }
}

// target = source on a group's channels.
ESPER_CALL void copy_group(const Launch& launch, const EsperGroup& group, const EsperSpan& span, const void* source) {
  for (long long unit = span.begin; unit < span.end; ++unit) {
    const Rows rows = make_rows(launch.geometry, unit * group.tile, launch.header->rows, group.tile);
    copy_chunk(launch.geometry, rows, source, launch.arguments->out, group.channel_begin, group.channels);
  }
}

}  // namespace esper_device
