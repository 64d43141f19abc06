// The bottleneck's activations over a scratch panel. Included inside the instruction set's own anonymous namespace.

struct Activated {
  Vec value;
  Vec slope;
};

template <std::int32_t Activation>
inline Activated activate(Vec x) {
  const Vec one = set1(1.0F);
  if constexpr (Activation == ESPER_ACTIVATION_RELU) {
    const Vec zero = set1(0.0F);
    // max returns its second argument for NaN.
    return {max(zero, x), select(less(zero, x), one, zero)};
  } else if constexpr (Activation == ESPER_ACTIVATION_GELU) {
    const Normal n = normal(x);
    return {x * n.cdf, fma(x, n.pdf, n.cdf)};
  } else if constexpr (Activation == ESPER_ACTIVATION_SILU) {
    const Vec s = sigmoid(x);
    return {x * s, s * fma(x, one - s, one)};
  } else if constexpr (Activation == ESPER_ACTIVATION_TANH) {
    const Vec t = tanh(x);
    return {t, one - t * t};
  } else {
    const Vec s = sigmoid(x);
    return {s, s * (one - s)};
  }
}

// value[i] = act(value[i]) for count numbers, a multiple of kLanes; slope[i] = act' if slope is given.
template <std::int32_t Activation>
inline void activate_panel(float* value, float* slope, std::int64_t count) {
  if (slope == nullptr) {
    for (std::int64_t i = 0; i < count; i += kLanes) {
      store(value + i, activate<Activation>(load(value + i)).value);
    }
    return;
  }
  for (std::int64_t i = 0; i < count; i += kLanes) {
    const Activated a = activate<Activation>(load(value + i));
    store(value + i, a.value);
    store(slope + i, a.slope);
  }
}

inline void activate_panel(std::int32_t activation, float* value, float* slope, std::int64_t count) {
  switch (activation) {
    case ESPER_ACTIVATION_RELU:
      return activate_panel<ESPER_ACTIVATION_RELU>(value, slope, count);
    case ESPER_ACTIVATION_GELU:
      return activate_panel<ESPER_ACTIVATION_GELU>(value, slope, count);
    case ESPER_ACTIVATION_SILU:
      return activate_panel<ESPER_ACTIVATION_SILU>(value, slope, count);
    case ESPER_ACTIVATION_TANH:
      return activate_panel<ESPER_ACTIVATION_TANH>(value, slope, count);
    default:
      return activate_panel<ESPER_ACTIVATION_SIGMOID>(value, slope, count);
  }
}
