// Saving a worktree, removing it, and making it again: all must be as it was.
#include <unistd.h>

#include "agentlua/git.hpp"

#include "support.hpp"

using namespace agentlua;
using namespace agentlua::test;

namespace {

constexpr const char* saved_ref = "refs/agentlua/saved/1";
constexpr std::uintmax_t plenty = 1u << 20;

class restore_fixture : public git_fixture {
 public:
  git::saved_work save() const { return git::save(tree, saved_ref, plenty, {}); }

  void remove() const {
    git({"worktree", "remove", "--force", "--force", tree_path});
    git({"-c", "gc.reflogExpire=now", "-c", "gc.reflogExpireUnreachable=now", "gc", "--quiet",
         "--prune=now"});
  }

  /// All files but `.git`: kind, executable bit, bytes.
  static std::string files(const stdfs::path& top) {
    std::vector<std::string> rows;
    for (auto at = stdfs::recursive_directory_iterator(top); at != stdfs::end(at); ++at) {
      std::string row = at->path().lexically_relative(top).native();
      if (row == ".git" || row.ends_with("/.git")) {
        at.disable_recursion_pending();
        continue;
      }
      if (at->is_symlink()) rows.push_back(row + " -> " + stdfs::read_symlink(at->path()).native());
      else if (at->is_regular_file())
        rows.push_back(row + (::access(at->path().c_str(), X_OK) == 0 ? " x " : " - ") +
                       fs::read_file(at->path()));
    }
    std::sort(rows.begin(), rows.end());
    std::string all;
    for (const std::string& row : rows) all += row + "\n";
    return all;
  }

  /// All that there is to see of the worktree.
  std::string picture() const {
    auto at = git::find_worktree(repo, tree_path).value();
    std::string text = git(tree_path, {"status", "--porcelain=v2", "--branch", "-z", "--ignored"});
    text += "\n" + git(tree_path, {"ls-files", "-s", "-v", "-z"});
    text += "\n" + fs::read_file(at.git_dir / "HEAD") + files(tree_path);
    for (const std::string& name : git::state_files(at))
      if (name != "ORIG_HEAD") text += name + ": " + fs::read_file(at.git_dir / name) + "\n";
    return text;
  }

  /// Saves, removes, restores, compares. Gives what save() did.
  git::saved_work round_trip() {
    auto before = picture();
    auto kept = save();
    REQUIRE(kept.commit != "");
    CHECK(picture() == before);
    remove();
    auto made = git::restore(repo, saved_ref, tree_path);
    tree = made.tree;
    CHECK(made.commit == kept.commit);
    CHECK(picture() == before);
    return kept;
  }

  /// A command of git that may stop in a conflict.
  void git_stops(std::vector<std::string> args) const {
    process_options start;
    start.argv = {"git", "-C", tree_path.native()};
    for (std::string& arg : args) start.argv.push_back(std::move(arg));
    start.contain = false;
    CHECK(run(std::move(start)).code != 0);
  }
  /// Two commits that change the same line: one on the worktree's branch, one on `other`.
  void make_conflict() const {
    commit_in(tree_path, {{"a.txt", "mine\n"}}, "mine");
    git({"branch", "other", base});
    git({"worktree", "add", "--quiet", dir / "trees/other", "other"});
    commit_in(dir / "trees/other", {{"a.txt", "theirs\n"}, {"more.txt", "1\n"}}, "theirs");
  }

  git::repository repo = git::repository::open(root);
  stdfs::path tree_path = dir / "trees/one ü";
  std::string base = repo.resolve("HEAD").value();
  git::location tree = git::add_worktree(repo, tree_path, "agent/one", base);
};

}  // namespace

TEST_CASE_FIXTURE(restore_fixture,
                  "files come back: changed, new, deleted, ignored, links, names") {
  write_file(tree_path / "dir/b ü.txt", "changed\n", 0755);
  ::chmod((tree_path / "dir/b ü.txt").c_str(), 0755);
  stdfs::remove(tree_path / "a.txt");
  write_file(tree_path / "a.txt/now a directory", "1");
  write_file(tree_path / "x ü.log", "ignored\n", 0755);
  write_file(tree_path / "out/deep/y", "");
  for (const char* name : {"new\nline", "-dash", "\xff\xfe not UTF-8", "\"quoted\\\"", ":(top)x"})
    write_file(tree_path / name, name);
  stdfs::create_symlink("../../elsewhere", tree_path / "link");
  stdfs::create_symlink(dir, tree_path / "x.log");
  round_trip();
  CHECK(git({"rev-list", "--parents", "-1", saved_ref}).size() == 81);  // one parent: its HEAD
  CHECK(git(tree_path, {"symbolic-ref", "HEAD"}) == "refs/heads/agent/one");
}

