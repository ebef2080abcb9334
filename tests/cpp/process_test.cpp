// A child process: how it starts, what it is given, what comes out of it.
#include "agentlua/process.hpp"

#include "support.hpp"

using namespace agentlua;
using namespace agentlua::test;

namespace {

constexpr std::size_t mebibyte = 1u << 20;

process_options options(std::vector<std::string> argv, bool contain = true) {
  process_options start;
  start.argv = std::move(argv);
  start.contain = contain;
  return start;
}
process_options shell(const char* script, bool contain = true) {
  return options({"sh", "-c", script}, contain);
}
bool finished(const process& child) { return child.now() == process::state::finished; }

std::size_t resident_bytes() {
  std::string text = fs::read_file("/proc/self/statm");
  return std::stoul(text.substr(text.find(' '))) * static_cast<std::size_t>(::getpagesize());
}

}  // namespace

TEST_CASE_FIXTURE(leak_check, "exit code and signal are told apart, contained or not") {
  for (bool contain : {true, false}) {
    CAPTURE(contain);
    auto ended = run(shell("exit 7", contain));
    CHECK(ended.code == 7);
    CHECK(ended.signal == 0);
    auto killed = run(shell("kill -USR1 $$", contain));
    CHECK(killed.code == -1);
    CHECK(killed.signal == SIGUSR1);
    CHECK(killed.error_code == "");
    CHECK(killed.seconds > 0);
  }
}

TEST_CASE_FIXTURE(leak_check, "both outputs come whole and apart") {
  auto done = run(shell("echo out; echo err >&2; printf 'no newline'"));
  CHECK(done.out == "out\nno newline");
  CHECK(done.err == "err\n");
}

TEST_CASE_FIXTURE(leak_check, "stderr can go where stdout goes") {
  auto start = shell("echo one; echo two >&2; echo three");
  start.stderr_to = "merge";
  auto done = run(start);
  CHECK(done.out == "one\ntwo\nthree\n");
  CHECK(done.err == "");
}

TEST_CASE_FIXTURE(leak_check, "a flood of stderr does not block a reader of stdout") {
  auto done = run(options({program("floods_stderr.sh")}));
  CHECK(done.out == "done\n");
  CHECK(done.err.size() == 8 * mebibyte);
}

TEST_CASE_FIXTURE(leak_check, "4 MiB of stdin reach a child that writes 2 MiB before it reads") {
  auto start = options({program("writes_before_reading.sh")});
  start.stdin_text = std::string(4 * mebibyte, 'x');
  auto done = run(start);
  CHECK(done.code == 0);
  CHECK(done.out.size() > 2 * mebibyte);
  CHECK(done.out.substr(2 * mebibyte) == "4194304\n");
}

TEST_CASE_FIXTURE(leak_check, "a child may leave its stdin unread") {
  for (bool contain : {true, false}) {
    auto start = shell("exec <&-; echo done", contain);
    start.stdin_text = std::string(4 * mebibyte, 'x');
    auto done = run(start);
    CHECK(done.code == 0);
    CHECK(done.out == "done\n");
  }
}

TEST_CASE_FIXTURE(leak_check, "stdin is empty unless something is given") {
  CHECK(run(options({"cat"})).code == 0);
  CHECK(run(options({"readlink", "/proc/self/fd/0"})).out == "/dev/null\n");
}

TEST_CASE_FIXTURE(leak_check, "a dialogue: write to stdin, read the answer, close") {
  event_loop loop;
  auto start = options({"cat"});
  start.stdin_pipe = true;
  start.stdin_text = "first\n";
  process child(loop, start);
  std::string_view line;
  bool cut = false;
  REQUIRE(step_until(loop, [&] { return child.out().next_line(line, cut); }));
  CHECK(line == "first");
  child.write("sec");
  child.write("ond\nrest");
  REQUIRE(step_until(loop, [&] { return child.out().next_line(line, cut); }));
  CHECK(line == "second");
  child.close_stdin();
  REQUIRE(step_until(loop, [&] { return child.out().next_line(line, cut); }));
  CHECK(line == "rest");
  CHECK_FALSE(cut);
  CHECK(step_until(loop, [&] { return finished(child); }));
  CHECK(child.out().exhausted());
  child.write("too late");
}

