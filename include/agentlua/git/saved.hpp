#pragma once
// agentlua/git/saved.hpp: room 4. What save() has kept, taken apart again; save.hpp tells its form.

#include <map>
#include <string>

#include "agentlua/git/objects.hpp"
#include "agentlua/git/repository.hpp"

namespace agentlua::git::detail {

/// A saved commit, taken apart. What an agent may have put on the ref itself is only a commit.
struct saved_commit {
  std::string name, head, state;  ///< commits; head and state may be empty
  std::string branch;             ///< refs/heads/..., or empty

  saved_commit(const location& at, const std::string& commit) : name(commit) {
    const std::string text = command(at, {"cat-file", "commit", commit}).out;
    for (const std::string& row : repository::split_lines(text)) {
      if (row.starts_with("Head: refs/heads/")) branch = row.substr(6);
      if (row.starts_with("State: ")) state = row.substr(7);
    }
    bool has_state = false;
    for (const std::string& row : repository::split_lines(text.substr(0, text.find("\n\n")))) {
      if (!row.starts_with("parent ")) continue;
      const std::string parent = row.substr(7);
      has_state = has_state || parent == state;
      if (parent != state && head.empty()) head = parent;
    }
    if (!has_state) state.clear();
  }
};

/// The entries of the state of a saved commit; none when it has no state.
inline std::vector<tree_entry> read_state(const location& at, const std::string& commit) {
  const saved_commit saved(at, commit);
  return saved.state.empty() ? std::vector<tree_entry>() : read_tree(at, saved.state);
}

/// The saved commits of the submodules that a saved state names: path -> commit.
inline std::map<std::string, std::string> saved_submodules(const std::vector<tree_entry>& state) {
  const std::string_view prefix = "submodule/";
  std::map<std::string, std::string> found;
  for (const tree_entry& entry : state)
    if (entry.mode == "160000" && entry.path.starts_with(prefix))
      found[entry.path.substr(prefix.size())] = entry.object;
  return found;
}

}  // namespace agentlua::git::detail
