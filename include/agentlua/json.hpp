#pragma once
// agentlua/json.hpp: room 2. JSON with key order and number kinds kept, bounded when it is read.

#include <nlohmann/json.hpp>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdio>
#include <exception>
#include <string>
#include <string_view>
#include <vector>

#include "agentlua/error.hpp"
#include "agentlua/text.hpp"

namespace agentlua {

/// Keeps the order of keys, and integers apart from floating point numbers.
using json = nlohmann::ordered_json;

/// Bounds for text that somebody else wrote.
struct json_limits {
  std::size_t bytes = 8u << 20;
  int depth = 64;
  std::size_t members =
      10'000;  ///< of one object: looking for keys that are there twice takes time
};

/// What json::exception says, without its number: "parse error at line 9, column 3: ...".
inline std::string json_problem(const std::exception& problem) {
  std::string reason = problem.what();
  if (auto end = reason.find("] "); end != std::string::npos) reason.erase(0, end + 2);
  return reason;
}

/// Refuses text that is too large or empty. Errors: EJSON.
inline void check_json_size(std::string_view text, const std::string& subject, json_limits limits) {
  if (text.size() > limits.bytes)
    throw error("EJSON", subject + ": " + std::to_string(text.size()) +
                             " bytes of JSON, the limit is " + std::to_string(limits.bytes));
  if (text.find_first_not_of(" \t\r\n") == std::string_view::npos)
    throw error("EJSON", subject + ": the file is empty, expected JSON");
}

/// Parses one JSON value. `name` is what the error calls it, e.g. a path.
/// Errors: EJSON (not JSON, with the position; too deep; too large; empty).
inline json parse_json(std::string_view text, std::string_view name, json_limits limits = {}) {
  const std::string subject(name);
  check_json_size(text, subject, limits);
  std::vector<std::size_t> members;  // of the objects that are open, by depth
  auto bound_depth = [&](int depth, json::parse_event_t event, json&) {
    auto level = static_cast<std::size_t>(depth);
    if (members.size() <= level) members.resize(level + 1);
    if (event == json::parse_event_t::object_start) members[level] = 0;
    if (event == json::parse_event_t::key && ++members[level - 1] > limits.members)
      throw error("EJSON", subject + ": an object has more than " + std::to_string(limits.members) +
                               " members");
    bool opens = event == json::parse_event_t::object_start ||
                 event == json::parse_event_t::array_start;
    if (opens && depth >= limits.depth)
      throw error("EJSON", subject + ": nested deeper than " + std::to_string(limits.depth));
    return true;
  };
  try {
    return json::parse(text, bound_depth);
  } catch (const json::exception& problem) {
    throw error("EJSON", subject + ": " + json_problem(problem));
  }
}

/// Compact text of a value. Bytes that are not UTF-8 become U+FFFD instead of an exception.
inline std::string dump_json(const json& value, int indent = -1) {
  return value.dump(indent, ' ', false, json::error_handler_t::replace);
}

/// The same for a terminal: what would do something to it is escaped as "\uNNNN", which means the same.
inline std::string show_json(const json& value, int indent = -1) {
  const std::string text = dump_json(value, indent);
  std::string out;
  for (std::string_view rest = text; !rest.empty();) {
    auto plain = [](unsigned char c) { return c < 0x7f; };
    const auto run = static_cast<std::size_t>(
        std::find_if_not(rest.begin(), rest.end(), plain) - rest.begin());
    out += rest.substr(0, run);
    rest.remove_prefix(run);
    if (rest.empty()) break;
    const std::string_view one = rest.substr(0, text::utf8_length(rest));
    if (text::acts_on_terminal(one)) {
      constexpr std::array<unsigned, 4> first_bits = {0, 0x7f, 0x1f, 0x0f};
      unsigned code = static_cast<unsigned char>(one[0]) & first_bits[one.size()];
      for (char c : one.substr(1)) code = code << 6 | (static_cast<unsigned char>(c) & 0x3fU);
      std::array<char, 8> escaped{};
      std::snprintf(escaped.data(), escaped.size(), "\\u%04x", code);
      out += escaped.data();
    } else {
      out += one;
    }
    rest.remove_prefix(one.size());
  }
  return out;
}

/// String member `key` of an object, or `fallback` when it is absent or not a string.
inline std::string string_or(const json& object, const char* key, std::string fallback = {}) {
  auto found = object.is_object() ? object.find(key) : object.end();
  return found != object.end() && found->is_string() ? found->get<std::string>() : fallback;
}

/// Member `key` of an object when it is there and not null, else nullptr.
inline const json* member(const json& object, const char* key) {
  if (!object.is_object()) return nullptr;
  auto found = object.find(key);
  return found == object.end() || found->is_null() ? nullptr : &*found;
}

}  // namespace agentlua
