// Time zones as the system's files have them, compared with what the C library makes of them.
#include "agentlua/zone.hpp"

#include "support.hpp"

using namespace agentlua;
using namespace agentlua::test;

namespace {

const std::string zoneinfo = "/usr/share/zoneinfo/";

std::vector<std::string> all_names() {
  std::vector<std::string> names;
  for (const auto& file : stdfs::recursive_directory_iterator(zoneinfo)) {
    std::string name = file.path().native().substr(zoneinfo.size());
    if (!file.is_regular_file() || name.rfind("posix/", 0) == 0 || name.rfind("right/", 0) == 0)
      continue;
    if (fs::read_file(file.path()).substr(0, 4) == "TZif") names.push_back(name);
  }
  return names;
}

std::int64_t utc(const char* text) { return static_cast<std::int64_t>(*parse_iso_time(text)); }

/// What clocks of a zone show, as text that can be compared.
std::string shown(const time_zone& zone, std::int64_t instant) {
  return iso_time(static_cast<double>(instant + zone.offset(instant))).substr(0, 16);
}

struct night {
  const char *zone, *wall, *expected;
};

}  // namespace

TEST_CASE("every zone of the system shows what the C library shows, also far from now") {
  const auto names = all_names();
  CHECK(names.size() > 400);
  for (const std::string& name : names) {
    CAPTURE(name);
    auto zone = time_zone::named(name);
    REQUIRE(zone);
    environment_guard variable("TZ", name);
    ::tzset();
    // 1995 to 2060, past the last change that a file lists; a step that meets every hour and day.
    for (std::time_t at = 788918400; at < 2840140800; at += 86400 * 9 + 3660) {
      std::tm parts{};
      ::localtime_r(&at, &parts);
      REQUIRE(zone->offset(at) == parts.tm_gmtoff);
    }
  }
}

TEST_CASE("a rule of POSIX shows what the C library shows") {
  for (const char* rule :
       {"CET-1CEST,M3.5.0,M10.5.0/3", "EST5EDT", "EST5EDT,M3.2.0,M11.1.0", "<+0545>-5:45", "UTC0",
        "IST-1GMT0,M10.5.0,M3.5.0/1", "<-02>2<-01>,M3.5.0/-1,M10.5.0/0",
        "<+1030>-10:30<+11>-11,M10.1.0,M4.1.0", "AAA3BBB,J60/1,J300", "AAA3BBB,59/1,300/26"}) {
    CAPTURE(rule);
    auto zone = time_zone::of(rule);
    REQUIRE(zone);
    environment_guard variable("TZ", rule);
    ::tzset();
    for (std::time_t at = 1704067200; at < 1861920000; at += 3600 * 5 + 60) {
      std::tm parts{};
      ::localtime_r(&at, &parts);
      REQUIRE(zone->offset(at) == parts.tm_gmtoff);
    }
  }
}

TEST_CASE("a wall time is found again from every instant of both nights, the later when twice") {
  for (const char* name : {"UTC", "Europe/Berlin", "America/New_York", "Australia/Lord_Howe",
                           "Asia/Kathmandu", "Pacific/Apia", "Africa/Cairo", "Europe/Dublin"}) {
    CAPTURE(name);
    auto zone = *time_zone::named(name);
    for (std::int64_t at = utc("2026-03-01T00:00:00Z"); at < utc("2027-01-01T00:00:00Z");
         at += 600) {
      const std::int64_t found = zone.instant(at + zone.offset(at));
      REQUIRE(shown(zone, found) == shown(zone, at));
      REQUIRE(found >= at);
      REQUIRE(found - at <= 3600);
    }
  }
}

