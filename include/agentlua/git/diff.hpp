#pragma once
// agentlua/git/diff.hpp: room 4. What changed between two commits or trees, as data and as text.

#include <unistd.h>

#include <atomic>
#include <charconv>
#include <map>
#include <string>
#include <vector>

#include "agentlua/git/repository.hpp"

namespace agentlua::git {

/// One changed file.
struct changed_file {
  std::string path;
  long added = 0, deleted = 0;  ///< lines; 0 when binary
  bool binary = false;
  /// A added, M modified, D deleted, T another type (file, link, submodule); with renames R and C.
  char status = 'M';
  std::string from;  ///< R, C: what it was before
};

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

namespace detail {

inline owned<git_tree, git_tree_free> tree_of(git_repository* repo, const std::string& name) {
  git_object* raw = nullptr;
  if (git_revparse_single(&raw, repo, (name + "^{tree}").c_str()) != 0) return nullptr;
  return owned<git_tree, git_tree_free>(reinterpret_cast<git_tree*>(raw));
}

/// diff() in process; false when libgit2 cannot tell, e.g. because it misses an object.
inline bool diff_in_process(git_repository* repo, const std::string& from, const std::string& to,
                            std::vector<changed_file>& files) {
  auto before = tree_of(repo, from);
  auto after = tree_of(repo, to);
  git_diff_options options;
  git_diff_options_init(&options, GIT_DIFF_OPTIONS_VERSION);
  options.flags = GIT_DIFF_INCLUDE_TYPECHANGE | GIT_DIFF_INCLUDE_TYPECHANGE_TREES;
  git_diff* raw = nullptr;
  if (!before || !after ||
      git_diff_tree_to_tree(&raw, repo, before.get(), after.get(), &options) != 0)
    return false;
  owned<git_diff, git_diff_free> all(raw);
  for (std::size_t i = 0; i < git_diff_num_deltas(raw); ++i) {
    git_patch* patch = nullptr;
    if (git_patch_from_diff(&patch, raw, i) != 0) return false;
    owned<git_patch, git_patch_free> one(patch);
    const git_diff_delta* delta = git_diff_get_delta(raw, i);
    if (delta->status == GIT_DELTA_TYPECHANGE) return false;  // which git counts as lines
    std::size_t added = 0;
    std::size_t deleted = 0;
    if (patch != nullptr) git_patch_line_stats(nullptr, &added, &deleted, patch);
    files.push_back({delta->new_file.path,
                     static_cast<long>(added),
                     static_cast<long>(deleted),
                     (delta->flags & GIT_DIFF_FLAG_BINARY) != 0,
                     git_diff_status_char(delta->status),
                     {}});
  }
  return true;
}

}  // namespace detail

/// The same, without renames, in process where libgit2 can tell: for landings, which ask often.
inline std::vector<changed_file> diff(const repository& repo, const std::string& from,
                                      const std::string& to) {
  std::vector<changed_file> files;
  if (repo.native() != nullptr && detail::diff_in_process(repo.native(), from, to, files))
    return files;
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
  command_options options;
  options.may_fail = true;
  return line(at, {"merge-base", "--end-of-options", a, b}, options);
}

namespace detail {

/// A private index of a checkout, a copy of its own; gone with this object.
class private_index {
 public:
  explicit private_index(const location& tree) {
    static std::atomic<unsigned> counter{0};
    path_ = tree.git_dir /
            ("agentlua-diff-index." + std::to_string(::getpid()) + "." + std::to_string(counter++));
    std::error_code none;
    if (!stdfs::copy_file(tree.git_dir / "index", path_, none)) stdfs::remove(path_, none);
  }
  private_index(const private_index&) = delete;
  private_index& operator=(const private_index&) = delete;
  ~private_index() {
    std::error_code ignored;
    stdfs::remove(path_, ignored);
    stdfs::remove(path_.native() + ".lock", ignored);
  }
  std::string variable() const { return "GIT_INDEX_FILE=" + path_.native(); }

 private:
  stdfs::path path_;
};

}  // namespace detail

/// The content of a checkout as a tree, changed and untracked files included, ignored ones not.
/// Paths below `exclude` are as they are in the index; repositories inside are left out. The
/// checkout and its index stay as they are. Errors: EGIT.
inline std::string snapshot(const location& tree, const std::vector<std::string>& exclude = {}) {
  detail::private_index index(tree);
  command_options options;
  options.env = {index.variable()};
  std::vector<std::string> add = {"add", "-A", "--", "."};
  for (const std::string& path : exclude) add.push_back(":(exclude,literal)" + path);
  for (const std::string& path :
       split_nul(command(tree, {"ls-files", "-z", "--others", "--exclude-standard"}, options).out))
    if (path.ends_with('/')) add.push_back(":(exclude,literal)" + path);
  command(tree, add, options);
  return line(tree, {"write-tree"}, options);
}

}  // namespace agentlua::git
