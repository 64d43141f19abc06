// One step of SGD or AdamW over segments of an arena, in float32.
//
// Contract: the order of operations of optimizer/update.hpp, each operation rounded by itself, so that the bits are
// those of the CPU. Reads and writes every element of the segments once; 16 bytes at a time where addresses allow.
#pragma once

#include "../optimizer_tables.h"
#include "../tables.h"
#include "intrinsics.cuh"

namespace esper_device {

// Four neighbours of an array.
struct alignas(16) OptimizerQuad {
  float v[4];
};

// What an update reads and writes for one element: parameter, gradient, first and second moment.
struct OptimizerElement {
  float p, g, m, v;
};

ESPER_DEVICE void optimizer_update(const EsperOptimizerArguments& a, const EsperOptimizerSegment& s, OptimizerElement& e) {
  if (a.rule == ESPER_CUDA_RULE_ADAMW) {
    const float h = multiply(a.gradient_scale, e.g);
    e.m = add(multiply(a.beta1, e.m), multiply(a.one_minus_beta1, h));
    e.v = add(multiply(a.beta2, e.v), multiply(a.one_minus_beta2, multiply(h, h)));
    const float root = add(divide(square_root(e.v), s.root_correction), a.epsilon);
    // A difference is the sum with the negative, to the bit.
    e.p = add(multiply(e.p, s.decay), -multiply(s.rate, divide(e.m, root)));
    return;
  }
  const float d = add(multiply(a.gradient_scale, e.g), multiply(a.weight_decay, e.p));
  float u = d;
  if (a.rule != ESPER_CUDA_RULE_PLAIN) {
    e.m = add(multiply(a.momentum, e.m), d);
    u = a.rule == ESPER_CUDA_RULE_NESTEROV ? add(d, multiply(a.momentum, e.m)) : e.m;
  }
  e.p = add(e.p, -multiply(s.rate, u));
}

// Elements at to at + 3 of the arena, all of them the segment's. at is a multiple of 4.
ESPER_DEVICE void optimizer_quad(const EsperOptimizerArguments& a, const EsperOptimizerSegment& s, long long at) {
  const bool first = a.rule != ESPER_CUDA_RULE_PLAIN;
  const bool second = a.rule == ESPER_CUDA_RULE_ADAMW;
  OptimizerQuad p = *reinterpret_cast<const OptimizerQuad*>(a.parameters + at);
  const OptimizerQuad g = *reinterpret_cast<const OptimizerQuad*>(a.gradient + at);
  OptimizerQuad m = p;
  OptimizerQuad v = p;
  if (first) {
    m = *reinterpret_cast<const OptimizerQuad*>(a.first + at);
  }
  if (second) {
    v = *reinterpret_cast<const OptimizerQuad*>(a.second + at);
  }
  ESPER_UNROLL
  for (int i = 0; i < 4; ++i) {
    OptimizerElement e = {p.v[i], g.v[i], m.v[i], v.v[i]};
    optimizer_update(a, s, e);
    p.v[i] = e.p;
    m.v[i] = e.m;
    v.v[i] = e.v;
  }
  *reinterpret_cast<OptimizerQuad*>(a.parameters + at) = p;
  if (first) {
    *reinterpret_cast<OptimizerQuad*>(a.first + at) = m;
  }
  if (second) {
    *reinterpret_cast<OptimizerQuad*>(a.second + at) = v;
  }
}

ESPER_DEVICE void optimizer_one(const EsperOptimizerArguments& a, const EsperOptimizerSegment& s, long long at) {
  const bool first = a.rule != ESPER_CUDA_RULE_PLAIN;
  const bool second = a.rule == ESPER_CUDA_RULE_ADAMW;
  OptimizerElement e = {a.parameters[at], a.gradient[at], first ? a.first[at] : 0.0F, second ? a.second[at] : 0.0F};
  optimizer_update(a, s, e);
  a.parameters[at] = e.p;
  if (first) {
    a.first[at] = e.m;
  }
  if (second) {
    a.second[at] = e.v;
  }
}

// The segment that a tile belongs to: the last whose first tile is not behind it.
ESPER_DEVICE int optimizer_segment(const EsperOptimizerArguments& a, long long tile) {
  int low = 0;
  int high = a.segment_count - 1;
  while (low < high) {
    const int middle = (low + high + 1) / 2;
    if (a.segments[middle].tile <= tile) {
      low = middle;
    } else {
      high = middle - 1;
    }
  }
  return low;
}

// The part of all tiles that one thread of one block does.
ESPER_DEVICE void optimizer_walk(const EsperOptimizerArguments& a, int block, int blocks, int thread, int threads) {
  for (long long tile = block; tile < a.tiles; tile += blocks) {
    const EsperOptimizerSegment& s = a.segments[optimizer_segment(a, tile)];
    const long long end = s.offset + s.count;
    const long long begin = s.offset / 4 * 4 + (tile - s.tile) * ESPER_CUDA_OPTIMIZER_TILE;
    const long long stop = begin + ESPER_CUDA_OPTIMIZER_TILE < end ? begin + ESPER_CUDA_OPTIMIZER_TILE : end;
    for (long long at = begin + 4 * thread; at < stop; at += 4 * threads) {
      if (a.wide != 0 && at >= s.offset && at + 4 <= stop) {
        optimizer_quad(a, s, at);
      } else {
        for (long long i = at; i < at + 4 && i < stop; ++i) {
          if (i >= s.offset) {
            optimizer_one(a, s, i);
          }
        }
      }
    }
  }
}

}  // namespace esper_device

ESPER_KERNEL esper_optimizer_kernel(const EsperOptimizerArguments arguments) {
  using namespace esper_device;
  optimizer_walk(arguments, block_index(), block_count(), thread_index(), ESPER_CUDA_THREADS);
}
