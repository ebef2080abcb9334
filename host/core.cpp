// agentlua/core.so: `require "agentlua.core"` for a stock Lua 5.4.

#include "agentlua/module.hpp"

extern "C" __attribute__((visibility("default"))) int luaopen_agentlua_core(lua_State* L) {
  return agentlua::open(L);
}
