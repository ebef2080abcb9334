// Repositories and worktrees: opening, refs, diffs, adding and removing checkouts.
#include "agentlua/git.hpp"

#include "support.hpp"

using namespace agentlua;
using namespace agentlua::test;

TEST_CASE_FIXTURE(git_fixture, "a repository is found from any directory in it") {
  for (const auto& start : {root, root / "dir"}) {
    auto repo = git::repository::open(start);
    CHECK(repo.where().git_dir == root / ".git");
    CHECK(repo.where().common_dir == root / ".git");
    CHECK(repo.where().work_tree == root);
    CHECK(repo.head_branch() == "main");
    CHECK(repo.resolve("HEAD") == git({"rev-parse", "HEAD"}));
  }
}

TEST_CASE_FIXTURE(git_fixture, "a directory that is in no repository is told what to do") {
  std::string said;
  CHECK(error_of([&] { git::repository::open(dir); }, &said) == "ENOREPO");
  CHECK(said == "'" + dir.native() + "' is not in a git repository; git init makes one");
  CHECK(error_of([&] { git::repository::open(dir / "none"); }) == "ENOENT");
  CHECK(error_of([&] { git::repository::open(root / ".git"); }) == "ENOREPO");
}

TEST_CASE_FIXTURE(git_fixture, "a bare repository has no work tree") {
  git(dir, {"clone", "--quiet", "--bare", root, dir / "bare ü.git"});
  auto repo = git::repository::open(dir / "bare ü.git");
  CHECK(repo.where().work_tree == "");
  CHECK(repo.where().git_dir == dir / "bare ü.git");
  CHECK(repo.where().common_dir == dir / "bare ü.git");
  CHECK(repo.resolve("refs/heads/main") == git({"rev-parse", "HEAD"}));
  auto list = git::worktrees(repo);
  REQUIRE(list.size() == 1);
  CHECK(list[0].bare);
}

TEST_CASE_FIXTURE(git_fixture, "a repository of somebody else is refused, with the way out") {
  if (::geteuid() != 0) return;  // only root can make one
  REQUIRE(::chown(root.c_str(), 4711, 4711) == 0);
  REQUIRE(::chown((root / ".git").c_str(), 4711, 4711) == 0);
  std::string said;
  CHECK(error_of([&] { git::repository::open(root); }, &said) == "EOWNER");
  CHECK(has(said, "git config --global --add safe.directory"));
}

TEST_CASE_FIXTURE(git_fixture, "variables that redirect git are not followed") {
  environment_guard work("GIT_DIR", dir / "elsewhere");
  environment_guard index("GIT_INDEX_FILE", dir / "index");
  auto repo = git::repository::open(root);
  CHECK(repo.where().git_dir == root / ".git");
  CHECK(git::command(repo.where(), {"status", "--porcelain"}).out == "");
  CHECK_FALSE(stdfs::exists(dir / "index"));
}

TEST_CASE_FIXTURE(git_fixture, "the identity is the one that git would commit as") {
  auto repo = git::repository::open(root);
  CHECK(repo.identity() == "Tést Person <test@example.com>");
  environment_guard nobody("GIT_CONFIG_GLOBAL", "/dev/null");
  git({"config", "user.useConfigOnly", "true"});
  std::string said;
  CHECK(error_of([&] { repo.identity(); }, &said) == "EIDENTITY");
  CHECK(has(said, "git config --global user.name"));
}

TEST_CASE_FIXTURE(git_fixture, "a ref moves only from where it is expected") {
  auto repo = git::repository::open(root);
  std::string first = git({"rev-parse", "HEAD"});
  std::string second = commit({{"a.txt", "1\n"}}, "second");
  repo.update_ref("refs/agentlua/x", first, "");
  CHECK(repo.resolve("refs/agentlua/x") == first);
  CHECK(error_of([&] { repo.update_ref("refs/agentlua/x", second, ""); }) == "EMOVED");
  CHECK(error_of([&] { repo.update_ref("refs/agentlua/x", second, second); }) == "EMOVED");
  repo.update_ref("refs/agentlua/x", second, first);
  CHECK(repo.refs("refs/agentlua/") == std::vector<std::string>{"refs/agentlua/x"});
  CHECK(error_of([&] { repo.delete_ref("refs/agentlua/x", first); }) == "EMOVED");
  repo.delete_ref("refs/agentlua/x", second);
  CHECK_FALSE(repo.resolve("refs/agentlua/x"));
  repo.delete_ref("refs/agentlua/x", second);
  CHECK(error_of([&] { repo.update_ref("refs/agentlua/../x", second); }) == "EGIT");
  CHECK(repo.contains(second, first));
  CHECK(repo.contains(first, first));
  CHECK_FALSE(repo.contains(first, second));
}

