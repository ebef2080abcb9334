#pragma once
// agentlua/store.hpp: room 4. The task store: one JSON file per task, one kernel lock per owner.

#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "agentlua/json_edit.hpp"
#include "agentlua/lock.hpp"
#include "agentlua/store/view.hpp"

namespace agentlua {

/// What store::claim() takes.
struct claim_request {
  std::vector<std::string> from;  ///< statuses, the preferred one first
  std::string to;                 ///< status the task is moved to
  std::string id;                 ///< only this task, when not empty
  std::set<std::string> exclude;  ///< ids that are passed over
};

/// A directory of tasks, shared by any number of runners.
///
/// A task is a JSON object in `<dir>/<status>/<name>.json`. A move is one rename that never
/// replaces; content changes are made in the text, so that every other byte stays, written beside
/// and swapped in under an edit lock, and only while the file is where and what it was when it was
/// read. A claimed task is owned through a kernel lock until release().
/// Tasks are returned as their fields plus `status` and `file`.
/// Threads: one thread at a time.
/// Errors: ENOENT, EAMBIGUOUS, ELOCKED, EJSON, EINVAL, EEXIST, ENETFS and errno names.
class store : public task_view {
 public:
  using task_view::task_view;

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
    if (const task_record* other = chooser_.names().of_id(id))
      throw error("EEXIST", "a task with id '" + id + "' is there already, in " + other->status);
    if (const task_record* other = chooser_.names().of_folded_id(id))
      throw error("EEXIST", "task id '" + id + "' differs from '" + other->id + "', in " +
                                other->status + ", only in upper and lower case");
    task["id"] = id;
    for (auto& [key, value] : fields.items())
      if (key != "id" && key != "file") task[key] = std::move(value);
    task["status"] = status;
    if (!member(task, "id8")) task["id8"] = unique_id8(id);
    if (!is_id8(string_or(task, "id8")))
      throw error("EINVAL",
                  "the id8 of task '" + id + "' is refused: at most 16 letters and digits");
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

  /// Moves the next task that may run from one of `from` to `to` and owns it. nullopt: none may.
  /// The task comes with `claimed_from`, the status that it had.
  /// Errors: EEXIST (a file in `to` is in the way of a task, and no other task may run).
  std::optional<json> claim(const claim_request& request) {
    detail::check_status(request.to);
    refresh();
    std::set<std::string> lost;  // ids: to other runners, in this call
    std::optional<error> in_the_way;
    contended_ = false;
    const auto wanted = [&](const task_record& task) {
      return !lost.contains(task.id) && (request.id.empty() || task.id == request.id) &&
             !request.exclude.contains(task.id) && !owned_.contains(task.id);
    };
    while (task_record* task = chooser_.pick(request.from, wall_now(), wanted)) {
      if (chooser_.names().load_twins(*task)) continue;  // it is not the next one any more
      const std::string id = task->id;                   // take() may look again, and the record go
      try {
        if (auto fields = take(*task, request)) return fields;
      } catch (const error& problem) {
        if (problem.code() == "EEXIST") in_the_way = problem;
        else if (problem.code() != "ENOENT" && problem.code() != "EJSON") throw;  // gone, damaged
      }
      lost.insert(id);
    }
    if (in_the_way) throw *in_the_way;
    return std::nullopt;
  }

  /// True when the last claim() has passed over a task that somebody had hold of just then, perhaps only
  /// to move it there: directory events do not tell when that is over, so it is to be looked at again.
  bool was_contended() const noexcept { return contended_; }

  /// Moves a task and merges `patch` into its top-level fields. Durable when it returns.
  /// Errors: ELOCKED (a living owner other than this store has it), and those of update().
  json move(const std::string& key, const std::string& to, json patch = json::object()) {
    detail::check_status(to);
    const task_record& task = look_up(key);
    const std::string id = task.id;
    if (!task.claimed_from.empty()) patch["claimed_from"] = nullptr;
    auto lent = borrow(id);
    patch["status"] = to;
    return change(id, patch, to);
  }

  /// Merges `patch` into the top-level fields of a task, wherever it is. Every other byte of the
  /// file stays. Anybody may; concurrent updates are all kept, also those of editors.
  /// Errors: EINVAL (the patch has another id, or an empty name), EBUSY (somebody writes to it all
  /// the time).
  json update(const std::string& key, const json& patch) {
    return change(look_up(key).id, patch, {});
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
    return owned_.contains(id) || file_lock::held(lock_file_, "owner " + id);
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
    std::map<std::string, file_lock> taken;
    for (const task_record& task : running) {
      auto lock = file_lock::try_acquire(lock_file_, "owner " + task.id);
      auto fields = lock ? read(task) : std::nullopt;
      if (!fields) continue;
      (*fields)["claimed_from"] = task.home(task.status);
      taken[task.id] = std::move(*lock);
      tasks.push_back(std::move(*fields));
    }
    owned_.merge(taken);  // all or none: nobody else can free what the caller does not know of
    sweep();
    return tasks;
  }

  /// Sets such a file aside in `.quarantine`, with the reason beside it, under its edit lock.
  /// False when it is well, changed, owned or gone by now.
  bool quarantine(const std::string& status, const std::string& file) {
    auto lock = file_lock::acquire(lock_file_, "edit " + file.substr(0, file.rfind('.')));
    std::string reason;
    for (const json& one : problems())
      if (one["status"] == status && one["file"] == file && one["damaged"] == true)
        reason = one["reason"];
    if (reason.empty()) return false;
    stdfs::path target = dir_ / ".quarantine" /
                         (status + "-" + text::uuid().substr(0, 8) + "-" + file);
    fs::make_directories(target.parent_path());
    if (!fs::rename_noreplace(dir_ / status / file, target)) return false;
    fs::write_file_atomic(target.native() + ".reason", reason + "\n");
    return true;
  }

