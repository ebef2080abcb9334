-- agentlua repl

local core = require "agentlua.core"
local errors = require "agentlua.errors"
local fiber = require "agentlua.fiber"
local line_editor = require "agentlua.terminal.line_editor"
local scheduler = require "agentlua.fiber.scheduler"
local state = require "agentlua.state"

-- Lines of the history that are kept, and instructions between two looks whether somebody wants to stop them.
local most_lines <const>, patience <const> = 1000, 100000

local function say(text) io.stdout:write(core.text.printable(text), "\n") end

-- ---- values ---------------------------------------------------------------------------------------------------

local function shown(value)
  if value == core.json.null then return "null" end
  return type(value) == "string" and ("%q"):format(value):gsub("\\\n", "\\n") or tostring(value)
end

local function key_of(key)
  return type(key) == "string" and key:match "^[%a_][%w_]*$" or "[" .. shown(key) .. "]"
end

-- A table, one level deep, a field on a line; anything else as print shows it.
local function describe(value)
  local meta = getmetatable(value)
  if type(value) ~= "table" or type(meta) == "table" and meta.__tostring then
    return value == core.json.null and "null" or tostring(value)
  end
  local lines, length = {}, #value
  for i = 1, length do lines[i] = "  " .. shown(value[i]) .. "," end
  local named = {}
  for key, one in pairs(value) do
    local listed = math.type(key) == "integer" and key >= 1 and key <= length
    if not listed then named[#named + 1] = ("  %s = %s,"):format(key_of(key), shown(one)) end
  end
  table.sort(named)
  table.move(named, 1, #named, #lines + 1, lines)
  return #lines == 0 and "{}" or "{\n" .. table.concat(lines, "\n") .. "\n}"
end

-- ---- running --------------------------------------------------------------------------------------------------

-- The chunk of a text; else what is wrong with it, and whether more of it may put that right.
local function compile(text, env)
  local chunk, as_value = load("return " .. text:gsub("^%s*=", ""), "=stdin", "t", env)
  if chunk then return chunk end
  local problem
  chunk, problem = load(text, "=stdin", "t", env)
  return chunk, problem, not chunk and (as_value:find "<eof>$" or problem:find "<eof>$") ~= nil
end

-- Runs a chunk in a fiber. Ctrl-C ends it, also while it does not yield; a second one ends the process.
local function run(chunk)
  local interrupted, running = false, nil
  local listening <close> = fiber.on("INT", function()
    interrupted = true
    if running then fiber.cancel(running) end
  end, true)
  local results = table.pack(errors.try(fiber.run, function()
    running = fiber.current()
    debug.sethook(function()
      scheduler.poll()
      if interrupted then error(errors.new("ECANCELED", "interrupted"), 0) end
    end, "", patience)
    return chunk()
  end))
  if interrupted and not results[1] then return { n = 2, false, "interrupted" } end
  return results
end

local function evaluate(chunk)
  local results = run(chunk)
  if not results[1] then
    local own = tostring(results[2]):gsub("\n[^\n]*in fiber .*", "") -- not where we have called it
    io.stderr:write(core.text.printable(own), "\n")
    return
  end
  for i = 2, results.n do say(describe(results[i])) end
end

-- ---- reading --------------------------------------------------------------------------------------------------

-- Lines of standard input, or those that are typed; nil at the end, false when one was cancelled.
local function plain_lines() return function() return io.read "l" end, function() end end

local function typed_lines(input)
  local path, history = state.dir() .. "/history", {}
  for line in (core.fs.read(path) or ""):gmatch "[^\n]+" do history[#history + 1] = line end
  history = table.move(history, math.max(1, #history - most_lines + 1), #history, 1, {})
  local function show(text)
    io.stdout:write(text)
    io.stdout:flush()
  end
  local editor = line_editor.new(input, show, history)
  local function remember(line)
    if not line:find "%S" or line == history[#history] then return end
    history[#history + 1] = line
    errors.try(core.fs.mkdir, state.dir()) -- a history that cannot be kept stops nobody
    errors.try(core.fs.write, { -- 384: octal 600
      path = path, content = table.concat(history, "\n", math.max(1, #history - most_lines + 1)) .. "\n", mode = 384,
    })
  end
  return function(prompt) return editor:read(prompt) end, remember
end

local function loop(read, remember)
  local env, text = setmetatable({ al = require "agentlua" }, { __index = _G }), ""
  while true do
    local line = read(text == "" and "> " or ">> ")
    if line == nil then break end
    if line then remember(line) end
    text = line and text .. line or ""
    local chunk, problem, unfinished = compile(text, env)
    if unfinished then
      text = text .. "\n" -- an unfinished statement goes on in the next line
    else
      if chunk then evaluate(chunk) else io.stderr:write(core.text.printable(problem), "\n") end
      text = ""
    end
  end
end

return {
  summary = "try things: Lua with `al` loaded; expressions print",
  run = function()
    local input <close> = errors.check(core.terminal.open())
    if input:is_terminal() and core.fs.host({}).terminal then return loop(typed_lines(input)) end
    return loop(plain_lines())
  end,
}
