// Gradient sums of the parameters over the positions of a tile: kept in the block's memory from tile to tile.
#pragma once

#include "stage.cuh"

namespace esper_device {

// Zero at the start of a span.
ESPER_CALL void clear_sums(const Launch& launch, const EsperGroup& group) {
  const Memory memory = make_memory<false>(launch, group);
  for (int i = thread_index(); i < group.sum_count; i += ESPER_CUDA_THREADS) {
    memory.sums[i] = 0.0F;
  }
  for (int i = thread_index(); i < group.seeds * kWarps * ESPER_CUDA_STATS; i += ESPER_CUDA_THREADS) {
    memory.stats[i] = 0.0;
  }
}

// An outer product over the positions: the arguments of outer_piece.
struct Outer {
  const float* a;
  const float* b;
  float* products;
  float* row_sums;
  int a_row;
  int a_rows;
  int b_row;
  int b_rows;
  bool weighted;
};

// Number which of the outer products that make a seed's gradient sums; a_rows = 0 where there is no such product.
ESPER_DEVICE Outer outer_of(const EsperSeed& seed, const Memory& memory, const EsperGroup& group, int needs,
                            int which) {
  const bool learns = (needs & kNeedTheta) != 0;
  const bool gated = seed.blend == ESPER_CUDA_GATED;
  float* sums = memory.sums + seed.sums;
  Outer outer = {memory.panels + group.p_dhidden,
                 memory.panels + group.p_x,
                 sums + seed.s_input,
                 sums + seed.s_input_bias,
                 seed.hidden_row,
                 0,
                 seed.panel_row,
                 seed.channels,
                 false};
  if (which == 0) {
    outer.a_rows = learns && seed.kernel == 0 ? seed.hidden : 0;
  } else if (which == 1) {
    outer.a = memory.panels + group.p_dy;
    outer.b = memory.panels + group.p_hidden;
    outer.products = sums + seed.s_output;
    outer.row_sums = sums + seed.s_output_bias;
    outer.a_row = seed.panel_row;
    outer.a_rows = seed.hidden > 0 && (learns || ((needs & kNeedAlpha) != 0 && !gated)) ? seed.channels : 0;
    outer.b_row = seed.hidden_row;
    outer.b_rows = seed.hidden;
    outer.weighted = gated;
  } else {
    outer.a = memory.panels + group.p_weight;
    outer.products = sums + seed.s_gate;
    outer.row_sums = sums + seed.s_gate + seed.channels;
    outer.a_row = seed.weight_row + 2;
    outer.a_rows = learns && gated ? 1 : 0;
  }
  return outer;
}

// All gradient sums of a tile.
template <bool kShared>
ESPER_CALL void sums_phase(const Launch& launch, const EsperGroup& group) {
  const Memory memory = make_memory<kShared>(launch, group);
  const float* rows = memory.panels + group.p_weight;
  Turn turn = first_turn();
  for (int s = 0; s < group.seeds; ++s) {
    const EsperSeed& seed = launch.seeds[group.first_seed + s];
    const int needs = control().needs[s];
    ESPER_ROLLED
    for (int which = 0; which < 3; ++which) {
      const Outer outer = outer_of(seed, memory, group, needs, which);
      const int pieces = outer.a_rows > 0 ? outer_pieces(outer.a_rows, outer.b_rows) : 0;
      for (; turn.next < pieces; turn.next += kWarps) {
        outer_piece(turn.next, outer.a, outer.a_row, outer.a_rows, outer.b, outer.b_row, outer.b_rows,
                    outer.weighted ? rows : nullptr, seed.weight_row, group.tile, outer.products, outer.row_sums);
      }
      turn.next -= pieces;
    }
    if (seed.hidden == 0 &&
        ((needs & kNeedTheta) != 0 || ((needs & kNeedAlpha) != 0 && seed.blend != ESPER_CUDA_GATED))) {
      const int pieces = (seed.channels + 3) >> 2;
      for (; turn.next < pieces; turn.next += kWarps) {
        row_piece(turn.next, memory.panels + group.p_dy, seed.panel_row, memory.panels + group.p_x, seed.panel_row,
                  seed.channels, rows, seed.weight_row, group.tile, memory.sums + seed.sums + seed.s_output,
                  memory.sums + seed.sums + seed.s_output_bias);
      }
      turn.next -= pieces;
    }
  }
}

}  // namespace esper_device
