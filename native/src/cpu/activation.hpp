// The bottleneck's activations over a scratch panel. Included inside the instruction set's own anonymous namespace.

// act(x), and act'(x) for *slope unless it is nullptr; constants live in the object so that loops keep them in
// registers.
template <std::int32_t Activation>
struct Activate {
  Vec operator()(Vec x) const {
    if constexpr (Activation == ESPER_ACTIVATION_RELU) {
      // max returns its second argument for NaN.
      return max(set1(0.0F), x);
    } else if constexpr (Activation == ESPER_ACTIVATION_SILU) {
      return x * sigmoid(x);
    } else if constexpr (Activation == ESPER_ACTIVATION_TANH) {
      return tanh(x);
    } else if constexpr (Activation == ESPER_ACTIVATION_SIGMOID) {
      return sigmoid(x);
    } else {
      return x;
    }
  }
  Vec operator()(Vec x, Vec* slope) const {
    const Vec one = set1(1.0F);
    if constexpr (Activation == ESPER_ACTIVATION_RELU) {
      const Vec zero = set1(0.0F);
      *slope = select(less(zero, x), one, zero);
      return max(zero, x);
    } else if constexpr (Activation == ESPER_ACTIVATION_SILU) {
      const Vec s = sigmoid(x);
      *slope = s * fma(x, one - s, one);
      return x * s;
    } else if constexpr (Activation == ESPER_ACTIVATION_TANH) {
      const Vec t = tanh(x);
      *slope = one - t * t;
      return t;
    } else if constexpr (Activation == ESPER_ACTIVATION_SIGMOID) {
      const Vec s = sigmoid(x);
      *slope = s * (one - s);
      return s;
    } else {
      *slope = one;
      return x;
    }
  }
};

template <>
struct Activate<ESPER_ACTIVATION_GELU> {
  GeluTable table = gelu_table();
  Vec operator()(Vec x) const { return gelu(table, x); }
  Vec operator()(Vec x, Vec* slope) const { return gelu(table, x, slope); }
};

// value[i] = act(value[i]) for count numbers, a multiple of kLanes; slope[i] = act' if slope is given.
template <std::int32_t Activation>
inline void activate_panel(float* value, float* slope, std::int64_t count) {
  const Activate<Activation> activate;
  if (slope == nullptr) {
    for (std::int64_t i = 0; i < count; i += kLanes) {
      store(value + i, activate(load(value + i)));
    }
    return;
  }
  for (std::int64_t i = 0; i < count; i += kLanes) {
    Vec gradient;
    store(value + i, activate(load(value + i), &gradient));
    store(slope + i, gradient);
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

// act over the Count vectors at value, and gradient times act'.
template <int Count, std::int32_t Activation>
inline void activate_block(Vec* value, Vec* gradient) {
  const Activate<Activation> activate;
#pragma GCC unroll 16
  for (int i = 0; i < Count; ++i) {
    Vec slope;
    value[i] = activate(value[i], &slope);
    gradient[i] = gradient[i] * slope;
  }
}

template <int Count>
inline void activate_block(std::int32_t activation, Vec* value, Vec* gradient) {
  switch (activation) {
    case -1:
      return;
    case ESPER_ACTIVATION_RELU:
      return activate_block<Count, ESPER_ACTIVATION_RELU>(value, gradient);
    case ESPER_ACTIVATION_GELU:
      return activate_block<Count, ESPER_ACTIVATION_GELU>(value, gradient);
    case ESPER_ACTIVATION_SILU:
      return activate_block<Count, ESPER_ACTIVATION_SILU>(value, gradient);
    case ESPER_ACTIVATION_TANH:
      return activate_block<Count, ESPER_ACTIVATION_TANH>(value, gradient);
    default:
      return activate_block<Count, ESPER_ACTIVATION_SIGMOID>(value, gradient);
  }
}

// act over the Count vectors at value, which stay in registers where Count is small.
template <int Count, std::int32_t Activation>
inline void activate_block(Vec* value) {
  const Activate<Activation> activate;
#pragma GCC unroll 16
  for (int i = 0; i < Count; ++i) {
    value[i] = activate(value[i]);
  }
}

template <int Count>
inline void activate_block(std::int32_t activation, Vec* value) {
  switch (activation) {
    case -1:
      return;
    case ESPER_ACTIVATION_RELU:
      return activate_block<Count, ESPER_ACTIVATION_RELU>(value);
    case ESPER_ACTIVATION_GELU:
      return activate_block<Count, ESPER_ACTIVATION_GELU>(value);
    case ESPER_ACTIVATION_SILU:
      return activate_block<Count, ESPER_ACTIVATION_SILU>(value);
    case ESPER_ACTIVATION_TANH:
      return activate_block<Count, ESPER_ACTIVATION_TANH>(value);
    default:
      return activate_block<Count, ESPER_ACTIVATION_SIGMOID>(value);
  }
}
