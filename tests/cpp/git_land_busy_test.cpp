// Landing while the user is in the middle of something, while another git holds a lock or moves the
// base, and on a base that is checked out elsewhere or nowhere. In every mode.
#include <thread>

#include "git_land_fixture.hpp"

using namespace agentlua;
using namespace agentlua::test;

namespace {

constexpr const char* modes[] = {"squash", "merge", "rebase"};

/// Changes that the user has staged, and more, in files that the work does not touch.
const std::string unrelated =
    "echo staged > keep.txt; echo staged > 'added ü.txt'; git add keep.txt 'added ü.txt'\n"
    "echo more > keep.txt; mkdir fresh; echo mine | tee fresh/mine.txt x.log\n";

constexpr const char* nowhere = "git checkout -q other\n";
const std::string elsewhere = "git checkout -q other; git worktree add -q '../else where' main\n";

/// Has a commit of the user's come in whenever a.txt is merged, or only the first time. What git runs
/// to merge it does that, so that it is always in the middle of a landing.
void commits_while_merging(const land_cell& cell, bool once) {
  const stdfs::path script = cell.dir / "driver.sh";
  write_file(script, std::string("cat \"$2\" > \"$1\"\nunset $(git rev-parse --local-env-vars)\n") +
                         "cd '" + cell.root.native() + "'\n" +
                         (once ? "[ ! -e later.txt ] || exit 0\n" : "") +
                         "echo mine > later.txt\ngit add later.txt\n"
                         "git commit --quiet --allow-empty -m later\n");
  write_file(cell.root / ".git/info/attributes", "a.txt merge=user\n");
  cell.git({"config", "merge.user.driver", "sh '" + script.native() + "' %A %B"});
}

}  // namespace

TEST_CASE_FIXTURE(land_table, "work waits until the user is through with what git has begun") {
  const std::string merge = "a merge is unfinished in", pick = "a cherry-pick is unfinished in",
                    revert = "a revert is unfinished in", rebase = "a rebase of branch 'main'",
                    bisect = "a bisect of branch 'main'";
  check({
      {"conflicts", "! git merge side", merge, {}, "git merge --abort"},
      {"conflicts", "! git cherry-pick side", pick, {}, "git cherry-pick --abort"},
      {"conflicts", "! git revert HEAD~1", revert, {}, "git revert --abort"},
      {"conflicts", "! git rebase side", rebase, {}, "git rebase --abort"},
      {"conflicts", "! git rebase --apply side", rebase, {}, "git rebase --abort"},
      {"on the old tip",
       "git -c sequence.editor='sed -i s/^pick/edit/' rebase -q -i HEAD~1",
       rebase,
       {},
       "git rebase --abort"},
      {"clean", "git merge -q --no-ff --no-commit other", merge, {}, "git merge --abort"},
      {"clean", "git revert -n HEAD", revert, {}, "git reset -q --hard"},
      {"bisect", "git bisect start HEAD HEAD~2", bisect, {}, "git bisect reset"},
      {"bisect, no revisions", "git bisect start", bisect, {}, "git bisect reset"},
      {"elsewhere",
       elsewhere + "cd '../else where'; ! git rebase side",
       rebase,
       {},
       "cd '../else where'; git rebase --abort"},
  });
}

TEST_CASE_FIXTURE(land_table, "work lands on a base that the main checkout does not have") {
  check({
      {"in another worktree", elsewhere},
      {"in another worktree, changed",
       elsewhere + "echo mine | tee a.txt '../else where/a.txt' '../else where/keep.txt'",
       "you have changes in",
       {"a.txt"},
       "echo one > '../else where/a.txt'"},
      {"in another worktree, in the way",
       elsewhere + "echo mine > '../else where/made.log'",
       "made.log",
       {},
       "rm '../else where/made.log'"},
      {"nowhere", std::string(nowhere) + "echo mine | tee a.txt made.log"},
      {"nowhere, HEAD is detached", "git checkout -q --detach"},
      {"nowhere, another branch in a rebase", std::string(nowhere) + "! git rebase side"},
  });
}

TEST_CASE_FIXTURE(land_table, "work lands in a bare repository, in every mode") {
  for (const char* mode : modes) {
    CAPTURE(std::string(mode));
    land_cell cell(*this, mode);
    const stdfs::path bare = cell.dir / "bare.git";
    cell.git({"clone", "--quiet", "--bare", cell.root.native(), bare.native()});
    stdfs::remove_all(cell.root);
    cell.root = bare;
    const std::string base = cell.tip();
    const auto done = cell.land();
    CHECK(done.status == "landed");
    CHECK(done.base == base);
    cell.check_history(done);
  }
}

