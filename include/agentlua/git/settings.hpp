#pragma once
// agentlua/git/settings.hpp: room 4. What a repository may start: recorded before the first agent runs,
// held against what agents set afterwards.

#include <map>
#include <optional>
#include <set>
#include <string>
#include <tuple>
#include <vector>

#include "agentlua/git/identity.hpp"
#include "agentlua/json.hpp"
#include "agentlua/text.hpp"

namespace agentlua::git {

/// The part of git's configuration that starts programs, or decides what git does to files.
struct settings {
  std::map<std::string, std::string> values;  ///< key -> value that counts
  std::map<std::string, std::string> files;   ///< configuration files -> SHA-256; "": not there
  std::string hooks_dir;                      ///< absolute
  std::string hooks;                          ///< SHA-256 over the hooks in it; "": none
  /// "Name <email>" that git writes into commits while `files` are as recorded; "": git is to be asked.
  std::string author, committer;
  /// Submodules of the main clone: git directory -> its record.
  std::map<std::string, std::shared_ptr<const settings>> modules;
};

inline void to_json(json& out, const settings& from) {
  out = {{"values", from.values}, {"files", from.files},   {"hooks_dir", from.hooks_dir},
         {"hooks", from.hooks},   {"author", from.author}, {"committer", from.committer}};
  for (const auto& [dir, record] : from.modules) out["modules"][dir] = *record;
}
inline void from_json(const json& from, settings& out) {
  from.at("values").get_to(out.values);
  from.at("files").get_to(out.files);
  from.at("hooks_dir").get_to(out.hooks_dir);
  from.at("hooks").get_to(out.hooks);
  out.author = from.value("author", "");
  out.committer = from.value("committer", "");
  if (!from.contains("modules")) return;
  for (const auto& [dir, record] : from.at("modules").items())
    out.modules[dir] = std::make_shared<settings>(record.get<settings>());
}

namespace detail {

/// Settings that are looked after, and what stands for one that was not there when the record was
/// made. '*' is any subsection. An empty filter is none; the merge driver is what git does without one.
struct guarded_setting {
  const char* key;
  const char* neutral;
};
inline constexpr guarded_setting guarded_settings[] = {
    {"filter.*.clean", ""},
    {"filter.*.smudge", ""},
    {"filter.*.process", ""},
    {"filter.*.required", "false"},
    {"merge.*.driver", "git merge-file -q --marker-size=%L %A %O %B"},
    {"merge.*.recursive", "binary"},
    {"merge.default", "text"},
    {"merge.renames", "true"},
    {"diff.*.command", ""},
    {"diff.*.textconv", ""},
    {"diff.external", ""},
    {"core.sshcommand", "ssh"},
    {"core.gitproxy", "none"},
    {"core.askpass", ""},
    {"core.alternaterefscommand", ""},
    {"core.attributesfile", ""},
    {"core.autocrlf", "false"},
    {"core.eol", "native"},
    {"core.symlinks", "true"},
    {"core.ignorecase", "false"},
    {"core.sparsecheckout", "false"},
    {"credential.helper", ""},
    {"credential.*.helper", ""},
    {"remote.*.url", ""},
    {"remote.*.pushurl", ""},
    {"url.*.insteadof", ""},
    {"url.*.pushinsteadof", ""},
    {"remote.*.promisor", "false"},
    {"remote.*.uploadpack", "git-upload-pack"},
    {"remote.*.receivepack", "git-receive-pack"},
    {"remote.*.vcs", ""},
    {"remote.*.proxy", ""},
    {"http.proxy", ""},
    {"submodule.*.update", "checkout"},
    {"trailer.*.command", ""},
    {"trailer.*.cmd", ""},
    {"commit.gpgsign", "false"},
    {"user.signingkey", ""},
    {"gpg.program", "gpg"},
    {"gpg.openpgp.program", "gpg"},
    {"gpg.x509.program", "gpgsm"},
    {"gpg.ssh.program", "ssh-keygen"},
    {"gpg.ssh.defaultkeycommand", ""},
    {"gpg.format", "openpgp"},
    {"log.showsignature", "false"}};

/// What stands for a setting that nobody had recorded; nullopt: it is not looked after.
inline std::optional<std::string> neutral_of(std::string_view key) {
  for (const auto& one : guarded_settings) {
    std::string_view pattern = one.key;
    const auto star = pattern.find('*');
    if (star == std::string_view::npos) {
      if (key == pattern) return one.neutral;
    } else if (key.size() > pattern.size() - 1 && key.starts_with(pattern.substr(0, star)) &&
               key.ends_with(pattern.substr(star + 1))) {
      return one.neutral;
    }
  }
  return std::nullopt;
}

/// True for settings that say where a remote is. All their values count.
inline bool is_address(std::string_view key) {
  return key.starts_with("url.") ||
         (key.starts_with("remote.") && (key.ends_with(".url") || key.ends_with(".pushurl")));
}

inline std::string digest_of_file(const stdfs::path& file) {
  try {
    return text::sha256_hex(fs::read_file(file, 16 << 20));
  } catch (const error& problem) {
    return problem.code() == "ENOENT" || problem.code() == "ENOTDIR" ? "" : problem.code();
  }
}

/// SHA-256 over the hooks in a directory, names and content; "" when there are none.
inline std::string digest_of_hooks(const stdfs::path& dir) {
  std::map<std::string, std::string> hooks;
  std::error_code problem;
  for (stdfs::directory_iterator entry(dir, problem), end; !problem && entry != end;
       entry.increment(problem)) {
    const std::string name = entry->path().filename().native();
    if (!name.ends_with(".sample") && ::access(entry->path().c_str(), X_OK) == 0 &&
        !stdfs::is_directory(entry->path(), problem))
      hooks[name] = digest_of_file(entry->path());
  }
  if (hooks.empty()) return {};
  std::string all;
  for (const auto& [name, digest] : hooks)
    all.append(name).append(1, '\0').append(digest).append(1, '\0');
  return text::sha256_hex(all);
}

/// Where an `include.path` of a configuration file leads.
inline stdfs::path included(const stdfs::path& from, const std::string& path) {
  const char* home = std::getenv("HOME");
  if (path.starts_with("~/")) return (home != nullptr ? home : "") + path.substr(1);
  return from.parent_path() / path;
}

/// Reads what counts at a location. git itself evaluates includes and their conditions.
inline settings read_settings(const location& at) {
  settings out;
  auto rows = split_nul(invoke(at, always(), {"config", "--list", "--show-origin", "-z"}, {}).out);
  const stdfs::path base = at.work_tree.empty() ? at.common_dir : at.work_tree;
  for (std::size_t i = 0; i + 1 < rows.size(); i += 2) {
    const stdfs::path origin = rows[i].starts_with("file:") ? base / rows[i].substr(5)
                                                            : stdfs::path();
    const auto end = rows[i + 1].find('\n');
    const std::string key = rows[i + 1].substr(0, end);
    const bool bare = end == std::string::npos;  // a key alone is true
    const std::string value = bare ? "true" : rows[i + 1].substr(end + 1);
    if (origin.empty()) continue;  // given by us
    out.files[origin.native()] = digest_of_file(origin);
    if (key == "include.path" || (key.starts_with("includeif.") && key.ends_with(".path"))) {
      const stdfs::path target = included(origin, value);
      out.files[target.native()] = digest_of_file(target);
    }
    if (is_address(key)) out.values[key].append(value).append("\n");
    else if (neutral_of(key)) out.values[key] = value;
  }
  return out;
}

/// The user's own directory of git.
inline stdfs::path user_directory() {
  const char* home = std::getenv("HOME");
  const char* xdg = std::getenv("XDG_CONFIG_HOME");
  if (xdg != nullptr && *xdg != 0) return stdfs::path(xdg) / "git";
  return stdfs::path(home != nullptr ? home : "/") / ".config/git";
}

/// Files that git would read if they were there.
inline std::vector<stdfs::path> configuration_files(const location& at) {
  std::vector<stdfs::path> files = {at.common_dir / "config", at.common_dir / "config.worktree",
                                    "/etc/gitconfig", user_directory() / "config"};
  if (const char* global = std::getenv("GIT_CONFIG_GLOBAL")) files.emplace_back(global);
  if (const char* home = std::getenv("HOME")) files.push_back(stdfs::path(home) / ".gitconfig");
  return files;
}

inline bool unchanged(const settings& known) {
  for (const auto& [file, digest] : known.files)
    if (digest_of_file(file) != digest) return false;
  return true;
}

/// True when git reads at a location what it read when the record was made.
inline bool as_recorded(const location& at, const settings& known) {
  std::error_code ignored;
  const bool own = at.is_linked() && stdfs::exists(at.git_dir / "config.worktree", ignored);
  return !own && known.files.contains((at.common_dir / "config").native()) && unchanged(known);
}

}  // namespace detail

/// Records what may be started. Before the first agent runs. Errors: EGIT.
inline settings record_settings(const location& at) {
  settings out = detail::read_settings(at);
  for (const stdfs::path& file : detail::configuration_files(at))
    out.files[file.native()] = detail::digest_of_file(file);
  std::string dir =
      detail::invoke(at, detail::always(), {"rev-parse", "--git-path", "hooks"}, {}).out;
  if (!dir.empty()) dir.pop_back();
  out.hooks_dir = ((at.work_tree.empty() ? at.common_dir : at.work_tree) / dir).native();
  out.hooks = detail::digest_of_hooks(out.hooks_dir);
  std::tie(out.author, out.committer) = detail::read_identity(at);
  for (const stdfs::path& name : submodule_names(at.common_dir)) {
    const stdfs::path inner = at.common_dir / "modules" / name;
    out.modules[inner] = std::make_shared<settings>(record_settings({inner, inner, {}, {}}));
  }
  return out;
}

/// Settings that have changed since the record was made, with the value that counts instead of the one
/// that is configured now.
inline std::map<std::string, std::string> changed_settings(const location& at,
                                                           const settings& known) {
  std::map<std::string, std::string> out;
  if (detail::as_recorded(at, known)) return out;
  const auto now = detail::read_settings(at).values;
  for (const auto& [key, value] : now) {
    auto before = known.values.find(key);
    if (before == known.values.end()) out[key] = *detail::neutral_of(key);
    else if (before->second != value) out[key] = before->second;
  }
  for (const auto& [key, value] : known.values)
    if (!now.contains(key)) out[key] = value;
  return out;
}

/// True when such a change can lead a fetch or a push elsewhere. git takes the first of these settings that
/// it meets, or all, so that ours would not win: it is to reach no remote at all then.
inline bool redirects_fetches(const std::map<std::string, std::string>& changed) {
  for (const auto& [key, value] : changed)
    if (key.starts_with("remote.") || detail::is_address(key) || key == "core.gitproxy")
      return true;
  return false;
}

/// True when the recorded hooks are what lies there now.
inline bool hooks_unchanged(const settings& known) {
  return detail::digest_of_hooks(known.hooks_dir) == known.hooks;
}

/// True when the recorded author and committer are those that git would write into a commit now.
inline bool identity_unchanged(const location& at, const settings& known) {
  if (known.author.empty() || known.committer.empty() || detail::identity_in_environment())
    return false;
  for (const stdfs::path& file : detail::configuration_files(at))
    if (!known.files.contains(file.native())) return false;
  return detail::as_recorded(at, known);
}

/// Names of settings and hooks that are not the recorded ones any more, of submodules too.
inline std::vector<std::string> changed_names(const location& at) {
  std::vector<std::string> names;
  if (!at.trusted) return names;
  for (const auto& [key, value] : changed_settings(at, *at.trusted)) names.push_back(key);
  if (!hooks_unchanged(*at.trusted)) names.push_back("hooks in " + at.trusted->hooks_dir);
  for (const auto& [dir, record] : at.trusted->modules)
    if (stdfs::exists(stdfs::path(dir) / "HEAD"))
      for (std::string& name : changed_names({dir, dir, {}, {}, record}))
        names.push_back(name.append(" of the submodule in ").append(dir));
  return names;
}

inline bool location::signs() const {
  if (!trusted) return false;
  auto found = trusted->values.find("commit.gpgsign");
  return found != trusted->values.end() && found->second != "false" && found->second != "0" &&
         found->second != "no" && found->second != "off" && !found->second.empty();
}

}  // namespace agentlua::git
