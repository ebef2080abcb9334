// The task store: what is written to a task's file, and files that are damaged.
#include "agentlua/store.hpp"

#include <sys/inotify.h>

#include "store_fixture.hpp"

using namespace agentlua;
using namespace agentlua::test;

namespace {

/// Sees which files of a directory are opened.
class opened_files {
 public:
  explicit opened_files(const stdfs::path& dir) : fd_(::inotify_init1(IN_CLOEXEC | IN_NONBLOCK)) {
    REQUIRE(::inotify_add_watch(fd_.get(), dir.c_str(), IN_OPEN) >= 0);
  }
  /// How many were since the last call; the directory itself does not count.
  int count() const {
    alignas(inotify_event) char events[4096];
    int named = 0;
    for (ssize_t got; (got = ::read(fd_.get(), events, sizeof events)) > 0;)
      for (char* at = events; at < events + got;) {
        const auto* event = reinterpret_cast<inotify_event*>(at);
        named += event->len > 0;
        at += sizeof *event + event->len;
      }
    return named;
  }

 private:
  detail::unique_fd fd_;
};

}  // namespace

TEST_CASE_FIXTURE(store_fixture, "an update keeps the order of keys and unknown fields") {
  write_file(root / "todo/mine-1.json", R"({"zeta":1,"name":"Mine","big":9007199254740993,)"
                                        R"("id":"mine-1","alpha":{"y":0,"b":[1.0]}})");
  tasks.update("mine-1", {{"alpha2", true}, {"zeta", 2}});
  json kept = parse_json(fs::read_file(root / "todo/mine-1.json"), "task");
  std::string keys;
  for (const auto& [key, value] : kept.items()) keys += key + " ";
  CHECK(keys == "zeta name big id alpha alpha2 updated_at ");
  CHECK(kept["zeta"] == 2);
  CHECK(dump_json(kept["big"]) == "9007199254740993");
  CHECK(dump_json(kept["alpha"]) == R"({"y":0,"b":[1.0]})");
}

TEST_CASE_FIXTURE(store_fixture, "an update cannot make a task another one, or unreadable") {
  add("one", "First");
  CHECK(error_of([&] { tasks.update("one", {{"id", "../two"}}); }) == "EINVAL");
  CHECK(error_of([&] { tasks.update("one", {{"name", ""}}); }) == "EINVAL");
  CHECK(error_of([&] { tasks.update("one", {{"name", nullptr}}); }) == "EINVAL");
  CHECK(error_of([&] { tasks.move("one", "done", {{"id", "two"}}); }) == "EINVAL");
  CHECK(tasks.get("one")["name"] == "First");
  CHECK(tasks.get("one")["status"] == "todo");
  CHECK(tasks.update("one", {{"name", "New name"}, {"id", "one"}})["name"] == "New name");
  CHECK(error_of([&] { tasks.update("none", {{"a", 1}}); }) == "ENOENT");
}

TEST_CASE_FIXTURE(store_fixture, "an update follows a task that another store has moved") {
  add("one", "First");
  store other(root);
  tasks.get("one");
  other.move("one", "needs-review");
  CHECK(tasks.update("one", {{"note", "x"}})["status"] == "needs-review");
  CHECK(fs::list_directory(root / "todo").empty());
  CHECK(fs::list_directory(root / "needs-review").size() == 1);
}

TEST_CASE_FIXTURE(store_fixture, "concurrent updates are all kept, while the task is moved about") {
  constexpr int writers = 3;
  constexpr int each = 25;
  const std::string file = add("one", "First")["file"];
  std::vector<pid_t> pids;
  for (int writer = 0; writer < writers; ++writer) {
    pid_t pid = ::fork();
    if (pid == 0) {
      store mine(root);
      int failed = 0;
      for (int i = 0; i < each; ++i) {
        json patch = {{std::to_string(writer) + "-" + std::to_string(i), i}};
        failed += !error_of([&] { mine.update(i % 2 ? "one" : "first", patch); }).empty();
      }
      ::_exit(failed);
    }
    pids.push_back(pid);
  }
  pid_t mover = ::fork();
  if (mover == 0) {
    for (int i = 0;; ++i) {  // by hand, without the locks of a store
      const char* status[] = {"todo", "in-progress", "done"};
      fs::rename_noreplace(root / status[i % 3] / file, root / status[(i + 1) % 3] / file);
      timespec nap{0, 20'000'000};  // longer than several looks at the directories take
      ::nanosleep(&nap, nullptr);
    }
  }
  for (pid_t pid : pids) {
    int status = 0;
    ::waitpid(pid, &status, 0);
    CHECK(status == 0);
  }
  ::kill(mover, SIGKILL);
  ::waitpid(mover, nullptr, 0);
  CHECK(tasks.list().size() == 1);
  json kept = tasks.get("one");
  int found = 0;
  for (int writer = 0; writer < writers; ++writer)
    for (int i = 0; i < each; ++i)
      found += kept.contains(std::to_string(writer) + "-" + std::to_string(i));
  CHECK(found == writers * each);
}

