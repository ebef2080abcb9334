#pragma once
// agentlua/git/save.hpp: room 4. Work of an agent that is not committed: commit it, or keep a copy.

#include <algorithm>
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

/// What save() kept.
struct saved_work {
  std::string commit;  ///< empty: there was nothing that the branch does not have
  /// Ignored files that were over the limit, and repositories of their own (with a slash at the end).
  std::vector<std::string> skipped;
};

/// Keeps everything in a worktree that its HEAD does not have, ignored files included (the smaller
/// ones first, up to `limit` bytes), as a commit on `ref`, and reads it back. `known` are ignored
/// paths that somebody else has a copy of. The worktree, its index and its branch stay as they are.
/// Errors: ESAVE (what was read back differs; the worktree must be kept), EGIT.
inline saved_work save(const location& tree, const std::string& ref, std::uintmax_t limit,
                       const std::vector<std::string>& known) {
  clear_stale_locks(tree, "");
  struct candidate {
    std::uintmax_t size;
    std::string path;
  };
  saved_work result;
  std::vector<candidate> ignored;
  for (std::string& path : split_nul(
           command(tree, {"ls-files", "-z", "--others", "--ignored", "--exclude-standard"}).out)) {
    if (std::find(known.begin(), known.end(), path) != known.end()) continue;
    if (path.ends_with('/')) {
      result.skipped.push_back(std::move(path));
      continue;
    }
    std::error_code problem;
    auto size = stdfs::file_size(tree.work_tree / path, problem);
    ignored.push_back({problem ? 0 : size, std::move(path)});
  }
  std::sort(ignored.begin(), ignored.end(),
            [](const candidate& a, const candidate& b) { return a.size < b.size; });

  std::vector<std::string> add_new = {"add", "-A", "--", "."};
  for (std::string& path :
       split_nul(command(tree, {"ls-files", "-z", "--others", "--exclude-standard"}).out)) {
    if (!path.ends_with('/')) continue;
    add_new.push_back(":(exclude,literal)" + path);
    result.skipped.push_back(std::move(path));
  }

  std::string paths;
  std::uintmax_t total = 0;
  for (const candidate& file : ignored) {
    total += file.size;
    if (total > limit) {
      result.skipped.push_back(file.path);
    } else {
      paths.append(file.path).push_back('\0');
    }
  }

  std::error_code ignored_problem;
  stdfs::path index = tree.git_dir / "agentlua-save-index";
  stdfs::remove(index.native() + ".lock", ignored_problem);  // of a save that was killed
  command_options private_index;
  private_index.env = {"GIT_INDEX_FILE=" + index.native()};
  auto repo = repository::at(tree);
  std::string head = repo.resolve("HEAD").value();
  command(tree, {"read-tree", head}, private_index);
  command(tree, add_new, private_index);
  if (!paths.empty()) {
    auto add = private_index;
    add.input = paths;
    command(tree,
            {"--literal-pathspecs", "add", "-f", "--pathspec-from-file=-", "--pathspec-file-nul"},
            add);
  }
  std::string content = line(tree, {"write-tree"}, private_index);
  bool differs = content != line(tree, {"rev-parse", head + "^{tree}"});
  if (differs) {
    auto message = private_index;
    message.input = "agentlua: saved work of " + tree.work_tree.filename().native() + "\n";
    result.commit = line(tree, {"commit-tree", content, "-p", head, "-F", "-"}, message);
    repo.update_ref(ref, result.commit);
    auto check = private_index;
    check.may_fail = true;
    if (command(tree, {"diff-files", "--quiet"}, check).code != 0 ||
        repo.resolve(ref) != result.commit)
      throw error("ESAVE", "'" + tree.work_tree.native() + "' changed while it was saved");
  }
  stdfs::remove(index, ignored_problem);
  return result;
}

}  // namespace agentlua::git
