/*
 * esper.h - seed lattice kernels, seed state store and CPU dispatch. C ABI of libesper.
 *
 * libesper depends on nothing but the C++ runtime. Everything here works on memory that the caller owns.
 *
 * Conventions, valid for every function unless its comment says otherwise:
 *   status     Every fallible function returns an esper_status; ESPER_OK is 0. On failure the outputs are unchanged
 *              and esper_last_error() describes the failure for the calling thread.
 *   firewall   Nothing throws, aborts, exits or prints across this interface; allocation failure is a status.
 *   ownership  Handles come from *_create and go to *_destroy (which accepts NULL). Pointers passed in are borrowed
 *              for the call. Strings returned are static or thread-local and never freed by the caller.
 *   structs    The caller sets struct_size to sizeof(the struct) before the call, also for structs that are filled.
 *              Structs grow only at the end.
 *   threads    A handle is used by one thread at a time; different handles are independent.
 *   numbers    float is IEEE binary32, double binary64. NaN and infinity in tensors propagate, they are not errors.
 *   results    Deterministic: same inputs, same number of threads and same instruction set give the same bits.
 */
#ifndef ESPER_ESPER_H
#define ESPER_ESPER_H

#include <stddef.h>
#include <stdint.h>

#if defined(_WIN32)
#  if defined(ESPER_BUILD)
#    define ESPER_API __declspec(dllexport)
#  else
#    define ESPER_API __declspec(dllimport)
#  endif
#  define ESPER_MUST_USE
#else
#  define ESPER_API __attribute__((visibility("default")))
#  define ESPER_MUST_USE __attribute__((warn_unused_result))
#endif

