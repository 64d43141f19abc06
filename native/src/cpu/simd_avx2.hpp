// Eight lanes of AVX2 + FMA. Included inside the instruction set's own anonymous namespace.
// max(a, b) and min(a, b) return b if either is NaN.

struct Vec {
  __m256 v;
};
using Mask = __m256;

constexpr int kLanes = 8;
constexpr int kGroupVectors = 2;          // Vectors of positions in a register block.
constexpr int kBlock = 4;                 // Output rows in a register block.
constexpr int kFusedRank = 8;             // Largest rank_pitch of the kernels that keep hidden values in registers.
constexpr int kFusedBackwardRank = 4;     // The same for those of the backward pass.
constexpr int kFusedBackwardVectors = 4;  // Ranks times vectors of positions in their blocks.
constexpr bool kPacksRows = false;
constexpr int kOuterRows = 4;  // Blocking of outer products.
constexpr int kOuterColumns = 2;

inline Vec load(const float* p) {
  return {_mm256_loadu_ps(p)};
}
inline void store(float* p, Vec a) {
  _mm256_storeu_ps(p, a.v);
}
inline __m256i part_mask(int count) {
  const __m256i lanes = _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7);
  return _mm256_cmpgt_epi32(_mm256_set1_epi32(count), lanes);
}
// The first count lanes, 0 < count < kLanes; the others load as 0.
inline Vec load_part(const float* p, int count) {
  return {_mm256_maskload_ps(p, part_mask(count))};
}
inline void store_part(float* p, int count, Vec a) {
  _mm256_maskstore_ps(p, part_mask(count), a.v);
}
// Store past the caches; p must be aligned to the vector. fence() orders such stores before later ones.
inline void stream(float* p, Vec a) {
  _mm256_stream_ps(p, a.v);
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
  return {_mm256_set1_ps(a)};
}
inline Vec operator+(Vec a, Vec b) {
  return {_mm256_add_ps(a.v, b.v)};
}
inline Vec operator-(Vec a, Vec b) {
  return {_mm256_sub_ps(a.v, b.v)};
}
inline Vec operator*(Vec a, Vec b) {
  return {_mm256_mul_ps(a.v, b.v)};
}
inline Vec operator/(Vec a, Vec b) {
  return {_mm256_div_ps(a.v, b.v)};
}
inline Vec fma(Vec a, Vec b, Vec c) {
  return {_mm256_fmadd_ps(a.v, b.v, c.v)};
}
// Correctly rounded.
inline Vec square_root(Vec a) {
  return {_mm256_sqrt_ps(a.v)};
}
inline Vec max(Vec a, Vec b) {
  return {_mm256_max_ps(a.v, b.v)};
}
inline Vec min(Vec a, Vec b) {
  return {_mm256_min_ps(a.v, b.v)};
}
inline Mask less(Vec a, Vec b) {
  return _mm256_cmp_ps(a.v, b.v, _CMP_LT_OQ);
}
// These are true for NaN.
inline Mask not_less(Vec a, Vec b) {
  return _mm256_cmp_ps(a.v, b.v, _CMP_NLT_UQ);
}
inline Mask not_at_least(Vec a, Vec b) {
  return _mm256_cmp_ps(a.v, b.v, _CMP_NGE_UQ);
}
inline Mask equal(Vec a, Vec b) {
  return _mm256_cmp_ps(a.v, b.v, _CMP_EQ_OQ);
}
inline Vec select(Mask m, Vec a, Vec b) {
  return {_mm256_blendv_ps(b.v, a.v, m)};
}
inline Vec abs(Vec a) {
  return {_mm256_andnot_ps(_mm256_set1_ps(-0.0F), a.v)};
}
// fma(a, b, c) where m, else 0.
inline Vec fma_where(Mask m, Vec a, Vec b, Vec c) {
  return select(m, fma(a, b, c), set1(0.0F));
}
// a - b where m, else b.
inline Vec subtract_where(Mask m, Vec a, Vec b) {
  return select(m, a - b, b);
}
inline Vec copysign(Vec magnitude, Vec sign) {
  const __m256 bit = _mm256_set1_ps(-0.0F);
  return {_mm256_or_ps(_mm256_andnot_ps(bit, magnitude.v), _mm256_and_ps(bit, sign.v))};
}

