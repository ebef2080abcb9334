#pragma once
// agentlua/git/remove.hpp: room 4. Removing a linked worktree: never by force, never through a link,
// never under a process that is in it.

#include <sys/stat.h>
#include <time.h>

#include <algorithm>
#include <string>
#include <vector>

#include "agentlua/detail/unique_fd.hpp"
#include "agentlua/git/repository.hpp"
#include "agentlua/git/worktree.hpp"
#include "agentlua/text.hpp"

namespace agentlua::git {

namespace detail {

/// "process 12 (sleep)" when a living process, ours included, has its current or root directory in
/// `dir`; empty when none has. Processes of other users cannot be looked at.
inline std::string process_inside(const stdfs::path& dir) {
  for (const std::string& pid : fs::list_directory("/proc")) {
    if (pid.find_first_not_of("0123456789") != std::string::npos) continue;
    for (const char* link : {"/cwd", "/root"}) {
      std::error_code gone;
      const std::string at = stdfs::read_symlink("/proc/" + pid + link, gone).native();
      if (at != dir.native() && !at.starts_with(dir.native() + "/")) continue;
      std::string name = "?";
      try {
        name = fs::read_file("/proc/" + pid + "/comm");
      } catch (const error&) {
        continue;  // it has just ended
      }
      return "process " + pid + " (" + text::printable(name.substr(0, name.find('\n'))) + ")";
    }
  }
  return {};
}

/// Removes what is in a directory: links as links, nothing on another file system, and no file that
/// was changed since a moment, for nobody has saved it. False when something stays.
inline bool empty_directory(int dir, dev_t device, const timespec& since) {
  bool empty = true;
  for (const std::string& name : fs::list_directory("/proc/self/fd/" + std::to_string(dir))) {
    struct stat info {};
    if (::fstatat(dir, name.c_str(), &info, AT_SYMLINK_NOFOLLOW) != 0) continue;
    if (S_ISDIR(info.st_mode)) {
      agentlua::detail::unique_fd inner(
          ::openat(dir, name.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
      empty = inner && info.st_dev == device && empty_directory(inner.get(), device, since) &&
              ::unlinkat(dir, name.c_str(), AT_REMOVEDIR) == 0 && empty;
    } else {
      const bool fresh = info.st_ctim.tv_sec > since.tv_sec ||
                         (info.st_ctim.tv_sec == since.tv_sec &&
                          info.st_ctim.tv_nsec >= since.tv_nsec);
      empty = !fresh && ::unlinkat(dir, name.c_str(), 0) == 0 && empty;
    }
  }
  return empty;
}

/// Removes a directory of ours and what is in it, as empty_directory() does; again for half a second
/// while somebody still writes. Errors: EBUSY (something stays; it is named).
inline void remove_tree(const stdfs::path& path, const timespec& since) {
  for (int attempt = 0; attempt < 5; ++attempt) {
    agentlua::detail::unique_fd dir(
        ::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
    struct stat info {};
    if (!dir && errno == ENOENT) return;
    if (dir && ::fstat(dir.get(), &info) == 0 && empty_directory(dir.get(), info.st_dev, since) &&
        ::rmdir(path.c_str()) == 0)
      return;
    timespec nap{0, 100'000'000};
    ::nanosleep(&nap, nullptr);
  }
  throw error("EBUSY", "'" + path.native() +
                           "' could be removed only in part: what is left was written meanwhile or "
                           "cannot be deleted; look at it and remove it by hand");
}

/// Submodules of a checkout, as paths.
inline std::vector<std::string> submodules(const location& tree) {
  std::vector<std::string> paths;
  for (const std::string& row : split_nul(command(tree, {"ls-files", "-z", "--stage"}).out))
    if (row.starts_with("160000 ")) paths.push_back(row.substr(row.find('\t') + 1));
  return paths;
}

/// Refuses a worktree with a submodule in use: its commits may be nowhere else.
inline void refuse_submodules(const location& tree, const std::vector<std::string>& paths) {
  std::error_code none;
  auto filled = [&](const stdfs::path& dir) {
    auto status = stdfs::symlink_status(dir, none);
    return stdfs::exists(status) && !(stdfs::is_directory(status) && stdfs::is_empty(dir, none));
  };
  for (const std::string& path : paths)
    if (filled(tree.work_tree / path))
      throw error("EDIRTY", "worktree '" + tree.work_tree.native() + "' is kept: the submodule '" +
                                text::printable(path) + "' is checked out in it, and its commits " +
                                "may be nowhere else");
  if (filled(tree.git_dir / "modules"))
    throw error("EDIRTY", "worktree '" + tree.work_tree.native() + "' is kept: it has submodules " +
                              "of its own in '" + (tree.git_dir / "modules").native() + "'");
}

/// Refuses what is no directory of ours, or somebody is in. `path` has its parents resolved.
inline void check_removable(const stdfs::path& path) {
  auto status = stdfs::symlink_status(path);
  if (!stdfs::is_directory(status))
    throw error("ELOOP", "'" + path.native() + "' is kept: it is " +
                             (stdfs::is_symlink(status) ? "a symbolic link" : "no directory") +
                             ", not the worktree that was made there");
  if (auto busy = process_inside(path); !busy.empty())
    throw error("EBUSY", "worktree '" + path.native() + "' is kept: " + busy +
                             " is in it; end it, or let it leave the directory");
}

/// Has git remove a worktree that it knows. When git stopped half way the rest follows.
inline void remove_known(const repository& repo, const location& tree, bool never_used,
                         command_options options) {
  const std::string path = tree.work_tree.native();
  const bool there = stdfs::exists(stdfs::symlink_status(tree.work_tree));
  auto links = there && !never_used ? submodules(tree) : std::vector<std::string>{};
  if (there && !never_used) refuse_submodules(tree, links);
  if (there) repair_pointers(tree);
  timespec since{};
  ::clock_gettime(CLOCK_REALTIME_COARSE, &since);
  command(repo.where(), {"worktree", "unlock", path}, options);
  // git removes no worktree with a submodule, not even with an empty one.
  if (!links.empty()) {
    std::vector<std::string> look = {"status", "--porcelain", "-z", "--ignore-submodules=none"};
    if (command(tree, look).out.empty()) remove_tree(tree.work_tree, since);
  }
  std::vector<std::string> args = {"worktree", "remove"};
  if (never_used) args.emplace_back("--force");
  args.insert(args.end(), {"--", path});
  auto gone = command(repo.where(), args, options);
  if (gone.code == 0) return;
  if (!stdfs::exists(tree.git_dir)) return remove_tree(tree.work_tree, since);
  command(repo.where(), {"worktree", "lock", "--reason", "kept by agentlua", path}, options);
  throw error("EDIRTY", "worktree '" + path + "' is kept: " + gone.err);
}

}  // namespace detail

/// Removes a worktree that holds nothing unsaved. git refuses when a file was changed or is
/// untracked, and that refusal stands. Ignored files go with it, so save first. The branch goes too
/// when it is still at `branch_tip` and checked out nowhere; empty keeps it. `never_used` is for a
/// worktree that a crash left half made: no agent has been in it, so what looks changed is only what
/// git did not finish. A worktree that is gone already is well.
/// Errors: EDIRTY (git's refusal, a submodule), EBUSY (a process is in it, or something still writes),
/// ELOOP (a link is there instead), EGIT.
inline void remove_worktree(const repository& repo, const location& tree, const std::string& branch,
                            const std::string& branch_tip, bool never_used = false) {
  auto lock = lock_repository(repo);
  command_options options;
  options.may_fail = true;
  options.hold = {lock.fd()};
  const stdfs::path path = real_place(tree.work_tree);
  const bool there = stdfs::exists(stdfs::symlink_status(path));
  if (there) detail::check_removable(path);
  auto known = find_worktree(repo, path, tree.git_dir);
  if (there && !known)
    throw error("EDIRTY", "'" + path.native() + "' is kept: git knows no worktree there");
  if (known) detail::remove_known(repo, *known, never_used, options);
  if (branch_tip.empty() || repo.resolve("refs/heads/" + branch) != branch_tip) return;
  for (const worktree& other : worktrees(repo))
    if (other.branch == branch) return;
  repo.delete_ref("refs/heads/" + branch, branch_tip);
}

}  // namespace agentlua::git
