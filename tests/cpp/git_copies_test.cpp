// Ignored files of the main checkout that a new worktree gets too.
#include "agentlua/git.hpp"

#include "support.hpp"

using namespace agentlua;
using namespace agentlua::test;
using names = std::vector<std::string>;

namespace {

class copies_fixture : public git_fixture {
 public:
  copies_fixture() {
    commit({{".gitignore", "*.log\nout/\n.env*\nnode_modules\n"}}, "ignore");
    to = dir / "tree";
    fs::make_directories(to);
  }
  names wanted(names globs = {}, names exclude = {}) const {
    auto found = git::wanted_copies(at(), globs, exclude);
    std::sort(found.begin(), found.end());
    return found;
  }
  git::copied_files copy(std::uintmax_t limit = 1u << 20) const {
    return git::copy_files(at(), to, wanted(), limit);
  }
  git::location at() const { return git::repository::open(root).where(); }
  void patterns(const char* text) const { write_file(root / ".worktreeinclude", text); }
  stdfs::path to;
};

}  // namespace

TEST_CASE_FIXTURE(copies_fixture, "globs choose ignored files of the top directory only") {
  for (const char* name : {".env", ".env.local", "x.log", "dir/.env", "new.txt"})
    write_file(root / name, "1\n");
  fs::make_directories(root / ".env.d");
  stdfs::create_symlink("x.log", root / ".env.link");
  CHECK(wanted({".env*", "new*", "a.txt"}) == names{".env", ".env.local"});
  CHECK(wanted().empty());
}

TEST_CASE_FIXTURE(copies_fixture,
                  ".worktreeinclude chooses like .gitignore, but ignored files only") {
  for (const char* name :
       {".env", "dir/.env", "dir/deep/.env", "x.log", "out/y.log", "out/z", "new.txt",
        "node_modules/a/b.js", "-rf.log", "new\nline.log", "\xff.log"})
    write_file(root / name, "1\n");
  patterns("# comment\n.env\n/out/*.log\nnode_modules/\nnew.txt\na.txt\n*.log\n!x.log\n");
  CHECK(wanted() == names{"-rf.log", ".env", "dir/.env", "dir/deep/.env", "new\nline.log",
                          "node_modules/a/b.js", "out/y.log", "\xff.log"});
  CHECK(wanted({}, {"dir", "node_modules", "out"}) ==
        names{"-rf.log", ".env", "new\nline.log", "\xff.log"});
  stdfs::remove(root / ".worktreeinclude");
  stdfs::create_symlink("a.txt", root / ".worktreeinclude");
  CHECK(wanted().empty());
}

TEST_CASE_FIXTURE(copies_fixture, "copies have the content and the mode; what is there stays") {
  write_file(root / "out/run", "#!/bin/sh\n", 0755);
  write_file(root / "out/secret", "1\n", 0600);
  write_file(root / "out/there", "mine\n");
  write_file(to / "out/there", "theirs\n");
  patterns("out/\n");
  CHECK(copy().copied == names{"out/run", "out/secret"});
  CHECK((stdfs::status(to / "out/run").permissions() & stdfs::perms::all) == stdfs::perms(0755));
  CHECK((stdfs::status(to / "out/secret").permissions() & stdfs::perms::all) == stdfs::perms(0600));
  CHECK(fs::read_file(to / "out/there") == "theirs\n");
}

TEST_CASE_FIXTURE(copies_fixture,
                  "links are copied as links when they stay inside, never followed") {
  write_file(dir / "precious/file", "1\n");
  write_file(root / "node_modules/a/cli.js", "1\n");
  fs::make_directories(root / "node_modules/.bin");
  stdfs::create_symlink("../a/cli.js", root / "node_modules/.bin/a");
  stdfs::create_symlink(dir / "precious", root / "node_modules/outside");
  stdfs::create_symlink("../../precious", root / "node_modules/above");
  write_file(root / "out/file", "1\n");
  fs::make_directories(dir / "elsewhere");
  stdfs::create_directory_symlink(dir / "elsewhere", to / "out");  // the base has a link there
  patterns("node_modules/\nout/\n");
  auto done = copy();
  CHECK(done.copied == names{"node_modules/.bin/a", "node_modules/a/cli.js"});
  CHECK(done.skipped == names{"node_modules/above", "node_modules/outside"});
  CHECK(stdfs::read_symlink(to / "node_modules/.bin/a") == "../a/cli.js");
  CHECK(fs::list_directory(dir / "elsewhere").empty());
}

TEST_CASE_FIXTURE(copies_fixture,
                  "what is over the limit is skipped and told; equal copies are known") {
  write_file(root / "out/a", std::string(100, 'a'));
  write_file(root / "out/b", std::string(1000, 'b'));
  write_file(root / "out/c", std::string(100, 'c'));
  patterns("out/\n");
  auto done = copy(250);
  CHECK(done.copied == names{"out/a", "out/c"});
  CHECK(done.skipped == names{"out/b"});
  write_file(to / "out/c", std::string(100, 'x'));
  CHECK(git::same_files(at(), to, wanted()) == names{"out/a"});
}
