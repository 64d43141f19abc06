// A group's place in memory, and the staging of its seeds' parameters there.
#pragma once

#include "math.cuh"
#include "product.cuh"

namespace esper_device {

ESPER_DEVICE unsigned char* shared_memory() {
  ESPER_SHARED_MEMORY(esper_shared);
  return esper_shared;
}

// What a block keeps of itself at the start of shared memory.
struct Control {
  int state[ESPER_CUDA_GROUP_SEEDS];  // Of each seed of the group: kSilent, kMixed or kFull.
  int needs[ESPER_CUDA_GROUP_SEEDS];  // Of each seed in backward: Need bits, 0 = nothing.
  int last;                           // Whether this block reduces.
};
static_assert(sizeof(Control) <= ESPER_CUDA_CONTROL, "bookkeeping outgrows its place");
enum Need { kNeedDx = 1, kNeedTheta = 2, kNeedAlpha = 4, kNeedSums = 8 };
enum State { kSilent = 0, kMixed = 1, kFull = 2 };  // Blend weights: all 0, some 0, none 0.

ESPER_DEVICE Control& control() {
  return *reinterpret_cast<Control*>(shared_memory());
}

// Tables and arguments of a launch.
struct Launch {
  const EsperLatticeArguments* arguments;
  const EsperHeader* header;
  const EsperSeed* seeds;
  Geometry geometry;
  bool apart;  // out exists and is not the input.
};

// Memory of a group. With kShared everything lies in shared memory, which the compiler then knows.
struct Memory {
  float* panels;
  float* weights;
  float* sums;
  double* stats;
};

template <bool kShared>
ESPER_DEVICE Memory make_memory(const Launch& launch, const EsperGroup& group) {
  unsigned char* shared = shared_memory();
  unsigned char* panels = shared;
  unsigned char* weights = shared;
  unsigned char* sums = shared;
  if (!kShared) {
    unsigned char* scratch =
        launch.arguments->workspace + launch.header->scratch + block_index() * launch.header->scratch_stride;
    panels = (group.flags & ESPER_CUDA_PANELS_APART) != 0 ? scratch : shared;
    weights = (group.flags & ESPER_CUDA_WEIGHTS_APART) != 0 ? scratch : shared;
    sums = (group.flags & ESPER_CUDA_SUMS_APART) != 0 ? scratch : shared;
  }
  Memory memory;
  memory.panels = reinterpret_cast<float*>(panels + group.panels_at);
  memory.weights = reinterpret_cast<float*>(weights + group.weights_at);
  memory.sums = reinterpret_cast<float*>(sums + group.sums_at);
  memory.stats = reinterpret_cast<double*>(memory.sums + group.sum_count);
  return memory;
}

ESPER_DEVICE unsigned char* item_memory(const Launch& launch, const EsperGroup& group) {
  return launch.arguments->workspace + launch.header->scratch + block_index() * launch.header->scratch_stride +
         group.item_at;
}

// target[i][j] = source[i * row_stride + j * column_stride] for i < rows, j < columns, then 0 up to pad4(columns).
ESPER_DEVICE void stage_matrix(const float* source, int rows, int columns, int row_stride, int column_stride,
                               float* target) {
  const int leading = pad4(columns);
  for (int index = thread_index(); index < rows * leading; index += ESPER_CUDA_THREADS) {
    const int i = index / leading;
    const int j = index - i * leading;
    target[index] = j < columns ? source[i * row_stride + j * column_stride] : 0.0F;
  }
}

// Vector with zeros behind it; zeros alone where source is NULL.
ESPER_DEVICE void stage_vector(const float* source, int count, float* target) {
  for (int j = thread_index(); j < pad4(count); j += ESPER_CUDA_THREADS) {
    target[j] = source != nullptr && j < count ? source[j] : 0.0F;
  }
}

// clamp(alpha v, 0, 1), NaN stays NaN.
ESPER_DEVICE float channel_weight(float alpha, float v) {
  float weight = multiply(alpha, v);
  weight = weight < 0.0F ? 0.0F : weight;
  return weight > 1.0F ? 1.0F : weight;
}

ESPER_DEVICE void stage_seed(const EsperSeed& seed, const float* theta, bool backward, float* weights) {
  const int c = seed.channels;
  const int h = seed.hidden;
  const float* base = theta + seed.theta;
  const bool pointwise = seed.kernel == 0;
  if (seed.output_weight >= 0 && seed.w_output_t >= 0) {
    stage_matrix(base + seed.output_weight, h, c, 1, h, weights + seed.w_output_t);
    if (backward) {
      stage_matrix(base + seed.output_weight, c, h, h, 1, weights + seed.w_output);
    }
    if (pointwise) {
      stage_matrix(base + seed.input_weight, c, h, 1, c, weights + seed.w_input_t);
      if (backward) {
        stage_matrix(base + seed.input_weight, h, c, c, 1, weights + seed.w_input);
      }
    }
    stage_vector(seed.input_bias >= 0 ? base + seed.input_bias : nullptr, h, weights + seed.w_input_bias);
  }
  if (h == 0) {
    stage_vector(base + seed.input_weight, c, weights + seed.w_vector);
  } else if (!pointwise) {
    stage_vector(base + seed.input_weight, c * seed.kernel * seed.kernel, weights + seed.w_vector);
  }
  stage_vector(seed.output_bias >= 0 ? base + seed.output_bias : nullptr, c, weights + seed.w_output_bias);
  if (seed.blend == ESPER_CUDA_GATED) {
    stage_vector(base + seed.blend_weight, c + 1, weights + seed.w_gate);
  }
  for (int j = thread_index(); j < pad4(c); j += ESPER_CUDA_THREADS) {
    float weight = seed.blend == ESPER_CUDA_GATED ? 1.0F : seed.weight;
    if (seed.blend == ESPER_CUDA_CHANNEL) {
      weight = j < c ? channel_weight(seed.alpha, base[seed.blend_weight + j]) : 0.0F;
    }
    weights[seed.w_channel + j] = weight;
  }
}

// What backward computes for a seed whose blend weights are known to be all 0 (silent) or not.
ESPER_DEVICE int seed_needs(const EsperSeed& seed, const EsperLatticeArguments& arguments, bool silent) {
  const bool training = (seed.flags & ESPER_CUDA_TRAINING) != 0;
  int needs = arguments.out != nullptr && !silent ? kNeedDx : 0;
  if (arguments.dtheta != nullptr && (seed.flags & ESPER_CUDA_LEARNS) != 0 && (training || !silent)) {
    needs |= kNeedTheta;
  }
  if (arguments.dalpha != nullptr && (seed.flags & ESPER_CUDA_ALPHA) != 0) {
    needs |= kNeedAlpha;
  }
  if (arguments.sums != nullptr && (needs != 0 || training || !silent)) {
    needs |= kNeedSums;
  }
  return needs;
}

// Stages all seeds of a group and finds out which of their channels change. Ends with a barrier.
ESPER_CALL void stage_group(const Launch& launch, const EsperGroup& group, bool backward) {
  const Memory memory = make_memory<false>(launch, group);
  for (int s = 0; s < group.seeds; ++s) {
    stage_seed(launch.seeds[group.first_seed + s], launch.arguments->theta, backward, memory.weights);
  }
  block_sync();
  if (thread_index() < group.seeds) {
    const EsperSeed& seed = launch.seeds[group.first_seed + thread_index()];
    const float* weights = memory.weights + seed.w_channel;
    int zeros = 0;
    for (int c = 0; c < seed.channels && seed.blend == ESPER_CUDA_CHANNEL; ++c) {
      zeros += weights[c] == 0.0F ? 1 : 0;
    }
    const bool alters = (seed.flags & ESPER_CUDA_ALTERS) != 0 && zeros < seed.channels;
    control().state[thread_index()] = !alters ? kSilent : zeros > 0 ? kMixed : kFull;
    control().needs[thread_index()] = seed_needs(seed, *launch.arguments, !alters);
  }
  block_sync();
}

// w[t] of one seed: alpha sigmoid(q . x + p), 1 for the other blends; sigmoid in the next row where kept. Threads up to
// tile of the block, one a position.
ESPER_DEVICE void gate_positions(const EsperSeed& seed, const Memory& memory, const float* x, float* rows, int tile,
                                 bool keep) {
  for (int t = thread_index(); t < tile; t += ESPER_CUDA_THREADS) {
    float weight = 1.0F;
    if (seed.blend == ESPER_CUDA_GATED) {
      const float* q = memory.weights + seed.w_gate;
      float u = q[seed.channels];
      for (int c = 0; c < seed.channels; ++c) {
        u = multiply_add(q[c], x[panel_at(seed.panel_row + c, t, tile)], u);
      }
      const float gate = sigmoid(u);
      weight = multiply(seed.alpha, gate);
      if (keep) {
        rows[panel_at(seed.weight_row + 1, t, tile)] = gate;
      }
    }
    rows[panel_at(seed.weight_row, t, tile)] = weight;
  }
}

}  // namespace esper_device
