local history = require "agentlua.attempt.history"
local session = require "agentlua.attempt.session"

describe("the attempts of a task", function()
  local function task(...) return { attempts = { ... } } end
  local function a(ending, more)
    local one = { ending = ending, phase = "execute", agent = "x", account = "x/default", cwd = "/w" }
    for name, value in pairs(more or {}) do one[name] = value end
    return one
  end

  it("count since the task was last handed over, of one phase", function()
    local crash, last = a("crash", { spent = true }), a("crash", { spent = true, last = true })
    local function spent(...) return history.spent(history.series(task(...), "execute")) end
    assert.equal(0, history.spent(history.series({}, "execute")))
    assert.equal(2, spent(crash, a "limit", crash, a "stopped", a()))
    assert.equal(1, spent(crash, last, crash, a "max_turns"))
    assert.equal(0, spent(crash, a("done", { phase = "analyse" })))
  end)

  it("are in a row also when something lies between that says nothing of the work", function()
    local function ended(ending, ...) return (history.ended({ ... }, ending)) end
    assert.equal(2, ended("max_turns", a "crash", a "max_turns", a "stopped", a "limit", a(), a "max_turns"))
    assert.equal(0, ended("max_turns", a "max_turns", a "crash"))
    local other = a("limit", { account = "y/default" })
    local count, first = history.ended({ a("limit", { n = 1 }), other, a "limit" }, "limit", { account = "x/default" })
    assert.same({ 2, 1 }, { count, first.n })
    local passing = a("api_error", { retry = true })
    assert.equal(1, history.retries { passing, a "api_error", passing })
  end)

  it("that were dead at once are told from those that worked first", function()
    assert.equal(2, history.quick_crashes { a("crash", { seconds = 0.1 }), a("crash", { seconds = 1.9 }) })
    assert.equal(0, history.quick_crashes { a("crash", { seconds = 0.1 }), a("crash", { seconds = 30 }) })
    assert.equal(0, history.quick_crashes { a("crash", { seconds = "x" }) })
  end)

  it("hand on what went wrong, until one has worked and nothing did", function()
    local failed = a("done", { feedback = "tests fail" })
    assert.equal("tests fail", history.failure { failed, a "limit", a "stopped", a() })
    assert.is_nil(history.failure { failed, a "max_turns" })
    assert.is_nil(history.failure {})
  end)

  it("go on in the newest session of the same agent in the same directory", function()
    local backend = { name = "x", argv = { "x", { "--resume", "{session}" } } }
    local function of(...) return session.of({ ... }, backend, "/w") end
    assert.equal("2", of(a("limit", { session = "1" }), a("stopped", { session = "2" })))
    assert.equal("1", of(a("limit", { session = "1" }), a("limit", { session = "2", agent = "y" })))
    assert.equal("1", of(a("limit", { session = "1" }), a("limit", { session = "2", cwd = "/other" }), a "crash"))
    assert.is_nil(of(a("limit", { session = "1" }), a("api_error", { no_session = true })))
    assert.is_nil(of(a("limit", { session = 5 })))
    assert.is_nil(session.of({ a("limit", { session = "1" }) }, { name = "x", argv = { "x" } }, "/w"))
  end)
end)
