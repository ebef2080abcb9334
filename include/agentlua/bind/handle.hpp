#pragma once
// agentlua/bind/handle.hpp: room 6. Userdata that hold one native object and can be closed.
//
// A handle is made closed (a null pointer with its metatable), then opened; close() may be called
// any number of times, and is what <close> and the collector call too.

#include "agentlua/bind/stack.hpp"

namespace agentlua::bind {

/// Pushes a closed handle and returns its pointer, to be set inside protect(). [-0, +1]
template <class T>
T*& new_handle(lua_State* L, const char* type) {
  auto** box = static_cast<T**>(lua_newuserdatauv(L, sizeof(T*), 1));
  *box = nullptr;
  luaL_setmetatable(L, type);
  return *box;
}

/// The object of handle argument `arg`. Raises for another type and for a closed handle.
/// It holds until Lua may collect, since a finaliser may close the handle: so call it last.
template <class T>
T& check_handle(lua_State* L, const char* type, int arg = 1) {
  auto** box = static_cast<T**>(luaL_checkudata(L, arg, type));
  if (*box == nullptr) luaL_error(L, "%s is closed", type);
  return **box;
}

/// The box that a closure with its type name as upvalue is called with.
template <class T>
T*& checked_box(lua_State* L) {
  return *static_cast<T**>(luaL_checkudata(L, 1, lua_tostring(L, lua_upvalueindex(1))));
}

template <class T>
int close_handle(lua_State* L) {
  delete std::exchange(checked_box<T>(L), nullptr);
  return 0;
}

/// "agentlua.process (0x1234)", "agentlua.process (closed)"
template <class T>
int handle_tostring(lua_State* L) {
  const char* type = lua_tostring(L, lua_upvalueindex(1));
  if (const T* object = checked_box<T>(L); object != nullptr) {
    lua_pushfstring(L, "%s (%p)", type, static_cast<const void*>(object));
  } else {
    lua_pushfstring(L, "%s (closed)", type);
  }
  return 1;
}

/// Makes the metatable of a handle type: its methods, close(), __close, __gc, __tostring. [-0, +0]
/// `close` replaces the plain delete where closing takes more.
template <class T>
void new_handle_type(lua_State* L, const char* type, const luaL_Reg* methods,
                     lua_CFunction close = close_handle<T>) {
  bool known = luaL_getmetatable(L, type) == LUA_TTABLE;
  lua_pop(L, 1);
  if (known) return;
  lua_createtable(L, 0, 6);
  lua_pushstring(L, type);
  lua_setfield(L, -2, "__name");
  new_table(L, methods);
  lua_pushstring(L, type);
  lua_pushcclosure(L, close, 1);
  lua_setfield(L, -2, "close");
  lua_setfield(L, -2, "__index");
  for (const char* name : {"__gc", "__close"}) {
    lua_pushstring(L, type);
    lua_pushcclosure(L, close, 1);
    lua_setfield(L, -2, name);
  }
  lua_pushstring(L, type);
  lua_pushcclosure(L, handle_tostring<T>, 1);
  lua_setfield(L, -2, "__tostring");
  lua_pushliteral(L, "locked");
  lua_setfield(L, -2, "__metatable");
  lua_setfield(L, LUA_REGISTRYINDEX, type);  // last: nobody finds a type that is half made
}

/// A Lua method for `Op`, of type json(T&, const json&): handle, then one table or value.
/// Returns the result; nil, message, code when it throws.
template <class T, const char* const* Type, auto Op>
int json_method(lua_State* L) {
  lua_settop(L, 2);
  failure problem;
  json& result = scratch<json>(L);
  T& object = check_handle<T>(L, *Type);
  if (!protect(problem, [&] { result = Op(object, to_json(L, 2)); })) return fail(L, problem);
  push_json(L, result);
  return 1;
}

}  // namespace agentlua::bind
