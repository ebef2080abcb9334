#pragma once
// tests/cpp/store_fixture.hpp: a store in a fresh directory, and short ways to fill and ask it.

#include "agentlua/store.hpp"

#include "support.hpp"

namespace agentlua::test {

class store_fixture : public temporary_directory {
 public:
  store_fixture() { tasks.create(); }

  /// Adds a task with the given id and name, and more fields.
  json add(const std::string& id, const std::string& name, json more = json::object()) {
    json fields = {{"id", id}, {"name", name}};
    fields.update(more);
    return tasks.add(fields);
  }

  static claim_request request(const std::string& id = {}) {
    claim_request wanted;
    wanted.from = {"analysed", "todo"};
    wanted.to = "in-progress";
    wanted.id = id;
    return wanted;
  }
  /// Id of the task that a store claims now; "" when it gets none.
  static std::string claim(store& from, const std::string& id = {}) {
    auto task = from.claim(request(id));
    return task ? string_or(*task, "id") : "";
  }

  /// What next() says of a task of todo that is kept back; null when it may run.
  json blocked(const std::string& id) {
    const json answer = tasks.next({"todo"});
    for (const json& task : answer["blocked"])
      if (task["id"] == id) return task;
    return nullptr;
  }
  std::string kind(const std::string& id) { return string_or(blocked(id), "kind", "nothing"); }
  /// "code: text" of every reason, one line each.
  std::string reasons(const std::string& id) {
    std::string lines;
    const json task = blocked(id);
    if (const json* all = member(task, "reasons"))
      for (const json& reason : *all)
        lines += string_or(reason, "code") + ": " + string_or(reason, "text") + "\n";
    return lines;
  }

  stdfs::path path_of(const json& task) const {
    return root / task["status"].get<std::string>() / task["file"].get<std::string>();
  }

  stdfs::path root = dir / "tasks ü";
  store tasks{root};
};

}  // namespace agentlua::test
