#pragma once
// agentlua/store/index.hpp: room 3. What the task directories hold, read again only where changed.

#include <sys/inotify.h>
#include <sys/stat.h>

#include <algorithm>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <thread>
#include <unordered_map>
#include <utility>
#include <vector>

#include "agentlua/fs.hpp"
#include "agentlua/store/record.hpp"
#include "agentlua/time.hpp"

namespace agentlua {

/// A file that could not be read as a task, and why.
struct task_problem {
  std::string status, file, reason;
  double changed = 0;   ///< modification time, wall seconds
  bool damaged = true;  ///< false when it could only not be read just now
};

/// Who is told of changes. A record is removed and added again when anything about it changes.
class task_listener {
 public:
  virtual ~task_listener() = default;
  virtual void added(task_record& task) = 0;
  virtual void removed(task_record& task) = 0;
};

/// Resident view of a task directory, kept fresh by directory events; where the system has none
/// left, by looking at every file. `done` is listed but not read until load() asks for it.
class task_index {
 public:
  task_index(stdfs::path dir, task_listener& listener)
      : dir_(std::move(dir)), listener_(listener) {}

  const stdfs::path& dir() const noexcept { return dir_; }
  stdfs::path path(const task_record& task) const { return dir_ / task.status / task.file; }
  const std::map<std::string, task_problem>& problems() const noexcept { return problems_; }

  /// Modification time of a task's file, wall seconds.
  double changed(const task_record& task) const {
    auto found = entries_.find(task.status + "/" + task.file);
    return found == entries_.end() ? 0 : found->second.stamp.changed();
  }

  /// Calls visit(task_record&) for every task; it must not load.
  template <class Visit>
  void for_each(Visit visit) const {
    for (const auto& [key, one] : entries_) visit(*one.record);
  }

  /// Takes in what has changed since the last time, and looks again at what could not be read.
  void refresh() {
    if (!events_ || !take_events()) {
      try {
        scan();
      } catch (...) {
        events_.reset();  // so that the next one looks at everything
        throw;
      }
    }
    std::vector<std::string> again;
    for (const auto& [key, problem] : problems_)
      if (!problem.damaged) again.push_back(key);
    std::vector<entry> gone;
    for (const std::string& key : again) look_at(key, gone);
  }

  /// Reads a record that was left alone. An unreadable one stays unread, and is a problem.
  void load(task_record& task) {
    if (task.parsed) return;
    const std::string key = task.status + "/" + task.file;
    auto found = entries_.find(key);
    if (found == entries_.end() || problems_.contains(key)) return;
    listener_.removed(task);
    try {
      struct stat ignored {};
      read(key, task, ignored);
    } catch (const error& problem) {
      if (problem.code() != "ENOENT")
        problems_[key] = {task.status, task.file, problem.what(), found->second.stamp.changed(),
                          is_damage(problem)};
    }
    listener_.added(task);
  }

 private:
  struct file_stamp {
    timespec modified{};
    off_t size = 0;
    ino_t inode = 0;
    double changed() const {
      return static_cast<double>(modified.tv_sec) + static_cast<double>(modified.tv_nsec) * 1e-9;
    }
    file_stamp() = default;
    explicit file_stamp(const struct stat& info)
        : modified(info.st_mtim), size(info.st_size), inode(info.st_ino) {}
    bool operator==(const file_stamp& other) const {
      return modified.tv_sec == other.modified.tv_sec &&
             modified.tv_nsec == other.modified.tv_nsec && size == other.size &&
             inode == other.inode;
    }
  };
  struct entry {
    std::unique_ptr<task_record> record;
    file_stamp stamp;
  };

  static bool is_task_file(std::string_view name) {
    return !name.starts_with('.') && name.ends_with(".json");
  }

  void read(const std::string& key, task_record& into, struct stat& info) const {
    const std::string file = dir_.native() + "/" + key;
    read_record(fs::read_file(file, json_limits{}.bytes, info), file, into);
  }

