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
#if defined(ESPER_BUILD)
#define ESPER_API __declspec(dllexport)
#else
#define ESPER_API __declspec(dllimport)
#endif
#define ESPER_MUST_USE
#else
#define ESPER_API __attribute__((visibility("default")))
#define ESPER_MUST_USE __attribute__((warn_unused_result))
#endif

#ifdef __cplusplus
extern "C" {
#endif

/* ------------------------------------------------------------------ status ----------------------------------- */

/* Version of this interface. Changes whenever a struct or a signature does. */
#define ESPER_ABI_VERSION 2

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
  ESPER_ERROR_INTERNAL = 6,           /* An unexpected failure inside the library; the message has its text. */
  ESPER_ERROR_CUDA = 7                /* The CUDA driver or NVRTC failed; the message has its name and text. */
};

/* Version of the interface that the loaded library implements; compare with ESPER_ABI_VERSION. */
ESPER_API uint32_t esper_abi_version(void);

/* One line of JSON: {"version","compiler","build","isa":[...],"ptx":[...]}; static. ptx: storages whose CUDA kernels
   the library carries as PTX. */
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
  ESPER_ISA_AVX2 = 1,  /* AVX2 + FMA. */
  ESPER_ISA_AVX512 = 2 /* AVX-512 F, BW, DQ, VL. */
};

/* What the processor offers. */
typedef struct esper_cpu_info {
  uint32_t struct_size;
  int32_t best_isa;      /* esper_isa that CPUID and XGETBV allow. */
  int32_t logical_cores; /* Cores that this process may run on (affinity respected). */
  int32_t reserved;
  char model[64]; /* Processor name, NUL terminated. */
} esper_cpu_info;

/* Fills info. */
ESPER_API ESPER_MUST_USE esper_status esper_cpu_query(esper_cpu_info* info);

/* Name of an esper_isa ("scalar", "avx2", "avx512"), "unknown" otherwise; static. */
ESPER_API const char* esper_isa_name(int32_t isa);

/* Removes OPENBLAS_CORETYPE and OPENBLAS_L2_SIZE from the environment, where values meant for another machine halve
   the speed of matrix products; ESPER_KEEP_OPENBLAS=1 in the environment keeps them. Sets GOMP_SPINCOUNT=10000 unless
   that or OMP_WAIT_POLICY is set: threads of GNU OpenMP that spin for longer keep OpenBLAS's threads from their cores.
   Lets glibc's allocator keep up to 512 MiB of freed memory for reuse, unless GLIBC_TUNABLES, MALLOC_MMAP_THRESHOLD_ or
   MALLOC_TRIM_THRESHOLD_ is set: pages that go back to the kernel after each step are cleared anew in the next.
   Must run before OpenBLAS and OpenMP are loaded. Returns a static or thread-local text naming what was removed or
   kept, "" if nothing was set. */
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
  int32_t sums_items;         /* esper_seed_sums are gathered over about so many batch items instead of all, which saves
                                 most of their cost; 0 = all. */
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
ESPER_API ESPER_MUST_USE esper_status esper_context_query(const esper_context* context, int32_t* isa, int32_t* threads);

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

/* Masks of stages for esper_seed_store_select: bit i stands for stage i. */
enum esper_stage_mask {
  ESPER_STAGE_MASK_ACTIVE = 0x38, /* Blending, Holding, Fossilized: the module is part of the forward value. */
  ESPER_STAGE_MASK_ALL = 0x1FF
};

/* Whether the lifecycle has the transition from -> to: 1 or 0; 0 for values that are no stages. */
ESPER_API int32_t esper_transition_allowed(int32_t from, int32_t to);
/* Name of a stage ("Dormant", ...), "unknown" otherwise; static. */
ESPER_API const char* esper_stage_name(int32_t stage);

