#pragma once
// What the boundary tests share: a Lua state with everything open, counts of what must not leak.

extern "C" {
#include <lauxlib.h>
#include <lua.h>
#include <lualib.h>
}

#include <doctest/doctest.h>

#include <cstddef>
#include <filesystem>
#include <string>

namespace boundary {

/// How the linked Lua was built: "c" (errors are longjmp) or "c++" (errors are exceptions).
extern const char* const lua_kind;

/// Objects made by operator new that are alive.
long heap_objects() noexcept;
/// Descriptors that this process has open.
std::size_t open_descriptors();
/// Child processes of this one, ended ones that nobody waited for included.
std::size_t children();

/// Opens in a state, as globals: the standard libraries, `core`, `git` and the helpers of
/// support.cpp. A lua_CFunction, so that it can run protected. [-0, +0]
int open_all(lua_State* L);

/// Fails the test case when descriptors or children are left at the end of its scope.
class leak_check {
 public:
  leak_check();
  leak_check(const leak_check&) = delete;
  leak_check& operator=(const leak_check&) = delete;
  ~leak_check();

 private:
  std::size_t descriptors_, children_;
};

/// An empty current directory for the scope.
class fresh_directory {
 public:
  fresh_directory();
  fresh_directory(const fresh_directory&) = delete;
  fresh_directory& operator=(const fresh_directory&) = delete;
  ~fresh_directory();

 private:
  std::filesystem::path before_, path_;
};

/// A Lua state for the scope, with open_all().
class lua {
 public:
  lua();
  lua(const lua&) = delete;
  lua& operator=(const lua&) = delete;
  ~lua() { close(); }

  /// Runs a chunk; an error in it fails the test case with its traceback.
  void run(const char* chunk) const;
  void close() noexcept;
  lua_State* get() const noexcept { return state_; }

 private:
  lua_State* state_;
};

/// A test case with one state: TEST_CASE_FIXTURE(boundary::one_state, "...") { run(R"(...)"); }
struct one_state {
  leak_check leaks;
  fresh_directory directory;
  lua state;

  void run(const char* chunk) const { state.run(chunk); }
};

}  // namespace boundary
