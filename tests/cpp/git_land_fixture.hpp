#pragma once
// tests/cpp/git_land_fixture.hpp: a checkout in any state that landing can meet, everything that its
// user has in it, and what must be left of that when a branch has landed or was refused.

#include <algorithm>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "git_snapshot.hpp"

namespace agentlua::test {

class land_table;

/// A repository of its own with a branch `agent/one` that is to land on `main`.
class land_cell {
 public:
  /// Everything that somebody could lose.
  struct state {
    by_name files;   ///< of all checkouts
    by_name index;   ///< of all checkouts but the one of the branch
    by_name inside;  ///< of the git directory, without objects and ORIG_HEAD
  };

  land_cell(const land_table& table, std::string mode);
  land_cell(const land_cell&) = delete;
  land_cell& operator=(const land_cell&) = delete;
  ~land_cell() {
    std::error_code ignored;
    stdfs::remove_all(dir, ignored);
  }

  std::string git(std::vector<std::string> args) const {
    return git_fixture::git(root, std::move(args));
  }
  /// Does what a user does in a shell, in the main checkout.
  void user(const std::string& script) const {
    process_options start;
    start.argv = {"sh", "-e", "-c", script};
    start.cwd = root.native();
    start.contain = false;
    auto done = run(std::move(start));
    CHECK_MESSAGE(done.code == 0, done.err);
  }
  std::string read(const char* name) const { return fs::read_file(root / name); }
  /// Sees which checkout has the base now, and records hooks as those of the user.
  void settle() {
    const bool here = fs::read_file(root / ".git/HEAD") == "ref: refs/heads/main\n";
    has_main = here ? root : dir / "else where";
    if (!stdfs::exists(root / ".git/hooks")) return;
    trusted = std::make_shared<const git::settings>(
        git::record_settings(git::repository::open(root).where()));
  }

  std::string tip(const char* name = "main") const { return git({"rev-parse", name}); }

  git::land_result land() const {
    auto at = git::repository::open(root).where();
    at.trusted = trusted;
    git::land_request ask;
    ask.branch = "agent/one";
    ask.base = "main";
    ask.mode = mode;
    ask.message = "Land it\n";
    ask.pending_ref = "refs/agentlua/pending/1";
    return git::land(git::repository::at(at), ask);
  }

  state look() const {
    state now;
    now.files = files_below(dir, {".git"});
    now.inside = files_below(root / ".git", {"objects", "index", "ORIG_HEAD", "agentlua.lock"});
    now.index = index_of(root);
    if (stdfs::exists(has_main) && has_main != root) now.index.merge(index_of(has_main, "else: "));
    return now;
  }

  /// Checks that nothing at all was moved.
  void check_refused(const state& before, const git::land_result& done, const std::string& reason,
                     const std::vector<std::string>& paths) const {
    CHECK(done.status == "refused");
    CHECK_MESSAGE(has(done.reason, reason), done.reason);
    CHECK(done.paths == paths);
    for (const std::string& path : paths) CHECK(has(done.reason, path));
    check_same(before, look());
  }

  /// Checks that the work is in, in the way that was asked for, and that nothing else was moved.
  /// Files in `kept` are to be left as the user has them, although the work touches them.
  void check_landed(state before, const git::land_result& done,
                    const std::vector<std::string>& kept = {}) const;
  /// Checks the commits that the base has got.
  void check_history(const git::land_result& done) const;

  std::string mode;
  stdfs::path dir, root;
  stdfs::path has_main;  ///< the checkout that has the base; not there: none
  std::shared_ptr<const git::settings> trusted;

 private:
  static void check_same(const state& expected, const state& found) {
    CHECK(differences(expected.files, found.files) == "");
    CHECK(differences(expected.index, found.index) == "");
    CHECK(differences(expected.inside, found.inside) == "");
  }

  const land_table& table_;
};

/// One row: what the user has done, and what comes of landing then.
struct table_row {
  std::string name;
  std::string make;         ///< what the user does, as a script
  std::string reason = {};  ///< part of why it is refused; "": it lands
  std::vector<std::string> paths = {};
  std::string room = {};  ///< what the user does about it, so that it lands
  /// Files of the work that are as the user has them even when it has landed.
  std::vector<std::string> kept = {};
};

/// The repository that every cell has a copy of.
///
/// `main` has three commits. `agent/one` edits, adds and deletes files; some of those that it adds are
/// ignored. `other` can be merged into `main`, `side` is in conflict with it. There is a stash.
class land_table : public git_fixture {
 public:
  land_table() {
    stdfs::remove_all(root / ".git/hooks");
    commit({{"gone.txt", "gone\n"}, {"lib/c.txt", "three\n"}, {"keep.txt", "first\n"}}, "second");
    git({"branch", "side"});
    commit({{"keep.txt", "keep\n"}}, "third");
    git({"update-ref", "--create-reflog", "-m", "mine", "refs/stash", "side"});
    git({"worktree", "add", "--quiet", "-b", "side-work", dir / "side", "side"});
    commit_in(dir / "side", {{"keep.txt", "side\n"}}, "side");
    git({"branch", "-f", "side", "side-work"});
    git(dir / "side", {"checkout", "--quiet", "-B", "other", "main"});
    commit_in(dir / "side", {{"dir/b ü.txt", "other\n"}}, "other");
    git({"worktree", "remove", dir / "side"});
    git({"worktree", "add", "--quiet", "-b", "agent/one", tree, "main"});
    commit_in(tree, {{"a.txt", "landed\n"}, {"new.txt", "new\n"}, {"fresh/deep.txt", "deep\n"}},
              "work");
    for (const char* name : {"made.log", "box.log/deep.txt", "out"}) {
      write_file(tree / name, "landed\n");
      git(tree, {"add", "--force", name});
    }
    commit_in(tree, {{"gone.txt", std::nullopt}, {"lib/c.txt", "landed\n"}}, "more work");
    work = files_below(tree, {".git"});
    entries = index_of(tree);
    admin = stdfs::path(git(tree, {"rev-parse", "--absolute-git-dir"})).filename();
  }

