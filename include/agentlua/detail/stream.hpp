#pragma once
// agentlua/detail/stream.hpp: room 3. The two ends of a child's pipes, driven by the event loop.

#include <fcntl.h>
#include <signal.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "agentlua/detail/byte_queue.hpp"
#include "agentlua/event_loop.hpp"
#include "agentlua/fs.hpp"
#include "agentlua/redact.hpp"

namespace agentlua::detail {

/// write() to a pipe that may have lost its reader, without SIGPIPE whatever its disposition.
inline ssize_t write_quietly(int fd, std::string_view bytes) noexcept {
  sigset_t pipe_signal;
  sigset_t before;
  sigemptyset(&pipe_signal);
  sigaddset(&pipe_signal, SIGPIPE);
  ::pthread_sigmask(SIG_BLOCK, &pipe_signal, &before);
  ssize_t written = ::write(fd, bytes.data(), bytes.size());
  int problem = errno;
  if (written < 0 && problem == EPIPE) {
    timespec now{};
    ::sigtimedwait(&pipe_signal, nullptr, &now);
  }
  ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
  errno = problem;
  return written;
}

/// What a child writes: bytes go to a file first (if one is named), then into a bounded buffer (if
/// `keep`). A reader that does not keep up stops the reading, so the child waits and memory stays
/// flat.
class stream {
 public:
  static constexpr std::size_t high_water = 2u << 20;  ///< unread bytes at which reading pauses
  static constexpr std::size_t line_limit = 1u << 20;  ///< a longer line is cut; the file has all
  static constexpr std::size_t largest_chunk = 1u << 20;  ///< bytes read at once, and in the pipe

  void open(unique_fd fd, const std::string& file, bool keep) {
    fd_ = std::move(fd);
    ::fcntl(fd_.get(), F_SETFL, O_NONBLOCK);
    if (!file.empty()) file_ = fs::open(file, O_WRONLY | O_CREAT | O_APPEND, 0644);
    file_name_ = file;
    keep_ = keep;
  }
  /// From now on secrets are replaced before anybody sees or keeps what comes.
  void hide(const named_secrets& secrets) {
    if (!secrets.empty()) redactor_ = std::make_unique<redactor>(secrets);
  }
  void attach(event_loop& loop, std::function<void()> changed) {
    loop_ = &loop;
    changed_ = std::move(changed);
    if (fd_) resume();
  }

  /// Next line without its newline, or false. `cut` tells that the rest of the line was dropped.
  /// The view holds until the next call that takes or reads.
  bool next_line(std::string_view& line, bool& cut) {
    cut = false;
    for (;;) {
      std::string_view unread = buffer_.view();
      std::size_t end = unread.find('\n', scanned_);
      bool whole = end != std::string_view::npos;
      if (!whole) {
        scanned_ = unread.size();
        bool last = ended() && !unread.empty();
        if (!last && unread.size() <= line_limit) return want_more();
        end = std::min(unread.size(), line_limit);
      }
      bool tail = dropping_;
      dropping_ = !whole && (!ended() || end < unread.size());
      scanned_ = 0;
      buffer_.consume(end + (whole ? 1 : 0));
      if (tail) continue;
      cut = dropping_ || end > line_limit;
      line = unread.substr(0, std::min(end, line_limit));
      return true;
    }
  }

  /// What was not taken yet; the view holds until the next call that takes or reads.
  std::string_view unread() const noexcept { return buffer_.view(); }
  /// Takes the first `size` unread bytes.
  void take(std::size_t size) {
    buffer_.consume(size);
    scanned_ = 0;
    want_more();
  }
  /// Appends everything unread to `into`; true when there was something.
  bool take_all(std::string& into) {
    std::size_t size = buffer_.size();
    into.append(buffer_.view());
    take(size);
    return size != 0;
  }

  bool ended() const noexcept { return !fd_; }
  /// True while reading waits for the reader: the child may have more to say.
  bool paused() const noexcept { return fd_ && !watch_; }
  /// True when there is nothing to take and nothing will come.
  bool exhausted() const noexcept { return ended() && buffer_.empty(); }
  std::uint64_t bytes() const noexcept { return bytes_; }
  /// Why the file is not complete, else empty. The child goes on.
  const std::string& file_problem() const noexcept { return file_problem_; }

  /// Reads what an ended child has left in the pipe, whether the reader keeps up or not. The bound
  /// is for a stranger that goes on writing.
  void pump() noexcept {
    while (fd_ && buffer_.size() < high_water + 2 * largest_chunk && read_some()) continue;
  }
  /// The child has ended: what a stranger goes on writing is taken up to a bound, beyond what the
  /// pipe may still hold of the child's own.
  void limit_rest() noexcept { last_byte_ = bytes_ + largest_chunk + high_water; }
  void abandon() noexcept {
    if (fd_ && redactor_) deliver(redactor_->finish());
    watch_.reset();
    fd_.reset();
    file_.reset();
  }

