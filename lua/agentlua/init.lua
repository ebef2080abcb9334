-- agentlua: the library. local al = require "agentlua". Parts load when they are first used.

local core = require "agentlua.core"

local al = {
  version = core.version,
  json = core.json, -- parse dump null array
  fs = core.fs, -- read write list stat mkdir copy remove realpath
  text = core.text, -- slug id8 glob printable sha256
  now = core.time.now, -- wall seconds
  clock = core.time.clock, -- monotonic seconds that count suspend
}

local parts = {}
for _, name in ipairs {
  "config", "errors", "events", "fiber", "git", "limit", "lock", "mcp", "options", "place", "process", "project",
  "prompt", "resource", "store", "trust", "view",
} do parts[name] = true end

-- Functions of the scheduler that scripts call by their short names.
local from_fiber = {
  run = true, spawn = true, group = true, sleep = true, timeout = true, cancel = true, on = true,
}

--- A line on stderr.
function al.log(...)
  local words = table.pack(...)
  for i = 1, words.n do words[i] = tostring(words[i]) end
  io.stderr:write(core.text.printable(table.concat(words, " ")), "\n")
end

return setmetatable(al, {
  __index = function(self, name)
    local value
    if from_fiber[name] then
      value = require("agentlua.fiber")[name]
    elseif name == "loop" then -- fd timeout step: for a foreign event loop
      value = require("agentlua.fiber.scheduler").loop
    elseif name == "agent" then
      value = require("agentlua.agent").load
    elseif parts[name] then
      value = require("agentlua." .. name)
    end
    rawset(self, name, value)
    return value
  end,
})
