#pragma once
// agentlua/store.hpp: room 4. The task store: one JSON file per task, one kernel lock per owner.

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "agentlua/json.hpp"
#include "agentlua/lock.hpp"
#include "agentlua/store/choose.hpp"
#include "agentlua/store/index.hpp"

namespace agentlua {

/// What store::claim() takes.
struct claim_request {
  std::vector<std::string> from;     ///< statuses, the preferred one first
  std::string to;                    ///< status the task is moved to
  std::string id;                    ///< only this task, when not empty
  std::vector<std::string> exclude;  ///< ids that are passed over
  json owner;                        ///< kept with the lock, for who looks at a running task
};

/// A directory of tasks, shared by any number of runners.
///
/// A task is a JSON object in `<dir>/<status>/<name>.json`. A move is one rename that never
/// replaces; content changes are written beside and swapped in, under an edit lock, and only while
/// the file is where it was read. A claimed task is owned through a flock until release().
/// Tasks are returned as their fields plus `status` and `file`.
/// Threads: one thread at a time. Errors: ENOENT, EAMBIGUOUS, ELOCKED, EJSON, EINVAL and errno names.
class store {
 public:
  explicit store(const stdfs::path& dir) : index_(dir) {}

  const stdfs::path& dir() const noexcept { return index_.dir(); }

  /// Makes the status directories.
  void create() const {
    for (const char* status : task_statuses) fs::make_directories(dir() / status);
    fs::make_directories(dir() / ".locks");
  }

  /// Adds a task to `todo` (or to `fields.status`). Missing id, dates and defaults are filled in.
  /// Errors: EINVAL (no name, bad id or status), EEXIST (the id is taken).
  json add(json fields) {
    if (!fields.is_object() || string_or(fields, "name").empty())
      throw error("EINVAL", "a task needs a \"name\"");
    std::string status = string_or(fields, "status", "todo");
    check_status(status);
    json task;
    task["id"] = string_or(fields, "id", text::uuid());
    const std::string id = task["id"];
    check_id(id);
    index_.refresh();
    if (find_exact(id) != nullptr)
      throw error("EEXIST", "a task with id '" + id + "' is there already");
    for (auto& [key, value] : fields.items())
      if (key != "id" && key != "file") task[key] = std::move(value);
    task["status"] = status;
    if (!member(task, "id8")) task["id8"] = unique_id8(id);
    check_id(task_id8(task));  // it is part of the file's name
    if (!member(task, "priority")) task["priority"] = 50;
    if (!member(task, "created_at")) task["created_at"] = iso_time();
    task["updated_at"] = iso_time();
    std::string file = text::slug(task["name"].get<std::string>()) + "-" + task_id8(task) + ".json";
    fs::make_directories(dir() / status);
    fs::write_file_atomic(dir() / status / file, dump_json(task, 2) + "\n",
                          fs::write_mode::create_only);
    return with_place(std::move(task), status, file);
  }

  /// The task that `key` names: id, unique id prefix, slug or file stem.
  /// Errors: ENOENT, EAMBIGUOUS (the candidates are listed).
  json get(const std::string& key) {
    const task_record& task = look_up(key);
    return with_place(task.fields, task.status, task.file);
  }

  /// All tasks, or those of one status, in the order in which they would run.
  std::vector<json> list(const std::string& status = {}) {
    if (!status.empty()) check_status(status);
    index_.refresh();
    std::vector<std::string> wanted;
    if (status.empty()) wanted.assign(task_statuses.begin(), task_statuses.end());
    else wanted.push_back(status);
    load_done();
    std::vector<json> tasks;
    for (const task_record* task : task_chooser(index_).ordered(wanted))
      tasks.push_back(with_place(task->fields, task->status, task->file));
    return tasks;
  }

