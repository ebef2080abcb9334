#pragma once
// agentlua/store.hpp: room 4. The task store: one JSON file per task, one kernel lock per owner.

#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "agentlua/json_edit.hpp"
#include "agentlua/lock.hpp"
#include "agentlua/store/explain.hpp"
#include "agentlua/store/places.hpp"

namespace agentlua {

/// How a store is opened.
struct store_options {
  stdfs::path root;            ///< what conditions are relative to; the current directory
  bool network_store = false;  ///< on a network file system, used by one machine only
};

/// What store::claim() takes.
struct claim_request {
  std::vector<std::string> from;  ///< statuses, the preferred one first
  std::string to;                 ///< status the task is moved to
  std::string id;                 ///< only this task, when not empty
  std::set<std::string> exclude;  ///< ids that are passed over
  json owner;                     ///< kept with the lock, for who looks at a running task
};

/// A directory of tasks, shared by any number of runners.
///
/// A task is a JSON object in `<dir>/<status>/<name>.json`. A move is one rename that never
/// replaces; content changes are made in the text, so that every other byte stays, written beside
/// and swapped in under an edit lock, and only while the file is where and what it was when it was
/// read. A claimed task is owned through a flock until release().
/// Tasks are returned as their fields plus `status` and `file`.
/// Threads: one thread at a time.
/// Errors: ENOENT, EAMBIGUOUS, ELOCKED, EJSON, EINVAL, EEXIST, ENETFS and errno names.
class store {
 public:
  explicit store(const stdfs::path& dir, const store_options& options = {})
      : dir_(dir), chooser_(dir, options.root.empty() ? stdfs::path(".") : options.root) {
    if (!options.network_store) detail::check_local(dir);
  }

  const stdfs::path& dir() const noexcept { return dir_; }

  /// Makes the status directories.
  void create() const {
    for (const char* status : task_statuses) fs::make_directories(dir_ / status);
    fs::make_directories(dir_ / ".locks");
  }

  /// Adds a task to `todo` (or to `fields.status`). Missing id, dates and defaults are filled in.
  /// Errors: EINVAL (no name, bad id or status), EEXIST (the id is taken).
  json add(json fields) {
    if (!fields.is_object() || string_or(fields, "name").empty())
      throw error("EINVAL", "a task needs a \"name\"");
    const std::string status = string_or(fields, "status", "todo");
    detail::check_status(status);
    json task;
    const std::string id = string_or(fields, "id", text::uuid());
    detail::check_id(id);
    refresh();
    if (const task_record* other = chooser_.of_id(id))
      throw error("EEXIST", "a task with id '" + id + "' is there already, in " + other->status);
    task["id"] = id;
    for (auto& [key, value] : fields.items())
      if (key != "id" && key != "file") task[key] = std::move(value);
    task["status"] = status;
    if (!member(task, "id8")) task["id8"] = unique_id8(id);
    detail::check_id(task_id8(task));  // it is part of the file's name
    if (!member(task, "priority")) task["priority"] = 50;
    if (!member(task, "created_at")) task["created_at"] = iso_time();
    task["updated_at"] = iso_time();
    const std::string file = text::slug(string_or(task, "name")) + "-" + task_id8(task) + ".json";
    const std::string text = dump_json(task, 2) + "\n";
    detail::parse_task(text, "task '" + text::printable(id) + "'");
    fs::make_directories(dir_ / status);
    fs::write_file_atomic(dir_ / status / file, text, fs::write_mode::create_only);
    return with_place(std::move(task), status, file);
  }

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

  /// Moves the next task that may run from one of `from` to `to` and owns it. nullopt: none may.
  /// The task comes with `claimed_from`, the status that it had.
  /// Errors: EEXIST (a file in `to` is in the way of a task, and no other task may run).
  std::optional<json> claim(const claim_request& request) {
    detail::check_status(request.to);
    refresh();
    std::set<const task_record*> lost;  // to other runners, in this call
    std::optional<error> in_the_way;
    const auto wanted = [&](const task_record& task) {
      return !lost.contains(&task) && (request.id.empty() || task.id == request.id) &&
             !request.exclude.contains(task.id) && !owned_.contains(task.id);
    };
    while (task_record* task = chooser_.pick(request.from, wall_now(), wanted)) {
      try {
        if (auto fields = take(*task, request)) return fields;
      } catch (const error& problem) {
        if (problem.code() != "EEXIST") throw;
        in_the_way = problem;
      }
      lost.insert(task);
    }
    if (in_the_way) throw *in_the_way;
    return std::nullopt;
  }

