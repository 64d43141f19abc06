// Padded panels of whole images for depthwise, see PaddedImage. Included inside the instruction set's own anonymous
// namespace.

inline std::int64_t at_least(std::int64_t a, std::int64_t b) {
  return a > b ? a : b;
}

inline std::int64_t at_most(std::int64_t a, std::int64_t b) {
  return a < b ? a : b;
}

inline void clear(float* data, std::int64_t count) {
  if (count > 0) {
    std::memset(data, 0, static_cast<std::size_t>(count) * sizeof(float));
  }
}

// Copies count floats; rows of images are short, where a call of memcpy would cost more than the copy.
inline void copy_row(const float* from, float* to, std::int64_t count) {
  std::int64_t i = 0;
  for (; i + kLanes <= count; i += kLanes) {
    store(to + i, load(from + i));
  }
  for (; i + 4 <= count; i += 4) {
    std::memcpy(to + i, from + i, 4 * sizeof(float));
  }
  for (; i < count; ++i) {
    to[i] = from[i];
  }
}

// Zeroes what lies outside of the image in one channel of a panel that starts with lead zeros and has length floats.
inline void clear_margins(const PaddedImage& image, std::int64_t lead, std::int64_t length, float* channel) {
  clear(channel, lead);
  float* row = channel + lead + image.width;
  for (std::int64_t r = 0; r + 1 < image.height; ++r) {
    for (std::int64_t i = 0; i < image.column_halo; ++i) {
      row[i] = 0.0F;
    }
    row += image.row_stride;
  }
  clear(row, channel + length - row);
}

// Zeroes the margins among positions start to start + count - 1 of the image in every row of a panel that holds these.
inline void clear_run_margins(const PaddedImage& image, std::int64_t start, std::int64_t count, std::int32_t rows,
                              float* panel) {
  const std::int64_t image_end = image.height * image.row_stride - image.column_halo;
  const std::int64_t end = start + count;
  for (std::int64_t r = start / image.row_stride; r + 1 < image.height; ++r) {
    const std::int64_t first = at_least(r * image.row_stride + image.width, start);
    const std::int64_t last = at_most((r + 1) * image.row_stride, end);
    if (first >= end) {
      break;
    }
    for (std::int32_t c = 0; c < rows; ++c) {
      for (std::int64_t t = first; t < last; ++t) {
        panel[c * count + t - start] = 0.0F;
      }
    }
  }
  if (end > image_end) {
    const std::int64_t first = at_least(image_end, start);
    for (std::int32_t c = 0; c < rows; ++c) {
      clear(panel + c * count + first - start, end - first);
    }
  }
}

// Copies a chunk of one batch item into a padded panel; channel c starts at panel + c * pitch.
inline void load_image(const Chunk& chunk, const PaddedImage& image, const float* source, std::int32_t channels,
                       std::int64_t lead, std::int64_t pitch, float* panel) {
  for (std::int32_t c = 0; c < channels; ++c) {
    clear_margins(image, lead, pitch, panel + c * pitch);
  }
  if (chunk.position_stride == 1) {
    for (std::int32_t c = 0; c < channels; ++c) {
      for (std::int64_t r = 0; r < image.height; ++r) {
        copy_row(source + c * chunk.channel_stride + r * image.width, panel + c * pitch + lead + r * image.row_stride,
                 image.width);
      }
    }
  } else if (image.column_halo == 0) {
    load_channels_last(source, chunk.position_stride, channels, chunk.positions, pitch, panel + lead);
  } else {
    for (std::int64_t r = 0; r < image.height; ++r) {
      load_channels_last(source + r * image.width * chunk.position_stride, chunk.position_stride, channels, image.width,
                         pitch, panel + lead + r * image.row_stride);
    }
  }
}

// The reverse of load_image, for panels without lead.
inline void store_image(const Chunk& chunk, const PaddedImage& image, const float* panel, std::int32_t channels,
                        std::int64_t pitch, float* target) {
  if (chunk.position_stride == 1) {
    for (std::int32_t c = 0; c < channels; ++c) {
      for (std::int64_t r = 0; r < image.height; ++r) {
        copy_row(panel + c * pitch + r * image.row_stride, target + c * chunk.channel_stride + r * image.width,
                 image.width);
      }
    }
  } else if (image.column_halo == 0) {
    store_channels_last<false>(panel, pitch, channels, chunk.positions, target, chunk.position_stride);
  } else {
    for (std::int64_t r = 0; r < image.height; ++r) {
      store_channels_last<false>(panel + r * image.row_stride, pitch, channels, image.width,
                                 target + r * image.width * chunk.position_stride, chunk.position_stride);
    }
  }
}
