#pragma once
// agentlua/git/tripwire.hpp: room 4. What an agent has moved or changed although it is not its own: refs, and
// files of other checkouts.

#include <sys/stat.h>

#include <map>
#include <string>

#include "agentlua/git/repository.hpp"
#include "agentlua/git/survey.hpp"
#include "agentlua/git/worktree.hpp"

namespace agentlua::git {

/// Where every ref is, HEAD included: name -> object, or "ref: NAME" for a symbolic one.
inline std::map<std::string, std::string> ref_values(const repository& repo) {
  std::map<std::string, std::string> values;
  const location& at = repo.where();
  for (const std::string& row : repository::split_lines(
           command(at, {"for-each-ref", "--format=%(refname) %(objectname) %(symref)"}).out)) {
    const auto first = row.find(' ');
    const auto second = row.find(' ', first + 1);
    const std::string symbolic = row.substr(second + 1);
    values[row.substr(0, first)] = symbolic.empty() ? row.substr(first + 1, second - first - 1)
                                                    : "ref: " + symbolic;
  }
  const command_options quiet{.may_fail = true};
  auto head = command(at, {"symbolic-ref", "--quiet", "HEAD"}, quiet);
  values["HEAD"] = head.code == 0 ? "ref: " + repository::split_lines(head.out).at(0)
                                  : line(at, {"rev-parse", "HEAD"}, quiet);
  return values;
}

/// What is told of a checkout by its index and the dates of its files, none of which is read.
struct checkout_mark {
  std::string head;   ///< commit; empty when unborn
  std::string mover;  ///< last_mover() of HEAD
  std::map<std::string, std::string>
      paths;  ///< changed, staged or untracked -> what tells two states apart
};

/// Committer name in the last entry of a ref's log; empty when it has none.
inline std::string last_mover(const location& at, const std::string& ref) {
  return line(at, {"reflog", "show", "-1", "--format=%gn", ref, "--"}, {.may_fail = true});
}

/// Looks at a checkout, in which somebody may be working, but which no work of ours is landing in: a landing
/// changes files and then HEAD. Untracked files only when asked for. Errors: EGIT, ELOCKED (the repository's
/// lock is not free within two seconds).
inline checkout_mark mark_checkout(const location& at, bool untracked) {
  auto lock = lock_repository(repository::at(at), seconds(2));
  auto status = command(at,
                        {"status", "--porcelain=v2", "-z", "--branch", "--no-renames",
                         "--no-ahead-behind", "--ignore-submodules=dirty",
                         untracked ? "--untracked-files=normal" : "--untracked-files=no"},
                        {.env = {"GIT_OPTIONAL_LOCKS=0"}});
  checkout_mark mark;
  for (const std::string& row : split_nul(status.out)) {
    if (row.starts_with("# branch.oid ") && !row.ends_with("(initial)")) mark.head = row.substr(13);
    if (row.starts_with('#')) continue;
    std::string_view path = row;
    detail::take_words(path, row[0] == '?' ? 1 : row[0] == 'u' ? 10 : 8);
    struct stat info {};
    std::string stamp = row;
    if (::lstat((at.work_tree / path).c_str(), &info) == 0)
      for (auto number : {info.st_size, info.st_mtim.tv_sec, info.st_mtim.tv_nsec,
                          info.st_ctim.tv_sec, info.st_ctim.tv_nsec})
        stamp += " " + std::to_string(number);
    mark.paths[std::string(path)] = std::move(stamp);
  }
  mark.mover = last_mover(at, "HEAD");
  return mark;
}

/// What put_back_ref() takes.
struct moved_ref {
  std::string ref;
  std::string before, now;  ///< where it was, and where it is
  std::string mover;        ///< committer name that the agent's git writes into reflogs
  std::string rescue;       ///< ref that keeps the moved value
};

/// Puts a ref back that was moved under the name `mover`, and keeps where it was moved to. Files of the
/// checkout that has the branch come back with it where nobody has changed them otherwise. False, and
/// nothing is changed, when somebody else moved it last, or has moved it since.
/// Errors: EGIT.
inline bool put_back_ref(const repository& repo, const moved_ref& moved) {
  if (last_mover(repo.where(), moved.ref) != moved.mover || repo.resolve(moved.ref) != moved.now)
    return false;
  repo.update_ref(moved.rescue, moved.now);
  try {
    repo.update_ref(moved.ref, moved.before, moved.now);
  } catch (const error& problem) {
    if (problem.code() != "EMOVED") throw;
    return false;
  }
  if (moved.ref == "refs/heads/" + repo.head_branch() && !repo.where().work_tree.empty())
    command(repo.where(), {"read-tree", "-m", "-u", moved.now, moved.before}, {.may_fail = true});
  return true;
}

}  // namespace agentlua::git
