#pragma once
// agentlua/store/choose.hpp: room 3. Which task may run next.

#include <algorithm>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "agentlua/store/names.hpp"
#include "agentlua/store/rules.hpp"

namespace agentlua {

/// Why a task may not be picked now, as far as picking needs to know.
struct task_block {
  enum class on { person, time, name, moment } what;
  std::string name;  ///< on::name: the dependency that is not done
};

/// Keeps the tasks in the order in which they run, and what each waits for.
///
/// A task that is found blocked is put aside until what blocks it changes: a name that has to be
/// done, or a time. So a choice looks at few tasks, however many there are.
class task_chooser : public task_listener {
 public:
  /// `root`: what paths in conditions are relative to.
  task_chooser(const stdfs::path& dir, stdfs::path root)
      : conditions_(std::move(root)), index_(dir, *this) {}
  task_chooser(const task_chooser&) = delete;
  task_chooser& operator=(const task_chooser&) = delete;

  task_index& index() noexcept { return index_; }
  task_names& names() noexcept { return names_; }

  /// The first task of the statuses `from` that may run and that `wanted` agrees to; or nullptr.
  template <class Wanted>
  task_record* pick(const std::vector<std::string>& from, double now, Wanted wanted) {
    wake_due(now);
    for (std::size_t woken = woken_ + 1; woken != woken_;) {  // reading files may wake some
      woken = woken_;
      if (task_record* task = pick_once(from, now, wanted)) return task;
    }
    return nullptr;
  }

  /// The first thing found that keeps a task from running now.
  std::optional<task_block> blocked(const task_record& task, double now) {
    using on = task_block::on;
    if (task.hold || task.ignored) return task_block{on::person, {}};
    if (task.starts_at > now) return task_block{on::time, {}};
    for (const std::string& name : task.dependencies)
      if (auto missing = unmet(name)) return task_block{on::name, *missing};
    names_.load_namesakes(task);
    if (names_.twin(task) || conditions_.failed(task) || rival(task))
      return task_block{on::moment, {}};
    return std::nullopt;
  }

  /// True when a task counts as done for who depends on it: a split one when its children are.
  bool is_done(const task_record& task) {
    if (task.status != "split") return task.status == "done";
    return !unmet_child(task);
  }

  /// A running task that claims the same resource or the same files.
  const task_record* rival(const task_record& task) const {
    if (task.resources.empty() && task.touches.empty()) return nullptr;
    for (const task_record* other : running_)
      if (other != &task && task_overlap::between(task, *other)) return other;
    return nullptr;
  }

  /// The first condition that does not hold; nullptr when all do.
  const std::string* failed_condition(const task_record& task) const {
    return conditions_.failed(task);
  }

  static bool before(const task_record* a, const task_record* b) {
    if (a->begun != b->begun) return a->begun;
    if (a->priority != b->priority) return a->priority < b->priority;
    if (a->created_at != b->created_at) return a->created_at < b->created_at;
    if (a->file != b->file) return a->file < b->file;
    return a->status < b->status;
  }

 private:
  template <class Wanted>
  task_record* pick_once(const std::vector<std::string>& from, double now, Wanted& wanted) {
    for (bool begun : {true, false}) {
      for (const std::string& status : from) {
        auto& line = ready_[status];
        for (auto at = line.begin(); at != line.end();) {
          task_record* task = *at++;
          if (begun && !task->begun) break;  // those who have begun come first in the line
          if (task->begun != begun || !wanted(*task)) continue;
          auto block = blocked(*task, now);
          if (!block) return task;
          put_aside(*task, *block);
        }
      }
    }
    return nullptr;
  }

  // ---- dependencies ------------------------------------------------------------------------------

  /// The name that is not done yet: the dependency's own, or that of a child of a split task.
  std::optional<std::string> unmet(const std::string& name) {
    const auto* targets = names_.find(name);
    if (targets == nullptr) return name;
    std::optional<std::string> child;
    for (const task_record* target : *targets) {
      if (target->status == "done") return std::nullopt;
      if (target->status != "split") continue;
      child = unmet_child(*target);
      if (!child) return std::nullopt;
    }
    return child ? child : name;
  }