  /// The task that would run next of `from`, and every other with the reasons that keep it back:
  /// {task: object or null, blocked: [{id, name, status, kind, reasons: [{code, text}]}],
  /// ready: number of tasks that could run}. kind is "time", "person" or "ever".
  json next(const std::vector<std::string>& from) {
    index_.refresh();
    task_chooser chooser(index_);
    json answer = {{"task", nullptr}, {"ready", 0}, {"blocked", json::array()}};
    int ready = 0;
    for (const task_record* task : chooser.ordered(from)) {
      auto reasons = chooser.reasons(*task);
      if (reasons.empty()) {
        if (ready++ == 0) answer["task"] = with_place(task->fields, task->status, task->file);
      } else {
        answer["blocked"].push_back(describe(*task, reasons));
      }
    }
    answer["ready"] = ready;
    return answer;
  }

  /// Moves the next task that may run from one of `from` to `to` and owns it. nullopt: none may.
  /// The task comes with `claimed_from`, the status that it had.
  /// Errors: EEXIST (a file in `to` is in the way of a task, and no other task may run).
  std::optional<json> claim(const claim_request& request) {
    check_status(request.to);
    index_.refresh();
    task_chooser chooser(index_);
    std::optional<error> in_the_way;
    for (const task_record* task : chooser.ordered(request.from)) {
      const std::string id = task->id();
      if (!request.id.empty() && id != request.id) continue;
      if (std::find(request.exclude.begin(), request.exclude.end(), id) != request.exclude.end())
        continue;
      if (owned_.contains(id) || !chooser.reasons(*task).empty()) continue;
      auto lock = file_lock::try_acquire(lock_path(id, "owner"));
      if (!lock) continue;
      json owner = request.owner;
      owner["from"] = task->status;
      write_owner(*lock, owner);
      fs::make_directories(dir() / request.to);
      stdfs::path target = dir() / request.to / task->file;
      try {
        if (!fs::rename_noreplace(index_.path(*task), target)) continue;  // somebody was first
      } catch (const error& problem) {
        if (problem.code() != "EEXIST") throw;
        in_the_way = problem;
        continue;
      }
      owned_[id] = {std::move(*lock), task->status};
      json fields = with_place(task_index::read_task(target), request.to, task->file);
      fields["claimed_from"] = task->status;
      return fields;
    }
    if (in_the_way) throw *in_the_way;
    return std::nullopt;
  }

  /// Moves a task and merges `patch` into its top-level fields. Durable when it returns.
  /// Errors: ELOCKED (a living owner other than this store has it), and those of update().
  json move(const std::string& key, const std::string& to, const json& patch = json::object()) {
    check_status(to);
    const std::string id = look_up(key).id();
    auto lent = borrow(id);
    json fields = update(id, patch.empty() ? json{{"status", to}} : with_status(patch, to));
    std::string from = string_or(fields, "status");
    std::string file = string_or(fields, "file");
    if (from == to) return fields;
    fs::make_directories(dir() / to);
    if (!fs::rename_noreplace(dir() / from / file, dir() / to / file))
      throw error("ENOENT", "task '" + id + "' was moved out of " + from + " by somebody else");
    fs::sync_directory(dir() / to);
    fs::sync_directory(dir() / from);
    fields["status"] = to;
    return fields;
  }

  /// Merges `patch` into the top-level fields of a task, wherever it is. Other fields, and the
  /// order of keys, stay. Anybody may; concurrent updates are all kept.
  /// Errors: EINVAL (the patch has another id, or an empty name).
  json update(const std::string& key, const json& patch) {
    const std::string id = look_up(key).id();
    auto lock = file_lock::acquire(lock_path(id, "edit"));
    for (int attempt = 0;; ++attempt) {
      const task_record& task = look_up(id);
      try {
        json fields = task_index::read_task(index_.path(task));
        for (const auto& [name, value] : patch.items())
          if (name != "file") fields[name] = value;
        if (string_or(fields, "id") != id || string_or(fields, "name").empty())
          throw error("EINVAL", "a task keeps its id, and needs a \"name\"");
        fields["updated_at"] = iso_time();
        fs::write_file_atomic(index_.path(task), dump_json(fields, 2) + "\n",
                              fs::write_mode::existing_only);
        return with_place(std::move(fields), task.status, task.file);
      } catch (const error& problem) {
        if (problem.code() != "ENOENT" || attempt == 100) throw;  // moved meanwhile: follow it
      }
    }
  }

