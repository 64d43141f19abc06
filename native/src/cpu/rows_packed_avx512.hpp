// Products of rows whose narrow ranks leave the lanes to the rows, for ranks up to 8. Included inside the instruction
// set's own anonymous namespace.

template <int Ranks, bool Whole>
inline void contract_lanes_block(const float* weights, const float* bias, const float* x, std::int64_t stride,
                                 std::int32_t channels, std::int64_t rows, float* out) {
  // Two sums a rank keep the multiply-adds from waiting for each other.
  constexpr int kSets = 8 / Ranks;
  __m512 acc[kSets][Ranks];
#pragma GCC unroll 16
  for (int r = 0; r < Ranks; ++r) {
#pragma GCC unroll 16
    for (int k = 0; k < kSets; ++k) {
      acc[k][r] = k > 0 || bias == nullptr ? _mm512_setzero_ps() : _mm512_set1_ps(bias[r]);
    }
  }
  for (std::int32_t c = 0; c < channels; c += kLanes) {
    __m512 column[kLanes];
#pragma GCC unroll 16
    for (int i = 0; i < kLanes; ++i) {
      const std::int64_t row = Whole || i < rows ? i : rows - 1;
      column[i] = _mm512_loadu_ps(x + row * stride + c);
    }
    transpose(column);
    const float* w = weights + static_cast<std::int64_t>(c) * Ranks;
#pragma GCC unroll 16
    for (int k = 0; k < kLanes; ++k) {
#pragma GCC unroll 16
      for (int r = 0; r < Ranks; ++r) {
        acc[k % kSets][r] = _mm512_fmadd_ps(column[k], _mm512_set1_ps(w[k * Ranks + r]), acc[k % kSets][r]);
      }
    }
  }
#pragma GCC unroll 16
  for (int r = 0; r < Ranks; ++r) {
    _mm512_storeu_ps(out + r * kBlockRows, kSets == 1 ? acc[0][r] : _mm512_add_ps(acc[0][r], acc[kSets - 1][r]));
  }
}

template <int Ranks>
inline void contract_lanes(const float* weights, const float* bias, const float* x, std::int64_t stride,
                           std::int32_t channels, std::int64_t rows, float* out) {
  static_assert(kBlockRows == kLanes, "a vector holds one value of every row of a block");
  if (rows == kBlockRows) {
    contract_lanes_block<Ranks, true>(weights, bias, x, stride, channels, rows, out);
  } else {
    contract_lanes_block<Ranks, false>(weights, bias, x, stride, channels, rows, out);
  }
}
