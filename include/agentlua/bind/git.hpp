#pragma once
// agentlua/bind/git.hpp: room 7. `agentlua.core.git`: git operations as jobs on the pool.
//
// Each takes one table. `at` names the checkout: {git_dir=, common_dir=, work_tree=}, as open()
// and worktree_add() return it. Opened on demand and in a module of its own, because loading
// libgit2 costs more than all other start-up work of a command together.

#include <string>
#include <vector>

#include "agentlua/bind/job.hpp"
#include "agentlua/git.hpp"

namespace agentlua::bind {

namespace git_api {

inline json place(const git::location& at) {
  return {{"git_dir", at.git_dir.native()},
          {"common_dir", at.common_dir.native()},
          {"work_tree", at.work_tree.native()}};
}
/// The checkout that member `key` of an operation's table names.
inline git::location where(const json& t, const char* key = "at") {
  const json& at = t.at(key);
  std::shared_ptr<const git::settings> trusted;
  if (const json* known = member(t, "trusted"); known != nullptr && known->is_string())
    trusted = std::make_shared<git::settings>(json::parse(known->get<std::string>()));
  return {at.at("git_dir").get<std::string>(),
          at.at("common_dir").get<std::string>(),
          string_or(at, "work_tree"),
          at.value("hold", std::vector<int>{}),
          std::move(trusted),
          {}};
}
inline std::vector<std::string> list(const json& t, const char* key) {
  const json* value = member(t, key);
  return value != nullptr && !value->empty() ? value->get<std::vector<std::string>>()
                                             : std::vector<std::string>{};
}
inline std::string text(const json& t, const char* key) { return t.at(key).get<std::string>(); }
inline json maybe(const std::optional<std::string>& value) {
  return value ? json(*value) : json(nullptr);
}
inline git::repository repo(const json& t) { return git::repository::at(where(t)); }

inline json files(const std::vector<git::changed_file>& changed) {
  json out = json::array();
  for (const auto& file : changed) {
    out.push_back({{"path", file.path},
                   {"added", file.added},
                   {"deleted", file.deleted},
                   {"binary", file.binary},
                   {"status", std::string(1, file.status)}});
    if (!file.from.empty()) out.back()["from"] = file.from;
  }
  return out;
}

/// open{path=} -> {at=, branch=}: the repository that holds a path.
inline json open(const json& t) {
  auto found = git::repository::open(text(t, "path"));
  return {{"at", place(found.where())}, {"branch", found.head_branch()}};
}
inline json resolve(const json& t) { return maybe(repo(t).resolve(text(t, "revision"))); }
inline json contains(const json& t) {
  return repo(t).contains(text(t, "commit"), text(t, "ancestor"));
}
inline json identity(const json& t) { return repo(t).identity(); }
/// record{at=} -> text, for member `trusted` of the table of every other operation.
inline json record(const json& t) { return json(git::record_settings(where(t))).dump(); }
/// changed{at=, trusted=} -> [names]: settings and hooks that are not the recorded ones any more.
inline json changed(const json& t) { return git::changed_names(where(t)); }
inline json ref_values(const json& t) { return git::ref_values(repo(t)); }
/// mark_checkout{at=, untracked=} -> {head=, mover=, paths= {path = text}}
inline json mark_checkout(const json& t) {
  auto mark = git::mark_checkout(where(t), t.value("untracked", false));
  return {{"head", mark.head}, {"mover", mark.mover}, {"paths", mark.paths}};
}
/// put_back_ref{ref=, before=, now=, mover=, rescue=} -> true when it was put back
inline json put_back_ref(const json& t) {
  return git::put_back_ref(repo(t), {text(t, "ref"), text(t, "before"), text(t, "now"),
                                     text(t, "mover"), text(t, "rescue")});
}
inline json refs(const json& t) { return repo(t).refs(text(t, "prefix")); }
/// dated_refs{at=, prefix=} -> [{ref, commit, moved}], `moved` in seconds
inline json dated_refs(const json& t) {
  json out = json::array();
  for (const auto& ref : repo(t).dated_refs(text(t, "prefix")))
    out.push_back({{"ref", ref.name}, {"commit", ref.commit}, {"moved", ref.moved}});
  return out;
}
/// update_ref{at=, ref=, commit=, expected=}; expected "": it must be new
inline json update_ref(const json& t) {
  repo(t).update_ref(text(t, "ref"), text(t, "commit"),
                     member(t, "expected") ? std::optional(text(t, "expected")) : std::nullopt);
  return true;
}
/// delete_ref{at=, ref=, commit=}: only if it is there
inline json delete_ref(const json& t) {
  repo(t).delete_ref(text(t, "ref"), text(t, "commit"));
  return true;
}

inline json worktree_list(const json& t) {
  json out = json::array();
  for (const auto& tree : git::settled_worktrees(repo(t)))
    out.push_back({{"path", tree.path.native()},
                   {"head", tree.head},
                   {"branch", tree.branch},
                   {"reason", tree.reason},
                   {"prunable", tree.prunable},
                   {"locked", tree.locked}});
  return out;
}
/// worktree_find{at=, path=, git_dir=} -> at of the linked worktree, or null. Changes nothing.
inline json worktree_find(const json& t) {
  auto found = git::find_worktree(repo(t), text(t, "path"), string_or(t, "git_dir"));
  return found ? place(*found) : json(nullptr);
}
/// worktree_adopt{at=, path=, branch=, git_dir=, named=} -> at of the linked worktree, or null.
inline json worktree_adopt(const json& t) {
  auto found = git::adopt_worktree(repo(t), text(t, "path"), text(t, "branch"),
                                   string_or(t, "git_dir"), t.value("named", false));
  return found ? place(*found) : json(nullptr);
}
/// fetch{at=, remote=}
inline json fetch(const json& t) {
  git::fetch(repo(t), text(t, "remote"));
  return true;
}
/// push{at=, remote=, branch=}
inline json push(const json& t) {
  git::push(repo(t), text(t, "remote"), text(t, "branch"));
  return true;
}
inline json worktree_add(const json& t) {
  return place(git::add_worktree(repo(t), text(t, "path"), text(t, "branch"), text(t, "base")));
}
inline json empty_ones(const std::vector<git::empty_submodule>& list) {
  json out = json::array();
  for (const auto& one : list) out.push_back({{"path", one.path}, {"reason", one.reason}});
  return out;
}
/// fill_submodules{at=, tree=} -> [{path=, reason=}]: those that stay empty; at is the main checkout
inline json fill_submodules(const json& t) {
  git::location tree = where(t, "tree");
  return empty_ones(git::fill_submodules(where(t), tree, git::gitlinks(tree)));
}
/// worktree_remove{at=, tree=, branch=, tip=, never_used=, saved=}
inline json worktree_remove(const json& t) {
  git::remove_worktree(repo(t), where(t, "tree"), text(t, "branch"), string_or(t, "tip"),
                       t.value("never_used", false), string_or(t, "saved"));
  return true;
}
/// copies{at=, to=, globs=, exclude=, limit=} -> {copied=, skipped=}; at is the main checkout
inline json copies(const json& t) {
  auto done = git::copy_files(
      where(t), text(t, "to"), git::wanted_copies(where(t), list(t, "globs"), list(t, "exclude")),
      t.at("limit").get<std::uintmax_t>());
  return {{"copied", done.copied}, {"skipped", done.skipped}};
}
/// unchanged_copies{at=, to=, globs=, exclude=} -> paths that a worktree has as the main checkout has
inline json unchanged_copies(const json& t) {
  return git::same_files(
      where(t), text(t, "to"), git::wanted_copies(where(t), list(t, "globs"), list(t, "exclude")));
}
/// ignored{at=, paths=} -> those that git ignores
inline json ignored(const json& t) { return git::ignored_paths(where(t), list(t, "paths")); }
inline json commit_leftovers(const json& t) {
  return git::commit_leftovers(where(t), text(t, "branch"), text(t, "message"), list(t, "exclude"),
                               string_or(t, "since", "HEAD"));
}
inline json save(const json& t) {
  auto kept = git::save(where(t), text(t, "ref"), t.value("limit", std::uintmax_t{100} << 20),
                        list(t, "known"), t.value("always", false));
  return {{"commit", kept.commit}, {"skipped", kept.skipped}};
}
/// restore{at=, ref=, path=} -> {at=, branch= (empty: detached), commit=, submodules= (that stay empty)}
inline json restore(const json& t) {
  auto made = git::restore(repo(t), text(t, "ref"), text(t, "path"));
  return {{"at", place(made.tree)},
          {"branch", made.branch},
          {"commit", made.commit},
          {"submodules", empty_ones(made.empty)}};
}
/// diff{at=, from=, to=, renames=, text=} -> files, or a patch
inline json diff(const json& t) {
  const bool renames = t.value("renames", false);
  if (t.value("text", false))
    return git::diff_text(where(t), text(t, "from"), text(t, "to"), renames);
  return files(git::diff(where(t), text(t, "from"), text(t, "to"), renames));
}
/// merge_base{at=, a=, b=} -> commit, or null
inline json merge_base(const json& t) {
  auto found = git::merge_base(where(t), text(t, "a"), text(t, "b"));
  return found.empty() ? json(nullptr) : json(found);
}
inline json snapshot(const json& t) { return git::snapshot(where(t), list(t, "exclude")); }
inline json status(const json& t) {
  json out = json::array();
  for (auto& row :
       git::split_nul(git::command(where(t), {"status", "--porcelain=v1", "-z", "--no-renames"},
                                   {.env = {"GIT_OPTIONAL_LOCKS=0"}})
                          .out))
    if (row.size() > 3) out.push_back({{"path", row.substr(3)}, {"code", row.substr(0, 2)}});
  return out;
}

inline json conflicts(const std::vector<git::conflict>& list) {
  json out = json::array();
  for (const auto& one : list)
    out.push_back({{"path", one.path},
                   {"kind", one.kind},
                   {"base", one.base},
                   {"ours", one.ours},
                   {"theirs", one.theirs}});
  return out;
}

inline json state(const git::operation_state& now) {
  return {
      {"operation", now.operation}, {"conflicts", conflicts(now.conflicts)}, {"head", now.head}};
}
/// operation_start{at=, how = "merge" | "rebase", commit=} -> {operation, conflicts, head}
inline json operation_start(const json& t) {
  return state(git::start_operation(where(t), string_or(t, "how", "merge"), text(t, "commit")));
}
inline json operation_status(const json& t) { return state(git::operation_status(where(t))); }
/// operation_resolve{at=, path=, take = "ours" | "theirs" | "file"}
inline json operation_resolve(const json& t) {
  git::resolve_conflict(where(t), text(t, "path"), text(t, "take"));
  return state(git::operation_status(where(t)));
}
/// operation_advance{at=, how = "continue" | "skip" | "abort"}
inline json operation_advance(const json& t) {
  return state(git::advance_operation(where(t), text(t, "how")));
}
inline json is_merged(const json& t) {
  return git::is_merged(where(t), text(t, "base"), text(t, "tip"));
}
/// format_patch{base=, tip=, file=}: writes the patches to a file.
inline json format_patch(const json& t) {
  fs::write_file_atomic(text(t, "file"),
                        git::format_patch(where(t), text(t, "base"), text(t, "tip")));
  return true;
}

/// sweep{at=}: what killed processes have left in git directories
inline json sweep(const json& t) {
  git::sweep(repo(t));
  return true;
}

inline json land(const json& t) {
  git::land_request request;
  request.branch = text(t, "branch");
  request.base = text(t, "base");
  request.mode = string_or(t, "mode", "squash");
  request.message = text(t, "message");
  request.author = string_or(t, "author");
  request.pending_ref = text(t, "pending_ref");
  request.protect = list(t, "protect");
  request.verified_on = string_or(t, "verified_on");
  auto done = git::land(repo(t), request);
  return {{"status", done.status},
          {"reason", done.reason},
          {"commit", done.commit},
          {"base", done.base},
          {"paths", done.paths},
          {"files", files(done.files)},
          {"conflicts", conflicts(done.conflicts)}};
}
inline json finish_landing(const json& t) {
  git::finish_landing(repo(t), text(t, "pending_ref"));
  return true;
}
inline json recover_landing(const json& t) {
  return maybe(git::recover_landing(repo(t), text(t, "pending_ref"), text(t, "base")));
}

inline constexpr luaL_Reg functions[] = {
    {"open", job_function<open>},
    {"resolve", job_function<resolve>},
    {"contains", job_function<contains>},
    {"identity", job_function<identity>},
    {"record", job_function<record>},
    {"changed", job_function<changed>},
    {"ref_values", job_function<ref_values>},
    {"mark_checkout", job_function<mark_checkout>},
    {"put_back_ref", job_function<put_back_ref>},
    {"refs", job_function<refs>},
    {"dated_refs", job_function<dated_refs>},
    {"update_ref", job_function<update_ref>},
    {"delete_ref", job_function<delete_ref>},
    {"worktree_list", job_function<worktree_list>},
    {"worktree_find", job_function<worktree_find>},
    {"worktree_adopt", job_function<worktree_adopt>},
    {"fetch", job_function<fetch>},
    {"push", job_function<push>},
    {"worktree_add", job_function<worktree_add>},
    {"fill_submodules", job_function<fill_submodules>},
    {"worktree_remove", job_function<worktree_remove>},
    {"copies", job_function<copies>},
    {"unchanged_copies", job_function<unchanged_copies>},
    {"ignored", job_function<ignored>},
    {"commit_leftovers", job_function<commit_leftovers>},
    {"save", job_function<save>},
    {"restore", job_function<restore>},
    {"diff", job_function<diff>},
    {"merge_base", job_function<merge_base>},
    {"snapshot", job_function<snapshot>},
    {"status", job_function<status>},
    {"operation_start", job_function<operation_start>},
    {"operation_status", job_function<operation_status>},
    {"operation_resolve", job_function<operation_resolve>},
    {"operation_advance", job_function<operation_advance>},
    {"is_merged", job_function<is_merged>},
    {"format_patch", job_function<format_patch>},
    {"sweep", job_function<sweep>},
    {"land", job_function<land>},
    {"finish_landing", job_function<finish_landing>},
    {"recover_landing", job_function<recover_landing>},
    {nullptr, nullptr}};

}  // namespace git_api

/// The table `agentlua.core.git`. The state must have agentlua.core open. [-0, +1]
inline int open_git(lua_State* L) {
  push_array_mark(L);
  lua_pop(L, 1);
  open_job(L);
  new_table(L, git_api::functions);
  return 1;
}

}  // namespace agentlua::bind
