#pragma once
// tests/cpp/git_snapshot.hpp: what is in a checkout and in its index, to be compared later.

#include <sys/stat.h>

#include <algorithm>
#include <map>
#include <string>
#include <vector>

#include "agentlua/git.hpp"

#include "support.hpp"

namespace agentlua::test {

/// Things by name: files, entries of an index.
using by_name = std::map<std::string, std::string>;

/// Names of what is not the same in both; "" when all is.
inline std::string differences(const by_name& expected, const by_name& found) {
  std::string names;
  for (const auto& [name, what] : expected) {
    auto there = found.find(name);
    if (there == found.end()) names.append("gone: ").append(name).append("\n");
    else if (there->second != what)
      names.append("changed: ").append(name).append(": ").append(there->second).append("\n");
  }
  for (const auto& [name, what] : found)
    if (!expected.contains(name)) names.append("new: ").append(name).append("\n");
  return names;
}

/// Every file and link below a directory with its permissions and content. Directories of the given
/// names are left out.
inline by_name files_below(const stdfs::path& top, const std::vector<std::string>& without) {
  by_name found;
  for (stdfs::recursive_directory_iterator entry(top), end; entry != end; ++entry) {
    const stdfs::path& path = entry->path();
    if (std::find(without.begin(), without.end(), path.filename()) != without.end()) {
      entry.disable_recursion_pending();
      continue;
    }
    struct stat seen {};
    if (::lstat(path.c_str(), &seen) != 0 || S_ISDIR(seen.st_mode)) continue;
    found[path.lexically_relative(top)] =
        std::to_string(seen.st_mode) + " " +
        (S_ISLNK(seen.st_mode) ? stdfs::read_symlink(path).native() : fs::read_file(path));
  }
  return found;
}

/// The entries of an index: flags, mode, object and stage of each.
inline by_name index_of(const stdfs::path& tree, const std::string& prefix = "") {
  by_name entries;
  process_options start;
  start.argv = {"git", "-C", tree.native(), "ls-files", "--stage", "-v", "-z"};
  start.contain = false;
  for (const std::string& row : git::split_nul(run(std::move(start)).out)) {
    auto tab = row.find('\t');
    entries[prefix + row.substr(tab + 1) + " " + row[tab - 1]] = row.substr(0, tab);
  }
  return entries;
}

}  // namespace agentlua::test
