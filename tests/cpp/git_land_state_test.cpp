// Landing while something else goes on, and after a crash; work that is not committed.
#include "agentlua/git.hpp"

#include "support.hpp"

using namespace agentlua;
using namespace agentlua::test;

namespace {

constexpr const char* pending = "refs/agentlua/pending/1";

/// A repository with a worktree whose branch `agent/one` has one commit to land on `main`.
class work_fixture : public git_fixture {
 public:
  work_fixture() { commit_in(tree_path, {{"a.txt", "landed\n"}, {"new.txt", "landed\n"}}, "work"); }

  git::land_result land() const {
    git::land_request ask{"agent/one", "main", "squash", "Land it\n", "", pending, {}, ""};
    return git::land(repo, ask);
  }
  std::string main_tip() const { return git({"rev-parse", "refs/heads/main"}); }

  git::repository repo = git::repository::open(root);
  std::string base = main_tip();
  stdfs::path tree_path = dir / "trees/one ü";
  git::location tree = git::add_worktree(repo, tree_path, "agent/one", base);
};

/// What commit_leftovers() says it cannot commit, or "" when it can.
std::string leftovers(const git::location& tree, const std::string& branch = "agent/one") {
  std::string said;
  auto code = error_of([&] { git::commit_leftovers(tree, branch, "left", {}); }, &said);
  CHECK((code.empty() || code == "EUNFINISHED"));
  return said;
}

}  // namespace

TEST_CASE_FIXTURE(work_fixture, "nothing lands on a checkout with an unfinished merge") {
  git({"checkout", "--quiet", "-b", "side"});
  commit({{"dir/b ü.txt", "side\n"}}, "side");
  git({"checkout", "--quiet", "main"});
  git({"merge", "--quiet", "--no-ff", "--no-commit", "side"});
  auto seen = status(root);
  auto done = land();
  CHECK(done.status == "refused");
  CHECK(has(done.reason, "a merge is unfinished in '" + root.native() + "'"));
  CHECK(main_tip() == base);
  CHECK(status(root) == seen);
  CHECK(stdfs::exists(root / ".git/MERGE_HEAD"));
}

TEST_CASE_FIXTURE(work_fixture, "landing waits for a git that holds the index for half a second") {
  write_file(root / ".git/index.lock", "");
  pid_t other = ::fork();
  if (other == 0) {
    timespec nap{0, 500'000'000};
    ::nanosleep(&nap, nullptr);
    stdfs::remove(root / ".git/index.lock");
    ::_exit(0);
  }
  auto done = land();
  ::waitpid(other, nullptr, 0);
  CHECK(done.status == "landed");
  CHECK(main_tip() == done.commit);
  CHECK(status(root) == "");
}

TEST_CASE_FIXTURE(work_fixture, "landing gives up when the index stays locked") {
  write_file(root / ".git/index.lock", "");
  auto done = land();
  CHECK(done.status == "refused");
  CHECK(has(done.reason, "index.lock"));
  CHECK(main_tip() == base);
  CHECK(fs::read_file(root / "a.txt") == "one\n");
  CHECK_FALSE(stdfs::exists(root / "new.txt"));
  CHECK_FALSE(repo.resolve(pending));
  CHECK(stdfs::exists(root / ".git/index.lock"));  // it is not ours
  stdfs::remove(root / ".git/index.lock");
  CHECK(status(root) == "");
}

TEST_CASE_FIXTURE(work_fixture, "files go back when the branch itself cannot be moved") {
  write_file(root / ".git/refs/heads/main.lock", "");
  auto done = land();
  CHECK(done.status == "refused");
  stdfs::remove(root / ".git/refs/heads/main.lock");
  CHECK(main_tip() == base);
  CHECK(status(root) == "");
  CHECK(fs::read_file(root / "a.txt") == "one\n");
}

TEST_CASE_FIXTURE(work_fixture, "landings wait for each other") {
  auto lock = git::lock_repository(repo);
  CHECK(error_of([&] { git::lock_repository(repo, seconds(0.05)); }) == "ELOCKED");
  lock.release();
  CHECK(land().status == "landed");
}

TEST_CASE_FIXTURE(work_fixture, "no hook, no fsmonitor and no command of the repository runs") {
  for (const char* hook : {"post-merge", "post-checkout", "reference-transaction", "pre-commit"})
    write_file(root / ".git/hooks" / hook, "#!/bin/sh\ntouch \"$GIT_DIR/ran\"\n", 0755);
  write_file(root / ".git/monitor", "#!/bin/sh\ntouch \"$GIT_DIR/ran\"\n", 0755);
  git({"config", "core.fsmonitor", (root / ".git/monitor").native()});
  stdfs::remove(root / ".git/ran");
  CHECK(land().status == "landed");
  CHECK_FALSE(stdfs::exists(root / ".git/ran"));
}

TEST_CASE_FIXTURE(work_fixture, "after a crash a landing that went through is told as such") {
  auto done = land();
  REQUIRE(done.status == "landed");
  commit({{"later.txt", "1\n"}}, "later");
  CHECK(git::recover_landing(repo, pending, "main") == done.commit);
  CHECK(repo.resolve(pending) == done.commit);  // until finish_landing()
}

