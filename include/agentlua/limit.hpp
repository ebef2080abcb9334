#pragma once
// agentlua/limit.hpp: room 4. When does a usage limit end? Finds the time in what vendors write.

#include <cmath>
#include <optional>
#include <string>
#include <string_view>

#include "agentlua/error.hpp"
#include "agentlua/limit/moment.hpp"
#include "agentlua/limit/tokens.hpp"
#include "agentlua/zone.hpp"

namespace agentlua {

/// The end of a limit as a vendor named it.
struct limit_reset {
  double resets_at = 0;    ///< wall seconds
  std::string confidence;  ///< "exact" (an instant or a number of seconds) or "clock" (a wall time)
  std::size_t begin = 0;   ///< where the message says so: first byte
  std::size_t end = 0;     ///< and the one behind the last
};

namespace detail {

/// Looks for a time behind a word such as "resets" or "retry after". Every such word is followed for
/// a bounded number of tokens, so the work is linear in the message.
class limit_reader {
 public:
  limit_reader(std::string_view message, double now, std::string_view zone)
      : tokens_(message), now_(now), zone_(zone) {}

  std::optional<limit_reset> read() {
    for (std::size_t i = 0; i < tokens_.size(); ++i)
      if (announces(i))
        if (auto found = behind(i)) return found;
    for (std::size_t i = 0; i < tokens_.size(); ++i)
      if (tokens_.is(i, "in"))
        if (auto found = duration(i, i + 1)) return found;
    return std::nullopt;
  }

 private:
  bool announces(std::size_t i) const {
    return tokens_.is(
        i, {"reset",     "resets",  "resetting", "retry", "retrying", "again",     "until",
            "wait",      "delay",   "available", "back",  "reached",  "ends",      "end",
            "expires",   "expire",  "renews",    "renew", "refresh",  "refreshes", "restored",
            "replenish", "unlocks", "lifted",    "lifts", "resume",   "resumes"});
  }
  /// Seconds in a unit; 0 when the word is none.
  double unit(std::size_t i) const {
    if (tokens_.is(i, {"ms", "msec", "msecs", "millis", "millisecond", "milliseconds"}))
      return 1e-3;
    if (tokens_.is(i, {"s", "sec", "secs", "second", "seconds"})) return 1;
    if (tokens_.is(i, {"m", "min", "mins", "minute", "minutes"})) return 60;
    if (tokens_.is(i, {"h", "hr", "hrs", "hour", "hours"})) return 3600;
    if (tokens_.is(i, {"d", "day", "days"})) return 86400;
    if (tokens_.is(i, {"w", "wk", "wks", "week", "weeks"})) return 7 * 86400;
    if (tokens_.is(i, {"month", "months"})) return 31 * 86400;
    return 0;
  }
  bool between(std::size_t i) const {  // what may stand between the word and its time
    return tokens_.is(
        i, {"at",    "in",       "on",     "after", "by",     "until",     "is",
            "be",    "will",     "again",  "back",  "about",  "around",    "approximately",
            "less",  "than",     "delay",  "time",  "date",   "timestamp", "epoch",
            "for",   "every",    "daily",  "the",   "your",   "limit",     "quota",
            "usage", "requests", "tokens", "tier",  "access", "available", ":",
            "=",     "\"",       "'",      "(",     "{",      "|",         "~",
            "-",     ">",        "<"});
  }

  std::optional<limit_reset> behind(std::size_t trigger) {
    std::size_t i = trigger + 1;
    double named_unit = 0;
    bool counts = false;  // a plain number is one of seconds
    bool in = false;
    bool assigned = false;  // the unit was a key: "seconds": 20
    for (const std::size_t last = i + 12; i < last; ++i) {
      const bool after = tokens_.is(i, {"after", "delay"});
      counts = counts || (after && tokens_.is(trigger, {"retry", "retrying"}));
      in = tokens_.is(i, "in") || (in && !tokens_.is(i, "at"));
      const double one = tokens_[i].kind == limit_token::word ? unit(i) : 0;
      if (one != 0) named_unit = one;
      assigned = assigned || (named_unit != 0 && tokens_.is(i, {":", "="}));
      if (one == 0 && !between(i)) break;
    }
    if (tokens_.digits(i, 10, 10) || tokens_.digits(i, 13, 13)) return epoch(trigger, i);
    if (auto found = duration(trigger, i)) return found;
    if (tokens_.number(i) && tokens_.is(i + 1, ":") && in) return countdown(trigger, i);
    limit_moment moment;
    if (moment.read(tokens_, i))
      return found_at(moment.instant(now_, local()), moment.exact() ? "exact" : "clock", trigger,
                      moment.end());
    const bool plain = tokens_.number(i) && moment.end() == i && !tokens_.is(i + 1, {"/", "-"});
    if (plain && (counts || assigned))
      return after(tokens_[i].value * (named_unit != 0 ? named_unit : 1), trigger, i + 1);
    return std::nullopt;
  }

