local al = require "agentlua"
local support = require "support"

describe("agentlua login", function()
  local w
  local code <const>, url <const> = "quietly-7261-code", "https://vendor.example/auth?c=1&s=a.b"
  local program = support.source .. "/tests/fixtures/programs/vendor_login.sh"

  -- The backend `vendor`: an agent that works, and a login as in `fields`.
  local function vendor(fields)
    w:write(".agentlua/agents/vendor.lua", ([[return {
      argv = { %q }, login_help = "set VENDOR_KEY",
      %s
    }]]):format(w:agent "edit", fields or ([[login = { argv = { %q }, ask_code = "code here: $" }]]):format(program)))
  end

  local function limits() return al.fs.read(w.top .. "/state/agentlua/limits.json") or "" end

  -- Marks an account of ours as logged out.
  local function mark(account)
    local path = w:write_script([[require("agentlua.limit").report { account = "]] .. account .. [[", kind = "auth" }]])
    assert.equal(0, w:al("run", path).code)
    assert.truthy(limits():find(account, 1, true))
  end

  before_each(function()
    w = support.new()
    w.env.TMPDIR, w.env.VENDOR_KEY = w.top .. "/tmp", false
    al.fs.mkdir(w.env.TMPDIR)
    function w:write_script(text)
      self:write("../script.lua", text)
      return self.top .. "/script.lua"
    end
    vendor()
  end)
  after_each(function() w:close() end)

  -- agentlua login at a terminal of its own.
  local function at_terminal(...)
    return w:at_terminal { pty = { cols = 60 }, "login", ... }
  end

  local function hear(child, text) return support.hear(child, text, true) end

  local function assert_code_is_nowhere()
    local found = w:command { "grep", "-rlF", "--", code, w.top }
    assert.same({ 1, "" }, { found.code, found.stdout })
  end

  it("shows the address, reads the code without echo or record, and lets parked tasks go on", function()
    mark "vendor/default"
    local child <close> = at_terminal "vendor"
    local said = hear(child, "(what you type is not shown) ")
    assert.truthy(said:find("\r\n" .. url .. "\r\n", 1, true), said)
    assert.equal(1, select(2, said:gsub("\n" .. url:gsub("%p", "%%%0"), "")))
    assert.is_nil(said:find("\27", 1, true))
    support.eventually(function() return not child:echoes() end, "the echo is off")
    for _, pid in ipairs(w:processes()) do
      assert.is_nil((al.fs.read("/proc/" .. pid .. "/environ") or ""):find(code, 1, true))
    end
    child:write(code .. "\r")
    local result = child:wait()
    assert.equal(0, result.code, result.stdout)
    assert.truthy(result.stdout:find("vendor/default: logged in\r\n", 1, true), result.stdout)
    assert.is_nil(result.stdout:find(code, 1, true))
    assert.is_true(child:echoes())
    assert.is_nil(limits():find("vendor/default", 1, true))
    assert_code_is_nowhere()
  end)

  it("reads the code from stdin when that is no terminal, and hides the vendor's echo of it", function()
    vendor(([[login = { argv = { %q, "echoes" }, ask_code = "code here: $" }]]):format(program))
    local result = w:al("login", "vendor", { stdin = code .. "\n" })
    assert.equal(0, result.code, result.stderr)
    assert.is_nil(result.stdout:find(code, 1, true))
    assert.truthy(result.stdout:find("***", 1, true), result.stdout)
    assert_code_is_nowhere()
  end)

  it("a wrong code is exit 1, with the vendor's last words and what to do; the mark stays", function()
    mark "vendor/default"
    local result = w:al("login", "vendor", { stdin = "a-guess-of-mine\n" })
    assert.equal(1, result.code)
    for _, part in ipairs { "The code is wrong.", "agentlua login vendor", "set VENDOR_KEY" } do
      assert.truthy(result.stderr:find(part, 1, true), result.stderr)
    end
    assert.truthy(limits():find("vendor/default", 1, true))
  end)

  it("without any input ends with the reason, and leaves nothing", function()
    local result = w:al("login", "vendor")
    assert.equal(1, result.code)
    assert.truthy(result.stdout:find("there is no input left", 1, true), result.stdout)
  end)

  it("passes keys on until the code is asked for", function()
    vendor(([[login = { argv = { %q, "menu" }, ask_code = "code here: $" }]]):format(program))
    local child <close> = at_terminal "vendor"
    hear(child, "How? ")
    child:write "2"
    hear(child, "Paste code here: ")
    support.eventually(function() return not child:echoes() end, "the echo is off")
    child:write(code .. "\r")
    assert.equal(0, child:wait().code)
  end)

  it("the vendor's terminal is as large as the user's, also when that changes", function()
    vendor [[login = { argv = { "sh", "-c",
      "trap 'stty size; exit 0' WINCH; stty size; echo ready; while :; do sleep 0.02; done" } }]]
    local child <close> = at_terminal "vendor"
    assert.truthy(hear(child, "ready"):find("24 60\r\n", 1, true))
    child:resize(40, 100)
    local result = child:wait()
    assert.equal(0, result.code)
    assert.truthy(result.stdout:find("40 100\r\n", 1, true), result.stdout)
  end)

  it("Ctrl-C twice in a row ends a vendor that does not care for it", function()
    vendor [[login = { argv = { "sh", "-c",
      "trap 'echo no' INT; echo ready; while :; do sleep 0.02; done" } }]]
    local child <close> = at_terminal "vendor"
    hear(child, "ready")
    child:write "\3"
    hear(child, "no\r\n")
    child:write "\3"
    assert.equal(1, child:wait().code)
    assert.is_true(child:echoes())
  end)

  it("the check of a backend decides, whatever the program has said", function()
    local text = [[login = { argv = { %q }, ask_code = "code here: $", check = { %q, %q } }]]
    vendor(text:format(program, program, "check"))
    assert.equal(0, w:al("login", "vendor", { stdin = code .. "\n" }).code)
    vendor(text:format("true", program, "check"))
    assert.equal(0, w:al("login", "vendor").code)
    vendor(text:format("true", "false", "check"))
    local result = w:al("login", "vendor")
    assert.equal(1, result.code)
    assert.truthy(result.stderr:find("'false check' says that it is not logged in", 1, true), result.stderr)
  end)

  it("a program that stays after its success is ended, and it has worked", function()
    vendor [[login = { argv = { "sh", "-c", "echo 'Logged in as you'; cat; echo left" }, success = "Logged in as" }]]
    assert.equal(0, w:al("login", "vendor").code)
    vendor [[login = { argv = { "sh", "-c", "echo no" }, success = "Logged in as" }]]
    assert.equal(1, w:al("login", "vendor").code)
  end)

  it("signals put the terminal back and end the vendor", function()
    for signal, exit in pairs { INT = 130, TERM = 143, HUP = 129 } do
      local child <close> = at_terminal "vendor"
      hear(child, "(what you type is not shown) ")
      support.eventually(function() return not child:echoes() end, "the echo is off")
      w:command { "kill", "-" .. signal, tostring(child:pid()) }
      assert.equal(exit, child:wait().code)
      assert.is_true(child:echoes())
    end
    local child <close> = at_terminal "vendor"
    hear(child, "(what you type is not shown) ")
    support.eventually(function() return not child:echoes() end, "the echo is off")
    child:write "\3"
    assert.equal(130, child:wait().code)
    assert.is_true(child:echoes())
    vendor(([[login = { argv = { %q, "slow" } }]]):format(program))
    local waits <close> = at_terminal "vendor"
    hear(waits, "waiting for you")
    waits:write "\3" -- the vendor's
    assert.equal(1, waits:wait().code)
    assert.is_true(waits:echoes())
  end)

  it("an agent without a login is exit 2, and says how it is authenticated", function()
    vendor ""
    for name, part in pairs { vendor = "set VENDOR_KEY", demo = "documentation", nosuch = "unknown agent" } do
      local result = w:al("login", name)
      assert.equal(2, result.code)
      assert.truthy(result.stderr:find(part, 1, true), result.stderr)
    end
    vendor [[login = { argv = { "/nowhere/login" } }]]
    assert.equal(2, w:al("login", "vendor").code)
    vendor [[login = { argv = { "true" }, ask_code = "[" }]]
    local result = w:al("login", "vendor")
    assert.equal(2, result.code)
    assert.truthy(result.stderr:find("login.ask_code is not a Lua pattern", 1, true), result.stderr)
  end)

  it("--done lets the tasks of the account go on, and a runner that waits sees it at once", function()
    w:config [[backends = { vendor = { account = "work" } }]]
    mark "vendor/work"
    local id = w:add "one thing"
    w.users_act = true -- the run lands as soon as it may
    local child <close> = w:start("run", "execute.lua", "--agent", "vendor", "--watch", "--max-tasks", "1")
    support.eventually(function() return #w:events "limit_started" == 1 end, "the run waits for the login")
    assert.equal(0, #w:events "attempt_started")
    local result = w:al("login", "vendor", "--done")
    assert.equal(0, result.code, result.stderr)
    assert.truthy(result.stdout:find("vendor/work: logged in", 1, true), result.stdout)
    assert.equal(0, child:wait().code)
    assert.equal("done", w:task(id).status)
  end)

  it("tasks whose agent is not logged in are parked and told of once; after the code all of them go on", function()
    w:write("../agent.sh", "#!/bin/sh\nif [ ! -f \"$HOME/token\" ]; then\n"
      .. [[echo '{"type":"auth","text":"please log in"}'; exit 1; fi; exec ]] .. w:agent "edit" .. "\n", 493)
    w:write(".agentlua/agents/vendor.lua", ([[return {
      argv = { %q }, login = { argv = { %q }, ask_code = "code here: $" }
    }]]):format(w.top .. "/agent.sh", program))
    local ids = { w:add "one", w:add "two", w:add "three" }
    local result = w:al("run", "execute.lua", "--agent", "vendor")
    assert.equal(0, result.code, result.stdout .. result.stderr)
    assert.equal("limit", w:events("run_ended")[1].reason)
    for _, id in ipairs(ids) do assert.equal("todo", w:task(id).status) end
    assert.same({ 1, "auth" }, { #w:events "limit_started", w:events("limit_started")[1].kind })
    local _, told = (result.stdout .. result.stderr):gsub("agentlua login vendor", "")
    assert.equal(1, told, result.stdout .. result.stderr)
    result = w:al("login", "vendor", { stdin = code .. "\n" })
    assert.truthy(result.stdout:find("logged in; 1 parked task goes on at the next run", 1, true), result.stdout)
    assert_code_is_nowhere()
    assert.equal(0, w:al("run", "execute.lua", "--agent", "vendor").code)
    for _, id in ipairs(ids) do assert.equal("done", w:task(id).status) end
  end)

  it("works where there is no project", function()
    w:write("../config/agentlua/agents/other.lua", al.fs.read(w.root .. "/.agentlua/agents/vendor.lua"))
    local result = w:al("login", "other", { stdin = code .. "\n", cwd = w.top })
    assert.equal(0, result.code, result.stderr)
    assert.truthy(result.stdout:find("other/default: logged in", 1, true), result.stdout)
  end)
end)
