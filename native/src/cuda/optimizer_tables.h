/*
 * optimizer_tables.h - the argument of the optimizer kernel. Shared by host and device as tables.h is: plain types,
 * 8-byte fields first, size a multiple of 8.
 */
#ifndef ESPER_CUDA_OPTIMIZER_TABLES_H
#define ESPER_CUDA_OPTIMIZER_TABLES_H

/* Segments that fit one launch: an argument has at most 4096 bytes. */
#define ESPER_CUDA_SEGMENTS 96
/* Floats that a block updates at a time. */
#define ESPER_CUDA_OPTIMIZER_TILE 4096

/* Update rules, the values of optimizer::Rule. */
#define ESPER_CUDA_RULE_PLAIN 0
#define ESPER_CUDA_RULE_MOMENTUM 1
#define ESPER_CUDA_RULE_NESTEROV 2
#define ESPER_CUDA_RULE_ADAMW 3

/* A run of elements with the same rates. */
struct EsperOptimizerSegment {
  long long offset; /* Floats from the arena's start. */
  long long count;
  long long tile; /* Number of its first tile; tiles start at multiples of 4 floats of the arena. */
  float rate;
  float decay;
  float root_correction;
  int reserved;
};

/* The one argument, by value, of esper_optimizer_kernel; names as in optimizer/update.hpp. */
struct EsperOptimizerArguments {
  float* parameters;
  const float* gradient;
  float* first;
  float* second;
  long long tiles; /* Of all segments. */
  int segment_count;
  int rule;
  int wide; /* 1 if all arrays are aligned to 16 bytes. */
  float gradient_scale;
  float weight_decay;
  float momentum;
  float beta1;
  float beta2;
  float one_minus_beta1;
  float one_minus_beta2;
  float epsilon;
  int reserved;
  struct EsperOptimizerSegment segments[ESPER_CUDA_SEGMENTS];
};

static_assert(sizeof(EsperOptimizerSegment) == 40, "layout of EsperOptimizerSegment");
static_assert(sizeof(EsperOptimizerArguments) == 88 + 40 * ESPER_CUDA_SEGMENTS, "layout of EsperOptimizerArguments");

#endif /* ESPER_CUDA_OPTIMIZER_TABLES_H */
