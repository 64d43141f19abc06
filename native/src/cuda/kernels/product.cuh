// Small matrix products between staged weights and panels, and the order in which warps share them.
#pragma once

#include "panel.cuh"

namespace esper_device {

constexpr int kWarps = ESPER_CUDA_THREADS / 32;

ESPER_DEVICE int pad4(int count) {
  return (count + 3) & ~3;
}

// sums[i][j] += over k < depth: weights[k][row + i] * panel[panel_row + k][4 quad + j]. leading: floats of one k, a
// multiple of 4; kRows 4 or 8 rows from a multiple of 4 on exist. A warp reads one or few rows of weights (broadcast)
// and 16 bytes a lane of the panel for every 16 or 32 multiply-adds a lane.
template <int kRows>
ESPER_DEVICE void multiply_block(const float* weights, int leading, int row, const float* panel, int panel_row,
                                 int depth, int tile, int quad, float (&sums)[8][4]) {
  const float* w = weights + row;
  ESPER_UNROLLED_4
  for (int k = 0; k < depth; ++k, w += leading) {
    const Float4 x = panel_quad(panel, panel_row + k, quad, tile);
    const Float4 a = *reinterpret_cast<const Float4*>(w);
    ESPER_UNROLL
    for (int i = 0; i < 4; ++i) {
      ESPER_UNROLL
      for (int j = 0; j < 4; ++j) {
        sums[i][j] = multiply_add(a.v[i], x.v[j], sums[i][j]);
      }
    }
    if (kRows == 8) {
      const Float4 b = *reinterpret_cast<const Float4*>(w + 4);
      ESPER_UNROLL
      for (int i = 0; i < 4; ++i) {
        ESPER_UNROLL
        for (int j = 0; j < 4; ++j) {
          sums[4 + i][j] = multiply_add(b.v[i], x.v[j], sums[4 + i][j]);
        }
      }
    }
  }
}

// The same with row k of the panel scaled by scale[k] first.
template <int kRows>
ESPER_DEVICE void multiply_scaled_block(const float* weights, int leading, int row, const float* panel, int panel_row,
                                        const float* scale, int depth, int tile, int quad, float (&sums)[8][4]) {
  const float* w = weights + row;
  for (int k = 0; k < depth; ++k, w += leading) {
    Float4 x = panel_quad(panel, panel_row + k, quad, tile);
    ESPER_UNROLL
    for (int j = 0; j < 4; ++j) {
      x.v[j] = multiply(x.v[j], scale[k]);
    }
    ESPER_UNROLL
    for (int i = 0; i < kRows; ++i) {
      ESPER_UNROLL
      for (int j = 0; j < 4; ++j) {
        sums[i][j] = multiply_add(w[i], x.v[j], sums[i][j]);
      }
    }
  }
}

ESPER_DEVICE void clear_block(float (&sums)[8][4]) {
  ESPER_UNROLL
  for (int i = 0; i < 8; ++i) {
    ESPER_UNROLL
    for (int j = 0; j < 4; ++j) {
      sums[i][j] = 0.0F;
    }
  }
}

// sums = rows row..row+7 (as far as they exist) of weights times panel, at four columns.
ESPER_DEVICE void multiply_rows(const float* weights, int leading, int row, const float* panel, int panel_row,
                                const float* scale, int depth, int tile, int quad, float (&sums)[8][4]) {
  clear_block(sums);
  const bool eight = row + 4 < leading;
  if (scale != nullptr) {
    if (eight) {
      multiply_scaled_block<8>(weights, leading, row, panel, panel_row, scale, depth, tile, quad, sums);
    } else {
      multiply_scaled_block<4>(weights, leading, row, panel, panel_row, scale, depth, tile, quad, sums);
    }
  } else if (eight) {
    multiply_block<8>(weights, leading, row, panel, panel_row, depth, tile, quad, sums);
  } else {
    multiply_block<4>(weights, leading, row, panel, panel_row, depth, tile, quad, sums);
  }
}

// Work of one seed is cut into pieces of one warp each; warp w of the block takes pieces w, w + kWarps, ... counted
// through all seeds of the group, so that narrow seeds share the warps. A turn walks the pieces of one seed.
struct Turn {
  int next;  // This warp's next piece, counted from the first of the current seed.
};
ESPER_DEVICE Turn first_turn() {
  return {thread_index() >> 5};
}

// Blocks of eight rows by four columns of a rows x tile matrix: lane items of one warp piece.
ESPER_DEVICE int block_pieces(int rows, int tile) {
  return (((rows + 7) >> 3) * (tile >> 2) + 31) >> 5;
}
struct Block {
  int row;
  int quad;
  bool valid;
};
ESPER_DEVICE Block block_of(int piece, int rows, int tile) {
  const int quads = tile >> 2;
  const int item = piece * 32 + (thread_index() & 31);
  const int line = item / quads;
  return {8 * line, item - line * quads, 8 * line < rows};
}

// Adds v over the lanes whose numbers differ in the bits of kMask - 1 ... 1; every one of them gets the sum.
template <int kLanes>
ESPER_DEVICE float lane_sum(float v) {
  ESPER_UNROLL
  for (int mask = kLanes / 2; mask > 0; mask /= 2) {
    v += lane_exchange(v, mask);
  }
  return v;
}

// One step of summing kCount values over pairs of lanes: a lane keeps one half of the values and gives away the other.
template <int kCount>
ESPER_DEVICE void fold(float* v, int mask, bool upper) {
  ESPER_UNROLL
  for (int i = 0; i < kCount / 2; ++i) {
    const float mine = upper ? v[kCount / 2 + i] : v[i];
    const float given = upper ? v[i] : v[kCount / 2 + i];
    v[i] = mine + lane_exchange(given, mask);
  }
}

// Pieces of the outer product of a_rows by b_rows: four blocks of 4 x 4 a warp, the columns of each in eight slices.
ESPER_DEVICE int outer_pieces(int a_rows, int b_rows) {
  return (((a_rows + 3) >> 2) * ((b_rows + 3) >> 2) + 3) >> 2;
}

// Of one piece: products[i][j] += sum over columns of a[i] b[j], and, where the block of columns of b is the first,
// row_sums[i] += sum over columns of a[i] (times weight's column, if given). a and b are panel rows from a_row and
// b_row on; products has leading b_rows. products or row_sums may be NULL. All lanes of the warp take part.
ESPER_DEVICE void outer_piece(int piece, const float* a, int a_row, int a_rows, const float* b, int b_row, int b_rows,
                              const float* weight, int weight_row, int tile, float* products, float* row_sums) {
  const int lane = thread_index() & 31;
  const int slice = lane & 7;
  const int across = (b_rows + 3) >> 2;
  const int item = piece * 4 + (lane >> 3);
  const int block_a = item / across;
  const int block_b = item - block_a * across;
  const bool valid = 4 * block_a < a_rows;
  float sums[16];
  float rows[4];
  ESPER_UNROLL
  for (int i = 0; i < 16; ++i) {
    sums[i] = 0.0F;
  }
  ESPER_UNROLL
  for (int i = 0; i < 4; ++i) {
    rows[i] = 0.0F;
  }
  if (valid) {
    int at_a[4];
    int at_b[4];
    ESPER_UNROLL
    for (int i = 0; i < 4; ++i) {
      // Rows past the end repeat the last one; their sums are dropped below.
      const int row = 4 * block_a + i;
      const int column = 4 * block_b + i;
      at_a[i] = a_row + (row < a_rows ? row : a_rows - 1);
      at_b[i] = b_row + (column < b_rows ? column : b_rows - 1);
    }
    for (int quad = slice; quad < tile >> 2; quad += 8) {
      Float4 left[4];
      ESPER_UNROLL
      for (int i = 0; i < 4; ++i) {
        left[i] = panel_quad(a, at_a[i], quad, tile);
      }
      ESPER_UNROLL
      for (int j = 0; j < 4; ++j) {
        const Float4 right = panel_quad(b, at_b[j], quad, tile);
        ESPER_UNROLL
        for (int i = 0; i < 4; ++i) {
          ESPER_UNROLL
          for (int q = 0; q < 4; ++q) {
            sums[4 * i + j] = multiply_add(left[i].v[q], right.v[q], sums[4 * i + j]);
          }
        }
      }
      if (block_b == 0) {
        Float4 w;
        ESPER_UNROLL
        for (int q = 0; q < 4; ++q) {
          w.v[q] = 1.0F;
        }
        if (weight != nullptr) {
          w = panel_quad(weight, weight_row, quad, tile);
        }
        ESPER_UNROLL
        for (int i = 0; i < 4; ++i) {
          ESPER_UNROLL
          for (int q = 0; q < 4; ++q) {
            rows[i] = multiply_add(left[i].v[q], w.v[q], rows[i]);
          }
        }
      }
    }
  }
  fold<16>(sums, 4, (slice & 4) != 0);
  fold<8>(sums, 2, (slice & 2) != 0);
  fold<4>(sums, 1, (slice & 1) != 0);
  fold<4>(rows, 4, (slice & 4) != 0);
  fold<2>(rows, 2, (slice & 2) != 0);
  rows[0] += lane_exchange(rows[0], 1);
  // A lane is left with the block's numbers 2 slice and 2 slice + 1, and with the row sum number slice / 2.
  const int row = 4 * block_a + (slice >> 1);
  if (valid && row < a_rows) {
    const int column = 4 * block_b + 2 * (slice & 1);
    if (products != nullptr) {
      if (column < b_rows) {
        products[row * b_rows + column] += sums[0];
      }
      if (column + 1 < b_rows) {
        products[row * b_rows + column + 1] += sums[1];
      }
    }
    if (row_sums != nullptr && block_b == 0 && (slice & 1) == 0) {
      row_sums[row] += rows[0];
    }
  }
}

// Of one piece of four rows: products[i] += sum over columns of weight a[i] b[i], row_sums[i] += sum of weight a[i].
ESPER_DEVICE void row_piece(int piece, const float* a, int a_row, const float* b, int b_row, int rows,
                            const float* weight, int weight_row, int tile, float* products, float* row_sums) {
  const int lane = thread_index() & 31;
  const int slice = lane & 7;
  const int row = piece * 4 + (lane >> 3);
  float product = 0.0F;
  float sum = 0.0F;
  if (row < rows) {
    for (int quad = slice; quad < tile >> 2; quad += 8) {
      const Float4 left = panel_quad(a, a_row + row, quad, tile);
      const Float4 right = panel_quad(b, b_row + row, quad, tile);
      const Float4 w = panel_quad(weight, weight_row, quad, tile);
      ESPER_UNROLL
      for (int q = 0; q < 4; ++q) {
        const float e = multiply(w.v[q], left.v[q]);
        product = multiply_add(e, right.v[q], product);
        sum += e;
      }
    }
  }
  product = lane_sum<8>(product);
  sum = lane_sum<8>(sum);
  if (row < rows && slice == 0) {
    products[row] += product;
    if (row_sums != nullptr) {
      row_sums[row] += sum;
    }
  }
}

}  // namespace esper_device
