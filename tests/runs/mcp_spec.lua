local al = require "agentlua"
local support = require "support"

describe("agents with tools", function()
  local w
  before_each(function()
    w = support.new()
    local client = support.source .. "/tests/fixtures/agents/mcp.lua"
    w:write(".agentlua/agents/scripted.lua",
      ([[return { argv = { %q, "run", %q, { "{mcp}" } } }]]):format(support.host, client))
    w.env.MCP_ANSWERS = w.top .. "/answers.json"
  end)
  after_each(function() w:close() end)

  -- Runs a loop with an agent that makes these calls; returns its answers, those to the calls only, and the tools.
  local function run(script, ...)
    w.env.MCP_CALLS = al.json.dump(al.json.array { ... })
    local result = w:al("run", script, "--agent", "scripted")
    local answers = al.json.parse(al.fs.read(w.env.MCP_ANSWERS) or "[]")
    local tools = {}
    for _, tool in ipairs(answers[2] and answers[2].result.tools or {}) do tools[tool.name] = tool end
    return table.move(answers, 3, #answers, 1, {}), tools, result
  end
  local function call(name, args) return { name = name, arguments = args or {} } end
  local function text(answer) return answer.result and answer.result.content[1].text or answer.error.message end

  it("done is a claim: it is verified and landed by the loop", function()
    w:config [[ completion = "explicit", verify = { { name = "work", argv = { "test", "-s", "work.txt" } } } ]]
    local id = w:add "A thing"
    local answers, tools, result = run("execute.lua", call "task_mark_in_progress", call "task_get_context",
      call("plan_create", { content = "# Plan" }),
      call("decision_create", { title = "T", context = "c", decision = "d" }),
      call("steering_heartbeat", { status = "working" }), call "session_get_state", call "task_mark_done")
    assert.equal(0, result.code, result.stdout .. result.stderr)
    for _, answer in ipairs(answers) do assert.falsy(answer.error or answer.result.isError, text(answer)) end
    assert.matches("noted: done; it is judged when you end", text(answers[7]))
    local task = w:task(id)
    assert.equal("done", task.status)
    assert.equal("work", w:git("show", "main:work.txt"))
    assert.equal(id, answers[2].result.structuredContent.id)
    assert.same({ id }, { table.unpack(answers[4].result.structuredContent.related_task_ids) })
    assert.equal(w:events("heartbeat")[1].status, "working")
    assert.equal(task.attempts[1].run, answers[6].result.structuredContent.session_id)
    assert.is_nil(tools.task_mark_done.inputSchema.required) -- its own task by default
    assert.is_nil(tools.task_mark_analysed)
  end)

  it("what is not said is not done", function()
    w:config [[ completion = "explicit", attempts = 1 ]]
    local id = w:add "A thing"
    run("execute.lua", call "task_get_context")
    assert.equal("failed", w:task(id).status)
  end)

  it("an analysis comes by its tool, in its phase only", function()
    local id = w:add "A thing"
    local answers, tools = run("analyse.lua", call "task_mark_done", call("task_mark_analysed",
      { analysis = { implementation = { approach = "carefully" } } }))
    assert.matches("not offered in phase analyse", text(answers[1]))
    local task = w:task(id)
    assert.same({ "analysed", "carefully" }, { task.status, task.analysis.implementation.approach })
    assert.is_nil(tools.task_mark_done)
  end)

  it("a question waits for a person, and a split for approval", function()
    local id = w:add "A thing"
    run("execute.lua", call("task_mark_needs_input", { question = { question = "Which?", options = { "a", "b" } } }))
    assert.same({ "needs-input", "Which?" }, { w:task(id).status, w:task(id).pending_question.question })
    assert.equal(0, w:al("task", "answer", id, "A").code)
    run("execute.lua", call("task_mark_needs_input", { split_proposal = { sub_tasks = { { name = "a" } } } }))
    assert.same({ "needs-input", "a" }, { w:task(id).status, w:task(id).split_proposal.sub_tasks[1].name })
    assert.equal(0, w:al("task", "reject", id).code)
    run("execute.lua", call("task_mark_skipped", { skip_reason = "non-recoverable" }))
    assert.equal("skipped", w:task(id).status)
  end)

  it("other tasks can be made and looked at; owned ones cannot be moved", function()
    local id = w:add "A thing"
    local answers = run("execute.lua", call("task_create", { name = "More", description = "d" }), call "task_list",
      call("task_mark_done", { task_id = "more" }), call("task_mark_done", { task_id = "nosuch" }))
    assert.equal(2, answers[2].result.structuredContent.count)
    assert.matches("no task 'nosuch'", text(answers[4]))
    assert.equal("done", w:task(id).status)
  end)

  it("what the operator says meanwhile is told by a heartbeat, once", function()
    local id = w:add "A thing"
    w:write(".agentlua/config.lua", [[return { mcp = { tools = { "tools.lua" } } }]])
    w:write("tools.lua", [[
mcp.tool { name = "operator", run = function(args)
  local al = require "agentlua"
  return al.process.run { os.getenv "AGENTLUA_BIN", "say", os.getenv "AGENTLUA_TASK_ID", args.text }.stdout
end }
]])
    local beat = call("steering_heartbeat", { status = "working" })
    local answers = run("execute.lua", beat, call("operator", { text = "hurry" }), beat, beat)
    assert.same({}, answers[1].result.structuredContent.whispers)
    assert.equal("hurry", answers[3].result.structuredContent.whispers[1].instruction)
    assert.same({}, answers[4].result.structuredContent.whispers)
    local task = w:task(id)
    assert.same({ "done", 1 }, { task.status, #task.attempts })
  end)

  it("the user's own tools and servers, and none at all", function()
    w:config [[ mcp = { tools = { ".agentlua/tools.lua" }, servers = { other = { command = "true" } } } ]]
    w:write(".agentlua/tools.lua", [[
mcp.tool { name = "shout", description = "Says it loud.",
  schema = { type = "object", properties = { text = { type = "string" } }, required = { "text" } },
  run = function(args) return args.text:upper() end }
]])
    w:add "A thing"
    local answers = run("execute.lua", call("shout", { text = "hello" }))
    assert.equal("HELLO", text(answers[1]))
    w:config [[ mcp = false, attempts = 1 ]]
    local id = w:add "Another"
    run "execute.lua"
    assert.matches("crash", w:task(id).reason) -- the agent had no servers to talk to
    w:config [[ mcp = { tools = { "nosuch.lua" } } ]]
    local missing = w:al("run", "execute.lua", "--agent", "scripted")
    assert.same({ 2, true }, { missing.code, missing.stderr:find("nosuch.lua", 1, true) ~= nil })
    w:config [[ mcp = { servers = { ["a b"] = {} } } ]]
    local result = w:al("run", "execute.lua", "--agent", "scripted")
    assert.equal(2, result.code)
    assert.matches("'mcp.servers' must be a table like", result.stderr)
  end)

  local reason = support.no_sandbox()
  if reason then return pending("tools in a sandbox: " .. reason) end

  it("in a sandbox, too", function()
    w:config 'sandbox = "bwrap", completion = "explicit"'
    w.env.MCP_ANSWERS = "answers.json"
    local id = w:add "A thing"
    run("execute.lua", call("steering_heartbeat", { status = "working" }), call("plan_create", { content = "# Plan" }),
      call "task_mark_done")
    assert.equal("done", w:task(id).status)
    assert.equal("working", w:events("heartbeat")[1].status)
  end)
end)
