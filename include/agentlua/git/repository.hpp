#pragma once
// agentlua/git/repository.hpp: room 4. Opening a repository; its refs, read and written in process.

#include <git2.h>

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "agentlua/error.hpp"
#include "agentlua/git/command.hpp"

namespace agentlua::git {

namespace detail {

template <auto Free>
struct deleter {
  template <class T>
  void operator()(T* object) const noexcept {
    Free(object);
  }
};
template <class T, auto Free>
using owned = std::unique_ptr<T, deleter<Free>>;

}  // namespace detail

/// A repository seen from one checkout.
///
/// libgit2 reads and writes refs in process. A repository that it does not understand (sha256,
/// unknown extensions) is served by the git program instead; callers see no difference.
/// Object names are hex strings of any length. Threads: one thread at a time; open one per thread.
class repository {
 public:
  /// Finds the repository that `start` is in.
  /// Errors: ENOREPO (none there), EOWNER (git refuses because it belongs to somebody else), EINVAL (a
  /// newline in its path: git's own pointer files and answers cannot hold one).
  static repository open(const stdfs::path& start) {
    repository repo;
    location nowhere;
    nowhere.work_tree = start;
    run_result found = command_at(
        nowhere, {"rev-parse", "--is-bare-repository", "--absolute-git-dir", "--git-common-dir"});
    if (found.err.find("dubious ownership") != std::string::npos)
      throw error("EOWNER",
                  "git refuses '" + start.native() + "': it belongs to another user; " +
                      "git config --global --add safe.directory '" + start.native() + "'");
    if (found.code != 0)
      throw error("ENOREPO",
                  "'" + start.native() + "' is not in a git repository; git init makes one");
    auto lines = split_lines(found.out);
    auto refuse = [&] {
      throw error("EINVAL", "the repository of '" + start.native() +
                                "' has a newline in its path; move it to one without");
    };
    if (lines.size() != 3) refuse();
    bool bare = lines[0] == "true";
    repo.at_.git_dir = lines[1];
    repo.at_.common_dir = stdfs::weakly_canonical(start / lines[2]);
    if (!bare) {
      auto top = split_lines(command_at(nowhere, {"rev-parse", "--show-toplevel"}).out);
      if (top.empty())
        throw error("ENOREPO",
                    "'" + start.native() + "' is inside a .git directory; name the checkout");
      if (top.size() != 1) refuse();
      repo.at_.work_tree = top[0];
    }
    repo.open_native();
    return repo;
  }

  /// A repository whose directories are known already, e.g. recorded with a task.
  static repository at(const location& where) {
    repository repo;
    repo.at_ = where;
    repo.open_native();
    return repo;
  }

  const location& where() const noexcept { return at_; }
  /// Handle of libgit2, or null when it does not understand the repository. For reading.
  git_repository* native() const noexcept { return native_.get(); }

  /// Commit that a revision names, as hex; nullopt when there is none.
  std::optional<std::string> resolve(const std::string& revision) const {
    if (!native_) {
      auto found = command(
          at_, {"rev-parse", "--verify", "--quiet", "--end-of-options", revision + "^{commit}"},
          quiet());
      return found.code == 0 ? std::optional(split_lines(found.out).at(0)) : std::nullopt;
    }
    git_object* raw = nullptr;
    if (git_revparse_single(&raw, native_.get(), (revision + "^{commit}").c_str()) != 0)
      return std::nullopt;
    detail::owned<git_object, git_object_free> object(raw);
    return git_oid_tostr_s(git_object_id(raw));
  }

  /// Branch that HEAD of this checkout names, without refs/heads/; empty when detached.
  std::string head_branch() const {
    // Not --short: that says heads/x where a tag x is there as well.
    auto found = command(at_, {"symbolic-ref", "--quiet", "HEAD"}, quiet());
    const std::string prefix = "refs/heads/";
    if (found.code != 0 || !found.out.starts_with(prefix)) return "";
    return split_lines(found.out).at(0).substr(prefix.size());
  }

  /// True when `ancestor` is `commit` or one of its ancestors. Both are full hex names.
  bool contains(const std::string& commit, const std::string& ancestor) const {
    if (commit == ancestor) return true;
    git_oid a;
    git_oid b;
    if (!native_ || git_oid_fromstr(&a, commit.c_str()) != 0 ||
        git_oid_fromstr(&b, ancestor.c_str()) != 0)
      return command(at_, {"merge-base", "--is-ancestor", ancestor, commit}, quiet()).code == 0;
    return git_graph_descendant_of(native_.get(), &a, &b) == 1;
  }

  /// Points a ref itself (never one that it stands for) at a commit, only if it is at `expected` now ("": must not exist; nullopt: any).
  /// Errors: EMOVED (it is elsewhere), EGIT.
  void update_ref(const std::string& ref, const std::string& commit,
                  const std::optional<std::string>& expected = std::nullopt) const {
    if (!expected && update_own_ref(ref, commit)) return;
    std::vector<std::string> args = {
        "update-ref", "--no-deref", "--create-reflog", "-m", "agentlua", ref, commit};
    if (expected) args.push_back(expected->empty() ? std::string(commit.size(), '0') : *expected);
    auto done = command(at_, args, quiet());
    if (done.code == 0) return;
    bool moved = done.err.find("but expected") != std::string::npos ||
                 done.err.find("already exists") != std::string::npos;
    throw error(moved ? "EMOVED" : "EGIT", "cannot move " + ref + ": " + done.err);
  }

