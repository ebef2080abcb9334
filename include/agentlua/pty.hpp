#pragma once
// agentlua/pty.hpp: room 4. Pseudo terminals: a pair of ends, its size, whether it echoes.

#include <fcntl.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <termios.h>

#include <array>
#include <string>

#include "agentlua/detail/unique_fd.hpp"
#include "agentlua/error.hpp"

namespace agentlua {

/// Size of a terminal in characters.
struct terminal_size {
  unsigned short rows = 24;
  unsigned short columns = 80;
};

/// Both ends of a pseudo terminal, close-on-exec and nobody's controlling terminal. What is written
/// to `master` is typed at `slave`; what a program prints there is read from `master`, which fails
/// with EIO once nobody has the slave open. process_options::pty starts a program on one.
struct pty {
  detail::unique_fd master, slave;
  std::string name;  ///< path of the slave: /dev/pts/3
};

/// Sets the size of the terminal behind either end; its foreground processes get SIGWINCH.
/// Errors: ENOTTY.
inline void set_size(int fd, terminal_size size) {
  const winsize window{size.rows, size.columns, 0, 0};
  if (::ioctl(fd, TIOCSWINSZ, &window) != 0) throw_errno("set the size of", "terminal");
}

/// Size of the terminal at `fd`; 24 by 80 where there is none, or it does not know.
inline terminal_size size_of(int fd) noexcept {
  winsize window{};
  if (::ioctl(fd, TIOCGWINSZ, &window) != 0 || window.ws_row == 0 || window.ws_col == 0) return {};
  return {window.ws_row, window.ws_col};
}

/// Whether the terminal behind either end shows what is typed. A program that asks for a secret
/// line by line has switched it off; so has one that draws its own lines.
/// Errors: ENOTTY.
inline bool echoes(int fd) {
  termios settings{};
  if (::tcgetattr(fd, &settings) != 0) throw_errno("look at", "terminal");
  return (settings.c_lflag & ECHO) != 0;
}

/// Switches the echo of a terminal on or off, at once.
/// Errors: ENOTTY.
inline void set_echo(int fd, bool on) {
  termios settings{};
  if (::tcgetattr(fd, &settings) != 0) throw_errno("look at", "terminal");
  settings.c_lflag = on ? settings.c_lflag | ECHO : settings.c_lflag & ~static_cast<tcflag_t>(ECHO);
  if (::tcsetattr(fd, TCSANOW, &settings) != 0) throw_errno("set the echo of", "terminal");
}

/// Opens a pseudo terminal.
/// Errors: ENOSPC (the system has no more), ENOENT (no /dev/ptmx).
inline pty open_pty(terminal_size size = {}) {
  pty made;
  made.master.reset(::posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC));
  if (!made.master || ::unlockpt(made.master.get()) != 0) throw_errno("open", "pseudo terminal");
  made.slave.reset(::ioctl(made.master.get(), TIOCGPTPEER, O_RDWR | O_NOCTTY | O_CLOEXEC));
  if (!made.slave) throw_errno("open", "slave of a pseudo terminal");
  std::array<char, 64> name{};
  if (::ptsname_r(made.master.get(), name.data(), name.size()) != 0)
    throw_errno("name", "pseudo terminal");
  made.name = name.data();
  set_size(made.master.get(), size);
  return made;
}

}  // namespace agentlua