  /// Moves a task and merges `patch` into its top-level fields. Durable when it returns.
  /// Errors: ELOCKED (a living owner other than this store has it), and those of update().
  json move(const std::string& key, const std::string& to, json patch = json::object()) {
    detail::check_status(to);
    const std::string id = look_up(key).id;
    auto lent = borrow(id);
    patch["status"] = to;
    json fields = update(id, patch);
    const std::string from = string_or(fields, "status");
    const std::string file = string_or(fields, "file");
    if (from == to) return fields;
    fs::make_directories(dir_ / to);
    if (!fs::rename_noreplace(dir_ / from / file, dir_ / to / file))
      throw error("ENOENT", "task '" + id + "' was moved out of " + from + " by somebody else");
    fs::sync_directory(dir_ / to);
    fs::sync_directory(dir_ / from);
    fields["status"] = to;
    return fields;
  }

  /// Merges `patch` into the top-level fields of a task, wherever it is. Every other byte of the
  /// file stays. Anybody may; concurrent updates are all kept, also those of editors.
  /// Errors: EINVAL (the patch has another id, or an empty name), EBUSY (somebody writes to it all
  /// the time).
  json update(const std::string& key, const json& patch) {
    const std::string id = look_up(key).id;
    for (int attempt = 0; attempt < 200; ++attempt) {
      const task_record task = look_up(id);
      auto lock = file_lock::acquire(detail::lock_path(dir_, task.stem(), "edit"));
      try {
        if (auto fields = rewrite(task, patch)) return *fields;
      } catch (const error& problem) {
        if (problem.code() != "ENOENT") throw;  // moved meanwhile: follow it
      }
    }
    throw error("EBUSY", "task '" + id + "' is written to all the time by another program");
  }

  /// Gives up the ownership of a task; it stays where it is.
  void release(const std::string& id) { owned_.erase(id); }

  /// Descriptor of the owner lock, to be shared with the processes that work on the task.
  /// Errors: ENOENT (this store does not own it).
  int owner_fd(const std::string& id) const {
    auto found = owned_.find(id);
    if (found == owned_.end()) throw error("ENOENT", "task '" + id + "' is not owned here");
    return found->second.fd();
  }

  /// True when a living owner, here or elsewhere, holds the task.
  bool is_owned(const std::string& id) const {
    return owned_.contains(id) || file_lock::held(detail::lock_path(dir_, id, "owner"));
  }

  /// Takes over the tasks of dead owners: those in `analysing` or `in-progress` whose lock is free.
  /// Each comes with `claimed_from`, the status that its owner had claimed it from. Sweeps away
  /// temporary files of dead writers.
  std::vector<json> recover() {
    refresh();
    std::vector<task_record> running;
    chooser_.index().for_each([&](const task_record& task) {
      if (task.runs() && !owned_.contains(task.id)) running.push_back(task);
    });
    std::vector<json> tasks;
    for (const task_record& task : running) {
      const auto path = detail::lock_path(dir_, task.id, "owner");
      auto lock = file_lock::try_acquire(path);
      auto fields = lock ? read(task) : std::nullopt;
      if (!fields) continue;
      std::string from = string_or(detail::read_owner(path), "from");
      if (from.empty()) from = task.analysed ? "analysed" : "todo";
      (*fields)["claimed_from"] = from;
      owned_[task.id] = std::move(*lock);
      tasks.push_back(std::move(*fields));
    }
    for (const char* status : task_statuses) fs::sweep_temporaries(dir_ / status);
    return tasks;
  }

  /// Files that are no tasks, or one too many: [{status, file, reason, age}], age in seconds. With
  /// `all`, files in done are read too.
  json problems(bool all = false) {
    refresh();
    if (all) chooser_.load_all();
    json list = json::array();
    for (const auto& [key, one] : chooser_.index().problems())
      list.push_back({{"status", one.status},
                      {"file", one.file},
                      {"reason", one.reason},
                      {"age", wall_now() - one.changed}});
    chooser_.index().for_each([&](const task_record& task) {
      const task_record* twin = task.parsed ? chooser_.twin(task) : nullptr;
      if (twin == nullptr || !goes_first(task, *twin)) return;
      list.push_back(
          {{"status", task.status},
           {"file", task.file},
           {"reason", chooser_.index().path(task).native() + ": id '" + task.id + "' is also in " +
                          twin->status + "/" + twin->file + ", which has come further"},
           {"age", wall_now() - chooser_.index().changed(task)}});
    });
    return list;
  }

