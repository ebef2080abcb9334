#pragma once
// agentlua/store/explain.hpp: room 3. Why tasks may not run, and whether they ever can.

#include <algorithm>
#include <optional>
#include <string>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "agentlua/store/choose.hpp"

namespace agentlua {

/// How far a blocked task is from running.
enum class blocked_for {
  nothing,  ///< it may run now
  time,     ///< another task has to end, or a time has to come
  person,   ///< somebody has to answer, review, resume or reopen
  ever,     ///< as things are it can never run
};

/// One reason why a task may not run; `code` is stable, `text` is for people.
struct block_reason {
  blocked_for kind;
  std::string
      code;  ///< hold ignored not_before condition resource duplicate missing cycle dependency
  std::string text;
};

/// Judges all tasks at once. Made for one question, valid until the index is refreshed.
class task_explainer {
 public:
  task_explainer(task_chooser& chooser, double now) : chooser_(chooser), now_(now) {
    std::vector<const task_record*> open;
    chooser.index().for_each([&](const task_record& task) { open.push_back(&task); });
    for (const task_record* task : open) add(*task);  // may read done tasks: not while visiting
    settle(blocked_for::time);
    settle(blocked_for::person);
  }

  /// Everything that keeps `task` from running now; empty when it may.
  std::vector<block_reason> reasons(const task_record& task) {
    std::vector<block_reason> all = own_reasons(task);
    for (const std::string& name : task.dependencies)
      if (rank_of(name) != blocked_for::nothing) all.push_back(dependency(task, name));
    return all;
  }

  static blocked_for worst(const std::vector<block_reason>& reasons) {
    auto kind = blocked_for::nothing;
    for (const auto& reason : reasons) kind = std::max(kind, reason.kind);
    return kind;
  }

 private:
  // A task that is not done. Its fate is when it will be: `ever` until something better is known.
  struct node {
    blocked_for own = blocked_for::time;
    blocked_for fate = blocked_for::ever;
    std::vector<std::string> needs;
    std::size_t unmet = 0;
    std::vector<bool> met;
  };

  static std::string called(const task_record& task) {
    return "'" + task.name + "' (" + task.short_id() + ")";
  }

  std::vector<block_reason> own_reasons(const task_record& task) const {
    std::vector<block_reason> all;
    auto add_reason = [&](blocked_for kind, const char* code, std::string text) {
      all.push_back({kind, code, std::move(text)});
    };
    if (task.hold)
      add_reason(blocked_for::person, "hold", "on hold; agentlua resume " + task.short_id());
    if (task.starts_at > now_)
      add_reason(blocked_for::time, "not_before", "not before " + task.not_before);
    if (task.ignored) add_reason(blocked_for::person, "ignored", "ignored by a person");
    if (const std::string* condition = chooser_.failed_condition(task))
      add_reason(blocked_for::time, "condition", "condition '" + *condition + "' does not hold");
    if (const task_record* other = chooser_.names().twin(task))
      add_reason(blocked_for::time, "duplicate",
                 "its id is also in " + other->status + "/" + other->file);
    if (const task_record* other = chooser_.rival(task))
      add_reason(blocked_for::time, "resource",
                 "uses what " + called(*other) + " uses, which runs");
    return all;
  }

  // ---- whether and when ----------------------------------------------------------------------------

  void add(const task_record& task) {
    if (!task.parsed || task.status == "done") return;
    node& one = nodes_[&task];
    if (task.status == "needs-input" || task.status == "needs-review") {
      one.own = blocked_for::person;
    } else if (task.status == "failed" || task.status == "skipped" || task.status == "cancelled") {
      one.own = blocked_for::ever;
    } else if (task.status == "split") {
      one.own = blocked_for::nothing;
      one.needs = task.children;
    } else if (!task.runs()) {
      one.own = std::max(blocked_for::time, worst(own_reasons(task)));
      one.needs = task.dependencies;
    }
    one.met.assign(one.needs.size(), false);
    for (std::size_t i = 0; i < one.needs.size(); ++i) {
      const auto* targets = chooser_.names().find(one.needs[i]);
      bool done = false;
      for (const task_record* target : targets != nullptr ? *targets : no_tasks()) {
        done = done || target->status == "done";
        needed_by_[target].emplace_back(&task, i);
      }
      one.met[i] = done;
      if (!done) ++one.unmet;
    }
  }

  // Everything that will be done without anything worse than `level`.
  void settle(blocked_for level) {
    std::vector<const task_record*> line;
    auto consider = [&](const task_record* task, node& one) {
      if (one.unmet != 0 || one.own > level || one.fate != blocked_for::ever) return;
      one.fate = level;
      line.push_back(task);
    };
    for (auto& [task, one] : nodes_) consider(task, one);
    while (!line.empty()) {
      const task_record* task = line.back();
      line.pop_back();
      for (const auto& [by, i] : needed_by_[task]) {
        node& one = nodes_[by];
        if (one.met[i]) continue;
        one.met[i] = true;
        --one.unmet;
        consider(by, one);
      }
    }
    if (level != blocked_for::time) return;
    for (auto& [task, one] : nodes_)  // a split one whose children are done is done
      if (one.fate == level && task->status == "split" && chooser_.is_done(*task))
        one.fate = blocked_for::nothing;
  }

