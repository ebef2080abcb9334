#pragma once
// agentlua/module.hpp: room 8. agentlua::open(lua_State*): the list of modules.

#include "agentlua/bind/context.hpp"
#include "agentlua/bind/json.hpp"
#include "agentlua/bind/lock.hpp"
#include "agentlua/bind/process.hpp"
#include "agentlua/bind/store.hpp"
#include "agentlua/bind/system.hpp"
#include "agentlua/bind/terminal.hpp"
#include "agentlua/bind/watchdog.hpp"
#include "agentlua/version.hpp"

namespace agentlua {

/// Opens `agentlua.core` in a state: pushes its table. May be called for any number of states; each
/// has an event loop of its own. `agentlua.core.git` is a module beside it (bind/git.hpp). [-0, +1]
inline int open(lua_State* L) {
  struct module {
    const char* name;
    int (*open)(lua_State*);
  };
  static constexpr module modules[] = {
      {"json", bind::open_json},
      {"loop", bind::open_loop},
      {"process", bind::open_process},
      {"lock", bind::open_lock},
      {"store", bind::open_store},
      {"watchdog", bind::open_watchdog},
      {"terminal", bind::open_terminal},
      {"fs", [](lua_State* s) { return bind::new_table(s, bind::system_api::fs_functions), 1; }},
      {"text",
       [](lua_State* s) { return bind::new_table(s, bind::system_api::text_functions), 1; }},
      {"time",
       [](lua_State* s) { return bind::new_table(s, bind::system_api::time_functions), 1; }},
      {"limit",
       [](lua_State* s) { return bind::new_table(s, bind::system_api::limit_functions), 1; }},
      {"events",
       [](lua_State* s) { return bind::new_table(s, bind::system_api::events_functions), 1; }},
  };
  bind::open_context(L);
  lua_newtable(L);
  for (const module& one : modules) {
    one.open(L);
    lua_setfield(L, -2, one.name);
  }
  lua_pushstring(L, version);
  lua_setfield(L, -2, "version");
  return 1;
}

}  // namespace agentlua
