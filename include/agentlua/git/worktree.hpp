#pragma once
// agentlua/git/worktree.hpp: room 4. Linked worktrees: add, adopt, list, remove without force.

#include <optional>
#include <string>
#include <vector>

#include "agentlua/git/repository.hpp"
#include "agentlua/lock.hpp"

namespace agentlua::git {

/// One line of `git worktree list`.
struct worktree {
  stdfs::path path;
  std::string head;    ///< commit, empty when unborn
  std::string branch;  ///< without refs/heads/, empty when detached
  bool bare = false, prunable = false, locked = false;
};

/// All checkouts of a repository, the main one first.
inline std::vector<worktree> worktrees(const repository& repo) {
  std::vector<worktree> list;
  for (const std::string& line :
       split_nul(command(repo.where(), {"worktree", "list", "--porcelain", "-z"}).out)) {
    auto after = [&](std::string_view word) { return line.substr(word.size()); };
    if (line.starts_with("worktree ")) list.push_back({after("worktree "), {}, {}});
    if (list.empty()) continue;
    worktree& last = list.back();
    if (line.starts_with("HEAD ")) last.head = after("HEAD ");
    if (line.starts_with("branch refs/heads/")) last.branch = after("branch refs/heads/");
    if (line == "bare") last.bare = true;
    if (line.starts_with("prunable")) last.prunable = true;
    if (line.starts_with("locked")) last.locked = true;
  }
  return list;
}

/// Where a linked worktree keeps its own state, found from the repository's side: the admin
/// directory whose `gitdir` names it. nullopt when the repository knows no such worktree.
inline std::optional<location> find_worktree(const repository& repo, const stdfs::path& path) {
  const stdfs::path admin = repo.where().common_dir / "worktrees";
  const stdfs::path wanted = stdfs::weakly_canonical(path) / ".git";
  for (const std::string& name : fs::list_directory(admin)) {
    std::error_code ignored;
    std::string pointer;
    try {
      pointer = fs::read_file(admin / name / "gitdir", 1 << 16);
    } catch (const error&) {
      continue;
    }
    if (auto end = pointer.find('\n'); end != std::string::npos) pointer.resize(end);
    if (stdfs::weakly_canonical(pointer, ignored) == wanted)
      return repo.where().elsewhere(admin / name, stdfs::weakly_canonical(path));
  }
  return std::nullopt;
}

/// The operation that a checkout is in the middle of ("merge", "rebase", ...), or empty.
inline std::string unfinished_operation(const location& at) {
  struct sign {
    const char* file;
    const char* name;
  };
  for (auto [file, name] :
       {sign{"MERGE_HEAD", "merge"},
        {"CHERRY_PICK_HEAD", "cherry-pick"},
        {"REVERT_HEAD", "revert"},
        {"BISECT_LOG", "bisect"},
        {"rebase-merge", "rebase"},
        {"rebase-apply", "rebase"},
        {"sequencer", "sequence of picks"}})
    if (stdfs::exists(at.git_dir / file)) return name;
  return {};
}

/// Where a branch is in the middle of a rebase or a bisect, as a sentence; empty when nowhere. HEAD is
/// detached then, so that nothing else tells.
inline std::string branch_in_operation(const repository& repo, const std::string& branch) {
  const stdfs::path& common = repo.where().common_dir;
  std::vector<stdfs::path> dirs = {common};
  for (const std::string& name : fs::list_directory(common / "worktrees"))
    dirs.push_back(common / "worktrees" / name);
  for (const stdfs::path& dir : dirs)
    for (const char* file : {"rebase-merge/head-name", "rebase-apply/head-name", "BISECT_START"}) {
      std::string text;
      try {
        text = fs::read_file(dir / file, 1 << 16);
      } catch (const error&) {
        continue;
      }
      text = text.substr(0, text.find('\n'));
      if (text == "refs/heads/" + branch || text == branch)
        return "a " + std::string(file[0] == 'B' ? "bisect" : "rebase") + " of branch '" + branch +
               "' is unfinished (" + dir.native() + ")";
    }
  return {};
}

/// True when add_worktree() made a worktree: the reason that it is locked with says so.
inline bool is_own_worktree(const location& tree) {
  try {
    const std::string reason = fs::read_file(tree.git_dir / "locked", 1 << 16);
    return reason.starts_with("used by agentlua") || reason.starts_with("kept by agentlua");
  } catch (const error&) {
    return false;
  }
}

/// Lock that serializes what changes the shared part of a repository.
inline file_lock lock_repository(const repository& repo, seconds limit = seconds(120)) {
  return file_lock::acquire(repo.where().common_dir / "agentlua.lock", {}, limit);
}

/// Makes a worktree at `path` with `branch` checked out: a new branch at `base` (a commit), or the
/// existing branch of that name, whose work goes on. It stays locked against pruning.
/// Errors: EEXIST (the path is taken), EBUSY (the branch is checked out elsewhere), EGIT.
inline location add_worktree(const repository& repo, const stdfs::path& path,
                             const std::string& branch, const std::string& base) {
  if (stdfs::exists(stdfs::symlink_status(path)))
    throw error("EEXIST", "cannot make a worktree at '" + path.native() + "': something is there");
  auto lock = lock_repository(repo);
  for (const worktree& other : worktrees(repo))
    if (other.branch == branch && !other.prunable)
      throw error("EBUSY",
                  "branch '" + branch + "' is checked out at '" + other.path.native() + "'");
  fs::make_directories(path.parent_path());
  bool exists = repo.resolve("refs/heads/" + branch).has_value();
  std::vector<std::string> args = {
      "worktree", "add", "--quiet", "--lock", "--reason", "used by agentlua"};
  if (exists) {
    args.insert(args.end(), {"--", path.native(), branch});
  } else {
    args.insert(args.end(), {"--no-track", "-b", branch, "--", path.native(), base});
  }
  command_options options;
  options.hold = {lock.fd()};
  options.may_fail = true;
  auto made = command(repo.where(), args, options);
  if (made.code != 0) {
    if (!exists && repo.resolve("refs/heads/" + branch) == base)
      repo.delete_ref("refs/heads/" + branch, base);
    throw error("EGIT", "cannot make a worktree at '" + path.native() + "': " + made.err);
  }
  auto tree = find_worktree(repo, path);
  if (!tree) throw error("EGIT", "git made no worktree at '" + path.native() + "'");
  return *tree;
}

/// Removes a worktree that holds nothing unsaved. git refuses when a file was changed or is
/// untracked, and that refusal stands. Ignored files go with it, so save first. The branch goes too
/// when it is still at `branch_tip`; empty keeps it. `never_used` is for a worktree that a crash
/// left half made: no agent has been in it, so what looks changed is only what git did not finish.
/// Errors: EDIRTY (git's refusal), EGIT.
inline void remove_worktree(const repository& repo, const location& tree, const std::string& branch,
                            const std::string& branch_tip, bool never_used = false) {
  auto lock = lock_repository(repo);
  command_options options;
  options.may_fail = true;
  options.hold = {lock.fd()};
  const std::string path = tree.work_tree.native();
  if (stdfs::exists(tree.work_tree) || find_worktree(repo, tree.work_tree)) {
    command(repo.where(), {"worktree", "unlock", path}, options);
    std::vector<std::string> args = {"worktree", "remove"};
    if (never_used) args.emplace_back("--force");
    args.insert(args.end(), {"--", path});
    auto gone = command(repo.where(), args, options);
    if (gone.code != 0) {
      command(repo.where(), {"worktree", "lock", "--reason", "kept by agentlua", path}, options);
      throw error("EDIRTY", "worktree '" + path + "' is kept: " + gone.err);
    }
  }
  if (!branch_tip.empty() && repo.resolve("refs/heads/" + branch) == branch_tip)
    repo.delete_ref("refs/heads/" + branch, branch_tip);
}

/// Those of `paths` (relative to the checkout) that git ignores.
inline std::vector<std::string> ignored_paths(const location& at,
                                              const std::vector<std::string>& paths) {
  command_options options;
  options.may_fail = true;  // 1: none is ignored
  for (const std::string& path : paths) options.input.append(path).push_back('\0');
  if (paths.empty()) return {};
  return split_nul(command(at, {"check-ignore", "-z", "--stdin"}, options).out);
}

/// Removes the locks that a killed git left in a linked worktree of ours (index, HEAD, ...) and on
/// its branch. All processes that worked there must be gone. What the repository shares, and the
/// main checkout, are never touched.
inline void clear_stale_locks(const location& tree, const std::string& branch) {
  if (tree.git_dir == tree.common_dir) return;
  std::error_code ignored;
  for (const std::string& name : fs::list_directory(tree.git_dir))
    if (name.ends_with(".lock")) stdfs::remove(tree.git_dir / name, ignored);
  if (!branch.empty()) stdfs::remove(tree.common_dir / ("refs/heads/" + branch + ".lock"), ignored);
}

/// The linked worktree at `path`, to go on with after its last owner is gone; nullopt when the
/// repository knows none there. `named`: path and branch have names that nobody else gives, so that it
/// needs no other proof that it is ours.
/// Errors: EFOREIGN (we did not make it, or it has another branch).
inline std::optional<location> adopt_worktree(const repository& repo, const stdfs::path& path,
                                              const std::string& branch, bool named = false) {
  auto lock = lock_repository(repo);  // a git of the last owner may still be making or removing it
  auto tree = find_worktree(repo, path);
  if (!tree) return std::nullopt;
  if (!named && (!is_own_worktree(*tree) || repository::at(*tree).head_branch() != branch))
    throw error("EFOREIGN",
                "worktree '" + path.native() + "' with branch '" + branch +
                    "' was not made by agentlua, or has another branch now; it is left alone");
  clear_stale_locks(*tree, branch);
  return tree;
}

}  // namespace agentlua::git
