#pragma once
// agentlua/fs.hpp: room 2. Files: whole reads, durable atomic writes, renames that never replace.

#include <dirent.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <atomic>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "agentlua/detail/unique_fd.hpp"
#include "agentlua/error.hpp"

namespace agentlua {

namespace stdfs = std::filesystem;

namespace detail {

/// A system call, again while a signal interrupts it.
template <class Call>
auto retry(Call call) {
  for (;;) {
    auto result = call();
    if (result >= 0 || errno != EINTR) return result;
  }
}

}  // namespace detail

namespace fs {

/// Opens a file, close-on-exec. Errors: the errno name (ENOENT, EACCES, ...).
inline detail::unique_fd open(const stdfs::path& path, int flags, mode_t mode = 0666) {
  int fd = detail::retry([&] { return ::open(path.c_str(), flags | O_CLOEXEC, mode); });
  if (fd < 0) throw_errno((flags & O_ACCMODE) == O_RDONLY ? "open" : "write", path.native());
  return detail::unique_fd(fd);
}

/// Writes all bytes to `fd`; `name` is for the error.
inline void write_all(int fd, std::string_view bytes, std::string_view name) {
  while (!bytes.empty()) {
    ssize_t written = detail::retry([&] { return ::write(fd, bytes.data(), bytes.size()); });
    if (written < 0) throw_errno("write", name);
    bytes.remove_prefix(static_cast<std::size_t>(written));
  }
}

/// Whole content of a regular file. A FIFO or a device is refused, so nothing can hang. `info` is
/// what the file was when it was opened, also when it is refused.
/// Errors: ENOENT, EACCES, EINVAL (not a regular file), EFBIG (over `limit` bytes).
inline std::string read_file(const stdfs::path& path, std::size_t limit, struct stat& info) {
  auto fd = fs::open(path, O_RDONLY | O_NONBLOCK);
  if (::fstat(fd.get(), &info) != 0) throw_errno("read", path.native());
  if (!S_ISREG(info.st_mode))
    throw error("EINVAL", "cannot read '" + path.native() + "': not a regular file");
  auto bound = [&](std::size_t size) {
    if (size > limit)
      throw error("EFBIG", "cannot read '" + path.native() + "': larger than " +
                               std::to_string(limit) + " bytes");
  };
  bound(static_cast<std::size_t>(info.st_size));
  std::string content;
  content.resize(static_cast<std::size_t>(info.st_size) + 1);
  std::size_t length = 0;
  for (;;) {
    ssize_t got = detail::retry([&] {
      return ::read(fd.get(), content.data() + length, content.size() - length);
    });
    if (got < 0) throw_errno("read", path.native());
    if (got == 0) break;
    length += static_cast<std::size_t>(got);
    if (info.st_size > 0 && length == static_cast<std::size_t>(info.st_size)) break;
    bound(length);  // it may grow, and what the kernel makes up has no size
    if (length == content.size()) content.resize(content.size() * 2);
  }
  content.resize(length);
  return content;
}
inline std::string read_file(const stdfs::path& path, std::size_t limit = SIZE_MAX) {
  struct stat info {};
  return read_file(path, limit, info);
}

/// The same for a small file; nullopt when it cannot be read, for whatever reason.
inline std::optional<std::string> try_read_file(const stdfs::path& path,
                                                std::size_t limit = 1u << 16) {
  try {
    return read_file(path, limit);
  } catch (const error&) {
    return std::nullopt;
  }
}

/// Flushes a directory, so that a rename in it survives a power cut.
inline void sync_directory(const stdfs::path& dir) {
  auto fd = fs::open(dir.empty() ? "." : dir, O_RDONLY | O_DIRECTORY);
  int flushed = detail::retry([&] { return ::fsync(fd.get()); });
  if (flushed != 0 && errno != EINVAL) throw_errno("flush directory", dir.native());
}

/// Name for a temporary file beside `target`: names its writer, so that it can be swept when dead.
inline stdfs::path temporary_name(const stdfs::path& target) {
  static std::atomic<unsigned> counter{0};
  return target.parent_path() /
         (".tmp." + std::to_string(::getpid()) + "." + std::to_string(counter++));
}

/// renameat2(2); false with errno set when it failed.
inline bool rename_file(const stdfs::path& from, const stdfs::path& to, unsigned flags) {
  return detail::retry([&] {
           return ::syscall(SYS_renameat2, AT_FDCWD, from.c_str(), AT_FDCWD, to.c_str(), flags);
         }) == 0;
}

/// A new file beside `target`, locked while its writer lives, gone with this object unless it has
/// taken the target's place.
class temporary_file {
 public:
  temporary_file(const stdfs::path& target, mode_t permissions) : path_(temporary_name(target)) {
    fd_ = fs::open(path_, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, permissions);
    detail::retry([&] {
      return ::flock(fd_.get(), LOCK_EX | LOCK_NB);
    });  // for the sweep, where locks are known
    name_ = target.native();
  }
  temporary_file(const temporary_file&) = delete;
  temporary_file& operator=(const temporary_file&) = delete;
  ~temporary_file() { remove(); }

