/*
 * tables.h - what host and device share: the tables of one lattice and the arguments of its kernels.
 *
 * Read by NVRTC, which has no standard headers: nothing but plain types, no pointers inside the table. Structs are made
 * of 8-byte fields first and have sizes that are multiples of 8; the end of this file asserts the sizes.
 */
#ifndef ESPER_CUDA_TABLES_H
#define ESPER_CUDA_TABLES_H

/* Threads of a block, for the lattice kernels. */
#define ESPER_CUDA_THREADS 256
/* Dynamic shared memory of a launch, bytes. As far as it goes, four forward and three backward blocks fit a
   multiprocessor of sm_90 (registers allow three, see ESPER_KERNEL); one backward block fits 99 KiB (sm_86). */
#define ESPER_CUDA_FORWARD_SHARED 49152
#define ESPER_CUDA_BACKWARD_SHARED 73728

/* The one argument, by value, of esper_lattice_forward and esper_lattice_backward. */
struct EsperLatticeArguments {
  const unsigned char* table; /* Plan::image on the device, 16-byte aligned. */
  unsigned char* workspace;   /* Plan::workspace_bytes, 256-byte aligned, zeroed once before the first launch. */
  const float* theta;
  const void* x;
  const void* dy; /* backward only */
  void* out;      /* y, or dx (NULL = not wanted) */
  float* dtheta;  /* added to, or NULL */
  float* dalpha;  /* one float a seed, or NULL */
  double* sums;   /* ESPER_CUDA_SUM_COUNT doubles a seed, or NULL */
};

/* ---- the rest is between plan.cpp and the kernels ---- */

/* Bytes at the start of shared memory for a block's own bookkeeping, and seeds that a group may hold. */
#define ESPER_CUDA_CONTROL 1024
#define ESPER_CUDA_GROUP_SEEDS 16
/* Doubles of telemetry that a warp keeps for a seed: the six sums, dL/dalpha of the gated blend, one unused. */
#define ESPER_CUDA_STATS 8

/* Lists of work, one for each kind of launch. */
enum EsperCudaList {
  ESPER_CUDA_FORWARD_IN_PLACE = 0,
  ESPER_CUDA_FORWARD_APART = 1,
  ESPER_CUDA_BACKWARD_IN_PLACE = 2,
  ESPER_CUDA_BACKWARD_APART = 3,
  ESPER_CUDA_LISTS = 4
};

/* What a group of channels is made of, and what one unit of its work is. */
enum EsperCudaKind {
  ESPER_CUDA_COPY = 0,      /* Channels without a module. Unit: EsperGroup.tile rows. */
  ESPER_CUDA_POINTWISE = 1, /* Adjacent seeds of the families affine, lowrank, bottleneck. Unit: a tile of rows. */
  ESPER_CUDA_GATE = 2,      /* One seed. Unit: one batch item. */
  ESPER_CUDA_DEPTHWISE = 3  /* One seed. Unit: one batch item. */
};

/* Bits of EsperGroup.flags. */
#define ESPER_CUDA_PANELS_APART 1  /* Panels lie in the block's scratch memory, not in shared memory. */
#define ESPER_CUDA_WEIGHTS_APART 2 /* The same for the staged weights, */
#define ESPER_CUDA_SUMS_APART 4    /* and for the gradient sums. */
#define ESPER_CUDA_ORDERED 8       /* Parameters are shared between seeds: reduced by the last block of the launch. */

/* Bits of EsperSeed.flags. */
#define ESPER_CUDA_ALTERS 1   /* The forward value, unless a channel vector is nowhere positive. */
#define ESPER_CUDA_LEARNS 2   /* Parameters take gradients. */
#define ESPER_CUDA_ALPHA 4    /* dL/dalpha may differ from 0. */
#define ESPER_CUDA_TRAINING 8 /* w = 1, x constant, dx = dy. */

/* How the blend weight varies. */
enum EsperCudaBlend { ESPER_CUDA_UNIFORM = 0, ESPER_CUDA_CHANNEL = 1, ESPER_CUDA_GATED = 2 };

/* Start of the table. Offsets are bytes from its start, or from the start of the workspace where they say so. */
struct EsperHeader {
  long long rows; /* batch * positions */
  long long batch;
  long long positions;
  long long width;    /* Columns of an image. */
  long long seeds[2]; /* EsperSeed arrays: forward, backward. */
  long long groups[ESPER_CUDA_LISTS];
  long long spans[ESPER_CUDA_LISTS];
  long long first[ESPER_CUDA_LISTS]; /* int [blocks + 1]: a block's spans. */
  long long idle;                    /* int [idle_count]: seeds whose dalpha and sums are 0. */
  long long ordered;                 /* int [ordered_count]: backward groups flagged ORDERED, in seed order. */
  long long counters;                /* Workspace: int [groups + 1], all 0 between launches. */
  long long partials;                /* Workspace. */
  long long scratch;                 /* Workspace: scratch_stride bytes a block. */
  long long scratch_stride;
  int channels;
  int layout; /* esper_layout */
  int idle_count;
  int ordered_count;
  int ordered_counter; /* Number of the launch-wide ticket. */
  int reserved;
};

