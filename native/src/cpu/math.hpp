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

// Distribution and density of the standard normal at x.
struct Normal {
  Vec cdf;
  Vec pdf;
};

// Phi(-a) = exp(-a^2 / 2) S(t) with t = 1 / (1 + a / 4) and S a polynomial fit (2.3e-8 relative) of
// erfcx(a / sqrt 2) / 2, so that the lower tail keeps relative accuracy; the density shares the exponential.
inline Normal normal(Vec x) {
  const Vec a = abs(x);
  const Vec one = set1(1.0F);
  const Vec e = exp(set1(-0.5F) * x * x);
  const Vec t = one / fma(a, set1(0.25F), one);
  Vec s = fma(t, set1(2.038250116e-2F), set1(-8.353913449e-2F));
  s = fma(s, t, set1(1.005405724e-1F));
  s = fma(s, t, set1(-3.671369739e-2F));
  s = fma(s, t, set1(6.668661161e-2F));
  s = fma(s, t, set1(5.789871896e-2F));
  s = fma(s, t, set1(8.183104794e-2F));
  s = fma(s, t, set1(9.343997154e-2F));
  s = fma(s, t, set1(9.973786524e-2F));
  s = fma(s, t, set1(9.973554124e-2F));
  const Vec tail = e * (s * t);
  return {select(less(x, set1(0.0F)), tail, one - tail), e * set1(3.989422804e-1F)};
}
