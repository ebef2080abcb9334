#pragma once
// agentlua/git/worktree.hpp: room 4. Linked worktrees: add, find, adopt, list, repair.

#include <algorithm>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "agentlua/git/repository.hpp"
#include "agentlua/lock.hpp"

namespace agentlua::git {

/// One line of `git worktree list`.
struct worktree {
  stdfs::path path;
  std::string head;    ///< commit, empty when unborn
  std::string branch;  ///< without refs/heads/, empty when detached
  std::string reason;  ///< why it is locked
  bool bare = false, prunable = false, locked = false;
};

/// All checkouts of a repository, the main one first.
inline std::vector<worktree> worktrees(const repository& repo) {
  std::vector<worktree> list;
  for (const std::string& line :
       split_nul(command(repo.where(), {"worktree", "list", "--porcelain", "-z"}).out)) {
    auto after = [&](std::string_view word) { return line.substr(word.size()); };
    if (line.starts_with("worktree ")) list.push_back({after("worktree "), {}, {}, {}});
    if (list.empty()) continue;
    worktree& last = list.back();
    if (line.starts_with("HEAD ")) last.head = after("HEAD ");
    if (line.starts_with("branch refs/heads/")) last.branch = after("branch refs/heads/");
    if (line == "bare") last.bare = true;
    if (line.starts_with("prunable")) last.prunable = true;
    if (line.starts_with("locked")) last.locked = true;
    if (line.starts_with("locked ")) last.reason = after("locked ");
  }
  return list;
}

/// A path whose parents are resolved and whose last part is not: what a link there points to is
/// somebody else's.
inline stdfs::path real_place(const stdfs::path& path) {
  return stdfs::weakly_canonical(path.parent_path()) / path.filename();
}

namespace detail {

/// The path in a pointer file of git ("gitdir: <path>" or "<path>", perhaps relative to it); empty
/// when there is none.
inline stdfs::path pointed_at(const stdfs::path& file, std::string_view prefix = "") {
  std::string text = fs::try_read_file(file).value_or("");
  text.resize(std::min(text.find('\n'), text.size()));
  if (!text.starts_with(prefix) || text.size() == prefix.size()) return {};
  return real_place(file.parent_path() / text.substr(prefix.size()));
}

/// True when `admin`, remembered from when the worktree was made, can still be that of `path`: it
/// lies where git keeps them, and no other worktree has it by now.
inline bool may_be_admin(const repository& repo, const stdfs::path& admin,
                         const stdfs::path& path) {
  const stdfs::path place = repo.where().common_dir / "worktrees";
  if (admin.parent_path() != place ||
      stdfs::symlink_status(admin).type() != stdfs::file_type::directory)
    return false;
  if (pointed_at(path / ".git", "gitdir: ") == admin) return true;
  const stdfs::path named = pointed_at(admin / "gitdir");
  return named == path / ".git" || pointed_at(named, "gitdir: ") != admin;
}

}  // namespace detail

/// Where a linked worktree keeps its own state, found from the repository's side: the admin
/// directory that was remembered (`hint`, which counts while it can be true), else the one whose
/// `gitdir` names the worktree. nullopt when the repository knows no such worktree, or a link is
/// where it was.
inline std::optional<location> find_worktree(const repository& repo, const stdfs::path& path,
                                             const stdfs::path& hint = {}) {
  const stdfs::path& common = repo.where().common_dir;
  const stdfs::path real = real_place(path);
  if (stdfs::is_symlink(stdfs::symlink_status(real))) return std::nullopt;
  if (!hint.empty() && detail::may_be_admin(repo, hint, real))
    return repo.where().elsewhere(hint, real);
  for (const std::string& name : fs::list_directory(common / "worktrees"))
    if (detail::pointed_at(common / "worktrees" / name / "gitdir") == real / ".git")
      return repo.where().elsewhere(common / "worktrees" / name, real);
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
      std::string text = fs::try_read_file(dir / file).value_or("");
      text = text.substr(0, text.find('\n'));
      if (text == "refs/heads/" + branch || text == branch)
        return "a " + std::string(file[0] == 'B' ? "bisect" : "rebase") + " of branch '" + branch +
               "' is unfinished (" + dir.native() + ")";
    }
  return {};
}

/// The reason that a worktree is locked with; empty when it is not.
inline std::string lock_reason(const location& tree) {
  return fs::try_read_file(tree.git_dir / "locked").value_or("");
}

/// True when add_worktree() made a worktree: the reason that it is locked with says so.
inline bool is_own_worktree(const location& tree) {
  const std::string reason = lock_reason(tree);
  return reason.starts_with("used by agentlua") || reason.starts_with("kept by agentlua");
}

/// The reason that a worktree is locked with while restore() fills it. It has nothing of its own then.
inline constexpr const char* half_restored = "used by agentlua: being restored";

/// True when a restore() was cut off in it, or is under way by who holds the repository's lock.
inline bool is_half_restored(const location& tree) {
  return lock_reason(tree).starts_with(half_restored);
}

