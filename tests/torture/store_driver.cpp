// One change of a task store for each start, for the specs that kill it, fail its system calls, or
// run many of it at once. Exit status: 0 done, 1 there was nothing to do, 2 wrong use, 3 an error,
// which is on standard error as "CODE: sentence".
//
//   agentlua_store_driver COMMAND DIRECTORY [ARGUMENT...]

#include "agentlua/store.hpp"

#include <cstdio>
#include <cstdlib>

using namespace agentlua;

namespace {

using arguments = std::vector<std::string>;

/// A system call that a trace shows: what comes after it counts.
void mark(const char* name) { ::access(name, F_OK); }

void nap(long microseconds) {
  timespec time{0, microseconds * 1000};
  ::nanosleep(&time, nullptr);
}

bool there(const std::string& path) { return ::access(path.c_str(), F_OK) == 0; }

void print(const json& value) { std::puts(dump_json(value).c_str()); }

claim_request request(const std::string& id = {}) {
  claim_request wanted;
  wanted.from = {"analysed", "todo"};
  wanted.to = "in-progress";
  wanted.id = id;
  return wanted;
}

/// Puts tasks that were taken over back to where they were claimed. Returns their ids.
json put_back(store& tasks, const std::vector<json>& taken) {
  json ids = json::array();
  for (const json& task : taken) {
    tasks.move(task["id"], task["claimed_from"]);
    tasks.release(task["id"]);
    ids.push_back(task["id"]);
  }
  return ids;
}
json put_back(store& tasks) { return put_back(tasks, tasks.recover()); }

// ---- one change ----------------------------------------------------------------------------------

int add(const arguments& args) {
  store(args[0]).add({{"id", "new"}, {"name", "New task"}});
  return 0;
}
/// Says which files could not be read, as `status` does. What a change returns that found nothing.
int nothing(store& tasks) {
  for (const json& one : tasks.problems())
    std::fprintf(stderr, "problem: %s\n", string_or(one, "reason").c_str());
  return 1;
}
int claim(const arguments& args) {
  store tasks(args[0]);
  return tasks.claim(request("one")) ? 0 : nothing(tasks);
}
int move(const arguments& args) {
  store(args[0]).move("one", "needs-input", {{"question", "why?"}});
  return 0;
}
int update(const arguments& args) {
  store(args[0]).update("one", {{"note", "changed"}});
  return 0;
}
int release(const arguments& args) {
  store tasks(args[0]);
  if (!tasks.claim(request("one"))) return 1;
  mark("/agentlua/begin");  // again: only what follows counts
  tasks.release("one");
  return 0;
}
int recover(const arguments& args) {
  store tasks(args[0]);
  return put_back(tasks).empty() ? nothing(tasks) : 0;
}
/// As a host does that goes on after an error: a second try.
int recover_again(const arguments& args) {
  store tasks(args[0]);
  std::vector<json> taken;
  try {
    taken = tasks.recover();
  } catch (const error& problem) {
    std::fprintf(stderr, "%s: %s\n", problem.code().c_str(), problem.what());
  }
  if (taken.empty()) taken = tasks.recover();
  mark("/agentlua/end");
  put_back(tasks, taken);
  return 0;
}
int quarantine(const arguments& args) {
  store tasks(args[0]);
  bool any = false;
  for (const json& one : tasks.problems()) any |= tasks.quarantine(one["status"], one["file"]);
  return any ? 0 : 1;
}
/// The first `steps` changes of a whole life: life DIRECTORY [STEPS]
int life(const arguments& args) {
  const int steps = args.size() > 1 ? std::atoi(args[1].c_str()) : 7;
  store tasks(args[0]);
  bool claimed = true;
  if (steps > 0) tasks.add({{"id", "new"}, {"name", "New task"}});
  if (steps > 1) claimed = tasks.claim(request("new")).has_value();
  if (steps > 2) tasks.update("new", {{"analysis", {{"files", 3}}}});
  if (steps > 3) tasks.move("new", "needs-input", {{"question", "why?"}}), tasks.release("new");
  if (steps > 4) tasks.move("new", "todo", {{"questions_resolved", {{{"answer", "so"}}}}});
  if (steps > 5) claimed = tasks.claim(request("new")).has_value() && claimed;
  if (steps > 6) tasks.move("new", "done", {{"result", "well"}}), tasks.release("new");
  return claimed ? 0 : 1;
}

/// What comes after a crash: old temporary files are swept, everything can be had.
int after(const arguments& args) {
  const stdfs::path dir = args[0];
  const timespec old[2] = {{::time(nullptr) - 120, 0}, {::time(nullptr) - 120, 0}};
  for (const auto& entry : stdfs::recursive_directory_iterator(dir))
    if (entry.path().filename().native().starts_with(".tmp."))
      ::utimensat(AT_FDCWD, entry.path().c_str(), old, AT_SYMLINK_NOFOLLOW);
  store tasks(dir);
  json found = {{"problems", tasks.problems(true)}, {"recovered", put_back(tasks)}};
  found["claimed"] = json::array();
  while (auto task = tasks.claim(request())) found["claimed"].push_back((*task)["id"]);
  found["temporaries"] = json::array();
  for (const auto& entry : stdfs::recursive_directory_iterator(dir))
    if (entry.path().filename().native().starts_with(".tmp."))
      found["temporaries"].push_back(entry.path().native());
  print(found);
  return 0;
}

// ---- races ---------------------------------------------------------------------------------------

/// Works until all is done: worker DIRECTORY JOURNAL TAG. The journal gets "try ID" before a task is
/// finished and "did ID" afterwards.
int worker(const arguments& args) {
  const std::string& journal = args[1];
  store tasks(args[0]);
  put_back(tasks);
  for (;;) {
    if (auto task = tasks.claim(request())) {
      const std::string id = (*task)["id"];
      fs::append_record(journal, "try " + id + "\n");
      tasks.move(id, "done", {{"finished_by", args[2]}});
      fs::append_record(journal, "did " + id + "\n");
      tasks.release(id);
    } else if (put_back(tasks).empty()) {
      if (tasks.list("todo").empty() && tasks.list("in-progress").empty()) return 0;
      nap(2000);  // others have the rest
    }
  }
}

/// Does `change` until it goes through: while a file is half written by somebody who takes no lock,
/// its task cannot be read.
template <class Change>
int insist(Change change) {
  for (int refused = 0;; ++refused) {
    try {
      change();
      return refused;
    } catch (const error& problem) {
      if (refused == 5000 || (problem.code() != "ENOENT" && problem.code() != "EJSON")) throw;
      nap(200);
    }
  }
}

/// Sets members TAG-1 to TAG-COUNT one by one: writer DIRECTORY ID TAG COUNT
int writer(const arguments& args) {
  store tasks(args[0]);
  int refused = 0;
  for (int i = 1; i <= std::atoi(args[3].c_str()); ++i)
    refused += insist([&] { tasks.update(args[1], {{args[2] + "-" + std::to_string(i), i}}); });
  print({{"refused", refused}});
  return 0;
}

std::vector<std::string> places_of(const std::string& dir, const std::string& file) {
  std::vector<std::string> places;
  for (const char* status : task_statuses)
    if (there(dir + "/" + status + "/" + file)) places.push_back(status);
  return places;
}

/// Moves a task around until STOP is there: mover DIRECTORY ID FILE STOP. Nobody else moves it, so it
/// must stay where this has put it.
int mover(const arguments& args) {
  constexpr std::array<const char*, 5> round = {
      "todo", "needs-input", "done", "in-progress", "failed"};
  const std::string& dir = args[0];
  const std::string& file = args[2];
  store tasks(dir);
  json wrong = json::array();
  int moves = 0;
  int refused = 0;
  auto look = [&](const char* place) {
    const auto places = places_of(dir, file);
    if (places.size() != 1 || places[0] != place)
      wrong.push_back({{"move", moves}, {"to", place}, {"found", places}});
  };
  for (; !there(args[3]) && wrong.empty(); ++moves) {
    const char* from = round[static_cast<std::size_t>(moves) % round.size()];
    const char* to = round[static_cast<std::size_t>(moves + 1) % round.size()];
    if (moves % 3 == 0) {
      refused += insist([&] { tasks.move(args[1], to, {{"moves", moves}}); });
    } else if (!fs::rename_noreplace(dir + "/" + from + "/" + file, dir + "/" + to + "/" + file)) {
      wrong.push_back({{"move", moves}, {"gone from", from}});  // by hand
    }
    look(to);
    nap(1000 + 300 * (moves % 5));
    look(to);
  }
  print({{"moves", moves}, {"refused", refused}, {"wrong", wrong}});
  return 0;
}

std::string read_all(int fd) {
  std::string text(1 << 20, '\0');
  text.resize(static_cast<std::size_t>(std::max<ssize_t>(::pread(fd, text.data(), 1 << 20, 0), 0)));
  return text;
}

/// Adds a member in place, in two steps, without any lock. True when the file was still the task's
/// after it was cut, so that nobody may lose the change.
bool edit_in_place(const std::string& dir, const std::string& file, const std::string& key) {
  for (const std::string& place : places_of(dir, file)) {
    detail::unique_fd fd(::open((dir + "/" + place + "/" + file).c_str(), O_RDWR | O_CLOEXEC));
    if (!fd) continue;
    std::string text = read_all(fd.get());
    const std::size_t end = text.rfind("\n}");
    if (end == std::string::npos) return false;
    text.insert(end, ",\n  \"" + key + "\": true");
    if (::ftruncate(fd.get(), 0) != 0) return false;
    struct stat mine {};
    struct stat now {};
    ::fstat(fd.get(), &mine);
    bool kept = false;
    for (const char* status : task_statuses)
      kept |= ::stat((dir + "/" + status + "/" + file).c_str(), &now) == 0 &&
              now.st_ino == mine.st_ino;
    const std::size_t half = text.size() / 2;
    bool written = ::pwrite(fd.get(), text.data(), half, 0) == static_cast<ssize_t>(half);
    nap(500);
    const std::string_view rest = std::string_view(text).substr(half);
    written &= ::pwrite(fd.get(), rest.data(), rest.size(), static_cast<off_t>(half)) ==
               static_cast<ssize_t>(rest.size());
    return kept && written;
  }
  return false;
}

/// Edits now and then until STOP is there: editor DIRECTORY FILE STOP. Prints the keys that must be
/// there in the end.
int editor(const arguments& args) {
  json keys = json::array();
  int edits = 0;
  for (; !there(args[2]); ++edits) {
    const std::string key = "editor-" + std::to_string(edits);
    if (edit_in_place(args[0], args[1], key)) keys.push_back(key);
    nap(60'000);  // an attempt to write a large task takes 10 ms
  }
  print({{"edits", edits}, {"keys", keys}});
  return 0;
}

struct command {
  const char* name;
  std::size_t needs;
  int (*run)(const arguments&);
};
constexpr command commands[] = {
    {"add", 1, add},
    {"claim", 1, claim},
    {"reclaim", 1, claim},
    {"move", 1, move},
    {"update", 1, update},
    {"release", 1, release},
    {"recover", 1, recover},
    {"recover-again", 1, recover_again},
    {"life", 1, life},
    {"after", 1, after},
    {"quarantine", 1, quarantine},
    {"worker", 3, worker},
    {"writer", 4, writer},
    {"mover", 4, mover},
    {"editor", 3, editor},
};

}  // namespace

int main(int count, char** words) {
  const arguments args(words + std::min(count, 2), words + count);
  for (const command& one : commands) {
    if (count < 2 || words[1] != std::string_view(one.name) || args.size() < one.needs) continue;
    try {
      mark("/agentlua/begin");
      const int code = one.run(args);
      mark("/agentlua/end");
      return code;
    } catch (const error& problem) {
      std::fprintf(stderr, "%s: %s\n", problem.code().c_str(), problem.what());
    } catch (const std::exception& problem) {
      std::fprintf(stderr, "unexpected: %s\n", problem.what());
    }
    return 3;
  }
  std::fputs("usage: agentlua_store_driver COMMAND DIRECTORY [ARGUMENT...]\n", stderr);
  return 2;
}
