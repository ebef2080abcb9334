#pragma once
// agentlua/bind/system.hpp: room 7. `core.fs`, `core.text`, `core.time`, `core.limit`, `core.events`.

#include <sys/stat.h>

#include <string>

#include "agentlua/bind/stack.hpp"
#include "agentlua/events.hpp"
#include "agentlua/fs.hpp"
#include "agentlua/limit.hpp"
#include "agentlua/text.hpp"
#include "agentlua/time.hpp"

extern char** environ;  // NOLINT: POSIX name

namespace agentlua::bind {

namespace system_api {

/// A Lua function for `Op`, of type std::string(std::string_view): text to text.
template <auto Op>
int text_function(lua_State* L) {
  std::string_view input = check_string(L, 1);
  lua_settop(L, 1);
  failure problem;
  auto& output = scratch<std::string>(L);
  if (!protect(problem, [&] { output = Op(input); })) return fail(L, problem);
  lua_pushlstring(L, output.data(), output.size());
  return 1;
}

/// glob(pattern, path) -> boolean
inline int glob(lua_State* L) {
  lua_pushboolean(L, text::glob_match(check_string(L, 1), check_string(L, 2)) ? 1 : 0);
  return 1;
}

inline json distance(const json& pair) {
  return text::edit_distance(pair.at(0).get<std::string>(), pair.at(1).get<std::string>());
}

/// A path without NUL bytes, which the system would cut it at. Errors: EINVAL.
inline stdfs::path whole_path(std::string_view text) {
  if (text.find('\0') != std::string_view::npos)
    throw error("EINVAL", "a path cannot hold NUL bytes");
  return text;
}
inline stdfs::path whole_path(const json& text) {
  return whole_path(std::string_view(text.get_ref<const std::string&>()));
}

/// write{path=, content=, create_only=, mode=}: durable and atomic.
inline json write(const json& t) {
  fs::write_file_atomic(
      whole_path(t.at("path")), t.at("content").get<std::string>(),
      t.value("create_only", false) ? fs::write_mode::create_only : fs::write_mode::replace,
      t.value("mode", 0644u));
  return true;
}

/// stat(path) -> {type=, size=, mtime=, mode=, inode=, device=}, following links.
inline json stat(const json& path) {
  struct stat info {};
  const stdfs::path name = whole_path(path);
  if (::stat(name.c_str(), &info) != 0) throw_errno("look at", name.native());
  const char* type = S_ISREG(info.st_mode) ? "file" : S_ISDIR(info.st_mode) ? "directory" : "other";
  return {{"type", type},
          {"size", info.st_size},
          {"mtime", static_cast<double>(info.st_mtim.tv_sec) +
                        1e-9 * static_cast<double>(info.st_mtim.tv_nsec)},
          {"mode", info.st_mode & 07777},
          {"inode", info.st_ino},
          {"device", info.st_dev}};
}

inline json list(const json& path) {
  auto names = fs::list_directory(whole_path(path));
  std::sort(names.begin(), names.end());
  return names;
}

/// copy{from=, to=}: one regular file with its permissions; never over an existing one.
inline json copy(const json& t) {
  const stdfs::path from = whole_path(t.at("from"));
  const stdfs::path to = whole_path(t.at("to"));
  fs::make_directories(to.parent_path());
  std::error_code problem;
  stdfs::copy_file(from, to, problem);
  if (problem) throw errno_error(problem.value(), "copy to '" + to.native() + "'", from.native());
  return true;
}

inline json remove(const json& path) {
  std::error_code problem;
  const stdfs::path name = whole_path(path);
  bool was_there = stdfs::remove(name, problem);
  if (problem) throw errno_error(problem.value(), "remove", name.native());
  return was_there;
}

inline json append_event(const json& t) {
  event_log(whole_path(t.at("path")))
      .append(t.at("type").get<std::string>(), t.value("fields", json::object()));
  return true;
}

/// chdir(path): for the command line's -C.
inline json chdir(const json& path) {
  std::error_code problem;
  stdfs::current_path(path.get<std::string>(), problem);
  if (problem) throw errno_error(problem.value(), "change to directory", path.get<std::string>());
  return true;
}

/// environment() -> ["NAME=value", ...]
inline json environment(const json&) {
  json all = json::array();
  for (char** entry = environ; entry != nullptr && *entry != nullptr; ++entry)
    all.push_back(*entry);
  return all;
}

inline json host(const json&) {
  std::array<char, 256> name{};
  ::gethostname(name.data(), name.size() - 1);
  return {{"name", name.data()},
          {"pid", ::getpid()},
          {"cwd", stdfs::current_path().native()},
          {"cpus", ::sysconf(_SC_NPROCESSORS_ONLN)},
          {"terminal", ::isatty(1) == 1}};
}

/// parse{text=, now=, zone=""} -> {resets_at=, confidence=, from=, to=} (from and to as string.sub
/// takes them), or nothing.
inline json limit_parse(const json& t) {
  auto found = parse_limit(
      t.at("text").get<std::string>(), t.at("now").get<double>(), t.value("zone", std::string()));
  if (!found) return nullptr;
  return {{"resets_at", found->resets_at},
          {"confidence", found->confidence},
          {"from", found->begin + 1},
          {"to", found->end}};
}

inline int now(lua_State* L) {
  lua_pushnumber(L, wall_now());
  return 1;
}
inline int clock(lua_State* L) {
  lua_pushnumber(L, seconds(boot_now()).count());
  return 1;
}
/// iso([wall]) -> "2026-01-31T23:59:59.123456Z"
inline int iso(lua_State* L) {
  lua_Number wall = luaL_optnumber(L, 1, wall_now());
  luaL_argcheck(L, wall >= -62e9 && wall < 253402300800.0, 1,
                "not a time between the years 6 and 9999");
  failure problem;
  auto& out = scratch<std::string>(L);
  if (!protect(problem, [&] { out = iso_time(wall); })) return raise(L, problem);
  lua_pushlstring(L, out.data(), out.size());
  return 1;
}
inline json parse_iso(const json& text) {
  auto wall = parse_iso_time(text.get<std::string>());
  return wall ? json(*wall) : json(nullptr);
}

inline constexpr luaL_Reg text_functions[] = {
    {"slug", text_function<[](std::string_view s) { return text::slug(s); }>},
    {"match_slug", text_function<[](std::string_view s) { return text::match_slug(s); }>},
    {"id8", text_function<[](std::string_view s) { return text::id8(s); }>},
    {"printable", text_function<[](std::string_view s) { return text::printable(s); }>},
    {"sha256", text_function<[](std::string_view s) { return text::sha256_hex(s); }>},
    {"uuid", json_function<[](const json&) { return json(text::uuid()); }>},
    {"edit_distance", json_function<distance>},
    {"glob", glob},
    {nullptr, nullptr}};
inline constexpr luaL_Reg fs_functions[] = {
    {"read",
     text_function<[](std::string_view p) { return fs::read_file(whole_path(p), 64u << 20); }>},
    {"realpath", text_function<[](std::string_view p) {
       return stdfs::weakly_canonical(whole_path(p)).native();
     }>},
    {"write", json_function<write>},
    {"stat", json_function<stat>},
    {"list", json_function<list>},
    {"copy", json_function<copy>},
    {"remove", json_function<remove>},
    {"chdir", json_function<chdir>},
    {"mkdir",
     json_function<[](const json& p) { return fs::make_directories(whole_path(p)), json(true); }>},
    {"sweep",
     json_function<[](const json& p) { return json(fs::sweep_temporaries(whole_path(p))); }>},
    {"append", json_function<[](const json& t) {
       return fs::append_record(whole_path(t.at("path")), t.at("text").get<std::string>()),
              json(true);
     }>},
    {"environment", json_function<environment>},
    {"host", json_function<host>},
    {nullptr, nullptr}};
inline constexpr luaL_Reg time_functions[] = {
    {"now", now},
    {"clock", clock},
    {"iso", iso},
    {"parse_iso", json_function<parse_iso>},
    {nullptr, nullptr}};
inline constexpr luaL_Reg limit_functions[] = {
    {"parse", json_function<limit_parse>}, {nullptr, nullptr}};
inline constexpr luaL_Reg events_functions[] = {
    {"append", json_function<append_event>}, {nullptr, nullptr}};

}  // namespace system_api
}  // namespace agentlua::bind
