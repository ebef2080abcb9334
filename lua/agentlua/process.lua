-- agentlua.process: run commands and talk to them. Arguments are lists; there is no shell.

local core = require "agentlua.core"
local fiber = require "agentlua.fiber"

local M = {}

local child_type = {}
child_type.__index = child_type

-- What spawn() takes beside the argument list; `native`: passed on as it is.
local known = {
  cwd = "string", stdin = "string", stdin_pipe = "boolean", stdout = "string", stderr = "string",
  stdout_file = "string", stderr_file = "string", contain = "boolean", hold = "table",
  wall = "number", idle = "number", stop = "table", env = "table", timeout = "number",
  grace = "number",
}
local not_native = { env = true, timeout = true, grace = true }

local function env_changes(changes)
  local out = {}
  for name, value in pairs(changes) do
    local kind = type(value)
    if type(name) ~= "string" or not (value == false or kind == "string" or kind == "number") then
      local wrong = ("[%s] = a %s"):format(tostring(name), kind)
      error("process: env must be {NAME = value | false}, not " .. wrong, 4)
    end
    out[name] = value and tostring(value)
  end
  return out
end

local function native_options(options)
  local native = { argv = core.json.array() }
  for i, arg in ipairs(options) do native.argv[i] = tostring(arg) end
  for name, value in pairs(options) do
    if math.type(name) == "integer" then
      local given = #native.argv
      if name > given then error("process: argument " .. given + 1 .. " is nil", 3) end
    elseif not known[name] then
      error("process: unknown option '" .. tostring(name) .. "'", 3)
    elseif type(value) ~= known[name] then
      local wrong = ("'%s' must be a %s, it is a %s"):format(name, known[name], type(value))
      error("process: option " .. wrong, 3)
    elseif not not_native[name] then
      native[name] = value
    end
  end
  native.env_changes = options.env and env_changes(options.env)
  native.wall = options.timeout or options.wall
  if options.grace then native.stop = { { signal = 15, wait = options.grace } } end
  return native
end

--- Starts a program.
---
--- Options: the list part is the argument list; cwd; env = {NAME = value | false} on top of ours;
--- stdin = text, or stdin_pipe = true to write() later; stdout, stderr = "pipe" | "file" | "discard" |
--- "inherit" (or "merge" for stderr); stdout_file, stderr_file = path that every byte is appended to;
--- timeout, idle = seconds; grace = seconds between TERM and KILL (5); contain = false to run without
--- the reaper; hold = list of lock descriptors kept until nothing of it is left.
---@return table child | nil, string message, string code
function M.spawn(options)
  local native, message, code = core.process.spawn(native_options(options))
  if not native then return nil, message, code end
  local child = setmetatable({ native = native }, child_type)
  local starting = true
  local guard <close> = setmetatable({}, { -- cancelled while it starts: ended like a running one
    __close = function()
      if starting then child:__close() end
    end,
  })
  while native:state() == "starting" do fiber.wait(native:id()) end
  starting = false
  local result = native:result()
  if result.error_code then
    native:close()
    return nil, result.error, result.error_code
  end
  return child
end

--- Runs a program to its end. Takes the options of spawn().
---@return table result {code, signal, stdout, stderr, bound?, seconds} | nil, string message, string code
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
  local native = self.native
  return function()
    while true do
      local line, cut = native:next_line(which or "out")
      if line then return line, cut end
      if line == false then return nil end
      fiber.wait(native:id())
    end
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

function child_type:write(bytes) return self.native:write(bytes) end
function child_type:close_stdin() return self.native:close_stdin() end

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
