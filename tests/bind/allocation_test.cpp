// What happens when Lua's allocator fails: at every single allocation of every scenario below.

#include "support.hpp"

#include <cstdlib>
#include <cstring>
#include <string>

namespace {

constexpr long none = -1;

/// Memory of one state that can be made to run out.
struct heap {
  long left = none;     ///< allocations that still succeed; none: no bound
  bool lasting = true;  ///< whether the ones after the failed one fail too
  bool failed = false;
  long blocks = 0;

  static void* allocate(void* self, void* block, std::size_t before, std::size_t size) {
    heap& h = *static_cast<heap*>(self);
    if (size == 0) {
      if (block != nullptr) --h.blocks;
      std::free(block);
      return nullptr;
    }
    bool grows = block == nullptr || size > before;  // Lua relies on shrinking
    if (grows && h.left == 0) {
      h.failed = true;
      if (!h.lasting) h.left = none;
      return nullptr;
    }
    if (grows && h.left > 0) --h.left;
    void* moved = std::realloc(block, size);
    if (block == nullptr) ++h.blocks;
    return moved;
  }
};

int call(lua_State* L, int arguments) {
  int status = lua_pcall(L, arguments, 0, 0);
  if (status != LUA_OK && status != LUA_ERRMEM) FAIL_CHECK(luaL_tolstring(L, -1, nullptr));
  lua_settop(L, 0);
  return status;
}

int load(lua_State* L) {
  const auto* chunk = static_cast<const char*>(lua_touserdata(L, 1));
  if (luaL_loadbufferx(L, chunk, std::strlen(chunk), "=scenario", "t") != LUA_OK) lua_error(L);
  lua_setglobal(L, "scenario");
  return 0;
}

void push(lua_State* L, const char* scenario) {
  if (scenario == nullptr) {
    lua_pushcfunction(L, boundary::open_all);
  } else {
    lua_getglobal(L, "scenario");
  }
}

/// Every handle type must be whole, although opening it was interrupted.
void check_types(lua_State* L) {
  constexpr char chunk[] = R"lua(
    for _, name in ipairs { "process", "lock", "store", "event_source", "job" } do
      local meta = debug.getregistry()["agentlua." .. name]
      for _, field in ipairs { "__gc", "__close", "__tostring", "__metatable", "__name" } do
        assert(meta[field], name .. field)
      end
      assert(meta.__index.close)
    end
  )lua";
  CHECK(luaL_dostring(L, chunk) == LUA_OK);
}

/// One try in a state of its own. False when the scenario never came to the failing allocation.
bool survives(const char* scenario, long allocation, bool lasting) {
  boundary::fresh_directory directory;
  heap memory;
  long objects = boundary::heap_objects();
  lua_State* L = lua_newstate(heap::allocate, &memory);
  REQUIRE(L != nullptr);
  if (scenario != nullptr) {
    lua_pushcfunction(L, boundary::open_all);
    REQUIRE(lua_pcall(L, 0, 0, 0) == LUA_OK);
    lua_pushcfunction(L, load);
    lua_pushlightuserdata(L, const_cast<char*>(scenario));
    REQUIRE(lua_pcall(L, 1, 0, 0) == LUA_OK);
  }
  push(L, scenario);
  lua_gc(L,
         LUA_GCSTOP);  // Lua gives up a finaliser that it has no stack to call: its limit, not ours
  memory.left = allocation;
  memory.lasting = lasting;
  int status = call(L, 0);
  memory.left = none;
  lua_gc(L, LUA_GCRESTART);
  bool failed = memory.failed;
  if (!failed) CHECK(status == LUA_OK);
  push(L, scenario);  // with memory again, everything works
  CHECK(call(L, 0) == LUA_OK);
  if (scenario == nullptr) check_types(L);
  lua_close(L);
  CHECK(memory.blocks == 0);
  if (allocation != none) CHECK(boundary::heap_objects() == objects);
  return failed;
}

void fail_each_allocation(const char* scenario) {
  boundary::leak_check leaks;
  survives(scenario, none, false);  // makes what is made once in a process
  for (bool lasting : {true, false}) {
    long allocation = 0;
    while (survives(scenario, allocation, lasting)) ++allocation;
    CHECK(allocation > 10);  // else it ended before it began
  }
}

}  // namespace

TEST_CASE("memory that runs out while the module is opened leaves nothing half made") {
  fail_each_allocation(nullptr);
}

TEST_CASE("memory that runs out in JSON leaks nothing") {
  fail_each_allocation(R"lua(
    local json = core.json
    local text = json.dump { list = { 1, 2.5, "three", json.null }, deep = { { { x = true } } } }
    assert(json.dump(json.parse(text)) and json.dump(json.array()) == "[]")
    assert(json.parse("{", "name") == nil)
  )lua");
}

TEST_CASE("memory that runs out in text, files, time and limits leaks nothing") {
  fail_each_allocation(R"lua(
    assert(core.text.slug("A b") == "a-b" and core.text.glob("*.c", "x.c") and core.text.uuid())
    core.fs.write { path = "./file", content = "content" }
    assert(core.fs.read "file")
    core.fs.stat "file"
    core.fs.list "."
    core.fs.read "missing"
    core.events.append { path = "./events", type = "test", fields = { a = 1 } }
    assert(core.time.iso(0) and core.time.now() and core.fs.host())
    core.limit.parse { text = "try again in 5 minutes", now = 0 }
  )lua");
}

TEST_CASE("memory that runs out around locks and tasks leaks neither handles nor descriptors") {
  fail_each_allocation(R"lua(
    local lock = core.lock.try "./lock"
    if lock then
      assert(core.lock.held "./lock" ~= nil and core.lock.try "./lock" ~= lock and lock:fd() > 2)
      lock:close()
    end
    local store <close> = assert(core.store.open "tasks")
    store:create()
    local task = store:add { name = "a task" }
    store:list()
    store:next "todo"
    local mine = store:claim { from = "todo", to = "in-progress" }
    if mine then
      store:move { id = mine.id, to = "done", patch = { note = "x" } }
      store:release(mine.id)
    end
  )lua");
}

TEST_CASE("memory that runs out in the event loop leaks no timer, watcher or job") {
  fail_each_allocation(R"lua(
    local timer <close> = core.loop.timer(0)
    local signal <close> = assert(core.loop.on_signal(12))
    local path <close> = assert(core.loop.watch_path ".")
    eventually(function() return timer:take() end)
    assert(core.loop.fd() > 2 and timer:id() ~= signal:id())
    core.loop.timeout()
    local job <close> = assert(git.open { path = "/" })
    eventually(function() return (job:result()) end)
    job:result()
  )lua");
}

TEST_CASE("memory that runs out around a process leaves no process") {
  fail_each_allocation(R"lua(
    local child <close> = core.process.spawn { "cat", stdin_pipe = true }
    if not child then return end
    child:write "a line\nrest"
    child:close_stdin()
    local line
    eventually(function()
      line = line or child:line_reader("out")()
      return child:state() == "finished"
    end)
    assert(line == "a line" and child:read() == "rest")
    assert(child:result().code == 0 and tostring(child))
  )lua");
}