  /// Removes a ref, only if it is at `expected`. One that is gone is well. Errors: EMOVED, EGIT.
  void delete_ref(const std::string& ref, const std::string& expected) const {
    if (!resolve(ref)) return;
    if (delete_own_ref(ref, expected) && !resolve(ref)) return;
    auto done = command(at_, {"update-ref", "--no-deref", "-d", ref, expected}, quiet());
    if (done.code != 0 && resolve(ref))
      throw error("EMOVED", "cannot delete " + ref + ": " + done.err);
  }

  /// Names of the refs below a prefix like "refs/agentlua/pending/".
  std::vector<std::string> refs(const std::string& prefix) const {
    return split_lines(command(at_, {"for-each-ref", "--format=%(refname)", prefix}).out);
  }

  /// A ref with the time, in seconds of the wall clock, at which it was last moved.
  struct dated_ref {
    std::string name, commit;
    double moved;
  };
  /// The refs below a prefix with their times: those of their logs, else those of their commits.
  std::vector<dated_ref> dated_refs(const std::string& prefix) const {
    std::vector<dated_ref> all;
    const std::string format = "--format=%(objectname) %(creatordate:unix) %(refname)";
    for (const std::string& row : split_lines(command(at_, {"for-each-ref", format, prefix}).out)) {
      auto first = row.find(' ');
      auto second = row.find(' ', first + 1);
      dated_ref ref{row.substr(second + 1), row.substr(0, first),
                    std::strtod(row.c_str() + first, nullptr)};
      struct stat log {};
      if (::stat((at_.common_dir / "logs" / ref.name).c_str(), &log) == 0)
        ref.moved = static_cast<double>(log.st_mtim.tv_sec);
      all.push_back(std::move(ref));
    }
    return all;
  }

  /// "Name <email>" that git would commit as. Errors: EIDENTITY (none is configured).
  std::string identity() const {
    auto found = command(at_, {"var", "GIT_COMMITTER_IDENT"}, quiet());
    if (found.code != 0)
      throw error("EIDENTITY",
                  "git does not know who you are; git config --global user.name \"...\" "
                  "and git config --global user.email \"...\"");
    return found.out.substr(0, found.out.rfind('>') + 1);
  }

  /// Landings under way. They change only under the lock of the repository, so that a lock on one that a
  /// killed process has left can be told from a living one (sweep.hpp).
  static constexpr const char* own_refs = "refs/agentlua/pending/";

  static std::vector<std::string> split_lines(std::string_view out) {
    std::vector<std::string> lines;
    while (!out.empty()) {
      auto end = out.find('\n');
      lines.emplace_back(out.substr(0, end));
      if (end == std::string_view::npos) break;
      out.remove_prefix(end + 1);
    }
    return lines;
  }

 private:
  repository() = default;

  // Pending refs come and go with every landing: in process, without the user's hooks. All others move
  // by git, which comes to its end when the host is killed. False: git has to do it, and to say what is
  // wrong.
  bool update_own_ref(const std::string& ref, const std::string& commit) const {
    git_oid id;
    git_reference* made = nullptr;
    if (!native_ || !ref.starts_with(own_refs) || git_oid_fromstr(&id, commit.c_str()) != 0 ||
        git_reference_create(&made, native_.get(), ref.c_str(), &id, 1, "agentlua") != 0)
      return false;
    git_reference_free(made);
    return true;
  }
  bool delete_own_ref(const std::string& ref, const std::string& expected) const {
    git_reference* raw = nullptr;
    if (!native_ || !ref.starts_with(own_refs) ||
        git_reference_lookup(&raw, native_.get(), ref.c_str()) != 0)
      return false;
    detail::owned<git_reference, git_reference_free> found(raw);
    const git_oid* now = git_reference_target(raw);
    return now != nullptr && git_oid_tostr_s(now) == expected && git_reference_delete(raw) == 0;
  }
  static run_result command_at(const location& where, std::vector<std::string> args) {
    return command(where, std::move(args), quiet());
  }
  static command_options quiet() { return {.may_fail = true}; }
  void open_native() {
    git_repository* raw = nullptr;
    if (git_repository_open_ext(
            &raw, at_.git_dir.c_str(), GIT_REPOSITORY_OPEN_NO_SEARCH, nullptr) == 0)
      native_.reset(raw);
  }

  /// Starts libgit2 with the first repository and leaves it up: shutting it down while other threads
  /// have used it loses what it keeps for them.
  struct library {
    library() {
      [[maybe_unused]] static const int users = [] {
        const int count = git_libgit2_init();
        git_libgit2_opts(GIT_OPT_ENABLE_FSYNC_GITDIR, 1);  // a ref is on the disk when we say so
        return count;
      }();
    }
  };

  library library_;  // before native_: libgit2 must be up when the handle is made
  location at_;
  detail::owned<git_repository, git_repository_free> native_;
};

}  // namespace agentlua::git
