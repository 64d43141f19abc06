// The two passes of a lattice: a fixed grid of blocks, each walking the spans that the table gives it.
#pragma once

#include "depthwise.cuh"
#include "reduce.cuh"

namespace esper_device {

ESPER_DEVICE Launch make_launch(const EsperLatticeArguments& arguments, const EsperHeader* header, bool backward) {
  Launch launch;
  launch.arguments = &arguments;
  launch.header = header;
  launch.seeds = reinterpret_cast<const EsperSeed*>(arguments.table + header->seeds[backward ? 1 : 0]);
  launch.geometry.positions = header->positions;
  launch.geometry.channels = header->channels;
  launch.geometry.tokens = header->layout == 1;
  launch.apart = arguments.out != nullptr && arguments.out != (backward ? arguments.dy : arguments.x);
  return launch;
}

// Seeds that no group computes: dL/dalpha and sums are 0.
ESPER_DEVICE void clear_idle(const EsperLatticeArguments& arguments, const EsperHeader* header) {
  const int* idle = reinterpret_cast<const int*>(arguments.table + header->idle);
  for (int i = thread_index(); i < header->idle_count; i += ESPER_CUDA_THREADS) {
    if (arguments.dalpha != nullptr) {
      arguments.dalpha[idle[i]] = 0.0F;
    }
    for (int k = 0; arguments.sums != nullptr && k < 6; ++k) {
      arguments.sums[static_cast<long long>(idle[i]) * 6 + k] = 0.0;
    }
  }
}

}  // namespace esper_device

// y = lattice(x); y may be x.
ESPER_KERNEL esper_lattice_forward(const EsperLatticeArguments arguments) {
  using namespace esper_device;
  const EsperHeader* header = reinterpret_cast<const EsperHeader*>(arguments.table);
  const Launch launch = make_launch(arguments, header, false);
  const int list = launch.apart ? ESPER_CUDA_FORWARD_APART : ESPER_CUDA_FORWARD_IN_PLACE;
  const EsperGroup* groups = reinterpret_cast<const EsperGroup*>(arguments.table + header->groups[list]);
  const EsperSpan* spans = reinterpret_cast<const EsperSpan*>(arguments.table + header->spans[list]);
  const int* first = reinterpret_cast<const int*>(arguments.table + header->first[list]) + block_index();
  for (int i = first[0]; i < first[1]; ++i) {
    const EsperSpan& span = spans[i];
    const EsperGroup& group = groups[span.group];
    const bool shared = (group.flags & (ESPER_CUDA_PANELS_APART | ESPER_CUDA_WEIGHTS_APART)) == 0;
    if (group.kind == ESPER_CUDA_COPY) {
      copy_group(launch, group, span, arguments.x);
    } else if (group.kind == ESPER_CUDA_POINTWISE) {
      shared ? forward_pointwise<true>(launch, group, span) : forward_pointwise<false>(launch, group, span);
    } else if (group.kind == ESPER_CUDA_GATE) {
      forward_gate(launch, group, span);
    } else {
      forward_depthwise(launch, group, span);
    }
  }
}

// dx, and dtheta, dalpha and sums where they are wanted; dx may be dy.
ESPER_KERNEL esper_lattice_backward(const EsperLatticeArguments arguments) {
  using namespace esper_device;
  const EsperHeader* header = reinterpret_cast<const EsperHeader*>(arguments.table);
  const Launch launch = make_launch(arguments, header, true);
  const int list = launch.apart ? ESPER_CUDA_BACKWARD_APART : ESPER_CUDA_BACKWARD_IN_PLACE;
  const EsperGroup* groups = reinterpret_cast<const EsperGroup*>(arguments.table + header->groups[list]);
  const EsperSpan* spans = reinterpret_cast<const EsperSpan*>(arguments.table + header->spans[list]);
  const int* first = reinterpret_cast<const int*>(arguments.table + header->first[list]) + block_index();
  int* counters = reinterpret_cast<int*>(arguments.workspace + header->counters);
  const bool reduces = arguments.dtheta != nullptr || arguments.dalpha != nullptr || arguments.sums != nullptr;
  if (reduces && block_index() == 0) {
    clear_idle(arguments, header);
  }
  for (int i = first[0]; i < first[1]; ++i) {
    const EsperSpan& span = spans[i];
    const EsperGroup& group = groups[span.group];
    if (group.kind == ESPER_CUDA_COPY) {
      copy_group(launch, group, span, arguments.dy);
      continue;
    }
    const bool shared =
        (group.flags & (ESPER_CUDA_PANELS_APART | ESPER_CUDA_WEIGHTS_APART | ESPER_CUDA_SUMS_APART)) == 0;
    if (group.kind == ESPER_CUDA_POINTWISE) {
      shared ? backward_pointwise<true>(launch, group, span) : backward_pointwise<false>(launch, group, span);
    } else if (group.kind == ESPER_CUDA_GATE) {
      backward_gate(launch, group, span);
    } else {
      backward_depthwise(launch, group, span);
    }
    if (reduces) {
      write_partial(launch, group, span, make_memory<false>(launch, group));
      const bool last = last_to_arrive(counters + group.counter, group.slots);
      if (last && (group.flags & ESPER_CUDA_ORDERED) == 0) {
        reduce_group(launch, group);
      }
    }
  }
  if (reduces && header->ordered_count > 0 && last_to_arrive(counters + header->ordered_counter, block_count())) {
    const int* ordered = reinterpret_cast<const int*>(arguments.table + header->ordered);
    for (int i = 0; i < header->ordered_count; ++i) {
      reduce_group(launch, groups[ordered[i]]);
    }
  }
}
