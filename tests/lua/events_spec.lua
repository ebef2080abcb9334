local core = require "agentlua.core"
local events = require "agentlua.events"
local support = require "support"

describe("events", function()
  local path
  before_each(support.setup)
  before_each(function() path = support.dir .. "/deep/events.jsonl" end)
  after_each(support.teardown)

  local function all()
    local list = {}
    for event in events.read(path) do list[#list + 1] = event end
    return list
  end

  it("append writes one line of JSON: time, type, the log's fields, the event's", function()
    local log = events.open(path, { run = "r1", task = "none" })
    local before = core.time.now()
    assert.is_true(log:append("task_moved", { task = "t1", reason = core.json.null, n = { 1 } }))
    assert.is_true(log:append "run_ended")
    local list = all()
    assert.equal(2, #list)
    assert.same({ "task_moved", "r1", "t1" }, { list[1].type, list[1].run, list[1].task })
    assert.same({ "run_ended", "none" }, { list[2].type, list[2].task })
    assert.equal(core.json.null, list[1].reason)
    assert.matches("^%d+%-%d%d%-%d%dT[%d:.]+Z$", list[1].time)
    assert.is_true(math.abs(core.time.parse_iso(list[1].time) - before) < 60)
    local _, lines = core.fs.read(path):gsub("\n", "")
    assert.equal(2, lines)
  end)

  it("a text with newlines and control bytes stays in its line", function()
    events.open(path):append("said", { text = "a\nb\27[2J\xff" })
    assert.equal("a\nb\27[2J\u{fffd}", all()[1].text)
  end)

  it("what cannot be written never stops the work: false and why", function()
    support.write("file", "")
    local ok, message = events.open(support.dir .. "/file/events.jsonl"):append "x"
    assert.is_false(ok)
    assert.matches("/file", message)
    ok, message = events.open(path):append("x", { f = print })
    assert.is_false(ok)
    assert.matches("function", message)
  end)

  it("read passes over lines that are no event, and a last line that is not whole", function()
    local good = '{"time":"2026-01-01T00:00:00Z","type":"good"}'
    support.write("deep/events.jsonl", table.concat({
      "no json", good, "5", "null", "[]", '"text"', "{}", '{"type":5}', "", good, '{"time":"2026',
    }, "\n"))
    local list = all()
    assert.equal(2, #list)
    assert.equal("good", list[2].type)
  end)

  it("read goes on where it was: after the last whole event, and anew in another log", function()
    local log, last = events.open(path), 0
    local function more()
      local types = {}
      for event, after in events.read(path, last) do types[#types + 1], last = event.type, after end
      return table.concat(types, " ")
    end
    log:append "a"
    log:append "b"
    assert.equal("a b", more())
    assert.equal(core.fs.stat(path).size, last)
    assert.equal("", more())
    local half = '{"time":"2026-01-01T00:00:00Z",'
    core.fs.append { path = path, text = half }
    assert.equal("", more())
    core.fs.append { path = path, text = '"type":"c"}\n' }
    assert.equal("c", more())
    support.write("deep/events.jsonl", '{"time":"2026-01-01T00:00:00Z","type":"new"}\n')
    assert.equal("new", more())
  end)

  it("read of a log that is not there has no events", function() assert.same({}, all()) end)

  it("several writers do not mix their lines", function()
    local script = support.write("write.lua", [[
      local log = require("agentlua").events.open(arg[1], { writer = arg[2] })
      for i = 1, 200 do assert(log:append("tick", { i = i, text = ("x"):rep(500) })) end
    ]])
    local fiber = require "agentlua.fiber"
    support.run(function()
      local group <close> = fiber.group()
      for writer = 1, 3 do
        group:spawn(function()
          local result = support.agentlua { "run", script, path, tostring(writer) }
          assert(result.code == 0, result.stderr)
        end)
      end
      group:wait()
    end)
    local seen = { ["1"] = 0, ["2"] = 0, ["3"] = 0 }
    for _, event in ipairs(all()) do
      seen[event.writer] = seen[event.writer] + 1
      assert.equal(seen[event.writer], event.i)
    end
    assert.same({ ["1"] = 200, ["2"] = 200, ["3"] = 200 }, seen)
  end)
end)
