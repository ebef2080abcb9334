#pragma once
// agentlua/git/land.hpp: room 4. Landing: merge in memory, move the base, touch nothing of the user.
//
// This is where it is decided whether a branch goes into its base: landing::run().

#include <ctime>

#include <algorithm>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "agentlua/git/diff.hpp"
#include "agentlua/git/merge.hpp"
#include "agentlua/git/repository.hpp"
#include "agentlua/git/worktree.hpp"
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
      : repo_(repo), ask_(request), lock_(lock_repository(repo)) {}

  /// Tries until the base holds still, at most three times.
  land_result run() {
    for (int attempt = 0; attempt < 3; ++attempt) {
      result_ = {};
      if ((prepare() && publish()) || result_.status != "moved") return result_;
    }
    return refuse("refused", "branch '" + ask_.base + "' keeps moving; try again");
  }

 private:
  const std::string base_ref() const { return "refs/heads/" + ask_.base; }

  land_result& refuse(const std::string& status, const std::string& reason) {
    result_.status = status;
    result_.reason = reason;
    return result_;
  }

  command_options guarded(bool may_fail = true) const {
    command_options options;
    options.may_fail = may_fail;
    options.hold = {lock_.fd()};
    return options;
  }

  /// Makes the new commit and checks everything that can be checked before something moves.
  bool prepare() {
    auto base = repo_.resolve(base_ref());
    auto tip = repo_.resolve("refs/heads/" + ask_.branch);
    if (!base) return refuse("refused", "base branch '" + ask_.base + "' does not exist"), false;
    if (!tip) return refuse("refused", "branch '" + ask_.branch + "' does not exist"), false;
    result_.base = *base;
    tip_ = *tip;
    if (repo_.contains(*base, *tip))
      return refuse("empty", "the branch has no commits of its own"), false;
    return merge() && find_checkout() && check_checkout() && make_commit();
  }

  /// Merges in the object store; no checkout, no index.
  bool merge() {
    auto merged = git::merge(repo_.where(), result_.base, tip_, guarded());
    if (!merged.problem.empty()) return refuse("refused", merged.problem), false;
    if (!merged.conflicts.empty()) return conflicting(std::move(merged)), false;
    tree_ = merged.tree;
    result_.files = diff(repo_.where(), result_.base, tree_);
    if (result_.files.empty()) return refuse("empty", "the branch changes nothing"), false;
    for (const changed_file& file : result_.files)
      for (const std::string& glob : ask_.protect)
        if (text::glob_match(glob, file.path)) {
          result_.paths.push_back(file.path);
          break;
        }
    if (!result_.paths.empty())
      return refuse("protected", "the branch changes protected paths: " + listed(result_.paths)),
             false;
    return is_fresh();
  }

  void conflicting(merge_result merged) {
    result_.conflicts = std::move(merged.conflicts);
    for (const conflict& one : result_.conflicts) result_.paths.push_back(one.path);
    refuse("conflict", "the branch conflicts with '" + ask_.base + "' in " + listed(result_.paths));
  }

  /// False when the base has changed files of this branch since the work was verified.
  bool is_fresh() {
    if (ask_.verified_on.empty() || ask_.verified_on == result_.base) return true;
    const auto ours = paths_of(result_.files);
    for (const changed_file& file : diff(repo_.where(), ask_.verified_on, result_.base))
      if (ours.contains(file.path)) result_.paths.push_back(file.path);
    if (result_.paths.empty()) return true;
    return refuse("stale", "'" + ask_.base + "' has changed since the work was verified: " +
                               listed(result_.paths)),
           false;
  }

  static std::set<std::string> paths_of(const std::vector<changed_file>& files) {
    std::set<std::string> paths;
    for (const changed_file& file : files) paths.insert(file.path);
    return paths;
  }

  /// Finds the checkout that has the base, if any, and refuses when somebody is in the middle of
  /// something with that branch.
  bool find_checkout() {
    checkout_.reset();
    if (auto busy = branch_in_operation(repo_, ask_.base); !busy.empty())
      return refuse("refused", busy + "; finish it first"), false;
    if (checked_out_here()) {
      checkout_ = repo_.where();
      return true;
    }
    for (const worktree& tree : worktrees(repo_)) {
      if (tree.branch != ask_.base || tree.bare || tree.prunable) continue;
      const stdfs::path& common = repo_.where().common_dir;
      if (tree.path == common.parent_path()) checkout_ = repo_.where().elsewhere(common, tree.path);
      else if (tree.path == common) checkout_ = main_checkout();
      else checkout_ = find_worktree(repo_, tree.path);
      if (!checkout_)
        return refuse("refused", "'" + ask_.base + "' is checked out at '" + tree.path.native() +
                                     "', which git describes in two ways"),
               false;
    }
    return true;
  }

  /// The main checkout of a repository whose git directory lies elsewhere: git lists only that.
  std::optional<location> main_checkout() const {
    const location& at = repo_.where();
    std::string top = git::command(at.elsewhere(at.common_dir, {}),
                                   {"config", "--type=path", "core.worktree"}, guarded())
                          .out;
    if (top.empty()) return std::nullopt;
    top.pop_back();
    return at.elsewhere(at.common_dir, stdfs::weakly_canonical(at.common_dir / top));
  }

  /// True when the checkout that we were opened in has the base: the usual case, and cheap to see.
  bool checked_out_here() const {
    const location& at = repo_.where();
    if (at.work_tree.empty()) return false;
    std::error_code ignored;
    if (stdfs::is_symlink(at.git_dir / "HEAD", ignored)) return false;
    return fs::read_file(at.git_dir / "HEAD", 1 << 16) == "ref: " + base_ref() + "\n";
  }

  /// Refuses when landing would meet anything that the user has changed there. What git refuses
  /// itself, before it touches anything, is left to it: fast_forward() asks overlapping() then.
  bool check_checkout() {
    if (!checkout_) return true;
    const std::string where = "'" + checkout_->work_tree.native() + "'";
    if (auto busy = unfinished_operation(*checkout_); !busy.empty())
      return refuse("refused", "a " + busy + " is unfinished in " + where + "; finish it first"),
             false;
    const bool deleted = std::any_of(
        result_.files.begin(), result_.files.end(), [&](const changed_file& file) {
          std::error_code ignored;
          return file.status != 'A' &&
                 !stdfs::exists(stdfs::symlink_status(checkout_->work_tree / file.path, ignored));
        });
    return !deleted || !overlapping();  // git would bring a deleted file back
  }

  /// True, and refused, when the user has changes in files that the branch changes.
  bool overlapping() {
    auto options = guarded(false);
    options.env = {"GIT_OPTIONAL_LOCKS=0"};
    const auto touched = paths_of(result_.files);
    for (const std::string& row :
         split_nul(command(*checkout_,
                           {"status", "--porcelain=v1", "-z", "--no-renames",
                            "--untracked-files=no", "--ignore-submodules=none"},
                           options)
                       .out))
      if (row.size() > 3 && touched.contains(row.substr(3))) result_.paths.push_back(row.substr(3));
    if (result_.paths.empty()) return false;
    refuse("refused", "you have changes in '" + checkout_->work_tree.native() +
                          "' to files that the branch changes: " + listed(result_.paths) +
                          "; commit or undo them");
    return true;
  }

  bool make_commit() {
    if (ask_.mode == "rebase") return rebase();
    std::vector<std::string> args = {"commit-tree", tree_, "-p", result_.base};
    if (ask_.mode == "merge") args.insert(args.end(), {"-p", tip_});
    if (repo_.where().signs()) args.emplace_back("-S");
    args.insert(args.end(), {"-F", "-"});
    auto options = guarded(false);
    options.input = ask_.message;
    if (auto mail = ask_.author.find(" <"); mail != std::string::npos)
      options.env = {
          "GIT_AUTHOR_NAME=" + ask_.author.substr(0, mail),
          "GIT_AUTHOR_EMAIL=" + ask_.author.substr(mail + 2, ask_.author.size() - mail - 3)};
    result_.commit = line(repo_.where(), args, options);
    return true;
  }

  /// The branch's commits on the base. They must come to what the merge comes to: where they do not, a
  /// merge in the branch has settled something that single commits cannot tell.
  bool rebase() {
    merge_result last;
    result_.commit = replay(repo_.where(), guarded(false)).run(result_.base, tip_, last);
    if (!last.problem.empty()) return refuse("refused", last.problem), false;
    if (result_.commit.empty()) return conflicting(std::move(last)), false;
    if (line(repo_.where(), {"rev-parse", result_.commit + "^{tree}"}) == tree_) return true;
    return refuse("refused",
                  "the commits of the branch, one by one, do not come to what it merges "
                  "to; land it with squash or merge"),
           false;
  }

  /// Moves the base. What a crash leaves is decided by the pending ref and the base alone.
  bool publish() {
    repo_.update_ref(ask_.pending_ref, result_.commit);
    bool moved = checkout_ ? fast_forward() : move_ref();
    if (moved) {
      result_.status = "landed";
      return true;
    }
    repo_.delete_ref(ask_.pending_ref, result_.commit);
    return false;
  }

  bool move_ref() {
    try {
      repo_.update_ref(base_ref(), result_.commit, result_.base);
      return true;
    } catch (const error& problem) {
      return refuse(problem.code() == "EMOVED" ? "moved" : "refused", problem.what()), false;
    }
  }

  /// Brings the base and its checkout forward together; git leaves every other change there alone.
  bool fast_forward() {
    run_result done;
    for (int attempt = 0; attempt < 5; ++attempt) {
      done = command(*checkout_,
                     {"-c", "merge.verifySignatures=false", "merge", "--ff-only", "--quiet",
                      "--no-overwrite-ignore", "--no-autostash", "--no-stat", result_.commit},
                     guarded());
      bool locked = done.err.find("index.lock") != std::string::npos;
      if (done.code == 0 || !locked) break;
      timespec pause{0, 200'000'000};
      ::nanosleep(&pause, nullptr);
    }
    auto now = repo_.resolve(base_ref());
    if (now == result_.commit) return true;
    if (now != result_.base)
      return refuse("moved", "branch '" + ask_.base + "' moved meanwhile"), false;
    roll_back();
    if (overlapping()) return false;
    while (!done.err.empty() && done.err.back() == '\n') done.err.pop_back();
    return refuse("refused", "cannot bring '" + checkout_->work_tree.native() +
                                 "' forward: " + (done.err.empty() ? done.out : done.err)),
           false;
  }

  /// The ref could not be moved although the files were: put exactly those files back.
  void roll_back() {
    auto check = guarded();
    if (command(*checkout_, {"diff-index", "--quiet", "--cached", result_.base}, check).code == 0)
      return;
    if (command(*checkout_, {"diff-index", "--quiet", "--cached", result_.commit}, check).code != 0)
      return;
    command(*checkout_, {"read-tree", "-m", "-u", result_.commit, result_.base}, check);
  }

  static std::string listed(const std::vector<std::string>& paths) {
    std::string out;
    for (std::size_t i = 0; i < paths.size() && i < 10; ++i)
      out += (i ? ", " : "") + text::printable(paths[i]);
    return paths.size() > 10 ? out + " and " + std::to_string(paths.size() - 10) + " more" : out;
  }

  const repository& repo_;
  const land_request& ask_;
  file_lock lock_;
  land_result result_;
  std::string tip_, tree_;
  std::optional<location> checkout_;
};

/// Lands a branch on its base. Waits for other landings in the repository.
/// Errors: ELOCKED, EGIT; everything expected is in the result.
inline land_result land(const repository& repo, const land_request& request) {
  return landing(repo, request).run();
}

/// Drops the pending ref once the task is marked as done.
inline void finish_landing(const repository& repo, const std::string& pending_ref) {
  if (auto commit = repo.resolve(pending_ref)) repo.delete_ref(pending_ref, *commit);
}

/// After a crash: the commit that a pending ref holds if `base` has it (the landing went through),
/// else nullopt, and the ref is dropped (it did not).
inline std::optional<std::string> recover_landing(
    const repository& repo, const std::string& pending_ref, const std::string& base) {
  auto lock = lock_repository(repo);  // a git of the dead runner may still be at it
  auto commit = repo.resolve(pending_ref);
  if (!commit) return std::nullopt;
  auto tip = repo.resolve("refs/heads/" + base);
  if (tip && repo.contains(*tip, *commit)) return commit;
  repo.delete_ref(pending_ref, *commit);
  return std::nullopt;
}

}  // namespace agentlua::git