TEST_CASE_FIXTURE(restore_fixture, "a directory that became a link is not followed") {
  write_file(dir / "outside/b ü.txt", "outside\n");
  stdfs::remove_all(tree_path / "dir");
  stdfs::create_symlink(dir / "outside", tree_path / "dir");
  round_trip();
  CHECK(fs::read_file(dir / "outside/b ü.txt") == "outside\n");
}

TEST_CASE_FIXTURE(restore_fixture, "the index comes back: staged, removed, promised, flagged") {
  write_file(tree_path / "staged.txt", "only the index has this\n");
  write_file(tree_path / "moved.txt", "m\n");
  git(tree_path, {"add", "staged.txt", "moved.txt"});
  write_file(tree_path / "staged.txt", "changed after\n");
  stdfs::remove(tree_path / "moved.txt");
  git(tree_path, {"rm", "--quiet", "--cached", "a.txt"});
  write_file(tree_path / "promised.txt", "1\n");
  git(tree_path, {"add", "-N", "promised.txt"});
  git(tree_path, {"update-index", "--assume-unchanged", "dir/b ü.txt"});
  write_file(tree_path / "dir/b ü.txt", "hidden from git status\n");
  git(tree_path, {"update-index", "--skip-worktree", ".gitignore"});
  stdfs::remove(tree_path / ".gitignore");
  round_trip();
  CHECK(git(tree_path, {"show", ":staged.txt"}) == "only the index has this");
}

TEST_CASE_FIXTURE(restore_fixture, "a split index comes back whole") {
  git(tree_path, {"update-index", "--split-index"});
  write_file(tree_path / "staged.txt", "1\n");
  git(tree_path, {"add", "staged.txt"});
  round_trip();
}

TEST_CASE_FIXTURE(restore_fixture, "what is staged, and nothing else, is saved") {
  write_file(tree_path / "a.txt", "staged, then changed back\n");
  git(tree_path, {"add", "a.txt"});
  write_file(tree_path / "a.txt", "one\n");
  round_trip();
}

TEST_CASE_FIXTURE(restore_fixture, "a merge with a conflict can be gone on with") {
  make_conflict();
  git_stops({"merge", "other"});
  round_trip();
  write_file(tree_path / "a.txt", "both\n");
  git(tree_path, {"commit", "--quiet", "-a", "--no-edit"});
  CHECK(git(tree_path, {"rev-list", "--count", "HEAD"}) == "4");
}

TEST_CASE_FIXTURE(restore_fixture,
                  "a merged branch that is gone is kept with the unfinished merge") {
  make_conflict();
  git_stops({"merge", "other"});
  auto theirs = git({"rev-parse", "other"});
  git({"worktree", "remove", dir / "trees/other"});
  git({"branch", "-q", "-D", "other"});
  round_trip();
  CHECK(git(tree_path, {"rev-parse", "MERGE_HEAD^{tree}"}).size() == 40);
  CHECK(git(tree_path, {"rev-parse", "MERGE_HEAD"}) == theirs);
}

TEST_CASE_FIXTURE(restore_fixture, "a rebase with a conflict can be gone on with") {
  commit_in(tree_path, {{"first.txt", "1\n"}}, "first of mine");
  make_conflict();
  commit_in(tree_path, {{"last.txt", "1\n"}}, "last of mine");
  git_stops({"rebase", "other"});
  round_trip();
  write_file(tree_path / "a.txt", "both\n");
  git(tree_path, {"add", "a.txt"});
  git(tree_path, {"-c", "core.editor=true", "rebase", "--continue"});
  CHECK(git({"log", "--format=%s", "agent/one"}) ==
        "last of mine\nmine\nfirst of mine\ntheirs\nfirst");
}

