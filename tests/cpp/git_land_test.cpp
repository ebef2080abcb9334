// Landing: a branch goes into its base, or nothing is moved at all.
#include "agentlua/git.hpp"

#include <thread>

#include "support.hpp"

using namespace agentlua;
using namespace agentlua::test;

namespace {

constexpr const char* pending = "refs/agentlua/pending/1";

/// A repository with a worktree whose branch `agent/one` is to land on `main`.
class landing_fixture : public git_fixture {
 public:
  /// Makes the work that is to be landed.
  void work(const file_list& files) const { commit_in(tree_path, files, "work"); }

  git::land_request request() const {
    git::land_request ask;
    ask.branch = "agent/one";
    ask.base = "main";
    ask.message = "Land it ü\n\nBody\n";
    ask.pending_ref = pending;
    return ask;
  }
  git::land_result land() const { return git::land(repo, request()); }

  std::string main_tip() const { return git({"rev-parse", "refs/heads/main"}); }

  /// Lands and checks that it is refused with `status` and that nothing was moved.
  git::land_result refused(const std::string& status = "refused") const {
    auto tip = main_tip();
    auto seen = this->status(root);
    auto done = land();
    CHECK(done.status == status);
    CHECK(done.reason != "");
    CHECK(main_tip() == tip);
    CHECK(this->status(root) == seen);
    CHECK_FALSE(repo.resolve(pending));
    return done;
  }

  git::repository repo = git::repository::open(root);
  std::string base = main_tip();
  stdfs::path tree_path = dir / "trees/one ü";
  git::location tree = git::add_worktree(repo, tree_path, "agent/one", base);
};

}  // namespace

TEST_CASE_FIXTURE(landing_fixture, "work lands as one commit, the user's checkout comes along") {
  work({{"dir/b ü.txt", "two and a half\n"}, {"new/c d.txt", "new\n"}, {"a.txt", std::nullopt}});
  work({{"new/e.txt", "more\n"}});
  auto done = land();
  CHECK(done.status == "landed");
  CHECK(done.base == base);
  CHECK(done.commit == main_tip());
  CHECK(done.files.size() == 4);
  CHECK(git({"rev-parse", "main^"}) == base);
  CHECK(git({"log", "-1", "--format=%B", "main"}) == "Land it ü\n\nBody");
  CHECK(git({"log", "-1", "--format=%an <%ae>", "main"}) == "Tést Person <test@example.com>");
  CHECK(status(root) == "");
  CHECK(fs::read_file(root / "dir/b ü.txt") == "two and a half\n");
  CHECK_FALSE(stdfs::exists(root / "a.txt"));
  CHECK(repo.resolve(pending) == done.commit);
  git::finish_landing(repo, pending);
  git::finish_landing(repo, pending);
  CHECK_FALSE(repo.resolve(pending));
}

TEST_CASE_FIXTURE(landing_fixture, "work can land as a merge, by another author") {
  work({{"new.txt", "new\n"}});
  std::string ahead = commit({{"a.txt", "ahead\n"}}, "ahead");
  auto ask = request();
  ask.mode = "merge";
  ask.author = "Agent Ü <agent@example.com>";
  CHECK(git::land(repo, ask).status == "landed");
  CHECK(git({"rev-parse", "main^1"}) == ahead);
  CHECK(git({"rev-parse", "main^2"}) == git({"rev-parse", "agent/one"}));
  CHECK(git({"log", "-1", "--format=%an <%ae>", "main"}) == "Agent Ü <agent@example.com>");
  CHECK(git({"log", "-1", "--format=%cn", "main"}) == "Tést Person");
  CHECK(fs::read_file(root / "a.txt") == "ahead\n");
}

TEST_CASE_FIXTURE(landing_fixture, "a branch that changes nothing is empty") {
  CHECK(refused("empty").reason == "the branch has no commits of its own");
  work({});
  CHECK(refused("empty").reason == "the branch changes nothing");
}

