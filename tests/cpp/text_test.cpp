// Slugs, ids, globs and text that is safe for a terminal.
#include "agentlua/text.hpp"

#include <doctest/doctest.h>

namespace text = agentlua::text;

TEST_CASE("slug keeps letters and digits, one hyphen for everything between") {
  CHECK(text::slug("Fix: the  Thing!") == "fix-the-thing");
  CHECK(text::slug("../../etc") == "etc");
  CHECK(text::slug("$(id)") == "id");
  CHECK(text::slug("-rf") == "rf");
  CHECK(text::slug("a\nb\x1b[31mc") == "a-b-31mc");
  CHECK(text::slug("日本") == "task");
  CHECK(text::slug("") == "task");
}

TEST_CASE("slug is never longer than its limit and never ends in a hyphen") {
  CHECK(text::slug(std::string(80, 'x')).size() == 50);
  CHECK(text::slug("abcd efgh", 5) == "abcd");
  CHECK(text::slug("abcd efgh", 4) == "abcd");
}

TEST_CASE("match_slug drops punctuation, joins at blanks and has no limit") {
  CHECK(text::match_slug("Fix: the  Thing!") == "fix-the-thing");
  CHECK(text::match_slug("v1.2 beta") == "v12-beta");
  CHECK(text::match_slug(" - a\tb - ") == "a-b");
  CHECK(text::match_slug("Ünits") == "nits");
  CHECK(text::match_slug(std::string(80, 'x')).size() == 80);
  CHECK(text::match_slug("...") == "");
}

TEST_CASE("id8 is the start of a hexadecimal id in lower case, else of its hash") {
  CHECK(text::id8("deadbeef-0000-4000-8000-000000000000") == "deadbeef");
  CHECK(text::id8("DEADBEEF") == "deadbeef");
  CHECK(text::id8("deadbee") == text::sha256_hex("deadbee").substr(0, 8));
  CHECK(text::id8("my-task-1") == text::sha256_hex("my-task-1").substr(0, 8));
  CHECK(text::id8("my-task-1") != text::id8("my-task-2"));
  CHECK(text::id8("") == "e3b0c442");
}

TEST_CASE("uuid is a random version 4 UUID") {
  std::string id = text::uuid();
  REQUIRE(id.size() == 36);
  for (std::size_t i : {8u, 13u, 18u, 23u}) CHECK(id[i] == '-');
  CHECK(id[14] == '4');
  CHECK(std::string("89ab").find(id[19]) != std::string::npos);
  CHECK(id != text::uuid());
}

