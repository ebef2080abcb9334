// The library in a C++ program, without Lua: runs a command and reads its lines, then adds a task to
// a store and claims it. The same as script.lua.

#include <agentlua/agentlua.hpp>

#include <cstdlib>
#include <iostream>

int main() try {
  using namespace agentlua;

  event_loop loop;
  process_options options;
  options.argv = {"printf", "one\\ntwo\\n"};
  process child(loop, options);
  std::string_view line;
  bool cut = false;
  while (child.now() != process::state::finished) {
    loop.step();  // the step that finishes it may bring its last lines: read after it
    while (child.out().next_line(line, cut)) std::cout << "line: " << line << "\n";
  }
  std::cout << "exit code: " << child.result().code << "\n";

  const char* dir = std::getenv("TASKS");
  store tasks(dir != nullptr ? dir : "/tmp/agentlua-example");
  tasks.create();
  json task = tasks.add({{"name", "say hello"}, {"priority", 1}});
  auto mine = tasks.claim({.from = {"todo"}, .to = "in-progress", .id = task["id"], .exclude = {}});
  std::cout << "claimed: " << mine->at("name").get<std::string>() << " ("
            << mine->at("status").get<std::string>() << ")\n";
  tasks.move(task["id"], "done");
} catch (const agentlua::error& problem) {
  std::cerr << problem.what() << "\n";
  return 1;
}
