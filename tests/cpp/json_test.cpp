// JSON: bounded, in order, with number kinds kept.
#include "agentlua/json.hpp"

#include "support.hpp"

using namespace agentlua;
using namespace agentlua::test;

namespace {

std::string nested(int levels) {
  auto count = static_cast<std::size_t>(levels);
  return std::string(count, '[') + std::string(count, ']');
}

}  // namespace

TEST_CASE("JSON that is nested as deep as the bound is read, one level more is refused") {
  CHECK(parse_json(nested(64), "x").is_array());
  std::string said;
  CHECK(error_of([] { parse_json(nested(65), "tasks/a.json"); }, &said) == "EJSON");
  CHECK(said == "tasks/a.json: nested deeper than 64");
  CHECK(error_of([] { parse_json(R"({"a":{"b":{}}})", "x", {100, 2}); }) == "EJSON");
  CHECK(error_of([] { parse_json(R"({"a":{"b":1}})", "x", {100, 2}); }) == "");
}

TEST_CASE("a bomb of brackets is refused at the bound, not at its end") {
  CHECK(error_of([] { parse_json(std::string(4u << 20, '['), "x"); }) == "EJSON");
}

TEST_CASE("JSON that is larger than the bound is refused before it is parsed") {
  std::string said;
  CHECK(error_of([] { parse_json("[1,2,3]", "x", {6, 64}); }, &said) == "EJSON");
  CHECK(said == "x: 7 bytes of JSON, the limit is 6");
  CHECK(parse_json("[1,2,3]", "x", {7, 64}).size() == 3);
}

TEST_CASE("an empty file is called empty") {
  for (const char* text : {"", " \n\t\r\n"}) {
    std::string said;
    CHECK(error_of([&] { parse_json(text, "x"); }, &said) == "EJSON");
    CHECK(has(said, "x: the file is empty"));
  }
}

TEST_CASE("broken JSON is refused with its name and the place") {
  std::string said;
  CHECK(error_of([] { parse_json("{\n  \"a\": ]", "a.json"); }, &said) == "EJSON");
  CHECK(said.starts_with("a.json: parse error at line 2, column 8"));
  for (const char* text : {"{", "[1,]", "{\"a\":1} x", "nul", "'a'", "\"\xff\"", "01", "// a\n1"})
    CHECK(error_of([&] { parse_json(text, "x"); }) == "EJSON");
}

TEST_CASE("the order of keys is kept") {
  const char* text = R"({"z":1,"a":{"y":1,"b":2},"m":[]})";
  CHECK(dump_json(parse_json(text, "x")) == text);
}

TEST_CASE("integers above 2^53 and the kind of a number are kept") {
  const char* text = "[9007199254740993,-9223372036854775808,18446744073709551615,1.0,1,0.1]";
  json value = parse_json(text, "x");
  CHECK(dump_json(value) == text);
  CHECK(value[0].is_number_integer());
  CHECK(value[3].is_number_float());
}

TEST_CASE("text that is not UTF-8 is written with replacement characters") {
  CHECK(dump_json(json{{"a", "x\xff y"}}) == "{\"a\":\"x\ufffd y\"}");
  CHECK(dump_json(json("\xe2\x80")) == "\"\ufffd\"");
  CHECK(parse_json(dump_json(json("\xed\xa0\x80")), "x").is_string());
}

TEST_CASE("string_or takes only strings") {
  json value = {{"name", "a"}, {"number", 5}, {"nothing", nullptr}};
  CHECK(string_or(value, "name", "b") == "a");
  CHECK(string_or(value, "number", "b") == "b");
  CHECK(string_or(value, "nothing", "b") == "b");
  CHECK(string_or(value, "absent") == "");
  CHECK(string_or(json::array(), "name", "b") == "b");
}

TEST_CASE("member is null for what is absent, null, or not in an object") {
  json value = {{"name", "a"}, {"nothing", nullptr}};
  REQUIRE(member(value, "name") != nullptr);
  CHECK(*member(value, "name") == "a");
  CHECK(member(value, "nothing") == nullptr);
  CHECK(member(value, "absent") == nullptr);
  CHECK(member(json(5), "name") == nullptr);
}

TEST_CASE("show_json escapes what a terminal would act on, and means the same") {
  const json value = {"a\x7f\u009b[31m\u202eb\u2066", "\u00e4\U0001f600\u200b\n"};
  const std::string shown = show_json(value);
  CHECK(shown == "[\"a\\u007f\\u009b[31m\\u202eb\\u2066\",\"\u00e4\U0001f600\u200b\\n\"]");
  CHECK(json::parse(shown) == value);
  CHECK(show_json("\xff") == "\"\ufffd\"");
  CHECK(dump_json(value) == value.dump());
}
