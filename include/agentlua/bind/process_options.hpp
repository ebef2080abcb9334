#pragma once
// agentlua/bind/process_options.hpp: room 7. process_options from a Lua table.
//
// Everything here runs inside protect() and calls only functions of Lua that cannot raise: raw
// access, and no conversion of numbers on the stack. What is wrong is thrown.

#include <signal.h>
#include <sys/resource.h>

#include <algorithm>
#include <string>
#include <vector>

#include "agentlua/bind/context.hpp"
#include "agentlua/process.hpp"

namespace agentlua::bind::process_api {

using field_setter = void (*)(lua_State*, int, process_options&);

/// A mistake in the script, which raises.
inline constexpr const char* misuse = "EMISUSE";
[[noreturn]] inline void refuse(const std::string& what) {
  throw error(misuse, "process: " + what);
}
/// A value that cannot be, perhaps from a task: nil, message, "EINVAL".
[[noreturn]] inline void refuse_value(const std::string& what) {
  throw error("EINVAL", "process: " + what);
}

/// Text of the value at `index`, which is a string or a number.
inline std::string text_at(lua_State* L, int index, const std::string& what) {
  std::string text;
  if (lua_type(L, index) == LUA_TSTRING) {
    std::size_t size = 0;
    const char* bytes = lua_tolstring(L, index, &size);
    text.assign(bytes, size);
  } else if (lua_isinteger(L, index)) {
    text = std::to_string(lua_tointeger(L, index));
  } else if (lua_type(L, index) == LUA_TNUMBER) {
    char digits[64];
    std::snprintf(digits, sizeof digits, "%.14g", lua_tonumber(L, index));
    text = digits;
  } else {
    refuse(what + " is " + (lua_isnil(L, index) ? "nil" : "a ") +
           (lua_isnil(L, index) ? "" : luaL_typename(L, index)));
  }
  if (text.find('\0') != std::string::npos) refuse_value(what + " has a NUL byte");
  return text;
}

/// Strings of the list at `index`.
inline std::vector<std::string> list_at(lua_State* L, int index, const std::string& each) {
  std::vector<std::string> list;
  auto size = static_cast<lua_Integer>(lua_rawlen(L, index));
  list.reserve(static_cast<std::size_t>(size));
  for (lua_Integer i = 1; i <= size; ++i) {
    lua_rawgeti(L, index, i);
    list.push_back(text_at(L, lua_gettop(L), each + " " + std::to_string(i)));
    lua_pop(L, 1);
  }
  return list;
}

template <auto Member>
void set_text(lua_State* L, int index, process_options& options) {
  options.*Member = text_at(L, index, "a path or name");
}
template <auto Member>
void set_seconds(lua_State* L, int index, process_options& options) {
  double value = lua_tonumber(L, index);
  if (std::isnan(value)) refuse_value("a time is not a number");
  options.bounds.*Member = bounded_seconds(value);
}
inline std::uint64_t amount_at(lua_State* L, int index) {
  double value = lua_tonumber(L, index);
  if (!(value >= 0)) refuse_value("an amount is below 0");
  return value < 1e18 ? static_cast<std::uint64_t>(value) : 0;  // no bound
}
template <auto Member>
void set_amount(lua_State* L, int index, process_options& options) {
  options.bounds.*Member = amount_at(L, index);
}
template <auto Member>
void set_flag(lua_State* L, int index, process_options& options) {
  options.*Member = lua_toboolean(L, index) != 0;
}

inline void set_stdin(lua_State* L, int index, process_options& options) {
  std::size_t size = 0;
  const char* bytes = lua_tolstring(L, index, &size);
  options.stdin_text.assign(bytes, size);
}
inline void set_launcher(lua_State* L, int index, process_options& options) {
  options.launcher = list_at(L, index, "launcher argument");
}

inline void set_hold(lua_State* L, int index, process_options& options) {
  auto size = static_cast<lua_Integer>(lua_rawlen(L, index));
  for (lua_Integer i = 1; i <= size; ++i) {
    lua_rawgeti(L, index, i);
    if (!lua_isinteger(L, -1)) refuse("hold must be a list of descriptors");
    lua_Integer fd = lua_tointeger(L, -1);
    options.hold.push_back(fd >= 0 && fd < 1 << 30 ? static_cast<int>(fd) : -1);
    lua_pop(L, 1);
  }
}

/// {NAME = value | false}
inline void set_env(lua_State* L, int index, process_options& options) {
  for (lua_pushnil(L); lua_next(L, index) != 0; lua_pop(L, 1)) {
    const int value = lua_gettop(L);
    if (lua_type(L, value - 1) != LUA_TSTRING) refuse("env must be {NAME = value | false}");
    std::string name = text_at(L, value - 1, "a name in env");
    bool drop = lua_type(L, value) == LUA_TBOOLEAN && lua_toboolean(L, value) == 0;
    int type = lua_type(L, value);
    if (!drop && type != LUA_TSTRING && type != LUA_TNUMBER)
      refuse("env must be {NAME = value | false}, not [" + name + "] = a " + lua_typename(L, type));
    if (name.empty() || name.find('=') != std::string::npos)
      refuse_value("env: '" + name + "' cannot be set");
    std::optional<std::string> text;
    if (!drop) text = text_at(L, value, "env." + name);
    options.env_changes.emplace_back(std::move(name), std::move(text));
  }
}
/// {NAME = value}
inline void set_secrets(lua_State* L, int index, process_options& options) {
  for (lua_pushnil(L); lua_next(L, index) != 0; lua_pop(L, 1)) {
    const int value = lua_gettop(L);
    if (lua_type(L, value - 1) != LUA_TSTRING || lua_type(L, value) != LUA_TSTRING)
      refuse("secrets must be {NAME = value}");
    options.secrets.emplace_back(
        text_at(L, value - 1, "a name in secrets"), text_at(L, value, "a secret"));
  }
}
inline void set_env_only(lua_State* L, int index, process_options& options) {
  if (lua_toboolean(L, index) != 0) options.env.emplace();
}

inline void set_nice(lua_State* L, int index, process_options& options) {
  options.nice = static_cast<int>(std::clamp(lua_tonumber(L, index), -40.0, 40.0));
}

/// true, or {rows = 24, cols = 80}
inline void set_pty(lua_State* L, int index, process_options& options) {
  const int type = lua_type(L, index);
  if (type != LUA_TTABLE) {
    if (type != LUA_TBOOLEAN) refuse("pty must be true or {rows = number, cols = number}");
    if (lua_toboolean(L, index) != 0) options.pty.emplace();
    return;
  }
  options.pty.emplace();
  for (lua_pushnil(L); lua_next(L, index) != 0; lua_pop(L, 1)) {
    std::string name = text_at(L, lua_gettop(L) - 1, "a name in pty");
    if (lua_type(L, -1) != LUA_TNUMBER || (name != "rows" && name != "cols"))
      refuse("pty must be true or {rows = number, cols = number}");
    double number = lua_tonumber(L, -1);
    if (!(number >= 1 && number <= 65535)) refuse_value("pty: " + name + " must be 1 to 65535");
    auto count = static_cast<unsigned short>(number);
    (name == "rows" ? options.pty->rows : options.pty->columns) = count;
  }
}

/// {nofile = 1024, ...} with the names of setrlimit(2), in small letters.
inline void set_rlimits(lua_State* L, int index, process_options& options) {
  static constexpr std::pair<const char*, int> known[] = {
      {"as", RLIMIT_AS},         {"core", RLIMIT_CORE},   {"cpu", RLIMIT_CPU},
      {"data", RLIMIT_DATA},     {"fsize", RLIMIT_FSIZE}, {"memlock", RLIMIT_MEMLOCK},
      {"nofile", RLIMIT_NOFILE}, {"nproc", RLIMIT_NPROC}, {"stack", RLIMIT_STACK}};
  for (lua_pushnil(L); lua_next(L, index) != 0; lua_pop(L, 1)) {
    const int value = lua_gettop(L);
    std::string name = text_at(L, value - 1, "a name in rlimits");
    const auto* found = std::find_if(std::begin(known), std::end(known), [&](const auto& one) {
      return name == one.first;
    });
    if (found == std::end(known)) refuse("rlimits: unknown limit '" + name + "'");
    if (lua_type(L, value) != LUA_TNUMBER) refuse("rlimits: '" + name + "' must be a number");
    const bool unlimited = lua_tonumber(L, value) >= 1e18;
    options.rlimits.emplace_back(found->second, unlimited ? RLIM_INFINITY : amount_at(L, value));
  }
}

inline void set_grace(lua_State* L, int index, process_options& options) {
  options.stop = {{SIGTERM, bounded_seconds(lua_tonumber(L, index))}};
}

/// {{signal = number, wait = seconds}, ...}; signal 0 only waits.
inline void set_stop(lua_State* L, int index, process_options& options) {
  options.stop.clear();
  auto size = static_cast<lua_Integer>(lua_rawlen(L, index));
  for (lua_Integer i = 1; i <= size; ++i) {
    stop_step step;
    lua_rawgeti(L, index, i);
    if (!lua_istable(L, -1)) refuse("stop must be a list of {signal = number, wait = seconds}");
    for (lua_pushnil(L); lua_next(L, -2) != 0; lua_pop(L, 1)) {
      std::string name = text_at(L, lua_gettop(L) - 1, "a name in stop");
      double number = lua_tonumber(L, -1);
      if (lua_type(L, -1) != LUA_TNUMBER || (name != "signal" && name != "wait"))
        refuse("stop must be a list of {signal = number, wait = seconds}");
      if (name == "wait") {
        step.wait = bounded_seconds(number);
      } else if (number >= 0 && number < NSIG && number == std::floor(number)) {
        step.signal = static_cast<int>(number);
      } else {
        refuse_value("stop: " + text_at(L, lua_gettop(L), "signal") + " is not a signal");
      }
    }
    lua_pop(L, 1);
    options.stop.push_back(step);
  }
}

struct field {
  const char* name;
  int type;  // LUA_TNONE: more than one; `set` looks
  field_setter set;
};

using o = process_options;
using b = process_bounds;
inline constexpr field fields[] = {
    {"cwd", LUA_TSTRING, set_text<&o::cwd>},
    {"env", LUA_TTABLE, set_env},
    {"env_only", LUA_TBOOLEAN, set_env_only},
    {"stdin", LUA_TSTRING, set_stdin},
    {"stdin_pipe", LUA_TBOOLEAN, set_flag<&o::stdin_pipe>},
    {"stdout", LUA_TSTRING, set_text<&o::stdout_to>},
    {"stderr", LUA_TSTRING, set_text<&o::stderr_to>},
    {"stdout_file", LUA_TSTRING, set_text<&o::stdout_file>},
    {"stderr_file", LUA_TSTRING, set_text<&o::stderr_file>},
    {"pty", LUA_TNONE, set_pty},
    {"launcher", LUA_TTABLE, set_launcher},
    {"secrets", LUA_TTABLE, set_secrets},
    {"contain", LUA_TBOOLEAN, set_flag<&o::contain>},
    {"hold", LUA_TTABLE, set_hold},
    {"nice", LUA_TNUMBER, set_nice},
    {"rlimits", LUA_TTABLE, set_rlimits},
    {"timeout", LUA_TNUMBER, set_seconds<&b::wall>},
    {"idle", LUA_TNUMBER, set_seconds<&b::idle>},
    {"start", LUA_TNUMBER, set_seconds<&b::start>},
    {"output", LUA_TNUMBER, set_amount<&b::output>},
    {"memory", LUA_TNUMBER, set_amount<&b::memory>},
    {"processes", LUA_TNUMBER, set_amount<&b::processes>},
    {"grace", LUA_TNUMBER, set_grace},
    {"stop", LUA_TTABLE, set_stop},
};

/// Options from the table at `index`: the list part is argv. Needs ten free stack slots.
/// Errors: EMISUSE (not known, or of another type), EINVAL.
inline void read_options(lua_State* L, int index, process_options& options) {
  options.argv = list_at(L, index, "argument");
  for (lua_pushnil(L); lua_next(L, index) != 0; lua_pop(L, 1)) {
    const int value = lua_gettop(L);
    if (lua_isinteger(L, value - 1)) {
      auto given = static_cast<lua_Integer>(options.argv.size());
      if (lua_tointeger(L, value - 1) > given)
        refuse("argument " + std::to_string(given + 1) + " is nil");
      continue;
    }
    std::string name = lua_type(L, value - 1) == LUA_TSTRING
                           ? text_at(L, value - 1, "an option's name")
                           : luaL_typename(L, value - 1);
    const auto* found = std::find_if(std::begin(fields), std::end(fields), [&](const field& one) {
      return name == one.name;
    });
    if (found == std::end(fields)) refuse("unknown option '" + name + "'");
    if (found->type != LUA_TNONE && lua_type(L, value) != found->type)
      refuse("option '" + name + "' must be a " + lua_typename(L, found->type) + ", it is a " +
             luaL_typename(L, value));
    found->set(L, value, options);
  }
}

}  // namespace agentlua::bind::process_api
