local core = require "agentlua.core"
local fiber = require "agentlua.fiber"
local store = require "agentlua.store"
local support = require "support"

local null = core.json.null

describe("store", function()
  local dir, tasks
  before_each(support.setup)
  before_each(function()
    dir = support.dir .. "/tasks"
    tasks = assert(store.open(dir, { create = true }))
  end)
  after_each(function() tasks:close() end)
  after_each(support.teardown)

  local function text_of(task)
    return core.fs.read(dir .. "/" .. task.status .. "/" .. task.file)
  end
  local function names(list)
    local all = {}
    for i, task in ipairs(list) do all[i] = task.name end
    return all
  end
  local function fails(code, text, value, message, given)
    assert.is_nil(value)
    assert.equal(code, given)
    assert.truthy(message:find(text, 1, true), message)
  end

  it("open makes the directories only when it is told to", function()
    for _, status in ipairs(store.statuses) do
      assert.equal("directory", core.fs.stat(dir .. "/" .. status).type)
    end
    local other <close> = assert(store.open(support.dir .. "/other"))
    assert.same({}, other:list())
    assert.is_nil(core.fs.stat(support.dir .. "/other"))
    support.write("file", "")
    fails("ENOTDIR", support.dir .. "/file", store.open(support.dir .. "/file/tasks", { create = true }))
  end)

  it("add fills in id, dates and defaults, and refuses what is no task", function()
    local task = assert(tasks:add { name = "Fix the thing" })
    assert.matches("^%x+%-%x+%-", task.id)
    assert.same({ "todo", 50, task.id:sub(1, 8) }, { task.status, task.priority, task.id8 })
    assert.equal("Fix the thing", core.json.parse(text_of(task)).name)
    fails("EINVAL", "name", tasks:add { description = "no name" })
    fails("EINVAL", "../x", tasks:add { name = "x", id = "../x" })
    fails("EEXIST", task.id, tasks:add { name = "x", id = task.id })
    assert.equal(1, #tasks:list())
  end)

  it("get finds by id, unique prefix, slug and file stem", function()
    local task = assert(tasks:add { name = "Fix the Thing!", id = "abc-1" })
    tasks:add { name = "Other", id = "abc-2" }
    for _, key in ipairs { "abc-1", task.id8, "fix-the-thing", task.file:match "^(.*)%.json$" } do
      assert.equal("abc-1", assert(tasks:get(key)).id, key)
    end
    fails("ENOENT", "nosuch", tasks:get "nosuch")
    fails("EAMBIGUOUS", "abc-1 (Fix the Thing!) abc-2 (Other)", tasks:get "abc")
  end)

  it("JSON null is json.null, what is absent is nil, and both stay that way", function()
    local task = assert(tasks:add { name = "x", reason = null, list = { 1, null, 3 } })
    task = tasks:get(task.id)
    assert.equal(null, task.reason)
    assert.equal(null, task.list[2])
    assert.is_nil(task.nothing)
    task = assert(tasks:update(task.id, { hold = null, other = 1 }))
    assert.equal(null, task.hold)
    assert.equal(null, core.json.parse(text_of(task)).reason)
  end)

  it("update merges fields; the others keep their kind and their order", function()
    local fields = '{"zebra":1.0,"id":"t1","name":"%s","apple":[[],{}],"big":9007199254740993'
    support.write("tasks/todo/x.json", fields:format "x" .. "}\n")
    local task = assert(tasks:update("t1", { name = "y", new = core.json.array() }))
    assert.equal("y", task.name)
    local text = text_of(task):gsub("%s+", "")
    assert.truthy(text:find(fields:format "y" .. ",", 1, true), text)
    assert.truthy(text:find('"new":[]', 1, true), text)
    fails("ENOENT", "nosuch", tasks:update("nosuch", {}))
  end)

  it("list is in the order of work, of one status when asked", function()
    for name, priority in pairs { third = 90, first = 1, second = 50 } do
      tasks:add { name = name, priority = priority }
    end
    tasks:add { name = "over", status = "done" }
    assert.same({ "first", "second", "third" }, names(tasks:list "todo"))
    assert.same({ "over" }, names(tasks:list "done"))
    assert.equal(4, #tasks:list())
    fails("EINVAL", "nosuch", tasks:list "nosuch")
  end)

  it("next names the task, and why each other one may not run", function()
    assert.same({ nil, 0 }, { tasks:next("todo").task, tasks:next("todo").ready })
    local one = tasks:add { name = "one" }
    tasks:add { name = "two", dependencies = { one.id, "ghost" } }
    tasks:add { name = "three", hold = true }
    local answer = assert(tasks:next { "analysed", "todo" })
    assert.same({ "one", 1, 2 }, { answer.task.name, answer.ready, #answer.blocked })
    local why = {}
    for _, task in ipairs(answer.blocked) do
      why[task.name] = { task.kind, task.reasons[#task.reasons].code }
    end
    assert.same({ two = { "ever", "missing" }, three = { "person", "hold" } }, why)
  end)

  it("claim moves and owns; nil without an error when nothing may run", function()
    assert.same({ n = 1 }, table.pack(tasks:claim { from = "todo", to = "in-progress" }))
    local added = tasks:add { name = "one" }
    local task = assert(tasks:claim { from = { "analysed", "todo" }, to = "in-progress" })
    assert.same({ added.id, "in-progress", "todo" }, { task.id, task.status, task.claimed_from })
    assert.is_true(tasks:is_owned(task.id))
    assert.is_true(math.type(tasks:owner_fd(task.id)) == "integer")
    assert.is_nil(tasks:claim { from = "todo", to = "in-progress" })
    tasks:release(task.id)
    assert.is_false(tasks:is_owned(task.id))
    fails("ENOENT", "not owned", tasks:owner_fd(task.id))
  end)

  it("claim takes the task that is named, and passes over those that are excluded", function()
    local one = tasks:add { name = "one", priority = 1 }
    local two = tasks:add { name = "two", priority = 2 }
    local function claim(options)
      options.from, options.to = "todo", "in-progress"
      return tasks:claim(options)
    end
    assert.is_nil(claim { exclude = { one.id, two.id } })
    assert.equal("two", claim({ exclude = { one.id } }).name)
    assert.is_nil(claim { id = two.id })
    assert.equal("one", claim({ id = one.id }).name)
  end)

  it("a claim says when somebody had hold of a task: nothing else will tell when that is over", function()
    local other <close> = assert(store.open(dir))
    local id = assert(tasks:add { name = "one" }).id
    assert.equal(id, other:claim { from = "todo", to = "in-progress" }.id)
    assert(other:move(id, "todo")) -- and it still owns it
    assert.is_nil(tasks:claim { from = "todo", to = "in-progress" })
    assert.is_true(tasks:was_contended())
    other:release(id)
    assert.equal(id, tasks:claim { from = "todo", to = "in-progress" }.id)
    assert.is_false(tasks:was_contended())
  end)

  it("what one store owns, another can neither claim nor move", function()
    local other <close> = assert(store.open(dir))
    local id = tasks:add({ name = "one" }).id
    tasks:claim { from = "todo", to = "in-progress" }
    assert.is_nil(other:claim { from = "in-progress", to = "analysing" })
    assert.is_true(other:is_owned(id))
    fails("ELOCKED", id, other:move(id, "todo"))
    assert.equal("done", assert(tasks:move(id, "done", { reason = "well" })).status)
    tasks:release(id)
    local task = assert(other:move(id, "todo", { reason = null }))
    assert.same({ "todo", null }, { task.status, task.reason })
    fails("EINVAL", "nosuch", other:move(id, "nosuch"))
  end)

  it("recover takes over what a dead owner left, once", function()
    local id = tasks:add({ name = "one", status = "analysed" }).id
    tasks:claim { from = "analysed", to = "in-progress" }
    local other <close> = assert(store.open(dir))
    assert.same({}, other:recover())
    tasks:close() -- the owner is gone, and its lock with it
    local left = assert(other:recover())
    assert.same({ 1, id, "analysed" }, { #left, left[1].id, left[1].claimed_from })
    assert.is_true(other:is_owned(id))
    assert.same({}, other:recover())
  end)

  it("problems are files that cannot be read; quarantine keeps them, with the reason", function()
    support.write("tasks/todo/bad.json", "{ no json")
    tasks:add { name = "good" }
    local problems = assert(tasks:problems())
    assert.same({ 1, "todo", "bad.json" }, { #problems, problems[1].status, problems[1].file })
    assert.matches("bad.json", problems[1].reason)
    assert.is_true(tasks:quarantine(problems[1]))
    assert.is_false(tasks:quarantine(problems[1]))
    assert.same({}, tasks:problems())
    local kept = core.fs.list(dir .. "/.quarantine")
    assert.equal("{ no json", core.fs.read(dir .. "/.quarantine/" .. kept[1]))
    assert.equal(kept[1] .. ".reason", kept[2])
    assert.same({ "good" }, names(tasks:list()))
  end)

  it("watch calls whenever something changes, until it is closed", function()
    local bell, calls = fiber.bell(), 0
    local watch = tasks:watch(function()
      calls = calls + 1
      bell:ring()
    end)
    support.run(function()
      tasks:add { name = "one" }
      bell:wait()
      support.write("tasks/done/by-hand.json", '{"id":"x","name":"y"}')
      bell:wait()
    end)
    watch.close()
    local before = calls
    tasks:add { name = "two" }
    fiber.sleep(0.02)
    assert.equal(before, calls)
  end)
end)