 private:
  bool want_more() {
    if (paused() && buffer_.size() < high_water) resume();
    return false;
  }
  void resume() {
    watch_ = loop_->watch(fd_.get(), EPOLLIN, [this] {
      read_some();
      if (buffer_.size() >= high_water) watch_.reset();
      changed_();
    });
  }

  // One read; false when there was nothing, or the end. The size of reads, and of the pipe, grows
  // with what comes: most children say little.
  bool read_some() noexcept {
    char* room = buffer_.prepare(chunk_);
    ssize_t got = ::read(fd_.get(), room, chunk_);
    if (got < 0 && (errno == EAGAIN || errno == EINTR)) return false;
    if (got <= 0) {
      abandon();
      return false;
    }
    auto size = static_cast<std::size_t>(got);
    bytes_ += size;
    if (redactor_) {
      deliver(redactor_->feed({room, size}));
    } else {
      if (file_) save({room, size});
      if (keep_) buffer_.commit(size);
    }
    if (bytes_ >= last_byte_) {
      abandon();
      return false;
    }
    if (size == chunk_ && chunk_ < largest_chunk) {
      chunk_ *= 4;
      if (chunk_ == largest_chunk) ::fcntl(fd_.get(), F_SETPIPE_SZ, largest_chunk);
    }
    return true;
  }

  void deliver(const std::string& bytes) noexcept {
    if (file_) save(bytes);
    if (!keep_ || bytes.empty()) return;
    std::memcpy(buffer_.prepare(bytes.size()), bytes.data(), bytes.size());
    buffer_.commit(bytes.size());
  }
  void save(std::string_view bytes) noexcept {
    try {
      fs::write_all(file_.get(), bytes, file_name_);
    } catch (const error& problem) {
      file_problem_ = problem.what();
      file_.reset();
    }
  }

  event_loop* loop_ = nullptr;
  unique_fd fd_, file_;
  std::unique_ptr<event_loop::subscription> watch_;
  std::function<void()> changed_ = [] {};
  byte_queue buffer_;
  bool keep_ = true;
  std::size_t chunk_ = 4u << 10;
  std::size_t scanned_ = 0;  // bytes of buffer_ known to hold no newline
  std::uint64_t bytes_ = 0;
  std::uint64_t last_byte_ = UINT64_MAX;  // reading ends here
  bool dropping_ = false;                 // inside a line whose start was given out as cut
  std::string file_name_, file_problem_;
  std::unique_ptr<redactor> redactor_;
};

/// What a child reads: queued bytes are written as it takes them.
class sink {
 public:
  /// `typed`: it is a terminal, where the end is a key (Ctrl-D, VEOF as terminals are made).
  void open(unique_fd fd, bool typed = false) {
    fd_ = std::move(fd);
    typed_ = typed;
    ::fcntl(fd_.get(), F_SETFL, O_NONBLOCK);
  }
  void attach(event_loop& loop) { loop_ = &loop; }
  void write(std::string_view bytes) {
    if (!fd_ || finishing_ || bytes.empty()) return;
    std::memcpy(queue_.prepare(bytes.size()), bytes.data(), bytes.size());
    queue_.commit(bytes.size());
    in_line_ = bytes.back() != '\n' && bytes.back() != '\r';
    flush();
  }
  void finish() {
    if (typed_) write(in_line_ ? "\4\4" : "\4");  // inside of a line the first one ends the line
    finishing_ = true;
    if (fd_) flush();
  }
  void abandon() noexcept {
    watch_.reset();
    fd_.reset();
    queue_ = {};
  }

 private:
  void flush() {
    while (!queue_.empty()) {
      ssize_t written = write_quietly(fd_.get(), queue_.view());
      if (written > 0) {
        queue_.consume(static_cast<std::size_t>(written));
      } else if (errno == EAGAIN) {
        if (!watch_) watch_ = loop_->watch(fd_.get(), EPOLLOUT, [this] { flush(); });
        return;
      } else if (errno != EINTR) {
        abandon();  // the child closed its stdin; that is its right
        return;
      }
    }
    watch_.reset();
    if (finishing_) fd_.reset();
  }

  event_loop* loop_ = nullptr;
  unique_fd fd_;
  std::unique_ptr<event_loop::subscription> watch_;
  byte_queue queue_;
  bool finishing_ = false;
  bool typed_ = false;
  bool in_line_ = false;
};

}  // namespace agentlua::detail
