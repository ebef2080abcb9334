#pragma once
// agentlua/time.hpp: room 1. Wall clock, a monotonic clock that counts suspend, ISO-8601 in UTC.

#include <ctime>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <optional>
#include <string>
#include <string_view>

namespace agentlua {

using seconds = std::chrono::duration<double>;
using nanoseconds = std::chrono::nanoseconds;

/// A length of time as the kernel counts it. More than 30 years is for ever: it cannot overflow.
inline nanoseconds to_nanoseconds(seconds length) noexcept {
  constexpr seconds longest{1e9};
  return std::chrono::duration_cast<nanoseconds>(
      length < longest ? std::max(length, seconds(0)) : longest);
}

/// CLOCK_BOOTTIME: monotonic, and time asleep counts, so a wait does not stretch over a suspend.
inline nanoseconds boot_now() noexcept {
  timespec now{};
  ::clock_gettime(CLOCK_BOOTTIME, &now);
  return std::chrono::seconds(now.tv_sec) + nanoseconds(now.tv_nsec);
}

/// Wall clock, seconds since 1970 in UTC.
inline double wall_now() noexcept {
  timespec now{};
  ::clock_gettime(CLOCK_REALTIME, &now);
  return static_cast<double>(now.tv_sec) + static_cast<double>(now.tv_nsec) * 1e-9;
}

/// "2026-01-31T23:59:59.123456Z". Microseconds, so that the order of creation survives in text.
inline std::string iso_time(double wall = wall_now()) {
  auto whole = static_cast<std::time_t>(wall);
  auto micro = static_cast<long>((wall - static_cast<double>(whole)) * 1e6);
  std::tm parts{};
  ::gmtime_r(&whole, &parts);
  char text[48];
  std::snprintf(text, sizeof text, "%04d-%02d-%02dT%02d:%02d:%02d.%06ldZ", parts.tm_year + 1900,
                parts.tm_mon + 1, parts.tm_mday, parts.tm_hour, parts.tm_min, parts.tm_sec, micro);
  return text;
}

/// Reads what iso_time() writes, with or without a fraction, "Z" or "+hh:mm". nullopt if it is not.
inline std::optional<double> parse_iso_time(std::string_view text) {
  std::string copy(text);
  std::tm parts{};
  double second = 0;
  int used = 0;
  if (std::sscanf(copy.c_str(), "%4d-%2d-%2d%*1[Tt ]%2d:%2d:%lf%n", &parts.tm_year, &parts.tm_mon,
                  &parts.tm_mday, &parts.tm_hour, &parts.tm_min, &second, &used) != 6)
    return std::nullopt;
  parts.tm_year -= 1900;
  parts.tm_mon -= 1;
  double wall = static_cast<double>(::timegm(&parts)) + second;
  std::string_view zone = text.substr(static_cast<std::size_t>(used));
  if (zone.empty() || zone == "Z" || zone == "z") return wall;
  int hours = 0;
  int minutes = 0;
  if (std::sscanf(std::string(zone.substr(1)).c_str(), "%2d:%2d", &hours, &minutes) != 2)
    return std::nullopt;
  double offset = hours * 3600.0 + minutes * 60.0;
  return zone[0] == '-' ? wall + offset : wall - offset;
}

}  // namespace agentlua
