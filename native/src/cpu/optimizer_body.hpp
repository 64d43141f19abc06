// SGD and AdamW over spans of an arena. Included inside the instruction set's own anonymous namespace.
// The order of operations is that of optimizer/update.hpp; no operation is an fma, so that every instruction set and
// every place in a vector gives the same bits.

struct PlainSgd {
  static constexpr bool kFirst = false;
  static constexpr bool kSecond = false;
  Vec scale, weight_decay, rate;

  explicit PlainSgd(const optimizer::Coefficients& c)
      : scale(set1(c.gradient_scale)), weight_decay(set1(c.weight_decay)), rate(set1(0.0F)) {}
  void load_rates(const optimizer::Rates& r) { rate = set1(r.rate); }
  void step(Vec& p, Vec g, Vec&, Vec&) const {
    const Vec d = scale * g + weight_decay * p;
    p = p - rate * d;
  }
};

template <bool Nesterov>
struct MomentumSgd {
  static constexpr bool kFirst = true;
  static constexpr bool kSecond = false;
  Vec scale, weight_decay, momentum, rate;

  explicit MomentumSgd(const optimizer::Coefficients& c)
      : scale(set1(c.gradient_scale)),
        weight_decay(set1(c.weight_decay)),
        momentum(set1(c.momentum)),
        rate(set1(0.0F)) {}
  void load_rates(const optimizer::Rates& r) { rate = set1(r.rate); }
  void step(Vec& p, Vec g, Vec& m, Vec&) const {
    const Vec d = scale * g + weight_decay * p;
    m = momentum * m + d;
    if constexpr (Nesterov) {
      p = p - rate * (d + momentum * m);
    } else {
      p = p - rate * m;
    }
  }
};

struct Adamw {
  static constexpr bool kFirst = true;
  static constexpr bool kSecond = true;
  Vec scale, beta1, beta2, one_minus_beta1, one_minus_beta2, epsilon, rate, decay, root_correction;

  explicit Adamw(const optimizer::Coefficients& c)
      : scale(set1(c.gradient_scale)),
        beta1(set1(c.beta1)),
        beta2(set1(c.beta2)),
        one_minus_beta1(set1(c.one_minus_beta1)),
        one_minus_beta2(set1(c.one_minus_beta2)),
        epsilon(set1(c.epsilon)),
        rate(set1(0.0F)),
        decay(set1(1.0F)),
        root_correction(set1(1.0F)) {}
  void load_rates(const optimizer::Rates& r) {
    rate = set1(r.rate);
    decay = set1(r.decay);
    root_correction = set1(r.root_correction);
  }
  void step(Vec& p, Vec g, Vec& m, Vec& v) const {
    const Vec h = scale * g;
    m = beta1 * m + one_minus_beta1 * h;
    v = beta2 * v + one_minus_beta2 * (h * h);
    p = p * decay - rate * (m / (square_root(v) / root_correction + epsilon));
  }
};

// Updates count elements at an offset, count <= kLanes if Part, else kLanes.
template <bool Part, class Rule>
inline void update_vector(const Rule& rule, const optimizer::Arrays& arrays, std::int64_t offset, int count) {
  const auto get = [&](const float* from) { return Part ? load_part(from + offset, count) : load(from + offset); };
  const auto put_back = [&](float* to, Vec value) {
    if constexpr (Part) {
      store_part(to + offset, count, value);
    } else {
      store(to + offset, value);
    }
  };
  Vec p = get(arrays.parameters);
  const Vec g = get(arrays.gradient);
  Vec m = p;
  Vec v = p;
  if constexpr (Rule::kFirst) {
    m = get(arrays.first);
  }
  if constexpr (Rule::kSecond) {
    v = get(arrays.second);
  }
  rule.step(p, g, m, v);
  put_back(arrays.parameters, p);
  if constexpr (Rule::kFirst) {
    put_back(arrays.first, m);
  }
  if constexpr (Rule::kSecond) {
    put_back(arrays.second, v);
  }
}

template <class Rule>
inline void update_spans(const optimizer::UpdateCall& call) {
  Rule rule(*call.coefficients);
  const optimizer::Arrays arrays = call.arrays;
  for (std::int32_t s = 0; s < call.span_count; ++s) {
    const optimizer::Span& span = call.spans[s];
    rule.load_rates(span.rates);
    std::int64_t at = span.offset;
    const std::int64_t end = span.offset + span.count;
    // Long spans start with a part of a vector, so that the rest does not straddle cache lines.
    if (kLanes > 1 && span.count >= 16 * kLanes) {
      const auto address = reinterpret_cast<std::uintptr_t>(arrays.parameters + at) / sizeof(float);
      const int head = static_cast<int>((0 - address) % kLanes);
      if (head != 0) {
        update_vector<true>(rule, arrays, at, head);
        at += head;
      }
    }
    for (; at + 2 * kLanes <= end; at += 2 * kLanes) {
      update_vector<false>(rule, arrays, at, kLanes);
      update_vector<false>(rule, arrays, at + kLanes, kLanes);
    }
    if (at + kLanes <= end) {
      update_vector<false>(rule, arrays, at, kLanes);
      at += kLanes;
    }
    if (at < end) {
      update_vector<true>(rule, arrays, at, static_cast<int>(end - at));
    }
  }
}

void update(const optimizer::UpdateCall& call) {
  switch (call.coefficients->rule) {
    case optimizer::Rule::kPlain:
      return update_spans<PlainSgd>(call);
    case optimizer::Rule::kMomentum:
      return update_spans<MomentumSgd<false>>(call);
    case optimizer::Rule::kNesterov:
      return update_spans<MomentumSgd<true>>(call);
    case optimizer::Rule::kAdamw:
      return update_spans<Adamw>(call);
  }
}
