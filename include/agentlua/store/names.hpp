#pragma once
// agentlua/store/names.hpp: room 3. Finds tasks by what they are called.

#include <algorithm>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "agentlua/store/index.hpp"

namespace agentlua {

/// The tasks of an index by id, short id, name, name-slug, `slug` field and file stem. Told of every
/// record that comes and goes. Files that were left unread are read only when they may be meant.
class task_names {
 public:
  explicit task_names(task_index& index) : index_(index) {}

  void added(task_record& task) {
    by_file_.emplace(task.file, &task);
    give_names(task);
    if (task.parsed) by_id_.emplace(task.id, &task);
    else unread_.emplace(ending(task), &task);
  }
  void removed(task_record& task) {
    take_out(by_file_, task.file, task);
    take_names(task);
    if (task.parsed) take_out(by_id_, task.id, task);
    else take_out(unread_, ending(task), task);
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
    std::vector<task_record*> all;
    for (const auto& [name, task] : unread_) all.push_back(task);
    for (task_record* task : all) index_.load(*task);
  }

  /// Reads what was left alone and may have the same id: files whose names end as the store's own for
  /// this id do, and those that are named in another way. True when the task has a twin now.
  bool load_twins(const task_record& task) {
    std::vector<task_record*> likely;
    for (const std::string& name : {std::string(), fold(task.short_id()), text::id8(task.id),
                                    text::sha256_hex(task.id).substr(0, 8)}) {
      auto [at, end] = unread_.equal_range(name);
      for (; at != end; ++at) likely.push_back(at->second);
    }
    for (task_record* one : likely) index_.load(*one);
    return twin(task) != nullptr;
  }

  /// The task whose id is this one but for upper and lower case; reads as little as of_id().
  const task_record* of_folded_id(const std::string& id) {
    const auto* likely = find_likely(id);
    for (const task_record* task : likely != nullptr ? *likely : std::vector<task_record*>{})
      if (fold(task->id) == fold(id)) return task;
    return nullptr;
  }

  /// Another task of the same id; one of the two is set aside sooner or later.
  const task_record* twin(const task_record& task) const {
    auto [at, end] = by_id_.equal_range(task.id);
    for (; at != end; ++at)
      if (at->second != &task) return at->second;
    return nullptr;
  }

  /// Reads copies of a file in other places that were left alone.
  void load_namesakes(const task_record& task) {
    if (by_file_.count(task.file) < 2) return;
    std::vector<task_record*> same;
    auto [at, end] = by_file_.equal_range(task.file);
    for (; at != end; ++at) same.push_back(at->second);
    for (task_record* other : same) index_.load(*other);
  }

  static std::string fold(std::string_view name) {
    std::string out(name);
    for (char& c : out) c = text::lower(c);
    return out;
  }
  /// What a task is called, folded.
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

 private:
  // What an unread file may answer to: most stems are "<slug of the name>-<id8>".
  static std::vector<std::string> hints_of(const task_record& task) {
    const std::string stem = fold(task.stem());
    auto dash = stem.rfind('-');
    if (dash == std::string::npos) return {};
    return {"." + stem.substr(dash + 1), "." + stem.substr(0, dash)};
  }

  // What the name of a file ends with before ".json" when the store gave it: 8 hex digits, else "".
  static std::string_view ending(const task_record& task) {
    constexpr std::size_t size = std::string_view("-01234567.json").size();
    if (task.file.size() <= size) return {};
    std::string_view end = std::string_view(task.file).substr(task.file.size() - size);
    bool hex = end[0] == '-' &&
               end.find_first_not_of("0123456789abcdef", 1) == size - 5;  // the dot
    return hex ? end.substr(1, 8) : std::string_view{};
  }

  const std::vector<task_record*>* known_as(const std::string& name) const {
    auto found = names_.find(fold(name));
    if (found == names_.end()) found = names_.find(text::match_slug(name));
    return found == names_.end() ? nullptr : &found->second;
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

  task_index& index_;
  std::unordered_map<std::string, std::vector<task_record*>> names_, hints_;
  bool named_ = false;
  records_by by_id_, by_file_;
  records_by unread_;  // by ending
};

}  // namespace agentlua
