#pragma once
// agentlua/detail/reaper_protocol.hpp: room 0. What the host and agentlua-reaper say to each other.

#include <cstdint>

namespace agentlua::detail {

inline constexpr int reaper_control_fd = 3;       ///< host to reaper: one byte per order
inline constexpr int reaper_status_fd = 4;        ///< reaper to host: reaper_record
inline constexpr int reaper_first_held_fd = 5;    ///< locks held until the tree is gone
inline constexpr unsigned char reaper_end = 255;  ///< order: kill everything and leave

enum class reaper_event : std::int32_t {
  started = 1,  ///< the program runs; value: its pid
  failed = 2,   ///< the program could not be started; value: errno
  exited = 3,   ///< the program has ended; value: wait status
  empty = 4,    ///< nothing that it started is alive
  refused = 5,  ///< niceness, limit or terminal could not be set, not started; value: errno
  bound = 6,    ///< it has used up a bound and is being killed; value: reaper_bound
  nested = 7,   ///< some of it is in a PID namespace of its own
};

enum class reaper_bound : std::int32_t { memory = 1, processes = 2 };

struct reaper_record {
  reaper_event event;
  std::int32_t value;
};

}  // namespace agentlua::detail
