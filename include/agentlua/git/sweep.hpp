#pragma once
// agentlua/git/sweep.hpp: room 4. What processes of ours have left in git directories when they were killed.

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>

#include <map>
#include <string>

#include "agentlua/fs.hpp"
#include "agentlua/git/objects.hpp"
#include "agentlua/git/worktree.hpp"

namespace agentlua::git {

namespace detail {

/// Removes the locks on pending refs. Those change only under the lock of the repository, which the
/// caller holds, so that who made them is gone; but a git of the user's that packs refs takes them for
/// a moment, so that only one that stays counts.
inline void sweep_ref_locks(const stdfs::path& dir) {
  auto look = [&dir] {
    std::map<std::string, ino_t> locks;
    struct stat info {};
    for (const std::string& name : fs::list_directory(dir))
      if (name.ends_with(".lock") && ::lstat((dir / name).c_str(), &info) == 0)
        locks[name] = info.st_ino;
    return locks;
  };
  const auto before = look();
  if (before.empty()) return;
  timespec second{1, 0};
  ::nanosleep(&second, nullptr);
  for (const auto& [name, inode] : look())
    if (auto same = before.find(name); same != before.end() && same->second == inode)
      ::unlink((dir / name).c_str());
}

/// Temporary files, and directories of save() whose owner is gone.
inline void sweep_directory(const stdfs::path& dir) {
  fs::sweep_temporaries(dir);
  for (const std::string& name : fs::list_directory(dir)) {
    if (!name.starts_with(scratch_directory::prefix)) continue;
    agentlua::detail::unique_fd fd(
        ::open((dir / name).c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW));
    struct stat info {};
    if (!fd || ::fstat(fd.get(), &info) != 0 || info.st_mtime > ::time(nullptr) - 60) continue;
    std::error_code stays;
    if (::flock(fd.get(), LOCK_EX | LOCK_NB) == 0) stdfs::remove_all(dir / name, stays);
  }
}

}  // namespace detail

/// Removes what killed processes of ours have left in the git directory and in those of the linked
/// worktrees. Waits for whoever is changing the repository. Errors: ELOCKED, EACCES.
inline void sweep(const repository& repo) {
  auto lock = lock_repository(repo);
  const stdfs::path& common = repo.where().common_dir;
  detail::sweep_ref_locks(common / repository::own_refs);
  detail::sweep_directory(common);
  for (const std::string& name : fs::list_directory(common / "worktrees"))
    detail::sweep_directory(common / "worktrees" / name);
}

}  // namespace agentlua::git
