// Removing worktrees: under whom, through what, and with which damage they are not removed.
#include "agentlua/git.hpp"

#include <atomic>
#include <fstream>
#include <thread>

#include "support.hpp"

using namespace agentlua;
using namespace agentlua::test;

namespace {

class remove_fixture : public git_fixture {
 public:
  std::string remove(std::string* said = nullptr) const {
    return error_of([&] { git::remove_worktree(repo, tree, "agent/one", base); }, said);
  }
  bool gone() const {
    return !stdfs::exists(stdfs::symlink_status(path)) && !stdfs::exists(tree.git_dir);
  }

  git::repository repo = git::repository::open(root);
  stdfs::path path = dir / "trees/one ü";
  std::string base = repo.resolve("HEAD").value();
  git::location tree = git::add_worktree(repo, path, "agent/one", base);
};

}  // namespace

TEST_CASE_FIXTURE(remove_fixture,
                  "a worktree stays while a process is in it, and the process is named") {
  process_options start;
  start.argv = {"sleep", unique_nap()};
  start.cwd = (path / "dir").native();
  start.contain = false;
  event_loop loop;
  process child(loop, start);
  CHECK(step_until(loop, [&] { return child.pid() != 0; }));
  std::string said;
  CHECK(remove(&said) == "EBUSY");
  CHECK(has(said, "process " + std::to_string(child.pid()) + " (sleep)"));
  CHECK(fs::read_file(path / "a.txt") == "one\n");
  CHECK(git::worktrees(repo)[1].locked);
  ::kill(child.pid(), SIGKILL);
  CHECK(step_until(loop, [&] { return child.now() == process::state::finished; }));
  CHECK(remove() == "");
  CHECK(gone());
}

TEST_CASE_FIXTURE(remove_fixture, "a worktree stays while we are in it ourselves") {
  auto before = stdfs::current_path();
  stdfs::current_path(path);
  std::string said;
  CHECK(remove(&said) == "EBUSY");
  stdfs::current_path(before);
  CHECK(has(said, "process " + std::to_string(::getpid())));
  CHECK(remove() == "");
}

TEST_CASE_FIXTURE(remove_fixture,
                  "nothing is removed through a link that took the worktree's place") {
  stdfs::rename(path, dir / "moved");
  for (const auto& target : {root, dir / "moved", dir / "none"}) {
    stdfs::create_directory_symlink(target, path);
    CHECK_FALSE(git::find_worktree(repo, path));
    CHECK_FALSE(git::find_worktree(repo, path, tree.git_dir));
    CHECK(remove() == "ELOOP");
    CHECK(stdfs::is_symlink(path));
    stdfs::remove(path);
  }
  write_file(path, "a file");
  CHECK(remove() == "ELOOP");
  CHECK(fs::read_file(root / "a.txt") == "one\n");
  CHECK(fs::read_file(dir / "moved/a.txt") == "one\n");
}

TEST_CASE_FIXTURE(remove_fixture, "links in a worktree go, what they point to stays") {
  write_file(dir / "precious/file", "1\n");
  stdfs::create_directory_symlink(dir / "precious", path / "link.log");
  CHECK(remove() == "");
  CHECK(gone());
  CHECK(fs::read_file(dir / "precious/file") == "1\n");
}

