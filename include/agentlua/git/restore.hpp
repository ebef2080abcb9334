#pragma once
// agentlua/git/restore.hpp: room 4. Makes a worktree again of what save() kept.

#include <algorithm>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "agentlua/git/objects.hpp"
#include "agentlua/git/remove.hpp"
#include "agentlua/git/repository.hpp"
#include "agentlua/git/saved.hpp"
#include "agentlua/git/submodules.hpp"
#include "agentlua/git/survey.hpp"
#include "agentlua/git/worktree.hpp"

namespace agentlua::git {

/// What restore() made.
struct restored_work {
  location tree;
  std::string branch;  ///< without refs/heads/; empty when HEAD is detached
  std::string commit;  ///< the saved one
  std::vector<empty_submodule> empty;
};

namespace detail {

/// Writes over a regular file that is there; no link on the way is followed.
inline void overwrite_beneath(const stdfs::path& top, const std::string& path,
                              std::string_view content) {
  agentlua::detail::unique_fd dir = fs::open(top, O_RDONLY | O_DIRECTORY);
  const std::string shown = (top / path).native();
  for (std::size_t at = 0;;) {
    auto slash = path.find('/', at);
    const std::string part = path.substr(at, slash - at);
    const bool last = slash == std::string::npos;
    const int flags = last ? O_WRONLY | O_TRUNC : O_RDONLY | O_DIRECTORY;
    agentlua::detail::unique_fd next(agentlua::detail::retry([&] {
      return ::openat(dir.get(), part.c_str(), flags | O_NOFOLLOW | O_CLOEXEC);
    }));
    if (!next) throw_errno("write", shown);
    if (last) return fs::write_all(next.get(), content, shown);
    dir = std::move(next);
    at = slash + 1;
  }
}

/// Fills a worktree that has no file yet.
class restoring {
 public:
  restoring(const repository& repo, const location& tree, const saved_commit& saved)
      : repo_(repo), tree_(tree), saved_(saved) {
    if (!saved.state.empty()) state_ = read_tree(tree, saved.state);
  }

  /// All of it: true when HEAD is on its branch.
  bool all(const location& main, const std::vector<worktree>& others) {
    files();
    submodules(main);
    index();
    unfinished();
    return head(others);
  }

  std::vector<empty_submodule> empty;

 private:
  void files() {
    command(tree_, {"read-tree", saved_.name});
    command_options absent;
    absent.input = kept("absent").value_or("");
    if (!absent.input.empty())
      command(tree_, {"update-index", "--skip-worktree", "-z", "--stdin"}, absent);
    command(tree_, {"checkout-index", "--all", "--quiet"});
    std::vector<stdfs::path> paths;
    auto wanted = exact_files(split_nul(absent.input));
    for (const tree_entry& file : wanted) paths.push_back(tree_.work_tree / file.path);
    auto objects = hash_files(tree_, paths, false);
    for (std::size_t i = 0; i < wanted.size(); ++i)
      if (objects[i] != wanted[i].object)  // git converts it
        overwrite_beneath(tree_.work_tree, wanted[i].path, blob(wanted[i].object));
  }

  /// Submodules that were saved are restored, the others filled as in a new worktree.
  void submodules(const location& main) {
    auto kept_ones = saved_submodules(state_);
    std::vector<tree_entry> links;
    for (tree_entry& entry : read_tree(tree_, saved_.name))
      if (entry.mode == "160000" && !kept_ones.contains(entry.path))
        links.push_back(std::move(entry));
    empty = fill_submodules(main, tree_, links);
    for (const submodule& there : submodules_of(main)) {
      auto found = kept_ones.extract(there.path);
      if (!found.empty()) submodule_again(there, found.mapped());
    }
    for (const auto& [path, commit] : kept_ones)
      empty.push_back(
          {path, "the main checkout does not have it now; its work is commit " + commit});
  }

  void submodule_again(const submodule& there, const std::string& commit) {
    const saved_commit saved(in_main_clone(there.at), commit);
    const location made = place_in(tree_, there);
    make_submodule(tree_, made, saved.head);
    const auto inside = repository::at(made);
    restoring work(inside, made, saved);
    work.all(there.at, {});
    for (const auto& [path, reason] : work.empty)
      empty.push_back({there.path + "/" + path, reason});
  }

  void index() {
    if (auto bytes = kept("index")) {
      fs::write_file_atomic(tree_.git_dir / "index", *bytes);
    } else {
      command(tree_, {"read-tree", saved_.head.empty() ? "--empty" : saved_.head});
    }
  }

  void unfinished() {
    for (const auto& [mode, object, path] : state_) {
      if (!path.starts_with("state/")) continue;
      const std::string name = path.substr(6);
      if (!is_state(name))
        throw error("ESAVE", saved_.name + " has no state that we saved: " + name);
      fs::make_directories((tree_.git_dir / name).parent_path());
      fs::write_file_atomic(tree_.git_dir / name, blob(object));
    }
  }

