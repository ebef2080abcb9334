// Kernel locks: exclusive, freed by the kernel, shared with what works under them.
#include "agentlua/lock.hpp"

#include "support.hpp"

using namespace agentlua;
using namespace agentlua::test;

namespace {

/// True when another process gets the lock now.
bool free_for_others(const stdfs::path& path, const std::string& name = {}) {
  int status = in_child([&] { ::_exit(file_lock::try_acquire(path, name) ? 1 : 2); });
  REQUIRE(WIFEXITED(status));
  return WEXITSTATUS(status) == 1;
}

}  // namespace

TEST_CASE_FIXTURE(temporary_directory, "a lock keeps other processes out until it is released") {
  const auto path = dir / "deep/er/a.lock";
  auto lock = file_lock::try_acquire(path);
  REQUIRE(lock);
  CHECK_FALSE(free_for_others(path));
  lock->release();
  CHECK_FALSE(static_cast<bool>(*lock));
  CHECK(free_for_others(path));
  CHECK(stdfs::exists(path));
}

TEST_CASE_FIXTURE(temporary_directory, "a lock keeps others of the same process out") {
  auto lock = file_lock::try_acquire(dir / "a");
  REQUIRE(lock);
  CHECK_FALSE(file_lock::try_acquire(dir / "a"));
  CHECK(file_lock::try_acquire(dir / "b"));
}

TEST_CASE_FIXTURE(temporary_directory, "the kernel frees the lock of a killed process") {
  int status = in_child([&] {
    auto lock = file_lock::acquire(dir / "a");
    ::raise(SIGKILL);
  });
  CHECK(WTERMSIG(status) == SIGKILL);
  CHECK(file_lock::try_acquire(dir / "a"));
}

TEST_CASE_FIXTURE(temporary_directory, "waiting for a lock ends when it is freed") {
  int ready[2];
  REQUIRE(::pipe2(ready, O_CLOEXEC) == 0);
  pid_t holder = ::fork();
  if (holder == 0) {
    auto lock = file_lock::acquire(dir / "a");
    [[maybe_unused]] auto told = ::write(ready[1], "x", 1);
    timespec nap{0, 100'000'000};
    ::nanosleep(&nap, nullptr);
    ::_exit(0);
  }
  char byte = 0;
  CHECK(::read(ready[0], &byte, 1) == 1);
  CHECK_FALSE(file_lock::try_acquire(dir / "a"));
  CHECK(static_cast<bool>(file_lock::acquire(dir / "a", {}, seconds(10))));
  ::waitpid(holder, nullptr, 0);
  ::close(ready[0]);
  ::close(ready[1]);
}

TEST_CASE_FIXTURE(temporary_directory, "waiting for a lock that stays held ends in time") {
  auto lock = file_lock::acquire(dir / "a");
  auto start = boot_now();
  std::string said;
  CHECK(error_of([&] { file_lock::acquire(dir / "a", {}, seconds(0.05)); }, &said) == "ELOCKED");
  CHECK(said == "'" + (dir / "a").native() + "' is locked by another process");
  CHECK(boot_now() - start >= std::chrono::milliseconds(50));
  CHECK(boot_now() - start < std::chrono::seconds(2));
}

TEST_CASE_FIXTURE(temporary_directory, "a wait without end is no wait that ends at once") {
  auto lock = file_lock::acquire(dir / "a");
  pid_t waiter = ::fork();
  if (waiter == 0) {
    lock.release();  // its copy
    auto got = error_of([&] { file_lock::acquire(dir / "a", {}, seconds(1e300)); });
    ::_exit(got.empty() ? 7 : 8);
  }
  CHECK_FALSE(eventually([&] { return ::waitpid(waiter, nullptr, WNOHANG) != 0; }, seconds(0.1)));
  lock.release();
  int status = 0;
  CHECK(::waitpid(waiter, &status, 0) == waiter);
  CHECK(WEXITSTATUS(status) == 7);
}

TEST_CASE_FIXTURE(temporary_directory, "held tells whether somebody has it, and makes no file") {
  CHECK_FALSE(file_lock::held(dir / "a"));
  CHECK_FALSE(stdfs::exists(dir / "a"));
  auto lock = file_lock::acquire(dir / "a");
  CHECK(file_lock::held(dir / "a"));
  lock.release();
  CHECK_FALSE(file_lock::held(dir / "a"));
}

