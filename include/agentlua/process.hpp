#pragma once
// agentlua/process.hpp: room 4. A child process: streams, bounds, stop plan, nothing left behind.

#include <signal.h>
#include <sys/wait.h>

#include <array>
#include <cstring>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "agentlua/detail/spawn.hpp"
#include "agentlua/detail/stream.hpp"
#include "agentlua/event_loop.hpp"

extern char** environ;  // NOLINT: POSIX name

namespace agentlua {

/// One step of a stop plan: send `signal` to the whole tree, then wait at most `wait` for the end.
struct stop_step {
  int signal = SIGTERM;
  seconds wait{5};
};

/// How a process is started. Zero values are the defaults.
struct process_options {
  std::vector<std::string> argv;                ///< program and arguments; never a shell string
  std::string cwd;                              ///< inherited when empty
  std::optional<std::vector<std::string>> env;  ///< complete "NAME=value" list; inherited if absent
  std::vector<std::pair<std::string, std::optional<std::string>>>
      env_changes;                       ///< on top; absent: dropped
  std::string stdin_text;                ///< written to stdin, which is then closed
  bool stdin_pipe = false;               ///< keep stdin open for write(); else /dev/null
  std::string stdout_to = "pipe";        ///< pipe, file, discard, inherit
  std::string stderr_to = "pipe";        ///< the same, or merge (into stdout)
  std::string stdout_file, stderr_file;  ///< appended to: by "file" only, by "pipe" as well
  bool contain = true;                   ///< run under agentlua-reaper, so that nothing survives it
  std::vector<int> hold;  ///< locks that stay held until nothing of the process is left
  std::string reaper;     ///< path of agentlua-reaper; found by itself when empty
  seconds wall{0};        ///< most time it may run; 0: no bound
  seconds idle{0};        ///< most time without output; 0: no bound
  std::vector<stop_step> stop = {{}};  ///< after the last step everything is killed
};

/// How a process ended.
struct process_result {
  int code = -1;           ///< exit code, -1 when it was ended by a signal or never ran
  int signal = 0;          ///< signal that ended it, or 0
  std::string bound;       ///< "wall" or "idle" when that bound ended it
  std::string error_code;  ///< why it could not be started or was lost, else empty
  std::string error_text;
  double seconds = 0;  ///< from start to the end of its last descendant
};

/// A running child. Everything happens in the loop's step(); `on_change` is called (and must not
/// throw) whenever there is more to read, or the state changed.
/// Ownership: the loop must outlive it. The destructor kills what still runs and waits for it.
class process {
 public:
  enum class state { starting, running, finished };

  /// Errors: ENOENT (program or cwd), EACCES (not executable), E2BIG, EINVAL (empty argv).
  process(
      event_loop& loop, process_options options, std::function<void()> on_change = [] {})
      : loop_(loop), options_(std::move(options)), on_change_(std::move(on_change)) {
    start();
  }
  process(const process&) = delete;
  process& operator=(const process&) = delete;
  ~process() {
    if (state_ != state::finished) {
      order(detail::reaper_end);
      control_.reset();
      siginfo_t info{};
      while (::waitid(P_PID, static_cast<id_t>(child_), &info, WEXITED) != 0 && errno == EINTR)
        continue;
    }
    cancel_timers();
  }

  /// `running` once the program was started; `finished` once nothing of it is left and its output
  /// was read to the end (for at most two seconds, if a stranger still holds the pipe).
  state now() const noexcept { return state_; }
  const process_result& result() const noexcept { return result_; }
  /// Process id of the program; 0 until it is known.
  pid_t pid() const noexcept { return program_; }

  /// Output that was not taken yet. stdout is what `out()` has, stderr `err()`.
  detail::stream& out() noexcept { return out_; }
  detail::stream& err() noexcept { return err_; }

  /// Queues bytes for stdin; needs `stdin_pipe`. Never blocks.
  void write(std::string_view bytes) { in_.write(bytes); }
  /// Closes stdin after what is queued.
  void close_stdin() { in_.finish(); }

  /// Sends a signal to every process of the tree (SIGSTOP and SIGCONT pause and resume it).
  void signal(int number) { order(static_cast<unsigned char>(number)); }

  /// Begins the stop plan and returns; finished comes at the latest after the sum of its waits.
  /// Calling it again while it runs goes on to the next step at once.
  void stop() {
    if (state_ == state::finished) return;
    loop_.cancel(stop_timer_);
    if (next_step_ >= options_.stop.size()) {
      order(detail::reaper_end);
      return;
    }
    const stop_step& step = options_.stop[next_step_++];
    order(static_cast<unsigned char>(step.signal));
    stop_timer_ = loop_.after(step.wait, [this] { stop(); });
  }
  /// Kills everything now.
  void kill() {
    next_step_ = options_.stop.size();
    stop();
  }

