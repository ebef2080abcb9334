local core = require "agentlua.core"
local support = require "support"

describe("agentlua fsck", function()
  local path, id
  before_each(support.setup)
  before_each(function()
    path = support.project()
    id = support.agentlua({ "task", "add", "A thing", cwd = path }).stdout:gsub("\n", "")
  end)
  after_each(support.teardown)

  local function fsck()
    local result = support.agentlua { "fsck", "--json", cwd = path }
    return result.code, core.json.parse(result.stdout)
  end
  local function tasks(name) return path .. "/.agentlua/tasks/" .. name end
  local function file_of()
    return core.json.parse(support.agentlua({ "task", "show", id, "--json", cwd = path }).stdout).file
  end

  it("finds nothing in a store that is well", function()
    local code, found = fsck()
    assert.same({ 0, true, 0 }, { code, found.ok, #found.findings })
    assert.equal("all is well\n", support.agentlua({ "fsck", cwd = path }).stdout)
  end)

  it("names damage, and exits 4: unreadable, twice there, impossible fields", function()
    local file = file_of()
    assert(core.fs.copy { from = tasks("todo/" .. file), to = tasks("done/" .. file) })
    assert(core.fs.write { path = tasks "todo/broken.json", content = "{" })
    assert(core.fs.write { path = tasks "done/empty.json", content = "" })
    assert(core.fs.write {
      path = tasks "todo/odd.json",
      content = '{"id":"odd","name":"Odd","priority":"high","attempts":[{"n":2},{"n":1}]}',
    })
    local code, found = fsck()
    assert.equal(4, code)
    local text = core.json.dump(found)
    for _, expected in ipairs {
      "todo/broken.json", "done/empty.json", "is also in done/" .. file, "'priority' must be a number",
      "attempt 1 comes after attempt 2",
    } do assert.truthy(text:find(expected, 1, true), expected .. " in " .. text) end
    assert.equal("damage", found.findings[1].kind)
  end)

  it("names what the next run cleans up, and exits 0", function()
    local file = file_of()
    assert(core.fs.mkdir(tasks "in-progress"))
    assert(os.rename(tasks("todo/" .. file), tasks("in-progress/" .. file)))
    assert(core.fs.write { path = tasks "todo/.tmp.1.1", content = "x" })
    assert(core.fs.write { path = tasks "todo/notes.txt", content = "x" })
    local code, found = fsck()
    assert.equal(0, code)
    local messages = {}
    for _, one in ipairs(found.findings) do messages[#messages + 1] = one.kind .. " " .. one.message end
    assert.same({
      "leftover nobody works on it: its runner has died", "leftover a writer has died here",
      "leftover is no task and is not looked at",
    }, messages)
  end)
end)

describe("agentlua task edit", function()
  before_each(support.setup)
  after_each(support.teardown)

  it("takes values of the right kind, and changes nothing else", function()
    local path = support.project()
    local id = support.agentlua({ "task", "add", "A thing", cwd = path }).stdout:gsub("\n", "")
    local function edit(...) return support.agentlua { "task", "edit", id, cwd = path, ... } end
    local function show()
      return core.json.parse(support.agentlua({ "task", "show", id, "--json", cwd = path }).stdout)
    end
    local result = edit("priority=abc", "effort=S")
    assert.equal(2, result.code)
    assert.matches("field 'priority' must be a number; 1 is first; nothing was changed", result.stderr, 1, true)
    assert.equal("M", show().effort)
    assert.equal(2, edit("not_before=tomorrow").code)
    local fine = edit("priority=3", "name=42", 'dependencies=["a","b"]', "hold=true", 'extra={"x":1}', "note=7")
    assert.equal(0, fine.code)
    local task = show()
    assert.same({ 3, "42", "b", true, 1, 7 },
      { task.priority, task.name, task.dependencies[2], task.hold, task.extra.x, task.note })
    assert.equal(0, edit("hold=null", "not_before=2020-01-01T00:00:00Z").code)
    assert.equal(core.json.null, show().hold)
  end)

  it("leaves every other byte of the file", function()
    local path = support.project()
    local file = path .. "/.agentlua/tasks/todo/odd.json"
    local text = '{\n\t"name": "Odd \\u00e9",\n\t"id": "odd-1",\n\t"big": 123456789012345678901234567890,\n'
      .. '\t"float": 1.50,\n\t"empty": [],\n\t"none": {},\n\t"list": [1,2,  3],\n\t"updated_at": "x"\n}'
    assert(core.fs.write { path = file, content = text })
    assert(support.agentlua({ "task", "edit", "odd-1", "priority=3", cwd = path }).code == 0)
    local after = core.fs.read(file)
    local expected = text:gsub('"updated_at": "x"\n}', '"updated_at": "TIME",\n\t"priority": 3\n}')
    assert.equal(expected, (after:gsub('("updated_at": )"[^"]*"', '%1"TIME"')))
  end)
end)
