#pragma once
// agentlua/git/checkout.hpp: room 4. The checkout that has a branch, brought forward with it, without
// touching anything that its user has changed.

#include <algorithm>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "agentlua/git/diff.hpp"
#include "agentlua/git/worktree.hpp"
#include "agentlua/text.hpp"

namespace agentlua::git {

/// Paths for a message, the first ten.
inline std::string listed(const std::vector<std::string>& paths) {
  std::string out;
  for (std::size_t i = 0; i < paths.size() && i < 10; ++i)
    out += (i ? ", " : "") + text::printable(paths[i]);
  return paths.size() > 10 ? out + " and " + std::to_string(paths.size() - 10) + " more" : out;
}

inline std::set<std::string> paths_of(const std::vector<changed_file>& files) {
  std::set<std::string> paths;
  for (const changed_file& file : files) paths.insert(file.path);
  return paths;
}

/// A branch, and the checkout that has it, if any. `hold` is a lock for the gits that it starts.
class branch_checkout {
 public:
  /// Why something was refused; nothing was moved then.
  struct refusal {
    std::string reason;
    std::vector<std::string> paths;  ///< of the user's changes that are in the way
    bool raced = false;              ///< the branch has moved meanwhile: try again
  };

  branch_checkout(const repository& repo, std::string branch, int hold)
      : repo_(repo), branch_(std::move(branch)), hold_(hold) {}

  /// Looks for the checkout and at what its user is in the middle of. `files` are to be changed.
  std::optional<refusal> check(const std::vector<changed_file>& files) {
    if (auto busy = branch_in_operation(repo_, branch_); !busy.empty())
      return refusal{busy + "; finish it first", {}};
    if (auto problem = find()) return problem;
    if (!at_) return std::nullopt;
    if (auto busy = unfinished_operation(*at_); !busy.empty())
      return refusal{"a " + busy + " is unfinished in " + where() + "; finish it first", {}};
    for (const changed_file& file : files)
      if (auto link = link_above(file.path); file.status != 'A' && !link.empty())
        return in_the_way({file.path}, " ('" + text::printable(link) + "' is a link there)");
    // What git refuses itself, before it touches anything, is left to it. It would bring back a file
    // that the user has deleted, and passes over changes in a submodule.
    const bool doubtful = std::any_of(files.begin(), files.end(), [&](const changed_file& file) {
      std::error_code ignored;
      const auto there = stdfs::symlink_status(at_->work_tree / file.path, ignored);
      return stdfs::is_directory(there) || (file.status != 'A' && !stdfs::exists(there));
    });
    return doubtful ? overlap(files) : std::nullopt;
  }

  /// Moves the branch from `from` to `to`, which changes `files`, together with its checkout.
  std::optional<refusal> move(const std::string& from, const std::string& to,
                              const std::vector<changed_file>& files) {
    if (!at_) return move_ref(from, to);
    // What git moves or throws away although it is the user's, also when it refuses.
    const user_file orig_head(at_->git_dir / "ORIG_HEAD");
    const user_file message(at_->git_dir / "MERGE_MSG");
    const user_file merged(at_->git_dir / "AUTO_MERGE");
    const run_result done = fast_forward(to);
    const auto now = repo_.resolve(ref());
    if (now == to) return std::nullopt;
    if (moved_only_files(done.err)) command(*at_, {"read-tree", "-m", "-u", to, from}, guarded());
    if (now != from) return refusal{"branch '" + branch_ + "' moved meanwhile", {}, true};
    if (auto problem = overlap(files)) return problem;
    return refusal{"cannot bring " + where() + " forward: " + detail::complaint(done), {}};
  }

 private:
  /// A small file of the user's, put back as it was when this object goes.
  class user_file {
   public:
    explicit user_file(stdfs::path path)
        : path_(std::move(path)), before_(fs::try_read_file(path_)) {}
    user_file(const user_file&) = delete;
    user_file& operator=(const user_file&) = delete;
    ~user_file() {
      try {
        if (fs::try_read_file(path_) == before_) return;
        if (before_) fs::write_file_atomic(path_, *before_);
        else stdfs::remove(path_);
      } catch (const std::exception&) {  // nothing that counts hangs on it
      }
    }

   private:
    stdfs::path path_;
    std::optional<std::string> before_;
  };

