#include "agentlua/text.hpp"

#include <doctest/doctest.h>

namespace text = agentlua::text;

TEST_CASE("slug keeps letters and digits, one hyphen for everything between") {
  CHECK(text::slug("Fix: the  Thing!") == "fix-the-thing");
  CHECK(text::slug("../../etc") == "etc");
  CHECK(text::slug("$(id)") == "id");
  CHECK(text::slug("-rf") == "rf");
  CHECK(text::slug("日本") == "task");
  CHECK(text::slug(std::string(80, 'x')).size() == 50);
}
