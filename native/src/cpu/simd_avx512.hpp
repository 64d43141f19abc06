// Sixteen lanes of AVX-512 F, BW, DQ, VL. Included inside the instruction set's own anonymous namespace.
// max(a, b) and min(a, b) return b if either is NaN.

struct Vec {
  __m512 v;
};
using Mask = __mmask16;

constexpr int kLanes = 16;
constexpr int kGroupVectors = 2;          // Vectors of positions in a register block.
constexpr int kBlock = 8;                 // Output rows in a register block.
constexpr int kFusedRank = 16;            // Largest rank_pitch of the kernels that keep hidden values in registers.
constexpr int kFusedBackwardRank = 8;     // The same for those of the backward pass.
constexpr int kFusedBackwardVectors = 8;  // Ranks times vectors of positions in their blocks.
constexpr bool kPacksRows = true;
constexpr int kOuterRows = 4;  // Blocking of outer products.
constexpr int kOuterColumns = 4;

inline Vec load(const float* p) {
  return {_mm512_loadu_ps(p)};
}
inline void store(float* p, Vec a) {
  _mm512_storeu_ps(p, a.v);
}
// The first count lanes, 0 < count < kLanes; the others load as 0.
inline Vec load_part(const float* p, int count) {
  return {_mm512_maskz_loadu_ps(static_cast<__mmask16>((1U << count) - 1U), p)};
}
inline void store_part(float* p, int count, Vec a) {
  _mm512_mask_storeu_ps(p, static_cast<__mmask16>((1U << count) - 1U), a.v);
}
// Store past the caches; p must be aligned to the vector. fence() orders such stores before later ones.
inline void stream(float* p, Vec a) {
  _mm512_stream_ps(p, a.v);
}
template <bool Streaming>
inline void put(float* p, Vec a) {
  if constexpr (Streaming) {
    stream(p, a);
  } else {
    store(p, a);
  }
}
inline void fence() {
  _mm_sfence();
}
inline Vec set1(float a) {
  return {_mm512_set1_ps(a)};
}
inline Vec operator+(Vec a, Vec b) {
  return {_mm512_add_ps(a.v, b.v)};
}
inline Vec operator-(Vec a, Vec b) {
  return {_mm512_sub_ps(a.v, b.v)};
}
inline Vec operator*(Vec a, Vec b) {
  return {_mm512_mul_ps(a.v, b.v)};
}
inline Vec operator/(Vec a, Vec b) {
  return {_mm512_div_ps(a.v, b.v)};
}
inline Vec fma(Vec a, Vec b, Vec c) {
  return {_mm512_fmadd_ps(a.v, b.v, c.v)};
}
// Correctly rounded.
inline Vec square_root(Vec a) {
  return {_mm512_sqrt_ps(a.v)};
}
inline Vec max(Vec a, Vec b) {
  return {_mm512_max_ps(a.v, b.v)};
}
inline Vec min(Vec a, Vec b) {
  return {_mm512_min_ps(a.v, b.v)};
}
inline Mask less(Vec a, Vec b) {
  return _mm512_cmp_ps_mask(a.v, b.v, _CMP_LT_OQ);
}
// These are true for NaN.
inline Mask not_less(Vec a, Vec b) {
  return _mm512_cmp_ps_mask(a.v, b.v, _CMP_NLT_UQ);
}
inline Mask not_at_least(Vec a, Vec b) {
  return _mm512_cmp_ps_mask(a.v, b.v, _CMP_NGE_UQ);
}
inline Mask equal(Vec a, Vec b) {
  return _mm512_cmp_ps_mask(a.v, b.v, _CMP_EQ_OQ);
}
inline Vec select(Mask m, Vec a, Vec b) {
  return {_mm512_mask_blend_ps(m, b.v, a.v)};
}
inline Vec abs(Vec a) {
  return {_mm512_abs_ps(a.v)};
}
// fma(a, b, c) where m, else 0.
inline Vec fma_where(Mask m, Vec a, Vec b, Vec c) {
  return {_mm512_maskz_fmadd_ps(m, a.v, b.v, c.v)};
}
// a - b where m, else b.
inline Vec subtract_where(Mask m, Vec a, Vec b) {
  return {_mm512_mask_sub_ps(b.v, m, a.v, b.v)};
}
inline Vec copysign(Vec magnitude, Vec sign) {
  const __m512 bit = _mm512_set1_ps(-0.0F);
  return {_mm512_or_ps(_mm512_andnot_ps(bit, magnitude.v), _mm512_and_ps(bit, sign.v))};
}

