#pragma once
// agentlua/git/invoke.hpp: room 4. The only place that starts the git program.

#include <array>
#include <cstdlib>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "agentlua/process.hpp"

namespace agentlua::git {

struct settings;

/// A checkout as git is told about it. Always named in full, so that the pointer files inside a work
/// tree (`.git`), which an agent can rewrite, are never followed.
struct location {
  stdfs::path git_dir;     ///< of this checkout, e.g. <common>/worktrees/<name>
  stdfs::path common_dir;  ///< shared by all checkouts of the repository
  stdfs::path work_tree;   ///< empty: bare
  std::vector<int> hold;   ///< locks that every git started here keeps until it is gone
  /// What the repository may start; nothing recorded: no hooks, and filters as they are configured.
  std::shared_ptr<const settings> trusted = {};
  /// For a submodule in a linked worktree: git directory of the same submodule in the main clone.
  stdfs::path origin = {};

  /// Another checkout of the same repository.
  location elsewhere(const stdfs::path& git, const stdfs::path& tree) const {
    return {git, common_dir, tree, {}, trusted, {}};
  }
  bool is_linked() const { return !git_dir.empty() && git_dir != common_dir; }
  /// True when the user has commits signed.
  bool signs() const;
};

/// How a git command is run.
struct command_options {
  std::string input = {};             ///< for stdin
  std::vector<std::string> env = {};  ///< more "NAME=value"
  std::vector<int> hold = {};         ///< locks that stay held until git is gone
  bool may_fail = false;              ///< a non-zero exit is an answer, not an error
};

namespace detail {

/// Settings that win over every file: nothing that a repository can name is started by them, no
/// background work is left behind, and what is published is flushed to the disk.
inline const std::vector<std::string>& always() {
  static const std::vector<std::string> list = {
      "core.fsmonitor=false",       "gc.auto=0",
      "maintenance.auto=false",     "protocol.ext.allow=never",
      "submodule.recurse=false",    "core.fsync=objects,reference",
      "advice.detachedHead=false",  "merge.autoStash=false",
      "diff.ignoreSubmodules=dirty"};
  return list;
}

/// Entries of PATH that do not depend on the directory that git runs in, which an agent may fill.
inline std::string absolute_path() {
  const char* path = std::getenv("PATH");
  std::string_view rest = path != nullptr ? path : "/usr/local/bin:/usr/bin:/bin";
  std::string out;
  while (!rest.empty()) {
    auto colon = rest.find(':');
    std::string_view entry = rest.substr(0, colon);
    if (entry.starts_with('/')) out.append(out.empty() ? "" : ":").append(entry);
    if (colon == std::string_view::npos) break;
    rest.remove_prefix(colon + 1);
  }
  return out;
}

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
                   text.starts_with("LANGUAGE=") || text.starts_with("PATH=");
    for (const char* name : keep) foreign = foreign && !text.starts_with(name);
    if (!foreign) env.emplace_back(text);
  }
  env.push_back("PATH=" + absolute_path());
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

/// What an agent can have done to a linked worktree that would send git elsewhere: the work tree is a
/// link, or the state of the worktree names another repository (git reads `commondir` for its refs
/// whatever the environment says). The pointer is ours and is put right.
/// Errors: EPLANTED (the work tree is a link).
inline void check_pointers(const location& at) {
  if (!at.is_linked()) return;
  std::error_code ignored;
  if (stdfs::is_symlink(at.work_tree, ignored))
    throw error("EPLANTED", "worktree '" + at.work_tree.native() +
                                "' was replaced by a link; it is left alone, look where it leads");
  const stdfs::path pointer = at.git_dir / "commondir";
  if (!stdfs::exists(at.git_dir, ignored)) return;
  std::string text;  // empty, also when it is gone: it is written again
  if (!stdfs::is_symlink(pointer, ignored)) text = fs::try_read_file(pointer).value_or("");
  while (text.ends_with('\n')) text.pop_back();
  if (!text.empty() && stdfs::weakly_canonical(at.git_dir / text, ignored) ==
                           stdfs::weakly_canonical(at.common_dir, ignored))
    return;
  fs::write_file_atomic(pointer, "../..\n");
}

/// What a git that failed has said, without the end of the line.
inline std::string complaint(const run_result& done) {
  std::string text = done.err.empty() ? done.out : done.err;
  while (text.ends_with('\n')) text.pop_back();
  return text;
}

/// Runs git with settings that win over every file. Errors: ENOENT (no git program), EPLANTED, EGIT
/// (git's own message) unless `may_fail`.
inline run_result invoke(const location& at, const std::vector<std::string>& settings,
                         std::vector<std::string> args, command_options options) {
  check_pointers(at);
  process_options start;
  start.argv = {"git"};
  for (const std::string& setting : settings) {
    start.argv.emplace_back("-c");
    start.argv.push_back(setting);
  }
  std::string name = args.empty() ? "" : args[0];
  for (std::string& arg : args) start.argv.push_back(std::move(arg));
  start.cwd = at.work_tree.empty() ? at.common_dir.native() : at.work_tree.native();
  start.env = environment(at);
  for (std::string& setting : options.env) start.env->push_back(std::move(setting));
  start.stdin_text = std::move(options.input);
  start.hold = std::move(options.hold);
  start.hold.insert(start.hold.end(), at.hold.begin(), at.hold.end());
  // Not contained: when the host is killed in the middle, git must come to its end, with the locks
  // it was given, or it would leave lock files and a half updated checkout behind.
  start.contain = false;
  run_result result = run(std::move(start));
  if (!result.error_code.empty()) throw error(result.error_code, result.error_text);
  if (result.code != 0 && !options.may_fail)
    throw error("EGIT", "git " + name + " failed (" + std::to_string(result.code) +
                            "): " + complaint(result));
  return result;
}

}  // namespace detail

/// The git directories of submodules that a git directory holds, as paths below its `modules`. Their
/// names may have slashes. Those inside of a submodule are its own.
inline std::vector<stdfs::path> submodule_names(const stdfs::path& git_dir,
                                                const stdfs::path& below = {}) {
  std::vector<stdfs::path> found;
  const stdfs::path dir = git_dir / "modules" / below;
  std::error_code none;
  if (stdfs::symlink_status(dir, none).type() != stdfs::file_type::directory) return found;
  for (const std::string& name : fs::list_directory(dir)) {
    if (stdfs::symlink_status(dir / name, none).type() != stdfs::file_type::directory) continue;
    if (stdfs::exists(dir / name / "HEAD", none)) {
      found.push_back(below / name);
    } else {
      for (stdfs::path& inner : submodule_names(git_dir, below / name))
        found.push_back(std::move(inner));
    }
  }
  return found;
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
