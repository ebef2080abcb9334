#pragma once
// agentlua/git/command.hpp: room 4. A git command under the guard of the recorded settings.

#include <string>
#include <vector>

#include "agentlua/git/settings.hpp"

namespace agentlua::git {

namespace detail {

/// Settings for one command: those that always count, and the recorded value of each that somebody has
/// changed since. Hooks run only when they are the recorded ones.
inline std::vector<std::string> guard(const location& at, command_options& options) {
  std::vector<std::string> list = always();
  const settings* known = at.trusted.get();
  if (known != nullptr) {
    const auto changed = changed_settings(at, *known);
    for (const auto& [key, value] : changed)
      if (!is_address(key)) list.push_back(std::string(key).append("=").append(value));
    if (redirects_fetches(changed)) options.env.emplace_back("GIT_ALLOW_PROTOCOL=none");
  }
  const bool hooks = known != nullptr && !known->hooks.empty() && hooks_unchanged(*known);
  list.push_back("core.hooksPath=" + (hooks ? known->hooks_dir : "/dev/null"));
  return list;
}

}  // namespace detail

/// Runs git at a location and waits. Threads: any; may take long, so call it on the pool.
/// Errors: ENOENT (no git program), EPLANTED (the worktree is not what it was), EGIT (git's own
/// message) unless `may_fail`.
inline run_result command(const location& at, std::vector<std::string> args,
                          command_options options = {}) {
  const auto settings = detail::guard(at, options);
  return detail::invoke(at, settings, std::move(args), std::move(options));
}

/// First line of what a git command prints.
inline std::string line(const location& at, std::vector<std::string> args,
                        command_options options = {}) {
  std::string out = command(at, std::move(args), std::move(options)).out;
  return out.substr(0, out.find('\n'));
}

}  // namespace agentlua::git
