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

  it("the inspector lists every tool and calls every tool", function()
    w:write(".agentlua/dev/start", "#!/bin/sh\nexec sleep 1000\n", 493)
    w:write(".agentlua/dev/stop", "#!/bin/sh\nexit 0\n", 493)
    local called = {}
    local function call(name, args)
      local words = { "--method", "tools/call", "--tool-name", name }
      for key, value in pairs(args or {}) do
        value = type(value) == "string" and value or al.json.dump(value)
        table.move({ "--tool-arg", key .. "=" .. value }, 1, 2, #words + 1, words)
      end
      called[name] = true
      local said = inspect(table.unpack(words))
      assert.is_not_true(said.isError, name .. ": " .. al.json.dump(said))
      return said.structuredContent or {}
    end
    local tools = inspect("--method", "tools/list").tools
    local one = { task_id = call("task_create", { name = "One", description = "d", priority = 7 }).task_id }
    local function on(id, args)
      args.task_id = id
      return args
    end
    assert.equal(7, w:task(one.task_id).priority)
    local bulk = call("task_create_bulk", { tasks = al.json.array { { name = "Two", description = "d" } } })
    local two = bulk.created_tasks[1].task_id
    for _, name in ipairs { "task_get_next", "task_list", "task_get_stats" } do call(name) end
    call("task_get_context", one)
    call("plan_create", on(one.task_id, { content = "# Plan" }))
    call("plan_update", on(one.task_id, { content = "# Other plan" }))
    one = { task_id = one.task_id }
    call("plan_get", one)
    call("task_mark_needs_input", on(one.task_id, {
      question = { question = "Which?", options = al.json.array { "this", "that" } },
    }))
    call("task_answer_question", on(one.task_id, { answer = "A" }))
    call("task_mark_analysing", one)
    call("task_mark_analysed", on(one.task_id, { analysis = { summary = "easy" } }))
    for _, name in ipairs { "task_mark_in_progress", "task_mark_done", "task_mark_todo" } do call(name, one) end
    call("task_mark_skipped", on(one.task_id, { skip_reason = "max-retries" }))
    call("task_mark_needs_input", on(two, {
      split_proposal = { sub_tasks = al.json.array { { name = "a" }, { name = "b" } } },
    }))
    call("task_approve_split", on(two, { approved = true }))
    local first = call("decision_create", { title = "T", context = "c", decision = "d" }).id
    local other = call("decision_create", { title = "U", context = "c", decision = "d", status = "accepted" }).id
    call("decision_get", { decision_id = first })
    call "decision_list"
    call("decision_update", { decision_id = first, tags = al.json.array { "x" } })
    call("decision_mark_accepted", { decision_id = first })
    call("decision_mark_superseded", { decision_id = first, superseded_by = other })
    call("decision_mark_deprecated", { decision_id = other, reason = "old" })
    call("session_initialize", { session_type = "manual" })
    call("session_update", { tasks_failed = 1 })
    for _, name in ipairs { "session_increment_completed", "session_get_state", "session_get_stats" } do call(name) end
    call("steering_heartbeat", { status = "testing" })
    call "dev_start"
    call "dev_stop"
    for _, tool in ipairs(tools) do assert.is_true(called[tool.name], tool.name) end
    assert.equal(33, #tools)
  end)

  it("the SDK's client lists every tool and calls every tool", function()
    w:write(".agentlua/dev/start", "#!/bin/sh\nexec sleep 1000\n", 493)
    local script = runs.source .. "/tests/agents/mcp_client.mjs"
    local result = w:command { "node", script, bin .. "/../node_modules", runs.host, w.root, timeout = 120 }
    assert.equal(0, result.code, result.stdout .. result.stderr)
    assert.same({ tools = 33, called = 33, failed = {} }, al.json.parse(result.stdout), result.stderr)
  end)
end)