TEST_CASE_FIXTURE(git_fixture, "a repository with sha256 names is served as well") {
  auto where = dir / "new repo";
  git(dir, {"init", "--quiet", "--object-format=sha256", where});
  std::string first = commit_in(where, {{"a", "1"}}, "first");
  std::string second = commit_in(where, {{"a", "2"}}, "second");
  auto repo = git::repository::open(where);
  CHECK(first.size() == 64);
  CHECK(repo.resolve("HEAD") == second);
  CHECK_FALSE(repo.resolve("refs/heads/none"));
  CHECK(repo.contains(second, first));
  CHECK_FALSE(repo.contains(first, second));
  repo.update_ref("refs/agentlua/x", first, "");
  CHECK(repo.resolve("refs/agentlua/x") == first);
}

TEST_CASE_FIXTURE(git_fixture, "a diff tells paths as they are, lines, and what is binary") {
  std::string first = git({"rev-parse", "HEAD"});
  commit({{"dir/b ü.txt", "two\nthree\nfour\n"},
          {"tab\t\"x", "1\n"},
          {"bin", std::string("\0\1", 2)},
          {"a.txt", std::nullopt}},
         "second");
  auto files = git::diff(git::repository::open(root).where(), first, "HEAD");
  REQUIRE(files.size() == 4);
  CHECK(files[0].path == "a.txt");
  CHECK(files[0].deleted == 1);
  CHECK(files[1].path == "bin");
  CHECK(files[1].binary);
  CHECK(files[2].path == "dir/b ü.txt");
  CHECK(files[2].added == 2);
  CHECK(files[2].deleted == 0);
  CHECK(files[3].path == "tab\t\"x");
}

TEST_CASE_FIXTURE(git_fixture, "a diff tells kinds of changes, and renames when asked") {
  std::string lines;
  for (int i = 0; i < 50; ++i) lines += "line " + std::to_string(i) + "\n";
  std::string first = commit(
      {{"old name", lines}, {"kind", "text\n"}, {"bin", std::string("\0\1", 2)}}, "first");
  stdfs::remove(root / "kind");
  stdfs::create_symlink("a.txt", root / "kind");
  std::string second = commit(
      {{"old name", std::nullopt},
       {":new\nname\t", lines + "more\n"},
       {"\xff-added", "1\n2\n"},
       {"a.txt", std::nullopt},
       {"bin", std::string("\0\2", 2)}},
      "second");
  auto at = git::repository::open(root).where();
  std::string seen;
  for (const auto& file : git::diff(at, first, second, true))
    seen += std::string(1, file.status) + " " + file.path + " " + std::to_string(file.added) + "/" +
            std::to_string(file.deleted) + (file.binary ? " binary" : "") +
            (file.from.empty() ? "" : " from " + file.from) + "\n";
  CHECK(seen ==
        "R :new\nname\t 1/0 from old name\nD a.txt 0/1\nM bin 0/0 binary\nT kind 1/1\n"
        "A \xff-added 2/0\n");
  auto plain = git::diff(at, first, second);
  CHECK(plain.size() == 6);
  CHECK(plain[0].status == 'A');
  CHECK(plain[0].added == 51);
  CHECK(git::diff(at, second, second, true).empty());
}

TEST_CASE_FIXTURE(git_fixture, "a diff as text is a patch that git applies, bytes and all") {
  std::string first = git({"rev-parse", "HEAD"});
  git({"config", "diff.external", "false"});
  git({"config", "diff.upper.textconv", "false"});
  std::string second = commit({{"bin", std::string("\0\1\xff", 3)},
                               {"a.txt", "\xff\33[31m\n"},
                               {".gitattributes", "* diff=upper\n"}},
                              "second");
  auto at = git::repository::open(root).where();
  std::string text = git::diff_text(at, first, second);
  CHECK(has(text, "+\xff\33[31m\n"));
  write_file(dir / "patch", text);
  git({"checkout", "--quiet", first});
  git({"apply", "--index", dir / "patch"});
  CHECK(git({"write-tree"}) == git({"rev-parse", second + "^{tree}"}));
}

