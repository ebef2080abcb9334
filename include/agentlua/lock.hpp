#pragma once
// agentlua/lock.hpp: room 2. Kernel locks (flock) on files that are never unlinked.

#include <sys/file.h>
#include <time.h>

#include <optional>
#include <string>

#include "agentlua/fs.hpp"
#include "agentlua/time.hpp"

namespace agentlua {

/// An exclusive flock. It belongs to the open file description: a child that inherits fd() shares
/// it, and the kernel frees it when the last holder is gone, also after SIGKILL. The file stays.
class file_lock {
 public:
  file_lock() = default;

  /// Takes the lock when it is free; nullopt when somebody else holds it.
  static std::optional<file_lock> try_acquire(const stdfs::path& path) {
    fs::make_directories(path.parent_path());
    file_lock lock;
    lock.fd_ = fs::open(path, O_RDWR | O_CREAT | O_NOFOLLOW, 0644);
    if (detail::retry([&] { return ::flock(lock.fd_.get(), LOCK_EX | LOCK_NB); }) != 0) {
      if (errno == EWOULDBLOCK) return std::nullopt;
      throw_errno("lock", path.native());
    }
    return lock;
  }

  /// Waits for the lock, at most `limit`. Errors: ELOCKED (still held by somebody else).
  static file_lock acquire(const stdfs::path& path, seconds limit = seconds(30)) {
    auto deadline = boot_now() + to_nanoseconds(limit);
    for (long pause = 1'000'000;; pause = std::min(pause * 2, 8'000'000L)) {
      if (auto lock = try_acquire(path)) return std::move(*lock);
      if (boot_now() >= deadline)
        throw error("ELOCKED", "'" + path.native() + "' is locked by another process");
      timespec nap{0, pause};
      ::nanosleep(&nap, nullptr);
    }
  }

  /// True when somebody holds the lock of this file now. A look, not a promise.
  static bool held(const stdfs::path& path) {
    return stdfs::exists(path) && !try_acquire(path).has_value();
  }

  /// Descriptor to share with a child, or -1. Ownership: stays with the lock.
  int fd() const noexcept { return fd_.get(); }
  explicit operator bool() const noexcept { return static_cast<bool>(fd_); }
  void release() noexcept { fd_.reset(); }

 private:
  detail::unique_fd fd_;
};

}  // namespace agentlua
