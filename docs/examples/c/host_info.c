/*
 * Asks the training host about itself, from C and with none of libtorch's headers. esper_host.h is its whole interface.
 *
 *     cc -std=c11 host_info.c $(pkg-config --cflags --libs esper_host) \
 *        -Wl,-rpath,"$(pkg-config --variable=libdir esper_host)"
 */
#include <esper/esper_host.h>
#include <stdio.h>

int main(void) {
  if (esper_host_abi_version() != ESPER_HOST_ABI_VERSION) {
    fprintf(stderr, "libesper_host and esper_host.h are of different versions; install both anew\n");
    return 1;
  }
  double gflops = 0.0;
  if (esper_host_measure_matmul(&gflops) != ESPER_OK) {
    fprintf(stderr, "%s\n", esper_host_last_error());
    return 1;
  }
  printf("libesper       %s\n", esper_build_info());
  printf("libesper_host  %s\n", esper_host_info());
  printf("matrix product %.0f GFLOP/s\n", gflops);
  return 0;
}
