/*
 * tables.h - what host and device share: the tables of one lattice and the arguments of its kernels.
 *
 * Read by NVRTC, which has no standard headers: nothing but plain types. Every struct is made of 8-byte fields first
 * and has a size that is a multiple of 8, so that host and device agree on the layout; plan.cpp asserts the sizes.
 */
#ifndef ESPER_CUDA_TABLES_H
#define ESPER_CUDA_TABLES_H

/* Threads of a block, for all kernels. */
#define ESPER_CUDA_THREADS 256
/* Dynamic shared memory of a launch, bytes. Four forward and three backward blocks fit a multiprocessor of sm_90; one
   backward block fits 99 KiB (sm_86). */
#define ESPER_CUDA_FORWARD_SHARED 49152
#define ESPER_CUDA_BACKWARD_SHARED 73728

/* The one argument, by value, of esper_lattice_forward and esper_lattice_backward. */
struct EsperLatticeArguments {
  const unsigned char* table; /* Plan::image on the device, 16-byte aligned. */
  unsigned char* workspace;   /* Plan::workspace_bytes, 256-byte aligned, zeroed once before the first launch. */
  const float* theta;
  const void* x;
  const void* dy;  /* backward only */
  void* out;       /* y, or dx (NULL = not wanted) */
  float* dtheta;   /* added to, or NULL */
  float* dalpha;   /* one float a seed, or NULL */
  double* sums;    /* ESPER_CUDA_SUM_COUNT doubles a seed, or NULL */
};

#endif /* ESPER_CUDA_TABLES_H */
