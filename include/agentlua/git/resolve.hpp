#pragma once
// agentlua/git/resolve.hpp: room 4. A merge or rebase in a linked worktree, step by step.

#include <string>
#include <vector>

#include "agentlua/git/merge.hpp"
#include "agentlua/git/worktree.hpp"

namespace agentlua::git {

/// What a checkout is in the middle of.
struct operation_state {
  std::string operation;            ///< "merge", "rebase", ...; empty: nothing is unfinished
  std::vector<conflict> conflicts;  ///< files that are not resolved yet
  std::string head;                 ///< commit of HEAD
};

inline operation_state operation_status(const location& at) {
  operation_state state;
  state.operation = unfinished_operation(at);
  state.head = line(at, {"rev-parse", "HEAD"});
  // The rows have the form of those of merge-tree, which begin with a tree.
  auto rows = split_nul(command(at, {"ls-files", "--unmerged", "-z"}).out);
  rows.insert(rows.begin(), std::string());
  state.conflicts = detail::read_merge(rows).conflicts;
  for (conflict& one : state.conflicts) {
    one.kind = one.base.empty()                         ? "add/add"
               : one.ours.empty() || one.theirs.empty() ? "modify/delete"
                                                        : "contents";
  }
  return state;
}

namespace detail {

/// The user's own checkout is never brought into the middle of anything.
inline void need_linked(const location& at) {
  if (!at.is_linked())
    throw error("EINVAL", "'" + at.work_tree.native() +
                              "' is the main checkout, which is left to its user; name a worktree");
}

/// Runs a step that may stop at a conflict. Errors: EGIT when it failed for another reason.
inline operation_state step(const location& at, const std::vector<std::string>& args) {
  auto done = command(at, args, {.may_fail = true});
  auto state = operation_status(at);
  if (done.code != 0 && state.conflicts.empty())
    throw error("EGIT", "git " + args[0] + " failed: " + complaint(done));
  return state;
}

}  // namespace detail

/// Merges a commit into the branch of a worktree, or rebases the branch on it (`how` = "rebase"). It
/// ends, or stops with conflicts.
/// Errors: EINVAL (the main checkout), EUNFINISHED (something is unfinished there), EGIT.
inline operation_state start_operation(const location& at, const std::string& how,
                                       const std::string& commit) {
  detail::need_linked(at);
  if (auto busy = unfinished_operation(at); !busy.empty())
    throw error("EUNFINISHED", "a " + busy + " is unfinished in '" + at.work_tree.native() + "'");
  if (how == "rebase") return detail::step(at, {"rebase", "--quiet", commit});
  return detail::step(at, {"merge", "--quiet", "--no-ff", "--no-edit", "--no-stat", commit});
}

/// Settles one file: `take` is "ours" (of a merge: the branch; of a rebase: what it is put on), "theirs",
/// or "file" (as it is in the worktree now; gone if it is not there).
/// Errors: EINVAL, ENOENT (no such conflict), EGIT.
inline void resolve_conflict(const location& at, const std::string& path, const std::string& take) {
  detail::need_linked(at);
  if (take != "ours" && take != "theirs" && take != "file")
    throw error("EINVAL", "a conflict is resolved with ours, theirs or file, not '" + take + "'");
  const conflict* found = nullptr;
  const auto state = operation_status(at);
  for (const conflict& one : state.conflicts)
    if (one.path == path) found = &one;
  if (found == nullptr) throw error("ENOENT", "'" + path + "' is in no conflict");
  std::error_code ignored;
  const bool gone = take == "ours" ? found->ours.empty()
                    : take == "theirs"
                        ? found->theirs.empty()
                        : !stdfs::exists(stdfs::symlink_status(at.work_tree / path, ignored));
  if (gone) {
    command(at, {"--literal-pathspecs", "rm", "--quiet", "-f", "--", path});
    return;
  }
  if (take != "file") command(at, {"--literal-pathspecs", "checkout", "--" + take, "--", path});
  command(at, {"--literal-pathspecs", "add", "-f", "--", path});
}

/// Goes on with what is unfinished: `how` is "continue", "skip" (a commit of a rebase) or "abort".
/// Errors: EINVAL (nothing is unfinished), ECONFLICT (files are not resolved), EGIT.
inline operation_state advance_operation(const location& at, const std::string& how) {
  detail::need_linked(at);
  const auto state = operation_status(at);
  if (state.operation.empty())
    throw error("EINVAL", "nothing is unfinished in '" + at.work_tree.native() + "'");
  if (how == "continue" && !state.conflicts.empty())
    throw error("ECONFLICT", "'" + state.conflicts[0].path + "' is not resolved yet");
  return detail::step(at, {state.operation, "--" + how});
}

/// True when a base has all that a branch has: its commits, equal patches, or their sum.
inline bool is_merged(const location& at, const std::string& base, const std::string& tip) {
  const auto repo = repository::at(at);
  if (repo.contains(base, tip)) return true;
  const auto merged = merge(repo, base, tip);
  if (merged.problem.empty() && merged.conflicts.empty() &&
      merged.tree == line(at, {"rev-parse", base + "^{tree}"}))
    return true;
  for (const std::string& row : repository::split_lines(command(at, {"cherry", base, tip}).out))
    if (!row.starts_with('-')) return false;
  return true;
}

/// The branch as a mailbox of patches against its base, for git am.
inline std::string format_patch(const location& at, const std::string& base,
                                const std::string& tip) {
  return command(at, {"format-patch", "--stdout", "--binary", "--no-signature", "--no-ext-diff",
                      "--no-textconv", base + ".." + tip})
      .out;
}

}  // namespace agentlua::git
