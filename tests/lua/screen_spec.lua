local screens = require "agentlua.terminal.screen"

describe("screen", function()
  -- What is shown of `chunks`, and the screen.
  local function shown(chunks, columns, secret)
    local out = {}
    local screen = screens.new(columns or 80, function(text) out[#out + 1] = text end)
    if secret then screen:typed(secret) end
    for _, chunk in ipairs(chunks) do screen:feed(chunk) end
    screen:finish()
    return table.concat(out), screen
  end

  -- The same text in one piece and byte by byte.
  local function assert_shown(expected, text, secret)
    assert.equal(expected, (shown({ text }, 80, secret)))
    local bytes = {}
    for byte in text:gmatch "." do bytes[#bytes + 1] = byte end
    assert.equal(expected, (shown(bytes, 80, secret)))
  end

  it("escape sequences go, however they are cut", function()
    assert_shown("bold text\n", "\27[1mbold\27[0m \27[38;5;12mtext\27[m\r\n")
    assert_shown("link\n", "\27]8;;https://x.example/ü\27\\link\27]8;;\7\n")
    assert_shown("a b\n", "\27Pq#1;2\27\\a\27[1Cb\27(B\27=\27[?25h\n")
    assert_shown("ü€😀\n", "ü€😀\r\n")
    assert_shown("one\ntwo\n", "one\27[2K\27[1Gtwo\n")
  end)

  it("nothing of what is shown does anything to a terminal", function()
    local hostile = "\27]0;x\27[1;1H\155A\xC2\x9B2J\8\7\0\226\128\174end\27[\n\27]52;c;" .. ("A"):rep(9000) .. "\n"
    local text = shown { hostile }
    assert.is_nil(text:find "[\0-\8\11-\31\127]")
    assert.is_nil(text:find "\xC2[\x80-\x9F]")
    assert.is_nil(text:find("\226\128\174", 1, true))
  end)

  it("an escape sequence that never ends takes nothing for good", function()
    local text = shown { "\27]0;" .. ("x"):rep(5000), "\nvisible\n" }
    assert.truthy(text:find("visible", 1, true))
    assert.equal("", (shown { "\27[12" }))
  end)

  it("a line that turns is shown once, until somebody types", function()
    local out = {}
    local screen = screens.new(80, function(text) out[#out + 1] = text end)
    for _ = 1, 50 do
      for _, glyph in ipairs { "⠋", "⠙", "✻" } do screen:feed(glyph .. " Waiting\27[1G") end
    end
    assert.equal(1, select(2, table.concat(out):gsub("Waiting", "")))
    screen:typed()
    screen:feed "⠋ Waiting\27[1G"
    assert.equal(2, select(2, table.concat(out):gsub("Waiting", "")))
    assert.equal("⠋ Waiting", screen:last_line())
  end)

  it("a prompt is shown before its line ends", function()
    local out = {}
    local screen = screens.new(80, function(text) out[#out + 1] = text end)
    screen:feed "Code: "
    assert.same({ "Code: " }, out)
    screen:feed "ok\r\n"
    assert.same({ "Code: ", "ok\n" }, out)
  end)

  it("lines that fill the width are one for whoever listens", function()
    local _, screen = shown({ "Open:\nhttps://\r\nx.exampl\r\ne/a b\n" }, 8)
    assert.truthy(screen:heard():find("https://x.example/a b", 1, true))
  end)

  it("what was heard starts anew when somebody types", function()
    local screen = screens.new(80, function() end)
    screen:feed "old\nCode: "
    screen:typed()
    assert.equal("", screen:heard())
    screen:feed "wrong\nnew"
    assert.equal("wrong\nnew", screen:heard())
    assert.equal("new", screen:last_line())
  end)

  it("the secret is never shown, however it is cut", function()
    assert_shown("> ***\nok ***.\n", "> s3%cr.t\r\nok s3%cr.t.\n", "s3%cr.t")
    assert_shown("> s3\n", "> s3\n", "s3%cr.t")
    local _, screen = shown({ "s3\27[1m%cr.t" }, 80, "s3%cr.t")
    assert.equal("***", screen:last_line())
  end)

  it("a megabyte without a newline is shown in bounded pieces", function()
    local text, screen = shown { ("x"):rep(1 << 20) }
    assert.equal(1 << 20, #text:gsub("\n", ""))
    assert.is_true(#screen:heard() <= 1 << 17)
  end)
end)
