#pragma once
// agentlua/git/leftovers.hpp: room 4. Work of an agent that is not committed goes to its branch.

#include <string>
#include <vector>

#include "agentlua/git/repository.hpp"
#include "agentlua/git/worktree.hpp"

namespace agentlua::git {

/// Why a worktree cannot simply be committed as it is; empty when it can.
inline std::string leftovers_refusal(const location& tree, const std::string& branch) {
  if (auto busy = unfinished_operation(tree); !busy.empty())
    return "a " + busy + " is unfinished in it";
  auto head = repository::at(tree).head_branch();
  if (head != branch)
    return head.empty() ? "HEAD is detached, expected branch '" + branch + "'"
                        : "branch '" + head + "' is checked out, expected '" + branch + "'";
  if (!command(tree, {"ls-files", "--unmerged", "-z"}).out.empty()) return "it has unmerged files";
  for (const std::string& path :
       split_nul(command(tree, {"ls-files", "-z", "--others", "--exclude-standard"}).out))
    if (path.ends_with('/'))
      return "'" + path + "' is a repository of its own, whose content git would not keep";
  return {};
}

/// Commits what is changed or untracked in a worktree to its branch. Paths below `exclude` are left
/// out (task and state files). Returns the tip of the branch, moved or not.
/// Errors: EUNFINISHED (with the reason; nothing was changed), EGIT.
inline std::string commit_leftovers(const location& tree, const std::string& branch,
                                    const std::string& message,
                                    const std::vector<std::string>& exclude) {
  clear_stale_locks(tree, branch);
  if (auto reason = leftovers_refusal(tree, branch); !reason.empty())
    throw error("EUNFINISHED",
                "work in '" + tree.work_tree.native() + "' cannot be committed: " + reason);
  auto repo = repository::at(tree);
  std::string head = repo.resolve("HEAD").value();
  std::vector<std::string> add = {"add", "-A", "--", "."};
  for (const std::string& path : exclude) add.push_back(":(exclude,literal)" + path);
  command(tree, add);
  std::string content = line(tree, {"write-tree"});
  if (content == line(tree, {"rev-parse", head + "^{tree}"})) return head;
  command_options text;
  text.input = message;
  std::string commit = line(tree, {"commit-tree", content, "-p", head, "-F", "-"}, text);
  repo.update_ref("refs/heads/" + branch, commit, head);
  return commit;
}

}  // namespace agentlua::git
