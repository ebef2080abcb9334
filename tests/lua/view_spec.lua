local core = require "agentlua.core"
local live = require "agentlua.terminal.live"
local view = require "agentlua.view"

-- A terminal that knows what live.lua writes: text, \r, \n, up, erase to the end of the line and of the screen.
local function fake(rows, columns)
  local self = { rows = rows, columns = columns, screen = { "" }, row = 1, column = 1, writes = 0, top = 1 }
  local function put(character)
    local line = self.screen[self.row]
    local cells = {}
    for _, code in utf8.codes(line) do cells[#cells + 1] = utf8.char(code) end
    while #cells < self.column - 1 do cells[#cells + 1] = " " end
    assert(self.column <= self.columns, "a line is wider than the terminal")
    cells[self.column] = character
    self.screen[self.row] = table.concat(cells)
    self.column = self.column + 1
  end
  local function erase_line()
    local at = utf8.offset(self.screen[self.row], self.column)
    if at then self.screen[self.row] = self.screen[self.row]:sub(1, at - 1) end
  end
  local controls = {
    K = erase_line,
    J = function()
      erase_line()
      for i = self.row + 1, #self.screen do self.screen[i] = nil end
    end,
    A = function(n)
      self.row = self.row - n
      assert(self.row > #self.screen - self.rows, "the cursor leaves the screen")
    end,
  }
  function self.size() return self.rows, self.columns end
  function self.write(text)
    self.writes = self.writes + 1
    local at = 1
    while at <= #text do
      local n, control, stop = text:match("^\27%[(%d*)([KJA])()", at)
      if control then
        controls[control](tonumber(n) or 1)
        at = stop
      elseif text:sub(at, at) == "\r" then
        self.column, at = 1, at + 1
      elseif text:sub(at, at) == "\n" then
        self.row, self.column, at = self.row + 1, 1, at + 1 -- as a terminal does behind its driver
        self.screen[self.row] = self.screen[self.row] or ""
      else
        local after = utf8.offset(text, 2, at)
        put(text:sub(at, after - 1))
        at = after
      end
    end
  end
  return self
end

describe("lines at the foot of a terminal", function()
  it("are drawn in place below what is printed", function()
    local at = fake(10, 40)
    local foot = live.new(at)
    foot:print "first"
    foot:draw { "one 0:01", "two 0:02" }
    assert.same({ "first", "", "one 0:01", "two 0:02" }, at.screen)
    foot:draw { "one 0:02", "two" }
    assert.same({ "first", "", "one 0:02", "two" }, at.screen)
    foot:print "second"
    assert.same({ "first", "second", "", "one 0:02", "two" }, at.screen)
    foot:draw { "two" }
    assert.same({ "first", "second", "", "two" }, at.screen)
    foot:draw {}
    assert.same({ "first", "second", "" }, at.screen)
    foot:print "third"
    assert.same({ "first", "second", "third", "" }, at.screen)
  end)

  it("leave what others print, on stderr for one, where it is", function()
    local at = fake(10, 40)
    local foot = live.new(at)
    foot:draw { "a task" }
    at.write "agentlua: stopping\n"
    foot:draw { "a task, stopping" }
    assert.same({ "agentlua: stopping", "", "a task, stopping" }, at.screen)
  end)

  it("never wrap, never leave the screen, and say how many there are", function()
    local at, lines = fake(6, 12), {}
    for i = 1, 9 do lines[i] = ("%d "):format(i) .. ("x"):rep(50) end
    local foot = live.new(at)
    foot:draw(lines)
    assert.same({ "", "1 xxxxxxxx…", "2 xxxxxxxx…", "3 xxxxxxxx…", "and 6 more" }, at.screen)
    at.columns = 8 -- it has become smaller
    foot:draw { "123456789" }
    assert.same({ "", "123456…" }, at.screen)
  end)

  it("nothing is written for nothing", function()
    local at = fake(6, 12)
    live.new(at):draw {}
    assert.equal(0, at.writes)
  end)

  it("text is cut by the columns that it takes, and does nothing to the terminal", function()
    assert.equal("abc", live.cut("abc", 3))
    assert.equal("ab…", live.cut("abcd", 3))
    assert.equal("日…", live.cut("日本語", 4))
    assert.equal("", live.cut("abc", 0))
    assert.equal([[\x1b[2Ja b]], live.cut("\27[2Ja\nb"))
  end)
end)

describe("the line of a task", function()
  local now = core.time.parse_iso "2026-01-01T12:00:00Z"
  local function row(more)
    local all = {
      id = "0123abcd-1", id8 = "0123abcd", name = "fix the parser", phase = "agent", agent = "claude", attempt = 2,
      turns = 12, tokens = 34567, cost = 1.204, started_at = "2026-01-01T11:56:55Z",
      last_output_at = "2026-01-01T11:59:57.5Z",
    }
    for name, value in pairs(more or {}) do all[name] = value or nil end
    return all
  end

  it("says what it is at, what it has used, its age and how long it has been quiet", function()
    assert.same({ "0123abcd  fix the parser  claude  12 turns  35k tokens  $1.20  3:05  quiet 2 s" },
      view.rows({ row() }, nil, now))
    assert.same({ "0123abcd  fix the parser  verify  1 turn  900 tokens  3:05" },
      view.rows({ row { phase = "verify", turns = 1, tokens = 900, cost = false } }, nil, now))
    assert.same({ "0123abcd  fix the parser  setup" },
      view.rows({ row { phase = "setup", turns = 0, tokens = 0, cost = false } }))
    assert.matches("claude, paused  12 turns", view.rows({ row { paused = true } })[1])
    local waits = row { phase = "waits", account = "claude/default", waits_until = "2026-01-01T13:00:00Z" }
    assert.matches("waits for claude/default until %d%d:%d%d:00", view.rows({ waits })[1])
  end)

  it("has its name cut to the width, and lines up with the others", function()
    local lines = view.rows({ row { name = ("long "):rep(30) }, row() }, 80, now)
    assert.equal(80, utf8.len(lines[1]))
    assert.equal(lines[1]:gsub("…", "."):find("claude", 1, true), lines[2]:find("claude", 1, true))
    assert.matches("quiet 2 s$", lines[1])
  end)

  it("of a damaged record is a line all the same", function()
    local lines = view.rows({ { name = "\27[2J", turns = "x", started_at = 5, cost = {}, id8 = "a\nb" } }, 80, now)
    assert.equal(1, #lines)
    assert.is_nil(lines[1]:find("[%c]"))
  end)
end)
