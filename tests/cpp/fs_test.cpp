// Files: whole reads, atomic writes, renames that never replace, finding programs.
#include "agentlua/fs.hpp"

#include "support.hpp"

using namespace agentlua;
using namespace agentlua::test;
using fs::write_mode;

namespace {

std::vector<std::string> sorted_names(const stdfs::path& dir) {
  auto names = fs::list_directory(dir);
  std::sort(names.begin(), names.end());
  return names;
}

}  // namespace

TEST_CASE_FIXTURE(temporary_directory, "an atomic write replaces, and leaves nothing beside it") {
  fs::write_file_atomic(dir / "a", "one");
  fs::write_file_atomic(dir / "a", "two");
  CHECK(fs::read_file(dir / "a") == "two");
  CHECK(sorted_names(dir) == std::vector<std::string>{"a"});
}

TEST_CASE_FIXTURE(temporary_directory, "create_only refuses when the file is there and keeps it") {
  fs::write_file_atomic(dir / "a", "one", write_mode::create_only);
  std::string said;
  auto again = [&] { fs::write_file_atomic(dir / "a", "two", write_mode::create_only); };
  CHECK(error_of(again, &said) == "EEXIST");
  CHECK(has(said, "cannot create '" + (dir / "a").native() + "'"));
  CHECK(fs::read_file(dir / "a") == "one");
  CHECK(sorted_names(dir) == std::vector<std::string>{"a"});
}

TEST_CASE_FIXTURE(temporary_directory, "a conditional replacement brings nothing moved away back") {
  write_file(dir / "a", "one", 0600);
  std::string theirs;
  CHECK(fs::replace_file_if(dir / "a", "one", "two", theirs));
  CHECK(fs::read_file(dir / "a") == "two");
  CHECK((stdfs::status(dir / "a").permissions() & stdfs::perms::group_read) == stdfs::perms::none);
  stdfs::rename(dir / "a", dir / "moved");
  auto late = [&] { fs::replace_file_if(dir / "a", "two", "three", theirs); };
  CHECK(error_of(late) == "ENOENT");
  CHECK(sorted_names(dir) == std::vector<std::string>{"moved"});
  CHECK(fs::read_file(dir / "moved") == "two");
}

TEST_CASE_FIXTURE(temporary_directory,
                  "a conditional replacement leaves what others have written") {
  write_file(dir / "a", "theirs");
  std::string theirs;
  struct stat before {};
  struct stat after {};
  ::stat((dir / "a").c_str(), &before);
  CHECK_FALSE(fs::replace_file_if(dir / "a", "what we read", "ours", theirs));
  ::stat((dir / "a").c_str(), &after);
  CHECK(fs::read_file(dir / "a") == "theirs");
  CHECK(before.st_ino == after.st_ino);  // who still writes to it writes to this file
  CHECK(sorted_names(dir) == std::vector<std::string>{"a"});
}

TEST_CASE_FIXTURE(temporary_directory,
                  "temporary files of dead writers are swept, others are not") {
  write_file(dir / ".tmp.1.1", "old");
  write_file(dir / ".tmp.1.2", "young");
  write_file(dir / ".tmp.1.3", "old, but its writer lives");
  write_file(dir / "a", "no temporary file");
  for (const char* name : {".tmp.1.1", ".tmp.1.3", "a"}) {
    timespec long_ago[2] = {{1'000'000, 0}, {1'000'000, 0}};
    ::utimensat(AT_FDCWD, (dir / name).c_str(), long_ago, 0);
  }
  auto writer = fs::open(dir / ".tmp.1.3", O_RDWR);
  ::flock(writer.get(), LOCK_EX);
  CHECK(fs::sweep_temporaries(dir) == 1);
  CHECK(sorted_names(dir) == std::vector<std::string>{".tmp.1.2", ".tmp.1.3", "a"});
}