#ifdef __cplusplus
extern "C" {
#endif

/* ------------------------------------------------------------------ status ----------------------------------- */

/* Version of this interface. Changes whenever a struct or a signature does. */
#define ESPER_ABI_VERSION 1

/* Result of a fallible call. */
typedef int32_t esper_status;

/* Values of esper_status. */
enum esper_status_code {
  ESPER_OK = 0,                       /* The call succeeded. */
  ESPER_ERROR_INVALID_ARGUMENT = 1,   /* An argument breaks the documented contract; the message names it. */
  ESPER_ERROR_OUT_OF_MEMORY = 2,      /* Memory could not be allocated. */
  ESPER_ERROR_UNSUPPORTED = 3,        /* The machine or this build cannot do what was asked for explicitly. */
  ESPER_ERROR_ILLEGAL_TRANSITION = 4, /* The lifecycle table has no such transition. */
  ESPER_ERROR_CORRUPT = 5,            /* A checksum or an invariant does not hold. */
  ESPER_ERROR_INTERNAL = 6            /* An unexpected failure inside the library; the message has its text. */
};

/* Version of the interface that the loaded library implements; compare with ESPER_ABI_VERSION. */
ESPER_API uint32_t esper_abi_version(void);

/* One line of JSON: {"version","compiler","build","isa":[...]}; static. */
ESPER_API const char* esper_build_info(void);

/* UTF-8 text of the last failure on the calling thread, "" if none; valid until the next call on this thread. */
ESPER_API const char* esper_last_error(void);

/* Name of a status, "unknown" for values outside esper_status_code; static. */
ESPER_API const char* esper_status_name(esper_status status);

/* sizeof the named struct of this header ("esper_lattice_seed", ...) in bytes, -1 if there is none of that name.
   Bindings compare it with their own layout once at load. */
ESPER_API int32_t esper_struct_size(const char* name);

/* ------------------------------------------------------------------ CPU -------------------------------------- */

/* Instruction sets with kernels of their own, in rising order. */
enum esper_isa {
  ESPER_ISA_AUTO = -1, /* The best one that CPU, operating system and ESPER_CPU_ISA allow. */
  ESPER_ISA_SCALAR = 0,
  ESPER_ISA_AVX2 = 1,   /* AVX2 + FMA. */
  ESPER_ISA_AVX512 = 2  /* AVX-512 F, BW, DQ, VL. */
};

/* What the processor offers. */
typedef struct esper_cpu_info {
  uint32_t struct_size;
  int32_t best_isa;      /* esper_isa that CPUID and XGETBV allow. */
  int32_t logical_cores; /* Cores that this process may run on (affinity respected). */
  int32_t reserved;
  char model[64];        /* Processor name, NUL terminated. */
} esper_cpu_info;

/* Fills info. */
ESPER_API ESPER_MUST_USE esper_status esper_cpu_query(esper_cpu_info* info);

/* Name of an esper_isa ("scalar", "avx2", "avx512"), "unknown" otherwise; static. */
ESPER_API const char* esper_isa_name(int32_t isa);

/* Removes OPENBLAS_CORETYPE and OPENBLAS_L2_SIZE from the environment, where values meant for another machine halve
   the speed of matrix products; ESPER_KEEP_OPENBLAS=1 in the environment keeps them. Must run before OpenBLAS is
   loaded. Returns a static or thread-local text naming what was removed or kept, "" if nothing was set. */
ESPER_API const char* esper_environment_prepare(void);

/* ------------------------------------------------------------------ context ---------------------------------- */

/* A set of worker threads and the instruction set that kernels run with. */
typedef struct esper_context esper_context;

/* One piece of a parallel region: called once for each index, from any thread. */
typedef void (*esper_task_fn)(void* state, int32_t index);

/* Runs task(state, i) for every i in [0, count), possibly in parallel, and returns when all are done. */
typedef void (*esper_parallel_fn)(void* user, int32_t count, esper_task_fn task, void* state);

/* Options of esper_context_create. */
typedef struct esper_context_options {
  uint32_t struct_size;
  int32_t threads;            /* Number of partitions and of worker threads; 0 = all cores of this process. */
  int32_t isa;                /* esper_isa. A set that the machine lacks is ESPER_ERROR_UNSUPPORTED, never replaced. */
  int32_t reserved;
  int64_t small_work;         /* Calls touching fewer elements run on the calling thread; 0 = library default. */
  esper_parallel_fn parallel; /* Another library's thread pool to run on, NULL = a pool of the context's own. */
  void* parallel_user;        /* Handed to parallel. */
} esper_context_options;

/* Creates a context. ESPER_CPU_ISA=scalar|avx2|avx512 in the environment decides for ESPER_ISA_AUTO. */
ESPER_API ESPER_MUST_USE esper_status esper_context_create(const esper_context_options* options,
                                                           esper_context** context);
/* Joins the workers and frees the context. */
ESPER_API void esper_context_destroy(esper_context* context);
/* Instruction set and number of threads in use; either pointer may be NULL. */
ESPER_API ESPER_MUST_USE esper_status esper_context_query(const esper_context* context, int32_t* isa,
                                                          int32_t* threads);

/* ------------------------------------------------------------------ lifecycle and seed state ------------------ */

/* Stage of a seed. */
enum esper_stage {
  ESPER_STAGE_DORMANT = 0,    /* No module. */
  ESPER_STAGE_GERMINATED = 1, /* Module attached, not learning yet. */
  ESPER_STAGE_TRAINING = 2,   /* Learns beside the host, which does not feel it. */
  ESPER_STAGE_BLENDING = 3,   /* Alpha rises towards its target. */
  ESPER_STAGE_HOLDING = 4,    /* Alpha at target, under observation. */
  ESPER_STAGE_FOSSILIZED = 5, /* Permanent part of the model. */
  ESPER_STAGE_CULLED = 6,     /* Removed on evidence or fault. */
  ESPER_STAGE_EMBARGOED = 7,  /* Waits before it may be reused. */
  ESPER_STAGE_RESETTING = 8   /* State being cleared. */
};
#define ESPER_STAGE_COUNT 9

/* Whether the lifecycle has the transition from -> to: 1 or 0; 0 for values that are no stages. */
ESPER_API int32_t esper_transition_allowed(int32_t from, int32_t to);
/* Name of a stage ("Dormant", ...), "unknown" otherwise; static. */
ESPER_API const char* esper_stage_name(int32_t stage);

/* State of many seeds, kept as a structure of arrays; at most 32 bytes a seed. */
typedef struct esper_seed_store esper_seed_store;

/* One seed's row of a store. */
typedef struct esper_seed_state {
  uint32_t struct_size;
  int32_t stage;        /* esper_stage. Set by esper_seed_store_transition only. */
  float alpha;          /* Blend weight in [0, 1]. */
  uint32_t age;         /* Epochs since the seed entered its stage. */
  uint32_t embargo;     /* Epochs of embargo left; counts down in Embargoed. */
  uint32_t blueprint;   /* Caller's number of the blueprint, 0 = none. */
  uint32_t transitions; /* Transitions made since the store was created (saturates at its maximum). */
  uint32_t flags;       /* Caller's bits. */
} esper_seed_state;

/* Creates a store of count seeds (1 to 16,777,216), all Dormant with alpha 0. */
ESPER_API ESPER_MUST_USE esper_status esper_seed_store_create(int32_t count, esper_seed_store** store);
/* Frees the store. */
ESPER_API void esper_seed_store_destroy(esper_seed_store* store);
/* Number of seeds, and bytes that the store occupies for them; either pointer may be NULL. */
ESPER_API ESPER_MUST_USE esper_status esper_seed_store_query(const esper_seed_store* store, int32_t* count,
                                                             int64_t* bytes);
/* Reads one row. */
ESPER_API ESPER_MUST_USE esper_status esper_seed_store_read(const esper_seed_store* store, int32_t seed,
                                                            esper_seed_state* state);
/* Moves a seed to another stage and sets its age to 0. ESPER_ERROR_ILLEGAL_TRANSITION if the table has no such step.
   Entering Dormant clears alpha, blueprint, embargo and flags. */
ESPER_API ESPER_MUST_USE esper_status esper_seed_store_transition(esper_seed_store* store, int32_t seed, int32_t to);
/* Sets alpha; must be in [0, 1]. */
ESPER_API ESPER_MUST_USE esper_status esper_seed_store_set_alpha(esper_seed_store* store, int32_t seed, float alpha);
/* Sets blueprint number, embargo length and flags. */
ESPER_API ESPER_MUST_USE esper_status esper_seed_store_assign(esper_seed_store* store, int32_t seed,
                                                              uint32_t blueprint, uint32_t embargo, uint32_t flags);
/* Ends an epoch: every age rises by one (saturating), embargoes of Embargoed seeds fall by one down to zero. */
ESPER_API ESPER_MUST_USE esper_status esper_seed_store_end_epoch(esper_seed_store* store);
/* Restores a row as saved, stage included, bypassing the table (for checkpoints). */
ESPER_API ESPER_MUST_USE esper_status esper_seed_store_restore(esper_seed_store* store, int32_t seed,
                                                               const esper_seed_state* state);
/* Writes the numbers of the seeds whose stage is in stage_mask (bit i = stage i), ascending, to seeds. count receives
   how many there are, also beyond capacity; seeds may be NULL when capacity is 0. */
ESPER_API ESPER_MUST_USE esper_status esper_seed_store_select(const esper_seed_store* store, uint32_t stage_mask,
                                                              int32_t* seeds, int32_t capacity, int32_t* count);
/* Checks every invariant (stage in range, alpha finite in [0, 1], row checksum); ESPER_ERROR_CORRUPT names the seed. */
ESPER_API ESPER_MUST_USE esper_status esper_seed_store_verify(const esper_seed_store* store);

/* ------------------------------------------------------------------ blueprints -------------------------------- */

/* Architecture of a seed's module f over a chunk of C channels, applied at every position: f(x) = x + g(x). */
enum esper_family {
  ESPER_FAMILY_AFFINE = 0,    /* g(x) = u * x + t.               theta: u[C], t[C] */
  ESPER_FAMILY_LOWRANK = 1,   /* g(x) = B (A x).                 theta: A[R][C], B[C][R] */
  ESPER_FAMILY_BOTTLENECK = 2 /* g(x) = W2 act(W1 x + b1) + b2.  theta: W1[R][C], b1[R], W2[C][R], b2[C] */
};

/* Activation of the bottleneck; ignored by the other families. */
enum esper_activation {
  ESPER_ACTIVATION_RELU = 0,
  ESPER_ACTIVATION_GELU = 1, /* Exact: x * Phi(x). */
  ESPER_ACTIVATION_SILU = 2,
  ESPER_ACTIVATION_TANH = 3,
  ESPER_ACTIVATION_SIGMOID = 4
};

/* How host value h = x and module value z = f(x) = x + g(x) become y. All are computed as y = h + w * g(x): the same
   value as (1 - w) h + w z with one rounding less, bit-identical to h at w = 0 (no arithmetic is done) and to
   f(x) at w = 1. */
enum esper_blend {
  ESPER_BLEND_CONVEX = 0,    /* w = alpha */
  ESPER_BLEND_RESIDUAL = 1,  /* w = alpha */
  ESPER_BLEND_CHANNEL = 2,   /* w[c] = clamp(alpha * v[c], 0, 1).                      blend parameters: v[C] */
  ESPER_BLEND_GATED = 3,     /* w = alpha * sigmoid(q . x + p), one gate a position.   blend parameters: q[C], p */
  ESPER_BLEND_CONFIDENCE = 4 /* w = clamp(alpha * sigmoid(k (margin - tau)), lo, hi), w = 0 where alpha = 0 */
};

/* Bits of esper_lattice_seed.flags. */
enum esper_seed_flags {
  ESPER_SEED_FROZEN = 1 /* Parameters take no gradient; dx flows as usual. */
};

/* One seed of a lattice. */
typedef struct esper_lattice_seed {
  uint32_t struct_size;
  int32_t stage;           /* esper_stage. Evaluated in forward: Blending, Holding, Fossilized. */
  int32_t channel_begin;   /* First channel of the chunk. */
  int32_t channel_count;   /* C, >= 1. */
  int32_t family;          /* esper_family. */
  int32_t activation;      /* esper_activation. */
  int32_t rank;            /* R of lowrank and bottleneck, 1 to 4096; 0 for affine. */
  int32_t blend;           /* esper_blend. */
  uint32_t flags;          /* esper_seed_flags. */
  float alpha;             /* Blend weight in [0, 1]. */
  float kappa;             /* >= 0. In Training the parameter gradient comes from dy + kappa g(x). */
  float confidence_k;      /* Slope of the confidence blend. */
  float confidence_tau;    /* Margin at which its sigmoid is 1/2. */
  float confidence_lo;     /* Lower bound of its weight, 0 <= lo <= hi <= 1. */
  float confidence_hi;     /* Upper bound of its weight. */
  float margin;            /* Controller-supplied top-1/top-2 logit margin. */
  float learning_rate_scale; /* Factor on the learning rate of this seed's parameters; read by optimizers only. */
  int32_t reserved;
  int64_t parameter_offset;  /* Index in theta of the seed's first parameter: module first, blend parameters behind. */
} esper_lattice_seed;

/* Channel range of seed number index of seeds over channels: sizes floor(channels / seeds), the first
   channels mod seeds one larger. Needs 1 <= seeds <= channels. */
ESPER_API ESPER_MUST_USE esper_status esper_chunk(int32_t channels, int32_t seeds, int32_t index, int32_t* begin,
                                                  int32_t* count);
/* Number of floats in theta that the seed needs, module and blend parameters together. */
ESPER_API ESPER_MUST_USE esper_status esper_parameter_count(const esper_lattice_seed* seed, int64_t* count);
/* Floating point operations (multiply and add count one each) of the seed's forward pass at one position. */
ESPER_API ESPER_MUST_USE esper_status esper_forward_flops(const esper_lattice_seed* seed, int64_t* flops);
/* Writes initial parameters for which g(x) = 0 exactly: input projections uniform in +-sqrt(3 / C) from a
   counter-based generator keyed by key, output projections and biases zero; v = 1, q = 0, p = 2. */
ESPER_API ESPER_MUST_USE esper_status esper_parameter_init(const esper_lattice_seed* seed, uint64_t key,
                                                           float* parameters);

/* ------------------------------------------------------------------ lattice kernels --------------------------- */

/* Order of a site's tensor in memory. */
enum esper_layout {
  ESPER_LAYOUT_NCHW = 0,  /* [batch][channels][positions]: images, positions = height * width. */
  ESPER_LAYOUT_TOKENS = 1 /* [batch][positions][channels]: token sequences, channels-last images. */
};

/* Size of a site's tensor. */
typedef struct esper_shape {
  uint32_t struct_size;
  int32_t layout;     /* esper_layout. */
  int64_t batch;      /* >= 0. */
  int64_t positions;  /* >= 0. */
} esper_shape;

/* The seeds of one site, checked and prepared for execution. */
typedef struct esper_lattice esper_lattice;

/* Sums that backward gathers over the seed's chunk, for telemetry: divide by elements for mean squares. */
typedef struct esper_seed_sums {
  uint32_t struct_size;
  int32_t evaluated;      /* 1 if the module ran in this backward pass; otherwise all sums are 0. */
  int64_t elements;       /* batch * positions * channel_count. */
  double input_square;    /* sum x^2 */
  double module_square;   /* sum g(x)^2 */
  double gradient_square; /* sum dy^2 */
  double gradient_module; /* sum dy g(x) */
} esper_seed_sums;

/* Creates a lattice over channels channels (>= 1) from seed_count >= 0 seeds with disjoint chunks inside them. */
ESPER_API ESPER_MUST_USE esper_status esper_lattice_create(int32_t channels, const esper_lattice_seed* seeds,
                                                           int32_t seed_count, esper_lattice** lattice);
/* Frees the lattice. */
ESPER_API void esper_lattice_destroy(esper_lattice* lattice);
/* Replaces all seeds after a lifecycle change; same checks as create, on failure the lattice is unchanged. */
ESPER_API ESPER_MUST_USE esper_status esper_lattice_update(esper_lattice* lattice, const esper_lattice_seed* seeds,
                                                           int32_t seed_count);
/* blended = 1 if any seed alters the forward value; learning = 1 if any takes parameter gradients (Training
   included). Either pointer may be NULL. */
ESPER_API ESPER_MUST_USE esper_status esper_lattice_query(const esper_lattice* lattice, int32_t* blended,
                                                          int32_t* learning);

/* y = lattice(x). x, y: shape.batch * channels * shape.positions floats in shape.layout. y == x works in place and
   touches only the chunks of blended seeds; otherwise x and y must not overlap and the rest is copied.
   theta: theta_count floats, every seed's parameters at its parameter_offset; NULL when no seed needs any. */
ESPER_API ESPER_MUST_USE esper_status esper_lattice_forward(esper_lattice* lattice, esper_context* context,
                                                            const esper_shape* shape, const float* theta,
                                                            int64_t theta_count, const float* x, float* y);

/* Gradients of esper_lattice_forward for upstream gradient dy; the hidden activation is recomputed.
   x       the input of forward, unchanged since (not an in-place result).
   dx      gradient of x; dx == dy works in place and touches only blended chunks; may be NULL (not wanted).
   dtheta  theta_count floats to which the parameter gradients of learning seeds are added; may be NULL.
   dalpha  seed_count floats, set to dL/dalpha (0 for seeds that are not blended); may be NULL. For Training seeds 0.
   sums    seed_count entries (struct_size set in each), filled; may be NULL.
   A Training seed leaves dx = dy on its chunk bit for bit, and its parameter gradients come from dy + kappa g(x)
   with x held constant and w = 1. Channel parameters v take gradient where 0 < alpha v < 1. */
ESPER_API ESPER_MUST_USE esper_status esper_lattice_backward(esper_lattice* lattice, esper_context* context,
                                                             const esper_shape* shape, const float* theta,
                                                             int64_t theta_count, const float* x, const float* dy,
                                                             float* dx, float* dtheta, float* dalpha,
                                                             esper_seed_sums* sums);

/* The oracle: the same mathematics in double precision, scalar and unoptimised, for tests and kernel validation.
   Arrays as in esper_lattice_forward, out of place only. */
ESPER_API ESPER_MUST_USE esper_status esper_reference_forward(const esper_lattice* lattice, const esper_shape* shape,
                                                              const double* theta, int64_t theta_count,
                                                              const double* x, double* y);
/* The oracle of esper_lattice_backward; dx, dtheta, dalpha may be NULL, dtheta is added to. */
ESPER_API ESPER_MUST_USE esper_status esper_reference_backward(const esper_lattice* lattice, const esper_shape* shape,
                                                               const double* theta, int64_t theta_count,
                                                               const double* x, const double* dy, double* dx,
                                                               double* dtheta, double* dalpha);

#ifdef __cplusplus
}
#endif

#endif /* ESPER_ESPER_H */
