// Which task may run next: dependencies, splits, holds, times, and the reasons given.
#include "agentlua/store.hpp"

#include "store_fixture.hpp"

using namespace agentlua;
using namespace agentlua::test;

namespace {

json needs(std::vector<std::string> names) { return {{"dependencies", std::move(names)}}; }
json in(const char* status) { return {{"status", status}}; }

}  // namespace

TEST_CASE_FIXTURE(store_fixture, "a dependency names a task by id, short id, name, slug or file") {
  add("deadbeef-1", "Fix: the Thing!", {{"slug", "special"}});
  int i = 0;
  for (const char* name : {"deadbeef-1", "DEADBEEF", "Fix: the Thing!", "fix: THE thing!",
                           "fix-the-thing", "Fix the Thing", "special", "fix-the-thing-deadbeef"}) {
    CAPTURE(std::string(name));
    std::string id = "needs-" + std::to_string(++i);
    add(id, "Needs it", needs({name}));
    CHECK(reasons(id) ==
          "dependency: depends on 'Fix: the Thing!' (deadbeef), which is not done yet\n");
  }
  tasks.move("deadbeef-1", "done");
  store fresh(root);
  CHECK(fresh.next({"todo"})["ready"] == i);
  CHECK(fresh.next({"todo"})["blocked"].empty());
}

TEST_CASE_FIXTURE(store_fixture, "a dependency may be one string, odd entries are passed over") {
  add("one", "First");
  add("two", "Second", {{"dependencies", "one"}});
  add("three", "Third", {{"dependencies", {5, nullptr, json::object()}}});
  add("four", "Fourth", {{"dependencies", nullptr}});
  CHECK(kind("two") == "time");
  CHECK(reasons("three") == "");
  CHECK(reasons("four") == "");
}

TEST_CASE_FIXTURE(store_fixture, "the state of a dependency is what keeps a task back") {
  struct expectation {
    const char* status;
    const char* kind;
    const char* text;
  };
  for (const auto& expected :
       {expectation{"todo", "time", "is not done yet"},
        {"analysed", "time", "is not done yet"},
        {"analysing", "time", "is being worked on"},
        {"in-progress", "time", "is being worked on"},
        {"needs-input", "person", "is in needs-input"},
        {"needs-review", "person", "is in needs-review"},
        {"failed", "ever", "is failed"},
        {"skipped", "ever", "is skipped"},
        {"cancelled", "ever", "is cancelled"},
        {"done", "nothing", ""}}) {
    const std::string status = expected.status;
    const std::string id = "on-" + status;
    CAPTURE(status);
    add(status, "Task " + status, in(expected.status));
    add(id, "Needs it", needs({status}));
    CHECK(kind(id) == expected.kind);
    CHECK(has(reasons(id), expected.text));
    CHECK(claim(tasks, id) == (status == "done" ? id : ""));
  }
}

TEST_CASE_FIXTURE(store_fixture, "a dependency that does not exist is named") {
  add("one", "First", needs({"Nowhere"}));
  CHECK(reasons("one") == "missing: depends on 'Nowhere', which does not exist\n");
  CHECK(kind("one") == "ever");
}

TEST_CASE_FIXTURE(store_fixture, "tasks that wait for each other can never run") {
  add("self", "Self", needs({"self"}));
  add("a", "A", needs({"b"}));
  add("b", "B", needs({"c"}));
  add("c", "C", needs({"a"}));
  add("outside", "Outside", needs({"a"}));
  CHECK(has(reasons("self"), "cycle: "));
  for (const char* id : {"a", "b", "c", "self", "outside"}) CHECK(kind(id) == "ever");
  CHECK(has(reasons("a"), "a cycle"));
  CHECK(claim(tasks) == "");
}

TEST_CASE_FIXTURE(store_fixture, "what waits for something that can never run can never run") {
  add("root", "Root", in("failed"));
  add("middle", "Middle", needs({"root"}));
  add("top", "Top", needs({"middle"}));
  CHECK(kind("top") == "ever");
  CHECK(has(reasons("top"), "depends on 'Middle'"));
  CHECK(has(reasons("top"), "which is failed"));
  tasks.move("root", "needs-input");
  CHECK(kind("top") == "person");
  tasks.move("root", "todo");
  CHECK(kind("top") == "time");
}

TEST_CASE_FIXTURE(store_fixture, "a task says the worst of several reasons, and gives them all") {
  add("one", "First");
  add("two", "Second", in("failed"));
  add("top", "Top", {{"dependencies", {"one", "two", "none"}}, {"hold", true}});
  CHECK(kind("top") == "ever");
  auto all = reasons("top");
  CHECK(std::count(all.begin(), all.end(), '\n') == 4);
}

