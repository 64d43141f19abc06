// The kernels that work on whole batch items. Included inside the instruction set's own anonymous namespace.

void image_forward(const ImageForwardCall& call) {
  if (call.task->family == ESPER_FAMILY_GATE) {
    gate_forward(call);
  } else {
    depthwise_forward(call);
  }
}

void image_backward(const ImageBackwardCall& call) {
  if (call.task->family == ESPER_FAMILY_GATE) {
    gate_backward(call);
  } else {
    depthwise_backward(call);
  }
}
