// Landing on a checkout in which its user has changed, staged, hidden or put something: it goes in
// beside that, or nothing moves until the user has made room. In every mode.
#include "git_land_fixture.hpp"

using namespace agentlua;
using namespace agentlua::test;

namespace {

constexpr const char* changed = "you have changes in";
const std::vector<std::string> a_txt = {"a.txt"}, gone_txt = {"gone.txt"}, new_txt = {"new.txt"},
                               c_txt = {"lib/c.txt"};
constexpr const char* restore_a = "git restore -SW a.txt";
constexpr const char* restore_gone = "git restore -SW gone.txt";

/// Staged changes in files that the work does not touch, with others on top.
const std::string unrelated =
    "echo staged > keep.txt; echo staged > 'added ü.txt'; git add keep.txt 'added ü.txt'\n"
    "echo more > keep.txt; echo more > 'added ü.txt'; git rm -q --cached 'dir/b ü.txt'\n";

/// A row for something untracked in the way, which the user moves elsewhere.
table_row in_the_way(const char* name, const std::string& make, const std::string& place) {
  return {name, make, place, {}, "mkdir mine; mv " + place + " mine"};
}

}  // namespace

TEST_CASE_FIXTURE(land_table, "work lands beside what the user has in other files") {
  check({
      {"clean", ""},
      {"changed, untracked and ignored",
       "echo mine > 'dir/b ü.txt'; chmod +x keep.txt; echo mine > x.log\n"
       "mkdir -p 'un tracked/ü'; echo mine > 'un tracked/ü/x'; echo mine > 'un tracked/x.log'"},
      {"deleted", "rm keep.txt; git rm -q 'dir/b ü.txt'"},
      {"replaced by a link", "ln -sf a.txt keep.txt"},
      {"staged, and changed again", unrelated},
      {"moved, staged", "git mv keep.txt kept.txt"},
      {"announced to git", "echo mine > other.txt; git add --intent-to-add other.txt"},
      {"assume-unchanged", "git update-index --assume-unchanged keep.txt; echo mine > keep.txt"},
      {"skip-worktree", "git update-index --skip-worktree keep.txt; echo mine > keep.txt"},
      {"in a directory that the work makes",
       "mkdir fresh box.log; echo mine | tee fresh/mine.txt fresh/mine.log box.log/mine.txt"},
      {"an empty directory in the way", "mkdir new.txt"},
  });
}

TEST_CASE_FIXTURE(land_table, "work waits for the user who has changed the same file") {
  check({
      {"changed", "echo mine > a.txt", changed, a_txt, restore_a},
      {"changed, beside others",
       unrelated + "echo mine | tee a.txt lib/c.txt",
       changed,
       {"a.txt", "lib/c.txt"},
       "git restore -SW a.txt lib/c.txt"},
      {"changed to the same", "echo landed > a.txt", changed, a_txt, restore_a},
      {"changed, and the work deletes it", "echo mine > gone.txt", changed, gone_txt, restore_gone},
      {"staged", "echo mine > a.txt; git add a.txt", changed, a_txt, restore_a},
      {"staged, changed again", "echo staged > a.txt; git add a.txt; echo mine > a.txt", changed,
       a_txt, restore_a},
      {"staged, changed back", "echo staged > a.txt; git add a.txt; echo one > a.txt", changed,
       a_txt, restore_a},
      {"a new file, staged", "echo mine > new.txt; git add new.txt", changed, new_txt,
       "git rm -qf new.txt"},
      {"a new file, announced to git", "echo mine > new.txt; git add -N new.txt", changed, new_txt,
       "git rm -qf --cached new.txt; mv new.txt mine.txt"},
  });
}

TEST_CASE_FIXTURE(land_table, "work waits for the user who has deleted or replaced the same file") {
  check({
      {"deleted", "rm a.txt", changed, a_txt, restore_a},
      {"deleted, staged", "git rm -q a.txt", changed, a_txt, restore_a},
      {"deleted in the index", "git rm -q --cached a.txt", changed, a_txt, restore_a},
      {"deleted as the work does", "rm gone.txt", changed, gone_txt, restore_gone},
      {"deleted as the work does, staged", "git rm -q gone.txt", changed, gone_txt, restore_gone},
      {"executable", "chmod +x a.txt", changed, a_txt, restore_a},
      {"executable, staged", "git update-index --chmod=+x a.txt", changed, a_txt, restore_a},
      {"a link", "ln -sf keep.txt a.txt", changed, a_txt, restore_a},
      {"a link, staged", "ln -sf keep.txt a.txt; git add a.txt", changed, a_txt, restore_a},
      {"a directory", "rm a.txt; mkdir a.txt; echo mine > a.txt/mine", changed, a_txt,
       "mv a.txt mine; git restore -SW a.txt"},
      {"a directory, staged", "rm a.txt; mkdir a.txt; echo mine > a.txt/mine; git add -A", changed,
       a_txt, "git rm -rq --cached a.txt; mv a.txt mine; git restore -SW a.txt"},
      {"its directory a file", "rm -r lib; echo mine > lib", changed, c_txt,
       "mv lib mine; git restore lib"},
      {"its directory a link",
       "cp -r lib ../far; rm -r lib; echo mine > ../far/c.txt; ln -s ../far lib", changed, c_txt,
       "mv lib mine; git restore lib"},
  });
}

