// The task store: adding, finding, claiming, moving, and what dead owners leave.
#include "agentlua/store.hpp"

#include "store_fixture.hpp"

using namespace agentlua;
using namespace agentlua::test;

TEST_CASE_FIXTURE(store_fixture, "a task is a file in todo, with its defaults filled in") {
  json task = tasks.add({{"name", "Fix: the Thing"}, {"custom", {{"z", 1}, {"a", 2}}}});
  std::string id = task["id"];
  CHECK(id.size() == 36);
  CHECK(task["status"] == "todo");
  CHECK(task["file"] == "fix-the-thing-" + text::id8(id) + ".json");
  json kept = parse_json(fs::read_file(path_of(task)), "task");
  CHECK(kept["id8"] == text::id8(id));
  CHECK(kept["priority"] == 50);
  CHECK(parse_iso_time(kept["created_at"].get<std::string>()));
  CHECK(dump_json(kept["custom"]) == R"({"z":1,"a":2})");
  CHECK_FALSE(kept.contains("file"));
}

TEST_CASE_FIXTURE(store_fixture, "a task without a name, or with an unknown status, is refused") {
  CHECK(error_of([&] { tasks.add(json::object()); }) == "EINVAL");
  CHECK(error_of([&] { tasks.add({{"name", ""}}); }) == "EINVAL");
  CHECK(error_of([&] { tasks.add({{"name", 5}}); }) == "EINVAL");
  CHECK(error_of([&] { tasks.add(json::array()); }) == "EINVAL");
  CHECK(error_of([&] { tasks.add({{"name", "a"}, {"status", "../todo"}}); }) == "EINVAL");
  CHECK(error_of([&] { tasks.list("nowhere"); }) == "EINVAL");
  CHECK(tasks.list().empty());
}

TEST_CASE_FIXTURE(store_fixture, "an id that could mean something to a path is refused") {
  for (const char* id : {"", "../evil", "a/b", "-rf", ".hidden", "a b", "a\n", "$(id)", "ü"}) {
    CHECK(error_of([&] { tasks.add({{"name", "a"}, {"id", id}}); }) == "EINVAL");
    json short_id = {{"name", "a"}, {"id8", std::string("/") + id}};
    CHECK(error_of([&] { tasks.add(short_id); }) == "EINVAL");
  }
  CHECK(error_of([&] { tasks.add({{"name", "a"}, {"id", std::string(129, 'a')}}); }) == "EINVAL");
  std::string said;
  CHECK(error_of([&] { tasks.add({{"name", "a"}, {"id", "\x1b[2J"}}); }, &said) == "EINVAL");
  CHECK(has(said, "\\x1b[2J"));
  CHECK(tasks.list().empty());
  CHECK(add("A-1_b.c", "a")["id"] == "A-1_b.c");
}

TEST_CASE_FIXTURE(store_fixture, "an id can be used once, also after its task is done") {
  add("one", "First");
  CHECK(error_of([&] { add("one", "Second"); }) == "EEXIST");
  tasks.move("one", "done");
  CHECK(error_of([&] { add("one", "Second"); }) == "EEXIST");
  std::string said;
  CHECK(error_of([&] { add("ONE", "Second"); }, &said) == "EEXIST");
  CHECK(has(said, "'ONE' differs from 'one', in done, only in upper and lower case"));
  add("deadbeef-1", "Third");
  json other = add("deadbeef-2", "Fourth");
  CHECK(other["id8"] != "deadbeef");
  tasks.move("deadbeef-2", "done");
  CHECK(error_of([&] { add("deadbeef-2", "Fifth"); }) == "EEXIST");
}

TEST_CASE_FIXTURE(store_fixture, "a task is found by id, prefix, short id, slug and file name") {
  json task = add("deadbeef-0001", "Fix: the Thing", {{"slug", "my-slug"}});
  add("other", "Another");
  for (std::string key :
       {"deadbeef-0001", "dead", "deadbeef", "fix-the-thing", "my-slug", "fix-the-thing-deadbeef"})
    CHECK(tasks.get(key)["id"] == "deadbeef-0001");
  tasks.move("deadbeef-0001", "done");
  CHECK(store(root).get("fix-the-thing")["status"] == "done");
  CHECK(store(root).get("deadbeef-0001")["status"] == "done");
}

TEST_CASE_FIXTURE(store_fixture, "a key that names nothing is an error that says what to do") {
  add("one", "First");
  std::string said;
  CHECK(error_of([&] { tasks.get("non\x1b[2J"); }, &said) == "ENOENT");
  CHECK(said == "no task 'non\\x1b[2J'; agentlua task list shows what is there");
  CHECK(error_of([&] { tasks.get(""); }) == "ENOENT");  // and not the only task there is
  CHECK(error_of([&] { tasks.move("", "done"); }) == "ENOENT");
}