  const stdfs::path& path() const noexcept { return path_; }
  void write(std::string_view content) {
    write_all(fd_.get(), content, name_);
    if (detail::retry([&] { return ::fsync(fd_.get()); }) != 0) throw_errno("flush", name_);
  }
  /// Renames it to `target`; true when that went well. `flags` are those of renameat2.
  bool rename(const stdfs::path& target, unsigned flags) {
    bool moved = rename_file(path_, target, flags);
    if (moved && flags != RENAME_EXCHANGE) path_.clear();
    return moved;
  }
  bool exchange(const stdfs::path& target) { return rename(target, RENAME_EXCHANGE); }
  /// Leaves it there for good, under another name.
  void keep(const stdfs::path& name) {
    if (rename_file(path_, name, 0)) path_.clear();
  }
  void remove() noexcept {
    if (!path_.empty()) detail::retry([&] { return ::unlink(path_.c_str()); });
    path_.clear();
  }

 private:
  stdfs::path path_;
  detail::unique_fd fd_;
  std::string name_;
};

/// How write_file_atomic treats the target.
enum class write_mode {
  replace,      ///< there or not
  create_only,  ///< EEXIST when it is there
};

/// Writes a whole file: temporary file, fsync, rename, fsync of the directory. Readers see the old
/// or the new content, never a part; on error the old content is there.
/// Errors: EEXIST as `mode` says, ENOSPC, EDQUOT, EACCES, EROFS, EIO.
inline void write_file_atomic(const stdfs::path& path, std::string_view content,
                              write_mode mode = write_mode::replace, mode_t permissions = 0644) {
  temporary_file fresh(path, permissions);
  fresh.write(content);
  const bool create = mode == write_mode::create_only;
  if (!fresh.rename(path, create ? RENAME_NOREPLACE : 0))
    throw_errno(create ? "create" : "replace", path.native());
  sync_directory(path.parent_path());
}

/// Replaces a whole file like write_file_atomic, but only while it holds `expected`: what somebody
/// else writes meanwhile, under whatever lock or none, is put back. False when it holds something
/// else. When the file was moved away as well, so that there is nothing to put it back to, the moved
/// file has our content, and theirs is in `theirs`.
/// Errors: ENOENT (it is gone; nothing comes back), and those of write_file_atomic.
inline bool replace_file_if(const stdfs::path& path, std::string_view expected,
                            std::string_view content, std::string& theirs) {
  struct stat info {};
  if (::stat(path.c_str(), &info) != 0) throw_errno("replace", path.native());
  temporary_file fresh(path, info.st_mode & 07777);
  fresh.write(content);
  if (!fresh.exchange(path)) throw_errno("replace", path.native());
  std::string displaced;
  try {
    displaced = read_file(fresh.path());
  } catch (...) {
    if (!fresh.exchange(path)) fresh.keep(path.native() + ".kept");
    throw;
  }
  if (displaced != expected) {
    if (!fresh.exchange(path)) theirs = std::move(displaced);
    return false;
  }
  fresh.remove();
  sync_directory(path.parent_path());
  return true;
}

/// Renames without ever replacing. False when `from` is gone (somebody else was first).
/// Errors: EEXIST (the target is there), and the errno name of anything else.
inline bool rename_noreplace(const stdfs::path& from, const stdfs::path& to) {
  if (rename_file(from, to, RENAME_NOREPLACE)) return true;
  if (errno == ENOENT && !stdfs::exists(stdfs::symlink_status(from))) return false;
  throw_errno("move to '" + to.native() + "'", from.native());
}

/// Makes a directory and its missing parents. Existing is well.
inline void make_directories(const stdfs::path& path) {
  std::error_code problem;
  if (path.empty()) return;  // the parent of a plain name
  do {
    stdfs::create_directories(path, problem);
  } while (problem.value() == EINTR);
  if (problem) throw errno_error(problem.value(), "make directory", path.native());
}

/// Names in a directory, without "." and "..", in no order. A missing directory has none.
inline std::vector<std::string> list_directory(const stdfs::path& dir) {
  std::vector<std::string> names;
  DIR* stream = nullptr;
  do {
    stream = ::opendir(dir.c_str());
  } while (stream == nullptr && errno == EINTR);
  if (stream == nullptr) {
    if (errno == ENOENT) return names;
    throw_errno("read directory", dir.native());
  }
  try {
    while (dirent* entry = ::readdir(stream)) {
      std::string_view name = entry->d_name;
      if (name != "." && name != "..") names.emplace_back(name);
    }
  } catch (...) {
    ::closedir(stream);
    throw;
  }
  ::closedir(stream);
  return names;
}

/// Locks what a writer that died has left, file or directory: nobody else has it locked, and it is
/// older than a minute. Anything else is left alone, and gives no descriptor.
inline detail::unique_fd lock_abandoned(const stdfs::path& path) {
  detail::unique_fd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK));
  struct stat info {};
  if (!fd || ::fstat(fd.get(), &info) != 0 || info.st_mtime > ::time(nullptr) - 60 ||
      ::flock(fd.get(), LOCK_EX | LOCK_NB) != 0)
    fd.reset();
  return fd;
}

