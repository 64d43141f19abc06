// Typed failure of the core and the exception firewall of the C ABI.
#pragma once

#include <cstdint>
#include <exception>
#include <new>
#include <stdexcept>
#include <string>

#include "esper/esper.h"

namespace esper {

// A failure with the status that the C ABI reports for it. The message names the argument and the fix.
class Error : public std::runtime_error {
 public:
  Error(esper_status status, const std::string& message) : std::runtime_error(message), status_(status) {}
  esper_status status() const noexcept { return status_; }

 private:
  esper_status status_;
};

// Error with ESPER_ERROR_INVALID_ARGUMENT.
inline Error invalid(const std::string& message) {
  return {ESPER_ERROR_INVALID_ARGUMENT, message};
}

// The failures of the two checks below, out of line so that calls that succeed do not pay for their texts.
[[noreturn]] void fail_pointer(const char* name);
[[noreturn]] void fail_struct(std::uint32_t struct_size, std::size_t expected, const char* name);

// Throws unless the pointer argument called name was given.
inline void require_pointer(const void* pointer, const char* name) {
  if (pointer == nullptr) {
    fail_pointer(name);
  }
}

// Throws unless the caller's struct is at least as large as the version of this library knows it.
inline void require_struct(std::uint32_t struct_size, std::size_t expected, const char* name) {
  if (struct_size < expected) {
    fail_struct(struct_size, expected, name);
  }
}

namespace abi {

// Stores the text of the calling thread's last failure, cut to the buffer's length; returns status.
esper_status fail(esper_status status, const char* message) noexcept;

// Text of the calling thread's last failure.
const char* last_error() noexcept;

// Runs body and turns every exception into a status. Each extern "C" function that can fail is one call of this.
template <typename Body>
esper_status guarded(Body&& body) noexcept {
  try {
    body();
    return ESPER_OK;
  } catch (const Error& error) {
    return fail(error.status(), error.what());
  } catch (const std::bad_alloc&) {
    return fail(ESPER_ERROR_OUT_OF_MEMORY, "memory could not be allocated");
  } catch (const std::length_error&) {
    return fail(ESPER_ERROR_OUT_OF_MEMORY, "the request is larger than any allocation can be");
  } catch (const std::exception& error) {
    return fail(ESPER_ERROR_INTERNAL, error.what());
  } catch (...) {
    return fail(ESPER_ERROR_INTERNAL, "unknown exception");
  }
}

}  // namespace abi
}  // namespace esper
