#include "support.hpp"

#include <filesystem>
#include <new>
#include <stdexcept>
#include <string>

#include "agentlua/bind/stack.hpp"

namespace bind = agentlua::bind;

namespace {

/// Counts the objects of its type that are alive.
struct counted {
  static inline int alive = 0;
  counted() noexcept { ++alive; }
  counted(const counted&) = delete;
  counted& operator=(const counted&) = delete;
  ~counted() { --alive; }
};

int raise_after_scratch(lua_State* L) {
  bind::scratch<counted>(L);
  return luaL_error(L, "after %d", counted::alive);
}

int yield_after_scratch(lua_State* L) {
  bind::scratch<counted>(L);
  return lua_yield(L, 0);
}

std::string error_of(lua_State* L, lua_CFunction function) {
  lua_pushcfunction(L, function);
  std::string message = lua_pcall(L, 0, 0, 0) == LUA_OK ? "" : lua_tostring(L, -1);
  lua_settop(L, 0);
  return message;
}

template <class Exception>
bind::failure caught(const Exception& thrown) {
  bind::failure problem;
  CHECK_FALSE(bind::protect(problem, [&] { throw thrown; }));
  CHECK(problem.failed);
  return problem;
}

}  // namespace

TEST_CASE("protect tells the code and the message of whatever is thrown, and nothing escapes") {
  auto known = caught(agentlua::error("ELOCKED", "somebody has it"));
  CHECK(std::string(known.code) == "ELOCKED");
  CHECK(std::string(known.message) == "somebody has it");
  CHECK(std::string(caught(std::bad_alloc()).code) == "ENOMEM");
  auto other = caught(std::runtime_error("broken"));
  CHECK(std::string(other.code) == "EINTERNAL");
  CHECK(std::string(other.message) == "broken");
  CHECK(std::string(caught(42).code) == "EINTERNAL");
  CHECK(std::string(caught("text").message) == "unknown exception");

  auto missing = std::make_error_code(std::errc::no_such_file_or_directory);
  auto system = caught(std::filesystem::filesystem_error("look", "/nowhere", missing));
  CHECK(std::string(system.code) == "ENOENT");
  CHECK(std::string(caught(agentlua::json::type_error::create(302, "type", nullptr)).code) ==
        "EINVAL");
}

TEST_CASE("protect is silent about work that goes well, and cuts a message that is too long") {
  bind::failure problem;
  CHECK(bind::protect(problem, [] {}));
  CHECK_FALSE(problem.failed);
  auto cut = caught(agentlua::error(std::string(100, 'E'), std::string(10'000, 'x')));
  CHECK(std::string(cut.code) == std::string(sizeof cut.code - 1, 'E'));
  CHECK(std::string(cut.message) == std::string(sizeof cut.message - 1, 'x'));
}

TEST_CASE("fail returns nil, message, code, and raise raises the message") {
  boundary::lua state;
  lua_State* L = state.get();
  bind::failure problem;
  problem.set("ECODE", "100% of it");
  CHECK(bind::fail(L, problem) == 3);
  CHECK(lua_isnil(L, 1));
  CHECK(std::string(lua_tostring(L, 2)) == "100% of it");
  CHECK(std::string(lua_tostring(L, 3)) == "ECODE");
  lua_settop(L, 0);
  auto raising = [](lua_State* s) {
    bind::failure why;
    why.set("ECODE", "100% of it");
    return bind::raise(s, why);
  };
  CHECK(error_of(L, raising) == "100% of it");
}

TEST_CASE("a scratch object is destroyed when Lua raises after it was made") {
  boundary::lua state;
  lua_State* L = state.get();
  SUBCASE("by an error") { CHECK(error_of(L, raise_after_scratch) == "after 1"); }
  SUBCASE("in a coroutine that nobody resumes") {
    lua_State* fiber = lua_newthread(L);
    lua_pushcfunction(fiber, yield_after_scratch);
    int results = 0;
    CHECK(lua_resume(fiber, L, 0, &results) == LUA_YIELD);
    CHECK(counted::alive == 1);
    lua_settop(L, 0);
  }
  SUBCASE("many times") {
    for (int i = 0; i < 1000; ++i) error_of(L, raise_after_scratch);
  }
  lua_gc(L, LUA_GCCOLLECT);
  CHECK(counted::alive == 0);
}

TEST_CASE("closing a state destroys its scratch objects and no other state's") {
  boundary::lua first;
  {
    boundary::lua second;
    bind::scratch<counted>(first.get());
    bind::scratch<counted>(second.get());
    CHECK(counted::alive == 2);
  }
  CHECK(counted::alive == 1);
  first.close();
  CHECK(counted::alive == 0);
}

// The reason for the rule in bind/stack.hpp, and the proof that both builds of Lua are tested.
TEST_CASE("raising past a live object: longjmp skips its destructor, an exception does not") {
  boundary::lua state;
  counted::alive = 0;
  auto raise_past_object = [](lua_State* s) {
    counted object;
    return luaL_error(s, "past it");
  };
  CHECK(error_of(state.get(), raise_past_object) == "past it");
  CHECK(counted::alive == (std::string(boundary::lua_kind) == "c" ? 1 : 0));
  counted::alive = 0;
}

TEST_CASE("catching everything: in a C++ build it also sees Lua's own errors") {
  boundary::lua state;
  static bool seen;
  seen = false;
  auto catch_all = [](lua_State* s) {
    try {
      return luaL_error(s, "through it");
    } catch (...) {
      seen = true;
      throw;
    }
  };
  CHECK(error_of(state.get(), catch_all) == "through it");
  CHECK(seen == (std::string(boundary::lua_kind) == "c++"));
}
