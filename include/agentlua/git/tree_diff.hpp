#pragma once
// agentlua/git/tree_diff.hpp: room 4. Files that differ between two trees, counted in process.

#include <git2.h>
#include <sys/stat.h>

#include <algorithm>
#include <set>
#include <string>
#include <vector>

#include "agentlua/git/trees.hpp"

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

/// Whether attributes may decide what counts as text. Read where git reads them; libgit2 would read the
/// whole index first.
class diff_attributes {
 public:
  explicit diff_attributes(const repository& repo) : tree_(repo.where().work_tree) {
    any_ = is_set(repo.native(), "core.attributesfile") || name_diffs("/etc/gitattributes") ||
           name_diffs(user_directory() / "attributes") ||
           name_diffs(repo.where().common_dir / "info/attributes");
  }

  /// True when a file of attributes above `path` has some for diffs.
  bool may_concern(const std::string& path) {
    for (std::size_t end = 0; !any_ && !tree_.empty() && end != std::string::npos;
         end = path.find('/', end + 1)) {
      const std::string above = path.substr(0, end);
      if (seen_.insert(above).second) any_ = name_diffs(tree_ / above / ".gitattributes");
    }
    return any_;
  }

 private:
  static bool is_set(git_repository* repo, const char* key) {
    git_config* config = nullptr;
    if (git_repository_config_snapshot(&config, repo) != 0) return true;
    const owned<git_config, git_config_free> known(config);
    const char* value = nullptr;
    return git_config_get_string(&value, config, key) == 0;
  }
  static bool name_diffs(const stdfs::path& file) {
    try {
      const std::string text = fs::read_file(file, 1 << 20);
      for (const char* word : {"diff", "binary", "[attr]"})
        if (text.find(word) != std::string::npos) return true;
      return false;
    } catch (const error& problem) {
      return problem.code() != "ENOENT" && problem.code() != "ENOTDIR";
    }
  }

  stdfs::path tree_;
  std::set<std::string> seen_;
  bool any_ = false;
};

/// One changed file with its lines counted; false when it has become another kind (file, link,
/// submodule), which git counts in its own way, or cannot be read.
inline bool count_lines(git_repository* repo, const git_tree_entry* before,
                        const git_tree_entry* after, changed_file& file) {
  auto kind = [](const git_tree_entry* entry) { return git_tree_entry_filemode(entry) & S_IFMT; };
  if (before != nullptr && after != nullptr && kind(before) != kind(after)) return false;
  file.status = before == nullptr ? 'A' : after == nullptr ? 'D' : 'M';
  if (git_tree_entry_type(before != nullptr ? before : after) == GIT_OBJECT_COMMIT) {
    file.added = after != nullptr;  // a submodule is one line, its commit
    file.deleted = before != nullptr;
    return true;
  }
  blob_handle old_blob;
  blob_handle new_blob;
  if (!open_blob(repo, before, old_blob) || !open_blob(repo, after, new_blob)) return false;
  git_patch* raw = nullptr;
  auto text = [](const blob_handle& blob) {
    return blob ? git_blob_rawcontent(blob.get()) : nullptr;
  };
  auto size = [](const blob_handle& blob) { return blob ? git_blob_rawsize(blob.get()) : 0; };
  if (git_patch_from_buffers(&raw, text(old_blob), size(old_blob), nullptr, text(new_blob),
                             size(new_blob), nullptr, nullptr) != 0)
    return false;
  const owned<git_patch, git_patch_free> patch(raw);
  std::size_t added = 0;
  std::size_t deleted = 0;
  if (git_patch_line_stats(nullptr, &added, &deleted, raw) != 0) return false;
  file.added = static_cast<long>(added);
  file.deleted = static_cast<long>(deleted);
  file.binary = (git_patch_get_delta(raw)->flags & GIT_DIFF_FLAG_BINARY) != 0;
  return true;
}

/// diff() in process; false when libgit2 cannot tell, e.g. because it misses an object. It enters only
/// directories that differ, which git_diff_tree_to_tree does not.
inline bool diff_in_process(const repository& repo, const std::string& from, const std::string& to,
                            std::vector<changed_file>& files) {
  git_repository* native = repo.native();
  const auto before = tree_of(native, from);
  const auto after = tree_of(native, to);
  diff_attributes attributes(repo);
  if (!before || !after) return false;
  const bool whole = each_change(
      native, before.get(), after.get(),
      [&](const std::string& path, const git_tree_entry* was, const git_tree_entry* is) {
        files.push_back({path, 0, 0, false, 'M', {}});
        return !attributes.may_concern(path) && count_lines(native, was, is, files.back());
      });
  std::sort(files.begin(), files.end(),
            [](const changed_file& a, const changed_file& b) { return a.path < b.path; });
  return whole;
}

}  // namespace detail

}  // namespace agentlua::git
