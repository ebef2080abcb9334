-- agentlua test: a loop is tried where nothing of the user's is touched.

local al = require "agentlua"
local support = require "support"

describe("agentlua test", function()
  local w
  before_each(function()
    w = support.new()
    w.env.TMPDIR = w.top .. "/tmp"
    al.fs.mkdir(w.env.TMPDIR)
    w:make_user_work()
  end)
  after_each(function() w:close() end)

  -- All files of the world, with their contents, but those of the place for temporary files.
  local function everything()
    return w:command({ "sh", "-c", [[
      cd "$0" && find . -path ./tmp -prune -o -type f -print | grep -v '/index$' | sort |
      xargs -d '\n' sha256sum]], w.top,
    }).stdout
  end
  local function try(...)
    local result = w:al("test", "--json", ...)
    local told = al.json.parse(result.stdout)
    local by_name = {}
    for _, row in ipairs(told and told.tasks or {}) do
      by_name[row.name] = row.status .. ": " .. table.concat(row.attempts, " ")
    end
    return result, by_name, told
  end
  local good <const> = {
    Plain = "done: done", ["Fails verification once"] = "done: done done", Asks = "done: needs_input done",
    ["After the plain one"] = "done: done",
  }

  it("tries the execution loop on four tasks, and leaves nothing and touches nothing", function()
    local before, refs = everything(), w:git("for-each-ref")
    local result, rows = try()
    assert.same({ 0, good }, { result.code, rows }, result.stderr)
    assert.equal(before, everything())
    assert.equal(refs, w:git("for-each-ref"))
    assert.same({}, al.fs.list(w.env.TMPDIR))
  end)

  it("says it for people too; without a project, with a loop of a path, and analyses", function()
    local elsewhere = w.top .. "/elsewhere"
    al.fs.mkdir(elsewhere)
    local result = w:al("test", support.source .. "/scripts/execute.lua", { cwd = elsewhere })
    assert.equal(0, result.code, result.stderr)
    assert.matches("Fails verification once +done +2 attempts: done, done\n", result.stdout)
    assert.matches("execute.lua: well\n$", result.stdout)
    local analysed, rows = try("analyse.lua")
    assert.equal(0, analysed.code, analysed.stderr)
    assert.equal("analysed: done", rows.Plain)
    assert.equal("todo: ", rows["After the plain one"])
  end)

  it("tries what was edited: the project's scripts, prompts, hooks and settings", function()
    w:config [[ message = "mine: {name}", tasks = "elsewhere", base = "nosuch", worktrees = "/nosuch/x",
      require_analysis = true, setup = { "false" }, verify = { { name = "slow", argv = { "false" } } } ]]
    w:write(".agentlua/scripts/execute.lua", al.fs.read "scripts/execute.lua" .. "\n-- mine\n")
    w:write(".agentlua/prompts/execute.md", "# Task: {{TASK_NAME}}\nmine\n")
    w:write(".agentlua/hooks.lua", [[return { on_prompt = function(prompt) assert(prompt:find "mine") end }]])
    local result, rows = try "--keep"
    assert.same({ 0, good }, { result.code, rows }, result.stderr)
    local kept = result.stderr:match "kept: (%S+)"
    local log = w:command({ "git", "-C", kept .. "/repo", "log", "--format=%s" }).stdout
    assert.matches("mine: Plain", log)
  end)

  it("finds a loop that raises, one that gives up, and a hook that fails: exit 1", function()
    w:write("bad.lua", "local al = require 'agentlua'\nlocal p = al.project.open()\nreturn p:loop { from = 'todo', "
      .. "to = 'in-progress', work = function(task) task.nosuch.field = 1 end }")
    local result, rows = try "./bad.lua"
    assert.equal(1, result.code)
    assert.matches("attempt to index a nil value %(field 'nosuch'%)", result.stderr)
    assert.equal("todo: ", rows.Plain)
    w:write("gives_up.lua", "local al = require 'agentlua'\nlocal p = al.project.open()\nreturn p:loop { "
      .. "from = 'todo', to = 'in-progress', "
      .. "work = function(task) return p:give_up(task, nil, { ending = 'crash' }) end }")
    assert.equal(1, (try "./gives_up.lua").code)
    w:write(".agentlua/hooks.lua", "return { after_land = function() error 'my hook' end }")
    local hooked, _, told = try()
    assert.equal(1, hooked.code)
    assert.matches("my hook", told.hooks[1].error)
    assert.same({}, al.fs.list(w.env.TMPDIR))
  end)

  it("replays what an agent said once, through its decoder, without the agent", function()
    local function replay(stream, agent)
      local result, rows = try("--agent", agent, "--transcript", ("%s/tests/fixtures/streams/%s/%s.jsonl"):format(
        support.source, agent, stream))
      return { result.code, rows.Plain, rows["After the plain one"] }
    end
    assert.same({ 0, "done: done", "done: done" }, replay("good", "claude"))
    assert.same({ 0, "done: done", "done: done" }, replay("good", "codex"))
    assert.same({ 0, "todo: limit", "todo: " }, replay("retry-limit", "claude"))
    assert.same({ 0, "todo: api_error", "todo: " }, replay("failed", "codex"))
    assert.same({ 1, "failed: max_turns max_turns max_turns", "todo: " }, replay("max-turns", "claude"))
  end)

  it("runs the project's own commands, on what is committed, with --verify", function()
    w:config [[ setup = { "touch", "ready" },
      verify = { { argv = { "sh", "-c", "test -f src/f5.txt && test -f ready" } } } ]]
    assert.equal(0, (try "--verify").code)
    w:config [[ verify = { { name = "never", argv = { "false" } } } ]]
    local result, rows = try "--verify"
    assert.same({ 1, "failed: done done done" }, { result.code, rows.Plain })
  end)

  it("ends with Ctrl-C, and leaves nothing", function()
    w:write(".agentlua/hooks.lua", ("return { on_task_start = function() io.open(%q, 'w'):close() end, "
      .. "on_prompt = function() require('agentlua').sleep(60) end }"):format(w.top .. "/started"))
    local child <close> = w:start "test"
    support.eventually(function() return w:exists(w.top .. "/started") end, "the loop starts")
    al.process.run { "kill", "-INT", tostring(child:pid()) }
    assert.equal(130, child:wait().code)
    assert.same({}, al.fs.list(w.env.TMPDIR))
  end)

  it("runs nothing of a project that is not trusted, and says what is wrong with its arguments", function()
    w:command { "rm", "-rf", w.env.XDG_STATE_HOME }
    local result = w:al "test"
    assert.equal(2, result.code)
    assert.matches("agentlua trust", result.stderr)
    assert.equal(0, w:al("trust").code)
    assert.equal(2, w:al("test", "./nosuch.lua").code)
    assert.equal(2, w:al("test", "--transcript", "nosuch.jsonl", "--agent", "claude").code)
    assert.equal(2, w:al("test", "--transcript", "src/f1.txt").code)
    assert.same({}, al.fs.list(w.env.TMPDIR))
  end)
end)
