local core = require "agentlua.core"
local store = require "agentlua.store"
local support = require "support"

-- A queue as another program writes it: dependencies name the `slug` field, keys come in any order,
-- there are fields that nobody here knows.
describe("a task directory of another program", function()
  local dir, count = nil, 120
  before_each(support.setup)
  after_each(support.teardown)

  local function text_of(i)
    local needs = {}
    for _, back in ipairs { 1, 7, 31 } do
      if i > back and i % 3 ~= back % 3 then needs[#needs + 1] = ('"area-%d-step"'):format(i - back) end
    end
    local order = i % 2 == 0 and '"priority": %d, "slug": "area-%d-step"' or '"slug_first": true, "priority": %d, '
      .. '"slug": "area-%d-step"'
    return ('{\n    "name": "Do step %d of the area",\n    %s,\n    "id": "%08x-0000-4000-8000-000000000000",\n'
      .. '    "dependencies": [%s],\n    "human_hours": %d.50, "prd_refs": [ ], "notes": {},\n'
      .. '    "sequence": 9007199254740993,\n    "completed_at": null, "status": "todo"\n}\n'):format(i,
      order:format(1 + i * 37 % 20, i), i, table.concat(needs, ", "), i)
  end

  before_each(function()
    dir = support.dir .. "/.bot/workspace/tasks"
    assert(core.fs.mkdir(dir .. "/todo"))
    for i = 1, count do
      assert(core.fs.write { path = ("%s/todo/do-step-%d-%08x.json"):format(dir, i, i), content = text_of(i) })
    end
  end)

  local function number(task) return tonumber(task.slug:match "%d+") end

  it("is worked through in an order that respects every dependency, best priority first", function()
    local tasks <close> = assert(store.open(dir, { create = true }))
    local done, last = {}, 0
    for _ = 1, count do
      local task = assert(tasks:claim { from = { "analysed", "todo" }, to = "in-progress" })
      for _, slug in ipairs(task.dependencies) do assert.is_true(done[slug], task.slug .. " before " .. slug) end
      assert.is_nil(done[task.slug])
      done[task.slug] = true
      last = number(task)
      assert(tasks:move(task.id, "done", { completed_at = "2026-01-01T00:00:00Z" }))
      tasks:release(task.id)
    end
    assert.truthy(last > 0)
    assert.is_nil(tasks:claim { from = { "analysed", "todo" }, to = "in-progress" })
    assert.equal(count, #tasks:list "done")
  end)

  it("says of every task that waits what it waits for", function()
    local tasks <close> = assert(store.open(dir))
    local answer = assert(tasks:next { "todo" })
    assert.equal(count, answer.ready + #answer.blocked)
    assert.truthy(#answer.blocked > 60)
    for _, task in ipairs(answer.blocked) do
      assert.equal("time", task.kind)
      assert.matches("depends on 'Do step %d+ of the area' %(%x+%), which is not done yet", task.reasons[1].text)
    end
  end)

  it("a change touches its own field; order, numbers and empty lists stay as they were", function()
    local tasks <close> = assert(store.open(dir))
    for i = 1, count, 13 do
      local id = ("%08x-0000-4000-8000-000000000000"):format(i)
      local task = assert(tasks:update(id, { priority = 77 }))
      local path = ("%s/todo/%s"):format(dir, task.file)
      local expected = text_of(i):gsub('"priority": %d+', '"priority": 77')
      local found = core.fs.read(path):gsub(',\n    "updated_at": "[^"]*"', "")
      assert.equal(expected, found)
    end
  end)
end)
