// The walker accepts nothing that the parser refuses, and finds what the parser finds.
#include "agentlua/json_walk.hpp"

#include <random>
#include <string>

#include <doctest/doctest.h>

#include "agentlua/json.hpp"

using namespace agentlua;

namespace {

bool walks(const std::string& text) {
  return detail::json_walker(text, json_limits{}).object([](auto, auto) {});
}
bool parses(const std::string& text) { return json::accept(text) && json::parse(text).is_object(); }

}  // namespace

TEST_CASE("objects are walked, and their members told as they are spelled") {
  std::string seen;
  const char* text =
      "\xef\xbb\xbf { \"a\\\"b\" : [1, {\"x\":\"}\"}] ,\n\"c\":\"\\u00e9\",\"d\":-0.5 } ";
  CHECK(detail::json_walker(text, json_limits{})
            .object([&](std::string_view key, std::string_view value) {
              seen.append(key).append("=").append(value).append(";");
            }));
  CHECK(seen == "a\\\"b=[1, {\"x\":\"}\"}];c=\"\\u00e9\";d=-0.5;");
  CHECK(walks("{}"));
  CHECK(walks("{\"a\":{},\"b\":[],\"c\":[[],{}],\"t\":true,\"f\":false,\"n\":null}"));
}

TEST_CASE("what is no object, or not whole, is refused") {
  for (const char* text :
       {"",
        " ",
        "[]",
        "1",
        "\"x\"",
        "{",
        "}",
        "{\"a\"}",
        "{\"a\":}",
        "{\"a\":1,}",
        "{,}",
        "{\"a\":1}}",
        "{\"a\":1 \"b\":2}",
        "{a:1}",
        "{\"a\":tru}",
        "{\"a\":[1,]}",
        "{\"a\":[1}",
        "{\"a\":\"}",
        "{} x",
        "{\"a\":01}",
        "{\"a\":+1}",
        "{\"a\":.5}",
        "{\"a\":1.}",
        "{\"a\":-}",
        "{\"a\":\"\\x\"}",
        "{\"a\":\"\\u12\"}",
        "{\"a\":\"\\ud800\"}",
        "{\"a\":\"\\udc00\\ud800\"}",
        "{\"a\":\"\n\"}",
        "{\"a\":\"\xff\"}",
        "{\"a\":\"\xc0\xaf\"}",
        "{\"a\":\"\xed\xa0\x80\"}",
        "{\"a\":\"\xf4\x90\x80\x80\"}"}) {
    CAPTURE(std::string(text));
    CHECK_FALSE(parses(text));
    CHECK_FALSE(walks(text));
  }
  CHECK_FALSE(walks(std::string("{\"a\":\"\0\"}", 9)));
}

TEST_CASE("what it is not sure of is left to the parser") {
  CHECK_FALSE(walks("{\"a\":1e999}"));
  CHECK_FALSE(walks("{\"a\":1" + std::string(400, '0') + "}"));
  CHECK_FALSE(walks("{\"a\":" + std::string(64, '[') + std::string(64, ']') + "}"));
  CHECK(walks("{\"a\":" + std::string(63, '[') + std::string(63, ']') + "}"));
}

TEST_CASE("of texts with random mistakes it accepts none that the parser refuses") {
  const std::string seed =
      R"({"id":"x\u00e9\ud83d\ude00","n":[1,-2.5,true,false,null,{"k":"vé€😀\\\"\n"}],"e":"","o":{}})";
  const std::string spice = "{}[]\",:\\ud8\xc3\xe2\xf0\x80\xff 0123456789-+.eEtfn\n";
  std::mt19937 random(7);
  int accepted = 0;
  for (int round = 0; round < 200'000; ++round) {
    std::string text = seed;
    for (unsigned i = 0; i < 1 + random() % 3; ++i) {
      std::size_t at = random() % text.size();
      char c = spice[random() % spice.size()];
      switch (random() % 3) {
        case 0:
          text[at] = c;
          break;
        case 1:
          text.insert(at, 1, c);
          break;
        default:
          text.erase(at, 1 + random() % 3);
      }
      if (text.empty()) text = "{";
    }
    const bool walked = walks(text);
    accepted += walked;
    if (walked && !parses(text)) FAIL_CHECK("accepted: " << text);
    if (!walked && parses(text) && text.find_first_of("eE") == std::string::npos)
      FAIL_CHECK("refused: " << text);
  }
  CHECK(accepted > 1000);
}
