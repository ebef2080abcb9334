#pragma once
// agentlua/watchdog.hpp: room 3. Tells when a thread that should come back soon does not.

#include <chrono>
#include <condition_variable>
#include <functional>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>

#include "agentlua/time.hpp"

namespace agentlua {

/// Watches over pieces of work that block everything else while they last.
///
/// Ownership: has a thread of its own, which ends with it. Threads: begin() and end() are for the
/// thread that is watched; `report` is called on the watchdog's thread, once for each piece of work.
class watchdog {
 public:
  using callback = std::function<void(const std::string& what)>;

  watchdog(seconds limit, callback report)
      : limit_(limit), report_(std::move(report)), thread_([this] { watch(); }) {}
  watchdog(const watchdog&) = delete;
  watchdog& operator=(const watchdog&) = delete;
  ~watchdog() {
    {
      std::lock_guard guard(mutex_);
      over_ = true;
    }
    changed_.notify_one();
    thread_.join();
  }

  /// The thread goes on with `what`, which should end() within the limit.
  void begin(std::string_view what) {
    std::lock_guard guard(mutex_);
    what_ = what;
    since_ = clock::now();
    busy_ = true;
    if (resting_) changed_.notify_one();
  }
  /// The thread waits, or has come to its end.
  void end() noexcept {
    std::lock_guard guard(mutex_);
    busy_ = false;
  }

 private:
  using clock = std::chrono::steady_clock;  // a suspended machine blocks nobody

  void watch() {
    std::unique_lock lock(mutex_);
    while (!over_) {
      resting_ = !busy_;
      if (resting_) {
        changed_.wait(lock);
        continue;
      }
      const auto since = since_;
      changed_.wait_until(lock, since + std::chrono::duration_cast<clock::duration>(limit_));
      if (over_ || !busy_ || since_ != since || clock::now() - since < limit_) continue;
      const std::string what = what_;
      lock.unlock();
      report_(what);
      lock.lock();
      resting_ = true;
      changed_.wait(lock, [&] { return over_ || !busy_ || since_ != since; });
    }
  }

  const seconds limit_;
  const callback report_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::string what_;
  clock::time_point since_;
  bool busy_ = false;
  bool resting_ = false;
  bool over_ = false;
  std::thread thread_;  // last: it uses the rest
};

}  // namespace agentlua
