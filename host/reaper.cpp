// agentlua-reaper PROGRAM [ARGS...]: runs PROGRAM and outlives everything that it starts.
//
// The host starts one reaper per contained process. The reaper leads a session of its own and is
// the subreaper of all descendants, so that nothing escapes by double fork or setsid. When the
// program ends, when the host asks, or when the host is gone (end of file on the control pipe), it
// kills every descendant and leaves only when none is left.
//
// fd 3: control, from the host. One byte each: a signal number for the whole tree, 255 for the end.
// fd 4: status, to the host. Records of reaper_record (agentlua/detail/spawn.hpp).
// fd 5 and up: locks that must be held until the last descendant is gone; never used, never passed.

#include <dirent.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>

#include "agentlua/detail/reaper_protocol.hpp"

namespace {

using namespace agentlua::detail;

constexpr int most_descendants = 1 << 16;
pid_t tree[most_descendants];
int tree_size = 0;
pid_t program = 0;
bool program_ended = false;

void report(reaper_event event, int value) {
  reaper_record record{event, value};
  while (::write(reaper_status_fd, &record, sizeof record) < 0 && errno == EINTR) continue;
}

bool in_tree(pid_t pid) {
  for (int i = 0; i < tree_size; ++i)
    if (tree[i] == pid) return true;
  return false;
}

// Adds the children of every thread of `pid`; returns how many were new.
int add_children(pid_t pid) {
  char path[64];
  std::snprintf(path, sizeof path, "/proc/%d/task", pid);
  DIR* threads = ::opendir(path);
  if (threads == nullptr) return 0;
  int added = 0;
  while (dirent* thread = ::readdir(threads)) {
    char name[128];
    std::snprintf(name, sizeof name, "/proc/%d/task/%.20s/children", pid, thread->d_name);
    std::FILE* list = thread->d_name[0] == '.' ? nullptr : std::fopen(name, "re");
    if (list == nullptr) continue;
    for (int child = 0; std::fscanf(list, "%d", &child) == 1;)
      if (!in_tree(child) && tree_size < most_descendants) tree[tree_size++] = child, ++added;
    std::fclose(list);
  }
  ::closedir(threads);
  return added;
}

// Finds all descendants, parents before children. With `freeze` each is stopped before its children
// are read: a stopped parent neither forks nor reaps, so no pid in the list can be reused.
void collect_tree(bool freeze) {
  tree_size = 0;
  for (int added = 1; added > 0;) {  // again until a pass finds nothing new
    added = add_children(::getpid());
    for (int i = 0; i < tree_size; ++i) {
      if (freeze) ::kill(tree[i], SIGSTOP);
      added += add_children(tree[i]);
    }
  }
}

void signal_tree(int number) {
  collect_tree(false);
  for (int i = 0; i < tree_size; ++i) ::kill(tree[i], number);
  if (number == SIGSTOP || number == SIGCONT) return;
  for (int i = 0; i < tree_size; ++i) ::kill(tree[i], SIGCONT);  // a stopped process sees it too
}

// Reaps what has ended and reports the end of the program. False when no child is left.
bool reap() {
  for (;;) {
    int status = 0;
    pid_t ended = ::waitpid(-1, &status, WNOHANG);
    if (ended < 0) return errno != ECHILD;
    if (ended == 0) return true;
    if (ended != program || program_ended) continue;
    program_ended = true;
    report(reaper_event::exited, status);
  }
}

[[noreturn]] void kill_all_and_leave() {
  sigset_t child_ended;
  sigemptyset(&child_ended);
  sigaddset(&child_ended, SIGCHLD);
  for (long pause = 200'000; reap(); pause = pause < 20'000'000 ? pause * 2 : pause) {
    collect_tree(true);
    for (int i = 0; i < tree_size; ++i) ::kill(tree[i], SIGKILL);
    timespec nap{0, pause};
    ::sigtimedwait(&child_ended, nullptr, &nap);
  }
  report(reaper_event::empty, 0);
  std::_Exit(0);
}

[[noreturn]] void become_program(char** argv, int failure) {
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);  // if the reaper itself is killed
  ::setsid();
  for (int number = 1; number < NSIG; ++number) ::signal(number, SIG_DFL);
  sigset_t none;
  sigemptyset(&none);
  ::sigprocmask(SIG_SETMASK, &none, nullptr);
  ::close_range(3, static_cast<unsigned>(failure) - 1, 0);
  ::close_range(static_cast<unsigned>(failure) + 1, ~0U, 0);
  ::execv(argv[0], argv);
  int reason = errno;
  [[maybe_unused]] auto told = ::write(failure, &reason, sizeof reason);
  std::_Exit(127);
}

// Starts the program; on failure reports why and leaves.
void start(char** argv) {
  int failure[2];
  if (::pipe2(failure, O_CLOEXEC) != 0) std::_Exit(126);
  int write_end = ::fcntl(failure[1], F_DUPFD_CLOEXEC, 64);
  ::close(failure[1]);
  program = ::fork();
  if (program == 0) become_program(argv, write_end);
  int reason = errno;
  ::close(write_end);
  bool runs = program > 0 && ::read(failure[0], &reason, sizeof reason) <= 0;
  ::close(failure[0]);
  report(runs ? reaper_event::started : reaper_event::failed, runs ? program : reason);
  if (!runs) std::_Exit(0);
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 2 || ::fcntl(reaper_status_fd, F_GETFD) < 0) {
    std::fputs("agentlua-reaper is started by agentlua, not by hand\n", stderr);
    return 2;
  }
  ::prctl(PR_SET_CHILD_SUBREAPER, 1);
  sigset_t all;
  sigfillset(&all);
  ::sigprocmask(SIG_BLOCK, &all, nullptr);
  sigset_t child_ended;
  sigemptyset(&child_ended);
  sigaddset(&child_ended, SIGCHLD);
  int children = ::signalfd(-1, &child_ended, SFD_CLOEXEC | SFD_NONBLOCK);

  start(argv + 1);
  int nowhere = ::open("/dev/null", O_RDWR | O_CLOEXEC);
  for (int fd = 0; fd < 3; ++fd) ::dup2(nowhere, fd);  // the pipes belong to the program now

  while (!program_ended) {
    pollfd ready[2] = {{reaper_control_fd, POLLIN, 0}, {children, POLLIN, 0}};
    if (::poll(ready, 2, -1) < 0 && errno != EINTR) break;
    if (ready[0].revents != 0) {
      unsigned char order = 0;
      ssize_t got = ::read(reaper_control_fd, &order, 1);
      if (got == 0 || (got > 0 && order == reaper_end)) break;
      if (got > 0) signal_tree(order);
    }
    if (ready[1].revents != 0) {
      signalfd_siginfo info;
      while (::read(children, &info, sizeof info) > 0) continue;
      reap();
    }
  }
  kill_all_and_leave();
}
