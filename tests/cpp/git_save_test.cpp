// Saving what only a worktree has, before the worktree goes.
#include "agentlua/git.hpp"

#include "support.hpp"

using namespace agentlua;
using namespace agentlua::test;

namespace {

constexpr const char* saved_ref = "refs/agentlua/saved/1";
constexpr std::uintmax_t plenty = 1u << 20;

class save_fixture : public git_fixture {
 public:
  git::saved_work save(std::uintmax_t limit = plenty, std::vector<std::string> known = {}) const {
    if (auto old = repo.resolve(saved_ref)) repo.delete_ref(saved_ref, *old);
    return git::save(tree, saved_ref, limit, known);
  }
  std::string saved(const std::string& path) const {
    return git({"show", std::string(saved_ref) + ":" + path});
  }
  std::string saved_paths() const {
    return git({"-c", "core.quotePath=false", "diff", "--name-only", "agent/one", saved_ref});
  }

  git::repository repo = git::repository::open(root);
  stdfs::path tree_path = dir / "trees/one ü";
  std::string base = repo.resolve("HEAD").value();
  git::location tree = git::add_worktree(repo, tree_path, "agent/one", base);
};

}  // namespace

TEST_CASE_FIXTURE(save_fixture, "a worktree that has nothing of its own needs no saving") {
  auto kept = save();
  CHECK(kept.commit == "");
  CHECK(kept.skipped.empty());
  CHECK_FALSE(repo.resolve(saved_ref));
}

TEST_CASE_FIXTURE(save_fixture, "changed, new, staged, deleted and ignored files are all kept") {
  write_file(tree_path / "dir/b ü.txt", "changed\n");
  write_file(tree_path / "new ü.txt", "new\n");
  write_file(tree_path / "staged.txt", "staged\n");
  git(tree_path, {"add", "staged.txt"});
  write_file(tree_path / "staged.txt", "changed after\n");
  stdfs::remove(tree_path / "a.txt");
  write_file(tree_path / "x ü.log", "ignored\n");
  write_file(tree_path / "out/deep/y", "ignored as well\n");
  auto seen = status(tree_path);
  auto head = git(tree_path, {"rev-parse", "HEAD"});
  auto kept = save();
  CHECK(repo.resolve(saved_ref) == kept.commit);
  CHECK(git({"rev-parse", kept.commit + "^"}) == head);
  CHECK(saved_paths() == "a.txt\ndir/b ü.txt\nnew ü.txt\nout/deep/y\nstaged.txt\nx ü.log");
  CHECK(saved("dir/b ü.txt") == "changed");
  CHECK(saved("staged.txt") == "changed after");
  CHECK(saved("out/deep/y") == "ignored as well");
  CHECK(status(tree_path) == seen);
  CHECK(git(tree_path, {"rev-parse", "HEAD"}) == head);
  CHECK(git(tree_path, {"show", ":staged.txt"}) == "staged");
}

TEST_CASE_FIXTURE(save_fixture, "ignored files are kept up to a limit, small ones first") {
  write_file(tree_path / "big.log", std::string(1000, 'b'));
  write_file(tree_path / "middle.log", std::string(500, 'm'));
  write_file(tree_path / "small.log", std::string(100, 's'));
  write_file(tree_path / "new.txt", std::string(5000, 'n'));  // not ignored: no limit
  auto kept = save(600);
  CHECK(kept.skipped == std::vector<std::string>{"big.log"});
  CHECK(saved_paths() == "middle.log\nnew.txt\nsmall.log");
  CHECK(save(99).skipped.size() == 3);
  CHECK(saved_paths() == "new.txt");
}

TEST_CASE_FIXTURE(save_fixture, "ignored files that are known elsewhere are left out") {
  write_file(tree_path / "known.log", "1");
  write_file(tree_path / "other.log", "2");
  auto kept = save(plenty, {"known.log"});
  CHECK(kept.skipped.empty());
  CHECK(saved_paths() == "other.log");
}

TEST_CASE_FIXTURE(save_fixture, "names that look like patterns or options are only names") {
  for (const char* name : {"*.log", ":(top)x.log", "-rf.log", "new\nline.log"})
    write_file(tree_path / name, "1");
  write_file(tree_path / "plain.log", "1");
  CHECK(save(plenty, {"plain.log"}).commit != "");
  CHECK(git({"diff", "--name-only", "-z", "agent/one", saved_ref}).size() ==
        std::string("*.log :(top)x.log -rf.log new\nline.log ").size());
}

TEST_CASE_FIXTURE(save_fixture,
                  "work can be saved again and again, also while the index is locked") {
  write_file(tree_path / "new.txt", "1\n");
  auto first = save().commit;
  write_file(tree_path / "new.txt", "2\n");
  write_file(tree.git_dir / "index.lock", "");
  auto second = save().commit;
  CHECK(second != first);
  CHECK(saved("new.txt") == "2");
  for (const auto& name : fs::list_directory(tree.git_dir)) CHECK_FALSE(has(name, "save"));
}

TEST_CASE_FIXTURE(save_fixture, "what is saved already is never written over") {
  write_file(tree_path / "new.txt", "1\n");
  auto first = save().commit;
  write_file(tree_path / "new.txt", "2\n");
  CHECK(error_of([&] { git::save(tree, saved_ref, plenty, {}); }) == "EMOVED");
  CHECK(repo.resolve(saved_ref) == first);
}

TEST_CASE_FIXTURE(save_fixture,
                  "a clean worktree can be saved as well, and costs little to look at") {
  CHECK(git::save(tree, saved_ref, plenty, {}, true).commit != "");
  CHECK(git({"rev-parse", std::string(saved_ref) + "^{tree}"}) ==
        git({"rev-parse", "HEAD^{tree}"}));
}

TEST_CASE_FIXTURE(save_fixture, "a detached or merging worktree is saved as it is") {
  git(tree_path, {"checkout", "--quiet", "--detach"});
  write_file(tree_path / "new.txt", "1\n");
  write_file(tree.git_dir / "MERGE_HEAD", git({"rev-parse", "HEAD"}) + "\n");
  CHECK(save().commit != "");
  CHECK(saved("new.txt") == "1");
}

TEST_CASE_FIXTURE(save_fixture, "a repository inside the worktree is said not to be saved") {
  for (const char* place : {"nested", "out/nested", "dir", "new/empty"}) {
    git(dir, {"init", "--quiet", tree_path / place});
    if (place != std::string("new/empty"))
      commit_in(tree_path / place, {{"precious", "1\n"}}, "first");
  }
  auto kept = save();
  std::sort(kept.skipped.begin(), kept.skipped.end());
  CHECK(kept.skipped == std::vector<std::string>{"dir/", "nested/", "new/empty/", "out/nested/"});
}