TEST_CASE_FIXTURE(store_fixture, "an ambiguous prefix names the candidates") {
  add("aaa-1", "First");
  add("aaa-2", "Second");
  add("aaa", "Third");
  std::string said;
  CHECK(error_of([&] { tasks.get("aa"); }, &said) == "EAMBIGUOUS");
  CHECK(has(said, "aaa-1 (First)"));
  CHECK(has(said, "aaa-2 (Second)"));
  CHECK(tasks.get("aaa")["name"] == "Third");  // an exact id is never ambiguous
}

TEST_CASE_FIXTURE(store_fixture, "tasks come in the order in which they would run") {
  add("c", "Later", {{"created_at", "2026-01-02T00:00:00Z"}});
  add("b", "Earlier", {{"created_at", "2026-01-01T00:00:00Z"}});
  add("a", "Urgent", {{"priority", 1}});
  add("d", "Begun", {{"worktree", {{"path", "/x"}}}, {"priority", 99}});
  add("e", "Odd", {{"priority", "high"}, {"created_at", 5}});
  std::string order;
  for (const json& task : tasks.list("todo")) order += task["id"].get<std::string>();
  CHECK(order == "daebc");
  add("f", "Analysed", {{"status", "analysed"}, {"priority", 98}});
  order.clear();
  while (auto task = tasks.claim(request())) order += (*task)["id"].get<std::string>();
  CHECK(order == "dfaebc");
}

TEST_CASE_FIXTURE(store_fixture, "a claim moves the task, tells where from, and owns it") {
  json made = add("one", "First");
  auto task = tasks.claim(request());
  REQUIRE(task);
  CHECK((*task)["status"] == "in-progress");
  CHECK((*task)["claimed_from"] == "todo");
  CHECK((*task)["file"] == made["file"]);
  CHECK(stdfs::exists(path_of(*task)));
  CHECK_FALSE(stdfs::exists(path_of(made)));
  CHECK(tasks.is_owned("one"));
  CHECK(tasks.owner_fd("one") >= 0);
  CHECK(claim(tasks) == "");
  tasks.release("one");
  CHECK_FALSE(tasks.is_owned("one"));
  CHECK(error_of([&] { tasks.owner_fd("one"); }) == "ENOENT");
}

TEST_CASE_FIXTURE(store_fixture, "a claim can ask for one task, and pass over others") {
  add("one", "First");
  add("two", "Second");
  CHECK(claim(tasks, "none") == "");
  CHECK(claim(tasks, "two") == "two");
  auto wanted = request();
  wanted.exclude = {"one"};
  CHECK_FALSE(tasks.claim(wanted));
  CHECK(claim(tasks) == "one");
  CHECK(error_of([&] {
          auto bad = request();
          bad.to = "../x";
          tasks.claim(bad);
        }) == "EINVAL");
}

TEST_CASE_FIXTURE(store_fixture, "a claim fails while another store owns the task") {
  add("one", "First");
  store other(root);
  REQUIRE(claim(other) == "one");
  CHECK(claim(tasks, "one") == "");
  tasks.get("one");
  stdfs::rename(root / "in-progress" / other.get("one")["file"].get<std::string>(),
                root / "todo" / other.get("one")["file"].get<std::string>());
  CHECK(claim(tasks, "one") == "");  // somebody moved it, but its owner lives
  other.release("one");
  CHECK(claim(tasks, "one") == "one");
}

TEST_CASE_FIXTURE(store_fixture, "each task is claimed once by any number of processes") {
  constexpr int count = 30;
  for (int i = 0; i < count; ++i) add("task-" + std::to_string(i), "Task");
  std::vector<pid_t> pids;
  for (int worker = 0; worker < 4; ++worker) {
    pid_t pid = ::fork();
    if (pid == 0) {
      store mine(root);
      std::string got;
      while (auto task = mine.claim(request())) got += (*task)["id"].get<std::string>() + "\n";
      fs::append_record(dir / "claimed", got);
      ::_exit(0);
    }
    pids.push_back(pid);
  }
  for (pid_t pid : pids) ::waitpid(pid, nullptr, 0);
  auto claimed = fs::read_file(dir / "claimed");
  CHECK(std::count(claimed.begin(), claimed.end(), '\n') == count);
  for (int i = 0; i < count; ++i) CHECK(has(claimed, "task-" + std::to_string(i) + "\n"));
}

TEST_CASE_FIXTURE(store_fixture, "a task in the way of a claim does not stop the others") {
  json made = add("one", "First", {{"priority", 1}});
  add("two", "Second");
  write_file(root / "in-progress" / made["file"].get<std::string>(),
             R"({"id":"x","name":"Other"})");
  CHECK(claim(tasks) == "two");
  CHECK(error_of([&] { claim(tasks); }) == "EEXIST");
  CHECK(stdfs::exists(path_of(made)));
}

