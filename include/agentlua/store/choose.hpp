#pragma once
// agentlua/store/choose.hpp: room 3. Which task may run next, and why each other one may not.

#include <algorithm>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <unordered_map>
#include <vector>

#include "agentlua/store/index.hpp"

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
  std::string code;  ///< hold not_before ignored missing cycle dependency
  std::string text;
};

/// Answers "may it run?" for the tasks of one index, dependencies included. A throw-away: made for
/// one decision, valid until the index is refreshed.
class task_chooser {
 public:
  explicit task_chooser(task_index& index, double now = wall_now()) : index_(index), now_(now) {
    for (const auto& [key, task] : index.records()) add_names(task);
  }

  /// Everything that keeps `task` from running now; empty when it may.
  std::vector<block_reason> reasons(const task_record& task) {
    std::vector<block_reason> all;
    if (const json* hold = member(task.fields, "hold"); hold && *hold != false)
      all.push_back(
          {blocked_for::person, "hold", "on hold; agentlua resume " + task_id8(task.fields)});
    auto start = parse_iso_time(string_or(task.fields, "not_before"));
    if (start && *start > now_)
      all.push_back(
          {blocked_for::time, "not_before", "not before " + string_or(task.fields, "not_before")});
    if (const json* ignore = member(task.fields, "ignore"); ignore && ignore->is_object())
      if (const json* manual = member(*ignore, "manual"); manual && *manual == true)
        all.push_back({blocked_for::person, "ignored", "ignored by a person"});
    for (const std::string& name : dependencies(task))
      if (auto reason = unmet(task, name)) all.push_back(*reason);
    return all;
  }

  /// The worst of the reasons.
  static blocked_for worst(const std::vector<block_reason>& reasons) {
    auto kind = blocked_for::nothing;
    for (const auto& reason : reasons) kind = std::max(kind, reason.kind);
    return kind;
  }

  /// Tasks of the statuses `from` in the order in which they should run: what was begun or answered
  /// first, then the status named first, then priority, then age.
  std::vector<const task_record*> ordered(const std::vector<std::string>& from) const {
    using rank = std::tuple<int, std::size_t, double, std::string, std::string>;
    std::vector<std::pair<rank, const task_record*>> sorted;
    for (const auto& [key, task] : index_.records()) {
      auto place = std::find(from.begin(), from.end(), task.status);
      if (place == from.end() || task.fields.is_null()) continue;
      const json* answers = member(task.fields, "questions_resolved");
      bool begun = member(task.fields, "worktree") || (answers && !answers->empty());
      const json* priority = member(task.fields, "priority");
      double weight = priority && priority->is_number() ? priority->get<double>() : 50;
      sorted.push_back({{begun ? 0 : 1, static_cast<std::size_t>(place - from.begin()), weight,
                         string_or(task.fields, "created_at"), task.file},
                        &task});
    }
    std::sort(sorted.begin(), sorted.end());
    std::vector<const task_record*> tasks;
    for (auto& [key, task] : sorted) tasks.push_back(task);
    return tasks;
  }

 private:
  static std::vector<std::string> dependencies(const task_record& task) {
    std::vector<std::string> names;
    const json* list = member(task.fields, "dependencies");
    if (list && list->is_string()) names.push_back(list->get<std::string>());
    if (list && list->is_array())
      for (const json& name : *list)
        if (name.is_string()) names.push_back(name.get<std::string>());
    return names;
  }

  // A dependency may name a task by id, id8, name, name-slug, `slug` field or file stem.
  void add_names(const task_record& task) {
    auto add = [&](const std::string& name) {
      if (!name.empty()) by_name_[fold(name)].insert(&task);
    };
    add(task.stem());
    if (task.fields.is_null()) return;
    for (const std::string& name : {task.id(), task_id8(task.fields), task.name(),
                                    text::match_slug(task.name()), string_or(task.fields, "slug")})
      add(name);
  }

  static std::string fold(std::string_view name) {
    std::string out;
    for (char c : name) out += text::lower(c);
    return out;
  }

