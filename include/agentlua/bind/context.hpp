#pragma once
// agentlua/bind/context.hpp: room 6. What one Lua state has: an event loop and who became ready.
//
// Native code never calls Lua. Everything that a fiber can wait for has an id; when something
// happens to it, the id is signalled; step() hands the signalled ids to the scheduler, which is
// Lua and resumes the fibers that wait for them. A resumed fiber looks again, so a signal too many
// does no harm.

#include <algorithm>
#include <memory>
#include <vector>

#include "agentlua/bind/handle.hpp"
#include "agentlua/bind/stack.hpp"
#include "agentlua/event_loop.hpp"
#include "agentlua/time.hpp"

namespace agentlua::bind {

/// A process (or the like) that Lua forgot while it was still ending.
struct orphan {
  virtual ~orphan() = default;
  virtual bool ended() const noexcept = 0;
};

struct context {
  std::vector<lua_Integer> ready;  // before the loop: its last callbacks still signal
  lua_Integer last_id = 0;
  event_loop loop;
  std::vector<std::unique_ptr<orphan>> orphans;  // after the loop: they end before it does

  lua_Integer new_id() noexcept { return ++last_id; }
  void signal(lua_Integer id) noexcept {
    if (ready.empty() || ready.back() != id) ready.push_back(id);
  }
  void step(std::optional<seconds> limit) {
    loop.step(limit);
    std::erase_if(orphans, [](const auto& one) { return one->ended(); });
  }

  static constexpr const char* key = "agentlua.context";
};

/// The context of a state; open_context() has made it.
inline context& get_context(lua_State* L) {
  lua_getfield(L, LUA_REGISTRYINDEX, context::key);
  auto* owner = static_cast<std::unique_ptr<context>*>(lua_touserdata(L, -1));
  lua_pop(L, 1);  // the registry keeps it
  return **owner;
}

/// Makes the context of a state, once. Raises when the loop cannot be made.
inline void open_context(lua_State* L) {
  if (lua_getfield(L, LUA_REGISTRYINDEX, context::key) == LUA_TNIL) {
    failure problem;
    auto& owner = scratch<std::unique_ptr<context>>(L);
    if (!protect(problem, [&] { owner = std::make_unique<context>(); })) raise(L, problem);
    lua_setfield(L, LUA_REGISTRYINDEX, context::key);
  }
  lua_pop(L, 1);
}

namespace loop_api {

/// step([seconds]) -> ids: waits for something to happen, at most that long, and tells to whom.
inline int step(lua_State* L) {
  bool bounded = !lua_isnoneornil(L, 1);
  lua_Number limit = bounded ? luaL_checknumber(L, 1) : 0;
  context& state = get_context(L);
  failure problem;
  bool stepped = protect(problem, [&] {
    if (!state.ready.empty()) limit = 0, bounded = true;
    state.step(bounded ? std::optional(seconds(limit)) : std::nullopt);
  });
  if (!stepped) return raise(L, problem);
  lua_createtable(L, static_cast<int>(state.ready.size()), 0);
  for (std::size_t i = 0; i < state.ready.size(); ++i) {
    lua_pushinteger(L, state.ready[i]);
    lua_rawseti(L, -2, static_cast<lua_Integer>(i + 1));
  }
  state.ready.clear();
  return 1;
}

/// fd() -> descriptor that is readable when step(0) has something to do.
inline int fd(lua_State* L) {
  lua_pushinteger(L, get_context(L).loop.fd());
  return 1;
}

/// timeout() -> seconds that a foreign loop may wait, or nil for ever.
inline int timeout(lua_State* L) {
  context& state = get_context(L);
  auto wait = state.ready.empty() ? state.loop.timeout() : std::optional(seconds(0));
  wait ? lua_pushnumber(L, wait->count()) : lua_pushnil(L);
  return 1;
}

/// A thing with an id that is signalled by the loop until it is closed.
struct event_source {
  context* owner = nullptr;
  lua_Integer id = 0;
  std::unique_ptr<event_loop::subscription> subscription;
  std::optional<event_loop::timer_id> timer;
  bool fired = false;

  event_source(context& state) : owner(&state), id(state.new_id()) {}
  ~event_source() {
    if (timer) owner->loop.cancel(*timer);
  }
  void fire() noexcept {
    fired = true;
    owner->signal(id);
  }
};
inline constexpr const char* source_type = "agentlua.event_source";

/// timer(seconds) -> source that is signalled once, after that long on a clock that counts suspend.
inline int timer(lua_State* L) {
  lua_Number delay = luaL_checknumber(L, 1);
  context& state = get_context(L);
  failure problem;
  auto& source = new_handle<event_source>(L, source_type);
  bool made = protect(problem, [&] {
    source = new event_source(state);
    event_source* self = source;
    self->timer = state.loop.after(seconds(delay), [self] {
      self->timer.reset();
      self->fire();
    });
  });
  return made ? 1 : raise(L, problem);
}

/// on_signal(number) -> source that is signalled whenever the process gets that signal.
inline int on_signal(lua_State* L) {
  auto number = static_cast<int>(luaL_checkinteger(L, 1));
  context& state = get_context(L);
  failure problem;
  auto& source = new_handle<event_source>(L, source_type);
  bool made = protect(problem, [&] {
    source = new event_source(state);
    source->subscription = state.loop.on_signal(number, [self = source] { self->fire(); });
  });
  return made ? 1 : fail(L, problem);
}

/// watch_path(path) -> source that is signalled whenever the file or directory changes.
inline int watch_path(lua_State* L) {
  const char* path = luaL_checkstring(L, 1);
  context& state = get_context(L);
  failure problem;
  auto& source = new_handle<event_source>(L, source_type);
  bool made = protect(problem, [&] {
    source = new event_source(state);
    source->subscription = state.loop.watch_path(path, [self = source] { self->fire(); });
  });
  return made ? 1 : fail(L, problem);
}

inline int source_id(lua_State* L) {
  lua_pushinteger(L, check_handle<event_source>(L, source_type).id);
  return 1;
}

/// source:take() -> true when it was signalled since the last take.
inline int source_take(lua_State* L) {
  auto& source = check_handle<event_source>(L, source_type);
  lua_pushboolean(L, source.fired ? 1 : 0);
  source.fired = false;
  return 1;
}

inline constexpr luaL_Reg source_methods[] = {{"id", source_id}, {"take", source_take}, {nullptr, nullptr}};
inline constexpr luaL_Reg functions[] = {
    {"step", step},   {"fd", fd},
    {"timeout", timeout}, {"timer", timer},
    {"on_signal", on_signal}, {"watch_path", watch_path},
    {nullptr, nullptr}};

}  // namespace loop_api

/// The table `core.loop`. [-0, +1]
inline int open_loop(lua_State* L) {
  new_handle_type<loop_api::event_source>(L, loop_api::source_type, loop_api::source_methods);
  new_table(L, loop_api::functions);
  return 1;
}

}  // namespace agentlua::bind
