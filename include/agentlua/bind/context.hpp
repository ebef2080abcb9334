#pragma once
// agentlua/bind/context.hpp: room 6. What one Lua state has: an event loop and who became ready.
//
// Native code never calls Lua. Everything that a fiber can wait for has an id; when something
// happens to it, the id is signalled; step() hands the signalled ids to the scheduler, which is
// Lua and resumes the fibers that wait for them. A resumed fiber looks again, so a signal too many
// does no harm.

#include <signal.h>

#include <algorithm>
#include <memory>
#include <optional>
#include <vector>

#include "agentlua/bind/handle.hpp"
#include "agentlua/bind/stack.hpp"
#include "agentlua/event_loop.hpp"
#include "agentlua/time.hpp"

namespace agentlua::bind {

struct context;

/// A native thing that uses the loop and signals its id. The context owns it, a handle only points
/// to it: so it goes before the loop does, also when Lua could not run the handle's finaliser.
struct resource {
  context* owner;
  lua_Integer id;
  bool forgotten = false;  ///< by Lua: it goes once it has ended

  explicit resource(context& state);
  virtual ~resource() = default;
  virtual bool ended() const noexcept { return true; }
};

struct context {
  std::vector<lua_Integer> ready;  // before the loop: its last callbacks still signal
  lua_Integer last_id = 0;
  event_loop loop;
  std::vector<std::unique_ptr<resource>> resources;  // after the loop: they end before it does

  lua_Integer new_id() noexcept { return ++last_id; }
  void signal(lua_Integer id) noexcept {
    if (ready.empty() || ready.back() != id) ready.push_back(id);
  }
  void step(std::optional<seconds> limit) {
    loop.step(limit);
    sweep();
  }

  template <class T>
  T* own(std::unique_ptr<T> fresh) {
    T* one = fresh.get();
    resources.push_back(std::move(fresh));
    return one;
  }
  void forget(resource& one) noexcept {
    one.forgotten = true;
    if (one.ended()) sweep();
  }
  void sweep() noexcept {
    std::erase_if(resources, [](const auto& one) { return one->forgotten && one->ended(); });
  }

