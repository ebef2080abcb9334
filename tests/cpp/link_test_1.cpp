// First of two units that include the whole library: a definition that is not inline shows here.
#include "agentlua/agentlua.hpp"

#include <doctest/doctest.h>

std::string slug_of_the_other_unit(const std::string& name);

TEST_CASE("the library can be included in two units of one program") {
  CHECK(agentlua::text::slug("Two Units") == slug_of_the_other_unit("Two Units"));
}
