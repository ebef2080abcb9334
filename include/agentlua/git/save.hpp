#pragma once
// agentlua/git/save.hpp: room 4. Keeps all that a worktree has as a commit; restore.hpp reads it.
//
// The commit's tree is the files. Its parents are the HEAD of the worktree and, when more than files
// is to be kept, a commit of the state:
//   index                   the index, when something is staged, unmerged or flagged
//   staged/<stage>/<path>   what only the index has
//   raw/<path>              files that git converts when it adds them, as they are
//   absent                  paths, NUL-terminated, that the index says to leave out (sparse)
//   submodule/<path>        commit that keeps a submodule in the same way, in its main clone
//   state/<file>            an unfinished merge, rebase, pick, revert or bisect
//   named/<object>          blobs and trees that the state names; commits are further parents
// The message ends in "Head: <ref>", when HEAD is one, and "State: <commit>", when there is one.

#include <sys/stat.h>

#include <algorithm>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "agentlua/git/commit.hpp"
#include "agentlua/git/objects.hpp"
#include "agentlua/git/repository.hpp"
#include "agentlua/git/submodules.hpp"
#include "agentlua/git/survey.hpp"

namespace agentlua::git {

/// What save() kept.
struct saved_work {
  std::string commit;  ///< empty: there was nothing that a branch does not have
  /// Ignored files that were over the limit, and repositories of their own (with a slash at the end),
  /// submodules too that the main clone does not have: only the directory has what is in them.
  std::vector<std::string> skipped;
};

namespace detail {

/// Saving one worktree, step by step.
class saving {
 public:
  explicit saving(const location& tree) : tree_(tree), now_(survey_of(tree)) {
    state_ = state_files(tree);
    skipped = now_.repositories;
  }

  /// Chooses ignored files, the smaller ones first, up to `limit` bytes.
  void choose_ignored(std::uintmax_t limit, const std::vector<std::string>& known) {
    const std::set<std::string> elsewhere(known.begin(), known.end());
    std::vector<std::pair<std::uintmax_t, std::string>> files;
    for (const std::string& path : now_.ignored) {
      struct stat info {};
      if (elsewhere.contains(path)) continue;
      if (::lstat((tree_.work_tree / path).c_str(), &info) == 0)
        files.emplace_back(static_cast<std::uintmax_t>(info.st_size), path);
    }
    std::sort(files.begin(), files.end());
    std::uintmax_t total = 0;
    for (auto& [size, path] : files) {
      total += size;
      (total > limit ? skipped : ignored_).push_back(std::move(path));
    }
  }

  /// Takes in what was kept of a submodule.
  void add_submodule(const std::string& path, const saved_work& kept) {
    std::erase(skipped, path + "/");
    for (const std::string& inner : kept.skipped)
      skipped.push_back(std::string(path).append("/").append(inner));
    if (!kept.commit.empty()) submodules_[path] = kept.commit;
  }

  /// Keeps what a submodule has on branches and the like, HEAD too, that its main clone does not have.
  void keep_refs(const std::string& top) const {
    for (const auto& [name, object] : refs_only_here(tree_))
      give_to_main_clone(tree_, object, std::string(top).append("/").append(name));
  }

  /// True when only this worktree has something.
  bool needed() const {
    return now_.index_differs || !now_.changed.empty() || !now_.deleted.empty() ||
           !now_.untracked.empty() || !ignored_.empty() || !submodules_.empty() ||
           std::any_of(state_.begin(), state_.end(), is_unfinished) || head_is_nowhere();
  }

  /// Writes the objects and reads them back; `ref` comes into being last.
  std::string write(const std::string& ref) {
    copy_indexes();
    new_commit made{files_tree(), {}, "agentlua: saved work of "};
    made.message += tree_.work_tree.filename().native() + "\n\n";
    if (!now_.head.empty()) made.parents.push_back(now_.head);
    if (!now_.branch.empty()) made.message += "Head: " + now_.branch + "\n";
    if (const std::string state = state_commit(); !state.empty()) {
      made.parents.push_back(state);
      made.message += "State: " + state + "\n";
    }
    const auto repo = repository::at(tree_);
    std::string commit = write_commit(repo, made);
    read_back(commit);
    if (!tree_.origin.empty()) {
      give_to_main_clone(tree_, commit, ref + "/HEAD");
      return commit;
    }
    repo.update_ref(ref, commit, "");
    if (repo.resolve(ref) != commit) throw error("ESAVE", ref + " does not hold what was saved");
    return commit;
  }

