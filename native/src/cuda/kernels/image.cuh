// Everything that goes into one compiled image: the lattice kernels of one storage, and the optimizer.
#include "esper_kernels.cuh"
#include "optimizer.cuh"
