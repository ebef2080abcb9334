#pragma once
// agentlua/git/sweep.hpp: room 4. What processes of ours have left in git directories when they were killed.

#include <sys/stat.h>
#include <time.h>

#include <map>
#include <string>
#include <vector>

#include "agentlua/fs.hpp"
#include "agentlua/git/objects.hpp"
#include "agentlua/git/worktree.hpp"

namespace agentlua::git {

namespace detail {

/// Removes those of these locks of git that stay. The caller holds the lock of the repository, so that a git
/// of ours that made one is gone; a git of the user's takes them for a moment.
inline void remove_stale_locks(const std::vector<stdfs::path>& paths) {
  auto look = [&paths] {
    std::map<stdfs::path, ino_t> locks;
    struct stat info {};
    for (const stdfs::path& path : paths)
      if (::lstat(path.c_str(), &info) == 0) locks[path] = info.st_ino;
    return locks;
  };
  const auto before = look();
  if (before.empty()) return;
  timespec second{1, 0};
  ::nanosleep(&second, nullptr);
  for (const auto& [path, inode] : look())
    if (auto same = before.find(path); same != before.end() && same->second == inode)
      ::unlink(path.c_str());
}

/// Locks on our refs, on branches, and on all refs that are packed.
inline std::vector<stdfs::path> ref_locks(const stdfs::path& common) {
  std::vector<stdfs::path> locks = {common / "packed-refs.lock"};
  std::error_code gone;
  for (const stdfs::path& dir : {common / repository::own_refs, common / "refs/heads"})
    for (stdfs::recursive_directory_iterator at(dir, gone), end; at != end; at.increment(gone))
      if (at->path().extension() == ".lock") locks.push_back(at->path());
  return locks;
}

/// True when a git works in a checkout: that one's top is then its current directory.
inline bool git_works_in(const stdfs::path& checkout) {
  for (const std::string& pid : fs::list_directory("/proc")) {
    if (pid.find_first_not_of("0123456789") != std::string::npos) continue;
    const stdfs::path process = "/proc/" + pid;
    std::error_code gone;
    if (stdfs::read_symlink(process / "cwd", gone) == checkout &&
        stdfs::read_symlink(process / "exe", gone).filename() == "git")
      return true;
  }
  return false;
}

/// Removes the locks in the checkout that a landing leaves when its git is killed. The caller holds the lock of
/// the repository. Nothing is removed while a git works there: it may wait for an editor.
inline void sweep_landing_locks(const repository& repo) {
  const location& at = repo.where();
  if (git_works_in(at.work_tree)) return;
  remove_stale_locks(
      {at.git_dir / "index.lock", at.git_dir / "HEAD.lock", at.git_dir / "ORIG_HEAD.lock"});
}

/// Temporary files, and directories of our own whose owner is gone.
inline void sweep_directory(const stdfs::path& dir) {
  fs::sweep_temporaries(dir);
  for (const std::string& name : fs::list_directory(dir)) {
    if (!name.starts_with(scratch_directory::prefix)) continue;
    std::error_code stays;
    if (auto fd = fs::lock_abandoned(dir / name)) stdfs::remove_all(dir / name, stays);
  }
}

}  // namespace detail

/// Removes what killed processes of ours have left in the git directory and in those of the linked
/// worktrees. Waits for whoever is changing the repository. Errors: ELOCKED, EACCES.
inline void sweep(const repository& repo) {
  auto lock = lock_repository(repo);
  const stdfs::path& common = repo.where().common_dir;
  detail::remove_stale_locks(detail::ref_locks(common));
  detail::sweep_directory(common);
  for (const std::string& name : fs::list_directory(common / "worktrees"))
    detail::sweep_directory(common / "worktrees" / name);
}

}  // namespace agentlua::git
