// The functions behind the Kernels of an instruction set: choose the body for a call. Included inside the instruction
// set's own anonymous namespace.

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
