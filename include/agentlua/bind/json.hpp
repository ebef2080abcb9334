#pragma once
// agentlua/bind/json.hpp: room 7. `core.json`: text to Lua values and back.

#include "agentlua/bind/stack.hpp"

namespace agentlua::bind {

namespace json_api {

/// parse(text[, name]) -> value; nil, message, "EJSON".
inline int parse(lua_State* L) {
  std::string_view text = check_string(L, 1);
  const char* name = luaL_optstring(L, 2, "JSON");
  lua_settop(L, 2);
  failure problem;
  json& value = scratch<json>(L);
  if (!protect(problem, [&] { value = parse_json(text, name); })) return fail(L, problem);
  push_json(L, value);
  return 1;
}

/// dump(value[, indent]) -> text that can do nothing to a terminal; raises for what JSON cannot hold.
inline int dump(lua_State* L) {
  lua_Integer columns = luaL_optinteger(L, 2, -1);
  luaL_argcheck(L, columns >= -1 && columns <= 16, 2, "indent goes from 0 to 16");
  auto indent = static_cast<int>(columns);
  lua_settop(L, 2);
  failure problem;
  auto& text = scratch<std::string>(L);
  if (!protect(problem, [&] { text = show_json(to_json(L, 1), indent); })) return raise(L, problem);
  lua_pushlstring(L, text.data(), text.size());
  return 1;
}

/// array(table) -> the table, marked as an array even when it is empty.
inline int array(lua_State* L) {
  lua_settop(L, 1);
  if (lua_isnil(L, 1)) {
    lua_newtable(L);
    lua_replace(L, 1);
  }
  luaL_checktype(L, 1, LUA_TTABLE);
  luaL_setmetatable(L, array_mark);
  return 1;
}

inline constexpr luaL_Reg functions[] = {
    {"parse", parse}, {"dump", dump}, {"array", array}, {nullptr, nullptr}};

}  // namespace json_api

/// The table `core.json`; `null` stands for JSON null. [-0, +1]
inline int open_json(lua_State* L) {
  push_array_mark(L);
  lua_pop(L, 1);
  new_table(L, json_api::functions);
  push_null(L);
  lua_setfield(L, -2, "null");
  return 1;
}

}  // namespace agentlua::bind
