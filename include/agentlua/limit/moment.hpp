#pragma once
// agentlua/limit/moment.hpp: room 3. Dates, clock times and zones as people write them, as an instant.

#include <chrono>
#include <cmath>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "agentlua/limit/tokens.hpp"
#include "agentlua/limit/zone_name.hpp"
#include "agentlua/zone.hpp"

namespace agentlua::detail {

/// A wall time being read: what has been said of it so far.
class limit_moment {
 public:
  /// Reads from token `i` on. False when there is no time, an impossible one, or one in a zone that
  /// is not known. end() is then behind what was understood.
  bool read(const limit_tokens& tokens, std::size_t i) {
    at_ = end_ = i;
    for (int steps = 0; steps < 24; ++steps) {
      if (tokens.is(at_, {",", "at", "on", "of", "the"})) {
        ++at_;
        continue;
      }
      if (!(tokens.number(at_) ? read_number(tokens) : read_word(tokens))) break;
      end_ = at_;
    }
    if (month_ && !day_) month_.reset();  // "may" is a word, too
    if (wrong_ || (day_ && !month_) || (year_ && !month_)) return false;
    if (month_ && !valid_date()) return false;
    return clock_ || month_ || weekday_ || ahead_;
  }
  std::size_t end() const noexcept { return end_; }

  /// True when it is one instant, whatever the rules of any zone are.
  bool exact() const noexcept { return clock_ && year_ && zone_ && zone_->fixed(); }

  /// The instant that is meant. A clock time within the last minute is now, for it may just have come.
  double instant(double now, const time_zone& local) const {
    const time_zone& zone = zone_ ? *zone_ : local;
    const auto second = static_cast<std::int64_t>(std::floor(now));
    const std::int64_t today = day_start(second + zone.offset(second));
    const double found = month_ ? of_date(now, zone, today) : of_day(now, zone, today);
    return found <= now && found >= now - 60 ? now : found;
  }

 private:
  static std::int64_t day_start(std::int64_t wall) { return date_seconds(date_of(wall)); }

  double at(const time_zone& zone, std::int64_t day) const {
    return static_cast<double>(zone.instant(day + clock_.value_or(0))) + fraction_;
  }
  /// Of a date: without a year the first that is not over for more than a month, as no limit is longer.
  double of_date(double now, const time_zone& zone, std::int64_t today) const {
    const int first = year_ ? *year_ : static_cast<int>(date_of(today).year()) - 1;
    const int last = year_ ? *year_ : first + 2;
    double found = 0;
    for (int year = first; year <= last; ++year) {
      const std::chrono::year_month_day date(
          std::chrono::year{year}, std::chrono::month{*month_}, std::chrono::day{*day_});
      found = at(zone, date_seconds(date));
      if (found >= now - 31 * 86400.0) break;
    }
    return found;
  }
  /// Of a weekday, today, tomorrow, or just a clock time: the next one.
  double of_day(double now, const time_zone& zone, std::int64_t today) const {
    if (ahead_) return at(zone, today + *ahead_ * 86400);
    std::int64_t day = today;
    if (weekday_) {
      const unsigned is = std::chrono::weekday(std::chrono::sys_days(date_of(today))).c_encoding();
      day += (*weekday_ + 7 - is) % 7 * std::int64_t{86400};
    }
    double found = at(zone, day);
    if (found < now - 60) found = at(zone, day += weekday_ ? 7 * 86400 : 86400);
    const auto second = static_cast<std::int64_t>(found);
    const std::int64_t landed = day_start(second + zone.offset(second));
    return landed > day && !weekday_ ? at(zone, landed)
                                     : found;  // a zone may leave out a whole day
  }
  bool valid_date() const {  // 29 February may be of another year than the one that is not said
    return std::chrono::year_month_day(std::chrono::year{year_.value_or(2028)},
                                       std::chrono::month{*month_}, std::chrono::day{*day_})
        .ok();
  }

  bool set_date(double year, double month, double day) {
    if (month_ || month < 1 || month > 12 || day < 1 || day > 31) return wrong();
    if (year > 0) year_ = static_cast<int>(year);
    month_ = static_cast<unsigned>(month);
    day_ = static_cast<unsigned>(day);
    return true;
  }
  bool set_clock(double hour, double minute, double second) {
    if (clock_ || hour > 23 || minute > 59 || second >= 61) return wrong();
    const double whole = std::floor(second);
    fraction_ = second - whole;
    clock_ = static_cast<std::int64_t>(hour * 3600 + minute * 60 + whole);
    return true;
  }
  bool wrong() noexcept {
    wrong_ = true;
    return false;
  }