/* State of many seeds, kept as blocks of eight rows, each block a structure of arrays; at most 32 bytes a seed and 1
   KiB a store, everything included but the staging memory of a mirror. One thread at a time may write (transition,
   set_alpha, assign, end_epoch, restore, mirror). Any number of threads may read meanwhile (query, read, select,
   verify, version) without locks: each row that they see is one that was written as a whole, and readers never block
   the writer. A selection sees each group of 64 seeds as it was at one moment. Every row carries a CRC-32C of its
   fields and its number. Reading and changing a row check it first; a row that does not match is ESPER_ERROR_CORRUPT,
   and only esper_seed_store_restore writes over it. */
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
/* Number of seeds, and all bytes that the store occupies: rows, checksums, sequence numbers, the index of stages, the
   store itself and a mirror's staging memory; either pointer may be NULL. */
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
ESPER_API ESPER_MUST_USE esper_status esper_seed_store_assign(esper_seed_store* store, int32_t seed, uint32_t blueprint,
                                                              uint32_t embargo, uint32_t flags);
/* Ends an epoch: every age rises by one (saturating), embargoes of Embargoed seeds fall by one down to zero. All rows
   are verified before the first one changes. */
ESPER_API ESPER_MUST_USE esper_status esper_seed_store_end_epoch(esper_seed_store* store);
/* Restores a row as saved, stage included, bypassing the table (for checkpoints). */
ESPER_API ESPER_MUST_USE esper_status esper_seed_store_restore(esper_seed_store* store, int32_t seed,
                                                               const esper_seed_state* state);
/* Writes the numbers of the seeds whose stage is in stage_mask (bit i = stage i), ascending, to seeds. count receives
   how many there are, also beyond capacity; seeds may be NULL when capacity is 0. */
ESPER_API ESPER_MUST_USE esper_status esper_seed_store_select(const esper_seed_store* store, uint32_t stage_mask,
                                                              int32_t* seeds, int32_t capacity, int32_t* count);
/* Checks every invariant (stage in range, alpha finite in [0, 1], row checksum, index of stages); ESPER_ERROR_CORRUPT
   names the seed. */
ESPER_API ESPER_MUST_USE esper_status esper_seed_store_verify(const esper_seed_store* store);
/* Number of changes made to the store: a reader that sees the same version twice has missed no change that was complete
   the second time. */
ESPER_API ESPER_MUST_USE esper_status esper_seed_store_version(const esper_seed_store* store, uint64_t* version);

/* Copies bytes from host memory to target memory, which may be another device's, or queues that copy on a stream. A
   source stays valid and unchanged through the next call of copy and no longer: whoever queues copies waits, in each
   call of copy, until the one before is finished, and both overlap with the writer's other work. Returns 0, or a code
   of the caller's that ends up in the error text. */
typedef int32_t (*esper_copy_fn)(void* user, void* target, const void* source, uint64_t bytes);

/* What a device sees of a seed. */
typedef struct esper_seed_view {
  float alpha;
  int32_t stage; /* esper_stage */
  uint32_t blueprint;
  uint32_t flags;
} esper_seed_view;

/* Brings target, an array of one esper_seed_view a seed, up to date with exactly one call of copy, from the first to
   the last seed whose view changed since the last call; none if nothing changed. Everything is copied the first time,
   when target is another address, and after a failed copy, which is ESPER_ERROR_INTERNAL with copy's code in its text.
   The rows that are copied are verified first. copied (may be NULL) receives the bytes. Staging memory is 16 bytes a
   seed of the longest span copied, twice; it is allocated when a span is longer than all before. */
ESPER_API ESPER_MUST_USE esper_status esper_seed_store_mirror(esper_seed_store* store, esper_copy_fn copy, void* user,
                                                              void* target, int64_t* copied);

/* ------------------------------------------------------------------ blueprints -------------------------------- */

/* Architecture of a seed's module f over a chunk of C channels: f(x) = x + g(x). The first three work on every position
   by itself; gate and depthwise read other positions of the same batch item, so they must not sit on a causal sequence.
 */
