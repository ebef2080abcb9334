#pragma once
// agentlua/git/identity.hpp: room 4. Whom git takes for the author of a commit.

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "agentlua/git/invoke.hpp"

namespace agentlua::git::detail {

/// True when more than configuration files decides whom git takes for the author.
inline bool identity_in_environment() {
  for (char** entry = environ; *entry != nullptr; ++entry) {
    const std::string_view text = *entry;
    for (const char* name : {"GIT_AUTHOR_", "GIT_COMMITTER_", "EMAIL="})
      if (text.starts_with(name)) return true;
  }
  return false;
}

/// Whom git takes for author and committer, "Name <email>"; both "" when that hangs on more than the
/// content of configuration files, or commits are not to be in UTF-8.
inline std::pair<std::string, std::string> read_identity(const location& at) {
  auto ask = [&](std::vector<std::string> args) {
    return invoke(at, always(), std::move(args), {.may_fail = true});
  };
  const char* conditions = "^(includeif[.]|i18n[.]commitencoding$)";
  if (identity_in_environment() || ask({"config", "user.email"}).code != 0 ||
      ask({"config", "--get-regexp", conditions}).code != 1)
    return {};
  auto who = [&](const char* variable) {
    const std::string said = ask({"var", variable}).out;  // "Name <email> time zone"
    return said.substr(0, said.rfind('>') + 1);
  };
  return {who("GIT_AUTHOR_IDENT"), who("GIT_COMMITTER_IDENT")};
}

}  // namespace agentlua::git::detail
