#include "fiber.hpp"

#include <cstdint>
#include <vector>

#if defined(__SANITIZE_ADDRESS__)
#include <sanitizer/common_interface_defs.h>
#endif

#if defined(__x86_64__)
// Saves what a callee keeps, stores the stack pointer at *rdi, continues on the stack rsi.
extern "C" void esper_shim_switch(void** save, void* load);
asm(R"(
.text
.globl esper_shim_switch
.type esper_shim_switch, @function
esper_shim_switch:
  pushq %rbp
  pushq %rbx
  pushq %r12
  pushq %r13
  pushq %r14
  pushq %r15
  movq %rsp, (%rdi)
  movq %rsi, %rsp
  popq %r15
  popq %r14
  popq %r13
  popq %r12
  popq %rbx
  popq %rbp
  ret
.size esper_shim_switch, .-esper_shim_switch
)");
#else
#include <ucontext.h>
#endif

namespace esper_shim {
namespace {

constexpr std::size_t kStackBytes = 96 * 1024;

}  // namespace

struct Fiber::State {
  std::vector<unsigned char> stack = std::vector<unsigned char>(kStackBytes);
  void (*entry)(void*) = nullptr;
  void* argument = nullptr;
#if defined(__x86_64__)
  void* own = nullptr;
  void* caller = nullptr;
#else
  ucontext_t own;
  ucontext_t caller;
#endif
#if defined(__SANITIZE_ADDRESS__)
  void* own_fake = nullptr;
  void* caller_fake = nullptr;
  const void* caller_bottom = nullptr;
  std::size_t caller_size = 0;
#endif

  static State* starting;

  static void begin() {
    State* state = starting;
#if defined(__SANITIZE_ADDRESS__)
    __sanitizer_finish_switch_fiber(nullptr, &state->caller_bottom, &state->caller_size);
#endif
    state->entry(state->argument);
    __builtin_trap();
  }
};

Fiber::State* Fiber::State::starting = nullptr;

Fiber::Fiber() : state_(std::make_unique<State>()) {}
Fiber::~Fiber() = default;

void Fiber::prepare(void (*entry)(void*), void* argument) {
  state_->entry = entry;
  state_->argument = argument;
#if defined(__x86_64__)
  // As if begin had been called: a return address that is never used keeps the stack aligned.
  auto top = reinterpret_cast<std::uintptr_t>(state_->stack.data() + kStackBytes) & ~std::uintptr_t{15};
  auto* slot = reinterpret_cast<void**>(top);
  *--slot = nullptr;
  *--slot = reinterpret_cast<void*>(&State::begin);
  for (int i = 0; i < 6; ++i) {
    *--slot = nullptr;
  }
  state_->own = slot;
#else
  getcontext(&state_->own);
  state_->own.uc_stack.ss_sp = state_->stack.data();
  state_->own.uc_stack.ss_size = kStackBytes;
  state_->own.uc_link = nullptr;
  makecontext(&state_->own, &State::begin, 0);
#endif
}

void Fiber::resume() {
  State::starting = state_.get();
#if defined(__SANITIZE_ADDRESS__)
  __sanitizer_start_switch_fiber(&state_->caller_fake, state_->stack.data(), kStackBytes);
#endif
#if defined(__x86_64__)
  esper_shim_switch(&state_->caller, state_->own);
#else
  swapcontext(&state_->caller, &state_->own);
#endif
#if defined(__SANITIZE_ADDRESS__)
  __sanitizer_finish_switch_fiber(state_->caller_fake, nullptr, nullptr);
#endif
}

void Fiber::yield() {
#if defined(__SANITIZE_ADDRESS__)
  __sanitizer_start_switch_fiber(&state_->own_fake, state_->caller_bottom, state_->caller_size);
#endif
#if defined(__x86_64__)
  esper_shim_switch(&state_->own, state_->caller);
#else
  swapcontext(&state_->own, &state_->caller);
#endif
#if defined(__SANITIZE_ADDRESS__)
  __sanitizer_finish_switch_fiber(state_->own_fake, &state_->caller_bottom, &state_->caller_size);
#endif
}

}  // namespace esper_shim
