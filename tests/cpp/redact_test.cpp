#include "agentlua/redact.hpp"

#include <doctest/doctest.h>

#include <string>
#include <string_view>

namespace {

using agentlua::named_secrets;
using agentlua::redactor;

const std::string secret = "s3cr\"t/+val\\ue?%1";

std::string clean(redactor r, std::string_view text) {
  std::string out = r.feed(text);
  return out + r.finish();
}

redactor one() { return redactor(named_secrets{{"KEY", secret}}); }

// What `base64` prints for it.
std::string encoded(const std::string& bytes) {
  std::string digits = agentlua::detail::base64(bytes, false);
  return digits + "==";
}

}  // namespace

TEST_CASE("a secret is replaced by its name; everything else stays as it is") {
  CHECK(clean(one(), "a " + secret + " b " + secret) == "a [KEY] b [KEY]");
  CHECK(clean(one(), secret) == "[KEY]");
  for (std::string_view text : {"", "s", "s3cr", "s3cr\"t/+val\\ue?%", "plain\n\0text\xff"})
    CHECK(clean(one(), text) == text);
  CHECK(clean(one(), "ss3cr" + secret) == "ss3cr[KEY]");
}

TEST_CASE("a secret that comes in two pieces, cut anywhere, is replaced in each of its forms") {
  const std::string forms[] = {
      secret, R"(s3cr\"t/+val\\ue?%1)", agentlua::detail::percent(secret, true),
      agentlua::detail::percent(secret, false)};
  for (const std::string& form : forms) {
    const std::string text = "before " + form + " after";
    for (std::size_t cut = 0; cut <= text.size(); ++cut) {
      redactor r = one();
      std::string out = r.feed(std::string_view(text).substr(0, cut));
      out += r.feed(std::string_view(text).substr(cut));
      CHECK(out + r.finish() == "before [KEY] after");
    }
  }
  for (std::size_t cut = 0; cut <= secret.size(); ++cut) {  // byte by byte from there
    redactor r = one();
    std::string out = r.feed(secret.substr(0, cut));
    for (char c : secret.substr(cut)) out += r.feed({&c, 1});
    CHECK(out + r.finish() == "[KEY]");
  }
}

TEST_CASE("base64 of it is found at every offset in what is encoded") {
  for (const char* around : {"", "u", "u:", "us:", "user:"}) {
    const std::string text = encoded(around + secret + around);
    const std::string out = clean(one(), text);
    CHECK(out.find("[KEY]") != std::string::npos);
    CHECK(out.size() < 5 + 4 * 2 * std::string_view(around).size() + 8);
  }
}

TEST_CASE("of secrets that begin alike the longest is replaced") {
  redactor r(named_secrets{{"SHORT", "abcdef"}, {"LONG", "abcdefghij"}, {"OTHER", "cdefgh"}});
  CHECK(clean(r, "abcdef abcdefghij abcdefghi cdefgh") == "[SHORT] [LONG] [SHORT]ghi [OTHER]");
}

TEST_CASE("a secret with control characters is found in JSON as well") {
  redactor r(named_secrets{{"KEY", "abc\x1b\b\ndef\x7f"}});
  CHECK(clean(r, R"({"k":"abc\u001b\b\ndef)"
                 "\x7f\"}") == R"({"k":"[KEY]"})");
}

TEST_CASE("values that are too short are not looked for") {
  CHECK(clean(redactor(named_secrets{{"A", ""}, {"B", "x"}, {"C", "12345"}}), "x 12345") ==
        "x 12345");
}

TEST_CASE("lines of a secret of several lines") {
  redactor r(named_secrets{
      {"PEM", "-----BEGIN KEY-----\nabcdefghijklmnopqrstuvwxyz\nshort\n-----END KEY-----\n"}});
  CHECK(clean(r, "got abcdefghijklmnopqrstuvwxyz, short") == "got [PEM], short");
}
