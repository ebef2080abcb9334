#pragma once
// agentlua/zone.hpp: room 2. Time zones by name: what a clock there shows, and when it shows that.

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "agentlua/detail/posix_zone.hpp"
#include "agentlua/fs.hpp"
#include "agentlua/text.hpp"

namespace agentlua {

namespace detail {

inline std::int64_t big_endian(std::string_view bytes) {
  std::uint64_t value = !bytes.empty() && static_cast<signed char>(bytes[0]) < 0 ? ~0ULL : 0;
  for (char c : bytes) value = value << 8 | static_cast<unsigned char>(c);
  return static_cast<std::int64_t>(value);
}

}  // namespace detail

/// One time zone. A value: nothing is cached, and the environment is read, never set.
class time_zone {
 public:
  explicit time_zone(std::int64_t seconds_east = 0) : first_(seconds_east) {}

  /// Zone of an IANA name, from $TZDIR or /usr/share/zoneinfo; nullopt if there is none. Any text
  /// may be asked for: it cannot leave that directory.
  static std::optional<time_zone> named(std::string_view name) {
    if (name.empty() || name.size() > 64 || name[0] == '/') return std::nullopt;
    for (char c : name)
      if (!text::alnum(c) && std::string_view("/_+-").find(c) == std::string_view::npos)
        return std::nullopt;
    const char* dir = std::getenv("TZDIR");
    return from_file(
        (dir != nullptr && *dir != '\0' ? dir : "/usr/share/zoneinfo") + ("/" + std::string(name)));
  }

  /// Zone as the variable TZ names it: an IANA name, a file, or a rule of POSIX.
  static std::optional<time_zone> of(std::string_view text) {
    if (text.substr(0, 1) == ":") text.remove_prefix(1);
    if (text.substr(0, 1) == "/") return from_file(std::string(text));
    if (auto known = named(text)) return known;
    time_zone zone;
    zone.rule_ = detail::posix_zone::parse(text);
    return zone.rule_ ? std::optional(zone) : std::nullopt;
  }

  /// Zone of this process: TZ, else /etc/localtime, else UTC.
  static time_zone local() {
    const char* name = std::getenv("TZ");
    return (name != nullptr ? of(name) : from_file("/etc/localtime")).value_or(time_zone());
  }

  /// Seconds east of UTC at an instant.
  std::int64_t offset(std::int64_t instant) const {
    if (rule_ && (changes_.empty() || instant >= changes_.back().first))
      return rule_->offset(instant);
    auto next = std::upper_bound(
        changes_.begin(), changes_.end(), instant,
        [](std::int64_t t, const auto& change) { return t < change.first; });
    return next == changes_.begin() ? first_ : std::prev(next)->second;
  }

  /// When clocks show `wall` (seconds as if this were UTC). Shown twice: the later time. Never
  /// shown, as clocks go forward: the first instant after the gap.
  std::int64_t instant(std::int64_t wall) const {
    std::int64_t low = wall - 86400;
    std::int64_t high = wall + 86400;
    const std::int64_t before = offset(low);
    const std::int64_t after = offset(high);
    const auto [least, most] = std::minmax(before, after);
    if (offset(wall - least) == least) return wall - least;
    if (offset(wall - most) == most) return wall - most;
    while (high - low > 1) {
      const std::int64_t middle = low + (high - low) / 2;
      (offset(middle) == before ? low : high) = middle;
    }
    return high;
  }

  /// True when it is the same distance from UTC all year.
  bool fixed() const noexcept { return changes_.empty() && (!rule_ || rule_->fixed()); }

 private:
  static std::optional<time_zone> from_file(const std::string& path) {
    const auto bytes = fs::try_read_file(path, 1u << 20);
    return bytes ? from_bytes(*bytes) : std::nullopt;
  }

  /// A TZif file (RFC 8536): the block with 64-bit times and its rule; of version 1 the only block.
  static std::optional<time_zone> from_bytes(std::string_view file) {
    constexpr std::size_t header = 44;
    std::size_t width = 4;
    for (;;) {
      if (file.size() < header || file.substr(0, 4) != "TZif") return std::nullopt;
      auto count = [&](std::size_t i) {
        return static_cast<std::size_t>(detail::big_endian(file.substr(20 + 4 * i, 4)) & 0xffffff);
      };
      const std::size_t leaps = count(2), times = count(3), types = count(4);
      const std::size_t size = times * (width + 1) + types * 6 + count(5) + leaps * (width + 4) +
                               count(1) + count(0);
      if (file.size() < header + size || types == 0) return std::nullopt;
      if (width == 4 && file[4] >= '2') {
        file.remove_prefix(header + size);
        width = 8;
        continue;
      }
      if (leaps != 0) return std::nullopt;  // "right/...": it does not count as the clock does
      return from_block(file.substr(header, size), times, types, width,
                        width == 8 ? file.substr(header + size) : "");
    }
  }

  static std::optional<time_zone> from_block(std::string_view block, std::size_t times,
                                             std::size_t types, std::size_t width,
                                             std::string_view footer) {
    const std::string_view which = block.substr(times * width, times);
    auto offset_of = [&](std::size_t type) {
      return detail::big_endian(block.substr(times * (width + 1) + type * 6, 4));
    };
    time_zone zone(offset_of(0));
    for (std::size_t i = 0; i < times; ++i) {
      const auto type = static_cast<unsigned char>(which[i]);
      if (type >= types) return std::nullopt;
      zone.changes_.emplace_back(
          detail::big_endian(block.substr(i * width, width)), offset_of(type));
    }
    if (footer.size() > 2 && footer.front() == '\n' && footer.back() == '\n')
      zone.rule_ = detail::posix_zone::parse(footer.substr(1, footer.size() - 2));
    return zone;
  }

  std::int64_t first_;                                          ///< before the first change
  std::vector<std::pair<std::int64_t, std::int64_t>> changes_;  ///< instant, offset from then on
  std::optional<detail::posix_zone> rule_;                      ///< after the last change
};

}  // namespace agentlua
