local client = require "mcp_client"
local core = require "agentlua.core"
local schema = require "agentlua.mcp.schema"
local support = require "support"

describe("schema", function()
  it("says what is wrong in a sentence, with the nearest name", function()
    local shape = schema.object({
      name = schema.text("x", { minLength = 1 }), priority = schema.integer("x", { minimum = 1, maximum = 100 }),
      effort = schema.one_of { "S", "M" }, tags = schema.texts "x", flag = schema.flag "x",
      parts = schema.list(schema.object({ title = schema.text "x" }, { "title" }), "x", { minItems = 1, maxItems = 2 }),
      any = { type = { "string", "object" }, properties = {}, required = { "a" } }, free = {},
    }, { "name" })
    local list = core.json.array
    for problem, args in pairs {
      ["argument 'name' is missing"] = { name = core.json.null },
      ["argument 'name' must be text, it is 5"] = { name = 5 },
      ["argument 'name' is empty"] = { name = "" },
      ["argument 'priority' must be from 1 to 100, it is 500"] = { name = "a", priority = 500 },
      ["argument 'priority' must be a whole number, it is 'x'"] = { name = "a", priority = "x" },
      ["argument 'effort' must be one of S, M, it is 'Q'"] = { name = "a", effort = "Q" },
      ["argument 'tags[2]' must be text, it is true"] = { name = "a", tags = list { "x", true } },
      ["argument 'flag' must be true or false, it is a list"] = { name = "a", flag = list {} },
      ["argument 'parts' must have 1 to 2 elements, it has 0"] = { name = "a", parts = list {} },
      ["argument 'parts[1].title' is missing"] = { name = "a", parts = list { {} } },
      ["unknown argument 'parts[1].titel'; the nearest is 'title'"] =
        { name = "a", parts = list { { title = "a", titel = "b" } } },
      ["argument 'any' must be text or an object, it is 1"] = { name = "a", any = 1 },
      ["argument 'any.a' is missing"] = { name = "a", any = {} },
      ["unknown argument 'nmae'; the nearest is 'name'"] = { name = "a", nmae = "b" },
    } do
      assert.equal(problem, schema.check(args, shape))
    end
    assert.is_nil(schema.check({ name = "a", priority = 5.0, tags = list {}, any = "x", free = 1,
      effort = core.json.null }, shape))
  end)
end)

