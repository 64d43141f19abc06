// From the blocks' gradient sums to dtheta, dalpha and sums: every span writes its partial result, and the block that
// finishes a group last adds them up in the order of the spans, in double precision.
#pragma once

#include "stage.cuh"

namespace esper_device {

// Partial results of one group.
struct Partials {
  const unsigned char* first;
  long long stride;
  int slots;
  int seeds;
};

ESPER_DEVICE Partials make_partials(const Launch& launch, const EsperGroup& group) {
  return {launch.arguments->workspace + launch.header->partials + group.partial, group.partial_bytes, group.slots,
          group.seeds};
}

// Sum over the spans of float number index.
ESPER_CALL double total_sum(const Partials& partials, int index) {
  const long long at = static_cast<long long>(partials.seeds) * ESPER_CUDA_STATS * 8 + 4LL * index;
  double total = 0.0;
  for (int slot = 0; slot < partials.slots; ++slot) {
    total += static_cast<double>(
        load_shared_result(reinterpret_cast<const float*>(partials.first + slot * partials.stride + at)));
  }
  return total;
}
ESPER_DEVICE double total_statistic(const Partials& partials, int seed, int k) {
  double total = 0.0;
  for (int slot = 0; slot < partials.slots; ++slot) {
    total += load_shared_result(reinterpret_cast<const double*>(partials.first + slot * partials.stride) +
                                seed * ESPER_CUDA_STATS + k);
  }
  return total;
}

// Writes a span's sums and statistics to its slot. All threads; a barrier lies before.
ESPER_CALL void write_partial(const Launch& launch, const EsperGroup& group, const EsperSpan& span,
                              const Memory& memory) {
  unsigned char* slot = launch.arguments->workspace + launch.header->partials + group.partial +
                        static_cast<long long>(span.slot) * group.partial_bytes;
  double* stats = reinterpret_cast<double*>(slot);
  float* sums = reinterpret_cast<float*>(stats + group.seeds * ESPER_CUDA_STATS);
  for (int i = thread_index(); i < group.sum_count; i += ESPER_CUDA_THREADS) {
    sums[i] = memory.sums[i];
  }
  for (int i = thread_index(); i < group.seeds * ESPER_CUDA_STATS; i += ESPER_CUDA_THREADS) {
    const int s = i / ESPER_CUDA_STATS;
    const EsperSeed& seed = launch.seeds[group.first_seed + s];
    double total = 0.0;
    for (int w = 0; w < kWarps; ++w) {
      total += memory.stats[seed.stats + w * ESPER_CUDA_STATS + i - s * ESPER_CUDA_STATS];
    }
    stats[i] = total;
  }
}

// Whether this block is the last of count that call it with this ticket; the ticket is 0 again afterwards. What the
// others wrote before is visible then. All threads.
ESPER_DEVICE bool last_to_arrive(int* ticket, int count) {
  device_fence();
  block_sync();
  if (thread_index() == 0) {
    const bool last = atomic_add(ticket, 1) == count - 1;
    if (last) {
      *ticket = 0;
    }
    control().last = last ? 1 : 0;
  }
  block_sync();
  const bool last = control().last != 0;
  device_fence();
  return last;
}

// d clamp(alpha v, 0, 1) / d alpha, from the right at alpha = 0.
ESPER_DEVICE float channel_slope(float alpha, float v) {
  if (alpha == 0.0F) {
    return v > 0.0F ? v : 0.0F;
  }
  const float weight = multiply(alpha, v);
  return weight > 0.0F && weight < 1.0F ? v : 0.0F;
}

// sum over positions of dy g at channel c, from the sums that make dW2.
ESPER_CALL double module_product(const EsperSeed& seed, const Partials& partials, const float* base, int c) {
  if (seed.s_module >= 0) {
    return total_sum(partials, seed.sums + seed.s_module + c);
  }
  double product = 0.0;
  if (seed.output_bias >= 0) {
    product = static_cast<double>(base[seed.output_bias + c]) * total_sum(partials, seed.sums + seed.s_output_bias + c);
  }
  if (seed.hidden == 0) {
    return product +
           static_cast<double>(base[seed.input_weight + c]) * total_sum(partials, seed.sums + seed.s_output + c);
  }
  for (int r = 0; r < seed.hidden; ++r) {
    const int at = c * seed.hidden + r;
    product += static_cast<double>(base[seed.output_weight + at]) * total_sum(partials, seed.sums + seed.s_output + at);
  }
  return product;
}

ESPER_DEVICE void add_section(const Partials& partials, int section, int count, float* target) {
  for (int i = thread_index(); i < count; i += ESPER_CUDA_THREADS) {
    target[i] += static_cast<float>(total_sum(partials, section + i));
  }
}

// dtheta of a seed, as far as it does not need module_product.
ESPER_CALL void finish_parameters(const EsperSeed& seed, const Partials& partials, const float* base, float* target) {
  const int c_count = seed.channels;
  if (seed.hidden > 0) {
    const int inputs = seed.family == 4 ? seed.kernel * seed.kernel : seed.hidden;
    add_section(partials, seed.sums + seed.s_input, inputs * c_count, target + seed.input_weight);
    if (seed.input_bias >= 0) {
      add_section(partials, seed.sums + seed.s_input_bias, seed.hidden, target + seed.input_bias);
    }
  }
  const int per_channel = seed.hidden > 0 ? seed.hidden : 1;
  float* matrix = target + (seed.hidden > 0 ? seed.output_weight : seed.input_weight);
  for (int i = thread_index(); i < c_count * per_channel; i += ESPER_CUDA_THREADS) {
    const int c = i / per_channel;
    float factor = seed.blend == ESPER_CUDA_UNIFORM ? seed.weight : 1.0F;
    if (seed.blend == ESPER_CUDA_CHANNEL) {
      factor = channel_weight(seed.alpha, base[seed.blend_weight + c]);
    }
    if (seed.s_module >= 0) {
      factor = 1.0F;  // gate: the weight is in the sums.
    }
    const double scale = static_cast<double>(factor);
    matrix[i] += static_cast<float>(scale * total_sum(partials, seed.sums + seed.s_output + i));
    if (seed.output_bias >= 0 && i == c * per_channel) {
      target[seed.output_bias + c] +=
          static_cast<float>(scale * total_sum(partials, seed.sums + seed.s_output_bias + c));
    }
  }
  if (seed.blend == ESPER_CUDA_GATED) {
    add_section(partials, seed.sums + seed.s_gate, c_count + 1, target + seed.blend_weight);
  }
}

// Gradients of alpha and of the channel vector. All threads; uses 256 doubles of shared memory behind the control data.
ESPER_CALL void finish_blend(const EsperSeed& seed, const Partials& partials, int number, const float* base,
                             bool learns, bool alpha, float* target, float* dalpha) {
  const bool channel = seed.blend == ESPER_CUDA_CHANNEL;
  double sum = 0.0;
  if (alpha || (learns && channel)) {
    for (int c = thread_index(); c < seed.channels && seed.blend != ESPER_CUDA_GATED; c += ESPER_CUDA_THREADS) {
      const float slope = channel ? channel_slope(seed.alpha, base[seed.blend_weight + c]) : 1.0F;
      if (slope != 0.0F) {
        const double product = module_product(seed, partials, base, c);
        sum += static_cast<double>(slope) * product;
        if (learns && channel) {
          target[seed.blend_weight + c] += static_cast<float>(static_cast<double>(seed.alpha) * product);
        }
      }
    }
  }
  double* sums = reinterpret_cast<double*>(shared_memory() + ESPER_CUDA_CONTROL);
  sums[thread_index()] = sum;
  block_sync();
  for (int half = ESPER_CUDA_THREADS / 2; half > 0; half /= 2) {
    if (thread_index() < half) {
      sums[thread_index()] += sums[thread_index() + half];
    }
    block_sync();
  }
  if (thread_index() == 0 && dalpha != nullptr) {
    double value = 0.0;
    if (alpha) {
      value = seed.blend == ESPER_CUDA_GATED     ? total_statistic(partials, number, 6)
              : seed.blend == ESPER_CUDA_CHANNEL ? sums[0]
                                                 : seed.alpha_slope * sums[0];
    }
    *dalpha = static_cast<float>(value);
  }
  block_sync();
}

// Adds up a group's partial results. All threads of one block.
ESPER_CALL void reduce_group(const Launch& launch, const EsperGroup& group) {
  const Partials partials = make_partials(launch, group);
  const EsperLatticeArguments& arguments = *launch.arguments;
  for (int s = 0; s < group.seeds; ++s) {
    const EsperSeed& seed = launch.seeds[group.first_seed + s];
    const float* base = arguments.theta + seed.theta;
    bool silent = (seed.flags & ESPER_CUDA_ALTERS) == 0;
    if (!silent && seed.blend == ESPER_CUDA_CHANNEL) {
      silent = true;
      for (int c = 0; c < seed.channels && silent; ++c) {
        silent = channel_weight(seed.alpha, base[seed.blend_weight + c]) == 0.0F;
      }
    }
    const int needs = seed_needs(seed, arguments, silent);
    float* target = arguments.dtheta == nullptr ? nullptr : arguments.dtheta + seed.theta;
    const bool learns = (needs & kNeedTheta) != 0;
    if (learns) {
      finish_parameters(seed, partials, base, target);
    }
    finish_blend(seed, partials, s, base, learns, (needs & kNeedAlpha) != 0, target,
                 arguments.dalpha == nullptr ? nullptr : arguments.dalpha + seed.index);
    if (arguments.sums != nullptr && thread_index() < 6) {
      arguments.sums[static_cast<long long>(seed.index) * 6 + thread_index()] =
          (needs & kNeedSums) != 0 ? total_statistic(partials, s, thread_index()) : 0.0;
    }
  }
  block_sync();
}

}  // namespace esper_device
