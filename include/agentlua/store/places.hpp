#pragma once
// agentlua/store/places.hpp: room 3. Where a store keeps its files, what it accepts as a name.

#include <sys/vfs.h>

#include <string>

#include "agentlua/fs.hpp"
#include "agentlua/json.hpp"
#include "agentlua/store/record.hpp"

namespace agentlua::detail {

inline void check_status(const std::string& status) {
  if (!is_status(status))
    throw error("EINVAL", "no status '" + text::printable(status.substr(0, 60)) +
                              "'; agentlua task list --help names them");
}

/// Locks of a network file system do not hold between machines, and some lose replies of renames.
/// Errors: ENETFS.
inline void check_local(const stdfs::path& dir) {
  struct statfs info {};
  if (::statfs(dir.c_str(), &info) != 0) return;
  const char* kind = nullptr;
  switch (static_cast<unsigned long>(info.f_type) & 0xffffffffUL) {
    case 0x6969:
      kind = "NFS";
      break;
    case 0xff534d42:
    case 0xfe534d42:
    case 0x517b:
      kind = "SMB";
      break;
    case 0x5346414f:
    case 0x6b414653:
      kind = "AFS";
      break;
    case 0x00c36400:
      kind = "Ceph";
      break;
    case 0x01021997:
      kind = "9p";
      break;
    default:
      return;
  }
  throw error("ENETFS",
              "the task store '" + dir.native() + "' is on " + kind +
                  ", where claims are not safe between machines; move it to a local disk, "
                  "or set network_store = true when only one machine uses it");
}

/// The file of the locks of all tasks. Their names: "owner ID", "edit STEM", "claim".
inline stdfs::path lock_file(const stdfs::path& dir) { return dir / ".locks/tasks"; }

/// All fields of a task file, with the checks of read_record(). Errors: EJSON, ENOENT.
inline json parse_task(std::string_view text, const std::string& subject) {
  task_record checked;
  read_record(text, subject, checked);
  return json::parse(text);
}
inline json read_task(const stdfs::path& file) {
  return parse_task(fs::read_file(file, json_limits{}.bytes), file.native());
}

}  // namespace agentlua::detail
