-- Tools for agents with the real CLIs, and with the official clients of the protocol.

local al = require "agentlua"
local clis = require "clis"
local worlds = require "world"

for name, cli in pairs(clis) do
  describe("the real " .. name .. " with tools", function()
    local reason, w
    cli.name = name
    cli.bin, reason = worlds.install(name)
    if not cli.bin then return pending("is not tested here: " .. reason) end
    after_each(function() w:leave() end)

    local own = [[
mcp.tool {
  name = "shout", description = "Says it loud.",
  schema = { type = "object", properties = { text = { type = "string" } }, required = { "text" } },
  run = function(args, context)
    local file <close> = io.open(context.project.root .. "/.agentlua/runs/said.txt", "w")
    file:write(args.text:upper())
    return { said = args.text:upper() }
  end,
}
]]

    it("calls one of the user's, marks its task done, and the loop verifies and lands it", function()
      w = worlds.new(cli, {
        { write = "hello.txt", content = "from the model\n" }, { tool = "shout", args = { text = "hello" } },
        { tool = "task_mark_done" }, { say = "Done." },
      }, nil, [[ completion = "explicit", attempts = 1, mcp = { tools = { ".agentlua/tools.lua" } },
        timeouts = { idle = 120 }, verify = { { name = "hello", argv = { "test", "-s", "hello.txt" } } } ]])
      w:write(".agentlua/tools.lua", own)
      local id = w:add "A thing"
      local result = w:al("run", "execute.lua", "--agent", name, { timeout = 300 })
      local log = w:events("attempt_started")[1].log
      local about = result.stdout .. result.stderr .. al.json.dump((w:requests())) .. "\n"
        .. w:command({ "tail", "-c", "4000", log, (log:gsub("stream.jsonl$", "stderr")) }).stdout
      assert.equal("HELLO", w:read ".agentlua/runs/said.txt", about)
      assert.equal("done", w:task(id).status, about)
      assert.equal("from the model", w:git("show", w.branch .. ":hello.txt"))
    end)

    it("may call them where it may only edit", function()
      w = worlds.new(cli, { { tool = "shout", args = { text = "hello" } }, { say = "Done." } }, nil,
        [[ attempts = 1, mcp = { tools = { ".agentlua/tools.lua" } }, timeouts = { idle = 120 } ]])
      w:write(".agentlua/tools.lua", own)
      w:add "A thing"
      local result = w:al("run", "execute.lua", "--agent", name, "--permission", "edit", { timeout = 300 })
      assert.equal("HELLO", w:read ".agentlua/runs/said.txt", result.stdout .. result.stderr)
    end)
  end)
end

describe("the official clients of MCP", function()
  local bin, reason = worlds.install "mcp"
  if not bin then return pending("are not tested here: " .. reason) end
  local runs = dofile "tests/runs/support.lua"
  local w
  before_each(function() w = runs.new() end)
  after_each(function() w:close() end)

  local function inspect(...)
    local result = w:command { bin .. "/mcp", "--cli", runs.host, "mcp", "-e", "HOME=" .. w.env.HOME,
      "-e", "XDG_STATE_HOME=" .. w.env.XDG_STATE_HOME, ... }
    assert.equal(0, result.code, result.stdout .. result.stderr)
    return al.json.parse(result.stdout)
  end

  it("the inspector lists the tools and calls them", function()
    local id = w:add "A thing"
    assert.equal(33, #inspect("--method", "tools/list").tools)
    local made = inspect("--method", "tools/call", "--tool-name", "task_create", "--tool-arg", "name=More",
      "--tool-arg", "description=d", "--tool-arg", "priority=7")
    assert.equal(7, w:task(made.structuredContent.task_id).priority)
    inspect("--method", "tools/call", "--tool-name", "task_mark_done", "--tool-arg", "task_id=" .. id)
    assert.equal("done", w:task(id).status)
  end)

  it("the SDK's client lists every tool and calls every tool", function()
    w:write(".agentlua/dev/start", "#!/bin/sh\nexec sleep 1000\n", 493)
    local script = runs.source .. "/tests/agents/mcp_client.mjs"
    local result = w:command { "node", script, bin .. "/../node_modules", runs.host, w.root, timeout = 120 }
    assert.equal(0, result.code, result.stdout .. result.stderr)
    assert.same({ tools = 33, called = 33, failed = {} }, al.json.parse(result.stdout), result.stderr)
  end)
end)
