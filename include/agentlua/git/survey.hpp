#pragma once
// agentlua/git/survey.hpp: room 4. What a worktree has that its HEAD does not.

#include <algorithm>
#include <array>
#include <string>
#include <string_view>
#include <unordered_set>
#include <vector>

#include "agentlua/git/command.hpp"

namespace agentlua::git {

/// An entry of an index or of a tree: octal mode, object name, path (any bytes).
struct tree_entry {
  std::string mode, object, path;
};

/// What survey_of() finds. Paths are relative to the work tree, bytes as they are.
struct survey {
  std::string text;    ///< as git says it; two that are equal: nothing changed between them
  std::string head;    ///< commit; empty when unborn
  std::string branch;  ///< "refs/heads/..."; empty when detached
  std::vector<std::string> changed, deleted;  ///< tracked, other than in HEAD or in the index
  std::vector<std::string> untracked, ignored;
  std::vector<std::string> repositories;  ///< of their own, submodules too; with a slash at the end
  std::vector<std::string> assumed;       ///< of `changed`: have the bit that hides their changes
  std::vector<std::string> sparse;  ///< of `changed`: there, in spite of the skip-worktree bit
  std::vector<std::string> absent;  ///< not there, as the skip-worktree bit wants it
  std::vector<tree_entry> staged;   ///< "<stage>/<path>" of what only the index has
  bool index_differs = false;       ///< something is staged, unmerged, promised or flagged
};

namespace detail {

/// Cuts the first `count` words off a line.
inline std::vector<std::string> take_words(std::string_view& line, int count) {
  std::vector<std::string> words;
  for (; count > 0; --count) {
    auto end = std::min(line.find(' '), line.size());
    words.emplace_back(line.substr(0, end));
    line.remove_prefix(std::min(end + 1, line.size()));
  }
  return words;
}

inline bool nothing_at(const stdfs::path& path) {
  std::error_code problem;
  return stdfs::symlink_status(path, problem).type() == stdfs::file_type::not_found;
}

inline void add_staged(survey& found, const std::string& mode, const std::string& object,
                       char stage, std::string_view path) {
  if (mode.starts_with('1') && mode != "160000")  // neither absent nor a commit of elsewhere
    found.staged.push_back({mode, object, std::string(1, stage) + "/" + std::string(path)});
}

/// One line of `git status --porcelain=v2`.
inline void read_status(survey& found, std::string_view line) {
  const char kind = line.empty() ? '#' : line[0];
  auto others = [&](std::vector<std::string>& list) {
    (line.ends_with('/') ? found.repositories : list).emplace_back(line.substr(2));
  };
  if (kind == '?') return others(found.untracked);
  if (kind == '!') return others(found.ignored);
  if (line.starts_with("# branch.oid ") && !line.ends_with("(initial)"))
    found.head = line.substr(13);
  if (line.starts_with("# branch.head ") && !line.ends_with("(detached)"))
    found.branch = "refs/heads/" + std::string(line.substr(14));
  if (kind != '1' && kind != 'u') return;
  auto word = take_words(line, kind == '1' ? 8 : 10);
  if (kind == '1') {
    if (word[1][0] != '.') add_staged(found, word[4], word[7], '0', line);
    found.index_differs = found.index_differs || word[1][0] != '.' || word[1][1] == 'A';
  } else {
    for (std::size_t stage = 1; stage <= 3; ++stage)
      add_staged(found, word[2 + stage], word[6 + stage], static_cast<char>('0' + stage), line);
    found.index_differs = true;
  }
  (word[kind == '1' ? 5 : 6] == "000000" ? found.deleted : found.changed).emplace_back(line);
}

/// Looks for repositories in the directories above a tracked path: git does not mention those.
inline void find_nested(survey& found, const stdfs::path& top, std::string_view path,
                        std::unordered_set<std::string>& seen) {
  for (auto slash = path.rfind('/'); slash != std::string_view::npos; slash = path.rfind('/')) {
    path = path.substr(0, slash);
    if (!seen.emplace(path).second) return;
    std::error_code problem;
    const bool real = stdfs::symlink_status(top / path, problem).type() ==
                      stdfs::file_type::directory;
    if (real && !nothing_at(top / path / ".git"))
      found.repositories.push_back(std::string(path) + "/");
  }
}

/// One line of `git ls-files -s -v`: "TAG MODE OBJECT STAGE<tab>PATH". A small letter as tag means
/// assume-unchanged, an S skip-worktree; git status says nothing of their changes.
inline void read_flags(survey& found, const stdfs::path& top, std::string_view line) {
  const char tag = line.at(0);
  const bool submodule = line.substr(2).starts_with("160000");
  const bool skip = tag == 'S' || tag == 's';
  const bool assumed = tag >= 'a' && tag <= 'z';
  if (!submodule && !skip && !assumed) return;
  std::string path(line.substr(line.find('\t') + 1));
  if (submodule) {
    if (!nothing_at(top / path / ".git")) found.repositories.push_back(path + "/");
    return;
  }
  const bool missing = nothing_at(top / path);
  if (skip && missing) return found.absent.push_back(std::move(path));
  found.index_differs = true;
  if (missing) return found.deleted.push_back(std::move(path));
  if (assumed) found.assumed.push_back(path);
  if (skip) found.sparse.push_back(path);
  found.changed.push_back(std::move(path));
}

}  // namespace detail

/// Looks at a checkout and takes no lock, so that somebody may be working in it.
/// Errors: ESAVE (a directory that cannot be read), EGIT.
inline survey survey_of(const location& tree) {
  auto status = command(
      tree,
      {"status", "--porcelain=v2", "-z", "--branch", "--untracked-files=all", "--ignored",
       "--no-renames", "--no-ahead-behind", "--ignore-submodules=dirty"},
      {.env = {"GIT_OPTIONAL_LOCKS=0"}});
  if (auto at = status.err.find("could not open directory"); at != std::string::npos)
    throw error("ESAVE",
                "'" + tree.work_tree.native() + "' cannot be saved: git " + status.err.substr(at));
  auto index = command(tree, {"ls-files", "-s", "-v", "-z"});
  survey found;
  for (const std::string& line : split_nul(status.out)) detail::read_status(found, line);
  std::unordered_set<std::string> seen;
  for (const std::string& line : split_nul(index.out)) {
    detail::read_flags(found, tree.work_tree, line);
    detail::find_nested(found, tree.work_tree, std::string_view(line).substr(line.find('\t') + 1),
                        seen);
  }
  found.text = std::move(status.out);
  found.text += index.out;
  return found;
}

namespace detail {

inline constexpr std::array state_names = {
    "MERGE_HEAD",       "MERGE_MSG",  "MERGE_MODE",   "MERGE_RR",     "MERGE_AUTOSTASH",
    "AUTO_MERGE",       "SQUASH_MSG", "REVERT_HEAD",  "REBASE_HEAD",  "ORIG_HEAD",
    "CHERRY_PICK_HEAD", "sequencer",  "rebase-merge", "rebase-apply", "refs"};

inline void walk_state(const stdfs::path& top, const std::string& name,
                       std::vector<std::string>& found) {
  std::error_code problem;
  auto type = stdfs::symlink_status(top / name, problem).type();
  if (type == stdfs::file_type::regular) found.push_back(name);
  if (type != stdfs::file_type::directory) return;  // a link leads elsewhere
  for (const std::string& child : fs::list_directory(top / name))
    walk_state(top, (stdfs::path(name) / child).native(), found);
}

}  // namespace detail

/// True for a file of a worktree's own git directory that belongs to a merge, rebase, pick, revert
/// or bisect; `name` is relative to that directory and has no "." or ".." in it.
inline bool is_state(std::string_view name) {
  for (std::size_t at = 0; at <= name.size();) {
    auto part = name.substr(at, name.find('/', at) - at);
    if (part.empty() || part == "." || part == "..") return false;
    at += part.size() + 1;
  }
  auto first = name.substr(0, name.find('/'));
  if (first == "refs")
    return name.starts_with("refs/bisect/") || name.starts_with("refs/worktree/") ||
           name.starts_with("refs/rewritten/");
  return first.starts_with("BISECT_") ||
         std::find(detail::state_names.begin(), detail::state_names.end(), first) !=
             detail::state_names.end();
}

/// False for state that stays when nothing is unfinished any more.
inline bool is_unfinished(std::string_view name) {
  return name != "ORIG_HEAD" && name != "AUTO_MERGE" && name != "REBASE_HEAD" && name != "MERGE_RR";
}

/// The state files of a checkout, sorted. Links are not followed.
inline std::vector<std::string> state_files(const location& at) {
  std::vector<std::string> found;
  for (const std::string& name : fs::list_directory(at.git_dir))
    if (name == "refs") {
      for (const char* kind : {"refs/bisect", "refs/worktree", "refs/rewritten"})
        detail::walk_state(at.git_dir, kind, found);
    } else if (is_state(name)) {
      detail::walk_state(at.git_dir, name, found);
    }
  std::sort(found.begin(), found.end());
  return found;
}

}  // namespace agentlua::git
