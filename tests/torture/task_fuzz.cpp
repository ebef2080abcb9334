// Any bytes as the text of a task: they are read or refused, and a change of what was read leaves the
// other members as they are, byte for byte. The input is the text, then \x1e and the change as JSON.
// What it shares with other targets is in fuzz.hpp.

#include <algorithm>
#include <cstdio>
#include <cstdlib>

#include "agentlua/json_edit.hpp"
#include "agentlua/store/places.hpp"

using namespace agentlua;

namespace {

[[noreturn]] void fail(const char* what, std::string_view text, const json& patch,
                       std::string_view after) {
  std::fprintf(stderr, "%s\ntext:  %s\npatch: %s\nafter: %s\n", what, text::printable(text).c_str(),
               dump_json(patch).c_str(), text::printable(after).c_str());
  std::abort();
}

/// Text of every member of an object, by its own reading of it: the text has been parsed.
class members_of {
 public:
  using list = std::vector<std::pair<std::string, std::string>>;
  static list read(std::string_view text) { return members_of(text).all(); }

 private:
  explicit members_of(std::string_view text) : text_(text), at_(text.find('{') + 1) {}
  list all() {
    list found;
    for (skip(); text_[at_] != '}'; skip()) {
      if (text_[at_] == ',') {
        ++at_;
        continue;
      }
      const std::string key = json::parse(value()).get<std::string>();
      for (skip(); text_[at_] == ':'; skip()) ++at_;
      found.emplace_back(key, value());
    }
    return found;
  }
  void skip() {
    while (text_[at_] == ' ' || text_[at_] == '\t' || text_[at_] == '\r' || text_[at_] == '\n')
      ++at_;
  }
  std::string value() {
    const std::size_t begin = at_;
    int depth = 0;
    bool quoted = false;
    for (;; ++at_) {
      const char c = text_[at_];
      if (quoted) {
        if (c == '\\') ++at_;
        if (c == '"') quoted = false;
        if (c == '"' && depth == 0) return done(begin, 1);
      } else if (c == '"') {
        quoted = true;
      } else if (c == '{' || c == '[') {
        ++depth;
      } else if (depth > 0) {
        depth -= c == '}' || c == ']';
        if (depth == 0) return done(begin, 1);
      } else if (c == ',' || c == '}' || c == ' ' || c == '\t' || c == '\r' || c == '\n') {
        return done(begin, 0);
      }
    }
  }
  std::string done(std::size_t begin, std::size_t more) {
    at_ += more;
    return std::string(text_.substr(begin, at_ - begin));
  }