/* One seed in one direction. Placements are floats from the start of the memory that they live in. */
struct EsperSeed {
  long long theta;    /* Index of the first parameter. */
  double alpha_slope; /* d w / d alpha of a uniform weight. */
  int index;          /* The caller's number. */
  int family;
  int activation; /* -1 = none */
  int blend;      /* EsperCudaBlend */
  int flags;
  int channel_begin;
  int channels; /* C */
  int hidden;   /* H: R of lowrank, bottleneck and gate, C of depthwise, 0 of affine. */
  int kernel;   /* k of depthwise, else 0. */
  float weight; /* w of a uniform weight; 1 in Training. */
  float alpha;
  float kappa;
  int input_weight; /* Parameters from theta on, -1 = none; as layout::ParameterMap. */
  int input_bias;
  int output_weight;
  int output_bias;
  int blend_weight;
  int panel_row;     /* First row in the group's panels of x and dy. */
  int hidden_row;    /* First of H rows in the panels of hidden values. */
  int weight_row;    /* First of the seed's rows by position: w; backward also sigmoid(u) and du of the gated blend. */
  int w_input_t;     /* Staged [C][pad4(H)]: input weights by channel. Pointwise products only. */
  int w_input;       /* Staged [H][pad4(C)]. Pointwise products, backward. */
  int w_output_t;    /* Staged [H][pad4(C)]: output weights by hidden unit. Pointwise products and depthwise. */
  int w_output;      /* Staged [C][pad4(H)]. Pointwise products and depthwise, backward. */
  int w_input_bias;  /* pad4(H) */
  int w_output_bias; /* pad4(C) */
  int w_channel;     /* pad4(C): w[c]; the uniform weight in all channels, 1 for gated. */
  int w_gate;        /* pad4(C + 1): q, p of the gated blend. */
  int w_vector;      /* u [C] of affine; K [C][k k] of depthwise; vectors of gate: m, k, rx, ds [pad4(C)],
                        h, slope, dpre [pad4(H)]. */
  int sums;          /* First float of the seed's gradient sums, multiple of 4. */
  int sum_count;     /* Floats, a multiple of 4. */
  int s_input;       /* Sections, from sums on: [H][C], of depthwise [C][k k]. */
  int s_input_bias;  /* [H] */
  int s_output;      /* [C][H], of affine [C]. */
  int s_output_bias; /* [C] */
  int s_gate;        /* [C], and behind it the sum of du. */
  int s_module;      /* [C], gate family: sum dy g. */
  int stats;         /* First double in the statistics memory: [warps][ESPER_CUDA_STATS]. */
  int reserved;
};

/* Channels that a block works on together. */
struct EsperGroup {
  long long partial;       /* Byte in the partials of slot 0. */
  long long partial_bytes; /* Of one slot: per seed ESPER_CUDA_STATS doubles, then for all seeds the sums. */
  long long panels_at;     /* Bytes in shared memory, or in scratch where flags say so. */
  long long weights_at;
  long long sums_at;
  long long item_at; /* Bytes in scratch: a whole item of depthwise. */
  int kind;
  int flags;
  int first_seed; /* In the seed array of its direction. */
  int seeds;
  int channel_begin;
  int channels;
  int tile;    /* Rows of a panel, a power of two from 32 on; of a copy unit. */
  int slots;   /* Spans of this group in its list. */
  int counter; /* Number of its ticket. */
  int panel_rows;
  int hidden_rows;
  int p_x; /* Placements of the panels, floats. */
  int p_dy;
  int p_hidden;
  int p_slope;
  int p_dhidden;
  int p_weight;
  int sum_count; /* Floats of all sums; statistics lie behind them. */
};

/* A run of units of one group, done by one block. */
struct EsperSpan {
  long long begin;
  long long end;
  int group;
  int slot; /* Which partial result of the group. */
};

/* Read by the host's compiler and by the device's: both lay the structs out alike, or one of them refuses. */
static_assert(sizeof(EsperLatticeArguments) == 72, "layout of EsperLatticeArguments");
static_assert(sizeof(EsperHeader) == 216, "layout of EsperHeader");
static_assert(sizeof(EsperSeed) == 176, "layout of EsperSeed");
static_assert(sizeof(EsperGroup) == 120, "layout of EsperGroup");
static_assert(sizeof(EsperSpan) == 24, "layout of EsperSpan");

#endif /* ESPER_CUDA_TABLES_H */