TEST_CASE_FIXTURE(landing_fixture, "a branch or base that does not exist is refused") {
  work({{"new.txt", "new\n"}});
  auto ask = request();
  ask.base = "none";
  CHECK(git::land(repo, ask).reason == "base branch 'none' does not exist");
  ask = request();
  ask.branch = "none";
  CHECK(git::land(repo, ask).reason == "branch 'none' does not exist");
  CHECK(main_tip() == base);
}

TEST_CASE_FIXTURE(landing_fixture, "changes that the user has elsewhere stay as they are") {
  work({{"a.txt", "landed\n"}});
  write_file(root / "dir/b ü.txt", "mine\n");
  write_file(root / "untracked ü", "mine\n");
  write_file(root / "staged.txt", "mine\n");
  git({"add", "staged.txt"});
  write_file(root / "x.log", "mine\n");
  auto seen = status(root);
  CHECK(land().status == "landed");
  CHECK(status(root) == seen);
  CHECK(fs::read_file(root / "a.txt") == "landed\n");
  CHECK(fs::read_file(root / "dir/b ü.txt") == "mine\n");
  CHECK(fs::read_file(root / "untracked ü") == "mine\n");
}

TEST_CASE_FIXTURE(landing_fixture, "a file that the user has changed is not touched") {
  work({{"dir/b ü.txt", "landed\n"}, {"a.txt", "landed\n"}});
  write_file(root / "dir/b ü.txt", "mine\n");
  auto done = refused();
  CHECK(done.paths == std::vector<std::string>{"dir/b ü.txt"});
  CHECK(has(done.reason, "dir/b ü.txt"));
  CHECK(fs::read_file(root / "dir/b ü.txt") == "mine\n");
  git({"add", "-A"});  // staged is no different
  CHECK(refused().paths == std::vector<std::string>{"dir/b ü.txt"});
  write_file(root / "dir/b ü.txt", "two\n");  // changed back, but staged still
  CHECK(refused().paths == std::vector<std::string>{"dir/b ü.txt"});
}

TEST_CASE_FIXTURE(landing_fixture, "a file that the user has deleted does not come back") {
  work({{"a.txt", "landed\n"}});
  stdfs::remove(root / "a.txt");
  CHECK(refused().paths == std::vector<std::string>{"a.txt"});
  CHECK_FALSE(stdfs::exists(root / "a.txt"));
  git({"rm", "--quiet", "--cached", "a.txt"});
  refused();
}

TEST_CASE_FIXTURE(landing_fixture, "a file that git was told not to look at is not overwritten") {
  work({{"a.txt", "landed\n"}});
  for (const char* flag : {"assume-unchanged", "skip-worktree"}) {
    git({"update-index", std::string("--") + flag, "a.txt"});
    write_file(root / "a.txt", "mine\n");
    refused();
    CHECK(fs::read_file(root / "a.txt") == "mine\n");
    git({"update-index", std::string("--no-") + flag, "a.txt"});
  }
}

TEST_CASE_FIXTURE(landing_fixture, "an untracked file in the way is not overwritten") {
  work({{"new.txt", "landed\n"}, {"a.txt", "landed\n"}});
  write_file(root / "new.txt", "mine\n");
  CHECK(has(refused().reason, "new.txt"));
  CHECK(fs::read_file(root / "new.txt") == "mine\n");
  CHECK(fs::read_file(root / "a.txt") == "one\n");
}

TEST_CASE_FIXTURE(landing_fixture, "an ignored file in the way is not overwritten") {
  write_file(tree_path / "new.log", "landed\n");
  git(tree_path, {"add", "--force", "new.log"});
  work({{"a.txt", "landed\n"}});
  write_file(root / "new.log", "mine\n");
  CHECK(has(refused().reason, "new.log"));
  CHECK(fs::read_file(root / "new.log") == "mine\n");
}

TEST_CASE_FIXTURE(landing_fixture, "a directory of ignored files in the way of a file stays") {
  write_file(tree_path / "out", "landed\n");
  git(tree_path, {"add", "--force", "out"});
  work({{"a.txt", "landed\n"}});
  write_file(root / "out/deep/mine", "mine\n");
  refused();
  CHECK(fs::read_file(root / "out/deep/mine") == "mine\n");
}