  blocked_for fate_of(const task_record& task) const {
    if (task.status == "done") return blocked_for::nothing;
    auto found = nodes_.find(&task);
    return found == nodes_.end() ? blocked_for::ever : found->second.fate;
  }

  const task_record* best(const std::string& name) {
    const task_record* found = nullptr;
    const auto* targets = chooser_.names().find(name);
    for (const task_record* target : targets != nullptr ? *targets : no_tasks())
      if (found == nullptr || fate_of(*target) < fate_of(*found)) found = target;
    return found;
  }
  blocked_for rank_of(const std::string& name) {
    const task_record* target = best(name);
    return target == nullptr ? blocked_for::ever : fate_of(*target);
  }
  /// The need of a task that is furthest from being met, or nullptr.
  const std::string* worst_need(const task_record& task) {
    const std::string* found = nullptr;
    auto worst_rank = blocked_for::nothing;
    const auto& needs = task.status == "split" ? task.children : task.dependencies;
    for (const std::string& name : needs)
      if (auto rank = rank_of(name); rank > worst_rank) found = &name, worst_rank = rank;
    return found;
  }

  // ---- in words --------------------------------------------------------------------------------------

  block_reason missing(const std::string& name) const {
    if (!chooser_.index().problems().empty())
      return {blocked_for::person, "unreadable",
              "depends on '" + name + "', which may be one of the files that cannot be read"};
    return {blocked_for::ever, "missing", "depends on '" + name + "', which does not exist"};
  }

  block_reason dependency(const task_record& task, std::string name) {
    std::unordered_set<const task_record*> seen = {&task};
    for (;;) {
      const task_record* target = best(name);
      if (target == nullptr) return missing(name);
      const std::string who = "depends on " + called(*target) + ", ";
      if (!seen.insert(target).second)
        return {blocked_for::ever, "cycle", who + "which waits for it in turn: a cycle"};
      if (target->status == "split") {  // it stands for its children
        const std::string* child = worst_need(*target);
        if (child == nullptr) return {blocked_for::time, "dependency", who + "which is split"};
        name = *child;
        continue;
      }
      return because(*target, fate_of(*target), who);
    }
  }

  block_reason because(const task_record& target, blocked_for fate, const std::string& who) {
    const std::string& status = target.status;
    if (status == "failed" || status == "skipped" || status == "cancelled")
      return {fate, "dependency", who + "which is " + status};
    if (status == "needs-input" || status == "needs-review")
      return {fate, "dependency", who + "which is in " + status};
    if (target.runs()) return {fate, "dependency", who + "which is being worked on"};
    if (fate <= blocked_for::time) return {fate, "dependency", who + "which is not done yet"};
    const block_reason& cause = root_cause(target);
    const char* how = fate == blocked_for::ever ? "which can never run: "
                                                : "which waits for a person: ";
    return {fate, cause.code == "cycle" ? "cycle" : "dependency", who + how + cause.text};
  }

  /// The far end of the chain of needs that begins with `task`; every task on the way has the same.
  const block_reason& root_cause(const task_record& task) {
    std::vector<const task_record*> path;
    std::unordered_set<const task_record*> seen;
    const task_record* at = &task;
    std::optional<block_reason> cause;
    while (!cause) {
      if (auto known = causes_.find(at); known != causes_.end()) {
        cause = known->second;
      } else if (!seen.insert(at).second) {
        cause = cycle(path, at);
      } else {
        path.push_back(at);
        cause = own_cause(*at);
        if (!cause) at = best(*worst_need(*at));
      }
    }
    for (const task_record* one : path) causes_.emplace(one, *cause);
    return causes_.at(&task);
  }

  /// What keeps a task back that is no other task to follow to.
  std::optional<block_reason> own_cause(const task_record& task) {
    const auto fate = fate_of(task);
    for (const auto& reason : own_reasons(task))
      if (reason.kind == fate)
        return block_reason{fate, reason.code, called(task) + " is " + reason.text};
    const std::string* need = worst_need(task);
    if (need == nullptr)
      return block_reason{fate, "dependency", called(task) + " is in " + task.status};
    const task_record* next = best(*need);
    if (next == nullptr)
      return block_reason{fate, "missing",
                          called(task) + " needs '" + *need + "', which does not exist"};
    const std::string& status = next->status;
    if (status == "todo" || status == "analysed" || status == "split") return std::nullopt;
    return block_reason{fate, "dependency",
                        called(task) + " depends on " + called(*next) + ", which is " +
                            (status.starts_with("needs") ? "in " : "") + status};
  }

  static block_reason cycle(const std::vector<const task_record*>& path, const task_record* end) {
    std::string text = "a cycle: ";
    int shown = 0;
    for (auto at = std::find(path.begin(), path.end(), end); at != path.end() && shown < 8; ++at)
      text += "'" + (*at)->name + "' -> ", ++shown;
    return {blocked_for::ever, "cycle", text + (shown == 8 ? "..." : "'" + end->name + "'")};
  }

  static const std::vector<task_record*>& no_tasks() {
    static const std::vector<task_record*> none;
    return none;
  }

  task_chooser& chooser_;
  double now_;
  std::unordered_map<const task_record*, node> nodes_;
  std::unordered_map<const task_record*, block_reason> causes_;
  std::unordered_map<const task_record*, std::vector<std::pair<const task_record*, std::size_t>>>
      needed_by_;
};

}  // namespace agentlua
