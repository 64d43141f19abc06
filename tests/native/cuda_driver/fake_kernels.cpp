// Runs the kernels on the host, so that the fake device computes.
#include <cstring>

#include "../cuda/kernels.hpp"
#include "fake_state.hpp"
#include "optimizer_host.hpp"

namespace fake {

void run_on_host(const esper_fake_launch_record* launch, const void* argument) {
  const auto blocks = static_cast<int>(launch->grid);
  if (std::strcmp(launch->kernel, "esper_optimizer_kernel") == 0) {
    EsperOptimizerArguments arguments{};
    std::memcpy(&arguments, argument, sizeof arguments);
    esper_cuda_test::run_optimizer_kernel(arguments, blocks);
    return;
  }
  using Run = void (*)(const EsperLatticeArguments&, int, std::uint32_t);
  constexpr Run kForward[] = {esper_test::run_forward_float32, esper_test::run_forward_float16,
                              esper_test::run_forward_bfloat16};
  constexpr Run kBackward[] = {esper_test::run_backward_float32, esper_test::run_backward_float16,
                               esper_test::run_backward_bfloat16};
  EsperLatticeArguments arguments{};
  std::memcpy(&arguments, argument, sizeof arguments);
  const bool forward = std::strcmp(launch->kernel, "esper_lattice_forward") == 0;
  (forward ? kForward : kBackward)[launch->storage](arguments, blocks, 0);
}

}  // namespace fake