  const std::set<const task_record*>* find(const std::string& name) {
    auto found = by_name_.find(fold(name));
    if (found == by_name_.end()) found = by_name_.find(text::match_slug(name));
    if (found == by_name_.end() && !done_loaded_) {
      // Only a name that nothing else answers to makes us read what is done: most often its stem
      // ends in the id8 that the dependency starts with.
      done_loaded_ = true;
      for (const auto& [key, task] : index_.records()) {
        if (task.status != "done") continue;
        index_.load(task);
        add_names(task);
      }
      return find(name);
    }
    return found == by_name_.end() ? nullptr : &found->second;
  }

  std::optional<block_reason> unmet(const task_record& task, const std::string& name) {
    const auto* targets = find(name);
    if (targets == nullptr)
      return block_reason{blocked_for::ever, "missing",
                          "depends on '" + name + "', which does not exist"};
    std::optional<block_reason> mildest;
    for (const task_record* target : *targets) {
      auto reason = state_of(task, *target);
      if (!reason) return std::nullopt;
      if (!mildest || reason->kind < mildest->kind) mildest = reason;
    }
    return mildest;
  }

  std::optional<block_reason> state_of(const task_record& task, const task_record& target) {
    if (target.status == "done") return std::nullopt;
    std::string who = "'" + target.name() + "' (" + task_id8(target.fields) + ")";
    auto because = [&](blocked_for kind, const char* code, const std::string& text) {
      return block_reason{kind, code, "depends on " + who + ", " + text};
    };
    if (&task == &target || visiting_.contains(&target))
      return because(blocked_for::ever, "cycle", "which waits for it in turn: a cycle");
    const std::string& status = target.status;
    if (status == "split") return children_of(target);
    if (status == "failed" || status == "skipped" || status == "cancelled")
      return because(blocked_for::ever, "dependency", "which is " + status);
    if (status == "needs-input" || status == "needs-review")
      return because(blocked_for::person, "dependency", "which is in " + status);
    if (status == "analysing" || status == "in-progress")
      return because(blocked_for::time, "dependency", "which is being worked on");
    const auto [kind, why] = verdict(task, target);
    if (kind == blocked_for::ever)
      return because(kind, "dependency", "which can never run: it " + why);
    if (kind == blocked_for::person)
      return because(kind, "dependency", "which waits for a person: it " + why);
    return because(blocked_for::time, "dependency", "which is not done yet");
  }

  std::optional<block_reason> children_of(const task_record& parent) {
    const json* list = member(parent.fields, "child_tasks");
    std::optional<block_reason> worst;
    if (!list || !list->is_array()) return worst;
    visiting_.insert(&parent);
    for (const json& child : *list) {
      auto reason = child.is_string() ? unmet(parent, child.get<std::string>()) : std::nullopt;
      if (reason && (!worst || reason->kind > worst->kind)) worst = reason;
    }
    visiting_.erase(&parent);
    return worst;
  }

  struct finding {
    blocked_for kind = blocked_for::nothing;
    std::string why;
  };

  /// What keeps `target` back, as seen on the way from `task`.
  finding verdict(const task_record& task, const task_record& target) {
    if (auto known = verdicts_.find(&target); known != verdicts_.end()) return known->second;
    bool outermost = visiting_.insert(&task).second;
    visiting_.insert(&target);
    finding found;
    for (const auto& reason : reasons(target))
      if (reason.kind > found.kind) found = {reason.kind, reason.text};
    visiting_.erase(&target);
    if (outermost) visiting_.erase(&task);
    // Found in the middle of a walk it may rest on where the walk began; only cycles do, and those
    // are `ever` from every start.
    return verdicts_[&target] = found;
  }

  task_index& index_;
  double now_;
  bool done_loaded_ = false;
  std::unordered_map<std::string, std::set<const task_record*>> by_name_;
  std::set<const task_record*> visiting_;
  std::map<const task_record*, finding> verdicts_;
};

}  // namespace agentlua