  // ---- everything --------------------------------------------------------------------------------

  void scan() {
    watch();  // first, so that nothing falls between the look and the events
    std::vector<std::string> there;
    for (const char* status : task_statuses)
      for (const std::string& file : fs::list_directory(dir_ / status))
        if (is_task_file(file)) there.push_back(status + ("/" + file));
    std::sort(there.begin(), there.end());
    std::vector<std::string> gone_keys;
    auto missing = [&](const std::string& key) {
      return !std::binary_search(there.begin(), there.end(), key);
    };
    for (const auto& [key, one] : entries_)
      if (missing(key)) gone_keys.push_back(key);
    std::erase_if(problems_, [&](const auto& one) { return missing(one.first); });
    std::vector<entry> gone;
    for (const std::string& key : gone_keys) look_at(key, gone);
    std::vector<arrival> fresh;
    for (const std::string& key : there)
      if (auto one = arrived(key, gone)) fresh.push_back(std::move(*one));
    open_up_all(fresh);
    for (arrival& one : fresh) take(one);
  }

  // ---- one file ----------------------------------------------------------------------------------

  // A file that is new or has changed: what it was when we looked, and what is in it.
  struct arrival {
    std::string key;
    file_stamp stamp;
    std::unique_ptr<task_record> record;
    std::string problem;
    bool damaged = false;
    bool gone = false;
  };

  // What is wrong with the file itself, and not with reading it now.
  static bool is_damage(const error& problem) {
    return problem.code() == "EJSON" || problem.code() == "EINVAL" || problem.code() == "EFBIG";
  }

  // `gone` are records whose files have left in this batch: the same file elsewhere is a move.
  void look_at(const std::string& key, std::vector<entry>& gone) {
    if (auto fresh = arrived(key, gone)) {
      open_up(*fresh);
      take(*fresh);
    }
  }

  std::optional<arrival> arrived(const std::string& key, std::vector<entry>& gone) {
    auto known = entries_.find(key);
    file_stamp now;
    // What is read anyway, and can be no file that has moved, is looked at when it is opened.
    if (known != entries_.end() || !gone.empty() || key.starts_with("done/")) {
      struct stat info {};
      if (::stat((dir_.native() + "/" + key).c_str(), &info) != 0) {
        problems_.erase(key);
        if (known != entries_.end()) gone.push_back(drop(known));
        return std::nullopt;
      }
      now = file_stamp(info);
      if (known != entries_.end() && known->second.stamp == now) return std::nullopt;
      if (known != entries_.end()) drop(known);
    }
    arrival fresh{key, now, moved(gone, now), {}, false, false};
    if (!fresh.record) fresh.record = std::make_unique<task_record>();
    auto slash = key.find('/');
    fresh.record->status = key.substr(0, slash);
    fresh.record->file = key.substr(slash + 1);
    return fresh;
  }

  // Touches nothing but the arrival, so that several can be read side by side.
  void open_up(arrival& fresh) const noexcept {
    struct stat info {};
    try {
      if (fresh.record->parsed || fresh.record->status == "done") return;
      read(fresh.key, *fresh.record, info);
      fresh.stamp = file_stamp(info);
    } catch (const error& problem) {
      if (info.st_ino == 0) ::stat((dir_.native() + "/" + fresh.key).c_str(), &info);  // not opened
      fresh.stamp = file_stamp(info);
      fresh.problem = problem.what();
      fresh.damaged = is_damage(problem);
      fresh.gone = problem.code() == "ENOENT";
    }
  }

  void take(arrival& fresh) {
    problems_.erase(fresh.key);
    if (fresh.gone) return;
    if (!fresh.problem.empty()) {
      problems_[fresh.key] = {fresh.record->status, fresh.record->file, fresh.problem,
                              fresh.stamp.changed(), fresh.damaged};
      return;
    }
    entry& added = entries_[fresh.key] = {std::move(fresh.record), fresh.stamp};
    listener_.added(*added.record);
  }