TEST_CASE_FIXTURE(leak_check, "the environment is exactly the one given") {
  for (bool contain : {true, false}) {
    auto start = options({"env"}, contain);
    start.env = {"B=two words", "A=ü=1", "PATH=/usr/bin:/bin"};
    CHECK(run(start).out == "B=two words\nA=ü=1\nPATH=/usr/bin:/bin\n");
  }
  environment_guard set("AGENTLUA_TEST_VARIABLE", "inherited");
  CHECK(has(run(options({"env"})).out, "AGENTLUA_TEST_VARIABLE=inherited\n"));
}

TEST_CASE_FIXTURE(temporary_directory, "the child has descriptors 0, 1 and 2 and no other") {
  int leaky = ::open("/dev/null", O_RDONLY);  // NOLINT: not close-on-exec on purpose
  auto lock = fs::open(dir / "lock", O_RDWR | O_CREAT);
  for (bool contain : {true, false}) {
    event_loop loop;
    auto start = options({"sleep", "60"}, contain);
    if (contain) start.hold = {lock.get()};
    process child(loop, start);
    REQUIRE(step_until(loop, [&] { return child.pid() != 0; }));
    std::string fds = "/proc/" + std::to_string(child.pid()) + "/fd";
    CHECK(eventually([&] {
      auto names = fs::list_directory(fds);
      std::sort(names.begin(), names.end());
      return names == std::vector<std::string>{"0", "1", "2"};
    }));
  }
  ::close(leaky);
}

TEST_CASE_FIXTURE(leak_check, "the child starts with no signal ignored or blocked") {
  ::signal(SIGPIPE, SIG_IGN);
  sigset_t usr2;
  sigemptyset(&usr2);
  sigaddset(&usr2, SIGUSR2);
  ::sigprocmask(SIG_BLOCK, &usr2, nullptr);
  for (bool contain : {true, false}) {
    auto status = run(options({"cat", "/proc/self/status"}, contain)).out;
    for (const char* kind : {"SigBlk:", "SigIgn:"}) {
      auto signals = std::stoull(status.substr(status.find(kind) + 7), nullptr, 16);
      CHECK((signals & 0x7fffffff) == 0);  // two above are glibc's own
    }
  }
  ::sigprocmask(SIG_UNBLOCK, &usr2, nullptr);
  ::signal(SIGPIPE, SIG_DFL);
}

TEST_CASE_FIXTURE(temporary_directory, "the child works in the directory given") {
  auto start = options({"pwd"});
  start.cwd = dir;
  CHECK(run(start).out == dir.native() + "\n");
  write_file(dir / "tool", "#!/bin/sh\necho here\n", 0755);
  start.argv = {"./tool"};
  CHECK(run(start).out == "here\n");
}

TEST_CASE_FIXTURE(temporary_directory, "output can go to a file, and is appended") {
  write_file(dir / "log", "before\n");
  auto start = shell("echo out; echo err >&2");
  start.stdout_to = "file";
  start.stdout_file = dir / "log";
  start.stderr_to = "discard";
  auto done = run(start);
  CHECK(done.out == "");
  CHECK(fs::read_file(dir / "log") == "before\nout\n");
}