TEST_CASE_FIXTURE(restore_fixture, "a cherry-pick, a revert and a bisect can be gone on with") {
  make_conflict();
  SUBCASE("cherry-pick") { git_stops({"cherry-pick", "other"}); }
  SUBCASE("sequence of picks") { git_stops({"cherry-pick", "other", "main"}); }
  SUBCASE("revert") {
    commit_in(tree_path, {{"a.txt", "again\n"}}, "again");
    git_stops({"revert", "HEAD~1"});
  }
  SUBCASE("bisect") {
    for (const char* name : {"1", "2", "3"}) commit_in(tree_path, {{name, "1"}}, name);
    git(tree_path, {"bisect", "start", "HEAD", base});
  }
  round_trip();
}

TEST_CASE_FIXTURE(restore_fixture,
                  "commits that are on no branch are saved, also without changes") {
  git(tree_path, {"checkout", "--quiet", "--detach"});
  auto own = commit_in(tree_path, {{"own.txt", "1\n"}}, "own");
  round_trip();
  CHECK(git(tree_path, {"rev-parse", "HEAD"}) == own);
}

TEST_CASE_FIXTURE(restore_fixture, "a detached head at a commit of a branch needs no saving") {
  git(tree_path, {"checkout", "--quiet", "--detach"});
  CHECK(save().commit == "");
}

TEST_CASE_FIXTURE(restore_fixture,
                  "a branch without a commit comes back with what is staged on it") {
  git(tree_path, {"checkout", "--quiet", "--orphan", "fresh"});
  write_file(tree_path / "new.txt", "1\n");
  git(tree_path, {"rm", "--quiet", "--cached", "a.txt"});
  SUBCASE("staged") {}
  SUBCASE("nothing staged") { git(tree_path, {"rm", "-r", "-f", "--quiet", "--cached", "."}); }
  round_trip();
  CHECK(git(tree_path, {"symbolic-ref", "HEAD"}) == "refs/heads/fresh");
}

TEST_CASE_FIXTURE(restore_fixture, "locks that a killed git left are no obstacle, and stay") {
  write_file(tree_path / "new.txt", "1\n");
  for (const char* name : {"index.lock", "HEAD.lock"}) write_file(tree.git_dir / name, "");
  CHECK(save().commit != "");
  CHECK(stdfs::exists(tree.git_dir / "index.lock"));
  remove();
  git::restore(repo, saved_ref, tree_path);
  CHECK(fs::read_file(tree_path / "new.txt") == "1\n");
}

TEST_CASE_FIXTURE(restore_fixture, "files that git converts come back byte for byte") {
  SUBCASE("autocrlf") {
    git({"config", "core.autocrlf", "true"});
    for (const char* name : {"a.txt", "dir/b ü.txt", ".gitignore"}) stdfs::remove(tree_path / name);
    git(tree_path, {"checkout", "--", "."});
    CHECK(fs::read_file(tree_path / "dir/b ü.txt") == "two\r\n");
    write_file(tree_path / "crlf.txt", "1\r\n2\r\n");
    write_file(tree_path / "lf.txt", "1\n2\n");
    write_file(tree_path / "a.txt", "mixed\r\nline\n");
    write_file(tree_path / "staged.txt", "staged\n");
    git(tree_path, {"add", "staged.txt"});
  }
  SUBCASE("filters") {
    git({"config", "filter.case.clean", "tr a-z A-Z"});
    git({"config", "filter.case.smudge", "tr A-Z a-z"});
    write_file(tree_path / ".gitattributes", "*.txt filter=case\n");
    write_file(tree_path / "a.txt", "Both Cases\n");
    write_file(tree_path / "new.txt", "Both Cases as well\n");
    write_file(tree_path / "lower.txt", "lower\n");
  }
  SUBCASE("encoding") {
    write_file(tree_path / ".gitattributes", "*.u16 working-tree-encoding=UTF-16LE\n");
    write_file(tree_path / "x.u16", std::string("a\0b\0\n\0", 6));
  }
  round_trip();
}

TEST_CASE_FIXTURE(restore_fixture, "executable bits come back where git does not look at them") {
  git({"config", "core.fileMode", "false"});
  write_file(tree_path / "run.sh", "#!/bin/sh\n", 0755);
  round_trip();
}