describe("agentlua mcp", function()
  local path
  before_each(support.setup)
  before_each(function() path = support.project() end)
  after_each(support.teardown)

  local function serve(words, env)
    local more = { HOME = support.dir .. "/home", XDG_STATE_HOME = support.dir .. "/state",
      XDG_CONFIG_HOME = support.dir .. "/config", AGENTLUA_ROOT = false, AGENTLUA_RUN_ID = false,
      AGENTLUA_TASK_ID = false, LUA_PATH = false, LUA_CPATH = false }
    for name, value in pairs(env or {}) do more[name] = value end
    return client.start { support.host, "mcp", cwd = path, env = more, timeout = 300, table.unpack(words or {}) }
  end
  local function task(id)
    return assert(core.json.parse(support.agentlua({ "task", "show", id, "--json", cwd = path }).stdout))
  end
  local function keys(map)
    local all = {}
    for key in pairs(map) do all[#all + 1] = key end
    table.sort(all)
    return all
  end

  it("agrees on a version: the client's, or the newest that it knows", function()
    for asked, given in pairs {
      ["2025-11-25"] = "2025-11-25", ["2025-06-18"] = "2025-06-18", ["2025-03-26"] = "2025-03-26",
      ["2024-11-05"] = "2024-11-05", ["1999-01-01"] = "2025-11-25",
    } do
      local c = serve()
      local answer = c:begin(asked)
      assert.equal(given, answer.protocolVersion)
      assert.equal("agentlua", answer.serverInfo.name)
      c:send '[{"jsonrpc":"2.0","id":"p","method":"ping"}]'
      local batch = c:receive()
      if given < "2025-06-18" then assert.same({}, batch[1].result) else assert.equal(-32600, batch.error.code) end
      assert.same({}, c:ask("ping").result)
      assert.equal(0, c:leave().code)
    end
    local c = serve()
    assert.equal(-32602, c:ask("initialize", {}).error.code)
    assert.equal(-32601, c:ask("resources/list").error.code)
    assert.equal(-32602, c:ask("tools/list", { cursor = "x" }).error.code)
    c:leave()
  end)

  it("offers each phase its tools, all with a schema and a description", function()
    local all = {}
    for _, phase in ipairs { "all", "analyse", "execute" } do
      local c = serve { "--phase", phase }
      c:begin()
      all[phase] = c:tools()
      c:leave()
    end
    assert.equal(33, #keys(all.all))
    for name, tool in pairs(all.all) do
      assert.equal("object", tool.inputSchema.type, name)
      assert.is_true(#tool.description > 10, name)
    end
    assert.same({ "description", "name" }, (function()
      local required = table.move(all.all.task_create.inputSchema.required, 1, 2, 1, {})
      table.sort(required)
      return required
    end)())
    assert.truthy(all.analyse.task_mark_analysed and all.execute.task_mark_done and all.execute.dev_start)
    for _, name in ipairs { "task_mark_done", "task_answer_question", "task_approve_split", "dev_start" } do
      assert.is_nil(all.analyse[name], name)
    end
    for _, name in ipairs { "task_mark_analysed", "task_answer_question", "task_get_next", "session_update" } do
      assert.is_nil(all.execute[name], name)
    end
    local c = serve { "--phase", "analyse" }
    local text, failed, answer = c:call("task_mark_done", { task_id = "x" })
    assert.is_true(failed)
    assert.equal(-32602, answer.error.code)
    assert.matches("'task_mark_done' is not offered in phase analyse", text)
    assert.matches("the nearest is 'task_list'", (c:call "task_lst"))
    c:leave()
  end)

  it("a task from its making to its end", function()
    local c = serve()
    c:begin()
    local made = c:must("task_create", { name = "One", description = "d", priority = 3, colour = "red" })
    local id = made.task_id
    assert.truthy(core.fs.stat(made.file_path))
    assert.equal("red", task(id).colour)
    assert.equal(id, c:must("task_get_next").task.id)
    c:must("task_mark_analysing", { task_id = id })
    assert.equal("analysing", task(id).status)
    c:must("task_mark_analysed", { task_id = id, analysis = { summary = "easy" } })
    assert.equal("easy", task(id).analysis.summary)
    c:must("plan_create", { task_id = id, content = "# Plan" })
    local about = c:must("task_get_context", { task_id = id })
    assert.same({ true, "# Plan", "easy" }, { about.has_analysis, about.plan, about.analysis.summary })
    c:must("task_mark_in_progress", { task_id = id })
    assert.equal("in-progress", task(id).status)
    -- It is ours as long as the server lives.
    assert.equal(2, support.agentlua({ "task", "done", id, cwd = path }).code)
    assert.equal("in-progress", c:must("task_mark_in_progress", { task_id = id }).status)
    assert.equal("done", c:must("task_mark_done", { task_id = "one" }).status)
    assert.matches("already", c:must("task_mark_done", { task_id = id }).message)
    assert.equal("todo", c:must("task_mark_todo", { task_id = id }).status)
    c:must("task_mark_skipped", { task_id = id, skip_reason = "non-recoverable" })
    assert.equal("skipped", task(id).status)
    assert.same({ 1, 1 }, { c:must("task_get_stats").total, c:must("task_list", { status = "skipped" }).count })
    c:leave()
  end)

  it("several tasks: what is wrong is told, the others are there", function()
    local c = serve()
    local made = c:must("task_create_bulk", { tasks = core.json.array {
      { name = "One", description = "d" },
      { name = "Two", description = "d", dependencies = core.json.array { "One" } },
      { name = "Three" }, { name = "Four", description = "d", priority = 900 },
      { name = "Five", description = "d", dependencies = core.json.array { "nosuch" } },
      { name = "Six", description = "d", type = "script" }, { name = "Seven", description = "d", status = "done" },
    } })
    assert.same({ false, 2, 5 }, { made.success, made.created_count, made.error_count })
    assert.equal(2, made.errors[1].index)
    assert.matches("'description' is missing", made.errors[1].error)
    assert.matches("from 1 to 100", made.errors[2].error)
    assert.matches("nosuch", made.errors[3].error)
    assert.matches("script_path", made.errors[4].error)
    assert.matches("'status'", made.errors[5].error)
    assert.same({ made.created_tasks[1].task_id }, { table.unpack(task(made.created_tasks[2].task_id).dependencies) })
    c:leave()
  end)

  it("questions are asked, answered, and skip by their flag; a split is proposed and decided on", function()
    local c = serve()
    local id = c:must("task_create", { name = "One", description = "d" }).task_id
    assert.matches("say one of", (c:call("task_mark_needs_input", { task_id = id })))
    assert.matches("'question.question' is missing", (c:call("task_mark_needs_input", { task_id = id, question = {} })))
    c:must("task_mark_needs_input", { task_id = id, questions = core.json.array {
      { question = "Which?", options = core.json.array { "this", { label = "that", rationale = "why not" } } },
      { question = "When?" },
    } })
    assert.equal("A", task(id).pending_questions[1].recommendation)
    local left = c:must("task_answer_question", { task_id = id, answer = "b" })
    assert.same({ "needs-input", "When?" }, { left.status, left.questions_left[1].question })
    assert.matches("q9", (c:call("task_answer_question", { task_id = id, answer = "x", question_id = "q9" })))
    assert.equal("todo", c:must("task_answer_question", { task_id = id, answer = "now", attachments = core.json.array {
      { name = "f", path = "/f", size = 3 } } }).status)
    assert.equal("B - that", task(id).questions_resolved[1].answer)
    assert.equal("f", task(id).questions_resolved[2].attachments[1].name)
    local proposal = { reason = "big", sub_tasks = core.json.array { { name = "a", effort = "S" }, { name = "b" } } }
    for _, approved in ipairs { false, true } do
      c:must("task_mark_needs_input", { task_id = id, split_proposal = proposal })
      c:must("task_approve_split", { task_id = id, approved = approved })
    end
    assert.equal("split", task(id).status)
    assert.equal(2, c:must("task_list", { status = "todo" }).count)
    c:leave()
  end)

  it("decisions from proposed to superseded", function()
    local c = serve()
    local first = c:must("decision_create", { title = "T", context = "c", decision = "d", impact = "low" })
    local second = c:must("decision_create", { title = "U", context = "c", decision = "d", status = "accepted" })
    assert.equal("T", c:must("decision_get", { decision_id = first.id }).title)
    c:must("decision_update", { decision_id = first.id, title = "New" })
    assert.matches("nothing to change", (c:call("decision_update", { decision_id = first.id })))
    assert.equal("accepted", c:must("decision_mark_accepted", { decision_id = first.id }).status)
    assert.equal("superseded", c:must("decision_mark_superseded",
      { decision_id = first.id, superseded_by = second.id }).status)
    assert.equal("deprecated", c:must("decision_mark_deprecated", { decision_id = second.id, reason = "old" }).status)
    assert.equal(2, #c:must("decision_list").decisions)
    assert.matches("no decision", (c:call("decision_get", { decision_id = "dec-00000000" })))
    c:leave()
  end)

  it("a session by hand, a heartbeat", function()
    local c = serve()
    assert.matches("no session", (c:call "session_get_state"))
    assert.matches("no session", (c:call "session_increment_completed"))
    c:must("session_initialize", { session_type = "manual" })
    c:must("session_update", { consecutive_failures = 2, status = "paused" })
    c:must("session_increment_completed")
    local state = c:must("session_get_state")
    assert.same({ "paused", 1, 0 }, { state.status, state.tasks_completed, state.consecutive_failures })
    assert.equal(1, c:must("session_get_stats").tasks_completed)
    assert.same({}, c:must("steering_heartbeat", { status = "reading\27[31m" }).whispers)
    assert.matches("heartbeat", support.agentlua({ "log", "--json", cwd = path }).stdout)
    c:leave()
  end)

  it("dev_start and dev_stop run the project's own programs, which end with the server", function()
    local c = serve()
    assert.matches("no program '.*/dev/start'; a person", (c:call "dev_start"))
    support.write("repo/.agentlua/dev/start", "#!/bin/sh\necho up; exec sleep 1000\n", 493)
    local up = c:must "dev_start"
    assert.same({ true, "up" }, { up.running, up.output })
    assert.matches("runs already", (c:call "dev_start"))
    assert.is_false(c:must("dev_stop").running)
    support.write("repo/.agentlua/dev/start", "#!/bin/sh\necho broken; exit 3\n", 493)
    assert.matches("failed with 3:\nbroken", (c:call "dev_start"))
    support.write("repo/.agentlua/dev/start", "#!/bin/sh\nexec sleep 1000\n", 493)
    c:must "dev_start"
    assert.equal(0, c:leave().code)
  end)

  it("tools of the user's: text, data, failures, progress, cancellation; what they print is not in the way", function()
    local file = support.write("tools.lua", [[
mcp.tool { name = "prints", run = function()
  print "printed"
  io.write "written\n"
end }
mcp.tool { name = "hello", run = function() return "hello" end }
mcp.tool { name = "nothing", schema = { type = "object", properties = {}, required = {} }, run = function() end }
mcp.tool { name = "named", task = true, schema = { type = "object" }, run = function(_, c) return c.task.name end }
mcp.tool { name = "fails", run = function() return nil, "no luck" end }
mcp.tool { name = "odd", run = function() return { print } end }
mcp.tool { name = "steps", run = function(_, context) for i = 1, 3 do context.progress(i, 3, "step") end end }
mcp.tool { name = "endless", run = function(_, context)
  local guard <close> = setmetatable({}, { __close = function() io.open("cancelled", "w"):close() end })
  while true do context.progress(1) require("agentlua").sleep(0.01) end
end }
mcp.tool { name = "plan_get", description = "mine", run = function() return "mine" end }
]])
    local c = serve { "--tools", file, "--tools", support.source .. "/examples/tools.lua", "--phase", "execute" }
    c:begin()
    assert.equal("mine", c:tools().plan_get.description)
    assert.equal(1, c:must("count_lines", { path = "file.txt" }).lines)
    assert.matches("nosuch", (c:call("count_lines", { path = "nosuch" })))
    assert.matches("count_lines: argument 'path' is missing", (c:call "count_lines"))
    assert.equal("ok", (c:call "prints"))
    assert.is_nil(c:tools().nothing.inputSchema.required)
    assert.matches("'task_id' is missing", (c:call "named"))
    local text, failed = c:call "hello"
    assert.same({ "hello", false }, { text, failed })
    text, failed = c:call "fails"
    assert.same({ "no luck", true }, { text, failed })
    assert.matches("not JSON", (c:call "odd"))
    c:call("steps", {}, { progressToken = "t" })
    assert.equal(3, #c.notes)
    assert.same({ method = "notifications/progress", jsonrpc = "2.0",
      params = { progressToken = "t", progress = 3, total = 3, message = "step" } }, c.notes[3])
    c:send { jsonrpc = "2.0", id = "e", method = "tools/call", params = { name = "endless" } }
    assert.equal("hello", (c:call "hello"))
    c:send { jsonrpc = "2.0", method = "notifications/cancelled", params = { requestId = "e", reason = "enough" } }
    assert.equal("hello", (c:call "hello"))
    assert.truthy(core.fs.stat(path .. "/cancelled"))
    local result = c:leave()
    assert.equal(0, result.code)
    assert.matches("printed\nwritten\n", result.stderr)
  end)

  it("a file of tools that is none is refused before anything is served", function()
    for text, problem in pairs {
      ["x ="] = "unexpected symbol", ["mcp.tool {}"] = "needs a name", ["error 'oh'"] = "oh",
      ["mcp.tool { name = 'a' }"] = "needs a function",
      ["mcp.tool { name = 'a', run = print, schema = { type = 'string' } }"] = "needs a schema of an object",
    } do
      local result = support.agentlua { "mcp", "--tools", support.write("t.lua", text), cwd = path, stdin = "" }
      assert.equal(2, result.code)
      assert.matches(problem, result.stderr)
      assert.is_nil(result.stderr:find("traceback", 1, true))
    end
    assert.equal(2, support.agentlua({ "mcp", "--tools", "/nosuch", cwd = path, stdin = "" }).code)
    assert.equal(2, support.agentlua({ "mcp", cwd = "/", stdin = "" }).code)
    assert.matches("task_create", support.agentlua({ "mcp", "--list", cwd = "/" }).stdout)
  end)

  it("tools can be called from Lua, for a task", function()
    support.write("repo/.agentlua/config.lua", 'return { mcp = { tools = { "tools.lua" } } }')
    support.write("repo/tools.lua",
      "mcp.tool { name = 'hello', run = function(_, context) return context.task.name end }")
    local answers = support.script([[
      local al = require "agentlua"
      local p = al.project.open()
      local made = al.mcp.call(p, "task_create", { name = "One", description = "d" })
      local context = { task = p.store:get(made.task_id) }
      print(al.json.dump {
        al.mcp.call(p, "hello", nil, context), al.mcp.call(p, "task_get_context", {}, context).id == made.task_id,
        select(2, al.mcp.call(p, "nosuch")), select(2, al.mcp.call(p, "task_get_context")),
        select(2, al.mcp.call(p, "dev_start")),
      })
    ]], { cwd = path })
    assert.same({ "One", true, "there is no tool 'nosuch'", "task_get_context: argument 'task_id' is missing" },
      table.move(answers, 1, 4, 1, {}))
    assert.truthy(answers[5])
  end)

  it("survives whatever comes, and harms nothing", function()
    local c = serve()
    c:begin()
    local id = c:must("task_create", { name = "One", description = "d" }).task_id
    local before, other = task(id), c:must("task_create", { name = "Two", description = "d" }).task_id
    local seed = tonumber(os.getenv "AGENTLUA_SEED") or os.time()
    math.randomseed(seed)
    local names = keys(c:tools())
    local values = { "x", other, other, "", 5, -1, 1e300, true, core.json.null, {}, core.json.array {}, ("y"):rep(5000),
      "\0\27[31m", core.json.array { core.json.array { {} } }, { a = { b = { c = 1 } } } }
    local function value() return values[math.random(#values)] end
    local function message()
      local args = { task_id = value(), name = value(), tasks = value(), analysis = value(), question = value() }
      local params = { name = names[math.random(#names)], arguments = args, cursor = value() }
      if math.random(9) == 1 then params.arguments = value() end
      local method = math.random(9) > 1 and "tools/call" or "tools/list"
      return core.json.dump { jsonrpc = "2.0", id = value(), method = method, params = params }
    end
    local function mutate(text)
      for _ = 1, math.random(0, 3) do
        local at = math.random(#text)
        local how = math.random(3)
        if how == 1 then text = text:sub(1, at - 1) .. string.char(math.random(0, 255)) .. text:sub(at + 1)
        elseif how == 2 then text = text:sub(1, at)
        else text = text:sub(1, at) .. text:sub(math.random(#text)) end
      end
      return (text:gsub("\n", " "))
    end
    local deadline, sent = core.time.clock() + (tonumber(os.getenv "AGENTLUA_SECONDS") or 2), 0
    while core.time.clock() < deadline do
      for _ = 1, 20 do c:send(mutate(message())) end
      sent = sent + 20
      c:send { jsonrpc = "2.0", id = "sync", method = "ping" }
      repeat
        local answer = c:receive()
        assert(answer, "the server has ended; AGENTLUA_SEED=" .. seed)
      until answer.id == "sync"
    end
    assert.is_true(sent > 100)
    assert.equal(0, c:leave().code)
    assert.same(before, task(id), "AGENTLUA_SEED=" .. seed)
    assert.equal(0, support.agentlua({ "fsck", cwd = path }).code)
  end)
end)
