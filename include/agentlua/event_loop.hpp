#pragma once
// agentlua/event_loop.hpp: room 3. One libuv loop: timers, descriptors, signals, directories, pool.

#include <fcntl.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/timerfd.h>
#include <uv.h>

#include <array>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "agentlua/detail/unique_fd.hpp"
#include "agentlua/error.hpp"
#include "agentlua/time.hpp"

namespace agentlua {

/// One uv_loop_t with what the library needs of it.
///
/// Callbacks run inside step(), on the thread that calls it, and must not throw or call step().
/// Threads: one thread uses a loop; submit() hands work to libuv's pool.
/// A foreign loop drives it: watch fd() for reading, wait at most timeout(), then call step(0).
class event_loop {
 public:
  using callback = std::function<void()>;
  using timer_id = std::pair<nanoseconds, std::uint64_t>;

  /// A registration that ends when it is destroyed. Ownership: with the caller; it must go before
  /// the loop does.
  class subscription {
   public:
    virtual ~subscription() = default;
  };

  event_loop() {
    fill_standard_descriptors();
    check(uv_loop_init(&loop_), "start the event loop");
    try {
      open();
    } catch (...) {
      close();
      throw;
    }
  }
  event_loop(const event_loop&) = delete;
  event_loop& operator=(const event_loop&) = delete;
  ~event_loop() { close(); }

  /// Waits for the next event, at most `limit` (none: as long as it takes), and runs callbacks.
  void step(std::optional<seconds> limit = std::nullopt) {
    if (limit && limit->count() <= 0) {
      uv_run(&loop_, UV_RUN_NOWAIT);
      return;
    }
    timer_id bound{};
    if (limit) bound = after(*limit, [] {});
    uv_run(&loop_, UV_RUN_ONCE);
    if (limit) cancel(bound);
  }

  /// Descriptor that becomes readable when step() has something to do.
  int fd() const noexcept { return uv_backend_fd(&loop_); }
  /// How long a foreign loop may wait before it calls step(): seconds, none for ever.
  std::optional<seconds> timeout() const noexcept {
    int wait = uv_backend_timeout(&loop_);
    if (wait < 0) return std::nullopt;
    return seconds(wait / 1000.0);
  }

  /// Calls `fn` once after `delay`, on a clock that counts suspend.
  timer_id after(seconds delay, callback fn) {
    timer_id id{boot_now() + to_nanoseconds(delay), ++last_timer_};
    timers_.emplace(id, std::move(fn));
    arm();
    return id;
  }
  /// Forgets a timer; one that has run already is well.
  void cancel(const timer_id& id) { timers_.erase(id); }

  /// Calls `fn` whenever `fd` is ready for `events` (EPOLLIN, EPOLLOUT) or has come to its end. The
  /// subscription must go before the descriptor is closed; one descriptor has one at a time.
  std::unique_ptr<subscription> watch(int fd, std::uint32_t events, callback fn) {
    auto watched = std::make_unique<descriptor>(*this, fd, ++last_watch_);
    epoll_event interest{events, {.u64 = watched->id}};
    if (::epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, fd, &interest) != 0)
      throw_errno("watch", "descriptor");
    watched->active = true;
    watches_.emplace(watched->id, std::move(fn));
    return watched;
  }

  /// Calls `fn` when the process receives the signal. With `once` only the first is caught: another
  /// one ends the process, also when nobody steps the loop.
  std::unique_ptr<subscription> on_signal(int number, callback fn, bool once = false) {
    auto handle = std::make_unique<handle_of<uv_signal_t>>(std::move(fn));
    check(uv_signal_init(&loop_, handle->get()), "watch a signal");
    handle->opened();
    auto ready = [](uv_signal_t* h, int) { state::of(h)->fn(); };
    check((once ? uv_signal_start_oneshot : uv_signal_start)(handle->get(), ready, number),
          "watch a signal");
    return handle;
  }

  /// From now on the signal ends the process at once, with exit code 128 + number, whoever is busy.
  static void exit_on_signal(int number) {
    struct sigaction action {};
    action.sa_handler = [](int received) { ::_exit(128 + received); };
    if (::sigaction(number, &action, nullptr) != 0) throw_errno("handle", "signal");
  }

  /// Calls `fn` when a file, or a name in a directory, changes. Errors: ENOENT.
  std::unique_ptr<subscription> watch_path(const std::string& path, callback fn) {
    auto handle = std::make_unique<handle_of<uv_fs_event_t>>(std::move(fn));
    check(uv_fs_event_init(&loop_, handle->get()), "watch '" + path + "'");
    handle->opened();
    auto ready = [](uv_fs_event_t* h, const char*, int, int) { state::of(h)->fn(); };
    check(uv_fs_event_start(handle->get(), ready, path.c_str(), 0), "watch '" + path + "'");
    return handle;
  }

  /// Runs `work` on libuv's pool, then `done` in the loop. Threads: `work` must own what it uses.
  void submit(callback work, callback done) {
    struct job {
      uv_work_t request;
      callback work, done;
    };
    auto owned = std::make_unique<job>(job{{}, std::move(work), std::move(done)});
    owned->request.data = owned.get();
    check(uv_queue_work(
              &loop_, &owned->request, [](uv_work_t* r) { static_cast<job*>(r->data)->work(); },
              [](uv_work_t* r, int) {
                std::unique_ptr<job> ended(static_cast<job*>(r->data));
                ended->done();
              }),
          "queue work");
    owned.release();
  }

