#pragma once
// agentlua/bind/process.hpp: room 7. `core.process`: children as handles.

#include <memory>
#include <string>

#include "agentlua/bind/process_options.hpp"

namespace agentlua::bind {

namespace process_api {

/// A child process; its changes are signalled under its id.
struct child : resource {
  std::unique_ptr<process> native;
  bool stopping = false;

  using resource::resource;
  bool ended() const noexcept override {
    return native == nullptr || native->now() == process::state::finished;
  }
};
inline constexpr const char* type = "agentlua.process";

/// spawn{program, args..., cwd=, ...} -> handle. Returns before it is known whether the program
/// could start. Raises for options that are wrong; nil, message, code when it cannot be started.
inline int spawn(lua_State* L) {
  lua_settop(L, 1);
  luaL_checktype(L, 1, LUA_TTABLE);
  luaL_checkstack(L, 10, nullptr);
  context& state = get_context(L);
  failure problem;
  auto& handle = new_handle<child>(L, type);
  bool made = protect(problem, [&] {
    process_options options;
    read_options(L, 1, options);
    auto fresh = std::make_unique<child>(state);
    fresh->native = std::make_unique<process>(
        state.loop, std::move(options), [&state, id = fresh->id] { state.signal(id); });
    handle = state.own(std::move(fresh));
  });
  lua_settop(L, 2);
  if (made) return 1;
  return std::strcmp(problem.code, misuse) == 0 ? raise(L, problem) : fail(L, problem);
}

inline child& self(lua_State* L) { return check_handle<child>(L, type); }
inline detail::stream& which(lua_State* L, child& c) {
  static constexpr const char* names[] = {"out", "err", nullptr};
  return luaL_checkoption(L, 2, "out", names) == 0 ? c.native->out() : c.native->err();
}

inline int id(lua_State* L) {
  lua_pushinteger(L, self(L).id);
  return 1;
}
inline int pid(lua_State* L) {
  lua_pushinteger(L, self(L).native->pid());
  return 1;
}
/// state() -> "starting", "running" or "finished"
inline int state(lua_State* L) {
  static constexpr const char* names[] = {"starting", "running", "finished"};
  lua_pushstring(L, names[static_cast<int>(self(L).native->now())]);
  return 1;
}

/// The function that line_reader() makes: () -> line; line, true when it was cut; nil when there is
/// none yet; false when none will come. It is called for every line, so it checks little.
inline int next_line(lua_State* L) {
  const child* c = *static_cast<child**>(lua_touserdata(L, lua_upvalueindex(1)));
  if (c == nullptr) return luaL_error(L, "%s is closed", type);
  bool is_out = lua_toboolean(L, lua_upvalueindex(2)) != 0;
  detail::stream& stream = is_out ? c->native->out() : c->native->err();
  std::string_view line;
  bool cut = false;
  bool got = false;
  failure problem;
  if (!protect(problem, [&] { got = stream.next_line(line, cut); })) return raise(L, problem);
  if (!got) {
    stream.exhausted() ? lua_pushboolean(L, 0) : lua_pushnil(L);
    return 1;
  }
  lua_pushlstring(L, line.data(), line.size());
  if (!cut) return 1;
  lua_pushboolean(L, 1);
  return 2;
}

/// line_reader("out"|"err") -> function that takes the next line.
inline int line_reader(lua_State* L) {
  child& c = self(L);
  bool is_out = &which(L, c) == &c.native->out();
  lua_pushvalue(L, 1);
  lua_pushboolean(L, is_out ? 1 : 0);
  lua_pushcclosure(L, next_line, 2);
  return 1;
}

/// read("out"|"err") -> all unread bytes; nil when there are none yet; false when none will come.
inline int read(lua_State* L) {
  detail::stream& stream = which(L, self(L));
  std::string_view bytes = stream.unread();
  if (bytes.empty()) {
    stream.exhausted() ? lua_pushboolean(L, 0) : lua_pushnil(L);
    return 1;
  }
  lua_pushlstring(L, bytes.data(), bytes.size());
  failure problem;
  return protect(problem, [&] { stream.take(bytes.size()); }) ? 1 : raise(L, problem);
}

inline int write(lua_State* L) {
  self(L);  // its error comes first
  std::string_view bytes = check_string(L, 2);
  child& c = self(L);
  return answer(L, [&] { return c.native->write(bytes), true; });
}
inline int close_stdin(lua_State* L) {
  child& c = self(L);
  failure problem;
  return protect(problem, [&] { c.native->close_stdin(); }) ? 0 : fail(L, problem);
}
/// resize(rows, cols): of its terminal.
inline int resize(lua_State* L) {
  self(L);  // its error comes first
  terminal_size size;
  for (auto [arg, into] : {std::pair(2, &size.rows), std::pair(3, &size.columns)}) {
    lua_Integer number = luaL_checkinteger(L, arg);
    luaL_argcheck(L, number >= 1 && number <= 65535, arg, "not 1 to 65535");
    *into = static_cast<unsigned short>(number);
  }
  child& c = self(L);
  return answer(L, [&] { return c.native->resize(size), true; });
}
/// echoes() -> whether its terminal shows what is typed.
inline int echoes(lua_State* L) {
  child& c = self(L);
  return answer(L, [&] { return c.native->echoes(); });
}
/// signal(number): to every process of the tree.
inline int signal(lua_State* L) {
  child& c = self(L);
  c.native->signal(check_signal(L, 2));
  return 0;
}
/// stop(): begins the stop plan, or goes on to its next step.
inline int stop(lua_State* L) {
  child& c = self(L);
  failure problem;
  c.stopping = true;
  return protect(problem, [&] { c.native->stop(); }) ? 0 : raise(L, problem);
}
inline int kill(lua_State* L) {
  child& c = self(L);
  failure problem;
  c.stopping = true;
  return protect(problem, [&] { c.native->kill(); }) ? 0 : raise(L, problem);
}

/// expect_end(seconds): it has said all; it is stopped when it lingers longer than that.
inline int expect_end(lua_State* L) {
  self(L);  // its error comes first
  seconds grace = check_seconds(L, 2);
  child& c = self(L);
  failure problem;
  return protect(problem, [&] { c.native->expect_end(grace); }) ? 0 : raise(L, problem);
}

inline void set_text_field(lua_State* L, const char* name, const std::string& text) {
  if (text.empty()) return;
  lua_pushlstring(L, text.data(), text.size());
  lua_setfield(L, -2, name);
}

/// result() -> {code=, signal=, seconds=, containment=, bound=, lingered=, log_error=, error=,
/// error_code=}, what is known by now.
inline int result(lua_State* L) {
  lua_settop(L, 1);
  lua_createtable(L, 0, 8);
  const process_result& r = self(L).native->result();
  lua_pushinteger(L, r.code);
  lua_setfield(L, 2, "code");
  lua_pushinteger(L, r.signal);
  lua_setfield(L, 2, "signal");
  lua_pushnumber(L, r.seconds);
  lua_setfield(L, 2, "seconds");
  if (r.lingered) {
    lua_pushboolean(L, 1);
    lua_setfield(L, 2, "lingered");
  }
  set_text_field(L, "containment", r.containment);
  set_text_field(L, "bound", r.bound);
  set_text_field(L, "log_error", r.log_error);
  set_text_field(L, "error", r.error_text);
  set_text_field(L, "error_code", r.error_code);
  return 1;
}

/// close(): a child that still runs is stopped in the background, by its stop plan.
inline int close(lua_State* L) {
  child* c = std::exchange(checked_box<child>(L), nullptr);
  if (c == nullptr) return 0;
  failure problem;
  bool stop_now = !c->ended() && !c->stopping;
  if (stop_now && !protect(problem, [&] { c->native->stop(); })) c->native->kill();
  c->owner->forget(*c);
  return 0;
}

inline constexpr luaL_Reg methods[] = {
    {"id", id},
    {"pid", pid},
    {"state", state},
    {"line_reader", line_reader},
    {"read", read},
    {"write", write},
    {"close_stdin", close_stdin},
    {"resize", resize},
    {"echoes", echoes},
    {"signal", signal},
    {"stop", stop},
    {"kill", kill},
    {"expect_end", expect_end},
    {"result", result},
    {nullptr, nullptr}};
inline constexpr luaL_Reg functions[] = {{"spawn", spawn}, {nullptr, nullptr}};

}  // namespace process_api

/// The table `core.process`. [-0, +1]
inline int open_process(lua_State* L) {
  new_handle_type<process_api::child>(
      L, process_api::type, process_api::methods, process_api::close);
  new_table(L, process_api::functions);
  return 1;
}

}  // namespace agentlua::bind
