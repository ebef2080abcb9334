#pragma once
// agentlua/process/options.hpp: room 4. What a process is started with, and how it ended.

#include <signal.h>

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "agentlua/pty.hpp"
#include "agentlua/redact.hpp"
#include "agentlua/time.hpp"

namespace agentlua {

/// One step of a stop plan: send `signal` to the whole tree, then wait at most `wait` for the end.
struct stop_step {
  int signal = SIGTERM;
  seconds wait{5};
};

/// What a process may use up. 0: no bound. The one that strikes is named in the result.
///
/// wall, idle, start and output begin the stop plan. memory and processes are watched by the reaper
/// ten times a second and kill at once: what exhausts the machine gets no grace.
struct process_bounds {
  seconds wall{0};              ///< time from start to end
  seconds idle{0};              ///< time without output, while the reader keeps up
  seconds start{0};             ///< time until the first byte of output
  std::uint64_t output = 0;     ///< bytes of stdout and stderr together
  std::uint64_t memory = 0;     ///< resident bytes of the tree, without what it shares
  std::uint64_t processes = 0;  ///< processes of the tree at one time
};

/// How a process is started. Zero values are the defaults.
struct process_options {
  std::vector<std::string> argv;      ///< program and arguments; never a shell string
  std::vector<std::string> launcher;  ///< in front of argv: {"nice"}, {"bwrap", ...}, {"ssh", host}
  std::string cwd;                    ///< inherited when empty
  std::optional<std::vector<std::string>> env;  ///< complete "NAME=value" list; inherited if absent
  std::vector<std::pair<std::string, std::optional<std::string>>>
      env_changes;                       ///< on top; absent: dropped
  std::string stdin_text;                ///< written to stdin, which is then closed
  bool stdin_pipe = false;               ///< keep stdin open for write(); else /dev/null
  std::string stdout_to = "pipe";        ///< pipe, file, discard, inherit
  std::string stderr_to = "pipe";        ///< the same, or merge (into stdout)
  std::string stdout_file, stderr_file;  ///< appended to: by "file" only, by "pipe" as well
  named_secrets secrets;                 ///< replaced in what it says, see redact.hpp
  std::optional<terminal_size> pty;      ///< its controlling terminal, which is stdin, stdout and
                                         ///< stderr, and stays open; needs `contain`
  bool contain = true;                   ///< run under agentlua-reaper, so that nothing survives it
  std::string reaper;                    ///< path of agentlua-reaper; found by itself when empty
  std::vector<int> hold;  ///< locks that stay held until nothing of the process is left
  int nice = 0;           ///< added to our niceness; needs `contain`
  std::vector<std::pair<int, std::uint64_t>> rlimits;  ///< RLIMIT_* and value; needs `contain`
  process_bounds bounds;
  std::vector<stop_step> stop = {{}};  ///< after the last step everything is killed
};

/// How a process ended.
struct process_result {
  int code = -1;            ///< exit code, -1 when it was ended by a signal or never ran
  int signal = 0;           ///< signal that ended it, or 0
  std::string bound;        ///< the bound that ended it: wall idle start output memory processes
  bool lingered = false;    ///< it was ended because it had said all and did not leave
  std::string containment;  ///< what kept its descendants: none, reaper, namespace (and the reaper)
  std::string error_code;   ///< why it could not be started or was lost, else empty
  std::string error_text;
  std::string log_error;  ///< why an output file is not complete, else empty
  double seconds = 0;     ///< from start to the end of its last descendant
};

}  // namespace agentlua
