/*
 * esper_host.h - training host: executes host graphs of ONNX operators with autograd. C ABI of libesper_host.
 *
 * A session owns one host graph, its parameters, buffers, seed lattices and optimizer state, on libtorch. Seed lattices
 * are graph nodes of domain "esper" (op "Lattice"); each is an autograd function over libesper with one flat parameter
 * arena a site, ordered by seed number.
 *
 * The conventions of esper.h hold (status, firewall, ownership, struct_size, threads). In addition:
 *   tensors      Row-major and dense. Input memory is borrowed for the call; outputs are copied into caller memory.
 *   determinism  Same graph, same calls, same seed and same number of threads give the same bits.
 */
#ifndef ESPER_ESPER_HOST_H
#define ESPER_ESPER_HOST_H

#include "esper/esper.h"

#if defined(_WIN32)
#if defined(ESPER_HOST_BUILD)
#define ESPER_HOST_API __declspec(dllexport)
#else
#define ESPER_HOST_API __declspec(dllimport)
#endif
#else
#define ESPER_HOST_API __attribute__((visibility("default")))
#endif

#ifdef __cplusplus
extern "C" {
#endif

/* Version of this interface. */
#define ESPER_HOST_ABI_VERSION 2

/* ------------------------------------------------------------------ library ---------------------------------- */

/* Version of the interface that the loaded library implements; compare with ESPER_HOST_ABI_VERSION. */
ESPER_HOST_API uint32_t esper_host_abi_version(void);
/* UTF-8 text of the last failure on the calling thread, "" if none. */
ESPER_HOST_API const char* esper_host_last_error(void);
/* sizeof the named struct of this header in bytes, -1 if there is none of that name. */
ESPER_HOST_API int32_t esper_host_struct_size(const char* name);
/* One line of JSON: {"libtorch","threads","blas","parallel","cuda_built","cuda_available","cpu_capability"}; blas is
   what the loaded BLAS says of itself (OpenBLAS configuration and core name, or "reference"). Thread-local. */
ESPER_HOST_API const char* esper_host_info(void);
/* Space-separated names of the operators that the executor runs ("Conv", ..., "esper.Lattice"); static. */
ESPER_HOST_API const char* esper_host_operators(void);
/* Matrix product speed: median GFLOP/s of a few 1024 x 1024 float products with the current threads, as a check for
   doctor; takes well under a second. */
ESPER_HOST_API ESPER_MUST_USE esper_status esper_host_measure_matmul(double* gflops);

/* ------------------------------------------------------------------ graphs ----------------------------------- */

/* Element types, numbered as in ONNX. */
enum esper_host_dtype {
  ESPER_HOST_FLOAT32 = 1,
  ESPER_HOST_UINT8 = 2,
  ESPER_HOST_INT64 = 7,
  ESPER_HOST_BOOL = 9,
  ESPER_HOST_FLOAT64 = 11
};

/* What a value of the graph is. */
enum esper_host_role {
  ESPER_HOST_INTERMEDIATE = 0, /* Output of a node. */
  ESPER_HOST_INPUT = 1,        /* Supplied with each call. */
  ESPER_HOST_PARAMETER = 2,    /* Trained. float32. */
  ESPER_HOST_BUFFER = 3,       /* State updated by a node in training mode (BatchNorm statistics). float32. */
  ESPER_HOST_CONSTANT = 4      /* Fixed. */
};

/* A dense tensor in caller memory. */
typedef struct esper_host_tensor {
  uint32_t struct_size;
  int32_t dtype; /* esper_host_dtype */
  int32_t rank;
  int32_t reserved;
  const int64_t* dims; /* rank extents. */
  void* data;
} esper_host_tensor;

/* A value of a graph; its number is its position in esper_host_graph.values. */
typedef struct esper_host_value {
  uint32_t struct_size;
  int32_t role;        /* esper_host_role */
  const char* name;    /* Unique, not empty. */
  int32_t dtype;       /* esper_host_dtype */
  int32_t rank;        /* -1 = unknown (intermediates only). */
  const int64_t* dims; /* rank extents, -1 = dynamic; parameters, buffers and constants are fully known. */
  const void* data;    /* Initial content of parameters, buffers and constants (copied); otherwise NULL. */
} esper_host_value;

/* Kinds of attributes. */
enum esper_host_attribute_kind {
  ESPER_HOST_ATTRIBUTE_INT = 1,
  ESPER_HOST_ATTRIBUTE_FLOAT = 2,
  ESPER_HOST_ATTRIBUTE_STRING = 3,
  ESPER_HOST_ATTRIBUTE_INTS = 4,
  ESPER_HOST_ATTRIBUTE_FLOATS = 5
};

/* A node's attribute. */
typedef struct esper_host_attribute {
  uint32_t struct_size;
  int32_t kind; /* esper_host_attribute_kind; says which field below holds the value. */
  const char* name;
  int64_t int_value;
  double float_value;
  const char* string_value;
  const int64_t* ints;
  const double* floats;
  int64_t count; /* Length of ints or floats. */
} esper_host_attribute;

/* An operator application. Semantics of domain "" are ONNX's; of domain "esper":
     Lattice  (x) -> y        attributes: site (int, numbered 0.. in graph order), layout (int, esper_layout),
                              channels (int), seeds (int); optional producer (string: name of the parameter whose slices
   along axis producer_axis (int) produce the site's channels; used for gradient ratios). SoftmaxCrossEntropyLoss takes
   one more attribute than ONNX: label_smoothing (float, default 0). */
typedef struct esper_host_node {
  uint32_t struct_size;
  int32_t input_count;
  int32_t output_count;
  int32_t attribute_count;
  const char* name;       /* Unique, not empty. */
  const char* op;         /* "Conv", ... */
  const char* domain;     /* "" for ONNX's operators, "esper" for ours. */
  const int32_t* inputs;  /* Value numbers, -1 = optional input left out. */
  const int32_t* outputs; /* Value numbers, -1 = optional output not wanted. */
  const esper_host_attribute* attributes;
} esper_host_node;

/* A host graph. Nodes come in an order in which every value is produced before it is used. */
typedef struct esper_host_graph {
  uint32_t struct_size;
  int32_t value_count;
  int32_t node_count;
  int32_t output_count;
  const esper_host_value* values;
  const esper_host_node* nodes;
  const int32_t* outputs; /* Value numbers of the graph's outputs. */
  int32_t loss;           /* Value number of the scalar training loss (mean over examples), -1 = none. */
  int32_t logits;         /* Value number of the class scores [N, K] or [N, K, ...], -1 = none. */
  int32_t labels;         /* Value number of the int64 input with class numbers, -1 = none. */
  int32_t reserved;
} esper_host_graph;

/* ------------------------------------------------------------------ sessions ---------------------------------- */

/* Where a session runs. */
enum esper_host_device {
  ESPER_HOST_CPU = 0,
  ESPER_HOST_CUDA = 1 /* GPU 0 of those that CUDA_VISIBLE_DEVICES leaves. ESPER_ERROR_UNSUPPORTED with the reason where
                         libtorch or the machine has none. Never replaced silently. */
};

/* Options of esper_host_session_create. */
typedef struct esper_host_options {
  uint32_t struct_size;
  int32_t device;  /* esper_host_device */
  int32_t threads; /* Process-wide for libtorch; 0 = all cores of this process. */
  int32_t isa;     /* esper_isa for the lattice kernels. */
  uint64_t seed;   /* Key of the random generator that Dropout uses. */
} esper_host_options;

/* One host graph with its parameters, lattices and optimizer. */
typedef struct esper_host_session esper_host_session;

/* Creates a session: checks the graph (unknown operator or attribute, missing input, wrong dtype name the node),
   copies parameters and prepares the plan. options may be NULL. */
ESPER_HOST_API ESPER_MUST_USE esper_status esper_host_session_create(const esper_host_graph* graph,
                                                                     const esper_host_options* options,
                                                                     esper_host_session** session);
/* Frees the session. */
ESPER_HOST_API void esper_host_session_destroy(esper_host_session* session);

/* ------------------------------------------------------------------ optimizer --------------------------------- */

/* Optimizers. */
enum esper_host_optimizer {
  ESPER_HOST_SGD = 0,  /* d = g + wd p; m = momentum m + d; p -= lr (nesterov ? d + momentum m : m). As PyTorch. */
  ESPER_HOST_ADAMW = 1 /* Decoupled weight decay, bias correction by each tensor's (each seed's) own step count. */
};

/* Hyperparameters shared by a group of tensors. */
typedef struct esper_host_group {
  uint32_t struct_size;
  float learning_rate_scale; /* Factor on the step's learning rate. */
  float weight_decay;
  float momentum;   /* SGD */
  int32_t nesterov; /* SGD: 0 or 1 */
  float beta1;      /* AdamW */
  float beta2;      /* AdamW */
  float epsilon;    /* AdamW */
} esper_host_group;

/* Chooses the optimizer and clears its state. parameter_groups: for each parameter (in the order of the graph's
   values) its group; arena_group: the group of all lattice arenas. A seed's own learning_rate_scale multiplies its
   group's, and frozen seeds are skipped. */
ESPER_HOST_API ESPER_MUST_USE esper_status esper_host_optimizer_configure(
    esper_host_session* session, int32_t optimizer, const esper_host_group* groups, int32_t group_count,
    const int32_t* parameter_groups, int32_t parameter_count, int32_t arena_group);

/* ------------------------------------------------------------------ running ----------------------------------- */

/* Options of esper_host_train_step. */
typedef struct esper_host_step_options {
  uint32_t struct_size;
  float learning_rate;
  float max_grad_norm; /* Gradients of all parameters and arenas together are scaled down to this norm; 0 = off. */
  int32_t telemetry;   /* 1 = gather seed telemetry in this step (read with esper_host_seed_telemetry_read). */
} esper_host_step_options;

/* What a step or an evaluation measured. */
typedef struct esper_host_step_result {
  uint32_t struct_size;
  int32_t finite;     /* 1 if loss and gradient norm are finite. 0: the optimizer step was NOT taken. */
  double loss;        /* Mean over the examples. */
  double grad_norm;   /* Euclidean norm over all gradients before clipping; -1 when not computed (evaluation). */
  int64_t examples;   /* Number of labels that count (ignore_index left out). */
  int64_t correct;    /* How many of them the logits' maximum predicts; -1 when the graph names no logits. */
  double margin;      /* Mean top-1 minus top-2 logit over the examples; evaluation only, otherwise 0. */
  int64_t forward_ns; /* Times of the calling thread. With CUDA forward and backward are only queued, and the one wait
                         for what they measure is in optimizer_ns (of an evaluation, in forward_ns). */
  int64_t backward_ns;
  int64_t optimizer_ns;
} esper_host_step_result;

/* One step: forward in training mode, backward from the graph's loss, clipping, optimizer. inputs are in the order of
   the graph's INPUT values. If loss or gradients are not finite, parameters and optimizer state are left as they were
   (BatchNorm statistics are restored too) and result->finite is 0. */
ESPER_HOST_API ESPER_MUST_USE esper_status esper_host_train_step(esper_host_session* session,
                                                                 const esper_host_tensor* inputs, int32_t input_count,
                                                                 const esper_host_step_options* options,
                                                                 esper_host_step_result* result);

/* Forward in evaluation mode without gradients. example_loss and example_correct receive one entry a label (for
   logits [N, K] that is one an example), capacity entries at most; either may be NULL. */
ESPER_HOST_API ESPER_MUST_USE esper_status esper_host_evaluate(esper_host_session* session,
                                                               const esper_host_tensor* inputs, int32_t input_count,
                                                               esper_host_step_result* result, float* example_loss,
                                                               uint8_t* example_correct, int64_t capacity);

/* Forward only (training_mode 1: as a training step would, statistics included). Keeps the values of the graph's
   outputs for esper_host_output_*. */
ESPER_HOST_API ESPER_MUST_USE esper_status esper_host_forward(esper_host_session* session,
                                                              const esper_host_tensor* inputs, int32_t input_count,
                                                              int32_t training_mode);
/* Forward in training mode and backward from the loss, no optimizer step; gradients are read as "grad/..." state. */
ESPER_HOST_API ESPER_MUST_USE esper_status esper_host_gradients(esper_host_session* session,
                                                                const esper_host_tensor* inputs, int32_t input_count,
                                                                esper_host_step_result* result);
/* dtype and shape of graph output index (after a forward). dims has room for 8 extents. */
ESPER_HOST_API ESPER_MUST_USE esper_status esper_host_output_info(const esper_host_session* session, int32_t index,
                                                                  int32_t* dtype, int32_t* rank, int64_t* dims);
/* Copies graph output index into data; bytes must match exactly. */
ESPER_HOST_API ESPER_MUST_USE esper_status esper_host_output_read(const esper_host_session* session, int32_t index,
                                                                  void* data, int64_t bytes);

/* ------------------------------------------------------------------ seeds ------------------------------------- */

/* Attaches a module to seed number seed of site. desc gives stage, family, activation, rank, blend and the rest;
   channel range and parameter_offset are set by the session. parameters: count initial floats (module and blend), as
   esper_parameter_count says. The site's arena is rebuilt in seed order; optimizer state of the others is kept, the
   newcomer's is zero. Fails if the seed already has a module. */
ESPER_HOST_API ESPER_MUST_USE esper_status esper_host_seed_germinate(esper_host_session* session, int32_t site,
                                                                     int32_t seed, const esper_lattice_seed* desc,
                                                                     const float* parameters, int64_t count);
/* Changes stage, alpha, flags, kappa, confidence values, margin and learning rate scale of a seed with a module;
   family, activation, rank, kernel and blend must stay the same. Costs no reallocation. */
ESPER_HOST_API ESPER_MUST_USE esper_status esper_host_seed_update(esper_host_session* session, int32_t site,
                                                                  int32_t seed, const esper_lattice_seed* desc);
/* Removes a seed's module, parameters and optimizer state. */
ESPER_HOST_API ESPER_MUST_USE esper_status esper_host_seed_release(esper_host_session* session, int32_t site,
                                                                   int32_t seed);
/* Channel range, and with a module the current description and parameter offset; has_module receives 0 or 1. */
ESPER_HOST_API ESPER_MUST_USE esper_status esper_host_seed_read(const esper_host_session* session, int32_t site,
                                                                int32_t seed, esper_lattice_seed* desc,
                                                                int32_t* has_module);

/* What the last training step with telemetry saw of a seed. Root mean squares; gradients are those of the step before
   clipping. */
typedef struct esper_host_seed_telemetry {
  uint32_t struct_size;
  int32_t evaluated;             /* 0: the module took no part in that step; all values below are 0. */
  double input_rms;              /* Of x over the chunk. */
  double module_rms;             /* Of g(x) over the chunk. */
  double upstream_rms;           /* Of dL/dy over the chunk. */
  double alignment;              /* Cosine of dL/dy and g(x); negative = the module reduces the loss to first order. */
  double parameter_gradient_rms; /* Over the seed's module parameters. */
  double parameter_rms;          /* Over the seed's module parameters. */
  double host_gradient_rms;  /* Over the producer parameter's slice of the chunk; -1 if the node names no producer. */
  double host_parameter_rms; /* Likewise for the values. */
  double module_mean;        /* Mean of g(x) over the chunk. */
  double module_variance;    /* Its variance, >= 0. */
  double dead_fraction;      /* Share of hidden units whose activation had slope 0 throughout the step; -1 for families
                                without hidden units, and with CUDA, which does not count them. */
} esper_host_seed_telemetry;

/* Reads the telemetry of all seeds of a site; capacity entries at most, count receives the number of seeds. */
ESPER_HOST_API ESPER_MUST_USE esper_status esper_host_seed_telemetry_read(const esper_host_session* session,
                                                                          int32_t site,
                                                                          esper_host_seed_telemetry* telemetry,
                                                                          int32_t capacity, int32_t* count);

/* First-order value of growing in a chunk. G = mean over examples of sum over positions dL/dy x^T (C x C): the
   gradient that a linear module would see. Two independent halves A and B of the probe data give
   unbiased signal <G_A, G_B>; sqrt of it is the loss that a module of unit norm removes to first order. */
typedef struct esper_host_seed_probe {
  uint32_t struct_size;
  int32_t reserved;
  double cross;        /* <G_A, G_B> (Frobenius). */
  double square_a;     /* |G_A|^2 */
  double square_b;     /* |G_B|^2 */
  double input_square; /* Mean of x^2 over the chunk, both halves. */
  double variance;     /* Mean over channels of the variance of x, both halves. */
  double redundancy;   /* Mean |correlation| of two different channels that vary; 0 with fewer than two of them. */
  double dead;         /* Share of channels that do not vary, in [0, 1]. */
} esper_host_seed_probe;

/* Starts a probe: clears what an earlier one gathered. */
ESPER_HOST_API ESPER_MUST_USE esper_status esper_host_probe_begin(esper_host_session* session);
/* Adds a batch to half 0 or 1. Runs in evaluation mode (BatchNorm uses and keeps its running statistics); changes no
   parameter, buffer or optimizer state. */
ESPER_HOST_API ESPER_MUST_USE esper_status esper_host_probe_batch(esper_host_session* session,
                                                                  const esper_host_tensor* inputs, int32_t input_count,
                                                                  int32_t half);
/* Reads the result for all seeds of a site; both halves need a batch. */
ESPER_HOST_API ESPER_MUST_USE esper_status esper_host_probe_read(const esper_host_session* session, int32_t site,
                                                                 esper_host_seed_probe* probes, int32_t capacity,
                                                                 int32_t* count);

/* ------------------------------------------------------------------ state ------------------------------------- */

/* Everything that a checkpoint must hold, as named float32 tensors (int64 for counters), in a fixed order:
     param/<name> buffer/<name> arena/<site>             always
     momentum/<name> momentum/arena/<site>               SGD with momentum, once the tensor has taken a step
     adam_m/... adam_v/... (same scheme), adam_step/<name>, adam_step/arena/<site> (one count a seed)
     rng/dropout                                         the random generator's counter (int64), always
   and after esper_host_gradients: grad/<name> grad/arena/<site>.
   The arena tensors exist for every site, with zero elements where no seed has a module. */
ESPER_HOST_API ESPER_MUST_USE esper_status esper_host_state_count(const esper_host_session* session, int32_t* count);
/* Name, dtype and shape of state tensor index. name is valid until the next call on the session; dims has room for
   8 extents. */
ESPER_HOST_API ESPER_MUST_USE esper_status esper_host_state_info(const esper_host_session* session, int32_t index,
                                                                 const char** name, int32_t* dtype, int32_t* rank,
                                                                 int64_t* dims);
/* Copies the state tensor of that name into data; bytes must match exactly. */
ESPER_HOST_API ESPER_MUST_USE esper_status esper_host_state_read(const esper_host_session* session, const char* name,
                                                                 void* data, int64_t bytes);
/* Replaces the content of a state tensor; optimizer tensors that do not exist yet are created. Seeds must have been
   germinated as they were when the state was read. */
ESPER_HOST_API ESPER_MUST_USE esper_status esper_host_state_write(esper_host_session* session, const char* name,
                                                                  const void* data, int64_t bytes);

/* ------------------------------------------------------------------ snapshots --------------------------------- */

/* The state of a session at one moment, in memory. It shares every tensor with the session until one of them writes it:
   a step copies what it is about to change and a snapshot still needs, and nothing else. */
typedef struct esper_host_snapshot esper_host_snapshot;

/* Takes a snapshot: parameters, buffers, arenas with the modules, stages and alphas of all seeds, optimizer with its
   state and step counts, the random generator's counter, and the last seed telemetry. Costs a few microseconds and no
   copy; any number may live at once. Gradients, outputs and what a probe gathered are not part of it. */
ESPER_HOST_API ESPER_MUST_USE esper_status esper_host_snapshot_create(esper_host_session* session,
                                                                      esper_host_snapshot** snapshot);
/* Takes the session back: the same calls from here give the same bits as they did from where the snapshot was taken, on
   the CPU as on a device, whatever has germinated, changed or been released since. The snapshot stays good and can be
   restored again. Gradients that were kept are gone. ESPER_ERROR_INVALID_ARGUMENT if the snapshot is of another
   session; a session whose restoring fails is as it was. */
ESPER_HOST_API ESPER_MUST_USE esper_status esper_host_snapshot_restore(esper_host_session* session,
                                                                       const esper_host_snapshot* snapshot);
/* bytes: size of all its tensors. shared: how many of them it does not hold alone, because the session has not written
   them since or another snapshot has them too; the difference is what destroying it frees. */
ESPER_HOST_API ESPER_MUST_USE esper_status esper_host_snapshot_query(const esper_host_snapshot* snapshot,
                                                                     int64_t* bytes, int64_t* shared);
/* Frees a snapshot; NULL is allowed. Before or after its session, on any thread. */
ESPER_HOST_API void esper_host_snapshot_destroy(esper_host_snapshot* snapshot);

#ifdef __cplusplus
}
#endif

#endif /* ESPER_ESPER_HOST_H */
