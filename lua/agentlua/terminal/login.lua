-- agentlua.terminal.login: the vendor's own login, run at a terminal of its own. What it prints is shown made safe,
-- keys are passed on, and the code that it asks for is read without echo and goes to the vendor alone: into no
-- file, log, event, argument list or environment.
--
-- How is in the fields `login` and `login_help` of a backend; agents/README.md describes them.

local environment = require "agentlua.attempt.environment"
local errors = require "agentlua.errors"
local fiber = require "agentlua.fiber"
local launch = require "agentlua.attempt.launch"
local process = require "agentlua.process"
local record = require "agentlua.record"
local screens = require "agentlua.terminal.screen"

local M = {}

-- Seconds before the code is typed and before Enter: some drop what was typed before they have asked, and those
-- that draw their own line take what comes at once as pasted, Enter too.
local typing_pause <const> = 0.1
-- Seconds that the vendor's program may take to leave when all is well, or when no more input can come.
local success_linger <const>, input_linger <const> = 5, 30

local any_url <const> = "https?://[%w%-._~:/?#@!$&'()*+,;=%%%[%]]+"

local login = {}
login.__index = login

--- What is known of the login of a backend. Raises ENOLOGIN when there is none, ECONFIG for a mistake in it.
function M.spec(backend)
  local spec, where = backend.login, ("agent '%s': login."):format(backend.name)
  if type(spec) ~= "table" then
    errors.usage("ENOLOGIN", ("agent '%s' has no login to run: %s; then say agentlua login %s --done"):format(
      backend.name, backend.login_help or "see its own documentation", backend.name))
  end
  for _, name in ipairs { "argv", "check" } do
    local argv = spec[name]
    if (name == "argv" or argv ~= nil) and (type(argv) ~= "table" or type(argv[1]) ~= "string") then
      errors.usage("ECONFIG", where .. name .. " must be { \"program\", ... }")
    end
  end
  for _, name in ipairs { "url", "ask_code", "success" } do
    if spec[name] ~= nil and not pcall(string.find, "", spec[name]) then
      errors.usage("ECONFIG", where .. name .. " is not a Lua pattern")
    end
  end
  return spec
end

-- ---- what the vendor prints -----------------------------------------------------------------------------

-- Prints the address once. It may still be coming while nothing follows it, unless `whole` says it is not.
function login:show_url(whole)
  if self.url then return end
  local heard = self.screen:heard()
  local from, to = heard:find(self.spec.url or any_url)
  if not from or to == #heard and not whole then return end
  self.url = heard:sub(from, to):gsub("[.,;:!?'%])]+$", "")
  self.show(("\nOpen this address in a browser:\n%s\n\n"):format(self.url))
end

function login:ask()
  self.asking = true
  self:set_mode "hidden"
  if self.input:is_terminal() then self.show "(what you type is not shown) " end
  self.bell:ring()
end

function login:look()
  local spec, heard = self.spec, self.screen:heard()
  local asks = not self.asking and spec.ask_code and heard:find(spec.ask_code)
  self:show_url(asks)
  if asks then self:ask() end
  if spec.success and not self.succeeded and heard:find(spec.success) then
    self.succeeded = true
    self.child:expect_end(success_linger)
  end
end

-- ---- what the person types ------------------------------------------------------------------------------

function login:set_mode(mode)
  if not self.signal then self.input:set(mode) end
end

function login:give_code(code)
  self.asking, self.given = false, true
  self.screen:typed(code)
  self:set_mode "keys"
  fiber.sleep(typing_pause)
  self.child:write(code)
  fiber.sleep(typing_pause)
  self.child:write "\r"
end

-- Keys for the vendor; Ctrl-C twice in a row is for us, should it not care.
function login:pass(keys)
  if keys == "\3" and self.interrupted then self.child:stop() end
  self.interrupted = keys == "\3"
  self.screen:typed()
  self.child:write(keys)
end

-- No more will be typed: a vendor that has its code may still be busy with it.
function login:input_ended()
  if not self.given then self.show "\nagentlua: the code was asked for, and there is no input left\n" end
  if self.given then fiber.sleep(input_linger) end
  self.child:stop()
end

function login:read_input()
  local typed = ""
  while true do
    while not self.asking and not self.input:is_terminal() do self.bell:wait() end
    local code, rest = typed:match "^([^\r\n]*)\r?\n(.*)$"
    if self.asking and code then
      typed = rest
      self:give_code(code)
    else
      local bytes = self.input:read()
      if bytes == false then return self:input_ended() end
      if bytes and not self.asking then
        self:pass(bytes)
      elseif bytes then
        typed = typed .. bytes
      else
        fiber.wait(self.input:id())
      end
    end
  end
end

-- ---- from start to end ----------------------------------------------------------------------------------

local numbers = { INT = 2, TERM = 15, HUP = 1, QUIT = 3 }

-- While the handle is open, signals put the terminal back and stop the vendor; a second one kills it.
function login:listen()
  local handles = {}
  for name, number in pairs(numbers) do
    handles[#handles + 1] = fiber.on(name, function()
      self.input:set "found"
      if self.signal then self.child:kill() else self.child:stop() end
      self.signal = number
    end)
  end
  handles[#handles + 1] = fiber.on("WINCH", function() self.child:resize(self.input:size()) end)
  return setmetatable({}, { __close = function()
    for _, handle in ipairs(handles) do handle.close() end
    self.input:set "found"
  end })
end

local function command(argv, env)
  local options = table.move(argv, 1, #argv, 1, {})
  options.env = env
  return options
end

function login:converse()
  local both <close> = fiber.group()
  both:spawn(self.read_input, self)
  for bytes in function() return self.child:read() end do
    self.screen:feed(bytes)
    self:look()
  end
  self.screen:finish()
  both:cancel()
  both:wait()
  return self.child:wait()
end

-- Whether it worked, and the vendor's last words.
function login:verdict(result, env)
  if self.signal then return false end
  local check = self.spec.check and command(self.spec.check, env)
  if not check then
    if self.spec.success then return self.succeeded end
    return result.code == 0
  end
  check.timeout = 60
  local checked, message = process.run(check)
  if checked and checked.code == 0 then return true end
  return false, message or ("'%s' says that it is not logged in"):format(table.concat(self.spec.check, " "))
end

--- Runs the login of a backend. `io`: input = handle of core.terminal.open(), which comes back as it was;
--- show(text) prints; project = the one whose surroundings its agents have, if any.
---@return { ok: boolean, reason: string, signal: integer? } reason: what the vendor said last
function M.run(backend, io)
  local spec = M.spec(backend)
  local env = record.overlay(launch.env(backend, {}, backend.billing), spec.env or {})
  if io.project then env = record.overlay(environment.settings(io.project), env) end
  return fiber.run(function()
    local options, rows, columns = command(spec.argv, env), io.input:size()
    options.pty = { rows = rows, cols = columns }
    local child <close>, message, code = process.spawn(options)
    if not child then errors.usage(code, message) end
    local self = setmetatable({
      spec = spec, input = io.input, show = io.show, child = child, bell = fiber.bell(),
      screen = screens.new(columns, io.show),
    }, login)
    local listening <close> = self:listen()
    self:set_mode "keys"
    local result = self:converse()
    local ok, reason = self:verdict(result, env)
    return { ok = ok or false, reason = reason or self.screen:last_line(), signal = self.signal }
  end)
end

return M
