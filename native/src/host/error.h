// Failures inside the host library and their translation into statuses.
#pragma once

#include <exception>
#include <sstream>
#include <string>
#include <utility>

#include "esper/esper_host.h"

namespace esper::host {

// A failure with the status that crosses the C interface. The text names the place and, where there is one, the fix.
class Error : public std::exception {
 public:
  Error(esper_status status, std::string text) : status_(status), text_(std::move(text)) {}
  const char* what() const noexcept override { return text_.c_str(); }
  esper_status status() const noexcept { return status_; }

 private:
  esper_status status_;
  std::string text_;
};

// Concatenates anything streamable.
template <class... Parts>
std::string text(const Parts&... parts) {
  std::ostringstream stream;
  (stream << ... << parts);
  return stream.str();
}

// Throws ESPER_ERROR_INVALID_ARGUMENT.
template <class... Parts>
[[noreturn]] void invalid(const Parts&... parts) {
  throw Error(ESPER_ERROR_INVALID_ARGUMENT, text(parts...));
}

// Throws ESPER_ERROR_UNSUPPORTED.
template <class... Parts>
[[noreturn]] void unsupported(const Parts&... parts) {
  throw Error(ESPER_ERROR_UNSUPPORTED, text(parts...));
}

// Throws with libesper's own message when a call into it failed.
inline void check_esper(esper_status status, const std::string& where) {
  if (status != ESPER_OK) throw Error(status, text(where, ": ", esper_last_error()));
}

}  // namespace esper::host
