// All kernels of libesper as one translation unit, for NVRTC, nvcc, clang and the host shim of the tests.
// ESPER_STORAGE: storage of activations, 0 = float32, 1 = float16, 2 = bfloat16.

#ifndef ESPER_STORAGE
#error "define ESPER_STORAGE as 0 (float32), 1 (float16) or 2 (bfloat16)"
#endif

#include "lattice.cuh"
