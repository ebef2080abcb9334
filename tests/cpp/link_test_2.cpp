// Second of two units that include the whole library; see link_test_1.cpp.
#include "agentlua/agentlua.hpp"

std::string slug_of_the_other_unit(const std::string& name) { return agentlua::text::slug(name); }