  std::string_view text_;
  std::size_t at_;
};

void check_edit(std::string_view text, const json& before, const json& patch) {
  const std::string after = edit_json(text, patch);
  json parsed;
  try {
    parsed = json::parse(after);
  } catch (const json::exception&) {
    fail("what was changed does not parse", text, patch, after);
  }
  for (const auto& [key, value] : patch.items())
    if (!parsed.contains(key) || parsed[key] != value)
      fail(("no change of " + text::printable(key)).c_str(), text, patch, after);
  auto was = members_of::read(text);
  auto is = members_of::read(after);
  std::size_t fresh = 0;
  for (const auto& [key, value] : patch.items()) fresh += !before.contains(key);
  if (is.size() != was.size() + fresh) fail("more or fewer members", text, patch, after);
  for (std::size_t i = 0; i < was.size(); ++i) {
    if (was[i].first != is[i].first) fail("another order", text, patch, after);
    if (!patch.contains(was[i].first) && was[i].second != is[i].second)
      fail(("touched " + text::printable(was[i].first)).c_str(), text, patch, after);
  }
  if (edit_json(after, patch) != after)
    fail("the same change again changes it", text, patch, after);
}

json patch_of(std::string_view bytes) {
  try {
    json patch = parse_json(bytes, "patch");
    if (patch.is_object()) return patch;
  } catch (const error&) {
  }
  return {{"status", "done"}, {"note", "x\n\"ü"}, {"nested", {{"list", {1, 2.5, nullptr}}}}};
}

void check(std::string_view bytes) {
  const std::size_t cut = std::min(bytes.find('\x1e'), bytes.size());
  const std::string text(bytes.substr(0, cut));  // a copy, so that a step too far is seen
  std::string refused;
  task_record record;
  try {
    read_record(text, "task", record);
  } catch (const error& problem) {
    refused = problem.code();
    if (refused != "EJSON") fail(("refused as " + refused).c_str(), text, {}, problem.what());
  }
  json fields;
  try {
    fields = detail::parse_task(text, "task");
    if (!refused.empty()) fail("refused and read", text, {}, "");
  } catch (const error&) {
    if (refused.empty()) fail("read and refused", text, {}, "");
    return;
  }
  if (!fields.is_object() || string_or(fields, "id") != record.id ||
      string_or(fields, "name") != record.name)
    fail("read as two things", text, fields, record.id);
  check_edit(text, fields, patch_of(bytes.substr(std::min(cut + 1, bytes.size()))));
}

// ---- corpus --------------------------------------------------------------------------------------

std::string task(const std::string& more) { return R"({"id":"a","name":"b")" + more + "}"; }

std::vector<std::string> seeds() {
  using namespace std::string_literals;
  const std::string deep(100'000, '[');
  std::vector<std::string> all = {
      "",
      " ",
      "[]",
      "{}",
      "null",
      "{",
      task(""),
      task("") + "\n",
      task(",") + "x",
      "\xef\xbb\xbf" + task(""),
      task("") + "\0\0\0"s,
      task("\0"s),
      "\0"s + task(""),
      task(R"(,"x":"\ud800")"),
      task(R"(,"x":"\udc00\ud800")"),
      task(R"(,"x":"\ud83d\ude00")"),
      task(",\"x\":\"\xff\xfe\""),
      task(",\"x\":\"\xc3\""),
      task(",\"x\":\"\xed\xa0\x80\""),
      task(",\"\xc3\xbc\":1"),
      task(R"(,"x":1e999)"),
      task(R"(,"x":-1e999)"),
      task(R"(,"x":1e-999)"),
      task(R"(,"x":-0)"),
      task(R"(,"x":1.0)"),
      task(R"(,"x":9007199254740993,"y":18446744073709551615,"z":18446744073709551616)"),
      task(R"(,"x":-9223372036854775809,"y":)" + std::string(400, '9')),
      task(R"(,"x":1,"x":2)"),
      task(R"(,"x":1,"\u0078":2)"),
      task(R"(,"x":{"y":1,"y":2})"),
      task(",\"x\":" + deep),
      task(",\"x\":" + std::string(63, '[') + std::string(63, ']')),
      task(",\"x\":" + std::string(62, '[') + std::string(62, ']')),
      deep,
      task(R"(,"":"","\"":"\\","a\\\"b":"}{][,:")"),
      task(R"(,"not_before":"2026-01-31T08:00:00Z")"),
      task(R"(,"not_before":"never","priority":"x","hold":[{}],"dependencies":{"a":[1]}})"),
      task(R"(,"condition":["!a",["b"],null],"ignore":{"manual":true},"analysis":{})"),
      "{\n\t\"id\" : \"a\" ,\r\n\t\"name\":\"b\"\r\n}\r\n",
      "{ \"id\":\"a\",\n\"name\":\"b\" }",
      "{\n\n\"id\":\"a\",\"name\":\"b\",\"note\":[ 1 , {\"a\" : \"]\"} ]}",
      task(R"(,"x":true)") + "\x1e" + R"({"x":false,"":null,"\u0000":"\u0000","y":{"z":[[]]}})",
      task(R"(,"x":"y")") + "\x1e" +
          R"({"name":"\ud83d\ude00","x":1e308,"big":18446744073709551615})",
      "{\n    \"id\": \"a\",\n    \"name\": \"b\"\n}\x1e{\"x\":[1,[2,{\"y\":3}]],\"id\":\"a\"}",
  };
  std::string many;
  for (int i = 0; i < 2000; ++i) many += ",\"k" + std::to_string(i) + "\":" + std::to_string(i);
  all.push_back(task(many));
  return all;
}

const char* const words[] = {
    "\"",        "\\",      "{",       "}",
    "[",         "]",       ":",       ",",
    "null",      "true",    "-",       "1e999",
    "0.0",       "\\u0000", "\\ud800", "\xef\xbb\xbf",
    "\xff",      "\x1e",    "\"id\":", "\"name\":\"b\"",
    "\"note\":", " ",       "\n",
};

}  // namespace

#include "fuzz.hpp"
