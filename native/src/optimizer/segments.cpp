#include "optimizer/segments.hpp"

#include <cmath>
#include <cstdio>
#include <limits>
#include <string>

#include "abi/error.hpp"

namespace esper::optimizer {
namespace {

[[noreturn]] void refuse(const std::string& field, double value, const char* expected) {
  // Nine digits tell every float apart.
  char text[40];
  std::snprintf(text, sizeof text, "%.9g", value);
  throw invalid(field + " is " + text + ", expected " + expected);
}

void check_factor(const char* name, float value) {
  if (!(value >= 0.0F) || !std::isfinite(value)) {
    refuse(std::string("options.") + name, static_cast<double>(value), "a finite value >= 0");
  }
}

void check_fraction(const char* name, float value) {
  if (!(value >= 0.0F && value < 1.0F)) {
    refuse(std::string("options.") + name, static_cast<double>(value), "a value in [0, 1)");
  }
}

Rule checked_rule(const esper_optimizer_options& options) {
  if (options.optimizer == ESPER_OPTIMIZER_ADAMW) {
    check_fraction("beta1", options.beta1);
    check_fraction("beta2", options.beta2);
    check_factor("epsilon", options.epsilon);
    return Rule::kAdamw;
  }
  if (options.optimizer != ESPER_OPTIMIZER_SGD) {
    throw invalid("options.optimizer is " + std::to_string(options.optimizer) +
                  ", expected an esper_optimizer: 0 (SGD) or 1 (AdamW)");
  }
  check_fraction("momentum", options.momentum);
  if (options.nesterov != 0 && options.nesterov != 1) {
    throw invalid("options.nesterov is " + std::to_string(options.nesterov) + ", expected 0 or 1");
  }
  if (options.momentum > 0.0F) {
    return options.nesterov != 0 ? Rule::kNesterov : Rule::kMomentum;
  }
  if (options.nesterov != 0) {
    throw invalid("options.nesterov is 1, which needs options.momentum above 0");
  }
  return Rule::kPlain;
}

std::string name_of(std::int32_t index) {
  return "segments[" + std::to_string(index) + "]";
}

std::string range_of(const esper_arena_segment& segment) {
  return "floats " + std::to_string(segment.offset) + " to " + std::to_string(segment.offset + segment.count);
}

void check_rates(const esper_arena_segment& segment, std::int32_t index, bool adamw) {
  const double rate = segment.learning_rate;
  if (!(rate >= 0.0) || !(rate <= static_cast<double>(std::numeric_limits<float>::max()))) {
    refuse(name_of(index) + ".learning_rate", rate, "a finite float >= 0");
  }
  if (adamw && !Segments::frozen(segment) && segment.step < 1) {
    throw invalid(name_of(index) + ".step is " + std::to_string(segment.step) +
                  ", expected 1 for the segment's first step of AdamW, and one more for each later one");
  }
}

void check_extent(const esper_arena_segment& segment, std::int32_t index, std::int64_t count) {
  if (segment.offset < 0) {
    throw invalid(name_of(index) + ".offset is " + std::to_string(segment.offset) + ", expected 0 or more");
  }
  if (segment.count < 0) {
    throw invalid(name_of(index) + ".count is " + std::to_string(segment.count) + ", expected 0 or more");
  }
  // No sum, which could overflow.
  if (segment.offset > count || segment.count > count - segment.offset) {
    throw invalid(name_of(index) + " covers " + std::to_string(segment.count) + " floats from offset " +
                  std::to_string(segment.offset) + ", the arena's count is " + std::to_string(count));
  }
}

struct Named {
  const char* name;
  const float* data;
};

bool overlap(const float* a, const float* b, std::int64_t count) noexcept {
  const auto first = reinterpret_cast<std::uintptr_t>(a);
  const auto second = reinterpret_cast<std::uintptr_t>(b);
  const auto bytes = static_cast<std::uintptr_t>(count) * sizeof(float);
  return first < second + bytes && second < first + bytes;
}

}  // namespace

Coefficients make_coefficients(const esper_optimizer_options* options) {
  require_pointer(options, "options");
  require_struct(options->struct_size, sizeof *options, "options");
  Coefficients c{};
  c.rule = checked_rule(*options);
  check_factor("weight_decay", options->weight_decay);
  check_factor("gradient_scale", options->gradient_scale);
  c.gradient_scale = options->gradient_scale;
  c.weight_decay = options->weight_decay;
  if (c.rule == Rule::kAdamw) {
    c.beta1 = options->beta1;
    c.beta2 = options->beta2;
    c.one_minus_beta1 = static_cast<float>(1.0 - static_cast<double>(options->beta1));
    c.one_minus_beta2 = static_cast<float>(1.0 - static_cast<double>(options->beta2));
    c.epsilon = options->epsilon;
  } else {
    c.momentum = options->momentum;
  }
  return c;
}

Segments::Segments(const Coefficients& coefficients, const esper_arena_segment* segments, std::int32_t segment_count,
                   std::int64_t count) {
  if (count < 0) {
    throw invalid("count is " + std::to_string(count) + ", expected 0 or more");
  }
  if (count > std::numeric_limits<std::int64_t>::max() / static_cast<std::int64_t>(sizeof(float))) {
    throw invalid("count is " + std::to_string(count) + ", which exceeds the address range");
  }
  if (segment_count < 0) {
    throw invalid("segment_count is " + std::to_string(segment_count) + ", expected 0 or more");
  }
  if (segment_count == 0) {
    return;
  }
  require_pointer(segments, "segments");
  require_struct(segments->struct_size, sizeof *segments, "segments[0]");
  first_ = reinterpret_cast<const char*>(segments);
  stride_ = segments->struct_size;
  size_ = segment_count;
  if (stride_ % static_cast<std::int64_t>(alignof(esper_arena_segment)) != 0) {
    throw invalid("segments[0].struct_size is " + std::to_string(stride_) + ", expected a multiple of " +
                  std::to_string(alignof(esper_arena_segment)) + "; set it to sizeof the struct before the call");
  }
  std::int64_t end = 0;
  for (std::int32_t i = 0; i < size_; ++i) {
    const esper_arena_segment& segment = (*this)[i];
    if (segment.struct_size != stride_) {
      throw invalid(name_of(i) + ".struct_size is " + std::to_string(segment.struct_size) + ", expected " +
                    std::to_string(stride_) + " as in segments[0]");
    }
    if ((segment.flags & ~static_cast<std::uint32_t>(ESPER_SEED_FROZEN)) != 0) {
      throw invalid(name_of(i) + ".flags is " + std::to_string(segment.flags) + ", expected 0 or ESPER_SEED_FROZEN");
    }
    check_extent(segment, i, count);
    if (segment.offset < end) {
      throw invalid(name_of(i) + " (" + range_of(segment) + ") begins before the end of " + name_of(i - 1) + " (" +
                    range_of((*this)[i - 1]) + "); segments come in rising order and do not overlap");
    }
    check_rates(segment, i, coefficients.rule == Rule::kAdamw);
    end = segment.offset + segment.count;
    active_ += frozen(segment) ? 0 : segment.count;
  }
}

Arrays check_arrays(const Coefficients& coefficients, std::int64_t count, const Arrays& arrays) {
  Arrays used = arrays;
  const bool adamw = coefficients.rule == Rule::kAdamw;
  require_pointer(used.parameters, "parameters");
  require_pointer(used.gradient, "gradient");
  if (coefficients.rule == Rule::kPlain) {
    used.first = nullptr;
  } else if (used.first == nullptr) {
    throw invalid(adamw ? "first is NULL, AdamW keeps m in it"
                        : "first is NULL, options.momentum above 0 needs it for the momentum");
  }
  if (!adamw) {
    used.second = nullptr;
  } else if (used.second == nullptr) {
    throw invalid("second is NULL, AdamW keeps v in it");
  }
  const Named named[] = {
      {"parameters", used.parameters}, {"gradient", used.gradient}, {"first", used.first}, {"second", used.second}};
  for (int i = 1; i < 4; ++i) {
    for (int j = 0; j < i; ++j) {
      if (named[i].data != nullptr && named[j].data != nullptr && overlap(named[i].data, named[j].data, count)) {
        throw invalid(std::string(named[i].name) + " overlaps " + named[j].name + "; it must be separate memory");
      }
    }
  }
  return used;
}

RateTable::RateTable(const Coefficients& coefficients) noexcept
    : adamw_(coefficients.rule == Rule::kAdamw),
      weight_decay_(static_cast<double>(coefficients.weight_decay)),
      beta1_(static_cast<double>(coefficients.beta1)),
      beta2_(static_cast<double>(coefficients.beta2)),
      corrections_{} {}

const RateTable::Correction& RateTable::correction(std::int64_t step) noexcept {
  Correction& entry = corrections_[static_cast<std::size_t>(step) % corrections_.size()];
  // Steps count from 1, so an empty entry matches none.
  if (entry.step != step) {
    const auto t = static_cast<double>(step);
    entry = {step, 1.0 - std::pow(beta1_, t), std::sqrt(1.0 - std::pow(beta2_, t))};
  }
  return entry;
}

Rates RateTable::operator()(const esper_arena_segment& segment) noexcept {
  if (!adamw_) {
    return {static_cast<float>(segment.learning_rate), 1.0F, 1.0F};
  }
  const Correction& c = correction(segment.step);
  return {static_cast<float>(segment.learning_rate / c.first),
          static_cast<float>(1.0 - segment.learning_rate * weight_decay_), static_cast<float>(c.second)};
}

}  // namespace esper::optimizer
