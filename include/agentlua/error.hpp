#pragma once
// agentlua/error.hpp: room 1. The one exception type: a stable code and a sentence.

#include <cerrno>
#include <cstring>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>

namespace agentlua {

/// What every fallible function of the library throws.
///
/// `code` is a short stable string that callers may compare ("ENOENT", "ELOCKED", "ECONFLICT",
/// "EDIRTY", "ETIMEDOUT", ...); `what()` is a sentence that names the thing and the reason and,
/// where there is one, the next step.
class error : public std::runtime_error {
 public:
  error(std::string code, const std::string& message)
      : std::runtime_error(message), code_(std::move(code)) {}

  const std::string& code() const noexcept { return code_; }

 private:
  std::string code_;
};

/// Symbolic name of an errno value ("ENOENT"); "EIO" when the system does not know it.
inline std::string errno_code(int number) {
  const char* name = ::strerrorname_np(number);
  return name != nullptr ? name : "EIO";
}

/// Makes the error for a failed system call: "cannot <doing> '<subject>': <reason>".
inline error errno_error(int number, std::string_view doing, std::string_view subject) {
  std::string text = "cannot ";
  text.append(doing).append(" '").append(subject).append("': ");
  char buffer[128];
  text += ::strerror_r(number, buffer, sizeof buffer);
  return {errno_code(number), text};
}

/// Throws errno_error() for the errno that is set now.
[[noreturn]] inline void throw_errno(std::string_view doing, std::string_view subject) {
  throw errno_error(errno, doing, subject);
}

}  // namespace agentlua
