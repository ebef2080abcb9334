#pragma once
// agentlua/git/copies.hpp: room 4. Ignored files of the main checkout that a new worktree gets too.

#include <algorithm>
#include <fstream>
#include <string>
#include <vector>

#include "agentlua/git/repository.hpp"
#include "agentlua/git/worktree.hpp"
#include "agentlua/text.hpp"

namespace agentlua::git {

/// Name of the file in the top directory whose patterns, written as in .gitignore, choose more of
/// the ignored files.
inline constexpr const char* include_file = ".worktreeinclude";

/// Those of the checkout's ignored files that a worktree should have, as paths relative to it: files
/// of its top directory that match one of `globs`, and what `.worktreeinclude` names. Nothing below
/// `exclude` (relative), and nothing that git has or would see.
inline std::vector<std::string> wanted_copies(const location& at,
                                              const std::vector<std::string>& globs,
                                              const std::vector<std::string>& exclude) {
  if (at.work_tree.empty()) return {};
  auto regular = [&](const std::string& name) {
    return stdfs::is_regular_file(stdfs::symlink_status(at.work_tree / name));
  };
  std::vector<std::string> paths;
  if (!globs.empty())
    for (const std::string& name : fs::list_directory(at.work_tree))
      if (std::any_of(globs.begin(), globs.end(),
                      [&](const std::string& glob) { return text::glob_match(glob, name); }) &&
          regular(name))
        paths.push_back(name);
  if (regular(include_file))
    for (std::string& path :
         split_nul(command(at, {"ls-files", "-z", "--others", "--ignored",
                                "--exclude-from=" + (at.work_tree / include_file).native()})
                       .out))
      paths.push_back(std::move(path));
  std::erase_if(paths, [&](const std::string& path) {
    return path.ends_with('/') ||  // a repository of its own
           std::any_of(exclude.begin(), exclude.end(), [&](const std::string& dir) {
             return path == dir || path.starts_with(dir + "/");
           });
  });
  std::sort(paths.begin(), paths.end());
  paths.erase(std::unique(paths.begin(), paths.end()), paths.end());
  return ignored_paths(at, paths);
}

/// What copy_files() did, as paths relative to the checkouts.
struct copied_files {
  std::vector<std::string> copied;
  std::vector<std::string> skipped;  ///< over the limit, or a link that leads out
};

namespace detail {

/// True when a link at `path` (relative to a checkout) stays inside of it.
inline bool leads_inside(const stdfs::path& path, const stdfs::path& target) {
  if (target.empty() || target.is_absolute()) return false;
  const stdfs::path end = (path.parent_path() / target).lexically_normal();
  return *end.begin() != "..";
}

inline bool same_content(const stdfs::path& a, const stdfs::path& b) {
  std::error_code none;
  auto kind = stdfs::symlink_status(a, none).type();
  if (kind != stdfs::symlink_status(b, none).type()) return false;
  if (kind == stdfs::file_type::symlink)
    return stdfs::read_symlink(a, none) == stdfs::read_symlink(b, none) && !none;
  if (kind != stdfs::file_type::regular || stdfs::file_size(a, none) != stdfs::file_size(b, none) ||
      none)
    return false;
  std::ifstream one(a, std::ios::binary);
  std::ifstream two(b, std::ios::binary);
  std::string left(1 << 16, '\0');
  std::string right(left);
  while (one && two) {
    one.read(left.data(), static_cast<std::streamsize>(left.size()));
    two.read(right.data(), static_cast<std::streamsize>(right.size()));
    if (one.gcount() != two.gcount()) return false;
    if (left.compare(0, static_cast<std::size_t>(one.gcount()), right, 0,
                     static_cast<std::size_t>(one.gcount())) != 0)
      return false;
  }
  return one.eof() && two.eof();
}

}  // namespace detail

/// Copies files of a checkout into the worktree at `to`: files with their permissions, links as
/// links, in all at most `limit` bytes. What is there already stays; nothing is written through a
/// link. Errors: errno names.
inline copied_files copy_files(const location& at, const stdfs::path& to,
                               const std::vector<std::string>& paths, std::uintmax_t limit) {
  copied_files result;
  std::uintmax_t total = 0;
  for (const std::string& path : paths) {
    const stdfs::path from = at.work_tree / path;
    const stdfs::path target = to / path;
    auto kind = stdfs::symlink_status(from).type();
    if (stdfs::exists(stdfs::symlink_status(target)) || real_place(target) != real_place(to) / path)
      continue;
    std::error_code problem;
    if (kind == stdfs::file_type::symlink) {
      const stdfs::path end = stdfs::read_symlink(from, problem);
      if (problem || !detail::leads_inside(path, end)) {
        result.skipped.push_back(path);
        continue;
      }
      fs::make_directories(target.parent_path());
      stdfs::create_symlink(end, target, problem);
    } else if (kind == stdfs::file_type::regular) {
      auto size = stdfs::file_size(from, problem);
      if (problem || size > limit - total) {
        result.skipped.push_back(path);
        continue;
      }
      total += size;
      fs::make_directories(target.parent_path());
      stdfs::copy_file(from, target, problem);
    } else {
      continue;
    }
    if (problem)
      throw errno_error(problem.value(), "copy to '" + target.native() + "'", from.native());
    result.copied.push_back(path);
  }
  return result;
}

/// Those of `paths` that are the same in the checkout and in the worktree at `to`.
inline std::vector<std::string> same_files(const location& at, const stdfs::path& to,
                                           std::vector<std::string> paths) {
  std::erase_if(paths, [&](const std::string& path) {
    return !detail::same_content(at.work_tree / path, to / path);
  });
  return paths;
}

}  // namespace agentlua::git
