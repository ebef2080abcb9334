#pragma once
// tests/cpp/support.hpp: what the tests share: a fresh directory, a leak check, processes, git.

#include <signal.h>
#include <sys/wait.h>

#include <algorithm>
#include <cstdlib>
#include <functional>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <doctest/doctest.h>

#include "agentlua/fs.hpp"
#include "agentlua/process.hpp"

namespace agentlua::test {

/// Asks until `holds()` is true; false when that is not so after `limit`.
template <class Condition>
bool eventually(Condition holds, seconds limit = seconds(10)) {
  auto deadline = boot_now() + std::chrono::duration_cast<nanoseconds>(limit);
  while (!holds()) {
    if (boot_now() >= deadline) return false;
    timespec nap{0, 2'000'000};
    ::nanosleep(&nap, nullptr);
  }
  return true;
}

/// Steps the loop until `holds()` is true; false when that is not so after `limit`.
template <class Condition>
bool step_until(event_loop& loop, Condition holds, seconds limit = seconds(10)) {
  auto deadline = boot_now() + std::chrono::duration_cast<nanoseconds>(limit);
  while (!holds()) {
    if (boot_now() >= deadline) return false;
    loop.step(seconds(0.02));
  }
  return true;
}

/// Fails the case when it leaves descriptors or child processes behind.
class leak_check {
 public:
  leak_check() {
    ::setenv("AGENTLUA_REAPER", REAPER, 0);
    { event_loop first; }  // libuv keeps two descriptors for good once it was used
    open_ = fs::list_directory("/proc/self/fd").size();
  }
  leak_check(const leak_check&) = delete;
  leak_check& operator=(const leak_check&) = delete;
  ~leak_check() {
    CHECK(fs::list_directory("/proc/self/fd").size() == open_);
    siginfo_t info{};
    bool childless = ::waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT) != 0 && errno == ECHILD;
    CHECK_MESSAGE(childless, "a child process is left");
  }

 private:
  std::size_t open_;
};

/// A fresh directory, removed afterwards. Its name has a space and a letter that is not ASCII.
class temporary_directory : public leak_check {
 public:
  temporary_directory() {
    std::string name = stdfs::temp_directory_path() / "agentlua tést XXXXXX";
    REQUIRE(::mkdtemp(name.data()) != nullptr);
    dir = stdfs::canonical(name);
  }
  ~temporary_directory() {
    std::error_code ignored;
    stdfs::remove_all(dir, ignored);
  }

  stdfs::path dir;
};

inline void write_file(const stdfs::path& path, std::string_view content, mode_t mode = 0644) {
  fs::make_directories(path.parent_path());
  fs::write_all(fs::open(path, O_WRONLY | O_CREAT | O_TRUNC, mode).get(), content, path.native());
}
inline std::string program(const char* name) { return std::string(FIXTURES "/programs/") + name; }

/// What `act` throws as agentlua::error: its code, and its sentence in `said`; "" when nothing.
template <class Act>
std::string error_of(Act act, std::string* said = nullptr) {
  try {
    act();
  } catch (const error& problem) {
    if (said != nullptr) *said = problem.what();
    return problem.code();
  }
  return {};
}
inline bool has(std::string_view text, std::string_view part) {
  return text.find(part) != std::string_view::npos;
}

/// Seconds for sleep(1) that nobody else sleeps, so that such a process can be found again. What a
/// failed test leaves behind ends by itself after a few minutes.
inline std::string unique_nap() {
  static int count = 100;
  return std::to_string(++count) + "." + std::to_string(::getpid());
}

/// Processes, zombies aside, that have `marker` among their arguments.
inline std::vector<pid_t> processes_with(const std::string& marker) {
  std::vector<pid_t> found;
  for (const std::string& name : fs::list_directory("/proc")) {
    if (name.find_first_not_of("0123456789") != std::string::npos) continue;
    try {
      std::string arguments = fs::read_file("/proc/" + name + "/cmdline");
      if (has(arguments, marker)) found.push_back(std::stoi(name));
    } catch (const error&) {  // it has just ended
    }
  }
  return found;
}

/// Runs `act` in a forked process, which ends when `act` does. Takes the wait status.
inline int in_child(const std::function<void()>& act) {
  pid_t pid = ::fork();
  if (pid == 0) {
    int code = 0;
    try {
      act();
    } catch (...) {
      code = 99;
    }
    ::_exit(code);
  }
  int status = 0;
  while (::waitpid(pid, &status, 0) < 0 && errno == EINTR) continue;
  return status;
}

/// Sets an environment variable for the duration of a scope.
class environment_guard {
 public:
  environment_guard(const char* name, const std::string& value) : name_(name) {
    if (const char* old = ::getenv(name)) before_ = old;
    ::setenv(name, value.c_str(), 1);
  }
  environment_guard(const environment_guard&) = delete;
  environment_guard& operator=(const environment_guard&) = delete;
  ~environment_guard() {
    if (before_) {
      ::setenv(name_, before_->c_str(), 1);
    } else {
      ::unsetenv(name_);
    }
  }

 private:
  const char* name_;
  std::optional<std::string> before_;
};

/// A git repository with one commit on `main`, in a directory of its own. No settings of the user
/// or the machine are seen.
class git_fixture : public temporary_directory {
 public:
  git_fixture() {
    write_file(dir / "gitconfig",
               "[user]\nname = Tést Person\nemail = test@example.com\n"
               "[init]\ndefaultBranch = main\n[core]\nfsync = none\n");
    root = dir / "my repo";
    git(dir, {"init", "--quiet", root});
    commit({{"a.txt", "one\n"}, {"dir/b ü.txt", "two\n"}, {".gitignore", "*.log\nout/\n"}},
           "first");
  }

  /// Runs git in `where`; the case fails when git does. Gives what it prints, trimmed.
  static std::string git(const stdfs::path& where, std::vector<std::string> args) {
    process_options start;
    start.argv = {"git", "-C", where.native()};
    for (std::string& arg : args) start.argv.push_back(std::move(arg));
    start.contain = false;
    auto done = run(std::move(start));
    CHECK_MESSAGE(done.code == 0, done.err);
    while (!done.out.empty() && done.out.back() == '\n') done.out.pop_back();
    return done.out;
  }
  std::string git(std::vector<std::string> args) const { return git(root, std::move(args)); }

  /// Writes files (and removes those without content) in a checkout, and commits everything.
  using file_list = std::vector<std::pair<std::string, std::optional<std::string>>>;
  static std::string commit_in(const stdfs::path& where, const file_list& files,
                               const std::string& message) {
    for (const auto& [name, content] : files) {
      if (content) write_file(where / name, *content);
      else stdfs::remove(where / name);
    }
    git(where, {"add", "-A"});
    git(where, {"commit", "--quiet", "--allow-empty", "-m", message});
    return git(where, {"rev-parse", "HEAD"});
  }
  std::string commit(const file_list& files, const std::string& message) const {
    return commit_in(root, files, message);
  }
  std::string status(const stdfs::path& where) const {
    return git(where, {"-c", "core.quotePath=false", "status", "--porcelain", "--ignored"});
  }

  stdfs::path root;

 private:
  environment_guard global_{"GIT_CONFIG_GLOBAL", dir / "gitconfig"};
  environment_guard system_{"GIT_CONFIG_NOSYSTEM", "1"};
};

}  // namespace agentlua::test