  void open_up_all(std::vector<arrival>& all) const {
    constexpr std::size_t worth_a_thread = 200;
    const std::size_t count = std::clamp<std::size_t>(
        all.size() / worth_a_thread, 1,
        std::max(1U, std::min(4U, std::thread::hardware_concurrency())));
    std::vector<std::thread> threads;
    auto part = [&](std::size_t first) {
      for (std::size_t i = first; i < all.size(); i += count) open_up(all[i]);
    };
    for (std::size_t i = 1; i < count; ++i) threads.emplace_back(part, i);
    part(0);
    for (std::thread& one : threads) one.join();
  }

  static std::unique_ptr<task_record> moved(std::vector<entry>& gone, const file_stamp& now) {
    for (entry& one : gone)
      if (one.record && one.stamp == now) return std::move(one.record);
    return nullptr;
  }

  entry drop(std::unordered_map<std::string, entry>::iterator known) {
    listener_.removed(*known->second.record);
    entry old = std::move(known->second);
    entries_.erase(known);
    return old;
  }

  // ---- directory events --------------------------------------------------------------------------

  void watch() {
    events_.reset();
    watched_.clear();
    detail::unique_fd fd(::inotify_init1(IN_NONBLOCK | IN_CLOEXEC));
    if (!fd) return;
    constexpr std::uint32_t names = IN_CREATE | IN_DELETE | IN_MOVED_FROM | IN_MOVED_TO;
    constexpr std::uint32_t content = IN_MODIFY | IN_CLOSE_WRITE | IN_DELETE_SELF | IN_MOVE_SELF;
    int top = ::inotify_add_watch(fd.get(), dir_.c_str(), names | IN_ONLYDIR);
    if (top < 0) return;
    watched_[top] = "";
    for (const char* status : task_statuses) {
      int one = ::inotify_add_watch(
          fd.get(), (dir_ / status).c_str(), names | content | IN_ONLYDIR);
      if (one >= 0) watched_[one] = status;
      else if (errno != ENOENT && errno != ENOTDIR) return;  // no watches left: look at files
    }
    events_ = std::move(fd);
  }

  // False when a whole look is needed.
  bool take_events() {
    alignas(inotify_event) char buffer[64 << 10];
    std::vector<std::string> keys;
    for (;;) {
      ssize_t got = detail::retry([&] { return ::read(events_.get(), buffer, sizeof buffer); });
      if (got <= 0) break;
      for (char* at = buffer; at < buffer + got;) {
        const auto* event = reinterpret_cast<const inotify_event*>(at);
        at += sizeof(inotify_event) + event->len;
        if ((event->mask & (IN_Q_OVERFLOW | IN_IGNORED | IN_DELETE_SELF | IN_MOVE_SELF)) != 0)
          return false;
        auto place = watched_.find(event->wd);
        if (place == watched_.end() || event->len == 0) continue;
        if (place->second.empty()) {
          if (is_status(event->name)) return false;
        } else if (is_task_file(event->name)) {
          keys.push_back(place->second + "/" + event->name);
        }
      }
    }
    if (keys.empty()) return true;
    std::sort(keys.begin(), keys.end());
    keys.erase(std::unique(keys.begin(), keys.end()), keys.end());
    std::vector<entry> gone;
    auto leaves = [&](const std::string& key) { return ::access((dir_ / key).c_str(), F_OK) != 0; };
    std::partition(keys.begin(), keys.end(), leaves);  // so that a move is seen as one
    for (const std::string& key : keys) look_at(key, gone);
    return true;
  }

  stdfs::path dir_;
  task_listener& listener_;
  std::unordered_map<std::string, entry> entries_;  // by "status/file"
  std::map<std::string, task_problem> problems_;
  detail::unique_fd events_;
  std::unordered_map<int, std::string>
      watched_;  // status of each watch; "" for the directory above
};

}  // namespace agentlua
