#pragma once
// agentlua/process.hpp: room 4. A child process: streams, bounds, stop plan, nothing left behind.

#include <signal.h>
#include <sys/wait.h>

#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "agentlua/event_loop.hpp"
#include "agentlua/process/launch.hpp"
#include "agentlua/process/options.hpp"

namespace agentlua {

/// A running child. Everything happens in the loop's step(); `on_change` is called (and must not
/// throw) whenever there is more to read, or the state changed. The step that finishes it may bring
/// its last output as well.
/// Ownership: the loop must outlive it. The destructor kills what still runs and waits for it.
class process {
 public:
  enum class state { starting, running, finished };

  /// Errors: ENOENT (program or cwd), EACCES (not executable), ENOEXEC, E2BIG, EINVAL. Contained
  /// programs that the kernel refuses are told in the result.
  process(
      event_loop& loop, process_options options, std::function<void()> on_change = [] {})
      : loop_(loop), options_(std::move(options)), on_change_(std::move(on_change)) {
    auto plan = detail::make_plan(options_, ends_);
    started_ = last_output_ = boot_now();
    child_ = detail::spawn(plan);
    plan.fds.clear();  // the child's ends, so that end of file can be seen
    try {
      supervise();
    } catch (...) {
      end_now();
      throw;
    }
  }
  process(const process&) = delete;
  process& operator=(const process&) = delete;
  ~process() { end_now(); }

  /// `running` once the program was started; `finished` once nothing of it is left and its output
  /// was read to the end (for at most two seconds, if a stranger still holds the pipe).
  state now() const noexcept { return state_; }
  const process_result& result() const noexcept { return result_; }
  /// Process id of the program; 0 until it is known.
  pid_t pid() const noexcept { return program_; }

  /// Output that was not taken yet. stdout is what `out()` has, stderr `err()`.
  detail::stream& out() noexcept { return ends_.out; }
  detail::stream& err() noexcept { return ends_.err; }

  /// Queues bytes for stdin. Never blocks; what a child that has closed it misses is dropped.
  /// Errors: EINVAL (without `stdin_pipe` or `pty`).
  void write(std::string_view bytes) {
    if (!options_.stdin_pipe && !options_.pty)
      throw error("EINVAL", "stdin of '" + options_.argv[0] + "' is no pipe; start it with one");
    ends_.in.write(bytes);
  }
  /// Closes stdin after what is queued; at a terminal, types Ctrl-D there.
  void close_stdin() { ends_.in.finish(); }

  /// Sets the size of its terminal. Errors: EINVAL (without `pty`).
  void resize(terminal_size size) { set_size(own_terminal(), size); }
  /// Whether its terminal shows what is typed. Errors: EINVAL (without `pty`).
  bool echoes() const { return agentlua::echoes(own_terminal()); }

  /// Sends a signal to every process of the tree (SIGSTOP and SIGCONT pause and resume it).
  void signal(int number) noexcept { order(static_cast<unsigned char>(number)); }