TEST_CASE_FIXTURE(git_fixture, "a snapshot has what is not committed and leaves the index alone") {
  write_file(root / "a.txt", "changed\n");
  write_file(root / "new ü", "1\n");
  write_file(root / "x.log", "ignored\n");
  write_file(root / "state/task", "1\n");
  write_file(root / "staged", "1\n");
  git({"add", "staged"});
  stdfs::remove(root / "dir/b ü.txt");
  git(dir, {"init", "--quiet", root / "nested"});
  auto at = git::repository::open(root).where();
  auto index = fs::read_file(root / ".git/index");
  std::string content = git::snapshot(at, {"state"});
  CHECK(git({"-c", "core.quotePath=false", "ls-tree", "-r", "--name-only", content}) ==
        ".gitignore\na.txt\nnew ü\nstaged");
  CHECK(git({"show", content + ":a.txt"}) == "changed");
  CHECK(fs::read_file(root / ".git/index") == index);
  for (const auto& name : fs::list_directory(root / ".git")) CHECK_FALSE(has(name, "agentlua-"));
  std::string first = git({"rev-parse", "HEAD"});
  std::string second = git({"commit-tree", content, "-p", first, "-m", "x"});
  CHECK(git::merge_base(at, first, second) == first);
  CHECK(git::merge_base(at, first, git({"commit-tree", content, "-m", "alone"})) == "");
}

TEST_CASE_FIXTURE(git_fixture, "a worktree has a new branch at the base, and is found again") {
  auto repo = git::repository::open(root);
  std::string base = git({"rev-parse", "HEAD"});
  auto path = dir / "trees ü/one two";
  auto tree = git::add_worktree(repo, path, "agent/one", base);
  CHECK(tree.work_tree == path);
  CHECK(tree.common_dir == root / ".git");
  CHECK(fs::read_file(path / "dir/b ü.txt") == "two\n");
  CHECK(git::repository::at(tree).head_branch() == "agent/one");
  auto list = git::worktrees(repo);
  REQUIRE(list.size() == 2);
  CHECK(list[1].path == path);
  CHECK(list[1].branch == "agent/one");
  CHECK(list[1].head == base);
  CHECK(list[1].locked);
  auto found = git::find_worktree(repo, path);
  REQUIRE(found);
  CHECK(found->git_dir == tree.git_dir);
  CHECK_FALSE(git::find_worktree(repo, root));
  CHECK(git::repository::open(path / "dir").where().git_dir == tree.git_dir);
}

TEST_CASE_FIXTURE(git_fixture, "a worktree goes on with a branch that exists") {
  auto repo = git::repository::open(root);
  std::string base = git({"rev-parse", "HEAD"});
  git({"branch", "agent/one"});
  std::string later = commit({{"a.txt", "later\n"}}, "later");
  git::add_worktree(repo, dir / "one", "agent/one", later);
  CHECK(git(dir / "one", {"rev-parse", "HEAD"}) == base);
}

TEST_CASE_FIXTURE(git_fixture, "a worktree is not made over something, or of a branch in use") {
  auto repo = git::repository::open(root);
  std::string base = git({"rev-parse", "HEAD"});
  fs::make_directories(dir / "taken");
  CHECK(error_of([&] { git::add_worktree(repo, dir / "taken", "x", base); }) == "EEXIST");
  stdfs::create_symlink("nowhere", dir / "link");
  CHECK(error_of([&] { git::add_worktree(repo, dir / "link", "x", base); }) == "EEXIST");
  std::string said;
  CHECK(error_of([&] { git::add_worktree(repo, dir / "one", "main", base); }, &said) == "EBUSY");
  CHECK(said == "branch 'main' is checked out at '" + root.native() + "'");
  CHECK(error_of([&] { git::add_worktree(repo, dir / "one", "x", "no-commit"); }) == "EGIT");
  CHECK(error_of([&] { git::add_worktree(repo, dir / "one", "bad..name", base); }) == "EGIT");
  CHECK_FALSE(repo.resolve("refs/heads/x"));
  CHECK_FALSE(stdfs::exists(dir / "one"));
  CHECK(git::worktrees(repo).size() == 1);
}

TEST_CASE_FIXTURE(git_fixture, "a clean worktree goes with its branch, ignored files go with it") {
  auto repo = git::repository::open(root);
  std::string base = git({"rev-parse", "HEAD"});
  auto tree = git::add_worktree(repo, dir / "one", "agent/one", base);
  write_file(dir / "one/x.log", "ignored");
  git::remove_worktree(repo, tree, "agent/one", base);
  CHECK_FALSE(stdfs::exists(dir / "one"));
  CHECK_FALSE(repo.resolve("refs/heads/agent/one"));
  CHECK(git::worktrees(repo).size() == 1);
}

TEST_CASE_FIXTURE(git_fixture, "a branch that has moved on stays when its worktree goes") {
  auto repo = git::repository::open(root);
  std::string base = git({"rev-parse", "HEAD"});
  auto tree = git::add_worktree(repo, dir / "one", "agent/one", base);
  std::string tip = commit_in(dir / "one", {{"a.txt", "more\n"}}, "more");
  CHECK(error_of([&] { git::remove_worktree(repo, tree, "agent/one", base); }) == "");
  CHECK_FALSE(stdfs::exists(dir / "one"));
  CHECK(repo.resolve("refs/heads/agent/one") == tip);
  auto again = git::add_worktree(repo, dir / "one", "agent/one", base);
  git::remove_worktree(repo, again, "agent/one", "");
  CHECK(repo.resolve("refs/heads/agent/one") == tip);
}