/// Removes temporary files that writers who died have left in a directory. Returns how many.
inline int sweep_temporaries(const stdfs::path& dir) {
  int swept = 0;
  for (const std::string& name : list_directory(dir))
    if (name.starts_with(".tmp."))
      if (auto fd = lock_abandoned(dir / name); fd && ::unlink((dir / name).c_str()) == 0) ++swept;
  return swept;
}

/// Appends one record with a single write, so that records of several writers do not mix.
inline void append_record(const stdfs::path& path, std::string_view record) {
  auto fd = fs::open(path, O_WRONLY | O_CREAT | O_APPEND, 0644);
  write_all(fd.get(), record, path.native());
}

/// Finds a program as execvp would: `name` itself when it has a slash, else along `search`.
/// Relative names are looked up from `cwd`. Returns an absolute path.
/// Errors: ENOENT (the search path is shown), EACCES (there, but not executable).
inline std::string find_program(const std::string& name, const std::string& search,
                                const stdfs::path& cwd) {
  std::error_code ignored;  // where we may not look there is no program
  auto runnable = [&](const stdfs::path& file) {
    return ::access(file.c_str(), X_OK) == 0 && stdfs::is_regular_file(file, ignored);
  };
  if (name.find('/') != std::string::npos) {
    stdfs::path file = cwd / name;
    if (runnable(file)) return file.native();
    if (!stdfs::exists(file, ignored)) throw error("ENOENT", "program '" + name + "' not found");
    throw error("EACCES", "program '" + name + "' is not executable; try chmod +x");
  }
  std::string_view rest = search;
  bool seen = false;
  while (!name.empty()) {
    auto colon = rest.find(':');
    stdfs::path dir(rest.substr(0, colon));
    stdfs::path file = cwd / (dir / name);
    if (!dir.empty() && runnable(file)) return file.native();
    seen = seen || (!dir.empty() && stdfs::is_regular_file(file, ignored));
    if (colon == std::string_view::npos) break;
    rest.remove_prefix(colon + 1);
  }
  if (seen) throw error("EACCES", "program '" + name + "' is on PATH but not executable");
  throw error("ENOENT", "program '" + name + "' not found on PATH (" + search + ")");
}

}  // namespace fs
}  // namespace agentlua