  /// Sets such a file aside in `.quarantine`, with the reason beside it, under its edit lock.
  /// False when it is well, changed, owned or gone by now.
  bool quarantine(const std::string& status, const std::string& file) {
    auto lock = file_lock::acquire(
        detail::lock_path(dir_, file.substr(0, file.rfind('.')), "edit"));
    std::string reason;
    for (const json& one : problems())
      if (one["status"] == status && one["file"] == file) reason = one["reason"];
    if (reason.empty()) return false;
    stdfs::path target = dir_ / ".quarantine" /
                         (status + "-" + text::uuid().substr(0, 8) + "-" + file);
    fs::make_directories(target.parent_path());
    if (!fs::rename_noreplace(dir_ / status / file, target)) return false;
    fs::write_file_atomic(target.native() + ".reason", reason + "\n");
    return true;
  }

 private:
  static json with_place(json fields, const std::string& status, const std::string& file) {
    fields["status"] = status;
    fields["file"] = file;
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

  std::optional<json> take(const task_record& task, const claim_request& request) {
    // Two that claim the same resource must see each other: one at a time.
    std::optional<file_lock> one_by_one;
    if (!task.resources.empty() || !task.touches.empty()) {
      one_by_one = file_lock::acquire(dir_ / ".locks/resources.claim");
      refresh();  // from here on `task` may be gone
      auto still = chooser_.pick(request.from, wall_now(), [&](const task_record& other) {
        return &other == &task;
      });
      if (still == nullptr) return std::nullopt;
    }
    const std::string id = task.id;
    const std::string from = task.status;
    const std::string file = task.file;
    auto lock = file_lock::try_acquire(detail::lock_path(dir_, id, "owner"));
    if (!lock) return std::nullopt;
    json owner = request.owner;
    owner["from"] = from;
    detail::write_owner(*lock, owner);
    if (!stdfs::exists(dir_ / request.to)) fs::make_directories(dir_ / request.to);
    const stdfs::path target = dir_ / request.to / file;
    if (!fs::rename_noreplace(dir_ / from / file, target)) return std::nullopt;  // lost the race
    json fields = with_place(detail::read_task(target), request.to, file);
    fields["claimed_from"] = from;
    owned_[id] = std::move(*lock);
    return fields;
  }

  std::optional<json> rewrite(const task_record& task, json patch) const {
    const stdfs::path path = dir_ / task.status / task.file;
    const std::string before = fs::read_file(path, json_limits{}.bytes);
    detail::parse_task(before, path.native());
    patch.erase("file");
    patch["updated_at"] = iso_time();
    const std::string after = edit_json(before, patch);
    try {
      json fields = detail::parse_task(after, "the change");
      if (string_or(fields, "id") != task.id)
        throw error("EINVAL", "a task keeps its id, and needs a \"name\"");
      if (!fs::replace_file_if(path, before, after)) return std::nullopt;
      return with_place(std::move(fields), task.status, task.file);
    } catch (const error& problem) {
      if (problem.code() == "EJSON") throw error("EINVAL", problem.what());
      throw;
    }
  }

  /// The owner lock for the duration of a change; none when this store owns the task anyway.
  std::optional<file_lock> borrow(const std::string& id) {
    if (owned_.contains(id)) return std::nullopt;
    auto lock = file_lock::try_acquire(detail::lock_path(dir_, id, "owner"));
    if (!lock)
      throw error("ELOCKED", "task '" + id + "' is being worked on; agentlua stop " +
                                 text::id8(id) + " ends that");
    return lock;
  }

  // ---- finding -------------------------------------------------------------------------------------

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
    if (const task_record* exact = chooser_.of_id(key)) return *exact;
    chooser_.load_all();
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
    if (matches.empty())
      throw error("ENOENT", "no task '" + shown + "'; agentlua task list shows what is there");
    if (matches.size() == 1) return *matches[0];
    std::sort(matches.begin(), matches.end(), [](auto* a, auto* b) { return a->id < b->id; });
    std::string message = "'" + shown + "' is ambiguous:";
    for (const task_record* task : matches) message += " " + task->id + " (" + task->name + ")";
    throw error("EAMBIGUOUS", message + "; give more of the id");
  }

  std::string unique_id8(const std::string& id) {
    std::string short_id = text::id8(id);
    bool taken = false;
    chooser_.index().for_each([&](const task_record& task) {
      taken = taken || task.stem().ends_with("-" + short_id);
    });
    return taken ? text::sha256_hex(id).substr(0, 8) : short_id;
  }

  // ---- order ---------------------------------------------------------------------------------------

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

  stdfs::path dir_;
  task_chooser chooser_;
  std::map<std::string, file_lock> owned_;
};

}  // namespace agentlua
