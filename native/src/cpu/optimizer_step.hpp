// One optimizer step over the segments of an arena.
#pragma once

#include "cpu/context.hpp"
#include "optimizer/segments.hpp"

namespace esper::cpu {

// Arguments are checked. Allocates nothing.
void optimizer_step(Context& context, const optimizer::Coefficients& coefficients, const optimizer::Segments& segments,
                    const optimizer::Arrays& arrays);

}  // namespace esper::cpu