TEST_CASE_FIXTURE(store_fixture, "a file that changed is read again, one that went is forgotten") {
  json task = add("one", "First");
  CHECK(tasks.get("one")["name"] == "First");
  write_file(path_of(task), R"({"id":"one","name":"Edited by hand"})");
  CHECK(tasks.get("one")["name"] == "Edited by hand");
  stdfs::remove(path_of(task));
  CHECK(error_of([&] { tasks.get("one"); }) == "ENOENT");
}

TEST_CASE_FIXTURE(store_fixture, "files that are no tasks are reported, and stop nothing") {
  add("one", "First");
  write_file(root / "todo/empty.json", "");
  write_file(root / "todo/broken.json", "{\"id\": ");
  write_file(root / "todo/list.json", "[]");
  write_file(root / "todo/no-id.json", R"({"name":"x"})");
  write_file(root / "todo/no-name.json", R"({"id":"x","name":7})");
  write_file(root / "todo/deep.json", "{\"x\":" + std::string(100, '['));
  REQUIRE(::mkfifo((root / "todo/fifo.json").c_str(), 0600) == 0);
  write_file(root / "todo/.hidden.json", "");
  write_file(root / "todo/notes.txt", "");
  std::string reported;
  for (const json& problem : tasks.problems()) {
    CHECK(problem["status"] == "todo");
    CHECK(problem["age"].get<double>() < 60);
    reported += string_or(problem, "file") + ": " + string_or(problem, "reason") + "\n";
  }
  CHECK(std::count(reported.begin(), reported.end(), '\n') == 7);
  CHECK(has(reported, "empty.json: " + (root / "todo/empty.json").native() + ": the file is"));
  CHECK(has(reported, "parse error"));
  CHECK(has(reported, "a task is a JSON object, this is array"));
  CHECK(has(reported, "the task has no \"id\""));
  CHECK(has(reported, "the task has no \"name\""));
  CHECK(has(reported, "nested deeper than 64"));
  CHECK(has(reported, "not a regular file"));
  CHECK(claim(tasks) == "one");
}

TEST_CASE_FIXTURE(store_fixture, "an unreadable file is set aside with the reason beside it") {
  write_file(root / "todo/broken.json", "{\"id\": ");
  CHECK(tasks.problems().size() == 1);
  CHECK(tasks.quarantine("todo", "broken.json"));
  CHECK(tasks.problems().empty());
  CHECK_FALSE(stdfs::exists(root / "todo/broken.json"));
  auto kept = fs::list_directory(root / ".quarantine");
  std::sort(kept.begin(), kept.end());
  REQUIRE(kept.size() == 2);
  CHECK(kept[0].starts_with("todo-"));
  CHECK(kept[0].ends_with("-broken.json"));
  CHECK(kept[1] == kept[0] + ".reason");
  CHECK(fs::read_file(root / ".quarantine" / kept[0]) == "{\"id\": ");
  CHECK(has(fs::read_file(root / ".quarantine" / kept[1]), "parse error"));
}

TEST_CASE_FIXTURE(store_fixture, "only what cannot be read is set aside") {
  std::string file = add("one", "First")["file"];
  CHECK_FALSE(tasks.quarantine("todo", file));
  CHECK_FALSE(tasks.quarantine("todo", "none.json"));
  CHECK_FALSE(tasks.quarantine("..", "tasks ü"));
  write_file(root / "todo/broken.json", "{");
  CHECK(tasks.problems().size() == 1);
  write_file(root / "todo/broken.json", R"({"id":"two","name":"Mended"})");
  CHECK_FALSE(tasks.quarantine("todo", "broken.json"));
  CHECK(tasks.get("two")["name"] == "Mended");
}

