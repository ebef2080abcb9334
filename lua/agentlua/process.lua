-- agentlua.process: run commands and talk to them. Arguments are lists; there is no shell.

local core = require "agentlua.core"
local fiber = require "agentlua.fiber"

local M = {}

local child_type = {}
child_type.__index = child_type

-- Some programs take PWD for where they are (opencode does), and ours names another directory.
local function tell_cwd(options)
  local env = options.env or {}
  if not options.cwd or options.env_only or env.PWD ~= nil then return end
  options.env = { PWD = core.fs.realpath(options.cwd) }
  for name, value in pairs(env) do options.env[name] = value end
end

-- Waits until it is known whether the program runs.
local function await_start(child)
  local native, starting = child.native, true
  local guard <close> = setmetatable({}, { -- cancelled meanwhile: ended like a running one
    __close = function()
      if starting then child:__close() end
    end,
  })
  while native:state() == "starting" do fiber.wait(native:id()) end
  starting = false
  local result = native:result()
  if not result.error_code then return child end
  native:close()
  return nil, result.error, result.error_code
end

--- Starts a program. Options beside the argument list:
---
--- launcher = list put in front of it ({"nice"}, {"bwrap", ...}); cwd (PWD is set to it);
--- env = {NAME = value | false} on top of ours, or the whole of it with env_only = true;
--- stdin = text, or stdin_pipe = true to write() later;
--- stdout, stderr = "pipe" | "file" | "discard" | "inherit" (or "merge" for stderr);
--- stdout_file, stderr_file = path that every byte is appended to;
--- timeout, idle, start = seconds in all, without output, until the first output;
--- output, memory = bytes; processes = number at one time; nice; rlimits = {nofile = 1024, ...};
--- grace = seconds between TERM and KILL (5), or stop = list of {signal = number, wait = seconds};
--- secrets = {NAME = value}, each replaced by "[NAME]" in all that it says;
--- pty = true | {rows = 24, cols = 80}: a terminal of its own, which is stdin, stdout and stderr; write() types
--- there, close_stdin() types Ctrl-D, and lines() end in "\r";
--- contain = false to run without the reaper; hold = lock descriptors kept until nothing of it is left.
---@return table child | nil, string message, string code
function M.spawn(options)
  tell_cwd(options)
  local native, message, code = core.process.spawn(options)
  if not native then return nil, message, code end
  local child = setmetatable({ native = native }, child_type)
  if native:state() == "starting" then return await_start(child) end
  return child
end

--- Runs a program to its end. Takes the options of spawn().
---@return table result {code, signal, stdout, stderr, bound?, lingered?, containment, log_error?, seconds} | nil,
--- string message, string code
function M.run(options)
  local child <close>, message, code = M.spawn(options)
  if not child then return nil, message, code end
  return child:wait()
end

function child_type:id() return self.native:id() end
function child_type:finished() return self.native:state() == "finished" end
function child_type:pid() return self.native:pid() end

--- Iterates over lines of "out" (default) or "err"; waits for the next one. A line over 1 MiB comes
--- cut, with `true` as second value.
function child_type:lines(which)
  local next_line, id = self.native:line_reader(which or "out"), self.native:id()
  return function()
    local line, cut = next_line()
    while line == nil do
      fiber.wait(id)
      line, cut = next_line()
    end
    return line or nil, cut
  end
end

--- Waits for output and returns all there is; nil at the end.
function child_type:read(which)
  while true do
    local bytes = self.native:read(which or "out")
    if bytes then return bytes end
    if bytes == false then return nil end
    fiber.wait(self.native:id())
  end
end

--- Queues bytes for its stdin (stdin_pipe, pty); never waits.
function child_type:write(bytes) return self.native:write(bytes) end
function child_type:close_stdin() return self.native:close_stdin() end
--- Sets the size of its terminal (pty).
function child_type:resize(rows, cols) return self.native:resize(rows, cols) end
--- Whether its terminal (pty) shows what is typed.
function child_type:echoes() return self.native:echoes() end

--- Waits until nothing of the process is left. Output that nobody took is in the result.
function child_type:wait()
  local native, out, err = self.native, {}, {}
  while true do
    out[#out + 1] = native:read("out") or nil
    err[#err + 1] = native:read("err") or nil
    if native:state() == "finished" then break end
    fiber.wait(native:id())
  end
  local result = native:result()
  result.stdout, result.stderr = table.concat(out), table.concat(err)
  return result
end

--- Begins to stop it: TERM, the grace, KILL for the whole tree. wait() then waits for the end.
function child_type:stop() self.native:stop() end
--- Kills the whole tree now.
function child_type:kill() self.native:kill() end
--- It has said all that it will: its stdin is closed, and it is stopped when it lingers longer than that.
function child_type:expect_end(grace) self.native:expect_end(grace or 5) end
--- Pauses and resumes the whole tree.
function child_type:pause() self.native:signal(19) end
function child_type:resume() self.native:signal(18) end

function child_type:close() self.native:close() end

function child_type:__close()
  if self:finished() then return self:close() end
  self:stop()
  fiber.adopt(self)
end

return M
