-- agentlua.terminal.screen: what a program prints at its terminal, as lines that are safe on ours. Escape sequences
-- go, moves of the cursor become line breaks, a line that is drawn again and again is shown once.

local core = require "agentlua.core"

local M = {}

local screen = {}
screen.__index = screen

-- Most bytes of a line, of an escape sequence, and of what is remembered for heard().
local line_limit <const>, escape_limit <const>, memory_limit <const> = 1 << 16, 1 << 12, 1 << 13

--- A screen. `columns`: width of the program's terminal; `show(text)` is called with what is to be seen.
function M.new(columns, show)
  return setmetatable({
    columns = columns, show = show, rest = "", held = "", line = "", shown = 0, before = "", from = 1, recent = {},
  }, screen)
end

-- ---- from bytes to text -------------------------------------------------------------------------------

-- What stands for a control sequence, by its last letter: most move the cursor to another line.
local moves = { A = "\n", B = "\n", C = " ", E = "\n", F = "\n", G = "\n", H = "\n", d = "\n", f = "\n" }

-- Where the escape sequence at `at` ends, and what stands for it; nil when it is none, or not whole.
local function sequence(text, at)
  local final, stop = text:match("^\27%[[0-?]*[ -/]*([@-~])()", at)
  if final then return stop, moves[final] or "" end
  stop = text:match("^\27[]PX^_][^\7\27]*\7()", at) or text:match("^\27[]PX^_][^\7\27]*\27\\()", at)
    or text:match("^\27[ -/]*[0-OQ-WYZ\\`-~]()", at)
  return stop, ""
end

-- The text without escape sequences, and the start of one at its end that is not whole yet.
local function without_escapes(text)
  local out, from = {}, 1
  for at in text:gmatch "()\27" do
    if at >= from then
      out[#out + 1] = text:sub(from, at - 1)
      local stop, instead = sequence(text, at)
      local open = text:match("^\27[]PX^_][^\7\27]*\27?$", at) or text:match("^\27%[?[ -?]*$", at)
      if not stop and open and #open < escape_limit then return table.concat(out), open end
      out[#out + 1] = instead
      from = stop or at + 1
    end
  end
  out[#out + 1] = text:sub(from)
  return table.concat(out), ""
end

-- Bytes that are no text yet: a carriage return, which a newline may follow, or part of a character.
local function unfinished(text)
  if text:sub(-1) == "\r" then return "\r" end
  local lead = text:match "()[\xC2-\xF4][\x80-\xBF]*$"
  return lead and #text - lead < 3 and not utf8.len(text, lead) and text:sub(lead) or ""
end

local function plain(text)
  text = text:gsub("\r+\n", "\n"):gsub("\r", "\n"):gsub("[\0-\8\11-\31\127]", "")
  return core.text.printable(text)
end

-- Replaces the secret; its beginning at the end of the text is held back until more is known.
local function without_secret(self, text)
  local secret = self.secret
  if not secret then return text end
  text = (self.held .. text):gsub(secret:gsub("%p", "%%%0"), "***")
  local most = math.min(#secret - 1, #text)
  while most > 0 and text:sub(-most) ~= secret:sub(1, most) do most = most - 1 end
  self.held = text:sub(#text - most + 1)
  return text:sub(1, #text - most)
end

-- ---- from text to what is shown -------------------------------------------------------------------------

-- A line apart from what turns in front of it.
local function key_of(line) return (line:gsub("\xE2[\x9C\xA0-\xA3][\x80-\xBF]", ""):match "^%s*(.-)%s*$") end

local function end_line(self, out)
  local key = key_of(self.line)
  local again = key == (self.last_key or "") or self.recent[key]
  if self.shown > 0 or not again then out[#out + 1] = self.line:sub(self.shown + 1) .. "\n" end
  self.last_key = key
  if key ~= "" then
    self.recent[key], self.last = true, self.line
  end
  local full = (utf8.len(self.line) or #self.line) >= self.columns -- it goes on in the next one
  self.before = (self.before .. self.line:sub(self.from) .. (full and "" or "\n")):sub(-memory_limit)
  self.line, self.shown, self.from = "", 0, 1
end

local function show_text(self, text)
  local out = {}
  for piece, newline in text:gmatch "([^\n]*)(\n?)" do
    self.line = self.line .. piece
    if newline ~= "" or #self.line > line_limit then end_line(self, out) end
  end
  if self.shown > 0 or not self.recent[key_of(self.line)] and self.line:find "%S" then
    out[#out + 1], self.shown = self.line:sub(self.shown + 1), #self.line
  end
  if #out > 0 then self.show(table.concat(out)) end
end

--- Shows what the program has printed.
function screen:feed(bytes)
  local text, open = without_escapes(self.rest .. bytes)
  local part = open == "" and unfinished(text) or ""
  self.rest = part .. open
  show_text(self, without_secret(self, plain(text:sub(1, #text - #part))))
end

--- The program has ended: shows what was held back.
function screen:finish()
  local rest = self.held .. plain((self.rest:gsub("\27.*", "")))
  self.rest, self.held = "", ""
  show_text(self, rest)
  if self.shown > 0 then show_text(self, "\n") end
end

--- Somebody has typed: what is drawn again from now on is an answer to that. `secret` is shown as ***.
function screen:typed(secret)
  self.recent, self.last_key, self.before, self.from = {}, nil, "", #self.line + 1
  if secret and secret ~= "" then self.secret = secret end
end

--- What was printed since somebody has typed, the last 8 KiB of it; lines that fill the width are joined.
function screen:heard() return self.before .. self.line:sub(self.from) end

--- The last line that is not empty.
function screen:last_line() return self.line:find "%S" and self.line or self.last or "" end

return M
