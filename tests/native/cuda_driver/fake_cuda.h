/*
 * fake_cuda.h - control of the fake CUDA driver, a library with the entry points of libcuda that libesper calls. Its
 * device memory is host memory, its streams run at once or, while held, when somebody waits. Tests load it through
 * ESPER_CUDA_DRIVER and steer it by the functions below, found with dlsym.
 */
#ifndef ESPER_TESTS_FAKE_CUDA_H
#define ESPER_TESTS_FAKE_CUDA_H

#ifdef __cplusplus
extern "C" {
#endif

/* What a launch asked for. */
typedef struct esper_fake_launch_record {
  char kernel[64];
  int storage; /* esper_dtype of the image. */
  unsigned grid;
  unsigned threads;
  unsigned shared_bytes;
  void* stream;
  int captured; /* 1 if it went into a graph. */
} esper_fake_launch_record;

/* Runs a kernel on the host; argument is the kernel's one argument. */
typedef void (*esper_fake_launcher)(const esper_fake_launch_record* launch, const void* argument);

/* Forgets calls and launches and sets every property to its default; live objects stay. */
void esper_fake_reset(void);
/* Properties: "devices" (1), "capability" (90), "multiprocessors" (4), "driver" (12040), "shared" (232448),
   "occupancy" (3), "hold" (0: work runs at once; 1: when somebody waits). */
void esper_fake_set(const char* property, int value);
/* Lets call number skip + 1 from now of the symbol return code; "" is any symbol. */
void esper_fake_fail(const char* symbol, int code, int skip);
/* Calls of the symbol since the reset; "" counts all. */
int esper_fake_count(const char* symbol);
/* Objects and allocations that live: "device", "host", "event", "stream", "module", "context"; "" = all. */
int esper_fake_live(const char* kind);
/* Launches since the reset, and one of them; returns 0 if there is none of that index. */
int esper_fake_launches(void);
int esper_fake_launch(int index, esper_fake_launch_record* record);
/* Who runs kernels; NULL = nobody. Until the first reset they run on the host, from then on nobody runs them. */
void esper_fake_set_launcher(esper_fake_launcher launcher);

#ifdef __cplusplus
}
#endif

#endif /* ESPER_TESTS_FAKE_CUDA_H */