  std::optional<std::string> unmet_child(const task_record& parent) {
    std::unordered_set<const task_record*> seen = {&parent};
    std::vector<const task_record*> parents = {&parent};
    while (!parents.empty()) {
      const task_record* one = parents.back();
      parents.pop_back();
      for (const std::string& child : one->children) {
        const auto* targets = names_.find(child);
        if (targets == nullptr) return child;
        bool done = false;
        const task_record* split = nullptr;
        for (const task_record* target : *targets) {
          done = done || target->status == "done";
          if (target->status == "split") split = target;
        }
        if (done) continue;
        if (split == nullptr || !seen.insert(split).second) return child;
        parents.push_back(split);
      }
    }
    return std::nullopt;
  }

  // ---- the lines ---------------------------------------------------------------------------------

  struct in_order {
    bool operator()(const task_record* a, const task_record* b) const { return before(a, b); }
  };
  struct spot {
    task_block::on what;
    std::vector<std::string> names;
    double time = 0;
  };

  void added(task_record& task) override {
    names_.added(task);
    if (!task.parsed) {
      if (loading_) wake_those_who_wait_for(task);  // it cannot be read, but has its file's name
      if (waiting_.empty() || loading_) return;
      loading_ = true;  // it may be what somebody waits for
      index_.load(task);
      loading_ = false;
      return;
    }
    ready_[task.status].insert(&task);
    if (task.runs()) running_.insert(&task);
    wake_those_who_wait_for(task);
  }

  void removed(task_record& task) override {
    names_.removed(task);
    if (!task.parsed) return;
    if (auto aside = aside_.find(&task); aside != aside_.end()) {
      leave(task, aside->second);
      aside_.erase(aside);
    } else {
      ready_[task.status].erase(&task);
    }
    running_.erase(&task);
    wake_those_who_wait_for(task);
  }

  void put_aside(task_record& task, const task_block& block) {
    spot place{block.what, {}, task.starts_at};
    if (block.what == task_block::on::name)
      place.names = {task_names::fold(block.name), text::match_slug(block.name)};
    for (const std::string& name : place.names) waiting_[name].insert(&task);
    if (block.what == task_block::on::time) later_.insert({place.time, &task});
    if (block.what == task_block::on::moment) moment_.insert(&task);
    ready_[task.status].erase(&task);
    aside_[&task] = std::move(place);
  }
  void leave(task_record& task, const spot& place) {
    if (place.what == task_block::on::time) later_.erase({place.time, &task});
    if (place.what == task_block::on::moment) moment_.erase(&task);
    for (const std::string& name : place.names) {
      auto line = waiting_.find(name);
      if (line == waiting_.end()) continue;
      line->second.erase(&task);
      if (line->second.empty()) waiting_.erase(line);
    }
  }
  void bring_back(task_record& task) {
    auto aside = aside_.find(&task);
    leave(task, aside->second);
    aside_.erase(aside);
    ready_[task.status].insert(&task);
    ++woken_;
  }

  void wake_those_who_wait_for(const task_record& task) {
    if (waiting_.empty()) return;
    for (const std::string& name : task_names::names_of(task)) {
      auto line = waiting_.find(name);
      if (line == waiting_.end()) continue;
      for (task_record* one : std::vector<task_record*>(line->second.begin(), line->second.end()))
        bring_back(*one);
    }
  }
  void wake_due(double now) {
    while (!later_.empty() && later_.begin()->first <= now) bring_back(*later_.begin()->second);
    for (task_record* one : std::vector<task_record*>(moment_.begin(), moment_.end()))
      bring_back(*one);
  }

  std::map<std::string, std::set<task_record*, in_order>> ready_;  // by status
  std::unordered_map<task_record*, spot> aside_;
  std::unordered_map<std::string, std::unordered_set<task_record*>> waiting_;  // by name
  std::set<std::pair<double, task_record*>> later_;
  std::unordered_set<task_record*> moment_;  // looked at again every time
  std::unordered_set<const task_record*> running_;
  std::size_t woken_ = 0;
  bool loading_ = false;
  task_conditions conditions_;
  task_names names_{index_};
  task_index index_;  // last: it tells the others of its records
};

}  // namespace agentlua
