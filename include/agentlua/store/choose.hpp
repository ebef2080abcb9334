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

#include "agentlua/store/index.hpp"

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
      : index_(dir, *this), root_(std::move(root)) {}
  task_chooser(const task_chooser&) = delete;
  task_chooser& operator=(const task_chooser&) = delete;

  task_index& index() noexcept { return index_; }

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
    load_namesakes(task);
    if (twin(task) || failed_condition(task) || rival(task)) return task_block{on::moment, {}};
    return std::nullopt;
  }

  /// Tasks that answer to a name: id, short id, name, name-slug, `slug` field or file stem. Reads
  /// what is done only when nothing else answers, and then the likely files first.
  const std::vector<task_record*>* find(const std::string& name) {
    if (const auto* likely = find_likely(name)) return likely;
    load_all();
    return known_as(name);
  }

  /// The task with exactly this id; reads only files whose names say that they may be the one.
  const task_record* of_id(const std::string& id) {
    if (auto known = by_id_.find(id); known != by_id_.end()) return known->second;
    const auto* likely = find_likely(id);
    for (const task_record* task : likely != nullptr ? *likely : std::vector<task_record*>{})
      if (task->id == id) return task;
    return nullptr;
  }

  /// The same as find(), but reads only files whose names say that they may be the one.
  const std::vector<task_record*>* find_likely(const std::string& name) {
    if (!named_) name_all();
    if (const auto* known = known_as(name)) return known;
    for (const std::string& hint : {"." + text::id8(name), "." + text::match_slug(name),
                                    "." + text::sha256_hex(name).substr(0, 8)}) {
      auto likely = hints_.find(hint);
      if (likely == hints_.end()) continue;
      for (task_record* task : std::vector<task_record*>(likely->second)) index_.load(*task);
      if (const auto* known = known_as(name)) return known;
    }
    return nullptr;
  }

  /// Reads every file that was left alone.
  void load_all() {
    for (task_record* task : std::vector<task_record*>(unread_.begin(), unread_.end()))
      index_.load(*task);
  }

  /// True when a task counts as done for who depends on it: a split one when its children are.
  bool is_done(const task_record& task) {
    if (task.status != "split") return task.status == "done";
    return !unmet_child(task);
  }

  /// Another task of the same id; one of the two is set aside sooner or later.
  const task_record* twin(const task_record& task) const {
    auto [at, end] = by_id_.equal_range(task.id);
    for (; at != end; ++at)
      if (at->second != &task) return at->second;
    return nullptr;
  }

  /// A running task that claims the same resource or the same files.
  const task_record* rival(const task_record& task) const {
    if (task.resources.empty() && task.touches.empty()) return nullptr;
    for (const task_record* other : running_)
      if (other != &task && (common(task.resources, other->resources, same_name) ||
                             common(task.touches, other->touches, may_overlap)))
        return other;
    return nullptr;
  }

  /// The first condition that does not hold; nullptr when all do. A condition is a path below the
  /// root that must exist, a glob that must match, or either with "!" in front: must not.
  const std::string* failed_condition(const task_record& task) const {
    for (const std::string& condition : task.conditions)
      if (!holds(condition)) return &condition;
    return nullptr;
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

  // ---- names -------------------------------------------------------------------------------------

  static std::string fold(std::string_view name) {
    std::string out(name);
    for (char& c : out) c = text::lower(c);
    return out;
  }

  static std::vector<std::string> names_of(const task_record& task) {
    std::vector<std::string> names = {fold(task.stem())};
    if (task.parsed)
      for (const std::string& name :
           {task.id, task.short_id(), task.name, text::match_slug(task.name), task.slug})
        if (!name.empty()) names.push_back(fold(name));
    std::sort(names.begin(), names.end());
    names.erase(std::unique(names.begin(), names.end()), names.end());
    return names;
  }

  // What an unread file may answer to: most stems are "<slug of the name>-<id8>".
  static std::vector<std::string> hints_of(const task_record& task) {
    const std::string stem = fold(task.stem());
    auto dash = stem.rfind('-');
    if (dash == std::string::npos) return {};
    return {"." + stem.substr(dash + 1), "." + stem.substr(0, dash)};
  }

  const std::vector<task_record*>* known_as(const std::string& name) const {
    auto found = names_.find(fold(name));
    if (found == names_.end()) found = names_.find(text::match_slug(name));
    return found == names_.end() ? nullptr : &found->second;
  }

  // A copy of the file in another place may be left unread.
  void load_namesakes(const task_record& task) {
    if (by_file_.count(task.file) < 2) return;
    std::vector<task_record*> same;
    auto [at, end] = by_file_.equal_range(task.file);
    for (; at != end; ++at) same.push_back(at->second);
    for (task_record* other : same) index_.load(*other);
  }

  // Names are known from the first time that one is looked for: many stores never need them.
  void name_all() {
    named_ = true;
    index_.for_each([&](task_record& task) { give_names(task); });
  }
  void give_names(task_record& task) {
    if (!named_) return;
    for (const std::string& name : names_of(task)) names_[name].push_back(&task);
    if (task.parsed) return;
    for (const std::string& hint : hints_of(task)) hints_[hint].push_back(&task);
  }
  void take_names(task_record& task) {
    if (!named_) return;
    for (const std::string& name : names_of(task)) take_out(names_, name, task);
    if (task.parsed) return;
    for (const std::string& hint : hints_of(task)) take_out(hints_, hint, task);
  }
  using records_by = std::unordered_multimap<std::string_view, task_record*>;
  static void take_out(records_by& from, std::string_view key, const task_record& task) {
    auto [at, end] = from.equal_range(key);
    for (; at != end; ++at)
      if (at->second == &task) return void(from.erase(at));
  }

  static void take_out(std::unordered_map<std::string, std::vector<task_record*>>& from,
                       const std::string& name, const task_record& task) {
    auto found = from.find(name);
    if (found == from.end()) return;
    std::erase(found->second, &task);
    if (found->second.empty()) from.erase(found);
  }

  // ---- dependencies ------------------------------------------------------------------------------

  /// The name that is not done yet: the dependency's own, or that of a child of a split task.
  std::optional<std::string> unmet(const std::string& name) {
    const auto* targets = find(name);
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
        const auto* targets = find(child);
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

  // ---- what runs at the same time, and conditions ------------------------------------------------

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

  bool conditions_hold(const task_record& task) const { return failed_condition(task) == nullptr; }
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
    by_file_.emplace(task.file, &task);
    give_names(task);
    if (!task.parsed) {
      unread_.insert(&task);
      if (loading_) wake_those_who_wait_for(task);  // it cannot be read, but has its file's name
      if (waiting_.empty() || loading_) return;
      loading_ = true;  // it may be what somebody waits for
      index_.load(task);
      loading_ = false;
      return;
    }
    by_id_.emplace(task.id, &task);
    ready_[task.status].insert(&task);
    if (task.runs()) running_.insert(&task);
    wake_those_who_wait_for(task);
  }

  void removed(task_record& task) override {
    take_out(by_file_, task.file, task);
    take_names(task);
    if (!task.parsed) return void(unread_.erase(&task));
    take_out(by_id_, task.id, task);
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
      place.names = {fold(block.name), text::match_slug(block.name)};
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
    for (const std::string& name : names_of(task)) {
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

  std::unordered_map<std::string, std::vector<task_record*>> names_, hints_;
  bool named_ = false;
  records_by by_id_, by_file_;
  std::unordered_set<task_record*> unread_;
  std::map<std::string, std::set<task_record*, in_order>> ready_;  // by status
  std::unordered_map<task_record*, spot> aside_;
  std::unordered_map<std::string, std::unordered_set<task_record*>> waiting_;  // by name
  std::set<std::pair<double, task_record*>> later_;
  std::unordered_set<task_record*> moment_;  // looked at again every time
  std::unordered_set<const task_record*> running_;
  std::size_t woken_ = 0;
  bool loading_ = false;
  task_index index_;  // after what it tells of its records
  stdfs::path root_;
};

}  // namespace agentlua
