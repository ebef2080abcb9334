// What the benchmarks compare with: the same work in bare C++, without the library.
//   baseline spawn N      posix_spawn /bin/true N times, capture its output, reap it
//   baseline nothing      start and end
//   baseline split FILE   count the lines of `cat FILE` read through a pipe; with the splitter alone

#include <fcntl.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
#include <vector>

extern char** environ;

namespace {

pid_t start(char* const* argv, int& out) {
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0) std::exit(2);
  ::fcntl(ends[0], F_SETPIPE_SZ, 1 << 20);
  posix_spawn_file_actions_t actions;
  ::posix_spawn_file_actions_init(&actions);
  ::posix_spawn_file_actions_adddup2(&actions, ends[1], 1);
  pid_t pid = 0;
  if (::posix_spawn(&pid, argv[0], &actions, nullptr, argv, environ) != 0) std::exit(2);
  ::posix_spawn_file_actions_destroy(&actions);
  ::close(ends[1]);
  out = ends[0];
  return pid;
}

void spawn_many(int times) {
  std::string name = "/bin/true";
  char* argv[] = {name.data(), nullptr};
  char buffer[4096];
  for (int i = 0; i < times; ++i) {
    int out = -1;
    pid_t pid = start(argv, out);
    while (::read(out, buffer, sizeof buffer) > 0) continue;
    ::close(out);
    ::waitpid(pid, nullptr, 0);
  }
}

void split(const char* path) {
  std::string cat = "/bin/cat";
  std::string file = path;
  char* argv[] = {cat.data(), file.data(), nullptr};
  int out = -1;
  pid_t pid = start(argv, out);
  std::vector<char> buffer(1 << 20);
  long lines = 0;
  for (ssize_t got = 0; (got = ::read(out, buffer.data(), buffer.size())) > 0;) {
    const char* at = buffer.data();
    const char* end = at + got;
    while ((at = static_cast<const char*>(
                std::memchr(at, '\n', static_cast<std::size_t>(end - at)))) != nullptr)
      ++lines, ++at;
  }
  ::waitpid(pid, nullptr, 0);
  std::printf("%ld\n", lines);
}

}  // namespace

int main(int argc, char** argv) {
  if (argc == 3 && std::strcmp(argv[1], "spawn") == 0) return spawn_many(std::atoi(argv[2])), 0;
  if (argc == 2 && std::string(argv[1]) == "nothing") return 0;
  if (argc == 3 && std::strcmp(argv[1], "split") == 0) return split(argv[2]), 0;
  std::fputs("usage: baseline spawn N | split FILE | nothing\n", stderr);
  return 2;
}