TEST_CASE_FIXTURE(temporary_directory, "a symbolic link is no lock file") {
  stdfs::create_symlink(dir / "target", dir / "a");
  CHECK(error_of([&] { file_lock::try_acquire(dir / "a"); }) == "ELOOP");
  CHECK_FALSE(stdfs::exists(dir / "target"));
}

TEST_CASE_FIXTURE(temporary_directory, "a lock file is named without a directory") {
  stdfs::path before = stdfs::current_path();
  stdfs::current_path(dir);
  CHECK(error_of([] { file_lock::acquire("plain.lock"); }) == "");
  stdfs::current_path(before);
  CHECK(stdfs::exists(dir / "plain.lock"));
}

TEST_CASE_FIXTURE(temporary_directory, "named locks of one file are apart") {
  const auto path = dir / "deep/er/locks";
  CHECK_FALSE(file_lock::held(path, "one"));
  CHECK_FALSE(stdfs::exists(path));
  auto one = file_lock::try_acquire(path, "one");
  REQUIRE(one);
  CHECK_FALSE(file_lock::try_acquire(path, "one"));  // nor others of the same process
  CHECK_FALSE(free_for_others(path, "one"));
  CHECK(free_for_others(path, "two"));
  CHECK(file_lock::held(path, "one"));
  CHECK_FALSE(file_lock::held(path, "two"));
  {
    auto other = file_lock::acquire(path, "two");
    CHECK(file_lock::held(path, "two"));
  }  // closing it leaves the first
  CHECK_FALSE(free_for_others(path, "one"));
  CHECK(error_of([&] { file_lock::acquire(path, "one", seconds(0.02)); }) == "ELOCKED");
  one->release();
  CHECK(free_for_others(path, "one"));
  CHECK(stdfs::file_size(path) == 0);
}

TEST_CASE_FIXTURE(temporary_directory, "the kernel frees the named lock of a killed process") {
  int status = in_child([&] {
    auto lock = file_lock::acquire(dir / "a", "one");
    ::raise(SIGKILL);
  });
  CHECK(WTERMSIG(status) == SIGKILL);
  CHECK_FALSE(file_lock::held(dir / "a", "one"));
  CHECK(file_lock::try_acquire(dir / "a", "one"));
}

TEST_CASE_FIXTURE(temporary_directory, "a child that works under a lock holds it when we let go") {
  const auto path = dir / "a";
  for (const auto& [contain, name] : std::vector<std::pair<bool, std::string>>{
           {true, ""}, {false, ""}, {true, "task"}, {false, "task"}}) {
    auto lock = file_lock::acquire(path, name);
    process_options start;
    start.argv = {"cat"};
    start.stdin_pipe = true;
    start.hold = {lock.fd()};
    start.contain = contain;
    event_loop loop;
    process child(loop, std::move(start));
    REQUIRE(step_until(loop, [&] { return child.now() == process::state::running; }));
    lock.release();
    CHECK_FALSE(free_for_others(path, name));
    child.close_stdin();
    REQUIRE(step_until(loop, [&] { return child.now() == process::state::finished; }));
    CHECK(free_for_others(path, name));
  }
}

TEST_CASE_FIXTURE(temporary_directory, "a lock stays held until the last descendant is gone") {
  const auto path = dir / "a";
  const std::string nap = unique_nap();
  pid_t host = ::fork();
  if (host == 0) {
    auto lock = file_lock::acquire(path);
    process_options start;
    start.argv = {program("starts_daemon.sh"), nap};
    start.hold = {lock.fd()};
    event_loop loop;
    process child(loop, std::move(start));
    lock.release();
    for (;;) loop.step();
  }
  REQUIRE(eventually([&] { return processes_with(nap).size() >= 3; }));  // reaper, script, daemon
  CHECK_FALSE(free_for_others(path));
  ::kill(host, SIGKILL);
  ::waitpid(host, nullptr, 0);
  REQUIRE(eventually([&] { return free_for_others(path); }));
  CHECK(processes_with(nap).size() <= 1);  // the reaper may be in its last moment
  CHECK(eventually([&] { return processes_with(nap).empty(); }));
}
