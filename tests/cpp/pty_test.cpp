// Pseudo terminals, and children that have one.
#include "agentlua/pty.hpp"

#include "support.hpp"

using namespace agentlua;
using namespace agentlua::test;

namespace {

constexpr std::size_t megabyte = 1'000'000;

process_options options(std::vector<std::string> argv) {
  process_options start;
  start.argv = std::move(argv);
  return start;
}
process_options on_pty(std::vector<std::string> argv) {
  process_options start = options(std::move(argv));
  start.pty.emplace();
  return start;
}
process_options shell(const char* script) { return on_pty({"sh", "-c", script}); }
bool finished(const process& child) { return child.now() == process::state::finished; }

/// Steps until the child has said `text`; what it says is appended to `said`.
bool hears(event_loop& loop, process& child, std::string& said, std::string_view text) {
  return step_until(loop, [&] {
    child.out().take_all(said);
    return has(said, text);
  });
}

}  // namespace

TEST_CASE_FIXTURE(leak_check, "a pair carries bytes both ways, has a name, a size and an echo") {
  pty both = open_pty({30, 100});
  CHECK(both.name.starts_with("/dev/pts/"));
  CHECK(::isatty(both.slave.get()) == 1);
  CHECK(size_of(both.slave.get()).rows == 30);
  set_size(both.master.get(), {40, 132});
  CHECK(size_of(both.slave.get()).rows == 40);
  CHECK(size_of(both.slave.get()).columns == 132);
  CHECK(echoes(both.master.get()));
  set_echo(both.slave.get(), false);
  CHECK_FALSE(echoes(both.master.get()));
  set_echo(both.master.get(), true);
  CHECK(echoes(both.slave.get()));
  for (int fd : {both.master.get(), both.slave.get()})
    CHECK((::fcntl(fd, F_GETFD) & FD_CLOEXEC) != 0);

  auto nothing = fs::open("/dev/null", O_RDWR);
  CHECK(error_of([&] { set_echo(nothing.get(), false); }) == "ENOTTY");
  CHECK(error_of([&] { set_size(nothing.get(), {}); }) == "ENOTTY");
  CHECK(size_of(nothing.get()).columns == 80);
}

TEST_CASE_FIXTURE(leak_check, "all three streams of a child are its controlling terminal") {
  auto done = run(shell(
      "tty; test -t 1 && test -t 2 && echo both >&2; echo mine > /dev/tty; "
      "cut -d' ' -f1,6 /proc/$$/stat; ls /proc/$$/fd | tr '\\n' ' '"));
  CHECK(done.code == 0);
  CHECK(done.out.starts_with("/dev/pts/"));
  CHECK(has(done.out, "both\r\nmine\r\n"));
  std::string ids = done.out.substr(done.out.find("mine") + 6);
  CHECK_MESSAGE(ids.substr(0, ids.find(' ')) ==
                    ids.substr(ids.find(' ') + 1, ids.find('\r') - ids.find(' ') - 1),
                "it leads the session: ", ids);
  CHECK(done.err == "");
}

TEST_CASE_FIXTURE(leak_check, "the child has descriptors 0, 1 and 2 and no other") {
  event_loop loop;
  process child(loop, on_pty({"sleep", "60"}));
  REQUIRE(step_until(loop, [&] { return child.pid() != 0; }));
  CHECK(eventually([&] {
    auto names = fs::list_directory("/proc/" + std::to_string(child.pid()) + "/fd");
    std::sort(names.begin(), names.end());
    return names == std::vector<std::string>{"0", "1", "2"};
  }));
}

TEST_CASE_FIXTURE(leak_check, "the size is the one given, and a new one is told by a signal") {
  event_loop loop;
  auto start = shell("trap 'stty size; exit' WINCH; stty size; while :; do sleep 0.01; done");
  start.pty = terminal_size{31, 99};
  process child(loop, start);
  std::string said;
  REQUIRE(hears(loop, child, said, "31 99\r\n"));
  child.resize({50, 132});
  CHECK(hears(loop, child, said, "50 132\r\n"));
  CHECK(step_until(loop, [&] { return finished(child); }));
}

TEST_CASE_FIXTURE(leak_check, "a typed line is echoed and read; Ctrl-D is the end of the input") {
  event_loop loop;
  process child(loop, on_pty({"cat"}));
  std::string said;
  child.write("line\r");
  REQUIRE(hears(loop, child, said, "line\r\nline\r\n"));
  SUBCASE("at the start of a line") {}
  SUBCASE("inside of one") { child.write("rest"); }
  child.close_stdin();
  REQUIRE(step_until(loop, [&] { return finished(child); }));
  CHECK(child.result().code == 0);
  child.write("too late");
}

TEST_CASE_FIXTURE(leak_check, "text given at the start is typed, and the terminal stays open") {
  event_loop loop;
  auto start = shell("read a; read b; echo \"[$a $b]\"");
  start.stdin_text = "one\n";
  process child(loop, start);
  child.write("two\n");
  std::string said;
  CHECK(hears(loop, child, said, "[one two]\r\n"));
  CHECK(step_until(loop, [&] { return finished(child); }));
}

TEST_CASE_FIXTURE(leak_check, "secrets that are shown on a terminal are replaced") {
  process_options start = on_pty({"echo", "my t0psecret is here"});
  start.secrets = {{"KEY", "t0psecret"}};
  CHECK(run(std::move(start)).out == "my [KEY] is here\r\n");
}