enum esper_family {
  ESPER_FAMILY_AFFINE = 0,     /* g(x) = u * x + t.               theta: u[C], t[C] */
  ESPER_FAMILY_LOWRANK = 1,    /* g(x) = B (A x).                 theta: A[R][C], B[C][R] */
  ESPER_FAMILY_BOTTLENECK = 2, /* g(x) = W2 act(W1 x + b1) + b2.  theta: W1[R][C], b1[R], W2[C][R], b2[C] */
  ESPER_FAMILY_GATE = 3,       /* Squeeze-excite: g(x) = x * tanh(s / 2), which is x * (2 sigmoid(s) - 1), with
                                  s = W2 act(W1 m + b1) + b2 and m[C] the mean of x over the positions of one batch
                                  item.                         theta: W1[R][C], b1[R], W2[C][R], b2[C] */
  ESPER_FAMILY_DEPTHWISE = 4   /* g(x) = W2 act(K * x + b1) + b2, K * x the k x k cross-correlation of each channel with
                                  zero padding k / 2, over images of shape.width columns.
                                                                theta: K[C][k][k], b1[C], W2[C][C], b2[C] */
};

/* Activation of bottleneck, gate and depthwise; ignored by the other families. */
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
  int32_t stage;             /* esper_stage. Evaluated in forward: Blending, Holding, Fossilized. */
  int32_t channel_begin;     /* First channel of the chunk. */
  int32_t channel_count;     /* C, >= 1. */
  int32_t family;            /* esper_family. */
  int32_t activation;        /* esper_activation. */
  int32_t rank;              /* R of lowrank, bottleneck and gate, 1 to 4096; 0 for affine and depthwise. */
  int32_t blend;             /* esper_blend. */
  uint32_t flags;            /* esper_seed_flags. */
  float alpha;               /* Blend weight in [0, 1]. */
  float kappa;               /* >= 0. In Training the parameter gradient comes from dy + kappa g(x). */
  float confidence_k;        /* Slope of the confidence blend. */
  float confidence_tau;      /* Margin at which its sigmoid is 1/2. */
  float confidence_lo;       /* Lower bound of its weight, 0 <= lo <= hi <= 1. */
  float confidence_hi;       /* Upper bound of its weight. */
  float margin;              /* Controller-supplied top-1/top-2 logit margin. */
  float learning_rate_scale; /* Factor on the learning rate of this seed's parameters; read by optimizers only. */
  int32_t kernel;            /* k of depthwise: 3, 5 or 7; 0 for the other families. */
  int64_t parameter_offset;  /* Index in theta of the seed's first parameter: module first, blend parameters behind. */
} esper_lattice_seed;

/* Channel range of seed number index of seeds over channels: sizes floor(channels / seeds), the first
   channels mod seeds one larger. Needs 1 <= seeds <= channels. */
ESPER_API ESPER_MUST_USE esper_status esper_chunk(int32_t channels, int32_t seeds, int32_t index, int32_t* begin,
                                                  int32_t* count);
/* Number of floats in theta that the seed needs, module and blend parameters together. */
ESPER_API ESPER_MUST_USE esper_status esper_parameter_count(const esper_lattice_seed* seed, int64_t* count);
/* Floating point operations (multiply and add count one each) of the seed's forward pass at one position. The part of
   gate that runs once a batch item (2 R C multiply-adds, whatever the number of positions) is not in it. */
ESPER_API ESPER_MUST_USE esper_status esper_forward_flops(const esper_lattice_seed* seed, int64_t* flops);
/* Writes initial parameters for which g(x) = 0 exactly: input projections uniform in +-sqrt(3 / fan-in) (fan-in C, of
   K k * k) from a counter-based generator keyed by key, output projections and biases zero; v = 1, q = 0, p = 2. */
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
  int32_t layout;    /* esper_layout. */
  int64_t batch;     /* >= 0. */
  int64_t positions; /* >= 0. */
  int64_t width;     /* Columns of an image: positions = height * width. Read by depthwise alone. 0 = one row. */
} esper_shape;

/* The seeds of one site, checked and prepared for execution. */
typedef struct esper_lattice esper_lattice;

/* Sums that backward gathers over the seed's chunk, for telemetry, in the pass that reads the data anyway. Divided by
   elements they are means and mean squares; sqrt(module_square / input_square) is the activation ratio. With the
   context's sums_items they are of whole batch items: of n = max(sums_items, 2048 / positions, rounded up) or more, one
   in batch / n (rounded down), the first of every partition among them; a seed whose dalpha is made from the same sums
   is summed over all. Gradients do not depend on it. */
