#pragma once
// agentlua/detail/posix_zone.hpp: room 1. Yearly rules of time zones, and dates as seconds.

#include <charconv>
#include <chrono>
#include <cstdint>
#include <optional>
#include <string_view>

namespace agentlua {

/// Midnight of a date, in seconds as if the zone were UTC.
inline std::int64_t date_seconds(std::chrono::year_month_day date) {
  return std::chrono::sys_seconds(std::chrono::sys_days(date)).time_since_epoch().count();
}

/// The date of seconds as if the zone were UTC.
inline std::chrono::year_month_day date_of(std::int64_t wall) {
  return std::chrono::floor<std::chrono::days>(
      std::chrono::sys_seconds(std::chrono::seconds(wall)));
}

namespace detail {

/// The yearly rule of POSIX's TZ, "CET-1CEST,M3.5.0,M10.5.0/3": how a zone goes on for ever.
class posix_zone {
 public:
  static std::optional<posix_zone> parse(std::string_view text) {
    posix_zone zone;
    if (!zone.name(text) || !zone.seconds(text, zone.standard_)) return std::nullopt;
    zone.standard_ = -zone.standard_;  // POSIX counts to the west
    zone.summer_ = zone.standard_;
    if (text.empty()) return zone;
    zone.summer_ += 3600;
    if (!zone.name(text)) return std::nullopt;
    if (!text.empty() && text[0] != ',') {
      if (!zone.seconds(text, zone.summer_)) return std::nullopt;
      zone.summer_ = -zone.summer_;
    }
    if (text.empty()) text = ",M3.2.0,M11.1.0";  // what glibc takes
    if (!zone.day(text, zone.start_) || !zone.day(text, zone.end_) || !text.empty())
      return std::nullopt;
    return zone;
  }

  /// Seconds east of UTC.
  std::int64_t offset(std::int64_t instant) const {
    if (fixed()) return standard_;
    const auto year = date_of(instant + standard_).year();
    const std::int64_t start = at(year, start_) - standard_;
    const std::int64_t end = at(year, end_) - summer_;
    const bool summer = start < end ? instant >= start && instant < end
                                    : instant >= start || instant < end;
    return summer ? summer_ : standard_;
  }

  bool fixed() const noexcept { return standard_ == summer_; }

 private:
  struct rule_day {
    char kind = 'M';  ///< 'M': month, week, weekday; 'J': day without 29 February; '0': day
    unsigned month = 1, week = 1, day = 0;
    std::int64_t time = 7200;
  };

  static std::int64_t at(std::chrono::year year, const rule_day& rule) {
    using namespace std::chrono;
    if (rule.kind != 'M') {
      const bool skips = rule.kind == 'J' && (!year.is_leap() || rule.day < 60);
      return date_seconds(year / January / 1) + (rule.day - (skips ? 1 : 0)) * std::int64_t{86400} +
             rule.time;
    }
    const weekday wanted(rule.day);
    const sys_days date = rule.week == 5 ? sys_days(year / month(rule.month) / wanted[last])
                                         : sys_days(year / month(rule.month) / wanted[rule.week]);
    return date_seconds(date) + rule.time;
  }

  static bool name(std::string_view& text) {
    std::size_t end = 0;
    if (text.substr(0, 1) == "<") {
      end = text.find('>');
      if (end == std::string_view::npos) return false;
      ++end;
    } else {
      while (end < text.size() && ((text[end] | 32) >= 'a' && (text[end] | 32) <= 'z')) ++end;
    }
    text.remove_prefix(end);
    return end >= 3;
  }
  static bool number(std::string_view& text, unsigned limit, unsigned& value) {
    auto [end, problem] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (problem != std::errc() || value > limit) return false;
    text.remove_prefix(static_cast<std::size_t>(end - text.data()));
    return true;
  }
  static bool skip(std::string_view& text, char c) {
    if (text.empty() || text[0] != c) return false;
    text.remove_prefix(1);
    return true;
  }
  /// [+-]hh[:mm[:ss]]
  static bool seconds(std::string_view& text, std::int64_t& total) {
    const bool minus = skip(text, '-');
    if (!minus) skip(text, '+');
    unsigned hours = 0, minutes = 0, rest = 0;
    if (!number(text, 167, hours)) return false;
    if (skip(text, ':') && !number(text, 59, minutes)) return false;
    if (skip(text, ':') && !number(text, 59, rest)) return false;
    total = (std::int64_t{hours} * 60 + minutes) * 60 + rest;
    if (minus) total = -total;
    return true;
  }
  static bool day(std::string_view& text, rule_day& rule) {
    if (!skip(text, ',')) return false;
    if (skip(text, 'M')) {
      if (!number(text, 12, rule.month) || !skip(text, '.') || !number(text, 5, rule.week) ||
          !skip(text, '.') || !number(text, 6, rule.day) || rule.month == 0 || rule.week == 0)
        return false;
    } else {
      rule.kind = skip(text, 'J') ? 'J' : '0';
      if (!number(text, 365, rule.day)) return false;
    }
    return !skip(text, '/') || seconds(text, rule.time);
  }

  std::int64_t standard_ = 0, summer_ = 0;
  rule_day start_, end_;
};

}  // namespace detail
}  // namespace agentlua
