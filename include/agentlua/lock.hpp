#pragma once
// agentlua/lock.hpp: room 2. Kernel locks on files that are never unlinked: on a whole file, or any
// number of named ones on one file.

#include <fcntl.h>
#include <sys/file.h>
#include <time.h>

#include <cstdint>
#include <optional>
#include <string_view>

#include "agentlua/fs.hpp"
#include "agentlua/time.hpp"

namespace agentlua {

/// An exclusive lock. It belongs to the open file description: a child that inherits fd() shares it,
/// and the kernel frees it when the last holder is gone, also after SIGKILL. The file stays.
/// Without a name it is a flock of the file, as flock(1) takes it. With a name it is a lock of one
/// byte, at an offset made from the name (fcntl(2), F_OFD_SETLK): no file of its own has to be made,
/// which costs more than everything else of a claim.
class file_lock {
 public:
  file_lock() = default;

  /// Takes the lock when it is free; nullopt when somebody else holds it.
  static std::optional<file_lock> try_acquire(const stdfs::path& path, std::string_view name = {}) {
    file_lock lock;
    lock.fd_ = open(path);
    struct flock byte = byte_of(name);
    int taken = detail::retry([&] {
      return name.empty() ? ::flock(lock.fd_.get(), LOCK_EX | LOCK_NB)
                          : ::fcntl(lock.fd_.get(), F_OFD_SETLK, &byte);
    });
    if (taken == 0) return lock;
    if (errno == EWOULDBLOCK) return std::nullopt;
    throw_errno("lock", path.native());
  }

  /// Waits for the lock, at most `limit`. Errors: ELOCKED (still held by somebody else).
  static file_lock acquire(const stdfs::path& path, std::string_view name = {},
                           seconds limit = seconds(30)) {
    auto deadline = boot_now() + to_nanoseconds(limit);
    for (long pause = 1'000'000;; pause = std::min(pause * 2, 8'000'000L)) {
      if (auto lock = try_acquire(path, name)) return std::move(*lock);
      if (boot_now() >= deadline)
        throw error("ELOCKED", "'" + path.native() + "' is locked by another process");
      timespec nap{0, pause};
      ::nanosleep(&nap, nullptr);
    }
  }

  /// True when somebody holds the lock now. A look, not a promise.
  static bool held(const stdfs::path& path, std::string_view name = {}) {
    if (!stdfs::exists(path)) return false;
    if (name.empty()) return !try_acquire(path).has_value();
    auto fd = open(path);
    struct flock byte = byte_of(name);
    if (detail::retry([&] { return ::fcntl(fd.get(), F_OFD_GETLK, &byte); }) != 0)
      throw_errno("look at the lock of", path.native());
    return byte.l_type != F_UNLCK;
  }

  /// Descriptor to share with a child, or -1. Ownership: stays with the lock.
  int fd() const noexcept { return fd_.get(); }
  explicit operator bool() const noexcept { return static_cast<bool>(fd_); }
  void release() noexcept { fd_.reset(); }

 private:
  static detail::unique_fd open(const stdfs::path& path) {
    int fd = detail::retry([&] {
      return ::open(path.c_str(), O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0644);
    });
    if (fd >= 0) return detail::unique_fd(fd);
    if (errno != ENOENT) throw_errno("write", path.native());
    fs::make_directories(path.parent_path());
    return fs::open(path, O_RDWR | O_CREAT | O_NOFOLLOW, 0644);
  }

  // 62 bits of a hash that is the same in every build (FNV-1a): two names never meet in practice.
  static struct flock byte_of(std::string_view name) {
    std::uint64_t hash = 0xcbf29ce484222325;
    for (unsigned char c : name) hash = (hash ^ c) * 0x100000001b3;
    struct flock byte {};
    byte.l_type = F_WRLCK;
    byte.l_whence = SEEK_SET;
    byte.l_start = static_cast<off_t>(hash >> 2);
    byte.l_len = 1;
    return byte;
  }

  detail::unique_fd fd_;
};

}  // namespace agentlua
