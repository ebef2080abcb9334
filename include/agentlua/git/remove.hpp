#pragma once
// agentlua/git/remove.hpp: room 4. Removing a linked worktree: never by force, never through a link,
// never under a process that is in it.

#include <sys/stat.h>
#include <time.h>

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <optional>
#include <string>
#include <vector>

#include "agentlua/detail/unique_fd.hpp"
#include "agentlua/git/objects.hpp"
#include "agentlua/git/repository.hpp"
#include "agentlua/git/saved.hpp"
#include "agentlua/git/submodules.hpp"
#include "agentlua/git/worktree.hpp"
#include "agentlua/text.hpp"

namespace agentlua::git {

namespace detail {

/// The living processes, ours included, that have their current or root directory in `dir`, the first
/// three of them: "process 12 (sleep)". Those of other users cannot be looked at.
inline std::string processes_inside(const stdfs::path& dir) {
  std::string found;
  int count = 0;
  for (const std::string& pid : fs::list_directory("/proc")) {
    if (pid.find_first_not_of("0123456789") != std::string::npos) continue;
    auto inside = [&](const char* link) {
      std::error_code gone;
      const std::string at = stdfs::read_symlink("/proc/" + pid + link, gone).native();
      return at == dir.native() || at.starts_with(dir.native() + "/");
    };
    if (!inside("/cwd") && !inside("/root")) continue;
    const auto name = fs::try_read_file("/proc/" + pid + "/comm");
    if (!name) continue;  // it has just ended
    if (++count > 3) break;
    found += (count > 1 ? ", process " : "process ") + pid + " (" +
             text::printable(name->substr(0, name->find('\n'))) + ")";
  }
  return found;
}

inline bool later(const timespec& a, const timespec& b) {
  return a.tv_sec > b.tv_sec || (a.tv_sec == b.tv_sec && a.tv_nsec > b.tv_nsec);
}

/// A moment that separates files by their dates: those changed before it have no later date, and those
/// changed from the return on have one. Kernels date files with a clock of milliseconds, or exactly.
inline timespec file_time() {
  timespec moment{};
  timespec now{};
  ::clock_gettime(CLOCK_REALTIME, &moment);
  do {
    timespec nap{0, 1'000'000};
    ::nanosleep(&nap, nullptr);
    ::clock_gettime(CLOCK_REALTIME_COARSE, &now);
  } while (!later(now, moment));
  return moment;
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
      const bool fresh = later(info.st_ctim, since);
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

bool nothing_unsaved(const location& tree, const std::string& saved);

/// Why a worktree must stay because of a submodule in use, of which only the worktree may have something;
/// empty when it has none, or only empty ones, or all is saved.
inline std::string submodule_in_use(const location& tree, const std::string& saved) {
  std::error_code none;
  auto filled = [&](const stdfs::path& dir) {
    auto status = stdfs::symlink_status(dir, none);
    return stdfs::exists(status) && !(stdfs::is_directory(status) && stdfs::is_empty(dir, none));
  };
  const auto known = submodules_of(tree);
  std::map<std::string, std::string> kept;
  if (!saved.empty() && !known.empty()) kept = saved_submodules(read_state(tree, saved));
  for (const tree_entry& link : gitlinks(tree)) {
    if (!filled(tree.work_tree / link.path)) continue;
    std::string name = "the submodule '" + text::printable(link.path) + "' ";
    auto one = std::find_if(known.begin(), known.end(), [&](const submodule& its) {
      return its.path == link.path;
    });
    if (one == known.end())
      return name + "is checked out in it, and its commits may be nowhere else";
    if (!nothing_unsaved(one->at, kept[link.path])) return name + "has changes that are not saved";
    if (auto reason = submodule_in_use(one->at, kept[link.path]); !reason.empty())
      return "in " + name.append(reason);
  }
  for (const stdfs::path& name : submodule_names(tree.git_dir)) {
    const std::string dir = (tree.git_dir / "modules" / name).native();
    auto at = submodule_location(tree, name, "");
    if (!at) return "it has a submodule of its own in '" + dir + "'";
    if (!refs_only_here(*at).empty())
      return "its submodule in '" + dir + "' has commits that the main clone does not have";
  }
  return {};
}

/// Refuses what is no directory of ours, or somebody is in. `path` has its parents resolved.
inline void check_removable(const stdfs::path& path) {
  auto status = stdfs::symlink_status(path);
  if (!stdfs::is_directory(status))
    throw error("ELOOP", "'" + path.native() + "' is kept: it is " +
                             (stdfs::is_symlink(status) ? "a symbolic link" : "no directory") +
                             ", not the worktree that was made there");
  if (auto busy = processes_inside(path); !busy.empty())
    throw error("EBUSY", "worktree '" + path.native() + "' is kept: " + busy +
                             " is in it; end it, or let it leave the directory");
}

/// True when every file of a worktree that git does not ignore is in the commit `saved`, byte for
/// byte. Without one: when nothing was changed, new or staged. Submodules are not looked into.
inline bool nothing_unsaved(const location& tree, const std::string& saved) {
  if (saved.empty())
    return command(tree, {"status", "--porcelain", "-z", "--ignore-submodules=dirty"}).out.empty();
  const scratch_directory own(tree.git_dir);
  command_options options = with_index(own / "index");
  options.may_fail = true;
  // Not the index that is there: marks in it, such as assume-unchanged, would hide files.
  if (command(tree, {"read-tree", "--end-of-options", saved}, options).code != 0) return false;
  command(tree, {"update-index", "-q", "--refresh"}, options);
  auto changed = command(
      tree, {"diff-files", "--name-only", "-z", "--diff-filter=d", "--ignore-submodules=dirty"},
      options);
  auto fresh = command(tree, {"ls-files", "-z", "--others", "--exclude-standard"}, options);
  return changed.code == 0 && changed.out.empty() && fresh.code == 0 && fresh.out.empty();
}

/// What the lock of a worktree says while its files are removed here: since when they may have changed.
inline constexpr const char* half_removed = "kept by agentlua: being removed since ";

inline void mark_half_removed(const location& tree, const timespec& since) {
  fs::write_file_atomic(tree.git_dir / "locked", half_removed + std::to_string(since.tv_sec) + " " +
                                                     std::to_string(since.tv_nsec) + "\n");
}

/// The moment in that mark, when a removal was cut off after it.
inline std::optional<timespec> half_removed_since(const location& tree) {
  const std::string text = lock_reason(tree);
  if (!text.starts_with(half_removed)) return std::nullopt;
  char* rest = nullptr;
  timespec since{};
  since.tv_sec = std::strtol(text.c_str() + std::strlen(half_removed), &rest, 10);
  since.tv_nsec = std::strtol(rest, nullptr, 10);
  return since;
}

/// Removes the files of a worktree that are known to be saved, then what git knows of it. Whoever comes
/// after a crash goes on from the mark, and does not take what is left for the work.
inline run_result remove_files(const repository& repo, const location& tree, const timespec& since,
                               const command_options& options) {
  mark_half_removed(tree, since);
  remove_tree(tree.work_tree, since);
  return command(repo.where(),
                 {"worktree", "remove", "--force", "--force", "--", tree.work_tree.native()},
                 options);
}

/// Removes a worktree that git knows. What git refuses because it was changed or has submodules goes
/// when nothing in it is unsaved; when git stops half way the rest follows.
inline void remove_known(const repository& repo, const location& tree, const std::string& saved,
                         bool never_used, command_options options) {
  const std::string path = tree.work_tree.native();
  const bool there = stdfs::exists(stdfs::symlink_status(tree.work_tree));
  if (auto cut_off = half_removed_since(tree)) {
    auto gone = remove_files(repo, tree, *cut_off, options);
    if (gone.code == 0) return;
    throw error("EGIT", "worktree '" + path + "' cannot be forgotten: " + gone.err);
  }
  if (there) repair_pointers(tree);
  const timespec since = file_time();
  command(repo.where(), {"worktree", "unlock", path}, options);
  std::vector<std::string> args = {"worktree", "remove"};
  if (never_used) args.emplace_back("--force");
  args.insert(args.end(), {"--", path});
  auto forgotten = [&] { return !stdfs::exists(tree.git_dir); };
  try {
    auto gone = command(repo.where(), args, options);
    if (gone.code == 0) return;
    if (forgotten()) return remove_tree(tree.work_tree, since);
    std::string reason = there ? submodule_in_use(tree, saved) : gone.err;
    if (reason.empty() && nothing_unsaved(tree, saved)) {
      gone = remove_files(repo, tree, since, options);
      if (gone.code == 0) return;
    }
    throw error("EDIRTY",
                "worktree '" + path + "' is kept: " + (reason.empty() ? gone.err : reason));
  } catch (const error&) {
    if (!forgotten())
      command(repo.where(), {"worktree", "lock", "--reason", "kept by agentlua", path}, options);
    throw;
  }
}

}  // namespace detail

/// Removes a worktree that holds nothing unsaved. When a file was changed or is untracked it is
/// removed only if all are in the commit `saved`, see save(), which is looked at once more. Ignored
/// files go with it, so save first. The branch goes too when it is still at `branch_tip` and checked
/// out nowhere; empty keeps it. `never_used` is for a worktree that a crash left half made: no agent
/// has been in it, so what looks changed is only what git did not finish. One that is gone already
/// is well.
/// Errors: EDIRTY (unsaved work, a submodule in use), EBUSY (a process is in it, or still writes),
/// ELOOP (a link is there instead), EGIT.
inline void remove_worktree(const repository& repo, const location& tree, const std::string& branch,
                            const std::string& branch_tip, bool never_used = false,
                            const std::string& saved = {}) {
  auto lock = lock_repository(repo);
  const command_options options{.hold = {lock.fd()}, .may_fail = true};
  const stdfs::path path = real_place(tree.work_tree);
  const bool there = stdfs::exists(stdfs::symlink_status(path));
  if (there) detail::check_removable(path);
  auto known = find_worktree(repo, path, tree.git_dir);
  if (there && !known)
    throw error("EDIRTY", "'" + path.native() + "' is kept: git knows no worktree there");
  if (known)
    detail::remove_known(repo, *known, saved, never_used || is_half_restored(*known), options);
  if (branch_tip.empty() || repo.resolve("refs/heads/" + branch) != branch_tip) return;
  for (const worktree& other : worktrees(repo))
    if (other.branch == branch) return;
  repo.delete_ref("refs/heads/" + branch, branch_tip);
}

}  // namespace agentlua::git
