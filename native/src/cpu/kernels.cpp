#include "cpu/kernels.hpp"

#include <cstdlib>
#include <cstring>
#include <string>

#include "abi/error.hpp"
#include "cpu/cpu_features.hpp"

namespace esper::cpu {
namespace {

constexpr const char* kVariable = "ESPER_CPU_ISA";

// esper_isa of the environment variable, AUTO if it is not set.
std::int32_t isa_from_environment() {
  const char* text = std::getenv(kVariable);
  if (text == nullptr || *text == '\0') {
    return ESPER_ISA_AUTO;
  }
  for (std::int32_t isa = ESPER_ISA_SCALAR; isa <= ESPER_ISA_AVX512; ++isa) {
    if (std::strcmp(text, esper_isa_name(isa)) == 0) {
      return isa;
    }
  }
  throw invalid(std::string(kVariable) + " is \"" + text + "\", expected scalar, avx2 or avx512");
}

}  // namespace

std::int32_t resolve_isa(std::int32_t requested) {
  const std::int32_t best = best_isa();
  std::string source = "options.isa";
  if (requested == ESPER_ISA_AUTO) {
    requested = isa_from_environment();
    source = kVariable;
    if (requested == ESPER_ISA_AUTO) {
      return best;
    }
  }
  if (requested < ESPER_ISA_SCALAR || requested > ESPER_ISA_AVX512) {
    throw invalid("options.isa is " + std::to_string(requested) + ", expected an esper_isa (-1 to 2)");
  }
  if (requested > best) {
    throw Error(ESPER_ERROR_UNSUPPORTED, source + " asks for " + esper_isa_name(requested) +
                                             ", the best this machine and build offer is " + esper_isa_name(best));
  }
  return requested;
}

const Kernels& kernels_of(std::int32_t isa) noexcept {
#if ESPER_ISA_X86
  if (isa == ESPER_ISA_AVX512) {
    return kAvx512Kernels;
  }
  if (isa == ESPER_ISA_AVX2) {
    return kAvx2Kernels;
  }
#endif
  (void)isa;
  return kScalarKernels;
}

}  // namespace esper::cpu
