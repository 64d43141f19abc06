// Arenas with random data, and the update formulas of esper.h as plain loops.
#pragma once

#include <string>
#include <vector>

#include "support.hpp"

namespace esper_test {

// Options of one update rule.
struct Setting {
  std::string name;
  esper_optimizer_options options;
};
// SGD plain (first), with momentum, with Nesterov momentum, AdamW (last).
const std::vector<Setting>& optimizer_settings();

esper_arena_segment segment(int64_t offset, int64_t count, double learning_rate, int64_t step);

// Segments of an arena, for several steps.
struct Layout {
  std::string name;
  int64_t count;
  std::vector<esper_arena_segment> segments;
  // The segments with their ages at a later step.
  std::vector<esper_arena_segment> at_step(int64_t step) const;
};
// One huge unaligned segment; every length from 0 up; a thousand tiny ones with gaps; a mixture with frozen ones.
const std::vector<Layout>& arena_layouts();

// The four arrays of an arena, each between canaries and none aligned.
class Arena {
 public:
  Arena(int64_t count, uint32_t random_seed);

  // Runs esper_optimizer_step on all four arrays; fails the test if it fails or writes outside of them.
  void step(esper_context* context, const esper_optimizer_options& options,
            const std::vector<esper_arena_segment>& segments);
  void draw_gradient(uint32_t random_seed);
  void clear_state();
  // Puts the values at pseudo-random places of all arrays; those of second stay >= 0 or NaN.
  void scatter(const float* values, std::size_t count);

  std::vector<float> parameters() const { return values(0); }
  std::vector<float> gradient() const { return values(1); }
  std::vector<float> first() const { return values(2); }
  std::vector<float> second() const { return values(3); }
  float* data(int array);
  int64_t count() const { return count_; }

  static bool uses_first(const esper_optimizer_options& options);
  static bool uses_second(const esper_optimizer_options& options);

 private:
  std::vector<float> values(int array) const;
  void expect_canaries() const;

  int64_t count_;
  std::vector<float> memory_[4];  // parameters, gradient, first, second
};

// One step in float32, in the order of operations that esper.h states.
void plain_step(const esper_optimizer_options& options, const std::vector<esper_arena_segment>& segments, Arena* arena);

// One step of a segment in double precision.
void double_step(const esper_optimizer_options& options, const esper_arena_segment& segment,
                 const std::vector<float>& gradient, std::vector<double>* parameters, std::vector<double>* first,
                 std::vector<double>* second);

std::vector<double> widened(const std::vector<float>& values);
// All four arrays bit for bit; same_values takes any NaN for any other.
bool same_bits(const Arena& a, const Arena& b);
bool same_values(const Arena& a, const Arena& b);

}  // namespace esper_test