  bool read_number(const limit_tokens& t) {
    const std::size_t i = at_;
    const double value = t[i].value;
    if (t.digits(i, 4, 4) && t.is(i + 1, "-") && t.digits(i + 2, 2, 2) && t.is(i + 3, "-") &&
        t.digits(i + 4, 2, 2)) {
      at_ += t.is(i + 5, "t") ? 6 : 5;
      return set_date(value, t[i + 2].value, t[i + 4].value);
    }
    if (t.digits(i, 1, 2) && t.is(i + 1, "/") && t.digits(i + 2, 1, 2) && t.is(i + 3, "/") &&
        t.digits(i + 4, 4, 4)) {
      at_ += 5;
      const bool day_first = value > 12;  // else as Americans write it
      return set_date(t[i + 4].value, day_first ? t[i + 2].value : value,
                      day_first ? value : t[i + 2].value);
    }
    if (t.digits(i, 1, 2) && (t.is(i + 1, ":") || half_day(t, i + 1) != 0)) return read_clock(t);
    if (t.digits(i, 1, 2) && !day_ &&
        (month_ || month_of(t[i + 1].text) != 0 || ordinal(t, i + 1))) {
      at_ += ordinal(t, i + 1) ? 2 : 1;
      day_ = static_cast<unsigned>(value);
      return true;
    }
    if (t.digits(i, 4, 4) && month_ && !year_ && value >= 2000 && value < 2200) {
      ++at_;
      year_ = static_cast<int>(value);
      return true;
    }
    return false;
  }

  bool read_clock(const limit_tokens& t) {
    double hour = t[at_].value;
    double minute = 0;
    double second = 0;
    ++at_;
    if (t.is(at_, ":")) {
      if (!t.digits(at_ + 1, 2, 2)) return wrong();
      minute = t[at_ + 1].value;
      at_ += 2;
      if (t.is(at_, ":") && t.number(at_ + 1)) {
        second = t[at_ + 1].value;
        at_ += 2;
      }
    }
    if (const char half = half_day(t, at_)) {
      const bool dotted = t[at_].text.size() == 1;  // "p.m", "p.m."
      at_ += dotted ? (t.is(at_ + 3, ".") ? 4 : 3) : 1;
      if (hour < 1 || hour > 12) return wrong();
      hour = std::fmod(hour, 12) + (half == 'p' ? 12 : 0);
    }
    return set_clock(hour, minute, second);
  }

  bool read_word(const limit_tokens& t) {
    const std::string_view word = t[at_].text;
    if (const unsigned month = month_of(word); month != 0 && !month_)
      return ++at_, month_ = month, true;
    if (const unsigned day = weekday_of(word); day < 7 && !weekday_)
      return ++at_, weekday_ = day, true;
    if (t.is(at_, {"today", "tonight", "tomorrow"}) && !ahead_)
      return ++at_, ahead_ = t.is(at_ - 1, "tomorrow") ? 1 : 0, true;
    if (t.is(at_, {"noon", "midnight"}) && !clock_)
      return ++at_, set_clock(t.is(at_ - 1, "noon") ? 12 : 0, 0, 0);
    return clock_ && !zone_ && read_zone(t);
  }

  bool read_zone(const limit_tokens& t) {
    zone_name found = read_zone_name(t.raw(at_));
    if (!found.zone) return found.meant && wrong();
    zone_ = std::move(found.zone);
    at_ = t.from(at_, t[at_].begin + found.length);
    if (t.is(at_, {"standard", "daylight"})) ++at_;
    if (t.is(at_, "time")) ++at_;
    return true;
  }

  /// 'a' or 'p' when "am", "pm", "a.m." or "p.m." is at `i`; else 0.
  static char half_day(const limit_tokens& t, std::size_t i) {
    if (t.is(i, {"am", "pm"})) return t[i].text[0];
    const bool dotted = t.is(i, {"a", "p"}) && t.is(i + 1, ".") && t.is(i + 2, "m");
    return dotted ? t[i].text[0] : '\0';
  }
  static bool ordinal(const limit_tokens& t, std::size_t i) {
    return t.is(i, {"st", "nd", "rd", "th"});
  }
  /// 1 to 12 for a name or its first three letters (also "sept"); else 0.
  static unsigned month_of(std::string_view word) {
    static constexpr std::string_view names[] = {
        "january", "february", "march",     "april",   "may",      "june",
        "july",    "august",   "september", "october", "november", "december"};
    for (unsigned i = 0; i < 12; ++i)
      if (word == names[i] || word == names[i].substr(0, 3) || (i == 8 && word == "sept"))
        return i + 1;
    return 0;
  }
  /// 0 (Sunday) to 6 for a name or at least its first three letters; else 7.
  static unsigned weekday_of(std::string_view word) {
    static constexpr std::string_view names[] = {
        "sunday", "monday", "tuesday", "wednesday", "thursday", "friday", "saturday"};
    for (unsigned i = 0; i < 7; ++i)
      if (word == names[i] ||
          (word.size() >= 3 && word.size() <= 5 && names[i].rfind(word, 0) == 0))
        return i;
    return 7;
  }

  std::size_t at_ = 0, end_ = 0;
  bool wrong_ = false;
  std::optional<int> year_;
  std::optional<std::int64_t> ahead_;  ///< days from today
  std::optional<unsigned> month_, day_, weekday_;
  std::optional<std::int64_t> clock_;  ///< seconds after midnight
  double fraction_ = 0;
  std::optional<time_zone> zone_;
};

}  // namespace agentlua::detail
