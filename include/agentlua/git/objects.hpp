#pragma once
// agentlua/git/objects.hpp: room 4. Files as git objects, byte for byte: no filter, no attribute.

#include <algorithm>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "agentlua/fs.hpp"
#include "agentlua/git/repository.hpp"
#include "agentlua/git/survey.hpp"

namespace agentlua::git {

namespace detail {

/// A directory of our own, locked while its owner lives, gone with this object.
class scratch_directory {
 public:
  explicit scratch_directory(const stdfs::path& parent) {
    std::string name = parent / (std::string(prefix) + "XXXXXX");
    if (::mkdtemp(name.data()) == nullptr) throw_errno("make directory", name);
    path_ = name;
    fd_.reset(::open(name.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (fd_) ::flock(fd_.get(), LOCK_EX | LOCK_NB);  // for the sweep
  }
  scratch_directory(const scratch_directory&) = delete;
  scratch_directory& operator=(const scratch_directory&) = delete;
  ~scratch_directory() {
    std::error_code ignored;
    stdfs::remove_all(path_, ignored);
  }
  stdfs::path operator/(const char* name) const { return path_ / name; }
  static constexpr const char* prefix = "agentlua-save-";

 private:
  stdfs::path path_;
  agentlua::detail::unique_fd fd_;
};

/// For a git with another index than the checkout's: always a whole one, never a split one.
inline command_options with_index(const stdfs::path& index) {
  return {.env = {"GIT_INDEX_FILE=" + index.native(), "GIT_CONFIG_COUNT=1",
                  "GIT_CONFIG_KEY_0=core.splitIndex", "GIT_CONFIG_VALUE_0=false"}};
}

/// Copies an index with its time, by which git tells what changed too soon after. False: there is none.
inline bool copy_index(const stdfs::path& from, const stdfs::path& to) {
  if (nothing_at(from)) return false;
  const auto time = stdfs::last_write_time(from);
  stdfs::copy_file(from, to);
  stdfs::last_write_time(to, time);
  return true;
}

/// Runs git with such an index; what it prints, without the end of the line. Errors: ESAVE.
inline std::string must_with_index(const location& at, const stdfs::path& index,
                                   std::vector<std::string> args, std::string input = {}) {
  auto options = with_index(index);
  options.input = std::move(input);
  options.may_fail = true;
  auto done = command(at, std::move(args), std::move(options));
  if (done.code != 0)
    throw error("ESAVE", "'" + at.work_tree.native() + "' cannot be saved: " + done.err);
  return done.out.substr(0, done.out.find('\n'));
}

inline std::string nul_separated(const std::vector<std::string>& names) {
  std::string out;
  for (const std::string& name : names) out.append(name).push_back('\0');
  return out;
}

/// Object names of files as they are, one for each; `write` keeps them as blobs.
/// Errors: ESAVE (one cannot be read, or is gone).
inline std::vector<std::string> hash_files(const location& at,
                                           const std::vector<stdfs::path>& files, bool write) {
  if (files.empty()) return {};
  command_options options;
  options.may_fail = true;
  for (const stdfs::path& file : files) {
    options.input += '"';
    for (char c : file.native())
      if (c == '\n') options.input += "\\n";
      else if (c == '"' || c == '\\') (options.input += '\\') += c;
      else options.input += c;
    options.input += "\"\n";
  }
  std::vector<std::string> args = {"hash-object", "--no-filters", "--stdin-paths"};
  if (write) args.emplace_back("-w");
  auto done = command(at, args, options);
  auto names = repository::split_lines(done.out);
  if (done.code != 0 || names.size() != files.size())
    throw error("ESAVE", "cannot read files of '" + at.work_tree.native() + "': " + done.err);
  return names;
}

/// Adds all in a text that looks like an object name of `length` hex digits.
inline void find_names(std::string_view text, std::size_t length, std::set<std::string>& names) {
  constexpr const char* hex = "0123456789abcdef";
  for (std::size_t at = 0; (at = text.find_first_of(hex, at)) != std::string_view::npos;) {
    auto end = std::min(text.find_first_not_of(hex, at), text.size());
    if (end - at == length) names.emplace(text.substr(at, length));
    at = end;
  }
}

/// Makes a tree of entries; those of mode 040000 are trees themselves.
inline std::string write_tree(const location& at, const stdfs::path& new_index,
                              const std::vector<tree_entry>& entries) {
  std::string input;
  for (const auto& [mode, object, path] : entries)
    if (mode != "040000")
      input.append(mode).append(" ").append(object).append("\t").append(path).push_back('\0');
  must_with_index(at, new_index, {"update-index", "-z", "--index-info"}, input);
  for (const auto& [mode, object, path] : entries)
    if (mode == "040000")
      must_with_index(at, new_index, {"read-tree", "--prefix=" + path + "/", object});
  return must_with_index(at, new_index, {"write-tree"});
}

/// Entries of a tree, all directories entered.
inline std::vector<tree_entry> read_tree(const location& at, const std::string& tree) {
  std::vector<tree_entry> entries;
  for (const std::string& row : split_nul(command(at, {"ls-tree", "-r", "-z", tree}).out)) {
    std::string_view rest = row;
    auto tab = rest.find('\t');
    std::string path(rest.substr(tab + 1));
    rest = rest.substr(0, tab);
    auto word = take_words(rest, 3);  // mode, kind, object
    entries.push_back({word[0], word[2], std::move(path)});
  }
  return entries;
}

}  // namespace detail

}  // namespace agentlua::git
