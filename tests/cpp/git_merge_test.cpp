// git/disjoint_merge.hpp, git/tree_diff.hpp, git/commit.hpp: what is done in process comes to what git
// comes to, or is left to git.

#include <map>
#include <random>

#include "agentlua/git.hpp"

#include "support.hpp"

namespace agentlua::test {
namespace {

/// A tree as a table: path -> "mode content".
using model = std::map<std::string, std::string>;

/// Makes trees that are near to each other: few names, so that both sides meet often.
class random_trees {
 public:
  explicit random_trees(unsigned seed) : random_(seed) {}

  model first() {
    model tree;
    const int count = 4 + pick(12);
    for (int i = 0; i < count; ++i) put(tree, path(), file());
    return tree;
  }

  /// `tree` with a few changes, of all kinds that git knows.
  model changed(model tree, int changes) {
    while (changes-- > 0) change(tree);
    return tree;
  }
  int pick(int below) { return static_cast<int>(random_() % static_cast<unsigned>(below)); }

 private:
  void change(model& tree) {
    if (tree.empty()) return put(tree, path(), file());
    auto victim = std::next(tree.begin(), pick(static_cast<int>(tree.size())));
    const auto [name, what] = *victim;
    switch (pick(11)) {
      case 0:
      case 1:
        return put(tree, path(), file());
      case 2:
        tree.erase(victim);
        return;
      case 3:
        tree.erase(victim);
        return put(tree, path(), what);  // renamed
      case 4:
        tree.erase(victim);
        return put(tree, path(), what + "more\n");
      case 5:
        return move_directory(tree, name);
      case 6:
        victim->second.replace(0, 6, what.starts_with("100755") ? "100644" : "100755");
        return;
      case 7:
        victim->second = "120000 target" + std::to_string(pick(3));
        return;
      case 8:
        victim->second = "160000 " + std::string(40, static_cast<char>('1' + pick(3)));
        return;
      default:
        victim->second += std::to_string(pick(4)) + "\n";
    }
  }
  void move_directory(model& tree, const std::string& name) {
    const auto slash = name.find('/');
    if (slash == std::string::npos) return;
    const std::string from = name.substr(0, slash + 1);
    const std::string to = std::string(1, static_cast<char>('a' + pick(6))) + "/";
    const model before = tree;
    for (const auto& [path, what] : before)
      if (path.starts_with(from)) {
        tree.erase(path);
        put(tree, to + path.substr(from.size()), what);
      }
  }
  /// Whatever cannot be beside the new path goes.
  static void put(model& tree, const std::string& path, const std::string& what) {
    std::erase_if(tree, [&](const auto& entry) {
      return entry.first.starts_with(path + "/") || path.starts_with(entry.first + "/");
    });
    tree[path] = what;
  }
  std::string path() {
    static const char* above[] = {"", "a/", "a/b/", "c/", "d/e/", "d/", "long/way/down/"};
    return std::string(above[pick(7)]) + static_cast<char>('a' + pick(8)) + (pick(2) ? ".c" : "");
  }
  std::string file() {
    std::string text = "100644 ";
    const int kind = pick(40);
    for (int i = 0; i < 12; ++i)
      text += "line " + std::to_string(i) + " of " + std::to_string(kind) + "\n";
    return text;
  }

