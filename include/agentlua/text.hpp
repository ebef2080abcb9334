#pragma once
// agentlua/text.hpp: room 2. Slugs, short ids, globs, and text made safe for a terminal.

#include <sys/random.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "agentlua/detail/sha256.hpp"
#include "agentlua/error.hpp"

namespace agentlua::text {

using detail::sha256_hex;

inline char lower(char c) noexcept { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; }
inline bool alnum(char c) noexcept {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

/// Lower-case ASCII slug: every run of other bytes becomes one hyphen, none outside, at most
/// `limit` bytes. "task" when nothing is left. Safe as part of a branch or a path.
inline std::string slug(std::string_view name, std::size_t limit = 50) {
  std::string out;
  for (char c : name) {
    if (alnum(c)) {
      out += lower(c);
    } else if (!out.empty() && out.back() != '-') {
      out += '-';
    }
  }
  if (out.size() > limit) out.resize(limit);
  while (!out.empty() && out.back() == '-') out.pop_back();
  return out.empty() ? "task" : out;
}

/// Slug used for matching a dependency by name: blanks become hyphens, other punctuation is
/// dropped, no length limit. Differs from slug() on purpose: both are visible in existing data.
inline std::string match_slug(std::string_view name) {
  std::string out;
  for (char c : name) {
    if (alnum(c)) out += lower(c);
    if ((c == ' ' || c == '-' || c == '\t') && !out.empty() && out.back() != '-') out += '-';
  }
  while (!out.empty() && out.back() == '-') out.pop_back();
  return out;
}

/// Random version 4 UUID. Errors: EIO (the kernel gave no random bytes).
inline std::string uuid() {
  std::array<unsigned char, 16> bytes{};
  if (::getrandom(bytes.data(), bytes.size(), 0) != static_cast<ssize_t>(bytes.size()))
    throw_errno("read random bytes for", "uuid");
  bytes[6] = static_cast<unsigned char>((bytes[6] & 0x0f) | 0x40);
  bytes[8] = static_cast<unsigned char>((bytes[8] & 0x3f) | 0x80);
  std::string out;
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    if (i == 4 || i == 6 || i == 8 || i == 10) out += '-';
    out += "0123456789abcdef"[bytes[i] >> 4];
    out += "0123456789abcdef"[bytes[i] & 15];
  }
  return out;
}

/// First 8 hex digits of an id that starts with 8 of them, else of its SHA-256.
inline std::string id8(std::string_view id) {
  std::string head;
  for (char c : id.substr(0, 8)) head += lower(c);
  bool hex = head.size() == 8 && std::all_of(head.begin(), head.end(), [](unsigned char c) {
               return std::isxdigit(c) != 0;
             });
  return hex ? head : sha256_hex(id).substr(0, 8);
}

/// True when `path` matches `pattern`: `*` and `?` within one directory, `**` across directories.
/// "dir/**" also matches everything below dir; a pattern without a slash matches in any directory.
inline bool glob_match(std::string_view pattern, std::string_view path) {
  if (pattern.find('/') == std::string_view::npos) {
    if (auto slash = path.rfind('/'); slash != std::string_view::npos)
      path.remove_prefix(slash + 1);
  }
  constexpr std::size_t none = std::string_view::npos;
  struct star {
    std::size_t pattern = none;  // where to go on after the star
    std::size_t path = 0;        // what the star has swallowed up to
  } deep, flat;
  bool whole_names = false;  // of the deep star: "**/" swallows names together with their slash
  std::size_t p = 0;
  std::size_t s = 0;
  while (s < path.size() || p < pattern.size()) {
    if (pattern.substr(p, 2) == "**") {
      whole_names = pattern.substr(p, 3) == "**/" && (p == 0 || pattern[p - 1] == '/');
      p += whole_names ? 3 : 2;
      deep = {p, s};
      flat = {};
    } else if (p < pattern.size() && pattern[p] == '*') {
      flat = {++p, s};
    } else if (p < pattern.size() && s < path.size() &&
               (pattern[p] == path[s] || (pattern[p] == '?' && path[s] != '/'))) {
      ++p, ++s;
    } else if (flat.pattern != none && flat.path < path.size() && path[flat.path] != '/') {
      p = flat.pattern;
      s = ++flat.path;
    } else if (deep.pattern != none && deep.path < path.size()) {
      p = deep.pattern;
      if (whole_names) deep.path = std::min(path.find('/', deep.path), path.size() - 1);
      s = ++deep.path;
      flat = {};
    } else {
      return false;
    }
  }
  return true;
}

/// Number of bytes of the UTF-8 sequence at the start of `s`; 0 when it is not valid UTF-8.
inline std::size_t utf8_length(std::string_view s) noexcept {
  auto byte = [&](std::size_t i) { return static_cast<unsigned char>(s[i]); };
  unsigned char first = byte(0);
  if (first < 0x80) return 1;
  std::size_t n = first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : 2;
  if (first < 0xc2 || first > 0xf4 || s.size() < n) return 0;
  for (std::size_t i = 1; i < n; ++i)
    if ((byte(i) & 0xc0) != 0x80) return 0;
  if (first == 0xe0 && byte(1) < 0xa0) return 0;   // overlong
  if (first == 0xed && byte(1) >= 0xa0) return 0;  // surrogate
  if (first == 0xf0 && byte(1) < 0x90) return 0;   // overlong
  if (first == 0xf4 && byte(1) >= 0x90) return 0;  // above U+10FFFF
  return n;
}

/// True for a character (of valid UTF-8) that a terminal acts on: control characters but tab and
/// newline, C1 controls, bidirectional overrides.
inline bool acts_on_terminal(std::string_view one) noexcept {
  auto byte = [&](std::size_t i) { return static_cast<unsigned char>(one[i]); };
  if (one.size() == 1) return (byte(0) < 0x20 && one != "\t" && one != "\n") || byte(0) == 0x7f;
  if (one.size() == 2) return byte(0) == 0xc2 && byte(1) < 0xa0;
  return (one >= "\u202a" && one <= "\u202e") || (one >= "\u2066" && one <= "\u2069");
}

/// Text that can do nothing to a terminal: escape sequences, control bytes (but tab and newline),
/// C1 controls, bidirectional overrides and bytes that are not UTF-8 are shown as "\xNN".
inline std::string printable(std::string_view bytes) {
  std::string out;
  while (!bytes.empty()) {
    const std::size_t n = utf8_length(bytes);
    const std::string_view one = bytes.substr(0, n == 0 ? 1 : n);
    if (n == 0 || acts_on_terminal(one)) {
      for (char c : one) {
        auto b = static_cast<unsigned char>(c);
        out += {'\\', 'x', "0123456789abcdef"[b >> 4], "0123456789abcdef"[b & 15]};
      }
    } else {
      out += one;
    }
    bytes.remove_prefix(one.size());
  }
  return out;
}

/// Number of single-character edits between two words; for "did you mean".
inline std::size_t edit_distance(std::string_view a, std::string_view b) {
  std::vector<std::size_t> row(b.size() + 1);
  for (std::size_t j = 0; j <= b.size(); ++j) row[j] = j;
  for (std::size_t i = 1; i <= a.size(); ++i) {
    std::size_t diagonal = row[0];
    row[0] = i;
    for (std::size_t j = 1; j <= b.size(); ++j) {
      std::size_t change = diagonal + (a[i - 1] == b[j - 1] ? 0 : 1);
      diagonal = row[j];
      row[j] = std::min({row[j] + 1, row[j - 1] + 1, change});
    }
  }
  return row[b.size()];
}

}  // namespace agentlua::text
