// What does not come back in time is told once, by name; what does is not.
#include "agentlua/watchdog.hpp"

#include <atomic>

#include "support.hpp"

using namespace agentlua;
using namespace agentlua::test;

namespace {

struct reports {
  std::mutex mutex;
  std::vector<std::string> list;

  watchdog::callback into() {
    return [this](const std::string& what) {
      std::lock_guard guard(mutex);
      list.push_back(what);
    };
  }
  std::vector<std::string> so_far() {
    std::lock_guard guard(mutex);
    return list;
  }
};

}  // namespace

TEST_CASE_FIXTURE(leak_check, "what blocks is told once, by its name") {
  reports said;
  watchdog dog(seconds(0.05), said.into());
  dog.begin("first");
  CHECK(eventually([&] { return said.so_far().size() == 1; }));
  dog.begin("second");
  CHECK(eventually([&] { return said.so_far().size() == 2; }));
  dog.end();
  CHECK(said.so_far() == std::vector<std::string>{"first", "second"});
}

TEST_CASE_FIXTURE(leak_check, "what comes back in time is not told, however often it goes") {
  reports said;
  watchdog dog(seconds(2), said.into());
  for (int i = 0; i < 20'000; ++i) {
    dog.begin("quick");
    if (i % 3 == 0) dog.end();
  }
  dog.end();
  CHECK(said.so_far().empty());
}

TEST_CASE_FIXTURE(leak_check, "a watchdog ends at once, watching or not") {
  reports said;
  auto begun = boot_now();
  { watchdog resting(seconds(60), said.into()); }
  {
    watchdog watching(seconds(60), said.into());
    watching.begin("never told");
  }
  CHECK(boot_now() - begun < seconds(10));
  CHECK(said.so_far().empty());
}
