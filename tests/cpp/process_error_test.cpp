// A child process that cannot be started: each reason has a code and a sentence.
#include "agentlua/process.hpp"

#include "support.hpp"

using namespace agentlua;
using namespace agentlua::test;

namespace {

/// Code of the error that a start ends with, thrown or in its result; its sentence in `said`.
std::string start_error(const process_options& options, std::string* said = nullptr) {
  run_result done;
  auto thrown = error_of([&] { done = run(options); }, said);
  if (!thrown.empty()) return thrown;
  if (said != nullptr) *said = done.error_text;
  CHECK((done.error_code.empty() || done.code == -1));
  return done.error_code;
}

process_options options(std::vector<std::string> argv, bool contain) {
  process_options start;
  start.argv = std::move(argv);
  start.contain = contain;
  return start;
}

}  // namespace

TEST_CASE_FIXTURE(temporary_directory, "a program that is not there") {
  for (bool contain : {true, false}) {
    std::string said;
    auto start = options({"no-such-program"}, contain);
    start.env = {"PATH=/usr/bin:/bin"};
    CHECK(start_error(start, &said) == "ENOENT");
    CHECK(said == "program 'no-such-program' not found on PATH (/usr/bin:/bin)");
    CHECK(start_error(options({dir / "none"}, contain)) == "ENOENT");
  }
}

TEST_CASE_FIXTURE(temporary_directory, "a program that is not executable") {
  write_file(dir / "tool", "#!/bin/sh\n", 0644);
  for (bool contain : {true, false}) {
    std::string said;
    CHECK(start_error(options({dir / "tool"}, contain), &said) == "EACCES");
    CHECK(said == "program '" + (dir / "tool").native() + "' is not executable; try chmod +x");
  }
}

TEST_CASE_FIXTURE(temporary_directory, "a script without a first line that names its interpreter") {
  write_file(dir / "tool", "echo hello\n", 0755);
  for (bool contain : {true, false}) {
    std::string said;
    CHECK(start_error(options({dir / "tool"}, contain), &said) == "ENOEXEC");
    CHECK(said == "cannot start '" + (dir / "tool").native() +
                      "': Exec format error; a script needs a first line like #!/bin/sh");
  }
}

TEST_CASE_FIXTURE(temporary_directory, "a script whose interpreter is not there") {
  write_file(dir / "tool", "#!/no/such/shell\n", 0755);
  for (bool contain : {true, false}) {
    std::string said;
    CHECK(start_error(options({dir / "tool"}, contain), &said) == "ENOENT");
    CHECK(said == "cannot start '" + (dir / "tool").native() + "': No such file or directory");
  }
}

TEST_CASE_FIXTURE(temporary_directory, "a working directory that is not there, or is a file") {
  write_file(dir / "file", "");
  for (const stdfs::path& cwd : {dir / "none", dir / "file", dir / std::string(300, 'x')}) {
    for (bool contain : {true, false}) {
      auto start = options({"true"}, contain);
      start.cwd = cwd;
      std::string said;
      CHECK(start_error(start, &said) == "ENOENT");
      CHECK(said == "cannot start 'true': working directory '" + cwd.native() + "' does not exist");
    }
  }
}

TEST_CASE_FIXTURE(temporary_directory, "our own working directory that was removed") {
  fs::make_directories(dir / "gone");
  int status = in_child([&] {
    stdfs::current_path(dir / "gone");
    stdfs::remove(dir / "gone");
    ::_exit(start_error(options({"true"}, true)) == "ENOENT" ? 7 : 8);
  });
  CHECK(WEXITSTATUS(status) == 7);
}

TEST_CASE_FIXTURE(leak_check, "arguments that are too long for the kernel") {
  for (bool contain : {true, false}) {
    std::string said;
    CHECK(start_error(options({"true", std::string(200'000, 'x')}, contain), &said) == "E2BIG");
    CHECK(said.starts_with("cannot start 'true': "));
    CHECK(has(said, " bytes of arguments and environment; send long text on stdin"));
  }
}

TEST_CASE_FIXTURE(leak_check, "no arguments, or an output that goes nowhere known") {
  CHECK(start_error(options({}, true)) == "EINVAL");
  CHECK(start_error(options({""}, true)) == "EINVAL");
  auto start = options({"true"}, true);
  start.stderr_to = "printer";
  std::string said;
  CHECK(start_error(start, &said) == "EINVAL");
  CHECK(said == "output cannot go to 'printer'");
}

TEST_CASE_FIXTURE(temporary_directory, "an output file that cannot be opened") {
  auto start = options({"true"}, true);
  start.stdout_file = dir / "none/log";
  CHECK(start_error(start) == "ENOENT");
  start.stdout_to = "file";
  CHECK(start_error(start) == "ENOENT");
}

TEST_CASE_FIXTURE(leak_check, "a reaper that is not there") {
  auto start = options({"true"}, true);
  start.reaper = "/no/such/reaper";
  std::string said;
  CHECK(start_error(start, &said) == "ENOENT");
  CHECK(has(said, "reaper"));
}

TEST_CASE_FIXTURE(temporary_directory, "a reaper with a relative path is found from anywhere") {
  auto start = options({"true"}, true);
  start.reaper = stdfs::relative(detail::find_reaper());
  start.cwd = dir;
  CHECK(start_error(start) == "");
}

TEST_CASE_FIXTURE(leak_check, "a lock that is not open cannot be held") {
  auto start = options({"true"}, true);
  start.hold = {9999};
  CHECK(start_error(start) == "EBADF");
}
