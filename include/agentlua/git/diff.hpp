#pragma once
// agentlua/git/diff.hpp: room 4. What changed between two commits or trees, as data and as text.

#include <charconv>
#include <map>
#include <string>
#include <vector>

#include "agentlua/git/objects.hpp"
#include "agentlua/git/repository.hpp"
#include "agentlua/git/submodules.hpp"
#include "agentlua/git/tree_diff.hpp"

namespace agentlua::git {

namespace detail {

/// What every diff is asked for: nothing that a repository names is run, paths are bytes.
inline std::vector<std::string> diff_command(const std::vector<std::string>& format, bool renames,
                                             const std::string& from, const std::string& to) {
  std::vector<std::string> args = {
      "diff-tree", "-r", "--no-ext-diff", "--no-textconv", "--no-color"};
  if (renames) {
    args.insert(args.end(), {"--find-renames", "--find-copies"});
  } else {
    args.emplace_back("--no-renames");
  }
  args.insert(args.end(), format.begin(), format.end());
  args.insert(args.end(), {"--end-of-options", from, to, "--"});
  return args;
}

/// "added TAB deleted TAB path", where the path of a rename is empty and two more parts follow.
inline void read_numbers(const std::string& row, changed_file& file) {
  auto tab = row.find('\t');
  file.binary = row.starts_with('-');
  std::from_chars(row.data(), row.data() + tab, file.added);
  std::from_chars(row.data() + tab + 1, row.data() + row.size(), file.deleted);
}

}  // namespace detail

/// Files that differ between two trees or commits of a repository. Without `renames` a moved file is
/// a deletion and an addition.
inline std::vector<changed_file> diff(const location& at, const std::string& from,
                                      const std::string& to, bool renames = false) {
  auto parts = split_nul(
      command(at, detail::diff_command({"-z", "--raw", "--numstat"}, renames, from, to)).out);
  std::vector<changed_file> files;
  std::map<std::string, std::size_t> known;
  std::size_t i = 0;
  for (; i + 1 < parts.size() && parts[i].starts_with(':'); ++i) {  // ":modes ids status", path(s)
    changed_file file;
    file.status = parts[i].at(parts[i].rfind(' ') + 1);
    if ((file.status == 'R' || file.status == 'C') && i + 2 < parts.size()) file.from = parts[++i];
    file.path = parts[++i];
    known[file.path] = files.size();
    files.push_back(std::move(file));
  }
  for (; i < parts.size(); ++i) {
    const std::string& row = parts[i];
    auto tab = row.find('\t');
    tab = tab == std::string::npos ? tab : row.find('\t', tab + 1);
    if (tab == std::string::npos) continue;
    const bool moved = tab + 1 == row.size() && i + 2 < parts.size();
    auto found = known.find(moved ? parts[i + 2] : row.substr(tab + 1));
    if (found != known.end()) detail::read_numbers(row, files[found->second]);
    if (moved) i += 2;
  }
  return files;
}

/// The same, without renames, in process where libgit2 can tell: for landings, which ask often.
inline std::vector<changed_file> diff(const repository& repo, const std::string& from,
                                      const std::string& to) {
  std::vector<changed_file> files;
  if (repo.native() != nullptr && detail::diff_in_process(repo, from, to, files)) return files;
  return diff(repo.where(), from, to);
}

/// The same as a patch that git apply takes, binary files included. Bytes, not text: names and lines
/// are what they are in the files.
inline std::string diff_text(const location& at, const std::string& from, const std::string& to,
                             bool renames = false) {
  return command(at, detail::diff_command({"--patch", "--binary"}, renames, from, to)).out;
}

/// Where two commits have parted; empty when they have nothing in common.
inline std::string merge_base(const location& at, const std::string& a, const std::string& b) {
  return line(at, {"merge-base", "--end-of-options", a, b}, {.may_fail = true});
}

/// Has an index say of `paths`, and of what is below, what a commit says. (git add takes them as paths
/// to leave out, too, but fails when one of them is there and ignored.)
inline void take_back(const location& tree, const std::string& commit,
                      const std::vector<std::string>& paths, command_options options = {}) {
  if (paths.empty()) return;
  std::vector<std::string> rest = {commit, "--"};
  for (const std::string& path : paths) rest.push_back(":(literal)" + path);
  std::vector<std::string> differs = {"diff-index", "--cached", "--quiet"};
  differs.insert(differs.end(), rest.begin(), rest.end());
  std::vector<std::string> reset = {"reset", "-q"};
  reset.insert(reset.end(), rest.begin(), rest.end());
  auto ask = options;
  ask.may_fail = true;
  if (command(tree, differs, ask).code != 0) command(tree, reset, options);
}

/// The content of a checkout as a tree, changed and untracked files included, ignored ones not.
/// Paths below `exclude` are as they are in HEAD; repositories inside are left out. The
/// checkout and its index stay as they are. Errors: EGIT.
inline std::string snapshot(const location& tree, const std::vector<std::string>& exclude = {}) {
  const detail::scratch_directory own(tree.git_dir);
  detail::copy_index(tree.git_dir / "index", own / "index");
  const command_options options = detail::with_index(own / "index");
  std::vector<std::string> add = {"add", "-A", "--", "."};
  // git add would look into submodules under their own settings, which an agent can write.
  for (const tree_entry& link : gitlinks(tree)) add.push_back(":(exclude,literal)" + link.path);
  for (const std::string& path :
       split_nul(command(tree, {"ls-files", "-z", "--others", "--exclude-standard"}, options).out))
    if (path.ends_with('/')) add.push_back(":(exclude,literal)" + path);
  command(tree, add, options);
  take_back(tree, "HEAD", exclude, options);
  return line(tree, {"write-tree"}, options);
}

}  // namespace agentlua::git
