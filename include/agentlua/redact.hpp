#pragma once
// agentlua/redact.hpp: room 2. Secrets in a stream of bytes are replaced, also when they come in pieces.

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "agentlua/json.hpp"

namespace agentlua {

namespace detail {

inline std::string base64(std::string_view bytes, bool for_urls) {
  const char* last = for_urls ? "-_" : "+/";
  std::string digits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
  digits += last;
  std::string out;
  std::uint32_t bits = 0;
  int count = 0;
  for (char c : bytes) {
    bits = bits << 8 | static_cast<unsigned char>(c);
    for (count += 8; count >= 6; count -= 6) out += digits[bits >> (count - 6) & 63];
  }
  return out;  // without the last digit, which what follows has a part in
}

/// Percent-encoding of all that is not unreserved (RFC 3986, section 2.3).
inline std::string percent(std::string_view bytes, bool upper) {
  const char* hex = upper ? "0123456789ABCDEF" : "0123456789abcdef";
  std::string out;
  for (char c : bytes) {
    auto byte = static_cast<unsigned char>(c);
    if (text::alnum(c) || std::string_view("-._~").find(c) != std::string_view::npos) out += c;
    else out += {'%', hex[byte >> 4], hex[byte & 15]};
  }
  return out;
}

}  // namespace detail

/// {name, value} of each secret.
using named_secrets = std::vector<std::pair<std::string, std::string>>;

/// Replaces secrets by "[NAME]" in a stream that comes in pieces of any size. Found are the value, its
/// form in JSON, in URLs and in base64 at any offset, and each long line of a value of several lines.
/// Guards against accidents only: what an agent encodes in another way passes.
class redactor {
 public:
  /// Shorter values are in too much that is no secret: they are not looked for.
  static constexpr std::size_t shortest = 6;

  /// Secrets of the same value are replaced by the first name.
  explicit redactor(const named_secrets& secrets) {
    nodes_.emplace_back();
    for (const auto& [name, value] : secrets) {
      if (value.size() < shortest) continue;
      masks_.push_back("[" + name + "]");
      add_forms(value);
    }
  }

  /// Takes bytes and returns those that are certain; what may be the start of a secret is kept back.
  std::string feed(std::string_view bytes) {
    held_.append(bytes);
    return release(false);
  }
  /// The end of the stream: what was kept back.
  std::string finish() { return release(true); }

 private:
  struct node {
    std::array<std::int32_t, 16> next{};  // by half a byte: small, and quick enough
    std::int32_t mask = -1;
  };

  void add_forms(const std::string& value) {
    add(value);
    const std::string quoted = dump_json(value);
    add(std::string_view(quoted).substr(1, quoted.size() - 2));
    for (bool option : {false, true}) {
      add(detail::percent(value, option));
      for (std::size_t offset : {0, 1, 2}) {  // digits that what stands before has a part in
        std::string digits = detail::base64(std::string(offset, '\0') + value, option);
        add(digits.substr(offset == 0 ? 0 : offset + 1));
      }
    }
    if (value.find('\n') == std::string::npos) return;
    for (std::size_t begin = 0; begin < value.size();) {
      std::size_t end = std::min(value.find('\n', begin), value.size());
      if (end - begin >= 16) add(value.substr(begin, end - begin));
      begin = end + 1;
    }
  }

  void add(std::string_view form) {
    if (form.size() < shortest) return;
    std::int32_t at = 0;
    for (char c : form)
      for (int half : halves(c)) {
        std::int32_t next =
            nodes_[static_cast<std::size_t>(at)].next[static_cast<std::size_t>(half)];
        if (next == 0) {
          next = static_cast<std::int32_t>(nodes_.size());
          nodes_.emplace_back();
          nodes_[static_cast<std::size_t>(at)].next[static_cast<std::size_t>(half)] = next;
        }
        at = next;
      }
    auto& mask = nodes_[static_cast<std::size_t>(at)].mask;
    if (mask < 0) mask = static_cast<std::int32_t>(masks_.size()) - 1;
    first_[static_cast<unsigned char>(form[0])] = true;
  }

  static std::array<int, 2> halves(char c) {
    auto byte = static_cast<unsigned char>(c);
    return {byte >> 4, byte & 15};
  }

  // The longest secret that begins at `begin`: its length and mask. `open`: the text ends inside of one.
  std::pair<std::size_t, std::int32_t> match(std::size_t begin, bool& open) const {
    std::pair<std::size_t, std::int32_t> best{0, -1};
    std::int32_t at = 0;
    for (std::size_t i = begin; i < held_.size(); ++i) {
      for (int half : halves(held_[i])) {
        at = nodes_[static_cast<std::size_t>(at)].next[static_cast<std::size_t>(half)];
        if (at == 0) return best;
      }
      if (auto mask = nodes_[static_cast<std::size_t>(at)].mask; mask >= 0)
        best = {i + 1 - begin, mask};
    }
    open = true;
    return best;
  }

  std::string release(bool all) {
    std::string out;
    std::size_t at = 0;
    std::size_t copied = 0;
    while (at < held_.size()) {
      if (!first_[static_cast<unsigned char>(held_[at])]) {
        ++at;
        continue;
      }
      bool open = false;
      auto [length, mask] = match(at, open);
      if (open && !all) break;
      if (length == 0) {
        ++at;
        continue;
      }
      out.append(held_, copied, at - copied).append(masks_[static_cast<std::size_t>(mask)]);
      at += length;
      copied = at;
    }
    out.append(held_, copied, at - copied);
    held_.erase(0, at);
    return out;
  }

  std::vector<node> nodes_;
  std::vector<std::string> masks_;
  std::array<bool, 256> first_{};
  std::string held_;
};

}  // namespace agentlua
