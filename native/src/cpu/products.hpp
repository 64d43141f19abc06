// The matrix products of a tile. Positions are the lanes of every vector. Included inside the instruction set's own
// anonymous namespace. A panel is a [rows][positions] array whose rows are a leading dimension apart; T, the number of
// positions of a tile, is a multiple of kGroup.

constexpr int kGroup = kLanes * kGroupVectors;

// out[i][t] = bias[i] + sum_k weights[i * row_stride + k * depth_stride] * input[k][t]
struct Product {
  const float* weights;
  std::int64_t row_stride;
  std::int64_t depth_stride;
  const float* bias;  // nullptr: 0.
  const float* input;
  std::int64_t leading;
  std::int32_t rows;
  std::int32_t depth;
};

// Rows i to i + Rows - 1 of the product; epilogue(row, t, value) receives each finished vector.
template <int Rows, typename Epilogue>
inline void product_block(const Product& p, std::int32_t i, std::int64_t positions, Epilogue epilogue) {
  for (std::int64_t t = 0; t < positions; t += kGroup) {
    Vec acc[Rows][kGroupVectors];
#pragma GCC unroll 16
    for (int row = 0; row < Rows; ++row) {
      const Vec start = set1(p.bias != nullptr ? p.bias[i + row] : 0.0F);
#pragma GCC unroll 16
      for (int g = 0; g < kGroupVectors; ++g) {
        acc[row][g] = start;
      }
    }
    const float* weights = p.weights + i * p.row_stride;
    const float* input = p.input + t;
    for (std::int32_t k = 0; k < p.depth; ++k) {
      Vec in[kGroupVectors];
#pragma GCC unroll 16
      for (int g = 0; g < kGroupVectors; ++g) {
        in[g] = load(input + g * kLanes);
      }
#pragma GCC unroll 16
      for (int row = 0; row < Rows; ++row) {
        const Vec w = set1(weights[row * p.row_stride]);
#pragma GCC unroll 16
        for (int g = 0; g < kGroupVectors; ++g) {
          acc[row][g] = fma(w, in[g], acc[row][g]);
        }
      }
      weights += p.depth_stride;
      input += p.leading;
    }
#pragma GCC unroll 16
    for (int row = 0; row < Rows; ++row) {
#pragma GCC unroll 16
      for (int g = 0; g < kGroupVectors; ++g) {
        epilogue(i + row, t + g * kLanes, acc[row][g]);
      }
    }
  }
}

// All rows of the product, in register blocks of falling height.
template <typename Epilogue>
inline void product(const Product& p, std::int64_t positions, Epilogue epilogue) {
  std::int32_t i = 0;
  for (; i + kBlock <= p.rows; i += kBlock) {
    product_block<kBlock>(p, i, positions, epilogue);
  }
  if constexpr (kBlock > 4) {
    for (; i + 4 <= p.rows; i += 4) {
      product_block<4>(p, i, positions, epilogue);
    }
  }
  if constexpr (kBlock > 2) {
    for (; i + 2 <= p.rows; i += 2) {
      product_block<2>(p, i, positions, epilogue);
    }
  }
  for (; i < p.rows; ++i) {
    product_block<1>(p, i, positions, epilogue);
  }
}

// Adds sum_t a[i][t] * b[j][t] for every i, j to out, in blocks of kOuterRows by kOuterColumns. Rows past the end of a
// panel repeat its last one; the sums they produce lie outside the matrix and are never read.
// step() is called before each block.
template <typename Step>
inline void add_outer(const float* a, std::int64_t a_leading, std::int32_t a_rows, const float* b,
                      std::int64_t b_leading, std::int32_t b_rows, std::int64_t positions, float* out,
                      const Step& step) {
  constexpr int kCells = kOuterRows * kOuterColumns;
  for (std::int32_t i = 0; i < a_rows; i += kOuterRows) {
    const float* a_row[kOuterRows];
#pragma GCC unroll 16
    for (int k = 0; k < kOuterRows; ++k) {
      a_row[k] = a + (i + k < a_rows ? i + k : a_rows - 1) * a_leading;
    }
    for (std::int32_t j = 0; j < b_rows; j += kOuterColumns) {
      step();
      const float* b_row[kOuterColumns];
#pragma GCC unroll 16
      for (int k = 0; k < kOuterColumns; ++k) {
        b_row[k] = b + (j + k < b_rows ? j + k : b_rows - 1) * b_leading;
      }
      Vec acc[kCells];
#pragma GCC unroll 16
      for (int k = 0; k < kCells; ++k) {
        acc[k] = set1(0.0F);
      }
      for (std::int64_t t = 0; t < positions; t += kLanes) {
        Vec right[kOuterColumns];
#pragma GCC unroll 16
        for (int k = 0; k < kOuterColumns; ++k) {
          right[k] = load(b_row[k] + t);
        }
#pragma GCC unroll 16
        for (int m = 0; m < kOuterRows; ++m) {
          const Vec left = load(a_row[m] + t);
#pragma GCC unroll 16
          for (int k = 0; k < kOuterColumns; ++k) {
            acc[m * kOuterColumns + k] = fma(left, right[k], acc[m * kOuterColumns + k]);
          }
        }
      }
#pragma GCC unroll 16
      for (int k = 0; k < kCells; k += kLanes) {
        store(out + k, load(out + k) + reduce(acc + k));
      }
      out += kCells;
    }
  }
}

inline void add_outer(const float* a, std::int64_t a_leading, std::int32_t a_rows, const float* b,
                      std::int64_t b_leading, std::int32_t b_rows, std::int64_t positions, float* out) {
  add_outer(a, a_leading, a_rows, b, b_leading, b_rows, positions, out, [] {});
}

// Adds sum_t a[i][t] to out[i] for every row; out has room for rows rounded up to kLanes.
inline void add_row_sums(const float* a, std::int64_t leading, std::int32_t rows, std::int64_t positions, float* out) {
  for (std::int32_t i = 0; i < rows; i += kLanes) {
    Vec acc[kLanes];
#pragma GCC unroll 16
    for (int k = 0; k < kLanes; ++k) {
      acc[k] = set1(0.0F);
      if (i + k < rows) {
        const float* row = a + (i + k) * leading;
        Vec other = set1(0.0F);
        for (std::int64_t t = 0; t < positions; t += 2 * kLanes) {
          acc[k] = acc[k] + load(row + t);
          other = other + load(row + t + kLanes);
        }
        acc[k] = acc[k] + other;
      }
    }
    store(out + i, load(out + i) + reduce(acc));
  }
}

// Adds sum_t a[i][t] * b[i][t] to out[i] for every row; b_leading = 0 pairs every row of a with the one row b. out has
// room for rows rounded up to kLanes.
inline void add_row_products(const float* a, std::int64_t a_leading, const float* b, std::int64_t b_leading,
                             std::int32_t rows, std::int64_t positions, float* out) {
  for (std::int32_t i = 0; i < rows; i += kLanes) {
    Vec acc[kLanes];
#pragma GCC unroll 16
    for (int k = 0; k < kLanes; ++k) {
      const std::int32_t row = i + k < rows ? i + k : rows - 1;
      const float* left = a + row * a_leading;
      const float* right = b + row * b_leading;
      Vec total = set1(0.0F);
      for (std::int64_t t = 0; t < positions; t += kLanes) {
        total = fma(load(left + t), load(right + t), total);
      }
      acc[k] = total;
    }
    store(out + i, load(out + i) + reduce(acc));
  }
}