TEST_CASE_FIXTURE(work_fixture, "after a crash a landing that did not go through is dropped") {
  CHECK_FALSE(git::recover_landing(repo, pending, "main"));
  repo.update_ref(pending, git({"rev-parse", "agent/one"}));
  CHECK_FALSE(git::recover_landing(repo, pending, "main"));
  CHECK_FALSE(repo.resolve(pending));
  CHECK(main_tip() == base);
}

TEST_CASE_FIXTURE(work_fixture, "a git whose host is killed in the middle comes to its end") {
  write_file(dir / "slow.sh", "#!/bin/sh\ntouch \"${0%slow.sh}begun\"\nsleep 0.3\ncat\n", 0755);
  git({"config", "filter.slow.smudge", "'" + (dir / "slow.sh").native() + "'"});
  write_file(root / ".git/info/attributes", "*.txt filter=slow\n");
  pid_t host = ::fork();
  if (host == 0) {
    land();
    ::_exit(0);
  }
  REQUIRE(eventually([&] { return stdfs::exists(dir / "begun"); }));
  ::kill(host, SIGKILL);
  int ended = 0;
  ::waitpid(host, &ended, 0);
  CHECK(WIFSIGNALED(ended));
  auto commit = git::recover_landing(repo, pending, "main");  // waits for that git
  REQUIRE(commit);
  CHECK(commit == main_tip());
  CHECK(status(root) == "");
  CHECK(fs::read_file(root / "a.txt") == "landed\n");
}

TEST_CASE_FIXTURE(work_fixture, "what an agent left uncommitted is committed to its branch") {
  std::string before = git({"rev-parse", "agent/one"});
  CHECK(git::commit_leftovers(tree, "agent/one", "left\n", {}) == before);
  write_file(tree_path / "a.txt", "changed\n");
  write_file(tree_path / "new ü/file", "new\n");
  write_file(tree_path / "state/task.json", "{}");
  write_file(tree_path / "x.log", "ignored");
  stdfs::remove(tree_path / "new.txt");
  std::string tip = git::commit_leftovers(tree, "agent/one", "left\n", {"state", "none/at/all"});
  CHECK(git({"rev-parse", "agent/one^"}) == before);
  CHECK(git({"rev-parse", "agent/one"}) == tip);
  CHECK(git({"-c", "core.quotePath=false", "diff", "--name-only", before, tip}) ==
        "a.txt\nnew ü/file\nnew.txt");
  CHECK(git({"log", "-1", "--format=%s", tip}) == "left");
  CHECK(fs::read_file(tree_path / "x.log") == "ignored");
  CHECK(git(tree_path, {"status", "--porcelain"}) == "?? state/");
}

TEST_CASE_FIXTURE(work_fixture, "leftovers are committed although a killed git left its lock") {
  write_file(tree.git_dir / "index.lock", "");
  write_file(tree_path / "a.txt", "changed\n");
  CHECK(leftovers(tree) == "");
  CHECK(git({"show", "agent/one:a.txt"}) == "changed");
}

TEST_CASE_FIXTURE(work_fixture, "leftovers are not committed to another branch than expected") {
  write_file(tree_path / "a.txt", "changed\n");
  git(tree_path, {"checkout", "--quiet", "-b", "surprise"});
  CHECK(has(leftovers(tree), "branch 'surprise' is checked out, expected 'agent/one'"));
  git(tree_path, {"checkout", "--quiet", "--detach"});
  CHECK(has(leftovers(tree), "HEAD is detached"));
  CHECK(git(tree_path, {"status", "--porcelain"}) == " M a.txt");
}

TEST_CASE_FIXTURE(work_fixture, "leftovers in the middle of a merge or rebase are not committed") {
  commit({{"a.txt", "ours\n"}}, "ours");
  for (const char* what : {"merge", "rebase"}) {
    CAPTURE(std::string(what));
    process_options start;
    start.argv = {"git", "-C", tree_path.native(), what, "main"};
    CHECK(run(start).code != 0);
    CHECK(has(leftovers(tree), std::string("a ") + what + " is unfinished in it"));
    git(tree_path, {what, "--abort"});
  }
  CHECK(leftovers(tree) == "");
}

TEST_CASE_FIXTURE(work_fixture, "a repository inside a worktree is not committed as a link") {
  for (const char* place : {"nested", "deep/er/nested"}) {
    CAPTURE(std::string(place));
    auto nested = tree_path / place;
    git(dir, {"init", "--quiet", nested});
    commit_in(nested, {{"precious", "1\n"}}, "first");
    CHECK(has(leftovers(tree), "'" + std::string(place) + "/' is a repository of its own"));
    CHECK_FALSE(stdfs::exists(tree.git_dir / "index.lock"));
    stdfs::remove_all(tree_path / "nested");
  }
  CHECK(git({"rev-list", "--count", "main..agent/one"}) == "1");
}
