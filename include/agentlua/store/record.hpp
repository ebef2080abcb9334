#pragma once
// agentlua/store/record.hpp: room 3. What is kept in memory of a task file: enough to choose by.

#include <algorithm>
#include <array>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "agentlua/json.hpp"
#include "agentlua/json_walk.hpp"
#include "agentlua/text.hpp"
#include "agentlua/time.hpp"

namespace agentlua {

/// Directory names, in the order of a task's life. The directory is the status.
inline constexpr std::array<const char*, 11> task_statuses = {
    "todo", "analysing", "needs-input", "analysed", "in-progress", "needs-review",
    "done", "failed",    "skipped",     "split",    "cancelled"};

inline bool is_status(std::string_view name) {
  return std::find(task_statuses.begin(), task_statuses.end(), name) != task_statuses.end();
}

namespace detail {

inline bool safe_name(std::string_view name) {
  bool safe = name.size() <= 128 && !name.empty() && text::alnum(name[0]);
  for (char c : name) safe = safe && (text::alnum(c) || c == '.' || c == '_' || c == '-');
  return safe;
}

/// Errors: EINVAL.
inline void check_id(const std::string& id) {
  if (!safe_name(id))
    throw error("EINVAL", "task id '" + text::printable(id.substr(0, 60)) +
                              "' is refused: letters, digits, '.', '_' and '-', at most 128, "
                              "beginning with a letter or digit");
}

}  // namespace detail

/// True for what may be the short name of a task: it becomes part of paths and of names of refs.
inline bool is_id8(std::string_view name) {
  return !name.empty() && name.size() <= 16 && std::all_of(name.begin(), name.end(), text::alnum);
}

/// Short name of a task, 8 hex digits: its `id8` field when it may be one, else made from its id.
inline std::string task_id8(const json& fields) {
  std::string kept = string_or(fields, "id8");
  return is_id8(kept) ? kept : text::id8(string_or(fields, "id"));
}

/// One task file, as far as choosing needs it. The rest is read when it is asked for.
struct task_record {
  std::string status;
  std::string file;     ///< name in its status directory; stays the same when the task moves
  bool parsed = false;  ///< false while nobody needed more than status and file
  std::string id, id8, name, slug, created_at, not_before, claimed_from;
  double priority = 50;
  double starts_at = 0;  ///< `not_before` as wall seconds; 0: none
  bool hold = false, ignored = false;
  bool begun = false;     ///< it has a worktree, or answers that wait to be used
  bool analysed = false;  ///< it has an analysis
  std::vector<std::string> dependencies, children, resources, touches, conditions;

  std::string stem() const { return file.substr(0, file.size() - 5); }
  std::string short_id() const { return id8.empty() ? text::id8(id) : id8; }
  bool runs() const { return status == "in-progress" || status == "analysing"; }
  /// Where a task that runs in the status `running` was claimed from. Only what differs from the
  /// usual is kept in its file, as `claimed_from`, so that a claim does not have to write.
  std::string home(std::string_view running) const {
    const bool kept = is_status(claimed_from) && claimed_from != "done" &&
                      claimed_from != "in-progress" && claimed_from != "analysing";
    if (kept) return claimed_from;
    return analysed && running != "analysing" ? "analysed" : "todo";
  }
};

namespace detail {

/// Takes what choosing needs out of the members of a task, given as they are spelled.
class record_reader {
 public:
  record_reader(task_record& into, const std::string& subject) : task_(into), subject_(subject) {}

  void member(std::string_view key, std::string_view value) {
    keys_.push_back(key);
    for (const auto& [name, field] : texts)
      if (key == name) return take_text(value, task_.*field);
    for (const auto& [name, field] : lists)
      if (key == name) return take_list(value, task_.*field);
    const char first = value[0];
    if (key == "priority" && (first == '-' || (first >= '0' && first <= '9'))) {
      task_.priority = json::parse(value).get<double>();
    } else if (key == "hold") {
      task_.hold = value != "false" && value != "null";
    } else if (key == "ignore" && first == '{') {
      const json ignore = json::parse(value);
      const json* manual = agentlua::member(ignore, "manual");
      task_.ignored = manual != nullptr && *manual == true;
    } else if (key == "worktree") {
      task_.begun = task_.begun || first == '{';
    } else if (key == "questions_resolved") {
      bool some = first == '[' && value.find_first_not_of(" \t\r\n", 1) != value.size() - 1;
      task_.begun = task_.begun || some;
    } else if (key == "analysis") {
      task_.analysed = first == '{';
    }
  }