TEST_CASE_FIXTURE(temporary_directory, "an overlong line comes cut, its file keeps every byte") {
  auto start = shell("head -c 3145728 /dev/zero | tr '\\0' x; echo; echo after");
  start.stdout_file = dir / "log";
  event_loop loop;
  process child(loop, start);
  std::vector<std::pair<std::string, bool>> lines;
  std::string_view line;
  bool cut = false;
  CHECK(step_until(loop, [&] {
    while (child.out().next_line(line, cut)) lines.emplace_back(line, cut);
    return finished(child);
  }));
  REQUIRE(lines.size() == 2);
  CHECK(lines[0] == std::pair(std::string(mebibyte, 'x'), true));
  CHECK(lines[1] == std::pair(std::string("after"), false));
  CHECK((fs::read_file(dir / "log") == std::string(3 * mebibyte, 'x') + "\nafter\n"));
}

TEST_CASE_FIXTURE(leak_check, "an overlong last line is one cut line, also for a late reader") {
  event_loop loop;
  process child(loop, shell("head -c 1572864 /dev/zero | tr '\\0' x"));
  REQUIRE(step_until(loop, [&] { return finished(child); }));
  std::string_view line;
  bool cut = false;
  REQUIRE(child.out().next_line(line, cut));
  CHECK(line.size() == mebibyte);
  CHECK(cut);
  CHECK_FALSE(child.out().next_line(line, cut));
  CHECK(child.out().exhausted());
}

TEST_CASE_FIXTURE(leak_check, "a line of exactly the limit is whole") {
  event_loop loop;
  auto start = options({"cat"});
  start.stdin_pipe = true;
  start.stdin_text = std::string(mebibyte, 'x');
  process child(loop, start);
  std::string_view line;
  bool cut = false;
  auto take = [&] { return child.out().next_line(line, cut); };
  REQUIRE(step_until(loop, [&] { return child.out().bytes() == mebibyte; }));
  CHECK_FALSE(take());
  child.write("\n");
  REQUIRE(step_until(loop, take));
  CHECK(line.size() == mebibyte);
  CHECK_FALSE(cut);
}

TEST_CASE_FIXTURE(leak_check, "a reader that does not read makes the child wait, nothing is lost") {
  event_loop loop;
  process child(loop, shell("head -c 33554432 /dev/zero"));
  REQUIRE(step_until(loop, [&] { return child.out().bytes() >= 2 * mebibyte; }));
  CHECK_FALSE(step_until(
      loop, [&] { return child.out().bytes() > 3 * mebibyte; }, seconds(0.2)));
  CHECK(child.now() == process::state::running);
  std::string bytes;
  CHECK(step_until(loop, [&] { return child.out().take_all(bytes), finished(child); }));
  CHECK(bytes.size() == 32 * mebibyte);
}

TEST_CASE_FIXTURE(leak_check, "a reader that is always a little behind needs bounded memory") {
  event_loop loop;
  process child(loop, shell("yes | head -c 134217728 | tr -d '\\n' | fold -w 65536"));
  std::string_view line;
  bool cut = false;
  std::size_t lines = 0;
  REQUIRE(step_until(loop, [&] { return child.out().bytes() > mebibyte; }));
  std::size_t before = resident_bytes();
  std::size_t most = before;
  while (!finished(child) && child.out().bytes() < 48 * mebibyte) {
    loop.step(seconds(0.02));
    while ((lines + 16) * 65537 < child.out().bytes() && child.out().next_line(line, cut)) ++lines;
    most = std::max(most, resident_bytes());
  }
  CHECK(lines > 500);
  CHECK(most - before < 16 * mebibyte);
}

TEST_CASE_FIXTURE(leak_check, "a file that takes no more bytes is known, and the child goes on") {
  event_loop loop;
  auto start = shell("echo one; echo two");
  start.stdout_file = "/dev/full";
  process child(loop, start);
  REQUIRE(step_until(loop, [&] { return finished(child); }));
  CHECK(child.result().code == 0);
  CHECK(has(child.result().log_error, "/dev/full"));
  CHECK(has(child.result().log_error, "No space left"));
  std::string bytes;
  child.out().take_all(bytes);
  CHECK(bytes == "one\ntwo\n");
}