  /// The first directory above a path that is a link in the checkout; empty when none is.
  std::string link_above(const std::string& path) const {
    std::error_code ignored;
    for (auto slash = path.find('/'); slash != std::string::npos; slash = path.find('/', slash + 1))
      if (stdfs::is_symlink(at_->work_tree / path.substr(0, slash), ignored))
        return path.substr(0, slash);
    return {};
  }

  std::string ref() const { return "refs/heads/" + branch_; }
  std::string where() const { return "'" + at_->work_tree.native() + "'"; }
  command_options guarded() const { return {.hold = {hold_}, .may_fail = true}; }

  std::optional<refusal> find() {
    at_.reset();
    if (is_here()) {
      at_ = repo_.where();
      return std::nullopt;
    }
    const location& here = repo_.where();
    for (const worktree& tree : worktrees(repo_)) {
      if (tree.branch != branch_ || tree.bare || tree.prunable) continue;
      if (tree.path == here.common_dir.parent_path())
        at_ = here.elsewhere(here.common_dir, tree.path);
      else at_ = tree.path == here.common_dir ? main_checkout() : find_worktree(repo_, tree.path);
      if (!at_)
        return refusal{"'" + branch_ + "' is checked out at '" + tree.path.native() +
                           "', which git describes in two ways",
                       {}};
    }
    return std::nullopt;
  }

  /// True when the checkout that we were opened in has the branch: the usual case, and cheap to see.
  bool is_here() const {
    const location& at = repo_.where();
    std::error_code ignored;
    if (at.work_tree.empty() || stdfs::is_symlink(at.git_dir / "HEAD", ignored)) return false;
    return fs::read_file(at.git_dir / "HEAD", 1 << 16) == "ref: " + ref() + "\n";
  }

  /// The main checkout of a repository whose git directory lies elsewhere: git lists only that.
  std::optional<location> main_checkout() const {
    const location& at = repo_.where();
    std::string top = command(at.elsewhere(at.common_dir, {}),
                              {"config", "--type=path", "core.worktree"}, guarded())
                          .out;
    if (top.empty()) return std::nullopt;
    top.pop_back();
    return at.elsewhere(at.common_dir, stdfs::weakly_canonical(at.common_dir / top));
  }

  /// The user's changes in files that are to be changed.
  std::optional<refusal> overlap(const std::vector<changed_file>& files) const {
    const auto touched = paths_of(files);
    std::vector<std::string> paths;
    for (const std::string& row :
         split_nul(command(*at_,
                           {"status", "--porcelain=v1", "-z", "--no-renames",
                            "--untracked-files=no", "--ignore-submodules=none"},
                           {.env = {"GIT_OPTIONAL_LOCKS=0"}, .hold = {hold_}})
                       .out))
      if (row.size() > 3 && touched.contains(row.substr(3))) paths.push_back(row.substr(3));
    if (paths.empty()) return std::nullopt;
    return in_the_way(std::move(paths));
  }

  refusal in_the_way(std::vector<std::string> paths, const std::string& more = {}) const {
    std::string reason = "you have changes in " + where() + " to files that the branch changes: " +
                         listed(paths) + more + "; commit or undo them";
    return {std::move(reason), std::move(paths)};
  }

  std::optional<refusal> move_ref(const std::string& from, const std::string& to) const {
    try {
      repo_.update_ref(ref(), to, from);
      return std::nullopt;
    } catch (const error& problem) {
      return refusal{problem.what(), {}, problem.code() == "EMOVED"};
    }
  }

  /// git leaves every other change there alone. A git of the user's that holds the index is waited for.
  run_result fast_forward(const std::string& to) const {
    for (int attempt = 0;; ++attempt) {
      auto done = command(*at_,
                          {"-c", "merge.verifySignatures=false", "merge", "--ff-only", "--quiet",
                           "--no-overwrite-ignore", "--no-autostash", "--no-stat", to},
                          guarded());
      bool locked = done.err.find("index.lock") != std::string::npos;
      if (done.code == 0 || !locked || attempt == 4) return done;
      timespec pause{0, 200'000'000};
      ::nanosleep(&pause, nullptr);
    }
  }

  /// True when git has updated the files and then could not move the branch: all other refusals come
  /// before it touches anything.
  static bool moved_only_files(const std::string& said) {
    for (const char* sign : {"cannot lock ref", "cannot update ref", "cannot update the ref",
                             "aborted by hook", "unable to write"})
      if (said.find(sign) != std::string::npos) return true;
    return false;
  }

  const repository& repo_;
  std::string branch_;
  int hold_;
  std::optional<location> at_;
};

}  // namespace agentlua::git