TEST_CASE_FIXTURE(store_fixture, "a done task is not read unless a dependency needs it") {
  add("one", "First");
  add("two", "Second", {{"dependencies", {"old-file-11111111"}}});
  write_file(root / "done/old-file-11111111.json", R"({"id":"old","name":"Old name"})");
  opened_files watched(root / "done");
  CHECK(tasks.next({"todo"})["ready"] == 2);
  CHECK(claim(tasks) == "one");
  CHECK(watched.count() == 0);
  add("three", "Third", {{"dependencies", {"Old name"}}});
  CHECK(claim(tasks, "three") == "three");
  CHECK(watched.count() == 1);
  CHECK(tasks.next({"todo"})["ready"] == 1);  // it is known from now on
  CHECK(watched.count() == 0);
}

TEST_CASE_FIXTURE(store_fixture, "a damaged done task stops nothing but what depends on it") {
  add("one", "First");
  add("two", "Second", {{"dependencies", {"old"}}});
  write_file(root / "done/old-file-11111111.json", "this does not parse");
  CHECK(claim(tasks) == "one");
  CHECK(kind("two") == "person");  // it may be the one
  CHECK(has(reasons("two"), "unreadable: depends on 'old', which may be one of the files"));
  CHECK(tasks.list().size() == 2);
}

TEST_CASE_FIXTURE(store_fixture,
                  "a task is not claimed again when its id is done in another file") {
  write_file(root / "done/kept.json", R"({"id":"one","name":"First"})");
  write_file(root / "done/other-name-deadbeef.json", R"({"id":"deadbeef-1","name":"Second"})");
  write_file(root / "done/third-12345678.json", R"({"id":"three","name":"Third"})");
  write_file(root / "todo/a.json", R"({"id":"one","name":"First"})");
  write_file(root / "todo/b.json", R"({"id":"deadbeef-1","name":"Second"})");
  write_file(root / "todo/c.json", R"({"id":"four","name":"Fourth"})");
  opened_files watched(root / "done");
  CHECK(claim(tasks) == "four");
  CHECK(watched.count() == 2);  // the name of the third says that it is another one
  CHECK(claim(tasks).empty());
  std::vector<std::string> said;
  for (const json& one : tasks.problems()) said.push_back(one["reason"]);
  REQUIRE(said.size() == 2);
  CHECK(has(said[0] + said[1], "id 'one' is also in done/kept.json"));
  CHECK(has(said[0] + said[1], "id 'deadbeef-1' is also in done/other-name-deadbeef.json"));
}

TEST_CASE_FIXTURE(store_fixture, "a task written by somebody else may have any name, not any id") {
  write_file(root / "todo/a.json", R"({"id":"../../evil","name":"x"})");
  write_file(root / "todo/b.json", R"({"id":"a\u0000b","name":"x"})");
  write_file(root / "todo/c.json", R"({"id":"one","name":"../x\u001b[2J"})");
  CHECK(claim(tasks) == "one");
  CHECK(claim(tasks).empty());
  std::vector<std::string> said;
  for (const json& one : tasks.problems()) said.push_back(one["reason"]);
  REQUIRE(said.size() == 2);
  CHECK(has(said[0] + said[1], "task id '../../evil' is refused"));
  CHECK(has(said[0] + said[1], "task id 'a\\x00b' is refused"));
  CHECK(fs::list_directory(dir) == std::vector<std::string>{"tasks ü"});
}

TEST_CASE_FIXTURE(store_fixture, "a short id that is none is made anew, and stays in the file") {
  const std::string written = R"({"id":"one","id8":"../x","name":"First"})";
  write_file(root / "todo/a.json", written);
  CHECK(tasks.get("one")["id8"] == text::id8("one"));
  CHECK(tasks.claim(request())->at("id8") == text::id8("one"));
  CHECK(fs::read_file(root / "in-progress/a.json") == written);
  for (const char* id8 : {"", "a-b", "12345678901234567", "x.lock"}) CHECK_FALSE(is_id8(id8));
  CHECK(is_id8("1234abcd"));
}
