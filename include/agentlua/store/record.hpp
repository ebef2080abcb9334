#pragma once
// agentlua/store/record.hpp: room 3. What is kept in memory of a task file: enough to choose by.

#include <array>
#include <string>
#include <string_view>
#include <vector>

#include "agentlua/json.hpp"
#include "agentlua/text.hpp"
#include "agentlua/time.hpp"

namespace agentlua {

/// Directory names, in the order of a task's life. The directory is the status.
inline constexpr std::array<const char*, 11> task_statuses = {
    "todo", "analysing", "needs-input", "analysed", "in-progress", "needs-review",
    "done", "failed",    "skipped",     "split",    "cancelled"};

/// Short name of a task, 8 hex digits: its `id8` field, else made from its id.
inline std::string task_id8(const json& fields) {
  std::string kept = string_or(fields, "id8");
  return kept.empty() ? text::id8(string_or(fields, "id")) : kept;
}

/// One task file, as far as choosing needs it. The rest is read when it is asked for.
struct task_record {
  std::string status;
  std::string file;     ///< name in its status directory; stays the same when the task moves
  bool parsed = false;  ///< false while nobody needed more than status and file
  std::string id, id8, name, slug, created_at, not_before;
  double priority = 50;
  double starts_at = 0;  ///< `not_before` as wall seconds; 0: none
  bool hold = false, ignored = false;
  bool begun = false;     ///< it has a worktree, or answers that wait to be used
  bool analysed = false;  ///< it has an analysis
  std::vector<std::string> dependencies, children, resources, touches, conditions;

  std::string stem() const { return file.substr(0, file.size() - 5); }
  std::string short_id() const { return id8.empty() ? text::id8(id) : id8; }
  bool runs() const { return status == "in-progress" || status == "analysing"; }
};

namespace detail {

/// Takes the members that choosing needs out of a stream of JSON events; builds no tree.
class record_reader {
 public:
  record_reader(task_record& into, const std::string& subject, json_limits limits)
      : task_(into), subject_(subject), limits_(limits) {}

  bool null() { return scalar(); }
  bool boolean(bool value) {
    if (depth_ == 1 && key_ == "hold") task_.hold = value;
    if (depth_ == 2 && key_ == "ignore" && inner_ == "manual") task_.ignored = value;
    return scalar();
  }
  bool number_integer(json::number_integer_t value) { return number(static_cast<double>(value)); }
  bool number_unsigned(json::number_unsigned_t value) { return number(static_cast<double>(value)); }
  bool number_float(json::number_float_t value, const std::string&) { return number(value); }
  bool string(std::string& value) {
    if (depth_ == 1) {
      if (text_ != nullptr) *text_ = value;
      if (list_ != nullptr) list_->push_back(value);
      if (key_ == "hold") task_.hold = true;
    } else if (depth_ == 2 && in_array_) {
      if (list_ != nullptr) list_->push_back(value);
      if (key_ == "questions_resolved") task_.begun = true;
    }
    return scalar();
  }
  bool binary(json::binary_t&) { return scalar(); }
  bool start_object(std::size_t) {
    if (depth_ == 1) opens_member(false);
    if (depth_ == 2 && in_array_ && key_ == "questions_resolved") task_.begun = true;
    return enter();
  }
  bool key(std::string& name) {
    if (depth_ == 1) {
      for (const std::string& seen : keys_)
        if (seen == name) refuse("key \"" + text::printable(name) + "\" twice");
      keys_.push_back(name);
      key_ = std::move(name);
      text_ = text_field();
      list_ = text_ == nullptr ? list_field() : nullptr;
    } else if (depth_ == 2) {
      inner_ = std::move(name);
    }
    return true;
  }
  bool end_object() { return --depth_, true; }
  bool start_array(std::size_t) {
    if (depth_ == 0) refuse("a task is a JSON object, this is array");
    if (depth_ == 1) opens_member(true);
    return enter();
  }
  bool end_array() { return --depth_, true; }
  bool parse_error(std::size_t, const std::string&, const json::exception& problem) {
    refuse(json_problem(problem));
  }

 private:
  [[noreturn]] void refuse(const std::string& why) const {
    throw error("EJSON", subject_ + ": " + why);
  }
  bool scalar() const {
    if (depth_ == 0) refuse("a task is a JSON object, this is another value");
    return true;
  }
  bool number(double value) {
    if (depth_ == 1 && key_ == "priority") task_.priority = value;
    if (depth_ == 1 && key_ == "hold") task_.hold = true;
    return scalar();
  }
  bool enter() {
    if (++depth_ > limits_.depth) refuse("nested deeper than " + std::to_string(limits_.depth));
    return true;
  }
  void opens_member(bool array) {
    in_array_ = array;
    if (key_ == "worktree" && !array) task_.begun = true;
    if (key_ == "analysis") task_.analysed = true;
    if (key_ == "hold") task_.hold = true;
  }
  std::string* text_field() {
    if (key_ == "id") return &task_.id;
    if (key_ == "id8") return &task_.id8;
    if (key_ == "name") return &task_.name;
    if (key_ == "slug") return &task_.slug;
    if (key_ == "created_at") return &task_.created_at;
    if (key_ == "not_before") return &task_.not_before;
    return nullptr;
  }
  std::vector<std::string>* list_field() {
    if (key_ == "dependencies") return &task_.dependencies;
    if (key_ == "child_tasks") return &task_.children;
    if (key_ == "resources") return &task_.resources;
    if (key_ == "touches") return &task_.touches;
    if (key_ == "condition") return &task_.conditions;
    return nullptr;
  }

  task_record& task_;
  const std::string& subject_;
  const json_limits limits_;
  int depth_ = 0;
  bool in_array_ = false;  // the value of the current member
  std::string* text_ = nullptr;
  std::vector<std::string>* list_ = nullptr;
  std::string key_, inner_;
  std::vector<std::string> keys_;
};

}  // namespace detail

/// Reads the text of a task file into a record. `subject` is what errors call the file.
/// Errors: EJSON (not JSON, too deep, too large, a key twice, no id, no name, a time that is none).
inline void read_record(std::string_view text, const std::string& subject, task_record& into,
                        json_limits limits = {}) {
  check_json_size(text, subject, limits);
  detail::record_reader reader(into, subject, limits);
  json::sax_parse(text, &reader);
  if (into.id.empty()) throw error("EJSON", subject + ": the task has no \"id\"");
  if (into.name.empty()) throw error("EJSON", subject + ": the task has no \"name\"");
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
