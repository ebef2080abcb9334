// agentlua-reaper [tty] [nice=N] [rlimit=RESOURCE:VALUE]... [memory=BYTES] [processes=N] -- PROGRAM
// [ARGS]: runs PROGRAM and outlives everything that it starts. tty: its stdin is a terminal, which
// becomes its controlling one.
//
// The host starts one reaper per contained process. The reaper leads a session of its own and is
// the subreaper of all descendants, so that nothing escapes by double fork or setsid. When the
// program ends, when the host asks, or when the host is gone (end of file on the control pipe), it
// kills every descendant and leaves only when none is left. It does the same when the descendants
// together use more than the bounds given.
//
// fd 3: control, from the host. One byte each: a signal number for the whole tree, 255 for the end.
// fd 4: status, to the host. Records of reaper_record (agentlua/detail/reaper_protocol.hpp).
// fd 5 and up: locks that must be held until the last descendant is gone; never used, never passed.

#include <dirent.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>

#include "agentlua/detail/reaper_protocol.hpp"

namespace {

using namespace agentlua::detail;

constexpr int most_descendants = 1 << 16;
pid_t tree[most_descendants];
int tree_size = 0;
pid_t program = 0;
bool program_ended = false;
unsigned long long most_memory = 0;     // bytes; 0: no bound
unsigned long long most_processes = 0;  // 0: no bound
bool nested_seen = false;

struct limit {
  int resource;
  unsigned long long value;
};
limit limits[RLIM_NLIMITS];
int limit_count = 0;
int niceness = 0;
bool on_terminal = false;

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

// Private resident bytes of a process: what is resident but not shared with files or others.
unsigned long long memory_of(pid_t pid) {
  char path[64];
  std::snprintf(path, sizeof path, "/proc/%d/statm", pid);
  std::FILE* file = std::fopen(path, "re");
  if (file == nullptr) return 0;
  unsigned long long resident = 0;
  unsigned long long shared = 0;
  int fields = std::fscanf(file, "%*u %llu %llu", &resident, &shared);
  std::fclose(file);
  return fields == 2 && resident > shared ? (resident - shared) * ::sysconf(_SC_PAGESIZE) : 0;
}

// In how many PID namespaces, ours and below, a process has a number (proc(5), NSpid).
int namespaces_of(const char* who) {
  char path[64];
  std::snprintf(path, sizeof path, "/proc/%s/status", who);
  std::FILE* file = std::fopen(path, "re");
  if (file == nullptr) return 0;
  char line[256];
  int count = 0;
  while (count == 0 && std::fgets(line, sizeof line, file) != nullptr)
    if (std::strncmp(line, "NSpid:", 6) == 0)
      for (const char* at = line; *at != '\0'; ++at) count += *at == '\t';
  std::fclose(file);
  return count;
}

void look_for_namespace() {
  const int ours = namespaces_of("self");
  for (int i = 0; i < tree_size && !nested_seen; ++i) {
    char who[16];
    std::snprintf(who, sizeof who, "%d", tree[i]);
    nested_seen = namespaces_of(who) > ours;
  }
  if (nested_seen) report(reaper_event::nested, 0);
}

// Looks at the whole tree; true when a bound has struck.
bool over_bounds() {
  collect_tree(false);
  if (!nested_seen) look_for_namespace();
  unsigned long long memory = 0;
  for (int i = 0; i < tree_size && most_memory != 0; ++i) memory += memory_of(tree[i]);
  bool hoards = most_memory != 0 && memory > most_memory;
  bool swarms = most_processes != 0 && static_cast<unsigned>(tree_size) > most_processes;
  if (!hoards && !swarms) return false;
  report(reaper_event::bound,
         static_cast<int>(hoards ? reaper_bound::memory : reaper_bound::processes));
  return true;
}

// Takes the settings in front of "--". Returns the program's argument list, or null when one of
// them is not known.
char** take_settings(char** argv) {
  for (; *argv != nullptr && std::strcmp(*argv, "--") != 0; ++argv) {
    limit next{};
    if (std::sscanf(*argv, "rlimit=%d:%llu", &next.resource, &next.value) == 2) {
      if (limit_count == RLIM_NLIMITS) return nullptr;
      limits[limit_count++] = next;
    } else if (std::strcmp(*argv, "tty") == 0) {
      on_terminal = true;
    } else if (std::sscanf(*argv, "nice=%d", &niceness) != 1 &&
               std::sscanf(*argv, "memory=%llu", &most_memory) != 1 &&
               std::sscanf(*argv, "processes=%llu", &most_processes) != 1) {
      return nullptr;
    }
  }
  return *argv != nullptr && argv[1] != nullptr ? argv + 1 : nullptr;
}

// Between vfork and exec. Signals have their default actions: the host starts us so. Returns what
// could not be done; errno says why.
reaper_event become_program(char** argv) {
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);  // if the reaper itself is killed
  ::setsid();
  if (on_terminal && ::ioctl(STDIN_FILENO, TIOCSCTTY, 0) != 0) return reaper_event::refused;
  for (int i = 0; i < limit_count; ++i) {
    rlimit both{limits[i].value, limits[i].value};
    auto resource = static_cast<__rlimit_resource>(limits[i].resource);
    if (::setrlimit(resource, &both) != 0) return reaper_event::refused;
  }
  errno = 0;
  if (niceness != 0 && ::nice(niceness) == -1 && errno != 0) return reaper_event::refused;
  sigset_t none;
  sigemptyset(&none);
  ::sigprocmask(SIG_SETMASK, &none, nullptr);
  ::close_range(3, ~0U, 0);
  ::execv(argv[0], argv);
  return reaper_event::failed;
}

// Starts the program; on failure reports why and leaves.
void start(char** argv) {
  volatile auto outcome = reaper_event::started;  // the child shares our memory until its exec
  program = ::vfork();  // NOLINT(clang-analyzer-security.insecureAPI.vfork)
  if (program == 0) {
    outcome = become_program(argv);  // NOLINT(clang-analyzer-unix.Vfork): system calls only
    ::_exit(127);
  }
  if (program < 0) outcome = reaper_event::failed;
  report(outcome, outcome == reaper_event::started ? program : errno);
  if (outcome != reaper_event::started) std::_Exit(0);
}

long long milliseconds() {
  timespec now{};
  ::clock_gettime(CLOCK_MONOTONIC, &now);
  return now.tv_sec * 1000LL + now.tv_nsec / 1'000'000;
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

  char** command = take_settings(argv + 1);
  if (command == nullptr) {
    report(reaper_event::refused, EINVAL);
    return 0;
  }
  start(command);
  int nowhere = ::open("/dev/null", O_RDWR | O_CLOEXEC);
  for (int fd = 0; fd < 3; ++fd) ::dup2(nowhere, fd);  // the pipes belong to the program now

  // Without bounds there is one look, for a PID namespace: sandboxes make theirs when they start.
  const bool watches = most_memory != 0 || most_processes != 0;
  for (long long look = milliseconds() + 50; !program_ended;) {
    pollfd ready[2] = {{reaper_control_fd, POLLIN, 0}, {children, POLLIN, 0}};
    long long left = look - milliseconds();
    int wait = look == 0 ? -1 : left > 0 ? static_cast<int>(left) : 0;
    if (::poll(ready, 2, wait) < 0 && errno != EINTR) break;
    if (look != 0 && milliseconds() >= look) {
      if (over_bounds()) break;
      look = watches ? milliseconds() + 100 : 0;
    }
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