TEST_CASE_FIXTURE(land_table, "work lands when a lock on the index is gone after half a second") {
  for (const char* mode : modes) {
    CAPTURE(std::string(mode));
    land_cell cell(*this, mode);
    cell.user(unrelated);
    cell.settle();
    auto before = cell.look();
    const stdfs::path lock = cell.root / ".git/index.lock";
    write_file(lock, "");
    std::thread other([&] {
      std::this_thread::sleep_for(seconds(0.5));
      stdfs::remove(lock);
    });
    const auto done = cell.land();
    other.join();
    cell.check_landed(std::move(before), done);
  }
}

TEST_CASE_FIXTURE(land_table, "work waits for whoever holds a lock, and leaves the lock alone") {
  const std::string index = ".git/index.lock", ref = ".git/refs/heads/main.lock";
  check({
      {"the index", unrelated + ": > " + index, "index.lock", {}, "rm " + index},
      {"the base", ": > " + ref, "main.lock", {}, "rm " + ref},
      {"the base, with changes", unrelated + ": > " + ref, "main.lock", {}, "rm " + ref},
      {"the base, nowhere", nowhere + (": > " + ref), "main.lock", {}, "rm " + ref},
  });
}

TEST_CASE_FIXTURE(land_table, "a hook of the user's can forbid that the base moves") {
  const std::string hook =
      "mkdir .git/hooks; cat > .git/hooks/reference-transaction <<'END'\n"
      "#!/bin/sh\n"
      "while read old new ref; do\n"
      "  [ \"$1 $ref\" = 'prepared refs/heads/main' ] || continue\n"
      "  echo 'not on a Friday' >&2\n  exit 1\ndone\nEND\n"
      "chmod +x .git/hooks/*\n";
  const std::string says = "not on a Friday", gone = "rm -r .git/hooks";
  check({{"clean", hook, says, {}, gone},
         {"with changes", unrelated + hook, says, {}, gone},
         {"checked out nowhere", nowhere + hook, says, {}, gone}});
}

TEST_CASE_FIXTURE(land_table, "work lands on top of what the user commits meanwhile") {
  for (const char* mode : modes)
    for (const char* when : {"before", "meanwhile", "again and again"}) {
      CAPTURE(std::string(mode));
      CAPTURE(std::string(when));
      land_cell cell(*this, mode);
      commit_in(cell.root, {{"a.txt", "ours\n"}}, "ours");
      const bool once = std::string(when) != "again and again";
      commits_while_merging(cell, once);
      if (std::string(when) == "before") commit_in(cell.root, {{"later.txt", "mine\n"}}, "later");
      const auto done = cell.land();
      CHECK(cell.git({"status", "--porcelain"}) == "");
      CHECK(cell.read("later.txt") == "mine\n");
      if (once) {
        CHECK_MESSAGE(done.status == "landed", done.reason);
        CHECK(cell.read("a.txt") == "landed\n");
        CHECK(cell.tip() == done.commit);
        CHECK(cell.git({"log", "-1", "--format=%s", done.base}) == "later");
        CHECK(cell.tip(mode == modes[2] ? "main~2" : "main^1") == done.base);
      } else {
        CHECK(done.status == "refused");
        CHECK(has(done.reason, "branch 'main' keeps moving"));
        CHECK(cell.read("a.txt") == "ours\n");
        CHECK(cell.git({"log", "-1", "--format=%s", "main"}) == "later");
        CHECK(cell.git({"for-each-ref", "refs/agentlua"}) == "");
      }
    }
}

TEST_CASE_FIXTURE(land_table,
                  "the files go back when the base moves to where the work is in conflict") {
  // The base is moved by a filter of the checkout: git has its files on the disk and not the branch.
  for (const char* mode : modes) {
    CAPTURE(std::string(mode));
    land_cell cell(*this, mode);
    cell.git({"worktree", "add", "--quiet", "-b", "clash", (cell.dir / "clash").native(), "main"});
    commit_in(cell.dir / "clash", {{"a.txt", "clash\n"}}, "clash");
    write_file(dir / "move.sh",
               "[ -e \"$1\" ] || { : > \"$1\"; git update-ref refs/heads/main clash; }\ncat\n");
    write_file(cell.root / ".git/info/attributes", "a.txt filter=move\n");
    cell.git(
        {"config", "filter.move.smudge",
         "sh '" + (dir / "move.sh").native() + "' '" + (cell.root / ".git/moved").native() + "'"});
    const auto before = cell.look();
    const auto done = cell.land();
    const auto now = cell.look();
    CHECK(done.status == "conflict");
    CHECK(cell.tip() == cell.tip("clash"));
    CHECK(differences(before.files, now.files) == "");
    CHECK(differences(before.index, now.index) == "");
    CHECK(cell.git({"for-each-ref", "refs/agentlua"}) == "");
  }
}