TEST_CASE_FIXTURE(land_table, "a file that git was told to pass over is no less the user's") {
  std::vector<table_row> rows;
  for (const std::string flag : {"assume-unchanged", "skip-worktree"}) {
    const std::string back = "git update-index --no-" + flag + " a.txt; git restore a.txt";
    const std::string hide = "git update-index --" + flag + " a.txt; ";
    rows.push_back({flag, hide + "echo mine > a.txt", "a.txt", {}, back});
    rows.push_back({flag + ", a link", hide + "ln -sf keep.txt a.txt", "a.txt", {}, back});
  }
  check(rows);
}

TEST_CASE_FIXTURE(land_table, "work waits until what is in its way is put elsewhere") {
  check({
      in_the_way("a file", "echo mine > new.txt", "new.txt"),
      in_the_way("a file with the same content", "echo new > new.txt", "new.txt"),
      in_the_way("a directory for a file", "mkdir -p new.txt/x; echo mine > new.txt/x/y",
                 "new.txt"),
      in_the_way("a repository for a file", "git init -q new.txt", "new.txt"),
      in_the_way("a link for a file", "ln -s keep.txt new.txt", "new.txt"),
      in_the_way("a file for a directory", "echo mine > fresh", "fresh"),
      in_the_way("a link for a directory", "mkdir ../far; ln -s ../far fresh", "fresh"),
      in_the_way("a file below", "mkdir fresh; echo mine > fresh/deep.txt", "fresh/deep.txt"),
      in_the_way("a directory below", "mkdir -p fresh/deep.txt; echo mine > fresh/deep.txt/x",
                 "fresh/deep.txt"),
      in_the_way("an ignored file", "echo mine > made.log", "made.log"),
      in_the_way("an ignored directory", "mkdir -p out/x; echo mine > out/x/y", "out"),
      in_the_way("an ignored file for a directory", "echo mine > box.log", "box.log"),
      in_the_way("an ignored link for a directory", "mkdir ../far; ln -s ../far box.log",
                 "box.log"),
      in_the_way("an ignored file below", "mkdir box.log; echo mine > box.log/deep.txt",
                 "box.log/deep.txt"),
  });
}

TEST_CASE_FIXTURE(land_table, "settings of the user's for merges do not lead work astray") {
  std::vector<table_row> rows;
  for (const std::string setting :
       {"merge.autoStash true", "merge.ff false", "merge.verifySignatures true"})
    rows.push_back({setting, unrelated + "git config " + setting});
  rows.push_back({"autostash, the same file", "git config merge.autoStash true; echo mine > a.txt",
                  changed, a_txt, restore_a});
  check(rows);
}

TEST_CASE_FIXTURE(land_table, "what the user has staged just as the work has it is not dropped") {
  const std::string stage = "echo landed > a.txt; git add a.txt; ";
  check({
      {"staged", stage + "echo new > new.txt; git add new.txt"},
      {"staged, changed again", stage + "echo mine > a.txt", "", {}, "", a_txt},
      {"staged, changed back", stage + "echo one > a.txt", "", {}, "", a_txt},
      {"a new file, staged and deleted",
       "echo new > new.txt; git add new.txt; rm new.txt",
       "",
       {},
       "",
       new_txt},
      {"by merge --squash, of other files", "git merge -q --squash other"},
  });
}

TEST_CASE_FIXTURE(land_table,
                  "work waits for the user who has moved its directory and left a link") {
  check({{"moved", "mv lib ../far; ln -s ../far lib", changed, c_txt, "rm lib; mv ../far lib"}});
}

TEST_CASE_FIXTURE(land_table, "the message that cherry-pick -n keeps for the user's commit stays") {
  check({{"cherry-pick -n", "git cherry-pick -n other"}});
}

TEST_CASE_FIXTURE(land_table,
                  "a refused landing leaves ORIG_HEAD where the user's reset has put it") {
  for (const char* mode : {"squash", "merge", "rebase"}) {
    CAPTURE(std::string(mode));
    land_cell cell(*this, mode);
    cell.user("git update-ref ORIG_HEAD other; echo mine > a.txt");
    CHECK(cell.land().status == "refused");
    CHECK(cell.tip("ORIG_HEAD") == cell.tip("other"));
  }
}
