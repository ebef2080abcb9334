#pragma once
// agentlua/bind/stack.hpp: room 6. Between Lua's stack and C++: errors, scratch objects, JSON.
//
// The rule behind all of it: where Lua may raise (longjmp), no C++ object with a destructor is
// alive in a C++ frame; where C++ may throw, no Lua function that may raise is called. A binding
// therefore has three phases: read arguments; work inside protect(); push the results. What has
// to live across them lives in a userdata (scratch), which the collector frees whatever happens.

extern "C" {
#include <lauxlib.h>
#include <lua.h>
}

#include <cmath>
#include <cstdio>
#include <cstring>
#include <exception>
#include <new>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>

#include "agentlua/error.hpp"
#include "agentlua/json.hpp"

namespace agentlua::bind {

/// Why protect() failed; trivially destructible, so it may be alive when Lua raises.
struct failure {
  bool failed = false;
  char code[32];
  char message[2000];

  failure() noexcept {  // every call has one: two bytes are set, not two thousand
    code[0] = '\0';
    message[0] = '\0';
  }
  void set(const char* with_code, const char* text) noexcept {
    failed = true;
    std::snprintf(code, sizeof code, "%s", with_code);
    std::snprintf(message, sizeof message, "%s", text);
  }
};

/// Runs `work`, which must not call a Lua function that may raise. True when it did not throw.
template <class Work>
bool protect(failure& problem, Work&& work) noexcept {
  try {
    work();
    return true;
  } catch (const error& known) {
    problem.set(known.code().c_str(), known.what());
  } catch (const json::exception& misuse) {  // a member is missing or of the wrong type
    problem.set("EINVAL", misuse.what());
  } catch (const std::system_error& refused) {  // what std::filesystem throws
    const char* name = ::strerrorname_np(refused.code().value());
    problem.set(name != nullptr ? name : "EIO", refused.what());
  } catch (const std::bad_alloc&) {
    problem.set("ENOMEM", "not enough memory");
  } catch (const std::exception& other) {
    problem.set("EINTERNAL", other.what());
  } catch (...) {
    problem.set("EINTERNAL", "unknown exception");
  }
  return false;
}

/// Pushes nil, message, code and returns 3: what a function returns for an expected failure.
inline int fail(lua_State* L, const failure& problem) {
  lua_pushnil(L);
  lua_pushstring(L, problem.message);
  lua_pushstring(L, problem.code);
  return 3;
}

/// Raises for misuse, message first.
inline int raise(lua_State* L, const failure& problem) {
  return luaL_error(L, "%s", problem.message);
}

/// For a function that answers with true or false: what `work` returns; nil, message, code when it throws.
template <class Work>
int answer(lua_State* L, Work&& work) {
  failure problem;
  bool yes = false;
  if (!protect(problem, [&] { yes = work(); })) return fail(L, problem);
  lua_pushboolean(L, yes ? 1 : 0);
  return 1;
}

/// Registry key of what belongs to type T in this module.
template <class T>
inline const char type_key = 0;

/// Pushes the metatable whose __gc destroys a T, made once per state. [-0, +1]
template <class T>
void push_destructor(lua_State* L) {
  if (lua_rawgetp(L, LUA_REGISTRYINDEX, &type_key<T>) == LUA_TTABLE) return;
  lua_pop(L, 1);
  lua_createtable(L, 0, 1);
  lua_pushcfunction(L, [](lua_State* state) {
    static_cast<T*>(lua_touserdata(state, 1))->~T();
    return 0;
  });
  lua_setfield(L, -2, "__gc");
  lua_pushvalue(L, -1);
  lua_rawsetp(L, LUA_REGISTRYINDEX, &type_key<T>);
}

/// Pushes a userdata that owns a default-made T and returns it. [-0, +1]
/// The collector destroys it, also when an error unwinds the stack.
template <class T>
T& scratch(lua_State* L) {
  push_destructor<T>(L);
  auto* object = new (lua_newuserdatauv(L, sizeof(T), 0)) T();  // does not throw
  lua_insert(L, -2);
  lua_setmetatable(L, -2);
  return *object;
}

/// Argument as text; the view holds while the value stays on the stack.
inline std::string_view check_string(lua_State* L, int arg) {
  std::size_t size = 0;
  const char* text = luaL_checklstring(L, arg, &size);
  return {text, size};
}

/// Argument as a path: text without NUL bytes, which the system would cut it at.
inline std::string_view check_path(lua_State* L, int arg) {
  std::string_view text = check_string(L, arg);
  luaL_argcheck(L, text.find('\0') == std::string_view::npos, arg, "a path cannot hold NUL bytes");
  return text;
}

/// Name of the metatable that marks a table as a JSON array (`al.json.array`).
inline constexpr const char* array_mark = "agentlua.json.array";
/// The same metatable under an address, which can be looked up without allocating.
inline const char array_key = 0;

/// Makes the array mark known to this module. [-0, +1]: the metatable
inline void push_array_mark(lua_State* L) {
  luaL_newmetatable(L, array_mark);
  lua_pushvalue(L, -1);
  lua_rawsetp(L, LUA_REGISTRYINDEX, &array_key);
}

/// Pushes `al.json.null`: the light userdata NULL. [-0, +1]
inline void push_null(lua_State* L) { lua_pushlightuserdata(L, nullptr); }

/// Pushes a JSON value as Lua value. `value` must live in a userdata or longer. [-0, +1]
inline void push_json(lua_State* L, const json& value) {
  luaL_checkstack(L, 6, "JSON is nested too deeply");
  switch (value.type()) {
    case json::value_t::string: {
      const auto& text = *value.get_ptr<const json::string_t*>();
      lua_pushlstring(L, text.data(), text.size());
      break;
    }
    case json::value_t::boolean:
      lua_pushboolean(L, *value.get_ptr<const json::boolean_t*>() ? 1 : 0);
      break;
    case json::value_t::number_integer:
      lua_pushinteger(L, *value.get_ptr<const json::number_integer_t*>());
      break;
    case json::value_t::number_unsigned: {
      auto number = *value.get_ptr<const json::number_unsigned_t*>();
      if (number > LUA_MAXINTEGER) {  // as Lua itself reads such a number
        lua_pushnumber(L, static_cast<lua_Number>(number));
      } else {
        lua_pushinteger(L, static_cast<lua_Integer>(number));
      }
      break;
    }
    case json::value_t::number_float:
      lua_pushnumber(L, *value.get_ptr<const json::number_float_t*>());
      break;
    case json::value_t::array: {
      lua_createtable(L, static_cast<int>(value.size()), 0);
      luaL_setmetatable(L, array_mark);
      lua_Integer i = 0;
      for (const json& element : *value.get_ptr<const json::array_t*>()) {
        push_json(L, element);
        lua_rawseti(L, -2, ++i);
      }
      break;
    }
    case json::value_t::object:
      lua_createtable(L, 0, static_cast<int>(value.size()));
      for (const auto& [key, element] : *value.get_ptr<const json::object_t*>()) {
        lua_pushlstring(L, key.data(), key.size());
        push_json(L, element);
        lua_rawset(L, -3);
      }
      break;
    default:
      push_null(L);
  }
}

/// Makes JSON of the Lua value at `index`. Raises nothing in Lua, so it may run inside protect().
/// Tables with the array mark, or with the keys 1..n and at least one, are arrays.
/// Errors: EINVAL (functions, userdata, mixed keys, NaN and infinity, nesting beyond 64), ENOMEM.
inline json to_json(lua_State* L, int index, int depth = 0) {
  index = lua_absindex(L, index);
  if (lua_checkstack(L, 8) == 0) throw error("ENOMEM", "not enough memory for Lua's stack");
  switch (lua_type(L, index)) {
    case LUA_TNIL:
      return nullptr;
    case LUA_TBOOLEAN:
      return lua_toboolean(L, index) != 0;
    case LUA_TNUMBER:
      if (lua_isinteger(L, index) != 0) return lua_tointeger(L, index);
      if (!std::isfinite(lua_tonumber(L, index)))
        throw error("EINVAL", "a number that is infinite or none cannot be JSON");
      return lua_tonumber(L, index);
    case LUA_TSTRING: {
      std::size_t size = 0;
      const char* text = lua_tolstring(L, index, &size);
      return std::string(text, size);
    }
    case LUA_TLIGHTUSERDATA:
      if (lua_touserdata(L, index) == nullptr) return nullptr;
      break;
    case LUA_TTABLE: {
      if (depth >= json_limits{}.depth)  // so that what was dumped can be parsed
        throw error("EINVAL", "table is nested deeper than 64, or contains itself");
      bool marked = false;
      if (lua_getmetatable(L, index) != 0) {
        lua_rawgetp(L, LUA_REGISTRYINDEX, &array_key);
        marked = lua_rawequal(L, -1, -2) != 0;
        lua_pop(L, 2);
      }
      auto length = static_cast<lua_Integer>(lua_rawlen(L, index));
      json object = marked || length > 0 ? json::array() : json::object();
      for (lua_Integer i = 1; i <= length; ++i) {
        lua_rawgeti(L, index, i);
        object.push_back(to_json(L, -1, depth + 1));
        lua_pop(L, 1);
      }
      for (lua_pushnil(L); lua_next(L, index) != 0; lua_pop(L, 1)) {
        if (lua_type(L, -2) == LUA_TSTRING && !object.is_array()) {
          std::size_t size = 0;
          const char* key = lua_tolstring(L, -2, &size);
          object[std::string(key, size)] = to_json(L, -1, depth + 1);
        } else if (lua_isinteger(L, -2) == 0 || lua_tointeger(L, -2) < 1 ||
                   lua_tointeger(L, -2) > length) {
          throw error("EINVAL", "table mixes list elements with named fields");
        }
      }
      return object;
    }
    default:
      break;
  }
  throw error("EINVAL",
              std::string("a ") + lua_typename(L, lua_type(L, index)) + " cannot be JSON");
}

/// A Lua function for `Op`, of type json(const json& argument): the argument is the table or value
/// at stack index 1. Returns the result; nil, message, code when it throws.
template <auto Op>
int json_function(lua_State* L) {
  lua_settop(L, 1);
  failure problem;
  json& result = scratch<json>(L);
  if (!protect(problem, [&] { result = Op(to_json(L, 1)); })) return fail(L, problem);
  push_json(L, result);
  return 1;
}

/// Sets the functions of a nul-terminated list in a new table. [-0, +1]
inline void new_table(lua_State* L, const luaL_Reg* functions) {
  lua_newtable(L);
  luaL_setfuncs(L, functions, 0);
}

}  // namespace agentlua::bind
