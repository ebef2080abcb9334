// How processes end: bounds, the stop plan, and that nothing of a tree is left behind.
#include "agentlua/process.hpp"

#include "support.hpp"

using namespace agentlua;
using namespace agentlua::test;

namespace {

process_options options(std::vector<std::string> argv, bool contain = true) {
  process_options start;
  start.argv = std::move(argv);
  start.contain = contain;
  return start;
}
process_options fixture(const char* name, const std::string& nap, bool contain = true) {
  return options({program(name), nap}, contain);
}
bool finished(const process& child) { return child.now() == process::state::finished; }
bool gone(const std::string& nap) {
  return eventually([&] { return processes_with(nap).empty(); }, seconds(2));
}

/// Waits for the line "ready" of a fixture program, and for its pid.
bool ready(event_loop& loop, process& child) {
  std::string_view line;
  bool cut = false;
  return step_until(loop, [&] { return child.out().next_line(line, cut) && line == "ready"; }) &&
         step_until(loop, [&] { return child.pid() != 0; });
}

constexpr const char* misbehaving[] = {"ignores_term.sh",   "starts_daemon.sh", "stops_itself.sh",
                                       "fifty_children.sh", "keeps_forking.sh", "hops.sh"};

char state_of(pid_t pid) {
  std::string stat = fs::read_file("/proc/" + std::to_string(pid) + "/stat");
  return stat[stat.rfind(')') + 2];
}

}  // namespace

TEST_CASE_FIXTURE(leak_check, "the wall bound ends a child that goes on writing") {
  auto start = options({"sh", "-c", "while :; do echo x; sleep 0.01; done"});
  start.bounds.wall = seconds(0.2);
  start.bounds.idle = seconds(5);
  auto done = run(start);
  CHECK(done.bound == "wall");
  CHECK(done.signal == SIGTERM);
  CHECK(done.seconds >= 0.2);
  CHECK(done.seconds < 10);
}

TEST_CASE_FIXTURE(leak_check, "the idle bound ends a child that is silent, and no other") {
  auto start = options({"sh", "-c",
                        "for i in 1 2 3 4 5 6; do echo $i >&2; sleep 0.2; done; "
                        "exec sleep 60"});
  start.bounds.idle = seconds(1);
  auto done = run(start);
  CHECK(done.bound == "idle");
  CHECK(done.err == "1\n2\n3\n4\n5\n6\n");
  CHECK(done.seconds > 2);
  CHECK(done.seconds < 15);
}

TEST_CASE_FIXTURE(leak_check, "a child that waits for a slow reader is not idle") {
  event_loop loop;
  auto start = options({"sh", "-c", "head -c 16777216 /dev/zero"});
  start.bounds.idle = seconds(1);
  process child(loop, start);
  CHECK_FALSE(step_until(
      loop, [&] { return finished(child); }, seconds(2)));
  CHECK(child.result().bound == "");
  std::string bytes;
  CHECK(step_until(loop, [&] { return child.out().take_all(bytes), finished(child); }));
  CHECK(bytes.size() == 16u << 20);
}

TEST_CASE_FIXTURE(leak_check, "a child that ends in time has met no bound") {
  auto start = options({"true"});
  start.bounds.wall = start.bounds.idle = seconds(30);
  auto done = run(start);
  CHECK(done.code == 0);
  CHECK(done.bound == "");
}

TEST_CASE_FIXTURE(leak_check, "stop asks first: a child may clean up and exit as it likes") {
  for (bool contain : {true, false}) {
    event_loop loop;
    process child(loop, options({"sh", "-c",
                                 "trap 'echo bye; exit 5' TERM; echo ready; "
                                 "while :; do sleep 0.01; done"},
                                contain));
    REQUIRE(ready(loop, child));
    child.stop();
    REQUIRE(step_until(loop, [&] { return finished(child); }));
    std::string rest;
    child.out().take_all(rest);
    CHECK(rest == "bye\n");
    CHECK(child.result().code == 5);
    child.stop();  // nothing more to do
  }
}

TEST_CASE_FIXTURE(leak_check, "stop kills what ignores the request, after the wait") {
  for (bool contain : {true, false}) {
    const std::string nap = unique_nap();
    event_loop loop;
    auto start = fixture("ignores_term.sh", nap, contain);
    start.stop = {{SIGINT, seconds(0.1)}, {SIGTERM, seconds(0.2)}};
    process child(loop, start);
    REQUIRE(ready(loop, child));
    auto asked = boot_now();
    child.stop();
    REQUIRE(step_until(loop, [&] { return finished(child); }));
    CHECK(boot_now() - asked >= std::chrono::milliseconds(300));
    CHECK(child.result().signal == SIGKILL);
    CHECK(gone(nap));
  }
}

TEST_CASE_FIXTURE(leak_check, "to stop again goes on to the next step at once") {
  event_loop loop;
  auto start = fixture("ignores_term.sh", unique_nap());
  start.stop = {{SIGTERM, seconds(60)}};
  process child(loop, start);
  REQUIRE(ready(loop, child));
  child.stop();
  child.stop();
  CHECK(step_until(
      loop, [&] { return finished(child); }, seconds(5)));
  CHECK(child.result().signal == SIGKILL);
}

