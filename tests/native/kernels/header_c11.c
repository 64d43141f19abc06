/* Compiled as C11 with warnings as errors: the header must not need C++. */
#include "esper/esper.h"

uint32_t esper_test_c_abi_version(void);

uint32_t esper_test_c_abi_version(void) {
  const esper_lattice_seed seed = {.struct_size = sizeof(esper_lattice_seed), .stage = ESPER_STAGE_DORMANT};
  return seed.struct_size == (uint32_t)esper_struct_size("esper_lattice_seed") ? esper_abi_version() : 0U;
}
