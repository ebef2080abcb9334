#pragma once
// agentlua/detail/byte_queue.hpp: room 1. Bytes in at the end, out at the front, without zero filling.

#include <cstring>
#include <memory>
#include <string_view>

namespace agentlua::detail {

class byte_queue {
 public:
  std::string_view view() const noexcept { return {data_.get() + begin_, end_ - begin_}; }
  std::size_t size() const noexcept { return end_ - begin_; }
  bool empty() const noexcept { return begin_ == end_; }

  /// Room for `size` more bytes at the end; commit() says how many were written there. Views die.
  char* prepare(std::size_t size) {
    if (begin_ == end_) begin_ = end_ = 0;
    if (capacity_ - end_ >= size) return data_.get() + end_;
    std::size_t kept = end_ - begin_;
    std::size_t needed = kept + size;
    if (needed <= capacity_ && begin_ >= kept) {
      std::memcpy(data_.get(), data_.get() + begin_, kept);
    } else {
      capacity_ = needed > 2 * capacity_ ? needed : 2 * capacity_;
      auto larger = std::make_unique_for_overwrite<char[]>(capacity_);
      if (kept != 0) std::memcpy(larger.get(), data_.get() + begin_, kept);
      data_ = std::move(larger);
    }
    begin_ = 0;
    end_ = kept;
    return data_.get() + end_;
  }
  void commit(std::size_t size) noexcept { end_ += size; }
  void consume(std::size_t size) noexcept { begin_ += size; }

 private:
  std::unique_ptr<char[]> data_;
  std::size_t capacity_ = 0;
  std::size_t begin_ = 0;
  std::size_t end_ = 0;
};

}  // namespace agentlua::detail
