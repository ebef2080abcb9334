#pragma once
// agentlua/version.hpp: room 0. The version, written once; CMake reads it from here.

#define AGENTLUA_VERSION "0.1.0"

namespace agentlua {
/// Version of the library, "major.minor.patch".
inline constexpr const char* version = AGENTLUA_VERSION;
}  // namespace agentlua
