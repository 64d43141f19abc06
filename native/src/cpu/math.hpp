// Elementary functions over Vec. Included inside the instruction set's own anonymous namespace.
// Coefficients are minimax fits of this project; docs/numerics.md states ranges and errors.

// e^x: x = n ln 2 + r with |r| <= ln 2 / 2. Relative error below 2e-7; 0 below -104, infinity above 88.73, NaN for NaN.
inline Vec exp(Vec x) {
  const Vec bounded = min(set1(89.0F), max(set1(-104.0F), x));
  // Adding 1.5 * 2^23 rounds to an integer; the argument stays below 2^22 in magnitude.
  const Vec magic = set1(12582912.0F);
  const Vec n = fma(bounded, set1(1.44269504F), magic) - magic;
  Vec r =
      fma(n, set1(-0.693359375F), bounded);  // ln 2 in two parts, the first of few bits so that n times it is exact.
  r = fma(n, set1(2.12194440e-4F), r);
  Vec q = fma(r, set1(1.381460118e-3F), set1(8.368715694e-3F));
  q = fma(q, r, set1(4.166838793e-2F));
  q = fma(q, r, set1(1.666652064e-1F));
  q = fma(q, r, set1(4.999999345e-1F));
  const Vec p = fma(r * r, q, r) + set1(1.0F);
  return scale(p, n);
}

inline Vec sigmoid(Vec x) {
  const Vec one = set1(1.0F);
  return one / (one + exp(set1(0.0F) - x));
}

// tanh: an odd polynomial below 0.625 keeps relative accuracy near 0, the exponential form serves the rest.
inline Vec tanh(Vec x) {
  const Vec a = abs(x);
  const Vec z = x * x;
  Vec q = fma(z, set1(-5.704825328e-3F), set1(2.063895087e-2F));
  q = fma(q, z, set1(-5.373967597e-2F));
  q = fma(q, z, set1(1.333144176e-1F));
  q = fma(q, z, set1(-3.333328193e-1F));
  const Vec near = fma(x * z, q, x);
  const Vec one = set1(1.0F);
  const Vec far = one - set1(2.0F) / (exp(a + a) + one);
  return select(less(a, set1(0.625F)), near, copysign(far, x));
}

// GELU(x) = max(x, 0) - t(|x|) with t(a) = a Phi(-a), a polynomial of degree 5 around each multiple of kGeluStep; row i
// holds the coefficients of u^i. Absolute error of t 3e-8, of its derivative 6e-7; beyond kGeluEnd, where t is 2e-8,
// both are exactly 0.
constexpr float kGeluStep = 0.375F;
constexpr float kGeluEnd = 5.8F;
alignas(64) constexpr float kGelu[6][16] = {
    {0.000000000e+00F, 1.326863170e-01F, 1.699705273e-01F, 1.465813518e-01F, 1.002108157e-01F, 5.699317902e-02F,
     2.750505880e-02F, 1.137267146e-02F, 4.049691837e-03F, 1.245639520e-03F, 3.315653012e-04F, 7.646443555e-05F,
     1.528971916e-05F, 2.652272997e-06F, 3.992788322e-07F, 5.217821197e-08F},
    {4.999999702e-01F, 2.143846303e-01F, 7.743297028e-04F, -1.080667004e-01F, -1.274692267e-01F, -9.857793152e-02F,
     -5.918975174e-02F, -2.906852216e-02F, -1.194564067e-02F, -4.157194868e-03F, -1.233816147e-03F, -3.136930754e-04F,
     -6.852955994e-05F, -1.289135980e-05F, -2.091457418e-06F, -2.929841685e-07F},
    {-3.989387751e-01F, -3.457024097e-01F, -2.164452672e-01F, -7.780620456e-02F, 1.618407108e-02F, 5.212632567e-02F,
     4.860336334e-02F, 3.111661971e-02F, 1.551237050e-02F, 6.297050510e-03F, 2.126415959e-03F, 6.045346963e-04F,
     1.457804319e-04F, 2.996743206e-05F, 5.269847861e-06F, 7.948087841e-07F},
    {-1.002012068e-04F, 8.968883753e-02F, 1.293885708e-01F, 1.086273044e-01F, 5.666739494e-02F, 1.041526813e-02F,
     -1.264533401e-02F, -1.609229855e-02F, -1.108046714e-02F, -5.575723015e-03F, -2.217542380e-03F, -7.206358714e-04F,
     -1.947522542e-04F, -4.423663995e-05F, -8.504346624e-06F, -1.390491320e-06F},
    {6.761788577e-02F, 4.665314034e-02F, 4.911886062e-03F, -2.831628174e-02F, -3.576879576e-02F, -2.360004559e-02F,
     -7.797233760e-03F, 1.606085454e-03F, 4.011276644e-03F, 3.013704438e-03F, 1.527970075e-03F, 5.937565002e-04F,
     1.854049187e-04F, 4.763107063e-05F, 1.020674426e-05F, 1.840601271e-06F},
    {-5.536654964e-03F, -1.889578067e-02F, -2.259021066e-02F, -1.125078555e-02F, 2.604566514e-03F, 8.811967447e-03F,
     7.141863927e-03F, 2.896699123e-03F, 3.120932161e-05F, -8.323842776e-04F, -6.711786264e-04F, -3.354323853e-04F,
     -1.248912013e-04F, -3.681363523e-05F, -8.842040188e-06F, -1.759081442e-06F},
};

struct GeluTable {
  Table row[6];
};

inline GeluTable gelu_table() {
  GeluTable table;
  for (int i = 0; i < 6; ++i) {
    table.row[i] = load_table(kGelu[i]);
  }
  return table;
}

struct GeluArgument {
  Vec index;    // The segment in its low bits.
  Vec u;        // Distance from the segment's centre.
  Mask inside;  // |x| < kGeluEnd, or NaN, which u hands on; t is 0 elsewhere.
};

inline GeluArgument gelu_argument(Vec x) {
  const Vec end = set1(kGeluEnd);
  const Vec a = min(end, abs(x));
  // Adding 1.5 * 2^23 rounds to an integer, which is left in the low bits of the sum.
  const Vec magic = set1(12582912.0F);
  const Vec index = fma(a, set1(1.0F / kGeluStep), magic);
  return {index, fma(magic - index, set1(kGeluStep), a), not_at_least(a, end)};
}

inline Vec gelu(const GeluTable& table, Vec x) {
  const GeluArgument at = gelu_argument(x);
  Vec p = lookup(table.row[5], at.index);
  for (int i = 4; i > 0; --i) {
    p = fma(p, at.u, lookup(table.row[i], at.index));
  }
  p = fma_where(at.inside, p, at.u, lookup(table.row[0], at.index));
  // max returns its second argument for NaN.
  return max(set1(0.0F), x) - p;
}

// GELU with its derivative.
inline Vec gelu(const GeluTable& table, Vec x, Vec* slope) {
  const GeluArgument at = gelu_argument(x);
  Vec p = lookup(table.row[5], at.index);
  Vec d = p;
  p = fma(p, at.u, lookup(table.row[4], at.index));
  for (int i = 3; i > 0; --i) {
    d = fma(d, at.u, p);
    p = fma(p, at.u, lookup(table.row[i], at.index));
  }
  d = fma_where(at.inside, d, at.u, p);
  p = fma_where(at.inside, p, at.u, lookup(table.row[0], at.index));
  const Vec zero = set1(0.0F);
  *slope = subtract_where(not_less(x, zero), set1(1.0F), d);
  return max(zero, x) - p;
}
