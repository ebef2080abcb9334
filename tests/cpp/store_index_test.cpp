// A store that stays open sees what others do, and what a task waits for when it comes.
#include "agentlua/store.hpp"

#include "store_fixture.hpp"

using namespace agentlua;
using namespace agentlua::test;

namespace {

struct two_stores : store_fixture {
  store other{root, store_options{dir, false}};

  two_stores() { next(); }
  std::string next() { return other.next_id({"analysed", "todo"}); }
};

json needs(const char* name) { return {{"dependencies", {name}}}; }

}  // namespace

TEST_CASE_FIXTURE(two_stores, "what others add, edit, move and delete is seen at once") {
  CHECK(next() == "");
  json task = add("one", "First");
  CHECK(next() == "one");
  add("two", "Second", {{"priority", 1}});
  CHECK(next() == "two");
  write_file(root / "todo/by-hand.json", R"({"id":"hand","name":"By hand","priority":0})");
  CHECK(next() == "hand");
  write_file(root / "todo/by-hand.json", R"({"id":"hand","name":"By hand","priority":99})");
  CHECK(next() == "two");
  tasks.move("two", "done");
  CHECK(next() == "one");
  stdfs::remove(path_of(task));
  CHECK(next() == "hand");
  stdfs::rename(root / "todo/by-hand.json", root / "analysed/by-hand.json");
  CHECK(next() == "hand");
  CHECK(other.get("hand")["status"] == "analysed");
}

TEST_CASE_FIXTURE(two_stores, "a task that waits goes on when what it waits for is done") {
  add("one", "First");
  add("two", "Second", needs("one"));
  add("three", "Third", needs("two"));
  CHECK(next() == "one");
  for (const char* id : {"one", "two", "three"}) {
    CHECK(next() == id);
    REQUIRE(tasks.claim(request(id)));
    CHECK(next() == "");
    tasks.move(id, "done");
    tasks.release(id);
  }
  tasks.move("two", "todo");  // reopened: done is not for ever
  add("four", "Fourth", needs("two"));
  CHECK(next() == "two");
}

TEST_CASE_FIXTURE(two_stores, "a task that depends on what is not there waits until it comes") {
  add("one", "First", needs("The other one"));
  add("two", "Second", needs("late-file"));
  CHECK(next() == "");
  write_file(root / "done/x-12345678.json", R"({"id":"x","name":"The other one!"})");
  CHECK(next() == "one");
  REQUIRE(tasks.claim(request("one")));
  write_file(root / "done/late-file.json", R"({"id":"y","name":"Late"})");
  CHECK(next() == "two");
}

TEST_CASE_FIXTURE(two_stores, "a split task holds its dependants until the last child is done") {
  add("parent", "Parent", {{"status", "split"}, {"child_tasks", {"c1", "c2"}}});
  add("top", "Top", needs("parent"));
  add("c1", "Child one", {{"status", "in-progress"}});
  add("c2", "Child two", {{"status", "in-progress"}});
  CHECK(next() == "");
  tasks.move("c1", "done");
  CHECK(next() == "");
  tasks.move("c2", "done");
  CHECK(next() == "top");
}

TEST_CASE_FIXTURE(two_stores, "a task starts when its time has come, or its hold is lifted") {
  add("one", "First", {{"not_before", iso_time(wall_now() + 0.05)}});
  CHECK(next() == "");
  CHECK(eventually([&] { return next() == "one"; }));
  tasks.update("one", {{"hold", true}});
  CHECK(next() == "");
  tasks.update("one", {{"hold", nullptr}});
  CHECK(next() == "one");
}

TEST_CASE_FIXTURE(two_stores, "conditions are paths below the root that must be there, or not") {
  add("a", "Needs a file", {{"condition", "docs/plan.md"}});
  add("b", "Needs none", {{"condition", {"!stop", "docs/*.txt"}}});
  add("c", "Outside", {{"condition", "../../../etc/passwd"}});
  add("d", "Absolute", {{"condition", "/etc/passwd"}});
  CHECK(next() == "");
  write_file(dir / "docs/plan.md", "");
  CHECK(next() == "a");
  stdfs::remove(dir / "docs/plan.md");
  CHECK(next() == "");
  write_file(dir / "docs/x.txt", "");
  CHECK(next() == "b");
  write_file(dir / "stop", "");
  CHECK(next() == "");
  const json answer = other.next({"todo"});
  CHECK(answer["blocked"].size() == 4);
  CHECK(answer["blocked"][1]["kind"] == "time");
  CHECK(answer["blocked"][1]["reasons"][0]["text"] == "condition '!stop' does not hold");
}

TEST_CASE_FIXTURE(store_fixture,
                  "tasks that use the same resource or files run one after another") {
  struct pair {
    const char* field;
    std::vector<std::string> one, two;
    bool together;
  };
  for (const pair& each :
       {pair{"resources", {"gpu", "port 80"}, {"port 80"}, false},
        pair{"resources", {"gpu"}, {"port 80"}, true},
        pair{"touches", {"src/**"}, {"src/main.cpp"}, false},
        pair{"touches", {"src/*.cpp"}, {"src/m*"}, false},
        pair{"touches", {"src/**"}, {"docs/**"}, true}}) {
    json one = add("one", "First", {{each.field, each.one}});
    json two = add("two", "Second", {{each.field, each.two}});
    CHECK(claim(tasks, "one") == "one");
    store other(root);
    CHECK(claim(other, "two") == (each.together ? "two" : ""));
    if (!each.together) CHECK(has(reasons("two"), "resource: uses what 'First' ("));
    tasks.move("one", "done");
    tasks.release("one");
    CHECK(claim(other, "two") == (each.together ? "" : "two"));
    for (const char* place : {"done", "in-progress"}) stdfs::remove_all(root / place);
    tasks.create();
  }
}

TEST_CASE_FIXTURE(temporary_directory, "status directories may come and go") {
  store tasks(dir / "later");
  CHECK(tasks.next_id({"todo"}) == "");
  write_file(dir / "later/todo/a.json", R"({"id":"a","name":"A"})");
  CHECK(tasks.next_id({"todo"}) == "a");
  write_file(dir / "later/analysed/b.json", R"({"id":"b","name":"B"})");
  CHECK(tasks.next_id({"analysed"}) == "b");
  stdfs::remove_all(dir / "later/todo");
  CHECK(tasks.next_id({"todo"}) == "");
  CHECK(tasks.list().size() == 1);
}

TEST_CASE_FIXTURE(store_fixture, "a chain of ten thousand tasks is explained in a moment") {
  constexpr int length = 10'000;
  for (int i = 0; i < length; ++i) {
    std::string id = "t" + std::to_string(i);
    json task = {{"id", id}, {"name", id}, {"dependencies", {"t" + std::to_string(i + 1)}}};
    write_file(root / "todo" / (id + ".json"), dump_json(task));
  }
  auto begun = boot_now();
  json blocked = tasks.next({"todo"})["blocked"];
  REQUIRE(blocked.size() == length);
  for (const json& task : blocked)
    CHECK(task["reasons"][0]["text"].get_ref<const std::string&>().size() < 300);
  write_file(root / "failed/end.json", R"({"id":"t10000","name":"End"})");
  CHECK(has(reasons("t0"), "depends on 'End'"));
  CHECK(boot_now() - begun < std::chrono::seconds(20));
}
