// Version, names and struct sizes: the queries that can not fail.
#include <cstring>

#include "abi/error.hpp"
#include "esper/esper.h"
#include "layout/lifecycle.hpp"

namespace {

struct StructSize {
  const char* name;
  int32_t size;
};

#define ESPER_STRUCT_SIZE(name) \
  { #name, static_cast < int32_t>(sizeof(name)) }
constexpr StructSize kStructSizes[] = {
    ESPER_STRUCT_SIZE(esper_cpu_info),      ESPER_STRUCT_SIZE(esper_context_options),
    ESPER_STRUCT_SIZE(esper_seed_state),    ESPER_STRUCT_SIZE(esper_seed_view),
    ESPER_STRUCT_SIZE(esper_lattice_seed),  ESPER_STRUCT_SIZE(esper_shape),
    ESPER_STRUCT_SIZE(esper_seed_sums),     ESPER_STRUCT_SIZE(esper_optimizer_options),
    ESPER_STRUCT_SIZE(esper_arena_segment), ESPER_STRUCT_SIZE(esper_cuda_info),
    ESPER_STRUCT_SIZE(esper_cuda_options),  ESPER_STRUCT_SIZE(esper_cuda_description),
};
#undef ESPER_STRUCT_SIZE

#if ESPER_ISA_X86
#define ESPER_ISA_LIST "[\"scalar\",\"avx2\",\"avx512\"]"
#else
#define ESPER_ISA_LIST "[\"scalar\"]"
#endif

#if ESPER_HAS_PTX
#define ESPER_PTX_LIST "[\"float32\",\"float16\",\"bfloat16\"]"
#else
#define ESPER_PTX_LIST "[]"
#endif

#if defined(__clang__)
#define ESPER_COMPILER_TEXT "clang " __clang_version__
#elif defined(__GNUC__)
#define ESPER_COMPILER_TEXT "gcc " __VERSION__
#else
#define ESPER_COMPILER_TEXT "unknown"
#endif

constexpr const char* kStatusNames[] = {
    "ok",      "invalid argument", "out of memory", "unsupported", "illegal transition",
    "corrupt", "internal error",   "CUDA failure"};

}  // namespace

uint32_t esper_abi_version(void) {
  return ESPER_ABI_VERSION;
}

const char* esper_build_info(void) {
  return "{\"version\":\"" ESPER_VERSION_TEXT "\",\"compiler\":\"" ESPER_COMPILER_TEXT
         "\",\"build\":\"" ESPER_BUILD_TEXT "\",\"isa\":" ESPER_ISA_LIST ",\"ptx\":" ESPER_PTX_LIST "}";
}

const char* esper_last_error(void) {
  return esper::abi::last_error();
}

const char* esper_status_name(esper_status status) {
  constexpr auto kCount = static_cast<esper_status>(sizeof kStatusNames / sizeof kStatusNames[0]);
  return status >= 0 && status < kCount ? kStatusNames[status] : "unknown";
}

int32_t esper_struct_size(const char* name) {
  if (name != nullptr) {
    for (const StructSize& entry : kStructSizes) {
      if (std::strcmp(entry.name, name) == 0) {
        return entry.size;
      }
    }
  }
  return -1;
}

const char* esper_isa_name(int32_t isa) {
  switch (isa) {
    case ESPER_ISA_SCALAR:
      return "scalar";
    case ESPER_ISA_AVX2:
      return "avx2";
    case ESPER_ISA_AVX512:
      return "avx512";
    default:
      return "unknown";
  }
}

int32_t esper_transition_allowed(int32_t from, int32_t to) {
  return esper::layout::transition_allowed(from, to) ? 1 : 0;
}

const char* esper_stage_name(int32_t stage) {
  return esper::layout::stage_name(stage);
}