TEST_CASE("sha256 gives the published hashes") {
  CHECK(text::sha256_hex("") == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  CHECK(text::sha256_hex("abc") ==
        "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  CHECK(text::sha256_hex(std::string(1'000'000, 'a')) ==
        "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
}

TEST_CASE("sha256 is right at the lengths where its padding changes") {
  auto hash = [](std::size_t length) { return text::sha256_hex(std::string(length, 'a')); };
  CHECK(hash(55) == "9f4390f8d30c2dd92ec9f095b65e2b9ae9b0a925a5258e241c9f1e910f734318");
  CHECK(hash(56) == "b35439a4ac6f0948b6d6f9e3c6af0f5f590ce20f1bde7090ef7970686ec6738a");
  CHECK(hash(63) == "7d3e74a05d7db15bce4ad9ec0658ea98e3f06eeecf16b4c6fff2da457ddc2f34");
  CHECK(hash(64) == "ffe054fe7ae0cb6dc65c3af9b61d5209f439851db43d0ba5997337df154668eb");
  CHECK(hash(65) == "635361c48bb9eab14198e76ea8ab7f1a41685d6ad62aa9146d301d4f17eb0ae0");
}

TEST_CASE("a glob without a slash matches the file name in any directory") {
  CHECK(text::glob_match("*.lock", "package.lock"));
  CHECK(text::glob_match("*.lock", "a/b/package.lock"));
  CHECK_FALSE(text::glob_match("*.lock", "package.lock/a"));
  CHECK(text::glob_match("?.c", "x/a.c"));
  CHECK_FALSE(text::glob_match("?.c", "ab.c"));
  CHECK_FALSE(text::glob_match("?.c", ".c"));
  CHECK(text::glob_match("*", ""));
  CHECK_FALSE(text::glob_match("", "a"));
}

TEST_CASE("one star and the question mark stay within a directory") {
  CHECK(text::glob_match("src/*.c", "src/a.c"));
  CHECK_FALSE(text::glob_match("src/*.c", "src/x/a.c"));
  CHECK_FALSE(text::glob_match("src/*.c", "other/src/a.c"));
  CHECK_FALSE(text::glob_match("a?b/c", "a/b/c"));
  CHECK(text::glob_match("*/*/c", "a/b/c"));
  CHECK_FALSE(text::glob_match("*/*/c", "a/b/x/c"));
  CHECK(text::glob_match("s*c/*_t?st.*", "src/my_test.cpp"));
}

TEST_CASE("two stars cross directories") {
  CHECK(text::glob_match("dir/**", "dir/a"));
  CHECK(text::glob_match("dir/**", "dir/a/b/c"));
  CHECK_FALSE(text::glob_match("dir/**", "dir2/a"));
  CHECK_FALSE(text::glob_match("dir/**", "dir"));
  CHECK(text::glob_match("**/x", "x"));
  CHECK(text::glob_match("**/x", "a/b/x"));
  CHECK(text::glob_match("a/**/z", "a/z"));
  CHECK(text::glob_match("a/**/z", "a/b/c/z"));
  CHECK(text::glob_match("**", "a/b"));
}

TEST_CASE("two stars and a slash stand for whole directories") {
  CHECK_FALSE(text::glob_match("**/key", "monkey"));
  CHECK_FALSE(text::glob_match("**/key", "a/monkey"));
  CHECK_FALSE(text::glob_match("a/**/z", "a/xz"));
  CHECK_FALSE(text::glob_match("a/**/z/y", "a/b/xz/y"));
  CHECK_FALSE(text::glob_match("a**/b", "ab"));
  CHECK(text::glob_match("a**/b", "axy/z/b"));
}

TEST_CASE("stars of both kinds work together") {
  CHECK(text::glob_match("**/test/*.c", "a/b/test/x.c"));
  CHECK_FALSE(text::glob_match("**/test/*.c", "a/test/b/x.c"));
  CHECK(text::glob_match("**/test/**/*.c", "a/test/b/c/x.c"));
  CHECK(text::glob_match("src/**/*_test.?pp", "src/a/b/my_test.cpp"));
  CHECK(text::glob_match("**/a*/**/b", "x/ac/y/z/b"));
  CHECK_FALSE(text::glob_match("**/a*/**/b", "x/c/y/z/b"));
  CHECK(text::glob_match("**/*.d/*", "a.c/b.d/c"));
}

TEST_CASE("a glob full of stars takes no more than a moment") {
  std::string stars;
  for (int i = 0; i < 40; ++i) stars += "**/*a*";
  CHECK_FALSE(text::glob_match(stars + "b", std::string(400, 'a') + "/" + std::string(400, 'a')));
}

TEST_CASE("printable leaves plain text, tabs, newlines and UTF-8 alone") {
  CHECK(text::printable("a\tb\nc ü 日本 🙂") == "a\tb\nc ü 日本 🙂");
  CHECK(text::printable("") == "");
}

TEST_CASE("printable takes the power from escape sequences and control bytes") {
  CHECK(text::printable("\x1b[31mred\x1b[0m") == "\\x1b[31mred\\x1b[0m");
  CHECK(text::printable("\x1b]0;title\x07") == "\\x1b]0;title\\x07");
  CHECK(text::printable("a\rb") == "a\\x0db");
  CHECK(text::printable(std::string_view("\0\x08\x7f", 3)) == "\\x00\\x08\\x7f");
}

TEST_CASE("printable shows C1 controls, in UTF-8 and as single bytes") {
  CHECK(text::printable("\xc2\x9b"
                        "31m") == "\\xc2\\x9b31m");
  CHECK(text::printable("\x9b"
                        "31m") == "\\x9b31m");
  CHECK(text::printable("\u00a0") == "\u00a0");
}

TEST_CASE("printable shows what turns the direction of text") {
  CHECK(text::printable("\u202e"
                        "cod.exe") == "\\xe2\\x80\\xaecod.exe");
  CHECK(text::printable("\u202a\u2069") == "\\xe2\\x80\\xaa\\xe2\\x81\\xa9");
  CHECK(text::printable("\u2066") == "\\xe2\\x81\\xa6");
  CHECK(text::printable("\u2029\u202f\u2065\u206a") == "\u2029\u202f\u2065\u206a");
}

TEST_CASE("printable shows bytes that are not UTF-8") {
  CHECK(text::printable("a\xff"
                        "b") == "a\\xffb");
  CHECK(text::printable("\xe2\x80") == "\\xe2\\x80");                    // cut off
  CHECK(text::printable("\xc0\xaf") == "\\xc0\\xaf");                    // overlong
  CHECK(text::printable("\xe0\x80\xaf") == "\\xe0\\x80\\xaf");           // overlong
  CHECK(text::printable("\xed\xa0\x80") == "\\xed\\xa0\\x80");           // surrogate
  CHECK(text::printable("\xf4\x90\x80\x80") == "\\xf4\\x90\\x80\\x80");  // above U+10FFFF
  CHECK(text::printable("\xe2x") == "\\xe2x");
}

TEST_CASE("edit_distance counts single edits") {
  CHECK(text::edit_distance("kitten", "sitting") == 3);
  CHECK(text::edit_distance("", "abc") == 3);
  CHECK(text::edit_distance("same", "same") == 0);
}
