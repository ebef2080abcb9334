local cli = require "agentlua.cli"
local core = require "agentlua.core"
local decision = require "agentlua.cli.decision"
local support = require "support"
local task = require "agentlua.cli.task"

describe("agentlua", function()
  local path
  before_each(support.setup)
  after_each(support.teardown)

  -- Runs a command line; `words` may have the options of process.run() as fields.
  local function run(words)
    words.cwd = words.cwd or path
    return support.agentlua(words)
  end
  local function project()
    path = support.project()
  end
  before_each(function() path = support.dir end)

  -- One paragraph on stderr, nothing on stdout, exit 2.
  local function is_usage_error(words, ...)
    local result = run(words)
    local shown = table.concat(words, " ") .. "\n" .. result.stdout .. result.stderr
    assert.same({ 2, "" }, { result.code, result.stdout }, shown)
    assert.matches("^agentlua: %S.*\n$", result.stderr)
    assert.is_nil(result.stderr:find("\n\n", 1, true), shown)
    assert.is_nil(result.stderr:find("traceback", 1, true), shown)
    for _, text in ipairs { ... } do assert.truthy(result.stderr:find(text, 1, true), shown) end
  end

  it("--help of every command, anywhere: usage on stdout, exit 0", function()
    for _, name in ipairs(cli.commands) do
      local result = run { name, "--help" }
      assert.same({ 0, "" }, { result.code, result.stderr }, name)
      assert.matches("^Usage: agentlua " .. name, result.stdout)
    end
    for _, word in ipairs { "--help", "-h", "help" } do
      local result = run { word }
      assert.equal(0, result.code)
      for _, name in ipairs(cli.commands) do
        assert.matches("\n  " .. name .. " +%S", result.stdout)
      end
    end
  end)

  it("--help of every task and decision command: usage on stdout, exit 0", function()
    for family, names in pairs { task = task.commands, decision = decision.commands } do
      local all = run({ family, "--help" }).stdout
      for _, name in ipairs(names) do
        local result = run { family, name, "--help" }
        assert.same({ 0, "" }, { result.code, result.stderr }, name)
        assert.matches("^Usage: agentlua " .. family .. " " .. name, result.stdout)
        assert.matches("\n  " .. name .. " +%S", all)
      end
    end
  end)

  it("--help of a loop lists its options", function()
    project()
    local result = run { "run", "execute.lua", "--help" }
    assert.equal(0, result.code)
    assert.matches("--max-tasks N", result.stdout, 1, true)
  end)

  it("no command, and one that nobody knows", function()
    is_usage_error({}, "no command", "agentlua --help")
    is_usage_error({ "stauts" }, "unknown command 'stauts'", "nearest is 'status'", "--help")
    is_usage_error({ "--nosuch" }, "unknown command '--nosuch'")
    is_usage_error({ "../status" }, "unknown command")
    is_usage_error({ "\27[31mred" }, "\\x1b[31mred")
    is_usage_error({ "task" }, "no command after 'task'", "agentlua task --help")
    is_usage_error({ "task", "lst" }, "unknown command 'task lst'", "agentlua task --help")
    is_usage_error({ "run" }, "no script", "agentlua run --help")
    is_usage_error({ "run", "nosuch.lua" }, "unknown script 'nosuch.lua'", "agentlua paths")
  end)

  it("-C takes a directory, and more than one", function()
    project()
    is_usage_error({ "-C" }, "-C needs a directory")
    is_usage_error({ "-C", "nosuch", "status" }, "nosuch", "No such file")
    local result = run { "-C", "/", "-C", path, "paths", "--json", cwd = support.dir }
    assert.equal(path, core.json.parse(result.stdout).project)
  end)

  it("unknown options", function()
    for _, name in ipairs(cli.commands) do
      if name ~= "run" and name ~= "task" and name ~= "decision" then
        is_usage_error({ name, "--nosuch" }, "unknown option '--nosuch'", "agentlua " .. name)
      end
    end
    for _, name in ipairs(task.commands) do
      is_usage_error({ "task", name, "--nosuch" }, "unknown option '--nosuch'", "task " .. name)
    end
    for _, name in ipairs(decision.commands) do
      is_usage_error({ "decision", name, "--nosuch" }, "unknown option '--nosuch'", "decision " .. name)
    end
    project()
    is_usage_error({ "run", "execute.lua", "--nosuch" }, "unknown option '--nosuch'")
  end)

  it("missing arguments", function()
    for _, words in ipairs {
      { "land" }, { "checkpoint" }, { "restore" }, { "edit" },
      { "task", "add" }, { "task", "show" }, { "task", "edit" },
      { "task", "edit", "x" }, { "task", "import" }, { "task", "done" }, { "task", "skip" },
    } do
      is_usage_error(words, "missing argument", "Usage: agentlua " .. words[1])
    end
    is_usage_error({ "log", "-n" }, "-n")
    is_usage_error({ "task", "add", "x", "--priority" }, "--priority")
  end)

  it("arguments that are too many, or not what is wanted", function()
    is_usage_error({ "version", "x" }, "too many arguments")
    is_usage_error({ "init", "x" }, "too many arguments")
    is_usage_error({ "trust", "a", "b" }, "too many arguments")
    is_usage_error({ "restore", "x", "first" }, "'first' is not a number above 0")
    is_usage_error({ "log", "-n", "many" }, "'many' is not a number above 0")
    is_usage_error({ "log", "-n", "1.5" }, "'1.5'")
    is_usage_error({ "task", "add", "x", "--priority", "high" }, "'high' is not a number")
    is_usage_error({ "task", "add", "x", "--effort", "XXL" }, "must be one of 'XS'")
    is_usage_error({ "task", "list", "--status", "nosuch" }, "must be one of 'todo'")
  end)

  it("the surroundings: no repository, no project", function()
    for _, words in ipairs {
      { "status" }, { "task", "list" }, { "log" }, { "stop" }, { "run", "execute.lua" }, { "init" },
    } do
      is_usage_error(words, "not in a git repository")
    end
    path = support.repository()
    is_usage_error({ "status" }, "no .agentlua in '" .. path .. "'", "agentlua init")
    is_usage_error({ "trust" }, "no .agentlua", "agentlua init")
  end)

  it("a task, script or prompt that is not there", function()
    project()
    for _, words in ipairs {
      { "task", "show", "nosuch" }, { "task", "done", "nosuch" }, { "land", "nosuch" },
      { "checkpoint", "nosuch" }, { "restore", "nosuch" },
      { "task", "edit", "nosuch", "a=b" }, { "stop", "nosuch" }, { "log", "--task", "nosuch" },
      { "run", "execute.lua", "--task", "nosuch", "--agent", "demo" },
      { "task", "add", "x", "--depends", "nosuch" },
    } do
      is_usage_error(words, "no task 'nosuch'", "agentlua task list")
    end
    is_usage_error({ "edit", "nosuch.lua" }, "no script or prompt 'nosuch.lua'")
    is_usage_error({ "edit", "../x.lua" }, "'../x.lua' is not a name")
  end)

  it("with --json an error is JSON: code, message, hint", function()
    project()
    local result = run { "task", "show", "nosuch", "--json" }
    assert.same({ 2, "" }, { result.code, result.stdout })
    local expected = { code = "ENOENT", message = "no task 'nosuch'" }
    expected.hint = "agentlua task list shows what is there"
    assert.same({ error = expected }, core.json.parse(result.stderr))
    result = run { "status", "--json", "--nosuch" }
    assert.equal("EUSAGE", core.json.parse(result.stderr).error.code)
  end)

  it("version", function()
    local shown = "agentlua " .. core.version .. "\n"
    assert.equal(shown, run({ "version" }).stdout)
    assert.equal(shown, run({ "--version" }).stdout)
  end)
end)
