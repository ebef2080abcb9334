#pragma once
// agentlua/store/view.hpp: room 3. The tasks of a directory as they are now, without changing any.

#include <algorithm>
#include <optional>
#include <string>
#include <vector>

#include "agentlua/store/explain.hpp"
#include "agentlua/store/places.hpp"

namespace agentlua {

/// How a store is opened.
struct store_options {
  stdfs::path root;            ///< what conditions are relative to; the current directory
  bool network_store = false;  ///< on a network file system, used by one machine only
};

/// A task directory, looked at. Tasks are returned as their fields plus `status` and `file`.
/// Threads: one thread at a time. Errors: ENOENT, EAMBIGUOUS, EINVAL, ENETFS and errno names.
class task_view {
 public:
  explicit task_view(const stdfs::path& dir, const store_options& options = {})
      : dir_(dir), chooser_(dir, options.root.empty() ? stdfs::path(".") : options.root) {
    if (!options.network_store) detail::check_local(dir);
  }

  const stdfs::path& dir() const noexcept { return dir_; }

  /// The task that `key` names: id, unique id prefix, short id, slug or file stem.
  /// Errors: ENOENT, EAMBIGUOUS (the candidates are listed).
  json get(const std::string& key) {
    for (int attempt = 0;; ++attempt) {
      if (auto fields = read(look_up(key))) return *fields;
      if (attempt == 100) throw error("ENOENT", "task '" + key + "' is moved all the time");
    }
  }

  /// All tasks, or those of one status, in the order in which they would run.
  std::vector<json> list(const std::string& status = {}) {
    if (!status.empty()) detail::check_status(status);
    refresh();
    std::vector<const task_record*> found;
    chooser_.index().for_each([&](task_record& task) {
      if (status.empty() || task.status == status) found.push_back(&task);
    });
    for (const task_record* task : found) chooser_.index().load(const_cast<task_record&>(*task));
    std::sort(found.begin(), found.end(), listed_before);
    std::vector<json> tasks;
    for (const task_record* task : found)
      if (auto fields = read(*task)) tasks.push_back(std::move(*fields));
    return tasks;
  }

  /// Id of the task that would run next of the statuses `from`; "" when none may. Looks at few tasks,
  /// however many there are.
  std::string next_id(const std::vector<std::string>& from) {
    refresh();
    const task_record* task = chooser_.pick(from, wall_now(), [](const auto&) { return true; });
    return task != nullptr ? task->id : std::string();
  }

  /// The task that would run next of `from`, and every other with the reasons that keep it back:
  /// {task: object or null, blocked: [{id, name, status, kind, reasons: [{code, text}]}],
  /// ready: number of tasks that could run}. kind is "time", "person" or "ever".
  json next(const std::vector<std::string>& from) {
    refresh();
    const double now = wall_now();
    task_explainer explainer(chooser_, now);
    json answer = {{"task", nullptr}, {"ready", 0}, {"blocked", json::array()}};
    int ready = 0;
    for (const task_record* task : in_line(from)) {
      auto reasons = explainer.reasons(*task);
      if (!reasons.empty()) {
        answer["blocked"].push_back(describe(*task, reasons));
      } else if (ready++ == 0) {
        if (auto fields = read(*task)) answer["task"] = std::move(*fields);
      }
    }
    answer["ready"] = ready;
    return answer;
  }

  /// Files that are no tasks, or one too many: [{status, file, reason, age, damaged}], age in seconds;
  /// `damaged` is false for one that could only not be read just now. With
  /// `all`, files in done are read too.
  json problems(bool all = false) {
    refresh();
    if (all) chooser_.names().load_all();
    json list = json::array();
    for (const auto& [key, one] : chooser_.index().problems())
      list.push_back({{"status", one.status},
                      {"file", one.file},
                      {"reason", one.reason},
                      {"age", wall_now() - one.changed},
                      {"damaged", one.damaged}});
    chooser_.index().for_each([&](const task_record& task) {
      const task_record* twin = task.parsed ? chooser_.names().twin(task) : nullptr;
      if (twin == nullptr || !goes_first(task, *twin)) return;
      list.push_back(
          {{"status", task.status},
           {"file", task.file},
           {"reason", chooser_.index().path(task).native() + ": id '" + task.id + "' is also in " +
                          twin->status + "/" + twin->file + ", which has come further"},
           {"age", wall_now() - chooser_.index().changed(task)},
           {"damaged", true}});
    });
    return list;
  }