typedef struct esper_seed_sums {
  uint32_t struct_size;
  int32_t evaluated;                /* 1 if the module ran in this backward pass; otherwise all sums are 0. */
  int64_t elements;                 /* batch * positions * channel_count, of the batch items that the sums are of. */
  double input_square;              /* sum x^2 */
  double module_square;             /* sum g(x)^2 */
  double gradient_square;           /* sum dy^2 */
  double gradient_module;           /* sum dy g(x) */
  double input_sum;                 /* sum x */
  double module_sum;                /* sum g(x) */
  double parameter_gradient_square; /* Sum of squares of what this pass added to the seed's dtheta; 0 if not wanted. */
  int64_t hidden_units; /* Hidden units: R of bottleneck and gate, C of depthwise, 0 for affine and lowrank. */
  int64_t hidden_dead;  /* Those whose activation had slope 0 at all elements that the sums are of. */
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
                                                              const double* theta, int64_t theta_count, const double* x,
                                                              double* y);
/* The oracle of esper_lattice_backward; dx, dtheta, dalpha may be NULL, dtheta is added to. */
ESPER_API ESPER_MUST_USE esper_status esper_reference_backward(const esper_lattice* lattice, const esper_shape* shape,
                                                               const double* theta, int64_t theta_count,
                                                               const double* x, const double* dy, double* dx,
                                                               double* dtheta, double* dalpha);

/* ------------------------------------------------------------------ optimizer --------------------------------- */

/* Update rules. Every operation below is one float32 operation rounded by itself, in the order written by parentheses,
   without fused multiply-add and with nothing left out where a factor is 0 or 1; the factors in angle brackets are
   computed in double and rounded to float32. The result is the same to the bit on every instruction set, number of
   threads and device. p, g, m, v: elements of parameters, gradient, first and second; s = gradient_scale,
   wd = weight_decay, b1 and b2 = beta1 and beta2, lr and t = the segment's learning_rate and step. As PyTorch. */
enum esper_optimizer {
  ESPER_OPTIMIZER_SGD = 0,  /* d = (s g) + (wd p); with momentum above 0: m = (momentum m) + d;
                               p = p - (<lr> u), u = d without momentum (first is then not touched), m with momentum,
                               d + (momentum m) with the new m with Nesterov momentum. */
  ESPER_OPTIMIZER_ADAMW = 1 /* h = s g; m = (b1 m) + (<1 - b1> h); v = (b2 v) + (<1 - b2> (h h));
                               p = (p <1 - lr wd>) - (<lr / (1 - b1^t)> (m / ((sqrt(v) / <sqrt(1 - b2^t)>) + eps))). */
};

/* Hyperparameters of one step. Fields of the other rule are not read. */
typedef struct esper_optimizer_options {
  uint32_t struct_size;
  int32_t optimizer;    /* esper_optimizer */
  float weight_decay;   /* wd >= 0 */
  float momentum;       /* SGD, in [0, 1) */
  int32_t nesterov;     /* SGD, 0 or 1; needs momentum above 0. */
  float beta1;          /* AdamW, in [0, 1) */
  float beta2;          /* AdamW, in [0, 1) */
  float epsilon;        /* AdamW, >= 0 */
  float gradient_scale; /* s >= 0, the clipping factor; 1 = none. */
} esper_optimizer_options;

/* A contiguous part of an arena with a rate of its own: one seed's parameters, or a whole tensor. */
typedef struct esper_arena_segment {
  uint32_t struct_size;
  uint32_t flags; /* ESPER_SEED_FROZEN: nothing of the segment is touched. */
  int64_t offset; /* Floats from the arena's start; segments come in rising order and do not overlap. */
  int64_t count;
  double learning_rate; /* lr >= 0, not above the largest float32. */
  int64_t step;         /* t of AdamW: 1 for the segment's first step. Not read where frozen, nor by SGD. */
} esper_arena_segment;

/* One step over the segments of an arena of count floats, in one pass. gradient, first and second have the arena's
   layout and are separate memory; first: momentum or m (may be NULL for SGD without momentum), second: v (AdamW, else
   may be NULL). No alignment is needed. What lies outside of the segments is not touched, and nothing at all where the
   call is refused. Allocates nothing. */
