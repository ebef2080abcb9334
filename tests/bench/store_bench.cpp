// Speed of the task store, as ratios to the same work done bare, in one run:
//   store_bench DIR    (DIR is made and removed; use the disk that counts)
// Every figure is the median of the rounds; exit 1 when a floor is missed.

#include <fcntl.h>
#include <sqlite3.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <functional>
#include <string>
#include <vector>

#include "agentlua/store.hpp"

using namespace agentlua;

namespace {

constexpr int rounds = 5;
bool missed = false;

double timed(const std::function<void()>& work) {
  auto begun = boot_now();
  work();
  return seconds(boot_now() - begun).count();
}
double median(std::vector<double> list) {
  std::sort(list.begin(), list.end());
  return list[list.size() / 2];
}
void report(const char* title, double value, double most, const char* unit) {
  missed = missed || value > most;
  std::printf("%-62s %8.2f %s  (at most %.1f)%s\n", title, value, unit, most,
              value > most ? "  MISSED" : "");
}
/// Median over the rounds of other / base.
double ratio(const std::function<double()>& base, const std::function<double()>& other) {
  std::vector<double> list;
  for (int round = 0; round <= rounds; ++round) {
    double one = base();
    double two = other();
    if (round > 0) list.push_back(two / one);
  }
  return median(list);
}

std::string task_text(int number) {
  json task = {
      {"id", "task-" + std::to_string(number)},
      {"name", "Task number " + std::to_string(number)},
      {"description", std::string(700, 'd')},
      {"category", "feature"},
      {"priority", number % 100},
      {"effort", "M"},
      {"status", "todo"},
      {"dependencies", json::array()},
      {"acceptance_criteria", {std::string(120, 'a'), std::string(120, 'b')}},
      {"steps", {"one", "two", "three"}},
      {"created_at", "2026-01-01T00:00:00Z"},
      {"updated_at", "2026-01-01T00:00:00Z"}};
  return dump_json(task, 2) + "\n";
}

void fill(const stdfs::path& dir, int count) {
  store(dir).create();
  for (int i = 0; i < count; ++i) {
    auto fd = fs::open(dir / "todo" / ("task-number-" + std::to_string(i) + ".json"),
                       O_WRONLY | O_CREAT | O_TRUNC);
    fs::write_all(fd.get(), task_text(i), "task");
  }
}

void bench_next(const stdfs::path& dir, int count) {
  const stdfs::path at = dir / ("next-" + std::to_string(count));
  fill(at, count);
  store tasks(at);
  if (tasks.next_id({"analysed", "todo"}).empty()) std::abort();
  std::vector<double> list;
  for (int round = 0; round < rounds; ++round)
    list.push_back(timed([&] {
                     for (int i = 0; i < 1000; ++i) tasks.next_id({"analysed", "todo"});
                   }) *
                   1000);
  std::string title = "next of " + std::to_string(count) + " tasks, resident";
  report(title.c_str(), median(list), 5, "us");
  stdfs::remove_all(at);
}

void bench_claim(const stdfs::path& dir) {
  constexpr int count = 300;
  int round = 0;
  auto bare = [&] {
    const stdfs::path at = dir / ("bare-" + std::to_string(++round));
    fill(at, count);
    return timed([&] {
      for (int i = 0; i < count; ++i) {
        std::string name = "task-number-" + std::to_string(i) + ".json";
        ::rename((at / "todo" / name).c_str(), (at / "in-progress" / name).c_str());
      }
    });
  };
  auto claims = [&] {
    const stdfs::path at = dir / ("claim-" + std::to_string(round));
    fill(at, count);
    store tasks(at);
    tasks.next_id({"todo"});
    claim_request request;
    request.from = {"todo"};
    request.to = "in-progress";
    return timed([&] {
      for (int i = 0; i < count; ++i)
        if (!tasks.claim(request)) std::abort();
    });
  };
  report("claim / bare rename", ratio(bare, claims), 10, "x ");
}

void bench_update(const stdfs::path& dir) {
  constexpr int count = 100;
  const stdfs::path at = dir / "update";
  fill(at, 10);
  store tasks(at);
  sqlite3* db = nullptr;
  sqlite3_open((dir / "tasks.db").c_str(), &db);
  auto sql = [&](const std::string& text) {
    sqlite3_exec(db, text.c_str(), nullptr, nullptr, nullptr);
  };
  sql("pragma journal_mode=wal");
  sql("pragma synchronous=full");
  sql("create table tasks(id text primary key, body text)");
  sql("insert into tasks values('task-1', '" + task_text(1) + "')");
  auto wal = [&] {
    return timed([&] {
      for (int i = 0; i < count; ++i)
        sql("update tasks set body = '" + task_text(i) + "' where id = 'task-1'");
    });
  };
  auto updates = [&] {
    return timed([&] {
      for (int i = 0; i < count; ++i) tasks.update("task-1", {{"effort", std::to_string(i)}});
    });
  };
  report("durable change / SQLite, WAL, synchronous=full", ratio(wal, updates), 5, "x ");
  sqlite3_close(db);
}

void bench_scan(const stdfs::path& dir) {
  const stdfs::path at = dir / "scan";
  fill(at, 10'000);
  std::vector<char> buffer(1 << 16);
  auto bare = [&] {
    return timed([&] {
      for (const std::string& name : fs::list_directory(at / "todo")) {
        int fd = ::open((at / "todo" / name).c_str(), O_RDONLY | O_CLOEXEC);
        while (::read(fd, buffer.data(), buffer.size()) > 0) continue;
        ::close(fd);
      }
    });
  };
  auto cold = [&] {
    return timed([&] {
      if (store(at).next_id({"todo"}).empty()) std::abort();
    });
  };
  report("cold scan of 10000 tasks / bare open, read, close", ratio(bare, cold), 4, "x ");
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2) {
    std::fputs("usage: store_bench DIR\n", stderr);
    return 2;
  }
  const stdfs::path dir = argv[1];
  fs::make_directories(dir);
  bench_update(dir);  // first: after many removals a file system makes new files slowly for a while
  bench_claim(dir);
  bench_scan(dir);
  bench_next(dir, 1'000);
  bench_next(dir, 100'000);
  stdfs::remove_all(dir);
  return missed ? 1 : 0;
}