  /// Gives up the ownership of a task; it stays where it is.
  void release(const std::string& id) { owned_.erase(id); }

  /// Descriptor of the owner lock, to be shared with the processes that work on the task.
  /// Errors: ENOENT (this store does not own it).
  int owner_fd(const std::string& id) const {
    auto found = owned_.find(id);
    if (found == owned_.end()) throw error("ENOENT", "task '" + id + "' is not owned here");
    return found->second.lock.fd();
  }

  /// True when a living owner, here or elsewhere, holds the task.
  bool is_owned(const std::string& id) const {
    return owned_.contains(id) || file_lock::held(lock_path(id, "owner"));
  }

  /// Takes over the tasks of dead owners: those in `analysing` or `in-progress` whose lock is free.
  /// Each comes with `claimed_from`, the status that its owner had claimed it from.
  std::vector<json> recover() {
    index_.refresh();
    std::vector<json> tasks;
    for (const auto& [key, task] : index_.records()) {
      if (task.status != "analysing" && task.status != "in-progress") continue;
      if (owned_.contains(task.id())) continue;
      auto lock = file_lock::try_acquire(lock_path(task.id(), "owner"));
      if (!lock || !stdfs::exists(index_.path(task))) continue;
      std::string from = read_owner(task.id());
      if (from.empty()) from = member(task.fields, "analysis") ? "analysed" : "todo";
      json fields = with_place(task_index::read_task(index_.path(task)), task.status, task.file);
      fields["claimed_from"] = from;
      owned_[task.id()] = {std::move(*lock), from};
      tasks.push_back(std::move(fields));
    }
    return tasks;
  }

  /// Files that cannot be read as tasks: [{status, file, reason, age}], age in seconds.
  json problems() {
    index_.refresh();
    json list = json::array();
    for (const auto& [key, problem] : index_.problems())
      list.push_back({{"status", problem.status},
                      {"file", problem.file},
                      {"reason", problem.reason},
                      {"age", wall_now() - problem.changed}});
    return list;
  }

  /// Sets an unreadable file aside in `.quarantine`, with the reason beside it.
  /// False when it is readable, changed or gone by now.
  bool quarantine(const std::string& status, const std::string& file) {
    index_.refresh();
    auto found = index_.problems().find(status + "/" + file);
    if (found == index_.problems().end()) return false;
    stdfs::path target = dir() / ".quarantine" /
                         (status + "-" + text::uuid().substr(0, 8) + "-" + file);
    fs::make_directories(target.parent_path());
    if (!fs::rename_noreplace(dir() / status / file, target)) return false;
    fs::write_file_atomic(target.native() + ".reason", found->second.reason + "\n");
    return true;
  }

 private:
  struct ownership {
    file_lock lock;
    std::string from;
  };

  static json with_place(json fields, const std::string& status, const std::string& file) {
    fields["status"] = status;
    fields["file"] = file;
    return fields;
  }
  static json with_status(json patch, const std::string& status) {
    patch["status"] = status;
    return patch;
  }

  static void check_status(const std::string& status) {
    for (const char* known : task_statuses)
      if (status == known) return;
    throw error("EINVAL", "no status '" + status + "'; agentlua task list --help names them");
  }
  static void check_id(const std::string& id) {
    bool good = id.size() <= 128 && !id.empty() && text::alnum(id[0]);
    for (char c : id) good = good && (text::alnum(c) || c == '.' || c == '_' || c == '-');
    if (!good)
      throw error("EINVAL", "task id '" + text::printable(id.substr(0, 60)) +
                                "' is refused: letters, digits, '.', '_' and '-', at most 128, "
                                "beginning with a letter or digit");
  }

