// Plain data handed to the kernels of an instruction set. Included by files compiled with that set's flags, so there
// is nothing here but PODs: no function whose code the linker could share between instruction sets.
#pragma once

#include <cstdint>

#include "optimizer/update.hpp"

namespace esper::cpu {

// How the blend weight w varies over the chunk.
enum class WeightKind : std::int32_t {
  kUniform,  // One number: convex, residual, confidence.
  kChannel,  // channel_weight[C].
  kGated     // alpha * sigmoid(gate_weight . x + gate_bias) at each position.
};

// Offsets, in floats, of the sections of one partition's gradient sums for one seed. Every section starts at a
// multiple of 16 floats. Products are kept in blocks of block_rows * block_columns (see Kernels), except both of gate
// and the input product of depthwise, which are plain arrays in the order of theta, and both of the kernels for rows,
// which are [rank_pitch][channel_pitch]; there a sum of R floats is a vector for each rank if rows are the lanes.
struct PartialLayout {
  std::int64_t input_product;   // dpre x^T, R by C; the gradient of K, C by k * k, for depthwise.
  std::int64_t input_sum;       // sum of dpre, R.
  std::int64_t output_product;  // e h^T, C by R.
  std::int64_t error_product;   // sum of e * x, C (affine).
  std::int64_t error_sum;       // sum of e, C.
  std::int64_t module_product;  // sum of dy * g, C (channel blend).
  std::int64_t gate_product;    // sum of du * x, C (gated blend).
  std::int64_t hidden_slope;    // sum of |act'|, R: 0 means a dead unit.
  std::int64_t count;           // Floats in all.
};

// Index of the sums that a partition keeps in double precision.
enum Statistic : std::int32_t {
  kInputSquare,     // sum x^2
  kModuleSquare,    // sum g^2
  kGradientSquare,  // sum dy^2
  kGradientModule,  // sum dy g
  kGateAlpha,       // sum over positions of sigmoid(u) * (sum over channels of dy g)
  kGateBias,        // sum of du
  kInputSum,        // sum x
  kModuleSum,       // sum g
  kElements,        // How many elements the sums of x, g and dy are of.
  kStatisticCount
};

// A seed's weights in padded copies; padding is zero.
struct PackedWeights {
  const float* down;         // W1 or A transposed, [C][rank_pitch].
  const float* up;           // W2 or B, [C][rank_pitch].
  const float* down_rows;    // W1 or A, [rank_pitch][channel_pitch].
  const float* up_rows;      // W2 or B transposed, likewise.
  const float* scale;        // u of affine, [channel_pitch].
  const float* input_bias;   // b1, [rank_pitch].
  const float* output_bias;  // b2 or t, [channel_pitch].
  const float* weight;       // w of each channel, [channel_pitch]; alpha's factor is in the gate for kGated.
  const float* gate;         // q, [channel_pitch].
};

// How the image kernels of depthwise keep one batch item: row r of channel c starts at c * pitch + lead + r *
// row_stride. The column_halo zeros behind a row serve as right margin of that row and left margin of the next one;
// lead zeros come before the first row, and zeros fill the rest up to the pitch. Taps that never meet the image are
// left out: an image of one row needs one row of the kernel only.
struct PaddedImage {
  std::int64_t height;
  std::int64_t width;
  std::int64_t row_halo;     // min(k / 2, height - 1)
  std::int64_t column_halo;  // min(k / 2, width - 1)
  std::int64_t row_stride;   // width + column_halo
  std::int64_t lead;         // row_halo * row_stride + column_halo
  std::int64_t flat;         // Positions that are computed, margins included; a multiple of Kernels::group.
  std::int64_t pitch;        // flat + 2 * lead, rounded up so that channels do not share their place in the cache.
};

// One seed as the kernels see it in one call.
struct SeedTask {
  std::int32_t seed;  // Number in the lattice.
  std::int32_t channel_begin;
  std::int32_t channels;    // C
  std::int32_t rank;        // R, the number of hidden units: C for depthwise, 0 for affine.
  std::int32_t family;      // esper_family
  std::int32_t activation;  // esper_activation, -1 for none.
  WeightKind kind;
  std::int32_t tile;  // Positions worked on at once, a multiple of Kernels::group.
  float weight;       // w of kUniform, 1 in Training.
  float alpha;
  float kappa;                  // Above 0 only in Training.
  float gate_bias;              // p
  const float* channel_weight;  // w[C] of kChannel.
  const float* input_weight;    // A or W1 [R][C]; u [C] for affine; K [C][k][k] for depthwise.
  const float* input_bias;      // b1 [R] or nullptr.
  const float* output_weight;   // B or W2 [C][R]; nullptr for affine.
  const float* output_bias;     // b2 or t [C]; nullptr for lowrank.
  const float* gate_weight;     // q [C] of kGated.
  bool want_dx;                 // Backward: write dx on the chunk.
  bool want_theta;              // Backward: add to the partial sums of the parameters.
  bool want_module_product;     // Backward: add to module_product.
  bool want_statistics;         // Backward: add to the sums of x, g and dy.
  bool alpha_from_statistics;   // Backward: dalpha is made from those sums.
  bool want_module;             // Backward: g(x) is needed for one of the above.
  bool want_hidden_slope;       // Backward: add to hidden_slope.
  PartialLayout partial;
  bool rows;                   // The tensor is channels-last and the kernels for rows serve the task.
  bool rows_in_lanes;          // Those kernels keep hidden values as [rank][row].
  std::int32_t rank_pitch;     // R rounded up to what the kernels work in.
  std::int32_t channel_pitch;  // C rounded up to whole vectors.
  PackedWeights packed;
  std::int64_t partial_start;  // Floats of other tasks before this one in a partition's partial sums (image tasks).
  std::int32_t kernel;         // k of depthwise.
  PaddedImage image;           // depthwise
};

// One seed's chunk over a run of positions: element (c, t) of a tensor is at c * channel_stride + t * position_stride;
// one of the two strides is 1.
struct Chunk {
  std::int64_t channel_stride;
  std::int64_t position_stride;
  std::int64_t positions;
};

// Rows of a channels-last tensor that all tasks go through before the next ones; the kernels ask for those of the next
// run while they work on one.
constexpr std::int64_t kRowsOfRun = 32;

// A chunk of so many channels or more is wide: rows of it are long enough to be worked on by themselves. Narrower
// chunks of channels-last tensors are worked on together with their neighbours, up to so many tasks.
constexpr std::int32_t kWideChunk = 64;
constexpr std::int32_t kMostNeighbours = 8;

// Arguments of a forward kernel. y may equal x.
struct ForwardCall {
  const SeedTask* task;  // The first of the tasks.
  std::int32_t tasks;    // More than 1 for channels-last tensors only: neighbouring chunks, in order.
  Chunk chunk;
  const float* x;
  float* y;
  float* scratch;  // forward_scratch floats, 64-byte aligned.
  bool stream;     // y is too large to stay in cache: write it past the caches where it is aligned; fence() follows.
};

// Arguments of a backward kernel. dx may equal dy, and is nullptr unless task->want_dx.
struct BackwardCall {
  const SeedTask* task;  // The first of the tasks.
  std::int32_t tasks;    // As in ForwardCall; want_dx is the same for all.
  Chunk chunk;
  std::int64_t images;  // So many whole images, image_stride floats apart, if more than 1.
  std::int64_t image_stride;
  const float* x;
  const float* dy;
  float* dx;
  float* scratch;      // backward_scratch floats, 64-byte aligned.
  float* partial;      // task->partial.count floats of every task.
  double* statistics;  // kStatisticCount numbers of every task.
  bool stream;         // As in ForwardCall, for dx.
};

// Arguments of a kernel that works on a whole batch item of a chunk (gate, depthwise); positions = height * width.
// y may equal x.
struct ImageForwardCall {
  const SeedTask* task;
  Chunk chunk;
  const float* x;
  float* y;
  float* scratch;  // image_forward_scratch floats, 64-byte aligned.
};

// dx may equal dy, and is nullptr unless task->want_dx.
struct ImageBackwardCall {
  const SeedTask* task;
  Chunk chunk;
  const float* x;
  const float* dy;
  float* dx;
  float* scratch;      // image_backward_scratch floats, 64-byte aligned.
  float* partial;      // task->partial.count floats.
  double* statistics;  // kStatisticCount numbers.
};

// Rows of length floats, stride floats apart in both tensors.
struct CopyCall {
  const float* source;
  float* target;
  std::int64_t rows;
  std::int64_t length;
  std::int64_t stride;
  bool stream;  // As in ForwardCall.
};

// The kernels of one instruction set.
struct Kernels {
  std::int32_t isa;         // esper_isa
  std::int32_t lanes;       // Floats of a vector.
  std::int32_t fused_rank;  // Largest rank_pitch whose hidden values stay in registers.
  bool packs_rows;          // Whether narrow ranks leave the lanes to the rows.
  std::int32_t group;       // Tiles are multiples of this many positions.
  std::int32_t block_rows;  // Blocking of products in the partial sums.
  std::int32_t block_columns;
  void (*forward)(const ForwardCall& call);
  void (*backward)(const BackwardCall& call);
  void (*copy_rows)(const CopyCall& call);
  void (*fence)();  // Makes streamed output visible to other threads; once a partition, after its last call.
  void (*image_forward)(const ImageForwardCall& call);
  void (*image_backward)(const ImageBackwardCall& call);
  void (*update)(const optimizer::UpdateCall& call);
};

extern const Kernels kScalarKernels;
extern const Kernels kAvx2Kernels;
extern const Kernels kAvx512Kernels;

}  // namespace esper::cpu
