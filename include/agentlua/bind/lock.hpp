#pragma once
// agentlua/bind/lock.hpp: room 7. `core.lock`: kernel locks.

#include "agentlua/bind/handle.hpp"
#include "agentlua/lock.hpp"

namespace agentlua::bind {

namespace lock_api {

inline constexpr const char* type = "agentlua.lock";

/// try(path) -> handle, or false when somebody else holds it.
inline int try_acquire(lua_State* L) {
  std::string_view path = check_path(L, 1);
  failure problem;
  auto& handle = new_handle<file_lock>(L, type);
  bool tried = protect(problem, [&] {
    if (auto lock = file_lock::try_acquire(stdfs::path(path)))
      handle = new file_lock(std::move(*lock));
  });
  if (!tried) return fail(L, problem);
  if (handle == nullptr) lua_pushboolean(L, 0);
  return 1;
}

/// held(path) -> true while somebody holds it.
inline int held(lua_State* L) {
  std::string_view path = check_path(L, 1);
  return answer(L, [&] { return file_lock::held(stdfs::path(path)); });
}

inline int fd(lua_State* L) {
  lua_pushinteger(L, check_handle<file_lock>(L, type).fd());
  return 1;
}

inline constexpr luaL_Reg methods[] = {{"fd", fd}, {nullptr, nullptr}};
inline constexpr luaL_Reg functions[] = {{"try", try_acquire}, {"held", held}, {nullptr, nullptr}};

}  // namespace lock_api

/// The table `core.lock`. [-0, +1]
inline int open_lock(lua_State* L) {
  new_handle_type<file_lock>(L, lock_api::type, lock_api::methods);
  new_table(L, lock_api::functions);
  return 1;
}

}  // namespace agentlua::bind