  /// Begins the stop plan and returns; finished comes at the latest after the sum of its waits.
  /// Calling it again while it runs goes on to the next step at once.
  void stop() {
    if (exited_) return;
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
  /// It has said all that it will: closes its stdin, and stops it when it lingers longer than that.
  void expect_end(seconds grace) {
    if (exited_ || linger_timer_ != event_loop::timer_id{}) return;
    ends_.in.finish();
    linger_timer_ = loop_.after(grace, [this] {
      result_.lingered = result_.bound.empty() && next_step_ == 0;
      if (result_.lingered) stop();
    });
  }

 private:
  void supervise() {
    pidfd_ = detail::open_pidfd(child_);
    result_.containment = options_.contain ? "reaper" : "none";
    if (!options_.contain) {
      program_ = child_;
      state_ = state::running;
    }
    exit_ = loop_.watch(pidfd_.get(), EPOLLIN, [this] { on_exit(); });
    if (options_.contain)
      status_ = loop_.watch(ends_.status.get(), EPOLLIN, [this] { on_status(); });
    ends_.out.attach(loop_, [this] { on_output(); });
    ends_.err.attach(loop_, [this] { on_output(); });
    ends_.in.attach(loop_);
    ends_.in.write(options_.stdin_text);
    if (!options_.stdin_pipe && !options_.pty) ends_.in.finish();
    const process_bounds& bounds = options_.bounds;
    if (bounds.wall.count() > 0) wall_timer_ = loop_.after(bounds.wall, [this] { strike("wall"); });
    if (bounds.start.count() > 0)
      start_timer_ = loop_.after(bounds.start, [this] {
        if (said() == 0) strike("start");
      });
    if (bounds.idle.count() > 0) watch_idle(bounds.idle);
  }

  // Kills what runs and waits for it; for when nobody will step the loop any more.
  void end_now() noexcept {
    if (!exited_) {
      order(detail::reaper_end);
      ends_.control.reset();
      siginfo_t info{};
      while (::waitid(P_PID, static_cast<id_t>(child_), &info, WEXITED) != 0 && errno == EINTR)
        continue;
    }
    cancel_timers();
  }

  void order(unsigned char what) noexcept {
    if (exited_) return;  // the number may be somebody else's by now
    if (options_.contain) {
      if (ends_.control)
        detail::write_quietly(ends_.control.get(), {reinterpret_cast<char*>(&what), 1});
    } else {
      ::kill(-child_, what == detail::reaper_end ? SIGKILL : what);
    }
  }

  void strike(const char* bound) {
    if (exited_ || !result_.bound.empty() || result_.lingered) return;
    result_.bound = bound;
    if (next_step_ == 0) stop();
  }

  std::uint64_t said() const noexcept { return ends_.out.bytes() + ends_.err.bytes(); }

  void on_output() {
    last_output_ = boot_now();
    if (options_.bounds.output != 0 && said() > options_.bounds.output) strike("output");
    finish_if_drained();
    on_change_();
  }

  void watch_idle(seconds left) {
    idle_timer_ = loop_.after(left, [this] {
      if (ends_.out.paused() || ends_.err.paused()) last_output_ = boot_now();  // for its reader
      seconds quiet = boot_now() - last_output_;
      if (quiet >= options_.bounds.idle) {
        strike("idle");
      } else {
        watch_idle(options_.bounds.idle - quiet);
      }
    });
  }

  void on_status() {
    detail::reaper_record record{};
    for (;;) {
      ssize_t got = ::read(ends_.status.get(), &record, sizeof record);
      if (got == 0) status_.reset();
      if (got != sizeof record) return;
      take(record);
    }
  }

  void take(const detail::reaper_record& record) {
    using detail::reaper_event;
    switch (record.event) {
      case reaper_event::started:
        program_ = record.value;
        state_ = state::running;
        on_change_();
        break;
      case reaper_event::failed:
        fail(detail::start_error(record.value, name()));
        break;
      case reaper_event::refused:
        fail(errno_error(record.value, "set the niceness, limits or terminal of", name()));
        break;
      case reaper_event::bound:
        if (result_.bound.empty())
          result_.bound = record.value == static_cast<int>(detail::reaper_bound::memory)
                              ? "memory"
                              : "processes";
        break;
      case reaper_event::nested:
        result_.containment = "namespace";
        break;
      case reaper_event::exited:
        take_status(record.value);
        break;
      case reaper_event::empty:
        break;
    }
  }

  int own_terminal() const {
    if (!options_.pty) throw error("EINVAL", "'" + name() + "' has no terminal; start it on a pty");
    return ends_.terminal.get();
  }
  const std::string& name() const {
    return options_.launcher.empty() ? options_.argv[0] : options_.launcher[0];
  }
  void fail(const error& problem) {
    result_.error_code = problem.code();
    result_.error_text = problem.what();
  }

  void take_status(int status) noexcept {
    has_status_ = true;
    if (WIFEXITED(status)) result_.code = WEXITSTATUS(status);
    if (WIFSIGNALED(status)) result_.signal = WTERMSIG(status);
  }

  void on_exit() {
    int status = 0;
    pid_t ended = ::waitpid(child_, &status, WNOHANG);
    const bool lost = ended < 0 && errno == ECHILD;  // somebody else, or the kernel, has reaped it
    if (ended != child_ && !lost) return;
    exit_.reset();
    exited_ = true;
    if (options_.contain) {
      on_status();
      if (!has_status_ && result_.error_code.empty())
        fail({"ELOST", "agentlua-reaper was killed; '" + name() + "' died with it"});
    } else if (lost) {
      fail({"ELOST",
            "the exit code of '" + name() + "' was taken: SIGCHLD is ignored, or another wait()"});
    } else {
      take_status(status);
    }
    cancel_timers();
    ends_.in.abandon();
    ends_.out.pump();
    ends_.err.pump();
    ends_.out.limit_rest();
    ends_.err.limit_rest();
    finish_if_drained();
    if (state_ != state::finished)
      drain_timer_ = loop_.after(seconds(2), [this] {
        ends_.out.abandon();
        ends_.err.abandon();
        finish_if_drained();
        on_change_();
      });
    on_change_();
  }

  void finish_if_drained() {
    if (!exited_ || state_ == state::finished) return;
    if (!ends_.out.ended() || !ends_.err.ended()) return;
    loop_.cancel(drain_timer_);
    for (const auto* stream : {&ends_.out, &ends_.err})
      if (result_.log_error.empty()) result_.log_error = stream->file_problem();
    result_.seconds = seconds(boot_now() - started_).count();
    state_ = state::finished;
  }

  void cancel_timers() noexcept {
    for (const auto& timer :
         {stop_timer_, wall_timer_, start_timer_, idle_timer_, linger_timer_, drain_timer_})
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
  detail::unique_fd pidfd_;
  detail::child_ends ends_;
  std::unique_ptr<event_loop::subscription> exit_, status_;
  event_loop::timer_id stop_timer_{}, wall_timer_{}, start_timer_{}, idle_timer_{}, linger_timer_{},
      drain_timer_{};
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
