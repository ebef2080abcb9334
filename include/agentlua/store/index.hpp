#pragma once
// agentlua/store/index.hpp: room 3. What the task directories hold, read again only where changed.

#include <sys/stat.h>

#include <array>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "agentlua/fs.hpp"
#include "agentlua/json.hpp"
#include "agentlua/text.hpp"
#include "agentlua/time.hpp"

namespace agentlua {

/// Directory names, in the order of a task's life. The directory is the status.
inline constexpr std::array<const char*, 11> task_statuses = {
    "todo", "analysing", "needs-input", "analysed", "in-progress", "needs-review",
    "done", "failed",    "skipped",     "split",    "cancelled"};

/// One task file.
struct task_record {
  std::string status;
  std::string file;    ///< name in its status directory; stays the same when the task moves
  json fields;         ///< null while a done task was not asked for
  double changed = 0;  ///< modification time, wall seconds

  std::string id() const { return string_or(fields, "id"); }
  std::string name() const { return string_or(fields, "name"); }
  std::string stem() const { return file.substr(0, file.size() - 5); }
};

/// A file that could not be read as a task, and why.
struct task_problem {
  std::string status, file, reason;
  double changed = 0;
};

/// Resident view of a task directory. `done` is listed but not parsed until load() asks for it.
class task_index {
 public:
  explicit task_index(stdfs::path dir) : dir_(std::move(dir)) {}

  const stdfs::path& dir() const noexcept { return dir_; }
  stdfs::path path(const task_record& task) const { return dir_ / task.status / task.file; }
  const std::map<std::string, task_record>& records() const noexcept { return records_; }
  const std::map<std::string, task_problem>& problems() const noexcept { return problems_; }

  /// Looks at every status directory and parses the files that are new or changed.
  void refresh() {
    std::map<std::string, task_record> seen;
    std::map<std::string, task_problem> damaged;
    for (const char* status : task_statuses) {
      for (std::string& file : fs::list_directory(dir_ / status)) {
        if (file.starts_with('.') || !file.ends_with(".json")) continue;
        look(status, std::move(file), seen, damaged);
      }
    }
    records_.swap(seen);
    problems_.swap(damaged);
  }

  /// Record of a task by status and file; nullptr when it is not there.
  const task_record* find(const std::string& status, const std::string& file) const {
    auto found = records_.find(status + "/" + file);
    return found == records_.end() ? nullptr : &found->second;
  }

  /// Parses a record whose fields were left alone. An unreadable one stays null.
  void load(const task_record& task) {
    auto found = records_.find(task.status + "/" + task.file);
    if (found == records_.end() || !found->second.fields.is_null()) return;
    try {
      found->second.fields = read_task(path(task));
    } catch (const error& problem) {
      problems_[found->first] = {task.status, task.file, problem.what(), task.changed};
    }
  }

  /// Reads and checks one file. Errors: EJSON (with the reason), ENOENT.
  static json read_task(const stdfs::path& file) {
    json fields = parse_json(fs::read_file(file, json_limits{}.bytes), file.native());
    if (!fields.is_object())
      throw error("EJSON", file.native() + ": a task is a JSON object, this is " +
                               std::string(fields.type_name()));
    if (string_or(fields, "id").empty())
      throw error("EJSON", file.native() + ": the task has no \"id\"");
    if (string_or(fields, "name").empty())
      throw error("EJSON", file.native() + ": the task has no \"name\"");
    return fields;
  }

 private:
  void look(const char* status, std::string file, std::map<std::string, task_record>& seen,
            std::map<std::string, task_problem>& damaged) {
    std::string key = std::string(status) + "/" + file;
    struct stat info {};
    if (::stat((dir_ / key).c_str(), &info) != 0) return;  // moved between list and look
    auto changed = static_cast<double>(info.st_mtim.tv_sec) +
                   static_cast<double>(info.st_mtim.tv_nsec) * 1e-9;
    stamp now{info.st_mtim.tv_sec, info.st_mtim.tv_nsec, info.st_size, info.st_ino};
    auto known = records_.find(key);
    if (known != records_.end() && stamps_[key] == now) {
      seen.insert(records_.extract(known));
      return;
    }
    task_record task{status, std::move(file), nullptr, changed};
    try {
      if (task.status != "done") task.fields = read_task(dir_ / key);
      stamps_[key] = now;
      seen.emplace(key, std::move(task));
    } catch (const error& problem) {
      if (problem.code() != "ENOENT")
        damaged[key] = {task.status, task.file, problem.what(), changed};
    }
  }

  struct stamp {
    long seconds = 0, nanoseconds = 0;
    off_t size = 0;
    ino_t inode = 0;
    bool operator==(const stamp&) const = default;
  };

  stdfs::path dir_;
  std::map<std::string, task_record> records_;  // by "status/file"
  std::map<std::string, stamp> stamps_;
  std::map<std::string, task_problem> problems_;
};

/// Short name of a task, 8 hex digits: its `id8` field, else made from its id.
inline std::string task_id8(const json& fields) {
  std::string kept = string_or(fields, "id8");
  return kept.empty() ? text::id8(string_or(fields, "id")) : kept;
}

}  // namespace agentlua