TEST_CASE_FIXTURE(landing_fixture, "an ignored file in the way of a directory stays") {
  work({{"new.log/deep.txt", "landed\n"}});
  CHECK(git({"ls-tree", "--name-only", "agent/one", "new.log"}) == "");  // ignored by git add
  write_file(tree_path / "new.log/deep.txt", "landed\n");
  git(tree_path, {"add", "--force", "."});
  work({{"a.txt", "landed\n"}});
  write_file(root / "new.log", "mine\n");
  refused();
  CHECK(fs::read_file(root / "new.log") == "mine\n");
}

TEST_CASE_FIXTURE(landing_fixture, "a conflict names the files, and moves nothing") {
  work({{"a.txt", "theirs\n"}, {"dir/b ü.txt", "theirs\n"}, {"new.txt", "new\n"}});
  commit({{"a.txt", "ours\n"}, {"dir/b ü.txt", "ours\n"}}, "ours");
  auto done = refused("conflict");
  CHECK(done.paths == std::vector<std::string>{"a.txt", "dir/b ü.txt"});
  CHECK(has(done.reason, "conflicts with 'main' in a.txt, dir/b ü.txt"));
  CHECK(fs::read_file(root / "a.txt") == "ours\n");
}

TEST_CASE_FIXTURE(landing_fixture, "work that touches protected paths is left to a person") {
  work({{"ci/deep/x.yml", "1\n"}, {"Makefile", "1\n"}, {"free.txt", "1\n"}});
  auto ask = request();
  ask.protect = {"ci/**", "Makefile", "nothing/*"};
  auto done = git::land(repo, ask);
  CHECK(done.status == "protected");
  CHECK(done.paths == std::vector<std::string>{"Makefile", "ci/deep/x.yml"});
  CHECK(main_tip() == base);
  ask.protect = {"*.md"};
  CHECK(git::land(repo, ask).status == "landed");
}

TEST_CASE_FIXTURE(landing_fixture, "to move a file out of a protected path is protected too") {
  work({{"a.txt", std::nullopt}, {"moved.txt", "one\n"}});
  auto ask = request();
  ask.protect = {"a.txt"};
  CHECK(git::land(repo, ask).status == "protected");
}

TEST_CASE_FIXTURE(landing_fixture, "a base that nobody has checked out moves alone") {
  work({{"a.txt", "landed\n"}});
  git({"checkout", "--quiet", "-b", "other"});
  auto done = land();
  CHECK(done.status == "landed");
  CHECK(main_tip() == done.commit);
  CHECK(git({"rev-parse", "HEAD"}) == base);
  CHECK(fs::read_file(root / "a.txt") == "one\n");
  CHECK(status(root) == "");
}

TEST_CASE_FIXTURE(landing_fixture, "a base that is checked out in another worktree comes along") {
  work({{"a.txt", "landed\n"}});
  git({"checkout", "--quiet", "-b", "other"});
  auto elsewhere = dir / "else where";
  git({"worktree", "add", "--quiet", elsewhere, "main"});
  write_file(elsewhere / "a.txt", "mine\n");
  CHECK(land().status == "refused");
  CHECK(main_tip() == base);
  write_file(elsewhere / "a.txt", "one\n");
  CHECK(land().status == "landed");
  CHECK(fs::read_file(elsewhere / "a.txt") == "landed\n");
  CHECK(status(elsewhere) == "");
  CHECK(fs::read_file(root / "a.txt") == "one\n");
}

TEST_CASE_FIXTURE(git_fixture, "work lands in a bare repository") {
  git(dir, {"clone", "--quiet", "--bare", root, dir / "bare.git"});
  auto repo = git::repository::open(dir / "bare.git");
  git::add_worktree(repo, dir / "one", "agent/one", repo.resolve("main").value());
  commit_in(dir / "one", {{"a.txt", "landed\n"}}, "work");
  git::land_request ask{"agent/one", "main", "squash", "Land", "", pending, {}, ""};
  CHECK(git::land(repo, ask).status == "landed");
  CHECK(git(dir / "bare.git", {"show", "main:a.txt"}) == "landed");
}
