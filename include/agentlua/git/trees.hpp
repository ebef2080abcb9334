#pragma once
// agentlua/git/trees.hpp: room 4. Tree objects side by side, in process.

#include <git2.h>

#include <array>
#include <climits>
#include <string>
#include <vector>

#include "agentlua/git/repository.hpp"

namespace agentlua::git::detail {

using tree_handle = owned<git_tree, git_tree_free>;
using blob_handle = owned<git_blob, git_blob_free>;

/// The tree of a commit or a tree; null when libgit2 cannot read it.
inline tree_handle tree_of(git_repository* repo, const std::string& name) {
  git_object* raw = nullptr;
  if (git_revparse_single(&raw, repo, (name + "^{tree}").c_str()) != 0) return nullptr;
  return tree_handle(reinterpret_cast<git_tree*>(raw));
}

inline bool is_tree(const git_tree_entry* entry) {
  return entry != nullptr && git_tree_entry_type(entry) == GIT_OBJECT_TREE;
}

/// The same content and mode, or both absent.
inline bool same_entry(const git_tree_entry* a, const git_tree_entry* b) {
  if (a == nullptr || b == nullptr) return a == b;
  return git_tree_entry_filemode(a) == git_tree_entry_filemode(b) &&
         git_oid_equal(git_tree_entry_id(a), git_tree_entry_id(b)) != 0;
}

/// The tree that an entry is, null for any other entry; false when it cannot be read.
inline bool open_tree(git_repository* repo, const git_tree_entry* entry, tree_handle& out) {
  git_tree* raw = nullptr;
  if (is_tree(entry) && git_tree_lookup(&raw, repo, git_tree_entry_id(entry)) != 0) return false;
  out.reset(raw);
  return true;
}

/// The same for the blob of a file or link.
inline bool open_blob(git_repository* repo, const git_tree_entry* entry, blob_handle& out) {
  git_blob* raw = nullptr;
  if (entry != nullptr && git_blob_lookup(&raw, repo, git_tree_entry_id(entry)) != 0) return false;
  out.reset(raw);
  return true;
}

/// True for an entry as git writes it: its name finds it, so that no other entry hides behind it, and
/// its mode is one of the five. A tree that somebody has put together by hand can have others.
inline bool is_plain(const git_tree* tree, const git_tree_entry* entry) {
  return git_tree_entry_byname(tree, git_tree_entry_name(entry)) == entry &&
         git_tree_entry_filemode(entry) == git_tree_entry_filemode_raw(entry);
}

/// Calls `see(name, entries)` for each name in any of the trees (null: an empty one); an entry is null
/// where its tree has no such name. False as soon as `see` says so, or when a tree is not a plain one.
template <std::size_t N, class See>
bool side_by_side(const std::array<const git_tree*, N>& trees, See see) {
  for (std::size_t i = 0; i < N; ++i) {
    const std::size_t count = trees[i] != nullptr ? git_tree_entrycount(trees[i]) : 0;
    for (std::size_t k = 0; k < count; ++k) {
      const git_tree_entry* entry = git_tree_entry_byindex(trees[i], k);
      if (!is_plain(trees[i], entry)) return false;
      const char* name = git_tree_entry_name(entry);
      std::array<const git_tree_entry*, N> entries{};
      bool seen = false;
      for (std::size_t j = 0; j < N; ++j) {
        if (trees[j] != nullptr) entries[j] = git_tree_entry_byname(trees[j], name);
        seen = seen || (j < i && entries[j] != nullptr);
      }
      if (!seen && !see(name, entries)) return false;
    }
  }
  return true;
}

/// Calls `see(path, before, after)` for each file that differs between two entries at a path; equal
/// directories are not entered. False as soon as `see` says so, or when a tree cannot be read, is
/// empty (git keeps no such directories) or not a plain one.
template <class See>
bool each_change(git_repository* repo, const std::string& path, const git_tree_entry* before,
                 const git_tree_entry* after, See see) {
  if (same_entry(before, after)) return true;
  if (path.size() > PATH_MAX)
    return false;  // no file system has it; and it bounds how deep this goes
  tree_handle old_tree;
  tree_handle new_tree;
  if (!open_tree(repo, before, old_tree) || !open_tree(repo, after, new_tree)) return false;
  if (new_tree && git_tree_entrycount(new_tree.get()) == 0) return false;
  const git_tree_entry* old_file = old_tree ? nullptr : before;
  const git_tree_entry* new_file = new_tree ? nullptr : after;
  if ((old_file != nullptr || new_file != nullptr) && !see(path, old_file, new_file)) return false;
  return side_by_side<2>(
      {old_tree.get(), new_tree.get()}, [&](const char* name, const auto& entries) {
        return each_change(repo, std::string(path).append("/").append(name), entries[0], entries[1],
                           see);
      });
}

/// The same for two trees.
template <class See>
bool each_change(git_repository* repo, const git_tree* before, const git_tree* after, See see) {
  return side_by_side<2>({before, after}, [&](const char* name, const auto& entries) {
    return each_change(repo, std::string(name), entries[0], entries[1], see);
  });
}

}  // namespace agentlua::git::detail
