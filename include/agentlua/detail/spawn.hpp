#pragma once
// agentlua/detail/spawn.hpp: room 3. posix_spawn with pipes, directly or under agentlua-reaper.

#include <dlfcn.h>
#include <signal.h>
#include <spawn.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include <cstdlib>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "agentlua/detail/reaper_protocol.hpp"
#include "agentlua/detail/unique_fd.hpp"
#include "agentlua/error.hpp"
#include "agentlua/fs.hpp"

namespace agentlua::detail {

/// Everything posix_spawn needs, already decided: the child's descriptor n is fds[n].
struct spawn_plan {
  std::string name;     // what errors call it
  std::string program;  // absolute path
  std::vector<std::string> argv;
  std::vector<const char*> env;                    // complete, "NAME=value"
  std::vector<std::unique_ptr<std::string>> made;  // entries of env that are nobody else's
  std::string cwd;                                 // empty: inherited
  std::vector<unique_fd> fds;
};

/// {read end, write end}, close-on-exec.
inline std::pair<unique_fd, unique_fd> make_pipe() {
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0) throw_errno("make", "pipe");
  return {unique_fd(ends[0]), unique_fd(ends[1])};
}

/// What exec takes; it does not change them.
inline char* const* exec_list(std::vector<const char*>& strings) {
  strings.push_back(nullptr);
  return const_cast<char* const*>(strings.data());
}

/// Error for a program that the kernel did not execute.
inline error start_error(int reason, const std::string& name) {
  error plain = errno_error(reason, "start", name);
  if (reason != ENOEXEC) return plain;
  return {plain.code(), std::string(plain.what()) + "; a script needs a first line like #!/bin/sh"};
}

/// E2BIG with what is too long and the way out.
inline error too_long_error(const spawn_plan& plan) {
  constexpr std::size_t most = 131'071;  // MAX_ARG_STRLEN of Linux without the final NUL
  std::size_t bytes = 0;
  std::string what;
  for (std::size_t i = 0; i < plan.argv.size(); ++i) {
    bytes += plan.argv[i].size() + 1;
    if (plan.argv[i].size() > most) what = "argument " + std::to_string(i);
  }
  for (std::string_view entry : plan.env) {
    bytes += entry.size() + 1;
    if (entry.size() > most) what = "variable " + std::string(entry.substr(0, entry.find('=')));
  }
  if (!what.empty()) what = " (" + what + " alone is over " + std::to_string(most) + ")";
  return {"E2BIG", "cannot start '" + plan.name + "': " + std::to_string(bytes) +
                       " bytes of arguments and environment; send long text on stdin" + what};
}

/// Moves every descriptor that dup2 to a child's number would overwrite out of the way.
inline void lift_descriptors(std::vector<unique_fd>& fds) {
  const int end = static_cast<int>(fds.size());
  for (auto& fd : fds) {
    if (fd.get() >= end) continue;
    fd.reset(::fcntl(fd.get(), F_DUPFD_CLOEXEC, end));
    if (!fd) throw_errno("duplicate", "descriptor");
  }
}

/// Children can be waited for, also when we were started with SIGCHLD ignored.
inline void keep_children() noexcept {
  struct sigaction action {};
  if (::sigaction(SIGCHLD, nullptr, &action) != 0) return;
  if (action.sa_handler != SIG_IGN && (action.sa_flags & SA_NOCLDWAIT) == 0) return;
  if (action.sa_handler == SIG_IGN) action.sa_handler = SIG_DFL;
  action.sa_flags &= ~SA_NOCLDWAIT;
  ::sigaction(SIGCHLD, &action, nullptr);
}

/// Starts the plan in a session of its own, with default signals and only the given descriptors.
/// Errors: the errno name; E2BIG says the size and the way out.
inline pid_t spawn(spawn_plan& plan) {
  lift_descriptors(plan.fds);
  keep_children();
  posix_spawn_file_actions_t actions;
  posix_spawnattr_t attributes;
  ::posix_spawn_file_actions_init(&actions);
  ::posix_spawnattr_init(&attributes);
  sigset_t all;
  sigset_t none;
  sigfillset(&all);
  sigemptyset(&none);
  ::posix_spawnattr_setsigdefault(&attributes, &all);
  ::posix_spawnattr_setsigmask(&attributes, &none);
  ::posix_spawnattr_setflags(
      &attributes, POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSID);
  if (!plan.cwd.empty()) ::posix_spawn_file_actions_addchdir_np(&actions, plan.cwd.c_str());
  int target = 0;
  for (const auto& fd : plan.fds) ::posix_spawn_file_actions_adddup2(&actions, fd.get(), target++);
  ::posix_spawn_file_actions_addclosefrom_np(&actions, target);

  std::vector<const char*> argv;
  for (const auto& arg : plan.argv) argv.push_back(arg.c_str());
  std::vector<const char*> env = plan.env;
  pid_t pid = 0;
  int problem = ::posix_spawn(
      &pid, plan.program.c_str(), &actions, &attributes, exec_list(argv), exec_list(env));
  ::posix_spawn_file_actions_destroy(&actions);
  ::posix_spawnattr_destroy(&attributes);
  if (problem == E2BIG) throw too_long_error(plan);
  if (problem != 0) throw start_error(problem, plan.argv[0]);
  return pid;
}

inline unique_fd open_pidfd(pid_t pid) {
  unique_fd fd(static_cast<int>(::syscall(SYS_pidfd_open, pid, 0)));
  if (!fd) throw_errno("watch process", std::to_string(pid));
  return fd;
}

/// Path of agentlua-reaper: $AGENTLUA_REAPER, else near the program or library that holds this
/// code: beside it, or in libexec/ of a directory above.
/// Errors: ENOENT (with the places looked at).
inline std::string find_reaper() {
  if (const char* named = ::secure_getenv("AGENTLUA_REAPER")) return named;
  Dl_info self{};
  std::error_code ignored;
  stdfs::path at = stdfs::read_symlink("/proc/self/exe", ignored);
  if (::dladdr(reinterpret_cast<void*>(&find_reaper), &self) != 0 && self.dli_fname != nullptr &&
      stdfs::path(self.dli_fname).extension() == ".so")
    at = stdfs::canonical(self.dli_fname, ignored);
  stdfs::path dir = at.parent_path();
  if (stdfs::exists(dir / "agentlua-reaper")) return dir / "agentlua-reaper";
  for (int up = 0; up < 7; ++up, dir = dir.parent_path())
    if (stdfs::exists(dir / "libexec/agentlua-reaper")) return dir / "libexec/agentlua-reaper";
  throw error("ENOENT", "agentlua-reaper not found beside '" + at.native() +
                            "' nor in a libexec directory above it; set AGENTLUA_REAPER");
}

}  // namespace agentlua::detail