ESPER_API ESPER_MUST_USE esper_status esper_optimizer_step(esper_context* context,
                                                           const esper_optimizer_options* options,
                                                           const esper_arena_segment* segments, int32_t segment_count,
                                                           int64_t count, float* parameters, const float* gradient,
                                                           float* first, float* second);

/* ------------------------------------------------------------------ CUDA -------------------------------------- */

/* The CUDA driver (libcuda) and, where it is installed, NVRTC are opened at run time; libesper links neither. All
   tensor pointers of this section are device addresses, streams are CUstream handles (NULL = the legacy default
   stream) of the device's primary context, the one that the CUDA runtime and PyTorch use; it need not be current on the
   calling thread. Work is queued on the stream and the calls return; between create and destroy nothing allocates
   device memory or synchronises, so that every call but esper_cuda_lattice_update may be captured into a graph. Lack of
   device memory is ESPER_ERROR_OUT_OF_MEMORY. A failure that an earlier kernel caused is reported by a later call. In
   the environment, ESPER_CUDA_DRIVER and ESPER_NVRTC name other libraries to open. */

/* Storage of activations. Parameters, their gradients and all sums are float32; accumulation is float32. */
enum esper_dtype { ESPER_DTYPE_FLOAT32 = 0, ESPER_DTYPE_FLOAT16 = 1, ESPER_DTYPE_BFLOAT16 = 2 };

/* What there is of CUDA on this machine; filled also where there is nothing. */
typedef struct esper_cuda_info {
  uint32_t struct_size;
  int32_t driver;          /* CUDA version of the driver, 1000 * major + 10 * minor; 0 = no driver. */
  int32_t nvrtc;           /* Version of NVRTC likewise; 0 = not found (the PTX built into the library serves). */
  int32_t devices;         /* Number of devices. */
  int32_t capability;      /* Compute capability of device 0, 10 * major + minor; 0 = none. */
  int32_t multiprocessors; /* Of device 0. */
  int64_t memory;          /* Bytes of device 0. */
  char name[96];           /* Of device 0. */
  char problem[256];       /* Why CUDA can not be used, "" if it can. */
} esper_cuda_info;

/* Fills info; ESPER_OK also where CUDA is absent. */
ESPER_API ESPER_MUST_USE esper_status esper_cuda_query(esper_cuda_info* info);

/* Compiled kernels for one device. */
typedef struct esper_cuda esper_cuda;

/* Options of esper_cuda_create. */
typedef struct esper_cuda_options {
  uint32_t struct_size;
  int32_t device;        /* Ordinal. Its primary context is retained, and made current if the thread has none. */
  int32_t blocks;        /* Fixed grid of every launch; 0 = what fills the device. Tests use small ones. */
  int32_t source;        /* Where kernels come from: 0 = NVRTC if there is one, else the built-in PTX; 1 = NVRTC;
                            2 = the built-in PTX. */
  const char* cache_dir; /* Directory for compiled images; NULL = $ESPER_CACHE_DIR, $XDG_CACHE_HOME/esper or
                            ~/.cache/esper; "" = keep none. Files are named by a digest of source, options and
                            device, and checked when read. */
} esper_cuda_options;

/* Opens the device; ESPER_ERROR_UNSUPPORTED names what is missing. Kernels are compiled at first use. */
ESPER_API ESPER_MUST_USE esper_status esper_cuda_create(const esper_cuda_options* options, esper_cuda** cuda);
/* Frees it, the last of the lattices made with it first, after what is queued on the device has finished. */
ESPER_API void esper_cuda_destroy(esper_cuda* cuda);

/* What the kernels of a device are; grows as they are loaded. */
typedef struct esper_cuda_description {
  uint32_t struct_size;
  int32_t capability;      /* Of the device, 10 * major + minor. */
  int32_t multiprocessors; /* Of the device. */
  int32_t nvrtc;           /* Version of the NVRTC in use, 1000 * major + 10 * minor; 0 = none. */
  int32_t compiled;        /* Images compiled by NVRTC since create. */
  int32_t cached;          /* Images found in the cache. */
  int32_t builtin;         /* Images made by the driver from the built-in PTX. */
  int32_t forward_blocks;  /* Fixed grid of esper_cuda_lattice_forward; 0 = no kernels loaded yet. */
  int32_t backward_blocks; /* Fixed grid of esper_cuda_lattice_backward. */
  int32_t reserved;
  char note[256]; /* What did not work without being an error (the cache's folder can not be written, the built-in PTX
                     had to replace NVRTC), "" if all did. */
} esper_cuda_description;

