// Everything that goes into one compiled image: the lattice kernels of one storage, and the optimizer.
#include "esper_kernels.cuh"
#include "optimizer.cuh"

// Names the storage, so that an image is never taken for another's.
#if ESPER_STORAGE == 0
extern "C" __device__ int esper_storage_float32 = 0;
#elif ESPER_STORAGE == 1
extern "C" __device__ int esper_storage_float16 = 1;
#else
extern "C" __device__ int esper_storage_bfloat16 = 2;
#endif
