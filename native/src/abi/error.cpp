#include "abi/error.hpp"

#include <cstring>

namespace esper {

void fail_pointer(const char* name) {
  throw invalid(std::string(name) + " is NULL");
}

void fail_struct(std::uint32_t struct_size, std::size_t expected, const char* name) {
  throw invalid(std::string(name) + ".struct_size is " + std::to_string(struct_size) + ", expected at least " +
                std::to_string(expected) + "; set it to sizeof the struct before the call");
}

}  // namespace esper

namespace esper::abi {
namespace {

// A fixed buffer, so that reporting a failure can not fail itself.
thread_local char last_error_text[1024] = "";

}  // namespace

esper_status fail(esper_status status, const char* message) noexcept {
  std::size_t length = std::strlen(message);
  if (length >= sizeof last_error_text) {
    length = sizeof last_error_text - 1;
    // Never cut inside a UTF-8 sequence.
    while (length > 0 && (static_cast<unsigned char>(message[length]) & 0xC0U) == 0x80U) {
      --length;
    }
  }
  std::memcpy(last_error_text, message, length);
  last_error_text[length] = '\0';
  return status;
}

const char* last_error() noexcept {
  return last_error_text;
}

}  // namespace esper::abi
