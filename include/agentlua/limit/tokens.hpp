#pragma once
// agentlua/limit/tokens.hpp: room 3. The words and numbers of a vendor's message.

#include <cctype>
#include <charconv>
#include <cmath>
#include <initializer_list>
#include <string>
#include <string_view>
#include <vector>

#include "agentlua/text.hpp"

namespace agentlua::detail {

/// A word (letters, small), a number, or one other character.
struct limit_token {
  enum token_kind { word, number, mark, end };
  token_kind kind = end;
  std::string_view text;
  std::size_t begin = 0;   ///< position in the message
  double value = 0;        ///< of a number
  std::size_t digits = 0;  ///< of a whole number; 0 when it has a fraction
};

/// A message in tokens. "resetsAt" and "resets_at" are the same two words; blanks (also of Unicode), escapes
/// of JSON and colours of a terminal are no tokens. One pass over the text.
class limit_tokens {
 public:
  explicit limit_tokens(std::string_view message) : raw_(message), small_(message) {
    for (char& c : small_) c = text::lower(c);
    std::size_t at = 0;
    while (at < small_.size()) at += skip(at) != 0 ? skip(at) : add(at);
  }
  limit_tokens(const limit_tokens&) = delete;
  limit_tokens& operator=(const limit_tokens&) = delete;

  std::size_t size() const noexcept { return tokens_.size(); }
  /// The token at `i`; behind the last one there are only empty ones.
  const limit_token& operator[](std::size_t i) const noexcept {
    return i < tokens_.size() ? tokens_[i] : end_;
  }
  bool is(std::size_t i, std::string_view text) const noexcept { return (*this)[i].text == text; }
  bool is(std::size_t i, std::initializer_list<std::string_view> texts) const noexcept {
    for (std::string_view one : texts)
      if (is(i, one)) return true;
    return false;
  }
  bool number(std::size_t i) const noexcept { return (*this)[i].kind == limit_token::number; }
  /// True for a whole number of `least` to `most` digits.
  bool digits(std::size_t i, std::size_t least, std::size_t most) const noexcept {
    const limit_token& one = (*this)[i];
    return one.kind == limit_token::number && one.digits >= least && one.digits <= most;
  }
  /// The message from token `i` on, in its own letters; "" behind the end.
  std::string_view raw(std::size_t i) const noexcept {
    return i < tokens_.size() ? raw_.substr(tokens_[i].begin) : std::string_view();
  }
  /// Index of the first token that begins at `position` or behind it, from `i` on.
  std::size_t from(std::size_t i, std::size_t position) const noexcept {
    while (i < tokens_.size() && tokens_[i].begin < position) ++i;
    return i;
  }

 private:
  static bool letter(char c) noexcept { return c >= 'a' && c <= 'z'; }
  static bool digit(char c) noexcept { return c >= '0' && c <= '9'; }
  char at(std::size_t i) const noexcept { return i < small_.size() ? small_[i] : '\0'; }

  /// Bytes at `i` that say nothing.
  std::size_t skip(std::size_t i) const noexcept {
    const std::string_view rest = std::string_view(small_).substr(i);
    if (std::isspace(static_cast<unsigned char>(rest[0])) || rest[0] == '_') return 1;
    if (rest.substr(0, 2) == "\xc2\xa0") return 2;      // no-break space
    if (rest.substr(0, 3) == "\xe2\x80\xaf") return 3;  // the narrow one that ICU puts before "PM"
    if (rest.substr(0, 2) == "\\u" && rest.size() >= 6) return 6;
    if (rest[0] == '\\') return rest.size() > 1 && letter(rest[1]) ? 2 : 1;
    if (rest.substr(0, 2) != "\x1b[") return 0;
    std::size_t n = 2;
    while (n < rest.size() && n < 32 && (digit(rest[n]) || rest[n] == ';')) ++n;
    return n < rest.size() ? n + 1 : n;
  }

  std::size_t add(std::size_t begin) {
    std::size_t i = begin;
    limit_token one;
    one.begin = begin;
    if (letter(at(i))) {
      one.kind = limit_token::word;
      while (letter(at(i)) && (i == begin || !camel(i))) ++i;
    } else if (digit(at(i))) {
      one.kind = limit_token::number;
      while (digit(at(i))) ++i;
      one.digits = i - begin;
      if (at(i) == '.' && digit(at(i + 1))) {
        one.digits = 0;
        for (++i; digit(at(i));) ++i;
      }
      auto read = std::from_chars(small_.data() + begin, small_.data() + i, one.value);
      if (read.ec != std::errc()) one.value = HUGE_VAL;
    } else {
      one.kind = limit_token::mark;
      ++i;
    }
    one.text = std::string_view(small_).substr(begin, i - begin);
    tokens_.push_back(one);
    return i - begin;
  }
  /// True where a word begins within a word: "resetsAt", but not "AM" and not "PMs".
  bool camel(std::size_t i) const noexcept {
    return raw_[i] != small_[i] && raw_[i - 1] == small_[i - 1];
  }

  std::string_view raw_;
  std::string small_;
  std::vector<limit_token> tokens_;
  limit_token end_;
};

}  // namespace agentlua::detail
