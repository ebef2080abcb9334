#pragma once
// agentlua/bind/store.hpp: room 7. `core.store`: the task store.

#include <string>
#include <vector>

#include "agentlua/bind/handle.hpp"
#include "agentlua/store.hpp"

namespace agentlua::bind {

namespace store_api {

inline constexpr const char* type = "agentlua.store";

template <auto Op>
constexpr lua_CFunction method = json_method<store, &type, Op>;

inline std::vector<std::string> statuses(const json& value) {
  if (value.is_string()) return {value.get<std::string>()};
  return value.get<std::vector<std::string>>();
}

inline json optional(std::optional<json> value) {
  return value ? std::move(*value) : json(nullptr);
}

inline json claim(store& s, const json& table) {
  claim_request request;
  request.from = statuses(table.at("from"));
  request.to = table.at("to").get<std::string>();
  request.id = string_or(table, "id");
  if (const json* exclude = member(table, "exclude"); exclude && !exclude->empty())
    for (const json& id : *exclude) request.exclude.insert(id.get<std::string>());
  return optional(s.claim(request));
}

inline json patch_of(const json& table) {
  const json* patch = member(table, "patch");
  return patch != nullptr && patch->is_object() ? *patch : json::object();
}

inline constexpr luaL_Reg methods[] = {
    {"create", method<[](store& s, const json&) { return s.create(), json(true); }>},
    {"add", method<[](store& s, const json& fields) { return s.add(fields); }>},
    {"get", method<[](store& s, const json& key) { return s.get(key.get<std::string>()); }>},
    {"list", method<[](store& s, const json& status) {
       return json(s.list(status.is_null() ? "" : status.get<std::string>()));
     }>},
    {"next_id", method<[](store& s, const json& from) { return json(s.next_id(statuses(from))); }>},
    {"next", method<[](store& s, const json& from) { return s.next(statuses(from)); }>},
    {"claim", method<claim>},
    {"was_contended", method<[](store& s, const json&) { return json(s.was_contended()); }>},
    {"move", method<[](store& s, const json& t) {
       return s.move(t.at("id").get<std::string>(), t.at("to").get<std::string>(), patch_of(t));
     }>},
    {"update", method<[](store& s, const json& t) {
       return s.update(t.at("id").get<std::string>(), patch_of(t));
     }>},
    {"release",
     method<[](store& s, const json& id) { return s.release(id.get<std::string>()), json(true); }>},
    {"owner_fd",
     method<[](store& s, const json& id) { return json(s.owner_fd(id.get<std::string>())); }>},
    {"is_owned",
     method<[](store& s, const json& id) { return json(s.is_owned(id.get<std::string>())); }>},
    {"recover", method<[](store& s, const json&) { return json(s.recover()); }>},
    {"problems", method<[](store& s, const json& all) { return s.problems(all == true); }>},
    {"quarantine", method<[](store& s, const json& t) {
       return json(
           s.quarantine(t.at("status").get<std::string>(), t.at("file").get<std::string>()));
     }>},
    {nullptr, nullptr}};

/// open(dir [, {root=, network_store=}]) -> handle
inline int open(lua_State* L) {
  lua_settop(L, 2);
  std::string_view dir = check_path(L, 1);
  failure problem;
  auto& handle = new_handle<store>(L, type);
  bool made = protect(problem, [&] {
    const json table = lua_istable(L, 2) ? to_json(L, 2) : json::object();
    store_options options;
    options.root = string_or(table, "root");
    options.network_store = table.value("network_store", false);
    handle = new store(stdfs::path(dir), options);
  });
  return made ? 1 : fail(L, problem);
}

inline constexpr luaL_Reg functions[] = {{"open", open}, {nullptr, nullptr}};

}  // namespace store_api

/// The table `core.store`; `statuses` lists the status names. [-0, +1]
inline int open_store(lua_State* L) {
  new_handle_type<store>(L, store_api::type, store_api::methods);
  new_table(L, store_api::functions);
  lua_newtable(L);
  lua_Integer i = 0;
  for (const char* status : task_statuses) {
    lua_pushstring(L, status);
    lua_rawseti(L, -2, ++i);
  }
  lua_setfield(L, -2, "statuses");
  return 1;
}

}  // namespace agentlua::bind
