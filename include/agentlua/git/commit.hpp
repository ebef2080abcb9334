#pragma once
// agentlua/git/commit.hpp: room 4. A commit object of a tree, as git commit-tree makes it.

#include <git2.h>

#include <ctime>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "agentlua/git/repository.hpp"
#include "agentlua/text.hpp"

namespace agentlua::git {

/// What a new commit is made of.
struct new_commit {
  std::string tree;
  std::vector<std::string> parents;
  std::string message;
  std::string author = {};  ///< "Name <email>"; git's own when empty
  std::string date = {};    ///< when the author made it; now when empty
  bool sign = false;        ///< when the user signs
};

namespace detail {

/// "1700000000 +0100", as git dates a commit that is made now.
inline std::string commit_time() {
  const std::time_t now = std::time(nullptr);
  std::tm local{};
  ::localtime_r(&now, &local);
  char zone[8];
  std::strftime(zone, sizeof zone, "%z", &local);
  return std::to_string(now) + " " + zone;
}

/// Text of a commit that git takes over byte for byte.
inline bool is_plain(std::string_view commit) {
  if (commit.find('\0') != std::string_view::npos) return false;
  while (!commit.empty()) {
    const std::size_t length = text::utf8_length(commit);
    if (length == 0) return false;
    commit.remove_prefix(length);
  }
  return true;
}

/// The commit made in process; nullopt: git has to do it, because only it knows who the author is or
/// how to sign, or to say what is wrong.
inline std::optional<std::string> commit_in_process(const repository& repo,
                                                    const new_commit& made) {
  const location& at = repo.where();
  if (repo.native() == nullptr || !at.trusted || (made.sign && at.signs()) ||
      !made.author.empty() || !identity_unchanged(at, *at.trusted))
    return std::nullopt;
  const std::string when = commit_time();
  std::string content = "tree " + made.tree + "\n";
  for (const std::string& parent : made.parents) content += "parent " + parent + "\n";
  content += "author " + at.trusted->author + " " + when + "\n";
  content += "committer " + at.trusted->committer + " " + when + "\n\n" + made.message;
  if (!is_plain(content)) return std::nullopt;
  git_odb* raw = nullptr;
  git_oid id;
  if (git_repository_odb(&raw, repo.native()) != 0) return std::nullopt;
  const owned<git_odb, git_odb_free> objects(raw);
  if (git_odb_write(&id, raw, content.data(), content.size(), GIT_OBJECT_COMMIT) != 0)
    return std::nullopt;
  return git_oid_tostr_s(&id);
}

}  // namespace detail

/// Writes a commit and gives its name. No ref is moved. Errors: EGIT.
inline std::string write_commit(const repository& repo, const new_commit& made,
                                command_options options = {}) {
  if (auto commit = detail::commit_in_process(repo, made)) return *commit;
  std::vector<std::string> args = {"commit-tree", made.tree};
  for (const std::string& parent : made.parents) args.insert(args.end(), {"-p", parent});
  if (made.sign && repo.where().signs()) args.emplace_back("-S");
  args.insert(args.end(), {"-F", "-"});
  options.input = made.message;
  if (auto mail = made.author.find(" <"); mail != std::string::npos) {
    options.env.push_back("GIT_AUTHOR_NAME=" + made.author.substr(0, mail));
    options.env.push_back(
        "GIT_AUTHOR_EMAIL=" + made.author.substr(mail + 2, made.author.size() - mail - 3));
  }
  if (!made.date.empty()) options.env.push_back("GIT_AUTHOR_DATE=" + made.date);
  return line(repo.where(), args, options);
}

}  // namespace agentlua::git
