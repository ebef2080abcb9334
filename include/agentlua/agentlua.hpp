#pragma once
// agentlua/agentlua.hpp: room 5. Everything for C++ programs, in the order of the rooms. No Lua.

#include "agentlua/version.hpp"
#include "agentlua/error.hpp"
#include "agentlua/time.hpp"
#include "agentlua/json.hpp"
#include "agentlua/fs.hpp"
#include "agentlua/lock.hpp"
#include "agentlua/text.hpp"
#include "agentlua/redact.hpp"
#include "agentlua/event_loop.hpp"
#include "agentlua/watchdog.hpp"
#include "agentlua/process.hpp"
#include "agentlua/store.hpp"
#include "agentlua/limit.hpp"
#include "agentlua/events.hpp"
#include "agentlua/git.hpp"
