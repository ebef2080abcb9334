#pragma once
// agentlua/json_walk.hpp: room 2. Checks the text of a JSON object and finds its members; builds nothing.
//
// For the many files that are only looked at: it takes a fifth of the time of parsing. It accepts
// nothing that the parser refuses (the fuzz test compares them), but may be unsure: numbers with
// exponents, or of many digits. Whoever gets `false` asks the parser, which has the words for errors.

#include <array>
#include <string_view>

#include "agentlua/json.hpp"

namespace agentlua::detail {

class json_walker {
 public:
  /// `parsed`: the parser has accepted the text, so that every number is well.
  json_walker(std::string_view text, const json_limits& limits, bool parsed = false)
      : at_(text.data()),
        end_(text.data() + text.size()),
        depth_(limits.depth),
        members_(limits.members),
        parsed_(parsed) {}

  /// Calls member(key, value) with the texts of each member of the outermost object: the key without
  /// its quotes, as it is spelled; the value as it is spelled. False when the text is not known to be
  /// an object.
  template <class Member>
  bool object(Member member) {
    if (end_ - at_ >= 3 && std::string_view(at_, 3) == "\xef\xbb\xbf") at_ += 3;
    space();
    if (depth_ < 1 || !take('{')) return false;
    --depth_;
    space();
    std::size_t count = 0;
    if (!take('}')) {
      do {
        if (++count > members_) return false;
        space();
        const char* key = at_ + 1;
        if (!string()) return false;
        std::string_view name(key, static_cast<std::size_t>(at_ - 1 - key));
        space();
        if (!take(':')) return false;
        space();
        const char* value_at = at_;
        if (!value()) return false;
        member(name, std::string_view(value_at, static_cast<std::size_t>(at_ - value_at)));
        space();
      } while (take(','));
      if (!take('}')) return false;
    }
    space();
    return at_ == end_;
  }

 private:
  bool take(char c) {
    if (at_ == end_ || *at_ != c) return false;
    ++at_;
    return true;
  }
  bool take(std::string_view word) {
    if (static_cast<std::size_t>(end_ - at_) < word.size() ||
        std::string_view(at_, word.size()) != word)
      return false;
    at_ += word.size();
    return true;
  }
  void space() {
    while (at_ != end_ && (*at_ == ' ' || *at_ == '\n' || *at_ == '\t' || *at_ == '\r')) ++at_;
  }

  bool value() {
    if (at_ == end_) return false;
    switch (*at_) {
      case '"':
        return string();
      case '{':
        return list('}', true);
      case '[':
        return list(']', false);
      case 't':
        return take("true");
      case 'f':
        return take("false");
      case 'n':
        return take("null");
      default:
        return number();
    }
  }

  bool list(char close, bool keys) {
    if (--depth_ < 0) return false;
    ++at_;
    space();
    std::size_t count = 0;
    if (!take(close)) {
      do {
        if (keys && ++count > members_) return false;
        space();
        if (keys) {
          if (!string()) return false;
          space();
          if (!take(':')) return false;
          space();
        }
        if (!value()) return false;
        space();
      } while (take(','));
      if (!take(close)) return false;
    }
    ++depth_;
    return true;
  }

  static bool digit(char c) { return c >= '0' && c <= '9'; }
  bool digits() {
    const char* first = at_;
    while (at_ != end_ && digit(*at_)) ++at_;
    return at_ != first;
  }
  bool number() {
    const char* first = at_;
    take('-');
    if (!take('0') && !digits()) return false;
    if (take('.') && !digits()) return false;
    bool exponent = take('e') || take('E');
    if (exponent && !take('+')) take('-');
    if (exponent && !digits()) return false;
    return parsed_ || (!exponent && at_ - first <= 30);
  }

  // ---- strings -------------------------------------------------------------------------------------

  bool string() {
    if (!take('"')) return false;
    for (;;) {
      while (at_ != end_ && plain[static_cast<unsigned char>(*at_)]) ++at_;
      if (at_ == end_) return false;
      auto c = static_cast<unsigned char>(*at_);
      if (c == '"') return ++at_, true;
      if (c < 0x20 || !(c == '\\' ? escape() : utf8())) return false;
    }
  }

  bool hex(unsigned& unit) {
    if (end_ - at_ < 4) return false;
    unit = 0;
    for (int i = 0; i < 4; ++i, ++at_) {
      char c = *at_;
      unsigned nibble = 0;
      if (digit(c)) nibble = static_cast<unsigned>(c - '0');
      else if (c >= 'a' && c <= 'f') nibble = static_cast<unsigned>(c - 'a' + 10);
      else if (c >= 'A' && c <= 'F') nibble = static_cast<unsigned>(c - 'A' + 10);
      else return false;
      unit = unit * 16 + nibble;
    }
    return true;
  }
  bool escape() {
    if (++at_ == end_) return false;
    char c = *at_++;
    if (c != 'u') return std::string_view("\"\\/bfnrt").find(c) != std::string_view::npos;
    unsigned unit = 0;
    unsigned low = 0;
    if (!hex(unit)) return false;
    if (unit < 0xd800 || unit > 0xdfff) return true;
    return unit < 0xdc00 && take("\\u") && hex(low) && low >= 0xdc00 && low <= 0xdfff;
  }
  // RFC 3629: no overlong forms, no surrogates, nothing above U+10FFFF.
  bool utf8() {
    auto byte = [this](int i) { return static_cast<unsigned char>(at_[i]); };
    auto more = [&](int i, unsigned low = 0x80, unsigned high = 0xbf) {
      return end_ - at_ > i && byte(i) >= low && byte(i) <= high;
    };
    const unsigned c = byte(0);
    int size = 0;
    if (c >= 0xc2 && c <= 0xdf && more(1)) {
      size = 2;
    } else if (c >= 0xe0 && c <= 0xef &&
               more(1, c == 0xe0 ? 0xa0 : 0x80, c == 0xed ? 0x9f : 0xbf) && more(2)) {
      size = 3;
    } else if (c >= 0xf0 && c <= 0xf4 &&
               more(1, c == 0xf0 ? 0x90 : 0x80, c == 0xf4 ? 0x8f : 0xbf) && more(2) && more(3)) {
      size = 4;
    }
    at_ += size;
    return size != 0;
  }

  static constexpr std::array<bool, 256> plain = [] {
    std::array<bool, 256> table{};
    for (std::size_t c = 0x20; c < 0x80; ++c) table[c] = c != '"' && c != '\\';
    return table;
  }();

  const char* at_;
  const char* end_;
  int depth_;
  std::size_t members_;
  bool parsed_;
};

}  // namespace agentlua::detail
