#pragma once
// agentlua/process/launch.hpp: room 4. From options to what posix_spawn needs.

#include <array>
#include <string>
#include <vector>

#include "agentlua/detail/spawn.hpp"
#include "agentlua/detail/stream.hpp"
#include "agentlua/process/options.hpp"

extern char** environ;  // NOLINT: POSIX name

namespace agentlua::detail {

/// The parent's ends of what joins it to a child.
struct child_ends {
  unique_fd control, status;  // of the reaper
  unique_fd terminal;         // master of the child's pseudo terminal
  stream out, err;
  sink in;
};

/// Another descriptor of the same thing. Errors: EBADF, EMFILE.
inline unique_fd share(int fd, const char* what) {
  unique_fd copy(::fcntl(fd, F_DUPFD_CLOEXEC, 0));
  if (!copy) throw_errno("share", what);
  return copy;
}

/// Environment of a child: complete list or ours, then the changes.
inline void plan_environment(const process_options& options, spawn_plan& plan) {
  if (options.env) {
    for (const auto& entry : *options.env) plan.env.push_back(entry.c_str());
  } else {
    for (char** entry = environ; entry != nullptr && *entry != nullptr; ++entry)
      plan.env.push_back(*entry);
  }
  for (const auto& [name, value] : options.env_changes) {
    std::erase_if(plan.env, [&name = name](std::string_view entry) {
      return entry.size() > name.size() && entry[name.size()] == '=' && entry.starts_with(name);
    });
    if (!value) continue;
    plan.made.push_back(std::make_unique<std::string>(name + "=" + *value));
    plan.env.push_back(plan.made.back()->c_str());
  }
}

/// Errors: ENOENT (program or working directory), EACCES (not executable), EINVAL (nothing to start).
inline void plan_program(const process_options& options, spawn_plan& plan) {
  plan.argv = options.launcher;
  plan.argv.insert(plan.argv.end(), options.argv.begin(), options.argv.end());
  if (options.argv.empty() || plan.argv[0].empty())
    throw error("EINVAL", "cannot start a process: argv is empty");
  plan.name = plan.argv[0];
  plan.cwd = options.cwd;
  plan_environment(options, plan);
  std::error_code ignored;
  stdfs::path base = plan.cwd;
  if (plan.cwd.empty() && plan.name[0] != '/') base = stdfs::current_path(ignored);
  bool there = plan.cwd.empty() ? !ignored : stdfs::is_directory(base, ignored);
  if (!there)
    throw error("ENOENT", "cannot start '" + plan.name + "': working directory '" + base.native() +
                              "' does not exist");
  std::string_view search = "/usr/local/bin:/usr/bin:/bin";
  for (std::string_view entry : plan.env)
    if (entry.starts_with("PATH=")) search = entry.substr(5);
  if (plan.name[0] != '/') base = stdfs::absolute(base);
  plan.program = fs::find_program(plan.name, std::string(search), base);
}

/// The child's end of one output.
inline unique_fd plan_output(const std::string& kind, int ours, const std::string& file,
                             stream& into) {
  if (kind == "pipe" || kind == "file") {
    if (kind == "file" && file.empty())
      throw error("EINVAL", "output that goes to a file needs its path");
    auto [read_end, write_end] = make_pipe();
    into.open(std::move(read_end), file, kind == "pipe");
    return std::move(write_end);
  }
  if (kind == "inherit") {
    unique_fd copy(::fcntl(ours, F_DUPFD_CLOEXEC, 0));
    if (copy) return copy;
  } else if (kind != "discard") {
    throw error("EINVAL", "output cannot go to '" + kind + "'");
  }
  return fs::open("/dev/null", O_WRONLY);
}

inline void plan_streams(const process_options& options, spawn_plan& plan, child_ends& ends) {
  if (options.stdin_pipe || !options.stdin_text.empty()) {
    auto [read_end, write_end] = make_pipe();
    plan.fds.push_back(std::move(read_end));
    ends.in.open(std::move(write_end));
  } else {
    plan.fds.push_back(fs::open("/dev/null", O_RDONLY));
  }
  plan.fds.push_back(plan_output(options.stdout_to, 1, options.stdout_file, ends.out));
  if (options.stderr_to == "merge") {
    plan.fds.push_back(share(plan.fds[1].get(), "output"));
  } else {
    plan.fds.push_back(plan_output(options.stderr_to, 2, options.stderr_file, ends.err));
  }
}

/// One pseudo terminal for all three.
inline void plan_terminal(const process_options& options, spawn_plan& plan, child_ends& ends) {
  pty both = open_pty(*options.pty);
  ends.out.open(share(both.master.get(), "terminal"), options.stdout_file, true);
  ends.in.open(share(both.master.get(), "terminal"), true);
  ends.terminal = std::move(both.master);
  plan.fds.push_back(std::move(both.slave));
  while (plan.fds.size() < 3) plan.fds.push_back(share(plan.fds[0].get(), "terminal"));
}

/// Puts agentlua-reaper in front: `agentlua-reaper [tty] [nice=N] [rlimit=R:V] [memory=BYTES]
/// [processes=N] -- PROGRAM ARGS...`.
inline void plan_reaper(const process_options& options, spawn_plan& plan, child_ends& ends) {
  auto [control_read, control_write] = make_pipe();
  auto [status_read, status_write] = make_pipe();
  plan.fds.push_back(std::move(control_read));
  plan.fds.push_back(std::move(status_write));
  ends.control = std::move(control_write);
  ends.status = std::move(status_read);
  ::fcntl(ends.status.get(), F_SETFL, O_NONBLOCK);
  std::vector<std::string> front = {"agentlua-reaper"};
  if (options.pty) front.emplace_back("tty");
  if (options.nice != 0) front.push_back("nice=" + std::to_string(options.nice));
  for (const auto& [resource, value] : options.rlimits)
    front.push_back("rlimit=" + std::to_string(resource) + ":" + std::to_string(value));
  const process_bounds& bounds = options.bounds;
  if (bounds.memory != 0) front.push_back("memory=" + std::to_string(bounds.memory));
  if (bounds.processes != 0) front.push_back("processes=" + std::to_string(bounds.processes));
  front.emplace_back("--");
  plan.argv[0] = plan.program;
  plan.argv.insert(plan.argv.begin(), front.begin(), front.end());
  std::error_code ignored;  // the child's directory is another one
  plan.program = stdfs::absolute(options.reaper.empty() ? find_reaper() : options.reaper, ignored);
}

inline void plan_locks(const process_options& options, spawn_plan& plan) {
  for (int fd : options.hold) plan.fds.push_back(share(fd, "lock descriptor"));
}

/// Everything that starting takes; `ends` receives the parent's side.
/// Errors: ENOENT (program or cwd), EACCES (not executable), EINVAL (argv empty, unknown output, a
/// bound that needs the reaper).
inline spawn_plan make_plan(const process_options& options, child_ends& ends) {
  const auto& bounds = options.bounds;
  bool needs_reaper = options.nice != 0 || !options.rlimits.empty() || bounds.memory != 0 ||
                      bounds.processes != 0 || options.pty;
  if (!options.contain && needs_reaper)
    throw error("EINVAL", "nice, rlimits, memory, processes and pty need the reaper (contain)");
  if (options.pty &&
      (options.stdout_to != "pipe" || options.stderr_to != "pipe" || !options.stderr_file.empty()))
    throw error("EINVAL", "output of a process with a pty goes there and nowhere else");
  spawn_plan plan;
  plan_program(options, plan);
  ends.out.hide(options.secrets);
  ends.err.hide(options.secrets);
  options.pty ? plan_terminal(options, plan, ends) : plan_streams(options, plan, ends);
  if (options.contain) plan_reaper(options, plan, ends);
  plan_locks(options, plan);
  return plan;
}

}  // namespace agentlua::detail
