#include "shim.hpp"

#include <algorithm>
#include <memory>
#include <numeric>
#include <random>
#include <stdexcept>
#include <string>
#include <vector>

#include "fiber.hpp"

namespace esper_shim {
namespace {

constexpr int kWarp = 32;
constexpr std::size_t kGuard = 256;      // Bytes of canary on both sides of the shared memory.
constexpr unsigned char kPoison = 0xFF;  // NaN as a float, -1 as an int.
constexpr unsigned char kCanary = 0xA5;

enum class Wait { kNone, kBarrier, kExchange, kDone };

struct Thread {
  Fiber fiber;
  Wait wait = Wait::kNone;
  const char* file = nullptr;
  int line = 0;
  int mask = 0;
  float value = 0.0F;
};

std::string place(const Thread& thread) {
  if (thread.wait == Wait::kDone) {
    return "its end";
  }
  const std::string file = thread.file == nullptr ? "?" : thread.file;
  return (thread.wait == Wait::kBarrier ? "the barrier " : "the exchange ") + file + ":" + std::to_string(thread.line);
}

// The block that runs.
class Block {
 public:
  std::vector<std::unique_ptr<Thread>> threads;
  std::vector<unsigned char> memory;
  const std::function<void()>* body = nullptr;
  int count = 0;
  int index = 0;
  int blocks = 0;
  int current = 0;
  std::mt19937 generator;
  bool shuffled = false;

  unsigned char* shared() { return memory.data() + kGuard; }

  void run(std::size_t shared_bytes) {
    std::fill(memory.begin(), memory.end(), kCanary);
    std::fill_n(memory.begin() + kGuard, shared_bytes, kPoison);
    std::vector<int> ready(static_cast<std::size_t>(count));
    std::iota(ready.begin(), ready.end(), 0);
    for (int i = 0; i < count; ++i) {
      thread(i).wait = Wait::kNone;
      thread(i).fiber.prepare(&Block::enter, this);
    }
    while (!ready.empty()) {
      if (shuffled) {
        std::shuffle(ready.begin(), ready.end(), generator);
      }
      for (const int i : ready) {
        current = i;
        thread(i).fiber.resume();
      }
      ready = released();
    }
    for (std::size_t i = 0; i < kGuard; ++i) {
      if (memory[i] != kCanary || memory[kGuard + shared_bytes + i] != kCanary) {
        throw std::runtime_error("block " + std::to_string(index) + " wrote outside of its shared memory");
      }
    }
  }

  Thread& thread(int i) { return *threads[static_cast<std::size_t>(i)]; }
  Thread& running() { return thread(current); }

 private:
  static void enter(void* argument) {
    auto* block = static_cast<Block*>(argument);
    (*block->body)();
    block->running().wait = Wait::kDone;
    block->running().fiber.yield();
  }

  // Threads that may go on: whole warps at one exchange, or else the whole block at one barrier.
  std::vector<int> released() {
    std::vector<int> ready;
    for (int first = 0; first < count; first += kWarp) {
      exchange(first, &ready);
    }
    if (!ready.empty()) {
      return ready;
    }
    const Thread& head = thread(0);
    for (int i = 0; i < count; ++i) {
      const Thread& other = thread(i);
      if (other.wait != head.wait || other.file != head.file || other.line != head.line) {
        throw std::runtime_error("block " + std::to_string(index) + " diverged: thread 0 waits at " + place(head) +
                                 ", thread " + std::to_string(i) + " at " + place(other));
      }
    }
    for (int i = 0; head.wait != Wait::kDone && i < count; ++i) {
      ready.push_back(i);
    }
    for (const int i : ready) {
      thread(i).wait = Wait::kNone;
    }
    return ready;
  }