TEST_CASE_FIXTURE(remove_fixture,
                  "damaged pointer files are put right, and never written through") {
  write_file(dir / "precious", "1\n");
  std::string good = fs::read_file(path / ".git");
  auto check_repaired = [&] {
    auto found = git::find_worktree(repo, path, tree.git_dir);
    REQUIRE(found);
    CHECK(found->git_dir == tree.git_dir);
    git::repair_pointers(*found);
    CHECK(git(path, {"status", "--porcelain"}) == "");
    CHECK(git::worktrees(repo)[1].path == path);
    CHECK(fs::read_file(dir / "precious") == "1\n");
  };
  stdfs::remove(path / ".git");
  check_repaired();
  write_file(path / ".git", "gitdir: " + (root / ".git").native() + "\n");
  check_repaired();
  stdfs::remove(path / ".git");
  stdfs::create_symlink(dir / "precious", path / ".git");
  check_repaired();
  write_file(tree.git_dir / "gitdir", (dir / "elsewhere/.git").native() + "\n");
  check_repaired();
  stdfs::remove(tree.git_dir / "gitdir");
  stdfs::create_symlink(dir / "precious", tree.git_dir / "gitdir");
  check_repaired();
  write_file(tree.git_dir / "commondir", (dir / "elsewhere").native() + "\n");
  write_file(path / ".git", "");
  write_file(tree.git_dir / "gitdir", "");
  check_repaired();
  CHECK(fs::read_file(path / ".git") == good);
  stdfs::remove(path / ".git");
  write_file(tree.git_dir / "gitdir", "/nowhere/.git\n");
  CHECK(remove() == "");
  CHECK(gone());
}

TEST_CASE_FIXTURE(remove_fixture, "a repository that took the place of the pointer file is kept") {
  stdfs::remove(path / ".git");
  git(dir, {"init", "--quiet", path});
  commit_in(path, {{"own", "1\n"}}, "own");
  CHECK(remove() == "EGIT");
  CHECK(git(path, {"show", "HEAD:own"}) == "1");
}

TEST_CASE_FIXTURE(remove_fixture, "a remembered admin directory counts only where git keeps them") {
  write_file(tree.git_dir / "gitdir", "/nowhere/.git\n");
  stdfs::remove(path / ".git");
  CHECK_FALSE(git::find_worktree(repo, path));
  for (const auto& hint : {root / ".git", dir, root / ".git/worktrees", tree.git_dir / "..",
                           root / ".git/worktrees/none", stdfs::path("worktrees/x")})
    CHECK_FALSE(git::find_worktree(repo, path, hint));
  auto other = git::add_worktree(repo, dir / "other", "agent/two", base);
  CHECK_FALSE(git::find_worktree(repo, path, other.git_dir));
  stdfs::create_directory_symlink(dir, root / ".git/worktrees/link");
  CHECK_FALSE(git::find_worktree(repo, path, root / ".git/worktrees/link"));
  stdfs::remove(root / ".git/worktrees/link");
  CHECK(git::find_worktree(repo, path, tree.git_dir));
}

TEST_CASE_FIXTURE(remove_fixture, "changed work goes only when all of it is in the saved commit") {
  write_file(path / "a.txt", "changed\n");
  write_file(path / "new", "1\n");
  stdfs::remove(path / "dir/b ü.txt");
  auto saved = git::save(tree, "refs/agentlua/saved/1", 1u << 20, {}).commit;
  auto remove_saved = [&](const std::string& commit) {
    return error_of([&] { git::remove_worktree(repo, tree, "agent/one", base, false, commit); });
  };
  for (const std::string& commit : {std::string(), base, std::string("no-commit")})
    CHECK(remove_saved(commit) == "EDIRTY");
  write_file(path / "later", "1\n");
  CHECK(remove_saved(saved) == "EDIRTY");
  stdfs::remove(path / "later");
  write_file(path / "a.txt", "changed again\n");
  git(path, {"update-index", "--assume-unchanged", "a.txt"});
  CHECK(remove_saved(saved) == "EDIRTY");
  CHECK(fs::read_file(path / "a.txt") == "changed again\n");
  write_file(path / "a.txt", "changed\n");
  CHECK(git::worktrees(repo)[1].locked);
  CHECK(remove_saved(saved) == "");
  CHECK(gone());
}

TEST_CASE_FIXTURE(remove_fixture,
                  "what is written while it is removed is kept, and where is said") {
  std::atomic<bool> stop{false};
  std::thread writer([&] {
    std::error_code ignored;
    while (!stop) {
      stdfs::create_directories(path / "dir", ignored);
      std::ofstream(path / "dir/new.log") << "1\n";
    }
  });
  std::string said;
  std::string code = remove(&said);
  stop = true;
  writer.join();
  if (code.empty()) return;  // git was done between two files
  CHECK(code == "EBUSY");
  CHECK(has(said, "'" + path.native() + "' could be removed only in part"));
  CHECK(fs::read_file(path / "dir/new.log") == "1\n");
  CHECK(repo.resolve("refs/heads/agent/one") == base);
}

