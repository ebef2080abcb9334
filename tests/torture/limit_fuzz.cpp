// Any bytes as a message about a limit: an end is found or not, it is a time, and what the message says
// about it, read alone, says the same. The first byte chooses the zone. What it shares with other targets is in
// fuzz.hpp.

#include <cmath>
#include <cstdio>
#include <cstdlib>

#include "agentlua/limit.hpp"
#include "agentlua/text.hpp"
#include "agentlua/time.hpp"

using namespace agentlua;

namespace {

const double now = 1774742400;  // 2026-03-29 00:00 UTC, an hour before clocks change in Europe

[[noreturn]] void fail(const char* what, std::string_view text, const limit_reset& found) {
  std::fprintf(stderr, "%s\ntext:  %s\nfound: %s, %s, bytes %zu to %zu\n", what,
               text::printable(text).c_str(), iso_time(found.resets_at).c_str(),
               found.confidence.c_str(), found.begin, found.end);
  std::abort();
}

void check(std::string_view bytes) {
  static const char* const zones[] = {
      "UTC",          "Europe/Berlin",      "America/New_York", "JST-9", "Asia/Kathmandu",
      "Pacific/Apia", "Australia/Lord_Howe"};
  if (bytes.empty()) return;
  const char* zone = zones[static_cast<unsigned char>(bytes[0]) % std::size(zones)];
  const std::string text(bytes.substr(1));  // a copy, so that a step too far is seen
  const auto found = parse_limit(text, now, zone);
  if (!found) return;
  if (!std::isfinite(found->resets_at)) fail("no time", text, *found);
  if (found->confidence != "exact" && found->confidence != "clock")
    fail("no confidence", text, *found);
  if (found->begin >= found->end || found->end > std::min<std::size_t>(text.size(), 8192))
    fail("not a part of the text", text, *found);
  const std::string part = text.substr(found->begin, found->end - found->begin);
  const auto again = parse_limit(part, now, zone);
  if (!again || again->resets_at != found->resets_at || again->confidence != found->confidence)
    fail(("its part says something else: " + text::printable(part)).c_str(), text, *found);
}

std::vector<std::string> seeds() {
  return {
      "0resets 3pm",
      "1resets at 10:20pm (America/Edmonton)",
      "1resets 2:30am",
      "2reset at 00:30 UTC",
      "3try again at Nov 28th, 2026 9:15 AM.",
      "4resets Dec 1, 9am (Europe/Berlin)",
      "5resets Mon 12:00 AM",
      "6available again tomorrow at 8:00",
      "0try again in 3 days 4 hours 2 minutes",
      "1Please retry in 34.074824224s.",
      "2{\"retryDelay\":\"34s\"}",
      "3retry-after-ms: 1500",
      "4Retry-After: Wed, 21 Oct 2026 07:28:00 GMT",
      "5usage limit reached|1774746000",
      "6\"resets_at\":\"2026-03-29T05:00:00.25+05:45\"",
      "0until Sat Nov 21 2026 09:15:00 GMT+0100 (Central European Standard Time)",
      "1resets at midnight Pacific time",
      "2resets 28/11/2026 09:15 +0200",
      "3resets in 2:30:00",
      "4retry after 2026-01-31",
      "5\x1b[1mresets\x1b[0m 12:30\xe2\x80\xafPM (in 2 hours)",
      "6retry_delay {\n  seconds: 41\n}",
      "0resets 3pm (Mars/Olympus), resets 4pm (Asia/Tokyo)",
      "1in an hour",
  };
}

const char* const words[] = {
    "resets ",
    "retry after ",
    "again ",
    "until ",
    "at ",
    "in ",
    "3pm",
    "12:00 am",
    "24:00",
    "0",
    "9999999999",
    "1e9",
    "days",
    "ms",
    "Feb ",
    "29",
    "Mon",
    "tomorrow",
    "(",
    ")",
    "/",
    ":",
    "-",
    "+14:59",
    "Z",
    "UTC",
    "Europe/Berlin",
    "\\",
    "\\u202f",
    "\x1b[",
    "\xc2\xa0",
    "\n",
    "_",
    ".",
    ",",
    "\"",
    "|",
    "'",
    "may",
    "0000-01-01",
    "9999-12-31T23:59:60Z",
};

}  // namespace

#include "fuzz.hpp"