TEST_CASE_FIXTURE(git_fixture, "a worktree with changed or new files is kept, locked as before") {
  auto repo = git::repository::open(root);
  std::string base = git({"rev-parse", "HEAD"});
  auto tree = git::add_worktree(repo, dir / "one", "agent/one", base);
  for (const char* name : {"a.txt", "new file"}) {
    write_file(dir / "one" / name, "changed\n");
    std::string said;
    auto remove = [&] { git::remove_worktree(repo, tree, "agent/one", base); };
    CHECK(error_of(remove, &said) == "EDIRTY");
    CHECK(has(said, "is kept: "));
    CHECK(fs::read_file(dir / "one" / name) == "changed\n");
    git(dir / "one", {"checkout", "--", "."});
  }
  CHECK(git::worktrees(repo)[1].locked);
  CHECK(repo.resolve("refs/heads/agent/one") == base);
  git::remove_worktree(repo, tree, "agent/one", base, true);  // no agent was ever in it
  CHECK_FALSE(stdfs::exists(dir / "one"));
}

TEST_CASE_FIXTURE(git_fixture, "a worktree that was deleted by hand is forgotten, no other is") {
  auto repo = git::repository::open(root);
  std::string base = git({"rev-parse", "HEAD"});
  auto tree = git::add_worktree(repo, dir / "trees/one", "agent/one", base);
  git({"worktree", "add", "--quiet", "-b", "users", dir / "unplugged/tree"});
  stdfs::remove_all(dir / "trees");
  stdfs::rename(dir / "unplugged", dir / "away");
  git::remove_worktree(repo, tree, "agent/one", base);
  stdfs::rename(dir / "away", dir / "unplugged");
  CHECK_FALSE(git::find_worktree(repo, dir / "trees/one"));
  CHECK(git(dir / "unplugged/tree", {"status", "--porcelain"}) == "");
  git::remove_worktree(repo, tree, "agent/one", "");  // gone already is well
}

TEST_CASE_FIXTURE(git_fixture, "a snapshot has what was changed when the index was written") {
  auto at = git::repository::open(root).where();
  git({"config", "core.trustctime", "false"});
  const auto then = stdfs::last_write_time(root / "a.txt") - std::chrono::seconds(9);
  stdfs::last_write_time(root / "a.txt", then);
  git({"add", "a.txt"});
  stdfs::last_write_time(root / ".git/index", then);
  const std::string other(fs::read_file(root / "a.txt").size(), 'x');
  write_file(root / "a.txt", other);
  stdfs::last_write_time(root / "a.txt", then);
  CHECK(git({"show", git::snapshot(at) + ":a.txt"}) == other);
}

TEST_CASE_FIXTURE(git_fixture, "ignored paths are told from others") {
  auto at = git::repository::open(root).where();
  CHECK(git::ignored_paths(at, {"a.txt", "x ü.log", "out/deep/x", "new"}) ==
        std::vector<std::string>{"x ü.log", "out/deep/x"});
  CHECK(git::ignored_paths(at, {"a.txt"}).empty());
  CHECK(git::ignored_paths(at, {}).empty());
}

TEST_CASE_FIXTURE(git_fixture, "a diff in process tells what git tells") {
  commit({{"b.bin", std::string("\0\1\2", 3)}, {"dir/c.txt", "1\n2\n3\n"}, {"link", "x"}}, "more");
  const std::string from = git({"rev-parse", "HEAD"});
  stdfs::remove(root / "link");
  stdfs::create_symlink("a.txt", root / "link");
  commit({{"a.txt", std::nullopt},
          {"b.bin", std::string("\0\2\2", 3)},
          {"dir/c.txt", "1\ntwo\n3\n4\n"},
          {"caf\xe9\n.txt", "new"}},
         "changes");
  stdfs::permissions(root / ".gitignore", stdfs::perms::owner_exec, stdfs::perm_options::add);
  const std::string to = commit({}, "mode");
  auto shown = [](const std::vector<git::changed_file>& files) {
    std::string text;
    for (const auto& file : files)
      text += file.status + file.path + " " + std::to_string(file.added) + " " +
              std::to_string(file.deleted) + (file.binary ? " binary" : "") + "\n";
    return text;
  };
  auto repo = git::repository::open(root);
  REQUIRE(repo.native() != nullptr);
  CHECK(shown(git::diff(repo, from, to)) == shown(git::diff(repo.where(), from, to)));
  CHECK(git::diff(repo, from, to).size() == 6);
}
