// doctest's main, in a unit of its own: the only one that knows which build of Lua is linked.
#define DOCTEST_CONFIG_IMPLEMENT_WITH_MAIN
#include <doctest/doctest.h>

#include "support.hpp"

const char* const boundary::lua_kind = LUA_KIND;