TEST_CASE_FIXTURE(store_fixture, "a task that is in two places waits until one is set aside") {
  json made = add("one", "First");
  const std::string file = made["file"];
  stdfs::copy(path_of(made), root / "done" / file);
  CHECK(claim(tasks) == "");
  CHECK(has(reasons("one"), "duplicate: its id is also in done/"));
  CHECK(kind("one") == "time");
  json problems = tasks.problems(true);
  REQUIRE(problems.size() == 1);
  CHECK(problems[0]["status"] == "todo");  // the other has come further
  CHECK(tasks.quarantine("todo", file));
  CHECK(tasks.problems(true).empty());
  CHECK(tasks.get("one")["status"] == "done");
}

TEST_CASE_FIXTURE(store_fixture, "a move takes the task and its new fields along") {
  json made = add("one", "First");
  json moved = tasks.move("one", "failed", {{"reason", "no luck"}});
  CHECK(moved["status"] == "failed");
  CHECK_FALSE(stdfs::exists(path_of(made)));
  json kept = parse_json(fs::read_file(path_of(moved)), "task");
  CHECK(kept["reason"] == "no luck");
  CHECK(kept["status"] == "failed");
  CHECK(tasks.move("one", "failed")["status"] == "failed");
  CHECK(error_of([&] { tasks.move("one", "elsewhere"); }) == "EINVAL");
}

TEST_CASE_FIXTURE(store_fixture, "a move is refused while another store owns the task") {
  json made = add("deadbeef-1", "First");
  store other(root);
  REQUIRE(claim(other) == "deadbeef-1");
  for (const char* key : {"deadbeef-1", "dead", "deadbeef", "first", "first-deadbeef"}) {
    std::string said;
    CHECK(error_of([&] { tasks.move(key, "done", {{"reason", "x"}}); }, &said) == "ELOCKED");
    CHECK(has(said, "is being worked on"));
  }
  CHECK(tasks.get("deadbeef-1")["status"] == "in-progress");
  CHECK_FALSE(tasks.get("deadbeef-1").contains("reason"));
  CHECK(other.move("deadbeef-1", "done")["status"] == "done");
}

TEST_CASE_FIXTURE(store_fixture, "recover takes the tasks of dead owners, and only these") {
  add("dead", "Dead", {{"status", "analysed"}});
  add("living", "Living");
  add("waiting", "Waiting");
  int status = in_child([&] {
    store mine(root);
    if (claim(mine, "dead") == "dead") ::raise(SIGKILL);
  });
  REQUIRE(WIFSIGNALED(status));
  store other(root);
  REQUIRE(claim(other, "living") == "living");
  auto found = tasks.recover();
  REQUIRE(found.size() == 1);
  CHECK(found[0]["id"] == "dead");
  CHECK(found[0]["status"] == "in-progress");
  CHECK(found[0]["claimed_from"] == "analysed");
  CHECK(tasks.is_owned("dead"));
  CHECK(other.recover().empty());
  CHECK(tasks.recover().empty());
}

TEST_CASE_FIXTURE(store_fixture, "recover knows where a task came from without a lock file") {
  add("one", "First", {{"status", "in-progress"}});
  add("two", "Second", {{"status", "analysing"}});
  add("three", "Third", {{"status", "in-progress"}, {"analysis", {{"x", 1}}}});
  std::string from;
  for (const json& task : tasks.recover())
    from += task["id"].get<std::string>() + ":" + task["claimed_from"].get<std::string>() + " ";
  CHECK(has(from, "one:todo "));
  CHECK(has(from, "two:todo "));
  CHECK(has(from, "three:analysed "));
}

TEST_CASE_FIXTURE(store_fixture, "recover gives back what was claimed from an unusual status") {
  add("one", "First", {{"status", "failed"}});
  add("two", "Second", {{"analysis", {{"x", 1}}}});  // has an analysis, and is in todo all the same
  int status = in_child([&] {
    store mine(root);
    auto wanted = request("one");
    wanted.from = {"failed"};
    if (mine.claim(wanted) && claim(mine, "two") == "two") ::raise(SIGKILL);
  });
  REQUIRE(WIFSIGNALED(status));
  std::string from;
  for (const json& task : tasks.recover())
    from += task["id"].get<std::string>() + ":" + task["claimed_from"].get<std::string>() + " ";
  CHECK(has(from, "one:failed "));
  CHECK(has(from, "two:todo "));
  for (const char* id : {"one", "two"}) {
    tasks.move(id, "todo");
    CHECK(tasks.get(id)["claimed_from"].is_null());
    tasks.release(id);
  }
}

TEST_CASE_FIXTURE(store_fixture, "a claimed_from that no claim writes is not believed") {
  add("one", "First", {{"status", "in-progress"}, {"claimed_from", "done"}});
  CHECK(tasks.recover()[0]["claimed_from"] == "todo");
}