TEST_CASE_FIXTURE(leak_check, "a child can be stopped before it is known to run") {
  event_loop loop;
  process child(loop, options({"sleep", "60"}));
  child.kill();
  CHECK(step_until(loop, [&] { return finished(child); }));
  CHECK(child.result().code == -1);
}

TEST_CASE_FIXTURE(leak_check, "a tree can be paused and resumed, and a paused one ends") {
  const std::string nap = unique_nap();
  event_loop loop;
  process child(loop, fixture("ignores_term.sh", nap));
  REQUIRE(ready(loop, child));
  auto tree_is = [&](char state) {
    auto pids = processes_with(nap);
    auto is = [&](pid_t pid) { return state_of(pid) == state; };
    return std::count_if(pids.begin(), pids.end(), is) == (state == 'T' ? 2 : 3);
  };
  REQUIRE(eventually([&] { return tree_is('S'); }));  // the script, its sleep and the reaper
  child.signal(SIGSTOP);
  CHECK(eventually([&] { return tree_is('T'); }));
  child.signal(SIGCONT);
  CHECK(eventually([&] { return tree_is('S'); }));
  child.signal(SIGSTOP);
  CHECK(eventually([&] { return tree_is('T'); }));
  child.kill();
  CHECK(step_until(loop, [&] { return finished(child); }));
  CHECK(gone(nap));
}

TEST_CASE_FIXTURE(leak_check, "a tree that is stopped hears the request to end") {
  event_loop loop;
  process child(loop, options({"sh", "-c", "trap 'exit 6' TERM; echo ready; kill -STOP $$"}));
  REQUIRE(ready(loop, child));
  REQUIRE(eventually([&] { return state_of(child.pid()) == 'T'; }));
  child.stop();
  CHECK(step_until(
      loop, [&] { return finished(child); }, seconds(4)));
  CHECK(child.result().code == 6);
}

TEST_CASE_FIXTURE(leak_check, "nothing is left of a tree, however it misbehaves") {
  for (const char* name : misbehaving) {
    CAPTURE(name);
    const std::string nap = unique_nap();
    event_loop loop;
    auto start = fixture(name, nap);
    start.stop = {{SIGTERM, seconds(0.1)}};
    process child(loop, start);
    REQUIRE(ready(loop, child));
    child.stop();
    CHECK(step_until(loop, [&] { return finished(child); }));
    CHECK(processes_with(nap).empty());
  }
}

TEST_CASE_FIXTURE(leak_check, "a child that ends by itself leaves nothing, and is not waited for") {
  const std::string nap = unique_nap();
  auto done = run(fixture("leaves_grandchild.sh", nap));
  CHECK(done.code == 3);
  CHECK(done.out == "ready\n");
  CHECK(done.seconds < 10);
  CHECK(processes_with(nap).empty());
}

TEST_CASE_FIXTURE(leak_check, "a stranger that holds stdout delays the end by two seconds") {
  const std::string nap = unique_nap();
  auto done = run(fixture("leaves_grandchild.sh", nap, false));
  CHECK(done.code == 3);
  CHECK(done.out == "ready\n");
  CHECK(done.seconds >= 2);
  CHECK(done.seconds < 10);
  for (pid_t pid : processes_with(nap)) ::kill(pid, SIGKILL);
  CHECK(gone(nap));
}

TEST_CASE_FIXTURE(leak_check, "a process that is destroyed leaves nothing") {
  for (const char* name : misbehaving) {
    CAPTURE(name);
    const std::string nap = unique_nap();
    event_loop loop;
    {
      process child(loop, fixture(name, nap));
      REQUIRE(ready(loop, child));
    }
    CHECK(processes_with(nap).empty());
  }
  const std::string nap = unique_nap();
  event_loop loop;
  { process child(loop, options({"sleep", nap}, false)); }
  { process child(loop, options({"sleep", nap})); }
  CHECK(processes_with(nap).empty());
}

TEST_CASE_FIXTURE(leak_check, "kill -9 of the host leaves nothing") {
  for (const char* name : misbehaving) {
    CAPTURE(name);
    const std::string nap = unique_nap();
    int status = in_child([&] {
      event_loop loop;
      process child(loop, fixture(name, nap));
      if (ready(loop, child)) ::raise(SIGKILL);
    });
    CHECK(WIFSIGNALED(status));
    CHECK(eventually([&] { return processes_with(nap).empty(); }));
  }
}

TEST_CASE_FIXTURE(leak_check, "kill -9 of the reaper ends the program, and is told as such") {
  const std::string nap = unique_nap();
  event_loop loop;
  process child(loop, options({"sleep", nap}));
  REQUIRE(step_until(loop, [&] { return child.pid() != 0; }));
  for (pid_t pid : processes_with(nap))
    if (pid != child.pid()) ::kill(pid, SIGKILL);
  CHECK(step_until(loop, [&] { return finished(child); }));
  CHECK(child.result().error_code == "ELOST");
  CHECK(has(child.result().error_text, "'sleep' died with it"));
  CHECK(gone(nap));
}