 private:
  // libuv owns a handle's memory until its close callback has run, so the memory is separate.
  struct state {
    callback fn;
    explicit state(callback f) : fn(std::move(f)) {}
    virtual ~state() = default;
    template <class Handle>
    static state* of(Handle* handle) {
      return static_cast<state*>(handle->data);
    }
  };
  template <class Handle>
  struct memory : state {
    using state::state;
    Handle handle{};
  };
  template <class Handle>
  class handle_of : public subscription {
   public:
    explicit handle_of(callback fn) : memory_(new memory<Handle>(std::move(fn))) {}
    ~handle_of() override {
      if (!open_) {
        delete memory_;
        return;
      }
      uv_close(reinterpret_cast<uv_handle_t*>(get()),
               [](uv_handle_t* h) { delete static_cast<state*>(h->data); });
    }
    Handle* get() { return &memory_->handle; }
    void opened() {
      open_ = true;
      memory_->handle.data = static_cast<state*>(memory_);
    }

   private:
    memory<Handle>* memory_;
    bool open_ = false;
  };

  // Descriptors are in an epoll set of our own, of which libuv sees one descriptor: uv_poll_t takes
  // three times as many system calls to set up.
  struct descriptor : subscription {
    event_loop& loop;
    int fd;
    std::uint64_t id;
    bool active = false;
    descriptor(event_loop& l, int f, std::uint64_t i) : loop(l), fd(f), id(i) {}
    ~descriptor() override {
      if (!active) return;
      ::epoll_ctl(loop.epoll_.get(), EPOLL_CTL_DEL, fd, nullptr);
      loop.watches_.erase(id);
    }
  };

  void open() {
    epoll_.reset(::epoll_create1(EPOLL_CLOEXEC));
    if (!epoll_) throw_errno("make", "epoll set");
    auto set = std::make_unique<handle_of<uv_poll_t>>([this] { run_watches(); });
    check(uv_poll_init(&loop_, set->get(), epoll_.get()), "watch descriptors");
    set->opened();
    auto ready = [](uv_poll_t* h, int, int) { state::of(h)->fn(); };
    check(uv_poll_start(set->get(), UV_READABLE, ready), "watch descriptors");
    set_ = std::move(set);
    timer_fd_.reset(::timerfd_create(CLOCK_BOOTTIME, TFD_CLOEXEC | TFD_NONBLOCK));
    if (!timer_fd_) throw_errno("make", "timerfd");
    clock_ = watch(timer_fd_.get(), EPOLLIN, [this] { run_timers(); });
  }

  // Where 0, 1 or 2 is closed the next file would get that number, and be taken for it.
  static void fill_standard_descriptors() noexcept {
    for (int fd = 0; fd >= 0 && fd <= 2;) {
      fd = ::open("/dev/null", O_RDWR);
      if (fd > 2) ::close(fd);
    }
  }

  void close() noexcept {
    clock_.reset();
    set_.reset();
    while (uv_run(&loop_, UV_RUN_DEFAULT) != 0) continue;  // pool jobs and closing handles finish
    uv_loop_close(&loop_);
  }

  void run_watches() noexcept {
    std::array<epoll_event, 64> events;
    int count = ::epoll_wait(epoll_.get(), events.data(), static_cast<int>(events.size()), 0);
    for (int i = 0; i < count; ++i) {
      auto found = watches_.find(events[static_cast<std::size_t>(i)].data.u64);
      if (found == watches_.end()) continue;  // an earlier callback has ended it
      callback fn = found->second;            // it may end itself
      fn();
    }
  }

  static void check(int status, const std::string& doing) {
    if (status < 0)
      throw error(uv_err_name(status), "cannot " + doing + ": " + uv_strerror(status));
  }

  void run_timers() noexcept {
    std::uint64_t expired = 0;
    [[maybe_unused]] auto got = ::read(timer_fd_.get(), &expired, sizeof expired);
    armed_ = nanoseconds::max();
    const auto now = boot_now();  // what a callback starts is for the next step
    while (!timers_.empty() && timers_.begin()->first.first <= now) {
      auto due = timers_.extract(timers_.begin());
      due.mapped()();
    }
    arm();
  }

  // A cancelled timer leaves the clock as it is: one wake-up too many costs less than setting it.
  void arm() noexcept {
    if (timers_.empty() || timers_.begin()->first.first >= armed_) return;
    armed_ = std::max<nanoseconds>(timers_.begin()->first.first, nanoseconds(1));
    itimerspec when{};
    when.it_value.tv_sec = static_cast<time_t>(armed_.count() / 1'000'000'000);
    when.it_value.tv_nsec = static_cast<long>(armed_.count() % 1'000'000'000);
    ::timerfd_settime(timer_fd_.get(), TFD_TIMER_ABSTIME, &when, nullptr);
  }

  uv_loop_t loop_{};
  detail::unique_fd epoll_, timer_fd_;
  std::map<std::uint64_t, callback> watches_;
  std::unique_ptr<subscription> set_, clock_;
  std::map<timer_id, callback> timers_;
  nanoseconds armed_ = nanoseconds::max();  // when the clock rings
  std::uint64_t last_timer_ = 0;
  std::uint64_t last_watch_ = 0;
};

}  // namespace agentlua