TEST_CASE(
    "what clocks never show is the first instant after the gap, what they show twice the later") {
  const night nights[] = {
      {"Europe/Berlin", "2026-03-29T01:59:59Z", "2026-03-29T00:59:59Z"},
      {"Europe/Berlin", "2026-03-29T02:00:00Z", "2026-03-29T01:00:00Z"},
      {"Europe/Berlin", "2026-03-29T02:30:00Z", "2026-03-29T01:00:00Z"},
      {"Europe/Berlin", "2026-03-29T03:00:00Z", "2026-03-29T01:00:00Z"},
      {"Europe/Berlin", "2026-10-25T01:59:59Z", "2026-10-24T23:59:59Z"},
      {"Europe/Berlin", "2026-10-25T02:00:00Z", "2026-10-25T01:00:00Z"},
      {"Europe/Berlin", "2026-10-25T02:30:00Z", "2026-10-25T01:30:00Z"},
      {"America/New_York", "2026-03-08T02:30:00Z", "2026-03-08T07:00:00Z"},
      {"America/New_York", "2026-11-01T01:30:00Z", "2026-11-01T06:30:00Z"},
      {"Australia/Lord_Howe", "2026-10-04T02:10:00Z", "2026-10-03T15:30:00Z"},
      {"Australia/Lord_Howe", "2026-04-05T01:45:00Z", "2026-04-04T15:15:00Z"},
      {"Pacific/Apia", "2011-12-30T15:00:00Z", "2011-12-30T10:00:00Z"},
      {"Asia/Kathmandu", "2026-03-29T02:30:00Z", "2026-03-28T20:45:00Z"},
      {"Europe/Berlin", "2055-03-28T02:30:00Z", "2055-03-28T01:00:00Z"},
  };
  for (const night& one : nights) {
    CAPTURE(one.zone);
    CAPTURE(one.wall);
    const std::int64_t found = time_zone::named(one.zone)->instant(utc(one.wall));
    CHECK(iso_time(static_cast<double>(found)) == iso_time(*parse_iso_time(one.expected)));
  }
}

TEST_CASE("no name leaves the directory of zones, and what is no zone is none") {
  for (const char* name :
       {"", "/", "/etc/localtime", "../zoneinfo/UTC", "Europe/../UTC", "Europe", "Mars/Olympus",
        "zone.tab", "leapseconds", "right/UTC", "Europe/Berlin "})
    CHECK_FALSE(time_zone::named(name));
  CHECK_FALSE(time_zone::named(std::string("UTC\0x", 5)));
  CHECK_FALSE(time_zone::named(std::string(5000, 'a')));
  for (const char* rule : {"X", "EST5EDT,", "EST5EDT,M13.1.0,M11.1.0", "EST5EDT,M3.2.0", "<",
                           "EST5EDT,M3.2.0,M11.1.0,x"})
    CHECK_FALSE(time_zone::of(rule));
}

TEST_CASE("the zone of the process is TZ, and files are found in TZDIR") {
  {
    environment_guard variable("TZ", ":Asia/Kathmandu");
    CHECK(time_zone::local().offset(1700000000) == 20700);
  }
  {
    environment_guard variable("TZ", "<+03>-3");
    CHECK(time_zone::local().offset(1700000000) == 10800);
  }
  {
    environment_guard variable("TZ", "no such zone");
    CHECK(time_zone::local().offset(1700000000) == 0);
  }
  temporary_directory fresh;
  environment_guard variable("TZDIR", fresh.dir.native());
  CHECK_FALSE(time_zone::named("Europe/Berlin"));
  stdfs::copy_file(zoneinfo + "Asia/Tokyo", fresh.dir / "Here");
  CHECK(time_zone::named("Here")->offset(1700000000) == 32400);
}

TEST_CASE("a damaged file is no zone") {
  temporary_directory fresh;
  environment_guard variable("TZDIR", fresh.dir.native());
  const std::string good = fs::read_file(zoneinfo + "Australia/Lord_Howe");
  for (std::size_t size = 0; size < good.size(); size += 7) {
    write_file(fresh.dir / "Cut", good.substr(0, size));
    time_zone::named("Cut");  // cut in its last line it may be one: no more than not to crash
  }
  std::string other = good;
  for (std::size_t i = 4; i < 200 && i < good.size(); ++i) {
    other = good;
    other[i] = '\xff';
    write_file(fresh.dir / "Bad", other);
    if (auto zone = time_zone::named("Bad")) zone->offset(1700000000);
  }
  CHECK(true);
}