// a * 2^n for integral n in [-252, 254]; anything for NaN. Two steps, because 2^n alone may not be representable.
inline Vec scale(Vec a, Vec n) {
  const __m256i whole = _mm256_cvtps_epi32(n.v);
  const __m256i half = _mm256_srai_epi32(whole, 1);
  const __m256i bias = _mm256_set1_epi32(127);
  const __m256i first = _mm256_slli_epi32(_mm256_add_epi32(half, bias), 23);
  const __m256i second = _mm256_slli_epi32(_mm256_add_epi32(_mm256_sub_epi32(whole, half), bias), 23);
  return {_mm256_mul_ps(_mm256_mul_ps(a.v, _mm256_castsi256_ps(first)), _mm256_castsi256_ps(second))};
}

// Sixteen numbers to look up in.
struct Table {
  __m256 low;
  __m256 high;
};
inline Table load_table(const float* p) {
  return {_mm256_loadu_ps(p), _mm256_loadu_ps(p + 8)};
}
// table[the low four bits of each lane of index].
inline Vec lookup(const Table& table, Vec index) {
  const __m256i bits = _mm256_castps_si256(index.v);
  // Bit 3 as the sign selects the half; the permutation reads the three bits below.
  return {_mm256_blendv_ps(_mm256_permutevar8x32_ps(table.low, bits), _mm256_permutevar8x32_ps(table.high, bits),
                           _mm256_castsi256_ps(_mm256_slli_epi32(bits, 28)))};
}

// Adds a pair of vectors so that each 128-bit half alternates their partial sums.
inline __m256 add_pair(__m256 a, __m256 b) {
  return _mm256_add_ps(_mm256_unpacklo_ps(a, b), _mm256_unpackhi_ps(a, b));
}

// Partial sums of four vectors in the four places of each 128-bit half.
inline __m256 add_four(const Vec* a) {
  const __m256d left = _mm256_castps_pd(add_pair(a[0].v, a[1].v));
  const __m256d right = _mm256_castps_pd(add_pair(a[2].v, a[3].v));
  return _mm256_add_ps(_mm256_castpd_ps(_mm256_unpacklo_pd(left, right)),
                       _mm256_castpd_ps(_mm256_unpackhi_pd(left, right)));
}

// Lane i of the result is the sum of the lanes of a[i].
inline Vec reduce(const Vec* a) {
  const __m256 low = add_four(a);
  const __m256 high = add_four(a + 4);
  return {_mm256_add_ps(_mm256_permute2f128_ps(low, high, 0x20), _mm256_permute2f128_ps(low, high, 0x31))};
}

inline float sum(Vec a) {
  const __m128 half = _mm_add_ps(_mm256_castps256_ps128(a.v), _mm256_extractf128_ps(a.v, 1));
  const __m128 quarter = _mm_add_ps(half, _mm_movehl_ps(half, half));
  return _mm_cvtss_f32(_mm_add_ss(quarter, _mm_shuffle_ps(quarter, quarter, 1)));
}

// Writes the transpose of the 8 by 8 block at from (rows from_stride apart) to to (rows to_stride apart).
template <bool Streaming>
inline void transpose(const float* from, std::int64_t from_stride, float* to, std::int64_t to_stride) {
  __m256 row[8];
  __m256 pair[8];
  for (int i = 0; i < 4; ++i) {
    // Row i beside row i + 4, so that the rest stays inside 128-bit halves.
    row[i] = _mm256_insertf128_ps(_mm256_castps128_ps256(_mm_loadu_ps(from + i * from_stride)),
                                  _mm_loadu_ps(from + (i + 4) * from_stride), 1);
    row[i + 4] = _mm256_insertf128_ps(_mm256_castps128_ps256(_mm_loadu_ps(from + i * from_stride + 4)),
                                      _mm_loadu_ps(from + (i + 4) * from_stride + 4), 1);
  }
  for (int i = 0; i < 8; i += 4) {
    pair[i] = _mm256_unpacklo_ps(row[i], row[i + 1]);
    pair[i + 1] = _mm256_unpackhi_ps(row[i], row[i + 1]);
    pair[i + 2] = _mm256_unpacklo_ps(row[i + 2], row[i + 3]);
    pair[i + 3] = _mm256_unpackhi_ps(row[i + 2], row[i + 3]);
  }
  for (int i = 0; i < 8; i += 4) {
    put<Streaming>(to + (i + 0) * to_stride, {_mm256_shuffle_ps(pair[i], pair[i + 2], 0x44)});
    put<Streaming>(to + (i + 1) * to_stride, {_mm256_shuffle_ps(pair[i], pair[i + 2], 0xEE)});
    put<Streaming>(to + (i + 2) * to_stride, {_mm256_shuffle_ps(pair[i + 1], pair[i + 3], 0x44)});
    put<Streaming>(to + (i + 3) * to_stride, {_mm256_shuffle_ps(pair[i + 1], pair[i + 3], 0xEE)});
  }
}