TEST_CASE_FIXTURE(git_fixture, "a tree is emptied of what is old, links are not followed") {
  write_file(dir / "precious/file", "1\n");
  write_file(dir / "tree/a/b/old", "1\n");
  stdfs::create_directory_symlink(dir / "precious", dir / "tree/a/link");
  timespec nap{0, 20'000'000};
  ::nanosleep(&nap, nullptr);
  timespec since{};
  ::clock_gettime(CLOCK_REALTIME_COARSE, &since);
  ::nanosleep(&nap, nullptr);
  write_file(dir / "tree/a/new", "1\n");
  CHECK(error_of([&] { git::detail::remove_tree(dir / "tree", since); }) == "EBUSY");
  CHECK(fs::list_directory(dir / "tree/a") == std::vector<std::string>{"new"});
  CHECK(fs::read_file(dir / "precious/file") == "1\n");
  ::clock_gettime(CLOCK_REALTIME_COARSE, &since);
  since.tv_sec += 1;
  git::detail::remove_tree(dir / "tree", since);
  CHECK_FALSE(stdfs::exists(dir / "tree"));
  git::detail::remove_tree(dir / "tree", since);  // gone is well
}

TEST_CASE_FIXTURE(git_fixture,
                  "a worktree goes with its submodules when the main clone has all of them") {
  git(dir, {"init", "--quiet", dir / "library"});
  commit_in(dir / "library", {{"code", "1\n"}}, "library");
  git({"-c", "protocol.file.allow=always", "submodule", "--quiet", "add", dir / "library",
       "lib ü"});
  std::string base = commit({}, "submodule");
  auto repo = git::repository::open(root);
  auto tree = git::add_worktree(repo, dir / "one", "agent/one", base);
  auto used = git::add_worktree(repo, dir / "two", "agent/two", base);
  git(dir / "two",
      {"-c", "protocol.file.allow=always", "submodule", "--quiet", "update", "--init"});
  auto remove = [&](const git::location& at, std::string* said = nullptr) {
    return error_of([&] { git::remove_worktree(repo, at, "agent/one", base); }, said);
  };
  std::string said;
  write_file(dir / "two/lib ü/code", "2\n");
  CHECK(remove(used, &said) == "EDIRTY");
  CHECK(has(said, "the submodule 'lib ü' has changes that are not saved"));
  commit_in(dir / "two/lib ü", {{"code", "2\n"}}, "mine");
  CHECK(remove(used, &said) == "EDIRTY");
  CHECK(has(said, "has commits that the main clone does not have"));
  CHECK(fs::read_file(dir / "two/lib ü/code") == "2\n");
  auto kept = git::save(used, "refs/agentlua/saved/x/1", 100, {});
  CHECK(kept.skipped.empty());
  git::remove_worktree(repo, used, "", "", false, kept.commit);
  CHECK_FALSE(stdfs::exists(dir / "two"));
  CHECK(git({"--git-dir", root / ".git/modules/lib ü", "show",
             "refs/agentlua/saved/x/1/HEAD:code"}) == "2");
  write_file(dir / "one/new", "1\n");
  CHECK(remove(tree) == "EDIRTY");
  CHECK(fs::read_file(dir / "one/new") == "1\n");
  stdfs::remove(dir / "one/new");
  CHECK(remove(tree) == "");
  CHECK_FALSE(stdfs::exists(dir / "one"));
  CHECK_FALSE(stdfs::exists(tree.git_dir));
}

TEST_CASE_FIXTURE(remove_fixture, "a branch that somebody has checked out stays") {
  git(path, {"checkout", "--quiet", "--detach"});
  git({"checkout", "--quiet", "agent/one"});
  CHECK(remove() == "");
  CHECK(repo.resolve("refs/heads/agent/one") == base);
  CHECK(git({"status", "--porcelain"}) == "");
}
