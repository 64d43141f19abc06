// One lane: the portable implementation of the vector interface that the kernel bodies are written in.
// Included inside the instruction set's own anonymous namespace. max(a, b) and min(a, b) return b if either is NaN.

struct Vec {
  float v;
};
using Mask = bool;

constexpr int kLanes = 1;
constexpr int kGroupVectors = 4;          // Vectors of positions in a register block.
constexpr int kBlock = 2;                 // Output rows in a register block.
constexpr int kFusedRank = 8;             // Largest rank_pitch of the kernels that keep hidden values in registers.
constexpr int kFusedBackwardRank = 4;     // The same for those of the backward pass.
constexpr int kFusedBackwardVectors = 4;  // Ranks times vectors of positions in their blocks.
constexpr bool kPacksRows = false;
constexpr int kOuterRows = 2;  // Blocking of outer products.
constexpr int kOuterColumns = 2;

inline Vec load(const float* p) {
  return {*p};
}
inline void store(float* p, Vec a) {
  *p = a.v;
}
// A vector of one lane has no parts.
inline Vec load_part(const float*, int) {
  return {0.0F};
}
inline void store_part(float*, int, Vec) {}
// Store past the caches; p must be aligned to the vector. fence() orders such stores before later ones.
inline void stream(float* p, Vec a) {
  *p = a.v;
}
template <bool Streaming>
inline void put(float* p, Vec a) {
  if constexpr (Streaming) {
    stream(p, a);
  } else {
    store(p, a);
  }
}
inline void fence() {}
inline Vec set1(float a) {
  return {a};
}
inline Vec operator+(Vec a, Vec b) {
  return {a.v + b.v};
}
inline Vec operator-(Vec a, Vec b) {
  return {a.v - b.v};
}
inline Vec operator*(Vec a, Vec b) {
  return {a.v * b.v};
}
inline Vec operator/(Vec a, Vec b) {
  return {a.v / b.v};
}
// Two roundings: the C library's exact fma is a function call on processors without the instruction.
inline Vec fma(Vec a, Vec b, Vec c) {
  return {a.v * b.v + c.v};
}
// Correctly rounded.
inline Vec square_root(Vec a) {
  return {__builtin_sqrtf(a.v)};
}
inline Vec max(Vec a, Vec b) {
  return {a.v > b.v ? a.v : b.v};
}
inline Vec min(Vec a, Vec b) {
  return {a.v < b.v ? a.v : b.v};
}
inline Mask less(Vec a, Vec b) {
  return a.v < b.v;
}
// These are true for NaN.
inline Mask not_less(Vec a, Vec b) {
  return !(a.v < b.v);
}
inline Mask not_at_least(Vec a, Vec b) {
  return !(a.v >= b.v);
}
inline Mask equal(Vec a, Vec b) {
  return a.v == b.v;
}
inline Vec select(Mask m, Vec a, Vec b) {
  return m ? a : b;
}
inline Vec abs(Vec a) {
  return {__builtin_fabsf(a.v)};
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
  return {__builtin_copysignf(magnitude.v, sign.v)};
}

// Sixteen numbers to look up in.
struct Table {
  const float* v;
};
inline Table load_table(const float* p) {
  return {p};
}
// table[the low four bits of index].
inline Vec lookup(const Table& table, Vec index) {
  std::uint32_t bits = 0;
  std::memcpy(&bits, &index.v, sizeof bits);
  return {table.v[bits & 15U]};
}

inline float sum(Vec a) {
  return a.v;
}
inline Vec reduce(const Vec* a) {
  return a[0];
}

inline float power_of_two(std::int32_t n) {
  const std::uint32_t bits = static_cast<std::uint32_t>(n + 127) << 23;
  float result;
  std::memcpy(&result, &bits, sizeof result);
  return result;
}

// a * 2^n for integral n in [-252, 254]; anything for NaN.
inline Vec scale(Vec a, Vec n) {
  const std::int32_t whole = n.v == n.v ? static_cast<std::int32_t>(n.v) : 0;
  const std::int32_t half = whole >> 1;
  return {a.v * power_of_two(half) * power_of_two(whole - half)};
}

// Writes the transpose of the kLanes by kLanes block at from to to.
template <bool Streaming>
inline void transpose(const float* from, std::int64_t, float* to, std::int64_t) {
  *to = *from;
}
