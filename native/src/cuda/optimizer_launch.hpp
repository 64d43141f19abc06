// The optimizer step on a device.
#pragma once

#include "cuda/engine.hpp"
#include "optimizer/segments.hpp"

namespace esper::cuda {

// Queues the step: one launch for each ESPER_CUDA_SEGMENTS segments, which travel as the launch's argument. Neighbours
// with the same rates count as one segment. Arguments are checked.
void optimizer_step(Engine* engine, CuStream stream, const optimizer::Coefficients& coefficients,
                    const optimizer::Segments& segments, const optimizer::Arrays& arrays);

}  // namespace esper::cuda
