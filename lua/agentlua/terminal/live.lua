-- agentlua.terminal.live: lines at the foot of a terminal that are drawn in place, again and again, below what is
-- printed.
--
-- The cursor rests on an empty line above them. What others print, also on stderr, begins there, and is
-- not drawn over.

local core = require "agentlua.core"

local M = {}

local live = {}
live.__index = live

local dots <const> = "…"

-- Rather too many than too few.
local function columns_of(code) return (code < 0x1100 or code == utf8.codepoint(dots)) and 1 or 2 end

--- Text as one line of at most so many columns, which does nothing to a terminal. `columns` nil: of any length.
function M.cut(text, columns)
  text = core.text.printable(text):gsub("%s", " ")
  local used = 0
  for at, code in utf8.codes(columns and text or "") do
    used = used + columns_of(code)
    if used > columns then
      local short = text:sub(1, at - 1)
      while used > columns and short ~= "" do -- room for the dots
        local last = utf8.offset(short, -1)
        used = used - columns_of(utf8.codepoint(short, last))
        short = short:sub(1, last - 1)
      end
      return columns > 0 and short .. dots or ""
    end
  end
  return text
end

--- Columns that a text takes, at most.
function M.width(text)
  local used = 0
  for _, code in utf8.codes(text) do used = used + columns_of(code) end
  return used
end

--- True when stdout is a terminal that can do more than print.
function M.is_terminal()
  local kind = os.getenv "TERM" or ""
  return core.fs.host({}).terminal and kind ~= "" and kind ~= "dumb"
end

--- True when it takes colours, and the user has not said that they want none.
function M.has_colour() return M.is_terminal() and not os.getenv "NO_COLOR" end

--- The terminal at stdout, for new(); nil when there is none that can move its cursor.
function M.terminal()
  if not M.is_terminal() then return nil end
  local input = core.terminal.open()
  return {
    size = function()
      if input and input:is_terminal() then return input:size() end
      return 24, math.tointeger(tonumber(os.getenv "COLUMNS")) or 80
    end,
    write = function(text)
      io.stdout:write(text)
      io.stdout:flush()
    end,
  }
end

--- Lines on a terminal, {size() -> rows, columns; write(text)}; none yet.
function M.new(terminal) return setmetatable({ terminal = terminal, lines = {} }, live) end

-- What draws the lines from where the cursor rests, and has it rest there again.
local function drawing(self)
  local rows, columns = self.terminal.size()
  local out, shown = { "\r\27[K" }, math.max(0, math.min(#self.lines, rows - 2))
  for i = 1, shown do
    local more = i == shown and #self.lines > shown and ("and %d more"):format(#self.lines - shown + 1)
    out[#out + 1] = "\n" .. M.cut(more or self.lines[i], columns - 1) .. "\27[K"
  end
  out[#out + 1] = "\27[J" .. (shown > 0 and ("\27[%dA\r"):format(shown) or "")
  return table.concat(out)
end

--- Prints a text, which must be safe, and a line break above the lines.
function live:print(text)
  self.terminal.write("\r\27[J" .. text .. "\n" .. (#self.lines > 0 and drawing(self) or ""))
end

--- Draws other lines in their place.
function live:draw(lines)
  if #lines == 0 and #self.lines == 0 then return end
  self.lines = lines
  self.terminal.write(drawing(self))
end

return M
