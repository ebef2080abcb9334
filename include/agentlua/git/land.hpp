#pragma once
// agentlua/git/land.hpp: room 4. Landing: merge in memory, move the base, touch nothing of the user.
//
// This is where it is decided whether a branch goes into its base: landing::run().

#include <optional>
#include <string>
#include <vector>

#include "agentlua/git/checkout.hpp"
#include "agentlua/git/commit.hpp"
#include "agentlua/git/merge.hpp"
#include "agentlua/git/sweep.hpp"
#include "agentlua/text.hpp"

namespace agentlua::git {

/// What land() is asked to do.
struct land_request {
  std::string branch, base;     ///< names without refs/heads/
  std::string mode = "squash";  ///< squash: one commit; merge: a merge commit; rebase: its commits
  std::string message;
  std::string author;                ///< "Name <email>"; git's own when empty
  std::string pending_ref;           ///< holds the new commit until finish_landing()
  std::vector<std::string> protect;  ///< globs of paths that only a person may land
  /// Commit of the base that the work was verified on: when files that the branch changes have changed
  /// on the base since then, it is to be verified again. Empty: nothing was verified.
  std::string verified_on;
};

/// How it went. Nothing was moved unless `status` is "landed".
struct land_result {
  /// landed, empty (nothing to land), conflict, refused, protected, stale (to be verified again)
  std::string status;
  std::string reason;               ///< for people: what stopped it and what to do
  std::string commit;               ///< the new commit on the base
  std::string base;                 ///< where the base was before
  std::vector<std::string> paths;   ///< conflicting, blocking, protected or overtaken paths
  std::vector<conflict> conflicts;  ///< with status conflict
  std::vector<changed_file> files;  ///< what landing changes
};

/// One landing. Holds the repository's lock while it lives.
class landing {
 public:
  landing(const repository& repo, const land_request& request)
      : repo_(repo),
        ask_(request),
        lock_(lock_repository(repo)),
        checkout_(repo, request.base, lock_.fd()) {}

  /// Tries until the base holds still, at most three times.
  land_result run() {
    for (int attempt = 0; attempt < 3; ++attempt) {
      result_ = {};
      if ((prepare() && publish()) || result_.status != "moved") return result_;
    }
    refuse("refused", "branch '" + ask_.base + "' keeps moving; try again");
    return result_;
  }

 private:
  const std::string base_ref() const { return "refs/heads/" + ask_.base; }

  /// Says why it ends. Always false, for steps to return.
  bool refuse(const std::string& status, const std::string& reason) {
    result_.status = status;
    result_.reason = reason;
    return false;
  }

  command_options guarded(bool may_fail = true) const {
    return {.hold = {lock_.fd()}, .may_fail = may_fail};
  }

  /// Makes the new commit and checks everything that can be checked before something moves.
  bool prepare() {
    auto base = repo_.resolve(base_ref());
    auto tip = repo_.resolve("refs/heads/" + ask_.branch);
    if (!base) return refuse("refused", "base branch '" + ask_.base + "' does not exist");
    if (!tip) return refuse("refused", "branch '" + ask_.branch + "' does not exist");
    result_.base = *base;
    tip_ = *tip;
    if (repo_.contains(*base, *tip)) return refuse("empty", "the branch has no commits of its own");
    if (!merge()) return false;
    if (auto problem = checkout_.check(result_.files)) return blocked(std::move(*problem));
    return make_commit();
  }

  /// Merges in the object store; no checkout, no index.
  bool merge() {
    auto merged = git::merge(repo_, result_.base, tip_, guarded());
    if (!merged.problem.empty()) return refuse("refused", merged.problem);
    if (!merged.conflicts.empty()) return conflicting(std::move(merged));
    tree_ = merged.tree;
    result_.files = diff(repo_, result_.base, tree_);
    if (result_.files.empty()) return refuse("empty", "the branch changes nothing");
    for (const changed_file& file : result_.files)
      for (const std::string& glob : ask_.protect)
        if (text::glob_match(glob, file.path)) {
          result_.paths.push_back(file.path);
          break;
        }
    if (!result_.paths.empty())
      return refuse("protected", "the branch changes protected paths: " + listed(result_.paths));
    return is_fresh();
  }

