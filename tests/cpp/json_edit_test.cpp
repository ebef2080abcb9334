// Members set in the text of an object: the rest stays byte for byte.
#include "agentlua/json_edit.hpp"

#include <doctest/doctest.h>

using namespace agentlua;

TEST_CASE("a member is changed where it is, everything else stays") {
  CHECK(edit_json(R"({"b":1,"a" : 1.50 , "c":[1,2, 3]})", {{"a", 2}}) ==
        R"({"b":1,"a" : 2 , "c":[1,2, 3]})");
  CHECK(
      edit_json("{\n\t\"a\": 1,\n\t\"b\": 123456789012345678901234567890\n}\n", {{"a", {1, 2}}}) ==
      "{\n\t\"a\": [\n\t\t1,\n\t\t2\n\t],\n\t\"b\": 123456789012345678901234567890\n}\n");
}

TEST_CASE("a value that is the same already keeps its spelling") {
  const char* text = R"({"a":"\u00e9", "b":1.0, "c":{ }})";
  CHECK(edit_json(text, {{"a", "é"}, {"b", 1.0}, {"c", json::object()}}) == text);
}

TEST_CASE("a new member comes last, in the layout of the others") {
  CHECK(edit_json(R"({"a":1})", {{"b", "x"}}) == R"({"a":1, "b": "x"})");
  CHECK(edit_json("{\n    \"a\": 1\n}\n", {{"b", 2}, {"c", nullptr}}) ==
        "{\n    \"a\": 1,\n    \"b\": 2,\n    \"c\": null\n}\n");
  CHECK(json::parse(edit_json("{}", {{"a", 1}})) == json{{"a", 1}});
  CHECK(json::parse(edit_json("{\n}\n", {{"a", 1}, {"b", 2}})) == json{{"a", 1}, {"b", 2}});
}

TEST_CASE("keys and strings with quotes, braces and escapes are no trap") {
  const char* text = R"({"a\"}":"{[,\\","b":"\\\"","c":{"a\"}":[]}})";
  CHECK(edit_json(text, {{"b", 1}}) == R"({"a\"}":"{[,\\","b":1,"c":{"a\"}":[]}})");
  CHECK(edit_json(text, {{"a\"}", 1}}) == R"({"a\"}":1,"b":"\\\"","c":{"a\"}":[]}})");
}

TEST_CASE("a byte order mark and the space around stay") {
  CHECK(edit_json("\xef\xbb\xbf {\"a\":1} \n\n", {{"a", 2}}) == "\xef\xbb\xbf {\"a\":2} \n\n");
}