  /// Seconds or milliseconds since 1970, of this time: 2020 to 2065.
  std::optional<limit_reset> epoch(std::size_t trigger, std::size_t i) const {
    const double value = tokens_[i].value / (tokens_[i].digits == 13 ? 1000 : 1);
    if (value < 1.58e9 || value > 3e9) return std::nullopt;
    return found_at(value, "exact", trigger, i + 1);
  }
  /// "3 days, 4 hours and 2 minutes", "1h30m", "an hour".
  std::optional<limit_reset> duration(std::size_t trigger, std::size_t i) const {
    while (tokens_.is(i, {"about", "approximately", "around", "~"}) && i < trigger + 12) ++i;
    double total = 0;
    std::size_t end = i;
    for (int parts = 0; parts < 8; ++parts) {
      const bool one = parts == 0 && tokens_.is(i, {"a", "an", "one"});
      const std::size_t at = tokens_.is(i + 1, "more") ? i + 2 : i + 1;
      if ((!one && !tokens_.number(i)) || unit(at) == 0) break;
      total += (one ? 1 : tokens_[i].value) * unit(at);
      i = end = at + 1;
      while (tokens_.is(i, {",", "and"}) && i < end + 2) ++i;
    }
    return total > 0 ? after(total, trigger, end) : std::nullopt;
  }
  /// "in 1:30:00". With one colon nobody knows whether it is hours or minutes.
  std::optional<limit_reset> countdown(std::size_t trigger, std::size_t i) const {
    const bool whole = tokens_.digits(i, 1, 3) && tokens_.digits(i + 2, 2, 2) &&
                       tokens_.is(i + 3, ":") && tokens_.digits(i + 4, 2, 2);
    if (!whole) return std::nullopt;
    return after(tokens_[i].value * 3600 + tokens_[i + 2].value * 60 + tokens_[i + 4].value,
                 trigger, i + 5);
  }

  std::optional<limit_reset> after(double wait, std::size_t trigger, std::size_t end) const {
    if (wait >= 1e9) return std::nullopt;  // 30 years are no end that a vendor means
    return found_at(now_ + wait, "exact", trigger, end);
  }
  limit_reset found_at(double at, const char* confidence, std::size_t trigger,
                       std::size_t end) const {
    const limit_token& last = tokens_[end - 1];
    return {at, confidence, tokens_[trigger].begin, last.begin + last.text.size()};
  }
  time_zone local() const {
    if (zone_.empty()) return time_zone::local();
    if (auto known = time_zone::of(zone_)) return *known;
    throw error("EINVAL", "unknown time zone '" + std::string(zone_) +
                              "'; use a name like 'Europe/Berlin' that is in /usr/share/zoneinfo");
  }

  limit_tokens tokens_;
  double now_;
  std::string_view zone_;
};

}  // namespace detail

/// Reads the end of a limit out of the first 8 KiB of a message; nullopt when it names none that is
/// understood, or one in an unknown zone. The first time that is announced counts: "resets",
/// "try again", "retry after", ... followed by a duration, an instant, an epoch, or a wall time in the
/// zone that it names, else in `zone` (IANA name or POSIX rule; "" is this machine's).
///
/// A wall time without a date is the next one; within the last minute it is now. What a clock shows
/// twice is the later, what it leaves out is the end of the gap. Vendors cut to the minute: who waits for a
/// "clock" time adds one. Errors: EINVAL (unknown `zone`, `now` that is no time).
inline std::optional<limit_reset> parse_limit(std::string_view message, double now,
                                              std::string_view zone = "") {
  if (!(std::abs(now) < 1e11)) throw error("EINVAL", "limit: 'now' is not a time in seconds");
  return detail::limit_reader(message.substr(0, 8192), now, zone).read();
}

}  // namespace agentlua
