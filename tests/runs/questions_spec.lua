local support = require "support"

describe("an agent that asks", function()
  local w
  before_each(function() w = support.new() end)
  after_each(function() w:close() end)

  it("waits for a person; the answer is in its next prompt, and the work goes on", function()
    local id = w:add "a thing"
    local result = w:run "asks"
    assert.equal(0, result.code, result.stdout .. result.stderr)
    local task = w:task(id)
    assert.same({ "needs-input", "Which file?" }, { task.status, task.pending_question.question })
    assert.equal("needs_input", task.attempts[1].ending)
    assert.equal(1, #w:events "question")
    assert.equal(0, w:al("task", "answer", id, "b").code)
    result = w:run "asks"
    assert.equal(0, result.code, result.stdout .. result.stderr)
    assert.equal("done", w:task(id).status)
    assert.equal("answered\n", w:read "second.txt")
  end)

  it("analysis: the answer reaches the second analysis, its result is kept", function()
    local id = w:add "a thing"
    assert.equal(0, w:al("run", "analyse.lua", "--agent", w:agent "asks").code)
    assert.equal("needs-input", w:task(id).status)
    assert.equal(0, w:al("task", "answer", id, "B").code)
    assert.equal(0, w:al("run", "analyse.lua", "--agent", w:agent "asks").code)
    local task = w:task(id)
    assert.equal("analysed", task.status)
    assert.is_string(task.analysis.analysed_at)
    assert.is_false(w:exists "second.txt")
  end)

  it("a failed task is tried again by later runs as often as `revive` says", function()
    w:config "revive = 1, attempts = 1"
    local id = w:add "a thing"
    assert.equal(1, w:run("fail").code)
    assert.equal("failed", w:task(id).status)
    assert.equal(1, w:run("fail").code)
    assert.equal(1, w:task(id).revived)
    assert.equal(0, w:run("fail").code) -- not again
    assert.equal(2, #w:task(id).attempts)
  end)
end)