 protected:
  static json with_place(json fields, const std::string& status, const std::string& file) {
    fields["status"] = status;
    fields["file"] = file;
    if (fields.contains("id8"))
      fields["id8"] = task_id8(fields);  // written by hand it can be anything
    return fields;
  }

  void refresh() { chooser_.index().refresh(); }

  /// All fields of a task; nullopt when it is not there any more.
  std::optional<json> read(const task_record& task) const {
    try {
      return with_place(detail::read_task(dir_ / task.status / task.file), task.status, task.file);
    } catch (const error& problem) {
      if (problem.code() != "ENOENT" && problem.code() != "EJSON") throw;
      return std::nullopt;  // a damaged one is reported as such
    }
  }

  /// resolve() after a fresh look. A task that is moved just then can be missed, so look again.
  const task_record& look_up(const std::string& key) {
    for (int attempt = 0;; ++attempt) {
      refresh();
      try {
        return resolve(key);
      } catch (const error& problem) {
        if (problem.code() != "ENOENT" || attempt == 3) throw;
      }
    }
  }

  const task_record& resolve(const std::string& key) {
    if (const task_record* exact = chooser_.names().of_id(key)) return *exact;
    chooser_.names().load_all();
    std::vector<const task_record*> matches;
    chooser_.index().for_each([&](const task_record& task) {
      if (!task.parsed || key.empty()) return;
      bool named = task.short_id() == key || task.stem() == key || text::slug(task.name) == key ||
                   task.slug == key || task.id.starts_with(key);
      bool again = false;
      for (const task_record* other : matches) again = again || other->id == task.id;
      if (named && !again) matches.push_back(&task);
    });
    const std::string shown = text::printable(key.substr(0, 80));
    if (matches.empty()) {
      const auto& unread = chooser_.index().problems();
      std::string hint = unread.empty() ? "agentlua task list shows what is there"
                                        : "it may be this file: " + unread.begin()->second.reason;
      throw error("ENOENT", "no task '" + shown + "'; " + hint);
    }
    if (matches.size() == 1) return *matches[0];
    std::sort(matches.begin(), matches.end(), [](auto* a, auto* b) { return a->id < b->id; });
    std::string message = "'" + shown + "' is ambiguous:";
    for (const task_record* task : matches) message += " " + task->id + " (" + task->name + ")";
    throw error("EAMBIGUOUS", message + "; give more of the id");
  }

  stdfs::path dir_;
  task_chooser chooser_;

 private:
  static std::size_t place_of(const std::string& status) {
    return static_cast<std::size_t>(
        std::find(task_statuses.begin(), task_statuses.end(), status) - task_statuses.begin());
  }
  static bool listed_before(const task_record* a, const task_record* b) {
    if (a->begun == b->begun && a->status != b->status)
      return place_of(a->status) < place_of(b->status);
    return task_chooser::before(a, b);
  }
  std::vector<const task_record*> in_line(const std::vector<std::string>& from) {
    std::vector<const task_record*> line;
    chooser_.index().for_each([&](const task_record& task) {
      if (task.parsed && std::find(from.begin(), from.end(), task.status) != from.end())
        line.push_back(&task);
    });
    auto place = [&](const task_record* task) {
      return std::find(from.begin(), from.end(), task->status) - from.begin();
    };
    std::sort(line.begin(), line.end(), [&](const task_record* a, const task_record* b) {
      if (a->begun == b->begun && place(a) != place(b)) return place(a) < place(b);
      return task_chooser::before(a, b);
    });
    return line;
  }
  /// Of two files with one id the one that has come less far is one too many.
  static bool goes_first(const task_record& task, const task_record& twin) {
    static const std::vector<std::string> order = {
        "todo",  "analysing", "needs-input", "analysed",  "in-progress", "needs-review",
        "split", "failed",    "skipped",     "cancelled", "done"};
    auto place = [](const task_record& one) {
      return std::make_pair(std::find(order.begin(), order.end(), one.status), one.file);
    };
    return place(task) < place(twin);
  }

  static json describe(const task_record& task, const std::vector<block_reason>& reasons) {
    constexpr std::array<const char*, 4> kinds = {"nothing", "time", "person", "ever"};
    json list = json::array();
    for (const auto& reason : reasons)
      list.push_back({{"code", reason.code}, {"text", reason.text}});
    return {{"id", task.id},
            {"name", task.name},
            {"status", task.status},
            {"kind", kinds[static_cast<std::size_t>(task_explainer::worst(reasons))]},
            {"reasons", list}};
  }
};

}  // namespace agentlua