/// Lock that serializes what changes the shared part of a repository.
inline file_lock lock_repository(const repository& repo, seconds limit = seconds(120)) {
  return file_lock::acquire(repo.where().common_dir / "agentlua.lock", {}, limit);
}

/// The same. git fails at one that is half made, so it waits until that is made.
inline std::vector<worktree> settled_worktrees(const repository& repo) {
  try {
    return worktrees(repo);
  } catch (const error&) {
    auto lock = lock_repository(repo);
    return worktrees(repo);
  }
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
  auto made = command(repo.where(), args, {.hold = {lock.fd()}, .may_fail = true});
  // A hook that fails after the checkout is complete makes the whole command fail.
  auto tree = find_worktree(repo, path);
  const bool complete =
      made.code == 0 ||
      (tree &&
       command(*tree, {"diff-index", "--quiet", "HEAD", "--"}, {.may_fail = true}).code == 0);
  if (!complete) {
    if (!exists && repo.resolve("refs/heads/" + branch) == base)
      repo.delete_ref("refs/heads/" + branch, base);
    throw error("EGIT", "cannot make a worktree at '" + path.native() + "': " + made.err);
  }
  if (!tree) throw error("EGIT", "git made no worktree at '" + path.native() + "'");
  return *tree;
}

/// Brings the branches of a remote up to date, before a worktree is made from one of them. Asks nobody
/// for a password. Errors: EGIT.
inline void fetch(const repository& repo, const std::string& remote) {
  auto lock = lock_repository(repo);
  command(repo.where(), {"fetch", "--quiet", "--no-auto-gc", "--end-of-options", remote},
          {.hold = {lock.fd()}});
}

/// Pushes a branch to the branch of that name at a remote, never by force. Asks nobody for a password. Errors:
/// EGIT, with what the remote said.
inline void push(const repository& repo, const std::string& remote, const std::string& branch) {
  const std::string ref = "refs/heads/" + branch;
  command(repo.where(), {"push", "--quiet", "--end-of-options", remote, ref + ":" + ref});
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

/// Removes the locks that a killed git left in a linked worktree of ours, or a submodule in one (index, HEAD,
/// ...) and on its branch, and links in its state, through which git would write elsewhere. All processes that
/// worked there must be gone. What the repository shares, and the main checkout, are never touched.
inline void clear_stale_locks(const location& tree, const std::string& branch) {
  if (tree.git_dir == tree.common_dir && tree.origin.empty()) return;
  std::error_code ignored;
  for (const std::string& name : fs::list_directory(tree.git_dir))
    if (name.ends_with(".lock") || stdfs::is_symlink(tree.git_dir / name, ignored))
      stdfs::remove(tree.git_dir / name, ignored);
  if (stdfs::is_symlink(tree.git_dir / "logs/HEAD", ignored))
    stdfs::remove(tree.git_dir / "logs/HEAD", ignored);
  if (!branch.empty()) stdfs::remove(tree.common_dir / ("refs/heads/" + branch + ".lock"), ignored);
}

/// Puts right the files by which a worktree and its admin directory find each other; an agent can
/// write to all three. They are replaced, never written through. Errors: EGIT (a directory is there).
inline void repair_pointers(const location& tree) {
  auto put = [](const stdfs::path& file, const std::string& text) {
    if (stdfs::is_directory(stdfs::symlink_status(file)))
      throw error("EGIT",
                  "'" + file.native() + "' is a directory, perhaps a repository of its own; " +
                      "put it elsewhere");
    fs::write_file_atomic(file, text + "\n");
  };
  const stdfs::path dot_git = tree.work_tree / ".git";
  auto plain = [](const stdfs::path& file) {
    return stdfs::symlink_status(file).type() == stdfs::file_type::regular;
  };
  if (!plain(dot_git) || detail::pointed_at(dot_git, "gitdir: ") != tree.git_dir)
    put(dot_git, "gitdir: " + tree.git_dir.native());
  if (!plain(tree.git_dir / "gitdir") || detail::pointed_at(tree.git_dir / "gitdir") != dot_git)
    put(tree.git_dir / "gitdir", dot_git.native());
  detail::check_pointers(tree);
}

/// The linked worktree at `path`, to go on with after its last owner is gone; nullopt when the
/// repository knows none there. `hint`: its admin directory, remembered from when it was made. `named`:
/// path and branch have names that nobody else gives, so that it needs no other proof that it is ours.
/// Errors: EFOREIGN (we did not make it, or it has another branch).
inline std::optional<location> adopt_worktree(const repository& repo, const stdfs::path& path,
                                              const std::string& branch,
                                              const stdfs::path& hint = {}, bool named = false) {
  auto lock = lock_repository(repo);  // a git of the last owner may still be making or removing it
  auto tree = find_worktree(repo, path, hint);
  if (!tree) return std::nullopt;
  if (!named && (!is_own_worktree(*tree) || repository::at(*tree).head_branch() != branch))
    throw error("EFOREIGN",
                "worktree '" + path.native() + "' with branch '" + branch +
                    "' was not made by agentlua, or has another branch now; it is left alone");
  clear_stale_locks(*tree, branch);
  return tree;
}

}  // namespace agentlua::git
