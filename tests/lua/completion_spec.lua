local cli = require "agentlua.cli"
local core = require "agentlua.core"
local support = require "support"

describe("agentlua completion", function()
  local path
  before_each(support.setup)
  before_each(function() path = support.dir end)
  after_each(support.teardown)

  local function script(shell)
    local result = support.agentlua { "completion", shell }
    assert.same({ 0, "" }, { result.code, result.stderr })
    return result.stdout
  end

  -- What bash offers for words, the last of which is being typed; sorted.
  local function offers(...)
    local words = { ... }
    local result = support.command {
      "bash", "-c", [[
        set -eu
        source "$0"
        COMP_WORDS=(agentlua "$@") COMP_CWORD=$#
        _agentlua agentlua "${@: -1}" "" || true
        printf '%s\n' ${COMPREPLY[@]+"${COMPREPLY[@]}"} ]],
      support.write("completion.bash", script "bash"), cwd = path,
      env = { PATH = support.build .. "/bin:" .. os.getenv "PATH" }, table.unpack(words),
    }
    assert.same({ 0, "" }, { result.code, result.stderr })
    local found = {}
    for line in result.stdout:gmatch "[^\n]+" do found[#found + 1] = line end
    table.sort(found)
    return found
  end
  local function sorted(list)
    list = table.move(list, 1, #list, 1, {})
    table.sort(list)
    return list
  end

  describe("for bash", function()
    it("commands, task commands, and what begins with what was typed", function()
      assert.same(sorted(cli.commands), offers "")
      assert.same({ "status", "stop" }, offers "st")
      assert.same({ "add" }, offers("task", "ad"))
      local all = {}
      for i, command in ipairs(require("agentlua.cli.task").list()) do all[i] = command.name end
      assert.same(sorted(all), offers("task", ""))
      assert.same({}, offers("nosuch", ""))
    end)

    it("the options of every command are those of its help", function()
      for _, command in ipairs(cli.list()) do
        for _, sub in ipairs(command.commands or { {} }) do
          local words = { command.name, sub.name }
          local expected = {}
          local parser = command.parser or sub.parser
          for name in parser:get_usage():gmatch "[%[ ](%-%-?[%a-]+)" do expected[name] = true end
          words[#words + 1] = "-"
          local found = {}
          for _, name in ipairs(offers(table.unpack(words))) do found[name] = true end
          for name in pairs(expected) do assert.is_true(found[name], table.concat(words, " ") .. name) end
        end
      end
      assert.same({ "--help", "--json", "--status", "--tasks", "--tree", "-h" }, offers("task", "list", "-"))
    end)

    it("values of options, in both ways of writing them", function()
      assert.same(sorted { "XS", "S", "M", "L", "XL" }, offers("task", "add", "x", "--effort", ""))
      assert.same({ "done" }, offers("task", "list", "--status", "d"))
      assert.same({ "done" }, offers("task", "list", "--status", "=", "d"))
      local ways = { "branch", "merge", "none", "patch", "rebase", "squash" }
      assert.same(ways, offers("run", "execute.lua", "--land", "="))
      assert.same({ "bash", "fish", "zsh" }, offers("completion", ""))
      assert.same({}, offers("log", "-n", ""))
      assert.same(sorted(cli.commands), offers("-C", "/", ""))
    end)

    it("files and directories", function()
      support.write("import/some file.json", "[]")
      support.write("import/sub/x", "")
      path = support.dir .. "/import"
      assert.same({ "some file.json", "sub" }, offers("task", "import", "s"))
      assert.same({ "some file.json", "sub" }, offers("task", "analysed", "a-1", "s"))
      assert.same({ "some file.json", "sub" }, offers("test", "--transcript", "s"))
      assert.same({ "sub" }, offers("-C", "s"))
      assert.same({ "sub" }, offers("task", "list", "--tasks", ""))
    end)

    it("ids of tasks, of the directories that were typed, and nothing that a shell would run", function()
      path = support.project()
      assert(support.agentlua({ "task", "import", "-", cwd = path,
        stdin = '[{"id": "a-1", "name": "A"}, {"id": "a.2", "name": "B"}, {"id": "b", "name": "C"}]' }).code == 0)
      support.write("repo/.agentlua/tasks/todo/x.json", '{"id": "a$(touch hit)", "name": "x", "y": {"id": "a-9"}}')
      support.write("other/todo/x.json", '{"id": "other", "name": "\\n    \\"id\\": \\"a-8\\","}')
      for _, words in ipairs {
        { "task", "show", "a" }, { "task", "done", "b", "a" }, { "task", "add", "x", "--depends", "b", "a" },
        { "log", "--task", "a" }, { "task", "wait", "--timeout", "5", "a" }, { "land", "a" },
      } do
        assert.same({ "a-1", "a.2" }, offers(table.unpack(words)))
      end
      assert.same({ "other" }, offers("task", "show", "--tasks", support.dir .. "/other", ""))
      local repo = path
      path = "/"
      assert.same({ "a-1", "a.2", "b" }, offers("-C", repo, "task", "show", ""))
      assert.same({}, offers("task", "show", ""))
      assert.is_nil(core.fs.stat(repo .. "/hit"))
    end)
  end)

  it("for zsh and fish names every command, option and choice too", function()
    for shell, about in pairs { zsh = "#compdef agentlua", fish = "complete -c agentlua" } do
      local text = script(shell)
      assert.truthy(text:find(about, 1, true))
      local ways = "squash merge rebase branch patch none"
      for _, word in ipairs { "todo analysing", ways, "skip-existing", "priority", "_tasks" } do
        assert.truthy(text:find(word, 1, true), shell .. ": " .. word)
      end
      for _, name in ipairs(cli.commands) do assert.truthy(text:find("'" .. name, 1, true), shell .. ": " .. name) end
    end
  end)

  it("for zsh and fish is read without complaint where they are installed", function()
    for _, shell in ipairs { "zsh", "fish" } do
      local file = support.write("script", script(shell))
      local result = support.command { "sh", "-c", 'command -v "$0" >/dev/null || exit 0; "$0" -n "$1"', shell, file }
      assert.same({ 0, "" }, { result.code, result.stderr })
    end
  end)

  it("of a shell that nobody knows", function()
    assert.equal(2, support.agentlua({ "completion", "tcsh" }).code)
    assert.equal(2, support.agentlua({ "completion" }).code)
  end)
end)
