// Stacks to switch between, without a system call on x86-64.
#pragma once

#include <cstddef>
#include <memory>

namespace esper_shim {

// One flow of control with a stack of its own.
class Fiber {
 public:
  Fiber();
  ~Fiber();
  Fiber(const Fiber&) = delete;
  Fiber& operator=(const Fiber&) = delete;

  // Makes the next resume call entry(argument). entry must not return; it yields for the last time instead.
  void prepare(void (*entry)(void*), void* argument);
  // Runs the fiber until it yields. Called from outside of any fiber.
  void resume();
  // Back to the caller of resume. Called from inside of this fiber.
  void yield();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace esper_shim
