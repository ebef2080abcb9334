#pragma once
// agentlua/store/rules.hpp: room 3. Conditions on files, and which tasks must not run together.

#include <string>
#include <string_view>
#include <vector>

#include "agentlua/fs.hpp"
#include "agentlua/store/record.hpp"

namespace agentlua {

/// True when two tasks claim the same resource, or files that may be the same.
class task_overlap {
 public:
  static bool between(const task_record& a, const task_record& b) {
    return common(a.resources, b.resources, same_name) || common(a.touches, b.touches, may_overlap);
  }

 private:
  static bool same_name(const std::string& a, const std::string& b) { return a == b; }
  static bool may_overlap(const std::string& a, const std::string& b) {
    if (text::glob_match(a, b) || text::glob_match(b, a)) return true;
    auto fixed = [](std::string_view glob) { return glob.substr(0, glob.find_first_of("*?[{")); };
    std::string_view one = fixed(a);
    std::string_view other = fixed(b);
    bool both = one.size() < a.size() && other.size() < b.size();  // in doubt they do
    return both && (one.starts_with(other) || other.starts_with(one));
  }
  static bool common(const std::vector<std::string>& some, const std::vector<std::string>& others,
                     bool (*same)(const std::string&, const std::string&)) {
    for (const auto& a : some)
      for (const auto& b : others)
        if (same(a, b)) return true;
    return false;
  }
};

/// Conditions of tasks: a path below the root that must exist, a glob that must match, or either
/// with "!" in front: must not.
class task_conditions {
 public:
  explicit task_conditions(stdfs::path root) : root_(std::move(root)) {}

  /// The first condition that does not hold; nullptr when all do.
  const std::string* failed(const task_record& task) const {
    for (const std::string& condition : task.conditions)
      if (!holds(condition)) return &condition;
    return nullptr;
  }

 private:
  bool holds(std::string_view rule) const {
    bool wanted = !rule.starts_with('!');
    if (!wanted) rule.remove_prefix(1);
    std::string path(rule);
    if (rule.starts_with("file_exists:")) path = ".bot/" + std::string(rule.substr(12));
    stdfs::path relative = stdfs::path(path).lexically_normal();
    if (relative.empty() || relative.is_absolute() || *relative.begin() == "..") return false;
    std::error_code ignored;
    if (path.find('*') == std::string::npos)
      return stdfs::exists(stdfs::symlink_status(root_ / relative, ignored)) == wanted;
    return any_match(relative.native()) == wanted;
  }
  bool any_match(const std::string& glob) const {
    std::error_code ignored;
    std::string fixed = glob.substr(0, glob.find('*'));
    stdfs::path base = root_ / fixed.substr(0, fixed.rfind('/') + 1);
    stdfs::recursive_directory_iterator at(base, ignored);
    for (; at != stdfs::recursive_directory_iterator(); at.increment(ignored)) {
      if (ignored) return false;
      if (at->path().filename() == ".git") at.disable_recursion_pending();
      if (text::glob_match(glob, at->path().lexically_relative(root_).native())) return true;
    }
    return false;
  }

  stdfs::path root_;
};

}  // namespace agentlua