  /// Errors: EJSON (a key is there twice).
  void check_keys() {
    std::sort(keys_.begin(), keys_.end());
    auto twice = std::adjacent_find(keys_.begin(), keys_.end());
    if (twice != keys_.end())
      throw error("EJSON", subject_ + ": key \"" + text::printable(*twice) + "\" twice");
  }

 private:
  static void take_text(std::string_view value, std::string& into) {
    if (value[0] != '"') return;
    bool escaped = value.find('\\') != std::string_view::npos;
    into = escaped ? json::parse(value).get<std::string>()
                   : std::string(value.substr(1, value.size() - 2));
  }
  /// A list of texts, or one text. Anything else in it is passed over.
  static void take_list(std::string_view value, std::vector<std::string>& into) {
    if (value == "[]" || (value[0] != '[' && value[0] != '"')) return;
    json parsed = json::parse(value);
    if (parsed.is_string()) parsed = json::array({std::move(parsed)});
    for (const json& one : parsed)
      if (one.is_string()) into.push_back(one.get<std::string>());
  }

  static constexpr std::pair<const char*, std::string task_record::*> texts[] = {
      {"id", &task_record::id},
      {"id8", &task_record::id8},
      {"name", &task_record::name},
      {"slug", &task_record::slug},
      {"created_at", &task_record::created_at},
      {"not_before", &task_record::not_before},
      {"claimed_from", &task_record::claimed_from}};
  static constexpr std::pair<const char*, std::vector<std::string> task_record::*> lists[] = {
      {"dependencies", &task_record::dependencies},
      {"child_tasks", &task_record::children},
      {"resources", &task_record::resources},
      {"touches", &task_record::touches},
      {"condition", &task_record::conditions}};

  task_record& task_;
  const std::string& subject_;
  std::vector<std::string_view> keys_;
};

}  // namespace detail

/// Reads the text of a task file into a record. `subject` is what errors call the file.
/// Errors: EJSON (not JSON, too deep, too large, a key twice, no id or one that is no
/// name, no name, a time that is none).
inline void read_record(std::string_view text, const std::string& subject, task_record& into,
                        json_limits limits = {}) {
  check_json_size(text, subject, limits);
  detail::record_reader reader(into, subject);
  auto member = [&](std::string_view key, std::string_view value) { reader.member(key, value); };
  if (detail::json_walker(text, limits).object(member)) {
    reader.check_keys();
  } else {
    const json fields = parse_json(text, subject, limits);  // what is wrong, or was not sure
    if (!fields.is_object())
      throw error("EJSON", subject + ": a task is a JSON object, this is " + fields.type_name());
    task_record blank;
    blank.status = into.status;
    blank.file = into.file;
    into = std::move(blank);
    detail::record_reader again(into, subject);
    for (const auto& [key, value] : fields.items()) again.member(key, value.dump());
  }
  if (into.id.empty()) throw error("EJSON", subject + ": the task has no \"id\"");
  if (into.name.empty()) throw error("EJSON", subject + ": the task has no \"name\"");
  try {
    detail::check_id(into.id);
  } catch (const error& problem) {
    throw error("EJSON", subject + ": " + problem.what());
  }
  if (!is_id8(into.id8)) into.id8.clear();
  if (!into.not_before.empty()) {
    auto start = parse_iso_time(into.not_before);
    if (!start)
      throw error("EJSON", subject + ": not_before '" + text::printable(into.not_before) +
                               "' is no time like 2026-01-31T08:00:00Z");
    into.starts_at = *start;
  }
  into.parsed = true;
}

}  // namespace agentlua