TEST_CASE_FIXTURE(restore_fixture, "a sparse checkout stays sparse") {
  commit_in(tree_path, {{"far/x.txt", "1\n"}, {"far/y.txt", "1\n"}}, "far");
  SUBCASE("by patterns") {
    git(tree_path, {"sparse-checkout", "set", "--no-cone", "/a.txt", "/.gitignore", "/dir/"});
  }
  SUBCASE("by directories") { git(tree_path, {"sparse-checkout", "set", "--cone", "dir"}); }
  SUBCASE("with a sparse index") {
    git(tree_path, {"sparse-checkout", "set", "--cone", "--sparse-index", "dir"});
  }
  CHECK(save().commit == "");
  write_file(tree_path / "a.txt", "changed\n");
  write_file(tree_path / "far/y.txt", "there all the same\n");
  round_trip();
  CHECK_FALSE(stdfs::exists(tree_path / "far/x.txt"));
}

TEST_CASE_FIXTURE(restore_fixture,
                  "a repository that only the git program understands is no other") {
  const stdfs::path other = dir / "sha256";
  git(dir, {"init", "--quiet", "--object-format=sha256", other});
  auto head = commit_in(other, {{"a.txt", "one\n"}}, "first");
  auto strange = git::repository::open(other);
  auto at = git::add_worktree(strange, dir / "trees/256", "task", head);
  write_file(dir / "trees/256/a.txt", "staged\n");
  git(dir / "trees/256", {"add", "a.txt"});
  write_file(dir / "trees/256/a.txt", "changed\n");
  auto before = git(dir / "trees/256", {"status", "--porcelain=v2"}) + files(dir / "trees/256");
  CHECK(git::save(at, saved_ref, plenty, {}).commit.size() == 64);
  git(other, {"worktree", "remove", "--force", "--force", dir / "trees/256"});
  CHECK(git::restore(strange, saved_ref, dir / "trees/256").branch == "task");
  CHECK(git(dir / "trees/256", {"status", "--porcelain=v2"}) + files(dir / "trees/256") == before);
}

TEST_CASE_FIXTURE(restore_fixture,
                  "a worktree that changes while it is saved is not called saved") {
  auto change = "cat; echo more >>'" + (tree_path / "other.txt").native() + "'";
  git({"config", "filter.late.clean", change});
  write_file(tree_path / ".gitattributes", "*.late filter=late\n");
  write_file(tree_path / "x.late", "1\n");
  CHECK(error_of([&] { save(); }) == "ESAVE");
  CHECK_FALSE(repo.resolve(saved_ref));
}

TEST_CASE_FIXTURE(restore_fixture, "content of submodules is said not to be saved") {
  git(dir, {"init", "--quiet", dir / "lib"});
  commit_in(dir / "lib", {{"l.txt", "1\n"}}, "lib");
  git(tree_path,
      {"-c", "protocol.file.allow=always", "submodule", "--quiet", "add", dir / "lib", "sub"});
  git(tree_path, {"commit", "--quiet", "-m", "submodule"});
  auto kept = save();
  CHECK(kept.commit == "");
  CHECK(kept.skipped == std::vector<std::string>{"sub/"});
  write_file(tree_path / "new.txt", "1\n");
  write_file(tree_path / "sub/l.txt", "changed\n");
  kept = save();
  CHECK(kept.skipped == std::vector<std::string>{"sub/"});
  auto made = git::restore(repo, saved_ref, dir / "trees/again");
  CHECK(fs::read_file(dir / "trees/again/new.txt") == "1\n");
  CHECK(stdfs::is_empty(dir / "trees/again/sub"));
}

TEST_CASE_FIXTURE(restore_fixture, "what cannot be read is named, and nothing is called saved") {
  if (::getuid() != 0) return;  // only root can become somebody else
  write_file(tree_path / "hidden/file", "1\n");
  write_file(tree_path / "secret", "1\n", 0644);
  bool whole_directory = false;
  SUBCASE("file") { ::chmod((tree_path / "secret").c_str(), 0); }
  SUBCASE("directory") {
    whole_directory = true;
    ::chmod((tree_path / "hidden").c_str(), 0);
  }
  for (auto& entry : stdfs::recursive_directory_iterator(dir))
    REQUIRE(::lchown(entry.path().c_str(), 65534, 65534) == 0);
  REQUIRE(::lchown(dir.c_str(), 65534, 65534) == 0);
  std::string said_file = dir / "said";
  int status = in_child([&] {
    if (::setgid(65534) != 0 || ::setuid(65534) != 0) throw error("EPERM", "setuid");
    std::string said;
    auto code = error_of([&] { git::save(tree, saved_ref, plenty, {}); }, &said);
    write_file(said_file, code + " " + said);
  });
  CHECK(status == 0);
  auto said = fs::read_file(said_file);
  CHECK_MESSAGE(said.starts_with("ESAVE "), said);
  CHECK_MESSAGE(has(said, whole_directory ? "hidden" : "secret"), said);
  CHECK_FALSE(repo.resolve(saved_ref));
}

