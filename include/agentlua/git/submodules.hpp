#pragma once
// agentlua/git/submodules.hpp: room 4. Submodules of a linked worktree: filled from the main clone, and given
// back to it.
//
// git keeps a submodule below `modules` of the git directory of its checkout: .git/modules/NAME for the main
// checkout, .git/worktrees/TREE/modules/NAME for a linked worktree. The second borrows the objects of the
// first. What only it has is packed into the first before it goes. `.gitmodules`, which an agent can write,
// is never read, no remote is asked, and settings count as recorded for the first.

#include <algorithm>
#include <exception>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "agentlua/git/survey.hpp"
#include "agentlua/git/worktree.hpp"

namespace agentlua::git {

/// A submodule that is checked out.
struct submodule {
  std::string path;  ///< in the checkout
  location at;       ///< with `origin`
};

/// One that is checked out in the main checkout and stays empty in a worktree.
struct empty_submodule {
  std::string path, reason;
};

/// The commits that the index of a checkout names (mode 160000).
inline std::vector<tree_entry> gitlinks(const location& tree) {
  std::vector<tree_entry> found;
  for (const std::string& row : split_nul(command(tree, {"ls-files", "-z", "--stage"}).out))
    if (row.starts_with("160000 "))
      found.push_back(
          {"160000", row.substr(7, row.find(' ', 7) - 7), row.substr(row.find('\t') + 1)});
  return found;
}

/// The same submodule in the main clone.
inline location in_main_clone(const location& submodule) {
  return {submodule.origin, submodule.origin, {}, {}, submodule.trusted, {}};
}

namespace detail {

/// The git directory of the main clone that has the submodules of a checkout.
inline const stdfs::path& submodule_home(const location& tree) {
  return tree.origin.empty() ? tree.common_dir : tree.origin;
}

/// A submodule of a checkout by its name; nullopt when the main clone has none of that name, or had none
/// when settings were recorded.
inline std::optional<location> submodule_location(const location& tree, const stdfs::path& name,
                                                  const std::string& path) {
  const stdfs::path dir = tree.git_dir / "modules" / name;
  const stdfs::path home = submodule_home(tree) / "modules" / name;
  std::error_code none;
  if (!stdfs::exists(home / "HEAD", none) || !nothing_at(dir / "commondir")) return std::nullopt;
  std::shared_ptr<const settings> trusted;
  if (tree.trusted) {
    auto known = tree.trusted->modules.find(home.native());
    if (known == tree.trusted->modules.end()) return std::nullopt;
    trusted = known->second;
  }
  return location{dir, dir, tree.work_tree / path, {}, trusted, home};
}

/// A directory of a checkout that no link leads to.
inline bool real_directory(const location& tree, const std::string& path) {
  const stdfs::path dir = tree.work_tree / path;
  std::error_code none;
  return stdfs::symlink_status(dir, none).type() == stdfs::file_type::directory &&
         real_place(dir) == real_place(tree.work_tree) / path;
}

}  // namespace detail

/// The submodules that are checked out in a checkout, as git itself does it: with their git directories
/// below its own. Not those that the main clone does not have.
inline std::vector<submodule> submodules_of(const location& tree) {
  std::vector<submodule> found;
  const auto names = submodule_names(tree.git_dir);
  if (names.empty() || tree.work_tree.empty()) return found;
  for (const tree_entry& link : gitlinks(tree)) {
    if (!detail::real_directory(tree, link.path)) continue;
    const stdfs::path dir = detail::pointed_at(tree.work_tree / link.path / ".git", "gitdir: ");
    for (const stdfs::path& name : names)
      if (real_place(tree.git_dir / "modules" / name) == dir)
        if (auto at = detail::submodule_location(tree, name, link.path))
          found.push_back({link.path, *at});
  }
  return found;
}

/// True when the main clone has a commit of a submodule, in the history of a ref or of what is checked out.
inline bool main_clone_has(const location& submodule, const std::string& commit) {
  const command_options options{.may_fail = true};
  const location home = in_main_clone(submodule);
  auto refs = command(home, {"for-each-ref", "--count=1", "--contains", commit}, options);
  return (refs.code == 0 && !refs.out.empty()) ||
         command(home, {"merge-base", "--is-ancestor", commit, "HEAD"}, options).code == 0;
}

/// The refs of a submodule with commits that its main clone does not have: name -> object. HEAD too, when
/// it is detached.
inline std::map<std::string, std::string> refs_only_here(const location& submodule) {
  std::map<std::string, std::string> found;
  const std::string format = "--format=%(objectname) %(refname)";
  auto rows = repository::split_lines(command(submodule, {"for-each-ref", format}).out);
  auto head = command(submodule, {"rev-parse", "--verify", "--quiet", "HEAD^{commit}"},
                      {.may_fail = true});
  if (head.code == 0) rows.push_back(head.out.substr(0, head.out.find('\n')) + " HEAD");
  const auto shared = repository::split_lines(
      command(in_main_clone(submodule), {"for-each-ref", format}).out);
  for (const std::string& row : rows) {
    const auto space = row.find(' ');
    const std::string object = row.substr(0, space);
    const bool same = std::any_of(shared.begin(), shared.end(), [&](const std::string& other) {
      return other.starts_with(object);
    });
    if (!same && !main_clone_has(submodule, object)) found[row.substr(space + 1)] = object;
  }
  return found;
}

/// Keeps an object of a submodule on a new ref of its main clone, with all that it needs, and reads it back.
/// Errors: EMOVED (the ref is there), ESAVE, EGIT.
inline void give_to_main_clone(const location& submodule, const std::string& object,
                               const std::string& ref) {
  const location home = in_main_clone(submodule);
  command_options wanted;
  wanted.input = object + "\n";
  for (const std::string& known :
       repository::split_lines(command(home, {"for-each-ref", "--format=^%(objectname)"}).out))
    wanted.input += known + "\n";
  command(submodule,
          {"pack-objects", "--revs", "--quiet", "--non-empty",
           (home.git_dir / "objects/pack/pack").native()},
          wanted);
  command(home, {"rev-list", "--objects", "--quiet", object, "--not", "--glob=refs/*"});
  auto repo = repository::at(home);
  repo.update_ref(ref, object, "");
  if (repo.resolve(ref) != repo.resolve(object))
    throw error("ESAVE", ref + " does not hold what was saved");
}

namespace detail {

inline void copy_if_there(const stdfs::path& from, const stdfs::path& to) {
  std::error_code none;
  if (stdfs::symlink_status(from, none).type() != stdfs::file_type::regular) return;
  fs::make_directories(to.parent_path());
  stdfs::copy_file(from, to);
}

/// An identity that is set for the superproject alone counts in a submodule too.
inline void share_identity(const location& tree, const location& submodule) {
  const command_options options{.may_fail = true};
  if (command(submodule, {"var", "GIT_COMMITTER_IDENT"}, options).code == 0) return;
  for (const char* key : {"user.name", "user.email"})
    if (std::string value = line(tree, {"config", "--get", key}, options); !value.empty())
      command(submodule, {"config", key, value});
}

/// Where a submodule of the main checkout is, or goes, in a worktree.
inline location place_in(const location& tree, const submodule& there) {
  const stdfs::path& home = there.at.origin;
  const stdfs::path dir = tree.git_dir / "modules" /
                          home.lexically_relative(submodule_home(tree) / "modules");
  return {dir, dir, tree.work_tree / there.path, {}, there.at.trusted, home};
}

/// Makes a submodule in a worktree without any file: its objects are borrowed, settings and remote
/// branches copied. HEAD is detached at `commit`.
inline void make_submodule(const location& tree, const location& at, const std::string& commit) {
  const stdfs::path& home = at.origin;
  const stdfs::path& dir = at.git_dir;
  fs::make_directories(dir / "objects/info");
  fs::make_directories(dir / "refs/heads");
  fs::make_directories(at.work_tree);
  fs::write_file_atomic(dir / "objects/info/alternates", (home / "objects").native() + "\n");
  for (const char* file : {"config", "config.worktree", "shallow", "info/exclude",
                           "info/attributes", "info/sparse-checkout"})
    copy_if_there(home / file, dir / file);
  std::string packed;
  const std::string format = "--format=%(objectname) %(refname) %(symref)";
  for (const std::string& row : repository::split_lines(
           command(in_main_clone(at), {"for-each-ref", format, "refs/remotes", "refs/tags"}).out))
    if (row.ends_with(' ')) packed += row.substr(0, row.size() - 1) + "\n";
  fs::write_file_atomic(dir / "packed-refs", packed);
  fs::write_file_atomic(dir / "HEAD", commit + "\n");
  fs::write_file_atomic(at.work_tree / ".git", "gitdir: " + dir.native() + "\n");
  for (const char* file : {"config", "config.worktree"})
    if (!nothing_at(dir / file))
      command(at,
              {"config", "--file", (dir / file).native(), "core.worktree", at.work_tree.native()});
  share_identity(tree, at);
}

/// Takes away what make_submodule() and a checkout have made; the directory is empty again.
inline void unmake_submodule(const location& at) noexcept {
  std::error_code ignored;
  stdfs::remove_all(at.git_dir, ignored);
  for (stdfs::directory_iterator entry(at.work_tree, ignored), end; !ignored && entry != end;
       entry.increment(ignored))
    stdfs::remove_all(entry->path(), ignored);
}

/// Fills one submodule of a worktree. Returns why it stays empty; empty when it is filled.
inline std::string fill_submodule(const location& tree, const submodule& there,
                                  const std::string& commit) {
  command_options offline{.env = {"GIT_ALLOW_PROTOCOL=none"}, .may_fail = true};
  if (command(in_main_clone(there.at), {"cat-file", "-e", commit + "^{commit}"}, offline).code != 0)
    return "the main clone does not have its commit " + commit;
  const location at = place_in(tree, there);
  try {
    make_submodule(tree, at, commit);
    offline.may_fail = false;
    command(at, {"read-tree", "-m", "-u", "HEAD"}, offline);
    return {};
  } catch (const std::exception& problem) {
    unmake_submodule(at);
    return problem.what();
  }
}

}  // namespace detail

/// Fills the submodules of a new worktree that are checked out in `main`, and theirs, at the commits that
/// `links` name, from what the main clone has. Returns those that stay empty and why.
inline std::vector<empty_submodule> fill_submodules(const location& main, const location& tree,
                                                    const std::vector<tree_entry>& links) {
  std::vector<empty_submodule> empty;
  for (const submodule& there : submodules_of(main)) {
    auto link = std::find_if(links.begin(), links.end(), [&](const tree_entry& one) {
      return one.path == there.path;
    });
    if (link == links.end() || !detail::real_directory(tree, there.path)) continue;
    if (auto reason = detail::fill_submodule(tree, there, link->object); !reason.empty()) {
      empty.push_back({there.path, std::move(reason)});
      continue;
    }
    const location made = detail::place_in(tree, there);
    for (empty_submodule& inner : fill_submodules(there.at, made, gitlinks(made)))
      empty.push_back({there.path + "/" + inner.path, std::move(inner.reason)});
  }
  return empty;
}

}  // namespace agentlua::git
