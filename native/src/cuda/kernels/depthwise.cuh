// The depthwise family: a k x k correlation of each channel, activation, and a C x C product.
//
// A block works on a whole batch item, so that in place nothing is overwritten that a neighbour still needs. The k k
// taps are read from memory, all but the first time from the caches. In place, forward first copies the item's chunk to
// the block's scratch memory (one more read and write of the chunk, in the second-level cache); backward keeps the
// gradient before the activation there in float32 (4 bytes an element written, k k times read) and adds its correlation
// to dy in a second pass.
#pragma once

#include "gate.cuh"

namespace esper_device {

// An item's chunk somewhere in memory.
template <typename Value>
struct ItemView {
  Value* data;
  long long channel_stride;
  long long position_stride;
};

// Linear index of an item's elements in the order in which they lie together.
ESPER_DEVICE void item_element(const Geometry& geometry, int channels, int positions, int index, int* channel,
                               int* position) {
  const int along = geometry.tokens ? channels : positions;
  const int line = index / along;
  *channel = geometry.tokens ? index - line * along : line;
  *position = geometry.tokens ? line : index - line * along;
}

template <typename Value>
ESPER_DEVICE ItemView<Value> scratch_view(const Geometry& geometry, int channels, void* memory) {
  return {static_cast<Value*>(memory), geometry.tokens ? 1 : geometry.positions, geometry.tokens ? channels : 1};
}

ESPER_DEVICE ItemView<const Element> tensor_view(const Geometry& geometry, const void* tensor, int channel,
                                                 long long item) {
  const long long first = geometry.tokens ? item * geometry.positions * geometry.channels + channel
                                          : (item * geometry.channels + channel) * geometry.positions;
  return {static_cast<const Element*>(tensor) + first, geometry.tokens ? 1 : geometry.positions,
          geometry.tokens ? geometry.channels : 1};
}

ESPER_DEVICE float read_value(const float* address) {
  return *address;
}
#if ESPER_STORAGE != 0
ESPER_DEVICE float read_value(const Element* address) {
  return widen(*address);
}
#endif

// The image that an item is.
struct Image {
  int width;
  int height;
};
ESPER_DEVICE Image make_image(const Launch& launch) {
  return {static_cast<int>(launch.header->width), static_cast<int>(launch.geometry.positions / launch.header->width)};
}

// sum over taps of kernel[tap] view(channel, position + sign * (tap - centre)), zero outside of the image.
template <typename Value>
ESPER_DEVICE float correlate(const ItemView<Value>& view, const Image& image, const float* taps, int kernel,
                             int channel, int position, int sign) {
  const int row = position / image.width;
  const int column = position - row * image.width;
  const Value* base = view.data + channel * view.channel_stride;
  float sum = 0.0F;
  for (int i = 0; i < kernel; ++i) {
    const int y = row + sign * (i - kernel / 2);
    if (y >= 0 && y < image.height) {
      for (int j = 0; j < kernel; ++j) {
        const int x = column + sign * (j - kernel / 2);
        if (x >= 0 && x < image.width) {
          const long long at = static_cast<long long>(y) * image.width + x;
          sum = multiply_add(taps[i * kernel + j], read_value(base + at * view.position_stride), sum);
        }
      }
    }
  }
  return sum;
}

// Hidden values (and slopes) of a tile, 0 in the columns behind it.
ESPER_CALL void depthwise_hidden(const Launch& launch, const EsperGroup& group, const EsperSeed& seed, const Rows& rows,
                                 const Memory& memory, const ItemView<const Element>& view, bool backward) {
  const Image image = make_image(launch);
  const int kernel = seed.kernel;
  for (int index = thread_index(); index < seed.channels * group.tile; index += ESPER_CUDA_THREADS) {
    int c;
    int t;
    item_element(launch.geometry, seed.channels, group.tile, index, &c, &t);
    float value = 0.0F;
    float slope = 0.0F;
    if (t < rows.count) {
      const float pre = correlate(view, image, memory.weights + seed.w_vector + c * kernel * kernel, kernel, c,
                                  static_cast<int>(rows.position) + t, 1);
      value = activate(seed.activation, pre + memory.weights[seed.w_input_bias + c], &slope);
    }
    const int at = panel_at(seed.hidden_row + c, t, group.tile);
    memory.panels[group.p_hidden + at] = value;
    if (backward) {
      memory.panels[group.p_slope + at] = slope;
    }
  }
}

ESPER_CALL void forward_depthwise(const Launch& launch, const EsperGroup& group, const EsperSpan& span) {
  const Memory memory = make_memory<false>(launch, group);
  const EsperSeed& seed = launch.seeds[group.first_seed];
  const Geometry& geometry = launch.geometry;
  const int positions = static_cast<int>(geometry.positions);
  stage_group(launch, group, false);
  const bool full = all_full(group);
  for (long long item = span.begin; item < span.end; ++item) {
    ItemView<const Element> view = tensor_view(geometry, launch.arguments->x, seed.channel_begin, item);
    if (!launch.apart) {
      const ItemView<Element> copy = scratch_view<Element>(geometry, seed.channels, item_memory(launch, group));
      for (int index = thread_index(); index < seed.channels * positions; index += ESPER_CUDA_THREADS) {
        int c;
        int p;
        item_element(geometry, seed.channels, positions, index, &c, &p);
        copy.data[index] = view.data[c * view.channel_stride + p * view.position_stride];
      }
      view = {copy.data, copy.channel_stride, copy.position_stride};
      block_sync();
    }
    for (int position = 0; position < positions; position += group.tile) {
      const Rows rows = item_rows(geometry, item, position, group.tile);
      load_group<false>(launch, group, rows, launch.arguments->x, group.p_x);
      depthwise_hidden(launch, group, seed, rows, memory, view, false);
      block_sync();
      hidden_phase<false>(launch, group, false);
      block_sync();
      blend_phase<false>(launch, group);
      block_sync();
      if (full) {
        store_group<false>(launch, group, rows, group.p_x);
      } else {
        store_seeds(launch, group, rows);
      }
      block_sync();
    }
  }
}

// dK and db1 over a tile: one warp a channel, lanes along the positions.
ESPER_CALL void add_tap_sums(const Launch& launch, const EsperGroup& group, const EsperSeed& seed, const Rows& rows,
                             const Memory& memory, const ItemView<const Element>& view) {
  const Image image = make_image(launch);
  const int lane = thread_index() & 31;
  const int kernel = seed.kernel;
  for (int c = thread_index() >> 5; c < seed.channels; c += kWarps) {
    const Element* base = view.data + c * view.channel_stride;
    float* sums = memory.sums + seed.sums + seed.s_input + c * kernel * kernel;
    for (int tap = 0; tap < kernel * kernel; ++tap) {
      const int down = tap / kernel - kernel / 2;
      const int right = tap % kernel - kernel / 2;
      float sum = 0.0F;
      for (int t = lane; t < rows.count; t += 32) {
        const int position = static_cast<int>(rows.position) + t;
        const int y = position / image.width + down;
        const int x = position % image.width + right;
        if (y >= 0 && y < image.height && x >= 0 && x < image.width) {
          const long long at = static_cast<long long>(y) * image.width + x;
          sum = multiply_add(memory.panels[group.p_dhidden + panel_at(seed.hidden_row + c, t, group.tile)],
                             read_value(base + at * view.position_stride), sum);
        }
      }
      sum = lane_sum<32>(sum);
      if (lane == 0) {
        sums[tap] += sum;
      }
    }
  }
  add_row_sums(memory.panels + group.p_dhidden, seed.channels, group.tile, memory.sums + seed.sums + seed.s_input_bias);
}

// Second pass over an item: dx = dy + correlation of dpre with the mirrored taps + q du.
ESPER_CALL void depthwise_input_gradient(const Launch& launch, const EsperSeed& seed, const Memory& memory,
                                         const ItemView<const float>& dpre, const float* du, long long item) {
  const Geometry& geometry = launch.geometry;
  const Image image = make_image(launch);
  const int positions = static_cast<int>(geometry.positions);
  const int kernel = seed.kernel;
  const ItemView<const Element> dy = tensor_view(geometry, launch.arguments->dy, seed.channel_begin, item);
  const ItemView<const Element> dx = tensor_view(geometry, launch.arguments->out, seed.channel_begin, item);
  Element* out = const_cast<Element*>(dx.data);
  for (int index = thread_index(); index < seed.channels * positions; index += ESPER_CUDA_THREADS) {
    int c;
    int p;
    item_element(geometry, seed.channels, positions, index, &c, &p);
    const long long at = c * dy.channel_stride + p * dy.position_stride;
    float value = widen(dy.data[at]);
    value += correlate(dpre, image, memory.weights + seed.w_vector + c * kernel * kernel, kernel, c, p, -1);
    if (seed.blend == ESPER_CUDA_GATED) {
      value = multiply_add(memory.weights[seed.w_gate + c], du[p], value);
    }
    out[at] = narrow(value);
  }
}

ESPER_CALL void backward_depthwise(const Launch& launch, const EsperGroup& group, const EsperSpan& span) {
  const Memory memory = make_memory<false>(launch, group);
  const EsperSeed& seed = launch.seeds[group.first_seed];
  const Geometry& geometry = launch.geometry;
  const EsperLatticeArguments& arguments = *launch.arguments;
  const int positions = static_cast<int>(geometry.positions);
  clear_sums(launch, group);
  stage_group(launch, group, true);
  const int needs = control().needs[0];
  const Phases phases = phases_of(launch, group);
  float* scratch = reinterpret_cast<float*>(item_memory(launch, group));
  const ItemView<float> dpre = scratch_view<float>(geometry, seed.channels, scratch);
  float* du = scratch + static_cast<long long>(seed.channels) * positions;
  for (long long item = span.begin; item < span.end; ++item) {
    const ItemView<const Element> view = tensor_view(geometry, arguments.x, seed.channel_begin, item);
    for (int position = 0; needs != 0 && position < positions; position += group.tile) {
      const Rows rows = item_rows(geometry, item, position, group.tile);
      load_group<false>(launch, group, rows, arguments.x, group.p_x);
      load_group<false>(launch, group, rows, arguments.dy, group.p_dy);
      depthwise_hidden(launch, group, seed, rows, memory, view, true);
      block_sync();
      backward_hidden<false>(launch, group, rows.count, phases);
      if ((needs & kNeedTheta) != 0) {
        add_tap_sums(launch, group, seed, rows, memory, view);
      }
      sums_phase<false>(launch, group);
      if ((needs & kNeedDx) != 0) {
        for (int index = thread_index(); index < seed.channels * group.tile; index += ESPER_CUDA_THREADS) {
          int c;
          int t;
          item_element(geometry, seed.channels, group.tile, index, &c, &t);
          if (t < rows.count) {
            dpre.data[c * dpre.channel_stride + (position + t) * dpre.position_stride] =
                memory.panels[group.p_dhidden + panel_at(seed.hidden_row + c, t, group.tile)];
          }
        }
        for (int t = thread_index(); t < rows.count && seed.blend == ESPER_CUDA_GATED; t += ESPER_CUDA_THREADS) {
          du[position + t] = memory.panels[group.p_weight + panel_at(seed.weight_row + 2, t, group.tile)];
        }
      }
      block_sync();
    }
    if ((needs & kNeedDx) != 0) {
      depthwise_input_gradient(launch, seed, memory, {dpre.data, dpre.channel_stride, dpre.position_stride}, du, item);
    } else {
      copy_item(launch, group, seed, item);
    }
    block_sync();
  }
}

}  // namespace esper_device
