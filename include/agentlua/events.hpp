#pragma once
// agentlua/events.hpp: room 4. The event log: one JSON object per line, appended by many writers.

#include <string>

#include "agentlua/fs.hpp"
#include "agentlua/json.hpp"
#include "agentlua/time.hpp"

namespace agentlua {

/// A log file that any number of processes append to. Each record is one write.
class event_log {
 public:
  explicit event_log(stdfs::path path) : path_(std::move(path)) {
    fs::make_directories(path_.parent_path());
  }

  /// Appends {time, type, ...fields}. Errors: errno names (ENOSPC, EACCES, ...).
  void append(const std::string& type, const json& fields) const {
    json record = {{"time", iso_time()}, {"type", type}};
    for (const auto& [key, value] : fields.items()) record[key] = value;
    fs::append_record(path_, dump_json(record) + "\n");
  }

  const stdfs::path& path() const noexcept { return path_; }

 private:
  stdfs::path path_;
};

}  // namespace agentlua
