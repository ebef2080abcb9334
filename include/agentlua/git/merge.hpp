#pragma once
// agentlua/git/merge.hpp: room 4. Merging in the object store: no checkout, no index is touched.

#include <algorithm>
#include <string>
#include <vector>

#include "agentlua/git/commit.hpp"
#include "agentlua/git/disjoint_merge.hpp"
#include "agentlua/git/repository.hpp"

namespace agentlua::git {

/// A path on which two sides do not agree.
struct conflict {
  std::string path;
  std::string kind;  ///< git's word: "contents", "modify/delete", "rename/rename", ...
  std::string base, ours, theirs;  ///< blobs; empty where that side has no such file
};

/// What a merge comes to.
struct merge_result {
  std::string tree;                 ///< merged tree; with conflicts it has markers
  std::vector<conflict> conflicts;  ///< empty: clean
  std::string problem;              ///< why it could not be tried at all, in git's words
};

namespace detail {

/// Reads `git merge-tree -z`: tree, "<mode> <blob> <stage>\t<path>" rows, an empty one, and messages
/// as <number of paths> <path>... <kind> <text> (git-merge-tree(1), OUTPUT).
inline merge_result read_merge(const std::vector<std::string>& parts) {
  merge_result result;
  result.tree = parts[0];
  auto at = [&](const std::string& path) -> conflict& {
    for (conflict& one : result.conflicts)
      if (one.path == path) return one;
    return result.conflicts.emplace_back(conflict{path, "contents", {}, {}, {}});
  };
  std::size_t i = 1;
  for (; i < parts.size() && !parts[i].empty(); ++i) {
    const std::string& row = parts[i];
    const auto tab = row.find('\t');
    const auto blob = row.find(' ') + 1;
    if (tab == std::string::npos || tab < 2) continue;
    conflict& one = at(row.substr(tab + 1));
    std::string& side = row[tab - 1] == '1'   ? one.base
                        : row[tab - 1] == '2' ? one.ours
                                              : one.theirs;
    side = row.substr(blob, tab - 2 - blob);
  }
  const std::string mark = "CONFLICT (";
  for (++i; i + 2 < parts.size();) {
    const std::size_t paths = std::stoul("0" + parts[i]);
    const std::string& kind = parts[std::min(i + 1 + paths, parts.size() - 1)];
    if (kind.starts_with(mark) && kind.ends_with(')'))
      for (std::size_t k = i + 1; k <= i + paths; ++k)
        for (conflict& one : result.conflicts)
          if (one.path == parts[k])
            one.kind = kind.substr(mark.size(), kind.size() - mark.size() - 1);
    i += paths + 3;
  }
  return result;
}

}  // namespace detail

/// Merges the commit `theirs` into `ours`. Renames, attributes and merge drivers count as git has them.
inline merge_result merge(const location& at, const std::string& ours, const std::string& theirs,
                          command_options options = {}) {
  options.may_fail = true;
  auto done = command(at, {"merge-tree", "--write-tree", "-z", "--messages", ours, theirs},
                      options);
  auto parts = split_nul(done.out);
  if (done.code > 1 || done.code < 0 || parts.empty())
    return {{}, {}, "git merge-tree: " + done.err};
  auto result = detail::read_merge(parts);
  if (done.code == 0) result.conflicts.clear();
  return result;
}

/// The same, in process where the two sides have changed different files.
inline merge_result merge(const repository& repo, const std::string& ours,
                          const std::string& theirs, command_options options = {}) {
  if (auto tree = merge_disjoint(repo, ours, theirs)) return {std::move(*tree), {}, {}};
  return merge(repo.where(), ours, theirs, std::move(options));
}

/// A branch put on another commit, one commit after the other, as a rebase does it.
class replay {
 public:
  replay(const repository& repo, command_options options)
      : repo_(repo), at_(repo.where()), options_(std::move(options)) {}

  /// The last new commit, with what is in `base`..`tip` on top of `base`; `result` has the conflicts
  /// of the commit that could not be put there. Commits that `base` has already, and merges, are left
  /// out. Commits that need not change keep their names.
  std::string run(const std::string& base, const std::string& tip, merge_result& result) {
    std::string on = base;
    const std::string range = std::string(base).append("..").append(tip);
    for (const std::string& commit : repository::split_lines(
             command(at_, {"rev-list", "--reverse", "--topo-order", "--no-merges", range}, options_)
                 .out)) {
      auto names = repository::split_lines(
          command(
              at_,
              {"rev-parse", commit + "^", commit + "^^{tree}", commit + "^{tree}", on + "^{tree}"},
              options_)
              .out);
      if (names.at(0) == on) {
        on = commit;
        continue;
      }
      // Two commits on a made-up base that has the tree of the commit's parent: their merge is the
      // change of this commit, and nothing else, on the new place.
      const std::string fork = commit_of(names.at(1), {});
      result = merge(at_, commit_of(names.at(3), fork), commit_of(names.at(2), fork), options_);
      if (!result.problem.empty() || !result.conflicts.empty()) return {};
      if (result.tree != names.at(3)) on = copy_of(commit, result.tree, on);
    }
    return on;
  }

 private:
  std::string commit_of(const std::string& tree, const std::string& parent) {
    new_commit made{tree, {}, "agentlua: to replay"};
    if (!parent.empty()) made.parents.push_back(parent);
    return write_commit(repo_, made, options_);
  }
  /// The same change, author and message as `commit` has, on another parent.
  std::string copy_of(const std::string& commit, const std::string& tree,
                      const std::string& parent) {
    auto parts = split_nul(command(at_,
                                   {"log", "-1", "--no-show-signature", "--encoding=UTF-8",
                                    "--date=raw", "--format=%an <%ae>%x00%ad%x00%B", commit},
                                   options_)
                               .out);
    return write_commit(
        repo_,
        {.tree = tree,
         .parents = {parent},
         .message = parts.at(2),
         .author = parts.at(0),
         .date = parts.at(1),
         .sign = true},
        options_);
  }

  const repository& repo_;
  const location& at_;
  command_options options_;
};

}  // namespace agentlua::git
