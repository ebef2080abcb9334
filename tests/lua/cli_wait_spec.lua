local core = require "agentlua.core"
local fiber = require "agentlua.fiber"
local store = require "agentlua.store"
local support = require "support"

describe("agentlua task", function()
  local path
  before_each(support.setup)
  before_each(function() path = support.project() end)
  after_each(support.teardown)

  local function task(...) return support.agentlua { "task", cwd = path, ... } end
  local function add(name)
    local result = task("add", name)
    assert(result.code == 0, result.stderr)
    return (result.stdout:gsub("\n$", ""))
  end

  -- Starts a command in a fiber and waits until it watches `dirs`, each so many times, so that what
  -- follows comes to it as an event. Returns the fiber; the command's result is its field `result`.
  local function start(dirs, words, times)
    local wanted, count = {}, #dirs * (times or 1)
    for _, dir in ipairs(dirs) do wanted[("%x"):format(core.fs.stat(path .. "/.agentlua/" .. dir).inode)] = true end
    words.cwd, words.contain = path, false
    local background
    background = fiber.spawn(function() background.result = support.agentlua(words) end)
    local function watched()
      local seen = 0
      for pid, command in pairs(support.children()) do
        for _, fd in ipairs(command:find(support.host, 1, true) and core.fs.list("/proc/" .. pid .. "/fdinfo") or {}) do
          local file = io.open("/proc/" .. pid .. "/fdinfo/" .. fd)
          for inode in (file and file:read "a" or ""):gmatch "inotify wd:%x+ ino:(%x+)" do
            if wanted[inode] then seen = seen + 1 end
          end
          if file then file:close() end
        end
      end
      return seen == count
    end
    support.eventually(watched, "the command watches")
    return background
  end

  describe("wait", function()
    it("ends at once when everything has ended: 0, or 1 and which did not go well", function()
      local good, bad = add "Good", add "Bad"
      assert(task("done", good).code == 0 and task("cancel", bad).code == 0)
      assert.same({ 0, "" }, { task("wait", good).code, task("wait", "good").stderr })
      local result = task("wait", good, bad)
      assert.equal(1, result.code)
      assert.matches("'Bad' %(" .. bad:gsub("%-", "%%-") .. "%) is in cancelled", result.stderr)
      assert.is_nil(result.stderr:find("Good", 1, true))
      assert.equal(1, task("wait", bad, "--timeout", "0").code)
    end)

    it("an unknown id, a bad number: 2", function()
      local result = task("wait", add "One", "nosuch")
      assert.equal(2, result.code)
      assert.matches("no task 'nosuch'", result.stderr)
      for _, text in ipairs { "x", "-1", "nan", "inf", "1e99" } do
        assert.equal(2, task("wait", "one", "--timeout", text).code)
      end
    end)

    it("124 on timeout, with what is still open", function()
      local id = add "One"
      for _, seconds in ipairs { "0", "0.2" } do
        local result = task("wait", id, "--timeout", seconds)
        assert.equal(124, result.code)
        assert.matches("'One' .* is in todo", result.stderr)
      end
    end)

    it("sees the end of the last task by itself; questions and reviews are no end", function()
      support.run(function()
        local first, second = add "First", add "Second"
        local dirs = {}
        for i, status in ipairs(core.store.statuses) do dirs[i] = "tasks/" .. status end
        local waiting = start(dirs, { "task", "wait", first, second }, 2) -- its store does, too
        assert(task("done", first).code == 0)
        assert(task("edit", second, "note=x").code == 0)
        local tasks <close> = assert(store.open(path .. "/.agentlua/tasks"))
        assert(tasks:move(second, "needs-input"))
        assert(tasks:move(second, "needs-review"))
        assert.is_nil(waiting.result)
        assert(tasks:move(second, "skipped"))
        support.eventually(function() return waiting.result end, "the command ends")
        assert.equal(1, waiting.result.code)
        assert.matches("'Second' .* is in skipped", waiting.result.stderr)
      end)
    end)
  end)

  describe("log", function()
    it("has the events of one task, as agentlua log has them", function()
      local one, two = add "One", add "Two"
      assert(task("done", one).code == 0 and task("skip", two).code == 0 and task("reopen", one).code == 0)
      local text = task("log", "one").stdout
      assert.equal(2, select(2, text:gsub("\n", "")))
      assert.equal(support.agentlua({ "log", "--task", one, cwd = path }).stdout, text)
      local last = support.agentlua { "log", "--task", two, "-n", "1", "--json", cwd = path }
      assert.equal("skipped", core.json.parse(last.stdout).to)
      assert.equal(2, task("log", "nosuch").code)
    end)

    it("-f prints what comes, when it comes", function()
      support.run(function()
        local one, two = add "One", add "Two"
        assert(task("done", one).code == 0)
        local out = support.dir .. "/out"
        local following = start({ "" }, { "task", "log", one, "-f", stdout = "file", stdout_file = out })
        local function shows(text)
          support.eventually(function() return (core.fs.read(out) or ""):find(text, 1, true) end, text)
        end
        shows "to=done"
        assert(task("skip", two).code == 0)
        assert(task("reopen", one).code == 0)
        shows "to=todo"
        assert.is_nil(core.fs.read(out):find("to=skipped", 1, true))
        fiber.cancel(following)
      end)
    end)
  end)
end)