  stdfs::path lock_path(const std::string& id, const char* kind) const {
    bool safe = id.size() <= 128 && text::alnum(id[0]) &&
                id.find_first_not_of(
                    "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
                    "0123456789._-") == std::string::npos;
    return dir() / ".locks" / ((safe ? id : text::sha256_hex(id)) + "." + kind);
  }
  static void write_owner(const file_lock& lock, const json& owner) {
    std::string text = dump_json(owner) + "\n";
    if (::ftruncate(lock.fd(), 0) != 0 ||
        ::pwrite(lock.fd(), text.data(), text.size(), 0) != static_cast<ssize_t>(text.size()))
      throw_errno("write", "owner lock");
  }
  std::string read_owner(const std::string& id) const {
    try {
      auto path = lock_path(id, "owner");
      return string_or(parse_json(fs::read_file(path, 1 << 16), path.native()), "from");
    } catch (const error&) {
      return {};  // claimed by hand: nothing was written
    }
  }

  /// The owner lock for the duration of a change; none when this store owns the task anyway.
  std::optional<file_lock> borrow(const std::string& id) {
    if (owned_.contains(id)) return std::nullopt;
    auto lock = file_lock::try_acquire(lock_path(id, "owner"));
    if (!lock)
      throw error("ELOCKED", "task '" + id + "' is being worked on; agentlua stop " +
                                 text::id8(id) + " ends that");
    return lock;
  }

  const task_record* find_exact(const std::string& id) {
    for (const auto& [key, task] : index_.records())
      if (!task.fields.is_null() && task.id() == id) return &task;
    const std::string short_id = text::id8(id);
    const std::string other_id = text::sha256_hex(id).substr(0, 8);  // see unique_id8()
    for (const auto& [key, task] : index_.records()) {
      bool named = task.stem().ends_with(short_id) || task.stem().ends_with(other_id);
      if (!task.fields.is_null() || !named) continue;
      index_.load(task);
      if (task.id() == id) return &task;
    }
    return nullptr;
  }

  /// resolve() after a fresh look. A task that is moved just then can be missed, so look again.
  const task_record& look_up(const std::string& key) {
    for (int attempt = 0;; ++attempt) {
      index_.refresh();
      try {
        return resolve(key);
      } catch (const error& problem) {
        if (problem.code() != "ENOENT" || attempt == 3) throw;
      }
    }
  }

  const task_record& resolve(const std::string& key) {
    if (const task_record* exact = find_exact(key)) return *exact;
    load_done();
    std::vector<const task_record*> matches;
    for (const auto& [path, task] : index_.records()) {
      if (task.fields.is_null()) continue;
      if (task.id() == key) return task;
      bool named = task_id8(task.fields) == key || task.stem() == key ||
                   text::slug(task.name()) == key || string_or(task.fields, "slug") == key;
      if (key.empty() || !(named || task.id().starts_with(key))) continue;
      bool moving = !matches.empty() && matches.back()->id() == task.id();  // seen before and after
      if (!moving) matches.push_back(&task);
    }
    std::string shown = text::printable(key.substr(0, 80));
    if (matches.empty())
      throw error("ENOENT", "no task '" + shown + "'; agentlua task list shows what is there");
    if (matches.size() == 1) return *matches[0];
    std::string message = "'" + shown + "' is ambiguous:";
    for (const task_record* task : matches) message += " " + task->id() + " (" + task->name() + ")";
    throw error("EAMBIGUOUS", message + "; give more of the id");
  }

  void load_done() {
    for (const auto& [key, task] : index_.records())
      if (task.fields.is_null()) index_.load(task);
  }

  std::string unique_id8(const std::string& id) {
    std::string short_id = text::id8(id);
    for (const auto& [key, task] : index_.records())
      if (task.stem().ends_with("-" + short_id)) return text::sha256_hex(id).substr(0, 8);
    return short_id;
  }

  static json describe(const task_record& task, const std::vector<block_reason>& reasons) {
    constexpr std::array<const char*, 4> kinds = {"nothing", "time", "person", "ever"};
    json list = json::array();
    for (const auto& reason : reasons)
      list.push_back({{"code", reason.code}, {"text", reason.text}});
    return {{"id", task.id()},
            {"name", task.name()},
            {"status", task.status},
            {"kind", kinds[static_cast<std::size_t>(task_chooser::worst(reasons))]},
            {"reasons", list}};
  }

  task_index index_;
  std::map<std::string, ownership> owned_;
};

}  // namespace agentlua
