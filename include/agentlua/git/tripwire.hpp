#pragma once
// agentlua/git/tripwire.hpp: room 4. Refs that an agent has moved although they are not its own.

#include <map>
#include <string>

#include "agentlua/git/repository.hpp"

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
  command_options quiet;
  quiet.may_fail = true;
  auto head = command(at, {"symbolic-ref", "--quiet", "HEAD"}, quiet);
  values["HEAD"] = head.code == 0 ? "ref: " + repository::split_lines(head.out).at(0)
                                  : line(at, {"rev-parse", "HEAD"}, quiet);
  return values;
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
  command_options quiet;
  quiet.may_fail = true;
  const std::string last = line(
      repo.where(), {"reflog", "show", "-1", "--format=%gn", moved.ref, "--"}, quiet);
  if (last != moved.mover || repo.resolve(moved.ref) != moved.now) return false;
  repo.update_ref(moved.rescue, moved.now);
  try {
    repo.update_ref(moved.ref, moved.before, moved.now);
  } catch (const error& problem) {
    if (problem.code() != "EMOVED") throw;
    return false;
  }
  if (moved.ref == "refs/heads/" + repo.head_branch() && !repo.where().work_tree.empty())
    command(repo.where(), {"read-tree", "-m", "-u", moved.now, moved.before}, quiet);
  return true;
}

}  // namespace agentlua::git