 private:
  void sweep() const noexcept {
    std::vector<const char*> places(task_statuses.begin(), task_statuses.end());
    places.push_back(".quarantine");
    for (const char* place : places) {
      try {
        fs::sweep_temporaries(dir_ / place);
      } catch (const error&) {  // the next run sweeps it
      }
    }
  }

  std::optional<json> take(const task_record& task, const claim_request& request) {
    // Two that claim the same resource must see each other: one at a time.
    std::optional<file_lock> one_by_one;
    if (!task.resources.empty() || !task.touches.empty()) {
      one_by_one = file_lock::acquire(lock_file_, "claim");
      refresh();  // from here on `task` may be gone
      auto still = chooser_.pick(request.from, wall_now(), [&](const task_record& other) {
        return &other == &task;
      });
      if (still == nullptr) return std::nullopt;
    }
    const std::string id = task.id;
    const std::string from = task.status;
    const std::string file = task.file;
    const bool unusual = task.home(request.to) != from;  // from here on `task` may be gone
    auto lock = file_lock::try_acquire(lock_file_, "owner " + id);
    contended_ = contended_ || !lock;
    if (!lock) return std::nullopt;
    if (unusual) change(id, {{"claimed_from", from}}, {});
    if (!stdfs::exists(dir_ / request.to)) fs::make_directories(dir_ / request.to);
    const stdfs::path target = dir_ / request.to / file;
    if (!fs::rename_noreplace(dir_ / from / file, target)) return std::nullopt;  // lost the race
    json fields = with_place(detail::read_task(target), request.to, file);
    fields["claimed_from"] = from;
    owned_[id] = std::move(*lock);
    return fields;
  }

  // Under the edit lock, so that nobody of ours writes meanwhile; `to` is empty when it stays.
  // `id` is a copy: what it was read from goes with the next refresh.
  json change(const std::string id, const json& patch, const std::string& to) {
    overtaken lost;
    for (int attempt = 0; attempt < 200; ++attempt) {
      const task_record task = look_up(id);
      auto lock = file_lock::acquire(lock_file_, "edit " + task.stem());
      try {
        auto fields = rewrite(task, patch, lost);
        if (!fields) continue;
        if (!to.empty() && to != task.status) carry(task, to);
        if (!to.empty()) (*fields)["status"] = to;
        return *fields;
      } catch (const error& problem) {
        if (problem.code() != "ENOENT") throw;  // moved meanwhile: follow it
      }
    }
    throw error("EBUSY", "task '" + id + "' is written to all the time by another program");
  }

  void carry(const task_record& task, const std::string& to) const {
    fs::make_directories(dir_ / to);
    if (!fs::rename_noreplace(dir_ / task.status / task.file, dir_ / to / task.file))
      throw error("ENOENT", "task '" + task.id + "' was moved out of " + task.status);
    fs::sync_directory(dir_ / to);
    fs::sync_directory(dir_ / task.status);
  }

  // A change of ours that took the place of somebody else's, when the file was moved just then.
  struct overtaken {
    std::string ours, theirs;
  };

  std::optional<json> rewrite(const task_record& task, json patch, overtaken& lost) const {
    const stdfs::path path = dir_ / task.status / task.file;
    const std::string there = fs::read_file(path, json_limits{}.bytes);
    const std::string before = !lost.ours.empty() && there == lost.ours ? lost.theirs : there;
    task_record checked;
    read_record(before, path.native(), checked);
    patch.erase("file");
    patch["updated_at"] = iso_time();
    const std::string after = edit_json(before, patch);
    try {
      json fields = detail::parse_task(after, "the change");
      if (string_or(fields, "id") != task.id)
        throw error("EINVAL", "a task keeps its id, and needs a \"name\"");
      std::string theirs;
      if (!fs::replace_file_if(path, there, after, theirs)) {
        if (!theirs.empty()) lost = {after, std::move(theirs)};
        return std::nullopt;
      }
      return with_place(std::move(fields), task.status, task.file);
    } catch (const error& problem) {
      if (problem.code() == "EJSON") throw error("EINVAL", problem.what());
      throw;
    }
  }

  /// The owner lock for the duration of a change; none when this store owns the task anyway.
  std::optional<file_lock> borrow(const std::string& id) {
    if (owned_.contains(id)) return std::nullopt;
    auto lock = file_lock::try_acquire(lock_file_, "owner " + id);
    if (!lock)
      throw error("ELOCKED", "task '" + id + "' is being worked on; agentlua stop " +
                                 text::id8(id) + " ends that");
    return lock;
  }

  std::string unique_id8(const std::string& id) {
    std::string short_id = text::id8(id);
    bool taken = false;
    chooser_.index().for_each([&](const task_record& task) {
      taken = taken || task.stem().ends_with("-" + short_id);
    });
    return taken ? text::sha256_hex(id).substr(0, 8) : short_id;
  }

  const stdfs::path lock_file_ = detail::lock_file(dir_);
  std::map<std::string, file_lock> owned_;
  bool contended_ = false;
};

}  // namespace agentlua
