#pragma once
// agentlua/limit/zone_name.hpp: room 3. Zones as people name them: "PST", "GMT+2", "(Europe/Berlin)".

#include <charconv>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "agentlua/text.hpp"
#include "agentlua/zone.hpp"

namespace agentlua::detail {

inline bool upper(char c) noexcept { return c >= 'A' && c <= 'Z'; }

/// "+2", "-05:30", "+5:45", "+0530" and "" (0) as seconds; nullopt for anything else.
inline std::optional<std::int64_t> read_offset(std::string_view text) {
  if (text.empty()) return 0;
  if (text[0] != '+' && text[0] != '-') return std::nullopt;
  const std::size_t colon = text.find(':');
  std::string_view hours = text.substr(1, colon == std::string_view::npos ? colon : colon - 1);
  std::string_view minutes = colon == std::string_view::npos ? "0" : text.substr(colon + 1);
  if (colon == std::string_view::npos && hours.size() == 4) {
    minutes = hours.substr(2);
    hours = hours.substr(0, 2);
  }
  auto number = [](std::string_view digits, unsigned limit, unsigned& value) {
    const char* last = digits.data() + digits.size();
    auto [end, problem] = std::from_chars(digits.data(), last, value);
    return problem == std::errc() && end == last && digits.size() <= 2 && value <= limit;
  };
  unsigned hour = 0;
  unsigned minute = 0;
  if (!number(hours, 14, hour) || !number(minutes, 59, minute)) return std::nullopt;
  const std::int64_t seconds = hour * 3600 + minute * 60;
  return text[0] == '-' ? -seconds : seconds;
}

/// Zone of an abbreviation, in any letters. CST is the American one, IST India's, BST Britain's.
inline std::optional<time_zone> zone_of_abbreviation(std::string_view text) {
  static constexpr struct {
    std::string_view name;
    std::string_view zone;  ///< a rule of POSIX, which counts to the west, or an IANA name
  } known[] = {
      {"z", "UTC0"},
      {"est", "EST5"},
      {"edt", "EDT4"},
      {"cst", "CST6"},
      {"cdt", "CDT5"},
      {"mst", "MST7"},
      {"mdt", "MDT6"},
      {"pst", "PST8"},
      {"pdt", "PDT7"},
      {"akst", "AKST9"},
      {"akdt", "AKDT8"},
      {"hst", "HST10"},
      {"wet", "WET0"},
      {"west", "WEST-1"},
      {"bst", "BST-1"},
      {"cet", "CET-1"},
      {"cest", "CEST-2"},
      {"eet", "EET-2"},
      {"eest", "EEST-3"},
      {"msk", "MSK-3"},
      {"ist", "IST-5:30"},
      {"sgt", "SGT-8"},
      {"hkt", "HKT-8"},
      {"jst", "JST-9"},
      {"kst", "KST-9"},
      {"awst", "AWST-8"},
      {"acst", "ACST-9:30"},
      {"acdt", "ACDT-10:30"},
      {"aest", "AEST-10"},
      {"aedt", "AEDT-11"},
      {"nzst", "NZST-12"},
      {"nzdt", "NZDT-13"},
      {"et", "America/New_York"},
      {"eastern", "America/New_York"},
      {"ct", "America/Chicago"},
      {"central", "America/Chicago"},
      {"mt", "America/Denver"},
      {"mountain", "America/Denver"},
      {"pt", "America/Los_Angeles"},
      {"pacific", "America/Los_Angeles"},
  };
  std::string small(text);
  for (char& c : small) c = text::lower(c);
  for (std::string_view start : {"utc", "gmt"})
    if (small.rfind(start, 0) == 0)
      if (auto offset = read_offset(std::string_view(small).substr(3))) return time_zone(*offset);
  for (const auto& one : known)
    if (one.name == small) return time_zone::of(one.zone);
  return std::nullopt;
}

/// What a text begins with that may be a zone.
struct zone_name {
  std::optional<time_zone> zone;  ///< nullopt: not known, or none
  bool meant = false;             ///< it is one all the same: "Mars/Olympus", "(XYZT)", "UTC+30"
  std::size_t length = 0;         ///< bytes of it
};

inline zone_name read_zone_name(std::string_view text) {
  text = text.substr(0, 66);
  zone_name found;
  const bool enclosed = text.substr(0, 1) == "(";
  if (enclosed) {
    const std::size_t close = text.find(')');
    if (close == std::string_view::npos) return found;
    found.length = close + 1;
    text = text.substr(1, close - 1);
  } else {
    auto in_zone = [](char c) { return text::alnum(c) || std::string_view("/_+-:").find(c) < 5; };
    while (found.length < text.size() && in_zone(text[found.length])) ++found.length;
    while (found.length > 0 && std::string_view(":-/").find(text[found.length - 1]) < 3)
      --found.length;
    text = text.substr(0, found.length);
  }
  const std::string_view name = text.substr(0, text.find(' '));
  if (name.size() < 2 && name != "Z" && name != "z") return found;
  if (!enclosed && name.size() == 2 && !upper(name[1])) return found;  // "et al"
  found.zone = zone_of_abbreviation(name);
  if (!found.zone && name.size() > 2)
    if (auto offset = read_offset(name)) found.zone = time_zone(*offset);
  const bool slash = name.find('/') != std::string_view::npos;
  if (!found.zone && (enclosed || slash)) found.zone = time_zone::named(name);
  const std::string_view start = name.substr(0, 3);
  found.meant = slash ? enclosed || upper(name[0])
                      : start == "UTC" || start == "GMT" ||
                            (enclosed && name.size() < 7 && upper(name[0]) && upper(name[1]));
  return found;
}

}  // namespace agentlua::detail
