// agentlua/core/git.so: `require "agentlua.core.git"`, for the host and for a stock Lua 5.4.

#include "agentlua/bind/git.hpp"

extern "C" __attribute__((visibility("default"))) int luaopen_agentlua_core_git(lua_State* L) {
  agentlua::bind::open_context(L);
  return agentlua::bind::open_git(L);
}
