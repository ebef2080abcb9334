-- Streams of agents, and what they come to: for specs of the decoders.

local agent = require "agentlua.agent"
local collect = require "agentlua.attempt.collect"
local core = require "agentlua.core"
local process = require "agentlua.process"

local M = {}

--- The backends that there are files of.
M.vendors = { "claude", "codex", "gemini", "opencode", "qwen" }

--- A backend without its program, which need not be here.
function M.backend(vendor)
  local fields = require("agentlua.agents." .. vendor)
  return setmetatable({ name = vendor }, { __index = function(_, key)
    if fields[key] ~= nil then return fields[key] end
    return agent[key]
  end })
end

--- An event as one line: its type, then its fields by name.
function M.line(event)
  local parts = {}
  for name, value in pairs(event) do
    if name ~= "type" then
      parts[#parts + 1] = ("%s=%s"):format(name, type(value) == "string" and ("%q"):format(value) or tostring(value))
    end
  end
  table.sort(parts)
  return (event.type .. " " .. table.concat(parts, " ")):gsub("\\\n", "\\n"):gsub(" $", "")
end

--- A collector for a vendor's stream, and the list that its events go to, as lines.
function M.collector(vendor, before, launch)
  local events = {}
  return collect.new(M.backend(vendor), before, function(e) events[#events + 1] = M.line(e) end, launch), events
end

--- Feeds a whole stream to a collector, line by line, as attempt.lua does.
function M.feed(collector, text)
  for line in text:gmatch "[^\n]+" do collector:line(line) end
end

-- Writes what it is given in parts, each told by its length, and says when a part is in the pipe.
local writer = [[
  io.stdout:setvbuf "no"
  while true do
    local n = io.read "n"
    if not n then break end
    io.read(1)
    io.write(io.read(n))
    io.stderr:write "written\n"
  end
]]

--- A process whose output comes in parts: feed(collector, stream, at) takes a stream through it, split behind byte
--- `at`. For use in a fiber; to be closed.
function M.pipe()
  local child = assert(process.spawn {
    "lua5.4", "-e", writer, stdin_pipe = true, stdout = "pipe", stderr = "pipe", timeout = 600,
  })
  local out, written = child:lines "out", child:lines "err"
  local pipe = {}
  function pipe.feed(collector, stream, at)
    for _, part in ipairs { stream:sub(1, at), stream:sub(at + 1) } do
      child:write(#part .. " " .. part)
      assert(written() == "written")
    end
    for _ = 1, select(2, stream:gsub("\n", "")) do collector:line(out()) end
  end
  return setmetatable(pipe, { __close = function()
    child:close_stdin()
    child:wait()
    child:close()
  end })
end

--- Directory of the fixtures: <vendor>/<case>.jsonl with what it comes to in <case>.txt, one line per event,
--- the last one "exit CODE: ENDING".
M.dir = core.fs.realpath "tests/fixtures/streams"

--- Calls fn(vendor, case, stream, expected text) for all fixtures.
function M.each(fn)
  for _, vendor in ipairs(core.fs.list(M.dir)) do
    for _, file in ipairs(core.fs.list(M.dir .. "/" .. vendor)) do
      local case = file:match "^(.*)%.jsonl$"
      local path = case and ("%s/%s/%s"):format(M.dir, vendor, case)
      if path then fn(vendor, case, core.fs.read(path .. ".jsonl"), core.fs.read(path .. ".txt") or "") end
    end
  end
end

return M
