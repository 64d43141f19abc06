// The kernel bodies compiled for AVX-512 F, BW, DQ, VL.
// Everything has internal linkage, and no standard library template is used: code compiled with this file's flags must
// never be picked by the linker for callers outside of it.
#include <immintrin.h>

#include <cstddef>
#include <cstdint>
#include <cstring>

#include "cpu/kernel_types.hpp"
#include "esper/esper.h"

namespace esper::cpu {
namespace {

// The order matters: each of these builds on the ones before it.
// clang-format off
#include "cpu/simd_avx512.hpp"
#include "cpu/math.hpp"
#include "cpu/activation.hpp"
#include "cpu/products.hpp"
#include "cpu/panels.hpp"
#include "cpu/forward_body.hpp"
#include "cpu/backward_body.hpp"
#include "cpu/planar_body.hpp"
#include "cpu/planar_backward.hpp"
#include "cpu/rows_body.hpp"
#include "cpu/rows_packed_avx512.hpp"
#include "cpu/rows_forward.hpp"
#include "cpu/rows_gradients.hpp"
#include "cpu/rows_backward.hpp"
#include "cpu/image_panels.hpp"
#include "cpu/gate_body.hpp"
#include "cpu/depthwise_body.hpp"
#include "cpu/image_body.hpp"
#include "cpu/entry.hpp"
#include "cpu/optimizer_body.hpp"
// clang-format on

}  // namespace

const Kernels kAvx512Kernels = {ESPER_ISA_AVX512, kLanes,  kFusedRank, kPacksRows, kGroup, kOuterRows,
                                kOuterColumns,    forward, backward,   copy_rows,  fence,  image_forward,
                                image_backward,   update};

}  // namespace esper::cpu
