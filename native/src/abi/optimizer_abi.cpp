// extern "C" shim of the optimizer.
#include "abi/context_handle.hpp"
#include "abi/error.hpp"
#include "cpu/optimizer_step.hpp"

esper_status esper_optimizer_step(esper_context* context, const esper_optimizer_options* options,
                                  const esper_arena_segment* segments, int32_t segment_count, int64_t count,
                                  float* parameters, const float* gradient, float* first, float* second) {
  return esper::abi::guarded([&] {
    esper::require_pointer(context, "context");
    const esper::optimizer::Coefficients coefficients = esper::optimizer::make_coefficients(options);
    const esper::optimizer::Segments checked(coefficients, segments, segment_count, count);
    if (checked.active() == 0) {
      return;
    }
    const esper::optimizer::Arrays arrays =
        esper::optimizer::check_arrays(coefficients, count, {parameters, gradient, first, second});
    esper::cpu::optimizer_step(context->core, coefficients, checked, arrays);
  });
}
