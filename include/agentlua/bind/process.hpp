#pragma once
// agentlua/bind/process.hpp: room 7. `core.process`: children as handles.

#include <memory>
#include <string>
#include <vector>

#include "agentlua/bind/context.hpp"
#include "agentlua/process.hpp"

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

inline std::vector<std::string> strings(const json& options, const char* key) {
  std::vector<std::string> list;
  const json* value = member(options, key);
  if (value == nullptr) return list;
  if (!value->is_array() && !value->empty())
    throw error("EINVAL", std::string(key) + " must be a list");
  for (const json& element : *value) {
    if (!element.is_string() ||
        element.get_ref<const std::string&>().find('\0') != std::string::npos)
      throw error("EINVAL", std::string(key) + " must hold strings without NUL bytes");
    list.push_back(element.get<std::string>());
  }
  return list;
}

inline std::string path(const json& options, const char* key) {
  std::string text = string_or(options, key);
  if (text.find('\0') != std::string::npos)
    throw error("EINVAL", std::string(key) + ": a path cannot hold NUL bytes");
  return text;
}

inline process_options read_options(const json& table) {
  static constexpr std::array known = {
      "argv",       "cwd",    "env",    "env_changes", "stdin",
      "stdin_pipe", "stdout", "stderr", "stdout_file", "stderr_file",
      "contain",    "hold",   "wall",   "idle",        "stop"};
  for (const auto& [key, value] : table.items())
    if (std::find(known.begin(), known.end(), key) == known.end())
      throw error("EINVAL", "process: unknown option '" + key + "'");
  process_options options;
  options.argv = strings(table, "argv");
  options.cwd = path(table, "cwd");
  if (member(table, "env")) options.env = strings(table, "env");
  if (const json* changes = member(table, "env_changes"); changes && changes->is_object())
    for (const auto& [name, value] : changes->items()) {
      std::string text = value.is_string() ? value.get<std::string>() : "";
      if (name.find('=') != std::string::npos || (name + text).find('\0') != std::string::npos)
        throw error("EINVAL", "env: '" + name + "' cannot be set");
      options.env_changes.emplace_back(
          name, value.is_string() ? std::optional(text) : std::nullopt);
    }
  options.stdin_text = string_or(table, "stdin");
  options.stdin_pipe = table.value("stdin_pipe", false);
  options.stdout_to = string_or(table, "stdout", "pipe");
  options.stderr_to = string_or(table, "stderr", "pipe");
  options.stdout_file = path(table, "stdout_file");
  options.stderr_file = path(table, "stderr_file");
  options.contain = table.value("contain", true);
  if (const json* hold = member(table, "hold")) options.hold = hold->get<std::vector<int>>();
  options.wall = bounded_seconds(table.value("wall", 0.0));
  options.idle = bounded_seconds(table.value("idle", 0.0));
  if (const json* plan = member(table, "stop")) {
    options.stop.clear();
    for (const json& step : *plan) {
      auto number = step.value("signal", lua_Integer{SIGTERM});
      if (number < 0 || number >= NSIG)  // 0 only waits
        throw error("EINVAL", "stop: " + std::to_string(number) + " is not a signal");
      options.stop.push_back({static_cast<int>(number), bounded_seconds(step.value("wait", 5.0))});
    }
  }
  return options;
}

/// spawn{argv=, cwd=, ...} -> handle. Returns before it is known whether the program could start.
inline int spawn(lua_State* L) {
  lua_settop(L, 1);
  luaL_checktype(L, 1, LUA_TTABLE);
  context& state = get_context(L);
  failure problem;
  auto& handle = new_handle<child>(L, type);
  bool made = protect(problem, [&] {
    auto fresh = std::make_unique<child>(state);
    fresh->native = std::make_unique<process>(
        state.loop, read_options(to_json(L, 1)), [&state, id = fresh->id] { state.signal(id); });
    handle = state.own(std::move(fresh));
  });
  return made ? 1 : fail(L, problem);
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

/// next_line("out"|"err") -> line, cut; nil when there is none yet; false when none will come.
inline int next_line(lua_State* L) {
  child& c = self(L);
  detail::stream& stream = which(L, c);
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
  lua_pushboolean(L, cut ? 1 : 0);
  return 2;
}

/// read("out"|"err") -> all unread bytes; nil when there are none yet; false when none will come.
inline int read(lua_State* L) {
  lua_settop(L, 2);
  failure problem;
  auto& bytes = scratch<std::string>(L);
  detail::stream& stream = which(L, self(L));
  bool got = false;
  if (!protect(problem, [&] { got = stream.take_all(bytes); })) return raise(L, problem);
  if (got) {
    lua_pushlstring(L, bytes.data(), bytes.size());
  } else {
    stream.exhausted() ? lua_pushboolean(L, 0) : lua_pushnil(L);
  }
  return 1;
}

inline int write(lua_State* L) {
  self(L);  // its error comes first
  std::string_view bytes = check_string(L, 2);
  child& c = self(L);
  failure problem;
  if (!protect(problem, [&] { c.native->write(bytes); })) return fail(L, problem);
  lua_pushboolean(L, 1);
  return 1;
}
inline int close_stdin(lua_State* L) {
  child& c = self(L);
  failure problem;
  return protect(problem, [&] { c.native->close_stdin(); }) ? 0 : fail(L, problem);
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

/// result() -> {code=, signal=, bound=, seconds=, error=, error_code=}, what is known by now.
inline int result(lua_State* L) {
  lua_settop(L, 1);
  failure problem;
  json& out = scratch<json>(L);
  const process_result& r = self(L).native->result();
  bool copied = protect(problem, [&] {
    out = {{"code", r.code}, {"signal", r.signal}, {"seconds", r.seconds}};
    if (!r.bound.empty()) out["bound"] = r.bound;
    if (!r.error_text.empty()) out["error"] = r.error_text;
    if (!r.error_code.empty()) out["error_code"] = r.error_code;
  });
  if (!copied) return raise(L, problem);
  push_json(L, out);
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
    {"next_line", next_line},
    {"read", read},
    {"write", write},
    {"close_stdin", close_stdin},
    {"signal", signal},
    {"stop", stop},
    {"kill", kill},
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
