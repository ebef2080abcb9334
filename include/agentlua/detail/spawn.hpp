#pragma once
// agentlua/detail/spawn.hpp: room 3. posix_spawn with pipes, directly or under agentlua-reaper.

#include <dlfcn.h>
#include <signal.h>
#include <spawn.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include <cstdlib>
#include <string>
#include <vector>

#include "agentlua/detail/reaper_protocol.hpp"
#include "agentlua/detail/unique_fd.hpp"
#include "agentlua/error.hpp"
#include "agentlua/fs.hpp"

namespace agentlua::detail {

/// Everything posix_spawn needs, already decided: fds are the child's 0, 1, 2, 3, ...
struct spawn_plan {
  std::string name;     // what errors call it
  std::string program;  // absolute path
  std::vector<std::string> argv;
  std::vector<std::string> env;  // complete, "NAME=value"
  std::string cwd;               // empty: inherited
  std::vector<unique_fd> fds;    // child's fd n is fds[n]; all numbers here are above 9
};

/// A descriptor of the same open file, close-on-exec, above every number that a child is given.
inline unique_fd move_up(unique_fd fd) {
  unique_fd high(::fcntl(fd.get(), F_DUPFD_CLOEXEC, 64));
  if (!high) throw_errno("duplicate", "descriptor");
  return high;
}

/// {read end, write end}, close-on-exec and high.
inline std::pair<unique_fd, unique_fd> make_pipe() {
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0) throw_errno("make", "pipe");
  unique_fd read_end(ends[0]);
  unique_fd write_end(ends[1]);
  return {move_up(std::move(read_end)), move_up(std::move(write_end))};
}

inline std::vector<char*> pointers(const std::vector<std::string>& strings) {
  std::vector<char*> list;
  list.reserve(strings.size() + 1);
  for (const auto& s : strings) list.push_back(const_cast<char*>(s.c_str()));
  list.push_back(nullptr);
  return list;
}

/// Error for a program that the kernel did not execute.
inline error start_error(int reason, const std::string& name) {
  error plain = errno_error(reason, "start", name);
  if (reason != ENOEXEC) return plain;
  return {plain.code(), std::string(plain.what()) + "; a script needs a first line like #!/bin/sh"};
}

/// Starts the plan in a session of its own, with default signals and only the given descriptors.
/// Errors: the errno name; E2BIG says the size and the way out.
inline pid_t spawn(const spawn_plan& plan) {
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

  auto argv = pointers(plan.argv);
  auto env = pointers(plan.env);
  pid_t pid = 0;
  int problem = ::posix_spawn(
      &pid, plan.program.c_str(), &actions, &attributes, argv.data(), env.data());
  ::posix_spawn_file_actions_destroy(&actions);
  ::posix_spawnattr_destroy(&attributes);
  if (problem == E2BIG) {
    std::size_t bytes = 0;
    for (const auto& s : plan.argv) bytes += s.size() + 1;
    for (const auto& s : plan.env) bytes += s.size() + 1;
    throw error("E2BIG", "cannot start '" + plan.name + "': " + std::to_string(bytes) +
                             " bytes of arguments and environment; send long text on stdin");
  }
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