  std::mt19937 random_;
};

/// One commit for git fast-import, on `parent` (a mark) if there is one.
std::string import_commit(const std::string& ref, int mark, int parent, const model& tree) {
  std::string out = "commit " + ref + "\nmark :" + std::to_string(mark) +
                    "\ncommitter t <t@t> 1700000000 +0000\ndata 0\n";
  if (parent != 0) out += "from :" + std::to_string(parent) + "\n";
  out += "deleteall\n";
  for (const auto& [path, what] : tree) {
    const std::string mode = what.substr(0, 6);
    const std::string content = what.substr(7);
    if (mode == "160000") {
      out += "M 160000 " + content.substr(0, 40) + " " + path + "\n";
      continue;
    }
    out += "M " + mode + " inline " + path + "\ndata " + std::to_string(content.size()) + "\n" +
           content + "\n";
  }
  return out;
}

std::string shown(const std::vector<git::changed_file>& files) {
  std::string text;
  for (const auto& file : files)
    text += file.status + file.path + " " + std::to_string(file.added) + " " +
            std::to_string(file.deleted) + (file.binary ? " binary" : "") + "\n";
  return text;
}

}  // namespace

TEST_CASE_FIXTURE(git_fixture, "a merge in process comes to the tree that git merge-tree makes") {
  constexpr int trials = 300;
  std::string stream;
  for (int i = 0; i < trials; ++i) {
    random_trees random(static_cast<unsigned>(i));
    const model base = random.first();
    const std::string name = "refs/heads/t" + std::to_string(i);
    const int mark = 3 * i + 1;
    stream += import_commit(name + "/base", mark, 0, base);
    stream += import_commit(name + "/ours", mark + 1, mark, random.changed(base, random.pick(4)));
    stream += import_commit(
        name + "/theirs", mark + 2, mark, random.changed(base, 1 + random.pick(3)));
  }
  auto repo = git::repository::open(root);
  git::command_options import;
  import.input = stream;
  git::command(repo.where(), {"fast-import", "--quiet"}, import);
  int in_process = 0;
  for (int i = 0; i < trials; ++i) {
    const std::string name = "refs/heads/t" + std::to_string(i);
    const std::string ours = repo.resolve(name + "/ours").value();
    const std::string theirs = repo.resolve(name + "/theirs").value();
    const auto expected = git::merge(repo.where(), ours, theirs);
    REQUIRE(expected.problem.empty());
    INFO("trial ", i);
    if (const auto tree = git::merge_disjoint(repo, ours, theirs)) {
      ++in_process;
      CHECK(expected.conflicts.empty());
      CHECK(*tree == expected.tree);
    }
    CHECK(shown(git::diff(repo, ours, theirs)) == shown(git::diff(repo.where(), ours, theirs)));
  }
  CHECK(in_process > trials / 5);
  CHECK(in_process < trials);
}

TEST_CASE_FIXTURE(git_fixture, "two places where the sides have parted are left to git") {
  const std::string first = git({"rev-parse", "HEAD"});
  const std::string a = commit({{"a.txt", "a\n"}}, "a");
  git({"checkout", "--quiet", "-b", "other", first});
  const std::string b = commit({{"b.txt", "b\n"}}, "b");
  git({"merge", "--quiet", "-m", "b with a", a});
  const std::string other = commit({{"c.txt", "c\n"}}, "c");
  git({"checkout", "--quiet", "main"});
  git({"merge", "--quiet", "-m", "a with b", b});
  const std::string main = commit({{"d.txt", "d\n"}}, "d");
  auto repo = git::repository::open(root);
  CHECK_FALSE(git::merge_disjoint(repo, main, other));
  const auto merged = git::merge(repo, main, other);
  CHECK(merged.conflicts.empty());
  CHECK(git({"ls-tree", "--name-only", merged.tree}).find("c.txt\nd.txt") != std::string::npos);

  git({"checkout", "--quiet", "--orphan", "alone"});
  const std::string alone = commit({{"e.txt", "e\n"}}, "e");
  CHECK_FALSE(git::merge_disjoint(repo, main, alone));
  CHECK_FALSE(git::merge(repo, main, alone).problem.empty());
}

TEST_CASE_FIXTURE(git_fixture, "a replaced commit is merged as git sees it") {
  const std::string first = git({"rev-parse", "HEAD"});
  const std::string main = commit({{"a.txt", "main\n"}}, "main");
  git({"checkout", "--quiet", "-b", "agent", first});
  const std::string work = commit({{"w.txt", "work\n"}}, "work");
  const std::string more = commit({{"more.txt", "more\n"}}, "more");
  auto repo = git::repository::open(root);
  CHECK(git::merge_disjoint(repo, main, work));
  git({"replace", work, more});
  CHECK_FALSE(git::merge_disjoint(repo, main, work));
  git({"pack-refs", "--all"});
  CHECK_FALSE(git::merge_disjoint(repo, main, work));
  CHECK(git::merge(repo, main, work).tree == git::merge(repo.where(), main, work).tree);
}

TEST_CASE_FIXTURE(git_fixture, "a tree put together by hand hides nothing") {
  const std::string base = git({"rev-parse", "HEAD"});
  auto repo = git::repository::open(root);
  // The directory twice: as it was, and with something else in it.
  auto entry = [&](const std::string& mode, const std::string& name, const std::string& object) {
    std::string row = mode + " " + name + std::string(1, '\0');
    for (std::size_t i = 0; i < object.size(); i += 2)
      row += static_cast<char>(std::stoi(object.substr(i, 2), nullptr, 16));
    return row;
  };
  const std::string blob = git({"rev-parse", "HEAD:a.txt"});
  const std::string listed = git({"rev-parse", "HEAD:dir"});
  git::command_options input;
  input.input = entry("100644", "planted", blob);
  const std::vector<std::string> write = {
      "hash-object", "-t", "tree", "-w", "--literally", "--stdin"};
  const std::string planted = git::line(repo.where(), write, input);
  input.input = entry("100644", ".gitignore", git({"rev-parse", "HEAD:.gitignore"})) +
                entry("100644", "a.txt", blob) + entry("40000", "dir", listed) +
                entry("40000", "dir", planted);
  const std::string twice = git::line(repo.where(), write, input);
  const std::string tip = git({"commit-tree", twice, "-p", base, "-m", "twice"});
  CHECK_FALSE(git::merge_disjoint(repo, base, tip));
  input.input = entry("100664", "a.txt", blob);
  const std::string mode = git::line(repo.where(), write, input);
  CHECK_FALSE(
      git::merge_disjoint(repo, base, git({"commit-tree", mode, "-p", base, "-m", "mode"})));
}

TEST_CASE_FIXTURE(git_fixture, "directories without end are left to git") {
  auto repo = git::repository::open(root);
  std::string path;
  for (int i = 0; i < 20000; ++i) path += "a/";
  git::command_options import;
  import.input = import_commit("refs/heads/deep", 1, 0, {{ path + "f", "100644 x" }});
  git::command(repo.where(), {"fast-import", "--quiet"}, import);
  const std::string base = git({"rev-parse", "HEAD"});
  const std::string tip = git({"commit-tree", "refs/heads/deep^{tree}", "-p", base, "-m", "deep"});
  CHECK_FALSE(git::merge_disjoint(repo, base, tip));
}

TEST_CASE_FIXTURE(git_fixture, "attributes count for a diff wherever they are") {
  const std::string before = commit({{"dir/x.lock", "1\n"}, {"y.dat", "1\n"}}, "before");
  const std::string after = commit({{"dir/x.lock", "2\n"}, {"y.dat", "2\n"}}, "after");
  auto same = [&] {
    auto repo = git::repository::open(root);
    const auto files = git::diff(repo, before, after);
    CHECK(shown(files) == shown(git::diff(repo.where(), before, after)));
    return shown(files);
  };
  const std::string plain = same();
  write_file(root / "dir/.gitattributes", "*.lock -diff\n");
  const std::string locked = same();
  CHECK(locked != plain);
  write_file(root / ".git/info/attributes", "*.dat binary\n");
  CHECK(same() != locked);
}

TEST_CASE_FIXTURE(git_fixture, "a commit in process is the commit that git makes") {
  auto at = git::repository::open(root).where();
  at.trusted = std::make_shared<const git::settings>(git::record_settings(at));
  const git::new_commit made{
      git({"rev-parse", "HEAD^{tree}"}), {git({"rev-parse", "HEAD"})}, "feat: ümlaut\n\nwhy"};
  // Without the seconds, which may have moved on.
  auto content = [&](const std::string& commit) {
    std::string text = git({"cat-file", "commit", commit});
    for (auto end = text.find("> "); end != std::string::npos; end = text.find("> ", end + 1))
      text.erase(end + 2, text.find(' ', end + 2) - end - 2);
    return text + git({"cat-file", "-s", commit});
  };
  auto by_git = [&](const git::new_commit& commit) {
    auto plain = at;
    plain.trusted = nullptr;
    return content(git::write_commit(git::repository::at(plain), commit));
  };
  auto in_process = [&](const git::new_commit& commit) {
    return git::detail::commit_in_process(git::repository::at(at), commit);
  };
  REQUIRE(in_process(made));
  CHECK(content(*in_process(made)) == by_git(made));
  CHECK(content(*in_process(made)).find("Tést Person <test@example.com>") != std::string::npos);

  SUBCASE("an author of its own, and a message that is not UTF-8, are left to git") {
    auto other = made;
    other.author = "A <a@b>";
    CHECK_FALSE(in_process(other));
    CHECK(by_git(other).find("author A <a@b>") != std::string::npos);
    other = made;
    other.message = "caf\xe9";
    CHECK_FALSE(in_process(other));
  }
  SUBCASE("another name since") {
    git({"config", "user.name", "Somebody Else"});
    CHECK_FALSE(in_process(made));
    CHECK(content(git::write_commit(git::repository::at(at), made)).find("Somebody Else") !=
          std::string::npos);
  }
  SUBCASE("another name in the environment") {
    environment_guard author("GIT_AUTHOR_NAME", "Env");
    CHECK_FALSE(in_process(made));
    CHECK(git::record_settings(at).author.empty());
  }
  SUBCASE("a name that hangs on conditions is not recorded, nor one in another encoding") {
    git({"config", "includeIf.onbranch:main.path", "elsewhere"});
    CHECK(git::record_settings(at).author.empty());
    git({"config", "--remove-section", "includeIf.onbranch:main"});
    CHECK_FALSE(git::record_settings(at).author.empty());
    git({"config", "i18n.commitEncoding", "ISO-8859-1"});
    CHECK(git::record_settings(at).author.empty());
  }
  SUBCASE("nobody") {
    git({"config", "--file", dir / "gitconfig", "--unset", "user.email"});
    CHECK(git::record_settings(at).author.empty());
    CHECK_FALSE(in_process(made));
  }
}

}  // namespace agentlua::test