TEST_CASE_FIXTURE(store_fixture, "of several tasks with the same name one that is done is enough") {
  add("one", "Same name", in("failed"));
  add("top", "Top", needs({"Same name"}));
  CHECK(kind("top") == "ever");
  add("two", "Same name");
  CHECK(kind("top") == "time");
}

TEST_CASE_FIXTURE(store_fixture, "a split task is done when all its children are") {
  add("parent", "Parent", {{"status", "split"}, {"child_tasks", {"one", "two"}}});
  add("one", "First");
  add("two", "Second");
  add("top", "Top", needs({"parent"}));
  CHECK(has(reasons("top"), "'First'"));
  tasks.move("two", "failed");
  CHECK(kind("top") == "ever");
  tasks.move("two", "todo");
  tasks.move("one", "done");
  CHECK(has(reasons("top"), "'Second'"));
  tasks.move("two", "done");
  CHECK(reasons("top") == "");
}

TEST_CASE_FIXTURE(store_fixture, "a split task whose child is missing can never be done") {
  add("parent", "Parent", {{"status", "split"}, {"child_tasks", {"none"}}});
  add("top", "Top", needs({"parent"}));
  CHECK(reasons("top") == "missing: depends on 'none', which does not exist\n");
}

TEST_CASE_FIXTURE(store_fixture, "split tasks that are each other's children are a cycle") {
  add("one", "First", {{"status", "split"}, {"child_tasks", {"two"}}});
  add("two", "Second", {{"status", "split"}, {"child_tasks", {"one"}}});
  add("top", "Top", needs({"one"}));
  CHECK(kind("top") == "ever");
  CHECK(has(reasons("top"), "cycle: "));
  add("child", "Child", needs({"three"}));
  add("three", "Third", {{"status", "split"}, {"child_tasks", {"child"}}});
  CHECK(kind("child") == "ever");
}

TEST_CASE_FIXTURE(store_fixture, "a task on hold waits for a person") {
  add("aaaaaaaa", "First", {{"hold", true}});
  add("b", "Second", {{"hold", false}});
  add("c", "Third", {{"ignore", {{"manual", true}}}});
  CHECK(reasons("aaaaaaaa") == "hold: on hold; agentlua resume aaaaaaaa\n");
  CHECK(kind("aaaaaaaa") == "person");
  CHECK(reasons("b") == "");
  CHECK(kind("c") == "person");
  CHECK(claim(tasks) == "b");
  CHECK(claim(tasks) == "");
}

TEST_CASE_FIXTURE(store_fixture, "a task does not start before its time") {
  std::string later = iso_time(wall_now() + 3600);
  add("a", "First", {{"not_before", later}});
  add("b", "Second", {{"not_before", iso_time(wall_now() - 1)}});
  CHECK(reasons("a") == "not_before: not before " + later + "\n");
  CHECK(kind("a") == "time");
  CHECK(claim(tasks) == "b");
  CHECK(claim(tasks) == "");
}

TEST_CASE_FIXTURE(store_fixture, "next tells what would run, how many could, why others cannot") {
  add("one", "First", {{"priority", 9}});
  add("two", "Second", {{"priority", 1}});
  add("three", "Third", needs({"one"}));
  json answer = tasks.next({"analysed", "todo"});
  CHECK(answer["task"]["id"] == "two");
  CHECK(answer["ready"] == 2);
  REQUIRE(answer["blocked"].size() == 1);
  CHECK(answer["blocked"][0]["id"] == "three");
  CHECK(answer["blocked"][0]["status"] == "todo");
  CHECK(tasks.next({"analysed"})["task"].is_null());
  CHECK(tasks.next({"analysed"})["ready"] == 0);
}

TEST_CASE_FIXTURE(store_fixture, "a long chain of dependencies is judged in a moment") {
  constexpr int length = 500;
  for (int i = 0; i < length; ++i) {
    json task = {{"id", "t" + std::to_string(i)}, {"name", "Task"}};
    if (i + 1 < length) task["dependencies"] = {"t" + std::to_string(i + 1)};
    write_file(root / "todo" / ("t" + std::to_string(i) + ".json"), dump_json(task));
  }
  auto start = boot_now();
  json answer = tasks.next({"todo"});
  CHECK(answer["ready"] == 1);
  CHECK(answer["task"]["id"] == "t" + std::to_string(length - 1));
  tasks.move("t" + std::to_string(length - 1), "failed");
  CHECK(kind("t0") == "ever");
  CHECK(boot_now() - start < std::chrono::seconds(5));
}
