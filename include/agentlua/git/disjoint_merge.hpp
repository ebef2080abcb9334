#pragma once
// agentlua/git/disjoint_merge.hpp: room 4. The merge of two sides that have changed different files: no
// strategy, driver or attribute has a say in it, so it is made in process.

#include <optional>
#include <string>

#include "agentlua/git/trees.hpp"

namespace agentlua::git {

namespace detail {

/// True when git would see another history than libgit2 does: replaced, grafted or shallow commits.
inline bool has_other_history(const location& at) {
  std::error_code ignored;
  for (const char* file : {"refs/replace", "info/grafts", "shallow"})
    if (stdfs::exists(at.common_dir / file, ignored)) return true;
  try {
    return fs::read_file(at.common_dir / "packed-refs").find("refs/replace/") != std::string::npos;
  } catch (const error& problem) {
    return problem.code() != "ENOENT";
  }
}

/// Where two commits have parted, when that is one commit.
inline std::optional<git_oid> only_merge_base(git_repository* repo, const std::string& a,
                                              const std::string& b) {
  git_oid one;
  git_oid two;
  git_oidarray bases{};
  if (git_oid_fromstr(&one, a.c_str()) != 0 || git_oid_fromstr(&two, b.c_str()) != 0 ||
      git_merge_bases(&bases, repo, &one, &two) != 0)
    return std::nullopt;
  std::optional<git_oid> base;
  if (bases.count == 1) base = bases.ids[0];
  git_oidarray_dispose(&bases);
  return base;
}

/// Takes each entry from the side that has changed it.
///
/// Why that is what git comes to: an entry that both sides have changed ends it, unless both have
/// changed a file in the same way. So a file that one side has renamed (deleted here, added there) is as
/// it was on the other, which has no file at the new name and none in the old directory when that is
/// gone; there is nothing that finding the rename could carry over.
class disjoint_trees {
 public:
  explicit disjoint_trees(git_repository* repo) : repo_(repo) {}

  /// Writes the merged tree; null sides are empty. False: the sides are not disjoint, or an object
  /// could not be read or written. `empty`: it has no entries, and a directory of git has some.
  bool merge(const git_tree* base, const git_tree* ours, const git_tree* theirs, git_oid& id,
             bool& empty) const {
    git_treebuilder* raw = nullptr;
    if (git_treebuilder_new(&raw, repo_, ours) != 0) return false;
    owned<git_treebuilder, git_treebuilder_free> result(raw);
    const bool clean = side_by_side<3>(
        {base, ours, theirs}, [&](const char* name, const auto& entries) {
          return merge_entry(raw, name, entries[0], entries[1], entries[2]);
        });
    empty = git_treebuilder_entrycount(raw) == 0;
    return clean && git_treebuilder_write(&id, raw) == 0;
  }

 private:
  bool merge_entry(git_treebuilder* result, const char* name, const git_tree_entry* base,
                   const git_tree_entry* ours, const git_tree_entry* theirs) const {
    if (same_entry(base, theirs)) return true;  // the result begins as ours
    if (same_entry(base, ours)) return is_sound(name, base, theirs) && put(result, name, theirs);
    if (same_entry(ours, theirs))
      return base != nullptr && ours != nullptr && !is_tree(base) && !is_tree(ours);
    if (!is_tree(ours) || !is_tree(theirs) || (base != nullptr && !is_tree(base))) return false;
    tree_handle base_tree;
    tree_handle our_tree;
    tree_handle their_tree;
    git_oid id;
    bool empty = false;
    if (!open_tree(repo_, base, base_tree) || !open_tree(repo_, ours, our_tree) ||
        !open_tree(repo_, theirs, their_tree) ||
        !merge(base_tree.get(), our_tree.get(), their_tree.get(), id, empty))
      return false;
    if (empty) return git_treebuilder_remove(result, name) == 0;
    return git_treebuilder_insert(nullptr, result, name, &id, GIT_FILEMODE_TREE) == 0;
  }

  /// What is taken over from a branch must be as git writes it: merge-tree would put other directories
  /// right, and they could hide files from those who look at what the branch changes.
  bool is_sound(const char* name, const git_tree_entry* before, const git_tree_entry* after) const {
    return each_change(repo_, name, before, after,
                       [](const auto&, const auto*, const auto*) { return true; });
  }

  static bool put(git_treebuilder* result, const char* name, const git_tree_entry* entry) {
    if (entry == nullptr) return git_treebuilder_remove(result, name) == 0;
    return git_treebuilder_insert(nullptr, result, name, git_tree_entry_id(entry),
                                  git_tree_entry_filemode(entry)) == 0;
  }

  git_repository* repo_;
};

}  // namespace detail

/// Merges two commits that have changed different files since they parted: the tree that git merge-tree
/// makes of them. nullopt: that has to be asked, because the same file or directory was changed on both
/// sides in a way that needs a decision, or libgit2 cannot tell.
inline std::optional<std::string> merge_disjoint(const repository& repo, const std::string& ours,
                                                 const std::string& theirs) {
  git_repository* native = repo.native();
  if (native == nullptr || detail::has_other_history(repo.where())) return std::nullopt;
  const auto base = detail::only_merge_base(native, ours, theirs);
  if (!base) return std::nullopt;
  const auto base_tree = detail::tree_of(native, git_oid_tostr_s(&*base));
  const auto our_tree = detail::tree_of(native, ours);
  const auto their_tree = detail::tree_of(native, theirs);
  git_oid id;
  bool empty = false;
  if (!base_tree || !our_tree || !their_tree ||
      !detail::disjoint_trees(native).merge(
          base_tree.get(), our_tree.get(), their_tree.get(), id, empty))
    return std::nullopt;
  return git_oid_tostr_s(&id);
}

}  // namespace agentlua::git
