#pragma once
// agentlua/git/diff.hpp: room 4. What changed between two commits, as data.

#include <charconv>
#include <string>
#include <vector>

#include "agentlua/git/repository.hpp"

namespace agentlua::git {

/// One changed file. Renames are a deletion and an addition.
struct changed_file {
  std::string path;
  long added = 0, deleted = 0;
  bool binary = false;
  char status = 'M';  ///< A added, D deleted, M content or mode, T another kind of file
};

/// Files that differ between two trees or commits of a repository.
inline std::vector<changed_file> diff(const location& at, const std::string& from,
                                      const std::string& to) {
  std::vector<changed_file> files;
  auto parts = split_nul(command(at, {"diff-tree", "-r", "-z", "--raw", "--numstat", "--no-renames",
                                      "--no-ext-diff", "--no-textconv", from, to})
                             .out);
  std::size_t i = 0;  // first ":<modes> <blobs> <status>" and path for each, then its numbers
  for (; i + 1 < parts.size() && parts[i].starts_with(':'); i += 2) {
    changed_file& file = files.emplace_back();
    file.status = parts[i].back();
    file.path = parts[i + 1];
  }
  for (std::size_t k = 0; i < parts.size() && k < files.size(); ++i, ++k) {
    const std::string& row = parts[i];
    const auto second = row.find('\t') + 1;
    files[k].binary = row[0] == '-';
    std::from_chars(row.data(), row.data() + row.size(), files[k].added);
    std::from_chars(row.data() + second, row.data() + row.size(), files[k].deleted);
  }
  return files;
}

}  // namespace agentlua::git
