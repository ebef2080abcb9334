#pragma once
// agentlua/git/leftovers.hpp: room 4. Work of an agent that is not committed goes to its branch.

#include <string>
#include <vector>

#include "agentlua/git/commit.hpp"
#include "agentlua/git/diff.hpp"
#include "agentlua/git/repository.hpp"
#include "agentlua/git/submodules.hpp"
#include "agentlua/git/worktree.hpp"
#include "agentlua/text.hpp"

namespace agentlua::git {

namespace detail {

/// Refuses a worktree that cannot simply be committed as it is. Errors: EUNFINISHED.
inline void check_leftovers(const location& tree, const std::string& branch) {
  auto refuse = [&](const std::string& reason) {
    throw error("EUNFINISHED",
                "work in '" + tree.work_tree.native() + "' cannot be committed: " + reason);
  };
  if (auto busy = unfinished_operation(tree); !busy.empty())
    refuse("a " + busy + " is unfinished in it");
  auto head = repository::at(tree).head_branch();
  if (head != branch)
    refuse(head.empty() ? "HEAD is detached, expected branch '" + branch + "'"
                        : "branch '" + head + "' is checked out, expected '" + branch + "'");
  if (!command(tree, {"ls-files", "--unmerged", "-z"}).out.empty()) refuse("it has unmerged files");
  for (const std::string& path :
       split_nul(command(tree, {"ls-files", "-z", "--others", "--exclude-standard"}).out))
    if (path.ends_with('/'))
      refuse("'" + path + "' is a repository of its own, whose content git would not keep");
}

/// A repository inside of a checkout that its index has as a commit (a submodule), and where it is now.
struct inner_repository {
  std::string path, head;
};

/// Those that are there. git would look into each under its own settings, which an agent can write, so
/// it is only asked for its HEAD.
inline std::vector<inner_repository> inner_repositories(const location& tree) {
  std::vector<inner_repository> found;
  for (const auto& [mode, commit, path] : gitlinks(tree)) {
    std::error_code ignored;
    if (!stdfs::exists(stdfs::symlink_status(tree.work_tree / path / ".git", ignored))) continue;
    const auto inner = repository::open(tree.work_tree / path);
    const auto head = inner.resolve("HEAD");
    if (inner.where().work_tree != tree.work_tree / path || !head)
      throw error("EUNFINISHED", "the repository in '" + (tree.work_tree / path).native() +
                                     "' has no commit, so that nothing can name its state");
    found.push_back({path, *head});
  }
  return found;
}

/// Stages all that is changed or untracked. Paths below `exclude` are as they are in `base`.
/// Errors: EUNFINISHED (git has left something out), EGIT.
inline void stage_all(const location& tree, const std::vector<std::string>& exclude,
                      const std::string& base = "HEAD") {
  const auto inner = inner_repositories(tree);
  std::vector<std::string> rest = {"--", "."};
  for (const auto& one : inner) rest.push_back(":(exclude,literal)" + one.path);
  std::vector<std::string> add = {"add", "-A"};
  add.insert(add.end(), rest.begin(), rest.end());
  command(tree, add);
  for (const auto& one : inner)
    command(tree, {"update-index", "--cacheinfo", "160000," + one.head + "," + one.path});
  take_back(tree, base, exclude);
  // Where names that differ only in case are one file to git, it takes only one of them in.
  std::vector<std::string> left = {"diff-files", "--name-only", "-z", "--ignore-submodules=dirty"};
  left.insert(left.end(), rest.begin(), rest.end());
  for (const std::string& path : exclude) left.push_back(":(exclude,literal)" + path);
  const auto paths = split_nul(command(tree, left).out);
  if (!paths.empty())
    throw error("EUNFINISHED", "git did not take '" + text::printable(paths[0]) +
                                   "' in, which is changed; commit it by hand");
}

/// Commits the index on top of HEAD, unless that has all of it, and moves the ref that HEAD is. Returns
/// where it is then.
inline std::string commit_index(const location& tree, const std::string& ref,
                                const std::string& message) {
  const auto head = repository::split_lines(
      command(tree, {"rev-parse", "HEAD^{commit}", "HEAD^{tree}"}).out);
  const std::string content = line(tree, {"write-tree"});
  if (content == head.at(1)) return head[0];
  const auto repo = repository::at(tree);
  std::string commit = write_commit(repo, {content, {head[0]}, message});
  repo.update_ref(ref, commit, head[0]);
  return commit;
}

/// Commits what is changed or untracked in the submodules of a worktree to what they have checked out: it
/// was verified together with the rest.
inline void commit_in_submodules(const location& tree, const std::string& message) {
  for (const submodule& one : submodules_of(tree)) {
    clear_stale_locks(one.at, "");
    const auto branch = repository::at(one.at).head_branch();
    check_leftovers(one.at, branch);
    commit_in_submodules(one.at, message);
    stage_all(one.at, {});
    commit_index(one.at, branch.empty() ? "HEAD" : "refs/heads/" + branch, message);
  }
}

}  // namespace detail

/// Commits what is changed or untracked in a worktree to its branch. Paths below `exclude` (task and
/// state files) are left out: what they were in `base`, a commit that the branch has come from, they are
/// again, also where that was committed. Returns the tip of the branch, moved or not.
/// Errors: EUNFINISHED (with the reason; the branch is where it was), EGIT.
inline std::string commit_leftovers(
    const location& tree, const std::string& branch, const std::string& message,
    const std::vector<std::string>& exclude, const std::string& base = "HEAD") {
  clear_stale_locks(tree, branch);
  detail::check_leftovers(tree, branch);
  detail::commit_in_submodules(tree, message);
  detail::stage_all(tree, exclude, base);
  return detail::commit_index(tree, "refs/heads/" + branch, message);
}

}  // namespace agentlua::git
