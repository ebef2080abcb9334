#pragma once
// agentlua/bind/watchdog.hpp: room 7. `core.watchdog`: says on stderr that a script does not yield.

#include <unistd.h>

#include <memory>
#include <string>

#include "agentlua/bind/context.hpp"
#include "agentlua/watchdog.hpp"

namespace agentlua::bind {

namespace watchdog_api {

inline constexpr const char* type = "agentlua.watchdog";

/// start(seconds) -> handle whose thread writes to stderr when begin() was that long ago.
inline int start(lua_State* L) {
  seconds limit = check_seconds(L, 1);
  failure problem;
  auto& handle = new_handle<watchdog>(L, type);
  bool made = protect(problem, [&] {
    handle = new watchdog(limit, [limit](const std::string& what) {
      std::string text =
          "agentlua: " + what + " has not yielded for " +
          std::to_string(static_cast<long>(limit.count())) +
          " s: nothing else goes on until it waits; a second signal ends it at once\n";
      [[maybe_unused]] auto written = ::write(2, text.data(), text.size());
    });
  });
  return made ? 1 : fail(L, problem);
}

inline int begin(lua_State* L) {
  check_handle<watchdog>(L, type);
  std::string_view what = check_string(L, 2);
  auto& dog = check_handle<watchdog>(L, type);
  failure problem;
  return protect(problem, [&] { dog.begin(what); }) ? 0 : raise(L, problem);
}

inline int end(lua_State* L) {
  check_handle<watchdog>(L, type).end();
  return 0;
}

inline constexpr luaL_Reg methods[] = {{"begin", begin}, {"rest", end}, {nullptr, nullptr}};

inline constexpr luaL_Reg functions[] = {{"start", start}, {nullptr, nullptr}};

}  // namespace watchdog_api

/// The table `core.watchdog`. [-0, +1]
inline int open_watchdog(lua_State* L) {
  new_handle_type<watchdog>(L, watchdog_api::type, watchdog_api::methods);
  new_table(L, watchdog_api::functions);
  return 1;
}

}  // namespace agentlua::bind