 private:
  void start() {
    if (options_.argv.empty() || options_.argv[0].empty())
      throw error("EINVAL", "cannot start a process: argv is empty");
    detail::spawn_plan plan;
    prepare(plan);
    open_streams(plan);
    if (options_.contain) wrap_in_reaper(plan);
    share_locks(plan);
    started_ = last_output_ = boot_now();
    child_ = detail::spawn(plan);
    pidfd_ = detail::open_pidfd(child_);
    if (!options_.contain) {
      program_ = child_;
      state_ = state::running;
    }
    plan.fds.clear();  // the child's ends, so that end of file can be seen
    exit_ = loop_.watch(pidfd_.get(), UV_READABLE, [this] { on_exit(); });
    if (status_) status_watch_ = loop_.watch(status_.get(), UV_READABLE, [this] { on_status(); });
    auto changed = [this] {
      last_output_ = boot_now();
      on_change_();
    };
    out_.attach(loop_, changed);
    err_.attach(loop_, changed);
    in_.attach(loop_);
    if (!options_.stdin_text.empty()) in_.write(options_.stdin_text);
    if (!options_.stdin_pipe) in_.finish();
    if (options_.wall.count() > 0)
      wall_timer_ = loop_.after(options_.wall, [this] { strike("wall"); });
    if (options_.idle.count() > 0) watch_idle(options_.idle);
  }

  void prepare(detail::spawn_plan& plan) const {
    plan.name = options_.argv[0];
    plan.argv = options_.argv;
    plan.cwd = options_.cwd;
    if (options_.env) {
      plan.env = *options_.env;
    } else {
      for (char** entry = environ; *entry != nullptr; ++entry) plan.env.emplace_back(*entry);
    }
    for (const auto& [name, value] : options_.env_changes) {
      std::erase_if(plan.env, [&name = name](const std::string& entry) {
        return entry.size() > name.size() && entry[name.size()] == '=' && entry.starts_with(name);
      });
      if (value) plan.env.push_back(name + "=" + *value);
    }
    std::string search = "/usr/local/bin:/usr/bin:/bin";
    for (const auto& entry : plan.env)
      if (entry.starts_with("PATH=")) search = entry.substr(5);
    std::error_code ignored;
    stdfs::path base = plan.cwd.empty() ? stdfs::current_path(ignored) : stdfs::path(plan.cwd);
    if (!stdfs::is_directory(base, ignored))
      throw error("ENOENT", "cannot start '" + plan.argv[0] + "': working directory '" +
                                base.native() + "' does not exist");
    plan.program = fs::find_program(plan.argv[0], search, stdfs::absolute(base));
  }

  void open_streams(detail::spawn_plan& plan) {
    auto null = [](int flags) { return detail::move_up(fs::open("/dev/null", flags)); };
    auto inherited = [](int fd) {
      detail::unique_fd copy(::fcntl(fd, F_DUPFD_CLOEXEC, 64));
      return copy ? std::move(copy) : detail::move_up(fs::open("/dev/null", O_RDWR));
    };
    if (options_.stdin_pipe || !options_.stdin_text.empty()) {
      auto [read_end, write_end] = detail::make_pipe();
      plan.fds.push_back(std::move(read_end));
      in_.open(std::move(write_end));
    } else {
      plan.fds.push_back(null(O_RDONLY));
    }
    auto output = [&](const std::string& kind, int fd, detail::stream& stream,
                      const std::string& file) {
      if (kind == "pipe") {
        auto [read_end, write_end] = detail::make_pipe();
        stream.open(std::move(read_end), file);
        return std::move(write_end);
      }
      if (kind == "inherit") return inherited(fd);
      if (kind == "discard") return null(O_WRONLY);
      if (kind == "file") return detail::move_up(fs::open(file, O_WRONLY | O_CREAT | O_APPEND));
      throw error("EINVAL", "output cannot go to '" + kind + "'");
    };
    plan.fds.push_back(output(options_.stdout_to, 1, out_, options_.stdout_file));
    if (options_.stderr_to == "merge") {
      plan.fds.push_back(detail::unique_fd(::fcntl(plan.fds[1].get(), F_DUPFD_CLOEXEC, 64)));
    } else {
      plan.fds.push_back(output(options_.stderr_to, 2, err_, options_.stderr_file));
    }
  }

  void wrap_in_reaper(detail::spawn_plan& plan) {
    std::string reaper = options_.reaper.empty() ? detail::find_reaper() : options_.reaper;
    auto [control_read, control_write] = detail::make_pipe();
    auto [status_read, status_write] = detail::make_pipe();
    plan.fds.push_back(std::move(control_read));
    plan.fds.push_back(std::move(status_write));
    control_ = std::move(control_write);
    status_ = std::move(status_read);
    ::fcntl(status_.get(), F_SETFL, O_NONBLOCK);
    plan.argv[0] = plan.program;
    plan.argv.insert(plan.argv.begin(), "agentlua-reaper");
    std::error_code ignored;
    plan.program = stdfs::absolute(reaper, ignored);  // the child's directory is another one
  }

