#pragma once
// agentlua/git/command.hpp: room 4. The only place that starts the git program.

#include <array>
#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

#include "agentlua/process.hpp"

namespace agentlua::git {

/// A checkout as git is told about it. Always named in full, so that pointer files inside a work
/// tree (`.git`, `commondir`), which an agent can rewrite, are never followed.
struct location {
  stdfs::path git_dir;     ///< of this checkout, e.g. <common>/worktrees/<name>
  stdfs::path common_dir;  ///< shared by all checkouts of the repository
  stdfs::path work_tree;   ///< empty: bare
  std::vector<int> hold;   ///< locks that every git started here keeps until it is gone
};

/// How a git command is run.
struct command_options {
  std::string input;             ///< for stdin
  std::vector<std::string> env;  ///< more "NAME=value"
  std::vector<int> hold;         ///< locks that stay held until git is gone
  bool may_fail = false;         ///< a non-zero exit is an answer, not an error
};

namespace detail {

/// The surroundings of git: the user's, less what redirects a repository, plus what keeps git from
/// asking questions. Identity variables (GIT_AUTHOR_*, GIT_COMMITTER_*) and transport stay.
inline std::vector<std::string> environment(const location& at) {
  constexpr std::array keep = {"GIT_AUTHOR_",       "GIT_COMMITTER_",    "GIT_SSH",
                               "GIT_ASKPASS",       "GIT_EXEC_PATH",     "GIT_SSL_",
                               "GIT_CONFIG_GLOBAL", "GIT_CONFIG_SYSTEM", "GIT_CONFIG_NOSYSTEM"};
  std::vector<std::string> env;
  for (char** entry = environ; *entry != nullptr; ++entry) {
    std::string_view text = *entry;
    bool foreign = text.starts_with("GIT_") || text.starts_with("LC_") ||
                   text.starts_with("LANGUAGE=");
    for (const char* name : keep) foreign = foreign && !text.starts_with(name);
    if (!foreign) env.emplace_back(text);
  }
  if (!at.git_dir.empty()) {
    env.push_back("GIT_DIR=" + at.git_dir.native());
    env.push_back("GIT_COMMON_DIR=" + at.common_dir.native());
    if (!at.work_tree.empty()) env.push_back("GIT_WORK_TREE=" + at.work_tree.native());
  }
  for (const char* setting :
       {"GIT_TERMINAL_PROMPT=0", "GIT_EDITOR=true", "LC_ALL=C.UTF-8", "GIT_PAGER=cat"})
    env.emplace_back(setting);
  return env;
}

/// Settings that win over every file: nothing that a repository can name is started by them, no
/// background work is left behind, and what is published is flushed to the disk.
inline constexpr std::array guard = {
    "core.fsmonitor=false",         "core.hooksPath=/dev/null",  "gc.auto=0",
    "maintenance.auto=false",       "protocol.ext.allow=never",  "submodule.recurse=false",
    "core.fsync=objects,reference", "advice.detachedHead=false", "merge.autoStash=false"};

}  // namespace detail

/// Runs git at a location and waits. Threads: any; may take long, so call it on the pool.
/// Errors: ENOENT (no git program), EGIT (git's own message) unless `may_fail`.
inline run_result command(const location& at, std::vector<std::string> args,
                          command_options options = {}) {
  process_options start;
  start.argv = {"git"};
  for (const char* setting : detail::guard) {
    start.argv.emplace_back("-c");
    start.argv.emplace_back(setting);
  }
  std::string name = args.empty() ? "" : args[0];
  for (std::string& arg : args) start.argv.push_back(std::move(arg));
  start.cwd = at.work_tree.empty() ? at.common_dir.native() : at.work_tree.native();
  start.env = detail::environment(at);
  for (std::string& setting : options.env) start.env->push_back(std::move(setting));
  start.stdin_text = std::move(options.input);
  start.hold = std::move(options.hold);
  start.hold.insert(start.hold.end(), at.hold.begin(), at.hold.end());
  // Not contained: when the host is killed in the middle, git must come to its end, with the locks
  // it was given, or it would leave lock files and a half updated checkout behind.
  start.contain = false;
  run_result result = run(std::move(start));
  if (!result.error_code.empty()) throw error(result.error_code, result.error_text);
  if (result.code != 0 && !options.may_fail) {
    std::string reason = result.err.empty() ? result.out : result.err;
    while (!reason.empty() && reason.back() == '\n') reason.pop_back();
    throw error("EGIT", "git " + name + " failed (" + std::to_string(result.code) + "): " + reason);
  }
  return result;
}

/// First line of what a git command prints.
inline std::string line(const location& at, std::vector<std::string> args,
                        command_options options = {}) {
  std::string out = command(at, std::move(args), std::move(options)).out;
  return out.substr(0, out.find('\n'));
}

/// Splits NUL-terminated output.
inline std::vector<std::string> split_nul(std::string_view out) {
  std::vector<std::string> parts;
  while (!out.empty()) {
    auto end = out.find('\0');
    parts.emplace_back(out.substr(0, end));
    if (end == std::string_view::npos) break;
    out.remove_prefix(end + 1);
  }
  return parts;
}

}  // namespace agentlua::git
