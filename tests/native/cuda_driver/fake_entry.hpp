// What the entry points of the fake driver have in common.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "fake_state.hpp"

namespace fake {

constexpr int kInvalidValue = 1;
constexpr int kNotInitialized = 3;
constexpr int kNoDevice = 100;
constexpr int kInvalidDevice = 101;
constexpr int kInvalidImage = 200;
constexpr int kInvalidContext = 201;
constexpr int kNotFound = 500;
constexpr int kNotReady = 600;
constexpr int kCaptureUnsupported = 900;

struct Function {
  std::string name;
  int storage;
};
// Contexts of the calling thread, the current one last.
std::vector<void*>& contexts();

inline int property(const char* name) {
  return state().properties[name];
}

}  // namespace fake

#define EXPORT extern "C" __attribute__((visibility("default"))) int

// The calls that need a current context.
#define ENTER(symbol)                          \
  if (const int code = fake::enter(#symbol)) { \
    return code;                               \
  }
#define ENTER_CONTEXT(symbol)                                           \
  ENTER(symbol)                                                         \
  if (fake::contexts().empty() || fake::contexts().back() == nullptr) { \
    return fake::kInvalidContext;                                       \
  }
