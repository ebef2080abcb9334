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
};

/// Files that differ between two trees or commits of a repository.
inline std::vector<changed_file> diff(const location& at, const std::string& from,
                                      const std::string& to) {
  std::vector<changed_file> files;
  for (const std::string& row :
       split_nul(command(at, {"diff-tree", "-r", "-z", "--numstat", "--no-renames", "--no-ext-diff",
                              "--no-textconv", from, to})
                     .out)) {
    auto first = row.find('\t');
    auto second = row.find('\t', first + 1);
    if (second == std::string::npos) continue;
    changed_file file;
    file.path = row.substr(second + 1);
    file.binary = row[0] == '-';
    std::from_chars(row.data(), row.data() + first, file.added);
    std::from_chars(row.data() + first + 1, row.data() + second, file.deleted);
    files.push_back(std::move(file));
  }
  return files;
}

}  // namespace agentlua::git
