-- agentlua.terminal.line_editor: one line, typed at a terminal: moving, deleting, history. The terminal is in
-- mode "keys" while a line is read, and as it was found otherwise.

local core = require "agentlua.core"
local fiber = require "agentlua.fiber"

local M = {}

local editor = {}
editor.__index = editor

--- An editor. `input`: handle of core.terminal.open(); `show(text)` prints; `history`: list of lines, oldest first,
--- which the caller extends.
function M.new(input, show, history)
  return setmetatable({ input = input, show = show, history = history, typed = "" }, editor)
end

-- ---- keys ---------------------------------------------------------------------------------------------------

local function before(text, at) return at > 1 and utf8.offset(text, -1, at) or 1 end
local function behind(text, at) return at <= #text and utf8.offset(text, 2, at) or at end

local keys = {} -- name -> function(line); `line` is {text, at, entry}: `at` is the byte in front of which the cursor is

local function insert(line, text)
  line.text = line.text:sub(1, line.at - 1) .. text .. line.text:sub(line.at)
  line.at = line.at + #text
end

local function cut(line, from, to)
  line.text, line.at = line.text:sub(1, from - 1) .. line.text:sub(to), from
end

function keys.left(line) line.at = before(line.text, line.at) end
function keys.right(line) line.at = behind(line.text, line.at) end
function keys.home(line) line.at = 1 end
keys["end"] = function(line) line.at = #line.text + 1 end
function keys.backspace(line) cut(line, before(line.text, line.at), line.at) end
function keys.delete(line) cut(line, line.at, behind(line.text, line.at)) end
function keys.kill(line) cut(line, line.at, #line.text + 1) end
function keys.kill_before(line) cut(line, 1, line.at) end

-- Shows another line of the history; what was typed is behind its last one.
local function turn(line, history, step)
  local entry = line.entry + step
  if entry < 1 or entry > #history + 1 then return end
  if line.entry == #history + 1 then line.kept = line.text end
  line.entry, line.text = entry, history[entry] or line.kept
  line.at = #line.text + 1
end
function keys.up(line, history) turn(line, history, -1) end
function keys.down(line, history) turn(line, history, 1) end

local controls = {
  ["\1"] = "home", ["\2"] = "left", ["\4"] = "eof", ["\5"] = "end", ["\6"] = "right", ["\8"] = "backspace",
  ["\11"] = "kill", ["\14"] = "down", ["\16"] = "up", ["\21"] = "kill_before", ["\127"] = "backspace",
  ["\3"] = "cancel", ["\r"] = "enter", ["\n"] = "enter",
}
local sequences = {
  A = "up", B = "down", C = "right", D = "left", F = "end", H = "home", ["1~"] = "home", ["3~"] = "delete",
  ["4~"] = "end", ["7~"] = "home", ["8~"] = "end",
}

-- The first key of what was typed: its name or nil, its text, and the rest; nothing when it is not whole.
local function first_key(typed)
  local byte = typed:sub(1, 1)
  if byte == "\27" then
    local final, rest = typed:match "^\27[%[O]([%d;]*[%a~])(.*)$"
    if final then return sequences[final] or "none", "", rest end
    if typed:find "^\27[%[O]?[%d;]*$" then return nil end
    return "none", "", typed:sub(3)
  end
  if controls[byte] then return controls[byte], "", typed:sub(2) end
  if byte == "" then return nil end
  if byte < " " then return "none", "", typed:sub(2) end
  local length = byte < "\xC0" and 1 or byte < "\xE0" and 2 or byte < "\xF0" and 3 or 4
  local text = typed:sub(1, length)
  if #text < length then return nil end
  return utf8.len(text) and "text" or "none", text, typed:sub(length + 1)
end

-- ---- the line on the terminal ----------------------------------------------------------------------------------

local function width(text) return utf8.len(text) or #text end

-- Draws the line again, the part of it around the cursor when it is longer than the terminal is wide.
function editor:draw(prompt, line)
  local _, columns = self.input:size()
  local room = math.max(8, (columns > 0 and columns or 80) - width(prompt) - 1)
  local text, at = core.text.printable(line.text), width(line.text:sub(1, line.at - 1))
  local first = math.max(0, at - room)
  local from = utf8.offset(text, first + 1) or #text + 1
  local to = utf8.offset(text, first + room + 1) or #text + 1
  local column = width(prompt) + at - first
  self.show(("\r%s%s\27[K\r%s"):format(prompt, text:sub(from, to - 1), column > 0 and ("\27[%dC"):format(column) or ""))
end

-- The next key; waits for it. Nothing when no more will come.
function editor:next_key()
  while true do
    local name, text, rest = first_key(self.typed)
    if name then
      self.typed = rest
      return name, text
    end
    local bytes = self.input:read()
    if bytes == false then return nil end
    if bytes then self.typed = self.typed .. bytes else fiber.wait(self.input:id()) end
  end
end

--- Reads a line. What is pasted behind it is kept for the next one.
---@return string | nil | false line  nil: no more will come (Ctrl-D); false: it was cancelled (Ctrl-C)
function editor:read(prompt)
  local line = { text = "", at = 1, entry = #self.history + 1 }
  self.input:set "keys"
  local _ <close> = setmetatable({}, { __close = function() self.input:set "found" end })
  self:draw(prompt, line)
  while true do
    local key, text = self:next_key()
    if key == nil or key == "eof" and line.text == "" then
      self.show "\r\n"
      return nil
    elseif key == "enter" or key == "cancel" then
      line.at = #line.text + 1
      self:draw(prompt, line)
      self.show(key == "cancel" and "^C\r\n" or "\r\n")
      return key == "enter" and line.text
    elseif key == "text" then
      insert(line, text)
    elseif key == "eof" then
      keys.delete(line)
    elseif keys[key] then
      keys[key](line, self.history)
    end
    if self.typed == "" then self:draw(prompt, line) end
  end
end

return M