  static constexpr const char* type = "agentlua.context";
  static constexpr const char* key = "agentlua.context.open";
};

inline resource::resource(context& state) : owner(&state), id(state.new_id()) {}

/// The context of a state; open_context() has made it. Raises when it is gone, which a finaliser
/// can see while the state closes.
inline context& get_context(lua_State* L) {
  lua_getfield(L, LUA_REGISTRYINDEX, context::key);
  auto** box = static_cast<context**>(lua_touserdata(L, -1));
  lua_pop(L, 1);  // the registry keeps it
  if (box == nullptr || *box == nullptr) luaL_error(L, "%s is closed", context::type);
  return **box;
}

/// Makes the context of a state, once. Raises when the loop cannot be made.
inline void open_context(lua_State* L) {
  if (lua_getfield(L, LUA_REGISTRYINDEX, context::key) == LUA_TNIL) {
    static constexpr luaL_Reg no_methods[] = {{nullptr, nullptr}};
    new_handle_type<context>(L, context::type, no_methods);
    failure problem;
    auto& box = new_handle<context>(L, context::type);
    if (!protect(problem, [&] { box = new context(); })) raise(L, problem);
    lua_setfield(L, LUA_REGISTRYINDEX, context::key);
  }
  lua_pop(L, 1);
}

/// Closes a handle of a resource.
template <class T>
int close_resource(lua_State* L) {
  if (T* one = std::exchange(checked_box<T>(L), nullptr)) one->owner->forget(*one);
  return 0;
}

/// A number of seconds that every clock can hold: at most 31 years.
inline seconds bounded_seconds(double value) noexcept {
  return seconds(std::clamp(value, -1e9, 1e9));
}
/// Argument as a time span; math.huge is for ever.
inline seconds check_seconds(lua_State* L, int arg) {
  lua_Number value = luaL_checknumber(L, arg);
  luaL_argcheck(L, !std::isnan(value), arg, "not a number");
  return bounded_seconds(value);
}
/// Argument as a signal's number.
inline int check_signal(lua_State* L, int arg) {
  lua_Integer number = luaL_checkinteger(L, arg);
  luaL_argcheck(L, number > 0 && number < NSIG, arg, "not a signal");
  return static_cast<int>(number);
}

namespace loop_api {

/// step([seconds]) -> ids: waits for something to happen, at most that long, and tells to whom.
inline int step(lua_State* L) {
  std::optional<seconds> limit;
  if (!lua_isnoneornil(L, 1)) limit = check_seconds(L, 1);
  context& state = get_context(L);
  if (!state.ready.empty()) limit = seconds(0);
  failure problem;
  if (!protect(problem, [&] { state.step(limit); })) return raise(L, problem);
  lua_createtable(L, static_cast<int>(state.ready.size()), 0);
  lua_Integer position = 0;
  for (std::size_t i = 0; i < state.ready.size(); ++i) {
    lua_pushinteger(L, state.ready[i]);
    lua_rawseti(L, -2, ++position);
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
struct event_source : resource {
  std::unique_ptr<event_loop::subscription> subscription;
  std::optional<event_loop::timer_id> timer;
  bool fired = false;

  using resource::resource;
  event_source(const event_source&) = delete;
  event_source& operator=(const event_source&) = delete;
  ~event_source() override {
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
  seconds delay = check_seconds(L, 1);
  context& state = get_context(L);
  failure problem;
  auto& source = new_handle<event_source>(L, source_type);
  bool made = protect(problem, [&] {
    source = state.own(std::make_unique<event_source>(state));
    event_source* self = source;
    self->timer = state.loop.after(delay, [self] {
      self->timer.reset();
      self->fire();
    });
  });
  return made ? 1 : raise(L, problem);
}

/// on_signal(number [, once]) -> source that is signalled whenever the process gets that signal. With
/// `once` a second one ends the process.
inline int on_signal(lua_State* L) {
  int number = check_signal(L, 1);
  bool once = lua_toboolean(L, 2) != 0;
  context& state = get_context(L);
  failure problem;
  auto& source = new_handle<event_source>(L, source_type);
  bool made = protect(problem, [&] {
    source = state.own(std::make_unique<event_source>(state));
    source->subscription = state.loop.on_signal(
        number, [self = source] { self->fire(); }, once);
  });
  return made ? 1 : fail(L, problem);
}

/// exit_on_signal(number): from now on it ends the process at once, with exit code 128 + number.
inline int exit_on_signal(lua_State* L) {
  int number = check_signal(L, 1);
  return answer(L, [&] { return event_loop::exit_on_signal(number), true; });
}

/// watch_path(path) -> source that is signalled whenever the file or directory changes.
inline int watch_path(lua_State* L) {
  std::string_view path = check_path(L, 1);
  context& state = get_context(L);
  failure problem;
  auto& source = new_handle<event_source>(L, source_type);
  bool made = protect(problem, [&] {
    source = state.own(std::make_unique<event_source>(state));
    source->subscription = state.loop.watch_path(std::string(path), [self = source] {
      self->fire();
    });
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

inline constexpr luaL_Reg source_methods[] = {
    {"id", source_id}, {"take", source_take}, {nullptr, nullptr}};
inline constexpr luaL_Reg functions[] = {
    {"step", step},
    {"fd", fd},
    {"timeout", timeout},
    {"timer", timer},
    {"on_signal", on_signal},
    {"exit_on_signal", exit_on_signal},
    {"watch_path", watch_path},
    {nullptr, nullptr}};

}  // namespace loop_api

/// The table `core.loop`. [-0, +1]
inline int open_loop(lua_State* L) {
  new_handle_type<loop_api::event_source>(
      L, loop_api::source_type, loop_api::source_methods, close_resource<loop_api::event_source>);
  new_table(L, loop_api::functions);
  return 1;
}

}  // namespace agentlua::bind
