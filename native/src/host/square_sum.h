// Sum of squares over raw floats, for gradient norms. No libtorch here.
#pragma once

#include <cstdint>

namespace esper::host {

// Sum of squares in double: 16 interleaved partial sums, added in order. The same bits on all instruction sets.
double square_sum(const float* data, int64_t count);

}  // namespace esper::host
