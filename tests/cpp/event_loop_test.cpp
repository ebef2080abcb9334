// The event loop: timers, descriptors, signals, directories, the pool, and foreign loops.
#include "agentlua/event_loop.hpp"

#include <poll.h>

#include <atomic>
#include <thread>

#include "support.hpp"

using namespace agentlua;
using namespace agentlua::test;

TEST_CASE_FIXTURE(leak_check, "timers run in the order of their time, then of their making") {
  event_loop loop;
  std::string order;
  loop.after(seconds(0.03), [&] { order += 'c'; });
  loop.after(seconds(0.01), [&] { order += 'a'; });
  loop.after(seconds(0.02), [&] { order += 'b'; });
  CHECK(step_until(loop, [&] { return order.size() == 3; }));
  CHECK(order == "abc");
}

TEST_CASE_FIXTURE(leak_check, "a cancelled timer does not run, also when cancelled twice") {
  event_loop loop;
  int ran = 0;
  auto first = loop.after(seconds(0.001), [&] { ++ran; });
  auto second = loop.after(seconds(0.002), [&] { loop.cancel(first); });
  loop.cancel(first);
  loop.cancel(first);
  bool ended = false;
  loop.after(seconds(0.005), [&] { ended = true; });
  CHECK(step_until(loop, [&] { return ended; }));
  loop.cancel(second);
  CHECK(ran == 0);
}

TEST_CASE_FIXTURE(leak_check, "a timer may cancel one that is due as well") {
  event_loop loop;
  int ran = 0;
  event_loop::timer_id other{};
  loop.after(seconds(0), [&] { loop.cancel(other); });
  other = loop.after(seconds(0), [&] { ++ran; });
  bool ended = false;
  loop.after(seconds(0.005), [&] { ended = true; });
  CHECK(step_until(loop, [&] { return ended; }));
  CHECK(ran == 0);
}

TEST_CASE_FIXTURE(leak_check, "a timer that starts itself again at once leaves room for the rest") {
  event_loop loop;
  int ran = 0;
  std::function<void()> again = [&] {
    if (++ran < 1'000'000) loop.after(seconds(0), again);
  };
  loop.after(seconds(0), again);
  loop.step(seconds(1));
  CHECK(ran >= 1);
  CHECK(ran < 1000);
}

TEST_CASE_FIXTURE(leak_check, "a timer in a far future does not run now") {
  event_loop loop;
  int ran = 0;
  for (double far : {1e9, 1e12, 1e300}) loop.after(seconds(far), [&] { ++ran; });
  for (int i = 0; i < 3; ++i) loop.step(seconds(0.005));
  CHECK(ran == 0);
}

TEST_CASE_FIXTURE(leak_check, "a step waits no longer than its limit") {
  event_loop loop;
  auto start = boot_now();
  loop.step(seconds(0));
  loop.step(seconds(-1));
  CHECK(boot_now() - start < std::chrono::milliseconds(500));
  start = boot_now();
  loop.step(seconds(0.05));
  CHECK(boot_now() - start >= std::chrono::milliseconds(50));
  CHECK(boot_now() - start < std::chrono::seconds(2));
}

TEST_CASE_FIXTURE(leak_check, "a watched descriptor calls until the watch ends") {
  int ends[2];
  REQUIRE(::pipe2(ends, O_CLOEXEC) == 0);
  {
    event_loop loop;
    std::string got;
    std::unique_ptr<event_loop::subscription> watch;
    watch = loop.watch(ends[0], EPOLLIN, [&] {
      char byte = 0;
      if (::read(ends[0], &byte, 1) == 1) got += byte;
      if (got.size() == 2) watch.reset();
    });
    CHECK(::write(ends[1], "abc", 3) == 3);
    CHECK(step_until(loop, [&] { return got.size() >= 2; }));
    for (int i = 0; i < 3; ++i) loop.step(seconds(0));
    CHECK(got == "ab");
    watch = loop.watch(ends[0], EPOLLIN, [&] { got += '!'; });  // the same one once more
    loop.step(seconds(1));
    CHECK(got == "ab!");
  }
  ::close(ends[0]);
  ::close(ends[1]);
}

TEST_CASE_FIXTURE(leak_check, "a descriptor that cannot be watched is an error") {
  event_loop loop;
  CHECK(error_of([&] { loop.watch(9999, EPOLLIN, [] {}); }) == "EBADF");
}

TEST_CASE_FIXTURE(leak_check, "a signal is told in the loop, and no more once nobody listens") {
  event_loop loop;
  int seen = 0;
  auto listener = loop.on_signal(SIGUSR1, [&] { ++seen; });
  ::raise(SIGUSR1);
  CHECK(step_until(loop, [&] { return seen == 1; }));
  listener.reset();
  loop.step(seconds(0));
  ::signal(SIGUSR1, SIG_IGN);
  ::raise(SIGUSR1);
  loop.step(seconds(0.005));
  CHECK(seen == 1);
  ::signal(SIGUSR1, SIG_DFL);
}

TEST_CASE_FIXTURE(temporary_directory, "a new name in a watched directory is told") {
  event_loop loop;
  int seen = 0;
  auto watch = loop.watch_path(dir, [&] { ++seen; });
  loop.step(seconds(0));
  write_file(dir / "a ü", "x");
  CHECK(step_until(loop, [&] { return seen > 0; }));
}

TEST_CASE_FIXTURE(temporary_directory, "a path that is not there cannot be watched") {
  event_loop loop;
  std::string said;
  CHECK(error_of([&] { loop.watch_path(dir / "none", [] {}); }, &said) == "ENOENT");
  CHECK(has(said, (dir / "none").native()));
}

TEST_CASE_FIXTURE(leak_check, "work runs on another thread, its end is told in the loop") {
  event_loop loop;
  const auto here = std::this_thread::get_id();
  std::thread::id worker, teller;
  loop.submit([&] { worker = std::this_thread::get_id(); },
              [&] { teller = std::this_thread::get_id(); });
  CHECK(step_until(loop, [&] { return teller != std::thread::id(); }));
  CHECK(worker != std::thread::id());
  CHECK(worker != here);
  CHECK(teller == here);
}

TEST_CASE_FIXTURE(leak_check, "a loop that goes waits for the work that was given to it") {
  std::atomic<bool> worked = false;
  bool told = false;
  {
    event_loop loop;
    loop.submit(
        [&] {
          timespec nap{0, 30'000'000};
          ::nanosleep(&nap, nullptr);
          worked = true;
        },
        [&] { told = true; });
  }
  CHECK(worked);
  CHECK(told);
}

TEST_CASE_FIXTURE(leak_check, "a foreign loop can drive it by descriptor and timeout") {
  event_loop loop;
  std::string order;
  loop.after(seconds(0.02), [&] { order += 't'; });
  loop.submit([] {}, [&] { order += 'w'; });
  auto watched = loop.on_signal(SIGUSR2, [&] { order += 's'; });
  ::raise(SIGUSR2);
  auto deadline = boot_now() + std::chrono::seconds(10);
  while (order.size() < 3 && boot_now() < deadline) {
    auto wait = loop.timeout();
    pollfd ready{loop.fd(), POLLIN, 0};
    ::poll(&ready, 1, wait ? static_cast<int>(wait->count() * 1000) : 10'000);
    loop.step(seconds(0));
  }
  std::sort(order.begin(), order.end());
  CHECK(order == "stw");
  CHECK(boot_now() < deadline - std::chrono::seconds(5));
}
