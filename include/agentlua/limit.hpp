#pragma once
// agentlua/limit.hpp: room 4. When does a usage limit end? Reads what vendors write.

#include <cctype>
#include <cstdlib>
#include <ctime>
#include <optional>
#include <regex>
#include <string>
#include <string_view>

#include "agentlua/time.hpp"

namespace agentlua {

/// The end of a limit as a vendor named it.
struct limit_reset {
  double resets_at = 0;    ///< wall seconds
  std::string confidence;  ///< "exact" (an instant or a number of seconds) or "clock" (a wall time)
};

namespace detail {

inline double unit_seconds(char first) {
  switch (first) {
    case 'd':
      return 86400;
    case 'h':
      return 3600;
    case 'm':
      return 60;
    case 'w':
      return 7 * 86400;
    default:
      return 1;
  }
}

/// Next time after `now` at which a clock in this machine's zone (or UTC) shows hour:minute.
inline double next_clock(double now, int hour, int minute, bool utc) {
  auto whole = static_cast<std::time_t>(now);
  std::tm parts{};
  utc ? ::gmtime_r(&whole, &parts) : ::localtime_r(&whole, &parts);
  parts.tm_hour = hour;
  parts.tm_min = minute;
  parts.tm_sec = 0;
  parts.tm_isdst = -1;
  std::tm tomorrow = parts;
  tomorrow.tm_mday += 1;
  auto at = [utc](std::tm t) { return static_cast<double>(utc ? ::timegm(&t) : ::mktime(&t)); };
  return at(parts) > now ? at(parts) : at(tomorrow);
}

}  // namespace detail

/// Reads the end of a limit out of a message; nullopt when it names none that is understood.
/// Understands: "retry-after: 20", "in 3 days 4 hours", ISO-8601 instants, epoch seconds or
/// milliseconds, and "resets 3:30pm" in this machine's zone or "(UTC)". Other zones: nullopt.
inline std::optional<limit_reset> parse_limit(std::string_view message, double now) {
  std::string text(message.substr(0, 4096));
  for (char& c : text) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  std::smatch found;
  // Every repetition is bounded: std::regex recurses for each, and the text is not ours.
  static const std::string amount =
      R"(\d{1,9}(?:\.\d{1,9})?\s{0,3})"
      R"((?:weeks?|days?|hours?|minutes?|seconds?|hrs?|mins?|secs?|[wdhms])(?![a-z]))";
  static const std::string retry = R"(retry[- ]after["']?[:= ]{1,4}["']?)";
  static const std::regex retry_after(retry + "(?!" + amount + R"()(\d{1,9}(?:\.\d{1,9})?)(?!\d))");
  static const std::regex instant(
      R"((\d{4}-\d\d-\d\d[t ]\d\d:\d\d:\d\d(?:\.\d{1,9})?(?:z|[+-]\d\d:\d\d)))");
  static const std::regex epoch(R"((?:^|\D)(1[6-9]\d{8}|2\d{9})(\d{3})?(?:\D|$))");
  static const std::regex duration(
      R"(\b(?:in |)" + retry + R"()((?:(?:about |, |and |\s){0,4})" + amount + "){1,6})");
  static const std::regex part(R"((\d+(?:\.\d+)?)\s*([wdhms]))");
  static const std::regex clock(
      R"(resets?(?: at)? (\d{1,2})(?::(\d\d))?\s{0,3}(am|pm)?)"
      R"((?:\s{0,3}\(([^)]{0,40})\)|\s{1,3}((?:utc|gmt)[+\d:-]{0,6}|[a-z]{1,20}/[a-z_/]{1,40}|)"
      R"([ecmp][sd]t|ces?t|bst|ist|jst)\b)?)");
  auto number = [](const std::string& digits) { return std::strtod(digits.c_str(), nullptr); };
  auto after = [now](double wait) {  // longer than 30 years is no end that a vendor means
    return wait < 1e9 ? std::optional(limit_reset{now + wait, "exact"}) : std::nullopt;
  };
  if (std::regex_search(text, found, retry_after)) return after(number(found[1]));
  if (std::regex_search(text, found, instant))
    if (auto at = parse_iso_time(found[1].str())) return limit_reset{*at, "exact"};
  if (std::regex_search(text, found, epoch)) return limit_reset{number(found[1]), "exact"};
  if (std::regex_search(text, found, duration)) {
    std::string list = found[1];
    double total = 0;
    for (std::sregex_iterator it(list.begin(), list.end(), part), end; it != end; ++it)
      total += number((*it)[1]) * detail::unit_seconds((*it)[2].str()[0]);
    return after(total);
  }
  if (std::regex_search(text, found, clock) && (found[2].matched || found[3].matched)) {
    int hour = std::stoi(found[1]);
    int minute = found[2].matched ? std::stoi(found[2]) : 0;
    bool twelve = found[3].matched;
    bool valid = minute < 60 && (twelve ? hour >= 1 && hour <= 12 : hour < 24);
    std::string zone = found[4].str() + found[5].str();
    bool utc = zone == "utc" || zone == "gmt";
    if (!valid || (!zone.empty() && !utc)) return std::nullopt;
    if (twelve) hour = hour % 12 + (found[3] == "pm" ? 12 : 0);
    return limit_reset{detail::next_clock(now, hour, minute, utc), "clock"};
  }
  return std::nullopt;
}

}  // namespace agentlua