// a * 2^n for integral n; rounds once, also into subnormals.
inline Vec scale(Vec a, Vec n) {
  return {_mm512_scalef_ps(a.v, n.v)};
}

// Sixteen numbers to look up in.
struct Table {
  __m512 v;
};
inline Table load_table(const float* p) {
  return {_mm512_loadu_ps(p)};
}
// table[the low four bits of each lane of index].
inline Vec lookup(const Table& table, Vec index) {
  return {_mm512_permutexvar_ps(_mm512_castps_si512(index.v), table.v)};
}

// Adds a pair of vectors so that each 128-bit part alternates their partial sums.
inline __m512 add_pair(__m512 a, __m512 b) {
  return _mm512_add_ps(_mm512_unpacklo_ps(a, b), _mm512_unpackhi_ps(a, b));
}

// Partial sums of four vectors in the four places of each 128-bit part.
inline __m512 add_four(const Vec* a) {
  const __m512d left = _mm512_castps_pd(add_pair(a[0].v, a[1].v));
  const __m512d right = _mm512_castps_pd(add_pair(a[2].v, a[3].v));
  return _mm512_add_ps(_mm512_castpd_ps(_mm512_unpacklo_pd(left, right)),
                       _mm512_castpd_ps(_mm512_unpackhi_pd(left, right)));
}

// Adds neighbouring 128-bit parts: those of a into the lower half, those of b into the upper.
inline __m512 add_parts(__m512 a, __m512 b) {
  return _mm512_add_ps(_mm512_shuffle_f32x4(a, b, 0x88), _mm512_shuffle_f32x4(a, b, 0xDD));
}

// Lane i of the result is the sum of the lanes of a[i].
inline Vec reduce(const Vec* a) {
  return {add_parts(add_parts(add_four(a), add_four(a + 4)), add_parts(add_four(a + 8), add_four(a + 12)))};
}

inline float sum(Vec a) {
  return _mm512_reduce_add_ps(a.v);
}

// Transposes sixteen vectors of sixteen lanes in place.
inline void transpose(__m512* rows) {
  __m512 quarter[16];
  // Part p of quarter[4 k + i] is columns 4 k .. 4 k + 3 of row 4 p + i, so that the rest stays inside 128-bit parts.
#pragma GCC unroll 16
  for (int i = 0; i < 4; ++i) {
    const __m512 ab_low = _mm512_shuffle_f32x4(rows[i], rows[i + 4], 0x44);
    const __m512 ab_high = _mm512_shuffle_f32x4(rows[i], rows[i + 4], 0xEE);
    const __m512 cd_low = _mm512_shuffle_f32x4(rows[i + 8], rows[i + 12], 0x44);
    const __m512 cd_high = _mm512_shuffle_f32x4(rows[i + 8], rows[i + 12], 0xEE);
    quarter[i] = _mm512_shuffle_f32x4(ab_low, cd_low, 0x88);
    quarter[4 + i] = _mm512_shuffle_f32x4(ab_low, cd_low, 0xDD);
    quarter[8 + i] = _mm512_shuffle_f32x4(ab_high, cd_high, 0x88);
    quarter[12 + i] = _mm512_shuffle_f32x4(ab_high, cd_high, 0xDD);
  }
#pragma GCC unroll 16
  for (int k = 0; k < 16; k += 4) {
    const __m512 a = _mm512_unpacklo_ps(quarter[k], quarter[k + 1]);
    const __m512 b = _mm512_unpackhi_ps(quarter[k], quarter[k + 1]);
    const __m512 c = _mm512_unpacklo_ps(quarter[k + 2], quarter[k + 3]);
    const __m512 d = _mm512_unpackhi_ps(quarter[k + 2], quarter[k + 3]);
    rows[k] = _mm512_shuffle_ps(a, c, 0x44);
    rows[k + 1] = _mm512_shuffle_ps(a, c, 0xEE);
    rows[k + 2] = _mm512_shuffle_ps(b, d, 0x44);
    rows[k + 3] = _mm512_shuffle_ps(b, d, 0xEE);
  }
}

// Writes the transpose of the 16 by 16 block at from (rows from_stride apart) to to (rows to_stride apart).
template <bool Streaming>
inline void transpose(const float* from, std::int64_t from_stride, float* to, std::int64_t to_stride) {
  __m512 row[16];
#pragma GCC unroll 16
  for (int i = 0; i < 16; ++i) {
    row[i] = _mm512_loadu_ps(from + i * from_stride);
  }
  transpose(row);
#pragma GCC unroll 16
  for (int i = 0; i < 16; ++i) {
    put<Streaming>(to + i * to_stride, {row[i]});
  }
}
