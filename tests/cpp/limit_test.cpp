// When does a usage limit end? Wordings of vendors, and text that is none.
#include "agentlua/limit.hpp"

#include "support.hpp"

using namespace agentlua;
using namespace agentlua::test;

namespace {

const double now = 1769860800;  // Saturday 2026-01-31, 12:00:00 UTC

struct clock_fixture {
  environment_guard zone{"TZ", "CET-1CEST,M3.5.0,M10.5.0/3"};  // here it is 13:00
  clock_fixture() { ::tzset(); }

  /// Seconds from now to the end that a message names; -1: it names none.
  static double wait(const std::string& message, const std::string& confidence = "exact") {
    auto found = parse_limit(message, now);
    if (!found) return -1;
    CHECK(found->confidence == confidence);
    return found->resets_at - now;
  }
  static double clock(const std::string& message) { return wait(message, "clock"); }
};

constexpr double minute = 60;
constexpr double hour = 3600;
constexpr double day = 86400;

}  // namespace

TEST_CASE_FIXTURE(clock_fixture, "a number of seconds to retry after is exact") {
  CHECK(wait("HTTP 429, Retry-After: 20") == 20);
  CHECK(wait("retry after 20") == 20);
  CHECK(wait(R"({"retry-after": "7"})") == 7);
  CHECK(wait("retry-after=1.5") == 1.5);
  CHECK(wait("Please retry after 20 seconds.") == 20);
}

TEST_CASE_FIXTURE(clock_fixture, "a unit after the number is not taken for seconds") {
  CHECK(wait("Please retry after 20 minutes.") == 20 * minute);
  CHECK(wait("retry after 2 hours and 5 minutes") == 2 * hour + 5 * minute);
  CHECK(wait("retry-after: 3h30m") == 3.5 * hour);
  CHECK(wait("retry-after=20s") == 20);
  CHECK(wait("retry-after: 20 more seconds") == 20);
}

TEST_CASE_FIXTURE(clock_fixture, "a duration is exact, whatever its units") {
  CHECK(wait("Try again in 3 days 4 hours") == 3 * day + 4 * hour);
  CHECK(wait("Try again in 5 minutes.") == 5 * minute);
  CHECK(wait("resets in 1h 30m") == hour + 30 * minute);
  CHECK(wait("resets in 1h30m5s") == hour + 30 * minute + 5);
  CHECK(wait("try again in about 2 hours, 10 minutes and 1 second") == 2 * hour + 10 * minute + 1);
  CHECK(wait("Rate limit reached. Please try again in 1.5s") == 1.5);
  CHECK(wait("in 2 hrs 3 mins 4 secs") == 2 * hour + 3 * minute + 4);
  CHECK(wait("in 1 week") == 7 * day);
}

TEST_CASE_FIXTURE(clock_fixture, "an instant is exact, in any offset") {
  CHECK(wait("resets at 2026-01-31T15:00:00Z") == 3 * hour);
  CHECK(wait("resets at 2026-01-31T15:00:00+02:00") == hour);
  CHECK(wait("until 2026-01-31 12:00:30.250z") == doctest::Approx(30.25));
}

TEST_CASE_FIXTURE(clock_fixture, "seconds and milliseconds since 1970 are exact") {
  CHECK(wait("usage limit reached|1769864400") == hour);
  CHECK(wait("limit reached 1769864400000") == hour);
  CHECK(wait("{\"resetsAt\":1769864400}") == hour);
  CHECK(wait("request 17698644001 failed") == -1);
  CHECK(wait("request 176986440 failed") == -1);
}

TEST_CASE_FIXTURE(clock_fixture, "a wall time is the next one in the zone of this machine") {
  CHECK(clock("Your limit resets 3:30pm") == 2.5 * hour);
  CHECK(clock("limit resets at 3 PM") == 2 * hour);
  CHECK(clock("resets 15:30") == 2.5 * hour);
  CHECK(clock("resets 9am") == 20 * hour);
  CHECK(clock("resets 12am") == 11 * hour);
  CHECK(clock("resets 12:15 pm") == 23.25 * hour);
  CHECK(clock("reset at 1:00pm") == 0);  // that is now
  CHECK(clock("reset at 12:59pm") == 0);
  CHECK(clock("reset at 12:58pm") == 24 * hour - 2 * minute);
}

TEST_CASE_FIXTURE(clock_fixture, "a wall time in UTC is understood") {
  CHECK(clock("resets 3:30pm (UTC)") == 3.5 * hour);
  CHECK(clock("resets 3:30pm UTC") == 3.5 * hour);
  CHECK(clock("resets at 11am (GMT)") == 23 * hour);
}

