// Panels: float32 matrices [rows][tile] in shared memory, a row a channel (or hidden unit), a column a position; and
// their way from and to the tensors.
#pragma once

#include "../tables.h"
#include "storage.cuh"

namespace esper_device {

// Column t of row r lies at column t XOR swizzle(r), which moves groups of four columns: reading four columns as one
// 16-byte access stays possible and free of bank conflicts, and writing the channels of one position, as channels-last
// tensors need, meets at most two lanes a bank for chunks of up to 64 channels.
ESPER_DEVICE int panel_at(int row, int column, int tile) {
  return row * tile + (column ^ (((row >> 2) & 7) << 2));
}
ESPER_DEVICE Float4& panel_quad(float* panel, int row, int quad, int tile) {
  return *reinterpret_cast<Float4*>(panel + panel_at(row, 4 * quad, tile));
}
ESPER_DEVICE const Float4& panel_quad(const float* panel, int row, int quad, int tile) {
  return *reinterpret_cast<const Float4*>(panel + panel_at(row, 4 * quad, tile));
}

// How the tensors lie in memory.
struct Geometry {
  long long positions;
  int channels;
  bool tokens;
};

// Rows of the matrix [batch * positions][channels] that a tile covers: count of them from first on.
struct Rows {
  long long first;
  long long item;      // Batch item of the first row,
  long long position;  // and its position there.
  int count;
};

ESPER_DEVICE Rows make_rows(const Geometry& geometry, long long first, long long end, int tile) {
  Rows rows;
  rows.first = first;
  rows.item = first / geometry.positions;
  rows.position = first - rows.item * geometry.positions;
  rows.count = end - first < tile ? static_cast<int>(end - first) : tile;
  return rows;
}

// Index of an element: channel of the site, row of the tile.
ESPER_DEVICE long long element_at(const Geometry& geometry, const Rows& rows, int channel, int row) {
  if (geometry.tokens) {
    return (rows.first + row) * geometry.channels + channel;
  }
  long long item = rows.item;
  long long position = rows.position + row;
  if (position >= geometry.positions) {
    // row < 2^16 and positions <= position, so either both fit 32 bits or the quotient is 1.
    if (geometry.positions > 0x3fffffff) {
      item += 1;
      position -= geometry.positions;
    } else {
      const unsigned quotient = static_cast<unsigned>(position) / static_cast<unsigned>(geometry.positions);
      item += quotient;
      position -= static_cast<long long>(quotient) * geometry.positions;
    }
  }
  return (item * geometry.channels + channel) * geometry.positions + position;
}

// Whether 16-byte pieces of a chunk are aligned and belong together. tile rows start at multiples of kVector, which
// holds for tiles of the whole matrix; tiles of one item start at a multiple of its own first row.
ESPER_DEVICE bool vectors_fit(const Geometry& geometry, const void* tensor, int channel_begin, int channels) {
  if (!aligned16(tensor)) {
    return false;
  }
  if (geometry.tokens) {
    return geometry.channels % kVector == 0 && channel_begin % kVector == 0 && channels % kVector == 0;
  }
  return geometry.positions % kVector == 0;
}

// Where piece number index of a chunk's tile lies: element (channel, row), kVector long along the contiguous direction.
ESPER_DEVICE void piece_at(const Geometry& geometry, int channels, int count, int width, int index, int* channel,
                           int* row) {
  const int along = geometry.tokens ? channels / width : (count + width - 1) / width;
  const int line = static_cast<int>(static_cast<unsigned>(index) / static_cast<unsigned>(along));
  const int piece = (index - line * along) * width;
  *channel = geometry.tokens ? piece : line;
  *row = geometry.tokens ? line : piece;
}
ESPER_DEVICE int piece_count(const Geometry& geometry, int channels, int count, int width) {
  return geometry.tokens ? count * (channels / width) : channels * ((count + width - 1) / width);
}

constexpr int kInFlight = 4;  // Loads that a thread issues before it uses the first.

// panel rows from panel_row on = the chunk's values; columns from rows.count on = 0. All threads of the block.
ESPER_DEVICE void load_panel(const Geometry& geometry, const Rows& rows, const void* tensor, int channel_begin,
                             int channels, int tile, float* panel, int panel_row) {
  const Element* source = static_cast<const Element*>(tensor);
  const bool wide = vectors_fit(geometry, tensor, channel_begin, channels);
  const int width = wide ? kVector : 1;
  const int pieces = piece_count(geometry, channels, rows.count, width);
  for (int base = thread_index(); base < pieces; base += kInFlight * ESPER_CUDA_THREADS) {
    Raw raw[kInFlight];
    int channel[kInFlight];
    int row[kInFlight];
    ESPER_UNROLL
    for (int u = 0; u < kInFlight; ++u) {
      const int index = base + u * ESPER_CUDA_THREADS;
      channel[u] = -1;
      if (index < pieces) {
        piece_at(geometry, channels, rows.count, width, index, &channel[u], &row[u]);
        const Element* from = source + element_at(geometry, rows, channel_begin + channel[u], row[u]);
        if (wide) {
          raw[u] = *reinterpret_cast<const Raw*>(from);
        } else {
          raw[u].word[0] = element_bits(*from);
        }
      }
    }
    ESPER_UNROLL
    for (int u = 0; u < kInFlight; ++u) {
      if (channel[u] < 0) {
        continue;
      }
      if (wide) {
        float values[kVector];
        unpack(raw[u], values);
        ESPER_UNROLL
        for (int i = 0; i < kVector; ++i) {
          const int c = geometry.tokens ? channel[u] + i : channel[u];
          const int t = geometry.tokens ? row[u] : row[u] + i;
          panel[panel_at(panel_row + c, t, tile)] = values[i];
        }
      } else {
        panel[panel_at(panel_row + channel[u], row[u], tile)] = widen(bits_element(raw[u].word[0]));
      }
    }
  }
  const int empty = tile - rows.count;
  for (int index = thread_index(); index < channels * empty; index += ESPER_CUDA_THREADS) {
    const int c = index / empty;
    panel[panel_at(panel_row + c, rows.count + index - c * empty, tile)] = 0.0F;
  }
}

// The chunk's values = panel rows from panel_row on. All threads of the block.
ESPER_DEVICE void store_panel(const Geometry& geometry, const Rows& rows, void* tensor, int channel_begin, int channels,
                              int tile, const float* panel, int panel_row) {
  Element* target = static_cast<Element*>(tensor);
  const int width = vectors_fit(geometry, tensor, channel_begin, channels) ? kVector : 1;
  const int pieces = piece_count(geometry, channels, rows.count, width);
  for (int index = thread_index(); index < pieces; index += ESPER_CUDA_THREADS) {
    int channel;
    int row;
    piece_at(geometry, channels, rows.count, width, index, &channel, &row);
    Element* to = target + element_at(geometry, rows, channel_begin + channel, row);
    if (width == 1) {
      *to = narrow(panel[panel_at(panel_row + channel, row, tile)]);
    } else {
      float values[kVector];
      ESPER_UNROLL
      for (int i = 0; i < kVector; ++i) {
        const int c = geometry.tokens ? channel + i : channel;
        const int t = geometry.tokens ? row : row + i;
        values[i] = panel[panel_at(panel_row + c, t, tile)];
      }
      *reinterpret_cast<Raw*>(to) = pack(values);
    }
  }
}

// As store_panel, but channels whose weight is 0 keep the bits of source (nothing is written where target is source).
ESPER_CALL void store_weighted(const Geometry& geometry, const Rows& rows, const void* source, void* target,
                               int channel_begin, int channels, int tile, const float* panel, int panel_row,
                               const float* weights) {
  const int pieces = piece_count(geometry, channels, rows.count, 1);
  for (int index = thread_index(); index < pieces; index += ESPER_CUDA_THREADS) {
    int channel;
    int row;
    piece_at(geometry, channels, rows.count, 1, index, &channel, &row);
    const long long at = element_at(geometry, rows, channel_begin + channel, row);
    if (weights[channel] != 0.0F) {
      static_cast<Element*>(target)[at] = narrow(panel[panel_at(panel_row + channel, row, tile)]);
    } else if (target != source) {
      static_cast<Element*>(target)[at] = static_cast<const Element*>(source)[at];
    }
  }
}

// target = source on a chunk, bit for bit. All threads of the block.
ESPER_CALL void copy_chunk(const Geometry& geometry, const Rows& rows, const void* source, void* target,
                           int channel_begin, int channels) {
  const bool wide = vectors_fit(geometry, source, channel_begin, channels) && aligned16(target);
  const int width = wide ? kVector : 1;
  const int pieces = piece_count(geometry, channels, rows.count, width);
  for (int base = thread_index(); base < pieces; base += kInFlight * ESPER_CUDA_THREADS) {
    Raw raw[kInFlight];
    long long at[kInFlight];
    ESPER_UNROLL
    for (int u = 0; u < kInFlight; ++u) {
      const int index = base + u * ESPER_CUDA_THREADS;
      at[u] = -1;
      if (index < pieces) {
        int channel;
        int row;
        piece_at(geometry, channels, rows.count, width, index, &channel, &row);
        at[u] = element_at(geometry, rows, channel_begin + channel, row);
        const Element* from = static_cast<const Element*>(source) + at[u];
        if (wide) {
          raw[u] = *reinterpret_cast<const Raw*>(from);
        } else {
          raw[u].word[0] = element_bits(*from);
        }
      }
    }
    ESPER_UNROLL
    for (int u = 0; u < kInFlight; ++u) {
      if (at[u] >= 0) {
        Element* to = static_cast<Element*>(target) + at[u];
        if (wide) {
          *reinterpret_cast<Raw*>(to) = raw[u];
        } else {
          *to = bits_element(raw[u].word[0]);
        }
      }
    }
  }
}

}  // namespace esper_device
