// The event log: one JSON object per line, many writers.
#include "agentlua/events.hpp"

#include <sstream>

#include "support.hpp"

using namespace agentlua;
using namespace agentlua::test;

namespace {

std::vector<json> records_of(const stdfs::path& path) {
  std::vector<json> records;
  std::istringstream lines(fs::read_file(path));
  for (std::string line; std::getline(lines, line);) records.push_back(parse_json(line, "line"));
  return records;
}

}  // namespace

TEST_CASE_FIXTURE(temporary_directory, "an event is one line with time, type and its fields") {
  event_log log(dir / "new dir/events.jsonl");
  double before = wall_now();
  log.append("landed", {{"task", "a"}, {"text", "two\nlines \xff"}});
  log.append("stopped", json::object());
  auto records = records_of(log.path());
  REQUIRE(records.size() == 2);
  CHECK(records[0].begin().key() == "time");
  CHECK(records[0]["type"] == "landed");
  CHECK(records[0]["task"] == "a");
  CHECK(records[0]["text"] == "two\nlines \ufffd");
  auto time = parse_iso_time(records[0]["time"].get<std::string>());
  REQUIRE(time);
  CHECK(*time > before - 0.001);
  CHECK(*time <= wall_now());
}

TEST_CASE_FIXTURE(temporary_directory, "records of several processes never mix and none is lost") {
  constexpr int writers = 4;
  constexpr int each = 150;
  event_log log(dir / "events.jsonl");
  std::vector<pid_t> pids;
  for (int writer = 0; writer < writers; ++writer) {
    pid_t pid = ::fork();
    if (pid == 0) {
      const std::string filler(static_cast<std::size_t>(3000 + writer), 'x');
      for (int i = 0; i < each; ++i)
        log.append("n", {{"writer", writer}, {"i", i}, {"filler", filler}});
      ::_exit(0);
    }
    pids.push_back(pid);
  }
  for (pid_t pid : pids) ::waitpid(pid, nullptr, 0);
  int next[writers] = {};
  bool in_order = true;
  for (const json& record : records_of(log.path()))
    in_order = in_order && record["i"] == next[record["writer"].get<int>()]++;
  CHECK(in_order);
  for (int count : next) CHECK(count == each);
}

TEST_CASE_FIXTURE(temporary_directory, "a log that was moved away begins anew") {
  event_log log(dir / "events.jsonl");
  log.append("one", {});
  stdfs::rename(dir / "events.jsonl", dir / "old.jsonl");
  log.append("two", {});
  CHECK(records_of(dir / "old.jsonl").size() == 1);
  CHECK(records_of(dir / "events.jsonl").at(0)["type"] == "two");
}

TEST_CASE_FIXTURE(temporary_directory, "an event that cannot be written is an error") {
  event_log full("/dev/full");
  CHECK(error_of([&] { full.append("x", {}); }) == "ENOSPC");
  fs::make_directories(dir / "events.jsonl");
  CHECK(error_of([&] { event_log(dir / "events.jsonl").append("x", {}); }) == "EISDIR");
}

TEST_CASE("time is written in UTC and read back") {
  CHECK(iso_time(0) == "1970-01-01T00:00:00.000000Z");
  CHECK(iso_time(1769903999.5) == "2026-01-31T23:59:59.500000Z");
  double now = wall_now();
  CHECK(parse_iso_time(iso_time(now)).value() == doctest::Approx(now).epsilon(1e-15));
}

TEST_CASE("time is read with and without fraction and zone") {
  const double noon = 1769860800;
  for (const char* text : {"2026-01-31T12:00:00Z", "2026-01-31T12:00:00", "2026-01-31 12:00:00.0z",
                           "2026-01-31T14:00:00+02:00", "2026-01-31T06:30:00-05:30"})
    CHECK(parse_iso_time(text).value_or(0) == noon);
  for (const char* text : {"", "tomorrow", "2026-01-31", "2026-01-31T12:00:00+x", "12:00:00"})
    CHECK_FALSE(parse_iso_time(text));
}
