-- agentlua.state: what all runs of the user share, in $XDG_STATE_HOME/agentlua: JSON files that are changed
-- under a lock, and news of their changes.

local core = require "agentlua.core"
local errors = require "agentlua.errors"
local fiber = require "agentlua.fiber"
local lock = require "agentlua.lock"

local M = {}

--- Where the time of what is shared comes from: wall seconds, seconds on the clock that only runs forward, the
--- boot that it belongs to. Tests put clocks of their own here.
M.clock = {
  wall = core.time.now,
  boot = core.time.clock,
  boot_id = function() return (core.fs.read "/proc/sys/kernel/random/boot_id" or ""):match "%S+" end,
}

--- The directory of what is shared by all projects of the user.
function M.dir()
  local base = os.getenv "XDG_STATE_HOME"
  if not base or base == "" then base = (os.getenv "HOME" or "") .. "/.local/state" end
  return base .. "/agentlua"
end

--- What a file holds, a table; an empty one when it is not there, or damaged.
function M.read(name)
  local text = core.fs.read(M.dir() .. "/" .. name)
  local kept = text and core.json.parse(text)
  return type(kept) == "table" and getmetatable(kept) == nil and kept or {}
end

--- Has `fn(kept)` change what a file holds, one process at a time; returns what `fn` returns. `fn` must not
--- wait. Durable when it returns. Raises ELOCKED when others keep it locked for ten seconds, errno names.
function M.change(name, fn)
  local path = M.dir() .. "/" .. name
  errors.check(core.fs.mkdir(M.dir()))
  local guard <close> = errors.check(lock(path .. ".lock", { wait = 10 }))
  local kept = M.read(name)
  local results = table.pack(fn(kept))
  errors.check(core.fs.write { path = path, content = core.json.dump(kept, 2) .. "\n" })
  return table.unpack(results, 1, results.n)
end

--- Calls `fn()` after anything in the directory has changed. Returns a handle with close(); nil when the
--- system has no more watches to give: look again by the clock then.
function M.watch(fn)
  errors.check(core.fs.mkdir(M.dir()))
  local source = core.loop.watch_path(M.dir())
  return source and fiber.on_source(source, fn)
end

return M
