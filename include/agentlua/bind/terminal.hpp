#pragma once
// agentlua/bind/terminal.hpp: room 7. `core.terminal`: the terminal of the person who runs this.

#include <memory>
#include <string>

#include "agentlua/bind/context.hpp"
#include "agentlua/terminal.hpp"

namespace agentlua::bind {

namespace terminal_api {

/// stdin; that there is more to read is signalled under its id.
struct input : resource {
  std::unique_ptr<terminal> native;
  std::string taken;

  using resource::resource;
};
inline constexpr const char* type = "agentlua.terminal";

/// open() -> handle of stdin, be it a terminal or not.
inline int open(lua_State* L) {
  lua_settop(L, 0);
  context& state = get_context(L);
  failure problem;
  auto& handle = new_handle<input>(L, type);
  bool made = protect(problem, [&] {
    auto fresh = std::make_unique<input>(state);
    fresh->native = std::make_unique<terminal>(state.loop, 0, [&state, id = fresh->id] {
      state.signal(id);
    });
    handle = state.own(std::move(fresh));
  });
  return made ? 1 : fail(L, problem);
}

inline input& self(lua_State* L) { return check_handle<input>(L, type); }

inline int id(lua_State* L) {
  lua_pushinteger(L, self(L).id);
  return 1;
}
inline int is_terminal(lua_State* L) {
  lua_pushboolean(L, self(L).native->is_terminal() ? 1 : 0);
  return 1;
}
/// size() -> rows, columns
inline int size(lua_State* L) {
  terminal_size size = self(L).native->size();
  lua_pushinteger(L, size.rows);
  lua_pushinteger(L, size.columns);
  return 2;
}
/// set("found"|"keys"|"hidden"): the modes of terminal::mode. close() puts back what was found.
inline int set(lua_State* L) {
  static constexpr const char* names[] = {"found", "keys", "hidden", nullptr};
  self(L);  // its error comes first
  auto wanted = static_cast<terminal::mode>(luaL_checkoption(L, 2, nullptr, names));
  input& in = self(L);
  return answer(L, [&] { return in.native->set(wanted), true; });
}
/// read() -> bytes that were typed; nil when there are none yet; false when none will come.
inline int read(lua_State* L) {
  input& in = self(L);
  failure problem;
  in.taken.clear();
  if (!protect(problem, [&] { in.native->take(in.taken); })) return fail(L, problem);
  if (in.taken.empty()) {
    in.native->ended() ? lua_pushboolean(L, 0) : lua_pushnil(L);
  } else {
    lua_pushlstring(L, in.taken.data(), in.taken.size());
  }
  return 1;
}

inline constexpr luaL_Reg methods[] = {
    {"id", id},        {"is_terminal", is_terminal}, {"size", size}, {"set", set}, {"read", read},
    {nullptr, nullptr}};
inline constexpr luaL_Reg functions[] = {{"open", open}, {nullptr, nullptr}};

}  // namespace terminal_api

/// The table `core.terminal`. [-0, +1]
inline int open_terminal(lua_State* L) {
  new_handle_type<terminal_api::input>(
      L, terminal_api::type, terminal_api::methods, close_resource<terminal_api::input>);
  new_table(L, terminal_api::functions);
  return 1;
}

}  // namespace agentlua::bind
