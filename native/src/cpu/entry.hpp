// The functions behind the Kernels of an instruction set: choose the body for a call. Included inside the instruction
// set's own anonymous namespace.

constexpr std::int64_t kCopyAhead = 256;  // Floats.

template <bool Streaming>
inline void forward_with(const ForwardCall& call) {
  if (call.chunk.channel_stride == 1) {
    rows_forward<Streaming>(call);
  } else if (is_fused(*call.task)) {
    planar_forward<Streaming>(call);
  } else {
    forward_run<false>(call);
  }
}

void forward(const ForwardCall& call) {
  const bool aligned =
      call.chunk.channel_stride == 1 ? can_stream(call.chunk, call.y) : can_stream_planes(call.chunk, call.y);
  if (call.stream && aligned) {
    forward_with<true>(call);
  } else {
    forward_with<false>(call);
  }
}

template <bool Streaming>
inline void backward_with(const BackwardCall& call) {
  if (call.chunk.channel_stride == 1) {
    rows_backward<Streaming>(call);
  } else if (call.images > 1) {
    grouped_backward<Streaming>(call);
  } else {
    planar_backward<Streaming>(call);
  }
}

// Copies rows of length floats; with stream past the caches where the target is aligned.
void copy_rows(const CopyCall& call) {
  constexpr std::uintptr_t kMask = kLanes * sizeof(float) - 1;
  const auto step = static_cast<std::uintptr_t>(call.stride) * sizeof(float);
  const bool aligned = ((reinterpret_cast<std::uintptr_t>(call.target) | step) & kMask) == 0;
  for (std::int64_t row = 0; row < call.rows; ++row) {
    const float* from = call.source + row * call.stride;
    float* to = call.target + row * call.stride;
    if (!call.stream || !aligned) {
      std::memcpy(to, from, static_cast<std::size_t>(call.length) * sizeof(float));
      continue;
    }
    const std::int64_t whole = call.length / kLanes * kLanes;
    for (std::int64_t i = 0; i < whole; i += kLanes) {
      __builtin_prefetch(from + i + kCopyAhead, 0, 2);
      stream(to + i, load(from + i));
    }
    std::memcpy(to + whole, from + whole, static_cast<std::size_t>(call.length - whole) * sizeof(float));
  }
}

void backward(const BackwardCall& call) {
  bool streams = call.stream && call.task->want_dx;
  if (streams) {
    streams = call.chunk.channel_stride == 1 ? can_stream(call.chunk, call.dx) : can_stream_planes(call.chunk, call.dx);
  }
  if (streams) {
    backward_with<true>(call);
  } else {
    backward_with<false>(call);
  }
}