  bool conflicting(merge_result merged) {
    result_.conflicts = std::move(merged.conflicts);
    for (const conflict& one : result_.conflicts) result_.paths.push_back(one.path);
    return refuse("conflict",
                  "the branch conflicts with '" + ask_.base + "' in " + listed(result_.paths));
  }

  /// False when the base has changed files of this branch since the work was verified.
  bool is_fresh() {
    if (ask_.verified_on.empty() || ask_.verified_on == result_.base) return true;
    const auto ours = paths_of(result_.files);
    for (const changed_file& file : diff(repo_, ask_.verified_on, result_.base))
      if (ours.contains(file.path)) result_.paths.push_back(file.path);
    if (result_.paths.empty()) return true;
    return refuse("stale", "'" + ask_.base + "' has changed since the work was verified: " +
                               listed(result_.paths));
  }

  bool make_commit() {
    if (ask_.mode == "rebase") return rebase();
    new_commit made{.tree = tree_,
                    .parents = {result_.base},
                    .message = ask_.message,
                    .author = ask_.author,
                    .sign = true};
    if (ask_.mode == "merge") made.parents.push_back(tip_);
    result_.commit = write_commit(repo_, made, guarded(false));
    return true;
  }

  /// The branch's commits on the base. They must come to what the merge comes to: where they do not, a
  /// merge in the branch has settled something that single commits cannot tell.
  bool rebase() {
    merge_result last;
    result_.commit = replay(repo_, guarded(false)).run(result_.base, tip_, last);
    if (!last.problem.empty()) return refuse("refused", last.problem);
    if (result_.commit.empty()) return conflicting(std::move(last));
    if (line(repo_.where(), {"rev-parse", result_.commit + "^{tree}"}) == tree_) return true;
    return refuse("refused",
                  "the commits of the branch, one by one, do not come to what it merges "
                  "to; land it with squash or merge");
  }

  /// Moves the base. What a crash leaves is decided by the pending ref and the base alone.
  bool publish() {
    repo_.update_ref(ask_.pending_ref, result_.commit);
    auto problem = checkout_.move(result_.base, result_.commit, result_.files);
    if (!problem) {
      result_.status = "landed";
      return true;
    }
    repo_.delete_ref(ask_.pending_ref, result_.commit);
    return blocked(std::move(*problem));
  }

  bool blocked(branch_checkout::refusal problem) {
    result_.paths = std::move(problem.paths);
    return refuse(problem.raced ? "moved" : "refused", problem.reason);
  }

  const repository& repo_;
  const land_request& ask_;
  file_lock lock_;
  land_result result_;
  std::string tip_, tree_;
  branch_checkout checkout_;
};

/// Lands a branch on its base. Waits for other landings in the repository.
/// Errors: ELOCKED, EGIT; everything expected is in the result.
inline land_result land(const repository& repo, const land_request& request) {
  return landing(repo, request).run();
}

/// Drops the pending ref once the task is marked as done.
inline void finish_landing(const repository& repo, const std::string& pending_ref) {
  if (!repo.resolve(pending_ref)) return;
  auto lock = lock_repository(repo);  // such refs change under it only
  if (auto commit = repo.resolve(pending_ref)) repo.delete_ref(pending_ref, *commit);
}

/// After a crash: the commit that a pending ref holds if `base` has it (the landing went through),
/// else nullopt, and the ref is dropped (it did not). Locks of its git go.
inline std::optional<std::string> recover_landing(
    const repository& repo, const std::string& pending_ref, const std::string& base) {
  auto lock = lock_repository(repo);  // a git of the dead runner may still be at it
  auto commit = repo.resolve(pending_ref);
  if (!commit) return std::nullopt;
  detail::sweep_landing_locks(repo);
  auto tip = repo.resolve("refs/heads/" + base);
  if (tip && repo.contains(*tip, *commit)) return commit;
  repo.delete_ref(pending_ref, *commit);
  return std::nullopt;
}

}  // namespace agentlua::git
