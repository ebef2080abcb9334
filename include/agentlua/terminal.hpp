#pragma once
// agentlua/terminal.hpp: room 4. The terminal of a person: what is typed, and modes that are put back.

#include <poll.h>
#include <unistd.h>

#include <array>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "agentlua/event_loop.hpp"
#include "agentlua/pty.hpp"

namespace agentlua {

/// The terminal at a descriptor, or the pipe or file that stands in for one, which has no modes.
/// `on_change` is called (and must not throw) when there is something to take() after it found
/// nothing.
/// Ownership: works on a copy of the descriptor; the loop must outlive it. The destructor puts the
/// settings back.
class terminal {
 public:
  enum class mode {
    found,   ///< as it was
    keys,    ///< every key as it is pressed, none of them shown or acted on; output as it was
    hidden,  ///< whole lines that are not shown; Ctrl-C is a signal, Ctrl-Z is not
  };

  /// Errors: EBADF.
  terminal(
      event_loop& loop, int fd, std::function<void()> on_change = [] {})
      : loop_(loop), on_change_(std::move(on_change)), fd_(::fcntl(fd, F_DUPFD_CLOEXEC, 0)) {
    if (!fd_) throw_errno("read from", "descriptor");
    if (termios settings{}; ::tcgetattr(fd_.get(), &settings) == 0) found_ = settings;
  }
  terminal(const terminal&) = delete;
  terminal& operator=(const terminal&) = delete;
  ~terminal() {
    if (now_ != mode::found) ::tcsetattr(fd_.get(), TCSANOW, &*found_);
  }

  bool is_terminal() const noexcept { return found_.has_value(); }
  terminal_size size() const noexcept { return size_of(fd_.get()); }

  /// Changes the mode; does nothing where there is no terminal.
  /// Errors: EIO (it is gone).
  void set(mode wanted) {
    if (!found_ || wanted == now_) return;
    termios settings = *found_;
    if (wanted == mode::keys) {
      settings.c_iflag &= ~static_cast<tcflag_t>(BRKINT | ISTRIP | INLCR | IGNCR | ICRNL | IXON);
      settings.c_lflag &= ~static_cast<tcflag_t>(ECHO | ECHONL | ICANON | ISIG | IEXTEN);
      settings.c_cc[VMIN] = 1;
      settings.c_cc[VTIME] = 0;
    } else if (wanted == mode::hidden) {
      settings.c_lflag &= ~static_cast<tcflag_t>(ECHO);
      settings.c_lflag |= ICANON | ISIG | ECHONL;
      settings.c_cc[VSUSP] = _POSIX_VDISABLE;  // the shell would go on without an echo
    }
    if (::tcsetattr(fd_.get(), TCSANOW, &settings) != 0) throw_errno("set the mode of", "terminal");
    now_ = wanted;
  }

  /// Appends what was typed to `into`, at most 4 KiB; false when there is nothing yet, or any more.
  bool take(std::string& into) {
    std::array<char, 4096> bytes;
    pollfd ready{fd_.get(), POLLIN, 0};
    if (ended_) return false;
    if (::poll(&ready, 1, 0) <= 0) {
      if (!watch_)
        watch_ = loop_.watch(fd_.get(), EPOLLIN, [this] {
          watch_.reset();  // until it is asked for again: nobody may want to read it
          on_change_();
        });
      return false;
    }
    const ssize_t got = ::read(fd_.get(), bytes.data(), bytes.size());
    if (got < 0 && (errno == EINTR || errno == EAGAIN)) return take(into);
    ended_ = got <= 0;
    if (!ended_) into.append(bytes.data(), static_cast<std::size_t>(got));
    return !ended_;
  }
  /// True when nothing more will come: end of file, Ctrl-D, a terminal that is gone.
  bool ended() const noexcept { return ended_; }

 private:
  event_loop& loop_;
  std::function<void()> on_change_;
  detail::unique_fd fd_;
  std::unique_ptr<event_loop::subscription> watch_;  // after fd_: it must go first
  std::optional<termios> found_;                     // absent: no terminal
  mode now_ = mode::found;
  bool ended_ = false;
};

}  // namespace agentlua
