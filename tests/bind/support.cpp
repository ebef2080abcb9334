#include "support.hpp"

#include <dirent.h>
#include <signal.h>
#include <unistd.h>

#include <atomic>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <new>
#include <vector>

#include "agentlua/bind/git.hpp"
#include "agentlua/module.hpp"

namespace {

std::atomic<long> heap_count{0};

}  // namespace

void* operator new(std::size_t size) {
  void* memory = std::malloc(size != 0 ? size : 1);
  if (memory == nullptr) throw std::bad_alloc();
  ++heap_count;
  return memory;
}
void operator delete(void* memory) noexcept {
  if (memory != nullptr) --heap_count;
  std::free(memory);
}
void operator delete(void* memory, std::size_t) noexcept { operator delete(memory); }

namespace boundary {

namespace {

// Globals for the chunks of the tests.
constexpr char helpers[] = R"lua(
  --- Steps the loop until `done` returns something true, and returns that.
  function eventually(done, seconds)
    local deadline = core.time.clock() + (seconds or 20)
    while true do
      local answer = done()
      if answer then return answer end
      if core.time.clock() > deadline then error("deadline passed", 2) end
      core.loop.step(0.02)
    end
  end

  --- Waits for a job: value, or nil, message, code.
  function finish(job)
    eventually(function() return (job:result()) end)
    return select(2, job:result())
  end

  --- The message that a call raises; it must match `pattern`.
  function raises(pattern, fn, ...)
    local fine, message = pcall(fn, ...)
    if fine then error("nothing was raised", 2) end
    message = tostring(message)
    if not message:find(pattern) then error("raised '" .. message .. "', not " .. pattern, 2) end
    return message
  end

  --- Compares values, tables by content.
  function same(a, b, where)
    where = where or "value"
    if type(a) ~= "table" or type(b) ~= "table" then
      if a ~= b or math.type(a) ~= math.type(b) then
        error(("%s is %s, not %s"):format(where, tostring(a), tostring(b)), 2)
      end
      return
    end
    for key in pairs(b) do
      if a[key] == nil then error(where .. "." .. key .. " is missing", 2) end
    end
    for key, value in pairs(a) do same(value, b[key], where .. "." .. tostring(key)) end
  end
)lua";

int alive(lua_State* L) {
  lua_pushboolean(L, ::kill(static_cast<pid_t>(luaL_checkinteger(L, 1)), 0) == 0 ? 1 : 0);
  return 1;
}
int count_descriptors(lua_State* L) {
  lua_pushinteger(L, static_cast<lua_Integer>(open_descriptors()));
  return 1;
}
int count_children(lua_State* L) {
  lua_pushinteger(L, static_cast<lua_Integer>(children()));
  return 1;
}

int with_traceback(lua_State* L) {
  luaL_traceback(L, L, luaL_tolstring(L, 1, nullptr), 1);
  return 1;
}

// What libuv and the C library open once in a process is opened before anything is counted.
void warm_up() {
  static const bool done = [] {
    ::setenv("AGENTLUA_REAPER", REAPER, 0);
    lua state;
    state.run("finish(git.open{path = '/'}); core.limit.parse{text = '', now = 0}");
    return true;
  }();
  (void)done;
}

}  // namespace

long heap_objects() noexcept { return heap_count; }

std::size_t open_descriptors() {
  std::size_t count = 0;
  DIR* list = ::opendir("/proc/self/fd");
  REQUIRE(list != nullptr);
  while (::readdir(list) != nullptr) ++count;
  ::closedir(list);
  return count;
}

std::size_t children() {
  std::size_t count = 0;
  for (const auto& thread : std::filesystem::directory_iterator("/proc/self/task")) {
    std::ifstream list(thread.path() / "children");
    count += static_cast<std::size_t>(
        std::distance(std::istream_iterator<long>(list), std::istream_iterator<long>()));
  }
  return count;
}

int open_all(lua_State* L) {
  luaL_openlibs(L);
  luaL_requiref(L, "agentlua.core", agentlua::open, 0);
  lua_setglobal(L, "core");
  lua_pushcfunction(L, [](lua_State* s) {
    agentlua::bind::open_context(s);
    return agentlua::bind::open_git(s);
  });
  lua_call(L, 0, 1);
  lua_setglobal(L, "git");
  lua_register(L, "alive", alive);
  lua_register(L, "descriptors", count_descriptors);
  lua_register(L, "children", count_children);
  if (luaL_loadbufferx(L, helpers, sizeof helpers - 1, "=helpers", "t") != LUA_OK) lua_error(L);
  lua_call(L, 0, 0);
  return 0;
}

leak_check::leak_check() {
  warm_up();
  descriptors_ = open_descriptors();
  children_ = children();
}
leak_check::~leak_check() {
  CHECK(open_descriptors() == descriptors_);
  CHECK(children() == children_);
}

fresh_directory::fresh_directory() : before_(std::filesystem::current_path()) {
  bool in_memory = ::access("/dev/shm", W_OK) == 0;  // hundreds of tries flush files there
  std::filesystem::path parent = in_memory ? "/dev/shm" : std::filesystem::temp_directory_path();
  std::string name = parent / "agentlua-bind-XXXXXX";
  REQUIRE(::mkdtemp(name.data()) != nullptr);
  path_ = name;
  std::filesystem::current_path(path_);
}
fresh_directory::~fresh_directory() {
  std::error_code ignored;
  std::filesystem::current_path(before_, ignored);
  std::filesystem::remove_all(path_, ignored);
}

lua::lua() : state_(luaL_newstate()) {
  REQUIRE(state_ != nullptr);
  lua_pushcfunction(state_, open_all);
  REQUIRE(lua_pcall(state_, 0, 0, 0) == LUA_OK);
}

void lua::run(const char* chunk) const {
  lua_settop(state_, 0);
  lua_pushcfunction(state_, with_traceback);
  int status = luaL_loadbufferx(
      state_, chunk, std::char_traits<char>::length(chunk), "=chunk", "t");
  if (status == LUA_OK) status = lua_pcall(state_, 0, 0, 1);
  std::string problem = status != LUA_OK ? lua_tostring(state_, -1) : "";
  lua_settop(state_, 0);
  if (!problem.empty()) FAIL(problem);
}

void lua::close() noexcept {
  if (state_ != nullptr) lua_close(state_);
  state_ = nullptr;
}

}  // namespace boundary
