#pragma once
// agentlua/json_edit.hpp: room 2. Sets members of a JSON object in its text; the rest stays as it is.

#include <algorithm>
#include <string>
#include <string_view>
#include <vector>

#include "agentlua/json.hpp"

namespace agentlua {

namespace detail {

/// A member of the outermost object of a text: its key, and where its value is.
struct json_member {
  std::string key;
  std::size_t begin = 0, end = 0;
};

/// Walks over text that was parsed before, so that it is known to be JSON.
class json_scanner {
 public:
  explicit json_scanner(std::string_view text) : text_(text) {}

  /// The members in order.
  std::vector<json_member> members() {
    std::vector<json_member> all;
    at_ = text_.find('{') + 1;
    for (;;) {
      space();
      if (text_[at_] == ',') ++at_;
      space();
      if (text_[at_] == '}') return all;
      std::size_t key = at_;
      string();
      std::string_view quoted = text_.substr(key, at_ - key);
      space();
      ++at_;  // the colon
      space();
      std::size_t begin = at_;
      value();
      all.push_back({json::parse(quoted).get<std::string>(), begin, at_});
    }
  }

 private:
  void space() { at_ = std::min(text_.find_first_not_of(" \t\r\n", at_), text_.size() - 1); }
  void string() {
    for (++at_; text_[at_] != '"'; ++at_)
      if (text_[at_] == '\\') ++at_;
    ++at_;
  }
  void value() {
    if (text_[at_] == '"') return string();
    if (text_[at_] != '{' && text_[at_] != '[') {
      at_ = std::min(text_.find_first_of(",}] \t\r\n", at_), text_.size());
      return;
    }
    int depth = 0;
    do {
      char c = text_[at_];
      if (c == '"') {
        string();
        continue;
      }
      depth += (c == '{' || c == '[') - (c == '}' || c == ']');
      ++at_;
    } while (depth > 0);
  }

  std::string_view text_;
  std::size_t at_ = 0;
};

}  // namespace detail

/// Text of a JSON object with the members of `patch` set: changed where they are, new ones at the
/// end. Every other byte stays: order, spaces, kinds and digits of numbers, escapes.
/// `text` must have been parsed as an object.
inline std::string edit_json(std::string_view text, const json& patch) {
  detail::json_scanner scanner(text);
  const auto members = scanner.members();

  // The layout is that of the first member: its indent, or all on one line.
  std::size_t open = text.find('{');
  std::size_t first = text.find_first_not_of(" \t\r\n", open + 1);
  std::string_view gap = text.substr(open + 1, first - open - 1);
  const bool one_line = !members.empty() && gap.find('\n') == std::string_view::npos;
  std::string indent = members.empty() ? "  " : std::string(gap.substr(gap.rfind('\n') + 1));
  if (indent.empty()) indent = "  ";
  auto written = [&](const json& value) {
    if (one_line) return dump_json(value);
    std::string lines = value.dump(
        static_cast<int>(indent.size()), indent[0], false, json::error_handler_t::replace);
    for (std::size_t at = 0; (at = lines.find('\n', at)) != std::string::npos;)
      lines.insert(++at, indent);
    return lines;
  };

  std::string added;
  for (const auto& [key, value] : patch.items()) {
    auto there = std::find_if(members.rbegin(), members.rend(), [&name = key](const auto& one) {
      return one.key == name;
    });
    if (there != members.rend()) continue;
    bool comma = !members.empty() || !added.empty();
    added += std::string(comma ? "," : "") + (one_line ? " " : "\n" + indent) +
             dump_json(json(key)) + ": " + written(value);
  }
  std::size_t after = members.empty() ? open + 1 : members.back().end;
  std::string rest(text.substr(after));
  if (!added.empty() && members.empty() && rest.find('\n') > rest.find('}')) added += "\n";
  std::string out = std::string(text.substr(0, after)) + added + rest;
  for (auto one = members.rbegin(); one != members.rend(); ++one) {  // from the end: places hold
    auto change = patch.find(one->key);
    if (change == patch.end()) continue;
    std::string_view before = text.substr(one->begin, one->end - one->begin);
    if (json::parse(before) != *change) out.replace(one->begin, before.size(), written(*change));
  }
  return out;
}

}  // namespace agentlua
