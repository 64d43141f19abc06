#include "cuda/optimizer_launch.hpp"

#include <algorithm>

#include "cuda/optimizer_tables.h"

namespace esper::cuda {
namespace {

using optimizer::Rule;

static_assert(sizeof(EsperOptimizerArguments) <= 4096, "the limit on kernel arguments");
static_assert(static_cast<int>(Rule::kPlain) == ESPER_CUDA_RULE_PLAIN &&
                  static_cast<int>(Rule::kMomentum) == ESPER_CUDA_RULE_MOMENTUM &&
                  static_cast<int>(Rule::kNesterov) == ESPER_CUDA_RULE_NESTEROV &&
                  static_cast<int>(Rule::kAdamw) == ESPER_CUDA_RULE_ADAMW,
              "host and device agree");

bool wide(const void* pointer) noexcept {
  return reinterpret_cast<std::uintptr_t>(pointer) % 16 == 0;
}

EsperOptimizerArguments make_arguments(const optimizer::Coefficients& c, const optimizer::Arrays& arrays) {
  EsperOptimizerArguments a{};
  a.parameters = arrays.parameters;
  a.gradient = arrays.gradient;
  a.first = arrays.first;
  a.second = arrays.second;
  a.rule = static_cast<int>(c.rule);
  a.wide = wide(arrays.parameters) && wide(arrays.gradient) && wide(arrays.first) && wide(arrays.second) ? 1 : 0;
  a.gradient_scale = c.gradient_scale;
  a.weight_decay = c.weight_decay;
  a.momentum = c.momentum;
  a.beta1 = c.beta1;
  a.beta2 = c.beta2;
  a.one_minus_beta1 = c.one_minus_beta1;
  a.one_minus_beta2 = c.one_minus_beta2;
  a.epsilon = c.epsilon;
  return a;
}

bool continues(const EsperOptimizerSegment& left, std::int64_t offset, const optimizer::Rates& rates) noexcept {
  return left.offset + left.count == offset && left.rate == rates.rate && left.decay == rates.decay &&
         left.root_correction == rates.root_correction;
}

// Numbers the tiles, launches, and empties the list.
void flush(Engine* engine, const Kernel& kernel, CuStream stream, EsperOptimizerArguments* arguments) {
  long long tiles = 0;
  for (int i = 0; i < arguments->segment_count; ++i) {
    EsperOptimizerSegment& segment = arguments->segments[i];
    segment.tile = tiles;
    const long long floats = segment.offset % 4 + segment.count;
    tiles += (floats + ESPER_CUDA_OPTIMIZER_TILE - 1) / ESPER_CUDA_OPTIMIZER_TILE;
  }
  arguments->tiles = tiles;
  Kernel launched = kernel;
  launched.blocks = static_cast<std::int32_t>(std::min<long long>(kernel.blocks, tiles));
  engine->launch(launched, stream, arguments);
  arguments->segment_count = 0;
}

}  // namespace

void optimizer_step(Engine* engine, CuStream stream, const optimizer::Coefficients& coefficients,
                    const optimizer::Segments& segments, const optimizer::Arrays& arrays) {
  const Kernel kernel = engine->any_kernels().optimizer;
  const ContextScope scope(engine->driver(), engine->context());
  EsperOptimizerArguments arguments = make_arguments(coefficients, arrays);
  optimizer::RateTable table(coefficients);
  for (std::int32_t i = 0; i < segments.size(); ++i) {
    const esper_arena_segment& segment = segments[i];
    if (optimizer::Segments::frozen(segment) || segment.count == 0) {
      continue;
    }
    const optimizer::Rates rates = table(segment);
    const int count = arguments.segment_count;
    if (count > 0 && continues(arguments.segments[count - 1], segment.offset, rates)) {
      arguments.segments[count - 1].count += segment.count;
      continue;
    }
    if (count == ESPER_CUDA_SEGMENTS) {
      flush(engine, kernel, stream, &arguments);
    }
    arguments.segments[arguments.segment_count++] = {segment.offset, segment.count,         0, rates.rate,
                                                     rates.decay,    rates.root_correction, 0};
  }
  if (arguments.segment_count > 0) {
    flush(engine, kernel, stream, &arguments);
  }
}

}  // namespace esper::cuda
