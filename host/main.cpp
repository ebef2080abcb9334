// The agentlua program: a Lua state, the core module, the embedded library, the command line in Lua.

extern "C" {
#include <lauxlib.h>
#include <lua.h>
#include <lualib.h>
}

#include <unistd.h>

#include <array>
#include <cstdio>
#include <cstdlib>
#include <cstring>

#include "agentlua/module.hpp"
#include "embedded.hpp"

namespace {

const agentlua::embedded_file* find_embedded(const char* name) {
  for (const auto* file = agentlua::embedded_files; file->name != nullptr; ++file)
    if (std::strcmp(file->name, name) == 0) return file;
  return nullptr;
}

// agentlua.embedded: get(name) -> text or nil; names() -> list. Names are paths like "lua/x.lua".
int embedded_get(lua_State* L) {
  const auto* file = find_embedded(luaL_checkstring(L, 1));
  file != nullptr ? (void)lua_pushlstring(L, file->data, file->size) : lua_pushnil(L);
  return 1;
}

int embedded_names(lua_State* L) {
  lua_newtable(L);
  lua_Integer i = 0;
  for (const auto* file = agentlua::embedded_files; file->name != nullptr; ++file) {
    lua_pushstring(L, file->name);
    lua_rawseti(L, -2, ++i);
  }
  return 1;
}

int open_embedded(lua_State* L) {
  static constexpr luaL_Reg functions[] = {
      {"get", embedded_get}, {"names", embedded_names}, {nullptr, nullptr}};
  luaL_newlib(L, functions);
  return 1;
}

// The last searcher of require: a module that no directory has comes from the program itself.
int search_embedded(lua_State* L) {
  const char* path = luaL_gsub(L, luaL_checkstring(L, 1), ".", "/");
  for (const char* pattern : {"lua/%s.lua", "lua/%s/init.lua"}) {
    const char* name = lua_pushfstring(L, pattern, path);
    const auto* file = find_embedded(name);
    if (file == nullptr) continue;
    const char* chunk = lua_pushfstring(L, "@%s", name);
    if (luaL_loadbufferx(L, file->data, file->size, chunk, "b") != LUA_OK) return lua_error(L);
    lua_pushstring(L, name);
    return 2;
  }
  lua_pushfstring(L, "no embedded module '%s'", path);
  return 1;
}

// Before the first require: nothing is ever loaded from the current directory, which is somebody's
// repository; the user's own library directory and the installed one come first.
constexpr char set_paths[] = R"lua(
  local prefix, search = ...
  local function keep(list, named)
    local out = {}
    for entry in list:gmatch("[^;]+") do
      if entry:sub(1, 1) == "/" or (named or ""):find(entry, 1, true) then out[#out + 1] = entry end
    end
    return out
  end
  local path = keep(package.path, os.getenv "LUA_PATH_5_4" or os.getenv "LUA_PATH")
  local cpath = keep(package.cpath, os.getenv "LUA_CPATH_5_4" or os.getenv "LUA_CPATH")
  local config = os.getenv "XDG_CONFIG_HOME" or (os.getenv "HOME" or "") .. "/.config"
  for i, dir in ipairs { config .. "/agentlua/lua", prefix .. "/share/lua/5.4" } do
    table.insert(path, i, dir .. "/?.lua;" .. dir .. "/?/init.lua")
  end
  table.insert(cpath, 1, prefix .. "/lib/lua/5.4/?.so")
  package.path, package.cpath = table.concat(path, ";"), table.concat(cpath, ";")
  table.insert(package.searchers, search)
  package.preload.argparse = function(name) return search(name)(name) end -- the system's is text
)lua";

int traceback(lua_State* L) {
  const char* message = luaL_tolstring(L, 1, nullptr);
  luaL_traceback(L, L, message, 1);
  return 1;
}

// Runs in protected mode: argument 1 is argv.
int run_program(lua_State* L) {
  auto** argv = static_cast<char**>(lua_touserdata(L, 1));
  luaL_openlibs(L);
  luaL_getsubtable(L, LUA_REGISTRYINDEX, LUA_PRELOAD_TABLE);
  lua_pushcfunction(L, agentlua::open);
  lua_setfield(L, -2, "agentlua.core");
  lua_pushcfunction(L, open_embedded);
  lua_setfield(L, -2, "agentlua.embedded");

  std::array<char, 4096> self{};
  ssize_t length = ::readlink("/proc/self/exe", self.data(), self.size() - 1);
  for (int up = 0; up < 2 && length > 0; ++up)  // <prefix>/bin/agentlua
    while (length > 0 && self[static_cast<std::size_t>(--length)] != '/') continue;
  if (luaL_loadbufferx(L, set_paths, sizeof set_paths - 1, "=paths", "t") != LUA_OK) lua_error(L);
  lua_pushlstring(L, self.data(), static_cast<std::size_t>(length > 0 ? length : 0));
  lua_pushcfunction(L, search_embedded);
  lua_call(L, 2, 0);

  lua_getglobal(L, "require");
  lua_pushliteral(L, "agentlua.cli");
  lua_call(L, 1, 1);
  lua_getfield(L, -1, "main");
  lua_newtable(L);
  for (int i = 0; argv[i] != nullptr; ++i) {
    lua_pushstring(L, argv[i]);
    lua_rawseti(L, -2, i);
  }
  lua_call(L, 1, 1);
  return 1;
}

}  // namespace

int main(int, char** argv) {
  lua_State* L = luaL_newstate();
  if (L == nullptr) {
    std::fputs("agentlua: not enough memory\n", stderr);
    return 2;
  }
  lua_pushcfunction(L, traceback);
  lua_pushcfunction(L, run_program);
  lua_pushlightuserdata(L, argv);
  int code = 1;
  if (lua_pcall(L, 1, 1, 1) == LUA_OK) {
    code = static_cast<int>(lua_tointeger(L, -1));
  } else {
    std::fprintf(stderr, "agentlua: %s\n", lua_tostring(L, -1));
  }
  lua_close(L);
  return code;
}