  /// HEAD as it was; true when it is on its branch, which comes back when it is gone.
  bool head(const std::vector<worktree>& others) {
    if (!saved_.branch.empty()) {
      auto tip = repo_.resolve(saved_.branch);
      const bool taken = std::any_of(others.begin(), others.end(), [&](const worktree& other) {
        return !other.prunable && "refs/heads/" + other.branch == saved_.branch;
      });
      if (!taken && (!tip || *tip == saved_.head)) {
        if (!tip && !saved_.head.empty()) repo_.update_ref(saved_.branch, saved_.head, "");
        command(tree_, {"symbolic-ref", "-m", "agentlua", "HEAD", saved_.branch});
        return true;
      }
    }
    if (saved_.head.empty())
      throw error("EBUSY", "branch '" + saved_.branch.substr(11) +
                               "' had no commit when the work was saved and has one now, or is "
                               "checked out elsewhere; rename it first");
    command(tree_, {"update-ref", "--no-deref", "-m", "agentlua", "HEAD", saved_.head});
    return false;
  }

  /// The files that are not HEAD's, with the blobs that have their bytes.
  std::vector<tree_entry> exact_files(const std::vector<std::string>& absent) const {
    std::map<std::string, tree_entry> files;
    for (tree_entry& entry : read_tree(tree_, saved_.name))
      if (entry.mode.starts_with("100")) files[entry.path] = std::move(entry);
    if (!saved_.head.empty())
      for (const tree_entry& entry : read_tree(tree_, saved_.head))
        if (auto same = files.find(entry.path);
            same != files.end() && same->second.object == entry.object)
          files.erase(same);
    for (const std::string& path : absent) files.erase(path);
    for (const auto& [mode, object, path] : state_)
      if (path.starts_with("raw/")) files[path.substr(4)] = {mode, object, path.substr(4)};
    std::vector<tree_entry> list;
    for (auto& [path, entry] : files) list.push_back(std::move(entry));
    return list;
  }
  std::string blob(const std::string& object) const {
    return command(tree_, {"cat-file", "blob", object}).out;
  }
  std::optional<std::string> kept(std::string_view name) const {
    for (const tree_entry& entry : state_)
      if (entry.path == name) return blob(entry.object);
    return std::nullopt;
  }

  const repository& repo_;
  const location& tree_;
  const saved_commit& saved_;
  std::vector<tree_entry> state_;
};

}  // namespace detail

/// Makes a new worktree at `path` of what save() kept on `ref`: files byte for byte, deletions,
/// index, unfinished operation. HEAD is on its branch again when that is where it was, or gone (it
/// comes back), and checked out nowhere else; otherwise detached at the same commit. Content of
/// repositories of their own was never saved. The worktree stays locked against
/// pruning; on an error it is gone again, and the ref stays in any case. What a restore that was killed
/// has left at `path` goes first.
/// Errors: ENOENT (nothing is saved there), EEXIST (the path is taken), EBUSY (the branch, without
/// a commit then, has one now), EGIT.
inline restored_work restore(const repository& repo, const std::string& ref,
                             const stdfs::path& path) {
  auto commit = repo.resolve(ref);
  if (!commit) throw error("ENOENT", "nothing is saved on " + ref);
  auto lock = lock_repository(repo);
  command_options options{.hold = {lock.fd()}, .may_fail = true};
  if (auto half = find_worktree(repo, path); half && is_half_restored(*half))
    detail::remove_known(repo, *half, "", true, options);
  if (!detail::nothing_at(path))
    throw error("EEXIST", "cannot restore to '" + path.native() + "': something is there");
  const detail::saved_commit saved(repo.where(), *commit);
  auto others = worktrees(repo);
  fs::make_directories(path.parent_path());
  options.may_fail = false;
  command(repo.where(),
          {"worktree", "add", "--quiet", "--lock", "--reason", half_restored, "--no-checkout",
           "--detach", "--", path.native(), *commit},
          options);
  auto tree = find_worktree(repo, path);
  if (!tree) throw error("EGIT", "git made no worktree at '" + path.native() + "'");
  tree->hold = options.hold;  // who comes after a crash waits for a git that is still at it
  try {
    detail::restoring work(repo, *tree, saved);
    const bool on_branch = work.all(repo.where(), others);
    fs::write_file_atomic(tree->git_dir / "locked",
                          "used by agentlua: restored from " + ref + "\n");
    tree->hold.clear();
    return {*tree, on_branch ? saved.branch.substr(11) : "", *commit, std::move(work.empty)};
  } catch (...) {
    options.may_fail = true;
    detail::remove_known(repo, *tree, "", true, options);
    throw;
  }
}

}  // namespace agentlua::git
