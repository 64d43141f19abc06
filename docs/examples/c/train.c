/*
 * Trains the seeds of one site from plain C: forward, loss, backward, optimizer step, all on memory of the program's
 * own. The "host" is the identity on tokens of 16 channels; the seeds learn what is missing to a target.
 *
 *     cmake -S . -B build -DCMAKE_PREFIX_PATH=PREFIX && cmake --build build && build/train
 *     cc -std=c11 train.c $(pkg-config --cflags --libs esper) -Wl,-rpath,"$(pkg-config --variable=libdir esper)" -lm
 */
#include <esper/esper.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#define CHANNELS 16
#define SEEDS 2
#define TOKENS 256
#define VALUES (CHANNELS * TOKENS)
#define STEPS 300

/* A failing call leaves its text in esper_last_error(); nothing is ever printed or aborted by the library. */
#define CHECK(call)                                                           \
  do {                                                                        \
    if ((call) != ESPER_OK) {                                                 \
      fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, esper_last_error()); \
      exit(1);                                                                \
    }                                                                         \
  } while (0)

/* Uniform in [-1, 1), the same numbers on every machine. */
static float uniform(void) {
  static uint32_t state = 2463534242u;
  state ^= state << 13;
  state ^= state >> 17;
  state ^= state << 5;
  return (float)(state >> 8) / 8388608.0f - 1.0f;
}

/* Tokens x and the target t: each channel plus a saturating mixture of its neighbours. */
static void make_data(float* x, float* target) {
  for (int i = 0; i < VALUES; ++i) x[i] = uniform();
  for (int token = 0; token < TOKENS; ++token) {
    const float* in = x + token * CHANNELS;
    for (int c = 0; c < CHANNELS; ++c) {
      const int half = c / 8 * 8; /* A module sees its own chunk only. */
      target[token * CHANNELS + c] = in[c] + tanhf(in[half + (c + 1) % 8] - 2.0f * in[half + (c + 3) % 8]);
    }
  }
}

/* Mean squared error and its gradient. */
static double loss_of(const float* y, const float* target, float* dy) {
  double sum = 0.0;
  for (int i = 0; i < VALUES; ++i) {
    const float error = y[i] - target[i];
    sum += (double)error * error;
    dy[i] = 2.0f * error / VALUES;
  }
  return sum / VALUES;
}

/* Two seeds over the channels: a small network with a hidden layer, and a low-rank matrix. */
static int64_t describe_seeds(esper_lattice_seed seeds[SEEDS]) {
  int64_t total = 0;
  for (int i = 0; i < SEEDS; ++i) {
    esper_lattice_seed* seed = &seeds[i];
    *seed = (esper_lattice_seed){.struct_size = sizeof *seed,
                                 .stage = ESPER_STAGE_BLENDING,
                                 .family = i == 0 ? ESPER_FAMILY_BOTTLENECK : ESPER_FAMILY_LOWRANK,
                                 .activation = ESPER_ACTIVATION_GELU,
                                 .rank = i == 0 ? 32 : 4,
                                 .blend = ESPER_BLEND_RESIDUAL,
                                 .alpha = 1.0f,
                                 .confidence_hi = 1.0f,
                                 .learning_rate_scale = 1.0f,
                                 .parameter_offset = total};
    int64_t count = 0;
    CHECK(esper_chunk(CHANNELS, SEEDS, i, &seed->channel_begin, &seed->channel_count));
    CHECK(esper_parameter_count(seed, &count));
    total += count;
  }
  return total;
}

/* Plain gradient descent with momentum; the gradient is cleared for the next pass. */
static void update(int64_t count, float* theta, float* gradient, float* velocity) {
  for (int64_t i = 0; i < count; ++i) {
    velocity[i] = 0.9f * velocity[i] + gradient[i];
    theta[i] -= 0.5f * velocity[i];
    gradient[i] = 0.0f;
  }
}

int main(void) {
  static float x[VALUES], target[VALUES], y[VALUES], dy[VALUES];
  if (esper_abi_version() != ESPER_ABI_VERSION) {
    fprintf(stderr, "libesper and esper.h are of different versions; install both anew\n");
    return 1;
  }
  make_data(x, target);

  esper_lattice_seed seeds[SEEDS];
  const int64_t count = describe_seeds(seeds);
  float* theta = calloc((size_t)count, sizeof *theta);
  float* gradient = calloc((size_t)count, sizeof *gradient);
  float* velocity = calloc((size_t)count, sizeof *velocity);
  if (!theta || !gradient || !velocity) return 1;
  for (int i = 0; i < SEEDS; ++i) CHECK(esper_parameter_init(&seeds[i], 1, theta + seeds[i].parameter_offset));

  const esper_context_options options = {.struct_size = sizeof options, .threads = 1, .isa = ESPER_ISA_AUTO};
  esper_context* context = NULL;
  esper_lattice* lattice = NULL;
  int32_t isa = 0;
  CHECK(esper_context_create(&options, &context));
  CHECK(esper_context_query(context, &isa, NULL));
  CHECK(esper_lattice_create(CHANNELS, seeds, SEEDS, &lattice));

  const esper_shape shape = {
      .struct_size = sizeof shape, .layout = ESPER_LAYOUT_TOKENS, .batch = 1, .positions = TOKENS};
  printf("%d seeds with %lld parameters on %d channels, %s kernels\n", SEEDS, (long long)count, CHANNELS,
         esper_isa_name(isa));
  printf("%6s  %s\n", "step", "mean squared error");
  const double bare = loss_of(x, target, dy); /* The host alone: y = x. */
  double loss = bare;
  for (int step = 0; step <= STEPS; ++step) {
    CHECK(esper_lattice_forward(lattice, context, &shape, theta, count, x, y));
    loss = loss_of(y, target, dy);
    if (step % 50 == 0) printf("%6d  %.5f\n", step, loss);
    CHECK(esper_lattice_backward(lattice, context, &shape, theta, count, x, dy, NULL, gradient, NULL, NULL));
    update(count, theta, gradient, velocity);
  }
  printf("without the seeds it stays at %.5f\n", bare);

  esper_lattice_destroy(lattice);
  esper_context_destroy(context);
  free(theta);
  free(gradient);
  free(velocity);
  if (loss < 0.5 * bare) return 0;
  fprintf(stderr, "the loss did not halve\n");
  return 1;
}