TEST_CASE_FIXTURE(clock_fixture,
                  "a wall time in another zone is understood when the zone is known") {
  CHECK(clock("resets 3:30pm (America/New_York)") == 8.5 * hour);
  CHECK(clock("resets 3:30pm (America/Argentina/Buenos_Aires)") == 6.5 * hour);
  CHECK(clock("resets 3:30pm America/New_York") == 8.5 * hour);
  CHECK(clock("resets 3:30pm (PST)") == 11.5 * hour);
  CHECK(clock("resets 3pm PDT") == 10 * hour);
  CHECK(clock("resets 3pm (UTC+2)") == hour);
  CHECK(clock("resets 3pm GMT-05:30.") == 8.5 * hour);
  CHECK(clock("resets 15:00 +0200, or so") == hour);
  CHECK(clock("resets at midnight Pacific time") == 20 * hour);
  CHECK(clock("resets 3pm (Japan)") == 18 * hour);
}

TEST_CASE_FIXTURE(clock_fixture, "a wall time in a zone that is not known is not guessed at") {
  for (const char* text : {"resets 3pm (Mars/Olympus)", "resets 3pm Mars/Olympus",
                           "resets 3pm (XYZT)", "resets 3pm (UTC+30)", "resets 3pm UTC+30",
                           "resets 3pm (../../etc/passwd)", "resets 3pm (Europe/../Europe/Berlin)"})
    CHECK(wait(text) == -1);
}

TEST_CASE_FIXTURE(clock_fixture, "the zone may be given, and must be one") {
  CHECK(parse_limit("resets 3pm", now, "Asia/Kathmandu")->resets_at == now + 21.25 * hour);
  CHECK(parse_limit("resets 3pm", now, "JST-9")->resets_at == now + 18 * hour);
  CHECK(parse_limit("resets 3pm UTC", now, "JST-9")->resets_at == now + 3 * hour);
  CHECK(error_of([] { parse_limit("resets 3pm", now, "Mars/Olympus"); }) == "EINVAL");
  CHECK(error_of([] { parse_limit("resets 3pm", HUGE_VAL); }) == "EINVAL");
}

TEST_CASE_FIXTURE(clock_fixture, "it says where in the message the time is") {
  auto excerpt = [](std::string_view text) {
    auto found = parse_limit(text, now);
    return found ? std::string(text.substr(found->begin, found->end - found->begin)) : "";
  };
  CHECK(excerpt("5-hour limit · resets 3pm (Europe/Berlin), sorry") ==
        "resets 3pm (Europe/Berlin)");
  CHECK(excerpt("{\"retryDelay\":\"34s\"}") == "retryDelay\":\"34s");
  CHECK(excerpt("wait, then try again in 3 days and 4 hours.") == "again in 3 days and 4 hours");
  CHECK(excerpt("reset|1769864400|") == "reset|1769864400");
}

TEST_CASE_FIXTURE(clock_fixture, "only the first 8 KiB are looked at") {
  CHECK(wait(std::string(8100, '.') + " retry after 20 seconds") == 20);
  CHECK(wait(std::string(8200, '.') + " retry after 20 seconds") == -1);
}

TEST_CASE_FIXTURE(clock_fixture, "text that follows a wall time is no zone") {
  CHECK(clock("resets 3:30pm but you can upgrade") == 2.5 * hour);
  CHECK(clock("resets 3:30pm. Upgrade now") == 2.5 * hour);
  CHECK(clock("resets 3:30pm\n") == 2.5 * hour);
}

TEST_CASE_FIXTURE(clock_fixture, "no end is made up") {
  for (const char* text :
       {"", "usage limit reached", "resets soon", "resets 5", "resets 25:00", "resets 13pm",
        "resets 3:70pm", "in the 3 days", "retry-after: never", "in 5 apples", "resets 0am"})
    CHECK(wait(text) == -1);
}

TEST_CASE_FIXTURE(clock_fixture, "an end that nobody can wait for is none") {
  CHECK(wait("retry-after: " + std::string(400, '9')) == -1);
  CHECK(wait("retry-after: " + std::string(40, '9')) == -1);
  CHECK(wait("try again in " + std::string(400, '9') + " days") == -1);
}

TEST_CASE_FIXTURE(clock_fixture, "hostile text takes no more than a moment") {
  auto start = boot_now();
  for (const char* part : {"1", "in ", "in 1", "1 s ", "in 1 s and ", "retry after ", "resets 1",
                           " ", "2026-01-31t", "resets ", "resets at ", "resets 3pm (A/B) ",
                           "\\u00", "\x1b[", "resets 3pm (", "again, ", "-", "resets Mars/X "}) {
    std::string text = "in ";
    while (text.size() < 100'000) text += part;
    parse_limit(text, now);
  }
  CHECK(boot_now() - start < std::chrono::seconds(2));
}