TEST_CASE_FIXTURE(leak_check, "a child that asks without echo is seen to do so") {
  event_loop loop;
  process child(loop, shell("stty -echo; printf 'code: '; read c; stty echo; echo got ${#c}; cat"));
  std::string said;
  REQUIRE(hears(loop, child, said, "code: "));
  CHECK_FALSE(child.echoes());
  child.write("s3cret\n");
  REQUIRE(hears(loop, child, said, "got 6"));
  CHECK_FALSE(has(said, "s3cret"));
  CHECK(child.echoes());
}

TEST_CASE_FIXTURE(leak_check, "Ctrl-C as a byte is a signal for the foreground group alone") {
  event_loop loop;
  process child(loop, on_pty({"bash", "-c",
                              "set -m; sleep 60 & set +m; "
                              "trap 'kill -0 $! && echo it lives; exit 3' INT; "
                              "echo ready; while :; do sleep 0.01; done"}));
  std::string said;
  REQUIRE(hears(loop, child, said, "ready"));
  child.write("\3");
  CHECK(hears(loop, child, said, "it lives"));
  REQUIRE(step_until(loop, [&] { return finished(child); }));
  CHECK(child.result().code == 3);
}

TEST_CASE_FIXTURE(leak_check, "a megabyte goes through in each direction") {
  auto down = run(shell("head -c 1000000 /dev/zero | tr '\\0' x"));
  CHECK(down.out == std::string(megabyte, 'x'));
  event_loop loop;
  process up(loop, shell("stty raw -echo; echo ready; head -c 1000000 | cksum"));
  std::string said;
  REQUIRE(hears(loop, up, said, "ready"));
  up.write(std::string(megabyte, 'y'));
  REQUIRE(step_until(loop, [&] { return finished(up); }));
  up.out().take_all(said);
  auto sum = run(options({"sh", "-c", "head -c 1000000 /dev/zero | tr '\\0' y | cksum"}));
  CHECK(has(said, sum.out.substr(0, sum.out.size() - 1)));
}

TEST_CASE_FIXTURE(temporary_directory,
                  "a reader that stops makes the child wait; a file gets all") {
  event_loop loop;
  auto start = shell("yes | head -c 6000000; echo; echo end");
  start.stdout_file = dir / "log";
  process child(loop, start);
  REQUIRE(step_until(loop, [&] { return child.out().paused(); }));
  CHECK(child.out().unread().size() < 4 * megabyte);
  std::string said;
  CHECK(hears(loop, child, said, "end\r\n"));
  CHECK(step_until(loop, [&] { return finished(child); }));
  CHECK(fs::read_file(dir / "log") == said);
}

TEST_CASE_FIXTURE(leak_check, "bounds and the stop plan hold as for other children") {
  auto quiet = shell("echo once; cat");
  quiet.bounds.idle = seconds(0.3);
  CHECK(run(quiet).bound == "idle");
  auto wordy = shell("yes");
  wordy.bounds.output = megabyte;
  CHECK(run(wordy).bound == "output");
  auto deaf = shell("trap '' TERM HUP INT; while :; do sleep 0.01; done");
  deaf.bounds.wall = seconds(0.2);
  deaf.stop = {{SIGTERM, seconds(0.2)}};
  auto killed = run(deaf);
  CHECK(killed.bound == "wall");
  CHECK(killed.signal == SIGKILL);
}

TEST_CASE_FIXTURE(leak_check, "nothing that was started on a terminal is left, wherever it went") {
  for (const char* name : {"starts_daemon.sh", "hops.sh", "ignores_term.sh", "fifty_children.sh"}) {
    CAPTURE(name);
    std::string nap = unique_nap();
    event_loop loop;
    auto start = on_pty({program(name), nap});
    start.stop = {{SIGTERM, seconds(0.2)}};
    {
      process child(loop, start);
      std::string said;
      REQUIRE(hears(loop, child, said, "ready"));
      child.stop();
      CHECK(step_until(loop, [&] { return finished(child); }));
      CHECK(child.out().ended());
    }
    CHECK(eventually([&] { return processes_with(nap).empty(); }));
  }
}

TEST_CASE_FIXTURE(leak_check,
                  "a terminal goes with the reaper, and with other streams it does not") {
  auto start = shell("true");
  start.contain = false;
  CHECK(error_of([&] { run(start); }) == "EINVAL");
  start = shell("true");
  start.stdout_to = "discard";
  CHECK(error_of([&] { run(start); }) == "EINVAL");
  start = shell("true");
  start.stderr_to = "inherit";
  CHECK(error_of([&] { run(start); }) == "EINVAL");

  event_loop loop;
  process plain(loop, options({"sleep", "60"}));
  std::string said;
  CHECK(error_of([&] { plain.resize({}); }, &said) == "EINVAL");
  CHECK(has(said, "'sleep' has no terminal"));
  CHECK(error_of([&] { (void)plain.echoes(); }) == "EINVAL");
}

TEST_CASE_FIXTURE(temporary_directory, "a program that cannot be started on a terminal says why") {
  CHECK(error_of([&] { run(on_pty({"/nowhere/program"})); }) == "ENOENT");
  write_file(dir / "no program", "\1\2\3", 0755);
  CHECK(run(on_pty({dir / "no program"})).error_code == "ENOEXEC");
}
