// extern "C" shims of CPU queries and contexts.
#include "abi/context_handle.hpp"
#include "abi/error.hpp"
#include "cpu/affinity.hpp"
#include "cpu/cpu_features.hpp"
#include "cpu/environment.hpp"

using esper::require_pointer;
using esper::require_struct;
using esper::abi::guarded;

esper_status esper_cpu_query(esper_cpu_info* info) {
  return guarded([&] {
    require_pointer(info, "info");
    require_struct(info->struct_size, sizeof *info, "info");
    info->best_isa = esper::cpu::best_isa();
    info->logical_cores = esper::cpu::available_cores();
    info->reserved = 0;
    esper::cpu::processor_name(info->model, sizeof info->model);
  });
}

const char* esper_environment_prepare(void) {
  return esper::cpu::prepare_environment();
}

esper_status esper_context_create(const esper_context_options* options, esper_context** context) {
  return guarded([&] {
    require_pointer(options, "options");
    require_pointer(context, "context");
    require_struct(options->struct_size, sizeof *options, "options");
    *context = new esper_context(*options);
  });
}

void esper_context_destroy(esper_context* context) {
  delete context;
}

esper_status esper_context_query(const esper_context* context, int32_t* isa, int32_t* threads) {
  return guarded([&] {
    require_pointer(context, "context");
    if (isa != nullptr) {
      *isa = context->core.isa();
    }
    if (threads != nullptr) {
      *threads = context->core.threads();
    }
  });
}