/* Fills description. */
ESPER_API ESPER_MUST_USE esper_status esper_cuda_describe(const esper_cuda* cuda, esper_cuda_description* description);

/* Compiles all kernels for storage dtype with NVRTC for "sm_80", "sm_90", ... (to machine code) or "compute_80", ...
   (to PTX); needs no device and no driver. size receives the bytes of the image; image may be NULL, otherwise it has
   room for capacity bytes and is filled if the image fits. */
ESPER_API ESPER_MUST_USE esper_status esper_cuda_compile(const char* architecture, int32_t dtype, void* image,
                                                         int64_t capacity, int64_t* size);

/* A lattice's tables on a device: one launch a pass walks them, so that a captured graph of forward and backward stays
   valid when esper_cuda_lattice_update rewrites them, as long as shape and addresses stay. */
typedef struct esper_cuda_lattice esper_cuda_lattice;

/* Creates the tables of lattice for tensors of this shape and dtype, with all the memory that later calls need.
   ESPER_ERROR_UNSUPPORTED if a seed's rank * channels (depthwise: channels^2, or channels * positions) is 2^28 or
   more. Launches on one device lattice share its workspace: order them on one stream, or by events. */
ESPER_API ESPER_MUST_USE esper_status esper_cuda_lattice_create(esper_cuda* cuda, const esper_lattice* lattice,
                                                                const esper_shape* shape, int32_t dtype,
                                                                esper_cuda_lattice** device_lattice);
/* Frees them, after what is queued on them has finished. */
ESPER_API void esper_cuda_lattice_destroy(esper_cuda_lattice* device_lattice);
/* Takes over the seeds that lattice has now: one asynchronous copy, ordered on stream, from pinned memory of the
   library's own; waits only if the two updates before are still being copied. A change that needs more device memory
   than esper_cuda_lattice_create reserved (ESPER_ERROR_UNSUPPORTED) needs a new device lattice. A stream that is being
   captured is ESPER_ERROR_INVALID_ARGUMENT: a replay would bring old seeds back. */
ESPER_API ESPER_MUST_USE esper_status esper_cuda_lattice_update(esper_cuda_lattice* device_lattice,
                                                                const esper_lattice* lattice, void* stream);
/* esper_lattice_forward on the device; same semantics, in place included. */
ESPER_API ESPER_MUST_USE esper_status esper_cuda_lattice_forward(esper_cuda_lattice* device_lattice, void* stream,
                                                                 const float* theta, int64_t theta_count, const void* x,
                                                                 void* y);
/* esper_lattice_backward on the device. dalpha: seed_count floats on the device, or NULL. sums: seed_count times
   ESPER_CUDA_SUM_COUNT doubles on the device in the order of esper_seed_sums from input_square on (input_square,
   module_square, gradient_square, gradient_module, input_sum, module_sum), or NULL. */
#define ESPER_CUDA_SUM_COUNT 6
ESPER_API ESPER_MUST_USE esper_status esper_cuda_lattice_backward(esper_cuda_lattice* device_lattice, void* stream,
                                                                  const float* theta, int64_t theta_count,
                                                                  const void* x, const void* dy, void* dx,
                                                                  float* dtheta, float* dalpha, double* sums);
/* esper_optimizer_step on the device, to the same bits: options and segments are host memory, the rest device memory.
   The segments are copied with the launch, one launch for each 96 of them (neighbours of the same rate and step count
   as one); a captured graph keeps the rates that it was captured with. The first call loads kernels if no lattice has,
   which must not happen during a capture. */
ESPER_API ESPER_MUST_USE esper_status esper_cuda_optimizer_step(esper_cuda* cuda, void* stream,
                                                                const esper_optimizer_options* options,
                                                                const esper_arena_segment* segments,
                                                                int32_t segment_count, int64_t count, float* parameters,
                                                                const float* gradient, float* first, float* second);

#ifdef __cplusplus
}
#endif

#endif /* ESPER_ESPER_H */
