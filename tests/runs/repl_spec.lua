-- agentlua repl at a terminal.

local al = require "agentlua"
local support = require "support"

describe("agentlua repl at a terminal", function()
  local w, child, said
  before_each(function() w = support.new() end)
  after_each(function() w:close() end)

  -- Waits until the repl has said `text` since the last time.
  local function hear(text)
    local _, to = said:find(text, 1, true)
    while not to do
      said = said .. assert(child:read(), "never said: " .. text .. "\nbut: " .. said)
      _, to = said:find(text, 1, true)
    end
    said = said:sub(to + 1)
  end
  local function start()
    said, child = "", w:at_terminal { "repl", env = { TERM = "xterm" } }
    hear "> "
  end
  local function leave()
    hear "> " -- what is typed while a chunk runs is not for the editor
    child:write "\4"
    local result = child:wait()
    child:close()
    assert.equal(0, result.code, result.stdout)
  end

  it("edits a line, prints, goes on in the next line", function()
    start()
    child:write " + 41\1"
    child:write "1\5\r"
    hear "\r\n42\r\n"
    hear "> "
    child:write "for i = 7, 8 do\r"
    hear ">> "
    child:write "print(i)\r"
    hear ">> "
    child:write "end\r"
    hear "\n7\r\n8\r\n"
    leave()
  end)

  it("keeps its history for the next time, for the user alone", function()
    start()
    child:write "6 * 7\r"
    hear "\n42\r\n"
    leave()
    local path = w.env.XDG_STATE_HOME .. "/agentlua/history"
    assert.equal("6 * 7\n", al.fs.read(path))
    assert.equal(384, al.fs.stat(path).mode) -- octal 600
    start()
    child:write "\27[A + 1\r"
    hear "\n43\r\n"
    leave()
  end)

  it("Ctrl-C cancels what is typed, what waits and what is busy, and the repl goes on", function()
    start()
    child:write "for i = 1, 2 do\r"
    hear ">> "
    child:write "garbage\3"
    hear "^C"
    hear "> "
    for _, text in ipairs { "al.sleep(60)", "while true do end", "while true do pcall(al.sleep, 60) end" } do
      child:write("print 'go' " .. text .. "\r")
      hear "\ngo\r\n"
      child:write "\3"
      hear "interrupted\r\n"
      hear "> "
    end
    child:write "1 + 1\r"
    hear "\n2\r\n"
    leave()
  end)

  it("puts the terminal back for what it runs, and at its end", function()
    start()
    child:write "io.read()\r"
    while not child:echoes() do al.sleep(0.01) end
    child:write "typed\r"
    hear "typed\r\ntyped\r\n"
    leave()
  end)
end)