  std::vector<std::string> skipped;

 private:
  bool head_is_nowhere() const {
    if (!tree_.origin.empty()) return false;  // see keep_refs()
    return now_.branch.empty() && !now_.head.empty() &&
           command(tree_, {"for-each-ref", "--count=1", "--contains", now_.head, "refs/heads",
                           "refs/tags", "refs/remotes"})
               .out.empty();
  }

  /// Two copies: one to keep, one to work with, which knows what need not be hashed again.
  void copy_indexes() {
    if (!copy_index(tree_.git_dir / "index", kept_index_)) return;
    for (const std::string& name : fs::list_directory(tree_.git_dir))
      if (name.starts_with("sharedindex.")) {  // it may be half an index: make it a whole one
        must_with_index(tree_, kept_index_, {"update-index", "--force-write-index"});
        break;
      }
    copy_index(kept_index_, index_);
  }

  /// Changes the private index; executable bits are seen whatever the settings say.
  void update(std::vector<std::string> how, const std::vector<std::string>& paths) const {
    std::vector<std::string> args = {"-c", "core.fileMode=true", "update-index"};
    for (std::string& option : how) args.push_back(std::move(option));
    args.insert(args.end(), {"-z", "--stdin"});
    if (!paths.empty()) must_with_index(tree_, index_, std::move(args), nul_separated(paths));
  }

  /// The tree of the files. Fills converted_ and expected_.
  std::string files_tree() {
    update({"--no-assume-unchanged"}, now_.assumed);
    update({"--no-skip-worktree"}, now_.sparse);
    update({"--force-remove"}, now_.deleted);
    std::vector<std::string> touched = now_.changed;
    touched.insert(touched.end(), now_.untracked.begin(), now_.untracked.end());
    touched.insert(touched.end(), ignored_.begin(), ignored_.end());
    update({"--add", "--remove", "--replace"}, touched);
    std::string tree = must_with_index(tree_, index_, {"write-tree"});

    const std::set<std::string> wanted(touched.begin(), touched.end());
    std::vector<tree_entry> regular;
    std::vector<stdfs::path> paths;
    for (tree_entry& entry : read_tree(tree_, tree)) {
      if (!entry.mode.starts_with("100") || !wanted.contains(entry.path)) continue;
      paths.push_back(tree_.work_tree / entry.path);
      regular.push_back(std::move(entry));
    }
    auto objects = hash_files(tree_, paths, false);
    for (std::size_t i = 0; i < regular.size(); ++i) {
      if (objects[i] != regular[i].object) converted_.push_back(regular[i].path);
      expected_.emplace_back(paths[i], objects[i]);
    }
    return tree;
  }

  /// The commit that keeps what is not files; empty when there is no need.
  std::string state_commit() {
    const bool unfinished = std::any_of(state_.begin(), state_.end(), is_unfinished);
    const bool index = now_.index_differs || !now_.absent.empty() || unfinished ||
                       !submodules_.empty();
    if (!index && converted_.empty()) return {};
    std::vector<stdfs::path> files;
    std::vector<tree_entry> entries;
    auto keep = [&](stdfs::path file, std::string name) {
      files.push_back(std::move(file));
      entries.push_back({"100644", "", std::move(name)});
    };
    for (const std::string& path : converted_) keep(tree_.work_tree / path, "raw/" + path);
    if (unfinished)
      for (const std::string& name : state_) keep(tree_.git_dir / name, "state/" + name);
    const std::size_t checked = files.size();
    if (index && !nothing_at(kept_index_)) keep(kept_index_, "index");
    if (!now_.absent.empty()) {
      fs::write_file_atomic(scratch_ / "absent", nul_separated(now_.absent));
      keep(scratch_ / "absent", "absent");
    }
    auto objects = hash_files(tree_, files, true);
    for (std::size_t i = 0; i < files.size(); ++i) {
      entries[i].object = objects[i];
      if (i < checked) expected_.emplace_back(files[i], objects[i]);
    }
    for (const auto& [mode, object, path] : now_.staged)
      entries.push_back({mode, object, "staged/" + path});
    for (const auto& [path, commit] : submodules_)
      entries.push_back({"160000", commit, "submodule/" + path});
    new_commit made{{}, {}, "agentlua: state of " + tree_.work_tree.filename().native() + "\n"};
    if (unfinished) made.parents = add_named(entries);
    made.tree = detail::write_tree(tree_, scratch_ / "state", entries);
    return write_commit(repository::at(tree_), made);
  }