TEST_CASE_FIXTURE(temporary_directory, "an atomic write into a directory that is gone says so") {
  CHECK(error_of([&] { fs::write_file_atomic(dir / "none/a", "x"); }) == "ENOENT");
  fs::make_directories(dir / "d/inside");
  CHECK(error_of([&] { fs::write_file_atomic(dir / "d", "x"); }) == "EISDIR");
  CHECK(sorted_names(dir) == std::vector<std::string>{"d"});
}

TEST_CASE_FIXTURE(temporary_directory, "a reader sees the old or the new content, never a part") {
  const std::string ones(200'000, '1');
  const std::string twos(200'000, '2');
  fs::write_file_atomic(dir / "a", ones);
  pid_t writer = ::fork();
  if (writer == 0) {
    for (int i = 0; i < 40; ++i) fs::write_file_atomic(dir / "a", i % 2 ? ones : twos);
    ::_exit(0);
  }
  int torn = 0;
  while (::waitpid(writer, nullptr, WNOHANG) == 0) {
    std::string seen = fs::read_file(dir / "a");
    torn += seen != ones && seen != twos;
  }
  CHECK(torn == 0);
}

TEST_CASE_FIXTURE(temporary_directory, "a file is named without a directory") {
  stdfs::path before = stdfs::current_path();
  stdfs::current_path(dir);
  CHECK(error_of([] { fs::write_file_atomic("plain", "x"); }) == "");
  CHECK(error_of([] { fs::make_directories(stdfs::path("plain").parent_path()); }) == "");
  stdfs::current_path(before);
  CHECK(fs::read_file(dir / "plain") == "x");
}

TEST_CASE_FIXTURE(temporary_directory, "rename_noreplace moves, and tells when the file is gone") {
  write_file(dir / "a", "one");
  CHECK(fs::rename_noreplace(dir / "a", dir / "b"));
  CHECK(fs::read_file(dir / "b") == "one");
  CHECK_FALSE(fs::rename_noreplace(dir / "a", dir / "c"));
}

TEST_CASE_FIXTURE(temporary_directory, "rename_noreplace refuses to replace") {
  write_file(dir / "a", "one");
  write_file(dir / "b", "two");
  CHECK(error_of([&] { fs::rename_noreplace(dir / "a", dir / "b"); }) == "EEXIST");
  CHECK(fs::read_file(dir / "a") == "one");
  CHECK(fs::read_file(dir / "b") == "two");
  stdfs::create_symlink("nowhere", dir / "link");
  CHECK(error_of([&] { fs::rename_noreplace(dir / "a", dir / "link"); }) == "EEXIST");
  CHECK(error_of([&] { fs::rename_noreplace(dir / "a", dir / "none/c"); }) == "ENOENT");
}

TEST_CASE_FIXTURE(temporary_directory, "read_file gives every byte of a file") {
  std::string bytes("a\0b\n\xff", 5);
  write_file(dir / "a", bytes);
  CHECK(fs::read_file(dir / "a") == bytes);
  write_file(dir / "empty", "");
  CHECK(fs::read_file(dir / "empty") == "");
  CHECK(has(fs::read_file("/proc/self/status"), "Threads:"));  // says that its size is 0
}

TEST_CASE_FIXTURE(temporary_directory, "read_file refuses a FIFO, a device and a directory") {
  REQUIRE(::mkfifo((dir / "fifo").c_str(), 0600) == 0);
  std::string said;
  CHECK(error_of([&] { fs::read_file(dir / "fifo"); }, &said) == "EINVAL");
  CHECK(said == "cannot read '" + (dir / "fifo").native() + "': not a regular file");
  CHECK(error_of([&] { fs::read_file("/dev/zero"); }) == "EINVAL");
  CHECK(error_of([&] { fs::read_file(dir); }) == "EINVAL");
  std::string missing = "cannot open '" + (dir / "none").native() + "': No such file or directory";
  CHECK(error_of([&] { fs::read_file(dir / "none"); }, &said) == "ENOENT");
  CHECK(said == missing);
}

TEST_CASE_FIXTURE(temporary_directory, "read_file refuses what is larger than its limit") {
  write_file(dir / "a", "12345");
  CHECK(fs::read_file(dir / "a", 5) == "12345");
  CHECK(error_of([&] { fs::read_file(dir / "a", 4); }) == "EFBIG");
  CHECK(error_of([&] { fs::read_file("/proc/self/status", 10); }) == "EFBIG");
}

TEST_CASE_FIXTURE(temporary_directory, "a missing directory has no names, a file is refused") {
  CHECK(fs::list_directory(dir / "none").empty());
  write_file(dir / "a", "");
  write_file(dir / ".hidden", "");
  CHECK(sorted_names(dir) == std::vector<std::string>{".hidden", "a"});
  CHECK(error_of([&] { fs::list_directory(dir / "a"); }) == "ENOTDIR");
}

TEST_CASE_FIXTURE(temporary_directory, "directories are made with their parents, over no file") {
  fs::make_directories(dir / "x/y ü/z");
  fs::make_directories(dir / "x/y ü/z");
  CHECK(stdfs::is_directory(dir / "x/y ü/z"));
  write_file(dir / "file", "");
  CHECK(error_of([&] { fs::make_directories(dir / "file/x"); }) == "ENOTDIR");
}

TEST_CASE_FIXTURE(temporary_directory, "a program is found along the search path") {
  write_file(dir / "one/tool", "#!/bin/sh\n", 0755);
  write_file(dir / "two/tool", "#!/bin/sh\n", 0755);
  std::string search = ":" + (dir / "none").native() + ":" + (dir / "two").native() + ":" +
                       (dir / "one").native();
  CHECK(fs::find_program("tool", search, "/") == dir / "two/tool");
  CHECK(fs::find_program("tool", "none:one", dir) == dir / "one/tool");
  CHECK(fs::find_program("./one/tool", "", dir) == dir / "./one/tool");
  CHECK(fs::find_program((dir / "one/tool").native(), "", "/") == dir / "one/tool");
}

TEST_CASE_FIXTURE(temporary_directory, "a program that is nowhere is an error that says where") {
  std::string said;
  CHECK(error_of([&] { fs::find_program("tool", "/a:/b", dir); }, &said) == "ENOENT");
  CHECK(said == "program 'tool' not found on PATH (/a:/b)");
  CHECK(error_of([&] { fs::find_program("./tool", "/bin", dir); }, &said) == "ENOENT");
  CHECK(said == "program './tool' not found");
  CHECK(error_of([&] { fs::find_program("", "/bin", dir); }) == "ENOENT");
  write_file(dir / "tool", "#!/bin/sh\n", 0755);
  CHECK(error_of([&] { fs::find_program("tool", "", dir); }) == "ENOENT");  // never the cwd
}

TEST_CASE_FIXTURE(temporary_directory, "a program that may not be executed is another error") {
  write_file(dir / "tool", "#!/bin/sh\n", 0644);
  std::string said;
  CHECK(error_of([&] { fs::find_program("tool", dir, "/"); }, &said) == "EACCES");
  CHECK(said == "program 'tool' is on PATH but not executable");
  CHECK(error_of([&] { fs::find_program("./tool", "", dir); }, &said) == "EACCES");
  CHECK(said == "program './tool' is not executable; try chmod +x");
  fs::make_directories(dir / "more/tool");
  CHECK(error_of([&] { fs::find_program("tool", dir / "more", "/"); }) == "ENOENT");
}

TEST_CASE_FIXTURE(temporary_directory, "a name that no file can have is a program not found") {
  const std::string name(300, 'x');
  CHECK(error_of([&] { fs::find_program(name, "/bin", dir); }) == "ENOENT");
  CHECK(error_of([&] { fs::find_program("./" + name, "/bin", dir); }) == "ENOENT");
}
