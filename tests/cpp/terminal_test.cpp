// The terminal of a person: modes that are put back, and what is typed.
#include "agentlua/terminal.hpp"

#include "support.hpp"

using namespace agentlua;
using namespace agentlua::test;

namespace {

/// A person at a pseudo terminal.
struct person : leak_check {
  event_loop loop;
  pty desk = open_pty({33, 101});
  int changes = 0;

  termios settings() const {
    termios now{};
    REQUIRE(::tcgetattr(desk.slave.get(), &now) == 0);
    return now;
  }
  void type(std::string_view keys) const { fs::write_all(desk.master.get(), keys, "the terminal"); }
  std::string shown() const {
    std::string all(4096, '\0');
    ::fcntl(desk.master.get(), F_SETFL, O_NONBLOCK);
    const ssize_t got = ::read(desk.master.get(), all.data(), all.size());
    all.resize(got > 0 ? static_cast<std::size_t>(got) : 0);
    return all;
  }
  std::string taken(terminal& from) {
    std::string keys;
    step_until(loop, [&] { return from.take(keys) || from.ended(); });
    return keys;
  }
};

bool same(const termios& a, const termios& b) {
  return a.c_iflag == b.c_iflag && a.c_oflag == b.c_oflag && a.c_lflag == b.c_lflag &&
         std::equal(std::begin(a.c_cc), std::end(a.c_cc), std::begin(b.c_cc));
}

}  // namespace

TEST_CASE_FIXTURE(person, "hidden lines are not shown, and the settings are put back") {
  const termios before = settings();
  {
    terminal user(loop, desk.slave.get(), [this] { ++changes; });
    CHECK(user.is_terminal());
    CHECK(user.size().rows == 33);
    user.set(terminal::mode::hidden);
    CHECK_FALSE(echoes(desk.master.get()));
    std::string nothing;
    CHECK_FALSE(user.take(nothing));
    CHECK_FALSE(user.ended());
    type(
        "secrte\x7f\x7f"
        "et");
    loop.step(seconds(0.01));
    CHECK(changes == 0);  // the line is not complete
    type("\r");
    REQUIRE(step_until(loop, [&] { return changes == 1; }));
    CHECK(taken(user) == "secret\n");
    CHECK_FALSE(has(shown(), "s"));
    user.set(terminal::mode::found);
    CHECK(same(settings(), before));
    user.set(terminal::mode::hidden);
  }
  CHECK(same(settings(), before));
}

TEST_CASE_FIXTURE(person, "keys come as they are pressed, control keys too; output is as before") {
  terminal user(loop, desk.slave.get());
  user.set(terminal::mode::keys);
  type("\x1b[A\r\3\4");
  CHECK(taken(user) == "\x1b[A\r\3\4");
  CHECK_FALSE(user.ended());
  CHECK(shown() == "");
  fs::write_all(desk.slave.get(), "a\nb", "the terminal");
  CHECK(shown() == "a\r\nb");
  user.set(terminal::mode::hidden);
  CHECK((settings().c_lflag & (ICANON | ISIG)) == (ICANON | ISIG));
  CHECK(settings().c_cc[VSUSP] == _POSIX_VDISABLE);
}

TEST_CASE_FIXTURE(person, "Ctrl-D, and a terminal that is gone, are the end") {
  terminal user(loop, desk.slave.get());
  user.set(terminal::mode::hidden);
  SUBCASE("Ctrl-D") { type("\4"); }
  SUBCASE("gone") { desk.master.reset(); }
  CHECK(taken(user) == "");
  CHECK(user.ended());
  std::string more;
  CHECK_FALSE(user.take(more));
}

TEST_CASE_FIXTURE(temporary_directory, "a pipe and a file stand in for a terminal") {
  event_loop loop;
  auto [read_end, write_end] = detail::make_pipe();
  terminal piped(loop, read_end.get());
  CHECK_FALSE(piped.is_terminal());
  CHECK(piped.size().columns == 80);
  piped.set(terminal::mode::hidden);
  std::string got;
  CHECK_FALSE(piped.take(got));
  fs::write_all(write_end.get(), "line\n", "pipe");
  CHECK(step_until(loop, [&] { return piped.take(got); }));
  CHECK(got == "line\n");
  write_end.reset();
  CHECK(step_until(loop, [&] { return !piped.take(got) && piped.ended(); }));

  write_file(dir / "input", "from a file\n");
  auto file = fs::open(dir / "input", O_RDONLY);
  terminal read(loop, file.get());
  got.clear();
  CHECK(read.take(got));
  CHECK(got == "from a file\n");
  CHECK_FALSE(read.take(got));
  CHECK(read.ended());
}