TEST_CASE_FIXTURE(restore_fixture,
                  "a branch that is gone comes back; one that went on is left alone") {
  auto tip = commit_in(tree_path, {{"own.txt", "1\n"}}, "own");
  write_file(tree_path / "new.txt", "1\n");
  save();
  remove();
  SUBCASE("gone") {
    git({"update-ref", "-d", "refs/heads/agent/one"});
    CHECK(git::restore(repo, saved_ref, tree_path).branch == "agent/one");
    CHECK(git({"rev-parse", "agent/one"}) == tip);
  }
  SUBCASE("went on") {
    git({"update-ref", "refs/heads/agent/one", base});
    CHECK(git::restore(repo, saved_ref, tree_path).branch == "");
    CHECK(git({"rev-parse", "agent/one"}) == base);
  }
  SUBCASE("checked out elsewhere") {
    git({"worktree", "add", "--quiet", dir / "trees/two", "agent/one"});
    CHECK(git::restore(repo, saved_ref, tree_path).branch == "");
  }
  CHECK(git(tree_path, {"rev-parse", "HEAD"}) == tip);
  CHECK(git(tree_path, {"status", "--porcelain"}) == "?? new.txt");
}

TEST_CASE_FIXTURE(restore_fixture, "nothing is written over, and a failure leaves nothing behind") {
  write_file(tree_path / "new.txt", "1\n");
  save();
  CHECK(error_of([&] { git::restore(repo, saved_ref, tree_path); }) == "EEXIST");
  CHECK(error_of([&] { git::restore(repo, "refs/agentlua/saved/9", dir / "x"); }) == "ENOENT");
  git({"config", "filter.bad.smudge", "false"});
  git({"config", "filter.bad.required", "true"});
  git({"config", "filter.bad.clean", "cat"});
  write_file(tree_path / ".gitattributes", "*.txt filter=bad\n");
  git::save(tree, "refs/agentlua/saved/2", plenty, {});
  CHECK(error_of([&] { git::restore(repo, "refs/agentlua/saved/2", dir / "x"); }) == "EGIT");
  CHECK_FALSE(stdfs::exists(dir / "x"));
  CHECK(git::worktrees(repo).size() == 2);
}

TEST_CASE_FIXTURE(restore_fixture, "a planted ref cannot write outside of the worktree") {
  write_file(dir / "outside/file", "mine\n");
  auto blob = git(tree_path, {"hash-object", "-w", "a.txt"});
  stdfs::create_symlink(dir / "outside", tree_path / "link");
  git(tree_path, {"add", "-A"});
  auto files = git(tree_path, {"write-tree"});
  auto plant = [&](const std::string& path) {
    git(tree_path, {"read-tree", "--empty"});
    git(tree_path, {"update-index", "--add", "--cacheinfo", "100644," + blob + "," + path});
    auto state = git({"commit-tree", "-m", "x", git(tree_path, {"write-tree"})});
    auto commit = git(
        {"commit-tree", "-p", base, "-p", state, "-m", "x\n\nState: " + state, files});
    git({"update-ref", "refs/agentlua/saved/7", commit});
    return error_of([&] { git::restore(repo, "refs/agentlua/saved/7", dir / "x"); });
  };
  CHECK(plant("raw/link/file") == "ENOTDIR");
  CHECK(plant("state/config.worktree") == "ESAVE");
  CHECK(plant("state/hooks/post-checkout") == "ESAVE");
  CHECK(fs::read_file(dir / "outside/file") == "mine\n");
  CHECK_FALSE(stdfs::exists(dir / "x"));
}