  /// Finds the objects that state files name: blobs and trees become entries, commits parents.
  std::vector<std::string> add_named(std::vector<tree_entry>& entries) const {
    const std::size_t length = entries.front().object.size();
    std::set<std::string> names;
    for (const std::string& file : state_)
      find_names(fs::read_file(tree_.git_dir / file), length, names);
    command_options query;
    for (const std::string& name : names) query.input += name + "\n";
    std::vector<std::string> parents;
    for (const std::string& found : repository::split_lines(
             command(tree_, {"cat-file", "--batch-check=%(objectname) %(objecttype)"}, query)
                 .out)) {
      std::string name = found.substr(0, length);
      if (found.ends_with(" commit")) parents.push_back(name);
      if (found.ends_with(" blob")) entries.push_back({"100644", name, "named/" + name});
      if (found.ends_with(" tree")) entries.push_back({"040000", name, "named/" + name});
    }
    return parents;
  }

  /// Compares with the worktree again, and walks all that was written.
  void read_back(const std::string& commit) const {
    std::vector<stdfs::path> files;
    std::vector<std::string> objects;
    for (const auto& [file, object] : expected_) {
      files.push_back(file);
      objects.push_back(object);
    }
    auto options = with_index(index_);
    options.may_fail = true;
    const bool changed =
        command(tree_, {"update-index", "--ignore-submodules", "--refresh"}, options).code != 0 ||
        hash_files(tree_, files, false) != objects || survey_of(tree_).text != now_.text ||
        state_files(tree_) != state_;
    if (changed)
      throw error("ESAVE", "'" + tree_.work_tree.native() + "' changed while it was saved");
    // Not --all: that has the HEAD of every worktree, also of one that is just being made.
    command(tree_, {"rev-list", "--objects", "--quiet", commit, "--not", "--glob=refs/*"});
  }

  const location& tree_;
  survey now_;
  std::vector<std::string> state_, ignored_, converted_;
  std::map<std::string, std::string> submodules_;              // path -> saved commit
  std::vector<std::pair<stdfs::path, std::string>> expected_;  // files, and what they hashed to
  scratch_directory scratch_{tree_.git_dir};
  stdfs::path index_ = scratch_ / "index", kept_index_ = scratch_ / "kept";
};

/// Where a submodule is saved: below `ref` in its main clone, which may have one of that name from elsewhere.
inline std::string free_ref(const location& submodule, const std::string& ref) {
  const auto repo = repository::at(in_main_clone(submodule));
  std::string name = ref;
  for (int n = 2; !repo.refs(name).empty(); ++n) name = ref + "-" + std::to_string(n);
  return name;
}

}  // namespace detail

/// Keeps everything that only this worktree has as a commit on the new ref `ref`, and reads it back:
/// files (of the ignored ones the smaller first, up to `limit` bytes), deletions, the index, an
/// unfinished operation, and commits that are on no branch. `known` are ignored paths that somebody
/// else has a copy of; `always` saves also what has nothing of its own. Submodules are saved in
/// their main clones, with branches of their own, below a ref of the same name. A tracked file that git
/// calls unchanged is kept as git has it. The worktree stays as it is and no lock is taken.
/// Errors: ESAVE (it changed meanwhile, or cannot be read; keep the worktree), EMOVED (`ref` is
/// there already), EGIT.
inline saved_work save(const location& tree, const std::string& ref, std::uintmax_t limit,
                       const std::vector<std::string>& known, bool always = false) {
  detail::saving work(tree);
  work.choose_ignored(limit, known);
  for (const submodule& one : submodules_of(tree))
    work.add_submodule(one.path, save(one.at, detail::free_ref(one.at, ref), limit, {}));
  saved_work result;
  if (always || work.needed()) result.commit = work.write(ref);
  if (!tree.origin.empty()) work.keep_refs(ref);
  result.skipped = std::move(work.skipped);
  return result;
}

}  // namespace agentlua::git