  void share_locks(detail::spawn_plan& plan) const {
    for (int fd : options_.hold) {
      detail::unique_fd shared(::fcntl(fd, F_DUPFD_CLOEXEC, 64));
      if (!shared) throw_errno("share", "lock descriptor");
      plan.fds.push_back(std::move(shared));
    }
  }

  void order(unsigned char what) noexcept {
    if (options_.contain) {
      if (control_) detail::write_quietly(control_.get(), {reinterpret_cast<char*>(&what), 1});
    } else if (state_ == state::running) {
      ::kill(-child_, what == detail::reaper_end ? SIGKILL : what);
    }
  }

  void strike(const char* bound) {
    if (state_ == state::finished || !result_.bound.empty()) return;
    result_.bound = bound;
    stop();
  }

  void watch_idle(seconds left) {
    idle_timer_ = loop_.after(left, [this] {
      if (out_.paused() || err_.paused()) last_output_ = boot_now();  // it waits for its reader
      seconds quiet = boot_now() - last_output_;
      if (quiet >= options_.idle) {
        strike("idle");
      } else {
        watch_idle(options_.idle - quiet);
      }
    });
  }

  void on_status() noexcept {
    detail::reaper_record record{};
    for (;;) {
      ssize_t got = ::read(status_.get(), &record, sizeof record);
      if (got == 0) status_watch_.reset();
      if (got != sizeof record) return;
      switch (record.event) {
        case detail::reaper_event::started:
          program_ = record.value;
          state_ = state::running;
          on_change_();
          break;
        case detail::reaper_event::failed:
          fail(record.value);
          break;
        case detail::reaper_event::exited:
          take_status(record.value);
          break;
        case detail::reaper_event::empty:
          break;
      }
    }
  }

  void fail(int reason) {
    const error problem = detail::start_error(reason, options_.argv[0]);
    result_.error_code = problem.code();
    result_.error_text = problem.what();
  }

  void take_status(int status) noexcept {
    has_status_ = true;
    if (WIFEXITED(status)) result_.code = WEXITSTATUS(status);
    if (WIFSIGNALED(status)) result_.signal = WTERMSIG(status);
  }

  void on_exit() noexcept {
    int status = 0;
    if (::waitpid(child_, &status, WNOHANG) != child_) return;
    exit_.reset();
    if (options_.contain) {
      on_status();
      if (!has_status_ && result_.error_code.empty()) {
        result_.error_code = "ELOST";
        result_.error_text = "agentlua-reaper was killed; '" + options_.argv[0] + "' died with it";
      }
    } else {
      take_status(status);
    }
    loop_.cancel(stop_timer_);
    loop_.cancel(wall_timer_);
    loop_.cancel(idle_timer_);
    in_.abandon();
    exited_ = true;
    out_.on_end([this] { finish_if_drained(); });
    err_.on_end([this] { finish_if_drained(); });
    drain_timer_ = loop_.after(seconds(2), [this] {
      out_.abandon();
      err_.abandon();
      finish_if_drained();
    });
    finish_if_drained();
  }

  void finish_if_drained() {
    if (!exited_ || state_ == state::finished || !out_.ended() || !err_.ended()) return;
    cancel_timers();
    result_.seconds = seconds(boot_now() - started_).count();
    state_ = state::finished;
    on_change_();
  }

  void cancel_timers() noexcept {
    for (const auto& timer : {stop_timer_, wall_timer_, idle_timer_, drain_timer_})
      loop_.cancel(timer);
  }

  event_loop& loop_;
  process_options options_;
  std::function<void()> on_change_;
  process_result result_;
  state state_ = state::starting;
  bool exited_ = false;
  bool has_status_ = false;
  pid_t child_ = 0;  // the reaper, or the program itself when it is not contained
  pid_t program_ = 0;
  std::size_t next_step_ = 0;
  nanoseconds started_{0};
  nanoseconds last_output_{0};
  detail::unique_fd pidfd_, control_, status_;
  detail::stream out_, err_;
  detail::sink in_;
  std::unique_ptr<event_loop::subscription> exit_, status_watch_;
  event_loop::timer_id stop_timer_{}, wall_timer_{}, idle_timer_{}, drain_timer_{};
};

/// What run() gives back.
struct run_result : process_result {
  std::string out, err;
};

/// Runs a process to its end on a loop of its own and collects its output. Blocks the thread.
/// Errors: those of process.
inline run_result run(process_options options) {
  event_loop loop;
  process child(loop, std::move(options));
  run_result result;
  while (child.now() != process::state::finished) {
    loop.step();
    child.out().take_all(result.out);
    child.err().take_all(result.err);
  }
  static_cast<process_result&>(result) = child.result();
  return result;
}

}  // namespace agentlua
