#include "optimizer_support.hpp"

#include <algorithm>
#include <cmath>

namespace esper_test {
namespace {

constexpr float kCanary = 1.2345e30F;
constexpr std::size_t kPad[4] = {37, 35, 41, 39};  // Odd and different: no two arrays are aligned alike.

esper_optimizer_options sgd(float momentum, int32_t nesterov) {
  esper_optimizer_options options{};
  options.struct_size = sizeof options;
  options.optimizer = ESPER_OPTIMIZER_SGD;
  options.weight_decay = 0.013F;
  options.momentum = momentum;
  options.nesterov = nesterov;
  options.gradient_scale = 0.7F;
  return options;
}

esper_optimizer_options adamw() {
  esper_optimizer_options options{};
  options.struct_size = sizeof options;
  options.optimizer = ESPER_OPTIMIZER_ADAMW;
  options.weight_decay = 0.013F;
  options.beta1 = 0.9F;
  options.beta2 = 0.999F;
  options.epsilon = 1e-8F;
  options.gradient_scale = 0.7F;
  return options;
}

Layout every_length() {
  Layout layout{"every length", 0, {}};
  int64_t offset = 1;
  for (int64_t length = 0; length <= 80; ++length) {
    layout.segments.push_back(segment(offset, length, 0.01 * static_cast<double>(length + 1), 1 + length % 19));
    offset += length;
  }
  layout.count = offset;
  return layout;
}

Layout thousand_tiny() {
  Layout layout{"a thousand tiny segments", 0, {}};
  int64_t offset = 5;
  for (int64_t i = 0; i < 1000; ++i) {
    const int64_t length = i * 7 % 10;
    layout.segments.push_back(segment(offset, length, 0.001 * static_cast<double>(1 + i % 100), 1 + i % 37));
    offset += length + i % 3;
  }
  layout.count = offset + 4;
  return layout;
}

Layout mixture() {
  Layout layout{"mixture", 12000, {}};
  layout.segments = {segment(0, 3, 0.1, 1),       segment(3, 5000, 0.03, 1000),  segment(5003, 1, 0.0, 1),
                     segment(5004, 996, 0.2, 17), segment(6001, 4000, 0.07, 33), segment(10001, 1999, 0.5, 2)};
  layout.segments[3].flags = ESPER_SEED_FROZEN;
  return layout;
}

bool compare(const Arena& a, const Arena& b, bool (*same)(const std::vector<float>&, const std::vector<float>&)) {
  return same(a.parameters(), b.parameters()) && same(a.gradient(), b.gradient()) && same(a.first(), b.first()) &&
         same(a.second(), b.second());
}

}  // namespace

const std::vector<Setting>& optimizer_settings() {
  static const std::vector<Setting> settings = {
      {"SGD", sgd(0.0F, 0)}, {"momentum", sgd(0.9F, 0)}, {"Nesterov", sgd(0.9F, 1)}, {"AdamW", adamw()}};
  return settings;
}

esper_arena_segment segment(int64_t offset, int64_t count, double learning_rate, int64_t step) {
  return {sizeof(esper_arena_segment), 0, offset, count, learning_rate, step};
}

std::vector<esper_arena_segment> Layout::at_step(int64_t step) const {
  std::vector<esper_arena_segment> later = segments;
  for (esper_arena_segment& each : later) {
    each.step += step - 1;
  }
  return later;
}

const std::vector<Layout>& arena_layouts() {
  static const std::vector<Layout> layouts = {
      {"huge", 70011, {segment(3, 70001, 0.05, 1)}}, every_length(), thousand_tiny(), mixture()};
  return layouts;
}

Arena::Arena(int64_t count, uint32_t random_seed) : count_(count) {
  std::mt19937 generator(random_seed);
  std::normal_distribution<float> normal(0.0F, 1.0F);
  const auto size = static_cast<std::size_t>(count);
  for (int array = 0; array < 4; ++array) {
    memory_[array].assign(size + 2 * kPad[array], kCanary);
    for (int64_t i = 0; i < count; ++i) {
      const float value = normal(generator);
      data(array)[i] = array == 3 ? value * value : value;
    }
  }
}

float* Arena::data(int array) {
  return memory_[array].data() + kPad[array];
}

std::vector<float> Arena::values(int array) const {
  const auto begin = memory_[array].begin() + static_cast<std::ptrdiff_t>(kPad[array]);
  return {begin, begin + static_cast<std::ptrdiff_t>(count_)};
}

void Arena::expect_canaries() const {
  for (int array = 0; array < 4; ++array) {
    for (std::size_t i = 0; i < kPad[array]; ++i) {
      EXPECT_EQ(memory_[array][i], kCanary) << "write before array " << array;
      EXPECT_EQ(memory_[array][memory_[array].size() - 1 - i], kCanary) << "write behind array " << array;
    }
  }
}

void Arena::step(esper_context* context, const esper_optimizer_options& options,
                 const std::vector<esper_arena_segment>& segments) {
  EXPECT_EQ(esper_optimizer_step(context, &options, segments.data(), static_cast<int32_t>(segments.size()), count_,
                                 data(0), data(1), data(2), data(3)),
            ESPER_OK)
      << esper_last_error();
  expect_canaries();
}

void Arena::draw_gradient(uint32_t random_seed) {
  std::mt19937 generator(random_seed);
  std::normal_distribution<float> normal(0.0F, 1.0F);
  for (int64_t i = 0; i < count_; ++i) {
    data(1)[i] = normal(generator);
  }
}

void Arena::clear_state() {
  std::fill_n(data(2), count_, 0.0F);
  std::fill_n(data(3), count_, 0.0F);
}

void Arena::scatter(const float* values, std::size_t count) {
  std::mt19937 generator(1);
  for (int64_t i = 0; i < count_; ++i) {
    for (int array = 0; array < 4; ++array) {
      if (generator() % 3 == 0) {
        const float value = values[generator() % count];
        data(array)[i] = array == 3 ? std::fabs(value) : value;
      }
    }
  }
}

bool Arena::uses_first(const esper_optimizer_options& options) {
  return options.optimizer == ESPER_OPTIMIZER_ADAMW || options.momentum > 0.0F;
}

bool Arena::uses_second(const esper_optimizer_options& options) {
  return options.optimizer == ESPER_OPTIMIZER_ADAMW;
}

void plain_step(const esper_optimizer_options& o, const std::vector<esper_arena_segment>& segments, Arena* arena) {
  float* p = arena->data(0);
  const float* g = arena->data(1);
  float* m = arena->data(2);
  float* v = arena->data(3);
  for (const esper_arena_segment& s : segments) {
    if ((s.flags & ESPER_SEED_FROZEN) != 0) {
      continue;
    }
    const double lr = s.learning_rate;
    const auto t = static_cast<double>(s.step);
    const auto b1 = static_cast<double>(o.beta1);
    const auto b2 = static_cast<double>(o.beta2);
    const auto decay = static_cast<float>(1.0 - lr * static_cast<double>(o.weight_decay));
    const auto first_rest = static_cast<float>(1.0 - b1);
    const auto second_rest = static_cast<float>(1.0 - b2);
    const auto adam_rate = static_cast<float>(lr / (1.0 - std::pow(b1, t)));
    const auto root = static_cast<float>(std::sqrt(1.0 - std::pow(b2, t)));
    const auto sgd_rate = static_cast<float>(lr);
    for (int64_t i = s.offset; i < s.offset + s.count; ++i) {
      if (o.optimizer == ESPER_OPTIMIZER_ADAMW) {
        const float h = o.gradient_scale * g[i];
        m[i] = o.beta1 * m[i] + first_rest * h;
        v[i] = o.beta2 * v[i] + second_rest * (h * h);
        p[i] = p[i] * decay - adam_rate * (m[i] / (std::sqrt(v[i]) / root + o.epsilon));
        continue;
      }
      const float d = o.gradient_scale * g[i] + o.weight_decay * p[i];
      float u = d;
      if (o.momentum > 0.0F) {
        m[i] = o.momentum * m[i] + d;
        u = o.nesterov != 0 ? d + o.momentum * m[i] : m[i];
      }
      p[i] = p[i] - sgd_rate * u;
    }
  }
}

void double_step(const esper_optimizer_options& o, const esper_arena_segment& s, const std::vector<float>& gradient,
                 std::vector<double>* parameters, std::vector<double>* first, std::vector<double>* second) {
  const auto wide = [](float value) { return static_cast<double>(value); };
  for (int64_t i = s.offset; i < s.offset + s.count; ++i) {
    const auto at = static_cast<std::size_t>(i);
    double& p = (*parameters)[at];
    double& m = (*first)[at];
    double& v = (*second)[at];
    const double g = wide(o.gradient_scale) * wide(gradient[at]);
    if (o.optimizer == ESPER_OPTIMIZER_ADAMW) {
      m = wide(o.beta1) * m + (1.0 - wide(o.beta1)) * g;
      v = wide(o.beta2) * v + (1.0 - wide(o.beta2)) * g * g;
      const double mean = m / (1.0 - std::pow(wide(o.beta1), static_cast<double>(s.step)));
      const double square = v / (1.0 - std::pow(wide(o.beta2), static_cast<double>(s.step)));
      p -= s.learning_rate * (wide(o.weight_decay) * p + mean / (std::sqrt(square) + wide(o.epsilon)));
      continue;
    }
    const double d = g + wide(o.weight_decay) * p;
    m = wide(o.momentum) * m + d;
    p -= s.learning_rate * (o.nesterov != 0 ? d + wide(o.momentum) * m : m);
  }
}

std::vector<double> widened(const std::vector<float>& values) {
  return {values.begin(), values.end()};
}

bool same_bits(const Arena& a, const Arena& b) {
  return compare(a, b, [](const auto& x, const auto& y) { return same_bits(x, y); });
}

bool same_values(const Arena& a, const Arena& b) {
  return compare(a, b, [](const auto& x, const auto& y) {
    return std::equal(x.begin(), x.end(), y.begin(), y.end(), [](float s, float t) {
      return std::isnan(s) ? std::isnan(t) : s == t && std::signbit(s) == std::signbit(t);
    });
  });
}

}  // namespace esper_test
