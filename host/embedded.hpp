#pragma once
// Files that are part of the program; the table is generated at build time (scripts/dev/embed.cpp).

#include <cstddef>

namespace agentlua {

struct embedded_file {
  const char* name;  ///< path in the source tree, e.g. "lua/agentlua/init.lua"
  const char* data;
  std::size_t size;
};

/// Ends with an entry whose name is null.
extern const embedded_file embedded_files[];

}  // namespace agentlua