  // Completes the exchange of a warp whose lanes all wait at the same one.
  void exchange(int first, std::vector<int>* ready) {
    Thread& head = thread(first);
    if (head.wait != Wait::kExchange) {
      return;
    }
    float values[kWarp];
    for (int lane = 0; lane < kWarp; ++lane) {
      const Thread& other = thread(first + lane);
      if (other.wait != Wait::kExchange || other.file != head.file || other.line != head.line ||
          other.mask != head.mask) {
        throw std::runtime_error("warp " + std::to_string(first / kWarp) + " of block " + std::to_string(index) +
                                 " diverged: lane 0 waits at " + place(head) + ", lane " + std::to_string(lane) +
                                 " at " + place(other));
      }
      values[lane] = other.value;
    }
    for (int lane = 0; lane < kWarp; ++lane) {
      thread(first + lane).value = values[lane ^ head.mask];
      thread(first + lane).wait = Wait::kNone;
      ready->push_back(first + lane);
    }
  }
};

thread_local Block* running_block = nullptr;

}  // namespace

int thread_index() {
  return running_block->current;
}
int block_index() {
  return running_block->index;
}
int block_count() {
  return running_block->blocks;
}
unsigned char* shared() {
  return running_block->shared();
}

void block_sync(const char* file, int line) {
  Thread& thread = running_block->running();
  thread.wait = Wait::kBarrier;
  thread.file = file;
  thread.line = line;
  thread.fiber.yield();
}

float lane_exchange(float value, int mask, const char* file, int line) {
  Thread& thread = running_block->running();
  thread.wait = Wait::kExchange;
  thread.file = file;
  thread.line = line;
  thread.mask = mask;
  thread.value = value;
  thread.fiber.yield();
  return thread.value;
}

void launch(const Launch& launch, const std::function<void()>& body) {
  thread_local Block block;
  while (static_cast<int>(block.threads.size()) < launch.threads) {
    block.threads.push_back(std::make_unique<Thread>());
  }
  // Over-allocated so that the shared memory starts at a multiple of 16, as vectors of this size do in practice.
  block.memory.resize(launch.shared_bytes + 2 * kGuard);
  block.body = &body;
  block.count = launch.threads;
  block.blocks = launch.blocks;
  block.generator.seed(launch.order);
  block.shuffled = launch.order != 0;
  std::vector<int> order(static_cast<std::size_t>(launch.blocks));
  std::iota(order.begin(), order.end(), 0);
  if (block.shuffled) {
    std::shuffle(order.begin(), order.end(), block.generator);
  }
  running_block = &block;
  for (const int index : order) {
    block.index = index;
    block.run(launch.shared_bytes);
  }
  running_block = nullptr;
}

std::uint16_t float_to_half(float value) {
  std::uint32_t bits;
  std::memcpy(&bits, &value, sizeof bits);
  const std::uint32_t sign = (bits >> 16) & 0x8000U;
  const std::uint32_t magnitude = bits & 0x7FFFFFFFU;
  if (magnitude > 0x7F800000U) {
    return 0x7FFFU;
  }
  if (magnitude >= 0x477FF000U) {  // 65520 and more round to infinity.
    return static_cast<std::uint16_t>(sign | 0x7C00U);
  }
  float absolute;
  std::memcpy(&absolute, &magnitude, sizeof absolute);
  if (magnitude < 0x38800000U) {  // Below 2^-14: multiples of 2^-24.
    return static_cast<std::uint16_t>(sign | static_cast<std::uint32_t>(std::lrint(std::ldexp(absolute, 24))));
  }
  const std::uint32_t rounded = magnitude + 0xFFFU + ((magnitude >> 13) & 1U);
  return static_cast<std::uint16_t>(sign | ((rounded >> 13) - (112U << 10)));
}

float half_to_float(std::uint16_t value) {
  const int exponent = (value >> 10) & 31;
  const int fraction = value & 1023;
  float magnitude;
  if (exponent == 31) {
    magnitude = fraction == 0 ? INFINITY : NAN;
  } else if (exponent == 0) {
    magnitude = std::ldexp(static_cast<float>(fraction), -24);
  } else {
    magnitude = std::ldexp(static_cast<float>(1024 + fraction), exponent - 25);
  }
  return (value & 0x8000) != 0 ? -magnitude : magnitude;
}

}  // namespace esper_shim
