// Ranks of several rows in one vector, for ranks up to 8. Included inside the instruction set's own anonymous
// namespace.

// Sixteen channels of 16 / Ranks rows, rearranged so that part i of vector k holds channels Ranks * k .. of row i.
template <int Ranks>
inline void interleave_rows(const float* const* row, std::int64_t c, __m512* out) {
  if constexpr (Ranks == 4) {
    const __m512 a = _mm512_loadu_ps(row[0] + c);
    const __m512 b = _mm512_loadu_ps(row[1] + c);
    const __m512 d = _mm512_loadu_ps(row[2] + c);
    const __m512 e = _mm512_loadu_ps(row[3] + c);
    const __m512 ab_low = _mm512_shuffle_f32x4(a, b, 0x44);
    const __m512 ab_high = _mm512_shuffle_f32x4(a, b, 0xEE);
    const __m512 de_low = _mm512_shuffle_f32x4(d, e, 0x44);
    const __m512 de_high = _mm512_shuffle_f32x4(d, e, 0xEE);
    out[0] = _mm512_shuffle_f32x4(ab_low, de_low, 0x88);
    out[1] = _mm512_shuffle_f32x4(ab_low, de_low, 0xDD);
    out[2] = _mm512_shuffle_f32x4(ab_high, de_high, 0x88);
    out[3] = _mm512_shuffle_f32x4(ab_high, de_high, 0xDD);
  } else {
    const __m512 a = _mm512_loadu_ps(row[0] + c);
    const __m512 b = _mm512_loadu_ps(row[1] + c);
    out[0] = _mm512_shuffle_f32x4(a, b, 0x44);
    out[1] = _mm512_shuffle_f32x4(a, b, 0xEE);
  }
}

// Channel Index of each part in all lanes of the part.
template <int Ranks, int Index>
inline __m512 spread(__m512 parts) {
  if constexpr (Ranks == 4) {
    return _mm512_permute_ps(parts, Index * 0x55);
  } else {
    // Within 128-bit lanes first, then the lane that holds it to both lanes of its half.
    const __m512 in_lane = _mm512_permute_ps(parts, (Index % 4) * 0x55);
    return Index < 4 ? _mm512_shuffle_f32x4(in_lane, in_lane, 0xA0) : _mm512_shuffle_f32x4(in_lane, in_lane, 0xF5);
  }
}

template <int Ranks>
inline __m512 repeat(const float* weights) {
  if constexpr (Ranks == 4) {
    return _mm512_broadcast_f32x4(_mm_loadu_ps(weights));
  } else {
    return _mm512_broadcast_f32x8(_mm256_loadu_ps(weights));
  }
}

template <int Ranks, int Groups, int Index>
inline void contract_step(const float* weights, const __m512 (*parts)[16 / Ranks], int k, __m512* acc) {
  if constexpr (Index < Ranks) {
    const __m512 w = repeat<Ranks>(weights + Index * Ranks);
    for (int g = 0; g < Groups; ++g) {
      acc[g] = _mm512_fmadd_ps(spread<Ranks, Index>(parts[g][k]), w, acc[g]);
    }
    contract_step<Ranks, Groups, Index + 1>(weights, parts, k, acc);
  }
}

// As contract for a pitch of Ranks and channels a multiple of 16.
template <int Ranks>
inline void contract_packed(const float* weights, const float* bias, const float* x, std::int64_t stride,
                            std::int32_t channels, std::int64_t rows, float* out) {
  constexpr int kTogether = 16 / Ranks;  // Rows in a vector.
  constexpr int kGroups = 4;
  constexpr int kRows = kTogether * kGroups;
  const __m512 start = bias == nullptr ? _mm512_setzero_ps() : repeat<Ranks>(bias);
  for (std::int64_t i = 0; i < rows; i += kRows) {
    // Rows behind the last one repeat it; what they give is not read.
    const float* row[kRows];
    for (int k = 0; k < kRows; ++k) {
      row[k] = x + (i + k < rows ? i + k : rows - 1) * stride;
    }
    __m512 acc[kGroups];
    for (int g = 0; g < kGroups; ++g) {
      acc[g] = start;
    }
    for (std::int32_t c = 0; c < channels; c += 16) {
      __m512 parts[kGroups][kTogether];
      for (int g = 0; g < kGroups; ++g) {
        interleave_rows<Ranks>(row + g * kTogether, c, parts[g]);
      }
      for (int k = 0; k < kTogether; ++k) {
        contract_step<Ranks, kGroups, 0>(weights + (c + k * Ranks) * Ranks, parts, k, acc);
      }
    }
    for (int g = 0; g < kGroups; ++g) {
      _mm512_storeu_ps(out + (i + g * kTogether) * Ranks, acc[g]);
    }
  }
}
