#pragma once
// agentlua/json_edit.hpp: room 2. Sets members of a JSON object in its text; the rest stays as it is.

#include <algorithm>
#include <string>
#include <string_view>
#include <vector>

#include "agentlua/json.hpp"
#include "agentlua/json_walk.hpp"

namespace agentlua {

namespace detail {

/// A member of the outermost object of a text: its key, and where its value is.
struct json_member {
  std::string key;
  std::size_t begin = 0, end = 0;
};

inline std::vector<json_member> members_of(std::string_view text) {
  std::vector<json_member> members;
  json_walker(text, json_limits{text.size(), 1000, text.size()}, true)
      .object([&](std::string_view key, std::string_view value) {
        auto begin = static_cast<std::size_t>(value.data() - text.data());
        std::string quoted = "\"" + std::string(key) + "\"";
        members.push_back({json::parse(quoted).get<std::string>(), begin, begin + value.size()});
      });
  return members;
}

}  // namespace detail

/// Text of a JSON object with the members of `patch` set: changed where they are, new ones at the
/// end. Every other byte stays: order, spaces, kinds and digits of numbers, escapes.
/// `text` must have been parsed as an object.
inline std::string edit_json(std::string_view text, const json& patch) {
  const auto members = detail::members_of(text);
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