  void check(const std::vector<table_row>& rows) const {
    for (const table_row& row : rows)
      for (const char* mode : {"squash", "merge", "rebase"}) {
        CAPTURE(row.name);
        CAPTURE(std::string(mode));
        land_cell cell(*this, mode);
        cell.user(row.make);
        cell.settle();
        auto before = cell.look();
        auto done = cell.land();
        if (!row.reason.empty()) {
          cell.check_refused(before, done, row.reason, row.paths);
          cell.user(row.room);
          cell.settle();
          before = cell.look();
          done = cell.land();
        }
        cell.check_landed(std::move(before), done, row.kept);
      }
  }

  /// Where the work differs from the base.
  static const std::vector<std::string>& paths() {
    static const std::vector<std::string> list = {
        "a.txt", "new.txt",  "fresh/deep.txt", "made.log", "box.log/deep.txt",
        "out",   "gone.txt", "lib/c.txt"};
    return list;
  }

  stdfs::path tree = dir / "trees/one ü";
  stdfs::path admin;      ///< what git calls that worktree
  by_name work, entries;  ///< files and index of the branch
};

inline land_cell::land_cell(const land_table& table, std::string how)
    : mode(std::move(how)),
      dir(table.dir / "cell"),
      root(dir / "my repo"),
      has_main(root),
      table_(table) {
  stdfs::create_directories(dir);
  for (const stdfs::path& part : {table.root, table.tree.parent_path()})
    stdfs::copy(part, dir / part.filename(), stdfs::copy_options::recursive);
  const auto admin = root / ".git/worktrees" / table.admin;
  const auto tree = dir / "trees" / table.tree.filename();
  write_file(admin / "gitdir", (tree / ".git").native() + "\n");
  write_file(tree / ".git", "gitdir: " + admin.native() + "\n");
  git({"update-index", "-q", "--refresh"});
}

inline void land_cell::check_landed(state before, const git::land_result& done,
                                    const std::vector<std::string>& kept) const {
  CHECK_MESSAGE(done.status == "landed", done.reason);
  if (done.status != "landed") return;
  const bool here = stdfs::exists(has_main);  // else the branch moves alone
  const std::string place = has_main.filename().native() + "/";
  const std::string entry = has_main == root ? "" : "else: ";
  for (const std::string& path : land_table::paths()) {
    if (!here) break;
    const bool keep = std::find(kept.begin(), kept.end(), path) != kept.end();
    if (!keep) before.files.erase(place + path);
    before.index.erase(entry + path + " 0");
    if (!table_.work.contains(path)) continue;
    if (!keep) before.files[place + path] = table_.work.at(path);
    before.index[entry + path + " 0"] = table_.entries.at(path + " 0");
  }
  state now = look();
  const std::string log = has_main == root ? "logs/HEAD" : "worktrees/else-where/logs/HEAD";
  for (const std::string& name : {log, std::string("logs/refs/heads/main")})
    if (here) {
      CHECK(now.inside[name].starts_with(before.inside[name]));
      CHECK(now.inside[name] != before.inside[name]);
      before.inside[name] = now.inside[name];
    }
  for (by_name* inside : {&before.inside, &now.inside})
    for (const char* name : {"refs/heads/main", "logs/refs/heads/main", "refs/agentlua/pending/1"})
      inside->erase(name);
  check_same(before, now);
  check_history(done);
}

inline void land_cell::check_history(const git::land_result& done) const {
  CHECK(done.reason == "");
  auto names = git::repository::split_lines(
      git({"rev-parse", "refs/agentlua/pending/1", "main^{tree}", "agent/one^{tree}", "agent/one",
           "main", "main^@"}));
  REQUIRE(names.size() > 5);
  CHECK(names[0] == done.commit);
  CHECK(names[4] == done.commit);
  CHECK(names[1] == names[2]);  // nothing of the user's is swept in
  if (mode == "rebase") CHECK(done.commit == names[3]);
  else CHECK(names[5] == done.base);
  CHECK(names.size() == (mode == "merge" ? 7 : 6));
  if (mode == "merge") CHECK(names.back() == names[3]);
}

}  // namespace agentlua::test
